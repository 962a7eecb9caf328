package streams

import (
	"container/heap"
	"math"
)

// Event is something that happens at a virtual instant. Its owner may schedule
// it again from within its own function, which costs no allocation.
type Event struct {
	at  int64
	seq uint64
	pos int // 1-based place in the heap, 0 when not scheduled
	fn  func()
}

// NewEvent returns an event that calls fn; it is not scheduled yet.
func NewEvent(fn func()) *Event { return &Event{fn: fn} }

// Pending reports whether the event is waiting to happen.
func (e *Event) Pending() bool { return e != nil && e.pos > 0 }

// Due returns the instant of the event, Unix nanoseconds of virtual time.
func (e *Event) Due() int64 { return e.at }

// Scheduler holds the events of one world in the order in which they happen:
// by instant, and at one instant in the order in which they were scheduled.
// It belongs to one goroutine.
type Scheduler struct {
	now    int64
	seq    uint64
	events eventHeap

	until  int64 // of the Step in which an event is happening
	before int   // how many more times Pass may move the time within it
}

// NewScheduler returns a scheduler that stands at start, Unix nanoseconds.
func NewScheduler(start int64) *Scheduler { return &Scheduler{now: start} }

// Now returns the current virtual instant, Unix nanoseconds.
func (s *Scheduler) Now() int64 { return s.now }

// At calls fn at instant t, or at once in the next step when t has passed.
func (s *Scheduler) At(t int64, fn func()) *Event {
	e := NewEvent(fn)
	s.Schedule(e, t)
	return e
}

// After calls fn when d nanoseconds of virtual time have passed.
func (s *Scheduler) After(d int64, fn func()) *Event { return s.At(s.now+d, fn) }

// Schedule puts e at instant t, moving it if it is waiting already.
func (s *Scheduler) Schedule(e *Event, t int64) {
	e.at = max(t, s.now)
	s.seq++
	e.seq = s.seq
	if e.pos > 0 {
		heap.Fix(&s.events, e.pos-1)
		return
	}
	heap.Push(&s.events, e)
}

// Cancel takes e out; one that is not waiting (or nil) is left alone.
func (s *Scheduler) Cancel(e *Event) {
	if e.Pending() {
		heap.Remove(&s.events, e.pos-1)
	}
}

// Next returns the instant of the next event, math.MaxInt64 when there is none.
func (s *Scheduler) Next() int64 {
	if len(s.events) == 0 {
		return math.MaxInt64
	}
	return s.events[0].at
}

// Len returns the number of waiting events.
func (s *Scheduler) Len() int { return len(s.events) }

// Step makes the next event happen if it is due at or before until. It reports
// false, with the time moved to until, when there is none.
func (s *Scheduler) Step(until int64) bool {
	if s.Next() > until {
		s.now = max(s.now, until)
		return false
	}
	e := heap.Pop(&s.events).(*Event)
	s.now = max(s.now, e.at)
	s.until, s.before = until, maxPass
	e.fn()
	s.before = 0
	return true
}

// maxPass is how often an event can go on by itself before others look around.
const maxPass = 32

// Pass lets the event that is happening go on at instant t, as if it had been
// scheduled for it: it moves the time there and reports true, unless something
// else comes first or the step ends before. It saves an event that happens
// hundreds of times a second the way through the queue.
func (s *Scheduler) Pass(t int64) bool {
	if s.before == 0 || t > s.until || s.Next() <= t {
		return false
	}
	s.before--
	s.now = max(s.now, t)
	return true
}

// Horizon returns the instant until which nothing else will happen than the event
// that is happening now, unless it makes it happen.
func (s *Scheduler) Horizon() int64 { return min(s.until, s.Next()-1) }

type eventHeap []*Event

func (h eventHeap) Len() int { return len(h) }

func (h eventHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].seq < h[j].seq
}

func (h eventHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = i+1, j+1
}

// Push implements heap.Interface.
func (h *eventHeap) Push(x any) {
	e := x.(*Event)
	*h = append(*h, e)
	e.pos = len(*h)
}

// Pop implements heap.Interface.
func (h *eventHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	e.pos = 0
	return e
}
