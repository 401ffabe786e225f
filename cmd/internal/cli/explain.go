package cli

import (
	"errors"
	"fmt"
	"time"

	"upnp/cmd/internal/plain"
	"upnp/igd"
)

// explain turns any error into an exit code, a line in plain words, and advice.
func (s *session) explain(err error) *ExitError {
	if e := asExit(err); e != nil {
		return e
	}
	f := plain.Explain(err)
	e := &ExitError{Code: exitFailed, Kind: f.Kind, Err: errors.New(f.Error), UPnPCode: f.UPnPCode, Hint: f.Hint}
	switch f.Kind {
	case "failed":
		if f.Error == err.Error() {
			e.Err = err
		}
	case "refused":
		e.Code, e.Hint = exitRefused, s.flagHint(err, f.Hint)
	case "foreign":
		e.Code, e.Kind, e.Err = exitUsage, "usage", fmt.Errorf("%s; --for ADDR allows it", f.Error)
	case "usage":
		e.Code = exitUsage
	case "noGateway", "noDevice":
		e.Code = exitNoGateway
	case "timeout":
		if !s.deadline.IsZero() && !time.Now().Before(s.deadline) {
			e.Err = fmt.Errorf("%sno answer; %w", plain.Place(err), errTimeout{s.options.timeout})
		}
	}
	return e
}

// flagHint is what to do about a refusal on a command line, where it has a flag or a verb for it.
func (s *session) flagHint(err error, otherwise string) string {
	if _, held := errors.AsType[*igd.HeldError](err); held && s.command.Name() == "edit" {
		return "choose another --external; `upnp list` shows all that are taken"
	} else if held {
		return "--any takes another port; `upnp list` shows all that are taken"
	}
	if _, nat := errors.AsType[*igd.DoubleNATError](err); nat {
		return otherwise
	}
	code, _ := errors.AsType[igd.Error](err)
	switch code {
	case igd.ErrInvalidAction:
		return "it may be an older kind than it claims; -v shows what was asked"
	case igd.ErrActionFailed:
		return "the port may be in use by the router itself, or its Internet connection down: try another port, and `upnp info`"
	case igd.ErrNoSuchIndex, igd.ErrNoSuchEntry, igd.ErrPortMappingNotFound:
		return "`upnp list` shows those it has"
	case igd.ErrConflict:
		return "--any takes another port; trying again helps with some routers"
	case igd.ErrSamePortRequired:
		return "leave out the internal port"
	case igd.ErrOnlyPermanentLeases:
		return "--lease 0 asks for one"
	case igd.ErrRemoteHostWildcardOnly:
		return "leave out --remote-host"
	case igd.ErrNoPortsAvailable:
		return "`upnp list` shows what could go; `upnp delete --all-mine` removes this machine's"
	case igd.ErrStringTooLong:
		return "try a shorter --description"
	case igd.ErrArgumentValueInvalid, igd.ErrArgumentOutOfRange:
		return "try --lease 0 or another port"
	case igd.ErrConnectionNotConfigured, igd.ErrInternetAccessDisabled, igd.ErrConnectionSetupFailed:
		return "`upnp info` shows its state"
	}
	return otherwise
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
