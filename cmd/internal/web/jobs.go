package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"upnp/igd"
)

// Limits of jobs.
const (
	maxJobs  = 64 // not over yet
	keptJobs = 10 // over, and still told of
)

// Jobs are what the page was asked to do and takes a while. Those of one lane are done one after
// the other, in their order.
type jobs struct {
	hub     *hub
	ctx     context.Context
	working sync.WaitGroup

	// Under the hub's lock:
	all   []*job
	last  int
	lanes map[string]<-chan struct{} // closed when the last job of a lane is over
}

// The lanes.
const (
	routerLane  = "router" // all that changes the gateway or reads it at length
	searchLane  = "search"
	devicesLane = "devices"
	openLane    = "open"
)

// The states of a job.
const (
	waiting   = "waiting"
	running   = "running"
	succeeded = "done"
	failed    = "failed"
	cancelled = "cancelled"
)

// A job is one of them. Its exported fields are what the page is told.
type job struct {
	ID      string     `json:"id"`
	Verb    string     `json:"verb"`
	What    string     `json:"what"`
	State   string     `json:"state"`
	Started time.Time  `json:"started"`
	Ended   *time.Time `json:"ended"`
	Step    string     `json:"step"`
	Done    int        `json:"done"`
	Total   int        `json:"total"`
	Results []result   `json:"results"` // told when the job is over
	Error   *failure   `json:"error"`

	jobs    *jobs
	cancel  context.CancelFunc
	results []result
}

// A result is what became of one mapping.
type result struct {
	ID      string       `json:"id"`
	Outcome string       `json:"outcome"`
	Before  *igd.Mapping `json:"before"`
	Grant   *igd.Grant   `json:"grant"`
	Error   *failure     `json:"error"`
}

type jobLine struct {
	Type string `json:"type"`
	Job  job    `json:"job"`
}

func (j *job) over() bool { return j.State != waiting && j.State != running }

// line is the job as it is now, under the hub's lock.
func (j *job) line() any {
	now := *j
	now.Results = []result{}
	if j.over() {
		now.Results = append(now.Results, j.results...)
	}
	return jobLine{"job", now}
}

func (js *jobs) present() []any {
	var lines []any
	for _, j := range js.all {
		lines = append(lines, j.line())
	}
	return lines
}

// start begins a job, or fails if there are too many. The work's error is that of the whole job.
func (js *jobs) start(lane, verb, what string, total int, work func(context.Context, *job) error) (any, error) {
	j := &job{Verb: verb, What: what, State: waiting, Total: total, Started: time.Now(), jobs: js}
	ctx, cancel := context.WithCancel(js.ctx)
	j.cancel = cancel
	end := make(chan struct{})
	var before <-chan struct{}
	full := false
	js.hub.update(func() []any {
		if full = js.pending() >= maxJobs || js.hub.ended; full {
			return nil
		}
		js.last++
		j.ID = strconv.Itoa(js.last)
		before, js.lanes[lane] = js.lanes[lane], end
		js.all = append(js.all, j)
		js.working.Add(1)
		return []any{j.line()}
	})
	if full {
		cancel()
		return nil, errBusy
	}
	go func() {
		defer js.working.Done()
		defer close(end)
		j.run(ctx, before, work)
	}()
	return accepted{j.ID}, nil
}

func (js *jobs) pending() int {
	n := 0
	for _, j := range js.all {
		if !j.over() {
			n++
		}
	}
	return n
}

// run waits for the lane and works.
func (j *job) run(ctx context.Context, before <-chan struct{}, work func(context.Context, *job) error) {
	defer j.cancel()
	if before != nil {
		select {
		case <-before:
		case <-ctx.Done():
			j.end(ctx, ctx.Err())
			<-before
			return
		}
	}
	j.set(func() { j.State = running })
	j.end(ctx, work(ctx, j))
}

// set changes the job and tells.
func (j *job) set(change func()) {
	j.jobs.hub.update(func() []any {
		change()
		return []any{j.line()}
	})
}

// step says what is being done now.
func (j *job) step(done int, text string) {
	j.set(func() { j.Done, j.Step = done, text })
}

// add adds what became of a mapping.
func (j *job) add(r result) {
	j.set(func() {
		j.results = append(j.results, r)
		j.Done = len(j.results)
	})
}

// end settles the state: the work failed, or a part of it did, or all is well.
func (j *job) end(ctx context.Context, err error) {
	now := time.Now()
	j.set(func() {
		j.Ended, j.Step, j.State = &now, "", succeeded
		bad := slices.ContainsFunc(j.results, func(r result) bool { return r.Error != nil })
		switch {
		case ctx.Err() != nil && errors.Is(err, context.Canceled):
			j.State, err = cancelled, nil
		case err != nil || bad:
			j.State = failed
		}
		j.Error = explain(err)
		j.jobs.forget()
	})
}

// forget drops the oldest that are over.
func (js *jobs) forget() {
	over := len(js.all) - js.pending()
	js.all = slices.DeleteFunc(js.all, func(j *job) bool {
		if !j.over() || over <= keptJobs {
			return false
		}
		over--
		return true
	})
}

// stop is POST /api/jobs/{id}/cancel.
func (js *jobs) stop(r *http.Request) (any, error) {
	js.hub.mu.Lock()
	defer js.hub.mu.Unlock()
	for _, j := range js.all {
		if j.ID == r.PathValue("id") {
			j.cancel()
			return done{}, nil
		}
	}
	return nil, notFound("no such job")
}
