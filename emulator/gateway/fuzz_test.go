package gateway

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// Whatever bytes a client sends, before the upgrade and behind it: the Handler
// is called in order, and the end of the client is the end of the connection.
func FuzzWire(f *testing.F) {
	frame := "\x81\x85\x00\x00\x00\x00hello"
	for _, s := range []string{
		upgradeRequest + frame, upgradeRequest + frame + "\x88\x82\x00\x00\x00\x00\x03\xe8", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01",
		upgradeRequest + "\x01\x81\x00\x00\x00\x00a\x00\x81\x00\x00\x00\x00b\x80\x80\x00\x00\x00\x00", upgradeRequest + "\x89\xfe\x00\x01", upgradeRequest + "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		strings.Replace(upgradeRequest, "13", "8", 1), strings.Replace(upgradeRequest, "GET", "POST", 1), upgradeRequest[:40],
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		r := newRecorder()
		r.receive = echo
		s := New(Options{Handler: r, HandshakeTimeout: time.Second, CloseTimeout: time.Second, Limits: Limits{MaxMessage: 4096}})
		near, far := net.Pipe()
		s.ServeConn(far)
		read := make(chan struct{})
		go func() {
			_, _ = io.Copy(io.Discard, near)
			close(read)
		}()
		_ = near.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = near.Write(bytes)
		near.Close()
		<-read
		done := make(chan struct{})
		go func() {
			s.all.Wait()
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Fatal("the connection outlives its client")
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.mistakes) > 0 {
			t.Fatal(r.mistakes)
		}
		for id, state := range r.state {
			if state != 2 {
				t.Fatalf("connection %d was not closed", id)
			}
		}
	})
}
