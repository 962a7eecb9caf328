package emulator_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/streams"
)

// TestLongAndShortAdvances: in a long advance the samples are made ahead of their
// time, in a short one they are not. Clients and the ground truth see no difference.
func TestLongAndShortAdvances(t *testing.T) {
	const seconds = 20
	run := func(scenario string, step time.Duration) (frames, truth []string) {
		e := emulator.StartT(t, emulator.Options{Scenario: scenario, Truth: func(_ string, x streams.Truth) {
			truth = append(truth, fmt.Sprintf("%+v", x))
		}})
		c := dialRaw(t, e)
		c.subscribe("app", allStreams...)
		advance := func(d time.Duration) {
			for end := e.Now().Add(d); e.Now().Before(end); {
				require.NoError(t, e.Advance(min(step, end.Sub(e.Now()))))
			}
		}
		read := make(chan error, 1)
		go func() {
			for range seconds*framesPerSecond - 15 {
				frame, err := c.next(nil)
				if err != nil {
					read <- err
					return
				}
				frames = append(frames, string(frame))
			}
			read <- nil
		}()
		advance(7 * time.Second)
		require.NoError(t, e.Act("blink"))
		require.NoError(t, e.Act("eyes: closed"))
		advance((seconds - 7) * time.Second)
		require.NoError(t, <-read)
		c.call("getCortexInfo", nil) // nothing more
		require.NoError(t, e.Advance(0))
		return frames, truth
	}
	frames, truth := run("testdata/timeline.yaml", time.Hour)
	others, told := run("testdata/timeline.yaml", 50*time.Millisecond)
	require.NotEmpty(t, truth)
	require.Equal(t, told, truth)
	for i := range others {
		require.Equal(t, others[i], frames[i])
	}
}
