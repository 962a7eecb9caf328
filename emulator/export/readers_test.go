//go:build readers

package export

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/streams"
)

// TestReaders has pyedflib, MNE and pandas read the files of every format and
// compare all values with what was recorded: go test -tags readers. The
// interpreter is $FAKECORTEX_PYTHON or python3; the packages are those of
// requirements.txt. Without them the test is skipped, unless
// FAKECORTEX_REQUIRE_READERS=1.
func TestReaders(t *testing.T) {
	python := os.Getenv("FAKECORTEX_PYTHON")
	if python == "" {
		python = "python3"
	}
	if out, err := exec.Command(python, "readers_check.py", "--packages").CombinedOutput(); err != nil {
		message := fmt.Sprintf("%s cannot run readers_check.py (pip install -r requirements.txt): %v\n%s", python, err, out)
		if os.Getenv("FAKECORTEX_REQUIRE_READERS") == "1" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	for _, c := range []struct {
		name     string
		sensors  []string
		headset  string
		eeg, mot float64
	}{
		{"INSIGHT 128", insightSensors, "INSIGHT2", 128, 64},
		{"EPOCX 256", epocSensors, "EPOCX", 256, 32},
		{"MN8", []string{"T7", "T8"}, "MN8", 128, 6.4},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			writeReadersCase(t, dir, c.sensors, c.headset, c.eeg, c.mot)
			out, err := exec.Command(python, "readers_check.py", dir).CombinedOutput()
			require.NoError(t, err, "%s", out)
			t.Logf("%s", out)
		})
	}
}

func writeReadersCase(t *testing.T, dir string, sensors []string, headset string, eegRate, motRate float64) {
	src := newSource(sensors, eegRate, motRate, streams.AllKinds)
	type raw struct {
		Stamp  int64 `json:"stamp"`
		Values []any `json:"values"`
	}
	got := map[string][]raw{}
	recorder := NewRecorder(Storage{Dir: dir, Memory: 50_000})
	for k, l := range src.layouts {
		require.NoError(t, recorder.Begin(streams.Kind(k), l))
	}
	const seconds = 23.4
	src.until(seconds, func(s *streams.Sample) {
		recorder.Add(s)
		if s.Kind == streams.METLow {
			return
		}
		r := raw{Stamp: s.Stamp}
		for i, c := range src.layouts[s.Kind].Columns { // what the wire says, as text
			switch {
			case s.Values[i] == streams.Null:
				r.Values = append(r.Values, nil)
			case c.Type == streams.Float:
				r.Values = append(r.Values, json.Number(streams.AppendFixed(nil, s.Values[i], c.Decimals, true)))
			default:
				r.Values = append(r.Values, s.Values[i])
			}
		}
		got[s.Kind.String()] = append(got[s.Kind.String()], r)
	})
	rec, err := recorder.Stop()
	require.NoError(t, err)
	defer rec.Delete()

	type streamInfo struct {
		File    string   `json:"file"`
		Columns []string `json:"columns"`
		Rate    float64  `json:"rate"`
	}
	type fileInfo struct {
		Name   string `json:"name"`
		Format string `json:"format"`
	}
	type annotationInfo struct {
		Start    float64 `json:"start"`
		Duration float64 `json:"duration"`
		Text     string  `json:"text"`
		Type     string  `json:"type"`
		Value    string  `json:"value"`
	}
	manifest := struct {
		Sensors     []string              `json:"sensors"`
		Zone        int                   `json:"zone"`
		Streams     map[string]streamInfo `json:"streams"`
		Files       []fileInfo            `json:"files"`
		Annotations []annotationInfo      `json:"annotations"`
		Headset     string                `json:"headset"`
	}{Sensors: sensors, Zone: 8 * 3600, Streams: map[string]streamInfo{}, Headset: headset}
	for _, k := range []streams.Kind{streams.EEG, streams.MOT, streams.DEV, streams.EQ, streams.POW, streams.MET, streams.COM, streams.FAC} {
		info := streamInfo{File: k.String() + ".json", Rate: src.rates[k]}
		for _, c := range src.layouts[k].Columns {
			info.Columns = append(info.Columns, c.Name)
		}
		manifest.Streams[k.String()] = info
		writeJSONFile(t, filepath.Join(dir, info.File), got[k.String()])
	}

	record := testRecord(seconds)
	record.Headset.Type = headset
	record.Rates = map[streams.Kind]float64{streams.EEG: eegRate, streams.MOT: motRate}
	for i := range 300 { // crowded at the end
		at := record.Start.Add(22*time.Second + time.Duration(i)*time.Millisecond)
		record.Markers = append(record.Markers, Marker{Type: "instance", Value: float64(i), Label: "Größe", Start: at, End: at})
	}
	for _, m := range record.Markers {
		manifest.Annotations = append(manifest.Annotations, annotationInfo{
			Start: float64(m.Start.UnixNano()) / 1e9, Duration: m.End.Sub(m.Start).Seconds(), Text: annotationText(&m),
			Type: m.Type, Value: m.valueText(),
		})
	}
	all := StreamEEG | StreamMotion | StreamPM | StreamBP
	require.NoError(t, os.Mkdir(filepath.Join(dir, "out"), 0o755))
	for i, f := range []struct {
		format  Format
		version string
		streams StreamTypes
	}{
		{CSV, "V1", all}, {CSV, "V2", all | StreamMC | StreamFE},
		{EDF, "", StreamEEG | StreamMotion}, {EDFPLUS, "", StreamEEG | StreamMotion}, {BDFPLUS, "", StreamEEG | StreamMotion},
	} {
		record.Number = i // names apart
		files, err := Export(context.Background(), Job{
			Record: record, Recording: rec, Format: f.format, Version: f.version, Streams: f.streams,
			IncludeMarkerExtraInfos: true, Folders: Folders{Root: filepath.Join(dir, "out")}, Folder: "/",
		})
		require.NoError(t, err)
		name := string(f.format)
		if f.version != "" {
			name += " " + f.version
		}
		for _, file := range files {
			manifest.Files = append(manifest.Files, fileInfo{filepath.Base(file), name})
		}
	}
	writeJSONFile(t, filepath.Join(dir, "manifest.json"), manifest)
}

func writeJSONFile(t *testing.T, path string, v any) {
	data, err := json.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o644))
}
