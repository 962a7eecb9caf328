package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// client is a WebSocket client that costs next to nothing, so that the servers
// are what is measured: it looks at the header of each frame and at the end of
// its text.
type client struct {
	conn net.Conn
	r    *bufio.Reader
	buf  []byte
}

// patience is how long a client waits for a frame.
const patience = 20 * time.Second

func dial(address string, config *tls.Config, buffer int) (*client, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", u.Host, config)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, r: bufio.NewReaderSize(conn, buffer)}
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", u.RequestURI(), u.Host)
	if err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("%s: %s", address, answer.Status)
	}
	return c, conn.SetDeadline(time.Time{})
}

// next reads one message, and answers pings on the way; what it returns is good
// until the next call.
func (c *client) next() ([]byte, error) {
	for {
		op, frame, err := c.frame()
		switch {
		case err != nil:
			return nil, err
		case op == 0x9:
			pong := append([]byte{0x8a, 0x80 | byte(len(frame)), 0, 0, 0, 0}, frame...)
			if _, err := c.conn.Write(pong); err != nil {
				return nil, err
			}
		case op == 0x8:
			return nil, fmt.Errorf("closed by the server: %q", frame)
		default:
			return frame, nil
		}
	}
}

// frame reads one frame.
func (c *client) frame() (op byte, frame []byte, err error) {
	h, err := c.r.Peek(2)
	if err != nil {
		return 0, nil, err
	}
	op = h[0] & 0xf
	n, size := int(h[1]&0x7f), 2
	switch n {
	case 126:
		size = 4
	case 127:
		size = 10
	}
	if h, err = c.r.Peek(size); err != nil {
		return 0, nil, err
	}
	switch n {
	case 126:
		n = int(binary.BigEndian.Uint16(h[2:]))
	case 127:
		n = int(binary.BigEndian.Uint64(h[2:]))
	}
	if _, err := c.r.Discard(size); err != nil {
		return 0, nil, err
	}
	if n <= c.r.Size() {
		b, err := c.r.Peek(n)
		if err != nil {
			return 0, nil, err
		}
		_, err = c.r.Discard(n)
		return op, b, err
	}
	if n > 1<<20 {
		return 0, nil, fmt.Errorf("a frame of %d bytes", n)
	}
	if cap(c.buf) < n {
		c.buf = make([]byte, n)
	}
	_, err = io.ReadFull(c.r, c.buf[:n])
	return op, c.buf[:n], err
}

// skip reads n frames of samples.
func (c *client) skip(n int) error {
	_ = c.conn.SetReadDeadline(time.Now().Add(time.Duration(1+n/1000) * patience))
	for i := range n {
		frame, err := c.next()
		if err != nil {
			return fmt.Errorf("frame %d of %d: %w", i, n, err)
		}
		if _, ok := instant(frame); !ok {
			return fmt.Errorf("not a sample: %.200s", frame)
		}
	}
	return nil
}

// instant reads the time of a sample, its last member, in Unix seconds.
func instant(frame []byte) (float64, bool) {
	i := bytes.LastIndex(frame, []byte(`"time":`))
	if i < 0 || frame[len(frame)-1] != '}' {
		return 0, false
	}
	t, err := strconv.ParseFloat(string(bytes.TrimSpace(frame[i+7:len(frame)-1])), 64)
	return t, err == nil
}

// call makes a request of the Cortex API.
func (c *client) call(method string, params map[string]any) (map[string]any, error) {
	text, err := json.Marshal(map[string]any{"id": 1, "jsonrpc": "2.0", "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	frame := binary.BigEndian.AppendUint16([]byte{0x81, 0x80 | 126}, uint16(len(text)))
	frame = append(frame, 0, 0, 0, 0) // a mask of zeros
	if _, err := c.conn.Write(append(frame, text...)); err != nil {
		return nil, err
	}
	answer, err := c.next()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	var a struct{ Result map[string]any }
	if err := json.Unmarshal(answer, &a); err != nil || a.Result == nil {
		return nil, fmt.Errorf("%s: %.300s", method, answer)
	}
	return a.Result, nil
}

// subscribe starts every stream as the application of that name.
func (c *client) subscribe(application string) error {
	got, err := c.call("authorize", map[string]any{"clientId": application, "clientSecret": "s"})
	if err != nil {
		return err
	}
	token := got["cortexToken"]
	if got, err = c.call("createSession", map[string]any{"cortexToken": token, "headset": headset, "status": "active"}); err != nil {
		return err
	}
	streams := streamsOf(256) // all of them, whatever the rate
	names := make([]string, len(streams))
	for i, s := range streams {
		names[i] = s.name
	}
	got, err = c.call("subscribe", map[string]any{"cortexToken": token, "session": got["id"], "streams": names})
	if err != nil {
		return err
	}
	if list, _ := got["success"].([]any); len(list) != len(streams) {
		return fmt.Errorf("subscribe: %v", got)
	}
	return nil
}
