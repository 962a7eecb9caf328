package gateway

import (
	"net"
	"sync/atomic"
	"time"
)

// Faults of the wire, all off until they are asked for.

// serverFaults are those that hit a connection before it is a WebSocket.
type serverFaults struct {
	refuse atomic.Int64
	delay  atomic.Int64
}

// RefuseNext refuses the next n connections, all further ones with n < 0, and
// none with 0. The listener stays bound, so a client sees a reset right after
// the connect rather than "connection refused".
func (s *Server) RefuseNext(n int) { s.faults.refuse.Store(int64(n)) }

// DelayHandshake makes later connections wait for d before the TLS handshake is
// answered. The handshake timeout counts from before the wait.
func (s *Server) DelayHandshake(d time.Duration) { s.faults.delay.Store(int64(d)) }

func (s *Server) refuseThis(raw net.Conn) bool {
	for {
		n := s.faults.refuse.Load()
		if n == 0 {
			return false
		}
		if n > 0 && !s.faults.refuse.CompareAndSwap(n, n-1) {
			continue
		}
		s.refuse(raw)
		return true
	}
}

func (s *Server) admitted(raw net.Conn) bool {
	if s.options.Admit == nil || s.options.Admit(s.stop) {
		return true
	}
	s.refuse(raw)
	return false
}

func (s *Server) refuse(raw net.Conn) {
	s.count.refused.Add(1)
	s.log.Info("connection refused on purpose", "remote", raw.RemoteAddr().String())
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // the client sees a reset
	}
}

func (s *Server) delayThis() {
	if d := s.faults.delay.Load(); d > 0 {
		select {
		case <-time.After(time.Duration(d)):
		case <-s.stop:
		}
	}
}

// SetFragment sends messages of more than n bytes as fragments of n bytes, which
// a WebSocket client must put together again. 0 turns it off.
func (c *Conn) SetFragment(n int) {
	c.mu.Lock()
	c.out.fragment = max(n, 0)
	c.mu.Unlock()
}

func (o *outbox) fragments(op byte, n int, parts [][]byte) {
	first, left := op, 0
	for _, p := range parts {
		for len(p) > 0 {
			if left == 0 {
				left = min(n, o.fragment)
				n -= left
				if n == 0 {
					first |= finBit
				}
				o.header(first, left)
				first = opContinuation
			}
			k := min(left, len(p))
			o.write(p[:k])
			p, left = p[k:], left-k
		}
	}
}

// SetBandwidth limits what is sent to bytesPerSec, in steps of a twentieth of a
// second. 0 turns it off. Meant for plain faults of the network, it cuts frames
// anywhere.
func (c *Conn) SetBandwidth(bytesPerSec int) {
	c.mu.Lock()
	c.out.bandwidth = max(bytesPerSec, 0)
	c.mu.Unlock()
}

const stepsPerSecond = 20

func throttled(bytesPerSec int) int { return max(min(bytesPerSec/stepsPerSecond, piece), 1) }

// pause waits for as long as n bytes take, or until the connection is closing.
func (c *Conn) pause(n, bytesPerSec int) {
	left := time.Duration(float64(n) / float64(bytesPerSec) * float64(time.Second))
	const look = 50 * time.Millisecond
	for ; left > 0; left -= look {
		time.Sleep(min(left, look))
		c.mu.Lock()
		over := c.closing && !c.last
		c.mu.Unlock()
		if over {
			return
		}
	}
}

// SendRaw queues bytes that go on the wire as they are, such as half a frame or
// a frame with reserved bits. The stream of frames may be broken afterwards.
func (c *Conn) SendRaw(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return ErrClosed
	}
	c.out.raw = true
	c.out.write(b)
	return nil
}
