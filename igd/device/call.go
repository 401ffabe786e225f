package device

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"upnp/description"
	"upnp/soap"
)

// A Result is what an action gave.
type Result struct {
	Service string  // the type of the service that gave it
	Action  string  // as the service description spells it
	Values  []Value // in the order of the service description, those it does not know last
	Notes   []string
}

// Get is the value of that name, in any case.
func (r *Result) Get(name string) (Value, bool) { return get(r.Values, name) }

// A Value is an argument that came back, or a variable that changed.
type Value struct {
	Name string
	Type description.DataType // empty where no service description tells
	Text string               // as the device wrote it
	// Value is Text as its type has it in Go, see [description.DataType.Parse]. It is Text itself
	// without a type, and where it is not of that type, which a note tells then.
	Value any
}

func get(values []Value, name string) (Value, bool) {
	i := slices.IndexFunc(values, func(v Value) bool { return strings.EqualFold(v.Name, name) })
	if i < 0 {
		return Value{}, false
	}
	return values[i], true
}

// Call calls an action. The arguments are text, in any order; they are checked and written as
// [Service.Prepare] says. Errors before anything is sent are [*ActionError] and [ArgumentErrors];
// others are a [*CallError], with the *soap.Fault of a refusal in its tree.
func (s *Service) Call(ctx context.Context, action string, args soap.Args) (*Result, error) {
	request, err := s.Prepare(ctx, action, args)
	if err != nil {
		return nil, err
	}
	return s.Send(ctx, request)
}

// Prepare makes the request that calls an action, checked against the service description: each
// argument there is, once, of its type, within its range and list; names in any case. Values are
// written the one way their types prescribe. Without a service description the arguments stay as they
// are, and a note of the request says why. Nothing is sent to the service.
func (s *Service) Prepare(ctx context.Context, action string, args soap.Args) (*soap.Request, error) {
	r := &soap.Request{Service: s.callType(), Action: action, Args: args}
	scpd, err := s.SCPD(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		r.Notes = append(r.Notes, fmt.Sprintf("arguments sent unchecked: no service description: %v", err))
		return r, nil
	}
	a := scpd.Action(action)
	if a == nil {
		return nil, &ActionError{Service: s.Short(), Action: action, Known: actionNames(scpd)}
	}
	r.Action = a.Name
	r.Args, err = check(scpd, a, args)
	return r, err
}

func actionNames(scpd *description.SCPD) []string {
	var names []string
	for _, a := range scpd.Actions {
		names = append(names, a.Name)
	}
	return names
}

// callType is the type the service is called by: as announced, with version 1 where the announcement
// has none.
func (s *Service) callType() string {
	if parts := strings.Split(strings.TrimSuffix(s.Type, ":"), ":"); len(parts) == 4 {
		return strings.Join(append(parts, "1"), ":")
	}
	return s.Type
}

// Send sends a request as it is, whatever the service description says, and reads the answer by it.
// Errors are a [*CallError].
func (s *Service) Send(ctx context.Context, r *soap.Request) (*Result, error) {
	scpd, _ := s.SCPD(ctx) // without it, values have no types
	answer, err := s.post(ctx, r)
	if err != nil {
		return nil, &CallError{Action: r.Action, Service: s.Type, Device: s.way.host.String(), Err: err}
	}
	result := &Result{Service: s.Type, Action: r.Action, Notes: slices.Concat(r.Notes, answer.Notes)}
	result.read(scpd, answer.Args)
	return result, nil
}

// post tries the control URLs until one is there.
func (s *Service) post(ctx context.Context, r *soap.Request) (answer *soap.Response, err error) {
	ctx, done, err := s.way.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	err = ErrNoURL
	for _, u := range s.Root.URLs(s.ControlURL) {
		c := soap.Client{URL: u, Service: r.Service, HTTP: s.way.http}
		if answer, err = c.Call(ctx, r.Action, r.Args...); err == nil || !description.WrongURL(err) {
			return answer, err
		}
	}
	return nil, err
}

// read sorts an answer by what the service description says comes back.
func (r *Result) read(scpd *description.SCPD, args soap.Args) {
	if scpd == nil || scpd.Action(r.Action) == nil {
		r.append(nil, args...)
		return
	}
	var known []string
	for _, want := range scpd.Action(r.Action).Out() {
		known = append(known, want.Name)
		text, ok := args.Get(want.Name)
		if !ok {
			r.Notes = append(r.Notes, "the answer has no "+want.Name)
			continue
		}
		r.append(scpd.Related(want), soap.Arg{Name: want.Name, Value: text})
	}
	for _, arg := range args {
		if !slices.ContainsFunc(known, func(name string) bool { return strings.EqualFold(name, arg.Name) }) {
			r.Notes = append(r.Notes, arg.Name+" is not in the service description")
			r.append(nil, arg)
		}
	}
}

func (r *Result) append(v *description.Variable, args ...soap.Arg) {
	for _, arg := range args {
		value, note := read(v, arg.Name, arg.Value)
		r.Values = append(r.Values, value)
		if note != "" {
			r.Notes = append(r.Notes, note)
		}
	}
}

// read makes a value of a text. v may be nil.
func read(v *description.Variable, name, text string) (value Value, note string) {
	value = Value{Name: name, Text: text, Value: text}
	if v == nil {
		return value, ""
	}
	value.Type = v.Type
	parsed, err := v.Parse(text)
	if parsed != nil {
		value.Value = parsed
	}
	if err != nil {
		note = name + ": " + reason(err, name)
	}
	return value, note
}
