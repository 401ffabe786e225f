package machine

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"upnp/igd"
)

// Firewalls reads what the kernel filters by, which takes root; others see only what is configured to
// run.
func (System) Firewalls(ctx context.Context) []igd.Firewall {
	var all []igd.Firewall
	if listing := output(ctx, program("nft"), "-j", "list", "ruleset"); listing != nil {
		all = append(all, nftables(listing)...)
	} else {
		all = append(all, configured("/etc")...)
	}
	if names, _ := os.ReadFile("/proc/net/ip_tables_names"); strings.Contains(string(names), "filter") {
		all = append(all, iptables(output(ctx, program("iptables-legacy"), "-S", "INPUT"))...)
	}
	return all
}

// program finds a program of the administrator, who has more folders in the path than others.
func program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return filepath.Join("/usr/sbin", name)
}

// configured are the front ends of the packet filter that are switched on. Their rules can be read by
// root only; both keep out what was not asked for unless they are told otherwise.
func configured(etc string) []igd.Firewall {
	var all []igd.Firewall
	if text, _ := os.ReadFile(filepath.Join(etc, "ufw/ufw.conf")); bytes.Contains(text, []byte("\nENABLED=yes")) {
		all = append(all, igd.Firewall{Name: "ufw", Blocks: true, Detail: []string{"ENABLED=yes in ufw.conf; its rules can be read by root only"}})
	}
	if _, err := os.Stat(filepath.Join(etc, "systemd/system/multi-user.target.wants/firewalld.service")); err == nil {
		all = append(all, igd.Firewall{Name: "firewalld", Blocks: true, Detail: []string{"started with the system; its rules can be read by root only"}})
	}
	return all
}

// iptables reads the rules of the INPUT chain as iptables -S prints them.
func iptables(listing []byte) []igd.Firewall {
	f := igd.Firewall{Name: "iptables", Detail: []string{}}
	for line := range strings.Lines(string(listing)) {
		line = strings.TrimSpace(line)
		drops := strings.HasSuffix(line, " DROP") || strings.Contains(line, "-j REJECT")
		if drops && !narrows(strings.Fields(line)) {
			f.Blocks = true
			f.Detail = append(f.Detail, line)
		}
	}
	if len(f.Detail) == 0 {
		return nil
	}
	return []igd.Firewall{f}
}

// narrows reports a rule that looks at more than what answers from any router have in common.
func narrows(rule []string) bool {
	for i, word := range rule {
		switch word {
		case "-s", "-d", "--dport", "--dports", "-m":
			return true
		case "-p":
			return i+1 < len(rule) && rule[i+1] != "udp" && rule[i+1] != "all"
		}
	}
	return false
}

// Virtual reads what the kernel says a device is.
func (System) Virtual(name string) string {
	if name == "" || strings.ContainsAny(name, "/\x00") || name == ".." {
		return ""
	}
	folder := filepath.Join("/sys/class/net", name)
	text, _ := os.ReadFile(filepath.Join(folder, "uevent"))
	_, tunnel := os.Stat(filepath.Join(folder, "tun_flags"))
	return virtual(string(text), tunnel == nil)
}

func virtual(uevent string, tunnel bool) string {
	switch {
	case strings.Contains(uevent, "DEVTYPE=bridge\n"):
		return "a bridge of this machine, for containers or virtual machines"
	case tunnel, strings.Contains(uevent, "DEVTYPE=wireguard\n"):
		return "a tunnel"
	}
	return ""
}

// Undelivered counts IPv4 packets that came in and were neither given to a program, nor forwarded, nor
// put together with others: the difference that a packet filter leaves.
func (System) Undelivered() (uint64, bool) {
	text, err := os.ReadFile("/proc/net/snmp")
	if err != nil {
		return 0, false
	}
	return undelivered(string(text))
}

// undelivered reads the two lines "Ip:", names and numbers, of /proc/net/snmp.
func undelivered(snmp string) (uint64, bool) {
	var names []string
	for line := range strings.Lines(snmp) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0] != "Ip:":
		case names == nil:
			names = fields
		case len(fields) == len(names):
			count := map[string]uint64{}
			for i := 1; i < len(names); i++ {
				count[names[i]], _ = strconv.ParseUint(fields[i], 10, 64)
			}
			gone := count["InDelivers"] + count["ForwDatagrams"] + count["ReasmReqds"] - count["ReasmOKs"]
			return count["InReceives"] - min(gone, count["InReceives"]), true
		}
	}
	return 0, false
}

// LetIn says what lets answers in.
func (System) LetIn(router netip.Addr) string {
	text := "Let answers of the router in through this machine's firewall: UDP from its port 1900"
	if !router.IsValid() {
		return text + "."
	}
	return text + fmt.Sprintf(", with ufw by `sudo ufw allow proto udp from %v port 1900`.", router)
}
