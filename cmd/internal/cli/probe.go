package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"upnp/igd"
)

// maxProbeAnswer bounds what a probing service may say.
const maxProbeAnswer = 64 << 10

// A probe is a web service that looks at a port from outside.
type probe struct{ template string }

func newProbe(template string) (*probe, error) {
	u, err := url.Parse(fill(template, netip.IPv4Unspecified(), 1))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, usagef("--probe %q: want a URL, such as https://probe.example/port/{port}", template)
	}
	if !strings.Contains(template, "{port}") {
		return nil, usagef("--probe %q: lacks {port}, which stands for the port to look at", template)
	}
	return &probe{template}, nil
}

func fill(template string, ip netip.Addr, port uint16) string {
	return strings.NewReplacer("{ip}", ip.String(), "{port}", strconv.Itoa(int(port))).Replace(template)
}

// ask has the service look at a mapping. Only TCP can be looked at.
func (p *probe) ask(ctx context.Context, m igd.Mapping, external netip.Addr) (open bool, err error) {
	switch {
	case m.Protocol != igd.TCP:
		return false, errors.New("only TCP ports can be probed")
	case !external.IsValid() && strings.Contains(p.template, "{ip}"):
		return false, errors.New("no external address to probe")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fill(p.template, external, m.ExternalPort), nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Accept", "application/json")
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false, fmt.Errorf("the probe answers %s", resp.Status)
	}
	return verdict(resp.Body)
}

func verdict(body io.Reader) (open bool, err error) {
	var answer struct {
		Reachable *bool `json:"reachable"`
	}
	if err := json.NewDecoder(io.LimitReader(body, maxProbeAnswer)).Decode(&answer); err != nil {
		return false, fmt.Errorf("the probe's answer is no JSON: %w", err)
	}
	if answer.Reachable == nil {
		return false, errors.New(`the probe's answer lacks "reachable"`)
	}
	return *answer.Reachable, nil
}
