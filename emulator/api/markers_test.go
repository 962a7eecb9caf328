package api

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/streams"
)

// seenMarker is an entry of the MARKERS column.
type seenMarker struct {
	at      string // time of its sample
	stop    bool
	value   any
	members int
}

// seen returns the entries of the MARKERS column that a client received.
func (b *bench) seen(name string) (out []seenMarker) {
	for _, frame := range b.frames[name] {
		var f struct {
			EEG  []json.RawMessage
			Time json.Number
		}
		if json.Unmarshal([]byte(frame), &f) != nil || f.EEG == nil {
			continue
		}
		var entries []map[string]any
		require.NoError(b.t, json.Unmarshal(f.EEG[len(f.EEG)-1], &entries), "MARKERS is an array of objects")
		for _, e := range entries {
			out = append(out, seenMarker{f.Time.String(), e["isStop"].(bool), e["value"], len(e)})
		}
	}
	return out
}

// inject injects a marker some time from now.
func (b *bench) inject(name string, from time.Duration, value string) map[string]any {
	b.t.Helper()
	at := float64(b.service.Now().Add(from).UnixMicro()) / 1000
	result := b.result(name, "injectMarker", fmt.Sprintf(`{%s,"time":%s,"value":%s,"label":"l"}`, inSession, strconv.FormatFloat(at, 'f', 3, 64), value))
	return result["marker"].(map[string]any)
}

func TestMarkerObject(t *testing.T) {
	b := newBench(t, scriptWorld(t, "world"))
	b.session("a")
	b.record("a")
	b.vars["$ms"] = fmt.Sprint(b.service.Now().UnixMilli())
	for _, test := range []struct {
		params string
		want   map[string]any
	}{
		{`"value":5,"label":"l"`, map[string]any{"value": 5.0, "label": "l", "port": "Software", "extras": map[string]any{}}},
		{`"value":0,"label":""`, map[string]any{"value": 0.0, "label": "", "port": "Software", "extras": map[string]any{}}},
		{`"value":-1.5,"label":"l"`, map[string]any{"value": -1.5, "label": "l", "port": "Software", "extras": map[string]any{}}},
		{`"value":"5","label":"l","port":"USB"`, map[string]any{"value": "5", "label": "l", "port": "USB", "extras": map[string]any{}}},
		{`"value":"v","label":"l","port":"","extras":{"key":"a","n":[1]}`, map[string]any{"value": "v", "label": "l", "port": "Software", "extras": map[string]any{"key": "a", "n": []any{1.0}}}},
	} {
		result := b.result("a", "injectMarker", `{`+inSession+`,"time":$ms.5,`+test.params+`}`)
		require.Equal(t, []any{b.vars["$record"], b.vars["$session"]}, []any{result["recordId"], result["sessionId"]})
		m := result["marker"].(map[string]any)
		require.Regexp(t, `^[0-9a-f]{8}-`, m["uuid"])
		delete(m, "uuid")
		test.want["type"], test.want["startDatetime"], test.want["endDatetime"] = "instance", "2026-05-29T14:18:45.108500+07:00", "2026-05-29T14:18:45.108500+07:00"
		require.Equal(t, test.want, m, test.params)
	}
	b.advance(time.Second)
	m := b.result("a", "updateMarker", `{`+inSession+`,"markerId":"$marker","time":`+fmt.Sprint(b.service.Now().UnixMilli())+`}`)["marker"].(map[string]any)
	require.Equal(t, []any{"interval", "2026-05-29T14:18:46.108000+07:00", map[string]any{"key": "a", "n": []any{1.0}}}, []any{m["type"], m["endDatetime"], m["extras"]})
}

// TestMarkersInTheStream: a marker stands on exactly one eeg sample, the first
// at its time or after it, for every application on the headset.
func TestMarkersInTheStream(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	b.record("a")
	first := b.vars["$session"]
	b.result("a", "subscribe", `{`+inSession+`,"streams":["eeg"]}`)
	b.connect("b")
	mine := b.vars["$token"]
	b.result("b", "authorize", `{"clientId":"app-other","clientSecret":"s"}`)
	b.result("b", "createSession", `{`+auth+`,"status":"active"}`)
	b.result("b", "subscribe", `{`+inSession+`,"streams":["eeg"]}`)
	b.vars["$session"], b.vars["$token"] = first, mine

	b.advance(time.Second)
	start := b.service.Now()
	b.inject("a", 0, `"now"`)
	b.inject("a", 500*time.Millisecond, `"future"`)
	b.inject("a", -200*time.Millisecond, `7`)
	b.inject("a", 250*time.Millisecond, `"interval"`)
	b.advance(400 * time.Millisecond)
	b.result("a", "updateMarker", fmt.Sprintf(`{%s,"markerId":"$marker","time":%d}`, inSession, b.service.Now().UnixMilli()))
	b.advance(time.Second)

	// Samples are due every 1/256 s from the start of the world on.
	grid := func(from time.Duration) string {
		k := math.Ceil(float64(time.Second+from) / float64(time.Second) * 256)
		return strconv.FormatFloat(math.Round((float64(transcriptStart.UnixMicro())+k*1e6/256)/100)/10000, 'f', -1, 64)
	}
	next := grid(time.Millisecond)
	want := []seenMarker{
		{next, false, 7.0, 7}, // from the past, with the next sample, in the order of their times
		{next, false, "now", 7},
		{grid(250 * time.Millisecond), false, "interval", 7},
		{grid(400 * time.Millisecond), true, "interval", 7},
		{grid(500 * time.Millisecond), false, "future", 7},
	}
	require.Equal(t, want, b.seen("a"))
	require.Equal(t, want, b.seen("b"), "also the other application")
	require.Equal(t, start, b.service.Now().Add(-1400*time.Millisecond))
}

// TestMarkersOfAVersionWithout: before 2.1 eeg had no MARKERS column.
func TestMarkersOfAVersionWithout(t *testing.T) {
	b := newBench(t, scriptWorld(t, "world version=2.0"))
	b.session("a")
	b.record("a")
	cols := b.result("a", "subscribe", `{`+inSession+`,"streams":["eeg"]}`)["success"].([]any)[0].(map[string]any)["cols"].([]any)
	require.NotContains(t, cols, "MARKERS")
	b.inject("a", 0, `1`)
	b.advance(time.Second)
	require.NotContains(t, strings.Join(b.frames["a"], "\n"), "isStop")
}

func TestMarkerJitter(t *testing.T) {
	world := DefaultWorld()
	world.MarkerJitter = 5 * time.Millisecond
	b := newBench(t, world)
	b.session("a")
	b.record("a")
	seen := map[time.Duration]bool{}
	for range 50 {
		at, err := time.Parse(time.RFC3339Nano, b.inject("a", 0, `1`)["startDatetime"].(string))
		require.NoError(t, err)
		early := b.service.Now().Sub(at)
		require.GreaterOrEqual(t, early, time.Duration(0))
		require.LessOrEqual(t, early, 5*time.Millisecond)
		seen[early] = true
	}
	require.Greater(t, len(seen), 40)
}

// TestI1TooOld is case I1: time in seconds instead of milliseconds.
func TestI1TooOld(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	b.record("a")
	answer := b.call("a", "injectMarker", `{`+inSession+`,"time":1700000000,"value":1,"label":"l"}`)
	require.Equal(t, map[string]any{"code": -32115.0, "message": "The marker timestamp is invalid (too far in the past)."}, answer["error"])
	require.Contains(t, strings.Join(b.reasons, "\n"), "time is in milliseconds since 1970")
	b.inject("a", -time.Minute, `1`)
}

// TestI2MarkersAreInTheExport is case I2.
func TestI2MarkersAreInTheExport(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	b.record("a")
	b.advance(time.Second)
	b.inject("a", 0, `42`)
	b.advance(time.Second)
	m := b.result("a", "injectMarker", fmt.Sprintf(`{%s,"time":%d,"value":"v","label":"two words","port":"USB"}`, inSession, b.service.Now().UnixMilli()))["marker"].(map[string]any)
	require.Equal(t, "USB", m["port"])
	b.advance(time.Second + 3*time.Millisecond)
	b.inject("a", 0, `7`) // behind the last sample
	b.result("a", "stopRecord", `{`+inSession+`}`)
	b.advance(time.Second)
	folder := t.TempDir()
	b.export("a", folder, "EEG", `,"includeMarkerExtraInfos":true`)
	require.Equal(t, []string{
		"latency,duration,type,marker_value,key,timestamp,marker_id",
		"1.00,0.00,l,42,-1,1780039126.108000,1",
		"2.00,0.00,two_words,1,-1,1780039127.108000,2",
		"3.00,0.00,l,7,-1,1780039128.111000,3",
	}, trimmed(lines(t, folder, "*_intervalMarker.csv")))
	require.Equal(t, map[int]string{1: "1780039126.108000", 2: "1780039127.108000", 3: "1780039128.108000"}, markerRows(t, lines(t, folder, "Run*.csv")))
}

func trimmed(list []string) (out []string) {
	for _, line := range list {
		out = append(out, strings.TrimSpace(line))
	}
	return out
}

// markerRows returns the Timestamp of the rows with a MarkerIndex.
func markerRows(t *testing.T, table []string) map[int]string {
	t.Helper()
	out := map[int]string{}
	names := strings.Split(table[1], ",")
	for _, line := range table[2:] {
		cells := strings.Split(line, ",")
		for c, name := range names {
			if name == "MarkerIndex" && cells[c] != "" {
				index, err := strconv.ParseFloat(cells[c], 64)
				require.NoError(t, err)
				require.NotContains(t, out, int(index), "one row a marker")
				out[int(index)] = cells[0]
			}
		}
	}
	return out
}

// TestI3MarkersSeenLate is case I3: markers are late or missing in the stream,
// the export is complete.
func TestI3MarkersSeenLate(t *testing.T) {
	world := DefaultWorld()
	world.MarkersLost, world.MarkersLate = 0.1, 3
	b := newBench(t, world)
	b.session("a")
	b.result("a", "subscribe", `{`+inSession+`,"streams":["eeg"]}`)
	b.record("a")
	const markers = 300
	due := map[float64]time.Time{}
	for i := range markers {
		b.advance(50 * time.Millisecond)
		due[float64(i)] = b.service.Now()
		b.inject("a", 0, fmt.Sprint(i))
	}
	b.advance(time.Second)
	seen, late := b.seen("a"), map[int]int{}
	require.InDelta(t, 0.9*markers, len(seen), 20)
	for _, m := range seen {
		at, err := strconv.ParseFloat(m.at, 64)
		require.NoError(t, err)
		behind := at - float64(due[m.value.(float64)].UnixNano())/1e9
		late[int(math.Floor(behind*256))]++
	}
	for samples := range late {
		require.LessOrEqual(t, samples, 3)
	}
	require.GreaterOrEqual(t, len(late), 4, "%v", late)
	b.result("a", "stopRecord", `{`+inSession+`}`)
	b.advance(time.Second)
	folder := t.TempDir()
	b.export("a", folder, "EEG", `,"includeMarkerExtraInfos":true`)
	require.Len(t, lines(t, folder, "*_intervalMarker.csv"), 1+markers)
	require.Len(t, markerRows(t, lines(t, folder, "Run*.csv")), markers)
}

// TestK8MarkersAfterStop is case K8.
func TestK8MarkersAfterStop(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	b.record("a")
	b.inject("a", 0, `1`)
	b.advance(time.Second)
	b.result("a", "stopRecord", `{`+inSession+`}`)
	b.advance(time.Second)
	now := fmt.Sprint(b.service.Now().UnixMilli())
	require.Equal(t, CodeNoRecordRunning, code(b.call("a", "injectMarker", `{`+inSession+`,"time":`+now+`,"value":1,"label":"l"}`)))
	require.Equal(t, CodeNoRecordRunning, code(b.call("a", "updateMarker", `{`+inSession+`,"markerId":"$marker","time":`+now+`}`)))
	for _, reason := range b.reasons {
		require.Contains(t, reason, "record "+b.vars["$record"]+" of session "+b.vars["$session"]+" ended at 2026-05-29T07:18:46.108Z")
	}
}

// TestF2TwoClocks is case F2: with a headset clock 0.25 s ahead, a marker with
// the time of the host is 0.25 s off, with the adjustment it is right.
func TestF2TwoClocks(t *testing.T) {
	world := DefaultWorld()
	world.Headsets[0].ClockOffset = 250 * time.Millisecond
	b := newBench(t, world)
	b.session("a")
	b.record("a")
	b.advance(time.Second)
	// The monotonic clock of the client is the time of the host.
	host := float64(b.service.Now().UnixNano()) / 1e9
	adjustment := b.result("a", "syncWithHeadsetClock", fmt.Sprintf(`{"headset":"EPOCPLUS-3B9A0001","monotonicTime":%f,"systemTime":%f}`, host, host))["adjustment"].(float64)
	require.InDelta(t, 0.25, adjustment, 1e-6)
	b.inject("a", 0, `1`)
	b.inject("a", time.Duration(adjustment*1e9), `2`)
	b.advance(time.Second)
	b.result("a", "stopRecord", `{`+inSession+`}`)
	b.advance(time.Second)
	folder := t.TempDir()
	b.export("a", folder, "EEG")
	// What happened at the instant of the markers is in the sample that was due then.
	instant := host + 0.25
	rows := markerRows(t, lines(t, folder, "Run*.csv"))
	at := func(index int) float64 {
		v, err := strconv.ParseFloat(rows[index], 64)
		require.NoError(t, err)
		return v
	}
	require.InDelta(t, instant-0.25, at(1), 1.0/256)
	require.InDelta(t, instant, at(2), 1.0/256)
}

// TestHardwareMarker: a trigger at the headset is on one eeg sample, of the
// stream and of the record.
func TestHardwareMarker(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	require.NoError(t, b.service.HardwareMarker("", 9), "nobody looks")
	b.result("a", "subscribe", `{`+inSession+`,"streams":["eeg"]}`)
	b.record("a")
	b.advance(time.Second)
	require.NoError(t, b.service.HardwareMarker("EPOCPLUS-3B9A0001", 5))
	b.advance(time.Second)
	b.result("a", "stopRecord", `{`+inSession+`}`)
	b.advance(time.Second)
	r := b.samples("a")["eeg"]
	at := r.column("MARKERHARDWARE")
	var seen []string
	for i, row := range r.rows {
		if v := string(row[at]); v != "0" {
			seen = append(seen, fmt.Sprint(i, " ", v))
		}
	}
	require.Equal(t, []string{"256 5"}, seen)
	folder := t.TempDir()
	b.export("a", folder, "EEG")
	table := lines(t, folder, "*.csv")
	var rows []int
	for i, line := range table[2:] {
		if strings.Contains(line, ",5.000000,") {
			rows = append(rows, i)
		}
	}
	require.Contains(t, rows, 256)
	require.Error(t, b.service.HardwareMarker("EPOCX-00000000", 1))
}

// TestHardwareMarkerBesideOthers: a trigger takes no marker away from its sample,
// while another marker waits for its time.
func TestHardwareMarkerBesideOthers(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	b.record("a")
	b.result("a", "subscribe", `{`+inSession+`,"streams":["eeg"]}`)
	b.advance(time.Second)
	b.inject("a", 500*time.Millisecond, `"later"`)
	b.inject("a", 0, `"now"`)
	require.NoError(t, b.service.HardwareMarker("", 5))
	b.advance(time.Second)
	var values []any
	for _, m := range b.seen("a") {
		values = append(values, m.value)
	}
	require.Equal(t, []any{"now", "later"}, values)
}

// TestMarkersEvokeResponses: the brain answers to what a marker marks, in a
// world whose signal says so.
func TestMarkersEvokeResponses(t *testing.T) {
	run := func(label string, from time.Duration) *received {
		world := DefaultWorld()
		state := streams.DefaultState()
		state.ERP = []streams.ERP{{Match: "target", Latency: 0.3, Width: 0.1, Amplitude: 40}}
		world.Headsets[0].Signal = &state
		b := newBench(t, world)
		b.session("a")
		b.result("a", "subscribe", `{`+inSession+`,"streams":["eeg"]}`)
		b.record("a")
		b.advance(time.Second)
		at := b.service.Now().Add(from).UnixMilli()
		b.result("a", "injectMarker", fmt.Sprintf(`{%s,"time":%d,"value":1,"label":%q}`, inSession, at, label))
		b.frames["a"] = b.frames["a"][:len(b.frames["a"])-1] // other ids, other bytes
		b.advance(time.Second)
		for i, frame := range b.frames["a"] {
			if cut := strings.Index(frame, `[{"applicationId"`); cut >= 0 { // the marker itself
				b.frames["a"][i] = frame[:cut] + "[]" + frame[cut+strings.Index(frame[cut:], `}]`)+2:]
			}
		}
		return b.samples("a")["eeg"]
	}
	target, other := run("target", 0), run("other", 0)
	o1 := target.column("O1")
	largest, where := 0.0, 0
	for i := range target.rows {
		var a, b float64
		require.NoError(t, json.Unmarshal(target.rows[i][o1], &a))
		require.NoError(t, json.Unmarshal(other.rows[i][o1], &b))
		if difference := math.Abs(a - b); difference > largest {
			largest, where = difference, i
		}
		if i <= 256 {
			require.Equal(t, b, a, "nothing before the marker")
		}
	}
	require.Greater(t, largest, 5.0)
	require.InDelta(t, 0.3, float64(where-256)/256, 0.05)
	require.Equal(t, other.rows, run("target", -10*time.Second).rows, "what was long ago evokes nothing")
}
