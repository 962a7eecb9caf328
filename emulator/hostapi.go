package emulator

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/fakecortex/fakecortex/emulator/api"
	"github.com/fakecortex/fakecortex/emulator/faults"
	"github.com/fakecortex/fakecortex/scenarios"
	"github.com/fakecortex/fakecortex/streams"
)

// What tests, the control API and the command line do to a running world, and
// see of it. All of it happens on the loop, at one virtual instant.

// byHand is who wants what a test or the control API does.
const byHand = "by hand"

// Act makes an action of the scenarios package happen, such as "headsetOff",
// "quota: 0" or "{contact: {sensors: [AF3], quality: 0}}".
func (e *Emulator) Act(action string) error {
	a, err := scenarios.ParseAction([]byte(action))
	if err != nil {
		return err
	}
	return e.Perform(byHand, a)
}

// Perform makes an action happen; who wants it is noted in the journal.
func (e *Emulator) Perform(who string, a scenarios.Action) error {
	var err error
	if !e.loop.do(func() {
		if err = e.run.Do(who, a); err == nil {
			e.run.remember(a)
		}
	}) {
		return ErrClosed
	}
	return err
}

// State is the whole emulator at an instant.
type State struct {
	URL         string            `json:"url"`    // for clients, empty: there is no listener
	CAFile      string            `json:"caFile"` // of the certificate that they must trust, empty: it is in memory
	Scenario    string            `json:"scenario"`
	Title       string            `json:"title,omitempty"`
	Seed        uint64            `json:"seed"`
	Clock       ClockState        `json:"clock"`
	Connections []ConnectionState `json:"connections"`
	Faults      []faults.Status   `json:"faults"`
	api.State
}

// ClockState is the virtual clock.
type ClockState struct {
	Now   time.Time `json:"now"`
	Start time.Time `json:"start"`
	// Clock is real, manual, or xN; manual while it is paused.
	Clock  string `json:"clock"`
	Paused bool   `json:"paused"`
}

// ConnectionState is one open connection.
type ConnectionState struct {
	Number  uint64                       `json:"number"` // since the start, from 1
	Remote  string                       `json:"remote"`
	Pending int                          `json:"pendingBytes"` // queued for it
	Samples map[string]map[string]uint64 `json:"samples"`      // by headset and stream
}

// State returns the state of the emulator.
func (e *Emulator) State() State {
	var st State
	e.loop.do(func() {
		r := e.run
		st = State{
			URL: e.URL(), CAFile: e.CAFile(), Scenario: r.life.scenario.Name, Title: r.life.scenario.Title, Seed: r.life.seed, Clock: e.clock(),
			Connections: r.connections(), Faults: r.faults.List(), State: r.service.State(),
		}
	})
	return st
}

func (r *run) connections() []ConnectionState {
	out := []ConnectionState{}
	for _, c := range r.order {
		if c.cut {
			continue
		}
		out = append(out, ConnectionState{Number: c.number, Remote: c.conn.Remote(), Pending: c.conn.Pending(), Samples: c.sampleCounts()})
	}
	return out
}

// Clock returns the state of the virtual clock.
func (e *Emulator) Clock() ClockState {
	var c ClockState
	e.loop.do(func() { c = e.clock() })
	return c
}

func (e *Emulator) clock() ClockState {
	return ClockState{Now: e.run.service.Now(), Start: e.run.life.start, Clock: streams.FormatScale(e.loop.clock.Scale()), Paused: e.run.paused > 0}
}

// SetClock changes the speed of the virtual clock from now on: real, manual (it
// stands still), or xN.
func (e *Emulator) SetClock(speed string) error {
	scale, err := streams.ParseScale(speed)
	if err != nil {
		return err
	}
	if !e.loop.do(func() {
		e.run.paused = 0
		e.setScale(scale)
	}) {
		return ErrClosed
	}
	return nil
}

// setScale changes the speed of the clock and notes it.
func (e *Emulator) setScale(scale float64) {
	e.loop.clock.SetScale(scale)
	e.run.journal.add(scenarios.Entry{
		At: e.run.Now(), Kind: scenarios.EntryNote, Step: byHand, Message: jsonText("the clock is " + streams.FormatScale(scale) + " from now on"),
	})
}

// Pause makes the virtual clock stand still, as manual does; Resume lets it go
// on as before. Pausing twice and resuming what is not paused do nothing.
func (e *Emulator) Pause() error {
	if !e.loop.do(func() {
		if scale := e.loop.clock.Scale(); scale > 0 {
			e.run.paused = scale
			e.setScale(0)
		}
	}) {
		return ErrClosed
	}
	return nil
}

// Resume ends Pause.
func (e *Emulator) Resume() error {
	if !e.loop.do(func() {
		if e.run.paused > 0 {
			e.setScale(e.run.paused)
			e.run.paused = 0
		}
	}) {
		return ErrClosed
	}
	return nil
}

// Reset begins the world anew, as at the start, seed and clock included. Clients
// are closed with code 1001.
func (e *Emulator) Reset() error { return e.load(nil) }

// Load begins the world of another scenario, a built-in name or a file. The
// options that the emulator was started with still go before it.
func (e *Emulator) Load(name string, set map[string]string) error {
	s, err := scenarios.Load(name, scenarios.Options{Set: set})
	if err != nil {
		return err
	}
	return e.load(s)
}

// LoadDocument is Load for the text of a document. It can extend built-in
// scenarios only.
func (e *Emulator) LoadDocument(text []byte, set map[string]string) error {
	s, err := scenarios.LoadBytes("document.yaml", text, scenarios.Options{Set: set, ReadFile: func(name string) ([]byte, error) {
		return nil, fmt.Errorf("%s: a document from memory can extend built-in scenarios only", name)
	}})
	if err != nil {
		return err
	}
	return e.load(s)
}

// load begins another life: of the scenario s, of the present one with nil.
func (e *Emulator) load(s *scenarios.Scenario) error {
	var err error
	if !e.loop.do(func() {
		if s == nil {
			s = e.run.life.scenario
		}
		err = e.begin(s)
	}) {
		return ErrClosed
	}
	return err
}

func (e *Emulator) begin(s *scenarios.Scenario) error {
	life, err := e.options.plan(s)
	if err != nil {
		return err
	}
	e.run.service.Flush()
	sched := streams.NewScheduler(life.start.UnixNano())
	next, err := e.newRun(life, sched)
	if err != nil {
		return err
	}
	next.journal.life = e.run.journal.life + 1
	if err := e.run.journal.flush(); err != nil {
		e.options.Logger.Warn("journal not written", "error", err)
	}
	e.run.end("the world was reset")
	clear(e.conns)
	e.run = next
	e.gateway.SetLimits(life.limits())
	e.loop.reset(sched, streams.NewClock(life.start.UnixNano(), life.scale))
	next.begin()
	e.options.Logger.Info("the world begins anew", "scenario", s.Name, "seed", life.seed)
	return nil
}

// Scenario returns the scenario in force. It must not be changed.
func (e *Emulator) Scenario() *scenarios.Scenario {
	var s *scenarios.Scenario
	e.loop.do(func() { s = e.run.life.scenario })
	return s
}

// Counters count what happened since the start or the last reset.
type Counters struct {
	Life        uint64            `json:"life"` // number of the present life of the world: each reset begins another
	Start       time.Time         `json:"start"`
	Now         time.Time         `json:"now"`
	Connections int               `json:"connections"` // open
	Opened      uint64            `json:"opened"`
	Sessions    int               `json:"sessions"`
	Calls       map[string]uint64 `json:"calls"`    // by method; one that is not known is "unknown"
	Errors      map[int]uint64    `json:"errors"`   // by code
	Warnings    map[int]uint64    `json:"warnings"` // by code
	Samples     map[string]uint64 `json:"samples"`  // sent to clients, by stream
	FaultHits   map[string]uint64 `json:"faultHits"`
	Entries     uint64            `json:"entries"` // of the journal
}

// Counters returns the counters.
func (e *Emulator) Counters() Counters {
	var c Counters
	e.loop.do(func() {
		r := e.run
		c = Counters{
			Life: r.journal.life, Start: r.life.start, Now: r.service.Now(), Connections: len(r.order), Opened: r.number, Sessions: len(r.service.Store.Sessions()),
			Calls: maps.Clone(r.journal.calls), Errors: maps.Clone(r.journal.errors), Warnings: maps.Clone(r.journal.warnings),
			Samples: map[string]uint64{}, FaultHits: map[string]uint64{}, Entries: r.journal.seq,
		}
		for kind, n := range r.samples {
			if n > 0 {
				c.Samples[streams.Kind(kind).String()] += n
			}
		}
		for _, f := range r.faults.List() {
			c.FaultHits[f.Rule.ID] = uint64(f.Hits)
		}
	})
	return c
}

// Journal returns the entries that a query chooses.
func (e *Emulator) Journal(q JournalQuery) JournalPage {
	page := JournalPage{Entries: []JournalEntry{}}
	e.loop.do(func() { page = e.run.journal.find(&q) })
	return page
}

// FollowJournal is Journal, but waits for an entry when there is none. It
// returns an empty page when ctx ends first, or when the world was reset since
// the life that the query names.
func (e *Emulator) FollowJournal(ctx context.Context, q JournalQuery) (JournalPage, error) {
	for {
		var page JournalPage
		var j *journal
		wait := make(chan struct{})
		if !e.loop.do(func() {
			j = e.run.journal
			if q.Life == 0 {
				q.Life = j.life
			}
			if page = j.find(&q); len(page.Entries) == 0 && page.Life == q.Life {
				j.waiting = append(j.waiting, wait)
			}
		}) {
			return page, ErrClosed
		}
		if len(page.Entries) > 0 || page.Life != q.Life {
			return page, nil
		}
		q.After = page.Next
		select {
		case <-wait:
		case <-ctx.Done():
			e.loop.do(func() { j.forget(wait) })
			return page, nil
		case <-e.loop.done:
			return page, ErrClosed
		}
	}
}

// Truth returns what was put into the signals since the start, the last 20,000
// of it.
func (e *Emulator) Truth() []Truth {
	truth := []Truth{}
	e.loop.do(func() { truth = e.run.truths.all() })
	return truth
}

// Verdict is what is to be said of the client so far.
type Verdict struct {
	Scenario     string              `json:"scenario"`
	At           time.Time           `json:"at"`
	Passed       bool                `json:"passed"` // every expectation
	Expectations []scenarios.Outcome `json:"expectations"`
	Findings     []scenarios.Finding `json:"findings"` // of the linter
	Failures     []string            `json:"failures"` // actions that could not be done
}

// Verdict judges the client as if the run ended now. Final says that it does:
// then sessions that are open and trainings without an answer are findings too,
// and the linter looks no further.
func (e *Emulator) Verdict(final bool) Verdict {
	var v Verdict
	e.loop.do(func() {
		r := e.run
		v = Verdict{
			Scenario: r.life.scenario.Name, At: r.service.Now(), Passed: true, Expectations: r.journal.verdict.Finish(r.Now()),
			Findings: []scenarios.Finding{}, Failures: []string{},
		}
		if final {
			v.Findings = append(v.Findings, r.journal.linter.Finish(r.Now())...)
		} else {
			v.Findings = append(v.Findings, r.journal.linter.Findings()...)
		}
		for _, o := range v.Expectations {
			v.Passed = v.Passed && o.Passed
		}
		for _, f := range r.engine.Failures() {
			v.Failures = append(v.Failures, f.Error())
		}
	})
	return v
}

// AddFault adds a rule of the wire's faults and returns its id.
func (e *Emulator) AddFault(rule faults.Rule) (id string, err error) {
	if !e.loop.do(func() {
		if id, err = e.run.faults.Add(e.run.Now(), rule); err == nil {
			rule.ID = id
			a := addFault(&rule)
			e.run.noteAction(byHand, a)
			e.run.remember(a)
		}
	}) {
		return "", ErrClosed
	}
	return id, err
}

// RemoveFault takes a rule away, every one with "". What it held goes at once.
func (e *Emulator) RemoveFault(id string) error {
	return e.Perform(byHand, clearFault(id))
}

// Faults returns the rules of the wire's faults.
func (e *Emulator) Faults() []faults.Status {
	var list []faults.Status
	e.loop.do(func() { list = e.run.faults.List() })
	return list
}

// ExportRecord writes the files of a record into x.Folder, an absolute path, and
// returns their paths. It is for somebody beside the clients: no application,
// license or warning stands before it.
func (e *Emulator) ExportRecord(ctx context.Context, id string, x api.RecordExport) (files []string, err error) {
	var work func(context.Context) ([]string, error)
	if !e.loop.do(func() { work, err = e.run.service.PrepareExport(id, x) }) {
		return nil, ErrClosed
	}
	if err != nil {
		return nil, err
	}
	return work(ctx)
}
