//go:build readers

package emulator_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/api"
)

// subscriber is a client that keeps every sample, marker and warning that it
// gets over its socket.
type subscriber struct {
	*peer
	names          []string // the streams in the order of their subscription
	columns        map[string][]string
	samples        map[string][]readSample
	sensors        []string
	warnings       []int
	token, session string
}

// readSample is one sample as readers_check.py wants it.
type readSample struct {
	Stamp  int64             `json:"stamp"` // tenths of milliseconds since 1970
	Values []json.RawMessage `json:"values"`
}

// flatten takes the lists inside a list apart; that of MARKERS has no columns.
func flatten(list []json.RawMessage) (out []json.RawMessage) {
	for _, v := range list {
		var inner []json.RawMessage
		if v[0] != '[' || json.Unmarshal(v, &inner) != nil {
			out = append(out, v)
			continue
		}
		if len(inner) > 0 && inner[0][0] == '{' { // a marker
			continue
		}
		out = append(out, inner...)
	}
	return out
}

// request sends a request and takes in what comes until its answer.
func (s *subscriber) request(method string, params map[string]any) json.RawMessage {
	s.t.Helper()
	s.id++
	all := map[string]any{"cortexToken": s.token, "session": s.session}
	for k, v := range params {
		all[k] = v
	}
	frame, err := json.Marshal(map[string]any{"id": s.id, "jsonrpc": "2.0", "method": method, "params": all})
	require.NoError(s.t, err)
	s.write(string(frame))
	for {
		if answer := s.take(); answer != nil {
			return answer
		}
	}
}

// take reads one frame; the result, if it is an answer.
func (s *subscriber) take() json.RawMessage {
	s.t.Helper()
	text := s.read()
	var frame map[string]json.RawMessage
	require.NoError(s.t, json.Unmarshal([]byte(text), &frame))
	if id, ok := frame["id"]; ok {
		require.Equal(s.t, strconv.Itoa(s.id), string(id), text)
		require.Contains(s.t, frame, "result", text)
		return frame["result"]
	}
	if w, ok := frame["warning"]; ok {
		var warning struct{ Code int }
		require.NoError(s.t, json.Unmarshal(w, &warning))
		s.warnings = append(s.warnings, warning.Code)
		return nil
	}
	for _, name := range s.names {
		raw, ok := frame[name]
		if !ok {
			continue
		}
		var values []json.RawMessage
		require.NoError(s.t, json.Unmarshal(raw, &values))
		if name == "eeg" {
			values = values[:len(values)-1] // MARKERS
		}
		at, err := strconv.ParseFloat(string(frame["time"]), 64)
		require.NoError(s.t, err)
		sample := readSample{int64(math.Round(at * 10_000)), flatten(values)}
		require.Len(s.t, sample.Values, len(s.columns[name]), name)
		s.samples[name] = append(s.samples[name], sample)
		return nil
	}
	s.t.Fatalf("a frame of no stream: %s", text)
	return nil
}

// subscribeAll subscribes to all streams that an export holds.
func (s *subscriber) subscribeAll() {
	var answer struct {
		Success []struct {
			StreamName string
			Cols       []json.RawMessage
		}
	}
	result := s.request("subscribe", map[string]any{"streams": s.names})
	require.NoError(s.t, json.Unmarshal(result, &answer))
	require.Len(s.t, answer.Success, len(s.names))
	for _, stream := range answer.Success {
		for _, c := range flatten(stream.Cols) {
			var column string
			require.NoError(s.t, json.Unmarshal(c, &column))
			if column != "MARKERS" {
				s.columns[stream.StreamName] = append(s.columns[stream.StreamName], column)
			}
		}
	}
}

// marker is the marker object of an answer.
type marker struct {
	UUID, Type, Label          string
	Value                      any
	StartDatetime, EndDatetime time.Time
}

// TestReadersOfTheAPI records through a socket, exports in every format, and has
// pyedflib, MNE and pandas compare every value of the files, the annotations and
// the markers with what the subscriber got in the same run: go test -tags readers.
func TestReadersOfTheAPI(t *testing.T) {
	python := readerOf(t, "export/readers_check.py")
	for _, test := range []struct {
		headset, firmware string
		mot               float64
	}{
		{"EPOCX-3B9A0001", "", 64}, {"EPOCPLUS-3B9A0001", "625", 64}, {"EPOCFLEX-3B9A0001", "", 32}, {"INSIGHT2-3B9A0001", "", 32}, {"MN8-3B9A0001", "", 6.4},
	} {
		t.Run(test.headset, func(t *testing.T) {
			world := api.DefaultWorld()
			world.Headsets = []api.HeadsetSpec{{ID: test.headset, Firmware: test.firmware}}
			world.Zone = time.FixedZone("", 8*3600)
			dir := t.TempDir()
			root := filepath.Join(dir, "out")
			require.NoError(t, os.Mkdir(root, 0o755))
			e := emulator.StartT(t, emulator.Options{World: &world, Files: emulator.FileOptions{ExportRoot: root, ExportMap: []string{`C:\exports=.`}}})
			s := &subscriber{
				peer: dialTLS(t, e), names: []string{"eeg", "mot", "dev", "eq", "pow", "met"},
				columns: map[string][]string{}, samples: map[string][]readSample{},
			}
			s.token = s.call("authorize", map[string]any{"clientId": "app-basic", "clientSecret": "secret"})["cortexToken"].(string)
			created := s.call("createSession", map[string]any{"cortexToken": s.token, "status": "active"})
			s.session = created["id"].(string)
			headset := created["headset"].(map[string]any)
			for _, sensor := range headset["sensors"].([]any) {
				s.sensors = append(s.sensors, sensor.(string))
			}
			eegRate := headset["settings"].(map[string]any)["eegRate"].(float64)

			// The record begins in the middle of a second, with the subscription, and
			// ends a while after the last marker.
			require.NoError(t, e.Advance(2345*time.Millisecond)) // pow has begun
			record := json.RawMessage{}
			var begun struct{ Record struct{ UUID string } }
			record = s.request("createRecord", map[string]any{"title": "Größe, test 1"})
			require.NoError(t, json.Unmarshal(record, &begun))
			s.subscribeAll()
			markers := s.markers(e)
			require.NoError(t, e.Advance(3*time.Second))
			s.request("stopRecord", nil)
			s.request("unsubscribe", map[string]any{"streams": s.names})
			require.NoError(t, e.Advance(time.Second))
			require.Nil(t, s.take())
			require.Equal(t, []int{30}, s.warnings)

			type file struct {
				Name   string `json:"name"`
				Format string `json:"format"`
			}
			var files []file
			for _, f := range []struct{ name, format, version, streams string }{
				{"CSV V1", "CSV", "V1", "EEG MOTION PM BP"}, {"CSV V2", "CSV", "V2", "EEG MOTION PM BP"},
				{"EDF", "EDF", "", "EEG MOTION"}, {"EDFPLUS", "EDFPLUS", "", "EEG MOTION"}, {"BDFPLUS", "BDFPLUS", "", "EEG MOTION"},
			} {
				require.NoError(t, os.Mkdir(filepath.Join(root, f.name), 0o755))
				params := map[string]any{
					"recordIds": []string{begun.Record.UUID}, "folder": `C:\exports\` + f.name, "format": f.format,
					"streamTypes": strings.Fields(f.streams), "includeMarkerExtraInfos": true,
				}
				if f.version != "" {
					params["version"] = f.version
				}
				require.JSONEq(t, `{"success":[{"recordId":"`+begun.Record.UUID+`"}],"failure":[]}`, string(s.request("exportRecord", params)))
				entries, err := os.ReadDir(filepath.Join(root, f.name))
				require.NoError(t, err)
				for _, entry := range entries {
					files = append(files, file{f.name + "/" + entry.Name(), f.name})
				}
			}
			require.Len(t, files, (4+2)+(1+2)+(2+2)+(1+2)+(1+2), "with a JSON and a marker file each")

			rates := map[string]float64{"eeg": eegRate, "mot": test.mot, "dev": 2, "eq": 2, "pow": 8, "met": 2}
			streams := map[string]any{}
			for _, name := range s.names {
				write(t, filepath.Join(dir, name+".json"), s.samples[name])
				streams[name] = map[string]any{"file": name + ".json", "columns": s.columns[name], "rate": rates[name]}
				require.InDelta(t, 11.4*rates[name], len(s.samples[name]), 1, name)
			}
			var annotations, objects []any
			for _, raw := range markers {
				var m marker
				require.NoError(t, json.Unmarshal(raw, &m))
				text := fmt.Sprint(m.Value)
				annotations = append(annotations, map[string]any{
					"start": float64(m.StartDatetime.UnixMicro()) / 1e6, "duration": m.EndDatetime.Sub(m.StartDatetime).Seconds(),
					"text": m.Label + "/" + text, "type": m.Type, "value": text,
				})
				objects = append(objects, raw)
			}
			write(t, filepath.Join(dir, "manifest.json"), map[string]any{
				"sensors": s.sensors, "headset": test.headset, "zone": 8 * 3600, "streams": streams, "files": files,
				"annotations": annotations, "markers": objects,
			})
			out, err := exec.Command(python, "export/readers_check.py", dir).CombinedOutput()
			require.NoError(t, err, "%s", out)
			t.Logf("%s", out)
		})
	}
}

// markers injects markers of every kind and returns their objects in the order
// of their injection, as the last answer about each shows them. It takes 8.4 s.
func (s *subscriber) markers(e *emulator.Emulator) (objects []json.RawMessage) {
	advance := func(d time.Duration) { require.NoError(s.t, e.Advance(d)) }
	object := func(result json.RawMessage) (raw json.RawMessage, id string) {
		var answer struct{ Marker json.RawMessage }
		require.NoError(s.t, json.Unmarshal(result, &answer))
		var m marker
		require.NoError(s.t, json.Unmarshal(answer.Marker, &m))
		return answer.Marker, m.UUID
	}
	now := func(back time.Duration) float64 { return float64(e.Now().Add(-back).UnixMicro()) / 1000 }
	inject := func(back time.Duration, label string, value any, more map[string]any) string {
		params := map[string]any{"time": now(back), "label": label, "value": value}
		for k, v := range more {
			params[k] = v
		}
		raw, id := object(s.request("injectMarker", params))
		objects = append(objects, raw)
		return id
	}
	advance(1200 * time.Millisecond)
	inject(0, "go", 7, nil)
	advance(1234567 * time.Microsecond)
	inject(300*time.Millisecond, "größe", "blau", map[string]any{"port": "USB", "extras": map[string]any{"a": []int{1}}})
	long := inject(0, "rest", 12, nil)
	place := len(objects) - 1
	advance(2 * time.Second)
	for i := range 5 { // several on one row
		inject(time.Duration(i)*time.Millisecond, "burst", i, nil)
	}
	inject(0, "again", "blau", nil)
	raw, _ := object(s.request("updateMarker", map[string]any{"markerId": long, "time": now(500 * time.Millisecond)}))
	objects[place] = raw
	advance(8400*time.Millisecond - 1200*time.Millisecond - 1234567*time.Microsecond - 2*time.Second)
	inject(0, "end", 99, nil)
	return objects
}

func write(t *testing.T, path string, v any) {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o600))
}
