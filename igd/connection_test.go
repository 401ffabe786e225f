package igd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
)

func TestConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, g := igdtest.Start(t, emulator.Profile{Device: igd.PPP, DialUp: true})
		online := func(want string) {
			t.Helper()
			if s, err := g.Status(t.Context()); err != nil || s.Connection != want {
				t.Errorf("status %q, %v, want %s", s.Connection, err, want)
			}
		}
		for _, step := range []struct {
			do   func() error
			want error
			then string
		}{
			{func() error { return g.RequestConnection(t.Context()) }, nil, "Connected"},
			{func() error { return g.Terminate(t.Context(), true) }, nil, "Disconnected"},
			{func() error { return g.Terminate(t.Context(), true) }, igd.ErrConnectionAlreadyTerminated, "Disconnected"},
			{func() error { return g.Terminate(t.Context(), false) }, igd.ErrInvalidAction, "Disconnected"}, // an optional action
			{func() error { return g.RequestConnection(t.Context()) }, nil, "Connected"},
		} {
			if err := step.do(); !errors.Is(err, step.want) {
				t.Errorf("%v, want %v", err, step.want)
			}
			online(step.then)
		}
		up, down, err := g.LineRates(t.Context())
		if err != nil || up == 0 || down == 0 {
			t.Errorf("rates %d, %d, %v", up, down, err)
		}
	})
}

// Nobody takes a house offline that does not let everybody.
func TestConnectionRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, g := igdtest.Start(t, emulator.Profile{})
		if err := g.Terminate(t.Context(), true); !errors.Is(err, igd.ErrNotAuthorized) {
			t.Errorf("%v, want 606", err)
		}
		if err := g.ConfigureConnection(t.Context(), igd.Credentials{}); !errors.Is(err, igd.ErrInvalidAction) {
			t.Errorf("credentials for an IP connection: %v, want 401", err)
		}
		if _, _, err := g.LineRates(t.Context()); !errors.Is(err, igd.ErrInvalidAction) {
			t.Errorf("rates of an IP connection: %v, want 401", err)
		}
	})
}

// Credentials show nowhere, and not in the error of the call they were for.
func TestCredentialsAreSecret(t *testing.T) {
	c := igd.Credentials{UserName: "hugo@isp", Password: "swordfish"}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "c", c, "wrapped", []igd.Credentials{c})
	data, _ := json.Marshal(map[string]any{"c": c, "p": &c})
	texts := fmt.Sprintf("%v %+v %#v %s %q %v", c, c, c, c, c, &c) + log.String() + string(data)
	synctest.Test(t, func(t *testing.T) {
		_, g := igdtest.Start(t, emulator.Profile{Device: igd.PPP})
		err := g.ConfigureConnection(t.Context(), c)
		if err == nil {
			t.Error("the emulator took credentials")
		}
		texts += fmt.Sprint(err)
	})
	if strings.Contains(texts, "hugo") || strings.Contains(texts, "swordfish") {
		t.Errorf("credentials in %s", texts)
	}
}
