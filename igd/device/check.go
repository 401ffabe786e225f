package device

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"upnp/description"
	"upnp/igd/wire"
	"upnp/soap"
)

// check makes of args what an action takes: each argument once, in order, in the one way its type is
// written. The error is an ArgumentErrors with all that is wrong.
func check(scpd *description.SCPD, a *description.Action, args soap.Args) (soap.Args, error) {
	want := a.In()
	wrong := strangers(a, want, args)
	ready := make(soap.Args, 0, len(want))
	for _, w := range want {
		given := slices.DeleteFunc(slices.Clone(args), func(arg soap.Arg) bool { return !strings.EqualFold(arg.Name, w.Name) })
		v := scpd.Related(w)
		switch {
		case len(given) == 0:
			wrong = append(wrong, &ArgumentError{Action: a.Name, Argument: w.Name, Mistake: Missing, Allowed: domain(v)})
		case len(given) > 1:
			wrong = append(wrong, &ArgumentError{Action: a.Name, Argument: w.Name, Mistake: Repeated, Allowed: domain(v)})
		default:
			text, err := write(v, given[0].Value)
			if err != nil {
				wrong = append(wrong, &ArgumentError{Action: a.Name, Argument: w.Name, Mistake: Invalid, Allowed: domain(v), Err: err})
			}
			ready = append(ready, soap.Arg{Name: w.Name, Value: text})
		}
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return ready, nil
}

// strangers are the arguments that an action does not have.
func strangers(a *description.Action, want []*description.Argument, args soap.Args) (wrong ArgumentErrors) {
	names := "none"
	if len(want) > 0 {
		var all []string
		for _, w := range want {
			all = append(all, w.Name)
		}
		names = some(all)
	}
	for _, arg := range args {
		if !slices.ContainsFunc(want, func(w *description.Argument) bool { return strings.EqualFold(w.Name, arg.Name) }) {
			wrong = append(wrong, &ArgumentError{Action: a.Name, Argument: arg.Name, Mistake: Unknown, Allowed: names})
		}
	}
	return wrong
}

// maxDomain bounds what is told of the values there may be, in runes.
const maxDomain = 500

func domain(v *description.Variable) string {
	if v == nil {
		return "any text"
	}
	return wire.Sanitize(v.Domain(), maxDomain)
}

// write is text as v is written.
func write(v *description.Variable, text string) (string, *description.ValueError) {
	if v == nil {
		return text, nil
	}
	written, err := v.Format(text)
	if wrong, ok := errors.AsType[*description.ValueError](err); ok {
		return "", wrong
	}
	return written, nil
}

// reason is why a text is no value, without the text if it is secret.
func reason(err error, name string) string {
	wrong, ok := errors.AsType[*description.ValueError](err)
	switch {
	case !ok:
		return err.Error()
	case IsSecret(name):
		return wrong.Reason
	}
	return fmt.Sprintf("%.100q: %s", wrong.Text, wrong.Reason)
}
