package soap

import (
	"slices"

	"upnp/description/xmldoc"
)

const (
	envelopeStart = xmldoc.Prolog +
		`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"` +
		` s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>`
	envelopeEnd = `</s:Body></s:Envelope>`
)

const contentType = `text/xml; charset="utf-8"`

// Limits of what is read, in bytes.
const (
	MaxRequest = 64 << 10
	MaxAnswer  = 1 << 20 // a list of port mappings is one long text

	maxArgs = 128
)

func newScanner(data []byte, most int) (*xmldoc.Scanner, error) {
	return xmldoc.NewScanner(data, xmldoc.Limits{Bytes: most, Text: most})
}

func is(s *xmldoc.Scanner, local string) bool { return xmldoc.EqualName(s.Local(), local) }

// nextElement moves to the next start tag. The error at the end is [io.EOF].
func nextElement(s *xmldoc.Scanner) error {
	for {
		if token, err := s.Next(); token == xmldoc.StartTag || err != nil {
			return err
		}
	}
}

// openBody moves to the first element of the body, or to the root of a document that is no
// envelope. Headers are skipped; mustUnderstand is the name of the first that asks not to be.
// The error for a body without elements is [io.EOF].
func openBody(s *xmldoc.Scanner) (mustUnderstand string, err error) {
	for {
		if err := nextElement(s); err != nil {
			return "", err
		}
		switch depth := s.Depth(); {
		case depth == 1 && is(s, "Envelope"), depth == 2 && is(s, "Body"):
		case depth == 2 && is(s, "Header"):
			mustUnderstand, err = skipHeader(s)
		case depth == 2:
			err = s.Skip()
		default:
			return mustUnderstand, nil
		}
		if err != nil {
			return "", err
		}
	}
}

func skipHeader(s *xmldoc.Scanner) (mustUnderstand string, err error) {
	for depth := s.Depth(); s.Depth() >= depth; {
		token, err := s.Next()
		if err != nil {
			return "", err
		}
		if token == xmldoc.StartTag && mustUnderstand == "" && demands(s.Attrs()) {
			mustUnderstand = s.Local()
		}
	}
	return mustUnderstand, nil
}

func demands(attrs []xmldoc.Attr) bool {
	return slices.ContainsFunc(attrs, func(a xmldoc.Attr) bool {
		_, local := xmldoc.SplitName(a.Name)
		return xmldoc.EqualName(local, "mustUnderstand") && a.Value == "1"
	})
}

// appendEnvelope appends a whole envelope around one element with the arguments in it.
func appendEnvelope(dst []byte, service, name string, args Args) ([]byte, error) {
	if err := checkService(service); err != nil {
		return dst, err
	}
	if err := checkName("action name", name); err != nil {
		return dst, err
	}
	dst = append(dst, envelopeStart+"<u:"...)
	dst = append(dst, name...)
	dst = append(dst, ` xmlns:u="`...)
	dst = append(dst, service...)
	dst = append(dst, `">`...)
	dst, err := args.appendText(dst)
	if err != nil {
		return dst, err
	}
	dst = append(dst, "</u:"...)
	dst = append(dst, name...)
	return append(dst, ">"+envelopeEnd...), nil
}
