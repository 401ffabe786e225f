package description

import "strings"

// An SCPD is a service description: the actions a service offers and the state
// variables that give their arguments a type.
type SCPD struct {
	// SpecMajor and SpecMinor are the version of the architecture. A zero SpecMajor is
	// written as 1.
	SpecMajor, SpecMinor int

	// ConfigID is the configId attribute, as text; empty when there is none.
	ConfigID string

	Actions   []*Action
	Variables []*Variable

	// Notes are the repairs that were made, each once, in the order they were made.
	Notes []string
}

// An Action is something a service can be asked to do.
type Action struct {
	Name      string
	Arguments []*Argument // all that go in, then all that come out
}

// An Argument is a parameter or a result of an action.
type Argument struct {
	Name     string
	Out      bool   // the device says it, rather than the caller
	Retval   bool   // the result, where an action has one; at most the first Out argument
	Variable string // relatedStateVariable: the variable whose type it has
}

// A Variable is a state variable, or the type of an argument in the clothes of one.
type Variable struct {
	Name      string
	Type      DataType
	Default   string   // empty if there is none
	Allowed   []string // the only values allowed; nil for no such list
	Range     *Range   // nil for no range
	Evented   bool     // sendEvents: changes are sent to subscribers
	Multicast bool     // changes are multicast as well, since version 1.1
}

// A Range bounds a number, both ends included. The three are text, because their form
// is that of the variable's type; an empty one is not there.
type Range struct{ Min, Max, Step string }

// In returns the arguments the caller gives.
func (a *Action) In() []*Argument { return a.arguments(false) }

// Out returns the arguments the device answers with.
func (a *Action) Out() []*Argument { return a.arguments(true) }

func (a *Action) arguments(out bool) []*Argument {
	var list []*Argument
	for _, arg := range a.Arguments {
		if arg.Out == out {
			list = append(list, arg)
		}
	}
	return list
}

// Action returns the action of that name, nil if there is none. Where no name is equal
// one that differs only in case is taken.
func (s *SCPD) Action(name string) *Action {
	return named(s.Actions, name, func(a *Action) string { return a.Name })
}

// Variable returns the variable of that name, nil if there is none. Where no name is
// equal one that differs only in case is taken.
func (s *SCPD) Variable(name string) *Variable {
	return named(s.Variables, name, func(v *Variable) string { return v.Name })
}

// Related returns the variable that gives arg its type, nil if the document has none.
func (s *SCPD) Related(arg *Argument) *Variable { return s.Variable(arg.Variable) }

// Note appends a line to Notes under the rule of [Root.Note].
func (s *SCPD) Note(format string, args ...any) {
	s.Notes = note(s.Notes, format, args...)
}

// named returns the item called name, else the first called so in another case.
func named[T any](items []*T, name string, of func(*T) string) *T {
	var similar *T
	for _, item := range items {
		if of(item) == name {
			return item
		}
		if similar == nil && strings.EqualFold(of(item), name) {
			similar = item
		}
	}
	return similar
}
