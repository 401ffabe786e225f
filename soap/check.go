package soap

import (
	"errors"
	"fmt"
	"slices"

	"upnp/description"
)

// find returns nil for an action that exists without a description.
func (h *Handler) find(name string) (*description.Action, error) {
	var action *description.Action
	if h.SCPD != nil {
		if action = h.SCPD.Action(name); action == nil || action.Name != name {
			return nil, &Fault{Code: InvalidAction}
		}
	}
	if h.Actions[name] != nil {
		return action, nil
	}
	if action != nil {
		return nil, &Fault{Code: OptionalActionNotPresent}
	}
	return nil, &Fault{Code: InvalidAction}
}

// checkIn returns the arguments in the order of the description.
func (h *Handler) checkIn(action *description.Action, in Args) (Args, error) {
	if action == nil {
		return in, nil
	}
	want := action.In()
	ordered := make(Args, 0, len(want))
	for _, w := range want {
		arg, err := in.only(w.Name)
		if err != nil {
			return nil, err
		}
		ordered = append(ordered, arg)
	}
	if len(in) > len(want) {
		return nil, &Fault{Code: InvalidArgs, Description: "Invalid Args: too many"}
	}
	for i, w := range want {
		if err := h.checkValue(w, ordered[i].Value); err != nil {
			return nil, err
		}
	}
	return ordered, nil
}

// only returns the argument with exactly that name if it is there once.
func (a Args) only(name string) (Arg, error) {
	named := func(arg Arg) bool { return arg.Name == name }
	i := slices.IndexFunc(a, named)
	if i < 0 {
		return Arg{}, &Fault{Code: InvalidArgs, Description: "Invalid Args: no " + name}
	}
	if slices.ContainsFunc(a[i+1:], named) {
		return Arg{}, &Fault{Code: InvalidArgs, Description: "Invalid Args: " + name + " twice"}
	}
	return a[i], nil
}

func (h *Handler) checkValue(arg *description.Argument, value string) error {
	variable := h.SCPD.Related(arg)
	if variable == nil {
		return nil
	}
	wrong, ok := errors.AsType[*description.ValueError](variable.Check(value))
	if !ok {
		return nil
	}
	code := ArgumentValueOutOfRange
	if wrong.Problem == description.Malformed {
		code = InvalidArgs
	}
	return &Fault{Code: code, Description: codeText(code) + ": " + arg.Name}
}

// orderOut puts the arguments in the order of the description, others behind them.
func orderOut(action *description.Action, out Args) (Args, error) {
	if action == nil {
		return out, nil
	}
	want := action.Out()
	ordered := make(Args, 0, max(len(out), len(want)))
	for _, w := range want {
		arg, err := out.only(w.Name)
		if err != nil {
			return nil, fmt.Errorf("soap: %s gave no single %s", action.Name, w.Name)
		}
		ordered = append(ordered, arg)
	}
	for _, arg := range out {
		if !slices.Contains(ordered, arg) {
			ordered = append(ordered, arg)
		}
	}
	return ordered, nil
}
