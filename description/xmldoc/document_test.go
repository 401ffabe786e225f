package xmldoc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"upnp/testdata"
)

// dump writes a tree in a form that shows its structure and hides how its text is cut up.
func dump(e *etree.Element) string {
	return strings.TrimPrefix(string(Append(nil, e)), Prolog)
}

func TestParseRepairs(t *testing.T) {
	tests := []struct{ name, in, want, note string }{
		{"well-formed", `<?xml version="1.0" encoding="utf-8"?><a x="1"><b>t</b></a>`, `<a x="1"><b>t</b></a>`, ""},
		{"blank text is left out", "<a>\r\n <b> t </b>\n</a>\n", `<a><b> t </b></a>`, ""},
		{"line ends", "<a>1\r\n2\r3</a>", "<a>1\n2\n3</a>", ""},
		{"comments and instructions", "<!-- a --><?x?><a><!-- <b> --><?y <z> ?>t</a><!-- c -->", "<a>t</a>", ""},
		{"CDATA", "<a><![CDATA[<&>]]></a>", "<a>&lt;&amp;&gt;</a>", ""},
		{"CDATA in text", "<a>1 <![CDATA[2]]> <![CDATA[3]]></a>", "<a>1 2 3</a>", ""},
		{"entities", "<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;</a>", `<a>&lt;&gt;&amp;"'AB</a>`, ""},
		{"prefixes", `<s:a xmlns:s="u"><s:b s:c="1"/></s:a>`, `<s:a xmlns:s="u"><s:b s:c="1"></s:b></s:a>`, ""},
		{"quotes in quotes", `<a x='"' y=">"/>`, `<a x="&quot;" y="&gt;"></a>`, ""},
		{"hyphens, dots, letters of all kinds", "<X_AVM-DE_Ä.1>t</X_AVM-DE_Ä.1>", "<X_AVM-DE_Ä.1>t</X_AVM-DE_Ä.1>", ""},

		{"BOM (pupnp 412)", "\uFEFF<a/>", "<a></a>", "byte order mark removed"},
		{"NULs behind (async_upnp_client)", "<a/>\x00\x00", "<a></a>", "NUL bytes around the document removed"},
		{"blank before the prolog", "\n\n <?xml version='1.0'?><a/>", "<a></a>", ""},
		{"garbage before the prolog", "25\r\n<?xml version='1.0'?><a/>", "<a></a>", "text before the document skipped"},
		{"garbage behind (LG)", "<a/>0\r\n<b>", "<a></a>", "text after the document skipped"},
		{"second root", "<a/><b/>", "<a></a>", "text after the document skipped"},
		{"invalid UTF-8 (ARRIS TG2492LG)", "<a>\xF0_\xF0</a>", "<a>\uFFFD_\uFFFD</a>", "bytes that are not UTF-8 replaced"},
		{"control bytes", "<a>1\x002\x1B</a>", "<a>1\uFFFD2\uFFFD</a>", "characters that XML forbids replaced"},
		{"Latin-1 by its label", "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xFC</a>", "<a>ü</a>", "decoded as windows-1252"},
		{"windows-1252", "<?xml version='1.0' encoding=\"Windows-1252\"?><a>\x80</a>", "<a>€</a>", "decoded as windows-1252"},
		{"UTF-8 under a wrong label", "<?xml version='1.0' encoding='ISO-8859-1'?><a>ü</a>", "<a>ü</a>", ""},
		{"label utf8", "<?xml version='1.0' encoding='utf8'?><a>ü</a>", "<a>ü</a>", ""},
		{"UTF-16 little-endian", utf16Text(binary.LittleEndian, "\uFEFF<a>€</a>"), "<a>€</a>", "decoded from UTF-16"},
		{"UTF-16 big-endian", utf16Text(binary.BigEndian, "\uFEFF<a>€</a>"), "<a>€</a>", "decoded from UTF-16"},
		{"bare & (Netgear DGND3700)", "<a>R&N</a>", "<a>R&amp;N</a>", "bare & taken as text"},
		{"unknown entity", "<a>&nbsp;&xxe;</a>", "<a>&amp;nbsp;&amp;xxe;</a>", "unknown entity kept as text"},
		{"reference to no character", "<a>&#0;&#xD800;&#x110000;</a>", "<a>\uFFFD\uFFFD\uFFFD</a>", "characters that XML forbids replaced"},
		{"broken reference", "<a>&#;&#x;&#xx1;&#z;</a>", "<a>&amp;#;&amp;#x;&amp;#xx1;&amp;#z;</a>", "unknown entity kept as text"},
		{"bare <", "<a>1 < 2</a>", "<a>1 &lt; 2</a>", "bare < taken as text"},
		{"stray bytes like a tag (miniupnpd 2.3.1)", "<a><b>long<\x90k</b><c/></a>", "<a><b>long&lt;\uFFFDk</b><c></c></a>", "bare < taken as text"},
		{"stray bytes very like a tag", "<a><b>long<k</b><c/></a>", "<a><b>long&lt;k</b><c></c></a>", "bare < taken as text"},
		{"document type", `<!DOCTYPE a [<!ENTITY x "]>"><!ENTITY y SYSTEM "file:///etc/passwd">]><a>&y;</a>`, "<a>&amp;y;</a>", "document type skipped"},
		{"document type without end", `<!DOCTYPE it's ><a/>`, "<a></a>", "document type skipped"},
		{"end tag in another case (TP-Link Archer C9)", "<a><bC>t</bc></a>", "<a><bC>t</bC></a>", "end tag </bc> is spelt differently from its start tag"},
		{"end tag with another prefix", "<s:a xmlns:s='u'>t</a>", `<s:a xmlns:s="u">t</s:a>`, "end tag </a> is spelt differently from its start tag"},
		{"end tag missing", "<a><b><c>t</b><d/></a>", "<a><b><c>t</c></b><d></d></a>", "<c> has no end tag"},
		{"end tag misspelt", "<a><b>t</x><c/></a>", "<a><b>t</b><c></c></a>", "end tag </x> without a start tag"},
		{"end tag of a list misspelt", "<r><a><b/></aa><a/></r>", "<r><a><b></b></a><a></a></r>", "end tag </aa> without a start tag"},
		{"end tag twice", "<r><a><b>1</b></b><c/></a></r>", "<r><a><b>1</b><c></c></a></r>", "end tag </b> without a start tag"},
		{"end tags crossed", "<r><a><b>1</a></b><c/></r>", "<r><a><b>1</b></a><c></c></r>", "<b> has no end tag"},
		{"wrong end tag does not end the root", "<r><a/></x><b/></r>", "<r><a></a><b></b></r>", "end tag </x> without a start tag"},
		{"end tag without >", "<r><a>1</a<b/></r>", "<r><a>1</a><b></b></r>", "end tag without its >"},
		{"end tag first", "</x><a/>", "<a></a>", "end tag </x> without a start tag"},
		{"undeclared prefix (uShare)", "<a><dlna:b>t</dlna:b></a>", "<a><dlna:b>t</dlna:b></a>", "prefix dlna is not declared"},
		{"unquoted attribute", "<a x=1 y=a/b/>", `<a x="1" y="a/b"></a>`, "attribute value without quotes"},
		{"attribute without value", "<a x><b y/></a>", `<a x=""><b y=""></b></a>`, "attribute without a value"},
		{"attribute twice", "<a x='1' x='2'/>", `<a x="1"></a>`, "attribute repeated"},
		{"attribute without its last quote", `<a><b x="1>t</b><c y="2"/></a>`, `<a><b x="1">t</b><c y="2"></c></a>`, "attribute without its closing quote"},
		{"stray characters in a tag", `<a , x="1" / "></a>`, `<a x="1"></a>`, "stray characters in a tag skipped"},
		{"cut in text", "<a>s<b>t", "<a>s<b></b></a>", "document ends inside <b>"},
		{"cut behind text", "<a>s<b>t</b>u", "<a>s<b>t</b></a>", "document ends inside <a>"},
		{"cut in a start tag", "<a><b>t</b><b x='", "<a><b>t</b></a>", "document ends inside <a>"},
		{"cut in an end tag (Archer C8)", "<a><b>t</b></", "<a><b>t</b></a>", "document ends inside an end tag"},
		{"cut at <", "<a><b>t</b><", "<a><b>t</b></a>", "document ends inside <a>"},
		{"cut in CDATA", "<a><![CDATA[t", "<a></a>", "document ends inside <a>"},
		{"cut in a comment", "<a>t<!-- x", "<a></a>", "document ends inside <a>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := Parse([]byte(tt.in), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := dump(doc.Root); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if notes := strings.Join(doc.Notes, "; "); !strings.Contains(notes, tt.note) || tt.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, tt.note)
			}
		})
	}
}

func utf16Text(order binary.AppendByteOrder, s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

func TestParseFails(t *testing.T) {
	small := Limits{Bytes: 200, TagSpan: 40, Depth: 3, Elements: 5, Attributes: 2, Name: 8, Text: 10}
	tests := []struct{ name, in, want string }{
		{"empty", "", "no element"},
		{"blank", " \r\n\x00", "no element"},
		{"text", "Not Found", "no element"},
		{"only a prolog", Prolog, "no element"},
		{"only an end tag", "</a>", "no element"},
		{"too long", "<a>" + strings.Repeat(" ", 198), "document longer than 200 bytes"},
		{"tag too long", "<a " + strings.Repeat(" ", 37) + "></a>", "tag longer than 40 bytes"},
		{"tag too long in quotes", "<a x='" + strings.Repeat(" ", 37) + "'></a>", "tag longer than 40 bytes"},
		{"end tag too long", "<a></" + strings.Repeat("a", 40) + ">", "tag longer than 40 bytes"},
		{"too deep", "<a><a><a><a/>", "elements deeper than 3"},
		{"too many elements", "<a>" + strings.Repeat("<b/>", 5), "more than 5 elements"},
		{"too many attributes", "<a a='' b='' c=''/>", "more than 2 attributes"},
		{"name too long", "<abcdefghi/>", "name longer than 8 bytes"},
		{"attribute name too long", "<a abcdefghi=''/>", "name longer than 8 bytes"},
		{"text too long", "<a>12345678901</a>", "text longer than 10 bytes"},
		{"too many pieces of text", "<a>" + strings.Repeat("<!---->a", 6), "more than 5 pieces of text"},
		{"CDATA too long", "<a><![CDATA[12345678901]]></a>", "text longer than 10 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.in), small)
			syntax, ok := errors.AsType[*SyntaxError](err)
			if !ok || syntax.Reason != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestParseAtLimit(t *testing.T) {
	small := Limits{Bytes: 200, TagSpan: 40, Depth: 3, Elements: 5, Attributes: 2, Name: 8, Text: 10}
	for _, in := range []string{
		"<a>" + strings.Repeat(" ", 193) + "</a>",
		"<a " + strings.Repeat(" ", 36) + "></a>",
		"<a><a><a/></a></a>",
		"<a><b/><b/><b/><b/></a>",
		"<a a='' b=''/>",
		"<abcdefgh abcdefgh=''/>",
		"<a>1234567890</a>",
	} {
		if _, err := Parse([]byte(in), small); err != nil {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// hostile documents are as long as allowed and made to cost as much as can be.
func hostile() map[string]string {
	fill := func(s string) string { return strings.Repeat(s, (DefaultBytes-10)/len(s)) }
	return map[string]string{
		"flat":                   "<a>" + fill("<device/>"),
		"deep":                   fill("<a>"),
		"attributes":             "<a " + fill("a='' "),
		"unfinished comments":    "<a>" + fill("<!-"),
		"unfinished types":       fill(`<![`),
		"unfinished types 2":     fill(`<!["">`),
		"unfinished tags":        "<a>" + fill("<a "),
		"unfinished quotes":      "<a>" + fill(`<a x="<b y='`),
		"small pieces":           "<a>" + fill("<!---->a"),
		"ampersands":             "<a>" + fill("&&&&&&&&&&<!---->"),
		"stray end tags":         "<a><b>" + fill("</c><b>"),
		"names in notes":         "<a>" + fill("<q:b></c></d>"),
		"bytes that are no text": "<a>" + fill("\xFF<b/>"),
	}
}

// TestParseHostile would run into the test's timeout if any cost grew with the square of the
// length.
func TestParseHostile(t *testing.T) {
	for name, in := range hostile() {
		doc, err := Parse([]byte(in), Limits{Elements: 5000})
		if err == nil && len(doc.Notes) > maxNotes {
			t.Errorf("%s: %d notes", name, len(doc.Notes))
		}
		s, _ := NewScanner([]byte(in), Limits{Elements: 1 << 30})
		if _, err := s.Next(); err == nil {
			_, _, _ = s.Content()
		}
	}
}

func TestNamespace(t *testing.T) {
	const in = `<s:a xmlns:s="S" xmlns="D"><b/><s:b xmlns:s="T"/><s:b/><x:b/></s:a>`
	s, err := NewScanner([]byte(in), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		token, err := s.Next()
		if err != nil {
			break
		}
		if token == StartTag {
			got = append(got, s.Name()+" "+s.Namespace())
		}
	}
	want := []string{"s:a S", "b D", "s:b T", "s:b S", "x:b "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestContent(t *testing.T) {
	tests := []struct {
		in, want  string
		nested    bool
		truncated bool
	}{
		{"<a>1<![CDATA[2]]>3</a>", "123", false, false},
		{"<a/>", "", false, false},
		{"<a>1<b>&amp;</b> </a>", "1<b>&amp;</b> ", true, false},
		{"<a><b>1</a>", "<b>1", true, false},
		{"<a>80", "80", false, true},
		{"<a>80</", "80", false, false},
	}
	for _, tt := range tests {
		s, err := NewScanner([]byte(tt.in), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Next(); err != nil {
			t.Fatal(err)
		}
		got, nested, err := s.Content()
		if got != tt.want || nested != tt.nested || s.Truncated() != tt.truncated || err != nil {
			t.Errorf("%s: %q, nested %v, truncated %v, %v", tt.in, got, nested, s.Truncated(), err)
		}
	}
}

func TestQuery(t *testing.T) {
	doc, err := Parse([]byte(`<root><x:Device xmlns:x="u"><name> a </name><NAME>b</NAME><icon><url>/i</url></icon></x:Device></root>`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	device := Child(doc.Root, "device")
	if !Is(device, "DEVICE") || Is(device, "devices") || Is(nil, "device") {
		t.Error("Is")
	}
	if got := ChildText(device, "name"); got != "a" {
		t.Errorf("ChildText %q", got)
	}
	var names []string
	for e := range Children(device, "name") {
		names = append(names, Text(e))
	}
	if diff := cmp.Diff([]string{"a", "b"}, names); diff != "" {
		t.Error(diff)
	}
	if Text(Find(doc.Root, "URL")) != "/i" || Find(doc.Root, "none") != nil || Find(device, "root") != nil || Find(doc.Root, "root") != doc.Root {
		t.Error("Find")
	}
	if Text(nil) != "" || Child(nil, "x") != nil || ChildText(doc.Root, "none") != "" {
		t.Error("nil element")
	}
}

func TestAppend(t *testing.T) {
	root := etree.NewElement("root")
	root.CreateAttr("xmlns", "urn:x\t\"<")
	root.CreateElement("p:a").SetText("<&>\"'\r\n\t\x00\uFFFE\xFFü")
	root.CreateElement("b")
	want := `<?xml version="1.0"?><root xmlns="urn:x&#x9;&quot;&lt;"><p:a>` +
		"&lt;&amp;&gt;\"'&#xD;\n\t\uFFFD\uFFFD\uFFFDü</p:a><b></b></root>"
	if got := string(Append(nil, root)); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// seed adds what real devices sent.
func seed(f *testing.F) {
	for body := range testdata.Bodies() {
		f.Add(body)
	}
}

// FuzzParse: what parses re-emits, needs no repair then, and parses equal.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Add([]byte(`<?xml version="1.0"?><a x="1" y='2'><s:b xmlns:s="u">t&amp;<![CDATA[<]]></s:b></a>`))
	f.Add([]byte("\uFEFF<A><b x=1 y>R&N &#0;\x00\xFF</B><c:d><e>1</a>"))
	f.Add([]byte(utf16Text(binary.LittleEndian, "\uFEFF<a>€</a>")))
	f.Add([]byte("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;<k</a></b></"))
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := Parse(data, Limits{})
		if err != nil {
			return
		}
		emitted := Append(nil, doc.Root)
		again, err := Parse(emitted, Limits{Bytes: 1 << 30, TagSpan: 1 << 20, Text: 1 << 20})
		if err != nil {
			t.Fatalf("%q: %v", emitted, err)
		}
		for _, note := range again.Notes {
			if !strings.HasSuffix(note, "is not declared") {
				t.Errorf("%q: %s", emitted, note)
			}
		}
		if diff := cmp.Diff(dump(doc.Root), dump(again.Root)); diff != "" {
			t.Error(diff)
		}
	})
}

// description is 3 KB, the size of what most routers send.
func description() []byte {
	var b strings.Builder
	b.WriteString(Prolog + "\n<root xmlns=\"urn:schemas-upnp-org:device-1-0\">\n<device>\n")
	for i := range 9 {
		fmt.Fprintf(&b, "  <service>\n    <serviceType>urn:schemas-upnp-org:service:WANIPConnection:%d</serviceType>\n"+
			"    <serviceId>urn:upnp-org:serviceId:WANIPConn%d</serviceId>\n    <SCPDURL>/WANIPCn.xml</SCPDURL>\n"+
			"    <controlURL>/ctl/IPConn%d</controlURL>\n    <eventSubURL>/evt/IPConn%d</eventSubURL>\n  </service>\n", i, i, i, i)
	}
	b.WriteString("</device>\n</root>\n")
	return []byte(b.String())
}

func BenchmarkParse(b *testing.B) {
	data := description()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(data, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScanner(b *testing.B) {
	data := description()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		s, err := NewScanner(data, Limits{})
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = s.Next()
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	doc, err := Parse(description(), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, 8<<10)
	b.ReportAllocs()
	for b.Loop() {
		dst = Append(dst[:0], doc.Root)
	}
}
