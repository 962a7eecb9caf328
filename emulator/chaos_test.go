//go:build soak

package emulator_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
)

// Chaos: what a broken network does, through a proxy that counts bytes.
//
//	client <==> cutter <==> emulator
//	            passes n bytes one way, then ends both connections

// cutter is a TCP proxy for one connection at a time.
type cutter struct {
	listener net.Listener
	target   string
}

func newCutter(t *testing.T, e *emulator.Emulator) *cutter {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	return &cutter{listener, "127.0.0.1:" + e.URL()[strings.LastIndexByte(e.URL(), ':')+1:]}
}

// pass brings one client to the emulator and cuts after so many bytes to the
// emulator, or from it; negative: never. With reset the ends see a reset, else
// the end of the stream. It returns how many bytes went each way.
func (c *cutter) pass(to, from int64, reset bool) (sent, received int64, err error) {
	client, err := c.listener.Accept()
	if err != nil {
		return 0, 0, err
	}
	defer client.Close()
	server, err := net.Dial("tcp", c.target)
	if err != nil {
		return 0, 0, err
	}
	defer server.Close()
	var group sync.WaitGroup
	flow := func(dst, src net.Conn, most int64, n *int64) func() {
		return func() {
			var err error
			if most < 0 {
				*n, err = io.Copy(dst, src)
			} else {
				*n, err = io.CopyN(dst, src, most)
			}
			if most >= 0 && err == nil && reset {
				_ = client.(*net.TCPConn).SetLinger(0)
				_ = server.(*net.TCPConn).SetLinger(0)
			}
			client.Close()
			server.Close()
		}
	}
	group.Go(flow(server, client, to, &sent))
	group.Go(flow(client, server, from, &received))
	group.Wait()
	return sent, received, nil
}

// errand connects through the cutter, makes two calls and leaves.
func (c *cutter) errand(e *emulator.Emulator) error {
	conn, err := net.Dial("tcp", c.listener.Addr().String())
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	// One small key share keeps the handshake short, for it is cut at each byte.
	raw := newRaw(nil, tls.Client(conn, &tls.Config{RootCAs: e.CertPool(), ServerName: "localhost", CurvePreferences: []tls.CurveID{tls.X25519}}))
	if err := raw.upgrade(); err != nil {
		return err
	}
	token, err := raw.ask("authorize", map[string]any{"clientId": "cut", "clientSecret": "s"}, "cortexToken")
	if err != nil {
		return err
	}
	_, err = raw.ask("createSession", map[string]any{"cortexToken": token, "status": "active"}, "id")
	return err
}

// Cut at each byte of the handshakes and of the first frames, both ways, with
// and without a reset: nothing of it stays, and a client beside it misses no
// sample.
func TestChaosCutAtEachByte(t *testing.T) {
	e := emulator.StartT(t, emulator.Options{Clock: "real"})
	steady := dialRaw(t, e)
	steady.subscribe("steady", "eeg")
	var over atomic.Bool
	result := make(chan error, 1)
	go func() { result <- steady.watch(256, over.Load) }()
	c := newCutter(t, e)
	goroutines := runtime.NumGoroutine()

	run := func(to, from int64, reset bool) (sent, received int64, failed error) {
		done := make(chan error, 1)
		go func() { done <- c.errand(e) }()
		sent, received, err := c.pass(to, from, reset)
		require.NoError(t, err)
		return sent, received, <-done
	}
	sent, received, err := run(-1, -1, false)
	require.NoError(t, err)
	t.Logf("an errand is %d bytes to the service and %d from it", sent, received)
	require.Less(t, sent+received, int64(12_000))
	// Signatures have a byte more or less, so the last ones are not looked at.
	const slack = 30
	for n := range sent - slack {
		_, _, err := run(n, -1, n%2 == 0)
		require.Error(t, err, "cut after %d bytes to the service", n)
		require.False(t, timedOut(err), "cut after %d bytes to the service: %v", n, err)
	}
	for n := range received - slack {
		_, _, err := run(-1, n, n%2 == 0)
		require.Error(t, err, "cut after %d bytes from the service", n)
		require.False(t, timedOut(err), "cut after %d bytes from the service: %v", n, err)
	}
	settled(t, "connections", 1, func() int { return int(e.Stats().Open) })
	settled(t, "connections that the world knows", 1, func() int { return len(e.State().Connections) })
	settled(t, "sessions", 1, func() int { return len(e.State().Sessions) })
	settled(t, "goroutines", goroutines, func() int { return max(goroutines, runtime.NumGoroutine()) })
	_, _, err = run(-1, -1, false)
	require.NoError(t, err, "and it still serves")
	over.Store(true)
	require.NoError(t, <-result)
}

// The network goes away without a word while a client streams: its outbox fills
// up to the bound, it is given up, and others go on.
func TestChaosHalfOpen(t *testing.T) {
	e := startWith(t, "world: {limits: {outbox: 2097152}}\n", func(o *emulator.Options) {
		o.Clock, o.Listen = "x20", []string{"localhost:0"} // the buffers of the system take long to fill
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	target := newCutter(t, e).target
	gone := make(chan struct{}) // the network
	defer close(gone)
	go func() {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		defer client.Close()
		server, err := net.Dial("tcp", target)
		if err != nil {
			return
		}
		defer server.Close()
		_ = server.(*net.TCPConn).SetReadBuffer(4096)
		go func() { _, _ = io.Copy(server, client) }()
		_, _ = io.CopyN(client, server, 20_000)
		<-gone // neither reads nor closes any more
	}()
	conn, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{RootCAs: e.CertPool(), ServerName: "localhost"})
	require.NoError(t, err)
	defer conn.Close()
	c := newRaw(nil, conn)
	require.NoError(t, c.upgrade())
	token, err := c.ask("authorize", map[string]any{"clientId": "lost", "clientSecret": "s"}, "cortexToken")
	require.NoError(t, err)
	session, err := c.ask("createSession", map[string]any{"cortexToken": token, "status": "active"}, "id")
	require.NoError(t, err)
	_, err = c.ask("subscribe", map[string]any{"cortexToken": token, "session": session, "streams": allStreams}, "")
	require.NoError(t, err)

	steady := dialRaw(t, e)
	steady.subscribe("steady", "eeg")
	var over atomic.Bool
	result := make(chan error, 1)
	go func() { result <- steady.watch(512, over.Load) }()
	settledWithin(t, 60*time.Second, func() bool { return e.Stats().SlowReaders == 1 })
	settledWithin(t, 60*time.Second, func() bool { return e.Stats().Open == 1 })
	settled(t, "sessions", 1, func() int { return len(e.State().Sessions) })
	over.Store(true)
	require.NoError(t, <-result)
}

// Handshakes that trickle in a byte at a time, and clients that send anything
// but TLS, are ended by the time limit or at once, and do not keep others out.
func TestChaosHandshakes(t *testing.T) {
	e := emulator.StartT(t, emulator.Options{Clock: "real"})
	address := newCutter(t, e).target
	hello := clientHello(t)
	var group sync.WaitGroup
	const slow = 30
	for range slow {
		group.Go(func() {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			ended := make(chan struct{})
			go func() {
				_ = conn.SetReadDeadline(time.Now().Add(60 * time.Second))
				_, err := io.Copy(io.Discard, conn)
				if timedOut(err) {
					t.Error("a handshake that trickles is not ended")
				}
				close(ended)
			}()
			for _, b := range hello[:len(hello)-1] {
				select {
				case <-ended:
					return
				case <-time.After(100 * time.Millisecond):
				}
				if _, err := conn.Write([]byte{b}); err != nil {
					break
				}
			}
			<-ended
		})
	}
	for _, garbage := range []string{
		"\x00", "\xff\xff\xff\xff", "SSH-2.0-OpenSSH_9.6\r\n", "\x16\x03\x01\xff\xff" + strings.Repeat("x", 70_000), "\x16\x02\x00\x00\x05hello",
		strings.Repeat("\x16", 100), "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x15\x03\x03\x00\x02\x02\x28", string(hello[:60]) + strings.Repeat("\x00", 5000),
	} {
		group.Go(func() {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
			_, _ = io.WriteString(conn, garbage)
			_, err = io.Copy(io.Discard, conn)
			if timedOut(err) {
				t.Errorf("%.20q is not ended", garbage)
			}
		})
	}
	for i := range 10 { // meanwhile
		require.NoError(t, visit(e, fmt.Sprintf("guest-%d", i), 2))
	}
	group.Wait()
	require.GreaterOrEqual(t, e.Stats().HandshakesFailed, int64(slow))
	settled(t, "connections", 0, func() int { return int(e.Stats().Open) })
}

// clientHello returns the first bytes that a TLS client sends.
func clientHello(t *testing.T) []byte {
	near, far := net.Pipe()
	go func() { _ = tls.Client(near, &tls.Config{ServerName: "localhost"}).Handshake() }()
	defer near.Close()
	head := make([]byte, 5)
	_, err := io.ReadFull(far, head)
	require.NoError(t, err)
	body := make([]byte, int(head[3])<<8|int(head[4]))
	_, err = io.ReadFull(far, body)
	require.NoError(t, err)
	return append(head, body...)
}
