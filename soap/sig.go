package soap

import (
	"context"
	"net/http"
	"net/netip"

	"upnp/description"
)

type Request struct {
	Service, Action string
	Args            Args
}

func ParseRequest(body []byte) (*Request, error)         { panic("soon") }
func (r *Request) AppendText(dst []byte) ([]byte, error) { panic("soon") }

type Response struct {
	Service, Action string
	Args            Args
	Notes           []string
}

func ParseResponse(body []byte, action string) (*Response, error) { panic("soon") }
func (r *Response) AppendText(dst []byte) ([]byte, error)         { panic("soon") }

type Fault struct {
	Code                   int
	Description            string
	FaultCode, FaultString string
	HTTPStatus             int
	Notes                  []string
}

func (f *Fault) Error() string { panic("soon") }

type Client struct {
	URL, Service string
	HTTP         *http.Client
	UserAgent    string
}

func (c *Client) Call(ctx context.Context, action string, in ...Arg) (*Response, error) {
	panic("soon")
}

type ActionFunc func(ctx context.Context, in Args) (out Args, err error)

type Handler struct {
	Service   string
	SCPD      *description.SCPD
	Actions   map[string]ActionFunc
	Server    string
	Variables func(ctx context.Context, name string) (string, error)
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { panic("soon") }

func RemoteAddr(ctx context.Context) netip.Addr { panic("soon") }
