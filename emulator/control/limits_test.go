package control

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Connections that do nothing are bounded: the next one is told so, and one that
// ends makes room.
func TestConnectionsAreBounded(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	server := &http.Server{Handler: Handler(Options{Emulator: world(t, "default")})}
	go func() { _ = server.Serve(bounded([]net.Listener{listener}, 2)[0]) }()
	t.Cleanup(func() { _ = server.Close() })
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	ask := func(conn net.Conn) string {
		_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		answer := make([]byte, len("HTTP/1.1 200"))
		_, _ = io.ReadFull(conn, answer)
		return string(answer)
	}
	first, second := dial(), dial()
	assert.Equal(t, "HTTP/1.1 200", ask(first))
	assert.Equal(t, "HTTP/1.1 200", ask(second))
	refused, err := io.ReadAll(dial())
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(refused), "HTTP/1.1 503"), "%s", refused)
	assert.Contains(t, string(refused), "too many connections to the control API")
	require.NoError(t, first.Close())
	got := ""
	for range 200 { // until the server has seen it
		if got = ask(dial()); got == "HTTP/1.1 200" {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	assert.Equal(t, "HTTP/1.1 200", got)
}
