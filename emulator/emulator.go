package emulator

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/fakecortex/fakecortex/emulator/api"
	"github.com/fakecortex/fakecortex/emulator/gateway"
	"github.com/fakecortex/fakecortex/scenarios"
)

// Emulator is one running mock Cortex service with a world of its own. Its
// methods may be called from any goroutine.
type Emulator struct {
	options   Options
	loop      *loop
	gateway   *gateway.Server
	authority *gateway.Authority
	serveErr  chan error
	closed    chan struct{}

	// Owned by the loop:
	run   *run
	conns map[*gateway.Conn]*client
}

// Start starts an emulator. An error is one clear line that says what to do.
func Start(options Options) (*Emulator, error) {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	scenario, err := options.loadScenario()
	if err != nil {
		return nil, err
	}
	if err := options.Files.open(); err != nil {
		return nil, err
	}
	e, err := start(options, scenario)
	if err != nil {
		return nil, errors.Join(err, options.Files.close())
	}
	return e, nil
}

func start(options Options, scenario *scenarios.Scenario) (*Emulator, error) {
	life, err := options.plan(scenario)
	if err != nil {
		return nil, err
	}
	e := &Emulator{options: options, serveErr: make(chan error, 1), closed: make(chan struct{}), conns: map[*gateway.Conn]*client{}}
	e.loop = newLoop(life.start.UnixNano(), life.scale)
	if e.run, err = e.newRun(life, e.loop.sched); err != nil {
		return nil, err
	}
	if err := e.listen(); err != nil {
		return nil, errors.Join(err, e.run.service.Close())
	}
	e.run.begin()
	go e.loop.run()
	if len(options.Listen) > 0 {
		go func() { e.serveErr <- e.gateway.Serve() }()
	}
	return e, nil
}

func (e *Emulator) listen() (err error) {
	o := &e.options
	if o.TLSDir != "" {
		e.authority, err = gateway.OpenAuthority(o.TLSDir, time.Now())
	} else {
		e.authority, err = gateway.NewAuthority(time.Now())
	}
	if err != nil {
		return err
	}
	tls, err := e.authority.ServerConfig(o.TLSNames)
	if err != nil {
		return err
	}
	e.gateway = gateway.New(gateway.Options{
		Listen: o.Listen, TLS: tls, AllowPlainWS: o.AllowPlainWS, CAPath: e.authority.CertPath(), Logger: o.Logger,
		Limits: e.run.life.limits(), Admit: e.admit, Handler: handler{e},
	})
	if len(o.Listen) == 0 {
		return nil
	}
	return e.gateway.Listen()
}

// admit asks the loop about a client that connects.
func (e *Emulator) admit(stop <-chan struct{}) bool {
	answer := make(chan bool, 1)
	if !e.loop.post(func() { e.run.handshake(func(ok bool) { answer <- ok }) }) {
		return false
	}
	select {
	case ok := <-answer:
		return ok
	case <-stop:
		return false
	}
}

// handler brings what happens on the connections to the loop.
type handler struct{ e *Emulator }

// Opened implements gateway.Handler.
func (h handler) Opened(c *gateway.Conn, _ gateway.RequestInfo) {
	h.e.loop.post(func() { h.e.conns[c] = h.e.run.connect(c) })
}

// Received implements gateway.Handler.
func (h handler) Received(c *gateway.Conn, binary bool, data []byte) {
	h.e.loop.post(func() {
		if cl := h.e.conns[c]; cl != nil {
			h.e.run.received(cl, binary, data)
		}
	})
}

// Closed implements gateway.Handler.
func (h handler) Closed(c *gateway.Conn, why gateway.CloseInfo) {
	h.e.loop.post(func() {
		if cl := h.e.conns[c]; cl != nil {
			delete(h.e.conns, c)
			by := ""
			if why.Local {
				by = "ended by the service"
			}
			h.e.run.disconnect(cl, int(why.Code), by)
		}
	})
}

// URL returns the address for clients, such as wss://localhost:6868, or "" when
// there is no listener.
func (e *Emulator) URL() string { return e.gateway.URL() }

// CAPEM returns the certificate of the emulator's CA.
func (e *Emulator) CAPEM() []byte { return e.authority.PEM() }

// CAFile returns the file of the CA's certificate, "" when it is in memory.
func (e *Emulator) CAFile() string { return e.authority.CertPath() }

// CertPool returns a pool with the emulator's CA, for a client's tls.Config.
func (e *Emulator) CertPool() *x509.CertPool { return e.authority.Pool() }

// Seed returns the seed of the world.
func (e *Emulator) Seed() uint64 {
	var seed uint64
	if !e.loop.do(func() { seed = e.run.life.seed }) {
		return e.run.life.seed // the loop has ended: nothing changes it any more
	}
	return seed
}

// Ready reports whether the emulator serves.
func (e *Emulator) Ready() bool {
	select {
	case <-e.closed:
		return false
	case <-e.loop.done:
		return false
	default:
		return true
	}
}

// ErrClosed is returned by calls on an emulator that has been closed.
var ErrClosed = errors.New("the emulator is closed")

// Now returns the virtual time.
func (e *Emulator) Now() time.Time {
	var now time.Time
	e.loop.do(func() { now = e.run.service.Now() })
	return now
}

// maxAdvance bounds one step of the clock.
const maxAdvance = 366 * 24 * time.Hour

// Advance moves the virtual time by d, 0 to a year: every event until then
// happens, in order, as fast as the machine can, and is queued for the clients
// when Advance returns. Meant for the manual clock; on the others it is a jump.
func (e *Emulator) Advance(d time.Duration) error {
	if d < 0 || d > maxAdvance {
		return fmt.Errorf("advance %s: want 0 to %s", d, maxAdvance)
	}
	if !e.loop.do(func() { e.loop.advance(d) }) {
		return ErrClosed
	}
	return nil
}

// Do runs fn on the loop: the place to change the world by hand. It must not
// block, nor keep the service beyond its return.
func (e *Emulator) Do(fn func(*api.Service)) error {
	if !e.loop.do(func() { fn(e.run.service) }) {
		return ErrClosed
	}
	return nil
}

// Dial connects a client in memory, with no socket and no TLS.
func (e *Emulator) Dial(ctx context.Context) (*websocket.Conn, error) {
	dial := func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		e.gateway.ServeConn(far)
		return near, nil
	}
	conn, _, err := websocket.Dial(ctx, "ws://fakecortex/", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &http.Transport{DialContext: dial}},
	})
	if err != nil {
		return nil, fmt.Errorf("dial the emulator: %w", err)
	}
	conn.SetReadLimit(-1)
	return conn, nil
}

// Stats returns the counters of the connections.
func (e *Emulator) Stats() gateway.Stats { return e.gateway.Stats() }

// Failed returns a channel that gets the error of a listener that broke.
func (e *Emulator) Failed() <-chan error { return e.serveErr }

// Close ends the emulator: clients get close code 1001.
func (e *Emulator) Close() error {
	select {
	case <-e.closed:
		return nil
	default:
		close(e.closed)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := e.gateway.Shutdown(ctx)
	close(e.loop.stop)
	<-e.loop.done
	e.loop.cancel()
	e.loop.working.Wait()
	e.run.service.Keep()
	return errors.Join(err, e.run.journal.flush(), e.run.service.Close(), e.options.Files.close())
}

// TB is the part of testing.TB that StartT needs.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Failed() bool
}

// StartT starts an emulator for a test and closes it at the test's end. A zero
// Clock is the manual one and an empty Listen a free port on loopback. The seed
// is logged when the test fails.
func StartT(tb TB, options Options) *Emulator {
	tb.Helper()
	if options.Clock == "" {
		options.Clock = "manual"
	}
	if len(options.Listen) == 0 {
		options.Listen = []string{"localhost:0"}
	}
	e, err := Start(options)
	if err != nil {
		tb.Fatalf("start fakecortex: %v", err)
		return nil
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("fakecortex: seed %d, clock %s", e.Seed(), options.Clock)
		}
		if err := e.Close(); err != nil {
			tb.Logf("close fakecortex: %v", err)
		}
	})
	return e
}
