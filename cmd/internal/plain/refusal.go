package plain

import "upnp/igd"

// refusalWords is what a code means to somebody who wants a port open, and what to do.
// Codes mean what routers use them for, which is not always what the standard says (QUIRKS.md).
func refusalWords(code igd.Error) (words, hint string) {
	switch code {
	case igd.ErrInvalidAction:
		return "the router does not know this request", "it may be an older kind than it claims; its messages show what was asked"
	case igd.ErrInvalidArgs:
		return "the router does not like what it was asked", "routers say this also when their table is full, or of a text or a lease they do not support"
	case igd.ErrOutOfSync:
		return "the router does not allow it for this device", "look for a permission for this device in the router's settings"
	case igd.ErrActionFailed:
		return "the router could not do it, and does not say why", "the port may be in use by the router itself, or its Internet connection down: try another port, and look at its state"
	case igd.ErrNotAuthorized:
		return "the router does not allow it", "many allow a device to map only to itself, and only ports from 1024 up; some want a permission in their settings"
	case igd.ErrNoSuchIndex, igd.ErrNoSuchEntry, igd.ErrPortMappingNotFound:
		return "the router has no such mapping", ""
	case igd.ErrConflict:
		return "the router says the port is taken, and does not show by whom", "take another external port; trying again helps with some routers"
	case igd.ErrSamePortRequired:
		return "the router maps a port only to the same port inside", "use the same port inside and outside"
	case igd.ErrOnlyPermanentLeases:
		return "the router knows only mappings without an end", "ask for a permanent one"
	case igd.ErrRemoteHostWildcardOnly:
		return "the router cannot limit a mapping to one remote host", "leave out the remote host"
	case igd.ErrExternalPortWildcardOnly:
		return "the router maps all ports or none", "this is never asked for: it would expose the whole machine"
	case igd.ErrNoPortsAvailable:
		return "the router's table is full", "remove mappings that are needed no more"
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
		return "a text was too long for the router", "try a shorter description"
	case igd.ErrArgumentValueInvalid, igd.ErrArgumentOutOfRange:
		return "the router does not accept one of the values", "try a permanent lease, or another port"
	case igd.ErrOptionalActionNotImplemented:
		return "the router cannot do this", ""
	case igd.ErrConnectionNotConfigured, igd.ErrInternetAccessDisabled, igd.ErrConnectionSetupFailed:
		return "the router has no Internet connection", "look at its state"
	case igd.ErrWildcardSource, igd.ErrWildcardExternalPort, igd.ErrWildcardInternalPort:
		return "the router wants every address and port spelled out", ""
	}
	return pinholeRefusalWords(code)
}
