//go:build linux

package lab

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"
)

// A Router is a host that translates addresses, and usually runs miniupnpd.
type Router struct {
	*Host
	WAN string // its outer address
	URL string // of its description

	conf, pidfile string
	port          int // of the daemon's HTTP
	options       Options
	model         int // how often it was replaced
}

const httpPort = 5000

func (l *Lab) routers(o Options) {
	l.t.Helper()
	l.Router = l.router("r", RouterAddr, WANAddr)
	if o.BehindNAT {
		l.behindNAT(l.Router)
	} else {
		l.outside(l.Router.Host, WANAddr)
	}
	all := []*Router{l.Router}
	if o.SecondIGD {
		l.Router2 = l.router("r2", Router2Addr, WAN2Addr)
		l.outside(l.Router2.Host, WAN2Addr)
		all = append(all, l.Router2)
	}
	for _, r := range all {
		l.translate(r.Host, "lan0", "wan0")
		if !o.NoDaemon {
			r.options = o
			r.configure(l.t)
			r.Start(l.t)
		}
	}
}

func (l *Lab) router(name, lan, wan string) *Router {
	l.t.Helper()
	h := l.lanHost(name, lan, "")
	return &Router{Host: h, WAN: wan, port: httpPort, URL: fmt.Sprintf("http://%s:%d/rootDesc.xml", lan, httpPort)}
}

// behindNAT puts a provider's address translation between the router and the Internet.
func (l *Lab) behindNAT(r *Router) {
	l.t.Helper()
	isp := l.host("isp", "100.64.0.1")
	l.ISP = &Router{Host: isp, WAN: WANAddr, port: httpPort, URL: fmt.Sprintf("http://%s:%d/rootDesc.xml", isp.Addr, httpPort)}
	l.outside(isp, WANAddr)
	l.connect(r.Host, "wan0", isp, "lan0")
	r.WAN = "100.64.0.2"
	l.ip("-n", r.ns, "addr", "add", r.WAN+"/24", "dev", "wan0")
	l.ip("-n", isp.ns, "addr", "add", isp.Addr+"/24", "dev", "lan0")
	l.ip("-n", r.ns, "route", "add", "default", "via", isp.Addr)
	l.translate(isp, "lan0", "wan0")
	l.ISP.options.IGD1 = true
	l.ISP.configure(l.t)
}

// rules close the way in but for what miniupnpd opens.
var rules = template.Must(template.New("nft").Parse(`table inet igd {
	chain input {
		type filter hook input priority 0; policy accept;
		iifname "{{.Out}}" ct state established,related accept
		iifname "{{.Out}}" meta l4proto { icmp, ipv6-icmp } accept
		iifname "{{.Out}}" drop
	}
	chain forward {
		type filter hook forward priority 0; policy drop;
		iifname "{{.In}}" accept
		ct state established,related accept
		jump upnp_forward
	}
	chain upnp_forward { }
	chain prerouting { type nat hook prerouting priority -100; jump upnp_dnat; }
	chain postrouting {
		type nat hook postrouting priority 100;
		jump upnp_snat
		meta nfproto ipv4 oifname "{{.Out}}" masquerade
	}
	chain upnp_dnat { }
	chain upnp_snat { }
}
`))

// translate makes h a NAT router from its interface in to its interface out.
func (l *Lab) translate(h *Host, in, out string) {
	l.t.Helper()
	if err := h.Sysctl("net.ipv4.ip_forward", "1"); err != nil {
		l.t.Fatal(err)
	}
	if l.ipv6 {
		l.routeIPv6(h)
	}
	var text bytes.Buffer
	if err := rules.Execute(&text, map[string]string{"In": in, "Out": out}); err != nil {
		l.t.Fatal(err)
	}
	h.nft(l.t, text.String())
}

// nft has the packet filter of the host read a script.
func (h *Host) nft(t testing.TB, script string) {
	t.Helper()
	cmd := exec.Command("nft", "-f", "-")
	var errs bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(script), &errs
	err := h.Do(cmd.Start)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		t.Fatalf("nft on %s: %v: %s", h.Name, err, errs.String())
	}
}

// configure writes the daemon's configuration.
func (r *Router) configure(t testing.TB) {
	t.Helper()
	dir := t.TempDir()
	r.conf, r.pidfile = filepath.Join(dir, "miniupnpd.conf"), filepath.Join(dir, "pid")
	yes := map[bool]string{true: "yes", false: "no"}
	last := map[string]string{"r": "01", "r2": "11", "isp": "21"}[r.Name] // the embedded devices' UDNs count on from here
	lines := []string{
		"ext_ifname=wan0", "listening_ip=lan0", "http_port=" + strconv.Itoa(httpPort),
		"enable_upnp=yes", "enable_natpmp=no", "ipv6_disable=" + yes[!r.options.IPv6], "force_igd_desc_v1=" + yes[r.options.IGD1],
		"upnp_table_name=igd", "upnp_nat_table_name=igd", "upnp_forward_chain=upnp_forward",
		"upnp_nat_chain=upnp_dnat", "upnp_nat_postrouting_chain=upnp_snat",
		"secure_mode=" + yes[!r.options.Anyone], "min_lifetime=120", "max_lifetime=86400",
		"notify_interval=60", "system_uptime=no", "serial=" + last,
		fmt.Sprintf("uuid=5a8d2c14-90f3-4d6e-a7b1-0242ac11%02d%s", r.model, last),
		"minissdpdsocket=" + filepath.Join(dir, "none"),
		"allow 1024-65535 0.0.0.0/0 1024-65535", "deny 0-65535 0.0.0.0/0 0-65535", "",
	}
	if err := os.WriteFile(r.conf, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// quiet hides the console from a daemon that logs there for want of a syslog: a line a call, which
// takes longer than the call where the console is a serial line.
const quiet = `[ ! -e /dev/console ] || mount --bind /dev/null /dev/console; exec "$@"`

// Start starts the daemon and waits until it serves.
func (r *Router) Start(t testing.TB) {
	t.Helper()
	res := r.Run(t, "unshare", "-m", "sh", "-c", quiet, "sh", "miniupnpd", "-f", r.conf, "-P", r.pidfile)
	if res.Code != 0 {
		t.Fatalf("miniupnpd: exit %d: %s", res.Code, res.Stderr)
	}
	deadline := time.Now().Add(10 * time.Second)
	for !r.Alive() || !r.serves() {
		if time.Now().After(deadline) {
			t.Fatal("miniupnpd did not start")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (r *Router) serves() bool {
	c, err := r.Dial(context.Background(), net.JoinHostPort(r.Addr, strconv.Itoa(r.port)))
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// Alive reports whether the daemon runs.
func (r *Router) Alive() bool { return r.pid() != 0 && runs(r.pid()) }

// runs reports whether a process runs; one that is dead and not yet waited for does not.
func runs(pid int) bool {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, ok := bytes.Cut(stat, []byte(") "))
	return ok && after[0] != 'Z'
}

func (r *Router) pid() int {
	text, _ := os.ReadFile(r.pidfile)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// flushRules empties what miniupnpd fills.
const flushRules = "flush chain inet igd upnp_dnat; flush chain inet igd upnp_forward; flush chain inet igd upnp_snat"

// Forget ends the daemon without a goodbye, empties the filter and starts it again: a router that
// was switched off and on.
func (r *Router) Forget(t testing.TB) {
	t.Helper()
	r.Kill()
	r.nft(t, flushRules)
	r.Start(t)
}

// Kill ends the daemon, which says no goodbye.
func (r *Router) Kill() {
	pid := r.pid()
	syscall.Kill(pid, syscall.SIGKILL)
	for runs(pid) {
		time.Sleep(time.Millisecond)
	}
	os.Remove(r.pidfile)
}

// SetWAN gives the router another outer address, as its provider may any night.
func (r *Router) SetWAN(t testing.TB, addr string) {
	t.Helper()
	r.ip(t, "addr", "del", r.WAN+"/24", "dev", "wan0")
	r.ip(t, "addr", "add", addr+"/24", "dev", "wan0")
	r.ip(t, "route", "replace", "default", "via", InternetAddr)
	r.WAN = addr
}

// forwards finds a rule of miniupnpd's: the port outside and where it goes.
var forwards = regexp.MustCompile(`th dport (\d+) .*dnat ip to ([\d.]+:\d+)`)

// Holds are the mappings that the router's packet filter holds: outer port to address and port
// inside. What the daemon says of them does not matter here.
func (r *Router) Holds(t testing.TB) map[int]string {
	t.Helper()
	res := r.Run(t, "nft", "list", "chain", "inet", "igd", "upnp_dnat")
	if res.Code != 0 {
		t.Fatalf("nft: %s", res.Stderr)
	}
	held := map[int]string{}
	for _, m := range forwards.FindAllStringSubmatch(res.Stdout, -1) {
		port, _ := strconv.Atoi(m[1])
		held[port] = m[2]
	}
	return held
}
