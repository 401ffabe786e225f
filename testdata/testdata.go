// Package testdata holds what real devices said, session by session, and the tables of the
// standards. The go tool's ./... does not look in here; an import does.
package testdata

import "embed"

// FS holds README.md and the folders routers and spec; lab and peers are programs.
//
//go:embed README.md routers spec
var FS embed.FS
