package igd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// A Trial is what became of a mapping of our own.
type Trial struct {
	Grant
	Error   string `json:"error,omitempty"`
	Took    int64  `json:"tookMilliseconds"` // until it was seen in the table, or given up
	Lost    bool   `json:"lost"`             // it was gone a few seconds later
	Renewed bool   `json:"renewed"`          // a renewal made its lease longer
	Removed bool   `json:"removed"`          // nothing of it is left
}

// TrialDescription is the description of the mapping a [Survey] makes. It has a sign and a length
// that some routers do not take.
const TrialDescription = "upnp doctor (a test, may go)"

const (
	trialLease  = 10 * time.Minute // in case that it cannot be removed
	trialPort   = 55000            // and up
	trialSettle = 4 * time.Second  // before a second look: some drop a mapping within seconds
	trialClear  = 20 * time.Second // to remove it
	lateShown   = time.Second
)

// try makes a mapping, looks what becomes of it, and removes it.
func (v *surveying) try(ctx context.Context) {
	if !v.Write || v.gateway == nil {
		return
	}
	if !v.gateway.local.IsValid() {
		v.found(FindNoTrialAddress, Problem, Advice{What: "This machine has no address on the router's network to map a port to."})
		return
	}
	v.doing("trying a mapping")
	t := &Trial{Grant: Grant{Tried: []Rung{}, Notes: []string{}}}
	v.report.Trial = t
	wish, release := v.trialWish(ctx)
	defer release()
	began := time.Now()
	var err error
	t.Grant, err = v.gateway.mapAs(ctx, wish, manner{polite: true})
	t.Took = time.Since(began).Milliseconds()
	if err != nil {
		v.tellRefused(ctx, t, err)
	} else {
		v.tellGrant(t)
		v.watchOver(ctx, t)
	}
	v.cleanUp(ctx, t, err == nil)
}

// trialWish is for a port nobody uses, to one of this host that is held meanwhile, so that nothing
// is opened that listens.
func (v *surveying) trialWish(ctx context.Context) (w Wish, release func()) {
	w.AnyPort = true
	w.Protocol, w.ExternalPort, w.Lease, w.Description = TCP, trialPort, trialLease, TrialDescription
	for w.ExternalPort < 1<<16-1 && v.report.Table.taken[w.ExternalPort] {
		w.ExternalPort++
	}
	w.InternalPort = w.ExternalPort + 1
	held, err := v.client.network().Listen(ctx, "tcp", netip.AddrPortFrom(v.gateway.local, 0).String())
	if err != nil {
		return w, func() {}
	}
	if at, ok := held.Addr().(*net.TCPAddr); ok {
		w.InternalPort = uint16(at.Port)
	}
	return w, func() { held.Close() }
}

func (t *Trial) rungs() []string {
	var all []string
	for _, r := range t.Tried {
		all = append(all, r.What+": "+r.Answer)
	}
	return all
}

func (v *surveying) tellRefused(ctx context.Context, t *Trial, err error) {
	t.Error = reason(err)
	if ctx.Err() != nil {
		return
	}
	a := v.words(err)
	evidence := append(t.rungs(), fmt.Sprintf("the table had %d mappings before", v.report.Table.Entries))
	nat, isNAT := errors.AsType[*DoubleNATError](err)
	switch {
	case isFull(err):
		v.found(FindFullTable, Problem, Advice{fmt.Sprintf("The router's table is full, with %d mappings.", v.report.Table.Entries), a.Do}, evidence...)
	case isNAT && nat.Class == NoAddr:
		v.found(FindDoubleNAT, Problem, Advice{"The router is behind another router, it seems: it tells no outside address, and refuses to open ports.", a.Do}, evidence...)
	default:
		v.found(FindRefused, Problem, Advice{"No port can be opened: " + strings.TrimSuffix(a.What, ".") + ".", a.Do}, evidence...)
	}
}

// tellGrant tells what the router made of the wish.
func (v *surveying) tellGrant(t *Trial) {
	if !t.Verified {
		v.found(FindIgnored, Problem, Advice{"The router says yes to a mapping and does not make it.",
			fmt.Sprintf("Restart it. Its table, of %d mappings, may be full: delete those nobody needs.", v.report.Table.Entries)}, t.rungs()...)
		return
	}
	v.found(FindMapping, OK, Advice{What: "A port was opened for a test, and is in the router's table."},
		fmt.Sprintf("%v, to a port of this machine at which nothing answers", t.Mapping.MappingKey))
	if slices.ContainsFunc(t.Tried, func(r Rung) bool { return isCut(r.Err) }) {
		v.found(FindCut, Warning, Advice{What: "The router ends connections without an answer, whether it did what it was asked or not. Programs may take that for a failure."}, t.rungs()...)
	} else if len(t.Tried) > 1 && t.Mapping.Lease != 0 {
		v.found(FindNegotiated, Note, Advice{What: "The router did not take the first wish; programs that try nothing else fail."}, t.rungs()...)
	}
	if took := time.Duration(t.Took) * time.Millisecond; took > lateShown && len(t.Tried) == 1 && v.pace < slowCall {
		v.found(FindLate, Warning, Advice{What: fmt.Sprintf("The router shows a new mapping only after %.0f s. Programs may take it for a failure.", took.Seconds())})
	}
	v.tellAltered(t)
}

// tellAltered names the fields the router changed.
func (v *surveying) tellAltered(t *Trial) {
	asked := t.Asked
	asked.Lease = t.Mapping.Lease
	var fields, lease Grant
	fields.compare(asked, t.Mapping)
	lease.compareLease(t.Asked.Lease, t.Mapping.Lease)
	if len(fields.Notes) > 0 {
		v.found(FindAltered, Note, Advice{What: "The router changes what it is asked for: " + strings.Join(fields.Notes, "; ") + "."})
	}
	switch {
	case t.Mapping.Lease == 0:
		v.found(FindPermanent, Warning, Advice{"The router keeps no leases: a port that a program opened stays open until somebody removes the mapping.", "Remove mappings when they are no longer needed."}, t.rungs()...)
	case len(lease.Notes) > 0:
		v.found(FindLeaseAltered, Warning, Advice{What: "The router gives a " + strings.Join(lease.Notes, "; ") + "."})
	}
}

// watchOver looks again after a while, and renews the lease.
func (v *surveying) watchOver(ctx context.Context, t *Trial) {
	if !t.Verified || sleep(ctx, trialSettle) != nil {
		return
	}
	now, err := v.gateway.Find(ctx, t.Mapping.MappingKey)
	switch {
	case errors.Is(err, ErrNoSuchEntry):
		t.Lost = true
		v.found(FindLost, Problem, Advice{"The router drops a mapping within seconds of making it.", "Try a mapping without a lease. Restart the router; look for an update of its firmware."},
			fmt.Sprintf("made with a lease of %s, and gone %s later", shortly(t.Mapping.Lease), shortly(trialSettle)))
	case err == nil && t.Mapping.Lease > 0 && v.pace < slowCall:
		v.renew(ctx, t, now)
	}
}

// renew asks for the lease anew, as programs do that keep a port open.
func (v *surveying) renew(ctx context.Context, t *Trial, now Mapping) {
	again := t.Asked
	again.MappingKey, again.Lease = t.Mapping.MappingKey, t.Mapping.Lease
	if err := v.gateway.AddMapping(ctx, again); err != nil {
		if isTaken(err) || isAnswer(err) && len(t.Tried) == 1 {
			v.found(FindRenewalRefused, Warning, Advice{What: "The router refuses to renew a lease: a port closes for a moment whenever it is renewed."}, reason(err))
		}
		return
	}
	after, err := v.gateway.Find(ctx, t.Mapping.MappingKey)
	told := []string{fmt.Sprintf("%s when it was made, %s later %s, %s after a renewal", shortly(t.Mapping.Lease), shortly(trialSettle), shortly(now.Lease), shortly(after.Lease))}
	switch t.Renewed = err == nil && after.Lease > now.Lease; {
	case err != nil:
	case t.Renewed:
		v.found(FindLease, OK, Advice{What: "Leases run down, and are renewed."}, told...)
	case now.Lease >= t.Mapping.Lease:
		v.found(FindLease, OK, Advice{What: "The router does not tell how much of a lease is left."}, told...)
	default:
		v.found(FindRenewalIgnored, Warning, Advice{"The router says yes to a renewal, and lets the lease run out all the same: ports close while programs think they are open.",
			"Use mappings without a lease, or have them removed and made anew."}, told...)
	}
}

// cleanUp removes whatever the trial has made, also when ctx has ended.
func (v *surveying) cleanUp(ctx context.Context, t *Trial, accepted bool) {
	v.doing("removing the mapping")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), trialClear)
	defer cancel()
	var err error
	switch {
	case accepted && t.Verified:
		_, err = v.gateway.Remove(ctx, t.Mapping.MappingKey)
	case accepted: // it may show up later
		err = v.gateway.DeleteMapping(ctx, t.Mapping.MappingKey)
	default:
		err = v.sweep(ctx, t.Asked)
	}
	if t.Removed = err == nil || errors.Is(err, ErrNoSuchEntry) || !t.Verified && isAnswer(err); t.Removed {
		return
	}
	v.found(FindNotRemoved, Problem, Advice{"The mapping of the test could not be removed: " + strings.TrimSuffix(v.words(err).What, ".") + ".",
		fmt.Sprintf("Delete port %d in the router's settings; it leads nowhere.", t.Mapping.ExternalPort)}, reason(err))
}

// sweep removes entries that do what ours was to do: nobody else has its port of this host.
func (v *surveying) sweep(ctx context.Context, ours Mapping) error {
	var left []Mapping
	for m, err := range Mappings(ctx, v.gateway) {
		if err == nil && m.serves(ours) && m.Protocol == ours.Protocol {
			left = append(left, m)
		}
	}
	for _, m := range left {
		if _, err := v.gateway.Remove(ctx, m.MappingKey); err != nil && !errors.Is(err, ErrNoSuchEntry) {
			return err
		}
	}
	return nil
}
