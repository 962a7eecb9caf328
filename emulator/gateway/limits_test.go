package gateway

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Connections that never finish their handshake are bounded, too: the next one
// is closed at once, and when they are gone clients come in again.
func TestHandshakesAreBounded(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.MaxConns = 3 })
	w.receive = echo
	var silent []net.Conn
	for range 3 {
		conn, err := net.Dial("tcp", "127.0.0.1:"+w.port)
		require.NoError(t, err)
		defer conn.Close()
		silent = append(silent, conn)
	}
	for w.Stats().Accepted < 3 {
		time.Sleep(time.Millisecond)
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+w.port)
	require.NoError(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	_, err = io.Copy(io.Discard, conn)
	assert.False(t, isTimeout(err), "the server has closed it")
	assert.Contains(t, w.log.String(), "too many connections in their handshake")
	assert.EqualValues(t, 1, w.Stats().Refused)
	for _, conn := range silent {
		conn.Close()
	}
	for n := 3; n > 0; {
		w.Server.mu.Lock()
		n = len(w.early)
		w.Server.mu.Unlock()
		time.Sleep(time.Millisecond)
	}
	client, _ := w.dial(t, "", nil)
	require.NoError(t, client.Write(t.Context(), websocket.MessageText, []byte("in")))
	assert.Equal(t, "in", read(t, client))
}

// Many that come at the same time do not get past the bound together.
func TestMaxConnsAtTheSameTime(t *testing.T) {
	const most = 3
	w := newWorld(t, nil)
	var conns []*tls.Conn
	for range 10 {
		conn, err := tls.Dial("tcp", "127.0.0.1:"+w.port, w.clientTLS())
		require.NoError(t, err)
		defer conn.Close()
		conns = append(conns, conn)
	}
	w.SetLimits(Limits{MaxConns: most}) // all are in the middle of their handshake
	var group sync.WaitGroup
	answers := make(chan string, len(conns))
	for _, conn := range conns {
		group.Go(func() {
			conn.SetDeadline(time.Now().Add(patience))
			_, _ = io.WriteString(conn, upgradeRequest)
			status := make([]byte, len("HTTP/1.1 101"))
			_, _ = io.ReadFull(conn, status)
			answers <- string(status)
		})
	}
	group.Wait()
	close(answers)
	count := map[string]int{}
	for a := range answers {
		count[a]++
	}
	assert.Equal(t, map[string]int{"HTTP/1.1 101": most, "HTTP/1.1 503": len(conns) - most}, count)
	for range most {
		next(t, w.opened)
	}
}

// Messages without content are not free: a busy Handler holds their sender back.
func TestEmptyMessagesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		release := make(chan struct{})
		got := 0
		r.receive = func(*Conn, bool, []byte) { <-release; got++ }
		s := New(Options{Handler: r, Limits: Limits{MaxMessage: 16 << 10}})
		near, _, conn := pipeClient(t, s, r)
		const messages = 5000
		frame := "\x81\x80\x00\x00\x00\x00"
		done := 0
		go func() {
			for ; done < messages; done++ {
				if _, err := io.WriteString(near, frame); err != nil {
					return
				}
			}
		}()
		synctest.Wait()
		conn.inMu.Lock()
		waiting := len(conn.in)
		conn.inMu.Unlock()
		assert.LessOrEqual(t, waiting, 32)
		assert.Less(t, done, 1000, "the client feels it")
		close(release)
		synctest.Wait()
		assert.Equal(t, messages, done)
		assert.Equal(t, messages, got, "none is lost")
		near.Close()
		synctest.Wait()
	})
}

// A head of a request that never ends is told off.
func TestHeadOfTheRequestIsBounded(t *testing.T) {
	w := newWorld(t, nil)
	conn, err := tls.Dial("tcp", "127.0.0.1:"+w.port, w.clientTLS())
	require.NoError(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	go func() {
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", maxRequestHead))
	}()
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Contains(t, string(answer), http.StatusText(http.StatusRequestHeaderFieldsTooLarge))
}

// A request for an upgrade with another request behind it, pipelined, is a
// WebSocket whose client sends nonsense.
func TestPipelining(t *testing.T) {
	w := newWorld(t, nil)
	for name, second := range map[string]string{"upgrade": upgradeRequest, "get": "GET / HTTP/1.1\r\nHost: x\r\n\r\n"} {
		conn, err := tls.Dial("tcp", "127.0.0.1:"+w.port, w.clientTLS())
		require.NoError(t, err, name)
		conn.SetDeadline(time.Now().Add(patience))
		_, err = io.WriteString(conn, upgradeRequest+second)
		require.NoError(t, err, name)
		next(t, w.opened)
		answer, err := io.ReadAll(conn)
		require.NoError(t, err, name)
		assert.Equal(t, 1, strings.Count(string(answer), "HTTP/1.1 "), "%s: one answer, %q", name, answer)
		assert.Contains(t, string(answer), "\x03\xea", "%s: a close frame with 1002", name)
		next(t, w.closed)
		conn.Close()
	}
	// Without an upgrade the connection ends with the first answer.
	conn, err := tls.Dial("tcp", "127.0.0.1:"+w.port, w.clientTLS())
	require.NoError(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	_, err = io.WriteString(conn, "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(string(answer), "HTTP/1.1 426"))
}
