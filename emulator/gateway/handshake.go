package gateway

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

const (
	maxRequestHead = 64 << 10
	// The reader's buffer: a request of a client fits, larger ones are read past it.
	readBuffer = 1024
	// Room for one control frame, the only thing that the library writes itself.
	writeBuffer = 256
	// How long a client that was told off may take to read it.
	farewell = time.Second
)

// peeked is a connection whose first byte has been looked at.
type peeked struct {
	net.Conn
	first []byte
}

func (p *peeked) Read(b []byte) (int, error) {
	if len(p.first) > 0 && len(b) > 0 {
		b[0] = p.first[0]
		p.first = nil
		return 1, nil
	}
	return p.Conn.Read(b)
}

// handshake takes a connection from its first byte to a WebSocket.
func (s *Server) handshake(raw net.Conn, inMemory bool) {
	if !s.upgrade(raw, inMemory) {
		s.forget(raw)
	}
}

func (s *Server) upgrade(raw net.Conn, inMemory bool) bool {
	if !inMemory && (s.refuseThis(raw) || !s.admitted(raw)) {
		return false
	}
	raw.SetDeadline(time.Now().Add(s.options.HandshakeTimeout))
	log := s.log.With("remote", raw.RemoteAddr().String())

	conn, version := raw, uint16(0)
	if !inMemory {
		first := make([]byte, 1)
		if _, err := io.ReadFull(raw, first); err != nil {
			log.Debug("closed before the first byte", "error", err)
			return false
		}
		p := &peeked{Conn: raw, first: first}
		const tlsHandshake = 0x16 // the record type that every TLS client begins with
		isTLS, isHTTP := first[0] == tlsHandshake, first[0] >= 'A' && first[0] <= 'Z'
		switch {
		case isTLS && s.options.TLS != nil:
			s.delayThis()
			secure := tls.Server(p, s.options.TLS)
			if err := secure.Handshake(); err != nil {
				s.count.failed.Add(1)
				s.logTLSError(err, raw.RemoteAddr().String())
				return false
			}
			conn, version = secure, secure.ConnectionState().Version
		case isHTTP && s.options.AllowPlainWS:
			conn = p
		case isHTTP:
			s.count.failed.Add(1)
			log.Warn("plain ws:// or http:// client on the TLS port; it has to use wss://")
			raw.SetReadDeadline(time.Now().Add(farewell))
			_, _ = http.ReadRequest(bufio.NewReaderSize(io.LimitReader(p, maxRequestHead), readBuffer))
			s.say(p, http.StatusBadRequest, nil, "This port speaks TLS only, as the real Cortex service does: connect with wss://, not ws:// or http://.\n"+
				"To test with plain ws:// start fakecortex with --allow-plain-ws.\n")
			return false
		default:
			s.count.failed.Add(1)
			log.Warn("neither TLS nor HTTP on the port", "first_byte", fmt.Sprintf("%#02x", first[0]))
			return false
		}
	}

	br := bufio.NewReaderSize(nil, readBuffer)
	limited := &io.LimitedReader{R: conn, N: maxRequestHead}
	br.Reset(limited)
	r, err := http.ReadRequest(br)
	if err != nil {
		s.count.failed.Add(1)
		log.Debug("no HTTP request", "error", err)
		if limited.N == 0 {
			s.say(conn, http.StatusRequestHeaderFieldsTooLarge, nil, "The head of the request is too large.\n")
		} else if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !isTimeout(err) {
			s.say(conn, http.StatusBadRequest, nil, "This is not an HTTP/1.1 request; connect with a WebSocket client.\n")
		}
		return false
	}
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		log.Debug("request with no upgrade", "method", r.Method, "path", r.URL.Path)
		s.say(conn, http.StatusUpgradeRequired, http.Header{"Upgrade": {"websocket"}},
			"This is fakecortex, a mock of the EMOTIV Cortex service. It speaks JSON-RPC over WebSocket: connect to this address with wss://.\n"+
				"That you can read this means that your client trusts its certificate, or does not check it.\n")
		return false
	}
	if !s.reserve() {
		s.count.refused.Add(1)
		log.Warn("too many connections", "limit", s.Limits().MaxConns)
		s.say(conn, http.StatusServiceUnavailable, nil, "Too many connections.\n")
		return false
	}

	c := newConn(s, raw, conn)
	w := &upgradeWriter{conn: c, out: conn, header: http.Header{}, reader: br}
	// Any Origin, since browser apps connect from any page; no subprotocol, and
	// compression is not accepted: the real service offers neither.
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		s.free()
		s.count.failed.Add(1)
		log.Warn("WebSocket upgrade failed", "error", err)
		if !w.hijacked {
			s.say(conn, w.status, w.header, w.body.String())
		}
		return false
	}
	ws.SetReadLimit(c.limits.MaxMessage)
	raw.SetDeadline(time.Time{})
	c.ws = ws
	info := RequestInfo{Path: r.URL.Path, Host: r.Host, Remote: c.remote, Header: r.Header, TLS: version}

	s.mu.Lock()
	delete(s.early, raw)
	closing := s.closing
	s.conns[c] = struct{}{}
	s.reserved--
	s.mu.Unlock()
	s.count.upgraded.Add(1)
	c.enqueue(inbound{opened: &info})
	// Fresh goroutines: the stack of this one has grown in the handshake.
	go c.write()
	go c.read()
	if closing {
		c.Close(websocket.StatusGoingAway, "the service is shutting down")
	}
	return true
}

// say writes a short answer in plain text and sees to it that it arrives: to
// close a socket with unread input would reset it and destroy the answer.
func (s *Server) say(conn net.Conn, status int, header http.Header, text string) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	for name, values := range header {
		switch name {
		case "Connection", "Content-Length", "Content-Type":
			continue
		}
		for _, v := range values {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	fmt.Fprintf(&b, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(text), text)
	conn.SetDeadline(time.Now().Add(farewell))
	if _, err := conn.Write(b.Bytes()); err != nil {
		return
	}
	closeWrite(conn)
	_, _ = io.Copy(io.Discard, io.LimitReader(conn, 1<<20))
}

func closeWrite(conn net.Conn) {
	switch c := conn.(type) {
	case *peeked:
		closeWrite(c.Conn)
	case interface{ CloseWrite() error }:
		_ = c.CloseWrite()
	default:
		// net.Pipe has no half close: the answer has been read already.
		_ = conn.Close()
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// logTLSError says in plain words why a TLS handshake failed. The alerts of the
// peer have no exported type, so their texts are compared.
func (s *Server) logTLSError(err error, remote string) {
	text := err.Error()
	attrs := []any{"remote", remote, "error", err}
	switch {
	case strings.Contains(text, "remote error") &&
		(strings.Contains(text, "unknown certificate authority") || strings.Contains(text, "bad certificate") ||
			strings.Contains(text, "unknown certificate") || strings.Contains(text, "certificate unknown")):
		hint := "have the client trust the CA of this service"
		if s.options.CAPath != "" {
			hint += ": " + s.options.CAPath
		}
		s.log.Warn("client refused our certificate", append(attrs, "hint", hint)...)
	case strings.Contains(text, "unsupported versions") || strings.Contains(text, "protocol version"):
		s.log.Warn("client speaks no TLS 1.2 or later", attrs...)
	case isTimeout(err):
		s.log.Warn("TLS handshake took too long", attrs...)
	case errors.Is(err, io.EOF):
		s.log.Warn("client went away in the TLS handshake; some do when they do not trust the certificate", append(attrs, "ca", s.options.CAPath)...)
	default:
		s.log.Warn("TLS handshake failed", attrs...)
	}
}

// upgradeWriter is the http.ResponseWriter for websocket.Accept. It takes the
// place of an http.Server, whose buffers would be most of an idle connection.
type upgradeWriter struct {
	conn     *Conn
	out      net.Conn
	header   http.Header
	reader   *bufio.Reader
	status   int
	body     bytes.Buffer
	hijacked bool
}

func (w *upgradeWriter) Header() http.Header { return w.header }

func (w *upgradeWriter) Write(b []byte) (int, error) { return w.body.Write(b) }

func (w *upgradeWriter) WriteHeader(status int) { w.status = status }

// Hijack is called by the library once the answer is 101.
func (w *upgradeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.hijacked = true
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	if err := w.header.Write(&b); err != nil {
		return nil, nil, err
	}
	b.WriteString("\r\n")
	if _, err := w.out.Write(b.Bytes()); err != nil {
		return nil, nil, err
	}
	lib := libraryConn{w.conn}
	return lib, bufio.NewReadWriter(w.reader, bufio.NewWriterSize(lib, writeBuffer)), nil
}
