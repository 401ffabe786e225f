package ssdp

import (
	"errors"
	"slices"
)

var (
	errNoInterfaces = errors.New("no network interfaces")
	errNoSuchName   = errors.New("no such interface")
)

// selectInterfaces picks those called names or, without names, the usable ones. What stands in the way of a named one
// is an error; unusable ones are only if there are no others.
func selectInterfaces(list func() ([]Interface, error), names []string) (chosen []Interface, problems []error) {
	if list == nil {
		list = SystemInterfaces
	}
	all, err := list()
	if err != nil {
		return nil, []error{&InterfaceError{Op: "list", Err: err}}
	}
	if len(names) > 0 {
		return namedInterfaces(all, names)
	}
	for _, ifi := range all {
		if ok, reason := ifi.Usable(); ok {
			chosen = append(chosen, ifi)
		} else {
			problems = append(problems, &InterfaceError{Interface: ifi, Op: "use", Err: errors.New(reason)})
		}
	}
	switch {
	case len(chosen) > 0:
		return chosen, nil
	case len(problems) == 0:
		return nil, []error{&InterfaceError{Op: "list", Err: errNoInterfaces}}
	}
	return nil, problems
}

func namedInterfaces(all []Interface, names []string) (chosen []Interface, problems []error) {
	for _, name := range names {
		i := slices.IndexFunc(all, func(ifi Interface) bool { return ifi.Name == name })
		switch {
		case i < 0:
			problems = append(problems, &InterfaceError{Interface: Interface{Name: name}, Op: "use", Err: errNoSuchName})
		case all[i].reasonIdle() != "":
			problems = append(problems, &InterfaceError{Interface: all[i], Op: "use", Err: errors.New(all[i].reasonIdle())})
		default:
			chosen = append(chosen, all[i])
		}
	}
	return chosen, problems
}
