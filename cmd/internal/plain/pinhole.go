package plain

import "upnp/igd"

// pinholeRefusalWords is refusalWords for the IPv6 firewall.
func pinholeRefusalWords(code igd.Error) (words, hint string) {
	switch code {
	case igd.ErrPinholeSpaceExhausted:
		return "the router has no room for another pinhole", "close one that is needed no more"
	case igd.ErrFirewallDisabled:
		return "the router's IPv6 firewall is off: everything is open without a pinhole", ""
	case igd.ErrPinholeNotAllowed:
		return "the router lets nobody make pinholes", "look for the permission in its settings"
	case igd.ErrNoSuchPinhole:
		return "the router has no such pinhole: it ended, or the router restarted", "make it anew"
	case igd.ErrProtocolNotSupported:
		return "the router opens no port of that protocol", ""
	case igd.ErrInternalPortWildcard, igd.ErrProtocolWildcard, igd.ErrInternalClientWildcard:
		return "the router wants address, port and protocol spelled out", ""
	case igd.ErrNoTrafficReceived:
		return "nothing came through yet that the router could tell by", ""
	}
	return "the router refused", ""
}
