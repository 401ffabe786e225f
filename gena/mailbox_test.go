package gena

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOrder sends numbers and says what comes of them.
func TestOrder(t *testing.T) {
	for _, tt := range []struct {
		name  string
		seqs  []uint32
		want  []string
		asked []string // besides the first
	}{
		{"in order", []uint32{0, 1, 2}, []string{"0 initial", "1", "2"}, nil},
		{"gap", []uint32{0, 1, 5, 6}, []string{"0 initial", "1", "5 lost", "6"}, []string{"UNSUBSCRIBE uuid:0", "SUBSCRIBE new"}},
		{"two gaps in a minute", []uint32{0, 2, 4}, []string{"0 initial", "2 lost", "4 lost"}, []string{"UNSUBSCRIBE uuid:0", "SUBSCRIBE new"}},
		{"begins late", []uint32{7, 8}, []string{"7 lost", "8"}, []string{"UNSUBSCRIBE uuid:0", "SUBSCRIBE new"}},
		{"repeat", []uint32{0, 1, 1, 2}, []string{"0 initial", "1", "1 lost", "2"}, nil},
		{"reset", []uint32{0, 1, 2, 0, 1}, []string{"0 initial", "1", "2", "0 initial lost", "1"}, []string{"SUBSCRIBE uuid:0"}},
		{"back", []uint32{0, 1, 2, 3, 2}, []string{"0 initial", "1", "2", "3", "2 lost"}, []string{"UNSUBSCRIBE uuid:0", "SUBSCRIBE new"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				d := w.device(grant(""))
				next := w.events(w.subscribe())
				path := d.path()
				var got []string
				for _, seq := range tt.seqs {
					if answer := raw(w.router, pcAddr+":4004", notify(path, "uuid:0", seq)); answer != accepted && answer != unknown {
						t.Errorf("%d: %s", seq, answer)
					}
					time.Sleep(patience / 8)
					got = append(got, next()...)
				}
				time.Sleep(patience)
				got = append(got, next()...)
				if !slices.Equal(got, tt.want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				if asked := d.requests()[1:]; !slices.Equal(asked, tt.asked) {
					t.Errorf("asked %q, want %q", asked, tt.asked)
				}
			})
		})
	}
}

func TestNumbersWrap(t *testing.T) {
	m := newMailbox()
	m.began, m.sid, m.last = true, "s", 1<<32-2
	for _, seq := range []uint32{1<<32 - 1, 1, 2} {
		m.put(&letter{event: &Event{SID: "s", Seq: seq}, first: seq, numbered: true, came: time.Now()})
		if e, o, _, _ := m.take(); e == nil || e.Lost || o != inOrder {
			t.Errorf("%d: %+v, %v", seq, e, o)
		}
	}
}

// TestOvertaking has a device that does not wait for answers: a later event arrives first.
func TestOvertaking(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.device(grant(""))
		next := w.events(w.subscribe())
		for _, seq := range []uint32{0, 3, 2, 1, 4} {
			raw(w.router, pcAddr+":4004", notify(d.path(), "uuid:0", seq))
		}
		if got, want := next(), []string{"0 initial", "1", "2", "3", "4"}; !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	})
}

// TestSlowReader sends more than is kept: nothing of the latest state may be missing.
func TestSlowReader(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.device(grant(""))
		sub := w.subscribe()
		const total = 3 * maxLetters
		for i := range total {
			text := notify(d.path(), "uuid:0", i, Property{"A", fmt.Sprint(i)}, Property{fmt.Sprintf("P%d", i%20), fmt.Sprint(i)})
			if answer := raw(w.router, pcAddr+":4004", text); answer != accepted {
				t.Fatal(answer)
			}
		}
		got := w.events(sub)()
		if len(got) != maxLetters || got[maxLetters-2] != fmt.Sprintf("%d A=%[1]d P%[1]d=%[1]d", maxLetters-2) {
			t.Errorf("got %d: %q", len(got), got)
		}
		last := got[len(got)-1]
		if !strings.HasPrefix(last, fmt.Sprintf("%d A=%[1]d ", total-1)) || strings.Count(last, "=") != 21 || strings.Contains(last, "lost") {
			t.Errorf("last %q", last)
		}
	})
}

// TestMergeIsBounded sends different variables for ever to nobody.
func TestMergeIsBounded(t *testing.T) {
	m := newMailbox()
	for i := range 4000 {
		seq := uint32(i)
		e := &Event{SID: "s", Seq: seq, Properties: []Property{{fmt.Sprintf("P%d", i), strings.Repeat("x", 1000)}}, Notes: []string{fmt.Sprint(i)}}
		m.put(&letter{event: e, first: seq, numbered: true, came: time.Now()})
	}
	kept := 0
	for range maxLetters {
		e, _, _, _ := m.take()
		kept += size(e.Properties) + len(e.Notes)
		if e.Seq == 3999 && !e.Lost {
			t.Error("dropped and not said")
		}
	}
	if kept > 2*MaxBody {
		t.Errorf("%d bytes kept", kept)
	}
}

// TestAnsweredFirst reads an event slowly: the answer must not wait for that.
func TestAnsweredFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.device(grant(""))
		sub := w.subscribe()
		w.tasks.Go(func() {
			for range sub.Events(w.ctx) {
				time.Sleep(time.Minute)
			}
		})
		began := time.Now()
		for i := range 5 {
			raw(w.router, pcAddr+":4004", notify(d.path(), "uuid:0", i))
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("answered after %v", took)
		}
	})
}

func TestEventsEnd(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.device(grant(""))
		sub := w.subscribe()
		raw(w.router, pcAddr+":4004", notify(d.path(), "uuid:0", 0))
		raw(w.router, pcAddr+":4004", notify(d.path(), "uuid:0", 1))
		for range sub.Events(w.ctx) {
			break
		}
		var rest []string
		time.AfterFunc(time.Second, func() { _ = sub.Close(w.ctx) })
		for e, err := range sub.Events(w.ctx) {
			rest = append(rest, describe(e, err))
		}
		if !slices.Equal(rest, []string{"1"}) {
			t.Errorf("the rest %q", rest)
		}
	})
}
