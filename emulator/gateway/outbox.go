package gateway

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/coder/websocket"
)

// Frame types, RFC 6455 5.2. Frames of a server are not masked.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	finBit         = 0x80
)

const (
	// piece is the most that one write takes: four TLS records.
	piece = 64 << 10
	// keep is the largest buffer that a connection holds on to when it has had
	// nothing to send for a second.
	keep = 16 << 10
)

// outbox holds the frames of one connection, as the bytes that go on the wire.
// It is protected by Conn.mu.
type outbox struct {
	back    []byte // queued, in order
	pending int    // bytes queued, and those of the writer that are not written yet
	cut     bool   // the writer is to drop what it has, up to the end of a frame
	frames  int64  // frames queued, for the counter

	fragment  int  // see Conn.SetFragment
	bandwidth int  // see Conn.SetBandwidth
	raw       bool // see Conn.SendRaw

	room chan struct{} // closed when there is room; nil when nobody waits
}

func (o *outbox) write(b []byte) {
	o.back = append(o.back, b...)
	o.pending += len(b)
}

func (o *outbox) header(first byte, n int) {
	before := len(o.back)
	switch {
	case n < 126:
		o.back = append(o.back, first, byte(n))
	case n <= 0xffff:
		o.back = binary.BigEndian.AppendUint16(append(o.back, first, 126), uint16(n))
	default:
		o.back = binary.BigEndian.AppendUint64(append(o.back, first, 127), uint64(n))
	}
	o.pending += len(o.back) - before
}

func (o *outbox) control(op byte, payload []byte) {
	o.header(finBit|op, len(payload))
	o.write(payload)
}

func (o *outbox) message(op byte, n int, parts [][]byte) {
	if o.fragment > 0 && n > o.fragment {
		o.fragments(op, n, parts)
		return
	}
	o.header(finBit|op, n)
	for _, p := range parts {
		o.write(p)
	}
}

// discard gives up everything, what the writer has in hand included.
func (o *outbox) discard() {
	o.pending -= len(o.back)
	o.back, o.frames = nil, 0
	o.cut = true
}

// frameEnd returns the first end of a frame in b at or after off. b begins with
// a frame and holds whole frames.
func frameEnd(b []byte, off int) int {
	end := 0
	for end < off {
		n := uint64(b[end+1] & 0x7f)
		head := 2
		switch n {
		case 126:
			n, head = uint64(binary.BigEndian.Uint16(b[end+2:])), 4
		case 127:
			n, head = binary.BigEndian.Uint64(b[end+2:]), 10
		}
		end += head + int(n)
	}
	return end
}

// Append queues one text message made of the parts, which are copied. It never
// blocks. The message goes out after the next Flush. When the outbox would grow
// beyond Limits.Outbox the connection is closed with 1008 and
// ErrSlowReader returned; afterwards it is ErrClosed.
func (c *Conn) Append(parts ...[]byte) error { return c.append(opText, parts) }

// AppendBinary is Append for a binary message.
func (c *Conn) AppendBinary(parts ...[]byte) error { return c.append(opBinary, parts) }

func (c *Conn) append(op byte, parts [][]byte) error {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return ErrClosed
	}
	if c.out.pending+n > c.limits.Outbox {
		c.mu.Unlock()
		c.overflow()
		return ErrSlowReader
	}
	c.out.message(op, n, parts)
	c.out.frames++
	c.mu.Unlock()
	return nil
}

// overflow closes the connection of a client that does not read. What is queued
// is dropped; the client gets the frame that is being written, and the close.
func (c *Conn) overflow() {
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return
	}
	pending := c.out.pending
	c.out.discard()
	c.closeLocked(websocket.StatusPolicyViolation, "the client reads too slowly: its outbox is full")
	abort := c.out.raw // with raw bytes in it nobody knows where a frame ends
	c.mu.Unlock()
	c.server.count.slow.Add(1)
	c.server.log.Warn("client reads too slowly, closed with 1008", "conn", c.id, "remote", c.remote,
		"queued_bytes", pending, "limit", c.limits.Outbox)
	if abort {
		c.Abort()
	}
	c.Flush()
}

// Flush lets the writer send what has been appended. It never blocks.
func (c *Conn) Flush() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Pending returns the bytes that are queued or being written.
func (c *Conn) Pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.pending
}

// WaitRoom flushes and blocks until at most half of Limits.Outbox is
// pending. It returns ErrClosed when the connection ends, or the error of ctx.
func (c *Conn) WaitRoom(ctx context.Context) error {
	c.Flush()
	for {
		c.mu.Lock()
		if c.closing {
			c.mu.Unlock()
			return ErrClosed
		}
		if c.out.pending <= c.limits.Outbox/2 {
			c.mu.Unlock()
			return nil
		}
		if c.out.room == nil {
			c.out.room = make(chan struct{})
		}
		room := c.out.room
		c.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// releaseRoom wakes who waits for room, with Conn.mu held.
func (c *Conn) releaseRoom() {
	if c.out.room != nil {
		close(c.out.room)
		c.out.room = nil
	}
}

// write is the writer's goroutine.
func (c *Conn) write() {
	defer close(c.writerEnded)
	var front []byte
	for {
		if !c.awaitWork(cap(front)) {
			front = nil
			<-c.wake
		}
		for {
			c.mu.Lock()
			if len(c.out.back) == 0 {
				ended, last := c.closing, c.last
				c.mu.Unlock()
				if !ended {
					break // wait to be woken
				}
				if last {
					// The close frame is out; so long may the client take to answer.
					c.readUntil(c.server.options.CloseTimeout)
				} else {
					c.readUntil(0)
				}
				return
			}
			front, c.out.back = c.out.back, front[:0]
			frames := c.out.frames
			c.out.frames, c.out.cut = 0, false
			c.mu.Unlock()
			if !c.send(front) {
				return
			}
			c.server.count.out.Add(frames)
		}
	}
}

// awaitWork waits until the writer is woken. When that takes long it gives large
// buffers back and returns false; front is the size of the writer's.
func (c *Conn) awaitWork(front int) bool {
	c.mu.Lock()
	large := max(front, cap(c.out.back)) > keep
	c.mu.Unlock()
	if !large {
		<-c.wake
		return true
	}
	idle := time.NewTimer(time.Second)
	defer idle.Stop()
	select {
	case <-c.wake:
		return true
	case <-idle.C:
	}
	c.mu.Lock()
	if len(c.out.back) == 0 {
		c.out.back = nil
	}
	c.mu.Unlock()
	return false
}

// send writes what the writer has taken from the outbox; false when the
// connection can take no more.
func (c *Conn) send(front []byte) bool {
	off := 0
	c.mu.Lock()
	for off < len(front) {
		limit := piece
		bandwidth := c.out.bandwidth
		if bandwidth > 0 {
			limit = throttled(bandwidth)
		}
		n := min(len(front)-off, limit)
		c.mu.Unlock()
		written, err := c.net.Write(front[off : off+n])
		c.server.count.bytes.Add(int64(written))
		if err != nil {
			c.writeFailed(err)
			return false
		}
		off += n
		if bandwidth > 0 {
			c.pause(n, bandwidth)
		}

		c.mu.Lock()
		c.out.pending -= n
		if c.out.cut {
			c.out.cut = false
			end := off
			if c.last {
				end = frameEnd(front, off)
			}
			c.out.pending -= len(front) - end
			front = front[:end]
		}
		if c.out.room != nil && c.out.pending <= c.limits.Outbox/2 {
			c.releaseRoom()
		}
	}
	c.mu.Unlock()
	return true
}

// writeFailed ends a connection that cannot be written to.
func (c *Conn) writeFailed(err error) {
	c.mu.Lock()
	c.discardLocked()
	c.stuck = true
	c.out.pending = 0
	c.mu.Unlock()
	// The client's close frame may still wait to be read.
	if isDeadline(err) {
		c.readUntil(0)
	} else {
		c.readUntil(farewell)
	}
}

// readUntil gives the reader a last while.
func (c *Conn) readUntil(d time.Duration) {
	_ = c.net.SetReadDeadline(time.Now().Add(d))
}
