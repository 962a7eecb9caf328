package api

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator/export"
	"github.com/fakecortex/fakecortex/streams"
)

// received are the samples that a client got of one stream, a row each.
type received struct {
	cols  []string
	rows  [][]json.RawMessage
	times []float64
}

func flat(list []json.RawMessage) (out []json.RawMessage) {
	for _, v := range list {
		var inner []json.RawMessage
		if v[0] == '[' && json.Unmarshal(v, &inner) == nil && len(inner) > 0 { // dev has a list inside; MARKERS is empty here
			out = append(out, inner...)
			continue
		}
		out = append(out, v)
	}
	return out
}

// samples reads what a client received, by stream.
func (b *bench) samples(name string) map[string]*received {
	out := make(map[string]*received)
	for _, frame := range b.frames[name] {
		var f map[string]json.RawMessage
		require.NoError(b.t, json.Unmarshal([]byte(frame), &f))
		if result, ok := f["result"]; ok {
			var answer struct {
				Success []struct {
					StreamName string
					Cols       []json.RawMessage
				}
			}
			if json.Unmarshal(result, &answer) == nil {
				for _, s := range answer.Success {
					if s.StreamName == "" {
						continue
					}
					r := &received{}
					for _, c := range flat(s.Cols) {
						var col string
						require.NoError(b.t, json.Unmarshal(c, &col))
						r.cols = append(r.cols, col)
					}
					out[s.StreamName] = r
				}
			}
			continue
		}
		if _, ok := f["sid"]; !ok {
			continue
		}
		for stream, raw := range f {
			if stream == "sid" || stream == "time" {
				continue
			}
			var values []json.RawMessage
			require.NoError(b.t, json.Unmarshal(raw, &values))
			at, err := strconv.ParseFloat(string(f["time"]), 64)
			require.NoError(b.t, err)
			r := out[stream]
			r.rows, r.times = append(r.rows, flat(values)), append(r.times, at)
			require.Len(b.t, r.rows[0], len(r.cols), stream)
		}
	}
	return out
}

// column returns the place of a wire column, ignoring case and underscores.
func (r *received) column(name string) int {
	for i, c := range r.cols {
		if strings.EqualFold(strings.ReplaceAll(c, "_", ""), name) {
			return i
		}
	}
	return -1
}

// cell prints a value of the wire as a CSV cell.
func cell(raw json.RawMessage) string {
	switch text := string(raw); text {
	case "null":
		return ""
	case "true":
		return "1.000000"
	case "false":
		return "0.000000"
	default:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return text
		}
		return strconv.FormatFloat(f, 'f', 6, 64)
	}
}

var metricNames = map[string]string{
	"Attention": "attention", "Engagement": "eng", "Excitement": "exc", "LongTermExcitement": "lex", "Stress": "str", "Relaxation": "rel", "Interest": "int",
	"Focus": "foc", "CognitiveStress": "cognitiveStress",
}

// wireColumn returns stream and wire name of a column of CSV V2; "" for those
// that no stream has.
func wireColumn(name string) (stream, column string) {
	prefix, rest, _ := strings.Cut(name, ".")
	switch prefix {
	case "EEG":
		if strings.HasPrefix(rest, "Battery") {
			return "", ""
		}
		return "eeg", rest
	case "MOT":
		return "mot", rest
	case "EQ":
		return "eq", rest
	case "POW":
		return "pow", strings.ReplaceAll(rest, ".", "/")
	case "PM":
		metric, part, _ := strings.Cut(rest, ".")
		switch part {
		case "IsActive":
			return "met", metricNames[metric] + ".isActive"
		case "Scaled", "":
			return "met", metricNames[metric]
		}
	}
	return "", ""
}

// Samples that are due within the record of recorded.
const (
	eegSamples = 14645*256/1000 - 2345*256/1000
	motSamples = 14645*64/1000 - 2345*64/1000
)

const everyStream = "EEG,MOTION,PM,BP"

// recorded makes a record of 12.3 s on an EPOC X at 256 Hz, or in the world that
// change makes, while client a is subscribed to some streams.
func recorded(t *testing.T, streams string, change ...func(*World)) *bench {
	world := DefaultWorld()
	world.Headsets[0] = HeadsetSpec{ID: "EPOCX-3B9A0001"}
	for _, c := range change {
		c(&world)
	}
	b := newBench(t, world)
	b.session("a")
	b.advance(2345 * time.Millisecond) // a record may start in the middle of a second
	b.record("a")
	if streams != "" {
		result := b.result("a", "subscribe", `{`+inSession+`,"streams":[`+streams+`]}`)
		require.Empty(t, result["failure"])
	}
	b.advance(12300 * time.Millisecond)
	b.result("a", "stopRecord", `{`+inSession+`}`)
	b.result("a", "updateSession", `{`+inSession+`,"status":"close"}`)
	b.advance(time.Second)
	return b
}

// TestExportHoldsWhatWasStreamed compares every value of a CSV with what the
// subscriber of all streams received: of headsets with other columns, of an older
// Cortex, and when packets are lost.
func TestExportHoldsWhatWasStreamed(t *testing.T) {
	headset := func(spec HeadsetSpec) func(*World) { return func(w *World) { w.Headsets[0] = spec } }
	losses := func(w *World) {
		state := streams.DefaultState()
		state.Loss = streams.Loss{Probability: 0.01, Burst: 5, InterpolationLimit: 6}
		w.Headsets[0].Signal = &state
	}
	for _, test := range []struct {
		name    string
		world   func(*World)
		streams string
		rate    float64
		columns string // among those of the file, in their order
	}{
		{"EPOC X", func(*World) {}, `"eeg","mot","dev","eq","pow","met"`, 256, "MOT.CounterMems,MOT.InterpolatedMems,MOT.Q0,MOT.Q1,MOT.Q2,MOT.Q3,MOT.AccX"},
		{"EPOC+ with a gyroscope", func(w *World) { *w = DefaultWorld() }, `"eeg","mot","dev","eq","pow","met"`, 256,
			"MOT.CounterMems,MOT.InterpolatedMems,MOT.GyroX,MOT.GyroY,MOT.GyroZ,MOT.AccX,MOT.AccY,MOT.AccZ,MOT.MagX,MOT.MagY,MOT.MagZ"},
		{"EPOC Flex", headset(HeadsetSpec{ID: "EPOCFLEX-3B9A0001"}), `"eeg","mot","dev","eq","pow","met"`, 128, "EEG.C3,EEG.T7,EEG.F3,EEG.F7"},
		{"EPOC", headset(HeadsetSpec{ID: "EPOC-3B9A0001"}), `"eeg","mot","dev","eq","pow","met"`, 128, "MOT.CounterMems,MOT.InterpolatedMems,MOT.GyroX,MOT.GyroY,PM."},
		{"MN8", headset(HeadsetSpec{ID: "MN8-3B9A0001"}), `"eeg","mot","dev","eq","pow","met"`, 128, "EEG.T7,EEG.T8,EEG.RawCq"},
		{"Cortex 2.3", func(w *World) { w.CortexVersion = "2.3" }, `"eeg","mot","dev","pow","met"`, 256, "PM.Interest.Max,PM.Focus.IsActive,PM.Focus.Scaled"},
		{"losses", losses, `"eeg","mot","dev","eq","pow","met"`, 256, "EEG.Counter,EEG.Interpolated"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := recorded(t, test.streams, test.world)
			if test.name == "Cortex 2.3" { // which exports when the headset is disconnected
				b.result("a", "controlDevice", `{"command":"disconnect","headset":"EPOCX-3B9A0001"}`)
			}
			got := b.samples("a")
			require.Len(t, got, 1+strings.Count(test.streams, ","))
			folder := t.TempDir()
			require.Equal(t, b.vars["$record"], successes(b.export("a", folder, everyStream)))
			table := lines(t, folder, "*.csv")
			require.Contains(t, table[1], test.columns)
			compareTable(t, table, got, test.rate)
			interpolated := 0
			for _, row := range got["eeg"].rows {
				interpolated += map[string]int{"1": 1}[string(row[1])]
			}
			if test.name == "losses" {
				require.Greater(t, interpolated, 10)
				require.Less(t, len(got["eeg"].rows), eegSamples-10, "and holes")
			} else {
				require.Zero(t, interpolated)
				require.Len(t, got["eeg"].rows, int(14.645*test.rate)-int(2.345*test.rate))
			}
		})
	}
}

// compareTable compares the rows of a CSV V2 with the samples of its streams.
func compareTable(t *testing.T, table []string, streams map[string]*received, rate float64) {
	t.Helper()
	names := strings.Split(table[1], ",")
	require.Len(t, table, 2+len(streams["eeg"].rows), "a row per eeg sample")

	// wire holds the place of each column among those of its stream.
	type wire struct {
		stream string
		column int
	}
	places := make([]wire, len(names))
	for c, name := range names {
		if stream, column := wireColumn(name); column != "" {
			places[c] = wire{stream, streams[stream].column(column)}
			require.NotEqual(t, -1, places[c].column, name)
		}
		if sensor, ok := strings.CutPrefix(name, "CQ."); ok && streams["dev"].column(sensor) >= 0 {
			places[c] = wire{"dev", streams["dev"].column(sensor)}
		}
	}
	same := func(want, got string, c int, row string) {
		if want != got { // testify would take a minute for all of them
			t.Fatalf("%s at %s: want %s, got %s", names[c], row, want, got)
		}
	}
	next := map[string]int{} // samples of a stream that rows have shown
	compared := map[string]int{}
	for i, line := range table[2:] {
		cells := strings.Split(line, ",")
		if len(cells) != len(names) {
			t.Fatalf("%d cells, want %d: %s", len(cells), len(names), line)
		}
		at, err := strconv.ParseFloat(cells[0], 64)
		require.NoError(t, err)
		require.Equal(t, streams["eeg"].times[i], at)
		shown := map[string]bool{}
		for c, place := range places {
			if place.stream != "" && cells[c] != "" {
				shown[place.stream] = true
			}
		}
		// Contact quality stands on every row: that of the last dev sample.
		dev := streams["dev"]
		for next["dev"]+1 < len(dev.times) && dev.times[next["dev"]+1] <= at+0.5/rate {
			next["dev"]++
		}
		for c, place := range places {
			if shown[place.stream] {
				same(cell(streams[place.stream].rows[next[place.stream]][place.column]), cells[c], c, cells[0])
				compared[place.stream]++
			}
		}
		for stream := range shown {
			if stream != "dev" {
				next[stream]++
			}
		}
	}
	for stream, r := range streams {
		if stream != "dev" {
			require.Equal(t, len(r.rows), next[stream], "every sample of %s is in the file", stream)
		}
		require.Greater(t, compared[stream], len(r.rows), stream)
	}
}

// TestExportWithoutSubscriber: a record holds the same when nobody listens, and
// a subscriber of one stream gets nothing else because of it.
func TestExportWithoutSubscriber(t *testing.T) {
	var tables [3][]string
	for i, streams := range []string{`"eeg","mot","dev","eq","pow","met","com","fac"`, ``, `"mot"`} {
		b := recorded(t, streams)
		folder := t.TempDir()
		require.Equal(t, b.vars["$record"], successes(b.export("a", folder, everyStream)))
		tables[i] = lines(t, folder, "*.csv")
		if i == 2 {
			got := b.samples("a")
			require.Len(t, got, 1)
			require.Len(t, got["mot"].rows, motSamples)
		}
	}
	require.Equal(t, tables[0], tables[1])
	require.Equal(t, tables[0], tables[2])
}

// bdf is a plain reader of BDF files.
type bdf struct {
	values map[string][]float64
	steps  map[string]float64
}

func readBDF(t *testing.T, path string) bdf {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	number := func(text []byte) float64 {
		f, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
		require.NoError(t, err)
		return f
	}
	records, n := int(number(data[236:244])), int(number(data[252:256]))
	at := 256
	column := func(width int) (out [][]byte) {
		for range n {
			out = append(out, data[at:at+width])
			at += width
		}
		return out
	}
	labels, _, _ := column(16), column(80), column(8)
	pmin, pmax, dmin, dmax, _, counts, _ := column(8), column(8), column(8), column(8), column(80), column(8), column(32)
	out := bdf{values: map[string][]float64{}, steps: map[string]float64{}}
	for range records {
		for i := range n {
			label := strings.TrimSpace(string(labels[i]))
			step := (number(pmax[i]) - number(pmin[i])) / (number(dmax[i]) - number(dmin[i]))
			out.steps[label] = step
			for range int(number(counts[i])) {
				digital := int32(uint32(data[at])<<8|uint32(data[at+1])<<16|uint32(data[at+2])<<24) >> 8
				at += 3
				out.values[label] = append(out.values[label], number(pmin[i])+(float64(digital)-number(dmin[i]))*step)
			}
		}
	}
	require.Len(t, data, at, "the header counts the data")
	return out
}

func TestBDFHoldsWhatWasStreamed(t *testing.T) {
	b := recorded(t, `"eeg","mot"`)
	folder := t.TempDir()
	result := b.result("a", "exportRecord", fmt.Sprintf(`{%s,"recordIds":["$record"],"folder":%q,"streamTypes":["EEG","MOTION"],"format":"BDFPLUS"}`, auth, folder))
	require.Equal(t, b.vars["$record"], successes(result))
	file := readBDF(t, only(t, folder, "*.bdf"))
	compared := 0
	for stream, r := range b.samples("a") {
		for c, col := range r.cols {
			if col == "MARKERS" {
				continue
			}
			label := col[:min(len(col), 16)] // a label has no more room
			values, ok := file.values[label]
			require.True(t, ok, label)
			// Motion begins on the step of its own grid that is nearest to the file's start.
			offset := 0
			if stream == "mot" {
				offset = int(math.Round((r.times[0] - b.samples("a")["eeg"].times[0]) * 64))
			}
			for i, row := range r.rows {
				want, err := strconv.ParseFloat(string(row[c]), 64)
				if err != nil {
					t.Fatal(err)
				}
				if math.Abs(want-values[offset+i]) > file.steps[label]/2+1e-9 {
					t.Fatalf("%s %d: want %v, got %v", col, i, want, values[offset+i])
				}
				compared++
			}
		}
	}
	require.Equal(t, eegSamples*18+motSamples*12, compared)
}

// TestExportFormats: each format makes its files, and nothing else.
func TestExportFormats(t *testing.T) {
	b := recorded(t, "")
	for _, test := range []struct {
		params string
		want   []string // endings
	}{
		{`"format":"CSV","version":"V2","streamTypes":["EEG"]`, []string{".csv", ".json"}},
		{`"format":"CSV","version":"V2","streamTypes":["EEG","MOTION","PM","BP"],"includeMarkerExtraInfos":true`, []string{".md.pm.bp.csv", ".json", "_intervalMarker.csv"}},
		{`"format":"CSV","version":"V1","streamTypes":["EEG","MOTION","PM","BP"]`, []string{".csv", ".md.csv", ".pm.csv", ".bp.csv", ".json"}},
		{`"format":"EDF","streamTypes":["EEG","MOTION"]`, []string{".edf", ".md.edf", ".json"}},
		{`"format":"EDF","version":"","streamTypes":["MOTION"]`, []string{".md.edf", ".json"}},
		{`"format":"EDFPLUS","streamTypes":["EEG","MOTION"]`, []string{".edf", ".json"}},
		{`"format":"BDFPLUS","version":"V2","streamTypes":["EEG"]`, []string{".bdf", ".json"}},
	} {
		folder := t.TempDir()
		result := b.result("a", "exportRecord", fmt.Sprintf(`{%s,"recordIds":["$record"],"folder":%q,%s}`, auth, folder, test.params))
		require.Equal(t, b.vars["$record"], successes(result), test.params)
		require.ElementsMatch(t, prefixed("Run_EPOCX_1_2026.05.29T07.18.47+00.00", test.want), list(t, folder), test.params)
	}
}

func prefixed(prefix string, endings []string) (out []string) {
	for _, e := range endings {
		out = append(out, prefix+e)
	}
	return out
}

func list(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestExportOfBasicMetrics: without scope pm the file tells their period.
func TestExportOfBasicMetrics(t *testing.T) {
	for want, period := range map[string]time.Duration{"eeg_256;pm_0.1,": 0, "eeg_256;pm_0.25,": 4 * time.Second} {
		b := recorded(t, "", func(w *World) { w.Licenses[0].Scopes, w.BasicMetPeriod = []string{"eeg"}, period })
		folder := t.TempDir()
		require.Equal(t, b.vars["$record"], successes(b.export("a", folder, "EEG,PM")))
		require.Contains(t, lines(t, folder, "*.csv")[0], want)
	}
}

func TestExportErrors(t *testing.T) {
	for _, test := range []struct {
		name, params string
		want         int
	}{
		{"no folder", `"format":"EDF","streamTypes":["EEG"],"recordIds":["$record"]`, CodeMissingParams},
		{"no format", `"folder":"/x","streamTypes":["EEG"],"recordIds":["$record"]`, CodeMissingParams},
		{"no streams", `"folder":"/x","format":"EDF","recordIds":["$record"]`, CodeMissingParams},
		{"CSV without version", `"folder":"/x","format":"CSV","streamTypes":["EEG"],"recordIds":["$record"]`, CodeMissingParams},
		{"CSV V3", `"folder":"/x","format":"CSV","version":"V3","streamTypes":["EEG"],"recordIds":["$record"]`, CodeInvalidParams},
		{"EDF with version", `"folder":"/x","format":"EDF","version":"V1","streamTypes":["EEG"],"recordIds":["$record"]`, CodeInvalidParams},
		{"unknown format", `"folder":"/x","format":"edf","streamTypes":["EEG"],"recordIds":["$record"]`, CodeInvalidParams},
		{"streams are no strings", `"folder":"/x","format":"EDF","streamTypes":[1],"recordIds":["$record"]`, CodeInvalidParams},
	} {
		b := newBench(t, seeded())
		b.session("a")
		b.id("Mine")
		require.Equal(t, test.want, code(b.call("a", "exportRecord", `{`+auth+`,`+test.params+`}`)), test.name)
	}
	b := newBench(t, scriptWorld(t, "world version=3.7.4"))
	b.session("a")
	require.Equal(t, CodeInvalidParams, code(b.call("a", "exportRecord", `{`+auth+`,"recordIds":[],"folder":"/x","format":"EDFPLUS","streamTypes":["EEG"]}`)), "since 3.7.5")
}

// TestExportFailures: what is wrong with one record or the folder is a failure
// entry, and no file is left.
func TestExportFailures(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "out"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "file"), nil, 0o644))
	outside := t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(root, "link")))
	world := seeded()
	world.Licenses[0].Scopes = []string{"pm"}
	world.ExportFolders = export.Folders{Root: root, Map: []export.FolderMap{{From: `C:\exports`, To: "out"}}}
	b := newBench(t, world)
	b.session("a")
	id := b.id("Mine")
	out := filepath.Join(root, "out")
	for _, test := range []struct{ name, folder, streamTypes, want string }{
		{"no scope eeg", out, everyStream, "-32138"},
		{"unknown stream", out, "MOTION,GYRO", "-32138"},
		{"no streams at all", out, "", "-32138"},
		{"missing folder", filepath.Join(root, "missing"), "MOTION", "-32139"},
		{"a file", filepath.Join(root, "file"), "MOTION", "-32139"},
		{"dots", root + "/out/../../x", "MOTION", "-32139"},
		{"a link that leads out", filepath.Join(root, "link"), "MOTION", "-32139"},
		{"another place", outside, "MOTION", "-32139"},
	} {
		require.Equal(t, id+" "+test.want, failures(b.export("a", test.folder, test.streamTypes)), test.name)
	}
	require.Empty(t, list(t, out))
	require.Empty(t, list(t, outside))
	result := b.result("a", "exportRecord", fmt.Sprintf(`{%s,"recordIds":["$record","x","$record"],"folder":%q,"streamTypes":["MOTION"],"format":"EDF"}`, auth, `C:\exports`))
	require.Equal(t, id+","+id, successes(result))
	require.Equal(t, "x -32113", failures(result))
	require.Len(t, list(t, out), 2, "the client's folder is ours below the root")
	edf := b.result("a", "exportRecord", fmt.Sprintf(`{%s,"recordIds":["$record"],"folder":%q,"streamTypes":["PM"],"format":"EDF"}`, auth, out))
	require.Equal(t, id+" -32138", failures(edf), "EDF has no metrics")
	b.record("a")
	require.Equal(t, b.vars["$record"]+" -32137", failures(b.export("a", out, "MOTION")), "it runs")
}

// TestExportThatCannotWrite: the folder is there and takes no file.
func TestExportThatCannotWrite(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no folder is known that refuses root too")
	}
	b := newBench(t, seeded())
	b.session("a")
	id := b.id("Mine")
	require.Equal(t, id+" -32140", failures(b.export("a", "/proc", "MOTION")))
	require.Contains(t, strings.Join(b.reasons, "\n"), "the folder is not writable")
}

// TestDamagedData: a record whose storage failed answers -32147.
func TestDamagedData(t *testing.T) {
	world := DefaultWorld()
	world.RecordStorage = export.Storage{Dir: filepath.Join(t.TempDir(), "missing"), Memory: -1}
	b := newBench(t, world)
	b.session("a")
	b.record("a")
	b.advance(20 * time.Second)
	b.result("a", "stopRecord", `{`+inSession+`}`)
	b.advance(time.Second)
	folder := t.TempDir()
	require.Equal(t, b.vars["$record"]+" -32147", failures(b.export("a", folder, "EEG")))
	require.Empty(t, list(t, folder))
}

// TestRecordStorage: long records spill to one file a record, which goes with it.
func TestRecordStorage(t *testing.T) {
	world := DefaultWorld()
	world.RecordStorage = export.Storage{Dir: t.TempDir(), Memory: -1}
	b := newBench(t, world)
	b.session("a")
	b.record("a")
	b.advance(20 * time.Second)
	b.result("a", "stopRecord", `{`+inSession+`}`)
	memory, disk := b.service.data[b.vars["$record"]].recording.Bytes()
	require.Zero(t, memory)
	require.Greater(t, disk, int64(50_000))
	b.advance(time.Second)
	require.Equal(t, b.vars["$record"], successes(b.export("a", t.TempDir(), "EEG")))
	recording := b.service.data[b.vars["$record"]].recording
	b.record("a") // runs when the service ends
	require.NoError(t, b.service.Close())
	_, err := recording.Open(0).Next()
	require.Error(t, err)
	require.Empty(t, list(t, world.RecordStorage.Dir))
}

// TestDeletedWhileMade: a record that is deleted while its data is being made
// leaves nothing behind.
func TestDeletedWhileMade(t *testing.T) {
	b := newBench(t, seeded())
	data := b.service.data[b.id("Mine")]
	generate := data.generate
	var made *export.Recording
	data.generate = func(ctx context.Context) (*export.Recording, error) {
		var err error
		made, err = generate(ctx)
		require.NoError(t, data.free())
		return made, err
	}
	_, err := data.open(t.Context())
	require.ErrorIs(t, err, export.ErrCorrupted)
	_, err = made.Open(0).Next()
	require.Error(t, err)
}

func TestSimulationIsCancelled(t *testing.T) {
	b := newBench(t, seeded())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.service.data[b.id("Mine")].open(ctx)
	require.ErrorIs(t, err, context.Canceled)
}
