package reach

import (
	"fmt"
	"strings"
)

// hearsay judges a probe where no server of ours listens: all there is is its word.
func (a *asking) hearsay() sighting {
	if s, ok := a.noHelp(); ok {
		return s
	}
	if a.reply.Reachable {
		return a.unknown("%s says that it connected; only a test server could prove it", a.probe.Host())
	}
	return a.failed()
}

// silence judges a probe after whose answer nothing has arrived.
func (a *asking) silence() sighting {
	if s, ok := a.noHelp(); ok {
		return s
	}
	if a.reply.Reachable {
		return a.unknown("%s says that it connected, but nothing arrived here: something else answers at that port, or it is mistaken", a.probe.Host())
	}
	return a.failed()
}

// noHelp is a probe that did not look, or not in the right place.
func (a *asking) noHelp() (s sighting, ok bool) {
	remote := a.report.Mapping.RemoteHost
	switch {
	case a.err != nil:
		return a.unknown("%s: %s", a.probe.Host(), words(a.err)), true
	case !a.isElsewhere(a.reply.Probe):
		return a.unknown("%s is not on the Internet, and what it sees proves nothing", a.who()), true
	case a.reply.isAstray(a.report.ExternalAddr):
		return a.unknown("%s looked at %v, which is not the router's address: this machine speaks to the Internet some other way, such as a VPN", a.probe.Host(), a.reply.Addr), true
	case remote != "" && remote != a.reply.Probe.String():
		return a.unknown("the mapping lets only %s in, which %s is not", remote, a.who()), true
	}
	return s, false
}

// failed is a probe that looked and did not get through.
func (a *asking) failed() sighting {
	reason := fmt.Sprintf("%s could not get through to port %d", a.who(), a.q.Port)
	if a.reply.Addr.IsValid() {
		reason += fmt.Sprintf(" of %v", a.reply.Addr)
	}
	if a.reply.Reason != "" {
		reason += " (" + a.reply.Reason + ")"
	}
	return sighting{verdict: Fail, reason: reason, blames: true}
}

// who is the probe, with its address where that is not its name.
func (a *asking) who() string {
	name, addr := a.probe.Host(), a.reply.Probe.String()
	if strings.HasPrefix(name, addr) {
		return name
	}
	return name + " (" + addr + ")"
}

func (a *asking) pass(format string, args ...any) sighting {
	return sighting{verdict: Pass, reason: fmt.Sprintf(format, args...)}
}

func (a *asking) unknown(format string, args ...any) sighting {
	return sighting{verdict: Unknown, reason: fmt.Sprintf(format, args...)}
}

// finding puts a sighting into words, with what the other findings say about a failure.
func (k *check) finding(s sighting) Finding {
	if !s.blames {
		return Finding{s.verdict, s.reason}
	}
	r := k.report
	switch {
	case r.Public.Verdict == Fail:
		s.reason += ": what stands before the router does not let it in"
	case r.Mapped.Verdict == Fail:
		s.reason += ": the router does not send it there"
	case r.Local.Verdict == Fail:
		s.reason += ": nothing listens here"
	default:
		s.reason += ": the router does not forward what its table lists, or a firewall keeps it out, on this machine or at the provider"
	}
	return Finding{s.verdict, s.reason}
}
