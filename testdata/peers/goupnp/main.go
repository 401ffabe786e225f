// Command goupnp is a port mapping client on github.com/huin/goupnp, written as that library's
// guide shows.
//
//	goupnp [-u URL] ip | add EXTERNAL INTERNAL | list | delete EXTERNAL
//
// URL is the router's description; without it the network is searched.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"

	"github.com/huin/goupnp/soap"
)

func main() {
	location := flag.String("u", "", "`URL` of the router's description")
	flag.Parse()
	if err := run(context.Background(), *location, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "goupnp:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, location string, args []string) error {
	verb, ports, err := parse(args)
	if err != nil {
		return err
	}
	r, err := pick(ctx, location)
	if err != nil {
		return err
	}
	switch verb {
	case "ip":
		return printAddress(ctx, r)
	case "add":
		return add(ctx, r, location, ports[0], ports[1])
	case "list":
		return list(ctx, r)
	}
	return r.DeletePortMappingCtx(ctx, "", ports[0], "TCP")
}

func parse(args []string) (verb string, ports []uint16, err error) {
	wanted := map[string]int{"ip": 0, "add": 2, "list": 0, "delete": 1}
	if len(args) == 0 {
		return "", nil, errors.New("ip, add, list or delete?")
	}
	if n, ok := wanted[args[0]]; !ok || n != len(args)-1 {
		return "", nil, fmt.Errorf("%q is not understood", args)
	}
	for _, arg := range args[1:] {
		port, err := strconv.ParseUint(arg, 10, 16)
		if err != nil {
			return "", nil, err
		}
		ports = append(ports, uint16(port))
	}
	return args[0], ports, nil
}

// add maps to this host. Its address goupnp knows only of a router that it searched for.
func add(ctx context.Context, r router, location string, external, internal uint16) error {
	local := r.LocalAddr()
	if u, err := url.Parse(location); local == nil && err == nil {
		conn, err := net.Dial("udp", u.Host)
		if err != nil {
			return err
		}
		defer conn.Close()
		local = conn.LocalAddr().(*net.UDPAddr).IP
	}
	return r.AddPortMappingCtx(ctx, "", external, "TCP", internal, local.String(), true, "goupnp", 3600)
}

func printAddress(ctx context.Context, r router) error {
	addr, err := r.GetExternalIPAddressCtx(ctx)
	if err == nil {
		fmt.Println(addr)
	}
	return err
}

// list prints one mapping a line until the router says that there is no such index.
func list(ctx context.Context, r router) error {
	for i := uint16(0); ; i++ {
		_, ext, proto, port, client, _, description, lease, err := r.GetGenericPortMappingEntryCtx(ctx, i)
		if fault, ok := errors.AsType[*soap.SOAPFaultError](err); ok && fault.Detail.UPnPError.Errorcode == 713 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		fmt.Println(proto, ext, net.JoinHostPort(client, strconv.Itoa(int(port))), lease, description)
	}
}
