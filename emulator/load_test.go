//go:build soak

package emulator_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
)

// Load: what many clients, or hasty ones, do to the others. The tests count and
// compare samples and look at bounds; they never measure time.
//
//	go test -tags soak -run Load ./emulator

// watch reads eeg samples until enough have come and stop says so, and returns
// an error at the first gap.
func (c *rawClient) watch(least int, stop func() bool) error {
	var buf []byte
	last := int64(-1)
	for n := 0; n < least || !stop(); {
		_ = c.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		var err error
		if buf, err = c.next(buf); err != nil {
			return fmt.Errorf("after %d samples: %w", n, err)
		}
		if !bytes.HasPrefix(buf, []byte(`{"eeg"`)) {
			if bytes.Contains(buf, []byte(`"warning"`)) {
				continue // headsets of others
			}
			return fmt.Errorf("not a sample: %.200s", buf)
		}
		begin := bytes.IndexByte(buf, '[') + 1
		counter, err := strconv.ParseInt(string(buf[begin:begin+bytes.IndexByte(buf[begin:], ',')]), 10, 64)
		if err != nil {
			return err
		}
		if last >= 0 && counter != (last+1)%256 {
			return fmt.Errorf("sample %d: counter %d follows %d", n, counter, last)
		}
		last = counter
		n++
	}
	return nil
}

// settled waits until a number is what it should be, for 20 s at most.
func settled(t *testing.T, what string, want int, number func() int) {
	t.Helper()
	n := 0
	for range 2000 {
		if n = number(); n == want {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%s: %d, want %d", what, n, want)
}

// A stormy crowd comes and goes in every way; a client that streams all the time
// misses nothing, and nothing of the crowd stays.
func TestLoadStorm(t *testing.T) {
	e := emulator.StartT(t, emulator.Options{Clock: "real"})
	steady := dialRaw(t, e)
	steady.subscribe("steady", "eeg")
	goroutines := runtime.NumGoroutine()
	var over atomic.Bool
	result := make(chan error, 1)
	go func() { result <- steady.watch(512, over.Load) }()

	const crowd, rounds = 40, 15
	var group sync.WaitGroup
	for i := range crowd {
		group.Go(func() {
			for round := range rounds {
				// Another application each time: the end of the last visit may not
				// have been seen yet, and its session then stands in the way.
				if err := visit(e, fmt.Sprintf("guest-%d-%d", i, round), (i+round)%5); err != nil {
					t.Errorf("guest %d, round %d: %v", i, round, err)
					return
				}
			}
		})
	}
	group.Wait()
	settled(t, "connections", 1, func() int { return int(e.Stats().Open) })
	settled(t, "connections that the world knows", 1, func() int { return len(e.State().Connections) })
	settled(t, "sessions", 1, func() int { return len(e.State().Sessions) })
	settled(t, "goroutines", goroutines, func() int { return min(goroutines, runtime.NumGoroutine()-1) })
	over.Store(true)
	require.NoError(t, <-result)
	require.GreaterOrEqual(t, e.Counters().Opened, uint64(crowd*rounds*4/5))
	require.Zero(t, e.Stats().SlowReaders)
}

// visit connects and leaves in one of five ways.
func visit(e *emulator.Emulator, name string, how int) error {
	conn, err := net.Dial("tcp", strings.TrimPrefix(e.URL(), "wss://"))
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if how == 0 { // in the middle of the TLS handshake
		_, err = conn.Write([]byte{0x16, 3, 1, 2, 0, 1})
		return err
	}
	secure := tls.Client(conn, &tls.Config{RootCAs: e.CertPool(), ServerName: "localhost"})
	c := newRaw(nil, secure)
	if err := c.upgrade(); err != nil {
		return err
	}
	if how == 1 { // right after the upgrade
		return nil
	}
	token, err := c.ask("authorize", map[string]any{"clientId": name, "clientSecret": "s"}, "cortexToken")
	if err != nil {
		return err
	}
	session, err := c.ask("createSession", map[string]any{"cortexToken": token, "status": "active"}, "id")
	if err != nil {
		return err
	}
	if _, err := c.ask("subscribe", map[string]any{"cortexToken": token, "session": session, "streams": []string{"eeg"}}, ""); err != nil {
		return err
	}
	switch how {
	case 2: // politely
		if _, err := secure.Write([]byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8}); err != nil {
			return err
		}
		for {
			if _, err := c.next(nil); err != nil {
				return nil // the answer to the close came before
			}
		}
	case 3: // with a reset
		return conn.(*net.TCPConn).SetLinger(0)
	}
	return nil
}

// upgrade makes a WebSocket of a connection.
func (c *rawClient) upgrade() error {
	_, err := io.WriteString(c.conn, "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	if err != nil {
		return err
	}
	for line := "-"; line != "\r\n"; {
		if line, err = c.r.ReadString('\n'); err != nil {
			return err
		}
		if strings.HasPrefix(line, "HTTP/1.1 ") && !strings.HasPrefix(line, "HTTP/1.1 101") {
			return errors.New(line)
		}
	}
	return nil
}

// ask calls a method and returns one member of the result, past samples and
// warnings.
func (c *rawClient) ask(method string, params map[string]any, member string) (any, error) {
	text, err := json.Marshal(map[string]any{"id": 7, "jsonrpc": "2.0", "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	frame := binary.BigEndian.AppendUint16([]byte{0x81, 0x80 | 126}, uint16(len(text)))
	if _, err := c.conn.Write(append(append(frame, 0, 0, 0, 0), text...)); err != nil {
		return nil, err
	}
	for {
		frame, err := c.next(nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", method, err)
		}
		var answer struct {
			ID     int
			Result map[string]any
		}
		if err := json.Unmarshal(frame, &answer); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", method, frame, err)
		}
		switch {
		case answer.ID != 7:
		case answer.Result == nil:
			return nil, fmt.Errorf("%s: %s", method, frame)
		default:
			return answer.Result[member], nil
		}
	}
}

// One of a hundred clients does not read: it is closed with 1008, and the others
// miss nothing.
func TestLoadStalledReader(t *testing.T) {
	e := startWith(t, "world: {limits: {outbox: 1048576}}\n", func(o *emulator.Options) {
		o.Clock, o.Listen = "real", []string{"localhost:0"}
	})
	const others = 99
	var over atomic.Bool
	results := make(chan error, others)
	for i := range others {
		c := dialRaw(t, e)
		c.subscribe("reader-"+strconv.Itoa(i), "eeg")
		go func() { results <- c.watch(256, over.Load) }()
	}
	// The one that will not read asks for as much as twenty clients, all at once:
	// while it still read answers, a slow machine could be too slow for the samples
	// between them.
	stalled := dialRaw(t, e)
	var wishes []string
	for i := range 20 {
		token := stalled.call("authorize", map[string]any{"clientId": "stalled-" + strconv.Itoa(i), "clientSecret": "s"})["cortexToken"]
		session := stalled.call("createSession", map[string]any{"cortexToken": token, "status": "active"})["id"]
		text, err := json.Marshal(map[string]any{"cortexToken": token, "session": session, "streams": allStreams})
		require.NoError(t, err)
		wishes = append(wishes, fmt.Sprintf(`{"id":1,"jsonrpc":"2.0","method":"subscribe","params":%s}`, text))
	}
	for _, wish := range wishes {
		stalled.send(wish)
	}
	settledWithin(t, 60*time.Second, func() bool { return e.Stats().SlowReaders == 1 })
	over.Store(true)
	for range others {
		require.NoError(t, <-results)
	}
	require.EqualValues(t, 1, e.Stats().SlowReaders)

	// What it reads now are whole frames, and the last one is the close.
	code := 0
	_ = stalled.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	for code == 0 {
		head, err := stalled.r.Peek(1)
		require.NoError(t, err)
		frame, err := stalled.next(nil)
		require.NoError(t, err)
		if head[0] == 0x88 {
			code = int(binary.BigEndian.Uint16(frame))
		} else {
			require.True(t, json.Valid(frame), "%.200q", frame)
		}
	}
	require.Equal(t, 1008, code)
}

func settledWithin(t *testing.T, most time.Duration, done func() bool) {
	t.Helper()
	for begin := time.Now(); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > most {
			t.Fatalf("not after %s", most)
		}
	}
}

// A client that sends requests as fast as it can gets an answer to each, in
// order, and the samples of the others stay complete.
func TestLoadFlood(t *testing.T) {
	e := emulator.StartT(t, emulator.Options{Clock: "real"})
	steady := dialRaw(t, e)
	steady.subscribe("steady", "eeg")
	var over atomic.Bool
	result := make(chan error, 1)
	go func() { result <- steady.watch(512, over.Load) }()

	const requests = 40_000
	flood := dialRaw(t, e)
	sent := make(chan error, 1)
	go func() {
		var batch []byte
		for id := 1; id <= requests; id++ {
			text := fmt.Appendf(nil, `{"id":%d,"jsonrpc":"2.0","method":"getCortexInfo"}`, id)
			batch = append(append(batch, 0x81, 0x80|byte(len(text)), 0, 0, 0, 0), text...)
			if id%100 == 0 {
				if _, err := flood.conn.Write(batch); err != nil {
					sent <- err
					return
				}
				batch = batch[:0]
			}
		}
		sent <- nil
	}()
	var buf []byte
	var err error
	for id := 1; id <= requests; id++ {
		_ = flood.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		buf, err = flood.next(buf)
		require.NoError(t, err)
		require.Contains(t, string(buf), fmt.Sprintf(`{"id":%d,"jsonrpc":"2.0","result":`, id))
	}
	require.NoError(t, <-sent)
	over.Store(true)
	require.NoError(t, <-result)
	page := e.Journal(emulator.JournalQuery{Limit: 10_000})
	require.LessOrEqual(t, page.Matched, 10_000, "the journal keeps the last ones")
	require.EqualValues(t, requests, e.Counters().Calls["getCortexInfo"], "and counts all")
}

// An hour of the manual clock with records of every stream on two headsets, and
// a subscriber: no sample is missing, and the memory is that of ten minutes.
func TestLoadHourOfRecords(t *testing.T) {
	e := startWith(t, "world: {headsets: [{id: EPOCX-3B9A0001, connectedBy: bluetooth}, {id: INSIGHT-3B9A0002, connectedBy: bluetooth}]}\n",
		func(o *emulator.Options) { o.Listen = []string{"localhost:0"} })
	c := dialRaw(t, e)
	token, err := c.ask("authorize", map[string]any{"clientId": "recorder", "clientSecret": "s"}, "cortexToken")
	require.NoError(t, err)
	record := map[string]any{}
	for _, headset := range []string{"EPOCX-3B9A0001", "INSIGHT-3B9A0002"} {
		session, err := c.ask("createSession", map[string]any{"cortexToken": token, "headset": headset, "status": "active"}, "id")
		require.NoError(t, err)
		_, err = c.ask("createRecord", map[string]any{"cortexToken": token, "session": session, "title": headset}, "")
		require.NoError(t, err)
		if headset == "EPOCX-3B9A0001" {
			record = map[string]any{"cortexToken": token, "session": session}
			_, err = c.ask("subscribe", map[string]any{"cortexToken": token, "session": session, "streams": []string{"eeg"}}, "")
			require.NoError(t, err)
		}
	}
	memory := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	var after10 int64
	for minute := range 60 {
		done := make(chan error, 1)
		go func() { done <- e.Advance(time.Minute) }()
		require.NoError(t, c.watch(60*256, func() bool { return true }))
		require.NoError(t, <-done)
		if minute == 9 {
			after10 = memory()
		}
	}
	grown := memory() - after10
	t.Logf("%d KiB after 10 minutes, %+d KiB in 50 more", after10>>10, grown>>10)
	// Two records may still fill their 4 MiB each; the rest is in files.
	require.Less(t, grown, int64(2*4<<20+4<<20))
	_, err = c.ask("stopRecord", record, "")
	require.NoError(t, err)
}
