package wire

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"time"
)

// A ConnectError says that no connection came about: the device saw nothing of the request.
type ConnectError struct {
	Addr netip.AddrPort // invalid if the URL has no usable address
	Err  error
}

func (e *ConnectError) Error() string {
	if !e.Addr.IsValid() {
		return "connect: " + e.Err.Error()
	}
	return fmt.Sprintf("connect to %v: %v", e.Addr, e.Err)
}

// Unwrap is the cause.
func (e *ConnectError) Unwrap() error { return e.Err }

// Timeout reports whether the cause was a deadline.
func (e *ConnectError) Timeout() bool { return isTimeout(e.Err) }

// An AnswerError says that the request went out, wholly or in part, and that no usable answer
// came: the device may have done what it was asked, so a write is read back before it is tried
// again (SECURITY C8, G-34).
type AnswerError struct {
	Addr     netip.AddrPort
	Received int   // bytes that came before the end; 0 is a silent close, reset or timeout
	Err      error // io.EOF, a network error, a deadline, or what ctx ended with
}

func (e *AnswerError) Error() string {
	if e.Received == 0 {
		return fmt.Sprintf("no answer from %v: %v", e.Addr, e.Err)
	}
	return fmt.Sprintf("answer from %v cut after %d bytes: %v", e.Addr, e.Received, e.Err)
}

// Unwrap is the cause.
func (e *AnswerError) Unwrap() error { return e.Err }

// Timeout reports whether the cause was a deadline.
func (e *AnswerError) Timeout() bool { return isTimeout(e.Err) }

// A HeadError says that what came back is not HTTP, or is HTTP that was not asked for: it has no
// usable head, or no usable framing of its body.
type HeadError struct {
	Addr   netip.AddrPort
	Reason string
	First  string // the first bytes of what came, as they came; print it through [Sanitize]
}

func (e *HeadError) Error() string {
	return fmt.Sprintf("answer from %v: %s: %.64q", e.Addr, e.Reason, e.First)
}

// A TooLargeError says that a part of an answer outgrew its limit.
type TooLargeError struct {
	What  string // "header", "body", "chunk size"
	Limit int64  // bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s of the answer over %d bytes", e.What, e.Limit)
}

// A stageTimeout is a limit of this package that ran out. It is both kinds of deadline error.
type stageTimeout struct {
	stage string
	after time.Duration
}

func (e *stageTimeout) Error() string { return fmt.Sprintf("no %s within %v", e.stage, e.after) }
func (e *stageTimeout) Timeout() bool { return true }
func (e *stageTimeout) Is(target error) bool {
	return target == os.ErrDeadlineExceeded || target == context.DeadlineExceeded
}

func isTimeout(err error) bool {
	t, ok := err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}
