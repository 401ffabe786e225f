package web

import (
	"upnp/cmd/internal/notation"
	"upnp/igd"
)

const (
	defaultLease    = notation.DefaultLease
	defaultTestPort = 9542
)

// A preset is a service people open ports for, by the ports it uses when nobody changed them.
type preset struct {
	Name  string  `json:"name"`
	Ports []ports `json:"ports"`
}

type ports struct {
	Protocol igd.Protocol `json:"protocol"`
	From     uint16       `json:"from"`
	To       uint16       `json:"to"`
}

func presets() []preset {
	tcp := func(from, to uint16) ports { return ports{igd.TCP, from, to} }
	udp := func(from, to uint16) ports { return ports{igd.UDP, from, to} }
	return []preset{
		{"Web server", []ports{tcp(80, 80), tcp(443, 443)}},
		{"Web server, other port", []ports{tcp(8080, 8080)}},
		{"Minecraft (Java)", []ports{tcp(25565, 25565)}},
		{"Minecraft (Bedrock)", []ports{udp(19132, 19133)}},
		{"Terraria", []ports{tcp(7777, 7777)}},
		{"Factorio", []ports{udp(34197, 34197)}},
		{"Valheim", []ports{udp(2456, 2458)}},
		{"Source engine games", []ports{tcp(27015, 27015), udp(27015, 27015)}},
		{"BitTorrent", []ports{tcp(6881, 6881), udp(6881, 6881)}},
		{"WireGuard", []ports{udp(51820, 51820)}},
		{"OpenVPN", []ports{udp(1194, 1194)}},
		{"Syncthing", []ports{tcp(22000, 22000), udp(22000, 22000)}},
		{"Plex", []ports{tcp(32400, 32400)}},
		{"Jellyfin", []ports{tcp(8096, 8096)}},
		{"Mumble", []ports{tcp(64738, 64738), udp(64738, 64738)}},
		{"TeamSpeak", []ports{udp(9987, 9987), tcp(30033, 30033)}},
		{"Bitcoin", []ports{tcp(8333, 8333)}},
		{"SSH", []ports{tcp(22, 22)}},
	}
}

// A risk is an internal port that is opened only by somebody who says so.
type risk struct {
	Port uint16 `json:"port"`
	What string `json:"what"`
}

func risks() []risk {
	var all []risk
	for port := range uint16(1<<16 - 1) {
		if what := notation.RiskOf(port); what != "" {
			all = append(all, risk{port, what})
		}
	}
	return all
}
