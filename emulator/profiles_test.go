package emulator_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
)

// TestScenariosOfProfiles plays the built-in scenarios about profiles and
// training from a client's side, in virtual time.
func TestScenariosOfProfiles(t *testing.T) {
	const headset = "EPOCPLUS-3B9A0001"
	type player struct {
		*peer
		e              *emulator.Emulator
		token, session string
	}
	start := func(t *testing.T, scenario string, streams ...string) *player {
		t.Helper()
		e, err := emulator.Start(emulator.Options{Clock: "manual", Scenario: scenario})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, e.Close()) })
		p := &player{peer: dialMemory(t, e), e: e}
		p.token, p.session = p.subscribe(streams...)
		return p
	}
	load := func(p *player) map[string]any {
		return map[string]any{"cortexToken": p.token, "status": "load", "profile": "demo", "headset": headset}
	}
	training := func(p *player, status string) map[string]any {
		return map[string]any{
			"cortexToken": p.token, "session": p.session, "detection": "mentalCommand", "action": "push", "status": status,
		}
	}
	// com counts what com says in d.
	com := func(p *player, d time.Duration) map[string]int {
		require.NoError(p.t, p.e.Advance(d))
		counts := map[string]int{}
		for range int(d / (125 * time.Millisecond)) {
			var sample struct{ Com []any }
			require.NoError(p.t, json.Unmarshal([]byte(p.read()), &sample))
			counts[fmt.Sprint(sample.Com[0])]++
		}
		return counts
	}
	event := func(p *player, want string) {
		p.t.Helper()
		require.Contains(p.t, p.read(), want)
	}

	t.Run("g1", func(t *testing.T) {
		p := start(t, "g1-neutral-without-profile", "com")
		require.Equal(t, map[string]int{"neutral": 192}, com(p, 24*time.Second))
		p.call("setupProfile", load(p))
		require.Greater(t, com(p, 24*time.Second)["push"], 30)
	})
	t.Run("g2", func(t *testing.T) {
		p := start(t, "g2-training-fails", "sys")
		p.call("setupProfile", load(p))
		p.call("training", training(p, "start"))
		event(p, "MC_Started")
		require.NoError(t, p.e.Advance(10*time.Second))
		event(p, "MC_Failed")
		require.NotZero(t, p.refused("training", training(p, "accept")))
	})
	t.Run("g3", func(t *testing.T) {
		p := start(t, "g3-training-works", "sys")
		p.call("setupProfile", load(p))
		p.call("training", training(p, "start"))
		event(p, "MC_Started")
		require.NoError(t, p.e.Advance(8*time.Second))
		event(p, "MC_Succeeded")
		p.call("training", training(p, "accept"))
		event(p, "MC_Completed")
	})
	t.Run("g4", func(t *testing.T) {
		p := start(t, "g4-sys-not-subscribed", "dev")
		p.call("setupProfile", load(p))
		p.call("training", training(p, "start"))
		require.NoError(t, p.e.Advance(20*time.Second))
		for range 40 {
			require.True(t, strings.HasPrefix(p.read(), `{"dev":`))
		}
		p.sync() // and nothing else
	})
	t.Run("g7", func(t *testing.T) {
		p := start(t, "g7-commands-at-rest", "com")
		p.call("setupProfile", load(p))
		require.Greater(t, com(p, 30*time.Second)["push"], 20)
	})
	t.Run("n21", func(t *testing.T) {
		p := start(t, "n21-profile-of-another", "com")
		current := func() map[string]any {
			return p.call("getCurrentProfile", map[string]any{"cortexToken": p.token, "headset": headset})
		}
		require.Equal(t, map[string]any{"name": "demo", "loadedByThisApp": false}, current())
		require.Equal(t, -32127, p.refused("setupProfile", load(p)))
		unload := map[string]any{"cortexToken": p.token, "status": "unload", "profile": "", "headset": headset}
		require.Equal(t, -32046, p.refused("setupProfile", unload))
		com(p, 30*time.Second-1)
		require.NoError(t, p.e.Advance(1))
		frames := p.read() + p.read()
		require.Contains(t, frames, `"code":14`, "it lets go after 30 s")
		require.Equal(t, map[string]any{"name": nil, "loadedByThisApp": false}, current())
		p.call("setupProfile", load(p))
	})
}
