package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// Server serves the control API on one address.
type Server struct {
	http      *http.Server
	listeners []net.Listener
	host      string
	cancel    context.CancelFunc // ends those who follow the journal
}

// Listen opens addr, host:port. The host localhost means both 127.0.0.1 and,
// where the machine has it, ::1; port 0 picks a free one. The error is one line
// that says what to do.
func Listen(addr string, o Options) (*Server, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("control address %q: want host:port, such as localhost:6869", addr)
	}
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	listeners, err := open(host, port)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("control address %s is in use: stop what listens there, give another port, or port 0 for a free one", addr)
	}
	if err != nil {
		return nil, fmt.Errorf("control address %s: %w", addr, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Server{
		cancel:    cancel,
		host:      host,
		listeners: bounded(listeners, maxConns),
		http: &http.Server{
			Handler:           Handler(o),
			BaseContext:       func(net.Listener) context.Context { return ctx },
			ReadHeaderTimeout: 5 * time.Second,
			IdleTimeout:       time.Minute,
			MaxHeaderBytes:    16 << 10,
			ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		},
	}, nil
}

// maxConns bounds the open connections of the control API.
const maxConns = 256

// busy is what a connection beyond the bound gets.
const busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" +
	`{"error":"too many connections to the control API"}` + "\n"

// bounded shares a bound on open connections among listeners.
func bounded(listeners []net.Listener, most int) []net.Listener {
	places := make(chan struct{}, most)
	for i, l := range listeners {
		listeners[i] = &boundedListener{l, places}
	}
	return listeners
}

type boundedListener struct {
	net.Listener
	places chan struct{}
}

func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.places <- struct{}{}:
			return &boundedConn{Conn: conn, release: sync.OnceFunc(func() { <-l.places })}, nil
		default:
			_ = conn.SetDeadline(time.Now().Add(time.Second))
			_, _ = conn.Write([]byte(busy)) // it fits into the socket's buffer
			_ = conn.Close()
		}
	}
}

type boundedConn struct {
	net.Conn
	release func()
}

func (c *boundedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}

func open(host, port string) ([]net.Listener, error) {
	if host != "localhost" {
		l, err := net.Listen("tcp", net.JoinHostPort(host, port))
		if err != nil {
			return nil, err
		}
		return []net.Listener{l}, nil
	}
	// With port 0 the free port of 127.0.0.1 may be taken on ::1: try another.
	for tries := 0; ; tries++ {
		v4, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			return nil, err
		}
		same := strconv.Itoa(v4.Addr().(*net.TCPAddr).Port)
		v6, err := net.Listen("tcp", net.JoinHostPort("::1", same))
		switch {
		case err == nil:
			return []net.Listener{v4, v6}, nil
		case !errors.Is(err, syscall.EADDRINUSE):
			return []net.Listener{v4}, nil // a machine without IPv6
		}
		_ = v4.Close()
		if port != "0" || tries == 8 {
			return nil, err
		}
	}
}

// URL returns the address to reach the server at, such as http://localhost:6869.
// A server on all interfaces is named by localhost.
func (s *Server) URL() string {
	host := s.host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	port := s.listeners[0].Addr().(*net.TCPAddr).Port
	return "http://" + net.JoinHostPort(host, strconv.Itoa(port))
}

// Serve serves until Close, or returns the error of a listener that broke.
func (s *Server) Serve() error {
	all, broken := errgroup.WithContext(context.Background())
	context.AfterFunc(broken, func() { _ = s.http.Close() })
	for _, l := range s.listeners {
		all.Go(func() error { return s.http.Serve(l) })
	}
	if err := all.Wait(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("control: %w", err)
	}
	return nil
}

// Close stops the server: requests under way may end until ctx is done.
func (s *Server) Close(ctx context.Context) error {
	s.cancel()
	err := s.http.Shutdown(ctx)
	for _, l := range s.listeners {
		_ = l.Close() // those that Serve never took
	}
	if err != nil {
		return s.http.Close()
	}
	return nil
}
