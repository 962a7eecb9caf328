package streams

// ahead is a source that makes its samples before they are due, in a goroutine of
// its own, while its owner takes them in their order:
//
//	maker: step ... step --> filled (batches) --> owner: Advance, NextDue
//	                    <-- empty  <--
//
// The maker owns everything of the source until it ends; the owner has the
// batches, and of the source what never changes.
type ahead struct {
	filled, empty chan *batch
	queue         []*batch // taken from filled, not used up
	next          int      // sample of the first of the queue
	ended         bool     // the maker has
}

// batch is a stretch of samples, and what was told between them.
type batch struct {
	samples []made
	values  []int64
	windows []float64 // of band powers that are not computed yet
	truths  []told
}

type made struct {
	Sample
	from, to int // in values
	window   int // in windows, of pow
}

type told struct {
	before int // sample
	truth  Truth
}

const (
	batchSize  = 128 // samples, about: more is not worth waiting for
	maxBatches = 4   // made and not taken
)

// Prefetch makes the samples of the streams in mask until an instant ahead of
// time, beside its caller: for who knows that nothing will happen to the headset
// until then. Advance gives what it would have given without it; NextDue leaves
// out the samples that will be lost. A change of the state that comes before that
// instant after all is made at it.
func (s *Source) Prefetch(until int64, mask Kinds) {
	if s.ahead != nil || mask&s.streams == 0 || until <= s.now {
		return
	}
	s.wake()
	a := &ahead{filled: make(chan *batch, maxBatches), empty: make(chan *batch, maxBatches)}
	for i := range maxBatches {
		if i >= len(s.spares) {
			s.spares = append(s.spares, new(batch))
		}
		a.empty <- s.spares[i]
	}
	s.spares = s.spares[:0]
	if s.collect == nil {
		s.collect = func(x *Sample) { s.batch.keep(x, s.power) }
	}
	s.ahead = a
	go s.makeAhead(a, until, mask)
}

func (s *Source) makeAhead(a *ahead, until int64, mask Kinds) {
	s.batch = (<-a.empty).reset()
	for {
		due := s.due(s.k)
		if due > until {
			break
		}
		s.step(s.k, due, mask, s.collect)
		s.k++
		if len(s.batch.samples) >= batchSize {
			a.filled <- s.batch
			s.batch = (<-a.empty).reset()
		}
	}
	s.now = until
	last := s.batch
	s.batch = nil
	a.filled <- last
	close(a.filled)
}

func (b *batch) reset() *batch {
	b.samples, b.values, b.windows, b.truths = b.samples[:0], b.values[:0], b.windows[:0], b.truths[:0]
	return b
}

// keep copies a sample into the batch that is being made. Of pow, which takes as
// long as all the rest, it keeps what it is computed from: that is for the owner.
func (b *batch) keep(x *Sample, power *bandPower) {
	m := made{Sample: *x, from: len(b.values), window: len(b.windows)}
	b.values = append(b.values, x.Values...)
	m.to = len(b.values)
	if x.Kind == POW {
		b.windows = power.appendWindows(b.windows)
	}
	b.samples = append(b.samples, m)
}

// first returns the sample that comes next, nil when all have been taken and the
// maker has ended: the source is then as it was before Prefetch, and later.
func (s *Source) first() *made {
	a := s.ahead
	for {
		if len(a.queue) > 0 {
			b := a.queue[0]
			if a.next < len(b.samples) {
				return &b.samples[a.next]
			}
			s.tellUpTo(b, len(b.samples))
			a.queue, a.next = a.queue[1:], 0
			select {
			case a.empty <- b:
			default: // Settle has brought more than there is room for
			}
			continue
		}
		if a.ended {
			for len(a.empty) > 0 && len(s.spares) < maxBatches {
				s.spares = append(s.spares, <-a.empty)
			}
			s.ahead = nil
			return nil
		}
		b, more := <-a.filled
		if !more {
			a.ended = true
			continue
		}
		a.queue = append(a.queue, b)
	}
}

// take removes the sample that comes next and completes it.
func (s *Source) take(emit func(*Sample)) {
	a := s.ahead
	b := a.queue[0]
	x := &b.samples[a.next]
	s.tellUpTo(b, a.next)
	a.next++
	if emit == nil {
		return
	}
	x.Values = b.values[x.from:x.to]
	if x.Kind == POW {
		s.power.compute(x.Values, b.windows[x.window:], powWindow)
	}
	emit(&x.Sample)
}

// tellUpTo tells what was put into the signal before sample n of a batch.
func (s *Source) tellUpTo(b *batch, n int) {
	for len(b.truths) > 0 && b.truths[0].before <= n {
		s.truth(b.truths[0].truth)
		b.truths = b.truths[1:]
	}
}

// takeAhead is Advance for what was made ahead. It reports false when that is
// over and the source has to go on by itself.
func (s *Source) takeAhead(until int64, mask Kinds, emit func(*Sample)) bool {
	for {
		x := s.first()
		switch {
		case x == nil:
			return false
		case x.Due > until:
			return true
		case mask.Has(x.Kind):
			s.take(emit)
		default:
			s.take(nil)
		}
	}
}

// Settle waits until everything that Prefetch was asked for has been made; Advance
// still gives it out. Whatever looks at the source or changes it settles it first,
// and so has to do who gives a source up.
func (s *Source) Settle() {
	a := s.ahead
	if a == nil || a.ended {
		return
	}
	for !a.ended {
		select {
		case b, more := <-a.filled:
			if !more {
				a.ended = true
				break
			}
			a.queue = append(a.queue, b)
		case a.empty <- new(batch):
		}
	}
}
