package device

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"upnp/description"
	"upnp/igd/wire"
	"upnp/ssdp"
)

// DefaultProduct is the SERVER header of a Host that has no other: it names nobody.
const DefaultProduct = "Go/1 UPnP/1.1 upnp/1"

// A Host puts a device on the network of one interface: it serves its documents, passes on calls
// and subscriptions, announces it and answers searches. It lets in who is on that network, asks
// for it by its address, and is no web page.
//
// The zero value of every field but Root is usable.
type Host struct {
	// Root is the device description. Its URLs may be whatever resolves against its Location, which
	// Serve sets.
	Root *description.Root
	// Service is what answers for a service of Root; nil, and a nil result, nobody.
	Service func(*description.Service) *Handlers

	Network wire.Network // nil: wire.System()
	// Interface is the name of the one interface to serve on; empty is loopback. Naming
	// another is consent to be found by everybody on that network.
	Interface string
	// Public allows an address that anybody on the Internet can reach.
	Public bool
	// IPv4Only leaves out the IPv6 address of an interface that has both.
	IPv4Only bool
	Port     uint16 // of HTTP; 0 is any free one
	Logger   *slog.Logger
	// Product is the SERVER of answers; empty is DefaultProduct.
	Product string
	// BootID tells restarts apart (BOOTID.UPNP.ORG); 0 is the time Serve is called.
	BootID uint32
	// MaxDelay caps the random delay of answers to searches, which a searcher bounds in whole
	// seconds (MX). 0 is up to what is asked, as the standard has it for a LAN full of devices.
	MaxDelay time.Duration
	// WrapHTTP sees every HTTP request that passed the guard; nil is none.
	WrapHTTP func(http.Handler) http.Handler
	// Answer decides what is really sent for one answer to a search, see ssdp.Server; nil
	// changes nothing.
	Answer func(search *ssdp.Packet, answer ssdp.Reply) []ssdp.Reply
	// Ready is called with the URL of the description when it can be fetched and found.
	Ready func(location string)
}

// Serve works until ctx ends; then it says goodbye, waits for what it started and returns nil.
// It fails at once when the interface or the port cannot be had.
func (h *Host) Serve(ctx context.Context) error {
	s, err := h.Open(ctx)
	if err != nil {
		return err
	}
	if h.Root != nil {
		h.Root.Location = s.Location()
	}
	return s.Serve(ctx)
}

// A Site is where a Host is: it listens already, and Serve serves.
type Site struct {
	host    *Host
	network wire.Network
	ifi     ssdp.Interface
	ends    []end // the first is the device's own; another is of the other family
	ready   sync.Once
}

// An end is an address that is listened on.
type end struct {
	listener net.Listener
	at       netip.AddrPort
}

// Open does everything that can fail at once, for who has to know the address first: Root, its
// Location and Service may be set before the site's Serve, which has to follow.
func (h *Host) Open(ctx context.Context) (*Site, error) {
	s := &Site{host: h, network: h.Network}
	if s.network == nil {
		s.network = wire.System()
	}
	addrs, err := s.choose()
	if err == nil {
		err = s.listen(ctx, addrs[0], h.Port)
	}
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	for _, addr := range addrs[1:] { // the second at the same port, if that is free
		if err := s.listen(ctx, addr, s.ends[0].at.Port()); err != nil && h.Port == 0 {
			err = s.listen(ctx, addr, 0)
		} else if err != nil {
			h.log().Warn("not served", "address", addr, "error", err)
		}
	}
	return s, nil
}

func (s *Site) listen(ctx context.Context, addr netip.Addr, port uint16) error {
	l, err := s.network.Listen(ctx, "tcp", netip.AddrPortFrom(addr, port).String())
	if err != nil {
		return err
	}
	at, err := netip.ParseAddrPort(l.Addr().String())
	if err != nil {
		l.Close()
		return err
	}
	s.ends = append(s.ends, end{l, netip.AddrPortFrom(at.Addr().Unmap(), at.Port())})
	return nil
}

// Addr is the address of the device: IPv4 where the interface has one.
func (s *Site) Addr() netip.Addr { return s.ends[0].at.Addr() }

// Location is the URL of the description at Addr.
func (s *Site) Location() string { return s.ends[0].location() }

// location is the URL of the description. A zone means nothing to others and is left out.
func (e end) location() string {
	return "http://" + netip.AddrPortFrom(e.at.Addr().WithZone(""), e.at.Port()).String() + rootPath
}

// Serve serves until ctx ends or a part fails, and then takes everything down in order: the
// goodbye first, while the description can still be fetched.
func (s *Site) Serve(outside context.Context) error {
	ctx, cancel := context.WithCancel(outside)
	defer cancel()
	if s.host.Root == nil {
		s.close()
		return errors.New("serve: a Host needs a Root")
	}
	handler, publishers := s.mount()
	var telling sync.WaitGroup
	defer telling.Wait()
	defer cancel()
	for _, p := range publishers {
		telling.Go(func() { _ = p.Serve(ctx) }) // it fails only when it is called twice
	}
	web := newWebServer(s, handler, ctx)
	served := make(chan error, len(s.ends))
	for _, e := range s.ends {
		go func() {
			defer cancel()
			served <- web.serve(e.listener)
		}()
	}
	failures := []error{s.announcer().Serve(ctx)}
	cancel()
	web.stop()
	for range s.ends {
		failures = append(failures, <-served)
	}
	if outside.Err() != nil {
		return nil // what failed then failed because of that
	}
	return errors.Join(failures...)
}

func (s *Site) close() {
	for _, e := range s.ends {
		e.listener.Close()
	}
}

func (h *Host) log() *slog.Logger {
	if h.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return h.Logger
}

func (h *Host) product() string {
	if h.Product == "" {
		return DefaultProduct
	}
	return h.Product
}
