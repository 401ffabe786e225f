package cli

import (
	"os"
	"syscall"
	"unsafe"
)

const enableVirtualTerminalProcessing = 4

// terminal reports whether f is a console, and its width in columns. It asks the console to
// understand colour codes, which older ones do not do by themselves.
func terminal(f *os.File) (columns int, ok bool) {
	handle := syscall.Handle(f.Fd())
	var mode uint32
	if syscall.GetConsoleMode(handle, &mode) != nil {
		return 0, false
	}
	kernel := syscall.NewLazyDLL("kernel32.dll")
	kernel.NewProc("SetConsoleMode").Call(uintptr(handle), uintptr(mode|enableVirtualTerminalProcessing))
	var info struct {
		size, cursor             [2]int16
		attributes               uint16
		left, top, right, bottom int16
		maximum                  [2]int16
	}
	done, _, _ := kernel.NewProc("GetConsoleScreenBufferInfo").Call(uintptr(handle), uintptr(unsafe.Pointer(&info)))
	if done == 0 {
		return 0, true
	}
	return int(info.right-info.left) + 1, true
}
