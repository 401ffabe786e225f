package igd_test

import (
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
)

func TestKeepSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newKeepWorld(t, false, wished(9542, 9543)...)
		w.boot(emulator.Profile{}, homeRouter)
		w.start()
		t.Log(w.within(5*time.Second, "open", w.allOpen))
		w.step(10 * time.Second)
		w.boxes[0].Wipe()
		t.Log(w.within(35*time.Second, "open again", w.allOpen))
		w.step(3 * time.Hour)
		t.Log(w.boxes[0].seen.actions, w.boxes[0].seen.writes, w.told(igd.KeepRenewed, ""))
		w.end()
		if n := len(w.boxes[0].Table()); n != 0 {
			t.Error(w.boxes[0].Table())
		}
		if n := igd.JournalSize(w.journal); n != 0 {
			t.Error("journal", n)
		}
	})
}
