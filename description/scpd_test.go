package description

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"upnp/description/xmldoc"
	"upnp/testdata"
)

// service is a service description with everything in it.
func service() *SCPD {
	return &SCPD{SpecMajor: 1, SpecMinor: 1, ConfigID: "7",
		Actions: []*Action{
			{Name: "Reset"},
			{Name: "Get", Arguments: []*Argument{
				{Name: "NewIndex", Variable: "Index"},
				{Name: "NewState", Out: true, Retval: true, Variable: "State"},
				{Name: "NewLevel", Out: true, Variable: "Level"},
			}},
		},
		Variables: []*Variable{
			{Name: "Index", Type: UI2, Default: "0", Range: &Range{Min: "0", Max: "100", Step: "10"}},
			{Name: "State", Type: String, Allowed: []string{"On", "Off <&>"}, Evented: true, Multicast: true},
			{Name: "Level", Type: R4, Range: &Range{Min: "-1.5"}, Evented: true},
		},
	}
}

func TestSCPDWriteTo(t *testing.T) {
	var text bytes.Buffer
	n, err := service().WriteTo(&text)
	if err != nil || n != int64(text.Len()) {
		t.Fatalf("WriteTo = %d, %v; wrote %d bytes", n, err, text.Len())
	}
	want := xmldoc.Prolog + `<scpd xmlns="urn:schemas-upnp-org:service-1-0" configId="7">` +
		`<specVersion><major>1</major><minor>1</minor></specVersion><actionList><action><name>Reset</name></action>` +
		`<action><name>Get</name><argumentList>` +
		`<argument><name>NewIndex</name><direction>in</direction><relatedStateVariable>Index</relatedStateVariable></argument>` +
		`<argument><name>NewState</name><direction>out</direction><retval></retval><relatedStateVariable>State</relatedStateVariable></argument>` +
		`<argument><name>NewLevel</name><direction>out</direction><relatedStateVariable>Level</relatedStateVariable></argument>` +
		`</argumentList></action></actionList><serviceStateTable>` +
		`<stateVariable sendEvents="no"><name>Index</name><dataType>ui2</dataType><defaultValue>0</defaultValue>` +
		`<allowedValueRange><minimum>0</minimum><maximum>100</maximum><step>10</step></allowedValueRange></stateVariable>` +
		`<stateVariable sendEvents="yes" multicast="yes"><name>State</name><dataType>string</dataType>` +
		`<allowedValueList><allowedValue>On</allowedValue><allowedValue>Off &lt;&amp;&gt;</allowedValue></allowedValueList></stateVariable>` +
		`<stateVariable sendEvents="yes"><name>Level</name><dataType>r4</dataType>` +
		`<allowedValueRange><minimum>-1.5</minimum></allowedValueRange></stateVariable></serviceStateTable></scpd>`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Error(diff)
	}
	checkSCPDRoundTrip(t, service())
}

func TestSCPDWriteToOrdersArguments(t *testing.T) {
	scpd := &SCPD{Actions: []*Action{{Name: "A", Arguments: []*Argument{{Name: "o", Out: true}, {Name: "i"}}}}}
	var text bytes.Buffer
	if _, err := scpd.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	if in, out := strings.Index(text.String(), "<name>i<"), strings.Index(text.String(), "<name>o<"); in < 0 || in > out {
		t.Errorf("the argument that comes out is written first: %s", &text)
	}
}

// table and actions put elements into an otherwise good service description.
func table(variables string) string { return actions("", variables) }

func actions(actions, variables string) string {
	return `<scpd xmlns="urn:schemas-upnp-org:service-1-0"><specVersion><major>1</major><minor>0</minor></specVersion><actionList>` +
		actions + `</actionList><serviceStateTable>` + variables + `</serviceStateTable></scpd>`
}

func TestParseSCPDTolerates(t *testing.T) {
	const v = `<stateVariable><name>V</name><dataType>ui1</dataType></stateVariable>`
	good := &Variable{Name: "V", Type: UI1, Evented: true}
	arg := func(name, rest string) string {
		return `<argument><name>` + name + `</name>` + rest + `<relatedStateVariable>V</relatedStateVariable></argument>`
	}
	list := func(arguments string) string {
		return actions(`<action><name>A</name><argumentList>`+arguments+`</argumentList></action>`, v)
	}
	tests := []struct {
		name, text string
		actions    []*Action
		variables  []*Variable
		notes      []string
	}{
		{"nothing to repair", table(v), nil, []*Variable{good}, nil},
		{"no namespace, another name", strings.NewReplacer(` xmlns="urn:schemas-upnp-org:service-1-0"`, "", "scpd", "service").Replace(table(v)),
			nil, []*Variable{good}, []string{"service has no namespace", "the document element is <service> and not <scpd>"}},
		{"no version", `<scpd xmlns="urn:schemas-upnp-org:service-1-0"><serviceStateTable>` + v + `</serviceStateTable></scpd>`,
			nil, []*Variable{good}, []string{"no usable specVersion; taken for 1.0"}},
		{"no state table", strings.NewReplacer("<serviceStateTable>", "", "</serviceStateTable>", "").Replace(actions("<action><name>A</name></action>", "")),
			[]*Action{{Name: "A"}}, nil, []string{"no state variables"}},
		{"action without a name", actions("<action/><action><name> A </name></action>", v), []*Action{{Name: "A"}}, []*Variable{good},
			[]string{"an action without a name is left out"}},
		{"action twice", actions("<action><name>A</name></action><action><name>A</name></action>", v), []*Action{{Name: "A"}}, []*Variable{good},
			[]string{`a second action "A" is left out`}},
		{"argument without a name", list(arg("", "<direction>in</direction>") + arg("B", "<direction> OUT </direction>")),
			[]*Action{{Name: "A", Arguments: []*Argument{{Name: "B", Out: true, Variable: "V"}}}}, []*Variable{good},
			[]string{`action "A": an argument without a name is left out`}},
		{"argument without a direction", list(arg("B", "")),
			[]*Action{{Name: "A", Arguments: []*Argument{{Name: "B", Variable: "V"}}}}, []*Variable{good},
			[]string{`action "A": argument "B": direction "" taken for in`}},
		{"argument without a variable", list(strings.Replace(arg("B", "<direction>in</direction>"), ">V<", ">W<", 1)),
			[]*Action{{Name: "A", Arguments: []*Argument{{Name: "B", Variable: "W"}}}}, []*Variable{good},
			[]string{`action "A": argument "B": no variable "W"`}},
		{"arguments out of order", list(arg("B", "<direction>out</direction><retval/>") + arg("C", "<direction>in</direction><retval/>")),
			[]*Action{{Name: "A", Arguments: []*Argument{{Name: "C", Variable: "V"}, {Name: "B", Out: true, Retval: true, Variable: "V"}}}},
			[]*Variable{good}, []string{`action "A": an argument that comes out stands before one that goes in`,
				`action "A": argument "C" cannot be the retval`}},
		{"arguments without a list", actions("<action><name>A</name>"+arg("B", "<direction>in</direction>")+"</action>", v),
			[]*Action{{Name: "A", Arguments: []*Argument{{Name: "B", Variable: "V"}}}}, []*Variable{good},
			[]string{`action "A": an argument outside of its argumentList`}},
		{"variable without a name", table("<stateVariable/>" + v + v), nil, []*Variable{good},
			[]string{"a state variable without a name is left out", `a second state variable "V" is left out`}},
		{"types", table(`<stateVariable sendEvents="no"><name>A</name><dataType> UI 4 </dataType></stateVariable>` +
			`<stateVariable sendEvents="0"><name>B</name></stateVariable>` +
			`<stateVariable sendEvents="maybe" multicast="yes"><name>C</name><dataType>x</dataType></stateVariable>`), nil,
			[]*Variable{{Name: "A", Type: UI4}, {Name: "B", Type: String}, {Name: "C", Type: "x", Evented: true, Multicast: true}},
			[]string{`variable "A": data type "UI4" in another case`, `variable "B": no data type; taken for string`,
				`variable "C": unknown data type "x"`, `variable "C": sendEvents is "maybe"; taken for yes`}},
		{"old sendEvents", table(`<stateVariable><sendEventsAttribute>no</sendEventsAttribute><name>V</name><dataType>ui1</dataType></stateVariable>`),
			nil, []*Variable{{Name: "V", Type: UI1}}, []string{`variable "V": sendEventsAttribute in place of sendEvents`}},
		{"allowed values", table(`<stateVariable><name>A</name><dataType>string</dataType><allowedValueList/></stateVariable>` +
			`<stateVariable><name>B</name><dataType>string</dataType><defaultValue>z</defaultValue><allowedValueList><allowedValue/>` +
			`<allowedValue> x </allowedValue><allowedValue>x</allowedValue></allowedValueList></stateVariable>`), nil,
			[]*Variable{{Name: "A", Type: String, Evented: true}, {Name: "B", Type: String, Default: "z", Allowed: []string{"x"}, Evented: true}},
			[]string{`variable "A": an empty list of allowed values is left out`,
				`variable "B": an allowed value that is empty or there twice is left out`,
				`variable "B": the default "z" is not one of its values`}},
		{"ranges", table(ranged("A", UI1, "", "") + ranged("B", UI1, "9", "1") + ranged("C", String, "1", "2") +
			ranged("D", UI1, "one", "5") + ranged("E", UI2, "0", "65535")), nil,
			[]*Variable{{Name: "A", Type: UI1, Evented: true}, {Name: "B", Type: UI1, Evented: true}, {Name: "C", Type: String, Evented: true},
				{Name: "D", Type: UI1, Evented: true, Range: &Range{Max: "5"}}, {Name: "E", Type: UI2, Evented: true, Range: &Range{Min: "0", Max: "65535"}}},
			[]string{`variable "A": an empty range is left out`, `variable "B": the range "9" to "1" is left out`,
				`variable "C": a range of "string" is left out`, `variable "D": a range with "one", which is no number`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseSCPD([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			want := &SCPD{SpecMajor: 1, Actions: test.actions, Variables: test.variables, Notes: test.notes}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			checkSCPDRoundTrip(t, got)
		})
	}
}

func ranged(name string, t DataType, low, high string) string {
	return fmt.Sprintf(`<stateVariable><name>%s</name><dataType>%s</dataType><allowedValueRange><minimum>%s</minimum>`+
		`<maximum>%s</maximum></allowedValueRange></stateVariable>`, name, t, low, high)
}

func TestParseSCPDRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"<html></html>": "description: not a service description but an HTML page",
		"<root/>":       "description: not a service description but a document <root> without actions and variables",
	} {
		var document *DocumentError
		if _, err := ParseSCPD([]byte(text)); !errors.As(err, &document) || err.Error() != want {
			t.Errorf("%s: error %v, want %s", text, err, want)
		}
	}
	var syntax *xmldoc.SyntaxError
	if _, err := ParseSCPD(nil); !errors.As(err, &syntax) {
		t.Errorf("nothing: error %v", err)
	}
	if _, err := ParseSCPD(bytes.Repeat([]byte(" "), MaxDocument+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one byte too many: error %v", err)
	}
}

func TestParseSCPDLimits(t *testing.T) {
	numbered := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	const variable = "<stateVariable><name>%d</name><dataType>ui1</dataType></stateVariable>"
	text := func(a, v, args, values int) string {
		return actions(numbered("<action><name>A%d</name></action>", a)+"<action><name>Last</name><argumentList>"+
			numbered("<argument><name>%d</name><direction>in</direction><relatedStateVariable>0</relatedStateVariable></argument>", args)+
			"</argumentList></action>",
			numbered(variable, v)+"<stateVariable><name>Last</name><dataType>string</dataType><allowedValueList>"+
				numbered("<allowedValue>%d</allowedValue>", values)+"</allowedValueList></stateVariable>")
	}
	atLimit, err := ParseSCPD([]byte(text(MaxActions-1, MaxVariables-1, maxArguments, maxAllowed)))
	if err != nil || atLimit.Notes != nil {
		t.Fatalf("at the limits: %v, notes %q", err, atLimit.Notes)
	}
	for _, test := range []struct {
		text, note string
	}{
		{text(MaxActions, 1, 1, 1), "more than 256 actions; the rest is left out"},
		{text(1, MaxVariables, 1, 1), "more than 1024 state variables; the rest is left out"},
		{text(1, 1, maxArguments+1, 1), `action "Last": more than 128 arguments; the rest is left out`},
		{text(1, 1, 1, maxAllowed+1), `variable "Last": more than 512 allowed values; the rest is left out`},
	} {
		got, err := ParseSCPD([]byte(test.text))
		if err != nil || !slices.Equal(got.Notes, []string{test.note}) {
			t.Errorf("%v, notes %q, want %q", err, got.Notes, test.note)
		}
	}
}

func TestLookUp(t *testing.T) {
	s := service()
	s.Actions = append(s.Actions, &Action{Name: "reset"})
	for name, want := range map[string]*Action{"Reset": s.Actions[0], "reset": s.Actions[2], "RESET": s.Actions[0], "None": nil} {
		if got := s.Action(name); got != want {
			t.Errorf("action %s: %v", name, got)
		}
	}
	get := s.Action("Get")
	if len(get.In()) != 1 || len(get.Out()) != 2 || s.Related(get.In()[0]) != s.Variable("index") {
		t.Errorf("arguments in %v, out %v", get.In(), get.Out())
	}
}

func FuzzParseSCPD(f *testing.F) {
	var text bytes.Buffer
	if _, err := service().WriteTo(&text); err != nil {
		f.Fatal(err)
	}
	f.Add(text.String())
	f.Add(table(ranged("A", UI1, "9", "1") + ranged("B", "x", "1e9", "")))
	for body := range testdata.Bodies() {
		if bytes.Contains(body, []byte("<scpd")) {
			f.Add(string(body))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		scpd, err := ParseSCPD([]byte(text))
		if err != nil || len(text) > 4<<10 {
			return
		}
		checkSCPDRoundTrip(t, scpd)
	})
}

// checkSCPDRoundTrip is checkRootRoundTrip for service descriptions.
func checkSCPDRoundTrip(t *testing.T, scpd *SCPD) {
	t.Helper()
	var text bytes.Buffer
	if _, err := scpd.WriteTo(&text); err != nil {
		t.Fatalf("writing what was read: %v", err)
	}
	again, err := ParseSCPD(text.Bytes())
	if err != nil {
		t.Fatalf("reading what was written: %v\n%s", err, &text)
	}
	want := *scpd
	want.Notes, again.Notes = nil, nil
	if diff := cmp.Diff(&want, again); diff != "" {
		t.Errorf("read, written, read (-first +second):\n%s\n%s", diff, &text)
	}
}
