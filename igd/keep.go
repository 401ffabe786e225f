package igd

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"upnp/description"
)

// How a Keeper looks after its mappings (SECURITY section 8, rules 5 to 7).
const (
	canaryEvery   = 30 * time.Second // one mapping is read back
	canaryMany    = 20               // above so many mappings, canaryBatch of them
	canaryBatch   = 8
	sweepEvery    = 10 * time.Minute // all are
	sweepGap      = 5 * time.Second  // between sweeps that something else asked for
	externalEvery = time.Minute
	externalAgain = time.Second // a changed external address is read twice
	writeGap      = 100 * time.Millisecond
	leaveBudget   = 5 * time.Second
	maxWishes     = 1 << 16
)

// A Keeper keeps ports open for as long as it runs: through leases that end, routers that
// restart, forget or are replaced, and addresses that change. It tells the router's table from
// what it wants and repairs the difference; whatever it hears, from announcements to events,
// only makes it look. Mappings of others are never changed.
//
// The zero value of every field is usable.
type Keeper struct {
	Client *Client // nil: the zero Client
	// Target is the gateway as [Client.Open] takes it; empty: the best that is found, and
	// another in its place when that is gone for good.
	Target string
	// Journal is a file that remembers what was made, so that what a crash leaves behind is
	// removed at the next start. Only one Keeper can use it at a time; others fail at once with
	// ErrJournalInUse. Empty: nothing is remembered.
	Journal string
	// Repair makes mappings that are there already anew, once at the start and after each
	// restart of the router: some list a mapping that they do not forward any more.
	Repair bool
	// Probe, if set, looks from outside whether a mapping is open. One that the router lists and
	// that is closed is made anew, once. It is called about once a minute, for one mapping after
	// the other, and may take ten seconds. An error is no verdict.
	Probe func(ctx context.Context, m Mapping, external netip.Addr) (open bool, err error)
	// Pinholes are kept open in the router's IPv6 firewall too, those for the zero client at whatever
	// address this host has. One without a lease has an hour's. After a crash they end by
	// themselves.
	Pinholes []Pinhole
	// Ledger, if set, notes the pinholes.
	Ledger *Ledger
	// Events is told what happens, one event at a time. It must not block for long.
	Events func(KeepEvent)
	// Wishes, if set, gives other wishes than those Run began with: all of them, each time. What
	// was wished for before and is no more stays in the table until its lease is over, and is not
	// removed at the end.
	Wishes <-chan []Wish

	slept func() time.Duration // how long the machine was suspended in all; nil: by its clocks
}

// Run keeps the wishes until ctx ends. Then it removes what it made, for which it takes 5 s at
// most, and returns nil; what it could not remove stays in the journal. It fails at once if a
// wish cannot be sent or the journal cannot be used.
//
// Where not all wishes fit into a router's table, the first ones are kept.
func (k *Keeper) Run(ctx context.Context, wishes ...Wish) error {
	if err := cmp.Or(checkWishes(wishes), checkHoles(k.Pinholes)); err != nil {
		return err
	}
	j, notes, err := openJournal(k.Journal, systemDisk{})
	if err != nil {
		return err
	}
	defer j.close()
	r := newKeeping(k, j, wishes)
	for _, n := range notes {
		r.tell(KeepEvent{Kind: KeepJournal, Reason: n})
	}
	return r.run(ctx)
}

func checkWishes(wishes []Wish) error {
	if len(wishes) > maxWishes {
		return fmt.Errorf("igd: %d wishes are more than there are ports", len(wishes))
	}
	seen := map[MappingKey]bool{}
	for _, w := range wishes {
		key := normal(w).MappingKey
		if key.ExternalPort == 0 {
			return fmt.Errorf("igd: %w", ErrWildcardPort)
		}
		if seen[key] {
			return fmt.Errorf("igd: %v is wanted twice", key)
		}
		seen[key] = true
	}
	return nil
}

// normal fills in what a wish leaves open, but for this host's address.
func normal(w Wish) Wish {
	if w.Protocol == "" {
		w.Protocol = TCP
	}
	if w.InternalPort == 0 {
		w.InternalPort = w.ExternalPort
	}
	return w
}

// A keeping is a Keeper while it runs. Everything but the ears is done by one goroutine.
type keeping struct {
	keeper  *Keeper
	client  *Client
	journal *journal
	kept    []*kept
	holes   []*keptHole
	router  router

	sweeping  time.Time // when the sweep under way began; zero: none is
	byName    bool      // it does without a walk through the table
	dirty     string    // why all has to be looked at; empty if it need not
	sweepAt   time.Time // not before
	nextSweep time.Time
	canaryAt  time.Time
	canary    int // index of the next to read
	adds      addPace

	external external
	probing  probing

	began    time.Time
	place    place
	ears     sync.WaitGroup
	hints    chan hint
	left     map[uint64]bool // told as not to be removed
	diskFull bool
}

func newKeeping(k *Keeper, j *journal, wishes []Wish) *keeping {
	r := &keeping{keeper: k, journal: j, hints: make(chan hint, 16), began: time.Now(), left: map[uint64]bool{}}
	c := Client{}
	if k.Client != nil {
		c = *k.Client
	}
	if c.Memory == nil {
		c.Memory = &shortMemory{kept: map[string]Remembered{}}
	}
	r.client = &c
	r.kept = r.keptFor(wishes)
	r.holes = keptHoles(k.Pinholes)
	r.probing.results = make(chan verdict, 1)
	return r
}

// run works until ctx ends, and then takes everything away again.
func (r *keeping) run(ctx context.Context) error {
	listening, deaf := context.WithCancel(ctx)
	r.listen(listening)
	for ctx.Err() == nil {
		r.step(ctx)
		r.wait(ctx)
	}
	deaf()
	r.leaveHoles(ctx)
	r.leave(ctx)
	r.router.unwatch()
	r.ears.Wait()
	return nil
}

// step does everything that is due.
func (r *keeping) step(ctx context.Context) {
	if !r.reachable(ctx) {
		return
	}
	for _, work := range []func(context.Context) error{r.sweep, r.renewAll, r.makeAll, r.readCanaries, r.readExternal, r.keepHoles} {
		if err := work(ctx); err != nil {
			if ctx.Err() == nil {
				r.suspect(err)
			}
			return
		}
	}
	r.router.strikes = 0
	if r.router.stopEvents == nil && !r.router.slow { // a slow one has enough to do
		r.watch(ctx, r.router.gateway)
	}
	r.startProbe(ctx)
}

// due is when there is something to do again.
func (r *keeping) due() time.Time {
	switch now := time.Now(); {
	case r.router.state != routerOK:
		return r.router.retryAt
	case now.Before(r.router.pauseAt):
		return r.router.pauseAt
	}
	at := r.canaryAt
	next := func(t time.Time) {
		if !t.IsZero() && t.Before(at) {
			at = t
		}
	}
	next(r.external.at)
	next(r.nextSweep)
	if r.dirty != "" {
		next(r.sweepAt)
	}
	for _, k := range r.kept {
		next(k.renewAt)
		if k.wanting() {
			next(later(k.tryAt, r.adds.at))
		}
	}
	for _, h := range r.holes {
		at = earlier(at, h.at())
	}
	next(r.probeAt())
	return at
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// wait sleeps until something is due or heard.
func (r *keeping) wait(ctx context.Context) {
	t := time.NewTimer(max(time.Until(r.due()), 0))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case h := <-r.hints:
		r.heed(h)
	case wishes := <-r.keeper.Wishes:
		r.wish(wishes)
	case v := <-r.probing.results:
		if err := r.judgeProbe(ctx, v); err != nil && ctx.Err() == nil {
			r.suspect(err)
		}
	}
}

// wish puts other wishes in the place of those there are. One that stays keeps what is known of it.
func (r *keeping) wish(wishes []Wish) {
	if err := checkWishes(wishes); err != nil {
		r.tell(KeepEvent{Kind: KeepRefused, Reason: err.Error(), Err: err})
		return
	}
	before := r.kept
	r.kept = r.keptFor(wishes)
	for _, k := range before {
		if k.entry.ID != 0 && !slices.Contains(r.kept, k) {
			r.note(r.journal.end(k.entry))
		}
	}
	r.mark("other wishes")
	r.sweepAt = time.Time{}
}

// keptFor is what is known of each wish.
func (r *keeping) keptFor(wishes []Wish) []*kept {
	all := make([]*kept, len(wishes))
	for i, w := range wishes {
		all[i] = &kept{wish: normal(w)}
		if at := slices.IndexFunc(r.kept, func(k *kept) bool { return k.wish == all[i].wish }); at >= 0 {
			all[i] = r.kept[at]
		}
	}
	return all
}

// mark asks for a look at everything, soon.
func (r *keeping) mark(why string) {
	if r.dirty == "" {
		r.dirty = why
	}
}

func (r *keeping) tell(e KeepEvent) {
	if r.keeper.Events == nil {
		return
	}
	e.Time = time.Now()
	r.keeper.Events(e)
}

// note puts entries into the journal. A disk that fails is told of once and keeps nothing from
// being done.
func (r *keeping) note(err error) {
	switch {
	case err != nil && !r.diskFull:
		r.diskFull = true
		r.tell(KeepEvent{Kind: KeepJournal, Reason: "the journal cannot be written; after a crash, mappings may be left behind: " + err.Error()})
	case err == nil && r.diskFull:
		r.diskFull = false
		r.tell(KeepEvent{Kind: KeepJournal, Reason: "the journal is written again"})
	}
}

// isAway reports an error that says that there is no router where it was: silence, a refused
// connection, or an address where its service is not.
func isAway(err error) bool {
	return err != nil && (!isAnswer(err) || description.WrongURL(err))
}

// A shortMemory remembers for as long as a Keeper runs.
type shortMemory struct {
	mu   sync.Mutex
	kept map[string]Remembered
}

func (m *shortMemory) Load(key string) (Remembered, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.kept[key]
	return r, ok
}

func (m *shortMemory) Store(key string, r Remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept[key] = r
}
