package main

import (
	"context"
	"errors"
	"net"
	"net/url"

	"github.com/huin/goupnp/dcps/internetgateway2"
	"golang.org/x/sync/errgroup"
)

// A router is what goupnp's three kinds of WAN connection have in common.
type router interface {
	LocalAddr() net.IP
	GetExternalIPAddressCtx(ctx context.Context) (string, error)
	AddPortMappingCtx(ctx context.Context, remoteHost string, externalPort uint16, protocol string,
		internalPort uint16, internalClient string, enabled bool, description string, lease uint32) error
	DeletePortMappingCtx(ctx context.Context, remoteHost string, externalPort uint16, protocol string) error
	GetGenericPortMappingEntryCtx(ctx context.Context, index uint16) (remoteHost string, externalPort uint16,
		protocol string, internalPort uint16, internalClient string, enabled bool, description string, lease uint32, err error)
}

// found are the services of each kind.
type found struct {
	ip1 []*internetgateway2.WANIPConnection1
	ip2 []*internetgateway2.WANIPConnection2
	ppp []*internetgateway2.WANPPPConnection1
}

// pick takes the only service of the best kind.
func pick(ctx context.Context, location string) (router, error) {
	look := search
	if location != "" {
		look = func(ctx context.Context) (found, error) { return open(ctx, location) }
	}
	f, err := look(ctx)
	switch {
	case err != nil:
		return nil, err
	case len(f.ip2) == 1:
		return f.ip2[0], nil
	case len(f.ip1) == 1:
		return f.ip1[0], nil
	case len(f.ppp) == 1:
		return f.ppp[0], nil
	}
	return nil, errors.New("multiple or no services found")
}

// search looks for all three kinds at once.
func search(ctx context.Context) (f found, err error) {
	tasks, ctx := errgroup.WithContext(ctx)
	tasks.Go(func() (err error) {
		f.ip1, _, err = internetgateway2.NewWANIPConnection1ClientsCtx(ctx)
		return err
	})
	tasks.Go(func() (err error) {
		f.ip2, _, err = internetgateway2.NewWANIPConnection2ClientsCtx(ctx)
		return err
	})
	tasks.Go(func() (err error) {
		f.ppp, _, err = internetgateway2.NewWANPPPConnection1ClientsCtx(ctx)
		return err
	})
	return f, tasks.Wait()
}

// open reads the description at location. A kind that it does not have is an error to goupnp, so
// the first that is there is enough.
func open(ctx context.Context, location string) (f found, err error) {
	loc, err := url.Parse(location)
	if err != nil {
		return f, err
	}
	if f.ip2, err = internetgateway2.NewWANIPConnection2ClientsByURLCtx(ctx, loc); err == nil {
		return f, nil
	}
	if f.ip1, err = internetgateway2.NewWANIPConnection1ClientsByURLCtx(ctx, loc); err == nil {
		return f, nil
	}
	f.ppp, err = internetgateway2.NewWANPPPConnection1ClientsByURLCtx(ctx, loc)
	return f, err
}
