package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"upnp/cmd/internal/notation"
	"upnp/igd"
)

// A pinholeWork is the verb pinhole at work on one gateway.
type pinholeWork struct {
	*session
	gw     *igd.Gateway
	ledger *igd.Ledger
	lease  time.Duration
}

// A pinholeState is a pinhole and what is known of it, the object of --json.
type pinholeState struct {
	Router  string      `json:"router"`
	ID      uint16      `json:"id"`
	Pinhole igd.Pinhole `json:"pinhole"`
	Ends    time.Time   `json:"ends"`
	State   string      `json:"state"` // open, works, closed, gone, unknown
	Packets *uint32     `json:"packets,omitempty"`
	Reason  string      `json:"reason,omitempty"`
}

// A pinholeList is the object of list.
type pinholeList struct {
	Firewall *igd.FirewallStatus `json:"firewall"`
	Pinholes []pinholeState      `json:"pinholes"`
}

func (w *pinholeWork) do(ctx context.Context, action string, holes []igd.Pinhole) error {
	err := w.act(ctx, action, holes)
	if errors.Is(err, igd.ErrInvalidAction) {
		return &ExitError{Code: exitRefused, Kind: "refused", UPnPCode: igd.ErrInvalidAction.Code,
			Err: errors.New("the router has no IPv6 firewall that it lets be controlled")}
	}
	return err
}

func (w *pinholeWork) act(ctx context.Context, action string, holes []igd.Pinhole) error {
	switch action {
	case "add":
		return w.add(ctx, holes)
	case "list":
		return w.list(ctx)
	}
	records, err := w.known(holes)
	if err != nil {
		return err
	}
	switch action {
	case "update":
		return w.each(ctx, records, w.update)
	case "delete":
		return w.each(ctx, records, w.delete)
	}
	return w.check(ctx, records)
}

// known are the pinholes of the ledger that are meant: all of this router for none named.
func (w *pinholeWork) known(holes []igd.Pinhole) ([]igd.PinholeRecord, error) {
	var found []igd.PinholeRecord
	for _, r := range w.ledger.Records() {
		if strings.EqualFold(r.Router, w.gw.UDN()) && (len(holes) == 0 || w.means(holes, r.Pinhole)) {
			w.gw.KnowPinhole(r.ID, r.InternalClient)
			found = append(found, r)
		}
	}
	for _, p := range holes {
		if !w.names(p, found) {
			return nil, failf("no pinhole %s is known; `upnp pinhole list` shows all", holeName(p))
		}
	}
	return found, nil
}

func (w *pinholeWork) means(holes []igd.Pinhole, known igd.Pinhole) bool {
	for _, p := range holes {
		if w.names(p, []igd.PinholeRecord{{Pinhole: known}}) {
			return true
		}
	}
	return false
}

// names reports whether a pinhole as it was written is one of the known. What was left open is
// anything, and no host is this one, whatever its address was then.
func (w *pinholeWork) names(p igd.Pinhole, known []igd.PinholeRecord) bool {
	for _, k := range known {
		host := p.InternalClient == k.InternalClient || !p.InternalClient.IsValid()
		from := (p.RemoteHost == "" || p.RemoteHost == k.RemoteHost) && (p.RemotePort == 0 || p.RemotePort == k.RemotePort)
		if host && from && p.InternalPort == k.InternalPort && p.Protocol == k.Protocol {
			return true
		}
	}
	return false
}

func holeName(p igd.Pinhole) string {
	if p.InternalClient.IsValid() {
		return p.String()
	}
	return strings.TrimPrefix(p.String(), "[]:")
}

func (w *pinholeWork) add(ctx context.Context, holes []igd.Pinhole) error {
	var made []pinholeState
	for _, p := range holes {
		if !p.InternalClient.IsValid() {
			p.InternalClient = w.gw.IPv6Addr()
		}
		if !p.InternalClient.IsValid() {
			return failf("this machine has no IPv6 address on the router's network")
		}
		done := w.progress("opening " + p.String())
		id, err := w.gw.AddPinhole(ctx, p)
		done()
		if err != nil {
			return withDone(w.refused(err, p, len(holes)), made)
		}
		r := w.record(id, p)
		made = append(made, stateOf(r, "open"))
		w.keepNote(w.ledger.Put(r))
		w.say("%s is open, pinhole %d, lease %s%s", endpoint(p), id, leaseText(p.Lease), fromWords(p))
	}
	for _, p := range made {
		w.noteScope(p.Pinhole.InternalClient)
	}
	return w.endJSON(made)
}

// refused explains why a pinhole was not made, and names it where there are several.
func (w *pinholeWork) refused(err error, p igd.Pinhole, parts int) *ExitError {
	e := w.explain(err)
	if errors.Is(err, igd.ErrNotAuthorized) {
		e.Hint = "many routers open an address only to itself, asked over IPv6, and only ports from 1024 up; some want a permission in their settings"
	}
	if parts > 1 {
		e.Err = fmt.Errorf("%s: %w", p, e.Err)
	}
	return e
}

func (w *pinholeWork) record(id uint16, p igd.Pinhole) igd.PinholeRecord {
	now := time.Now().Truncate(time.Second)
	host, _, _ := strings.Cut(strings.TrimPrefix(w.gw.Location(), "http://"), "/")
	return igd.PinholeRecord{Router: w.gw.UDN(), Host: host, ID: id, Pinhole: p, Made: now, Ends: now.Add(p.Lease)}
}

// noteScope says so where an open address cannot be reached from outside.
func (w *pinholeWork) noteScope(addr netip.Addr) {
	if addr.IsPrivate() {
		w.note("%s is an address of this house only: nobody outside can reach it", addr)
	}
}

func (w *pinholeWork) keepNote(err error) {
	if err != nil {
		w.note("it is not noted anywhere: %s", bare(err))
	}
}

// each does something with every pinhole. One that the router does not have any more is
// forgotten.
func (w *pinholeWork) each(ctx context.Context, records []igd.PinholeRecord, do func(context.Context, igd.PinholeRecord) (pinholeState, error)) error {
	var done []pinholeState
	for _, r := range records {
		state, err := do(ctx, r)
		if err != nil {
			return withDone(w.explain(err), done)
		}
		done = append(done, state)
	}
	if len(records) == 0 {
		w.note("no pinhole is known")
	}
	return w.endJSON(done)
}

func (w *pinholeWork) update(ctx context.Context, r igd.PinholeRecord) (pinholeState, error) {
	err := w.gw.UpdatePinhole(ctx, r.ID, w.lease)
	if igd.IsNoPinhole(err) {
		w.keepNote(w.ledger.Remove(r.Router, r.ID))
		return pinholeState{}, &ExitError{Code: exitRefused, Kind: "refused",
			Err:  fmt.Errorf("%s: the router does not have the pinhole any more", endpoint(r.Pinhole)),
			Hint: "`upnp pinhole add` opens it again"}
	}
	if err != nil {
		return pinholeState{}, err
	}
	r.Lease = w.lease
	r = w.record(r.ID, r.Pinhole)
	w.keepNote(w.ledger.Put(r))
	w.say("%s stays open, pinhole %d, lease %s%s", endpoint(r.Pinhole), r.ID, leaseText(r.Lease), fromWords(r.Pinhole))
	return stateOf(r, "open"), nil
}

func (w *pinholeWork) delete(ctx context.Context, r igd.PinholeRecord) (pinholeState, error) {
	err := w.gw.DeletePinhole(ctx, r.ID)
	if err != nil && !igd.IsNoPinhole(err) {
		return pinholeState{}, err
	}
	w.keepNote(w.ledger.Remove(r.Router, r.ID))
	if err != nil {
		w.note("%s was closed already", endpoint(r.Pinhole))
	} else {
		w.say("closed %s, pinhole %d", endpoint(r.Pinhole), r.ID)
	}
	return stateOf(r, "gone"), nil
}

// check asks the router about each pinhole. One that does not work, or is gone, is a failure.
func (w *pinholeWork) check(ctx context.Context, records []igd.PinholeRecord) error {
	var states []pinholeState
	var bad []string
	for _, r := range records {
		state, err := w.look(ctx, r)
		if err != nil {
			return withDone(w.explain(err), states)
		}
		states = append(states, state)
		w.say("%s, pinhole %d: %s", endpoint(r.Pinhole), r.ID, stateWords(state))
		if state.State == "gone" || state.State == "closed" {
			bad = append(bad, endpoint(r.Pinhole))
		}
	}
	if len(records) == 0 {
		w.note("no pinhole is known")
	}
	if len(bad) > 0 {
		return withDone(&ExitError{Code: exitFailed, Kind: "failed", Err: fmt.Errorf("not open: %s", listing(bad)),
			Hint: "`upnp pinhole add` opens it again"}, states)
	}
	return w.endJSON(states)
}

// look asks how a pinhole is. Nothing having come through yet says nothing against it.
func (w *pinholeWork) look(ctx context.Context, r igd.PinholeRecord) (pinholeState, error) {
	state := stateOf(r, "unknown")
	packets, err := w.gw.PinholePackets(ctx, r.ID)
	if igd.IsNoPinhole(err) {
		state.State, state.Reason = "gone", "it ended, or the router restarted"
		return state, w.ledger.Remove(r.Router, r.ID)
	}
	if err != nil {
		return state, err
	}
	state.Packets = &packets
	working, err := w.gw.CheckPinhole(ctx, r.ID)
	switch {
	case errors.Is(err, igd.ErrNoTrafficReceived):
		state.State, state.Reason = "open", "nothing came through yet that the router could tell by"
	case err != nil:
		state.State, state.Reason = "open", "the router does not tell whether it works" // the action is optional
	case working:
		state.State = "works"
	default:
		state.State, state.Reason = "closed", "the router says that it does not work"
	}
	return state, ctx.Err()
}

func (w *pinholeWork) list(ctx context.Context) error {
	list := pinholeList{Pinholes: []pinholeState{}}
	status, err := w.gw.FirewallStatus(ctx)
	if err != nil {
		return err
	}
	list.Firewall = &status
	records, err := w.known(nil)
	if err != nil {
		return err
	}
	for _, r := range records {
		state, err := w.look(ctx, r)
		if err != nil {
			return withDone(w.explain(err), list.Pinholes)
		}
		list.Pinholes = append(list.Pinholes, state)
	}
	if w.options.json {
		return w.emit(list)
	}
	w.stdout.linef("%s", firewallWords(status))
	w.table(list.Pinholes)
	return nil
}

func firewallWords(s igd.FirewallStatus) string {
	switch {
	case !s.Enabled:
		return "The router's IPv6 firewall is off: everything is open."
	case !s.Allowed:
		return "The router's IPv6 firewall is on, and lets nobody make pinholes."
	}
	return "The router's IPv6 firewall is on, and lets pinholes be made."
}

func (w *pinholeWork) table(states []pinholeState) {
	t := &table{p: w.stdout, limit: w.Columns, columns: []column{
		{head: "ID", width: 5, right: true}, {head: "PROTO"}, {head: "CLIENT", width: len("2001:db8:1234:5678::20")}, {head: "PORT", width: 5, right: true},
		{head: "LEASE", width: len("23h59m59s")}, {head: "PACKETS", right: true}, {head: "STATE", width: len("unknown")}, {head: "FROM"},
	}}
	for _, s := range states {
		p, packets := s.Pinhole, ""
		if s.Packets != nil {
			packets = strconv.FormatUint(uint64(*s.Packets), 10)
		}
		from := cmp.Or(strings.TrimPrefix(fromWords(p), ", only from "), "any")
		t.row(strconv.Itoa(int(s.ID)), string(p.Protocol), p.InternalClient.String(), strconv.Itoa(int(p.InternalPort)),
			notation.ShortDuration(time.Until(s.Ends)), dash(packets), s.State, from)
	}
	if len(states) == 0 {
		w.note("no pinhole is known")
	}
}

func stateOf(r igd.PinholeRecord, state string) pinholeState {
	return pinholeState{Router: r.Router, ID: r.ID, Pinhole: r.Pinhole, Ends: r.Ends, State: state}
}

func stateWords(s pinholeState) string {
	words := s.State
	if s.Packets != nil {
		words += ", " + plural(int(*s.Packets), "packet")
	}
	if s.Reason != "" {
		words += ": " + s.Reason
	}
	return words
}

// endpoint is where a pinhole leads.
func endpoint(p igd.Pinhole) string {
	return string(p.Protocol) + " " + net.JoinHostPort(p.InternalClient.String(), strconv.Itoa(int(p.InternalPort)))
}

func fromWords(p igd.Pinhole) string {
	switch {
	case p.RemoteHost != "" && p.RemotePort != 0:
		return ", only from " + net.JoinHostPort(p.RemoteHost, strconv.Itoa(int(p.RemotePort)))
	case p.RemoteHost != "":
		return ", only from " + p.RemoteHost
	case p.RemotePort != 0:
		return ", only from port " + strconv.Itoa(int(p.RemotePort))
	}
	return ""
}

// say prints a result for people.
func (w *pinholeWork) say(format string, args ...any) {
	if !w.options.json {
		w.stdout.linef(format, args...)
	}
}

func (w *pinholeWork) endJSON(states []pinholeState) error {
	if !w.options.json {
		return nil
	}
	if states == nil {
		states = []pinholeState{}
	}
	return w.emit(states)
}
