package igd_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"upnp/igd"
	"upnp/soap"
	"upnp/testdata"
)

// TestErrorTable compares every error with the standards' table, and the table with the errors.
func TestErrorTable(t *testing.T) {
	listed := map[igd.Error]string{}
	for _, row := range table(t, "spec/errors.csv") {
		code, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		family := row[0]
		if family == "UDA" {
			family = ""
		}
		listed[igd.Error{Service: family, Code: code}] = row[2]
	}
	for e, name := range listed {
		if e.Name() != name {
			t.Errorf("%d of %q is named %q, want %q", e.Code, e.Service, e.Name(), name)
		}
	}
	for _, e := range igd.Errors() {
		if _, ok := listed[e]; !ok {
			t.Errorf("%v of %q is in no standard's table", e, e.Service)
		}
	}
}

func table(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := testdata.FS.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

func TestErrorText(t *testing.T) {
	for _, row := range []struct {
		err  error
		text string
	}{
		{igd.ErrOnlyPermanentLeases, "725 OnlyPermanentLeasesSupported"},
		{igd.Error{Code: -911}, "-911"},
		{igd.Error{Service: igd.FamilyConnection, Code: 899}, "899"},
		{&igd.OpError{Op: "AddPortMapping", Gateway: "192.168.1.1", Err: igd.ErrConflict}, "igd: AddPortMapping at 192.168.1.1: 718 ConflictInMappingEntry"},
	} {
		if got := row.err.Error(); got != row.text {
			t.Errorf("%#v reads %q, want %q", row.err, got, row.text)
		}
	}
}

// TestSameNumber shows why an Error carries its service.
func TestSameNumber(t *testing.T) {
	if errors.Is(igd.ErrNoSuchPinhole, igd.ErrConnectionSetupFailed) {
		t.Error("704 of the firewall service is taken for 704 of the connection service")
	}
	wrapped := fmt.Errorf("adding: %w", &igd.OpError{Op: "AddPortMapping", Err: igd.ErrConflict})
	if !errors.Is(wrapped, igd.ErrConflict) {
		t.Error("a wrapped OpError is not its refusal")
	}
}

func TestErrorAsFault(t *testing.T) {
	want := soap.Fault{Code: 718, Description: "ConflictInMappingEntry"}
	if got := igd.ErrConflict.SOAPFault(); got.Code != want.Code || got.Description != want.Description {
		t.Errorf("ErrConflict is sent as %+v", got)
	}
}
