package emulator_test

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
)

// rawClient is a WebSocket client that costs next to nothing, so that a
// benchmark measures the server: it reads frames and looks at their headers.
type rawClient struct {
	t    testing.TB
	conn *tls.Conn
	r    *bufio.Reader
}

func dialRaw(t testing.TB, e *emulator.Emulator) *rawClient {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(e.URL(), "wss://"), &tls.Config{RootCAs: e.CertPool()})
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	c := newRaw(t, conn)
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	require.NoError(t, err)
	answer, err := http.ReadResponse(c.r, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, answer.StatusCode)
	return c
}

func newRaw(t testing.TB, conn *tls.Conn) *rawClient {
	return &rawClient{t: t, conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}
}

// header reads the header of the next frame and returns the length of its payload.
func (c *rawClient) header() (int, error) {
	h, err := c.r.Peek(2)
	if err != nil {
		return 0, err
	}
	n, size := int(h[1]&0x7f), 2
	switch n {
	case 126:
		size = 4
	case 127:
		size = 10
	}
	if h, err = c.r.Peek(size); err != nil {
		return 0, err
	}
	switch n {
	case 126:
		n = int(binary.BigEndian.Uint16(h[2:]))
	case 127:
		n = int(binary.BigEndian.Uint64(h[2:]))
	}
	_, err = c.r.Discard(size)
	return n, err
}

// skip reads n frames and throws them away.
func (c *rawClient) skip(n int) error {
	for range n {
		size, err := c.header()
		if err != nil {
			return err
		}
		if _, err := c.r.Discard(size); err != nil {
			return err
		}
	}
	return nil
}

// next reads one frame into buf.
func (c *rawClient) next(buf []byte) ([]byte, error) {
	size, err := c.header()
	if err != nil {
		return nil, err
	}
	if cap(buf) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	_, err = io.ReadFull(c.r, buf)
	return buf, err
}

// send writes one masked text frame; the mask is zero.
func (c *rawClient) send(text string) {
	c.t.Helper()
	frame := []byte{0x81, 0x80 | 126, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(frame[2:], uint16(len(text)))
	_, err := c.conn.Write(append(frame, text...))
	require.NoError(c.t, err)
}

func (c *rawClient) call(method string, params map[string]any) map[string]any {
	c.t.Helper()
	text, err := json.Marshal(params)
	require.NoError(c.t, err)
	c.send(fmt.Sprintf(`{"id":1,"jsonrpc":"2.0","method":%q,"params":%s}`, method, text))
	frame, err := c.next(nil)
	require.NoError(c.t, err)
	var answer struct{ Result map[string]any }
	require.NoError(c.t, json.Unmarshal(frame, &answer))
	require.NotNil(c.t, answer.Result, string(frame))
	return answer.Result
}

// subscribe starts streams as application name.
func (c *rawClient) subscribe(name string, streams ...string) {
	c.t.Helper()
	token := c.call("authorize", map[string]any{"clientId": name, "clientSecret": "s"})["cortexToken"]
	session := c.call("createSession", map[string]any{"cortexToken": token, "status": "active"})["id"]
	answer := c.call("subscribe", map[string]any{"cortexToken": token, "session": session, "streams": streams})
	require.Len(c.t, answer["success"], len(streams), "%v", answer)
}
