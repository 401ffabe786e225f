package device

import (
	"context"
	"iter"
	"time"
)

// A Kind says what has become of a device.
type Kind string

// The kinds of change.
const (
	Found   Kind = "found"
	Changed Kind = "changed" // it is at another address too, or no longer; it has restarted; it describes itself anew
	Gone    Kind = "gone"    // it said so, or was not heard of for as long as it had promised
)

// A Change is news of a device.
type Change struct {
	Time   time.Time
	Kind   Kind
	Reason string  // in words; empty for Found
	Device *Device // as it is now; one that is gone as it was
}

// gather is how long a device is waited for at its other addresses before it is told of.
const gather = 300 * time.Millisecond

// Search yields every device that answers, a moment after its description was read, and each change
// of one while the search lasts: the answers of one device over IPv4 and IPv6 are one device. It ends
// after the time that answers may take, or with ctx.
//
// An error ends nothing: it is of an interface that could not take part, or an [*UnreadableError].
func (c *Client) Search(ctx context.Context) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) { c.watch(ctx, false, yield) }
}

// Devices is Search that goes on with what devices announce, until ctx ends or the loop is left. A
// device is gone when it says goodbye, and when nothing was heard of it for as long as it had
// promised to be there (max-age); shortly before, it is asked.
func (c *Client) Devices(ctx context.Context) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) { c.watch(ctx, true, yield) }
}

func (c *Client) watch(ctx context.Context, follow bool, yield func(Change, error) bool) {
	r, err := c.newRoster(ctx)
	if err != nil {
		yield(Change{}, err)
		return
	}
	defer r.close()
	r.patience = gather
	r.ask(everything())
	if follow {
		r.listen()
	}
	r.run(yield)
}
