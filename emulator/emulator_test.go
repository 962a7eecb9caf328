package emulator_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/api"
)

// peer is a small Cortex client over a real connection.
type peer struct {
	t    testing.TB
	ctx  context.Context
	conn *websocket.Conn
	id   int
	log  bytes.Buffer // every byte that came, a line a frame
}

func dialTLS(t testing.TB, e *emulator.Emulator) *peer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: e.CertPool()}}}
	conn, _, err := websocket.Dial(ctx, e.URL(), &websocket.DialOptions{HTTPClient: client})
	require.NoError(t, err)
	conn.SetReadLimit(-1)
	t.Cleanup(func() { conn.CloseNow() })
	return &peer{t: t, ctx: ctx, conn: conn}
}

func dialMemory(t testing.TB, e *emulator.Emulator) *peer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	conn, err := e.Dial(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { conn.CloseNow() })
	return &peer{t: t, ctx: ctx, conn: conn}
}

func (p *peer) read() string {
	p.t.Helper()
	_, data, err := p.conn.Read(p.ctx)
	require.NoError(p.t, err)
	p.log.Write(data)
	p.log.WriteByte('\n')
	return string(data)
}

// call sends a request and returns the result; frames before the answer are an error.
func (p *peer) call(method string, params map[string]any) map[string]any {
	p.t.Helper()
	p.id++
	frame, err := json.Marshal(map[string]any{"id": p.id, "jsonrpc": "2.0", "method": method, "params": params})
	require.NoError(p.t, err)
	require.NoError(p.t, p.conn.Write(p.ctx, websocket.MessageText, frame))
	var answer struct {
		ID     int
		Result map[string]any
	}
	text := p.read()
	require.NoError(p.t, json.Unmarshal([]byte(text), &answer), text)
	require.Equal(p.t, p.id, answer.ID, text)
	require.NotNil(p.t, answer.Result, text)
	return answer.Result
}

// subscribe walks from the token to the streams.
func (p *peer) subscribe(streams ...string) (token, session string) {
	p.t.Helper()
	token = p.call("authorize", map[string]any{"clientId": "app-basic", "clientSecret": "secret"})["cortexToken"].(string)
	session = p.call("createSession", map[string]any{"cortexToken": token, "status": "active"})["id"].(string)
	answer := p.call("subscribe", map[string]any{"cortexToken": token, "session": session, "streams": streams})
	require.Len(p.t, answer["success"], len(streams))
	return token, session
}

type sample struct {
	EEG  []json.RawMessage
	Mot  []json.RawMessage
	Time json.Number
}

// TestStreamsEverySample reads a minute of an EPOC+ through TLS: exact counts,
// no gap in the counters, the time grid to the digit.
func TestStreamsEverySample(t *testing.T) {
	const seconds = 60
	e := emulator.StartT(t, emulator.Options{})
	p := dialTLS(t, e)
	p.subscribe("eeg", "mot")
	start := e.Now()
	done := make(chan error, 1)
	go func() { done <- e.Advance(seconds * time.Second) }()
	for eeg, mot := 1, 1; eeg <= 256*seconds || mot <= 64*seconds; {
		var s sample
		require.NoError(t, json.Unmarshal([]byte(p.read()), &s))
		k, rate, values := &eeg, 256, s.EEG
		if s.EEG == nil {
			k, rate, values = &mot, 64, s.Mot
		}
		require.Equal(t, fmt.Sprint((*k-1)%rate), string(values[0]), "counter")
		due := start.Add(time.Duration(int64(*k) * int64(time.Second) / int64(rate)))
		require.Equal(t, wireTime(due), s.Time.String())
		*k++
	}
	require.NoError(t, <-done)
	p.call("getCortexInfo", nil) // nothing more stands before the answer
}

// wireTime prints an instant as the wire does: seconds, up to four decimals.
func wireTime(at time.Time) string {
	n := (at.UnixNano() + 50000) / 100000
	text := strings.TrimRight(fmt.Sprintf("%d.%04d", n/10000, n%10000), "0")
	if strings.HasSuffix(text, ".") {
		text += "0"
	}
	return text
}

// flow runs a whole flow on the manual clock and returns every byte received.
func flow(t *testing.T, e *emulator.Emulator, p *peer) string {
	token, session := p.subscribe("eeg", "mot")
	require.NoError(t, e.Advance(5*time.Second))
	for range 5*256 + 5*64 {
		p.read()
	}
	p.call("updateSession", map[string]any{"cortexToken": token, "session": session, "status": "close"})
	p.read() // warning 0
	return p.log.String()
}

// TestSameSeedSameBytes is about real sockets: ids, tokens, time stamps and
// signals are the same in every run, and in memory.
func TestSameSeedSameBytes(t *testing.T) {
	run := func(seed uint64, dial func(testing.TB, *emulator.Emulator) *peer) string {
		e := emulator.StartT(t, emulator.Options{Seed: seed})
		return flow(t, e, dial(t, e))
	}
	first := run(7, dialTLS)
	require.Greater(t, len(first), 100_000)
	require.True(t, first == run(7, dialTLS), "a second run gives the same bytes")
	require.True(t, first == run(7, dialMemory), "so does a connection in memory")
	require.False(t, first == run(8, dialTLS), "another seed gives others")
}

func TestSeveralClientsShareAHeadset(t *testing.T) {
	e := emulator.StartT(t, emulator.Options{})
	var wait sync.WaitGroup
	peers := make([]*peer, 5)
	for i := range peers {
		peers[i] = dialMemory(t, e)
		token := peers[i].call("authorize", map[string]any{"clientId": fmt.Sprintf("app-%d", i), "clientSecret": "s"})["cortexToken"]
		session := peers[i].call("createSession", map[string]any{"cortexToken": token, "status": "active"})["id"].(string)
		peers[i].call("subscribe", map[string]any{"cortexToken": token, "session": session, "streams": []string{"eeg"}})
		peers[i].log.Reset()
		wait.Go(func() {
			for range 512 {
				frame := peers[i].read()
				require.Contains(t, frame, session)
			}
		})
	}
	require.NoError(t, e.Advance(2*time.Second))
	wait.Wait()
	strip := func(p *peer) (out []string) {
		for _, line := range strings.Split(p.log.String(), "\n") {
			head, tail, _ := strings.Cut(line, `,"sid":`)
			_, tail, _ = strings.Cut(tail, ",")
			out = append(out, head+tail)
		}
		return out
	}
	want := strip(peers[0])
	for _, p := range peers[1:] {
		require.Equal(t, want, strip(p), "every client gets the same samples")
	}
}

// TestManualClockWaitsForAReader: the loop waits for a full outbox, so a
// long advance loses nothing and stays within the bound.
func TestManualClockWaitsForAReader(t *testing.T) {
	e := emulator.StartT(t, emulator.Options{OutboxLimit: 256 << 10})
	p := dialTLS(t, e)
	p.subscribe("eeg")
	done := make(chan error, 1)
	go func() { done <- e.Advance(time.Minute) }()
	for range 60 * 256 {
		p.read()
	}
	require.NoError(t, <-done)
}

func TestCloseSendsGoingAway(t *testing.T) {
	e := emulator.StartT(t, emulator.Options{})
	p := dialTLS(t, e)
	p.call("getCortexInfo", nil)
	closed := make(chan error, 1)
	go func() { _, _, err := p.conn.Read(p.ctx); closed <- err }()
	require.NoError(t, e.Close())
	require.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(<-closed))
	require.ErrorIs(t, e.Advance(time.Second), emulator.ErrClosed)
	require.False(t, e.Ready())
	require.NoError(t, e.Close(), "closing twice is harmless")
}

func TestSessionEndsWithItsConnection(t *testing.T) {
	e := emulator.StartT(t, emulator.Options{})
	p := dialTLS(t, e)
	p.subscribe("eeg")
	p.conn.CloseNow()
	require.Eventually(t, func() bool {
		n := -1
		require.NoError(t, e.Do(func(s *api.Service) { n = len(s.Store.Sessions()) }))
		return n == 0
	}, 10*time.Second, time.Millisecond)
}

func TestOptionsThatCannotBe(t *testing.T) {
	for want, o := range map[string]emulator.Options{
		`clock "fast": want real, manual, or xN`: {Clock: "fast"},
		"want a year from 2000 to 2200":          {StartTime: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)},
		`unknown scenario: "nothing"`:            {Scenario: "nothing"},
	} {
		_, err := emulator.Start(o)
		require.ErrorContains(t, err, want)
	}
	e := emulator.StartT(t, emulator.Options{})
	require.Error(t, e.Advance(-time.Second))
	_, err := emulator.Start(emulator.Options{Listen: []string{strings.TrimPrefix(e.URL(), "wss://")}})
	require.Error(t, err, "the port is busy")
}

func TestScaledClockRuns(t *testing.T) {
	e := emulator.StartT(t, emulator.Options{Clock: "x100"})
	p := dialTLS(t, e)
	before := e.Now() // the clock is fast: afterwards samples may have come already
	p.subscribe("eeg")
	for range 256 * 20 {
		p.read()
	}
	require.GreaterOrEqual(t, e.Now().Sub(before), 19*time.Second)
}
