package description

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestURLs(t *testing.T) {
	const (
		at = "http://192.0.2.1:5000" // of the usual Location
		in = at + "/dir/root.xml"
	)
	tests := []struct {
		name, location, base, ref string
		want                      []string
		problem                   string
	}{
		{"absolute path", in, "", "/ctl", []string{at + "/ctl"}, ""},
		{"absolute path and query", in, "", "/ctl?WANIPConnection", []string{at + "/ctl?WANIPConnection"}, ""},
		{"query behind a slash", in, "", "/UD/?9", []string{at + "/UD/?9"}, ""},
		{"query only", in, "", "?9", []string{at + "/dir/root.xml?9", at + "/?9"}, ""},
		{"no leading slash", in, "", "ctl", []string{at + "/dir/ctl", at + "/ctl"}, ""},
		{"dots", in, "", "../x/./y/..", []string{at + "/x/"}, ""},
		{"dots beyond the root", in, "", "/../../x", []string{at + "/x"}, ""},
		{"colon in a name", in, "", "WANPPPConnection:1.xml", []string{at + "/dir/WANPPPConnection:1.xml", at + "/WANPPPConnection:1.xml"}, ""},
		{"UDN in a path", in, "", "/uuid:1-2/L3F:1", []string{at + "/uuid:1-2/L3F:1"}, ""},
		{"UDN without a slash", "http://192.0.2.1/", "", "uuid:ab/L3F", []string{"http://192.0.2.1/uuid:ab/L3F"}, ""},
		{"Location without a path", at, "", "ctl", []string{at + "/ctl"}, ""},
		{"Location with a query", at + "/a?b=/c/", "", "ctl", []string{at + "/ctl"}, ""},
		{"empty", in, "", "", nil, ""},
		{"white space", in, "", " \n", nil, ""},

		{"URLBase is Location's host and port", in, at, "/ctl", []string{at + "/ctl"}, ""},
		{"URLBase without a path", in, at, "ctl", []string{at + "/ctl", at + "/dir/ctl"}, ""},
		{"URLBase with a path", in, at + "/b/", "ctl", []string{at + "/b/ctl", at + "/dir/ctl", at + "/ctl"}, ""},
		{"URLBase with a path without a slash", in, at + "/b", "ctl", []string{at + "/ctl", at + "/dir/ctl", at + "/b/ctl"}, ""},
		{"URLBase with another port", in, "http://192.0.2.1:80/", "/ctl", []string{at + "/ctl", "http://192.0.2.1/ctl"}, ""},
		{"URLBase without a port", in, "http://192.0.2.1", "/ctl", []string{at + "/ctl", "http://192.0.2.1/ctl"}, ""},
		{"URLBase on loopback", in, "http://127.0.0.1:80", "/ctl", []string{at + "/ctl", "http://192.0.2.1/ctl"}, ""},
		{"URLBase at another host", in, "http://198.51.100.9:5000/b/", "ctl",
			[]string{at + "/b/ctl", at + "/dir/ctl", at + "/ctl"}, ""},
		{"URLBase https", in, "https://192.0.2.1:443/b/", "/ctl", []string{at + "/ctl"}, ""},
		{"URLBase without a scheme", in, "192.0.2.1:81", "/ctl", []string{at + "/ctl", "http://192.0.2.1:81/ctl"}, ""},
		{"URLBase is a path", in, "/b/", "ctl", []string{at + "/dir/ctl", at + "/ctl"}, ""},
		{"URLBase unfilled", in, "http://(null):49152/", "/ctl", []string{at + "/ctl", "http://192.0.2.1:49152/ctl"}, ""},

		{"absolute URL", in, "", at + "/ctl", []string{at + "/ctl"}, ""},
		{"absolute URL with another port", in, "", "http://192.0.2.1:5440/ctl?x", []string{"http://192.0.2.1:5440/ctl?x", at + "/ctl?x"}, ""},
		{"absolute URL without a path", in, "", "http://192.0.2.1:5000", []string{at + "/"}, ""},
		{"absolute URL without a path, with a query", in, "", "http://192.0.2.1:5000?q", []string{at + "/?q"}, ""},
		{"absolute URL in capitals", in, "", "HTTP://192.0.2.1:5000/ctl", []string{at + "/ctl"}, ""},
		{"absolute URL at an outside address", in, "", "http://203.0.113.5:49000/ctl",
			[]string{"http://192.0.2.1:49000/ctl", at + "/ctl"}, "has host 203.0.113.5; using 192.0.2.1"},
		{"absolute URL at a name", in, "", "http://router.lan/ctl", []string{at + "/ctl", "http://192.0.2.1/ctl"},
			"has host router.lan; using 192.0.2.1"},
		{"absolute URL on loopback", in, "", "http://127.0.0.1/ctl", []string{at + "/ctl", "http://192.0.2.1/ctl"},
			"has host 127.0.0.1; using 192.0.2.1"},
		{"absolute URL at a placeholder", in, "", "http://255.255.255.255:65535/e", []string{at + "/e", "http://192.0.2.1:65535/e"},
			"has host 255.255.255.255; using 192.0.2.1"},
		{"unfilled port", in, "", "http://192.0.2.1:%d/e", []string{"http://192.0.2.1/e", at + "/e"}, `"http://192.0.2.1:%d/e" has characters no URL has`},
		{"mapped address", in, "", "http://[::ffff:192.0.2.1]:5000/e", []string{at + "/e"}, ""},
		{"no scheme", in, "", "192.0.2.1:5000/e", []string{at + "/e"}, ""},
		{"no scheme, two slashes", in, "", "//192.0.2.1:5000/e", []string{at + "/e"}, ""},
		{"scheme and one slash", in, "", "http:/e", []string{at + "/e"}, ""},

		{"two slashes", in, "", "//ctl/x", []string{at + "/ctl/x", at + "//ctl/x"}, ""},
		{"two slashes inside", in, "", "/ctl//x", []string{at + "/ctl//x", at + "/ctl/x"}, ""},
		{"two slashes behind the host", in, "", at + "//x", []string{at + "//x", at + "/x"}, ""},
		{"line break inside", in, "", "http://192.0.2.1:\n\t 5000/ctl\r\n/x ", []string{at + "/ctl/x"},
			`"http://192.0.2.1:\n\t 5000/ctl\r\n/x " has characters no URL has`},
		{"blank inside", in, "", "/my ctl", []string{at + "/my%20ctl"}, `"/my ctl" has characters no URL has`},
		{"stray per cent", in, "", "/100%/a%20b", []string{at + "/100%25/a%20b"}, `"/100%/a%20b" has characters no URL has`},
		{"not ASCII", in, "", "/é<", []string{at + "/%C3%A9%3C"}, `"/é<" has characters no URL has`},

		{"zone inherited", "http://[fe80::1%25eth0]:5000/r.xml", "", "http://[fe80::1]:5000/ctl", []string{"http://[fe80::1%25eth0]:5000/ctl"}, ""},
		{"zone inherited by a path", "http://[fe80::1%25eth0]/r.xml", "", "/ctl", []string{"http://[fe80::1%25eth0]/ctl"}, ""},
		{"zone of the device's own", "http://[fe80::1%25eth0]/r.xml", "", "http://[fe80::1%br-lan]/ctl", []string{"http://[fe80::1%25eth0]/ctl"},
			`"http://[fe80::1%br-lan]/ctl" has characters no URL has`},
		{"IPv4 address from an IPv6 device", "http://[fe80::1%25eth0]:80/r.xml", "", "http://192.0.2.1:49152/ctl",
			[]string{"http://[fe80::1%25eth0]:49152/ctl", "http://[fe80::1%25eth0]/ctl"}, "has host 192.0.2.1; using fe80::1%eth0"},
		{"Location at a name", "http://router:5000/r.xml", "", "http://ROUTER:5000/ctl", []string{"http://router:5000/ctl"}, ""},

		{"no Location", "", "", "http://192.0.2.1/ctl", []string{"http://192.0.2.1/ctl"}, ""},
		{"no Location, relative", "", "http://192.0.2.1/", "ctl", nil, ""},

		{"unusable Location", "https://192.0.2.1/", "", "http://192.0.2.1/ctl", nil, ""},
		{"unusable Location, relative", "(null)", "http://192.0.2.1/", "/ctl", nil, ""},

		{"https", in, "", "https://192.0.2.1/ctl", nil, `"https://192.0.2.1/ctl" is never requested`},
		{"file", in, "", "file:///etc/passwd", nil, `"file:///etc/passwd" is never requested`},
		{"javascript", in, "", "javascript:alert(1)", nil, `"javascript:alert(1)" is never requested`},
		{"user information", in, "", "http://a:b@192.0.2.1/", nil, `"http://a:b@192.0.2.1/" is never requested`},
		{"at sign in a path", in, "", "http://192.0.2.1:5000/a@b", []string{at + "/a@b"}, ""},
		{"port 0", in, "", "http://192.0.2.1:0/", nil, `"http://192.0.2.1:0/" is never requested`},
		{"port 65536", in, "", "http://192.0.2.1:65536/", nil, `"http://192.0.2.1:65536/" is never requested`},
		{"empty host", in, "", "http:///ctl", nil, `"http:///ctl" is never requested`},
		{"only a port", in, "", "http://:80/ctl", nil, `"http://:80/ctl" is never requested`},
		{"fragment", in, "", "/a#b", nil, `"/a#b" is never requested`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := &Root{Location: test.location, URLBase: test.base}
			got := root.URLs(test.ref)
			b, _ := root.base()
			_, _, problem := b.examine(test.ref)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("candidates (-want +got):\n%s", diff)
			}
			if problem != test.problem {
				t.Errorf("note %q, want %q", problem, test.problem)
			}
			if want := append(test.want, "")[0]; root.URL(test.ref) != want {
				t.Errorf("URL is %q, want %q", root.URL(test.ref), want)
			}
		})
	}
}

func TestURLLength(t *testing.T) {
	root := &Root{Location: "http://192.0.2.1/"}
	fits := "/" + strings.Repeat("a", maxURL-len("http://192.0.2.1/"))
	for ref, want := range map[string]int{fits: 1, fits + "a": 0, strings.Repeat("a", 1<<20): 0, strings.Repeat(" é", maxURL/4): 0} {
		if got := root.URLs(ref); len(got) != want {
			t.Errorf("%d bytes: %d candidates, want %d", len(ref), len(got), want)
		}
	}
}

func TestURLBaseNotes(t *testing.T) {
	for base, want := range map[string]string{
		"":                       "",
		"http://192.0.2.1:5000/": "",
		"http://192.0.2.1:1234":  "URLBase has port 1234; trying port 5000 of Location first",
		"http://127.0.0.1:80":    "URLBase has host 127.0.0.1; using 192.0.2.1",
		"ftp://192.0.2.1/":       `URLBase "ftp://192.0.2.1/" is not usable; Location is the base`,
	} {
		text := strings.Replace(wrap(complete), "<device>", "<URLBase>"+base+"</URLBase><device>", 1)
		root, err := ParseRoot([]byte(text), location)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(root.Notes, "\n"); got != want {
			t.Errorf("%q: notes %q, want %q", base, got, want)
		}
	}
}

// hosts are ways of writing an address a request must not go to.
var hosts = []string{
	"127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0.0.0.0", "0", "localhost", "LOCALHOST", "localhost.",
	"[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
	"169.254.169.254", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "metadata.google.internal", "224.0.0.1", "[ff02::1]",
	"239.255.255.250", "255.255.255.255", "10.0.0.1", "[fe80::1%25lo]", "[fe80::1%lo]", "[::1%25eth0]", "192.0.2.1.evil.example",
	"192.0.2.1%00.evil.example", "192.0.2.1\\evil.example", "evil.example\t", "(null)", "%s", "[", "]", "[[::1]]", "[::1", "::1",
	"127.0.0.1:80:90", "１２７.0.0.1", "xn--nxasmq6b", "router.lan", "fritz.box", "203.0.113.1", "[2001:db8::1]",
}

// checkConfined checks the promise of URLs: every candidate goes to the host of Location.
func checkConfined(t *testing.T, root *Root, host, ref string) {
	t.Helper()
	for _, candidate := range root.URLs(ref) {
		u, err := url.Parse(candidate)
		if err != nil {
			t.Fatalf("%q: candidate %q: %v", ref, candidate, err)
		}
		port, _ := strconv.Atoi("0" + u.Port())
		if u.Hostname() != host || u.Scheme != "http" || u.User != nil || u.Fragment != "" || len(candidate) > maxURL ||
			u.Port() != "" && (port < 1 || port > 65535) || !strings.HasPrefix(u.Path, "/") ||
			strings.ContainsFunc(candidate, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("%q with base %q: candidate %q", ref, root.URLBase, candidate)
		}
	}
}

func TestURLsStayAtLocation(t *testing.T) {
	forms := []string{"http://H/x", "http://H:80/x", "//H/x", "H/x", "H:80/x", "http:/H/x", "http:H", "http://192.0.2.1@H/x",
		"http://H\\@192.0.2.1/x", "HTTP://H", "/\\H/x", "///H/x", "http://192.0.2.1:80#@H/", "http://192.0.2.1:5000/..//H", " http://H/x", "ht\ntp://H/x"}
	for _, host := range hosts {
		for _, form := range forms {
			ref := strings.ReplaceAll(form, "H", host)
			checkConfined(t, &Root{Location: location}, "192.0.2.1", ref)
			checkConfined(t, &Root{Location: location, URLBase: ref}, "192.0.2.1", "x")
			checkConfined(t, &Root{Location: location, URLBase: ref}, "192.0.2.1", "/x")
		}
	}
}

func FuzzURLs(f *testing.F) {
	for _, ref := range slices.Concat(hosts, []string{"?x", "a:b", "//", "http://[fe80::1%25x]:1/%", "/../..", "."}) {
		f.Add(ref, "http://"+ref+"/a/../b")
		f.Add("/x", ref)
	}
	f.Fuzz(func(t *testing.T, ref, base string) {
		checkConfined(t, &Root{Location: location, URLBase: base}, "192.0.2.1", ref)
		checkConfined(t, &Root{Location: "http://[fe80::1%25eth0]/r.xml", URLBase: base}, "fe80::1%eth0", ref)
	})
}
