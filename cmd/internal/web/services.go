package web

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"upnp/description"
	"upnp/igd/device"
	"upnp/soap"
)

func (x *explorer) calls(all map[string]call) {
	all["POST /api/devices/search"] = x.search
	all["POST /api/devices/add"] = x.open
	all["GET /api/services/{id}"] = x.describe
	all["POST /api/services/{id}/invoke"] = x.invoke
	all["POST /api/services/{id}/subscribe"] = x.subscribe
	all["POST /api/subscriptions/{id}/close"] = x.unsubscribe
}

func (x *explorer) handlers(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/devices/{id}/xml", func(w http.ResponseWriter, r *http.Request) {
		k, err := x.device(r)
		if err != nil {
			refuse(w, err)
			return
		}
		document(w, r, k.device.Document)
	})
	mux.HandleFunc("GET /api/services/{id}/xml", func(w http.ResponseWriter, r *http.Request) {
		s, _, err := x.service(r)
		if err != nil {
			refuse(w, err)
			return
		}
		document(w, r, s.Document)
	})
}

// document answers with a document as the device sends it now.
func document(w http.ResponseWriter, r *http.Request, fetch func(context.Context) ([]byte, error)) {
	ctx, cancel := context.WithTimeout(r.Context(), askTime)
	defer cancel()
	data, err := fetch(ctx)
	if err != nil {
		refuse(w, err)
		return
	}
	attach(w, "")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte(asText(data)))
}

type serviceInfo struct {
	ID        string         `json:"id"`
	Type      string         `json:"type"`
	Actions   []actionInfo   `json:"actions"`
	Variables []variableInfo `json:"variables"`
	Notes     []string       `json:"notes"`
}

type actionInfo struct {
	Name string         `json:"name"`
	In   []argumentInfo `json:"in"`
	Out  []argumentInfo `json:"out"`
}

type argumentInfo struct {
	Name     string `json:"name"`
	Variable string `json:"variable"`
	valueInfo
	Secret bool `json:"secret"` // a credential: not to be shown while it is typed
}

type variableInfo struct {
	Name string `json:"name"`
	valueInfo
	Events bool `json:"events"`
}

type valueInfo struct {
	DataType description.DataType `json:"dataType"`
	Default  string               `json:"default"`
	Allowed  []string             `json:"allowed"`
	Range    *rangeInfo           `json:"range"`
}

type rangeInfo struct {
	Min  string `json:"min"`
	Max  string `json:"max"`
	Step string `json:"step"`
}

// describe is GET /api/services/{id}.
func (x *explorer) describe(r *http.Request) (any, error) {
	s, _, err := x.service(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), askTime)
	defer cancel()
	scpd, err := s.SCPD(ctx)
	if err != nil {
		return nil, err
	}
	info := serviceInfo{ID: r.PathValue("id"), Type: s.Type, Actions: []actionInfo{}, Variables: []variableInfo{}, Notes: list(scpd.Notes)}
	for _, a := range scpd.Actions {
		info.Actions = append(info.Actions, actionInfo{a.Name, argumentsOf(scpd, a.In()), argumentsOf(scpd, a.Out())})
	}
	for _, v := range scpd.Variables {
		info.Variables = append(info.Variables, variableInfo{v.Name, valueOf(v), v.Evented})
	}
	return info, nil
}

func argumentsOf(scpd *description.SCPD, all []*description.Argument) []argumentInfo {
	infos := []argumentInfo{}
	for _, a := range all {
		infos = append(infos, argumentInfo{a.Name, a.Variable, valueOf(scpd.Related(a)), device.IsSecret(a.Name)})
	}
	return infos
}

func valueOf(v *description.Variable) valueInfo {
	if v == nil {
		return valueInfo{Allowed: []string{}}
	}
	info := valueInfo{DataType: v.Type, Default: v.Default, Allowed: list(v.Allowed)}
	if v.Range != nil {
		info.Range = &rangeInfo{v.Range.Min, v.Range.Max, v.Range.Step}
	}
	return info
}

type invocation struct {
	Out      []outValue `json:"out"`
	TookMs   float64    `json:"tookMs"`
	Messages []int      `json:"messages"`
	Notes    []string   `json:"notes"`
	Error    *failure   `json:"error"`
}

type outValue struct {
	Name     string               `json:"name"`
	Value    string               `json:"value"`
	DataType description.DataType `json:"dataType"`
}

// invoke is POST /api/services/{id}/invoke.
func (x *explorer) invoke(r *http.Request) (any, error) {
	s, _, err := x.service(r)
	if err != nil {
		return nil, err
	}
	q, err := read[struct {
		Action    string            `json:"action"`
		Arguments map[string]string `json:"arguments"`
	}](r)
	if err != nil {
		return nil, err
	}
	var args soap.Args
	for name, value := range q.Arguments {
		args = append(args, soap.Arg{Name: name, Value: value})
	}
	ctx, cancel := context.WithTimeout(r.Context(), askTime)
	defer cancel()
	first, began := x.page.tracer.next(), time.Now()
	answer, err := s.Call(ctx, q.Action, args)
	if wrong := mistake(err); wrong != nil {
		return nil, wrong
	}
	i := invoked(answer, err)
	i.TookMs = float64(time.Since(began).Microseconds()) / 1000
	i.Messages = x.page.tracer.since(first, addrOf(s.Root.URL(s.ControlURL)))
	return i, nil
}

// invoked is what came of a call.
func invoked(r *device.Result, err error) invocation {
	i := invocation{Out: []outValue{}, Notes: []string{}, Error: explain(err)}
	if r == nil {
		return i
	}
	i.Notes = list(r.Notes)
	for _, v := range r.Values {
		i.Out = append(i.Out, outValue{v.Name, v.Text, v.Type})
	}
	return i
}

// mistake is what was wrong with a call before anything was sent, or nil.
func mistake(err error) error {
	if all, ok := errors.AsType[device.ArgumentErrors](err); ok && len(all) > 0 {
		return usage(all[0].Argument, "%s", all[0].Words())
	}
	if unknown, ok := errors.AsType[*device.ActionError](err); ok {
		return usage("action", "%s", strings.TrimPrefix(unknown.Error(), "device: "))
	}
	return nil
}

func addrOf(address string) netip.AddrPort {
	at, _ := netip.ParseAddrPort(hostPortOf(address))
	return at
}
