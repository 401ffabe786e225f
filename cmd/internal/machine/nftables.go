package machine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"upnp/igd"
)

// A ruleset is what `nft -j list ruleset` prints.
type ruleset struct {
	Objects []struct {
		Chain *chain `json:"chain"`
		Rule  *rule  `json:"rule"`
	} `json:"nftables"`
}

type chain struct{ Family, Table, Name, Hook, Policy string }

type rule struct {
	Family, Table, Chain string
	Expr                 []expression
}

// An expression is a part of a rule: what it is, and its arguments.
type expression map[string]json.RawMessage

type match struct {
	Op   string
	Left struct {
		Payload *struct{ Protocol, Field string }
		Meta    *struct{ Key string }
		CT      *struct{ Key string }
	}
	Right json.RawMessage
}

// nftables tells of the chains that drop what answers to searches have in common: UDP from a router,
// to a port of which nothing is known before, that no connection is known for.
func nftables(listing []byte) []igd.Firewall {
	var all ruleset
	if json.Unmarshal(listing, &all) != nil {
		return nil
	}
	f := igd.Firewall{Name: "nftables", Detail: []string{}}
	var inputs []chain
	for _, o := range all.Objects {
		if c := o.Chain; c != nil && (c.Hook == "input" || c.Hook == "prerouting") && c.Family != "ip6" {
			inputs = append(inputs, *c)
			if c.Policy == "drop" {
				f.Detail = append(f.Detail, fmt.Sprintf("chain %s %s drops what no rule accepts", c.Table, c.Name))
			}
		}
	}
	for _, o := range all.Objects {
		if o.Rule != nil && slices.ContainsFunc(inputs, o.Rule.isIn) && o.Rule.drops() {
			f.Detail = append(f.Detail, fmt.Sprintf("a rule in chain %s %s drops UDP%s", o.Rule.Table, o.Rule.Chain, o.Rule.count()))
		}
	}
	f.Blocks = len(f.Detail) > 0
	if len(inputs) == 0 {
		return nil
	}
	return []igd.Firewall{f}
}

func (r *rule) isIn(c chain) bool {
	return r.Family == c.Family && r.Table == c.Table && r.Chain == c.Name
}

// drops reports a rule that drops or rejects, and that an answer to a search may meet.
func (r *rule) drops() bool {
	drops := false
	for _, e := range r.Expr {
		for what, arguments := range e {
			switch what {
			case "drop", "reject":
				drops = true
			case "counter", "log", "comment":
			case "match":
				if !meetsAnswers(arguments) {
					return false
				}
			default:
				return false
			}
		}
	}
	return drops
}

// meetsAnswers reports a condition that an answer to a search may meet.
func meetsAnswers(arguments json.RawMessage) bool {
	var m match
	if json.Unmarshal(arguments, &m) != nil {
		return false
	}
	right := string(m.Right)
	switch left := m.Left; {
	case left.Payload != nil && left.Payload.Protocol == "udp":
		return left.Payload.Field == "sport"
	case left.Payload != nil && left.Payload.Field == "protocol", left.Meta != nil && left.Meta.Key == "l4proto":
		return strings.Contains(right, "udp")
	case left.Meta != nil:
		return strings.HasPrefix(left.Meta.Key, "iif") && right != `"lo"` || left.Meta.Key == "nfproto"
	case left.CT != nil:
		return left.CT.Key == "state" && (m.Op == "!=" || strings.Contains(right, "new") || strings.Contains(right, "untracked"))
	}
	return false
}

// count is how often the rule was met, as far as it counts that.
func (r *rule) count() string {
	for _, e := range r.Expr {
		var counter struct{ Packets uint64 }
		if json.Unmarshal(e["counter"], &counter) == nil {
			return fmt.Sprintf(", %d packets so far", counter.Packets)
		}
	}
	return ""
}
