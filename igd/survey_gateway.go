package igd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A SeenGateway is the gateway that was taken.
type SeenGateway struct {
	Location     string   `json:"location"`
	FriendlyName string   `json:"friendlyName"`
	Manufacturer string   `json:"manufacturer"`
	ModelName    string   `json:"modelName"`
	ModelNumber  string   `json:"modelNumber"`
	UDN          string   `json:"udn"`
	Service      string   `json:"service"`      // type of the connection service in use
	LocalAddress string   `json:"localAddress"` // where mappings for this host lead
	Notes        []string `json:"notes"`        // what had to be repaired or decided
}

// A SeenWAN is what a gateway says of its way to the Internet.
type SeenWAN struct {
	Address       string `json:"externalAddress"`
	Class         Class  `json:"addressClass"`
	Status        Status `json:"status"`
	UptimeSeconds int64  `json:"uptimeSeconds"`
	Type          string `json:"connectionType,omitempty"`
	Link          string `json:"link,omitempty"`     // PhysicalLinkStatus
	Answer        int64  `json:"answerMilliseconds"` // how long the gateway takes to answer
}

// A SeenTable is what a gateway's table held.
type SeenTable struct {
	Entries int  `json:"entries"`
	Own     int  `json:"own"`     // that lead to this host
	Partial bool `json:"partial"` // not all of it was read
	taken   map[uint16]bool
}

const (
	slowCall  = 800 * time.Millisecond // from here on a router is slow, and spared
	tableTime = 10 * time.Second       // to read its table in
)

// choose settles which gateway is looked at.
func (v *surveying) choose(ctx context.Context) {
	switch {
	case v.Target != "":
		v.open(ctx)
	case v.hunted != nil && v.hunted.best != nil:
		v.gateway = v.hunted.best.gateway
	}
	if v.gateway == nil {
		return
	}
	v.tellGateway()
	v.tellElsewhere()
	v.tellDocuments(ctx)
}

func (v *surveying) open(ctx context.Context) {
	v.doing("asking " + v.Target)
	g, err := v.client.Open(ctx, v.Target)
	if err != nil {
		v.found(FindTargetNotThere, Problem, Advice{fmt.Sprintf("There is no gateway at %s: %s.", v.Target, strings.TrimSuffix(v.words(err).What, ".")),
			"See what is found without naming one."}, reason(err))
		return
	}
	v.gateway = g
}

func (v *surveying) tellGateway() {
	g, d := v.gateway, v.gateway.root.Device
	seen := &SeenGateway{
		Location: g.Location(), FriendlyName: d.FriendlyName, Manufacturer: d.Manufacturer, ModelName: d.ModelName, ModelNumber: d.ModelNumber,
		UDN: g.UDN(), Service: g.conn.Type, LocalAddress: g.local.String(), Notes: append([]string{}, g.Notes()...),
	}
	v.report.Gateway = seen
	var why []string
	if v.hunted != nil {
		why = append(why, "taken because "+v.hunted.best.rank.words())
	}
	v.found(FindGateway, OK, Advice{What: fmt.Sprintf("The router is %s (%s) at %s.", short(d.FriendlyName), short(strings.TrimSpace(d.ModelName+" "+d.ModelNumber)), g.Location())},
		append(why, "ports are mapped with "+typeName(g.conn.Type)+", for this machine to "+seen.LocalAddress)...)
	if len(seen.Notes) > 0 {
		v.found(FindRepaired, Note, Advice{What: "The router's description is not by the book; it was understood all the same."}, seen.Notes...)
	}
}

// tellElsewhere warns of a gateway beside the way to the Internet.
func (v *surveying) tellElsewhere() {
	if v.hunted == nil || v.hunted.best.rank&atGateway != 0 || !v.hunted.routed() {
		return
	}
	way := list(v.gatewaysOf())
	v.found(FindElsewhere, Warning, Advice{fmt.Sprintf("The router that opens ports, at %s, is not the one this machine goes to the Internet through, %s. What it opens is perhaps of no use.", v.gateway.host(), way),
		fmt.Sprintf("Switch UPnP on in the router at %s.", way)})
}

// tellDocuments looks at the service document.
func (v *surveying) tellDocuments(ctx context.Context) {
	v.doing("reading what the router can do")
	scpd, err := v.gateway.SCPD(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		v.found(FindNoSCPD, Note, Advice{What: "The router has no service document, so nothing optional is asked of it."}, reason(err))
	case len(scpd.Notes) > 0:
		v.found(FindSCPDRepaired, Note, Advice{What: "The router's service document is not by the book; it was understood all the same."}, scpd.Notes...)
	}
}

// wan looks at the way to the Internet.
func (v *surveying) wan(ctx context.Context) {
	g := v.gateway
	if g == nil {
		return
	}
	v.doing("asking the router about the Internet")
	began := time.Now()
	addr, err := g.ExternalAddr(ctx)
	first := time.Since(began)
	status, statusErr := g.Status(ctx)
	v.pace = min(first, time.Since(began)-first)
	w := &SeenWAN{Class: ClassOf(addr), Status: status, UptimeSeconds: int64(status.Uptime / time.Second), Answer: v.pace.Milliseconds()}
	if addr.IsValid() {
		w.Address = addr.String()
	}
	v.report.WAN = w
	v.wanDetails(ctx, w)
	switch {
	case ctx.Err() != nil:
	case err != nil && statusErr != nil:
		v.found(FindNoWANCall, Problem, Advice{"The router does not answer questions: " + v.words(err).What + ".", "Restart the router."}, reason(err), reason(statusErr))
	default:
		v.tellAddress(w, statusErr == nil)
	}
}

// wanDetails asks for what is nice to know, unless the router is slow.
func (v *surveying) wanDetails(ctx context.Context, w *SeenWAN) {
	if v.pace >= slowCall {
		v.found(FindSlow, Warning, Advice{What: fmt.Sprintf("The router takes %.1f s for every answer; programs may give up before.", v.pace.Seconds())})
		return
	}
	if t, err := v.gateway.ConnectionType(ctx); err == nil {
		w.Type = t.Type
	}
	if l, err := v.gateway.Link(ctx); err == nil {
		w.Link = l.Physical
	}
}

func (w *SeenWAN) lines() []string {
	lines := []string{fmt.Sprintf("outside address %q, status %q", w.Address, w.Status.Connection)}
	if w.Link != "" {
		lines = append(lines, "link to the provider: "+w.Link)
	}
	if e := w.Status.LastError; e != "" && e != "ERROR_NONE" {
		lines = append(lines, "last error: "+e)
	}
	return append(lines, w.Status.Notes...)
}

// tellAddress says what the outside address is worth.
func (v *surveying) tellAddress(w *SeenWAN, told bool) {
	carrier := "Ask the provider for a public address, or use IPv6."
	up := isUp(w.Status)
	switch {
	case w.Class == Public && told && !up:
		v.found(FindOddStatus, Warning, Advice{What: fmt.Sprintf("The router says it is %q, and yet has the public address %s. It is probably wrong about itself; some programs believe it.", w.Status.Connection, w.Address)}, w.lines()...)
	case w.Class == Public:
		v.found(FindPublic, OK, Advice{What: fmt.Sprintf("The router's outside address %s is public.", w.Address)}, w.lines()...)
	case w.Class == Private:
		v.found(FindDoubleNAT, Problem, Advice{fmt.Sprintf("The router is behind another router: its outside address %s is a private one. What it opens cannot be reached from the Internet.", w.Address),
			"Open the port on the outer router too, or make one of the two a bridge."}, w.lines()...)
	case w.Class == CGNAT:
		v.found(FindCGNAT, Problem, Advice{fmt.Sprintf("The provider shares its public addresses among customers: the router's own, %s, cannot be reached from the Internet.", w.Address), carrier}, w.lines()...)
	case w.Class == DSLite:
		v.found(FindDSLite, Problem, Advice{"The provider carries IPv4 over IPv6 (DS-Lite): nothing comes in from the Internet over IPv4.", carrier}, w.lines()...)
	case w.Class == Reserved:
		v.found(FindOddAddress, Warning, Advice{fmt.Sprintf("The router's outside address %s is none that a customer can have.", w.Address), "Look at the Internet page of the router's settings."}, w.lines()...)
	case told && !up:
		v.found(FindWANDown, Problem, Advice{fmt.Sprintf("The router has no connection to the Internet: it says %q, and has no outside address.", w.Status.Connection), "Restart it, and ask the provider if that does not help."}, w.lines()...)
	default:
		v.found(FindNoAddress, Warning, Advice{"The router tells no outside address although it is connected. It may be behind another router, or just not tell.",
			"Compare the address on its settings page with the one a web page sees."}, w.lines()...)
	}
}

// table looks at the mappings there are.
func (v *surveying) table(ctx context.Context) {
	if v.gateway == nil {
		return
	}
	v.doing("reading the router's table")
	t := &SeenTable{taken: map[uint16]bool{}}
	v.report.Table = t
	short, cancel := context.WithTimeout(ctx, tableTime)
	defer cancel()
	var problems []string
	for m, err := range Mappings(short, v.gateway) {
		switch {
		case err != nil && short.Err() == nil:
			problems = append(problems, reason(err))
			t.Partial = true
		case err != nil:
			t.Partial = true
		default:
			t.Entries++
			t.taken[m.ExternalPort] = true
			if m.InternalClient == v.gateway.local {
				t.Own++
			}
		}
	}
	v.tellTable(ctx, t, problems)
}

func (v *surveying) tellTable(ctx context.Context, t *SeenTable, problems []string) {
	count := fmt.Sprintf("%d mappings, %d of them for this machine", t.Entries, t.Own)
	switch {
	case ctx.Err() != nil:
	case len(problems) > 0:
		v.found(FindBadTable, Warning, Advice{What: "The router's table cannot be read as a whole: " + count + " were."}, slices.Compact(problems)...)
	case t.Partial:
		v.found(FindTable, Note, Advice{What: fmt.Sprintf("The router's table has more than %d mappings; reading all would take too long.", t.Entries)})
	default:
		v.found(FindTable, OK, Advice{What: "The router's table has " + count + "."})
	}
}

// isFull reports what routers say when their table is full.
func isFull(err error) bool {
	return errors.Is(err, ErrNoPortsAvailable) || errors.Is(err, ErrOutOfMemory)
}
