package emulator_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/api"
	"github.com/fakecortex/fakecortex/emulator/internal/logtest"
)

// recordAndExport makes a record of a minute, exports it in every format and
// returns all that the client received.
func recordAndExport(t *testing.T, format map[string]any) (received string, names []string, recordDir string) {
	t.Helper()
	world := api.DefaultWorld()
	world.RecordStorage.Memory = -1
	recordDir, root := t.TempDir(), t.TempDir()
	e := emulator.StartT(t, emulator.Options{World: &world, Files: emulator.FileOptions{RecordDir: recordDir, ExportRoot: root, ExportMap: []string{`C:\out=.`}}})
	p, other := dialTLS(t, e), dialMemory(t, e)
	token := p.call("authorize", map[string]any{"clientId": "app-basic", "clientSecret": "secret"})["cortexToken"].(string)
	session := p.call("createSession", map[string]any{"cortexToken": token, "status": "active"})["id"].(string)
	record := p.call("createRecord", map[string]any{"cortexToken": token, "session": session, "title": "Run"})["record"].(map[string]any)["uuid"].(string)
	require.NoError(t, e.Advance(time.Minute))
	p.call("stopRecord", map[string]any{"cortexToken": token, "session": session})
	require.NoError(t, e.Advance(time.Second))
	require.Contains(t, p.read(), `"recordId":"`+record+`"`)
	params := map[string]any{"cortexToken": token, "recordIds": []string{record}, "folder": `C:\out`, "streamTypes": []string{"EEG", "MOTION"}}
	for key, value := range format {
		params[key] = value
	}
	exported := make(chan map[string]any)
	go func() { exported <- p.call("exportRecord", params) }()
	for range 20 { // another client is served meanwhile
		other.call("getCortexInfo", nil)
	}
	require.Equal(t, []any{map[string]any{"recordId": record}}, (<-exported)["success"])
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	for _, client := range []*peer{p, other} {
		require.NoError(t, client.conn.CloseNow())
	}
	require.NoError(t, e.Close())
	return p.log.String(), names, recordDir
}

// TestExportOverTheWire: the files stand below the root, what was spilled is
// gone at the end, and the same steps give the same bytes.
func TestExportOverTheWire(t *testing.T) {
	for _, test := range []struct {
		format map[string]any
		want   string
	}{
		{map[string]any{"format": "CSV", "version": "V2"}, ".json .md.csv"},
		{map[string]any{"format": "BDFPLUS"}, ".bdf .json"},
	} {
		first, names, dir := recordAndExport(t, test.format)
		for i, name := range names {
			names[i] = strings.TrimPrefix(name, "Run_EPOCPLUS_1_2026.01.01T12.00.00+00.00")
		}
		require.Equal(t, test.want, strings.Join(names, " "))
		left, err := filepath.Glob(filepath.Join(dir, "*"))
		require.NoError(t, err)
		require.Empty(t, left)
		second, _, _ := recordAndExport(t, test.format)
		require.Equal(t, first, second)
	}
}

func TestFileOptions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	for want, options := range map[string]emulator.FileOptions{
		"record dir":           {RecordDir: filepath.Join(file, "x")},
		"export root":          {ExportRoot: file},
		"want FROM=TO":         {ExportRoot: t.TempDir(), ExportMap: []string{"=x"}},
		"needs an export root": {ExportMap: []string{"/a=b"}},
	} {
		_, err := emulator.Start(emulator.Options{Files: options})
		require.ErrorContains(t, err, want)
	}
}

// TestStateDir: records outlive the emulator and a reset of its world; a
// damaged state is an error.
func TestStateDir(t *testing.T) {
	dir := t.TempDir()
	options := emulator.Options{Clock: "manual", Files: emulator.FileOptions{StateDir: dir}}
	count := func(e *emulator.Emulator) any {
		p := dialMemory(t, e)
		defer p.conn.CloseNow()
		token := p.call("authorize", map[string]any{"clientId": "app-basic", "clientSecret": "secret"})["cortexToken"]
		return p.call("queryRecords", map[string]any{"cortexToken": token, "query": map[string]any{}, "orderBy": []any{}})["count"]
	}
	e, err := emulator.Start(options)
	require.NoError(t, err)
	p := dialMemory(t, e)
	token := p.call("authorize", map[string]any{"clientId": "app-basic", "clientSecret": "secret"})["cortexToken"]
	session := p.call("createSession", map[string]any{"cortexToken": token, "status": "active"})["id"]
	start := map[string]any{"cortexToken": token, "session": session, "title": "Run"}
	p.call("createRecord", start)
	require.NoError(t, e.Advance(time.Second))
	p.call("stopRecord", start)
	require.NoError(t, e.Advance(time.Second))
	require.NoError(t, p.conn.CloseNow())
	require.NoError(t, e.Reset())
	require.Equal(t, 1.0, count(e))
	_, err = emulator.Start(options)
	require.ErrorContains(t, err, "is in use by process", "one emulator at a time")
	p = dialMemory(t, e)
	start["session"] = p.call("createSession", map[string]any{"cortexToken": token, "status": "active"})["id"]
	p.call("createRecord", start) // runs at the end
	require.NoError(t, e.Advance(time.Second))
	require.NoError(t, p.conn.CloseNow())
	require.NoError(t, e.Close())

	e, err = emulator.Start(options)
	require.NoError(t, err)
	require.Equal(t, 2.0, count(e))
	require.NoError(t, e.Close())
	files, err := filepath.Glob(filepath.Join(dir, "records", "*.fcrec"))
	require.NoError(t, err)
	require.Len(t, files, 2)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "state.json"), []byte("{"), 0o644))
	for range 2 {
		_, err = emulator.Start(options)
		require.ErrorContains(t, err, filepath.Join(dir, "state.json"), "a start that fails lets go of the folder")
	}
	require.NoError(t, os.Remove(filepath.Join(dir, "state.json")))
	options.Clock = "fast"
	_, err = emulator.Start(options)
	require.Error(t, err)
	options.Clock = "manual"
	e, err = emulator.Start(options)
	require.NoError(t, err)
	require.NoError(t, e.Close())
}

// What was answered before a reset is kept, however soon the reset comes: the
// world that begins reads what the one before is still writing.
func TestResetKeepsWhatIsBeingWritten(t *testing.T) {
	log := new(logtest.Buffer)
	e := emulator.StartT(t, emulator.Options{
		Files: emulator.FileOptions{StateDir: t.TempDir()}, Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	for i := range 30 {
		p := dialMemory(t, e)
		token := p.call("authorize", map[string]any{"clientId": "app", "clientSecret": "s"})["cortexToken"]
		for j := range 3 { // the last one waits behind the first
			p.call("createSubject", map[string]any{"cortexToken": token, "subjectName": fmt.Sprintf("s%d-%d", i, j)})
		}
		require.NoError(t, e.Reset())
		p = dialMemory(t, e)
		token = p.call("authorize", map[string]any{"clientId": "app", "clientSecret": "s"})["cortexToken"]
		require.EqualValues(t, 3*(i+1), p.call("querySubjects", map[string]any{"cortexToken": token, "query": map[string]any{}, "orderBy": []any{}})["count"], "reset %d", i)
	}
	require.Empty(t, log.String())
}
