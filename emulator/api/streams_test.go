package api

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/streams"
)

const allStreams = `"eeg","mot","dev","eq","pow","met","com","fac","sys"`

// subscribed subscribes to every stream and returns the columns of those that the
// headset has. The others are refused as unavailable.
func (b *bench) subscribed(name string) map[string][]any {
	b.t.Helper()
	b.frames[name] = nil
	answer := b.result(name, "subscribe", `{`+inSession+`,"streams":[`+allStreams+`]}`)
	cols := map[string][]any{}
	for _, s := range answer["success"].([]any) {
		s := s.(map[string]any)
		cols[s["streamName"].(string)] = s["cols"].([]any)
	}
	for _, f := range answer["failure"].([]any) {
		require.EqualValues(b.t, CodeStreamUnavailable, f.(map[string]any)["code"])
	}
	return cols
}

// count counts the samples that a client received by stream.
func (b *bench) count(name string) map[string]int {
	n := map[string]int{}
	for _, frame := range b.frames[name] {
		if stream, _, ok := strings.Cut(strings.TrimPrefix(frame, `{"`), `":[`); ok && !strings.Contains(stream, `"`) {
			n[stream]++
		}
	}
	return n
}

// flexOf connects a Flex with a mapping and opens a session.
func flexOf(t *testing.T, id, mapping string) *bench {
	t.Helper()
	world := DefaultWorld()
	world.Headsets = []HeadsetSpec{{ID: id, Status: StartDiscovered}}
	b := newBench(t, world)
	b.connect("a")
	require.Contains(t, b.call("a", "authorize", `{`+client+`}`), "result")
	require.Contains(t, b.call("a", "controlDevice", `{"command":"connect","headset":"`+id+`","mappings":`+mapping+`}`), "result")
	b.advance(5 * time.Second)
	require.Contains(t, b.call("a", "createSession", `{"cortexToken":"$token","status":"active","headset":"`+id+`"}`), "result")
	return b
}

// The sensors of a Flex, and with them the columns of its streams, are those of
// the mapping that it was connected with.
func TestFlexStreamsFollowTheMapping(t *testing.T) {
	for _, id := range []string{"EPOCFLEX-F0000001", "FLEX2-F0000002"} {
		b := flexOf(t, id, `{"CMS":"TP8","DRL":"P6","RA":"C4","LB":"T7","LA":"C3"}`)
		cols := b.subscribed("a")
		assert.Equal(t, []any{"COUNTER", "INTERPOLATED", "C3", "T7", "C4", "HighBitFlex", "SaturationFlag", "RAW_CQ", "MARKER_HARDWARE", "MARKERS"}, cols["eeg"])
		assert.Equal(t, []any{"Battery", "Signal", []any{"C3", "T7", "C4", "OVERALL"}, "BatteryPercent"}, cols["dev"])
		assert.Equal(t, []any{"batteryPercent", "overall", "sampleRateQuality", "C3", "T7", "C4"}, cols["eq"])
		assert.Len(t, cols["pow"], 15)
		for _, name := range []string{"met", "com", "fac"} {
			assert.NotContains(t, cols, name, "the detections need the fourteen sensors of an EPOC X")
		}
		b.advance(time.Second)
		assert.Equal(t, 128, b.count("a")["eeg"])

		whole, err := json.Marshal(streams.DefaultMappings())
		require.NoError(t, err)
		cols = flexOf(t, id, string(whole)).subscribed("a")
		assert.Len(t, cols["eeg"], 32+7)
		assert.Len(t, cols["pow"], 5*32)
		assert.Contains(t, cols, "met")
		assert.Contains(t, cols, "com")
		assert.Contains(t, cols, "fac")
	}
}

// Every stream that a headset does not have, of all models.
func TestStreamsOfEveryModel(t *testing.T) {
	missing := map[string]string{"MN8": "fac", "MW20": "fac", "XTRODES": "fac met"}
	for _, m := range streams.Models() {
		if m.Flex {
			continue // see above
		}
		world := DefaultWorld()
		world.Headsets = []HeadsetSpec{{ID: m.IDPrefix + "3B9A0001"}}
		b := newBench(t, world)
		b.session("a")
		cols := b.subscribed("a")
		var gone []string
		for _, name := range strings.Split(strings.ReplaceAll(allStreams, `"`, ""), ",") {
			if cols[name] == nil {
				gone = append(gone, name)
			}
		}
		// The session lists the metrics that met has.
		var listed, measured []string
		for _, x := range b.call("a", "querySessions", `{"cortexToken":"$token"}`)["result"].([]any)[0].(map[string]any)["performanceMetrics"].([]any) {
			listed = append(listed, x.(map[string]any)["apiName"].(string))
		}
		for _, name := range cols["met"] {
			if name, ok := strings.CutSuffix(fmt.Sprint(name), ".isActive"); ok {
				measured = append(measured, name)
			}
		}
		assert.Equal(t, measured, listed, m.Name)
		slices.Sort(gone)
		assert.Equal(t, missing[m.Name], strings.Join(gone, " "), m.Name)
		b.advance(3 * time.Second)
		n := b.count("a")
		for name := range cols {
			assert.Equal(t, name != "sys", n[name] > 0, "%s %s", m.Name, name)
		}
	}
}

// updateHeadset on the USB cable: every stream has the new rate, the new
// resolution and the new sensors from then on.
func TestStreamsFollowTheSettings(t *testing.T) {
	world := DefaultWorld()
	world.Headsets = []HeadsetSpec{{ID: "EPOCX-3B9A0001", ConnectedBy: "usb cable"}}
	world.SessionsOverUSBCable = true
	b := newBench(t, world)
	b.session("a")
	for _, test := range []struct {
		setting  string
		eeg, mot int
		step     float64 // uV
	}{
		{`{"mode":"EPOCPLUS","eegRate":128,"memsRate":32}`, 128, 32, 5.0 / 39},
		{`{"mode":"EPOC","eegRate":128,"memsRate":0}`, 128, 0, 20.0 / 39},
		{`{"mode":"EPOCPLUS","eegRate":256,"memsRate":128}`, 256, 128, 5.0 / 39},
		{`{"mode":"EPOCPLUS","eegRate":128,"memsRate":0}`, 128, 0, 5.0 / 39},
	} {
		b.result("a", "updateHeadset", `{"cortexToken":"$token","headset":"EPOCX-3B9A0001","setting":`+test.setting+`}`)
		b.advance(5 * time.Second)
		require.NotEmpty(t, b.warnings("a", WarnHeadsetUpdated))
		cols := b.subscribed("a")
		assert.Equal(t, test.mot > 0, cols["mot"] != nil, test.setting)
		b.advance(10 * time.Second)
		n := b.count("a")
		assert.Equal(t, map[string]int{"eeg": 10 * test.eeg, "mot": 10 * test.mot, "dev": 20, "eq": 20, "pow": 80, "met": 20, "com": 80, "fac": 320},
			map[string]int{"eeg": n["eeg"], "mot": n["mot"], "dev": n["dev"], "eq": n["eq"], "pow": n["pow"], "met": n["met"], "com": n["com"], "fac": n["fac"]}, test.setting)
		between := 0
		for _, row := range b.samples("a")["eeg"].rows {
			var v float64
			require.NoError(t, json.Unmarshal(row[2], &v))
			steps := v / test.step
			require.InDelta(t, math.Round(steps), steps, 0.0006/test.step)
			if fourth := v * 39 / 20; math.Abs(fourth-math.Round(fourth)) > 0.01 {
				between++
			}
		}
		assert.Equal(t, test.step < 0.2, between > 0, "16 bits use the steps between those of 14")
	}
}

// The headset has a clock of its own: `time` is on it, syncWithHeadsetClock tells
// how far it is off, and its samples come at its own pace.
func TestHeadsetClock(t *testing.T) {
	world := DefaultWorld()
	world.Headsets = []HeadsetSpec{{ID: "EPOCX-3B9A0001", ConnectedBy: "dongle", ClockOffset: -1250 * time.Millisecond, ClockRatio: 0.99}}
	b := newBench(t, world)
	b.session("a")
	b.subscribed("a")
	b.advance(100 * time.Second)
	assert.Equal(t, 25344, b.count("a")["eeg"], "99 % of 25600")
	host := float64(b.service.Now().UnixNano()) / 1e9
	adjustment := b.result("a", "syncWithHeadsetClock", fmt.Sprintf(`{"headset":"EPOCX-3B9A0001","monotonicTime":%f,"systemTime":%f}`, 40.5, host))["adjustment"].(float64)
	assert.InDelta(t, host-1.25-40.5, adjustment, 1e-6)
	times := b.samples("a")["eeg"].times
	assert.InDelta(t, 40.5+adjustment, times[len(times)-1], 1.0/256/0.99, "the last sample is just over")
	assert.InDelta(t, 100-1/(256*0.99), times[len(times)-1]-times[0], 0.0002)
	require.NoError(t, b.service.SetClockOffset("EPOCX-3B9A0001", time.Second))
	b.advance(time.Second)
	moved := b.samples("a")["eeg"].times
	assert.InDelta(t, 2.25+1/(256*0.99), moved[len(times)]-moved[len(times)-1], 0.0002)
}
