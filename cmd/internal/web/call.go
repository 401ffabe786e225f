package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"upnp/cmd/internal/plain"
)

// Limits of what the page may send.
const (
	maxBody     = 64 << 10
	maxFileBody = 4 << 20  // a mappings file
	maxWireBody = 32 << 20 // a .wire file
)

// A failure is what went wrong, as the page is told.
type failure struct {
	plain.Failure
	Field string `json:"field,omitempty"` // the member of what was sent that is at fault
}

// A callError ends a call with a status other than 200.
type callError struct {
	status int
	failure
}

func (e *callError) Error() string { return e.failure.Error }

// usage is a mistake in what was sent, found before anything was done.
func usage(field, format string, args ...any) error {
	return &callError{http.StatusBadRequest, failure{plain.Failure{Error: fmt.Sprintf(format, args...), Kind: "usage"}, field}}
}

func notFound(what string) error {
	return &callError{http.StatusNotFound, failure{Failure: plain.Failure{Error: what, Kind: "notFound"}}}
}

func goneMapping(id string) error { return notFound("there is no mapping " + id + " any more") }

var (
	errNoGateway = &callError{http.StatusConflict, failure{Failure: plain.Failure{Error: "there is no gateway to talk to", Kind: "noGateway", Hint: "search again, or give its address"}}}
	errBusy      = &callError{http.StatusServiceUnavailable, failure{Failure: plain.Failure{Error: "too much is being done already", Kind: "busy", Hint: "wait until it is done"}}}
)

// explain says what an error means, on the page.
func explain(err error) *failure {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*callError](err); ok {
		return &e.failure
	}
	return &failure{Failure: plain.Explain(err)}
}

// A call answers with a value or an error. An accepted one is being worked on.
type call func(r *http.Request) (any, error)

type accepted struct {
	Job string `json:"job"`
}

// done is the answer of a call that has nothing to say.
type done struct{}

func (c call) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	if r.Method == http.MethodPost && !hasType(r, "application/json") {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	v, err := c(r)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	switch v := v.(type) {
	case accepted:
		answer(w, http.StatusAccepted, v)
	default:
		if err != nil {
			refuse(w, err)
			return
		}
		answer(w, http.StatusOK, v)
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(encode(v))
}

func refuse(w http.ResponseWriter, err error) {
	if e, ok := errors.AsType[*callError](err); ok {
		answer(w, e.status, e.failure)
		return
	}
	answer(w, http.StatusBadGateway, explain(err))
}

func hasType(r *http.Request, want string) bool {
	all := r.Header.Values("Content-Type")
	if len(all) != 1 {
		return false
	}
	kind, _, err := mime.ParseMediaType(all[0])
	return err == nil && kind == want
}

// read decodes what was sent, at most 64 KiB of it.
func read[T any](r *http.Request) (T, error) { return readUpTo[T](r, maxBody) }

func readUpTo[T any](r *http.Request, limit int64) (v T, err error) {
	data, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return v, err
		}
		return v, usage("", "what was sent broke off")
	}
	if len(data) == 0 {
		data = []byte("{}")
	}
	if err := json.Unmarshal(data, &v); err != nil {
		wrong, _ := errors.AsType[*json.UnmarshalTypeError](err)
		if wrong != nil && wrong.Field != "" {
			field := wrong.Field[strings.LastIndexByte(wrong.Field, '.')+1:]
			return v, usage(field, "%s is not of the right kind", field)
		}
		return v, usage("", "what was sent is not the JSON wanted")
	}
	return v, nil
}
