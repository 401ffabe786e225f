package reach

import (
	"net/netip"

	"upnp/igd"
)

// A Verdict is the outcome of one look.
type Verdict string

// The verdicts. The empty one is of a look that is not over.
const (
	Pass    Verdict = "pass"
	Fail    Verdict = "fail"
	Unknown Verdict = "unknown" // looked, and it could not be told
	Skipped Verdict = "skipped" // not looked
)

// A Finding is a verdict with its reason, a phrase for people.
type Finding struct {
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason"`
}

// A Look is one of the five questions.
type Look string

// The looks, in the order of the way in.
const (
	Local   Look = "local"
	Mapped  Look = "mapped"
	Public  Look = "public"
	Hairpin Look = "hairpin"
	Outside Look = "outside"
)

// Looks are all of them in order.
func Looks() []Look { return []Look{Local, Mapped, Public, Hairpin, Outside} }

// An Answer is what all findings come to.
type Answer string

// The answers. Evidence decides, and without it the answer is Unknown:
//
//   - Yes only if something from the Internet arrived at our own server: the nonce, or, over TCP, a
//     connection of the probe's. The word of a probe is not enough.
//   - No if a probe looked in the right place and did not get through, if nothing listens at the
//     inner end, or if the router's table leads the port elsewhere or holds it disabled.
//   - A mapping that is missing does not settle it: a router does not list what was forwarded on
//     its own page. Neither does an address that is not public: the router before it may forward too.
const (
	Yes      Answer = "yes"
	No       Answer = "no"
	NotKnown Answer = "unknown"
)

// A Report is what a check has found. Its JSON is what `upnp check --json` prints.
type Report struct {
	Local   Finding `json:"local"`
	Mapped  Finding `json:"mapped"`
	Public  Finding `json:"public"`
	Hairpin Finding `json:"hairpin"`
	Outside Finding `json:"outside"`
	Open    Answer  `json:"open"`

	// Mapping is what was looked at: as the router lists it, or as it was asked for if it does not.
	Mapping igd.Mapping `json:"mapping"`
	// ExternalAddr is the router's outside address; not valid if it tells none.
	ExternalAddr netip.Addr `json:"externalAddress"`
	// Visits are who came to our own server, the first of them.
	Visits []Visit `json:"visits"`

	listed bool // the router's table has the mapping
}

// answer is what the findings come to.
func (r *Report) answer() Answer {
	switch {
	case r.Outside.Verdict == Pass:
		return Yes
	case r.Outside.Verdict == Fail, r.Local.Verdict == Fail:
		return No
	case r.listed && r.Mapped.Verdict == Fail:
		return No
	}
	return NotKnown
}

// Finding is the place of one look in the report.
func (r *Report) Finding(l Look) *Finding {
	switch l {
	case Local:
		return &r.Local
	case Mapped:
		return &r.Mapped
	case Public:
		return &r.Public
	case Hairpin:
		return &r.Hairpin
	}
	return &r.Outside
}
