package igd

import (
	"context"
	"iter"
)

// Mappings yields the port mappings of b as they are read: each key once, holes and repeats
// skipped, any end-of-list spelling accepted.
func Mappings(ctx context.Context, b Backend) iter.Seq2[Mapping, error] { panic("soon") }
