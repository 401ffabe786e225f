package device_test

import (
	"context"
	"os"
	"os/signal"
	"testing"
)

// lightEnv names the interface of TestLight.
const lightEnv = "UPNP_LIGHT"

// TestLight is the light of the example as a program, for control points not written here.
func TestLight(t *testing.T) {
	ifi := os.Getenv(lightEnv)
	if ifi == "" {
		t.Skip(lightEnv + " names no interface to serve it on")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := newLight(nil, ifi).Serve(ctx); err != nil {
		t.Fatal(err)
	}
}
