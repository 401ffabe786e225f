package xmldoc

import "testing"

func TestIndent(t *testing.T) {
	for in, want := range map[string]string{
		`<a/>`: "<a></a>\n",
		`<?xml version="1.0"?><r xmlns="u"><d  x='1'><n>A &amp; <![CDATA[<B>]]></n><e/></d></r>`: "<r xmlns=\"u\">\n" +
			"  <d x=\"1\">\n    <n>A &amp; &lt;B&gt;</n>\n    <e></e>\n  </d>\n</r>\n",
	} {
		d, err := Parse([]byte(in), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(d.Indent()); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", in, got, want)
		}
	}
}
