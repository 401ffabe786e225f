package igd

import (
	"context"
	"iter"
)

var _ Watcher = (*Gateway)(nil)

// Changes tells what changes at the gateway, as [Watcher] says.
func (g *Gateway) Changes(ctx context.Context) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) { <-ctx.Done() }
}
