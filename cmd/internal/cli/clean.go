package cli

import "upnp/igd/wire"

// clean makes a text harmless for a terminal, whoever wrote it.
func clean(s string) string { return wire.Sanitize(s, 0) }
