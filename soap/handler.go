package soap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"upnp/description"
)

// An ActionFunc does what an action says. With a [Handler.SCPD] it gets every "in" argument
// once, checked and in the order of the description, and must give every "out" argument.
//
// A [*Fault], or an error with a method SOAPFault() *Fault anywhere in its tree, is sent as
// it is; any other error is sent as 501 Action Failed without its text. A panic is 501 too,
// except with [http.ErrAbortHandler], which drops the connection.
type ActionFunc func(ctx context.Context, in Args) (out Args, err error)

// A Handler answers calls to one service. Who may call it, from which Host and Origin, is
// for its surroundings to decide.
type Handler struct {
	// Service is the service type. It is also answered to in lower versions, in the
	// version asked with. Empty is every type.
	Service string

	// SCPD is what arguments are checked against; an action that is not in it does not
	// exist. Nil checks nothing.
	SCPD *description.SCPD

	// Actions are the actions by name. One that only SCPD has is answered 602.
	Actions map[string]ActionFunc

	// Variable answers QueryStateVariable, the deprecated way to read a state variable
	// that Windows XP still uses. Nil answers 401.
	Variable func(ctx context.Context, name string) (value string, err error)

	// Server is the SERVER header, "OS/version UPnP/1.1 product/version". Empty sends none.
	Server string

	// Logger is told of errors and panics that callers see as 501 only. Nil is silent.
	Logger *slog.Logger
}

// ServeHTTP answers a POST or M-POST: 405 to other methods, 413 to a body over [MaxRequest],
// 400 to one that is no request, else a response or a fault.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost && r.Method != methodMPost {
		w.Header().Set("Allow", "POST, M-POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	request, status := readRequest(w, r)
	if request == nil {
		http.Error(w, http.StatusText(status), status)
		return
	}
	body, err := h.perform(r, request)
	if err != nil {
		h.refuse(w, request, err)
		return
	}
	h.write(w, http.StatusOK, body)
}

// perform returns the body of the answer.
func (h *Handler) perform(r *http.Request, request *Request) ([]byte, error) {
	response, err := h.answer(withRemoteAddr(r), soapActionHeader(r), request)
	if err != nil {
		return nil, err
	}
	return response.AppendText(nil)
}

func (h *Handler) refuse(w http.ResponseWriter, request *Request, err error) {
	fault, meant := asFault(err)
	if !meant && h.Logger != nil {
		h.Logger.Error("soap action failed", "action", request.Action, "err", err)
	}
	body, _ := fault.AppendText(nil)
	h.write(w, http.StatusInternalServerError, body)
}

// readRequest returns the status to refuse with if there is no request.
func readRequest(w http.ResponseWriter, r *http.Request) (*Request, int) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxRequest))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return nil, http.StatusBadRequest
	}
	request, err := ParseRequest(body)
	if err != nil {
		return nil, http.StatusBadRequest
	}
	return request, http.StatusOK
}

// soapActionHeader finds the header under the prefix that an M-POST declares, or plain.
func soapActionHeader(r *http.Request) string {
	if _, ns, ok := strings.Cut(r.Header.Get("Man"), "ns="); ok {
		prefix, _, _ := strings.Cut(ns, ";")
		if value := r.Header.Get(strings.TrimSpace(prefix) + "-Soapaction"); value != "" {
			return value
		}
	}
	return r.Header.Get("Soapaction")
}

// write sends EXT and SERVER the way the architecture spells them; the other names are
// canonical, or net/http would add its own beside them.
func (h *Handler) write(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	header["EXT"] = []string{""}
	if h.Server != "" {
		header["SERVER"] = []string{h.Server}
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that went away is no concern of ours
}

// answer goes through the checks in the order of the architecture: what is asked for, its
// arguments, their values, and last the action itself.
func (h *Handler) answer(ctx context.Context, soapAction string, r *Request) (*Response, error) {
	if r.mustUnderstand != "" {
		return nil, &Fault{FaultCode: "s:MustUnderstand", FaultString: r.mustUnderstand + " is not understood"}
	}
	if err := h.reconcile(soapAction, r); err != nil {
		return nil, err
	}
	if r.Service == ControlNamespace {
		return h.query(ctx, r)
	}
	action, err := h.find(r.Action)
	if err != nil {
		return nil, err
	}
	in, err := h.checkIn(action, r.Args)
	if err != nil {
		return nil, err
	}
	out, err := call(ctx, h.Actions[r.Action], in)
	if err != nil {
		return nil, fmt.Errorf("soap: %s: %w", r.Action, err)
	}
	out, err = orderOut(action, out)
	return &Response{Service: r.Service, Action: r.Action, Args: out}, err
}

// reconcile checks the header, if there is one, against the body and leaves the service
// type to answer in in r.
func (h *Handler) reconcile(soapAction string, r *Request) error {
	service, action, ok := parseSOAPAction(soapAction)
	if soapAction != "" && (!ok || action != r.Action) {
		return &Fault{Code: InvalidAction}
	}
	if r.Service == "" {
		r.Service = service
	}
	if r.Service == "" {
		r.Service = h.Service
	}
	if ok && !h.serves(service) || !h.serves(r.Service) {
		return &Fault{Code: InvalidAction}
	}
	return nil
}

func (h *Handler) serves(service string) bool {
	return h.Service == "" || service == ControlNamespace || accepts(h.Service, service)
}

// call keeps a panic in one action from ending a device.
func call(ctx context.Context, do ActionFunc, in Args) (out Args, err error) {
	defer func() {
		v := recover()
		if v == http.ErrAbortHandler {
			panic(v)
		}
		if v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return do(ctx, in)
}

// query answers QueryStateVariable, section 3.3 of version 1.1.
func (h *Handler) query(ctx context.Context, r *Request) (*Response, error) {
	if h.Variable == nil || r.Action != "QueryStateVariable" {
		return nil, &Fault{Code: InvalidAction}
	}
	name, err := r.Args.only("varName")
	if err != nil {
		return nil, err
	}
	if h.SCPD != nil && h.SCPD.Variable(name.Value) == nil {
		return nil, &Fault{Code: InvalidVar}
	}
	ask := func(ctx context.Context, in Args) (Args, error) {
		value, err := h.Variable(ctx, in[0].Value)
		return Args{{"return", value}}, err
	}
	out, err := call(ctx, ask, Args{name})
	if err != nil {
		return nil, err
	}
	return &Response{Service: r.Service, Action: r.Action, Args: out}, nil
}

type remoteAddrKey struct{}

func withRemoteAddr(r *http.Request) context.Context {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.Context()
	}
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	return context.WithValue(r.Context(), remoteAddrKey{}, addr)
}

// RemoteAddr is the address an [ActionFunc] was called from, never an IPv4 address in IPv6
// form. It is the zero value outside of one, and over connections that have no address.
func RemoteAddr(ctx context.Context) netip.AddrPort {
	addr, _ := ctx.Value(remoteAddrKey{}).(netip.AddrPort)
	return addr
}
