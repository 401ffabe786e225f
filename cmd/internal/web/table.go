package web

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"upnp/igd"
)

// How the table is told.
const (
	partRows   = 500                    // rows of a line at most
	partEvery  = 250 * time.Millisecond // while it is read
	leaseSlack = 5 * time.Second        // by how much routers round what is left of a lease
)

// A table is the gateway's mappings as they were last read or told.
type table struct {
	page *page

	// Under the hub's lock:
	rows    map[string]row
	order   []string // ids
	at      time.Time
	state   string // reading, ready, failed
	err     *failure
	missed  []igd.Change // told while the table is being read
	reading int          // how many reads are under way
}

// A row is a mapping as the page shows it.
type row struct {
	ID             string       `json:"id"`
	Protocol       igd.Protocol `json:"protocol"`
	ExternalPort   uint16       `json:"externalPort"`
	InternalClient string       `json:"internalClient"`
	InternalPort   uint16       `json:"internalPort"`
	RemoteHost     string       `json:"remoteHost"`
	Enabled        bool         `json:"enabled"`
	Description    string       `json:"description"`
	LeaseSeconds   int64        `json:"leaseSeconds"`
	Expires        *time.Time   `json:"expires,omitempty"`
	Mine           bool         `json:"mine"`

	mapping igd.Mapping
}

type tableLine struct {
	Type     string    `json:"type"`
	State    string    `json:"state"`
	At       time.Time `json:"at"`
	From     int       `json:"from"`
	Count    int       `json:"count"`
	Mappings []row     `json:"mappings"`
	Error    *failure  `json:"error"`
}

type changeLine struct {
	Type   string `json:"type"`
	Change any    `json:"change"`
	Count  int    `json:"count"`
	Source string `json:"source"`
}

// mappingsChange is an [igd.Change] of the table with rows in the place of mappings.
type mappingsChange struct {
	Time            time.Time      `json:"time"`
	Kind            igd.ChangeKind `json:"kind"`
	NumberOfEntries int            `json:"numberOfEntries"`
	Added           []row          `json:"added"`
	Removed         []row          `json:"removed"`
}

func newTable(p *page) *table {
	return &table{page: p, rows: map[string]row{}, state: "reading", at: time.Now()}
}

// idOf names a mapping on the page.
func idOf(k igd.MappingKey) string {
	id := k.String()
	if k.RemoteHost != "" && !strings.Contains(id, k.RemoteHost) {
		id += "/" + k.RemoteHost
	}
	return id
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// newRow is a mapping as read just now; own are the addresses of this machine.
func newRow(m igd.Mapping, own []netip.Addr) row {
	r := row{
		ID: idOf(m.MappingKey), Protocol: m.Protocol, ExternalPort: m.ExternalPort,
		InternalClient: m.Client(), InternalPort: m.InternalPort, RemoteHost: m.RemoteHost,
		Enabled: !m.Disabled, Description: m.Description, LeaseSeconds: int64(m.Lease / time.Second),
		Mine: slices.Contains(own, m.InternalClient), mapping: m,
	}
	if m.Lease > 0 {
		at := time.Now().Add(m.Lease)
		r.Expires = &at
	}
	return r
}

// left is the mapping with what is left of its lease now.
func (r row) left() igd.Mapping {
	m := r.mapping
	if r.Expires != nil {
		m.Lease = max(time.Second, time.Until(*r.Expires).Round(time.Second))
	}
	return m
}

// alike reports whether two rows differ in nothing, leases that run down apart.
func (r row) alike(o row) bool {
	a, b := r.mapping, o.mapping
	a.Lease, b.Lease = 0, 0
	if a != b || (r.Expires == nil) != (o.Expires == nil) {
		return false
	}
	return r.Expires == nil || o.Expires.Sub(*r.Expires).Abs() < leaseSlack
}

// own are the addresses of this machine, the one at the gateway among them.
func (p *page) own() []netip.Addr {
	all := p.ownAddrs()
	if gw := p.finder.gateway(); gw != nil {
		all = append(all, gw.LocalAddr())
	}
	return all
}

func (t *table) present() []any {
	all := make([]row, len(t.order))
	for i, id := range t.order {
		all[i] = t.rows[id]
	}
	return t.parts(all, t.state)
}

// parts are lines for all rows, the last of which bears the state.
func (t *table) parts(all []row, state string) []any {
	var lines []any
	for from := 0; ; from += partRows {
		part := all[from:min(from+partRows, len(all))]
		l := tableLine{Type: "table", State: "reading", At: t.at, From: from, Count: -1, Mappings: list(part)}
		if from+partRows >= len(all) {
			if l.State, l.Error = state, t.err; state != "reading" {
				l.Count = len(all)
			}
			return append(lines, l)
		}
		lines = append(lines, l)
	}
}

// clear empties the table for another gateway.
func (t *table) clear() {
	t.page.hub.update(func() []any {
		t.rows, t.order, t.state, t.err, t.at = map[string]row{}, nil, "reading", nil, time.Now()
		return t.present()
	})
}

// read reads the whole table. The first time the rows are shown as they come.
func (t *table) read(ctx context.Context, gw *igd.Gateway) error {
	first := t.begin()
	own := t.page.own()
	var all []row
	var wrong error
	shown := 0
	last := time.Now()
	for m, err := range igd.Mappings(ctx, gw) {
		if err != nil {
			wrong = errors.Join(wrong, err)
			continue
		}
		all = append(all, newRow(m, own))
		if first && (len(all)-shown >= partRows || time.Since(last) > partEvery) {
			t.preview(all[shown:], shown)
			shown, last = len(all), time.Now()
		}
	}
	if ctx.Err() != nil {
		wrong = ctx.Err()
	}
	t.settle(all, wrong)
	return wrong
}

func (t *table) begin() (first bool) {
	t.page.hub.mu.Lock()
	defer t.page.hub.mu.Unlock()
	t.reading++
	return t.state == "reading"
}

// preview shows some rows before all are read.
func (t *table) preview(rows []row, from int) {
	t.page.hub.update(func() []any {
		return []any{tableLine{Type: "table", State: "reading", At: time.Now(), From: from, Count: -1, Mappings: list(rows)}}
	})
}

// settle makes what was read the table, with what was told meanwhile on top.
func (t *table) settle(all []row, err error) {
	own := t.page.own()
	t.page.hub.update(func() []any {
		if t.reading--; errors.Is(err, context.Canceled) {
			return nil
		}
		t.state, t.err = "ready", explain(err)
		if err != nil && len(all) == 0 {
			t.state = "failed"
			return t.present()
		}
		t.replace(all)
		for _, c := range t.missed {
			t.apply(c, own)
		}
		if t.reading == 0 {
			t.missed = nil
		}
		t.page.drift.compare(t)
		return append(t.present(), t.page.drift.line())
	})
}

func (t *table) replace(all []row) {
	t.rows, t.order, t.at = make(map[string]row, len(all)), nil, time.Now()
	for _, r := range all {
		t.put(r)
	}
}

func (t *table) put(r row) {
	if _, there := t.rows[r.ID]; !there {
		t.order = append(t.order, r.ID)
	}
	t.rows[r.ID] = r
}

// apply makes a change and returns the rows that really are other than before.
func (t *table) apply(c igd.Change, own []netip.Addr) (added, removed []row) {
	fresh := map[string]row{}
	for _, m := range c.Added {
		r := newRow(m, own)
		fresh[r.ID] = r
	}
	for _, m := range c.Removed {
		if _, altered := fresh[idOf(m.MappingKey)]; !altered {
			removed = append(removed, t.drop(idOf(m.MappingKey))...)
		}
	}
	for _, m := range c.Added {
		r := fresh[idOf(m.MappingKey)]
		before, there := t.rows[r.ID]
		t.put(r)
		if there && before.alike(r) {
			continue
		}
		if there {
			removed = append(removed, before)
		}
		added = append(added, r)
	}
	return added, removed
}

func (t *table) drop(id string) []row {
	r, there := t.rows[id]
	if !there {
		return nil
	}
	delete(t.rows, id)
	t.order = slices.DeleteFunc(t.order, func(other string) bool { return other == id })
	return []row{r}
}

// overdue reports whether a lease has run out and nobody said so: it was renewed elsewhere, or the
// gateway tells nothing of its own accord.
func (t *table) overdue() bool {
	t.page.hub.mu.Lock()
	defer t.page.hub.mu.Unlock()
	for _, r := range t.rows {
		if r.Expires != nil && time.Since(*r.Expires) > leaseSlack {
			return true
		}
	}
	return false
}

// take shows a change of the table. One that is whole holds all there is.
func (t *table) take(c igd.Change, whole bool, source string) {
	own := t.page.own()
	t.page.hub.update(func() []any {
		if whole {
			c.Removed = t.absent(c.Added)
		}
		if t.reading > 0 {
			t.missed = append(t.missed, c)
		}
		added, removed := t.apply(c, own)
		t.at = time.Now()
		var lines []any
		if len(added)+len(removed) > 0 {
			lines = append(lines, t.mappingsLine(added, removed, source))
		}
		if t.page.drift.compare(t) {
			lines = append(lines, t.page.drift.line())
		}
		return lines
	})
}

// absent are the mappings of the table that are not among all.
func (t *table) absent(all []igd.Mapping) []igd.Mapping {
	have := make(map[string]bool, len(all))
	for _, m := range all {
		have[idOf(m.MappingKey)] = true
	}
	var gone []igd.Mapping
	for _, id := range t.order {
		if !have[id] {
			gone = append(gone, t.rows[id].mapping)
		}
	}
	return gone
}

func (t *table) mappingsLine(added, removed []row, source string) any {
	c := mappingsChange{time.Now(), igd.MappingsChanged, len(t.order), list(added), list(removed)}
	return changeLine{"change", c, len(t.order), source}
}

func (t *table) changeLine(c igd.Change, source string) any {
	return changeLine{"change", c, len(t.order), source}
}

// find looks rows up; those that are not there are missing.
func (t *table) find(ids []string) (rows []row, missing []string) {
	t.page.hub.mu.Lock()
	defer t.page.hub.mu.Unlock()
	for _, id := range ids {
		if r, there := t.rows[id]; there {
			rows = append(rows, r)
		} else {
			missing = append(missing, id)
		}
	}
	return rows, missing
}
