package igd

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"upnp/soap"
)

// A CDATA section says what the escaped text said.
func FuzzUnescapeListing(f *testing.F) {
	for _, text := range []string{"", `a<b>&amp; "c"`, "]]>", "&amp;lt;", "]]]]>>", "\r\n\t", "</NewPortListing>"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, description string) {
		text := portListing([]Mapping{{Description: description}})
		r := &soap.Response{Service: WANIPConnection2, Action: "GetListOfPortMappings", Args: one("NewPortListing", text)}
		body, err := r.AppendText(nil)
		if err != nil {
			t.Fatal(err)
		}
		want, wantErr := soap.ParseResponse(body, r.Action)
		got, err := soap.ParseResponse(unescapeListing(body), r.Action)
		if wantErr != nil || err != nil {
			t.Fatal(wantErr, err)
		}
		if diff := cmp.Diff(want.Args, got.Args); diff != "" {
			t.Errorf("%q: %s", description, diff)
		}
	})
}
