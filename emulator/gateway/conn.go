package gateway

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// ErrClosed is returned for a connection that is closed or closing.
var ErrClosed = errors.New("the connection is closed")

// ErrSlowReader is returned by the Append that found the outbox full.
var ErrSlowReader = errors.New("the client does not read: its outbox is full")

// Conn is one client. Append, AppendBinary and Flush are meant for one goroutine
// (others get frames in between); all methods may be called from any.
type Conn struct {
	server *Server
	id     uint64
	remote string
	raw    net.Conn // what was accepted
	net    net.Conn // with TLS, if any
	ws     *websocket.Conn
	limits Limits

	wake        chan struct{} // the writer has something to do
	writerEnded chan struct{}
	gone        chan struct{} // the network is done with

	mu      sync.Mutex // protects the following
	out     outbox
	why     *CloseInfo // set by the side that began the end
	closing bool       // nothing more is queued
	last    bool       // a close frame is queued
	stuck   bool       // a write has failed, or there is to be no goodbye

	inMu     sync.Mutex // protects the following
	in       []inbound
	inBytes  int
	handling bool
	inRoom   chan struct{}
}

// inbound is one call of the Handler to come.
type inbound struct {
	opened *RequestInfo
	closed *CloseInfo
	binary bool
	data   []byte
}

func newConn(s *Server, raw, conn net.Conn) *Conn {
	return &Conn{
		server: s, id: s.nextID.Add(1), remote: raw.RemoteAddr().String(), raw: raw, net: conn, limits: s.Limits(),
		wake: make(chan struct{}, 1), writerEnded: make(chan struct{}), gone: make(chan struct{}), inRoom: make(chan struct{}, 1),
	}
}

// ID is unique among the connections of the server, counted from 1.
func (c *Conn) ID() uint64 { return c.id }

// Remote returns the client's address.
func (c *Conn) Remote() string { return c.remote }

// Close sends a close frame after what is queued, and ends the connection when
// the client has answered it, or after Options.CloseTimeout. It returns at once.
// A reason longer than 123 bytes is shortened. Closing twice does nothing.
func (c *Conn) Close(code websocket.StatusCode, reason string) {
	c.mu.Lock()
	c.closeLocked(code, reason)
	c.mu.Unlock()
	c.Flush()
}

func (c *Conn) closeLocked(code websocket.StatusCode, reason string) {
	if c.closing {
		return
	}
	const most = 125 - 2 // RFC 6455 5.5
	if len(reason) > most {
		reason = reason[:most]
	}
	c.why = &CloseInfo{Code: code, Reason: reason, Local: true}
	payload := append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
	if code == websocket.StatusNoStatusRcvd {
		payload = nil
	}
	c.out.control(opClose, payload)
	c.closing, c.last = true, true
	c.releaseRoom()
	_ = c.net.SetWriteDeadline(time.Now().Add(c.server.options.CloseTimeout))
}

// Cut ends the connection behind what is queued, with no close frame and no TLS
// goodbye: the client sees what it sees when the service dies.
func (c *Conn) Cut() {
	c.mu.Lock()
	if !c.closing {
		c.why = &CloseInfo{Code: websocket.StatusAbnormalClosure, Reason: "cut", Local: true}
		c.closing, c.stuck = true, true
		c.releaseRoom()
		_ = c.net.SetWriteDeadline(time.Now().Add(c.server.options.CloseTimeout))
	}
	c.mu.Unlock()
	c.Flush()
}

// Abort cuts the connection with no close frame and no TLS goodbye: the client
// sees a reset, or the end of the pipe. What is queued is lost.
func (c *Conn) Abort() {
	c.mu.Lock()
	if c.why == nil {
		c.why = &CloseInfo{Code: websocket.StatusAbnormalClosure, Reason: "aborted", Local: true}
	}
	c.discardLocked()
	c.mu.Unlock()
	if tcp, ok := c.raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.raw.Close()
	c.Flush()
}

// discardLocked gives up the outbox.
func (c *Conn) discardLocked() {
	c.closing, c.last = true, false
	c.out.discard()
	c.releaseRoom()
}

// read is the reader's goroutine, and the one that takes the connection down.
func (c *Conn) read() {
	err := c.readMessages()

	c.mu.Lock()
	why := CloseInfo{Code: websocket.StatusAbnormalClosure, Err: err}
	var ce websocket.CloseError
	if c.why != nil {
		why = *c.why
	} else if errors.As(err, &ce) {
		why = CloseInfo{Code: ce.Code, Reason: ce.Reason}
	}
	polite := c.last // there is a close frame for the client to read
	if !polite {
		c.discardLocked()
	}
	c.closing = true
	c.releaseRoom()
	deadline := time.Now()
	if polite {
		deadline = deadline.Add(c.server.options.CloseTimeout)
	}
	_ = c.net.SetWriteDeadline(deadline)
	c.mu.Unlock()
	c.Flush()
	<-c.writerEnded
	if polite && !errors.As(err, &ce) {
		// The client may be in the middle of a message that we refused. Unread
		// input would turn our close frame into a reset.
		_ = c.raw.SetReadDeadline(time.Now().Add(farewell))
		_, _ = io.Copy(io.Discard, c.raw)
	}
	_ = c.ws.CloseNow()
	c.mu.Lock()
	stuck := c.stuck
	c.mu.Unlock()
	if stuck {
		// The goodbye of TLS would wait for 5 s for room in the socket.
		_ = c.raw.Close()
	} else {
		_ = c.net.Close()
	}
	close(c.gone)

	c.server.mu.Lock()
	delete(c.server.conns, c)
	c.server.mu.Unlock()
	c.server.log.Debug("connection closed", "conn", c.id, "remote", c.remote, "code", int(why.Code), "reason", why.Reason, "local", why.Local)
	c.enqueue(inbound{closed: &why})
}

func (c *Conn) readMessages() error {
	for {
		// A context that cannot end: one with a timer would make the library
		// close the connection behind our back.
		kind, r, err := c.ws.Reader(context.Background())
		if err != nil {
			return err
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		c.server.count.in.Add(1)
		c.enqueue(inbound{binary: kind == websocket.MessageBinary, data: data})
	}
}

// cost is what a waiting message takes; one without content takes something too.
func (i *inbound) cost() int {
	if i.data == nil {
		return 0
	}
	return 512 + len(i.data)
}

// enqueue hands a call to the Handler's goroutine and starts that when there is
// none. When about MaxMessage bytes wait it blocks the reader: the client then
// feels the back-pressure of TCP.
func (c *Conn) enqueue(call inbound) {
	for {
		c.inMu.Lock()
		if call.data == nil || c.inBytes == 0 || int64(c.inBytes+call.cost()) <= c.limits.MaxMessage {
			break
		}
		c.inMu.Unlock()
		<-c.inRoom
	}
	c.in = append(c.in, call)
	c.inBytes += call.cost()
	if !c.handling {
		c.handling = true
		go c.handle()
	}
	c.inMu.Unlock()
}

// handle calls the Handler until nothing waits.
func (c *Conn) handle() {
	h := c.server.options.Handler
	var calls []inbound
	for {
		c.inMu.Lock()
		if len(c.in) == 0 {
			c.in, c.handling = nil, false
			c.inMu.Unlock()
			return
		}
		calls, c.in = c.in, calls[:0]
		c.inMu.Unlock()
		for i, call := range calls {
			calls[i] = inbound{}
			switch {
			case call.opened != nil:
				h.Opened(c, *call.opened)
			case call.closed != nil:
				h.Closed(c, *call.closed)
				c.server.all.Done()
				return
			default:
				h.Received(c, call.binary, call.data)
				c.inMu.Lock()
				c.inBytes -= call.cost()
				c.inMu.Unlock()
				select {
				case c.inRoom <- struct{}{}:
				default:
				}
			}
		}
	}
}

// libraryConn is the connection as the WebSocket library sees it. What it writes
// are whole control frames, and they go through the outbox.
type libraryConn struct{ *Conn }

func (l libraryConn) Read(b []byte) (int, error) { return l.net.Read(b) }

func (l libraryConn) Write(frame []byte) (int, error) {
	c := l.Conn
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return len(frame), nil // after the close frame there is nothing to say
	}
	if frame[0] == finBit|opClose {
		c.last, c.closing = true, true
		c.releaseRoom()
		_ = c.net.SetWriteDeadline(time.Now().Add(c.server.options.CloseTimeout))
	}
	c.out.write(frame)
	full := c.out.pending > c.limits.Outbox
	c.mu.Unlock()
	if full {
		c.overflow() // a client that sends pings and never reads
	}
	c.Flush()
	return len(frame), nil
}

// Close is called by the library when it gives the connection up, also from a
// timer of its own. The reader must then end; it closes what there is to close.
func (l libraryConn) Close() error {
	return l.net.SetReadDeadline(time.Now())
}

func (l libraryConn) LocalAddr() net.Addr                { return l.net.LocalAddr() }
func (l libraryConn) RemoteAddr() net.Addr               { return l.net.RemoteAddr() }
func (l libraryConn) SetDeadline(t time.Time) error      { return nil }
func (l libraryConn) SetReadDeadline(t time.Time) error  { return nil }
func (l libraryConn) SetWriteDeadline(t time.Time) error { return nil }

// isDeadline reports whether err is a write that took too long.
func isDeadline(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
