package cli

import (
	"strings"

	"upnp/igd/reach"
)

// verdicts prints findings in the order of the way in, each as soon as those before it are known.
type verdicts struct {
	*session
	findings map[reach.Look]reach.Finding
	printed  int
	waiting  func()
}

var colourOf = map[reach.Verdict]string{reach.Pass: green, reach.Fail: red, reach.Unknown: yellow, reach.Skipped: dim}

// found takes a finding in.
func (v *verdicts) found(l reach.Look, f reach.Finding) {
	v.findings[l] = f
	if v.options.json {
		return
	}
	for _, look := range reach.Looks()[v.printed:] {
		f, known := v.findings[look]
		if !known {
			return
		}
		v.done()
		v.printed++
		colour := colourOf[f.Verdict]
		if look == reach.Hairpin && f.Verdict == reach.Fail {
			colour = yellow // nothing is wrong
		}
		verdict := v.stdout.style(colour, pad(string(f.Verdict), len("unknown"), false))
		v.stdout.linef("%-8s %s  %s", string(look), verdict, v.folded(f.Reason))
		v.stdout.w.Flush()
		v.wait()
	}
}

// folded keeps a reason in its column.
func (v *verdicts) folded(reason string) styled {
	const column = 18
	if !v.OutTerminal || v.Columns < 2*column {
		return styled(clean(reason))
	}
	return styled(strings.ReplaceAll(fold(clean(reason), v.Columns-column), "\n  ", "\n"+strings.Repeat(" ", column)))
}

// wait shows on a terminal what is being looked at.
func (v *verdicts) wait() {
	v.waiting = func() {}
	if all := reach.Looks(); v.printed < len(all) {
		v.waiting = v.progress("looking: " + string(all[v.printed]))
	}
}

func (v *verdicts) done() { v.waiting() }
