package emulator_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/api"
	"github.com/fakecortex/fakecortex/emulator/export"
)

// openIn counts the files of a folder that this process has open, those without
// a name included.
func openIn(t testing.TB, dir string) (n int) {
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	for _, entry := range entries {
		target, err := os.Readlink(filepath.Join("/proc/self/fd", entry.Name()))
		if err == nil && strings.HasPrefix(target, dir+"/") {
			n++
		}
	}
	return n
}

func heap() int64 {
	runtime.GC()
	runtime.GC() // what the first one made free by finalizers
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// recordFor makes a record of an EPOC X on all streams.
func recordFor(t testing.TB, d time.Duration, storage export.Storage) (e *emulator.Emulator, p *peer, token, record string) {
	world := epocX()
	world.RecordStorage = storage
	e, err := emulator.Start(emulator.Options{Clock: "manual", World: world})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	p = dialMemory(t, e)
	t.Cleanup(func() { p.conn.CloseNow() })
	token = p.call("authorize", map[string]any{"clientId": "app-basic", "clientSecret": "secret"})["cortexToken"].(string)
	params := map[string]any{"cortexToken": token, "status": "active"}
	params = map[string]any{"cortexToken": token, "session": p.call("createSession", params)["id"], "title": "Run"}
	record = p.call("createRecord", params)["record"].(map[string]any)["uuid"].(string)
	require.NoError(t, e.Advance(d))
	p.call("stopRecord", params)
	require.NoError(t, e.Advance(time.Second))
	require.Equal(t, 30, p.warning())
	return e, p, token, record
}

// TestRecordIsFreed: a record is more than may stay in memory; deleting it closes
// the file of the rest, which has no name, and frees the memory.
func TestRecordIsFreed(t *testing.T) {
	dir := t.TempDir()
	before := heap()
	e, p, token, record := recordFor(t, 5*time.Minute, export.Storage{Dir: dir, Memory: 1 << 20})
	held := heap() - before
	require.Less(t, held, int64(8<<20), "5 minutes are 112,200 frames, some 20 MB of JSON")
	require.Equal(t, 1, openIn(t, dir), "what does not fit is in a file")
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, names, "a crash leaves nothing behind")
	success := p.call("deleteRecord", map[string]any{"cortexToken": token, "records": []string{record}})["success"]
	require.Len(t, success, 1)
	require.Zero(t, openIn(t, dir))
	require.Less(t, heap()-before, held-3<<18, "1 MiB of it was in memory")
	require.NoError(t, e.Do(func(s *api.Service) { require.Empty(t, s.Store.Records()) }))
}

// BenchmarkHourOfARecord reports what an hour of an EPOC X on all streams costs
// in memory and on disk, and how long it takes to be made.
func BenchmarkHourOfARecord(b *testing.B) {
	for b.Loop() {
		before := heap()
		e, _, _, record := recordFor(b, time.Hour, export.Storage{Dir: b.TempDir()})
		var memory, disk int64
		require.NoError(b, e.Do(func(s *api.Service) { memory, disk = s.RecordSize(record) }))
		b.ReportMetric(float64(memory)/1e6, "MB-memory")
		b.ReportMetric(float64(disk)/1e6, "MB-disk")
		b.ReportMetric(float64(heap()-before)/1e6, "MB-heap")
		require.NoError(b, e.Close())
	}
}
