// Package testdata holds what real devices said, one message per file, and the tables of the
// standards. The go tool's ./... does not look in here; an import does.
package testdata

import "embed"

// FS holds README.md and the folders description, gena, routers, soap, spec and ssdp, as far as
// they have files. The pattern names their first letters: so it keeps matching when one of them is
// empty, and leaves out lab and peers, which are programs.
//
//go:embed [Rdgrs]*
var FS embed.FS
