package igd

import (
	"context"
	"log/slog"

	"upnp/soap"
)

// A ConnectionBackend can be told to go online and offline.
type ConnectionBackend interface {
	// RequestConnection connects to the Internet, or agrees that it is connected.
	RequestConnection(ctx context.Context) error
	// Terminate disconnects: at once if forced, else after the delay the gateway is set to, and
	// not while others use it.
	Terminate(ctx context.Context, force bool) error
}

// RequestConnection calls RequestConnection. It may take a minute; ErrConnectionSetupInProgress says
// that somebody else has asked already.
func (g *Gateway) RequestConnection(ctx context.Context) error {
	_, err := g.call(ctx, "RequestConnection", nil)
	return err
}

// Terminate calls ForceTermination or RequestTermination, which takes the whole house offline.
func (g *Gateway) Terminate(ctx context.Context, force bool) error {
	action := "RequestTermination"
	if force {
		action = "ForceTermination"
	}
	_, err := g.call(ctx, action, nil)
	return err
}

// Credentials are what a PPP connection identifies itself with to the provider. They show in no
// format and no log.
type Credentials struct{ UserName, Password string }

const secret = "(secret)"

// String keeps the credentials secret.
func (Credentials) String() string { return secret }

// GoString keeps the credentials secret.
func (Credentials) GoString() string { return secret }

// LogValue keeps the credentials secret.
func (Credentials) LogValue() slog.Value { return slog.StringValue(secret) }

// MarshalJSON keeps the credentials secret.
func (Credentials) MarshalJSON() ([]byte, error) { return []byte(`"` + secret + `"`), nil }

// ConfigureConnection calls ConfigureConnection of a WANPPPConnection:1. The credentials go over the
// network in the clear.
func (g *Gateway) ConfigureConnection(ctx context.Context, c Credentials) error {
	const action = "ConfigureConnection"
	if !isType(g.conn.Type, typeName(WANPPPConnection1)) {
		return g.opError(action, ErrInvalidAction)
	}
	_, err := g.call(ctx, action, soap.Args{{Name: "NewUserName", Value: c.UserName}, {Name: "NewPassword", Value: c.Password}})
	return err
}

// UserName calls GetUserName of a WANPPPConnection:1.
func (g *Gateway) UserName(ctx context.Context) (string, error) {
	const action = "GetUserName"
	if !isType(g.conn.Type, typeName(WANPPPConnection1)) {
		return "", g.opError(action, ErrInvalidAction)
	}
	out, err := g.call(ctx, action, nil)
	return out.Value("NewUserName"), err
}

// LineRates calls GetLinkLayerMaxBitRates of a WANPPPConnection:1: bits per second.
func (g *Gateway) LineRates(ctx context.Context) (up, down uint64, err error) {
	const action = "GetLinkLayerMaxBitRates"
	if !isType(g.conn.Type, typeName(WANPPPConnection1)) {
		return 0, 0, g.opError(action, ErrInvalidAction)
	}
	out, err := g.call(ctx, action, nil)
	if err != nil {
		return 0, 0, err
	}
	if up, err = parseCounter(out.Value("NewUpstreamMaxBitRate")); err == nil {
		down, err = parseCounter(out.Value("NewDownstreamMaxBitRate"))
	}
	if err != nil {
		return up, down, g.opError(action, err)
	}
	return up, down, nil
}
