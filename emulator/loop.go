package emulator

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/fakecortex/fakecortex/streams"
)

// loop owns a world: it takes the next event of the scheduler, or the next
// request, applies it, and lets the clients' writers go. Nothing else touches
// the world, so there are no locks around it.
type loop struct {
	sched *streams.Scheduler
	clock *streams.Clock
	inbox chan func()
	stop  chan struct{}
	done  chan struct{}

	dirty []*client // clients with frames that their writer was not told of

	advancing bool                  // the clock is being moved by hand
	jobs      int                   // work beside the loop whose end the loop has not seen
	hold      func(context.Context) // tests keep that work back with it; nil: nothing does
	target    int64                 // of the running advance
	working   sync.WaitGroup        // the goroutines of that work
	ctx       context.Context       // theirs; cancel ends it
	cancel    context.CancelFunc
}

// inboxSize is how many requests may wait for the loop before the readers of
// the connections wait too.
const inboxSize = 256

// stallLimit is how long the manual clock waits for a client that does not read
// before that client is cut, in real time.
const stallLimit = 30 * time.Second

// flushAt is how many bytes may gather for a client within one advance before
// its writer starts.
const flushAt = 64 << 10

func newLoop(start int64, scale float64) *loop {
	l := &loop{
		sched: streams.NewScheduler(start), clock: streams.NewClock(start, scale),
		inbox: make(chan func(), inboxSize), stop: make(chan struct{}), done: make(chan struct{}),
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// background runs work in a goroutine of its own and then done on the loop. It
// is called on the loop.
func (l *loop) background(work func(context.Context), done func()) {
	l.jobs++
	l.working.Add(1)
	hold := l.hold
	go func() {
		defer l.working.Done()
		if hold != nil {
			hold(l.ctx)
		}
		work(l.ctx)
		l.post(func() {
			l.jobs--
			done()
		})
	}()
}

// settle waits for the work beside the loop and serves requests meanwhile: on
// the manual clock no time passes while a file is being written, so that the
// instant of its answer is the same in every run.
func (l *loop) settle() {
	for l.jobs > 0 {
		l.flush()
		select {
		case fn := <-l.inbox:
			fn()
		case <-l.stop:
			return
		}
	}
}

// run is the loop. It returns when stop is closed.
func (l *loop) run() {
	defer close(l.done)
	timer := time.NewTimer(math.MaxInt64)
	defer timer.Stop()
	for {
		behind := l.catchUp()
		l.flush()
		wait := time.Duration(0)
		if !behind {
			wait = l.clock.Until(l.sched.Next())
		}
		timer.Reset(wait)
		select {
		case fn := <-l.inbox:
			l.take(fn)
		case <-timer.C:
		case <-l.stop:
			return
		}
	}
}

// take applies a request and those that wait behind it, a bounded number so
// that no flood of requests holds up the samples. Each happens at the instant at
// which it is taken, behind what is due by then.
func (l *loop) take(fn func()) {
	for range 64 {
		l.catchUp()
		fn()
		select {
		case fn = <-l.inbox:
		default:
			return
		}
	}
	l.catchUp()
	fn()
}

// slice is how many events may happen before the loop looks at its inbox again;
// one can go on by itself for a while (Scheduler.Pass).
const slice = 256

// catchUp makes the events that are due happen, in order, and reports whether
// more are left. On the real clock a late loop catches up, without loss. On a
// scaled clock that is too fast for the machine time itself slows down: waiting
// requests must not starve behind samples that never end.
func (l *loop) catchUp() (behind bool) {
	t := l.clock.Now()
	for range slice {
		if !l.sched.Step(t) {
			return false
		}
	}
	if scale := l.clock.Scale(); scale != 0 && scale != 1 {
		l.clock.Set(l.sched.Now())
	}
	return true
}

// reset puts another world in the place of the present one.
func (l *loop) reset(sched *streams.Scheduler, clock *streams.Clock) {
	l.sched, l.clock, l.target = sched, clock, 0
}

// advance moves the time by d as fast as the machine can. No frame is lost: a
// client whose outbox fills makes the loop wait.
// It may be called again from within settle, and then goes on from where the
// outer call is heading.
func (l *loop) advance(d time.Duration) {
	l.settle()
	target := max(l.clock.Now(), l.target) + int64(d)
	l.target = target
	outer := l.advancing
	l.advancing = true
	defer func() { l.advancing = outer }()
	world := l.sched
	for l.sched == world && l.sched.Step(target) {
		l.giveRoom()
		l.settle()
	}
	if l.sched == world { // not reset meanwhile
		l.clock.Set(max(l.clock.Now(), target))
	}
}

// giveRoom starts the writers of clients for which much is waiting and waits
// for those that are half full.
func (l *loop) giveRoom() {
	for _, c := range l.dirty {
		if pending := c.conn.Pending(); pending >= min(flushAt, c.limit/2) {
			c.conn.Flush()
			if pending >= c.limit/2 {
				ctx, cancel := context.WithTimeout(context.Background(), stallLimit)
				if err := c.conn.WaitRoom(ctx); err != nil && ctx.Err() != nil {
					c.Close(1008, "the client does not read")
				}
				cancel()
			}
		}
	}
}

// flush lets the writers send what was queued since the last flush.
func (l *loop) flush() {
	for i, c := range l.dirty {
		c.dirty = false
		c.conn.Flush()
		l.dirty[i] = nil
	}
	l.dirty = l.dirty[:0]
}

// post hands fn to the loop; it reports false when the loop has ended.
func (l *loop) post(fn func()) bool {
	select {
	case l.inbox <- fn:
		return true
	case <-l.done:
		return false
	}
}

// do runs fn on the loop and waits for it.
func (l *loop) do(fn func()) bool {
	ran := make(chan struct{})
	if !l.post(func() { fn(); close(ran) }) {
		return false
	}
	select {
	case <-ran:
		return true
	case <-l.done:
		return false
	}
}
