package cli

import (
	"bytes"
	"context"
	"flag"
	"strings"

	"upnp/cmd/internal/plain"
	"upnp/description"
	"upnp/igd/device"
	"upnp/igd/wire"
	"upnp/soap"
)

type callOptions struct {
	raw       bool
	unchecked bool
	log       *wire.Log // what passes, for raw
}

func callCommand() *Command {
	o := &callOptions{}
	return &Command{
		Usage: "call TARGET SERVICE ACTION [NAME=VALUE...]",
		Short: "call any action of any service",
		Long: `Calls an action and prints what comes back. The arguments are checked against the service description,
and written as their types prescribe, before anything is sent: a wrong type, a value out of range or not
in the list, a missing or an unknown argument is exit code 2, and the message says what would do. Where
a service has no description, they are sent as they are.

` + targetHelp + `

--raw        both messages as well, byte for byte, the request in lines that begin with > and the answer <
--unchecked  sends the arguments as they are given, whatever the service description says

` + "`upnp describe TARGET SERVICE`" + ` shows the actions and what goes in. A refusal of the device is exit code 4.`,
		Examples: [2]string{
			"upnp call 192.168.1.1 WANIPConnection GetExternalIPAddress",
			"upnp call 192.168.1.1 WANIPConn1 GetGenericPortMappingEntry NewPortMappingIndex=0 --json",
		},
		Flags: o.flags,
		Run:   o.run,
	}
}

func (o *callOptions) flags(fs *flag.FlagSet) {
	fs.BoolVar(&o.raw, "raw", false, "show the request and the answer as they were sent")
	fs.BoolVar(&o.unchecked, "unchecked", false, "send the arguments as they are")
}

func (o *callOptions) run(ctx context.Context, s *session, args []string) error {
	if len(args) < 3 {
		return usagef("which action? upnp call TARGET SERVICE ACTION [NAME=VALUE...]")
	}
	in, err := parseArguments(args[3:])
	if err != nil {
		return err
	}
	if o.raw {
		if err := o.listen(ctx, s); err != nil {
			return err
		}
	}
	_, service, err := s.targetService(ctx, args[0], args[1])
	if err != nil {
		return err
	}
	result, err := o.call(ctx, service, args[2], in)
	request, answer := o.messages(args[2])
	if err != nil {
		return o.refused(s, err, request, answer)
	}
	return o.show(s, service, result, request, answer)
}

// parseArguments reads NAME=VALUE words.
func parseArguments(words []string) (args soap.Args, err error) {
	for _, w := range words {
		name, value, ok := strings.Cut(w, "=")
		if !ok || name == "" {
			return nil, usagef("%q: an argument is written NAME=VALUE", w)
		}
		args = append(args, soap.Arg{Name: name, Value: value})
	}
	return args, nil
}

// listen keeps what passes from now on.
func (o *callOptions) listen(ctx context.Context, s *session) error {
	n, err := s.net(ctx)
	if err != nil {
		return err
	}
	o.log = &wire.Log{}
	s.network = wire.NewTap(n, o.log.Record)
	return nil
}

func (o *callOptions) call(ctx context.Context, service *device.Service, action string, in soap.Args) (*device.Result, error) {
	if !o.unchecked {
		return service.Call(ctx, action, in)
	}
	return service.Send(ctx, &soap.Request{Service: service.Type, Action: action, Args: in})
}

// messages are the last call that was sent and its answer, as bytes; nil without --raw.
func (o *callOptions) messages(action string) (request, answer []byte) {
	if o.log == nil {
		return nil, nil
	}
	for _, x := range o.log.Exchanges() {
		if bytes.HasPrefix(x.Request, []byte("POST ")) || bytes.HasPrefix(x.Request, []byte("M-POST ")) {
			request, answer = x.Request, x.Answer
		}
	}
	return request, answer
}

// calledAction is the object of call.
type calledAction struct {
	about
	Action  string                          `json:"action"`
	Out     map[string]any                  `json:"out"`
	Types   map[string]description.DataType `json:"types"`
	Notes   []string                        `json:"notes"`
	Request string                          `json:"request,omitempty"`
	Answer  string                          `json:"answer,omitempty"`
}

func (o *callOptions) show(s *session, service *device.Service, r *device.Result, request, answer []byte) error {
	if s.options.json {
		types := map[string]description.DataType{}
		for _, v := range r.Values {
			types[v.Name] = v.Type
		}
		return s.emit(calledAction{
			aboutService(service), r.Action, plain.Values(r.Values), types, append([]string{}, r.Notes...), string(request), string(answer),
		})
	}
	s.showRaw(request, answer)
	s.noteAll(r.Notes)
	s.facts("", valueFacts(r.Values))
	if len(r.Values) == 0 {
		s.stdout.linef("%s: done, nothing comes back", r.Action)
	}
	return nil
}

// refused is the error of a call that failed, after the messages it failed with.
func (o *callOptions) refused(s *session, err error, request, answer []byte) error {
	if request == nil {
		return err
	}
	e := s.explain(err)
	if s.options.json {
		e.Done = map[string]string{"request": string(request), "answer": string(answer)}
		return e
	}
	s.showRaw(request, answer)
	return e
}

// showRaw prints two messages, each line of them marked.
func (s *session) showRaw(request, answer []byte) {
	for _, m := range []struct {
		mark string
		data []byte
	}{{">", request}, {"<", answer}} {
		for line := range strings.Lines(string(m.data)) {
			s.stdout.linef("%s %s", s.stdout.style(dim, m.mark), strings.TrimRight(line, "\r\n"))
		}
	}
	if request != nil {
		s.stdout.linef("")
	}
}
