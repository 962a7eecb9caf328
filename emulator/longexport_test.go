package emulator_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
)

// recordAndAsk makes a record of two seconds on the real clock and sends an
// exportRecord whose writing does not begin before hold returns.
func recordAndAsk(t *testing.T, e *emulator.Emulator, p *peer, folder string, hold func(context.Context)) {
	t.Helper()
	token := p.call("authorize", map[string]any{"clientId": "app-records", "clientSecret": "secret"})["cortexToken"].(string)
	session := p.call("createSession", map[string]any{"cortexToken": token, "status": "active"})["id"].(string)
	record := p.call("createRecord", map[string]any{"cortexToken": token, "session": session, "title": "Run"})["record"].(map[string]any)["uuid"].(string)
	time.Sleep(2 * time.Second)
	p.call("stopRecord", map[string]any{"cortexToken": token, "session": session})
	require.Equal(t, 30, p.warning())
	e.HoldWork(hold)
	frame, err := json.Marshal(map[string]any{"id": "export", "jsonrpc": "2.0", "method": "exportRecord", "params": map[string]any{
		"cortexToken": token, "recordIds": []string{record}, "folder": folder, "streamTypes": []string{"EEG", "MOTION"}, "format": "EDFPLUS",
	}})
	require.NoError(t, err)
	p.write(string(frame))
}

// TestLongExportStallsNobody: while an export takes five seconds every sample
// comes at its instant, and every call is answered at once, also those of the
// client that waits for the export.
func TestLongExportStallsNobody(t *testing.T) {
	folder := t.TempDir()
	bubble(t, emulator.Options{Clock: "real"}, func(t *testing.T, e *emulator.Emulator, p *peer) {
		reader, caller := dialMemory(t, e), dialMemory(t, e)
		defer reader.conn.CloseNow()
		defer caller.conn.CloseNow()
		recordAndAsk(t, e, p, folder, func(context.Context) { time.Sleep(5 * time.Second) })
		asked := time.Now()
		reader.subscribe("eeg")
		for i := range 5*256 - 2 {
			frame := reader.read()
			require.InDelta(t, float64(time.Now().UnixNano())*1e-9, sampleTime(t, frame), 0.0001)
			if i%100 == 0 {
				now := time.Now()
				caller.call("getCortexInfo", nil)
				p.call("getCortexInfo", nil) // its answer stands before that of the export
				require.Equal(t, now, time.Now(), "answered at once")
			}
		}
		require.Contains(t, p.read(), `{"id":"export","jsonrpc":"2.0","result":{"failure":[],"success":[{"recordId":`)
		require.Equal(t, 5*time.Second, time.Since(asked))
		entries, err := os.ReadDir(folder)
		require.NoError(t, err)
		require.Len(t, entries, 2)
	})
}

// TestExportIsCancelledByTheEnd: an emulator that is closed does not wait for an
// export, and no half file stays.
func TestExportIsCancelledByTheEnd(t *testing.T) {
	folder := t.TempDir()
	bubble(t, emulator.Options{Clock: "real"}, func(t *testing.T, e *emulator.Emulator, p *peer) {
		recordAndAsk(t, e, p, folder, func(ctx context.Context) { <-ctx.Done() })
		p.call("getCortexInfo", nil) // the export has begun
		p.conn.CloseNow()
		require.NoError(t, e.Close())
		entries, err := os.ReadDir(folder)
		require.NoError(t, err)
		require.Empty(t, entries)
	})
}

// TestExportOutlivesItsClient: a client that leaves while its record is being
// exported leaves whole files behind.
func TestExportOutlivesItsClient(t *testing.T) {
	folder := t.TempDir()
	bubble(t, emulator.Options{Clock: "real"}, func(t *testing.T, e *emulator.Emulator, p *peer) {
		recordAndAsk(t, e, p, folder, func(context.Context) { time.Sleep(5 * time.Second) })
		p.call("getCortexInfo", nil)
		p.conn.CloseNow()
		time.Sleep(6 * time.Second)
		other := dialMemory(t, e)
		defer other.conn.CloseNow()
		other.call("getCortexInfo", nil) // the loop goes on
		entries, err := os.ReadDir(folder)
		require.NoError(t, err)
		require.Len(t, entries, 2)
	})
}
