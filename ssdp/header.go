package ssdp

import "iter"

// A Field is one header line: the name in the case it was written in, and the value without the white space around it.
type Field struct{ Name, Value string }

// A Header is the header lines of a message in the order they have on the wire. The zero value is empty and ready.
type Header []Field

// Get returns the value of the first line called name, in any case, or "".
func (h Header) Get(name string) string {
	v, _ := h.Lookup(name)
	return v
}

// Lookup is Get that also tells an empty line (EXT) from a missing one.
func (h Header) Lookup(name string) (value string, ok bool) {
	if i := h.index(name); i >= 0 {
		return h[i].Value, true
	}
	return "", false
}

// Add appends a line.
func (h *Header) Add(name, value string) { *h = append(*h, Field{name, value}) }

// Set gives the first line called name, in any case, a new value and keeps its place and spelling; without such a line
// it appends one.
func (h *Header) Set(name, value string) {
	if i := h.index(name); i >= 0 {
		(*h)[i].Value = value
		return
	}
	h.Add(name, value)
}

// Del removes every line called name, in any case.
func (h *Header) Del(name string) {
	kept := (*h)[:0]
	for _, f := range *h {
		if !equalFold(f.Name, name) {
			kept = append(kept, f)
		}
	}
	*h = kept
}

// All yields names and values in order.
func (h Header) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, f := range h {
			if !yield(f.Name, f.Value) {
				return
			}
		}
	}
}

func (h Header) index(name string) int {
	for i := range h {
		if equalFold(h[i].Name, name) {
			return i
		}
	}
	return -1
}

// equalFold compares ASCII letters without case and everything else exactly, unlike strings.EqualFold, for which the
// Kelvin sign is a k.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && equalFold(s[:len(prefix)], prefix)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
