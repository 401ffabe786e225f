package gena

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"upnp/description/xmldoc"
	"upnp/testdata"
)

// set is a property set in the one spelling this package writes.
func set(inner string) string {
	return `<?xml version="1.0"?><e:propertyset xmlns:e="urn:schemas-upnp-org:event-1-0">` + inner + `</e:propertyset>`
}

func TestProperties(t *testing.T) {
	tests := []struct {
		name  string
		value []Property
		text  string
	}{
		{"one", []Property{{"ConnectionStatus", "Connected"}}, `<e:property><ConnectionStatus>Connected</ConnectionStatus></e:property>`},
		{"two", []Property{{"A", "1"}, {"B", "2"}}, `<e:property><A>1</A></e:property><e:property><B>2</B></e:property>`},
		{"empty value", []Property{{"ExternalIPAddress", ""}}, `<e:property><ExternalIPAddress></ExternalIPAddress></e:property>`},
		{"escaped", []Property{{"X", "<a b=\"c\">&\r</a>"}}, `<e:property><X>&lt;a b="c"&gt;&amp;&#xD;&lt;/a&gt;</X></e:property>`},
		{"blanks", []Property{{"X", " a "}}, `<e:property><X> a </X></e:property>`},
		{"vendor name", []Property{{"X_AVM-DE_A.b", "1"}}, `<e:property><X_AVM-DE_A.b>1</X_AVM-DE_A.b></e:property>`},
		{"none", nil, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := AppendProperties(nil, tt.value...)
			if err != nil || string(text) != set(tt.text) {
				t.Errorf("wrote %s, %v", text, err)
			}
			value, notes, err := ParseProperties([]byte(set(tt.text)))
			if diff := cmp.Diff(tt.value, value, cmpopts.EquateEmpty()); diff != "" || err != nil || len(notes) > 0 {
				t.Error(diff, err, notes)
			}
		})
	}
}

func TestParseRepairs(t *testing.T) {
	ab := []Property{{"A", "1"}, {"B", "2"}}
	tests := []struct {
		name, in string
		want     []Property
		note     string
	}{
		{"no prolog", `<e:propertyset><e:property><A>1</A></e:property><e:property><B>2</B></e:property></e:propertyset>`, ab, "prefix e is not declared"},
		{"indented (Comcast XB)", "<propertyset>\n<property>\n<A>\n1\n</A>\n</property>\n<property><B>2</B></property></propertyset>\n\n\r\n", ab, ""},
		{"several variables per property (Q-64)", set(`<e:property><A>1</A><B>2</B></e:property>`), ab, "several variables in one property"},
		{"prefixes (Cisco eCos)", `<e:propertyset xmlns:e="urn:schemas-upnp-org:event-1-0" xmlns:s="urn:x"><e:property><s:A>1</s:A></e:property><e:property><B>2</B></e:property></e:propertyset>`, ab, "variable with a prefix"},
		{"wrong root (Q-64)", `<propertylist><property><A>1</A></property><property><B>2</B></property></propertylist>`, ab, "the root is not a propertyset"},
		{"in an envelope", `<Envelope><Body><propertyset><property><A>1</A></property><property><B>2</B></property></propertyset></Body></Envelope>`, ab, "the root is not a propertyset"},
		{"property alone", `<property><A>1</A><B>2</B></property>`, ab, "several variables in one property"},
		{"no property", `<propertyset><A>1</A><B>2</B></propertyset>`, ab, "variable outside of a property"},
		{"other case", `<PropertySet><PROPERTY><A>1</A></PROPERTY><Property><B>2</B></Property></PropertySet>`, ab, ""},
		{"not escaped (Orange LiveRadio)", set(`<e:property><L><Event><I val="0"/></Event></L></e:property>`), []Property{{"L", `<Event><I val="0"/></Event>`}}, "elements in a variable that should be escaped"},
		{"cut behind a variable (Sony SA-NS300)", `<e:propertyset xmlns:e="u"><e:property><A>1</A></e:property><e:property><B>2</B></e:property></e`, ab, ""},
		{"cut inside one", `<propertyset><property><A>1</A></property><property><B>2`, []Property{{"A", "1"}}, "cut off"},
		{"name out of nowhere", set(`<e:property><A>1</A></e:property><e:property><Ä>x</Ä></e:property><e:property><B>2</B></e:property>`), ab, "without a usable name"},
		{"invalid UTF-8", set("<e:property><A>\xff</A></e:property>"), []Property{{"A", "\uFFFD"}}, "not UTF-8"},
		{"a variable called property", set(`<e:property><property>1</property></e:property>`), []Property{{"property", "1"}}, ""},
		{"twice", set(`<e:property><A>0</A></e:property><e:property><A>1</A></e:property>`), []Property{{"A", "0"}, {"A", "1"}}, ""},
		{"document type", `<!DOCTYPE x [<!ENTITY l "lol"><!ENTITY m "&l;&l;">]>` + `<propertyset><property><A>&m;</A></property></propertyset>`, []Property{{"A", "&m;"}}, "document type skipped"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, notes, err := ParseProperties([]byte(tt.in))
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
			if all := strings.Join(notes, "; "); !strings.Contains(all, tt.note) || tt.note == "" && strings.Contains(all, "variable") {
				t.Errorf("notes %q, want %q", all, tt.note)
			}
		})
	}
}

func TestParseFails(t *testing.T) {
	many := strings.Repeat("<e:property><A>1</A></e:property>", maxProperties)
	if got, _, err := ParseProperties([]byte(set(many))); len(got) != maxProperties || err != nil {
		t.Errorf("at the limit: %d, %v", len(got), err)
	}
	if _, _, err := ParseProperties([]byte(set(strings.Repeat(" ", MaxBody-len(set("")))))); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	tests := []struct {
		name, in string
		syntax   bool
	}{
		{"nothing", "", true},
		{"text", "OK", true},
		{"a page", "<html><body><h1>Log in</h1></body></html>", false},
		{"another document", `<s:Envelope xmlns:s="u"><s:Body/></s:Envelope>`, false},
		{"too many variables", set(many + "<e:property><B>1</B></e:property>"), true},
		{"too long", set(strings.Repeat(" ", MaxBody)), true},
		{"too deep", set(strings.Repeat("<a>", 40)), true},
		{"too deep outside", strings.Repeat("<a>", 10_000), true},
	}
	for _, tt := range tests {
		got, _, err := ParseProperties([]byte(tt.in))
		if _, ok := errors.AsType[*xmldoc.SyntaxError](err); err == nil || ok != tt.syntax {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
	}
}

func TestAppendRefusesNames(t *testing.T) {
	for _, name := range []string{"", "1A", "-a", "a b", "a>", "a:b", "ä", strings.Repeat("a", maxName+1)} {
		_, err := AppendProperties(nil, Property{name, "x"})
		if e, ok := errors.AsType[*NameError](err); !ok || e.Name != name {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestEventGet(t *testing.T) {
	e := Event{Properties: []Property{{"Status", "old"}, {"Status", "new"}, {"status", "lower"}}}
	for name, want := range map[string]string{"Status": "new", "status": "lower", "STATUS": "lower"} {
		if got, ok := e.Get(name); got != want || !ok {
			t.Errorf("%s: %q, %t", name, got, ok)
		}
	}
	if got, ok := e.Get("Other"); got != "" || ok {
		t.Errorf("found %q", got)
	}
}

func FuzzParseProperties(f *testing.F) {
	f.Add([]byte(set(`<e:property><A>1</A></e:property><e:property><s:B>&lt;a&gt;</s:B><C/></e:property>`)))
	f.Add([]byte("<propertyset><A>\n <b>x</b>\r\n</A><property><X>1"))
	f.Add([]byte("<property><a>\xff\x00&#10; x</a></property>"))
	for body := range testdata.Bodies() {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		value, _, err := ParseProperties(body)
		if err != nil {
			return
		}
		text, err := AppendProperties(nil, value...)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > MaxBody {
			return
		}
		again, notes, err := ParseProperties(text)
		if diff := cmp.Diff(value, again, cmpopts.EquateEmpty()); diff != "" || err != nil || len(notes) > 0 {
			t.Error(diff, err, notes)
		}
	})
}
