package export

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/streams"
)

var update = flag.Bool("update", false, "write the golden files anew")

func testRecord(end float64) Record {
	zone := time.FixedZone("", 8*3600)
	start := time.Unix(0, testStart).In(zone)
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	return Record{
		UUID: "5c3b6f0e-0d0b-4a1c-9a53-1d1f6a6b0001", Title: "Größe, test 1", Subject: "Zoë W", Number: 6649,
		Start: start, End: at(end),
		Headset:       Headset{Type: "EPOCX", ID: "EPOCX-E50208D8", Serial: "E50208D8", Firmware: "930", ConnectionType: "bluetooth"},
		ApplicationID: "com.example.app", User: "example",
		Rates: map[streams.Kind]float64{streams.EEG: 128, streams.MOT: 64},
		Markers: []Marker{
			{UUID: "m-1", Type: "instance", Value: 41.0, Label: "eyes open", Port: "Software", Start: at(0.5), End: at(0.5)},
			{UUID: "m-2", Type: "interval", Value: "stim A", Label: "task", Port: "Serial", Start: at(0.75), End: at(1.25), Extras: map[string]any{"key": "k"}},
			{UUID: "m-3", Type: "instance", Value: "stim A", Label: "", Port: "Software", Start: at(0.75), End: at(0.75)},
		},
		Demographics: map[string]any{"gender": "F"}, Survey: []any{map[string]any{"q": 1}},
	}
}

// testJob exports some seconds of a headset to a fresh folder.
func testJob(t testing.TB, sensors []string, seconds float64, kinds streams.Kinds) Job {
	src := newSource(sensors, 128, 64, kinds)
	rec := src.record(Storage{Dir: t.TempDir()}, seconds)
	t.Cleanup(func() { _ = rec.Delete() })
	return Job{
		Record: testRecord(seconds), Recording: rec, Format: CSV, Version: "V2", Streams: StreamEEG,
		Folders: Folders{Root: t.TempDir()}, Folder: "/", Now: time.Unix(1_719_900_000, 0).UTC(),
	}
}

func TestGolden(t *testing.T) {
	all := StreamEEG | StreamMotion | StreamPM | StreamBP
	for _, c := range []struct {
		name    string
		format  Format
		version string
		streams StreamTypes
		files   []string // suffixes
	}{
		{"csv2", CSV, "V2", all | StreamMC | StreamFE, []string{".json", ".md.mc.pm.fe.bp.csv", "_intervalMarker.csv"}},
		{"csv1", CSV, "V1", all, []string{".bp.csv", ".csv", ".json", ".md.csv", ".pm.csv", "_intervalMarker.csv"}},
		{"edf", EDF, "", StreamEEG | StreamMotion, []string{".edf", ".json", ".md.edf", "_intervalMarker.csv"}},
		{"edfplus", EDFPLUS, "", StreamEEG | StreamMotion, []string{".edf", ".json", "_intervalMarker.csv"}},
		{"bdfplus", BDFPLUS, "", StreamEEG | StreamMotion, []string{".bdf", ".json", "_intervalMarker.csv"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			job := testJob(t, insightSensors, 1.5, streams.AllKinds)
			job.Format, job.Version, job.Streams = c.format, c.version, c.streams
			job.IncludeDemographics, job.IncludeSurvey, job.IncludeMarkerExtraInfos = true, true, true
			files, err := Export(context.Background(), job)
			require.NoError(t, err)
			var suffixes []string
			for _, f := range files {
				suffix, ok := strings.CutPrefix(filepath.Base(f), "Größe, test 1_EPOCX_6649_2024.07.02T13.54.25+08.00")
				require.True(t, ok, f)
				suffixes = append(suffixes, suffix)
				got, err := os.ReadFile(f)
				require.NoError(t, err)
				golden := filepath.Join("testdata", "golden", c.name+suffix)
				if *update {
					require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o755))
					require.NoError(t, os.WriteFile(golden, got, 0o644))
				}
				want, err := os.ReadFile(golden)
				require.NoError(t, err)
				require.True(t, bytes.Equal(want, got), "%s differs", golden)
			}
			sort.Strings(suffixes)
			assert.Equal(t, c.files, suffixes)
			names := dirNames(t, job.Folders.Root)
			assert.Len(t, names, len(files), "no temporary file stays")
		})
	}
}

func dirNames(t *testing.T, dir string) []string {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// The header of CSV V2 as real files of 2026 have it, for an EPOC X with 14
// sensors: 183 columns with all streams and Focus.
func TestCSVV2Header(t *testing.T) {
	job := testJob(t, epocSensors, 2, streams.AllKinds)
	job.Streams = StreamEEG | StreamMotion | StreamPM | StreamBP | StreamMC | StreamFE
	job.IncludeDeprecatedPM = true
	files, err := Export(context.Background(), job)
	require.NoError(t, err)
	data, err := os.ReadFile(files[0])
	require.NoError(t, err)
	lines := strings.SplitAfter(string(data), "\n")
	assert.Equal(t, "title:Größe, test 1, start timestamp:1719899665.250000, stop timestamp:1719899667.250000, headset type:EPOCX, "+
		"headset serial:E50208D8, headset firmware:930, channels:182, sampling rate:eeg_128;mot_64;mc_8;pm_2;fe_32;pow_8, samples:256       , version:2.2, \n", lines[0])
	cols := strings.Split(strings.TrimSpace(lines[1]), ",")
	assert.Len(t, cols, 183)
	assert.Equal(t, []string{"Timestamp", "OriginalTimestamp", "EEG.Counter", "EEG.Interpolated", "EEG.AF3"}, cols[:5])
	assert.Equal(t, []string{"EEG.RawCq", "EEG.Battery", "EEG.BatteryPercent", "MarkerIndex", "MarkerType", "MarkerValueInt", "EEG.MarkerHardware", "CQ.AF3"}, cols[18:26])
	assert.Equal(t, "POW.AF4.Gamma", cols[182])
	job.IncludeDeprecatedPM = false
	for _, f := range job.v2Fields() {
		assert.NotContains(t, f.name, "Focus")
	}
}

func TestMarkersKeepTheirOrderAndValue(t *testing.T) {
	r := testRecord(2)
	r.Markers[0].Value = json.Number("1")
	r.Markers = append(r.Markers, Marker{Type: "instance", Value: "7", Start: r.Start, End: r.Start})
	ints, listed := markerInts(r.Markers)
	assert.Equal(t, []int64{1, 2, 2, 7}, ints, "2 is the first number that no marker has")
	assert.Equal(t, map[string]int64{"stim A": 2}, listed)
	var kinds, index []int64
	for _, e := range markerEvents(r.Markers) {
		kinds, index = append(kinds, e.kind), append(index, e.index)
	}
	assert.Equal(t, []int64{4, 1, 2, 3, 2}, index)
	assert.Equal(t, []int64{0, 0, 1, 0, 2}, kinds)
}

func TestNumbersOfCSVV2(t *testing.T) {
	for _, c := range []struct {
		v        int64
		decimals uint8
		want     string
	}{
		{0, 0, "0.000000"}, {-1, 0, "-1.000000"}, {4215385, 3, "4215.385000"}, {-7, 6, "-0.000007"}, {-70, 7, "-0.000007"},
		{1, 1, "0.100000"}, {9007199254740991, 0, "9007199254740991.000000"}, {17198996652578, 4, "1719899665.257800"},
	} {
		assert.Equal(t, c.want, string(appendSix(nil, c.v, c.decimals)))
	}
}

func TestNoDemographicsUnlessAsked(t *testing.T) {
	job := testJob(t, insightSensors, 1, streams.AllKinds)
	files, err := Export(context.Background(), job)
	require.NoError(t, err)
	require.Len(t, files, 2)
	data, err := os.ReadFile(files[1])
	require.NoError(t, err)
	var doc map[string]any
	require.NoError(t, json.Unmarshal(data, &doc))
	assert.NotContains(t, doc, "demographics")
	assert.NotContains(t, doc, "survey")
	assert.Equal(t, "2024-07-02T13:54:25.750000+08:00", doc["Markers"].([]any)[0].(map[string]any)["startDatetime"])
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Job)
		want   error
	}{
		"missing folder":     {func(j *Job) { j.Folder = "/none" }, ErrFolderMissing},
		"no folder":          {func(j *Job) { j.Folder = "" }, ErrFolderMissing},
		"missing root":       {func(j *Job) { j.Folders.Root += "/none" }, ErrFolderMissing},
		"relative, no root":  {func(j *Job) { j.Folders.Root, j.Folder = "", "." }, ErrFolderMissing},
		"bands as EDF":       {func(j *Job) { j.Format, j.Version, j.Streams = EDF, "", StreamEEG|StreamBP }, ErrStreamNotSupported},
		"motion not there":   {func(j *Job) { j.Streams = StreamEEG | StreamMotion }, ErrStreamNotSupported},
		"no stream":          {func(j *Job) { j.Streams = 0 }, ErrStreamNotSupported},
		"EDF with a version": {func(j *Job) { j.Format = EDF }, ErrFormat},
		"CSV without":        {func(j *Job) { j.Version = "" }, ErrFormat},
		"no data":            {func(j *Job) { j.Recording = nil }, ErrCorrupted},
		"deleted":            {func(j *Job) { _ = j.Recording.Delete() }, ErrCorrupted},
		"disk failed":        {func(j *Job) { j.Recording.err = errors.New("disk") }, ErrCorrupted},
	} {
		t.Run(name, func(t *testing.T) {
			job := testJob(t, insightSensors, 1, streams.KindSet(streams.EEG, streams.DEV, streams.POW))
			root := job.Folders.Root
			c.change(&job)
			_, err := Export(context.Background(), job)
			require.ErrorIs(t, err, c.want)
			var e *Error
			require.ErrorAs(t, err, &e)
			assert.NotEmpty(t, e.Op)
			assert.Empty(t, dirNames(t, root))
		})
	}
}

func TestFolderIsMapped(t *testing.T) {
	f := Folders{Root: "/exports", Map: []FolderMap{
		{From: `C:\Users\Me\out`, To: "me"}, {From: "/home/me/out", To: "/me"}, {From: "/home/me/out/deep", To: "elsewhere"},
	}}
	for in, want := range map[string]string{
		`C:\Users\Me\out`:          "me",
		`c:/users/me/OUT/day 1/.\`: "me/day 1",
		"/home/me/out/":            "me",
		"/home/me/out/deep/er":     "elsewhere/er",
		"/home/me/outer":           "home/me/outer",
		"/exports/x":               "x",
		"/exports":                 ".",
		`D:\data\x`:                "data/x",
		`\\server\share\x`:         "server/share/x",
		`/a\b/c`:                   `a\b/c`,
		"relative/x":               "relative/x",
	} {
		got, err := f.Resolve(in)
		require.NoError(t, err, in)
		assert.Equal(t, strings.TrimPrefix(want, "/"), strings.TrimPrefix(got, "/"), in)
	}
	f.Map = append(f.Map, FolderMap{From: "*", To: "."})
	got, err := f.Resolve(`D:\data\x`)
	require.NoError(t, err)
	assert.Equal(t, ".", got, "any other folder is the root")
}

// Nothing is written outside the root, whatever the client or the world says.
func TestConfinement(t *testing.T) {
	top := t.TempDir()
	root, outside := filepath.Join(top, "root"), filepath.Join(top, "outside")
	require.NoError(t, os.MkdirAll(filepath.Join(root, "in"), 0o755))
	require.NoError(t, os.MkdirAll(outside, 0o755))
	require.NoError(t, os.Symlink(outside, filepath.Join(root, "abs")))
	require.NoError(t, os.Symlink("../outside", filepath.Join(root, "rel")))
	require.NoError(t, os.Symlink("in", filepath.Join(root, "fine")))
	for _, folder := range []string{"..", "../outside", "in/../../outside", `in\..\..\outside`, `C:\..\outside`, `C:..\outside`,
		root + "/../outside", "abs", "rel", "/abs/", "in/../abs", outside, `\\?\C:\x`, "in\x00"} {
		job := testJob(t, insightSensors, 1, streams.AllKinds)
		job.Folders.Root, job.Folder = root, folder
		_, err := Export(context.Background(), job)
		require.Error(t, err, folder)
		assert.Empty(t, dirNames(t, outside), folder)
		assert.Len(t, dirNames(t, root), 4, folder)
		assert.Empty(t, dirNames(t, filepath.Join(root, "in")), folder)
	}
	// A title is no path, and a link in place of a file is replaced, not followed.
	job := testJob(t, insightSensors, 1, streams.AllKinds)
	job.Folders.Root, job.Folder = root, "fine"
	job.Record.Title = "../../outside/x"
	name := job.Record.baseName()
	require.NoError(t, os.Symlink(filepath.Join(outside, "x"), filepath.Join(root, "in", name+".csv")))
	files, err := Export(context.Background(), job)
	require.NoError(t, err)
	assert.Len(t, files, 2)
	assert.Empty(t, dirNames(t, outside))
	assert.Len(t, dirNames(t, filepath.Join(root, "in")), 2)
}

// The folder is swapped for a link to the outside while the export runs.
func TestSymlinkSwap(t *testing.T) {
	job := testJob(t, insightSensors, 1, streams.AllKinds)
	root, outside := job.Folders.Root, t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "in"), 0o755))
	job.Folder = "in"
	swapped := false
	job.wrap = func(w io.Writer) io.Writer {
		if !swapped {
			swapped = true
			require.NoError(t, os.Rename(filepath.Join(root, "in"), filepath.Join(root, "moved")))
			require.NoError(t, os.Symlink(outside, filepath.Join(root, "in")))
		}
		return w
	}
	_, err := Export(context.Background(), job)
	require.NoError(t, err)
	require.True(t, swapped)
	assert.Empty(t, dirNames(t, outside))
	assert.Len(t, dirNames(t, filepath.Join(root, "moved")), 2)
}

// limited is a disk that has only so much room, over all files.
type limited struct {
	w    io.Writer
	left *int
}

func (l limited) Write(p []byte) (int, error) {
	if len(p) > *l.left {
		n, _ := l.w.Write(p[:*l.left])
		*l.left = 0
		return n, &os.PathError{Op: "write", Err: syscall.ENOSPC}
	}
	*l.left -= len(p)
	return l.w.Write(p)
}

func TestFullDisk(t *testing.T) {
	for _, format := range []Format{CSV, EDF, EDFPLUS, BDFPLUS} {
		job := testJob(t, insightSensors, 0.1, streams.AllKinds)
		job.Format = format
		if format != CSV {
			job.Version = ""
		}
		job.Streams, job.IncludeMarkerExtraInfos = StreamEEG|StreamMotion, true
		room := 1 << 30
		job.wrap = func(w io.Writer) io.Writer { return limited{w, &room} }
		_, err := Export(context.Background(), job)
		require.NoError(t, err)
		total := 1<<30 - room
		for _, n := range dirNames(t, job.Folders.Root) {
			require.NoError(t, os.Remove(filepath.Join(job.Folders.Root, n)))
		}
		for k := 0; k < total; k += 1 + total/400 {
			room = k
			_, err := Export(context.Background(), job)
			require.ErrorIs(t, err, ErrNoSpace, "%s, room for %d bytes of %d", format, k, total)
			require.ErrorIs(t, err, syscall.ENOSPC)
			require.Empty(t, dirNames(t, job.Folders.Root))
		}
	}
}

// A rename that fails takes the files with it that were renamed before.
func TestRenameFails(t *testing.T) {
	job := testJob(t, insightSensors, 1, streams.AllKinds)
	block := filepath.Join(job.Folders.Root, job.Record.baseName()+".json")
	require.NoError(t, os.MkdirAll(filepath.Join(block, "full"), 0o755))
	_, err := Export(context.Background(), job)
	require.ErrorIs(t, err, ErrUnwritable)
	assert.Equal(t, []string{filepath.Base(block)}, dirNames(t, job.Folders.Root))
}

func TestCancel(t *testing.T) {
	for _, format := range []Format{CSV, EDF, BDFPLUS} {
		job := testJob(t, insightSensors, 60, streams.AllKinds)
		job.Format = format
		if format != CSV {
			job.Version = ""
		}
		ctx, cancel := context.WithCancel(context.Background())
		writes := 0
		job.wrap = func(w io.Writer) io.Writer {
			return writerFunc(func(p []byte) (int, error) {
				if writes++; writes == 2 {
					cancel()
				}
				return w.Write(p)
			})
		}
		_, err := Export(ctx, job)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 2, writes, "nothing is written after the cancel")
		assert.Empty(t, dirNames(t, job.Folders.Root))
		cancel()
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestDamageDuringExport(t *testing.T) {
	job := testJob(t, insightSensors, 1, streams.AllKinds)
	src := newSource(insightSensors, 128, 64, streams.AllKinds)
	job.Recording = src.record(Storage{Dir: t.TempDir(), Memory: -1}, 20)
	defer job.Recording.Delete()
	job.Recording.store.file = &brokenFile{spillFile: job.Recording.store.file, flip: job.Recording.store.size / 2, short: 1 << 40}
	for _, format := range []Format{CSV, EDF, EDFPLUS} {
		job.Format, job.Streams = format, StreamEEG|StreamMotion
		if format == CSV {
			job.Streams |= StreamBP | StreamPM | StreamMC | StreamFE
		}
		job.Version = map[Format]string{CSV: "V2"}[format]
		job.Recording.store.file.(*brokenFile).flip = job.Recording.streams[streams.EEG].chunks[2].offset + 5
		_, err := Export(context.Background(), job)
		require.ErrorIs(t, err, ErrCorrupted)
		require.ErrorIs(t, err, errDamaged)
		assert.Empty(t, dirNames(t, job.Folders.Root))
	}
}

// Any title and subject gives a name and a header that are valid.
func TestOddTexts(t *testing.T) {
	for _, text := range []string{"", "..", "/etc/passwd", "a\nb", "日本語" + strings.Repeat("語", 200), strings.Repeat("x", 300), "\xff\xfe", `<>:"|?*`} {
		job := testJob(t, insightSensors, 1, streams.AllKinds)
		job.Record.Title, job.Record.Subject = text, text
		for _, format := range []Format{EDF, EDFPLUS, BDFPLUS} {
			job.Format, job.Version, job.IncludeMarkerExtraInfos = format, "", true
			files, err := Export(context.Background(), job)
			require.NoError(t, err, "%q", text)
			data, err := os.ReadFile(files[0])
			require.NoError(t, err)
			for _, b := range data[8:256] {
				require.True(t, b >= 0x20 && b <= 0x7e, "%q: header byte %#x", text, b)
			}
			if format != EDF {
				require.Len(t, strings.Fields(string(data[8:88])), 4, "%q", data[8:88])
				require.GreaterOrEqual(t, len(strings.Fields(string(data[88:168]))), 5)
			}
		}
	}
}

func TestTALsFit(t *testing.T) {
	var list []annotation
	for range 200 { // all at the end
		list = append(list, annotation{onset: 99_000, text: "+9.9\x14marker\x14\x00"})
	}
	for _, records := range []int64{1, 10} {
		out, size := layTALs(list, records, 1, 2500)
		n := 0
		for i, b := range out {
			require.LessOrEqual(t, len(b), size)
			require.True(t, bytes.HasPrefix(b, []byte("+"+stampText(int64(i)*10_000+2500)+"\x14\x14\x00")), "%q", b)
			n += bytes.Count(b, []byte("marker"))
		}
		assert.Equal(t, 200, n)
		assert.Zero(t, size%6)
	}
}

func TestHolesRepeatTheSampleBefore(t *testing.T) {
	l := &streams.Layout{Kind: streams.EEG, Columns: join(intCol("COUNTER", "INTERPOLATED"), floatCol(3, "AF3"))}
	run := func(indices ...int64) ([]int64, error) {
		r := NewRecorder(Storage{})
		require.NoError(t, r.Begin(streams.EEG, l))
		for _, i := range indices {
			r.Add(&streams.Sample{Kind: streams.EEG, Index: i, Stamp: 17e12 + i*78, Values: []int64{i, 0, 4200000}})
		}
		rec, err := r.Stop()
		require.NoError(t, err)
		j := &Job{Recording: rec, Record: Record{Rates: map[streams.Kind]float64{streams.EEG: 128}}}
		tr := j.eegTrack(true)
		tr.offset = 1
		g, err := j.gridder(tr, 17e12)
		require.NoError(t, err)
		var out []int64
		for {
			ok, err := g.next()
			if !ok {
				return out, err
			}
			out = append(out, g.vals[4])
		}
	}
	got, err := run(5, 6, 9, 10)
	require.NoError(t, err)
	assert.Equal(t, []int64{5, 5, 6, 6, 6, 9, 10}, got)
	_, err = run(5, 6, 6)
	require.ErrorIs(t, err, ErrCorrupted)
	_, err = run(5, 1<<50)
	require.ErrorIs(t, err, ErrCorrupted)
}

// A marker stands on one row: nothing repeats it where samples are missing, nor
// where a data record is filled up. One behind the last sample is on the last row.
func TestMarkersStandOnOneRow(t *testing.T) {
	l := &streams.Layout{Kind: streams.EEG, Columns: join(intCol("COUNTER", "INTERPOLATED"), floatCol(3, "AF3"), intCol("MARKER_HARDWARE"))}
	r := NewRecorder(Storage{})
	require.NoError(t, r.Begin(streams.EEG, l))
	for _, i := range []int64{5, 6, 9, 10} {
		hardware := int64(0)
		if i == 6 {
			hardware = 3
		}
		r.Add(&streams.Sample{Kind: streams.EEG, Index: i, Stamp: 17e12 + i*78, Values: []int64{i, 0, 4200000, hardware}})
	}
	rec, err := r.Stop()
	require.NoError(t, err)
	j := &Job{Recording: rec, Record: Record{Rates: map[streams.Kind]float64{streams.EEG: 128}}}
	tr := j.eegTrack(true)
	tr.markers = []markerEvent{{stamp: 17e12 + 6*78, index: 1, value: 41}, {stamp: 17e12 + 10*78 + 70, index: 2, value: 42}}
	g, err := j.gridder(tr, 17e12)
	require.NoError(t, err)
	var got []string
	for range 9 { // the last data record has room for more
		_, err := g.next()
		require.NoError(t, err)
		row := ""
		for i, f := range tr.fields {
			switch f.name {
			case "COUNTER", "MarkerIndex", "MarkerValueInt", "MARKER_HARDWARE":
				row += " " + strconv.FormatInt(g.vals[i], 10)
			}
		}
		got = append(got, row)
	}
	assert.Equal(t, []string{" 5 0 0 0", " 6 1 41 3", " 6 0 0 0", " 6 0 0 0", " 9 0 0 0", " 10 2 42 0", " 10 0 0 0", " 10 0 0 0", " 10 0 0 0"}, got)
}

func TestScalesAreExact(t *testing.T) {
	back := func(s scale, d int64) float64 {
		return s.low() + float64(d-s.dmin)*(s.high()-s.low())/float64(s.dmax-s.dmin)
	}
	// Every count of a 16 bit headset has a digital value of its own.
	s := chooseScale(classEEG, 16, 3, 0, 8401923)
	q := s.quantizer(3)
	for n := int64(0); n < 65536; n++ {
		v := divRound(n*5000, 39)
		require.Equal(t, n-32768, q.digital(v))
		require.InDelta(t, float64(v)/1000, back(s, q.digital(v)), 0.0006)
	}
	// BDF holds the three decimals that are streamed.
	s = chooseScale(classEEG, 24, 3, -5000, 8401923)
	q = s.quantizer(3)
	for v := int64(-5000); v <= 8401923; v += 997 {
		require.InDelta(t, float64(v)/1000, back(s, q.digital(v)), 1e-8)
	}
	// Whatever the range, a value comes back within half a step.
	for _, c := range []class{classInt, classMilli, classEEG, classUnit, classAcc, classWide} {
		for _, hi := range []int64{1, 999, 33_000_000, 8_000_000_000, 900_000_000_000} {
			for _, bits := range []int{16, 24} {
				s := chooseScale(c, bits, 6, -hi, hi)
				q := s.quantizer(6)
				require.LessOrEqual(t, len(s.pmin), 8)
				require.LessOrEqual(t, len(s.pmax), 8)
				step := (s.high() - s.low()) / float64(s.dmax-s.dmin)
				for _, v := range []int64{-hi, 0, hi / 3, hi} {
					require.InDelta(t, float64(v)/1e6, back(s, q.digital(v)), step*0.50001)
				}
			}
		}
	}
}

func BenchmarkExport(b *testing.B) {
	job := testJob(b, epocSensors, 60, streams.AllKinds)
	for _, f := range []struct {
		format  Format
		version string
		streams StreamTypes
	}{
		{CSV, "V2", StreamEEG | StreamMotion | StreamPM | StreamBP},
		{EDF, "", StreamEEG | StreamMotion}, {BDFPLUS, "", StreamEEG | StreamMotion},
	} {
		b.Run(string(f.format), func(b *testing.B) {
			job.Format, job.Version, job.Streams = f.format, f.version, f.streams
			for b.Loop() {
				if _, err := Export(context.Background(), job); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(60*float64(b.N)/b.Elapsed().Seconds(), "s/s") // seconds of record per second
		})
	}
}

// Without EEG the fastest chosen stream gives the rows, and a record without
// 2 Hz metrics exports those at 0.1 Hz.
func TestTableWithoutEEG(t *testing.T) {
	src := newSource(insightSensors, 128, 64, streams.KindSet(streams.MOT, streams.METLow, streams.DEV))
	job := testJob(t, insightSensors, 1, streams.AllKinds)
	job.Recording = src.record(Storage{}, 30)
	job.Streams = StreamMotion | StreamPM
	job.Record.Rates[streams.METLow] = 0.1
	files, err := Export(context.Background(), job)
	require.NoError(t, err)
	assert.True(t, strings.HasSuffix(files[0], ".md.pm.csv"))
	data, err := os.ReadFile(files[0])
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	require.Len(t, lines, 2+30*64)
	assert.Contains(t, lines[0], "sampling rate:mot_64;pm_0.1,")
	assert.True(t, strings.HasPrefix(lines[1], "Timestamp,OriginalTimestamp,MarkerIndex,MarkerType,MarkerValueInt,MOT.CounterMems,"), lines[1])
	cols := strings.Split(lines[1], ",")
	lex := -1
	for i, c := range cols {
		if c == "PM.LongTermExcitement" {
			lex = i
		}
	}
	var at []int
	for i, l := range lines[2:] {
		if strings.Split(l, ",")[lex] != "" {
			at = append(at, i)
		}
	}
	assert.Equal(t, []int{639, 1279, 1919}, at, "every 10 s, on the row of its time")
}

// An EPOC Flex: two more columns, no DC, sensors by mapping.
func TestFlexSignals(t *testing.T) {
	l := &streams.Layout{Kind: streams.EEG, Columns: join(intCol("COUNTER", "INTERPOLATED"), floatCol(3, "Cz", "Fz"),
		floatCol(1, "HighBitFlex"), intCol("SaturationFlag"), floatCol(1, "RAW_CQ"), intCol("MARKER_HARDWARE"),
		[]streams.Column{{Name: "MARKERS", Type: streams.Markers}})}
	r := NewRecorder(Storage{})
	require.NoError(t, r.Begin(streams.EEG, l))
	for i := range int64(128) {
		r.Add(&streams.Sample{Kind: streams.EEG, Index: i, Stamp: 17e12 + i*78, Values: []int64{i, 0, -3775, 4, 80640, 0, 0, 0, 0}})
	}
	job := testJob(t, insightSensors, 1, streams.AllKinds)
	var err error
	job.Recording, err = r.Stop()
	require.NoError(t, err)
	job.Format, job.Version = EDF, ""
	files, err := Export(context.Background(), job)
	require.NoError(t, err)
	data, err := os.ReadFile(files[0])
	require.NoError(t, err)
	const signals = 15
	var labels []string
	for i := range signals {
		labels = append(labels, strings.TrimSpace(string(data[256+16*i:256+16*(i+1)])))
	}
	assert.Equal(t, []string{"TIME_STAMP_s", "TIME_STAMP_ms", "OR_TIME_STAMP_s", "OR_TIME_STAMP_ms", "COUNTER", "INTERPOLATED", "Cz", "Fz",
		"HighBitFlex", "SaturationFlag", "RAW_CQ", "MarkerIndex", "MarkerType", "MarkerValueInt", "MARKER_HARDWARE"}, labels)
	mins := data[256+signals*(16+80+8):]
	assert.Equal(t, "-4200.96", string(mins[6*8:7*8]))
	sample := func(signal int) int64 {
		at := 256*(signals+1) + signal*128*2
		return int64(int16(uint16(data[at]) | uint16(data[at+1])<<8))
	}
	assert.Equal(t, int64(8064), sample(8))
	assert.InDelta(t, -3.775, (float64(sample(6))+32768)*8401.92/65535-4200.96, 0.0642)
}
