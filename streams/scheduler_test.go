package streams

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestEventsHappenInOrder(t *testing.T) {
	s := NewScheduler(100)
	var log []string
	note := func(name string) func() { return func() { log = append(log, fmt.Sprintf("%s %d", name, s.Now())) } }
	s.After(20, note("c"))
	s.At(110, note("a"))
	s.After(20, note("d")) // at the same instant in the order in which they came
	gone := s.At(115, note("gone"))
	late := s.At(130, note("late"))
	s.At(90, note("past")) // the next step is soon enough
	s.Schedule(late, 112)
	s.Cancel(gone)
	s.Cancel(gone)
	assert.False(t, gone.Pending())
	assert.Equal(t, int64(100), s.Next())
	for s.Step(119) {
	}
	assert.Equal(t, []string{"past 100", "a 110", "late 112"}, log)
	assert.Equal(t, int64(119), s.Now())
	for s.Step(500) {
	}
	assert.Equal(t, []string{"c 120", "d 120"}, log[3:])
	assert.Equal(t, int64(500), s.Now())
	assert.Equal(t, int64(math.MaxInt64), s.Next())
	assert.False(t, s.Pass(501), "no event is happening")
}

// Whoever goes on by Pass happens when it would have happened through the queue.
func TestPassChangesNothing(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		periods := rapid.SliceOfN(rapid.Int64Range(1, 20), 1, 4).Draw(r, "periods")
		single := rapid.SliceOfN(rapid.Int64Range(0, 500), 0, 10).Draw(r, "single")
		steps := rapid.SliceOfN(rapid.Int64Range(1, 300), 1, 5).Draw(r, "steps")
		record := func(pass bool) (log []string, steady int) {
			s := NewScheduler(0)
			for i, period := range periods {
				var e *Event
				e = NewEvent(func() {
					steady++
					log = append(log, fmt.Sprintf("%d at %d", i, s.Now()))
					for pass && s.Pass(s.Now()+period) {
						log = append(log, fmt.Sprintf("%d at %d", i, s.Now()))
					}
					s.Schedule(e, s.Now()+period)
				})
				s.Schedule(e, int64(i))
			}
			for _, at := range single {
				s.At(at, func() { log = append(log, fmt.Sprintf("single at %d", s.Now())) })
			}
			until := int64(0)
			for _, step := range steps {
				for until += step; s.Step(until); {
				}
				log = append(log, fmt.Sprintf("now %d", s.Now()))
			}
			return log, steady
		}
		plain, n := record(false)
		passed, m := record(true)
		require.Equal(r, plain, passed)
		require.LessOrEqual(r, m, n)
	})
}

func TestPassEndsAfterAWhile(t *testing.T) {
	s := NewScheduler(0)
	n := 0
	s.At(1, func() {
		for s.Pass(s.Now() + 1) {
			n++
		}
	})
	require.True(t, s.Step(1e9))
	assert.Equal(t, maxPass, n)
}
