//go:build !linux

package wire

// lateBind has nothing to do: the port is chosen at bind.
func lateBind(uintptr) {}
