package emulator

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestWorkBesideTheLoop holds a job back: the manual clock stands still, other
// requests are served, and the job's end happens at the instant of its start.
func TestWorkBesideTheLoop(t *testing.T) {
	l := newLoop(0, 0)
	go l.run()
	release, ended := make(chan struct{}), int64(-1)
	require.True(t, l.do(func() {
		l.background(func(context.Context) { <-release }, func() { ended = l.sched.Now() })
	}))
	advanced := make(chan bool, 2)
	go func() { advanced <- l.do(func() { l.advance(time.Second) }) }()
	go func() { advanced <- l.do(func() { l.advance(time.Second) }) }()
	for range 100 {
		var now int64
		require.True(t, l.do(func() { now = l.sched.Now() }), "requests are served while the job runs")
		require.Zero(t, now, "no time passes while it does")
	}
	require.Empty(t, advanced)
	close(release)
	require.True(t, <-advanced)
	require.True(t, <-advanced)
	require.True(t, l.do(func() {
		require.Zero(t, ended)
		require.Equal(t, int64(2*time.Second), l.sched.Now(), "both advances happened")
		require.Equal(t, l.sched.Now(), l.clock.Now())
	}))
	close(l.stop)
	<-l.done
	l.working.Wait()
}

// TestWorkStartedWithinAnAdvance: an event starts a job, and what comes after
// the event waits for it.
func TestWorkStartedWithinAnAdvance(t *testing.T) {
	l := newLoop(0, 0)
	go l.run()
	ended := int64(-1)
	require.True(t, l.do(func() {
		l.sched.After(int64(time.Second), func() {
			l.background(func(context.Context) {}, func() { ended = l.sched.Now() })
		})
		l.sched.After(int64(2*time.Second), func() { require.NotEqual(t, int64(-1), ended) })
		l.advance(3 * time.Second)
	}))
	require.Equal(t, int64(time.Second), ended)
	close(l.stop)
	<-l.done
}

func TestStopEndsWork(t *testing.T) {
	l := newLoop(0, 0)
	go l.run()
	require.True(t, l.do(func() {
		l.background(func(ctx context.Context) { <-ctx.Done() }, func() { t.Error("the loop has ended") })
	}))
	go l.do(func() { l.advance(time.Second) }) // waits for the job, which nobody ends
	close(l.stop)
	<-l.done
	l.cancel()
	l.working.Wait()
}
