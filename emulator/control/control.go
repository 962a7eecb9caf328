package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/scenarios"
)

// Bounds of requests, in bytes.
const (
	maxBody     = 64 << 10
	maxDocument = 1 << 20 // of a scenario
)

// bodyTimeout is how long a request may take to send its body.
const bodyTimeout = 10 * time.Second

// Options says what the control API serves.
type Options struct {
	// Emulator is what it controls.
	Emulator *emulator.Emulator
	// Version is what /version tells.
	Version string
	// Token has to come with every request but those for health, version and CA,
	// as Authorization: Bearer. Empty: only requests that reach this machine on
	// its loopback addresses are served.
	Token string
	// Names are host names accepted in a Host header, beside localhost and IP
	// addresses.
	Names []string
	// Rate is how many requests a second are served in the long run, 0 is 500.
	Rate int
	// TempDir is where exports are written before they are sent; empty is the
	// system's.
	TempDir string
	// Logger gets what goes wrong while serving; nil discards it.
	Logger *slog.Logger
}

// route is one path with one method of HTTP. The routes and openapi.yaml say the
// same; a test holds them against each other.
type route struct {
	method, path string
	open         bool // served without the token
	serve        func(*server, http.ResponseWriter, *http.Request) error
}

// routes returns every route.
func routes() []route {
	const get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	return []route{
		{get, "/healthz", true, (*server).health},
		{get, "/readyz", true, (*server).ready},
		{get, "/version", true, (*server).version},
		{get, "/ca.pem", true, (*server).ca},
		{get, "/openapi.yaml", true, (*server).openAPI},
		{get, "/metrics", false, (*server).metrics},
		{get, "/v1/state", false, (*server).state},
		{post, "/v1/reset", false, (*server).reset},
		{get, "/v1/scenarios", false, (*server).scenarios},
		{get, "/v1/scenario", false, (*server).scenario},
		{post, "/v1/scenario", false, (*server).load},
		{get, "/v1/scenario/saved", false, (*server).saved},
		{get, "/v1/timeline", false, (*server).timeline},
		{get, "/v1/live", false, (*server).live},
		{get, "/v1/records/{id}/export", false, (*server).exportRecord},
		{post, "/v1/action", false, (*server).action},
		{post, "/v1/signal", false, (*server).signal},
		{post, "/v1/approve", false, (*server).approve},
		{post, "/v1/decline", false, (*server).decline},
		{get, "/v1/clock", false, (*server).clock},
		{put, "/v1/clock", false, (*server).setClock},
		{post, "/v1/clock/advance", false, (*server).advance},
		{post, "/v1/clock/pause", false, (*server).pause},
		{post, "/v1/clock/resume", false, (*server).resume},
		{get, "/v1/journal", false, (*server).journal},
		{get, "/v1/journal/count", false, (*server).count},
		{get, "/v1/journal/follow", false, (*server).follow},
		{get, "/v1/truth", false, (*server).truth},
		{get, "/v1/verdict", false, (*server).verdict},
		{get, "/v1/connections", false, (*server).connections},
		{post, "/v1/connections/{number}/push", false, (*server).push},
		{post, "/v1/connections/{number}/cut", false, (*server).cut},
		{get, "/v1/faults", false, (*server).faults},
		{post, "/v1/faults", false, (*server).addFault},
		{del, "/v1/faults", false, (*server).clearFaults},
		{del, "/v1/faults/{id}", false, (*server).removeFault},
	}
}

// server is what the handlers share.
type server struct {
	Options
	emu    *emulator.Emulator
	bucket *bucket
	tails  chan struct{} // one for each follower
	lives  chan struct{} // one for each who watches signals

	exports chan struct{} // one for each export of a record
}

// maxTails bounds those who follow the journal at the same time.
const maxTails = 32

// maxExports bounds the exports of records at the same time.
const maxExports = 2

// Handler returns the control API as a handler.
func Handler(o Options) http.Handler {
	if o.Rate <= 0 {
		o.Rate = 500
	}
	s := &server{Options: o, emu: o.Emulator, bucket: newBucket(o.Rate), tails: make(chan struct{}, maxTails), lives: make(chan struct{}, maxLives), exports: make(chan struct{}, maxExports)}
	mux := http.NewServeMux()
	for _, r := range routes() {
		mux.HandleFunc(r.method+" "+r.path, func(w http.ResponseWriter, req *http.Request) {
			err := error(nil)
			if !r.open {
				err = s.allowed(req)
			}
			if err == nil {
				err = r.serve(s, w, req)
			}
			if err != nil {
				fail(w, err)
			}
		})
	}
	for _, f := range pages() {
		mux.Handle("GET "+f.path, f)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		// A known path with another method is told the right ones by the mux
		// only when no pattern for every path exists, so they are found out here.
		var methods []string
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
			probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
			if _, pattern := mux.Handler(probe); pattern != "/" {
				methods = append(methods, method)
			}
		}
		if len(methods) > 0 {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			fail(w, status{http.StatusMethodNotAllowed, fmt.Sprintf("%s %s: use %s", r.Method, r.URL.Path, strings.Join(methods, " or "))})
			return
		}
		fail(w, status{http.StatusNotFound, r.URL.Path + ": no such path; see /openapi.yaml"})
	})
	return s.guard(mux)
}

// status is an error with its HTTP status.
type status struct {
	code int
	text string
}

func (s status) Error() string { return s.text }

func bad(format string, args ...any) error {
	return status{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// conflict is what the world refuses.
func conflict(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, emulator.ErrClosed) {
		return status{http.StatusServiceUnavailable, err.Error()}
	}
	return status{http.StatusConflict, err.Error()}
}

// fail answers with an error. What is wrong with a document is told one by one.
func fail(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	var s status
	if errors.As(err, &s) {
		code = s.code
	}
	body := map[string]any{"error": err.Error()}
	var mistakes scenarios.Errors
	if errors.As(err, &mistakes) {
		code = http.StatusBadRequest
		list := make([]string, len(mistakes))
		for i := range mistakes {
			list[i] = mistakes[i].Error()
		}
		body["error"], body["mistakes"] = "the document is not right", list
	}
	reply(w, code, body)
}

func reply(w http.ResponseWriter, code int, v any) {
	// A peer that does not read must not hold the connection for ever.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(bodyTimeout))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // a peer that has gone needs no answer
}

// read reads the body of a request. It asks for the JSON content type: a page of
// another site cannot send that without the browser asking first.
func read(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(media), "application/json") {
		return nil, status{http.StatusUnsupportedMediaType, fmt.Sprintf("content type %q: want application/json", media)}
	}
	// A body that trickles in must not hold a handler for ever; a stream of
	// events must live long, so this is no timeout of the server.
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	_ = rc.SetReadDeadline(time.Time{})
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, status{http.StatusRequestEntityTooLarge, fmt.Sprintf("body: larger than %d bytes", limit)}
	}
	if err != nil {
		return nil, bad("body: %s", err)
	}
	return body, nil
}

// parameters reads the query of a request that may have the known parameters,
// two or more.
func parameters(r *http.Request, known ...string) (url.Values, error) {
	q := r.URL.Query()
	for name := range q {
		if !slices.Contains(known, name) {
			last := len(known) - 1
			return nil, bad("query: there is no parameter %q; want %s or %s", name, strings.Join(known[:last], ", "), known[last])
		}
	}
	return q, nil
}

// decode reads the one JSON object of a request's body into v. No body is {}.
func decode(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	body, err := read(w, r, limit)
	if err != nil || len(body) == 0 {
		return err
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return bad("body: %s", err)
	}
	if _, more := decoder.Token(); more != io.EOF {
		return bad("body: something follows the first JSON value")
	}
	return nil
}

// guard refuses what a foreign web page could send: a name that its owner made
// point at this machine (DNS rebinding) in Host, and any Origin but this machine
// and this server itself.
// It bounds the rate, too.
func (s *server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		// The connection may have that of an answer before, see reply.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		if !s.bucket.take() {
			w.Header().Set("Retry-After", "1")
			fail(w, status{http.StatusTooManyRequests, fmt.Sprintf("more than %d requests a second", s.Rate)})
			return
		}
		if !ours(s.Names, r.Host) {
			fail(w, status{http.StatusForbidden, fmt.Sprintf("host %q: not a name of this server; use localhost or an IP address", r.Host)})
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" {
			if u, err := url.Parse(origin); err != nil || u.Host == "" || u.Host != r.Host && !loopback(u.Hostname()) {
				fail(w, status{http.StatusForbidden, fmt.Sprintf("origin %q: requests from pages of other sites are refused", origin)})
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func ours(names []string, hostport string) bool {
	host := strings.Trim(hostport, "[]")
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	return loopback(host) || net.ParseIP(host) != nil ||
		slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, host) })
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
