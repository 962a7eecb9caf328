package gateway

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator/internal/logtest"
)

const patience = 20 * time.Second

// recorder is a Handler that keeps what it is told.
type recorder struct {
	opened   chan *Conn
	received chan []byte
	closed   chan CloseInfo

	mu       sync.Mutex
	info     RequestInfo
	receive  func(c *Conn, binary bool, data []byte)
	state    map[uint64]int // 1 opened, 2 closed
	mistakes []string
}

func newRecorder() *recorder {
	return &recorder{opened: make(chan *Conn, 100), received: make(chan []byte, 10000), closed: make(chan CloseInfo, 1000), state: map[uint64]int{}}
}

func (r *recorder) step(c *Conn, what string, from, to int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state[c.ID()] != from {
		r.mistakes = append(r.mistakes, fmt.Sprintf("%s of %d in state %d", what, c.ID(), r.state[c.ID()]))
	}
	r.state[c.ID()] = to
}

func (r *recorder) Opened(c *Conn, info RequestInfo) {
	r.step(c, "Opened", 0, 1)
	r.mu.Lock()
	r.info = info
	r.mu.Unlock()
	r.opened <- c
}

func (r *recorder) Received(c *Conn, binary bool, data []byte) {
	r.step(c, "Received", 1, 1)
	r.mu.Lock()
	receive := r.receive
	r.mu.Unlock()
	if receive != nil {
		receive(c, binary, data)
		return
	}
	r.received <- data
}

func (r *recorder) Closed(c *Conn, why CloseInfo) {
	r.step(c, "Closed", 1, 2)
	r.closed <- why
}

func echo(c *Conn, binary bool, data []byte) {
	if binary {
		_ = c.AppendBinary(data)
	} else {
		_ = c.Append(data)
	}
	c.Flush()
}

type world struct {
	*Server
	*recorder
	authority *Authority
	log       *logtest.Buffer
	port      string
}

// newWorld serves on loopback, and checks at the end that no goroutine stays and
// that the Handler was called in order.
func newWorld(t testing.TB, change func(*Options)) *world {
	t.Helper()
	before := runtime.NumGoroutine()
	a, err := NewAuthority(time.Now())
	require.NoError(t, err)
	config, err := a.ServerConfig(nil)
	require.NoError(t, err)
	w := &world{recorder: newRecorder(), authority: a, log: &logtest.Buffer{}}
	options := Options{Listen: []string{"127.0.0.1:0"}, TLS: config, CAPath: "/ca/rootCA.pem", Handler: w.recorder,
		Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if change != nil {
		change(&options)
	}
	w.Server = New(options)
	require.NoError(t, w.Listen())
	_, w.port, _ = net.SplitHostPort(w.Addrs()[0].String())
	served := make(chan error, 1)
	go func() { served <- w.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		assert.NoError(t, w.Shutdown(ctx))
		assert.NoError(t, <-served)
		for range 200 {
			if runtime.NumGoroutine() <= before {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n := runtime.NumGoroutine(); n > before {
			buf := make([]byte, 1<<16)
			t.Errorf("%d goroutines before, %d after\n%s", before, n, buf[:runtime.Stack(buf, true)])
		}
		w.recorder.mu.Lock()
		defer w.recorder.mu.Unlock()
		assert.Empty(t, w.mistakes)
		for id, s := range w.state {
			assert.Equal(t, 2, s, "connection %d was closed", id)
		}
	})
	return w
}

func (w *world) clientTLS() *tls.Config { return &tls.Config{RootCAs: w.authority.Pool()} }

func (w *world) dial(t testing.TB, path string, options *websocket.DialOptions) (*websocket.Conn, *Conn) {
	t.Helper()
	if options == nil {
		options = &websocket.DialOptions{}
	}
	transport := &http.Transport{TLSClientConfig: w.clientTLS()}
	options.HTTPClient = &http.Client{Transport: transport}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, _, err := websocket.Dial(ctx, w.URL()+path, options)
	require.NoError(t, err)
	client.SetReadLimit(-1)
	t.Cleanup(func() { client.CloseNow(); transport.CloseIdleConnections() })
	return client, next(t, w.opened)
}

func next[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func read(t testing.TB, c *websocket.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, data, err := c.Read(ctx)
	require.NoError(t, err)
	return string(data)
}

func TestEcho(t *testing.T) {
	w := newWorld(t, nil)
	w.receive = echo
	client, conn := w.dial(t, "/com.emotiv.noderedtoolbox?x=1", &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {"http://elsewhere.example"}}, Subprotocols: []string{"x"}, CompressionMode: websocket.CompressionContextTakeover,
	})
	assert.Equal(t, "/com.emotiv.noderedtoolbox", w.info.Path)
	assert.Equal(t, "http://elsewhere.example", w.info.Header.Get("Origin"))
	assert.Equal(t, uint16(tls.VersionTLS13), w.info.TLS)
	assert.Empty(t, client.Subprotocol())
	assert.NotZero(t, conn.ID())
	ctx := context.Background()
	for _, n := range []int{0, 1, 125, 126, 65535, 65536, 300000} {
		text := strings.Repeat("é", n/2) + strings.Repeat("x", n%2)
		for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
			require.NoError(t, client.Write(ctx, kind, []byte(text)))
			got, data, err := client.Read(ctx)
			require.NoError(t, err)
			require.Equal(t, kind, got)
			require.True(t, text == string(data), "%d bytes", n)
		}
	}
	require.NoError(t, client.Close(4321, "done"))
	assert.Equal(t, CloseInfo{Code: 4321, Reason: "done"}, next(t, w.closed))
}

func TestPartsAreOneMessageAndOrderHolds(t *testing.T) {
	w := newWorld(t, nil)
	client, conn := w.dial(t, "", nil)
	buf := []byte("reused")
	for i := range 1000 {
		require.NoError(t, conn.Append([]byte("a"), nil, buf[:i%6], []byte(fmt.Sprint(i))))
	}
	copy(buf, "xxxxxx") // the outbox has its own copy
	conn.Flush()
	conn.Close(websocket.StatusNormalClosure, "bye")
	assert.ErrorIs(t, conn.Append([]byte("late")), ErrClosed)
	for i := range 1000 {
		require.Equal(t, "a"+"reused"[:i%6]+fmt.Sprint(i), read(t, client))
	}
	_, _, err := client.Read(context.Background())
	var ce websocket.CloseError
	require.ErrorAs(t, err, &ce)
	assert.Equal(t, websocket.CloseError{Code: 1000, Reason: "bye"}, ce)
	assert.Equal(t, CloseInfo{Code: 1000, Reason: "bye", Local: true}, next(t, w.closed))
	assert.Zero(t, conn.Pending())
}

func TestPingIsAnsweredWhileTheHandlerIsBusy(t *testing.T) {
	w := newWorld(t, nil)
	release := make(chan struct{})
	w.receive = func(*Conn, bool, []byte) { <-release }
	client, _ := w.dial(t, "", nil)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, client.Write(ctx, websocket.MessageText, []byte("{}")))
	client.CloseRead(ctx)
	assert.NoError(t, client.Ping(ctx))
	close(release)
}

func TestTooLargeMessageClosesWith1009(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.MaxMessage = 1000 })
	client, _ := w.dial(t, "", nil)
	ctx := context.Background()
	require.NoError(t, client.Write(ctx, websocket.MessageText, make([]byte, 1000)))
	assert.Len(t, next(t, w.received), 1000)
	_ = client.Write(ctx, websocket.MessageText, make([]byte, 200000))
	_, _, err := client.Read(ctx)
	assert.Equal(t, websocket.StatusMessageTooBig, websocket.CloseStatus(err), "%v", err)
	next(t, w.closed)
}

func TestUntrustedCALogsWhoRefusedWhat(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		w := newWorld(t, nil)
		_, err := tls.Dial("tcp", "127.0.0.1:"+w.port, &tls.Config{MaxVersion: version})
		require.Error(t, err)
		require.Eventually(t, func() bool { return strings.Contains(w.log.String(), "client refused our certificate") }, patience, 5*time.Millisecond, w.log)
		assert.Contains(t, w.log.String(), "/ca/rootCA.pem")
	}
}

func TestPlainClientsAreToldAtOnce(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.HandshakeTimeout = time.Hour })
	for name, request := range map[string]string{
		"websocket": "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		"post":      "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
		"half":      "GET",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", "127.0.0.1:"+w.port)
			require.NoError(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, request)
			require.NoError(t, err)
			conn.SetDeadline(time.Now().Add(patience))
			answer, err := io.ReadAll(conn)
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(string(answer), "HTTP/1.1 400 Bad Request\r\n"), "%s", answer)
			assert.Contains(t, string(answer), "wss://")
		})
	}
}

func TestPlainWebSocketWhenAllowed(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.AllowPlainWS = true })
	client, _, err := websocket.Dial(context.Background(), "ws://127.0.0.1:"+w.port, nil)
	require.NoError(t, err)
	defer client.CloseNow()
	conn := next(t, w.opened)
	require.NoError(t, conn.Append([]byte("hello")))
	conn.Flush()
	assert.Equal(t, "hello", read(t, client))
	w.dial(t, "", nil) // TLS works beside it
}

func TestHTTPSGetIsToldHowToConnect(t *testing.T) {
	w := newWorld(t, nil)
	transport := &http.Transport{TLSClientConfig: w.clientTLS()}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Get("https://127.0.0.1:" + w.port + "/any")
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusUpgradeRequired, res.StatusCode)
	assert.Contains(t, string(body), "wss://")
}

func TestBadUpgradesGetAnAnswer(t *testing.T) {
	w := newWorld(t, nil)
	for request, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n": "400",
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n":                                                "400",
		"nonsense\r\n\r\n": "400",
		"GET / HTTP/1.1\r\nX: " + strings.Repeat("x", maxRequestHead) + "\r\n\r\n": "431",
	} {
		conn, err := tls.Dial("tcp", "127.0.0.1:"+w.port, w.clientTLS())
		require.NoError(t, err)
		conn.SetDeadline(time.Now().Add(patience))
		_, err = io.WriteString(conn, request)
		require.NoError(t, err)
		line, err := bufio.NewReader(conn).ReadString('\n')
		assert.NoError(t, err)
		assert.Contains(t, line, "HTTP/1.1 "+want)
		conn.Close()
	}
}

func TestGarbageAndHalfHandshakesAreBounded(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.HandshakeTimeout = 50 * time.Millisecond })
	for _, bytes := range []string{"", "\x16", "\x16\x03\x01\x02\x00\x01", "\x80\x00\xff", "\x16\x03\x01\x00\x01\xff"} {
		conn, err := net.Dial("tcp", "127.0.0.1:"+w.port)
		require.NoError(t, err)
		_, err = io.WriteString(conn, bytes)
		require.NoError(t, err)
		conn.SetDeadline(time.Now().Add(patience))
		_, err = io.Copy(io.Discard, conn)
		assert.False(t, isTimeout(err), "%q: the server ended it", bytes)
		conn.Close()
	}
}

func TestCutAtAnyByteOfTheUpgradeAndOfAFrame(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.AllowPlainWS = true })
	request := "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	frame := "\x81\xfe\x00\x80\x00\x00\x00\x00" + strings.Repeat("x", 128)
	opened := 0
	for n := range len(request) + len(frame) {
		conn, err := net.Dial("tcp", "127.0.0.1:"+w.port)
		require.NoError(t, err)
		_, err = io.WriteString(conn, (request + frame)[:n])
		require.NoError(t, err)
		if n >= len(request) {
			opened++
			next(t, w.opened)
		}
		conn.Close()
	}
	for range opened {
		why := next(t, w.closed)
		assert.EqualValues(t, 1006, why.Code)
		assert.False(t, why.Local)
	}
	assert.Empty(t, w.received, "no half message was handed over")
	w.dial(t, "", nil) // and it still serves
}

func TestCutAtAnyByteOfTheClientHello(t *testing.T) {
	w := newWorld(t, nil)
	near, far := net.Pipe()
	go func() {
		_ = tls.Client(near, &tls.Config{ServerName: "localhost"}).Handshake()
		near.Close()
	}()
	hello := make([]byte, 4096)
	n, err := far.Read(hello)
	require.NoError(t, err)
	far.Close()
	for cut := 1; cut < n; cut += 3 {
		conn, err := net.Dial("tcp", "127.0.0.1:"+w.port)
		require.NoError(t, err)
		_, err = conn.Write(hello[:cut])
		require.NoError(t, err)
		conn.Close()
	}
	require.Eventually(t, func() bool { return w.Stats().HandshakesFailed == int64((n-2)/3+1) }, patience, 5*time.Millisecond)
	w.dial(t, "", nil)
}

func TestAbortCutsWithoutACloseFrame(t *testing.T) {
	w := newWorld(t, nil)
	client, conn := w.dial(t, "", nil)
	conn.Abort()
	_, _, err := client.Read(context.Background())
	require.Error(t, err)
	assert.EqualValues(t, -1, websocket.CloseStatus(err))
	why := next(t, w.closed)
	assert.EqualValues(t, 1006, why.Code)
	assert.True(t, why.Local)
}

func TestShutdownClosesAllWith1001(t *testing.T) {
	w := newWorld(t, nil)
	first, _ := w.dial(t, "", nil)
	second, _ := w.dial(t, "", nil)
	idle, err := net.Dial("tcp", "127.0.0.1:"+w.port)
	require.NoError(t, err)
	defer idle.Close()
	codes := make(chan websocket.StatusCode, 2)
	for _, c := range []*websocket.Conn{first, second} {
		go func() {
			_, _, err := c.Read(context.Background())
			codes <- websocket.CloseStatus(err)
		}()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, w.Shutdown(ctx))
	assert.Equal(t, websocket.StatusGoingAway, next(t, codes))
	assert.Equal(t, websocket.StatusGoingAway, next(t, codes))
	assert.Zero(t, w.Stats().Open)
	_, err = net.Dial("tcp", "127.0.0.1:"+w.port)
	assert.Error(t, err)
}

func TestSlowReaderIsCutAndNobodyElseNotices(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.Outbox = 1 << 20; o.CloseTimeout = 100 * time.Millisecond })
	_, slow := w.dial(t, "", nil) // never reads
	fast, quick := w.dial(t, "", nil)
	frame := make([]byte, 10000)
	cut := false
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i := 0; i < 5000 && !cut; i++ {
		err := slow.Append(frame)
		slow.Flush()
		if err != nil {
			require.ErrorIs(t, err, ErrSlowReader)
			cut = true
		}
		require.NoError(t, quick.Append(frame))
		quick.Flush()
		_, data, err := fast.Read(ctx)
		require.NoError(t, err)
		require.Len(t, data, len(frame))
	}
	require.True(t, cut)
	assert.ErrorIs(t, slow.Append(frame), ErrClosed)
	why := next(t, w.closed)
	assert.Equal(t, websocket.StatusPolicyViolation, why.Code)
	assert.True(t, why.Local)
	assert.EqualValues(t, 1, w.Stats().SlowReaders)
	assert.Contains(t, w.log.String(), "reads too slowly")
}

// A client that wakes up in time gets whole frames and then the close.
func TestSlowReaderThatWakesUpSeesTheReason(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.Outbox = 1 << 20 })
	client, conn := w.dial(t, "", nil)
	frame := bytes.Repeat([]byte("x"), 10000)
	for conn.Append(frame) == nil {
		conn.Flush()
	}
	for {
		_, data, err := client.Read(context.Background())
		if err != nil {
			assert.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err), "%v", err)
			break
		}
		require.True(t, bytes.Equal(frame, data))
	}
	next(t, w.closed)
	assert.Zero(t, conn.Pending(), "what was dropped is no longer counted")
}

func TestWaitRoomHoldsTheLoopAndLosesNothing(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.Outbox = 64 << 10 })
	client, conn := w.dial(t, "", nil)
	const n = 3000
	sent := make(chan error, 1)
	go func() {
		for i := range n {
			if conn.Pending() > 32<<10 {
				if err := conn.WaitRoom(context.Background()); err != nil {
					sent <- err
					return
				}
			}
			if err := conn.Append(fmt.Appendf(nil, "%05d%01000d", i, 0)); err != nil {
				sent <- err
				return
			}
		}
		conn.Flush()
		sent <- nil
	}()
	for i := range n {
		require.Equal(t, fmt.Sprintf("%05d", i), read(t, client)[:5])
	}
	require.NoError(t, next(t, sent))
}

func TestWaitRoomEndsWithTheConnectionAndTheContext(t *testing.T) {
	// Far more than the system's own buffers of a connection take from the outbox.
	w := newWorld(t, func(o *Options) { o.Limits.Outbox = 64 << 20 })
	_, conn := w.dial(t, "", nil)
	for conn.Pending() < 60<<20 {
		require.NoError(t, conn.Append(make([]byte, 1<<20)))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	assert.ErrorIs(t, conn.WaitRoom(ctx), context.Canceled)
	waited := make(chan error, 1)
	go func() { waited <- conn.WaitRoom(context.Background()) }()
	conn.Abort()
	assert.ErrorIs(t, next(t, waited), ErrClosed)
}

func TestListenLocalhostIsBothFamilies(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Listen = []string{"localhost:0"} })
	assert.Equal(t, "wss://localhost:"+w.port, w.URL())
	if l, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		assert.Len(t, w.Addrs(), 1)
	} else {
		l.Close()
		require.Len(t, w.Addrs(), 2)
		assert.Equal(t, "[::1]:"+w.port, w.Addrs()[1].String())
		conn, err := tls.Dial("tcp", "[::1]:"+w.port, w.clientTLS())
		require.NoError(t, err)
		conn.Close()
	}
}

func TestListenErrorsSayWhatToDo(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	busy := taken.Addr().String()
	_, port, _ := net.SplitHostPort(busy)
	for address, want := range map[string]string{
		busy:                "port is in use",
		"localhost:" + port: "port is in use",
		"localhost":         "want host:port",
		"localhost:x":       "want a number from 0 to 65535",
		"localhost:70000":   "want a number from 0 to 65535",
		"192.0.2.1:0":       "an address of this machine",
	} {
		s := New(Options{Listen: []string{address}, AllowPlainWS: true, Handler: newRecorder()})
		err := s.Listen()
		require.ErrorContains(t, err, want, address)
		assert.ErrorContains(t, err, address)
		assert.Empty(t, s.Addrs())
	}
}

func TestMaxConns(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.MaxConns = 1 })
	w.dial(t, "", nil)
	transport := &http.Transport{TLSClientConfig: w.clientTLS()}
	defer transport.CloseIdleConnections()
	_, res, err := websocket.Dial(context.Background(), w.URL(), &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	require.Error(t, err)
	assert.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
}
