package web

import (
	"context"
	"time"

	"upnp/igd"
)

// How often traffic is read while somebody looks. A slow router gets more rest: what it takes to
// answer is at most a quarter of the time.
const (
	meterEvery = time.Second
	meterRest  = 3
)

// A meter reads the traffic counters while somebody looks.
type meter struct {
	page   *page
	signal chan struct{}

	// Of the run alone:
	gateway *igd.Gateway
	last    igd.Counters
	at      time.Time
	totals  igd.Counters
}

type trafficLine struct {
	Type string    `json:"type"`
	Time time.Time `json:"time"`
	igd.Counters
	SendRate    float64  `json:"sendRate"`
	ReceiveRate float64  `json:"receiveRate"`
	Error       *failure `json:"error"`
}

func newMeter(p *page) *meter { return &meter{page: p, signal: make(chan struct{}, 1)} }

// wake makes the meter look whether somebody looks.
func (m *meter) wake() {
	select {
	case m.signal <- struct{}{}:
	default:
	}
}

func (m *meter) run(ctx context.Context) {
	for ctx.Err() == nil {
		gw := m.page.finder.gateway()
		if gw == nil || !m.page.hub.wanted("traffic") {
			m.gateway = nil
			select {
			case <-m.signal:
			case <-ctx.Done():
			case <-time.After(meterEvery):
			}
			continue
		}
		began := time.Now()
		m.page.hub.tellWanting("traffic", m.read(ctx, gw))
		wait(ctx, max(meterEvery-time.Since(began), meterRest*time.Since(began)))
	}
}

// read asks once and works out the rates since the last time.
func (m *meter) read(ctx context.Context, gw *igd.Gateway) trafficLine {
	now, err := gw.Counters(ctx)
	l := trafficLine{Type: "traffic", Time: time.Now()}
	if err != nil {
		l.Error = explain(err)
		l.Counters = m.totals
		return l
	}
	if gw != m.gateway {
		m.gateway, m.totals = gw, now
	} else if elapsed := l.Time.Sub(m.at).Seconds(); elapsed > 0 {
		sent, received := grown(now.BytesSent, m.last.BytesSent), grown(now.BytesReceived, m.last.BytesReceived)
		l.SendRate, l.ReceiveRate = float64(sent)/elapsed, float64(received)/elapsed
		m.totals.BytesSent += sent
		m.totals.BytesReceived += received
		m.totals.PacketsSent += grown(now.PacketsSent, m.last.PacketsSent)
		m.totals.PacketsReceived += grown(now.PacketsReceived, m.last.PacketsReceived)
	}
	m.last, m.at = now, l.Time
	l.Counters = m.totals
	return l
}

// grown is by how much a counter grew: it wraps at 2^32, and one that fell from below half of that
// was set back to nothing by a restart.
func grown(now, last uint64) uint64 {
	switch {
	case now >= last:
		return now - last
	case last < 1<<32 && last >= 1<<31:
		return now + 1<<32 - last
	}
	return now
}
