package web

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"upnp/cmd/internal/notation"
	"upnp/igd"
)

// export is GET /api/export: the table as a mappings file.
func (p *page) export(w http.ResponseWriter, r *http.Request) {
	onlyMine := r.FormValue("mine") == "1"
	var b strings.Builder
	p.hub.mu.Lock()
	for _, id := range p.table.order {
		row := p.table.rows[id]
		if onlyMine && !row.Mine {
			continue
		}
		b.WriteString(notation.Export(row.left(), func(igd.Mapping) bool { return row.Mine }) + "\n")
	}
	p.hub.mu.Unlock()
	attach(w, "mappings.txt")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte(b.String()))
}

type fileOrder struct {
	Text   string `json:"text"`
	Prune  bool   `json:"prune"`
	DryRun bool   `json:"dryRun"`
	IKnow  bool   `json:"iKnow"`
}

// A plannedChange is one step of an import.
type plannedChange struct {
	Change  string `json:"change"`
	Mapping row    `json:"mapping"`
	Before  *row   `json:"before"`
}

// take is POST /api/import.
func (p *page) take(r *http.Request) (any, error) {
	q, err := readUpTo[fileOrder](r, maxFileBody)
	if err != nil {
		return nil, err
	}
	changes, err := p.plan(q)
	if err != nil {
		return nil, err
	}
	if q.DryRun {
		return p.planned(changes), nil
	}
	return p.atGateway("import", count(len(changes), "change"), len(changes), func(ctx context.Context, gw *igd.Gateway, j *job) error {
		for _, c := range changes {
			if err := p.carryOut(ctx, gw, j, c); err != nil {
				return err
			}
		}
		return nil
	})
}

// plan is what has to be done to make a file true.
func (p *page) plan(q fileOrder) ([]notation.Change, error) {
	gw := p.finder.gateway()
	if gw == nil {
		return nil, errNoGateway
	}
	lines, err := p.lines(q)
	if err != nil {
		return nil, err
	}
	own := p.own()
	t := notation.Table{Local: gw.LocalAddr(), Own: func(a netip.Addr) bool { return slices.Contains(own, a) }}
	p.hub.mu.Lock()
	for _, id := range p.table.order {
		t.Mappings = append(t.Mappings, p.table.rows[id].left())
	}
	p.hub.mu.Unlock()
	changes, err := t.Plan("the file", lines)
	if err != nil {
		return nil, fileMistake(err)
	}
	if q.Prune {
		changes = append(changes, t.Surplus(lines)...)
	}
	return changes, nil
}

// lines are those of the file.
func (p *page) lines(q fileOrder) ([]notation.Line, error) {
	lines, err := notation.Read(strings.NewReader(q.Text), "the file")
	if err != nil {
		return nil, fileMistake(err)
	}
	for _, l := range lines {
		for _, m := range l.Mappings() {
			if err := p.safe(m.InternalPort, q.IKnow); err != nil {
				return nil, err
			}
		}
	}
	return lines, nil
}

// fileMistake is what is wrong with a file.
func fileMistake(err error) error {
	if taken, ok := errors.AsType[*notation.TakenError](err); ok {
		return usage("text", "%v", taken)
	}
	return usage("text", "%v", err)
}

func (p *page) planned(changes []notation.Change) any {
	own := p.own()
	all := []plannedChange{}
	for _, c := range changes {
		change := plannedChange{Change: c.Change, Mapping: newRow(c.Mapping, own)}
		if c.Before != nil {
			before := newRow(*c.Before, own)
			change.Before = &before
		}
		all = append(all, change)
	}
	return struct {
		Changes []plannedChange `json:"changes"`
	}{all}
}

// carryOut makes one change.
func (p *page) carryOut(ctx context.Context, gw *igd.Gateway, j *job, c notation.Change) error {
	row := newRow(c.Mapping, p.own())
	if c.Change == "delete" {
		return p.closeRow(ctx, gw, j, row)
	}
	j.step(len(j.results), "opening "+row.ID)
	grant, err := gw.Map(ctx, igd.Wish{Mapping: c.Mapping})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	j.add(p.granted(c.Mapping, c.Before, grant, err))
	return nil
}
