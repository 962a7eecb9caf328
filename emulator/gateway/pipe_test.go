package gateway

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pipeClient upgrades by hand over an in-memory pipe and returns the client's end.
func pipeClient(t *testing.T, s *Server, r *recorder) (net.Conn, *bufio.Reader, *Conn) {
	t.Helper()
	near, far := net.Pipe()
	s.ServeConn(far)
	_, err := io.WriteString(near, upgradeRequest)
	require.NoError(t, err)
	br := bufio.NewReader(near)
	res, err := http.ReadResponse(br, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, res.StatusCode)
	return near, br, <-r.opened
}

func exactly(t *testing.T, r io.Reader, n int) string {
	t.Helper()
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	require.NoError(t, err)
	return string(b)
}

func TestServeConnInMemory(t *testing.T) {
	r := newRecorder()
	r.receive = echo
	s := New(Options{Handler: r})
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		s.ServeConn(far)
		return near, nil
	}}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, _, err := websocket.Dial(ctx, "ws://any/", &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	require.NoError(t, err)
	require.NoError(t, client.Write(ctx, websocket.MessageText, []byte("hello")))
	assert.Equal(t, "hello", read(t, client))
	require.NoError(t, client.Close(1000, ""))
	assert.EqualValues(t, 1000, next(t, r.closed).Code)
	require.NoError(t, s.Shutdown(ctx))
}

// The bytes on the wire: one frame per message, all in one write.
func TestFramesOfABatchShareOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		s := New(Options{Handler: r})
		near, br, conn := pipeClient(t, s, r)
		defer near.Close()
		require.NoError(t, conn.Append([]byte("a"), []byte("b")))
		synctest.Wait()
		assert.Equal(t, 4, conn.Pending(), "nothing goes out before Flush")
		require.NoError(t, conn.AppendBinary([]byte("c")))
		conn.Flush()
		got := make([]byte, 100)
		n, err := near.Read(got) // a pipe keeps writes apart
		require.NoError(t, err)
		assert.Equal(t, "\x81\x02ab\x82\x01c", string(got[:n]))
		assert.Zero(t, br.Buffered())
	})
}

func TestAReaderThatSleepsIsNotKicked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		s := New(Options{Handler: r})
		near, br, conn := pipeClient(t, s, r)
		defer near.Close()
		require.NoError(t, conn.Append([]byte("sample")))
		conn.Flush()
		ping := "\x89\x80\x00\x00\x00\x00"
		for range 3 {
			_, err := io.WriteString(near, ping)
			require.NoError(t, err)
			time.Sleep(10 * time.Minute) // the read callback sleeps
		}
		assert.Equal(t, "\x81\x06sample\x8a\x00\x8a\x00\x8a\x00", exactly(t, br, 14))
		time.Sleep(24 * time.Hour) // idle
		assert.EqualValues(t, 1, s.Stats().Open)
	})
}

func TestCloseOfAClientThatDoesNotReadIsBounded(t *testing.T) {
	for name, end := range map[string]func(*Server, *Conn){
		"close": func(_ *Server, c *Conn) { c.Close(websocket.StatusNormalClosure, "bye") },
		"shutdown": func(s *Server, _ *Conn) {
			assert.NoError(t, s.Shutdown(context.Background()))
		},
		"abort": func(_ *Server, c *Conn) { c.Abort() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRecorder()
				s := New(Options{Handler: r})
				near, _, conn := pipeClient(t, s, r)
				defer near.Close()
				require.NoError(t, conn.Append(make([]byte, 1000)))
				conn.Flush()
				synctest.Wait()
				start := time.Now()
				end(s, conn)
				why := <-r.closed
				assert.True(t, why.Local)
				assert.LessOrEqual(t, time.Since(start), 2*DefaultCloseTimeout)
			})
		})
	}
}

func TestAClientThatIgnoresTheCloseFrameIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		s := New(Options{Handler: r})
		near, br, conn := pipeClient(t, s, r)
		defer near.Close()
		start := time.Now()
		conn.Close(4000, strings.Repeat("r", 200))
		assert.Equal(t, "\x88\x7d\x0f\xa0"+strings.Repeat("r", 123), exactly(t, br, 127))
		why := <-r.closed
		assert.EqualValues(t, 4000, why.Code)
		took := time.Since(start)
		assert.GreaterOrEqual(t, took, DefaultCloseTimeout)
		assert.LessOrEqual(t, took, DefaultCloseTimeout+2*farewell)
	})
}

func TestHalfAnUpgradeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Handler: newRecorder()})
		near, far := net.Pipe()
		defer near.Close()
		s.ServeConn(far)
		start := time.Now()
		_, err := io.WriteString(near, "GET / HTTP/1.1\r\nHo")
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, near)
		require.NoError(t, err)
		assert.Equal(t, DefaultHandshakeTimeout, time.Since(start))
	})
}

// More than MaxMessage is not queued for a Handler that does not take it.
func TestBusyHandlerHoldsItsClientBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		release := make(chan struct{})
		got := 0
		r.receive = func(_ *Conn, _ bool, data []byte) { <-release; got += len(data) }
		s := New(Options{Handler: r, Limits: Limits{MaxMessage: 1000}})
		near, _, conn := pipeClient(t, s, r)
		const messages = 100
		frame := "\x81\xe4\x00\x00\x00\x00" + strings.Repeat("x", 100)
		done := 0
		go func() {
			for ; done < messages; done++ {
				if _, err := io.WriteString(near, frame); err != nil {
					return
				}
			}
			near.Close()
		}()
		synctest.Wait()
		assert.Less(t, done, messages)
		conn.inMu.Lock()
		assert.LessOrEqual(t, conn.inBytes, 1000)
		conn.inMu.Unlock()
		close(release)
		<-r.closed
		assert.Equal(t, messages*100, got, "none lost, and before Closed")
	})
}

func TestFragments(t *testing.T) {
	var o outbox
	o.fragment = 3
	o.message(opText, 8, [][]byte{[]byte("ab"), nil, []byte("cdefgh")})
	o.message(opText, 3, [][]byte{[]byte("xyz")})
	assert.Equal(t, "\x01\x03abc\x00\x03def\x80\x02gh\x81\x03xyz", string(o.back))
	assert.Equal(t, len(o.back), o.pending)
}

func TestFaultsThatAreOffLeaveTheBytesAlone(t *testing.T) {
	var never, was outbox
	was.fragment = 0
	for _, n := range []int{0, 125, 126, 70000} {
		never.message(opText, n, [][]byte{make([]byte, n)})
		was.message(opText, n, [][]byte{make([]byte, n)})
	}
	assert.True(t, bytes.Equal(never.back, was.back))
}

func TestFrameEnd(t *testing.T) {
	var o outbox
	ends := []int{0}
	for _, n := range []int{0, 5, 125, 126, 65535, 65536} {
		o.message(opText, n, [][]byte{make([]byte, n)})
		ends = append(ends, len(o.back))
	}
	for i, end := range ends {
		assert.Equal(t, end, frameEnd(o.back, end))
		if i > 0 {
			assert.Equal(t, end, frameEnd(o.back, ends[i-1]+1))
			assert.Equal(t, end, frameEnd(o.back, end-1))
		}
	}
}

func TestBandwidth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		s := New(Options{Handler: r})
		near, br, conn := pipeClient(t, s, r)
		defer near.Close()
		conn.SetBandwidth(1000)
		require.NoError(t, conn.Append(make([]byte, 9996))) // and 4 of the header
		start := time.Now()
		conn.Flush()
		exactly(t, br, 10000)
		assert.InDelta(t, 10, time.Since(start).Seconds(), 0.1)
		conn.SetBandwidth(0)
		synctest.Wait()
		time.Sleep(time.Second)
		start = time.Now()
		require.NoError(t, conn.Append(make([]byte, 9996)))
		conn.Flush()
		exactly(t, br, 10000)
		assert.Zero(t, time.Since(start))
	})
}

func TestSendRaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		s := New(Options{Handler: r, Limits: Limits{Outbox: 100}})
		near, br, conn := pipeClient(t, s, r)
		defer near.Close()
		require.NoError(t, conn.SendRaw([]byte("\x81\x05hal")))
		conn.Flush()
		assert.Equal(t, "\x81\x05hal", exactly(t, br, 5))
		assert.ErrorIs(t, conn.Append(make([]byte, 101)), ErrSlowReader)
		assert.EqualValues(t, 1008, (<-r.closed).Code)
	})
}

func TestRefuseNext(t *testing.T) {
	w := newWorld(t, nil)
	w.RefuseNext(2)
	for range 2 {
		conn, err := net.Dial("tcp", "127.0.0.1:"+w.port)
		if err != nil {
			continue // the reset was quicker
		}
		conn.SetDeadline(time.Now().Add(patience))
		_, err = conn.Read(make([]byte, 1))
		require.Error(t, err)
		assert.False(t, isTimeout(err))
		conn.Close()
	}
	w.dial(t, "", nil)
	assert.EqualValues(t, 2, w.Stats().Refused)
}

func TestDelayedHandshakeDoesNotHoldShutdown(t *testing.T) {
	w := newWorld(t, nil)
	w.DelayHandshake(time.Hour)
	conn, err := net.Dial("tcp", "127.0.0.1:"+w.port)
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "\x16\x03\x01")
	require.NoError(t, err)
	conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	_, err = conn.Read(make([]byte, 1))
	assert.True(t, isTimeout(err), "nothing is answered")
}
