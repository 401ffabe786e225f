package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"upnp/igd"
	"upnp/igd/reach"
)

// A checker looks whether ports are really open.
type checker struct {
	page *page
	line checkLine // under the hub's lock
}

type checkLine struct {
	Type    string        `json:"type"`
	Running bool          `json:"running"`
	Check   *reach.Report `json:"check"`
	At      time.Time     `json:"at"`
}

func newChecker(p *page) *checker { return &checker{page: p, line: checkLine{Type: "check"}} }

func (c *checker) present() []any { return []any{c.line} }

func (c *checker) set(change func()) {
	c.page.hub.update(func() []any {
		change()
		c.line.At = time.Now()
		return []any{c.line}
	})
}

// check looks at a mapping and shows each finding as it becomes known.
func (c *checker) check(ctx context.Context, gw *igd.Gateway, m igd.Mapping) error {
	resume := c.page.stand.pause(gw)
	defer resume()
	c.set(func() { c.line.Running, c.line.Check = true, &reach.Report{Mapping: m, Visits: []reach.Visit{}} })
	look := &reach.Checker{
		Network: c.page.client.Network, Probes: c.page.server.Probes, Serve: true, Visited: c.page.stand.visited,
		Found: func(l reach.Look, f reach.Finding) {
			c.set(func() {
				report := *c.line.Check
				*report.Finding(l) = f
				c.line.Check = &report
			})
		},
	}
	report, err := look.Check(ctx, gw, m)
	c.set(func() {
		if c.line.Running = false; report != nil {
			c.line.Check = report
		}
	})
	return err
}

// start is POST /api/check.
func (c *checker) start(r *http.Request) (any, error) {
	q, err := read[struct {
		ExternalPort int    `json:"externalPort"`
		Protocol     string `json:"protocol"`
	}](r)
	if err != nil {
		return nil, err
	}
	port, err := portOf("externalPort", &q.ExternalPort)
	if err != nil {
		return nil, err
	}
	protocols, err := protocolsOf(q.Protocol)
	if err != nil || len(protocols) != 1 {
		return nil, usage("protocol", "one port is looked at at a time: TCP or UDP")
	}
	if c.page.finder.gateway() == nil {
		return nil, errNoGateway
	}
	m := igd.Mapping{MappingKey: igd.MappingKey{ExternalPort: *port, Protocol: protocols[0]}}
	return c.page.jobs.start(openLane, "check", strings.ToLower(m.MappingKey.String()), 0, func(ctx context.Context, _ *job) error {
		gw := c.page.finder.gateway()
		if gw == nil {
			return errNoGateway
		}
		return c.check(ctx, gw, m)
	})
}
