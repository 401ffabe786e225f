//go:build linux

package lab

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Missing tells what this machine lacks for a lab; empty if nothing.
func Missing() string {
	if os.Getuid() != 0 {
		return "root"
	}
	if setns == 0 {
		return "a machine whose system call numbers are known (amd64, arm64)"
	}
	var lack []string
	for _, program := range []string{"ip", "nft", "miniupnpd"} {
		if _, err := exec.LookPath(program); err != nil {
			lack = append(lack, program)
		}
	}
	return strings.Join(lack, ", ")
}

// Need skips the test if it needs a lab, or one of programs, and they are not to be had here.
// With UPNP_LAB=require it fails instead.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	lack := Missing()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil && lack == "" {
			lack = program
		}
	}
	switch {
	case lack == "":
	case os.Getenv("UPNP_LAB") == "require":
		t.Fatalf("UPNP_LAB=require, and this needs %s", lack)
	default:
		t.Skipf("needs %s", lack)
	}
}
