package cli

import (
	"net"
	"sync"
)

// A notifier tells systemd how a service is (sd_notify(3)). Nil, which is without systemd, tells
// nobody.
type notifier struct {
	mu   sync.Mutex
	conn net.Conn
	last string
}

// openNotify connects to the socket that $NOTIFY_SOCKET names.
func openNotify(getenv func(string) string) *notifier {
	path := getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		return nil
	}
	return &notifier{conn: conn}
}

// send tells something that was not the last thing told.
func (n *notifier) send(text string) {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if text != n.last {
		n.last = text
		n.conn.Write([]byte(text))
	}
}

func (n *notifier) close() {
	if n != nil {
		n.conn.Close()
	}
}
