package machine

import (
	"slices"
	"testing"
)

const head = `{"nftables": [{"metainfo": {"version": "1.0.6"}}, {"table": {"family": "inet", "name": "f", "handle": 1}}, `

// listings are outputs of `nft -j list ruleset`, version 1.0.6, each for the script before it.
var listings = []struct {
	script, listing string
	known, blocks   bool
	detail          string
}{
	{"", `{"nftables": [{"metainfo": {"version": "1.0.6"}}]}`, false, false, ""},
	{"not JSON at all", "Operation not permitted", false, false, ""},
	{"policy drop",
		head + `{"chain": {"family": "inet", "table": "f", "name": "in", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}}]}`,
		true, true, "chain f in drops what no rule accepts"},
	{"policy accept; udp sport 1900 counter drop",
		head + `{"chain": {"family": "inet", "table": "f", "name": "in", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": "accept"}},
		{"rule": {"family": "inet", "table": "f", "chain": "in", "handle": 2, "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "udp", "field": "sport"}}, "right": 1900}}, {"counter": {"packets": 12, "bytes": 1}}, {"drop": null}]}}]}`,
		true, true, "a rule in chain f in drops UDP, 12 packets so far"},
	{"policy accept; meta l4proto udp drop",
		head + `{"chain": {"family": "inet", "table": "f", "name": "in", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": "accept"}},
		{"rule": {"family": "inet", "table": "f", "chain": "in", "handle": 2, "expr": [{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "udp"}}, {"drop": null}]}}]}`,
		true, true, "a rule in chain f in drops UDP"},
	{"policy accept; tcp dport 22 drop; udp dport 53 drop; ct state invalid drop; ip saddr 1.2.3.4 drop",
		head + `{"chain": {"family": "inet", "table": "f", "name": "in", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": "accept"}},
		{"rule": {"family": "inet", "table": "f", "chain": "in", "handle": 2, "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}, {"drop": null}]}},
		{"rule": {"family": "inet", "table": "f", "chain": "in", "handle": 3, "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "udp", "field": "dport"}}, "right": 53}}, {"drop": null}]}},
		{"rule": {"family": "inet", "table": "f", "chain": "in", "handle": 4, "expr": [{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "invalid"}}, {"drop": null}]}},
		{"rule": {"family": "inet", "table": "f", "chain": "in", "handle": 5, "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "1.2.3.4"}}, {"drop": null}]}}]}`,
		true, false, ""},
	{"ct state new reject, in a chain of forwarding",
		head + `{"chain": {"family": "inet", "table": "f", "name": "fwd", "handle": 1, "type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}},
		{"rule": {"family": "inet", "table": "f", "chain": "fwd", "handle": 2, "expr": [{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "new"}}, {"reject": null}]}}]}`,
		false, false, ""},
}

func TestNFTables(t *testing.T) {
	for _, l := range listings {
		got := nftables([]byte(l.listing))
		if len(got) == 1 != l.known {
			t.Errorf("%s: %+v", l.script, got)
			continue
		}
		if l.known && (got[0].Blocks != l.blocks || l.detail != "" && !slices.Contains(got[0].Detail, l.detail)) {
			t.Errorf("%s: %+v, want %q", l.script, got[0], l.detail)
		}
	}
}
