package soap

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"upnp/description/xmldoc"
	"upnp/testdata"
)

const (
	wanIP1 = "urn:schemas-upnp-org:service:WANIPConnection:1"
	wanIP2 = "urn:schemas-upnp-org:service:WANIPConnection:2"
)

// envelope is body in the one spelling this package writes.
func envelope(body string) string {
	return `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"` +
		` s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>` + body + `</s:Body></s:Envelope>`
}

var ignoreNotes = cmp.Options{
	cmpopts.IgnoreFields(Request{}, "Notes"), cmpopts.IgnoreUnexported(Request{}),
	cmpopts.IgnoreFields(Response{}, "Notes"), cmpopts.IgnoreFields(Fault{}, "Notes"),
	cmpopts.EquateEmpty(),
}

func TestRequestText(t *testing.T) {
	tests := []struct {
		name  string
		value *Request
		text  string
	}{
		{"no arguments", &Request{Service: wanIP1, Action: "GetExternalIPAddress"},
			`<u:GetExternalIPAddress xmlns:u="` + wanIP1 + `"></u:GetExternalIPAddress>`},
		{"empty argument", &Request{Service: wanIP2, Action: "DeletePortMapping", Args: Args{{"NewRemoteHost", ""}, {"NewExternalPort", "80"}}},
			`<u:DeletePortMapping xmlns:u="` + wanIP2 + `"><NewRemoteHost></NewRemoteHost><NewExternalPort>80</NewExternalPort></u:DeletePortMapping>`},
		{"everything escaped", &Request{Service: wanIP1, Action: "A", Args: Args{{"X", "<&>\r"}}},
			`<u:A xmlns:u="` + wanIP1 + `"><X>&lt;&amp;&gt;&#xD;</X></u:A>`},
		{"blanks of the value", &Request{Service: wanIP1, Action: "A", Args: Args{{"X", " a b "}}},
			`<u:A xmlns:u="` + wanIP1 + `"><X> a b </X></u:A>`},
		{"vendor names", &Request{Service: "urn:dslforum-org:service:WANIPConnection:1", Action: "X_AVM-DE_GetInfo", Args: Args{{"NewX_AVM-DE_Name", "ü"}}},
			`<u:X_AVM-DE_GetInfo xmlns:u="urn:dslforum-org:service:WANIPConnection:1"><NewX_AVM-DE_Name>ü</NewX_AVM-DE_Name></u:X_AVM-DE_GetInfo>`},
		{"state variable", &Request{Service: ControlNamespace, Action: "QueryStateVariable", Args: Args{{"varName", "ConnectionStatus"}}},
			`<u:QueryStateVariable xmlns:u="urn:schemas-upnp-org:control-1-0"><varName>ConnectionStatus</varName></u:QueryStateVariable>`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := tt.value.AppendText(nil)
			if err != nil || string(text) != envelope(tt.text) {
				t.Errorf("wrote %s, %v", text, err)
			}
			value, err := ParseRequest([]byte(envelope(tt.text)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.value, value, cmpopts.IgnoreUnexported(Request{}), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestResponseText(t *testing.T) {
	value := &Response{Service: wanIP1, Action: "GetExternalIPAddress", Args: Args{{"NewExternalIPAddress", "203.0.113.1"}}}
	want := envelope(`<u:GetExternalIPAddressResponse xmlns:u="` + wanIP1 + `">` +
		`<NewExternalIPAddress>203.0.113.1</NewExternalIPAddress></u:GetExternalIPAddressResponse>`)
	text, err := value.AppendText(nil)
	if err != nil || string(text) != want {
		t.Errorf("wrote %s, %v", text, err)
	}
	read, err := ParseResponse([]byte(want), "GetExternalIPAddress")
	if diff := cmp.Diff(value, read); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestFaultText(t *testing.T) {
	tests := []struct {
		name  string
		value *Fault
		text  string
	}{
		{"of a service", &Fault{Code: 718, Description: "ConflictInMappingEntry"},
			`<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>` +
				`<UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>718</errorCode>` +
				`<errorDescription>ConflictInMappingEntry</errorDescription></UPnPError></detail></s:Fault>`},
		{"of the architecture", &Fault{Code: InvalidArgs},
			`<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>` +
				`<UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>402</errorCode>` +
				`<errorDescription>Invalid Args</errorDescription></UPnPError></detail></s:Fault>`},
		{"of SOAP", &Fault{FaultCode: "s:MustUnderstand", FaultString: "a < b"},
			`<s:Fault><faultcode>s:MustUnderstand</faultcode><faultstring>a &lt; b</faultstring></s:Fault>`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := tt.value.AppendText(nil)
			if err != nil || string(text) != envelope(tt.text) {
				t.Errorf("wrote %s, %v", text, err)
			}
			_, err = ParseResponse(text, "A")
			fault, ok := errors.AsType[*Fault](err)
			if !ok || fault.Code != tt.value.Code {
				t.Fatalf("read %v", err)
			}
			again, _ := fault.AppendText(nil)
			if diff := cmp.Diff(string(text), string(again)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNamesThatAreNotSent(t *testing.T) {
	for _, service := range []string{
		"", "urn:x:service:Y", "urn:x:service:Y:", "urn:x:service:Y:1000", "urn:x:service:Y:-1", "urn:x:device:Y:1",
		"urn:x:service:Y:1\r\nX: 1", "urn:x:service:\"Y:1", "urn::service:Y:1", "urn:x:service:a b:1", "urn:x:service:Y:1:2",
		"urn:x:service:" + strings.Repeat("y", 65) + ":1", "http://x:service:Y:1",
	} {
		r := &Request{Service: service, Action: "A"}
		if _, err := r.AppendText(nil); !isNameError(err) {
			t.Errorf("service %q: %v", service, err)
		}
	}
	for _, name := range []string{"", "1A", "-A", "A B", "A>", "u:A", "A\r\n", "Ä", strings.Repeat("A", 129)} {
		if _, err := (&Request{Service: wanIP1, Action: name}).AppendText(nil); !isNameError(err) {
			t.Errorf("action %q: %v", name, err)
		}
		if _, err := (&Response{Service: wanIP1, Action: "A", Args: Args{{name, ""}}}).AppendText(nil); !isNameError(err) {
			t.Errorf("argument %q: %v", name, err)
		}
	}
}

func isNameError(err error) bool {
	_, ok := errors.AsType[*NameError](err)
	return ok
}

func TestParseRequestTolerates(t *testing.T) {
	want := &Request{Service: wanIP1, Action: "A", Args: Args{{"X", "1"}, {"Y", ""}}}
	for name, text := range map[string]string{
		"no prolog, other prefixes, indented": `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">
			<soap:Body>
				<m:A xmlns:m="` + wanIP1 + `">
					<X>
						1
					</X>
					<Y/>
				</m:A>
			</soap:Body></soap:Envelope>`,
		"name space declared outside": `<s:Envelope xmlns:s="x" xmlns:u="` + wanIP1 + `"><s:Body><u:A><X>1</X><Y></Y></u:A></s:Body></s:Envelope>`,
		"header first":                `<Envelope><Header><t>1</t></Header><Body><A xmlns="` + wanIP1 + `"><X>1</X><Y/></A></Body></Envelope>`,
		"qualified arguments":         `<Envelope><Body><u:A xmlns:u="` + wanIP1 + `"><u:X>1</u:X><u:Y/></u:A></Body></Envelope>`,
	} {
		got, err := ParseRequest([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(want, got, ignoreNotes); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestParseRequestFails(t *testing.T) {
	for name, text := range map[string]string{
		"empty":              "",
		"no XML":             "X=1&Y=2",
		"no envelope":        `<A xmlns="` + wanIP1 + `"/>`,
		"empty body":         envelope(""),
		"no body":            "<s:Envelope></s:Envelope>",
		"cut":                strings.TrimSuffix(envelope("<A><X>1</X></A>"), "/X></A></s:Body></s:Envelope>") + "X>",
		"too many arguments": envelope("<A>" + strings.Repeat("<X/>", maxArgs+1) + "</A>"),
		"too long":           envelope("<A><X>" + strings.Repeat("x", MaxRequest) + "</X></A>"),
	} {
		_, err := ParseRequest([]byte(text))
		_, syntax := errors.AsType[*xmldoc.SyntaxError](err)
		_, mismatch := errors.AsType[*MismatchError](err)
		if !syntax && !mismatch {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseResponseTolerates(t *testing.T) {
	tests := []struct {
		name, text string
		args       Args
		note       string
	}{
		{"no name space (D-Link)", envelope(`<AResponse><X>1</X></AResponse>`), Args{{"X", "1"}}, ""},
		{"undeclared prefix", envelope(`<m:AResponse><X>1</X></m:AResponse>`), Args{{"X", "1"}}, "prefix m is not declared"},
		{"other case", `<ENVELOPE><BODY><ARESPONSE><X>1</X></ARESPONSE></BODY></ENVELOPE>`, Args{{"X", "1"}}, ""},
		{"header before the body (FRITZ!Box)", `<s:Envelope xmlns:s="x"><s:Header><h:Auth xmlns:h="y" s:mustUnderstand="1">z</h:Auth></s:Header><s:Body><u:AResponse xmlns:u="u"/></s:Body></s:Envelope>`, nil, ""},
		{"no envelope", `<AResponse><X>1</X></AResponse>`, Args{{"X", "1"}}, ""},
		{"extra and duplicate arguments", envelope(`<AResponse><X>1</X><Z>3</Z><X>2</X></AResponse>`), Args{{"X", "1"}, {"Z", "3"}, {"X", "2"}}, "X is there more than once"},
		{"markup not escaped", envelope(`<AResponse><X><p:e xmlns:p="q">&amp;</p:e></X></AResponse>`), Args{{"X", `<p:e xmlns:p="q">&amp;</p:e>`}}, "X holds elements that should be escaped"},
		{"CDATA (miniupnpd)", envelope(`<AResponse><X><![CDATA[<a/>]]></X></AResponse>`), Args{{"X", "<a/>"}}, ""},
		{"truncated end (Archer C8)", strings.TrimSuffix(envelope(`<AResponse><X>1</X></AResponse>`), "e>"), Args{{"X", "1"}}, ""},
		{"cut behind an argument", envelope(`<AResponse><X>1</X><Y>80`)[:len(envelope(`<AResponse><X>1</X><Y>80`))-len("</s:Body></s:Envelope>")], Args{{"X", "1"}}, "Y is cut off and left out"},
		{"garbage around", "\r\n\x00" + envelope(`<AResponse/>`) + "\x00\x00", nil, ""},
		{"second element in the body", envelope(`<AResponse/><multiRef/>`), nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := ParseResponse([]byte(tt.text), "A")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.args, r.Args, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if notes := strings.Join(r.Notes, "; "); !strings.Contains(notes, tt.note) {
				t.Errorf("notes %q", notes)
			}
		})
	}
}

func TestParseResponseFaults(t *testing.T) {
	tests := []struct {
		name, text string
		want       Fault
		note       string
	}{
		{"without faultcode (FRITZ!Box Cable 6660)", envelope(`<s:Fault><detail><UPnPError><errorCode>714</errorCode></UPnPError></detail></s:Fault>`), Fault{Code: 714}, ""},
		{"camel case (MikroTik)", envelope(`<s:Fault><faultCode>s:Client</faultCode><faultString>UPnPError</faultString><detail><u:UPnPError xmlns:u="x"><u:errorCode>725</u:errorCode></u:UPnPError></detail></s:Fault>`),
			Fault{Code: 725, FaultCode: "s:Client", FaultString: "UPnPError"}, ""},
		{"SOAP prefix, CRLF (ARRIS NVG578LX)", "<SOAP-ENV:Fault xmlns:SOAP-ENV='x'>\r\n<detail>\r\n<UPnPError>\r\n<errorCode> 402\r\n</errorCode>\r\n<errorDescription>\r\nInvalid Args\r\n</errorDescription></UPnPError></detail></SOAP-ENV:Fault>", Fault{Code: 402, Description: "Invalid Args"}, ""},
		{"negative code", envelope(`<s:Fault><detail><UPnPError><errorCode>-911</errorCode></UPnPError></detail></s:Fault>`), Fault{Code: -911}, ""},
		{"cut behind the code (Archer C8)", `<s:Envelope><s:Body><s:Fault><detail><UPnPError><errorCode>718</errorCode><errorDescription>Conf`, Fault{Code: 718, Description: "Conf"}, "document ends inside <errorDescription>"},
		{"cut in the code", `<s:Envelope><s:Body><s:Fault><detail><UPnPError><errorCode>71`, Fault{}, "errorCode is cut off"},
		{"damaged description (Archer C8)", envelope("<s:Fault><detail><UPnPError><errorCode>718</errorCode><errorDescription>Con\xff\x01</errorDes\xffion></UPnPError></detail></s:Fault>"), Fault{Code: 718, Description: "Con\uFFFD\uFFFD"}, "bytes that are not UTF-8 replaced"},
		{"no code", envelope(`<s:Fault><faultcode>s:Server</faultcode><faultstring>Busy</faultstring></s:Fault>`), Fault{FaultCode: "s:Server", FaultString: "Busy"}, "fault without an error code"},
		{"no number", envelope(`<s:Fault><detail><UPnPError><errorCode>x</errorCode></UPnPError></detail></s:Fault>`), Fault{}, `errorCode "x" is not a number`},
		{"no Fault around the error", envelope(`<UPnPError><errorCode>501</errorCode></UPnPError>`), Fault{Code: 501}, ""},
		{"too deep behind the code", envelope(`<s:Fault><detail><UPnPError><errorCode>501</errorCode>` + strings.Repeat("<a>", 40)), Fault{Code: 501}, "fault not read to its end"},
		{"endless description", envelope(`<s:Fault><detail><errorCode>501</errorCode><errorDescription>` + strings.Repeat("x", 5000) + `</errorDescription></detail></s:Fault>`), Fault{Code: 501, Description: strings.Repeat("x", maxFaultText)}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseResponse([]byte(tt.text), "A")
			fault, ok := errors.AsType[*Fault](err)
			if !ok {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, *fault, ignoreNotes); diff != "" {
				t.Error(diff)
			}
			if notes := strings.Join(fault.Notes, "; "); !strings.Contains(notes, tt.note) {
				t.Errorf("notes %q", notes)
			}
		})
	}
}

func TestParseResponseRefuses(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", "", "no element"},
		{"text", "Internal Server Error", "no element"},
		{"log-in page", "<html><body>Log in</body></html>", "want AddPortMappingResponse"},
		{"empty body", envelope(""), "want AddPortMappingResponse, found nothing"},
		{"answer to another action", envelope(`<u:GetExternalIPAddressResponse xmlns:u="` + wanIP1 + `"/>`), "GetExternalIPAddressResponse"},
		{"the request itself", envelope(`<u:AddPortMapping xmlns:u="` + wanIP1 + `"/>`), "want AddPortMappingResponse"},
		{"too long", envelope("<AddPortMappingResponse><X>" + strings.Repeat("x", MaxAnswer) + "</X></AddPortMappingResponse>"), "longer than 1048576"},
		{"too many arguments", envelope("<AddPortMappingResponse>" + strings.Repeat("<X/>", maxArgs+1) + "</AddPortMappingResponse>"), "more than 128 arguments"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := ParseResponse([]byte(tt.text), "AddPortMapping")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, %v", r, err)
			}
		})
	}
}

func TestArgs(t *testing.T) {
	a := Args{{"NEWA", "1"}, {"NewA", "2"}, {"NewA", "3"}, {"NEWB", "4"}}
	for name, want := range map[string]string{"NewA": "2", "newa": "1", "NewB": "4", "NewC": ""} {
		if got := a.Value(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if _, ok := a.Get("NewC"); ok {
		t.Error("NewC found")
	}
}

// seed adds what real devices sent.
func seed(f *testing.F) {
	for body := range testdata.Bodies() {
		f.Add(body)
	}
}

// FuzzParseRequest: what parses and has names that can be sent re-emits and parses equal.
func FuzzParseRequest(f *testing.F) {
	seed(f)
	f.Add([]byte(envelope(`<u:A xmlns:u="` + wanIP1 + `"><X>1</X><Y>&lt;</Y></u:A>`)))
	f.Add([]byte(`<Envelope><Header><x mustUnderstand="1"/></Header><Body><A xmlns="` + wanIP1 + "\"><X>\r\n1 <b/></X></A></Body>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRequest(data)
		if err != nil {
			return
		}
		text, err := r.AppendText(nil)
		if err != nil || len(text) > MaxRequest {
			return
		}
		again, err := ParseRequest(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(r, again, ignoreNotes); diff != "" {
			t.Error(diff)
		}
	})
}

// FuzzParseResponse: the same for answers and faults.
func FuzzParseResponse(f *testing.F) {
	seed(f)
	f.Add([]byte(envelope(`<u:AResponse xmlns:u="` + wanIP1 + `"><X>1</X><Y>&lt;</Y></u:AResponse>`)))
	f.Add([]byte(envelope(`<s:Fault><faultcode>x</faultcode><detail><errorCode>714</errorCode></detail></s:Fault>`)))
	f.Add([]byte(`<Body><AResponse><X>80`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var text []byte
		r, err := ParseResponse(data, "A")
		fault, refused := errors.AsType[*Fault](err)
		switch {
		case refused:
			text, err = fault.AppendText(nil)
		case err == nil:
			text, err = r.AppendText(nil)
		}
		if err != nil || len(text) > MaxAnswer {
			return
		}
		again, err := ParseResponse(text, "A")
		if refused {
			f, ok := errors.AsType[*Fault](err)
			if !ok || f.Code != fault.Code {
				t.Errorf("fault %d became %v", fault.Code, err)
			}
			return
		}
		if diff := cmp.Diff(r, again, ignoreNotes); diff != "" || err != nil {
			t.Error(err, diff)
		}
	})
}

var genericEntry = []byte(envelope(`<u:GetGenericPortMappingEntryResponse xmlns:u="` + wanIP1 + `">` +
	`<NewRemoteHost></NewRemoteHost><NewExternalPort>51413</NewExternalPort><NewProtocol>TCP</NewProtocol>` +
	`<NewInternalPort>51413</NewInternalPort><NewInternalClient>192.168.1.20</NewInternalClient><NewEnabled>1</NewEnabled>` +
	`<NewPortMappingDescription>Transmission at 51413</NewPortMappingDescription><NewLeaseDuration>3600</NewLeaseDuration>` +
	`</u:GetGenericPortMappingEntryResponse>`))

func BenchmarkParseResponse(b *testing.B) {
	b.SetBytes(int64(len(genericEntry)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseResponse(genericEntry, "GetGenericPortMappingEntry"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseFault(b *testing.B) {
	text, _ := (&Fault{Code: 713, Description: "SpecifiedArrayIndexInvalid"}).AppendText(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseResponse(text, "GetGenericPortMappingEntry"); err == nil {
			b.Fatal("no fault")
		}
	}
}

func BenchmarkAppendRequest(b *testing.B) {
	r := &Request{Service: wanIP1, Action: "GetGenericPortMappingEntry", Args: Args{{"NewPortMappingIndex", "12"}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.AppendText(nil); err != nil {
			b.Fatal(err)
		}
	}
}
