package emulator_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/api"
)

// bubble runs a test in fake time with an emulator that is reachable in memory.
func bubble(t *testing.T, options emulator.Options, test func(*testing.T, *emulator.Emulator, *peer)) {
	synctest.Test(t, func(t *testing.T) {
		e, err := emulator.Start(options)
		require.NoError(t, err)
		p := dialMemory(t, e)
		test(t, e, p)
		p.conn.CloseNow()
		require.NoError(t, e.Close())
		synctest.Wait()
	})
}

func sampleTime(t *testing.T, frame string) float64 {
	t.Helper()
	var s sample
	require.NoError(t, json.Unmarshal([]byte(frame), &s))
	seconds, err := s.Time.Float64()
	require.NoError(t, err)
	return seconds
}

// TestRealClockSendsEachSampleAtItsInstant: with a machine that is never late a
// frame arrives at the instant that its time tells.
func TestRealClockSendsEachSampleAtItsInstant(t *testing.T) {
	bubble(t, emulator.Options{Clock: "real"}, func(t *testing.T, _ *emulator.Emulator, p *peer) {
		p.subscribe("eeg")
		begin := time.Now()
		for range 2560 {
			frame := p.read()
			require.InDelta(t, float64(time.Now().UnixNano())*1e-9, sampleTime(t, frame), 0.0001)
		}
		require.InDelta(t, 10, time.Since(begin).Seconds(), 1.0/256)
	})
}

// TestIdleLoopKnowsTheTime: what comes from outside after a while in which nothing
// was due happens now, not when something was due last.
func TestIdleLoopKnowsTheTime(t *testing.T) {
	bubble(t, emulator.Options{Clock: "real", Scenario: "c4-no-headset"}, func(t *testing.T, e *emulator.Emulator, p *peer) {
		time.Sleep(10 * time.Second)
		require.True(t, e.Now().Equal(time.Now()), "%s is %s", time.Now(), e.Now())
		require.NoError(t, e.Act("fault: {latency: 2s}"))
		time.Sleep(10 * time.Second)
		begin := time.Now()
		p.call("getCortexInfo", nil)
		require.Equal(t, 2*time.Second, time.Since(begin))
	})
}

func TestScaledClockIsFasterByItsFactor(t *testing.T) {
	bubble(t, emulator.Options{Clock: "x8"}, func(t *testing.T, _ *emulator.Emulator, p *peer) {
		p.subscribe("eeg")
		begin := time.Now()
		for range 2560 {
			p.read()
		}
		require.InDelta(t, 10.0/8, time.Since(begin).Seconds(), 0.01)
	})
}

// TestLateLoopCatchesUp holds the loop for three seconds: every sample of them
// comes afterwards, with the instant at which it was due.
func TestLateLoopCatchesUp(t *testing.T) {
	bubble(t, emulator.Options{Clock: "real"}, func(t *testing.T, e *emulator.Emulator, p *peer) {
		p.subscribe("eeg")
		last := sampleTime(t, p.read())
		require.NoError(t, e.Do(func(*api.Service) { time.Sleep(3 * time.Second) }))
		for range 4 * 256 {
			now := sampleTime(t, p.read())
			require.InDelta(t, 1.0/256, now-last, 0.0002)
			last = now
		}
	})
}

// TestManualClockStandsStill: a day of the host moves nothing.
func TestManualClockStandsStill(t *testing.T) {
	bubble(t, emulator.Options{Clock: "manual"}, func(t *testing.T, e *emulator.Emulator, p *peer) {
		p.subscribe("eeg")
		before := e.Now()
		time.Sleep(24 * time.Hour)
		require.Equal(t, before, e.Now())
		p.call("getCortexInfo", nil) // no sample stands before the answer
		require.NoError(t, e.Advance(time.Second/256))
		p.read()
	})
}

// TestStalledReaderIsCutOnTheManualClock: the loop waits for it, but not for ever.
func TestStalledReaderIsCutOnTheManualClock(t *testing.T) {
	bubble(t, emulator.Options{Clock: "manual", OutboxLimit: 1 << 20}, func(t *testing.T, e *emulator.Emulator, p *peer) {
		p.subscribe("eeg")
		begin := time.Now()
		require.NoError(t, e.Advance(5*time.Minute))
		require.Greater(t, time.Since(begin), 29*time.Second, "it waits for a slow reader")
		time.Sleep(time.Minute)
		sessions := -1
		require.NoError(t, e.Do(func(s *api.Service) { sessions = len(s.Store.Sessions()) }))
		require.Zero(t, sessions, "the client is gone and with it its session")
	})
}

// TestReadersAreNotDisturbedBySlowOnes: one client never reads and is cut at the
// bound of its outbox with 1008; the other misses nothing, and nothing is late.
func TestReadersAreNotDisturbedBySlowOnes(t *testing.T) {
	bubble(t, emulator.Options{Clock: "real", OutboxLimit: 64 << 10}, func(t *testing.T, e *emulator.Emulator, quick *peer) {
		slow := dialMemory(t, e)
		slow.subscribe("eeg")
		token := quick.call("authorize", map[string]any{"clientId": "app-quick", "clientSecret": "s"})["cortexToken"]
		session := quick.call("createSession", map[string]any{"cortexToken": token, "status": "active"})["id"]
		quick.call("subscribe", map[string]any{"cortexToken": token, "session": session, "streams": []string{"mot"}})
		last := sampleTime(t, quick.read())
		for e.Stats().SlowReaders == 0 {
			frame := quick.read()
			now := sampleTime(t, frame)
			require.InDelta(t, 1.0/64, now-last, 0.0002)
			require.InDelta(t, float64(time.Now().UnixNano())*1e-9, now, 0.0002)
			last = now
		}
		for {
			if _, _, err := slow.conn.Read(slow.ctx); err != nil {
				require.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err), "%v", err)
				return
			}
		}
	})
}
