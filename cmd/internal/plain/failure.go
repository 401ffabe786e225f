package plain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"upnp/cmd/internal/notation"
	"upnp/description"
	"upnp/igd"
	"upnp/igd/wire"
	"upnp/soap"
)

// A Failure is an error in plain words, and its JSON form.
type Failure struct {
	Error    string `json:"error"`
	Kind     string `json:"kind"` // failed, refused, foreign, noGateway, timeout, usage, noDevice
	UPnPCode int    `json:"upnpCode,omitempty"`
	UPnPName string `json:"upnpName,omitempty"`
	Hint     string `json:"hint,omitempty"` // what to do about it
}

// Explain says what an error means to somebody who wants a port open.
func Explain(err error) Failure {
	if f, ok := explainDevice(err); ok {
		return f
	}
	f := Failure{Error: err.Error(), Kind: "failed"}
	_, isFault := errors.AsType[*soap.Fault](err)
	_, isRefusal := errors.AsType[igd.Error](err)
	switch {
	case isFault || isRefusal:
		return explainRefusal(err)
	case errors.Is(err, igd.ErrForeignClient):
		f.Kind, f.Error = "foreign", "the mapping leads to another machine"
	case errors.Is(err, igd.ErrNoGateway):
		f.Kind = "noGateway"
	case errors.Is(err, context.DeadlineExceeded):
		f.Kind, f.Error = "timeout", Place(err)+"no answer in time"
	default:
		if words := Cause(err); words != "" {
			f.Error = Place(err) + words
		}
	}
	return f
}

// Place says which action at which gateway an error is about, as the start of a sentence.
func Place(err error) string {
	if op, ok := errors.AsType[*igd.OpError](err); ok {
		return op.Op + " at " + op.Gateway + ": "
	}
	return ""
}

// Cause puts the usual failures of a connection into words; empty if it knows none.
func Cause(err error) string {
	var status *description.StatusError
	var document *description.DocumentError
	connect, notConnected := errors.AsType[*wire.ConnectError](err)
	switch {
	case notConnected && (connect.Timeout() || errors.Is(err, context.DeadlineExceeded)):
		return fmt.Sprintf("cannot connect to %s (no answer)", connect.Addr)
	case notConnected:
		return fmt.Sprintf("cannot connect to %s (%s)", connect.Addr, Innermost(connect.Err))
	case errors.As(err, &status):
		return statusWords(status)
	case errors.As(err, &document):
		return "what answers there is no UPnP device: " + document.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "the connection was closed without an answer"
	}
	return ""
}

// statusWords tells a login page from a missing one.
func statusWords(e *description.StatusError) string {
	kind, _, _ := strings.Cut(e.ContentType, ";")
	body := strings.ToLower(e.Body)
	if strings.Contains(kind, "html") || strings.Contains(body, "<html") {
		return fmt.Sprintf("a web page answers at %s (HTTP %d), not a UPnP device", e.URL, e.Code)
	}
	return fmt.Sprintf("%s answered HTTP %s", e.URL, e.Status)
}

// Innermost is the last cause of an error.
func Innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// explainRefusal fills in what a refusal means: plain words first, the code and its name second.
func explainRefusal(err error) Failure {
	code, _ := errors.AsType[igd.Error](err)
	if fault, ok := errors.AsType[*soap.Fault](err); ok && code == (igd.Error{}) {
		code.Code = fault.Code
	}
	words, hint := refusalWords(code)
	if held, ok := errors.AsType[*igd.HeldError](err); ok {
		words = fmt.Sprintf("port %s is taken by %s", held.Holder.MappingKey, notation.Holder(held.Holder))
	}
	if nat, ok := errors.AsType[*igd.DoubleNATError](err); ok {
		words, hint = natWords(nat)
	}
	return Failure{
		Error: fmt.Sprintf("%s (%s)", words, refusalName(code, err)), Kind: "refused",
		UPnPCode: code.Code, UPnPName: code.Name(), Hint: hint,
	}
}

// natWords is what the refusal of a gateway behind another NAT means.
func natWords(e *igd.DoubleNATError) (words, hint string) {
	switch words = "the router refuses because " + ClassWords(e.External); {
	case !e.External.IsValid():
		words = "the router refuses and tells no outside address, as routers do that are themselves behind another NAT"
	case e.Class == igd.CGNAT, e.Class == igd.DSLite:
		return words, "only the carrier can help: ask for a public address, or use IPv6"
	}
	return words, "open the port on the outer router too, or make one of the two a bridge"
}

// refusalName is the code with its name and where it came from, for those who search the web.
func refusalName(code igd.Error, err error) string {
	name := code.Error()
	if fault, ok := errors.AsType[*soap.Fault](err); ok && code.Name() == "" && fault.Description != "" {
		name += fmt.Sprintf(" %q", fault.Description)
	}
	if op, ok := errors.AsType[*igd.OpError](err); ok {
		name += " to " + op.Op + " at " + op.Gateway
	}
	return name
}
