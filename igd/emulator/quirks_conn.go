package emulator

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"sync"

	"upnp/igd"
)

// connections are the ways of reading a request.
func connections() []kind {
	return []kind{
		{"first-segment-only", "reads nothing of a request but its first segment (old Linksys)",
			func(*parameter) Quirk {
				return Quirk{Conn: func(c net.Conn) net.Conn { return &hasty{Conn: c} }}
			}},
	}
}

// A hasty connection gives away what its first Read brought and nothing more. It still reads,
// so that it notices the end.
type hasty struct {
	net.Conn
	mu   sync.Mutex
	full bool
}

func (c *hasty) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		n, err := c.Conn.Read(p)
		if !c.full || err != nil {
			c.full = c.full || n > 0
			return n, err
		}
	}
}

// lostHeader is what becomes of a SOAPACTION in a case the router does not know. The header's
// case cannot be seen any more once net/http has read it.
const lostHeader = "X-Unknown-Soap"

func soapActionCase(*parameter) Quirk {
	return Quirk{
		Conn: func(c net.Conn) net.Conn { return &picky{Conn: c} },
		HTTP: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get(lostHeader) != "" {
					sendFault(w, igd.ErrActionFailed)
					return
				}
				next.ServeHTTP(w, r)
			})
		},
	}
}

// A picky connection renames a header of the first request on it that is not in the right case.
type picky struct {
	net.Conn
	mu   sync.Mutex
	head io.Reader // the request as far as it was looked at, then the rest
}

// maxPickyHead is how much of a request is searched for the end of its header.
const maxPickyHead = 16 << 10

func (c *picky) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.head == nil {
		head, err := readHead(c.Conn)
		if err != nil {
			return 0, err
		}
		c.head = io.MultiReader(bytes.NewReader(renameHeader(head)), c.Conn)
	}
	return c.head.Read(p)
}

// readHead reads up to an empty line, and what came with it.
func readHead(r io.Reader) ([]byte, error) {
	var head []byte
	piece := make([]byte, 1<<10)
	for len(head) < maxPickyHead && !bytes.Contains(head, []byte("\r\n\r\n")) {
		n, err := r.Read(piece)
		head = append(head, piece[:n]...)
		if err != nil && len(head) == 0 {
			return nil, err
		}
		if err != nil {
			break // told again by the next Read
		}
	}
	return head, nil
}

func renameHeader(head []byte) []byte {
	lines := bytes.SplitAfter(head, []byte("\r\n"))
	for i, line := range lines {
		name, value, ok := bytes.Cut(line, []byte(":"))
		known := string(name) == "SOAPAction" || string(name) == "SOAPACTION"
		if ok && bytes.EqualFold(name, []byte("SOAPACTION")) && !known {
			lines[i] = append([]byte(lostHeader+":"), value...)
		}
	}
	return bytes.Join(lines, nil)
}
