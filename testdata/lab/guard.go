//go:build linux

package lab

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// guardEnv makes the test binary a guard over the namespaces whose names begin with its value.
const guardEnv = "UPNP_LAB_GUARD"

// Main runs the tests of a package that uses labs, and returns what to exit with. It belongs in
// TestMain.
func Main(m *testing.M) int {
	if prefix := os.Getenv(guardEnv); prefix != "" {
		guard(prefix)
		return 0
	}
	if Missing() != "" {
		return m.Run()
	}
	alive, err := startGuard()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		return 1
	}
	defer alive.Close()
	return m.Run()
}

// prefix begins the names of all namespaces of this process.
func prefix() string { return fmt.Sprintf("ul%d-", os.Getpid()) }

// startGuard starts a process that removes what this one leaves behind. It acts when alive is
// closed, by the caller or with the end of this process.
func startGuard() (alive io.Closer, err error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), guardEnv+"="+prefix())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if alive, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return alive, cmd.Start()
}

func guard(prefix string) {
	io.Copy(io.Discard, os.Stdin)
	list, err := os.ReadDir("/run/netns")
	if err != nil {
		return
	}
	for _, e := range list {
		if strings.HasPrefix(e.Name(), prefix) {
			remove(e.Name())
		}
	}
}

// remove ends the processes of a namespace and deletes it.
func remove(ns string) error {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		for wait := 0; wait < 50; wait++ {
			pids := pidsIn(ns)
			if len(pids) == 0 {
				return exec.Command("ip", "netns", "del", ns).Run()
			}
			if wait == 0 {
				for _, pid := range pids {
					syscall.Kill(pid, signal)
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return exec.Command("ip", "netns", "del", ns).Run()
}

func pidsIn(ns string) []int {
	out, _ := exec.Command("ip", "netns", "pids", ns).Output()
	var pids []int
	for _, f := range strings.Fields(string(out)) {
		if pid, err := strconv.Atoi(f); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}
