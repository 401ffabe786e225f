package igd_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layers is the import diagram: what each package may import besides the standard library, and
// why. A new import is a change of this table.
var layers = map[string][]string{
	"upnp/description/xmldoc":    {etree},                                                                                                                    // the tree it builds
	"upnp/description":           {etree, "upnp/description/xmldoc"},                                                                                         // documents are XML
	"upnp/ssdp":                  {netIPv4, netIPv6},                                                                                                         // joining groups, choosing interfaces
	"upnp/soap":                  {etree, "upnp/description", "upnp/description/xmldoc"},                                                                     // arguments are typed by the service document
	"upnp/gena":                  {etree, "upnp/description", "upnp/description/xmldoc"},                                                                     // evented variables are named by the service document
	"upnp/igd/wire":              {"upnp/ssdp"},                                                                                                              // PacketConn and Interface
	"upnp/igd/device":            {"upnp/ssdp", "upnp/description", "upnp/soap", "upnp/gena", "upnp/igd/wire"},                                               // any device: it knows nothing of gateways
	"upnp/igd":                   {"upnp/ssdp", "upnp/description", "upnp/description/xmldoc", "upnp/soap", "upnp/gena", "upnp/igd/wire", "upnp/igd/device"}, // xmldoc: a port listing is a document inside an argument; device: a Server is a device.Host
	"upnp/igd/emulator":          {"upnp/igd", "upnp/ssdp", "upnp/description", "upnp/description/xmldoc", "upnp/soap", "upnp/igd/wire"},
	"upnp/igd/reach":             {"upnp/igd", "upnp/ssdp", "upnp/description", "upnp/igd/wire"}, // ssdp, description: naming the router behind the router
	"upnp/igd/igdtest":           {"upnp/igd/emulator", "upnp/igd", "upnp/ssdp", "upnp/description", "upnp/soap", "upnp/igd/wire"},
	"upnp/cmd/internal/notation": {"upnp/igd"},                                                                                                    // how people write mappings
	"upnp/cmd/internal/plain":    {"upnp/igd/device", "upnp/cmd/internal/notation", "upnp/igd", "upnp/igd/wire", "upnp/description", "upnp/soap"}, // what the command and the page say alike
	"upnp/cmd/internal/machine":  {"upnp/igd"},                                                                                                    // what the operating system says of itself
	"upnp/cmd/internal/web":      {"upnp/description/xmldoc", "upnp/igd/device", "upnp/igd/reach", "upnp/igd/reach", "upnp/cmd/internal/notation", "upnp/cmd/internal/plain", "upnp/igd/emulator", "upnp/igd", "upnp/description", "upnp/soap", "upnp/ssdp", "upnp/igd/wire"},
	"upnp/cmd/internal/cli":      {"upnp/igd/device", "upnp/cmd/internal/machine", "upnp/igd/reach", "upnp/cmd/internal/web", "upnp/cmd/internal/notation", "upnp/cmd/internal/plain", "upnp/igd/emulator", "upnp/igd", "upnp/ssdp", "upnp/description", "upnp/soap", "upnp/igd/wire"},
	"upnp/cmd/upnp":              {"upnp/cmd/internal/cli"},
}

const (
	etree   = "github.com/beevik/etree"
	netIPv4 = "golang.org/x/net/ipv4"
	netIPv6 = "golang.org/x/net/ipv6"
)

func TestLayers(t *testing.T) {
	for line := range strings.Lines(goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "upnp/...")) {
		words := strings.Fields(line)
		allowed, known := layers[words[0]]
		if !known {
			t.Errorf("package %s is not in the import table", words[0])
		}
		for _, imported := range words[1:] {
			if strings.Contains(strings.Split(imported, "/")[0], ".") || strings.HasPrefix(imported, "upnp/") {
				if !slices.Contains(allowed, imported) {
					t.Errorf("%s imports %s, which the import table does not allow", words[0], imported)
				}
			}
		}
	}
}

// TestOutside holds what a program takes in with this module: x/net for sockets, x/sys below it,
// etree, and nothing else.
func TestOutside(t *testing.T) {
	for line := range strings.Lines(goList(t, "-deps", "-f", "{{if .Module}}{{.Module.Path}} {{.ImportPath}}{{end}}", "upnp/cmd/upnp")) {
		switch module := strings.Fields(line)[0]; module {
		case "upnp", etree, "golang.org/x/net", "golang.org/x/sys":
		default:
			t.Errorf("the command takes in %s", strings.TrimSpace(line))
		}
	}
}

func goList(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Skipf("go list is not available: %v", err)
	}
	return string(out)
}
