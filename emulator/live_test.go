package emulator_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/api"
	"github.com/fakecortex/fakecortex/scenarios"
	"github.com/fakecortex/fakecortex/streams"
)

// watchWalk lets a client use a headset of a model in every way that could feel
// a watcher, and returns every byte that it received and what was put into the
// signals.
func watchWalk(t *testing.T, model *streams.Model, watched bool) string {
	t.Helper()
	world := api.DefaultWorld()
	spec := api.HeadsetSpec{ID: model.IDPrefix + "0A1B2C3D", Status: api.StartConnected}
	if model.Flex {
		spec.Mappings = streams.DefaultMappings()
	}
	state := streams.DefaultState()
	state.Loss.Probability = 0.004
	state.ERP = []streams.ERP{{Match: "P*", Latency: 0.3, Amplitude: 8}}
	spec.Signal = &state
	world.Headsets = []api.HeadsetSpec{spec}
	e := emulator.StartT(t, emulator.Options{World: &world})
	look := func() {}
	if watched {
		live := e.Watch("")
		defer live.Close()
		seen := false
		look = func() {
			b, err := live.Next()
			require.NoError(t, err)
			seen = seen || len(b.EEG) > 0 && len(b.Latest["pow"]) > 0
			e.State()
		}
		defer func() { assert.True(t, seen, "the watcher saw nothing") }()
	}
	p := dialMemory(t, e)
	step := func(d time.Duration) {
		for range 4 {
			look()
			require.NoError(t, e.Advance(d/4))
		}
		look()
		p.drain()
	}
	step(7 * time.Second)
	token := p.authorize()
	session := p.call("createSession", map[string]any{"cortexToken": token, "status": "active"})["id"].(string)
	subscribe := func(method string, streams ...string) {
		p.exchange(method, map[string]any{"cortexToken": token, "session": session, "streams": streams})
	}
	step(40 * time.Second) // nobody listens
	subscribe("subscribe", "dev")
	step(3300 * time.Millisecond)
	require.NoError(t, e.Act("blink"))
	require.NoError(t, e.Act("{mentalCommand: {action: push, forced: true}}"))
	subscribe("subscribe", "eeg", "mot", "com", "fac")
	step(2100 * time.Millisecond)
	p.exchange("injectMarker", map[string]any{"cortexToken": token, "session": session, "time": e.Now().UnixMilli(), "value": 1, "label": "P300", "port": "test"})
	require.NoError(t, e.Act("{contact: {sensors: ["+e.State().Headsets[0].Sensors[0]+"], quality: 1}}"))
	require.NoError(t, e.Act("{head: {movement: nod}}"))
	require.NoError(t, e.Act("{marker: {value: 7}}"))
	step(2 * time.Second)
	subscribe("unsubscribe", "eeg", "mot", "com", "fac", "dev")
	step(90 * time.Second) // it sleeps
	require.NoError(t, e.Act("clench"))
	step(time.Second)
	subscribe("subscribe", "eeg", "mot", "dev", "eq", "pow", "met", "com", "fac", "sys")
	step(4 * time.Second)
	require.NoError(t, e.Act("headsetOff"))
	step(2 * time.Second)
	require.NoError(t, e.Act("headsetOn"))
	step(2 * time.Second)
	truth, err := json.Marshal(e.Truth())
	require.NoError(t, err)
	return p.log.String() + string(truth)
}

// drain reads all that has arrived.
func (p *peer) drain() { p.exchange("getCortexInfo", nil) }

// exchange sends a request and reads until its answer, whatever it says.
func (p *peer) exchange(method string, params map[string]any) {
	p.t.Helper()
	p.id++
	frame, err := json.Marshal(map[string]any{"id": p.id, "jsonrpc": "2.0", "method": method, "params": params})
	require.NoError(p.t, err)
	require.NoError(p.t, p.conn.Write(p.ctx, websocket.MessageText, frame))
	for want := fmt.Sprintf(`"id":%d,"jsonrpc"`, p.id); !strings.Contains(p.read(), want); {
	}
}

// TestWatchingChangesNoByte: whoever looks at the signals is not felt by the
// client, not even where the source would have slept without them.
func TestWatchingChangesNoByte(t *testing.T) {
	for _, model := range streams.Models() {
		t.Run(model.Name, func(t *testing.T) {
			alone, watched := watchWalk(t, model, false), watchWalk(t, model, true)
			require.Greater(t, strings.Count(alone, "\n"), 1000)
			if alone != watched {
				a, b := strings.Split(alone, "\n"), strings.Split(watched, "\n")
				for i := range a {
					require.Equal(t, a[i], b[min(i, len(b)-1)], "line %d", i)
				}
				t.Fatal("the watched client received more")
			}
		})
	}
}

// TestLiveShowsWhatTheClientGets: the watcher's eeg is the mean of the client's,
// its other samples are the client's own.
func TestLiveShowsWhatTheClientGets(t *testing.T) {
	e := emulator.StartT(t, emulator.Options{})
	p := dialMemory(t, e)
	p.subscribe("eeg", "dev")
	live := e.Watch("")
	defer live.Close()
	first, err := live.Next()
	require.NoError(t, err)
	require.NotNil(t, first.Layout)
	assert.Equal(t, "EPOCPLUS", first.Layout.Model)
	assert.Len(t, first.Layout.Sensors, 14)
	assert.EqualValues(t, 128, first.Layout.Rate, "256 Hz are halved")
	require.NoError(t, e.Advance(time.Second))
	p.drain()
	var eeg [][]float64
	dev := ""
	for line := range strings.SplitSeq(p.log.String(), "\n") {
		var s struct{ EEG, Dev json.RawMessage }
		_ = json.Unmarshal([]byte(line), &s)
		if s.EEG != nil {
			var row []json.RawMessage
			require.NoError(t, json.Unmarshal(s.EEG, &row))
			values := make([]float64, 14)
			for i := range values {
				require.NoError(t, json.Unmarshal(row[2+i], &values[i]))
			}
			eeg = append(eeg, values)
		}
		if s.Dev != nil {
			dev = string(s.Dev)
		}
	}
	b, err := live.Next()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(b.EEG), 126, "all but the present instant")
	for i, row := range b.EEG {
		for c, v := range row.Values {
			require.InDelta(t, (eeg[2*i][c]+eeg[2*i+1][c])/2, v, 0.001, "row %d", i)
		}
	}
	assert.Equal(t, dev, string(b.Latest["dev"]))
	text := b.Append(nil)
	assert.True(t, json.Valid(text), string(text))

	go func() {
		for _, _, err := p.conn.Read(p.ctx); err == nil; _, _, err = p.conn.Read(p.ctx) {
		}
	}()
	require.NoError(t, e.Advance(time.Minute))
	b, err = live.Next()
	require.NoError(t, err)
	assert.Len(t, b.EEG, 1280, "ten seconds are kept")
	assert.InDelta(t, 60*128-1280, b.Lost, 2)

	require.NoError(t, e.Reset())
	b, err = live.Next()
	require.NoError(t, err)
	assert.True(t, b.Reset)
	assert.NotNil(t, b.Layout)
}

// TestRatesAreMeasured in virtual time, and fall when nothing comes any more.
func TestRatesAreMeasured(t *testing.T) {
	e := emulator.StartT(t, emulator.Options{})
	p := dialMemory(t, e)
	p.subscribe("eeg", "mot", "dev", "met")
	rates := func() map[string]float64 {
		out := map[string]float64{}
		for _, sub := range e.State().Sessions[0].Subscriptions {
			out[sub.Stream] = sub.Rate
		}
		return out
	}
	go func() {
		for {
			if _, _, err := p.conn.Read(p.ctx); err != nil {
				return
			}
		}
	}()
	assert.Equal(t, map[string]float64{"eeg": 0, "mot": 0, "dev": 0, "met": 0}, rates())
	require.NoError(t, e.Advance(10*time.Second))
	for stream, want := range map[string]float64{"eeg": 256, "mot": 64, "dev": 2, "met": 2} {
		assert.InDelta(t, want, rates()[stream], want/50, stream)
	}
	assert.EqualValues(t, 2560, e.State().Sessions[0].Subscriptions[0].Samples)
	require.NoError(t, e.Act("headsetOff"))
	require.NoError(t, e.Advance(20*time.Second))
	for stream, rate := range rates() {
		assert.Less(t, rate, 1.0, stream)
	}
}

// TestDeedsDoItAgain: what was done by hand makes the same journal when it is
// loaded as a scenario.
func TestDeedsDoItAgain(t *testing.T) {
	for _, base := range []string{"default", "a1-never-approved", "mine"} {
		t.Run(base, func(t *testing.T) {
			o := emulator.Options{Scenario: base}
			if base == "mine" { // a file cannot be extended by who has only the saved one
				o.Scenario = filepath.Join(t.TempDir(), "mine.yaml")
				require.NoError(t, os.WriteFile(o.Scenario, []byte("extends: default\nworld: {seed: 9}\ntimeline: [{at: 1s, do: [clench]}]\n"), 0o600))
			}
			e := emulator.StartT(t, o)
			for _, action := range []string{
				"decline", "approve", "{contact: {sensors: [AF3, T7], quality: 1}}", "{signal: {state: {eyes: closed, levels: {stress: 0.9}}}}",
				"{battery: {percent: 20, drainPerHour: 30}}", "{packetLoss: {share: 0.1, for: 2s}}", "{head: {movement: nod}}", "{mentalCommand: {action: push, power: 0.5}}",
				"{face: {action: smile}}", "blink", "{quota: 0}", "licenseExpires", "{licenseScopes: [eeg]}", "{cloud: offline}", "logOut", "{disk: low}",
				"{note: 'hello: \"there\" # <b>'}", "{warning: {code: 19, message: {a: 1}}}", "{fault: {id: slow, on: {method: authorize}, latency: 3s}}", "{clearFault: slow}",
				"headsetOff", "headsetOn", "{addHeadset: {id: MN8-00000009, status: discovered}}", "{send: {text: x}}",
			} {
				require.NoError(t, e.Act(action), action)
				require.NoError(t, e.Advance(700*time.Millisecond))
			}
			rule, err := scenarios.ParseRule([]byte(`{on: {stream: eeg, probability: 0.5}, drop: null}`))
			require.NoError(t, err)
			_, err = e.AddFault(rule)
			require.NoError(t, err)
			require.NoError(t, e.Advance(time.Second))
			journal := func() []string {
				var out []string
				for _, entry := range e.Journal(emulator.JournalQuery{}).Entries {
					entry.Step = ""
					text, err := json.Marshal(entry)
					require.NoError(t, err)
					out = append(out, regexp.MustCompile(`^{"seq":\d+,`).ReplaceAllString(string(text), ""))
				}
				return out
			}
			first := journal()
			text, err := e.Deeds()
			require.NoError(t, err)
			passed := e.Now().Sub(e.Clock().Start)
			require.NoError(t, e.LoadDocument(text, nil), string(text))
			require.NoError(t, e.Advance(passed))
			assert.Equal(t, first, journal(), string(text))
			assert.Equal(t, "closed", e.State().Headsets[0].Signal.Eyes)

			timeline := e.Timeline()
			assert.Equal(t, 1, timeline[len(timeline)-1].Times)
			assert.NotNil(t, timeline[len(timeline)-1].Last)
		})
	}
}
