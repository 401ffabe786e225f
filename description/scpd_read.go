package description

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"upnp/description/xmldoc"
)

// Limits of one service description. What is beyond them is left out, with a note.
const (
	MaxActions   = 256
	MaxVariables = 1024

	maxArguments = 128 // of one action
	maxAllowed   = 512 // values in the list of one variable
)

// ParseSCPD reads a service description. It takes what devices really send and lists each
// repair in Notes; an action, argument or variable that makes no sense is left out and
// the rest kept. The error is a [*DocumentError] for a document with neither actions nor
// variables, [ErrTooLarge], or wraps an [*xmldoc.SyntaxError].
func ParseSCPD(data []byte) (*SCPD, error) {
	const want = "service description"
	doc, err := open(data, xmldoc.Limits{}, want)
	if err != nil {
		return nil, err
	}
	r := &scpdReader{scpd: &SCPD{Notes: doc.Notes}, names: map[string]bool{}}
	if !r.read(doc.Root) {
		return nil, &DocumentError{Want: want, Found: "a document <" + bare(doc.Root.Tag) + "> without actions and variables"}
	}
	return r.scpd, nil
}

type scpdReader struct {
	scpd  *SCPD
	names map[string]bool // of the variables, as they are and in lower case
}

// read reports whether e, the document element, has a service description in it.
func (r *scpdReader) read(e *etree.Element) bool {
	actions := xmldoc.Find(e, "actionList")
	table := xmldoc.Find(e, "serviceStateTable")
	if actions == nil && table == nil {
		return false
	}
	noteNamespace(e, serviceNamespace, r.scpd.Note)
	if !xmldoc.Is(e, "scpd") {
		r.scpd.Note("the document element is <%s> and not <scpd>", bare(e.Tag))
	}
	r.scpd.ConfigID = attr(e, "configId")
	r.scpd.SpecMajor, r.scpd.SpecMinor = readSpecVersion(e, r.scpd.Note)
	for v := range xmldoc.Children(table, "stateVariable") {
		r.variable(v)
	}
	if len(r.scpd.Variables) == 0 {
		r.scpd.Note("no state variables")
	}
	for a := range xmldoc.Children(actions, "action") {
		r.action(a)
	}
	return true
}

func (r *scpdReader) action(e *etree.Element) {
	name := noSpace(xmldoc.ChildText(e, "name"))
	switch {
	case name == "":
		r.scpd.Note("an action without a name is left out")
		return
	case len(r.scpd.Actions) >= MaxActions:
		r.scpd.Note("more than %d actions; the rest is left out", MaxActions)
		return
	case slices.ContainsFunc(r.scpd.Actions, func(a *Action) bool { return a.Name == name }):
		r.scpd.Note("a second action %s is left out", quoted(name))
		return
	}
	a := &Action{Name: name}
	for arg := range items(e, "argumentList", "argument", r.stray(name)) {
		r.argument(a, arg)
	}
	r.order(a)
	r.scpd.Actions = append(r.scpd.Actions, a)
}

// stray is told of each argument outside of the list.
func (r *scpdReader) stray(action string) func() {
	return func() { r.scpd.Note("action %s: an argument outside of its argumentList", quoted(action)) }
}

func (r *scpdReader) argument(a *Action, e *etree.Element) {
	arg := &Argument{
		Name:     noSpace(xmldoc.ChildText(e, "name")),
		Retval:   xmldoc.Child(e, "retval") != nil,
		Variable: noSpace(xmldoc.ChildText(e, "relatedStateVariable")),
	}
	switch {
	case arg.Name == "":
		r.scpd.Note("action %s: an argument without a name is left out", quoted(a.Name))
		return
	case len(a.Arguments) >= maxArguments:
		r.scpd.Note("action %s: more than %d arguments; the rest is left out", quoted(a.Name), maxArguments)
		return
	}
	arg.Out = r.direction(a, arg.Name, xmldoc.ChildText(e, "direction"))
	if !r.names[arg.Variable] && !r.names[strings.ToLower(arg.Variable)] {
		r.scpd.Note("action %s: argument %s: no variable %s", quoted(a.Name), quoted(arg.Name), quoted(arg.Variable))
	}
	a.Arguments = append(a.Arguments, arg)
}

func (r *scpdReader) direction(a *Action, name, text string) (out bool) {
	switch {
	case xmldoc.EqualName(text, "out"):
		return true
	case !xmldoc.EqualName(text, "in"):
		r.scpd.Note("action %s: argument %s: direction %s taken for in", quoted(a.Name), quoted(name), quoted(text))
	}
	return false
}

// order puts what goes in before what comes out, as the architecture has it, and leaves
// Retval on the first argument that comes out only.
func (r *scpdReader) order(a *Action) {
	ordered := append(a.In(), a.Out()...)
	if !slices.Equal(ordered, a.Arguments) {
		r.scpd.Note("action %s: an argument that comes out stands before one that goes in", quoted(a.Name))
		a.Arguments = ordered
	}
	inputs := len(a.In())
	for i, arg := range a.Arguments {
		if arg.Retval && i != inputs {
			r.scpd.Note("action %s: argument %s cannot be the retval", quoted(a.Name), quoted(arg.Name))
			arg.Retval = false
		}
	}
}

func (r *scpdReader) variable(e *etree.Element) {
	name := noSpace(xmldoc.ChildText(e, "name"))
	switch {
	case name == "":
		r.scpd.Note("a state variable without a name is left out")
		return
	case len(r.scpd.Variables) >= MaxVariables:
		r.scpd.Note("more than %d state variables; the rest is left out", MaxVariables)
		return
	case slices.ContainsFunc(r.scpd.Variables, func(v *Variable) bool { return v.Name == name }):
		r.scpd.Note("a second state variable %s is left out", quoted(name))
		return
	}
	v := &Variable{
		Name:      name,
		Type:      r.dataType(name, noSpace(xmldoc.ChildText(e, "dataType"))),
		Default:   xmldoc.ChildText(e, "defaultValue"),
		Evented:   r.evented(name, e),
		Multicast: r.flag(name, "multicast", attr(e, "multicast"), false),
	}
	r.allowed(v, xmldoc.Child(e, "allowedValueList"))
	r.bounds(v, xmldoc.Child(e, "allowedValueRange"))
	r.noteDefault(v)
	r.scpd.Variables = append(r.scpd.Variables, v)
	r.names[name], r.names[strings.ToLower(name)] = true, true
}

// dataType is the type as the architecture spells it; an unknown one stays as it is.
func (r *scpdReader) dataType(variable, text string) DataType {
	if t := DataType(text); t.known() {
		return t
	}
	for _, t := range dataTypes {
		if xmldoc.EqualName(string(t), text) {
			r.scpd.Note("variable %s: data type %s in another case", quoted(variable), quoted(text))
			return t
		}
	}
	if text == "" {
		r.scpd.Note("variable %s: no data type; taken for string", quoted(variable))
		return String
	}
	r.scpd.Note("variable %s: unknown data type %s", quoted(variable), quoted(text))
	return DataType(text)
}

// evented reads sendEvents, or the element that early documents had in its place.
func (r *scpdReader) evented(variable string, e *etree.Element) bool {
	text := attr(e, "sendEvents")
	if old := xmldoc.Child(e, "sendEventsAttribute"); text == "" && old != nil {
		r.scpd.Note("variable %s: sendEventsAttribute in place of sendEvents", quoted(variable))
		text = xmldoc.Text(old)
	}
	return r.flag(variable, "sendEvents", text, true)
}

// flag reads a yes or no, with any other spelling of a boolean accepted.
func (r *scpdReader) flag(variable, name, text string, absent bool) bool {
	if text == "" {
		return absent
	}
	value, err := ParseBoolean(text)
	if err != nil {
		r.scpd.Note("variable %s: %s is %s; taken for %s", quoted(variable), name, quoted(text), yesNo(absent))
		return absent
	}
	return value
}

func (r *scpdReader) allowed(v *Variable, list *etree.Element) {
	for e := range xmldoc.Children(list, "allowedValue") {
		value := xmldoc.Text(e)
		switch {
		case value == "" || slices.Contains(v.Allowed, value):
			r.scpd.Note("variable %s: an allowed value that is empty or there twice is left out", quoted(v.Name))
		case len(v.Allowed) >= maxAllowed:
			r.scpd.Note("variable %s: more than %d allowed values; the rest is left out", quoted(v.Name), maxAllowed)
			return
		default:
			v.Allowed = append(v.Allowed, value)
		}
	}
	if list != nil && len(v.Allowed) == 0 {
		r.scpd.Note("variable %s: an empty list of allowed values is left out", quoted(v.Name))
	}
}

// bounds reads an allowedValueRange that says something about a number.
func (r *scpdReader) bounds(v *Variable, e *etree.Element) {
	if e == nil {
		return
	}
	read := &Range{
		Min:  r.bound(v, xmldoc.ChildText(e, "minimum")),
		Max:  r.bound(v, xmldoc.ChildText(e, "maximum")),
		Step: r.bound(v, xmldoc.ChildText(e, "step")),
	}
	switch {
	case !v.Type.isInteger() && !v.Type.isReal():
		r.scpd.Note("variable %s: a range of %s is left out", quoted(v.Name), quoted(string(v.Type)))
	case read.Min == "" && read.Max == "":
		r.scpd.Note("variable %s: an empty range is left out", quoted(v.Name))
	case read.reversed():
		r.scpd.Note("variable %s: the range %s to %s is left out", quoted(v.Name), quoted(read.Min), quoted(read.Max))
	default:
		v.Range = read
	}
}

// bound is text if it is a number, whether or not the type of v holds it.
func (r *scpdReader) bound(v *Variable, text string) string {
	if _, ok := float(text); !ok && text != "" {
		r.scpd.Note("variable %s: a range with %s, which is no number", quoted(v.Name), quoted(text))
		return ""
	}
	return text
}

// reversed reports whether nothing is within r.
func (r *Range) reversed() bool {
	low, hasLow := float(r.Min)
	high, hasHigh := float(r.Max)
	return hasLow && hasHigh && low > high
}

func (r *scpdReader) noteDefault(v *Variable) {
	if v.Default == "" {
		return
	}
	if err := v.Check(v.Default); err != nil {
		r.scpd.Note("variable %s: the default %s is not one of its values", quoted(v.Name), quoted(v.Default))
	}
}
