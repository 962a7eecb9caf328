package emulator_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
)

// recordPlayer is a client that records, in one scenario.
type recordPlayer struct {
	*peer
	e                      *emulator.Emulator
	token, session, record string
	folder                 string
}

func playRecords(t *testing.T, scenario string) *recordPlayer {
	t.Helper()
	e, err := emulator.Start(emulator.Options{Clock: "manual", Scenario: scenario})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	p := &recordPlayer{peer: dialMemory(t, e), e: e, folder: t.TempDir()}
	t.Cleanup(func() { p.conn.CloseNow() })
	p.token = p.call("authorize", map[string]any{"clientId": "app-basic", "clientSecret": "secret"})["cortexToken"].(string)
	p.session = p.call("createSession", map[string]any{"cortexToken": p.token, "headset": "EPOCPLUS-3B9A0001", "status": "active"})["id"].(string)
	p.record = p.call("createRecord", p.params("title", "Run"))["record"].(map[string]any)["uuid"].(string)
	return p
}

// params returns token and session with more parameters, name and value in turn.
func (p *recordPlayer) params(more ...any) map[string]any {
	out := map[string]any{"cortexToken": p.token, "session": p.session}
	for i := 0; i < len(more); i += 2 {
		out[more[i].(string)] = more[i+1]
	}
	return out
}

func (p *recordPlayer) exportParams(streamTypes ...string) map[string]any {
	return map[string]any{
		"cortexToken": p.token, "recordIds": []string{p.record}, "folder": p.folder, "streamTypes": streamTypes, "format": "CSV", "version": "V2",
		"includeMarkerExtraInfos": true,
	}
}

// exported returns success ids and failure codes of an exportRecord.
func exported(answer map[string]any) string {
	var out []string
	for _, s := range answer["success"].([]any) {
		out = append(out, s.(map[string]any)["recordId"].(string))
	}
	for _, f := range answer["failure"].([]any) {
		out = append(out, fmt.Sprint(f.(map[string]any)["code"]))
	}
	return strings.Join(out, " ")
}

func (p *recordPlayer) advance(d time.Duration) {
	p.t.Helper()
	require.NoError(p.t, p.e.Advance(d))
}

// marker injects a marker with the time of the host.
func (p *recordPlayer) marker(value any, more time.Duration) map[string]any {
	ms := float64(p.e.Now().Add(more).UnixMicro()) / 1000
	return p.params("time", ms, "value", value, "label", "l", "port", "USB")
}

// lines returns the lines of the file that ends so.
func (p *recordPlayer) lines(suffix string) []string {
	p.t.Helper()
	paths, err := filepath.Glob(filepath.Join(p.folder, "*"+suffix))
	require.NoError(p.t, err)
	require.Len(p.t, paths, 1)
	text, err := os.ReadFile(paths[0])
	require.NoError(p.t, err)
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// TestScenariosOfRecords plays the built-in scenarios about records and markers
// from a client's side, in virtual time.
func TestScenariosOfRecords(t *testing.T) {
	t.Run("h1 too early", func(t *testing.T) {
		p := playRecords(t, "h1-export-too-early")
		p.advance(time.Second)
		p.call("stopRecord", p.params())
		require.Equal(t, "-32137", exported(p.call("exportRecord", p.exportParams("EEG"))))
		p.advance(3*time.Second - 1)
		p.sync()
		p.advance(1)
		require.Contains(t, p.read(), `"recordId":"`+p.record+`"`)
		require.Equal(t, p.record, exported(p.call("exportRecord", p.exportParams("EEG"))))
	})
	t.Run("h1 never", func(t *testing.T) {
		p := playRecords(t, "h1-export-never-ready")
		p.call("stopRecord", p.params())
		p.advance(time.Hour)
		require.Equal(t, "-32137", exported(p.call("exportRecord", p.exportParams("EEG"))))
	})
	t.Run("h2", func(t *testing.T) {
		p := playRecords(t, "h2-export-without-scope")
		p.advance(time.Second)
		p.call("stopRecord", p.params())
		p.advance(time.Second)
		require.Equal(t, 30, p.warning())
		require.Equal(t, "-32138", exported(p.call("exportRecord", p.exportParams("EEG", "MOTION", "PM", "BP"))))
		require.Equal(t, p.record, exported(p.call("exportRecord", p.exportParams("MOTION"))))
	})
	t.Run("h3", func(t *testing.T) {
		p := playRecords(t, "h3-another-message-first")
		frame, err := json.Marshal(map[string]any{"id": "x", "jsonrpc": "2.0", "method": "stopRecord", "params": p.params()})
		require.NoError(t, err)
		p.write(string(frame))
		require.Equal(t, 0, p.warning())
		require.Contains(t, p.read(), `"id":"x"`)
	})
	t.Run("h5", func(t *testing.T) {
		p := playRecords(t, "h5-slow-export")
		p.advance(time.Second)
		p.call("stopRecord", p.params())
		p.advance(time.Second)
		require.Equal(t, 30, p.warning())
		p.call("subscribe", p.params("streams", []string{"dev"}))
		frame, err := json.Marshal(map[string]any{"id": "slow", "jsonrpc": "2.0", "method": "exportRecord", "params": p.exportParams("EEG")})
		require.NoError(t, err)
		p.write(string(frame))
		p.sync()
		p.advance(5*time.Second - 1)
		p.onlySamples("dev", 9)
		p.advance(time.Second)
		for frame := p.read(); !strings.Contains(frame, `"id":"slow"`); frame = p.read() {
			require.Contains(t, frame, `"dev"`)
		}
		require.NotEmpty(t, p.lines("_intervalMarker.csv"))
	})
	t.Run("e9", func(t *testing.T) {
		p := playRecords(t, "e9-markers-column")
		p.call("subscribe", p.params("streams", []string{"eeg"}))
		p.advance(11 * time.Second)
		triggers := 0
		for range 11 * 256 {
			var sample struct{ EEG []any }
			require.NoError(t, json.Unmarshal([]byte(p.read()), &sample))
			list, ok := sample.EEG[len(sample.EEG)-1].([]any)
			require.True(t, ok, "the last value is a list")
			require.Empty(t, list)
			if sample.EEG[len(sample.EEG)-2] == 1.0 {
				triggers++
			}
		}
		require.Equal(t, 2, triggers)
	})
	t.Run("i1", func(t *testing.T) {
		p := playRecords(t, "i1-marker-too-old")
		require.Equal(t, -32115, p.refused("injectMarker", p.params("time", p.e.Now().Unix(), "value", 1, "label", "l")))
	})
	t.Run("i2", func(t *testing.T) {
		p := playRecords(t, "i2-markers-in-export")
		p.advance(time.Second)
		m := p.call("injectMarker", p.marker(7, 0))["marker"].(map[string]any)
		require.Equal(t, []any{"instance", 7.0, "l", "USB", map[string]any{}}, []any{m["type"], m["value"], m["label"], m["port"], m["extras"]})
		p.advance(time.Second)
		p.call("stopRecord", p.params())
		p.advance(time.Second)
		require.Equal(t, 30, p.warning())
		require.Equal(t, p.record, exported(p.call("exportRecord", p.exportParams("EEG"))))
		rows := p.lines("_intervalMarker.csv")
		require.Len(t, rows, 2)
		require.True(t, strings.HasPrefix(rows[1], "1.00,0.00,l,7,"), rows[1])
	})
	t.Run("i3", func(t *testing.T) {
		p := playRecords(t, "i3-markers-late")
		p.call("subscribe", p.params("streams", []string{"eeg"}))
		const markers = 100
		seen := 0
		for i := range markers {
			p.call("injectMarker", p.marker(i, 0))
			p.advance(50 * time.Millisecond)
			for range 50*256*(i+1)/1000 - 50*256*i/1000 {
				seen += strings.Count(p.read(), `"markerId"`)
			}
		}
		require.InDelta(t, 90, seen, 10)
		p.call("unsubscribe", p.params("streams", []string{"eeg"}))
		p.call("stopRecord", p.params())
		p.advance(time.Second)
		require.Equal(t, 30, p.warning())
		p.call("exportRecord", p.exportParams("EEG"))
		require.Len(t, p.lines("_intervalMarker.csv"), 1+markers)
	})
	t.Run("k8", func(t *testing.T) {
		p := playRecords(t, "k8-marker-after-stop")
		p.call("stopRecord", p.params())
		require.Equal(t, -32011, p.refused("injectMarker", p.marker(1, 0)))
	})
	t.Run("f2", func(t *testing.T) {
		p := playRecords(t, "f2-two-clocks")
		p.advance(time.Second)
		host := float64(p.e.Now().UnixMicro()) / 1e6
		sync := p.call("syncWithHeadsetClock", map[string]any{"headset": "EPOCPLUS-3B9A0001", "monotonicTime": host, "systemTime": host})
		require.InDelta(t, 0.25, sync["adjustment"], 1e-5)
		p.call("injectMarker", p.marker(1, 0))
		p.call("injectMarker", p.marker(2, 250*time.Millisecond))
		p.advance(time.Second)
		p.call("stopRecord", p.params())
		p.advance(time.Second)
		require.Equal(t, 30, p.warning())
		p.call("exportRecord", p.exportParams("EEG"))
		rows := p.lines("_intervalMarker.csv")
		require.Len(t, rows, 3)
		require.True(t, strings.HasPrefix(rows[1], "1.00,") && strings.HasPrefix(rows[2], "1.25,"), "%v", rows)
	})
}

// onlySamples reads n samples of a stream and makes sure that nothing else waits.
func (p *recordPlayer) onlySamples(stream string, n int) {
	p.t.Helper()
	for range n {
		require.True(p.t, strings.HasPrefix(p.read(), `{"`+stream+`":`))
	}
	p.sync()
}
