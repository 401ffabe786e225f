package emulator

import (
	"context"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"upnp/igd"
)

// coded is a refusal of ours: of an action, with a code.
type coded struct {
	action string
	code   int
}

// habits are what a recorded router does in its own way, as far as that was seen.
type habits struct {
	codes       map[coded]int     // what it says in place of a code by the book
	end         *said             // how its list ends
	foreign     int               // the code for mapping to another host; 0 is not seen
	anyone      bool              // who may map for whom
	refusals    []refusal         // what it does not take
	lease       leaseHabit        //
	cut         int               // bytes it keeps of a description; 0 is all
	altered     map[string]string // descriptions that were asked for, as they were told
	forgiving   bool              // it deletes what is not there with success
	mute        map[string]bool   // actions that it answers by hanging up
	newestFirst bool              // its list begins with the last mapping that was made
}

// A refusal is a code for requests of a kind.
type refusal struct {
	code  int
	about func(igd.Mapping) bool
}

// A leaseHabit is what becomes of a lease; zero values are not seen.
type leaseHabit struct {
	zero    time.Duration // what 0 becomes
	fixed   time.Duration // what every other becomes
	longest time.Duration
	forgets bool // a lease is told as 0
}

// A student learns habits from calls in their order.
type student struct {
	habits
	table    map[string]*call // the Add that made it, or nil; by key
	clients  map[string]string
	gone     map[string]bool
	newest   string // key of the last Add
	accepted []*call
	refused  []*call
}

func learn(r *recorded) habits {
	s := student{
		habits: habits{codes: map[coded]int{}, mute: map[string]bool{}, altered: map[string]string{}}, table: map[string]*call{}, clients: map[string]string{}, gone: map[string]bool{},
	}
	for _, c := range r.calls {
		s.mute[c.action] = s.mute[c.action] || onTable(c.action) && len(c.whole) == 0
		switch c.action {
		case "AddPortMapping":
			s.add(c)
		case "DeletePortMapping":
			s.delete(c)
		case "GetGenericPortMappingEntry":
			s.generic(c)
		case "GetSpecificPortMappingEntry":
			s.specific(c)
		}
	}
	for _, c := range s.refused {
		s.explain(c)
	}
	return s.habits
}

func keyOf(args interface{ Value(string) string }) string {
	return args.Value("NewExternalPort") + "/" + strings.ToUpper(args.Value("NewProtocol"))
}

func (s *student) add(c *call) {
	key, client := keyOf(c.in), c.in.Value("NewInternalClient")
	switch {
	case c.ok:
		s.table[key], s.clients[key] = c, client
		s.gone[key], s.newest = false, key
		s.accepted = append(s.accepted, c)
		s.anyone = s.anyone || client != c.own.String()
	case c.fault == nil:
	case s.clients[key] != "" && s.clients[key] != client:
		s.codes[coded{c.action, igd.ErrConflict.Code}] = c.fault.Code
	case client != c.own.String():
		s.foreign = c.fault.Code
	case c.fault.Code == igd.ErrConflict.Code:
		// the table was not looked at; it is a conflict all the same
	default:
		s.refused = append(s.refused, c)
	}
}

func (s *student) delete(c *call) {
	key := keyOf(c.in)
	switch {
	case s.gone[key] && c.fault != nil:
		s.codes[coded{c.action, igd.ErrNoSuchEntry.Code}] = c.fault.Code
	case s.gone[key]:
		s.forgiving = s.forgiving || c.ok
	case c.fault != nil && s.clients[key] != "" && s.clients[key] != c.own.String():
		s.codes[coded{c.action, igd.ErrNotAuthorized.Code}] = c.fault.Code
		s.codes[coded{c.action, igd.ErrConflict.Code}] = c.fault.Code
	case c.ok:
		s.gone[key] = true
		delete(s.table, key)
		delete(s.clients, key)
	}
}

func (s *student) generic(c *call) {
	if !c.ok {
		s.end = c.said
		return
	}
	key := keyOf(c.out)
	s.newestFirst = s.newestFirst || c.in.Value("NewPortMappingIndex") == "0" && key == s.newest && len(s.clients) > 1
	s.seen(key, c)
}

func (s *student) specific(c *call) {
	key := keyOf(c.in)
	switch {
	case c.ok:
		s.seen(key, c)
	case c.fault != nil:
		s.codes[coded{c.action, igd.ErrNoSuchEntry.Code}] = c.fault.Code
		s.gone[key] = true
	}
}

// seen compares what is told of a mapping with what was asked for, when it is told the first time.
func (s *student) seen(key string, c *call) {
	s.clients[key] = c.out.Value("NewInternalClient")
	s.gone[key] = false
	made := s.table[key]
	if made == nil {
		return
	}
	delete(s.table, key)
	s.compareLease(seconds(made.in.Value("NewLeaseDuration")), seconds(c.out.Value("NewLeaseDuration")))
	asked, told := made.in.Value("NewPortMappingDescription"), c.out.Value("NewPortMappingDescription")
	told = strings.TrimRight(told, string(utf8.RuneError))
	if len(told) < len(asked) && strings.HasPrefix(asked, told) {
		s.cut = len(told)
	}
	s.altered[asked] = told
}

func seconds(text string) time.Duration {
	n, _ := strconv.Atoi(strings.TrimSpace(text))
	return time.Duration(n) * time.Second
}

// slack is how much of a lease may have passed until it was told.
const slack = time.Minute

func (s *student) compareLease(asked, told time.Duration) {
	switch full := (told + slack - 1).Truncate(slack); {
	case asked == 0:
		s.lease.zero = full
	case told == 0:
		s.lease.forgets = true
	case told > asked:
		s.lease.fixed = full
	case told < asked-slack:
		s.lease.longest = full
	}
}

// explain finds the rule behind a refusal by what was accepted in its place.
func (s *student) explain(c *call) {
	lease := seconds(c.in.Value("NewLeaseDuration"))
	port, _ := strconv.Atoi(c.in.Value("NewExternalPort"))
	for _, a := range s.accepted {
		instead := seconds(a.in.Value("NewLeaseDuration"))
		switch same := keyOf(a.in) == keyOf(c.in); {
		case same && lease > 0 && instead == 0:
			s.refuses(c, func(m igd.Mapping) bool { return m.Lease > 0 })
			return
		case same && lease == 0 && instead > 0:
			s.refuses(c, func(m igd.Mapping) bool { return m.Lease == 0 })
			return
		case same && c.in.Value("NewPortMappingDescription") == "" && a.in.Value("NewPortMappingDescription") != "":
			s.refuses(c, func(m igd.Mapping) bool { return m.Description == "" })
			return
		}
	}
	const wellKnown = 1024
	if port < wellKnown {
		s.refuses(c, func(m igd.Mapping) bool { return m.ExternalPort < wellKnown })
		return
	}
	s.refuses(c, func(m igd.Mapping) bool {
		return int(m.ExternalPort) == port && strings.EqualFold(string(m.Protocol), c.in.Value("NewProtocol")) && m.Lease == lease
	})
}

func (s *student) refuses(c *call, about func(igd.Mapping) bool) {
	s.refusals = append(s.refusals, refusal{c.fault.Code, about})
}

// behave is a backend with the habits.
func (l *likeness) behave(b Backend) Backend {
	b = adder{b, func(_ context.Context, m *igd.Mapping) error { return l.alter(m) }}
	if l.lease.forgets {
		b = view{b, func(m igd.Mapping) (igd.Mapping, bool) { m.Lease = 0; return m, true }}
	}
	if l.forgiving {
		b = indulgent{b}
	}
	if inner := b; l.newestFirst {
		b = indexer{b, func(ctx context.Context, i int) (igd.Mapping, error) { return newestFirst(ctx, inner, i) }}
	}
	return b
}

// alter refuses a mapping or makes of it what the router does.
func (h *habits) alter(m *igd.Mapping) error {
	for _, r := range h.refusals {
		if r.about(*m) {
			return igd.Error{Service: family(r.code), Code: r.code}
		}
	}
	switch {
	case m.Lease == 0:
		m.Lease = h.lease.zero
	case h.lease.fixed > 0:
		m.Lease = h.lease.fixed
	case h.lease.longest > 0:
		m.Lease = min(m.Lease, h.lease.longest)
	}
	if told, ok := h.altered[m.Description]; ok {
		m.Description = told
	} else if h.cut > 0 {
		m.Description = m.Description[:min(h.cut, len(m.Description))]
	}
	return nil
}

// policy is who may map for whom; nil is what the standard of the device has.
func (h *habits) policy() igd.Policy {
	switch {
	case h.anyone:
		return igd.Anyone
	case h.foreign == 0:
		return nil
	}
	return func(caller netip.Addr, m igd.Mapping) error {
		if m.InternalClient == caller {
			return nil
		}
		return igd.Error{Service: family(h.foreign), Code: h.foreign}
	}
}
