package reach

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
)

const (
	nonceBytes  = 16
	nonceDigits = 2 * nonceBytes
	pathPrefix  = "/r/"
	// datagramPrefix begins the question and the answer over UDP; what follows has nonceDigits.
	datagramPrefix = "upnp-reach "
	datagramSize   = len(datagramPrefix) + nonceDigits
	// pageWords begin the page; the token follows, and all of it has pageSize bytes.
	pageWords = "It works: the port is reachable\n"
	pageSize  = 64
)

func newNonce() string {
	var b [nonceBytes]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func newSecret() (s [32]byte) {
	rand.Read(s[:])
	return s
}

// isNonce tells a nonce, in lower case as it was given out.
func isNonce(s string) bool {
	return len(s) == nonceDigits && strings.Trim(s, "0123456789abcdef") == ""
}

// token is what a visitor takes home: nobody but this server could have made it.
func (s *Server) token(nonce string, at time.Time) string {
	h := hmac.New(sha256.New, s.secret[:])
	h.Write([]byte(nonce))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(at.UnixNano())))
	return hex.EncodeToString(h.Sum(nil)[:nonceBytes])
}

// known is the nonce that a text is, or empty. It takes the same time for any text of a nonce's form.
func (s *Server) known(text string) (nonce string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := range s.waiting {
		if subtle.ConstantTimeCompare([]byte(n), []byte(text)) == 1 {
			nonce = n
		}
	}
	return nonce
}
