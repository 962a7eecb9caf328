package emulator_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/export"
	"github.com/fakecortex/fakecortex/emulator/faults"
	"github.com/fakecortex/fakecortex/emulator/gateway"
	"github.com/fakecortex/fakecortex/scenarios/strict"
	"github.com/fakecortex/fakecortex/sessionstore"
)

// tell sends a request and returns the code of its error, 0 for a success.
func (p *peer) tell(method string, params map[string]any) int {
	p.t.Helper()
	frame, err := json.Marshal(map[string]any{"id": 1, "jsonrpc": "2.0", "method": method, "params": params})
	require.NoError(p.t, err)
	require.NoError(p.t, p.conn.Write(p.ctx, websocket.MessageText, frame))
	var answer struct{ Error struct{ Code int } }
	require.NoError(p.t, json.Unmarshal([]byte(p.read()), &answer))
	return answer.Error.Code
}

// Limits of a scenario reach what they bound.
func TestLimitsOfAScenario(t *testing.T) {
	e := startWith(t, "world: {limits: {sessions: 1, applications: 2, records: 1, outbox: 65536}}\n")
	p := dialMemory(t, e)
	token, session := p.subscribe("dev")
	in := map[string]any{"cortexToken": token, "session": session, "title": "r", "description": strings.Repeat("x", 30_000)}
	record := p.call("createRecord", in)["record"].(map[string]any)["uuid"]
	require.Zero(t, p.tell("stopRecord", in))
	require.Equal(t, -32603, p.tell("createRecord", in), "records")
	other := p.call("authorize", map[string]any{"clientId": "second", "clientSecret": "s"})["cortexToken"]
	require.Equal(t, -32603, p.tell("authorize", map[string]any{"clientId": "third", "clientSecret": "s"}), "applications")
	require.Equal(t, -32603, p.tell("createSession", map[string]any{"cortexToken": other, "status": "open"}), "sessions")
	require.Equal(t, -32603, p.tell("getRecordInfos", map[string]any{"cortexToken": token, "recordIds": []any{record, record}}), "an answer of more than half an outbox")
}

// A client cannot fill the journal: what is long is cut, in every member.
func TestJournalIsBounded(t *testing.T) {
	e := emulator.StartT(t, emulator.Options{})
	p := dialMemory(t, e)
	long := strings.Repeat("x", 500_000)
	for _, frame := range []string{
		`{"id":1,"jsonrpc":"2.0","method":"` + long + `"}`,
		`{"id":"` + long + `","jsonrpc":"2.0","method":"getCortexInfo"}`,
		`{"id":1,"jsonrpc":"2.0","method":"queryHeadsets","params":{"id":"` + long + `"}}`,
		`{"id":1,"jsonrpc":"2.0","method":"controlDevice","params":{"command":"connect","headset":"` + long + `"}}`,
		long,
	} {
		require.NoError(t, p.conn.Write(p.ctx, websocket.MessageText, []byte(frame)))
		p.read()
	}
	token, session := p.subscribe("dev")
	in := map[string]any{"cortexToken": token, "session": session, "title": "r", "label": strings.Repeat("l", 9_000), "value": 1, "time": e.Now().UnixMilli()}
	require.Zero(t, p.tell("createRecord", in))
	require.Zero(t, p.tell("injectMarker", in))
	entries := e.Journal(emulator.JournalQuery{}).Entries
	require.Greater(t, len(entries), 15)
	for i := range entries {
		text, err := json.Marshal(entries[i])
		require.NoError(t, err)
		require.Less(t, len(text), 40_000, "%.300s", text)
	}
	findings, err := json.Marshal(e.Verdict(true))
	require.NoError(t, err)
	require.Less(t, len(findings), 40_000)
}

// Frames that a fault holds back for a later time count as those in the outbox:
// beyond its bound the client is cut, and the others go on.
func TestFramesHeldByFaultsAreBounded(t *testing.T) {
	e := startWith(t, "world: {limits: {outbox: 65536}}\n")
	p, other := dialMemory(t, e), dialMemory(t, e)
	other.sync() // the service knows it by now
	p.subscribe("eeg")
	day := strict.Duration(24 * time.Hour)
	_, err := e.AddFault(faults.Rule{On: faults.Match{Kind: []string{"sample"}}, Latency: &faults.Latency{Fixed: &day}})
	require.NoError(t, err)
	require.NoError(t, e.Advance(10*time.Second))
	_, _, err = p.conn.Read(p.ctx)
	require.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err), "%v", err)
	require.ErrorContains(t, err, "the faults hold back more than the outbox may hold")
	require.Len(t, e.State().Connections, 1)
	require.Zero(t, other.tell("getCortexInfo", nil))
}

// A step that fails for ever does not fill the memory.
func TestFailuresOfATimelineAreBounded(t *testing.T) {
	e := startWith(t, "timeline:\n  - every: 1ms\n    do: [{approve: nobody}]\n")
	require.NoError(t, e.Advance(5*time.Second))
	require.Len(t, e.Verdict(false).Failures, 1000)
}

// The bounds of connections and of a message are told to the client.
func TestLimitsOfConnections(t *testing.T) {
	e := emulator.StartT(t, emulator.Options{})
	// Those of a world that is loaded later hold as well.
	require.NoError(t, e.LoadDocument([]byte("extends: default\nworld: {limits: {connections: 1, message: 1024}}\n"), nil))
	p := dialTLS(t, e)
	p.sync() // its handshake is over for the service too, which bounds those as well
	transport := http.Transport{TLSClientConfig: &tls.Config{RootCAs: e.CertPool()}}
	defer transport.CloseIdleConnections()
	_, answer, err := websocket.Dial(t.Context(), e.URL(), &websocket.DialOptions{HTTPClient: &http.Client{Transport: &transport}})
	require.Error(t, err)
	require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
	require.NoError(t, p.conn.Write(p.ctx, websocket.MessageText, fmt.Appendf(nil, `{"id":%q}`, strings.Repeat("x", 1024))))
	_, _, err = p.conn.Read(p.ctx)
	require.Equal(t, websocket.StatusMessageTooBig, websocket.CloseStatus(err), "%v", err)
}

// docs/limits.md says what is in force.
func TestLimitsPage(t *testing.T) {
	page, err := os.ReadFile("../docs/limits.md")
	require.NoError(t, err)
	bounds := emulator.StartT(t, emulator.Options{}).Scenario().World.Limits
	number := func(n int) string {
		text := strconv.Itoa(n)
		if len(text) > 3 {
			text = text[:len(text)-3] + "," + text[len(text)-3:]
		}
		return text
	}
	for _, row := range []string{
		fmt.Sprintf("| open connections | %s | `world.limits.connections` |", number(bounds.Connections)),
		fmt.Sprintf("| a message of a client | %d MiB | `world.limits.message` |", bounds.Message>>20),
		fmt.Sprintf("| what waits for a client that does not read | %d MiB | `world.limits.outbox` |", bounds.Outbox>>20),
		fmt.Sprintf("| sessions | %s | `world.limits.sessions` |", number(bounds.Sessions)),
		fmt.Sprintf("| applications, by client id | %s | `world.limits.applications` |", number(bounds.Applications)),
		fmt.Sprintf("| records | %s | `world.limits.records` |", number(bounds.Records)),
		fmt.Sprintf("| time for TLS and the upgrade together | %d s |", gateway.DefaultHandshakeTimeout/time.Second),
		fmt.Sprintf("| stored Flex mappings | %s a user", number(sessionstore.MaxFlexMappings)),
		fmt.Sprintf("| profiles | %s, ", number(sessionstore.MaxProfiles)),
		fmt.Sprintf("memory: %d MiB each, %d MiB together", export.DefaultMemory>>20, export.DefaultBudget>>20),
	} {
		require.Contains(t, string(page), row)
	}
}
