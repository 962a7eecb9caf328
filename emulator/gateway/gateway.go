package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"
)

// Defaults of Options.
const (
	// DefaultOutboxLimit is several minutes of every stream of one headset.
	DefaultOutboxLimit = 16 << 20
	// DefaultMaxMessage is far above any request of the Cortex API; the largest
	// that clients send are a few KiB.
	DefaultMaxMessage = 1 << 20
	// DefaultHandshakeTimeout bounds TLS and the upgrade together.
	DefaultHandshakeTimeout = 10 * time.Second
	// DefaultCloseTimeout bounds each step of the end of a connection.
	DefaultCloseTimeout = 5 * time.Second
)

// Options of a Server. Zero values give the defaults.
type Options struct {
	// Listen holds host:port addresses. "localhost:P" means 127.0.0.1:P and
	// [::1]:P with the same port, also for port 0, because some clients resolve
	// localhost to IPv6 only (cortex-example #113). On a machine with no ::1 it
	// means IPv4 alone.
	Listen []string
	// TLS is the configuration of the listeners, from Authority.ServerConfig.
	TLS *tls.Config
	// AllowPlainWS also serves ws:// on the same port. The real service does
	// not; without it such a client gets a text that says so.
	AllowPlainWS bool
	// CAPath is named in the log when a client does not trust our certificate.
	CAPath string
	Logger *slog.Logger // default: none
	// Limits are the bounds at the start, see SetLimits.
	Limits           Limits
	HandshakeTimeout time.Duration
	CloseTimeout     time.Duration
	// Admit is asked about each connection before its TLS handshake; false
	// resets it. It may take its time, but has to return when stop is closed.
	// nil admits all. Connections of ServeConn are not asked about.
	Admit   func(stop <-chan struct{}) bool
	Handler Handler
}

// Handler is told what happens on the connections. For one connection the calls
// are serial: Opened, then any number of Received, then Closed, exactly once
// each way. Different connections call at the same time. A slow Handler holds
// back its own connection's messages, not its pings.
type Handler interface {
	Opened(c *Conn, info RequestInfo)
	// Received hands over one message; data belongs to the callee.
	Received(c *Conn, binary bool, data []byte)
	Closed(c *Conn, why CloseInfo)
}

// RequestInfo describes the upgrade request.
type RequestInfo struct {
	Path   string // any path is accepted
	Host   string
	Remote string      // the client's address
	Header http.Header // Origin and User-Agent among them; nothing is checked
	TLS    uint16      // tls.VersionTLS12 or tls.VersionTLS13, 0 for plain
}

// CloseInfo says how a connection ended.
type CloseInfo struct {
	// Code is the close code, 1006 when there was no close frame.
	Code   websocket.StatusCode
	Reason string
	// Local: this side began it.
	Local bool
	// Err is the network's error, if that was the cause.
	Err error
}

// Stats are counters since the start; Open is the present number.
type Stats struct {
	Open, Accepted, Upgraded               int64
	SlowReaders, HandshakesFailed, Refused int64
	MessagesIn, MessagesOut, BytesOut      int64
}

type counters struct {
	accepted, upgraded, slow, failed, refused, in, out, bytes atomic.Int64
}

// Server accepts connections. Its methods may be called from any goroutine.
type Server struct {
	options Options
	log     *slog.Logger
	nextID  atomic.Uint64
	count   counters
	faults  serverFaults
	stop    chan struct{} // closed by Shutdown

	mu        sync.Mutex
	limits    Limits
	closing   bool
	listeners []net.Listener
	conns     map[*Conn]struct{}
	reserved  int                   // places for connections that are about to open
	early     map[net.Conn]struct{} // accepted, no WebSocket yet
	all       sync.WaitGroup        // one for each connection, early ones included
}

// New returns a Server that does not listen yet.
func New(options Options) *Server {
	if options.HandshakeTimeout <= 0 {
		options.HandshakeTimeout = DefaultHandshakeTimeout
	}
	if options.CloseTimeout <= 0 {
		options.CloseTimeout = DefaultCloseTimeout
	}
	log := options.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Server{options: options, log: log, stop: make(chan struct{}), conns: map[*Conn]struct{}{}, early: map[net.Conn]struct{}{}}
	s.SetLimits(options.Limits)
	return s
}

// Limits are the bounds of connections. Zero values give the defaults.
type Limits struct {
	// Outbox bounds the bytes queued for one connection.
	Outbox int
	// MaxMessage bounds a message from a client, in bytes; a larger one closes
	// the connection with 1009.
	MaxMessage int64
	// MaxConns bounds the open connections; the next one gets HTTP 503. It also
	// bounds those whose handshake is not over; the next one is closed at once.
	// 0: no bound.
	MaxConns int
}

// SetLimits changes the bounds for connections to come; zero values give the
// defaults.
func (s *Server) SetLimits(l Limits) {
	if l.Outbox <= 0 {
		l.Outbox = DefaultOutboxLimit
	}
	if l.MaxMessage <= 0 {
		l.MaxMessage = DefaultMaxMessage
	}
	s.mu.Lock()
	s.limits = l
	s.mu.Unlock()
}

// Limits returns the bounds of connections to come.
func (s *Server) Limits() Limits {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limits
}

// Listen binds all addresses of Options.Listen, or none. The error names the
// address and says what to do.
func (s *Server) Listen() error {
	if s.options.Handler == nil {
		return errors.New("gateway: Options.Handler is missing")
	}
	if s.options.TLS == nil && !s.options.AllowPlainWS {
		return errors.New("gateway: Options.TLS is missing; make it with Authority.ServerConfig")
	}
	if len(s.options.Listen) == 0 {
		return errors.New("gateway: Options.Listen is empty; want host:port, such as localhost:6868")
	}
	var bound []net.Listener
	fail := func(err error) error {
		for _, l := range bound {
			l.Close()
		}
		return err
	}
	for _, address := range s.options.Listen {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return fail(fmt.Errorf("listen address %q: %w; want host:port, such as localhost:6868", address, err))
		}
		if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
			return fail(fmt.Errorf("listen address %q: port %q: want a number from 0 to 65535", address, port))
		}
		var ls []net.Listener
		if host == "localhost" {
			ls, err = listenLocalhost(port)
		} else {
			var l net.Listener
			if l, err = net.Listen("tcp", address); err == nil {
				ls = []net.Listener{l}
			}
		}
		if err != nil {
			return fail(listenError(address, err))
		}
		bound = append(bound, ls...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || s.listeners != nil {
		return fail(errors.New("gateway: Listen was called before, or after Shutdown"))
	}
	s.listeners = bound
	return nil
}

// listenLocalhost binds both loopback addresses to one port.
func listenLocalhost(port string) ([]net.Listener, error) {
	const tries = 20 // a free port of IPv4 may be taken on IPv6
	var last error
	for range tries {
		four, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			return nil, err
		}
		_, got, _ := net.SplitHostPort(four.Addr().String())
		six, err := net.Listen("tcp6", net.JoinHostPort("::1", got))
		if err == nil {
			return []net.Listener{four, six}, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return []net.Listener{four}, nil // no IPv6 on this machine
		}
		four.Close()
		last = err
		if port != "0" {
			break
		}
	}
	return nil, last
}

func listenError(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("cannot listen on %s: the port is in use, perhaps by the real Cortex service or by another fakecortex; stop that program or listen on another port (0 picks a free one): %w", address, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("cannot listen on %s: not permitted; choose a port above 1023: %w", address, err)
	}
	return fmt.Errorf("cannot listen on %s: %w; want an address of this machine, such as localhost:6868", address, err)
}

// Addrs returns the bound addresses.
func (s *Server) Addrs() []net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	addrs := make([]net.Addr, len(s.listeners))
	for i, l := range s.listeners {
		addrs[i] = l.Addr()
	}
	return addrs
}

// URL returns the address for clients, such as wss://localhost:6868, and "" when
// nothing is bound. A listener on all interfaces is called localhost.
func (s *Server) URL() string {
	addrs := s.Addrs()
	if len(addrs) == 0 {
		return ""
	}
	scheme := "wss://"
	if s.options.TLS == nil {
		scheme = "ws://"
	}
	host, port, _ := net.SplitHostPort(addrs[0].String())
	asked, _, _ := net.SplitHostPort(s.options.Listen[0])
	if ip := net.ParseIP(host); asked == "localhost" || ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + net.JoinHostPort(host, port)
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	open := len(s.conns)
	s.mu.Unlock()
	c := &s.count
	return Stats{
		Open: int64(open), Accepted: c.accepted.Load(), Upgraded: c.upgraded.Load(),
		SlowReaders: c.slow.Load(), HandshakesFailed: c.failed.Load(), Refused: c.refused.Load(),
		MessagesIn: c.in.Load(), MessagesOut: c.out.Load(), BytesOut: c.bytes.Load(),
	}
}

// Serve accepts connections until Shutdown, then returns nil. Another error of a
// listener ends it early.
func (s *Server) Serve() error {
	s.mu.Lock()
	listeners := s.listeners
	s.mu.Unlock()
	if len(listeners) == 0 {
		return errors.New("gateway: Serve before Listen")
	}
	all, broken := errgroup.WithContext(context.Background())
	context.AfterFunc(broken, func() {
		for _, l := range listeners {
			l.Close()
		}
	})
	for _, l := range listeners {
		all.Go(func() error { return s.accept(l) })
	}
	return all.Wait()
}

// shortage reports whether a listener cannot accept for want of something that
// comes back: descriptors or memory.
func shortage(err error) bool {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

func (s *Server) accept(l net.Listener) error {
	const quiet = 10 * time.Second
	var logged time.Time // when the log last said that nothing is accepted
	short := false       // and whether it has not said yet that it goes on
	for {
		raw, err := l.Accept()
		if err == nil {
			if short {
				s.log.Info("connections are accepted again", "listener", l.Addr().String())
				short = false
			}
			s.start(raw, false)
			continue
		}
		s.mu.Lock()
		closing := s.closing
		s.mu.Unlock()
		if closing || errors.Is(err, net.ErrClosed) {
			return nil
		}
		if errors.Is(err, syscall.ECONNABORTED) {
			continue // that one has gone already
		}
		if shortage(err) {
			if time.Since(logged) >= quiet {
				logged, short = time.Now(), true
				s.log.Error("cannot accept connections until there are descriptors or memory again; the limit of descriptors is that of ulimit -n",
					"listener", l.Addr().String(), "open", s.Stats().Open, "error", err)
			}
			time.Sleep(50 * time.Millisecond)
			continue
		}
		return fmt.Errorf("listener %s: %w", l.Addr(), err)
	}
}

// ServeConn serves a WebSocket without TLS on conn, such as one end of a
// net.Pipe, and returns at once. It needs no Listen.
func (s *Server) ServeConn(conn net.Conn) { s.start(conn, true) }

// start begins the life of an accepted connection.
func (s *Server) start(raw net.Conn, inMemory bool) {
	s.count.accepted.Add(1)
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		raw.Close()
		return
	}
	if most := s.limits.MaxConns; most > 0 && len(s.early) >= most {
		s.mu.Unlock()
		s.count.refused.Add(1)
		s.log.Warn("too many connections in their handshake, closed", "remote", raw.RemoteAddr().String(), "limit", most)
		raw.Close()
		return
	}
	s.early[raw] = struct{}{}
	s.all.Add(1)
	s.mu.Unlock()
	go s.handshake(raw, inMemory)
}

// forget ends the life of a connection that did not become a WebSocket.
func (s *Server) forget(raw net.Conn) {
	raw.Close()
	s.mu.Lock()
	delete(s.early, raw)
	s.mu.Unlock()
	s.all.Done()
}

// reserve takes a place for a connection that is about to open; false when none
// is left. free gives it back.
func (s *Server) reserve() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if most := s.limits.MaxConns; s.closing || most > 0 && len(s.conns)+s.reserved >= most {
		return false
	}
	s.reserved++
	return true
}

func (s *Server) free() {
	s.mu.Lock()
	s.reserved--
	s.mu.Unlock()
}

// Shutdown stops listening, closes every connection with 1001 after what is
// queued for it, and waits until all are gone. When ctx ends first the rest is
// cut and the error of ctx returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.closing {
		close(s.stop)
	}
	s.closing = true
	for _, l := range s.listeners {
		l.Close()
	}
	for raw := range s.early {
		raw.Close()
	}
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.Close(websocket.StatusGoingAway, "the service is shutting down")
	}
	gone := make(chan struct{})
	go func() {
		s.all.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	for _, c := range conns {
		c.Abort()
	}
	return ctx.Err()
}
