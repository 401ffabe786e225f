package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"upnp/description"
	"upnp/igd"
	"upnp/igd/wire"
	"upnp/soap"
)

// explain turns any error into an exit code, a line in plain words, and advice.
func (s *session) explain(err error) *ExitError {
	if e := asExit(err); e != nil {
		return e
	}
	e := &ExitError{Code: exitFailed, Kind: "failed", Err: err}
	_, isFault := errors.AsType[*soap.Fault](err)
	_, isRefusal := errors.AsType[igd.Error](err)
	switch {
	case isFault || isRefusal:
		explainRefusal(e)
	case errors.Is(err, igd.ErrForeignClient):
		e.Code, e.Kind, e.Err = exitUsage, "usage", errors.New("the mapping leads to another machine; --for ADDR allows it")
	case errors.Is(err, igd.ErrNoGateway):
		e.Code, e.Kind = exitNoGateway, "noGateway"
	case errors.Is(err, context.DeadlineExceeded):
		e.Kind = "timeout"
		e.Err = errors.New(place(err) + "no answer in time")
		if !s.deadline.IsZero() && !time.Now().Before(s.deadline) {
			e.Err = fmt.Errorf("%sno answer; %w", place(err), errTimeout{s.options.timeout})
		}
	default:
		if words := plainCause(err); words != "" {
			e.Err = errors.New(place(err) + words)
		}
	}
	return e
}

// place says which action at which gateway an error is about, as the start of a sentence.
func place(err error) string {
	if op, ok := errors.AsType[*igd.OpError](err); ok {
		return op.Op + " at " + op.Gateway + ": "
	}
	return ""
}

// plainCause puts the usual failures of a connection into words; empty if it knows none.
func plainCause(err error) string {
	var status *description.StatusError
	var document *description.DocumentError
	connect, notConnected := errors.AsType[*wire.ConnectError](err)
	switch {
	case notConnected && (connect.Timeout() || errors.Is(err, context.DeadlineExceeded)):
		return fmt.Sprintf("cannot connect to %s (no answer)", connect.Addr)
	case notConnected:
		return fmt.Sprintf("cannot connect to %s (%s)", connect.Addr, lastError(connect.Err))
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
	return fmt.Sprintf("%s answered HTTP %d %s", e.URL, e.Code, e.Status)
}

// lastError is the innermost cause.
func lastError(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// explainRefusal fills in what a refusal means: plain words first, the code and its name second.
func explainRefusal(e *ExitError) {
	e.Code, e.Kind = exitRefused, "refused"
	code, _ := errors.AsType[igd.Error](e.Err)
	if fault, ok := errors.AsType[*soap.Fault](e.Err); ok && code == (igd.Error{}) {
		code.Code = fault.Code
	}
	e.UPnPCode = code.Code
	words, hint := refusalWords(code)
	if held, ok := errors.AsType[*igd.HeldError](e.Err); ok {
		words = fmt.Sprintf("port %s is taken by %s", held.Holder.MappingKey, describeHolder(held.Holder))
		hint = "--any takes another port; `upnp list` shows all that are taken"
	}
	if nat, ok := errors.AsType[*igd.DoubleNATError](e.Err); ok {
		words, hint = natWords(nat)
	}
	e.Err, e.Hint = fmt.Errorf("%s (%s)", words, refusalName(code, e.Err)), hint
}

// natWords is what the refusal of a gateway behind another NAT means.
func natWords(e *igd.DoubleNATError) (words, hint string) {
	switch words = "the router refuses because " + classWords(e.External); {
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

// addHint is better advice for a refused wish than for the code alone; empty if there is none.
func addHint(code int, w igd.Wish) string {
	switch {
	case code == igd.ErrNotAuthorized.Code && w.Foreign:
		return "many routers let a device map only to itself: try it on " + w.Client()
	case code == igd.ErrNotAuthorized.Code && w.ExternalPort < 1024:
		return "many routers keep the ports below 1024 to themselves: try a higher external port"
	case code == igd.ErrInvalidArgs.Code:
		return "every way of asking was tried; routers say this also when their table is full: `upnp list` shows what could go"
	}
	return ""
}

func describeHolder(m igd.Mapping) string {
	text := fmt.Sprintf("%s port %d", m.Client(), m.InternalPort)
	if m.Description != "" {
		text += fmt.Sprintf(" (%q)", m.Description)
	}
	return text
}

// refusalWords is what a code means to somebody who wants a port open, and what to do.
// Codes mean what routers use them for, which is not always what the standard says (QUIRKS.md).
func refusalWords(code igd.Error) (words, hint string) {
	switch code {
	case igd.ErrInvalidAction:
		return "the router does not know this request", "it may be an older kind than it claims; -v shows what was asked"
	case igd.ErrInvalidArgs:
		return "the router does not like what it was asked", "routers say this also when their table is full, or of a text or a lease they do not support"
	case igd.ErrOutOfSync:
		return "the router does not allow it for this device", "look for a permission for this device in the router's settings"
	case igd.ErrActionFailed:
		return "the router could not do it, and does not say why", "the port may be in use by the router itself, or its Internet connection down: try another port, and `upnp info`"
	case igd.ErrNotAuthorized:
		return "the router does not allow it", "many allow a device to map only to itself, and only ports from 1024 up; some want a permission in their settings"
	case igd.ErrNoSuchIndex, igd.ErrNoSuchEntry, igd.ErrPortMappingNotFound:
		return "the router has no such mapping", "`upnp list` shows those it has"
	case igd.ErrConflict:
		return "the router says the port is taken, and does not show by whom", "--any takes another port; trying again helps with some routers"
	case igd.ErrSamePortRequired:
		return "the router maps a port only to the same port inside", "leave out the internal port"
	case igd.ErrOnlyPermanentLeases:
		return "the router knows only mappings without an end", "--lease 0 asks for one"
	case igd.ErrRemoteHostWildcardOnly:
		return "the router cannot limit a mapping to one remote host", "leave out --remote-host"
	case igd.ErrExternalPortWildcardOnly:
		return "the router maps all ports or none", "this is never asked for: it would expose the whole machine"
	case igd.ErrNoPortsAvailable:
		return "the router's table is full", "`upnp list` shows what could go; `upnp delete --all-mine` removes this machine's"
	case igd.ErrConflictOther:
		return "the port is taken by a rule of the router itself", "look at the port forwarding in its settings, or take another port"
	}
	return commonRefusalWords(code)
}

func commonRefusalWords(code igd.Error) (words, hint string) {
	switch code {
	case igd.ErrOutOfMemory:
		return "the router is out of memory", "restarting it may help"
	case igd.ErrHumanInterventionRequired:
		return "somebody has to confirm this at the router", ""
	case igd.ErrStringTooLong:
		return "a text was too long for the router", "try a shorter --description"
	case igd.ErrArgumentValueInvalid, igd.ErrArgumentOutOfRange:
		return "the router does not accept one of the values", "try --lease 0 or another port"
	case igd.ErrOptionalActionNotImplemented:
		return "the router cannot do this", ""
	case igd.ErrConnectionNotConfigured, igd.ErrInternetAccessDisabled, igd.ErrConnectionSetupFailed:
		return "the router has no Internet connection", "`upnp info` shows its state"
	case igd.ErrWildcardSource, igd.ErrWildcardExternalPort, igd.ErrWildcardInternalPort:
		return "the router wants every address and port spelled out", ""
	}
	return "the router refused", ""
}
