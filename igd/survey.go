package igd

import (
	"context"
	"slices"
	"time"
)

// A Survey looks at all that stands between a program and an open port, from the inside to the
// outside: this host, its network, who answers, the gateway, its way to the Internet, its table, a
// mapping, its events. Each thing found out is a [Finding]; what is seen on the way is in the
// [Report].
//
// Unless Write is set nothing changes on the router, but for a subscription to its events that is
// ended again.
type Survey struct {
	Client *Client // nil: its zero value
	Target string  // only this gateway, as [Client.Open] takes it; empty searches

	// Write adds a mapping to a port nobody else uses and that nobody listens at, looks what the
	// gateway makes of it, and removes it again, whatever happens meanwhile.
	Write bool

	Machine Machine            // what only the operating system knows; nil: not looked at
	Words   func(error) Advice // plain words for an error; nil: its own text
	Doing   func(what string)  // told what is looked at next, while Run waits; nil: nobody is told
	Found   func(Finding)      // told of each finding when it is made, likewise
}

// Survey looks at everything without changing anything. See [Survey] for more.
func (c *Client) Survey(ctx context.Context) *Report {
	return (&Survey{Client: c}).Run(ctx)
}

// Severity says how bad a [Finding] is.
type Severity string

// The severities, the best first.
const (
	OK      Severity = "ok"      // as it should be
	Note    Severity = "note"    // good to know, and no hindrance
	Warning Severity = "warning" // works, but not as well as one may think
	Problem Severity = "problem" // a port cannot be opened, or not be of use
)

func (s Severity) weight() int { return slices.Index([]Severity{OK, Note, Warning, Problem}, s) }

// An Advice is something in plain words, and what to do about it.
type Advice struct {
	What string `json:"what"`
	Do   string `json:"whatToDo,omitempty"` // empty: nothing
}

// A Finding is one thing a Survey found out.
type Finding struct {
	ID       string   `json:"id"` // one of the fixed names that the Find constants list
	Severity Severity `json:"severity"`
	Advice
	Evidence []string `json:"evidence"` // what was seen, a line each
}

// A Report is what a Survey saw. A part that is nil or empty was not checked, or there was nothing.
type Report struct {
	Time    time.Time `json:"time"`    // of the start
	Seconds float64   `json:"seconds"` // it took

	// Conclusion is the first of the worst findings, which is the cause of those after it, or that
	// all is well.
	Conclusion Finding `json:"conclusion"`
	// Findings are in the order of looking: a cause stands before what follows from it.
	Findings []Finding `json:"findings"`

	Interfaces  []SeenInterface `json:"interfaces"`            // of this host, searched or not
	Firewalls   []Firewall      `json:"firewalls,omitempty"`   // of this host, as far as they can be seen
	Undelivered *uint64         `json:"undelivered,omitempty"` // packets that came in during the search and reached no program
	Answers     []SeenAnswer    `json:"answers"`               // whoever answered or announced itself, and what was made of it
	Knocks      []Knock         `json:"knocks,omitempty"`      // ports of the default gateway tried because no gateway answered
	Gateway     *SeenGateway    `json:"gateway,omitempty"`     // the one taken
	WAN         *SeenWAN        `json:"wan,omitempty"`         // its way to the Internet
	Table       *SeenTable      `json:"table,omitempty"`       // its mappings, before ours
	Trial       *Trial          `json:"trial,omitempty"`       // what became of a mapping of our own; only with Survey.Write
	Events      *SeenEvents     `json:"events,omitempty"`      // whether it tells of changes
}

// A surveying is one Run under way.
type surveying struct {
	*Survey
	client  *Client
	report  *Report
	hunted  *hunted
	gateway *Gateway      // nil until one is found
	pace    time.Duration // of the gateway: how long it takes to answer
	line    *line         // of its events; nil without one
	first   notice        // what came of subscribing
}

// Run looks at everything and returns what it found. It always returns a report; if ctx ends
// early, that is a finding too.
func (s *Survey) Run(ctx context.Context) *Report {
	r := &Report{Time: time.Now(), Findings: []Finding{}, Interfaces: []SeenInterface{}, Answers: []SeenAnswer{}}
	v := &surveying{Survey: s, client: s.Client, report: r}
	if v.client == nil {
		v.client = &Client{}
	}
	for _, step := range []func(context.Context){v.host, v.search, v.choose, v.wan, v.table, v.subscribe, v.try, v.events} {
		if ctx.Err() == nil {
			step(ctx)
		}
	}
	v.unsubscribe()
	if ctx.Err() != nil {
		v.stopped(context.Cause(ctx))
	}
	v.conclude()
	r.Seconds = time.Since(r.Time).Round(time.Millisecond).Seconds()
	return r
}

func (v *surveying) doing(what string) {
	if v.Doing != nil {
		v.Doing(what)
	}
}

// found adds a finding.
func (v *surveying) found(id string, how Severity, a Advice, evidence ...string) {
	f := Finding{ID: id, Severity: how, Advice: a, Evidence: append([]string{}, evidence...)}
	v.report.Findings = append(v.report.Findings, f)
	if v.Found != nil {
		v.Found(f)
	}
}

// words puts an error into words.
func (v *surveying) words(err error) Advice {
	if v.Words != nil {
		return v.Words(err)
	}
	return Advice{What: reason(err)}
}

func (v *surveying) stopped(cause error) {
	v.found(FindStopped, Warning, Advice{What: "The examination was stopped before its end."}, cause.Error())
}

// conclude picks the cause: of the worst findings the first, because what stands nearer to this
// host was looked at earlier. To have been stopped weighs less than a problem, and more than
// anything else.
func (v *surveying) conclude() {
	worst := Finding{ID: FindAllWell, Severity: OK, Evidence: []string{}, Advice: Advice{What: v.allWell()}}
	for _, f := range v.report.Findings {
		heavier := f.Severity.weight() > max(worst.Severity.weight(), Note.weight())
		if heavier || f.ID == FindStopped && worst.Severity != Problem {
			worst = f
		}
	}
	v.report.Conclusion = worst
}

func (v *surveying) allWell() string {
	if v.Write {
		return "All is well: the router opens ports, and its outside address is a public one."
	}
	return "All that was looked at is in order; no mapping was tried."
}
