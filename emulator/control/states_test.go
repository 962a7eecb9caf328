package control

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/streams"
)

// step is an action at a time.
type step struct {
	at     time.Duration
	action string // JSON
}

// record plays twelve seconds of an EPOC X to a client on all streams and returns
// its frames by stream. signal is that of the world's headset; the timeline acts
// by the scenario, the others by the control API.
func record(t *testing.T, signal string, timeline, others []step) map[string][]string {
	t.Helper()
	e := world(t, "")
	h := Handler(Options{Emulator: e})
	var acts []string
	for _, s := range timeline {
		acts = append(acts, fmt.Sprintf(`{"at":"%s","do":%s}`, s.at, s.action))
	}
	require.NoError(t, e.LoadDocument(fmt.Appendf(nil,
		`{"extends":"default","world":{"headsets":[{"id":"EPOCX-3B9A0001","connectedBy":"bluetooth","status":"connected","signal":%s}]},"timeline":[%s]}`,
		signal, strings.Join(acts, ",")), nil))
	c := dial(t, e)
	token := c.token()
	require.Contains(t, c.call("setupProfile", `{"cortexToken":"`+token+`","status":"load","profile":"demo","headset":"EPOCX-3B9A0001"}`), "result")
	var session struct{ Result struct{ ID string } }
	created := c.call("createSession", `{"cortexToken":"`+token+`","status":"active"}`)
	require.NoError(t, json.Unmarshal([]byte(created), &session))
	answer := c.call("subscribe", `{"cortexToken":"`+token+`","session":"`+session.Result.ID+`","streams":["eeg","mot","dev","eq","pow","met","com","fac"]}`)
	require.Contains(t, answer, `"failure":[]`)

	frames := map[string][]string{}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for {
			_, frame, err := c.conn.Read(context.Background())
			if err != nil || strings.Contains(string(frame), `"jsonrpc"`) {
				return
			}
			name := strings.Split(string(frame), `"`)[1]
			frames[name] = append(frames[name], string(frame))
		}
	}()
	now := time.Duration(0)
	for _, s := range append(slices.Clone(others), step{12 * time.Second, ""}) {
		require.NoError(t, e.Advance(s.at-now))
		now = s.at
		if s.action == "" {
			break
		}
		var action map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(s.action), &action))
		if patch, ok := action["signal"]; ok {
			do(t, h, 200, "POST", "/v1/signal", string(patch))
		} else {
			do(t, h, 200, "POST", "/v1/action", s.action)
		}
	}
	require.NoError(t, c.conn.Write(context.Background(), websocket.MessageText, []byte(`{"id":99,"jsonrpc":"2.0","method":"getCortexInfo"}`)))
	<-read
	return frames
}

// Whatever can be set of a head and a radio is set in the same way by the world
// of a scenario, by its timeline and by the control API, and is seen in the
// streams that it concerns, from then on, and in no other.
func TestEveryState(t *testing.T) {
	at := func(actions ...string) (steps []step) {
		for i, a := range actions {
			steps = append(steps, step{time.Duration(5+i) * time.Second, a})
		}
		return steps
	}
	plain := record(t, `{}`, nil, nil)
	require.Len(t, plain, 8)
	covered := map[string]bool{}
	for _, test := range []struct {
		patch  string // of the state
		then   string // an action a second later that shows what was set
		seen   string // the streams that differ
		action string // does the same as the patch
	}{
		{patch: `{"worn":false}`, seen: "dev eeg eq fac met pow"},
		{patch: `{"eyes":"closed"}`, seen: "eeg fac pow", action: `{"eyes":"closed"}`},
		{patch: `{"levels":{"attention":0.9}}`, seen: "eeg met pow", action: `{"mind":{"attention":0.9}}`},
		{patch: `{"levels":{"engagement":0.9}}`, seen: "eeg met pow", action: `{"mind":{"engagement":0.9}}`},
		{patch: `{"levels":{"excitement":0.9}}`, seen: "met", action: `{"mind":{"excitement":0.9}}`},
		{patch: `{"levels":{"stress":0.9}}`, seen: "met", action: `{"mind":{"stress":0.9}}`},
		{patch: `{"levels":{"relaxation":0.9}}`, seen: "eeg met pow", action: `{"mind":{"relaxation":0.9}}`},
		{patch: `{"levels":{"interest":0.9}}`, seen: "met", action: `{"mind":{"interest":0.9}}`},
		{patch: `{"levels":{"drowsy":0.9}}`, seen: "eeg pow", action: `{"mind":{"drowsy":0.9}}`},
		{patch: `{"contact":{"T7":1,"O1":0}}`, seen: "dev eeg eq pow"},
		{patch: `{"contact":{"*":1}}`, seen: "dev eeg eq met pow", action: `{"contact":1}`},
		{patch: `{"battery":{"percent":30}}`, seen: "dev eq", action: `{"battery":30}`},
		{patch: `{"battery":{"drainPerHour":3600}}`, seen: "dev eq", action: `{"battery":{"drainPerHour":3600}}`},
		{patch: `{"signalStrength":0.5}`, seen: "dev", action: `{"signalStrength":0.5}`},
		{patch: `{"loss":{"probability":0.1,"burst":3}}`, seen: "eeg eq met mot pow", action: `{"packetLoss":{"share":0.1,"burst":3}}`},
		{patch: `{"loss":{"probability":0.1,"burst":3,"interpolationLimit":0}}`, seen: "eeg eq met mot pow"},
		{patch: `{"head":{"yaw":40}}`, seen: "eeg eq mot pow"},
		{patch: `{"head":{"pitch":30}}`, seen: "eeg mot pow"},
		{patch: `{"head":{"roll":20}}`, seen: "eeg mot pow"},
		{patch: `{"head":{"movement":"nod","amplitude":20,"frequency":1.5}}`, seen: "eeg eq mot pow", action: `{"head":{"movement":"nod","amplitude":20,"frequency":1.5}}`},
		{patch: `{"facialExpression":{"eyeAct":"winkL"}}`, seen: "eeg fac pow"},
		{patch: `{"facialExpression":{"uAct":"frown","uPow":0.8}}`, seen: "eeg eq fac pow"},
		{patch: `{"facialExpression":{"lAct":"smile","lPow":0.8}}`, seen: "eeg eq fac pow"},
		{patch: `{"mentalCommand":{"action":"push","power":0.7}}`, seen: "com", action: `{"mentalCommand":{"action":"push","power":0.7}}`},
		{patch: `{"mentalCommand":{"action":"drop","power":0.7,"forced":true}}`, seen: "com", action: `{"mentalCommand":{"action":"drop","power":0.7,"forced":true}}`},
		{patch: `{"background":{"exponent":2}}`, seen: "eeg pow"},
		{patch: `{"background":{"amplitude":20}}`, seen: "eeg pow"},
		{patch: `{"background":{"alphaFrequency":8}}`, seen: "eeg pow"},
		{patch: `{"background":{"alphaAmplitude":30}}`, seen: "eeg pow"},
		{patch: `{"background":{"thetaAmplitude":10}}`, seen: "eeg pow"},
		{patch: `{"background":{"betaAmplitude":10}}`, seen: "eeg pow"},
		{patch: `{"background":{"muAmplitude":10}}`, seen: "eeg pow"},
		{patch: `{"background":{"lineNoise":20}}`, seen: "eeg pow"},
		{patch: `{"background":{"lineFrequency":60,"lineNoise":0.3}}`, seen: "eeg pow"},
		{patch: `{"blinkRate":60}`, seen: "eeg fac pow"},
		{patch: `{"metWarmUp":9}`, seen: "met"},
		{patch: `{"rawCq":true}`, seen: "eeg"},
		{patch: `{"waveforms":[{"shape":"sine","frequency":6,"amplitude":40,"sensors":["O2"]}]}`, seen: "eeg pow"},
		{patch: `{"erp":[{"match":"target","latency":0.3,"amplitude":30}]}`, then: `{"stimulus":"target"}`, seen: "eeg pow"},
		{patch: `{"ssvep":{"frequency":12}}`, seen: "eeg pow", action: `{"stimulus":{"frequency":12}}`},
		{patch: `{"ssvep":{"amplitude":9,"frequency":12}}`, seen: "eeg pow"},
		{patch: `{"motorImagery":"left"}`, seen: "eeg pow"},
		// Of these an EPOC X of this Cortex shows nothing.
		{patch: `{"levels":{"focus":0.9}}`, action: `{"mind":{"focus":0.9}}`},
		{patch: `{"levels":{"cognitiveStress":0.9}}`, action: `{"mind":{"cognitiveStress":0.9}}`},
		// A stimulus that no rule is for.
		{patch: `{"erp":[{"match":"target","latency":0.3,"amplitude":30}]}`, then: `{"stimulus":"standard"}`},
	} {
		t.Run(test.patch+test.then, func(t *testing.T) {
			leaves(t, test.patch, covered)
			set := `{"signal":{"state":` + test.patch + `}}`
			steps, same := at(set), at(test.action)
			if test.then != "" {
				steps = at(set, test.then)
			}
			byControl := record(t, `{}`, nil, steps)
			assert.Equal(t, byControl, record(t, `{}`, steps, nil), "by the timeline as by the control API")
			if test.action != "" {
				assert.Equal(t, byControl, record(t, `{}`, nil, same), "by the action as by the patch")
			}
			assert.Equal(t, test.seen, strings.Join(differing(t, plain, byControl, 5*time.Second), " "))
			if test.then == "" && test.seen != "" {
				assert.NotEmpty(t, differing(t, plain, record(t, test.patch, nil, nil), 0), "by the world")
			}
		})
	}
	// Nothing that can be set is left out.
	want := map[string]bool{}
	fields(reflect.TypeFor[streams.State](), "", want)
	assert.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(covered)))
}

// differing names the streams whose frames are not the same. Those before an
// instant have to be.
func differing(t *testing.T, a, b map[string][]string, before time.Duration) (names []string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if slices.Equal(a[name], b[name]) {
			continue
		}
		names = append(names, name)
		i := 0
		for i < len(a[name]) && i < len(b[name]) && a[name][i] == b[name][i] {
			i++
		}
		share := int(before * time.Duration(len(a[name])) / (12 * time.Second))
		if name == "pow" { // begins after two seconds
			share = int((before - 2*time.Second) * 8 / time.Second)
		}
		assert.GreaterOrEqual(t, i, share, "%s differs before the change", name)
	}
	return names
}

// leaves notes the fields of a patch.
func leaves(t *testing.T, patch string, into map[string]bool) {
	t.Helper()
	var walk func(v any, path string)
	walk = func(v any, path string) {
		m, ok := v.(map[string]any)
		if !ok || path == "contact" {
			into[path] = true
			return
		}
		for k, x := range m {
			walk(x, strings.TrimPrefix(path+"."+k, "."))
		}
	}
	var v any
	require.NoError(t, json.Unmarshal([]byte(patch), &v))
	walk(v, "")
}

// fields notes the fields of a type as leaves does; lists and maps are one.
func fields(typ reflect.Type, path string, into map[string]bool) {
	if typ.Kind() != reflect.Struct {
		into[path] = true
		return
	}
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		fields(typ.Field(i).Type, strings.TrimPrefix(path+"."+name, "."), into)
	}
}
