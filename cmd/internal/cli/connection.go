package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"upnp/cmd/internal/plain"
	"upnp/igd"
)

type connectionOptions struct{ yes, force bool }

func connectionCommand() *Command {
	o := &connectionOptions{}
	return &Command{
		Usage: "connection [status|request|terminate]",
		Short: "the router's connection to the Internet, on and off",
		Long: `Shows the router's connection to the Internet, or asks for it to be made or ended.

status     shows it; what is done if nothing is named
request    has the router connect, and waits until it has
terminate  takes the whole house offline; --force without waiting for others to finish

Many routers let nobody end their connection, and some have no way to make it anew but to be
switched off and on. You are asked before terminate, on a terminal and without --yes.`,
		Examples: [2]string{"upnp connection", "upnp connection request"},
		Flags:    o.flags,
		Run:      o.run,
	}
}

func (o *connectionOptions) flags(fs *flag.FlagSet) {
	fs.BoolVar(&o.yes, "yes", false, "terminate without asking")
	fs.BoolVar(&o.force, "force", false, "terminate at once")
}

func (o *connectionOptions) run(ctx context.Context, s *session, args []string) error {
	action := "status"
	if len(args) > 0 {
		action = args[0]
	}
	var do func(context.Context, *session, *igd.Gateway) error
	switch {
	case len(args) > 1:
		return usagef("%q: one action at a time", args[1])
	case action == "status":
		do = o.status
	case action == "request":
		do = o.request
	case action == "terminate":
		do = o.terminate
	default:
		return usagef("no action %q%s", action, nearest(action, []string{"status", "request", "terminate"}))
	}
	gw, err := s.open(ctx)
	if err != nil {
		return err
	}
	return do(ctx, s, gw)
}

// A connectionState is the object of --json.
type connectionState struct {
	plain.Status
	Service  string   `json:"service"`
	Type     string   `json:"type,omitempty"`
	Possible []string `json:"possibleTypes,omitempty"`
	UserName string   `json:"userName,omitempty"`
	UpBits   uint64   `json:"upstreamBits,omitempty"`
	DownBits uint64   `json:"downstreamBits,omitempty"`
}

// status shows all that the connection tells of itself; what it does not tell is left out.
func (o *connectionOptions) status(ctx context.Context, s *session, gw *igd.Gateway) error {
	status, err := gw.Status(ctx)
	if err != nil {
		return err
	}
	c := connectionState{Service: gw.Service().Type, Status: plain.Status{Status: status, UptimeSeconds: int64(status.Uptime / time.Second)}}
	if t, err := gw.ConnectionType(ctx); err == nil {
		c.Type, c.Possible = t.Type, t.Possible
	}
	c.UserName, _ = gw.UserName(ctx)
	c.UpBits, c.DownBits, _ = gw.LineRates(ctx)
	if s.options.json {
		return s.emit(c)
	}
	facts := []fact{
		{"Status", status.Connection}, {"Up for", uptimeText(status.Uptime)}, {"Last error", status.LastError},
		{"Service", plain.KindOf(c.Service)}, {"Connection type", c.Type}, {"Possible types", strings.Join(c.Possible, ", ")}, {"User name", c.UserName},
	}
	if c.UpBits+c.DownBits > 0 {
		facts = append(facts, fact{"Line", rateText(c.UpBits) + " up, " + rateText(c.DownBits) + " down"})
	}
	s.section("Internet connection", facts)
	return nil
}

// connectPatience is how long a router may take to connect, if --timeout does not say.
const connectPatience = 90 * time.Second

func (o *connectionOptions) request(ctx context.Context, s *session, gw *igd.Gateway) error {
	err := gw.RequestConnection(ctx)
	if err != nil && !errors.Is(err, igd.ErrConnectionSetupInProgress) {
		return err
	}
	done := s.progress("waiting for the connection")
	defer done()
	return o.settle(ctx, s, gw, true)
}

func (o *connectionOptions) terminate(ctx context.Context, s *session, gw *igd.Gateway) error {
	if !o.yes && s.InTerminal && s.ErrTerminal {
		switch yes, err := s.ask(ctx, "This takes the whole house offline. End the connection?"); {
		case err != nil:
			return err
		case !yes:
			return failf("the connection stays")
		}
	}
	err := gw.Terminate(ctx, o.force)
	if errors.Is(err, igd.ErrInvalidAction) && !o.force {
		err = gw.Terminate(ctx, true) // the action that all routers have
	}
	switch {
	case errors.Is(err, igd.ErrConnectionAlreadyTerminated):
		s.note("it was ended already")
	case errors.Is(err, igd.ErrNotAuthorized):
		e := s.explain(err)
		e.Hint = "only few routers let others end their connection; this one's own page may"
		return e
	case err != nil && !errors.Is(err, igd.ErrDisconnectInProgress):
		return err
	}
	return o.settle(ctx, s, gw, false)
}

// settle waits until the connection is as asked for, and tells how it is.
func (o *connectionOptions) settle(ctx context.Context, s *session, gw *igd.Gateway, want bool) error {
	deadline := time.Now().Add(connectPatience)
	for {
		status, err := gw.Status(ctx)
		if err != nil {
			return err
		}
		if plain.IsConnected(status) == want {
			return o.status(ctx, s, gw)
		}
		if time.Now().After(deadline) {
			return &ExitError{Code: exitUnverified, Kind: "unverified", Err: fmt.Errorf("the router said yes, and its connection is %s", status.Connection)}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}
