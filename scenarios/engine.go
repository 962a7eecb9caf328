package scenarios

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"

	"github.com/fakecortex/fakecortex/streams"
)

// Host is the world in which an Engine acts: the emulator's loop. All calls are
// made on the loop, and none from within another one of its methods except Do.
type Host interface {
	// Now returns the virtual time, Unix nanoseconds.
	Now() int64
	// At calls fn at virtual time t; what is due at the same time comes in the
	// order of the calls. cancel takes it back.
	At(t int64, fn func()) (cancel func())
	// Do makes an action happen. step is the name of the step that wants it.
	Do(step string, a Action) error
}

// Event is something that happened in the world; its name is one of Events.
type Event struct {
	Name   string
	Fields map[string]string
}

// Failure is an action that could not be done.
type Failure struct {
	Step   string
	Action Action
	Err    error
}

// Error implements error.
func (f Failure) Error() string { return fmt.Sprintf("%s: %s: %s", f.Step, f.Action.Name, f.Err) }

// maxAtOnce bounds the actions at one instant: steps that trigger each other
// for ever are a mistake of the scenario.
const maxAtOnce = 10_000

// Engine makes the timeline of a scenario happen. It has no clock and no
// goroutines: its owner tells it what happens, and it schedules what follows.
// It belongs to one goroutine.
type Engine struct {
	host     Host
	steps    []*step
	started  bool
	origin   int64
	events   map[string][]*step // by the event's name
	after    map[string][]*step // by the name of the step waited for
	calls    []*step
	samples  []*step
	streams  streams.Kinds
	cancel   map[*step]map[int]func()
	serial   int
	instant  int64
	atOnce   int
	failures []Failure
	stopped  bool
}

// step is a Step with its state.
type step struct {
	*Step
	name   string
	rng    *rand.Rand
	params wanted
	seen   int   // occurrences of the trigger
	ticks  int64 // of every
	kinds  streams.Kinds
	counts map[string]int // samples by headset
	done   int
	last   int64
}

// Progress is a step and how often it was done, the last time at Last (Unix
// nanoseconds).
type Progress struct {
	*Step
	Name  string
	Times int
	Last  int64
}

// Progress returns where each step of the timeline stands.
func (e *Engine) Progress() []Progress {
	list := make([]Progress, len(e.steps))
	for i, s := range e.steps {
		list[i] = Progress{s.Step, s.name, s.done, s.last}
	}
	return list
}

// NewEngine returns the engine of a document. Probabilities follow seed, each
// step by itself: a step more or less does not change the others.
func NewEngine(doc *Document, host Host, seed uint64) *Engine {
	e := &Engine{host: host, events: map[string][]*step{}, after: map[string][]*step{}, cancel: map[*step]map[int]func(){}}
	for i := range doc.Timeline {
		s := &step{Step: &doc.Timeline[i], name: doc.Timeline[i].Name, counts: map[string]int{}}
		if s.name == "" {
			s.name = "timeline[" + strconv.Itoa(i) + "]"
		}
		h := fnv.New64a()
		h.Write([]byte(s.name))
		s.rng = rand.New(rand.NewPCG(seed, h.Sum64()))
		e.steps = append(e.steps, s)
		switch {
		case s.After != nil && s.After.Event != "":
			e.events[s.After.Event] = append(e.events[s.After.Event], s)
		case s.After != nil:
			e.after[s.After.Step] = append(e.after[s.After.Step], s)
		case s.OnCall != nil:
			s.params = want(s.OnCall.Params)
			e.calls = append(e.calls, s)
		case s.OnSample != nil:
			if k, ok := streams.ParseKind(s.OnSample.Stream); ok {
				s.kinds = streams.KindSet(k)
				if k == streams.MET {
					s.kinds |= streams.KindSet(streams.METLow)
				}
			}
			e.samples = append(e.samples, s)
			e.streams |= s.kinds
		}
	}
	return e
}

// Start begins the timeline now.
func (e *Engine) Start() {
	if e.started {
		return
	}
	e.started = true
	e.origin = e.host.Now()
	for _, s := range e.steps {
		switch {
		case s.At != nil:
			e.schedule(s, e.origin+int64(*s.At))
		case s.Every != nil:
			e.tick(s)
		}
	}
	e.Observe(Event{Name: EvStarted})
}

// Stop ends the timeline: nothing happens any more.
func (e *Engine) Stop() {
	e.stopped = true
	for _, of := range e.cancel {
		for _, cancel := range of {
			cancel()
		}
	}
	e.cancel = nil
}

// maxFailures bounds the failures that are kept: a step may fail for ever.
const maxFailures = 1000

// Failures returns the actions that could not be done so far, the first 1,000.
func (e *Engine) Failures() []Failure { return e.failures }

// Streams returns the streams of which OnSample has to be told.
func (e *Engine) Streams() streams.Kinds { return e.streams }

// tick schedules the next time of an every step; the times are multiples of the
// period from the start, so they do not drift.
func (e *Engine) tick(s *step) {
	if s.Count > 0 && s.ticks >= int64(s.Count) {
		return
	}
	s.ticks++
	e.at(s, e.origin+s.ticks*int64(*s.Every), func() {
		e.tick(s)
		e.trigger(s)
	})
}

// at calls fn at t unless the engine is stopped before.
func (e *Engine) at(s *step, t int64, fn func()) {
	e.serial++
	id := e.serial
	if e.cancel[s] == nil {
		e.cancel[s] = map[int]func(){}
	}
	e.cancel[s][id] = e.host.At(t, func() {
		if e.stopped {
			return
		}
		delete(e.cancel[s], id)
		fn()
	})
}

func (e *Engine) schedule(s *step, t int64) { e.at(s, t, func() { e.trigger(s) }) }

// trigger does the actions of a step, if chance wants so.
func (e *Engine) trigger(s *step) {
	if s.Probability != nil && *s.Probability < 1 && s.rng.Float64() >= *s.Probability {
		return
	}
	s.done, s.last = s.done+1, e.host.Now()
	for _, a := range s.Do {
		if e.stopped || !e.allowed(s, a) {
			return
		}
		if err := e.host.Do(s.name, a); err != nil && len(e.failures) < maxFailures {
			e.failures = append(e.failures, Failure{s.name, a, err})
		}
	}
	for _, follower := range e.after[s.Name] {
		if s.Name != "" {
			e.occurred(follower)
		}
	}
}

func (e *Engine) allowed(s *step, a Action) bool {
	if now := e.host.Now(); now != e.instant {
		e.instant, e.atOnce = now, 0
	}
	if e.atOnce++; e.atOnce <= maxAtOnce {
		return true
	}
	e.failures = append(e.failures, Failure{s.name, a, fmt.Errorf("more than %d actions at one instant: steps trigger each other for ever, the timeline is stopped", maxAtOnce)})
	e.Stop()
	return false
}

// occurred counts an occurrence of what an after step waits for.
func (e *Engine) occurred(s *step) {
	s.seen++
	if s.After.N == 0 || s.seen == s.After.N {
		// Also without a delay it comes behind what is happening now.
		e.schedule(s, e.host.Now()+int64(s.After.Delay))
	}
}

// Observe tells of an event.
func (e *Engine) Observe(ev Event) {
	if e.stopped {
		return
	}
	for _, s := range e.events[ev.Name] {
		if matchFields(s.After.Where, ev.Fields) {
			e.occurred(s)
		}
	}
}

func matchFields(where, fields map[string]string) bool {
	for k, v := range where {
		if got, ok := fields[k]; !ok || v != "*" && got != v {
			return false
		}
	}
	return true
}

// OnCall tells of a request, before it is served: a step without a delay acts
// at once, so that the call meets the world that the step made.
func (e *Engine) OnCall(conn uint64, method string, params []byte) {
	if e.stopped {
		return
	}
	for _, s := range e.calls {
		c := s.OnCall
		if c.Method != "*" && c.Method != method || c.Connection != 0 && uint64(c.Connection) != conn || s.params.differs(params, "params") != "" {
			continue
		}
		s.seen++
		if c.N != 0 && s.seen != c.N {
			continue
		}
		if c.Delay == 0 {
			e.trigger(s)
		} else {
			e.schedule(s, e.host.Now()+int64(c.Delay))
		}
		if e.stopped {
			return
		}
	}
}

// OnSample tells that a headset's stream has sent a sample to at least one
// client. It need be called for Streams only.
func (e *Engine) OnSample(headset string, kind streams.Kind) {
	if e.stopped || !e.streams.Has(kind) {
		return
	}
	left := streams.Kinds(0)
	for _, s := range e.samples {
		o := s.OnSample
		over := !o.Repeat && o.Headset != "" && s.counts[headset] >= o.N
		if s.kinds.Has(kind) && (o.Headset == "" || o.Headset == headset) && !over {
			s.counts[headset]++
			if n := s.counts[headset]; n == o.N || o.Repeat && n%o.N == 0 {
				e.schedule(s, e.host.Now()+int64(o.Delay))
			}
		}
		if o.Repeat || o.Headset == "" || s.counts[o.Headset] < o.N {
			left |= s.kinds
		}
	}
	e.streams = left
}
