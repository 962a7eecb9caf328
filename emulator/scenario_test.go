package emulator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/api"
	"github.com/fakecortex/fakecortex/scenarios"
)

// startWith starts an emulator in memory, on the manual clock, with a scenario
// that builds on the default one.
func startWith(t testing.TB, text string, more ...func(*emulator.Options)) *emulator.Emulator {
	t.Helper()
	file := filepath.Join(t.TempDir(), "scenario.yaml")
	require.NoError(t, os.WriteFile(file, []byte("extends: default\n"+text), 0o600))
	o := emulator.Options{Clock: "manual", Scenario: file}
	for _, f := range more {
		f(&o)
	}
	e, err := emulator.Start(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// write sends a frame; raw reads the next one as it is.
func (p *peer) write(frame string) {
	p.t.Helper()
	require.NoError(p.t, p.conn.Write(p.ctx, websocket.MessageText, []byte(frame)))
}

// sync waits until everything that was sent before has been handled.
func (p *peer) sync() { p.call("getCortexInfo", nil) }

// refused sends a request and returns the code of the error that it gets.
func (p *peer) refused(method string, params map[string]any) int {
	p.t.Helper()
	p.id++
	frame, err := json.Marshal(map[string]any{"id": p.id, "jsonrpc": "2.0", "method": method, "params": params})
	require.NoError(p.t, err)
	p.write(string(frame))
	var answer struct {
		ID    int
		Error struct{ Code int }
	}
	text := p.read()
	require.NoError(p.t, json.Unmarshal([]byte(text), &answer), text)
	require.Equal(p.t, p.id, answer.ID, text)
	return answer.Error.Code
}

// warning reads the next frame, which has to be a warning.
func (p *peer) warning() int {
	p.t.Helper()
	var frame struct{ Warning *struct{ Code int } }
	text := p.read()
	require.NoError(p.t, json.Unmarshal([]byte(text), &frame), text)
	require.NotNil(p.t, frame.Warning, text)
	return frame.Warning.Code
}

func (p *peer) authorize() string {
	p.t.Helper()
	return p.call("authorize", map[string]any{"clientId": "app-basic", "clientSecret": "secret"})["cortexToken"].(string)
}

func TestScenarioMakesTheWorld(t *testing.T) {
	e := startWith(t, `
vars: {quota: "0"}
world:
  cortexVersion: "2.7.0"
  seed: 42
  startTime: 2024-02-29T12:00:00Z
  zone: "+07:00"
  licenses: [{id: 11ce25e0-0000-4000-8000-000000000001, localQuota: "${quota}"}]
  headsets: [{id: EPOCX-0A1B2C3D, status: discovered}]
`, func(o *emulator.Options) { o.Set = map[string]string{"quota": "1"} })
	assert.EqualValues(t, 42, e.Seed())
	assert.Equal(t, "2024-02-29T12:00:00Z", e.Now().UTC().Format(time.RFC3339))
	p := dialMemory(t, e)
	assert.Equal(t, "2.7.0", p.call("getCortexInfo", nil)["version"])
	token := p.authorize()
	assert.Equal(t, -32004, p.refused("createSession", map[string]any{"cortexToken": token, "headset": "EPOCX-0A1B2C3D", "status": "active"}))
	p.call("controlDevice", map[string]any{"command": "connect", "headset": "EPOCX-0A1B2C3D"})
	require.NoError(t, e.Advance(2*time.Second))
	assert.Equal(t, 104, p.warning())
	session := p.call("createSession", map[string]any{"cortexToken": token, "status": "active"})
	assert.Equal(t, "2024-02-29T19:00:02.000+07:00", session["started"])
	p.call("updateSession", map[string]any{"cortexToken": token, "session": session["id"], "status": "close"})
	assert.Equal(t, -32019, p.refused("createSession", map[string]any{"cortexToken": token, "status": "active"}), "the quota was set to 1")
}

func TestOptionsGoBeforeTheScenario(t *testing.T) {
	e := startWith(t, `world: {seed: 42, clock: real, startTime: 2024-02-29T12:00:00Z}`, func(o *emulator.Options) {
		o.Seed, o.StartTime = 7, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	})
	assert.EqualValues(t, 7, e.Seed())
	assert.Equal(t, 2030, e.Now().Year())
}

func TestScenarioOfAFileSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(file, []byte("world:\n  headsetz: []\n"), 0o600))
	_, err := emulator.Start(emulator.Options{Scenario: file})
	require.ErrorContains(t, err, `bad.yaml:2:3: world: "headsetz" is not a key that is known here, did you mean "headsets"?`)
	_, err = emulator.Start(emulator.Options{Set: map[string]string{"headsett": "x"}})
	require.ErrorContains(t, err, "--set headsett")
}

// TestTextsOfAScenario: a scenario has its own words and codes, in errors, in the
// warnings of every shape, and in members of answers.
func TestTextsOfAScenario(t *testing.T) {
	e := startWith(t, `
world:
  users: [{username: demo.user, eulaAccepted: false}]
  bluetoothDenied: true
  rules: {missingParameterCode: -32602}
texts:
  errors:
    -32014: {message: "No <such> token.", code: -32099, behavior: Ask again.}
    -32016: Not this one.
  warnings:
    6: Read it.
    31: {code: 32}
    104: {message: {behavior: Here it is., headsetId: "%s"}, code: 204}
    103: "%s is gone."
`)
	p := dialMemory(t, e)
	ask := func(method, params string) string {
		p.write(`{"id":1,"jsonrpc":"2.0","method":"` + method + `","params":` + params + `}`)
		return p.read()
	}
	assert.Equal(t, `{"error":{"code":-32099,"data":{"behavior":"Ask again."},"message":"No <such> token."},"id":1,"jsonrpc":"2.0"}`, ask("querySessions", `{"cortexToken":"x"}`))
	assert.Contains(t, ask("authorize", `{}`), `{"code":-32602,"data":{"behavior":"This parameter is required: clientId"},"message":"Missing the required parameters."}`)
	assert.Contains(t, ask("authorize", `{"clientId":"app-basic","clientSecret":"s"}`), `"warning":{"code":6,"licenseUrl":"https://fakecortex.invalid/eula","message":"Read it."}`)
	assert.Contains(t, ask("queryHeadsets", `{}`), `{"attention":{"code":32,`)
	ask("controlDevice", `{"command":"connect","headset":"EPOCPLUS-3B9A0001"}`)
	assert.Equal(t, `{"jsonrpc":"2.0","warning":{"code":204,"message":{"behavior":"Here it is.","headsetId":"%s"}}}`, p.read(), "an object stands as it is")
	require.NoError(t, e.Act("headsetOff"))
	require.NoError(t, e.Advance(30*time.Second))
	assert.Equal(t, `{"jsonrpc":"2.0","warning":{"code":103,"message":{"behavior":"EPOCPLUS-3B9A0001 is gone.","headsetId":"EPOCPLUS-3B9A0001"}}}`, p.read())
}

// A headset that goes away and comes back: samples stop and resume at the
// instants of the timeline, and the answer to a call that a step waits for meets
// the world that the step has made.
func TestTimelineActsOnTheWorld(t *testing.T) {
	e := startWith(t, `
timeline:
  - name: away
    after: {event: subscribed, delay: 5s}
    do: {headsetOutOfRange: "${headset}"}
  - after: {step: away, delay: 10s}
    do: {headsetBack: "${headset}"}
  - onSample: {stream: eeg, n: 2560}
    do: {warning: {code: 19, message: ten seconds of eeg}}
  - onCall: {method: createSession, n: 2}
    do: [{quota: 0}, {warning: 20}]
`)
	p := dialMemory(t, e)
	token, session := p.subscribe("eeg")
	start := e.Now()
	require.NoError(t, e.Advance(20*time.Second))
	p.id++
	p.write(fmt.Sprintf(`{"id":%d,"jsonrpc":"2.0","method":"getCortexInfo"}`, p.id))
	var times []float64
	for {
		var frame struct {
			EEG     []any
			Time    float64
			Warning *struct{ Code int }
			ID      int
		}
		require.NoError(t, json.Unmarshal([]byte(p.read()), &frame))
		if frame.ID != 0 {
			break
		}
		if frame.Warning != nil {
			assert.Equal(t, 19, frame.Warning.Code)
			assert.Len(t, times, 2560, "behind the sample that it waits for")
			continue
		}
		times = append(times, frame.Time-float64(start.UnixNano())/1e9)
	}
	assert.Len(t, times, 2560, "5 s and 5 s at 256 Hz")
	assert.InDelta(t, 5, times[1279], 1e-3)
	assert.InDelta(t, 15, times[1280], 5e-3)

	p.call("updateSession", map[string]any{"cortexToken": token, "session": session, "status": "close"})
	assert.Equal(t, 0, p.warning())
	assert.Equal(t, -32019, p.refused("createSession", map[string]any{"cortexToken": token, "status": "active"}))
	assert.Equal(t, 20, p.warning(), "what a step causes stands behind the answer")
}

func TestSignalActions(t *testing.T) {
	e := startWith(t, `
timeline:
  - {at: 1s, do: {battery: 12}}
  - {at: 2s, do: {contact: {sensors: [AF3], quality: 0}}}
  - {at: 3s, do: {eyes: closed}}
  - {at: 4s, do: {mentalCommand: {action: push, for: 2s}}}
`)
	p := dialMemory(t, e)
	_, _ = p.subscribe("dev")
	require.NoError(t, e.Advance(5*time.Second))
	require.NoError(t, e.Do(func(s *api.Service) {
		state, ok := s.Signal("")
		require.True(t, ok)
		assert.InDelta(t, 12, state.Battery.Percent, 0.1)
		assert.Equal(t, map[string]int{"AF3": 0}, state.Contact)
		assert.Equal(t, "closed", state.Eyes)
		assert.Equal(t, "push", state.MentalCommand.Action)
	}))
	require.NoError(t, e.Advance(2*time.Second))
	require.NoError(t, e.Do(func(s *api.Service) {
		state, _ := s.Signal("")
		assert.Equal(t, "neutral", state.MentalCommand.Action)
	}))
}

// TestLibraryRuns takes a usual client through every built-in scenario: nothing
// that the timeline wants is impossible.
func TestLibraryRuns(t *testing.T) {
	for _, name := range scenarios.Builtins() {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			e, err := emulator.Start(emulator.Options{Clock: "manual", Scenario: name, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			require.NoError(t, err)
			p := dialMemory(t, e)
			go func() { // a client that reads whatever comes
				for {
					if _, _, err := p.conn.Read(p.ctx); err != nil {
						return
					}
				}
			}()
			for _, frame := range []string{
				`{"id":1,"jsonrpc":"2.0","method":"requestAccess","params":{"clientId":"app-basic","clientSecret":"secret"}}`,
				`{"id":2,"jsonrpc":"2.0","method":"authorize","params":{"clientId":"app-basic","clientSecret":"secret","debit":1}}`,
				`{"id":3,"jsonrpc":"2.0","method":"controlDevice","params":{"command":"refresh"}}`,
				`{"id":4,"jsonrpc":"2.0","method":"queryHeadsets"}`,
			} {
				_ = p.conn.Write(p.ctx, websocket.MessageText, []byte(frame)) // a scenario may have closed the connection
				require.NoError(t, e.Advance(10*time.Second))
			}
			require.NoError(t, e.Close())
			assert.NotContains(t, log.String(), "could not be done")
		})
	}
}

// TestCortexVersionOfTheOptions: the version of the options wins over that of
// the scenario, and over that of a world.
func TestCortexVersionOfTheOptions(t *testing.T) {
	world := api.DefaultWorld()
	for name, o := range map[string]emulator.Options{
		"scenario": {Clock: "manual"}, "world": {Clock: "manual", World: &world},
	} {
		o.CortexVersion = "2.0"
		e, err := emulator.Start(o)
		require.NoError(t, err, name)
		require.NoError(t, e.Do(func(s *api.Service) {
			version := s.State().CortexVersion
			assert.Equal(t, "2.0", version, name)
			for _, m := range s.Methods() {
				assert.NotEqual(t, "createSubject", m.Name, "subjects came with 2.1")
			}
		}))
		require.NoError(t, e.Close())
	}
	_, err := emulator.Start(emulator.Options{CortexVersion: "newest"})
	require.ErrorContains(t, err, `cortexVersion "newest"`)
}

// TestDelaysOfNothing: a duration of 0s in a scenario is none, also where the
// service knows a zero as "not given".
func TestDelaysOfNothing(t *testing.T) {
	e := startWith(t, `
world:
  headsets: [{id: EPOCX-3B9A0001, status: discovered}, {id: EPOCX-3B9A0002, status: discovered, connect: {delay: 0s}}, {id: EPOCX-3B9A0003, status: "on"}]
  profiles: [{name: demo}]
  records: [{title: Far, start: -1h, duration: 1s, syncStatus: notDownloaded}]
  timings: {connectDelay: 0s, scanDuration: 0s, scanFindAfter: 0s, training: 0s, trainingFailure: 0s, postProcessing: 0s, download: 0s}
`)
	p := dialMemory(t, e)
	t.Cleanup(func() { p.conn.CloseNow() })
	// The clock stands still all the time.
	for _, headset := range []string{"EPOCX-3B9A0001", "EPOCX-3B9A0002"} {
		p.call("controlDevice", map[string]any{"command": "connect", "headset": headset})
		require.Equal(t, 104, p.warning())
	}
	p.call("controlDevice", map[string]any{"command": "refresh"})
	require.Equal(t, 142, p.warning())
	require.NoError(t, e.Do(func(s *api.Service) { assert.Equal(t, "discovered", s.State().Headsets[2].Status) }))
	token, session := p.subscribe("sys")
	params := func(more map[string]any) map[string]any {
		out := map[string]any{"cortexToken": token, "session": session}
		maps.Copy(out, more)
		return out
	}
	p.call("setupProfile", map[string]any{"cortexToken": token, "status": "load", "profile": "demo", "headset": "EPOCX-3B9A0001"})
	require.Equal(t, 0.0, p.call("getTrainingTime", params(map[string]any{"detection": "mentalCommand"}))["time"])
	training := params(map[string]any{"detection": "mentalCommand", "action": "neutral", "status": "start"})
	p.call("training", training)
	require.Contains(t, p.read(), "MC_Started")
	require.Contains(t, p.read(), "MC_Succeeded")
	training["status"] = "accept"
	p.call("training", training)
	require.Contains(t, p.read(), "MC_Completed")
	require.NoError(t, e.Do(func(s *api.Service) { s.SetTrainingResult(api.TrainingFails) }))
	training["status"] = "start"
	p.call("training", training)
	require.Contains(t, p.read(), "MC_Started")
	require.Contains(t, p.read(), "MC_Failed")
	p.call("createRecord", params(map[string]any{"title": "Run"}))
	p.call("stopRecord", params(nil))
	require.Equal(t, 30, p.warning())
	query := map[string]any{"cortexToken": token, "query": map[string]any{"keyword": "Far"}, "orderBy": []any{}, "includeSyncStatusInfo": true}
	far := p.call("queryRecords", query)["records"].([]any)[0].(map[string]any)
	p.call("requestToDownloadRecordData", map[string]any{"cortexToken": token, "recordIds": []any{far["uuid"]}})
	far = p.call("queryRecords", query)["records"].([]any)[0].(map[string]any)
	require.Equal(t, map[string]any{"status": "downloaded"}, far["syncStatus"])
}
