package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"
)

// An exchange is one request and its answer on a connection of their own. Once the head is read
// it is the Body of the response.
type exchange struct {
	ctx      context.Context
	addr     netip.AddrPort
	conn     net.Conn
	stop     func() bool // ends the watch on ctx
	deadline time.Time   // of the whole exchange
	whole    time.Duration

	mu       sync.Mutex // guards all below once the body is out, against Close beside Read
	buf      *buffer    // nil when given back
	pool     *sync.Pool
	r, w     int // buf[r:w] is read and not used yet
	received int
	body     framing
	err      error // what every further Read returns
}

// start fixes the deadline of the whole.
func (x *exchange) start(method string) {
	x.whole = WriteTimeout
	if method == "" || method == http.MethodGet || method == http.MethodHead {
		x.whole = ExchangeTimeout
	}
	x.deadline = time.Now().Add(x.whole)
}

// within is the end of a stage of d from now: never after that of the whole or of ctx.
func (x *exchange) within(d time.Duration) time.Time {
	at := time.Now().Add(d)
	if x.deadline.Before(at) {
		at = x.deadline
	}
	if end, ok := x.ctx.Deadline(); ok && end.Before(at) {
		at = end
	}
	return at
}

func (x *exchange) connect(n Network) error {
	ctx, cancel := x.connectContext()
	defer cancel()
	conn, err := n.Dial(ctx, "tcp", x.addr.String())
	if err != nil {
		return &ConnectError{Addr: x.addr, Err: x.cause(err, "connection", ConnectTimeout)}
	}
	x.conn = conn
	if x.ctx.Done() != nil {
		x.stop = context.AfterFunc(x.ctx, func() { conn.Close() })
	}
	return nil
}

func (x *exchange) connectContext() (context.Context, context.CancelFunc) {
	deadline := x.within(ConnectTimeout)
	if x.ctx.Done() == nil { // package net heeds the deadline of a context that can end only
		return context.WithDeadline(x.ctx, deadline)
	}
	return connectContext{x.ctx, deadline}, func() {}
}

// run sends the request and reads the answer up to its body.
func (x *exchange) run(request []byte, req *http.Request) (*http.Response, error) {
	if err := x.conn.SetDeadline(x.within(HeaderTimeout)); err != nil {
		return nil, x.answerError(err)
	}
	if _, err := x.conn.Write(request); err != nil {
		// A device that refuses early answers and closes before it has read everything: what it
		// said, if anything, tells more than the broken pipe.
		if resp, readErr := x.readResponse(req); readErr == nil {
			return resp, nil
		}
		return nil, x.answerError(err)
	}
	return x.readResponse(req)
}

// fill reads once behind what buf holds.
func (x *exchange) fill() error {
	if x.w == len(x.buf) {
		return &TooLargeError{What: "header", Limit: MaxHeader}
	}
	n, err := x.conn.Read(x.buf[x.w:])
	x.w += n
	x.received += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

func (x *exchange) answerError(err error) error {
	return &AnswerError{Addr: x.addr, Received: x.received, Err: x.cause(err, "answer", HeaderTimeout)}
}

// cause turns what the socket says into why: the caller's context, or a limit of ours.
func (x *exchange) cause(err error, stage string, limit time.Duration) error {
	if ctxErr := x.ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if end, ok := x.ctx.Deadline(); ok && !time.Now().Before(end) {
		return context.DeadlineExceeded
	}
	if !time.Now().Before(x.deadline) {
		return &stageTimeout{"end of the exchange", x.whole}
	}
	return &stageTimeout{stage, limit}
}

// hangUp ends the connection; what is in buf stays.
func (x *exchange) hangUp() {
	if x.stop != nil {
		x.stop()
	}
	if x.conn != nil {
		x.conn.Close()
	}
}

// finish ends everything; err is for further Reads.
func (x *exchange) finish(err error) {
	x.hangUp()
	x.err = err
	if x.buf != nil {
		x.pool.Put(x.buf)
		x.buf = nil
	}
}
