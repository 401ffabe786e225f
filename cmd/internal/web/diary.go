package web

import "time"

const keptEntries = 200

// A diary keeps what happened, in sentences.
type diary struct {
	hub     *hub
	entries []any // under the hub's lock
}

type entry struct {
	Type  string    `json:"type"`
	Time  time.Time `json:"time"`
	Level string    `json:"level"`
	Text  string    `json:"text"`
}

func (d *diary) present() []any { return d.entries[:len(d.entries):len(d.entries)] }

func (d *diary) info(text string) { d.write("info", text) }

func (d *diary) write(level, text string) {
	d.hub.update(func() []any {
		e := entry{"log", time.Now(), level, text}
		if d.entries = append(d.entries, e); len(d.entries) > keptEntries {
			d.entries = append([]any{}, d.entries[1:]...)
		}
		return []any{e}
	})
}
