package wire

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// A script is a recording as what was asked of devices and what they did.
type script struct {
	scenes        []*scene // in the order they were asked
	byKey         map[string][]*scene
	searches      []recordedSearch
	announcements []announcement
	askers        []netip.Addr // who asked, as they first did

	mu    sync.Mutex
	epoch int // number of the last scene played that changed something
}

// A scene is a request to a device.
type scene struct {
	Exchange
	question
	device, asker netip.AddrPort
	at            int    // its place among the scenes, from 1
	cues          []*cue // what the device told because of it
	played        bool
	repeated      bool
}

// A turn is a scene as it is played.
type turn struct {
	*scene
	again bool // it was played before
	first bool // it is the first time that it is played again
}

// A cue is a NOTIFY that a device sent.
type cue struct {
	request []byte
	after   time.Duration // from the request that provoked it
	sid     string
	seq     string
	follows bool // its SEQ is one more than that of the one before
}

// A recordedSearch is an M-SEARCH and what was answered.
type recordedSearch struct {
	target  string
	answers []datagramFrom
}

type datagramFrom struct {
	device netip.Addr
	data   []byte
}

// An announcement is a NOTIFY of SSDP.
type announcement struct {
	datagramFrom
	after time.Duration // from the start of the recording
}

// newScript reads a recording, made on either side: what was asked of us, we were the device for.
func newScript(log *Log) *script {
	s := &script{byKey: make(map[string][]*scene)}
	seqs := make(map[string]string)
	for _, x := range log.Exchanges() {
		switch x.Kind {
		case Search:
			s.addSearch(x)
		case Announcement:
			s.announcements = append(s.announcements, announcement{datagramFrom{speaker(x), x.Request}, x.Start.Sub(log.Start())})
		case Notification:
			s.addCue(x, seqs)
		default:
			if len(x.Request) > 0 {
				s.addScene(x)
			}
		}
	}
	return s
}

// speaker is who announced.
func speaker(x Exchange) netip.Addr {
	if x.Incoming {
		return x.Remote.Addr().WithZone("")
	}
	return x.Local.Addr().WithZone("")
}

func (s *script) addScene(x Exchange) {
	sc := &scene{Exchange: x, device: x.Remote, asker: x.Local, at: len(s.scenes) + 1}
	if x.Incoming {
		sc.device, sc.asker = x.Local, x.Remote
	}
	sc.question = questionOf(x.Request, sc.device, sc.asker.Addr())
	s.scenes = append(s.scenes, sc)
	s.byKey[sc.key()] = append(s.byKey[sc.key()], sc)
	s.addAsker(sc.asker)
}

func (s *script) addAsker(ap netip.AddrPort) {
	if a := ap.Addr().WithZone(""); a.IsValid() && !slices.Contains(s.askers, a) {
		s.askers = append(s.askers, a)
	}
}

// addSearch keeps the answers to a search, each of a device once.
func (s *script) addSearch(x Exchange) {
	head, _, _ := splitHead(x.Request)
	r := recordedSearch{target: field(head, "ST")}
	if x.Incoming {
		s.addAsker(x.Remote)
	} else if len(x.Request) > 0 {
		s.addAsker(x.Local)
	}
	for _, m := range x.Answers {
		from := m.Remote
		if x.Incoming {
			from = m.Local
		}
		r.answers = append(r.answers, datagramFrom{from.Addr().WithZone(""), m.Data})
	}
	s.searches = append(s.searches, r)
}

// addCue gives a NOTIFY to what provoked it: the last subscription or change before it.
func (s *script) addCue(x Exchange, seqs map[string]string) {
	head, _, _ := splitHead(x.Request)
	c := &cue{request: x.Request, sid: field(head, "SID"), seq: field(head, "SEQ")}
	c.follows = isNextSeq(seqs[c.sid], c.seq)
	seqs[c.sid] = c.seq
	for _, sc := range slices.Backward(s.scenes) {
		if sc.device.Addr().WithZone("") == speaker(x) && (sc.isWrite() || sc.method == "SUBSCRIBE") {
			c.after = x.Start.Sub(sc.Start)
			sc.cues = append(sc.cues, c)
			return
		}
	}
}

// isNextSeq reports whether b is the SEQ after a; the first follows nothing.
func isNextSeq(a, b string) bool {
	var before, after uint32
	if a == "" {
		return false
	}
	_, err1 := fmt.Sscan(a, &before)
	_, err2 := fmt.Sscan(b, &after)
	return err1 == nil && err2 == nil && after == before+1
}

// An UnrecordedError says that a recording has no answer, or no further one, to what was asked.
type UnrecordedError struct {
	Request string // what was asked
	Nearest string // what was recorded that comes nearest; "" if there is nothing
}

func (e *UnrecordedError) Error() string {
	if e.Nearest == "" {
		return "not in the recording: " + e.Request
	}
	return fmt.Sprintf("not in the recording: %s; the nearest there is %s", e.Request, e.Nearest)
}

// next is the scene that answers a request: the next recorded of the same, without going past a
// change that was recorded and is not asked for yet. Where there is no further one, the last is repeated, but
// for changes: they were made as often as was recorded.
func (s *script) next(q question) (turn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.byKey[q.key()]
	if len(all) == 0 {
		return turn{}, s.unrecorded(q)
	}
	if !q.isWrite() {
		return s.read(all).play(), nil
	}
	sc := firstUnplayed(all)
	if sc == nil {
		return turn{}, &UnrecordedError{q.words(q) + " once more", fmt.Sprintf("the same, %d times", len(all))}
	}
	s.epoch = sc.at
	return sc.play(), nil
}

func (sc *scene) play() turn {
	t := turn{sc, sc.played, sc.played && !sc.repeated}
	sc.played, sc.repeated = true, sc.played
	return t
}

func firstUnplayed(all []*scene) *scene {
	i := slices.IndexFunc(all, func(sc *scene) bool { return !sc.played })
	if i < 0 {
		return nil
	}
	return all[i]
}

// read chooses among the answers to a question that changes nothing.
func (s *script) read(all []*scene) *scene {
	end := s.nextWrite()
	var before, now []*scene
	for _, sc := range all {
		switch {
		case sc.at < s.epoch:
			before = append(before, sc)
		case sc.at < end:
			now = append(now, sc)
		}
	}
	if sc := firstUnplayed(now); sc != nil {
		return sc
	}
	switch {
	case len(now) > 0:
		return now[len(now)-1]
	case len(before) > 0:
		return before[len(before)-1]
	}
	return all[0]
}

// nextWrite is the place of the next change that is not played.
func (s *script) nextWrite() int {
	for _, sc := range s.scenes[s.epoch:] {
		if sc.isWrite() && !sc.played {
			return sc.at
		}
	}
	return len(s.scenes) + 1
}

// unrecorded says so, naming what comes nearest.
func (s *script) unrecorded(q question) error {
	var best *scene
	for _, sc := range s.scenes {
		if best == nil || q.likeness(sc.question) > q.likeness(best.question) {
			best = sc
		}
	}
	if best == nil {
		return &UnrecordedError{Request: q.words(q)}
	}
	return &UnrecordedError{q.words(best.question), best.words(q)}
}

// found are the answers to a search: those recorded for its target or, if nobody searched for that,
// those that are about it.
func (s *script) found(target string) []datagramFrom {
	var exact, about []datagramFrom
	searched := false
	for _, r := range s.searches {
		same := strings.EqualFold(r.target, target)
		searched = searched || same
		for _, a := range r.answers {
			head, _, _ := splitHead(a.data)
			if same {
				exact = addOnce(exact, a)
			} else if strings.EqualFold(field(head, "ST"), target) || strings.EqualFold(target, "ssdp:all") {
				about = addOnce(about, a)
			}
		}
	}
	if searched {
		return exact
	}
	return about
}

func addOnce(list []datagramFrom, d datagramFrom) []datagramFrom {
	for _, have := range list {
		if have.device == d.device && string(have.data) == string(d.data) {
			return list
		}
	}
	return append(list, d)
}
