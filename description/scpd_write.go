package description

import (
	"io"

	"github.com/beevik/etree"

	"upnp/description/xmldoc"
)

// WriteTo writes the service description with its elements in the order the architecture
// lists them, and of each action the arguments that go in before those that come out.
func (s *SCPD) WriteTo(w io.Writer) (int64, error) {
	e := newDocument("scpd", serviceNamespace, s.ConfigID, s.SpecMajor, s.SpecMinor)
	if len(s.Actions) > 0 {
		list := e.CreateElement("actionList")
		for _, a := range s.Actions {
			a.appendTo(list)
		}
	}
	table := e.CreateElement("serviceStateTable")
	for _, v := range s.Variables {
		v.appendTo(table)
	}
	n, err := w.Write(xmldoc.Append(nil, e))
	return int64(n), err
}

func (a *Action) appendTo(list *etree.Element) {
	e := list.CreateElement("action")
	add(e, "name", a.Name)
	if len(a.Arguments) == 0 {
		return
	}
	arguments := e.CreateElement("argumentList")
	for _, arg := range a.In() {
		arg.appendTo(arguments, "in")
	}
	for _, arg := range a.Out() {
		arg.appendTo(arguments, "out")
	}
}

func (a *Argument) appendTo(list *etree.Element, direction string) {
	e := list.CreateElement("argument")
	add(e, "name", a.Name)
	add(e, "direction", direction)
	if a.Retval {
		add(e, "retval", "")
	}
	add(e, "relatedStateVariable", a.Variable)
}

func (v *Variable) appendTo(table *etree.Element) {
	e := table.CreateElement("stateVariable")
	e.CreateAttr("sendEvents", yesNo(v.Evented))
	if v.Multicast {
		e.CreateAttr("multicast", "yes")
	}
	add(e, "name", v.Name)
	add(e, "dataType", string(v.Type))
	addIf(e, "defaultValue", v.Default)
	if len(v.Allowed) > 0 {
		list := e.CreateElement("allowedValueList")
		for _, value := range v.Allowed {
			add(list, "allowedValue", value)
		}
	}
	if v.Range != nil {
		bounds := e.CreateElement("allowedValueRange")
		addIf(bounds, "minimum", v.Range.Min)
		addIf(bounds, "maximum", v.Range.Max)
		addIf(bounds, "step", v.Range.Step)
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
