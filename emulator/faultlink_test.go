package emulator_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/faults"
)

// faultYAML has one rule's fault for each name.
func faultYAML() map[string]string {
	return map[string]string{
		"latency": "latency: 1s", "stall": "stall: 1s", "burst": "burst: 700ms", "drop": "drop: ", "duplicate": "duplicate: 2",
		"reorder": "reorder: 3", "truncate": "truncate: 5", "corrupt": "corrupt: 3", "fragment": "fragment: 4", "bandwidth": "bandwidth: 100",
		"close": "close: 1011", "reset": "reset: ", "error": "error: -32000", "wrongId": "wrongId: ", "wait": "wait: sample",
		"insert": `insert: {before: {x: 1}}`, "refuse": "refuse: ", "slowTls": "slowTls: 1s",
	}
}

// walk takes a client through answers, warnings, samples and errors, and returns
// every byte that it got. A sealed clock makes it the same in every run.
func walk(t *testing.T, e *emulator.Emulator) string {
	t.Helper()
	p := dialMemory(t, e)
	token, session := p.subscribe("eeg", "mot", "dev")
	require.NoError(t, e.Advance(1500*time.Millisecond))
	p.write(`{"id":"x","jsonrpc":"2.0","method":"nothing"}`)
	p.write(fmt.Sprintf(`{"id":90,"jsonrpc":"2.0","method":"updateSession","params":{"cortexToken":%q,"session":%q,"status":"close"}}`, token, session))
	p.write(`{"id":91,"jsonrpc":"2.0","method":"getCortexInfo"}`)
	for {
		var frame struct{ ID any }
		require.NoError(t, json.Unmarshal([]byte(p.read()), &frame))
		if frame.ID == 91.0 {
			return p.log.String()
		}
	}
}

// TestAFaultThatIsOffChangesNothing holds the bytes of a world with a rule that
// cannot hit (probability 0, used up, on a method that is never called, taken
// away again) against those of a world without.
func TestAFaultThatIsOffChangesNothing(t *testing.T) {
	want := walk(t, startWith(t, ""))
	require.Greater(t, strings.Count(want, `"eeg":`), 380)
	require.Contains(t, want, "warning")
	for _, name := range faults.Names() {
		fault, ok := faultYAML()[name]
		require.True(t, ok, name)
		never := map[string]string{
			"probability 0": "on: {probability: 0}",
			"later":         "on: {from: 1h}",
			"other client":  "on: {connection: 99}",
		}
		if name != "refuse" && name != "slowTls" {
			never["other method"] = "on: {method: exportRecord}"
		}
		for how, on := range never {
			if how == "later" && (name == "refuse" || name == "slowTls") {
				continue
			}
			t.Run(name+"/"+how, func(t *testing.T) {
				assert.Equal(t, want, walk(t, startWith(t, "faults: [{"+on+", "+fault+"}]")))
			})
		}
		t.Run(name+"/taken away", func(t *testing.T) {
			e := startWith(t, "faults: [{id: f, "+fault+"}]")
			require.NoError(t, e.Act("clearFault: f"))
			assert.Equal(t, want, walk(t, e))
		})
	}
}

// TestFaultsOnTheWire looks at what a client gets when a rule hits.
func TestFaultsOnTheWire(t *testing.T) {
	info := `{"id":1,"jsonrpc":"2.0","method":"getCortexInfo"}`
	answer := `{"id":1,"jsonrpc":"2.0","result":{"buildDate"`
	for name, test := range map[string]struct {
		rules   string
		advance time.Duration
		want    []string // beginnings of the frames
		early   int      // frames that come at once
	}{
		"latency":       {"[{latency: 300ms}]", 300 * time.Millisecond, []string{answer}, 0},
		"slow service":  {"[{on: request, latency: 300ms}]", 300 * time.Millisecond, []string{answer}, 0},
		"duplicate":     {"[{duplicate: 2}]", 0, []string{answer, answer}, 0},
		"twice, later":  {"[{duplicate: {times: 2, gap: 1s}}]", time.Second, []string{answer, answer}, 1},
		"truncate":      {"[{truncate: 9}]", 0, []string{`{"id":1,"`}, 0},
		"error":         {"[{error: -32003}]", 0, []string{`{"error":{"code":-32003,"message":"No Internet connection.`}, 0},
		"error once":    {"[{on: {count: 1}, error: -32003}]", 0, []string{`{"error":`}, 0},
		"wrong id":      {"[{wrongId: 77}]", 0, []string{`{"id":77,"jsonrpc":"2.0","result":{"buildDate"`}, 0},
		"insert":        {"[{insert: {before: {hello: 1}}}]", 0, []string{`{"hello":1}`, answer}, 0},
		"fragments":     {"[{fragment: 4}]", 0, []string{answer}, 0},
		"stall":         {"[{stall: 2s}]", 2 * time.Second, []string{answer}, 0},
		"two rules":     {"[{latency: 1s}, {duplicate: 2}]", time.Second, []string{answer, answer}, 0},
		"twice served":  {"[{on: request, duplicate: 2}]", 0, []string{answer, answer}, 0},
		"other methods": {"[{on: {method: authorize}, drop: }]", 0, []string{answer}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := startWith(t, "faults: "+test.rules)
			p := dialMemory(t, e)
			p.write(info)
			// The request has to be there before time goes on.
			require.Eventually(t, func() bool {
				return len(e.Journal(emulator.JournalQuery{Kinds: []string{"call", "fault"}}).Entries) > 0
			}, 10*time.Second, time.Millisecond)
			if test.advance > 0 {
				require.NoError(t, e.Advance(test.advance-time.Nanosecond))
				for range test.early {
					require.True(t, strings.HasPrefix(p.read(), answer))
				}
				if test.early == 0 {
					assert.Zero(t, e.Stats().MessagesOut, "nothing comes before its time")
					assert.Zero(t, e.State().Connections[0].Pending)
				}
				require.NoError(t, e.Advance(time.Nanosecond))
			}
			for _, want := range test.want[test.early:] {
				got := p.read()
				require.True(t, strings.HasPrefix(got, want), got)
			}
			require.NoError(t, e.Act("clearFault"))
			p.id = 9
			p.sync()
		})
	}
}

func TestDropAndClose(t *testing.T) {
	e := startWith(t, `faults: [{on: {method: getUserLogin}, drop: }, {on: {method: queryHeadsets}, close: {code: 4001, reason: gone}}]`)
	p := dialMemory(t, e)
	p.write(`{"id":1,"jsonrpc":"2.0","method":"getUserLogin"}`)
	p.id = 1
	p.sync() // the first answer that comes
	p.write(`{"id":3,"jsonrpc":"2.0","method":"queryHeadsets"}`)
	_, _, err := p.conn.Read(p.ctx)
	var closed websocket.CloseError
	require.ErrorAs(t, err, &closed)
	assert.EqualValues(t, 4001, closed.Code)
	assert.Equal(t, "gone", closed.Reason)
	page := e.Journal(emulator.JournalQuery{Kinds: []string{"closed", "fault"}})
	var got []string
	for _, entry := range page.Entries {
		got = append(got, fmt.Sprintf("%s %s %s %d", entry.Kind, entry.Event, entry.Method, entry.Code))
	}
	assert.Equal(t, []string{"fault drop getUserLogin 0", "fault close queryHeadsets 0", "closed   4001"}, got)
}

// A cut loses nothing that was sent before, a reset what is on its way.
func TestCutWithoutACloseFrame(t *testing.T) {
	e := startWith(t, `timeline: [{onSample: {stream: mot, n: 640}, do: {cut: {code: 1006}}}]`, func(o *emulator.Options) { o.Listen = []string{"localhost:0"} })
	p := dialTLS(t, e)
	p.subscribe("mot")
	require.NoError(t, e.Advance(time.Minute))
	for range 640 {
		require.Contains(t, p.read(), `"mot":`)
	}
	_, _, err := p.conn.Read(p.ctx)
	require.Error(t, err)
	assert.EqualValues(t, -1, websocket.CloseStatus(err), "no close frame came: %s", err)
}

// The headset's clock is in the time of each sample.
func TestHeadsetClockAction(t *testing.T) {
	e := startWith(t, `timeline: [{at: 1s, do: {headsetClock: {offset: 1h}}}]`)
	p := dialMemory(t, e)
	p.subscribe("mot")
	require.NoError(t, e.Advance(2*time.Second))
	var last float64
	jumps := 0
	for range 128 {
		var frame struct{ Time float64 }
		require.NoError(t, json.Unmarshal([]byte(p.read()), &frame))
		if last != 0 && frame.Time-last > 1 {
			jumps++
			assert.InDelta(t, 3600, frame.Time-last, 0.1)
		}
		last = frame.Time
	}
	assert.Equal(t, 1, jumps)
}

// A session must not outlive the connection that a fault has cut, not even for
// an instant of virtual time.
func TestCutEndsSessionsAtOnce(t *testing.T) {
	e := startWith(t, `timeline: [{after: {event: subscribed, delay: 1s}, do: {cut: {connection: 1}}}]`)
	p := dialMemory(t, e)
	p.subscribe("mot")
	require.NoError(t, e.Advance(time.Second))
	assert.Empty(t, e.State().Sessions)
	go func() {
		for {
			if _, _, err := p.conn.Read(p.ctx); err != nil {
				return
			}
		}
	}()
	other := dialMemory(t, e)
	token := other.authorize()
	assert.NotEmpty(t, other.call("createSession", map[string]any{"cortexToken": token, "status": "open"})["id"])
}

func TestRefusedHandshakes(t *testing.T) {
	e := startWith(t, `faults: [{on: {count: 2}, refuse: }]`, func(o *emulator.Options) { o.Listen = []string{"localhost:0"} })
	u, err := url.Parse(e.URL())
	require.NoError(t, err)
	for range 2 {
		require.True(t, wasRefused(t, u.Host))
	}
	dialTLS(t, e).sync()
}

// The TLS handshake waits for virtual time.
func TestSlowTLS(t *testing.T) {
	e := startWith(t, `faults: [{on: {count: 1}, slowTls: 1m}]`, func(o *emulator.Options) { o.Listen = []string{"localhost:0"} })
	done := make(chan *peer, 1)
	go func() { done <- dialTLS(t, e) }()
	require.Eventually(t, func() bool { return e.Stats().Accepted == 1 }, 10*time.Second, time.Millisecond)
	for {
		require.NoError(t, e.Advance(30*time.Second))
		select {
		case p := <-done:
			p.sync()
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestRestart(t *testing.T) {
	e := startWith(t, `timeline: [{at: 5s, do: {restart: 10s}}]`, func(o *emulator.Options) { o.Listen = []string{"localhost:0"} })
	p := dialTLS(t, e)
	token := p.authorize()
	require.NoError(t, e.Advance(5*time.Second))
	_, _, err := p.conn.Read(p.ctx)
	require.EqualValues(t, 1001, websocket.CloseStatus(err))
	u, err := url.Parse(e.URL())
	require.NoError(t, err)
	require.True(t, wasRefused(t, u.Host), "until it is up again")
	require.NoError(t, e.Advance(10*time.Second))
	p = dialTLS(t, e)
	p.call("getLicenseInfo", map[string]any{"cortexToken": token}) // tokens live on
}

// wasRefused reports whether a connection is reset before it can say anything.
func wasRefused(t *testing.T, host string) bool {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	if err == nil {
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		_, err = conn.Read(make([]byte, 1))
		require.NoError(t, conn.Close())
	}
	return err != nil && !timedOut(err)
}

// timedOut reports that nothing came within the time of a deadline.
func timedOut(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
