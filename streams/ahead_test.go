package streams

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is made ahead is what would have been made: samples, truth and their order.
func TestPrefetchChangesNothing(t *testing.T) {
	record := func(prefetch func(s *Source, until int64, kinds Kinds), kinds Kinds, steps []int64) (log []string) {
		s := testSource(t, "EPOCX", func(c *SourceConfig) {
			c.State.Loss = Loss{Probability: 0.01, Burst: 8, InterpolationLimit: 10}
			c.State.Eyes = "closed"
			c.State.ERP = []ERP{{Match: "x", Latency: 0.3, Amplitude: 9}}
			c.Truth = func(x Truth) { log = append(log, fmt.Sprintf("%s at %d", x.Kind, x.At)) }
		})
		samples := 0
		emit := func(x *Sample) { log = append(log, wire(s, x)); samples++ }
		now := testStart
		for i, end := range []int64{4e9, 9e9, 9_100_000_000, 15e9} {
			prefetch(s, testStart+end, kinds)
			for now < testStart+end {
				now = min(now+steps[i], testStart+end)
				due, seen := s.NextDue(kinds), samples
				s.Advance(now, kinds, emit)
				if due > now {
					require.Equal(t, seen, samples, "nothing was due")
				}
			}
			switch i {
			case 0:
				s.Stimulus(now, "x")
			case 1:
				require.NoError(t, s.Update(func(st *State) { st.Head.Movement, st.Eyes = "nod", "open" }))
			case 2:
				s.Blink(now + 1e9)
			}
		}
		return log
	}
	for _, kinds := range []Kinds{AllKinds, KindSet(EEG), KindSet(POW, MET), KindSet(DEV, FAC, METLow)} {
		for _, steps := range [][]int64{{3e9, 3e9, 3e9, 3e9}, {3_906_250, 7e7, 1e7, 11e9}} {
			plain := record(func(*Source, int64, Kinds) {}, kinds, steps)
			require.NotEmpty(t, plain)
			require.Equal(t, plain, record((*Source).Prefetch, kinds, steps))
		}
	}
}

// Changes, looks and other wishes that come while it is being made wait for it;
// what was made before is not lost.
func TestPrefetchInterrupted(t *testing.T) {
	var plain, got []string
	s := testSource(t, "EPOCX", noBlinks)
	s.Advance(testStart+20e9, AllKinds, func(x *Sample) { plain = append(plain, wire(s, x)) })

	s = testSource(t, "EPOCX", noBlinks)
	emit := func(x *Sample) { got = append(got, wire(s, x)) }
	s.Prefetch(testStart+20e9, AllKinds)
	s.Prefetch(testStart+30e9, AllKinds) // one at a time
	s.Advance(testStart+3e9, AllKinds, emit)
	assert.Equal(t, 80.0, s.State().Battery.Percent)
	require.NoError(t, s.Update(func(st *State) { st.Battery.Percent = 40 }))
	s.Blink(s.now)
	s.Advance(testStart+20e9, AllKinds, emit)
	assert.Equal(t, plain, got, "the change comes at the end")
	percent := int64(0)
	s.Advance(testStart+22e9, KindSet(DEV), func(x *Sample) { percent = x.Values[len(x.Values)-1] })
	assert.Equal(t, int64(40), percent)

	// Fewer streams, and none.
	s.Prefetch(testStart+40e9, AllKinds)
	assert.Equal(t, testStart+int64(30e9), s.NextDue(KindSet(METLow)))
	n := 0
	s.Advance(testStart+35e9, KindSet(METLow), func(x *Sample) { assert.Equal(t, METLow, x.Kind); n++ })
	assert.Equal(t, 1, n)
	s.Advance(testStart+36e9, 0, nil)
	assert.Equal(t, int64(math.MaxInt64), s.NextDue(0))
	s.Advance(testStart+41e9, KindSet(EEG), func(x *Sample) { n++ })
	assert.Equal(t, 1+256, n, "what was passed over is gone")
	assert.Nil(t, s.ahead)
}

func BenchmarkPrefetch(b *testing.B) {
	s := testSource(b, "EPOCX")
	emit := func(*Sample) {}
	b.ReportAllocs()
	for b.Loop() { // one operation is a minute
		until := s.now + 60e9
		s.Prefetch(until, AllKinds)
		s.Advance(until, AllKinds, emit)
	}
	b.ReportMetric(float64(60*b.N)/b.Elapsed().Seconds(), "x-real-time")
}

// A source that is given up leaves no goroutine behind.
func TestPrefetchGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testSource(t, "EPOCX")
		s.Prefetch(testStart+60e9, AllKinds)
		s.Advance(testStart+1e9, AllKinds, func(*Sample) {})
		s.Settle()
	})
}
