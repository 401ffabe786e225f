package gena

import (
	"errors"
	"io"
	"net/http"

	"upnp/description"
)

var (
	// ErrClosed is a call on a [Subscriber] that no longer serves, or a [Subscription] closed
	// while it was made.
	ErrClosed = errors.New("gena: closed")

	// ErrCallback is a [Subscriber] that no device could call back: it has neither a Callback
	// nor a Listener on one definite address.
	ErrCallback = errors.New("gena: no address to be called back at")

	// ErrNotEvented is a variable that the service description does not name as evented.
	ErrNotEvented = errors.New("gena: not an evented variable")
)

const maxErrorBody = 1 << 10 // bytes kept of an answer that is a refusal

// refusal is the error of an answer that grants nothing.
func refusal(url string, answer *http.Response) *description.StatusError {
	body, _ := io.ReadAll(io.LimitReader(answer.Body, maxErrorBody)) // what came of it is enough
	return description.NewStatusError(url, answer, body)
}

// isRefused reports a 4xx: the device answered, and knows no such subscription.
func isRefused(err error) bool {
	status, ok := errors.AsType[*description.StatusError](err)
	return ok && status.Code >= 400 && status.Code < 500
}
