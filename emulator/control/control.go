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
)

// maxBody bounds the body of a request, in bytes.
const maxBody = 64 << 10

// Clock is the virtual clock of an emulator.
type Clock interface {
	// Now returns the virtual time.
	Now() time.Time
	// Advance moves the virtual time by d and returns when every event until
	// then has happened.
	Advance(d time.Duration) error
}

// Options says what the control API serves.
type Options struct {
	// Version is what /version tells.
	Version string
	// Ready tells whether clients can connect; nil means always.
	Ready func() bool
	// Clock serves /v1/clock; nil leaves these paths out.
	Clock Clock
	// CAPEM is what /ca.pem serves; empty leaves the path out.
	CAPEM []byte
	// Names are host names accepted in a Host header, beside localhost and IP
	// addresses.
	Names []string
	// Logger gets what goes wrong while serving; nil discards it.
	Logger *slog.Logger
}

// Handler returns the control API as a handler.
func Handler(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]any{"healthy": true})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if o.Ready != nil && !o.Ready() {
			reply(w, http.StatusServiceUnavailable, map[string]any{"ready": false})
			return
		}
		reply(w, http.StatusOK, map[string]any{"ready": true})
	})
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]any{"version": o.Version})
	})
	if len(o.CAPEM) > 0 {
		mux.HandleFunc("GET /ca.pem", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-pem-file")
			_, _ = w.Write(o.CAPEM)
		})
	}
	if o.Clock != nil {
		mux.HandleFunc("GET /v1/clock", func(w http.ResponseWriter, _ *http.Request) { replyTime(w, o.Clock) })
		mux.HandleFunc("POST /v1/clock/advance", func(w http.ResponseWriter, r *http.Request) { advance(w, r, o.Clock) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		// A known path with another method is told the right one by the mux
		// only when no pattern for every path exists, so it is found out here.
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
			if _, pattern := mux.Handler(probe); pattern != "/" {
				w.Header().Set("Allow", method)
				fail(w, http.StatusMethodNotAllowed, fmt.Sprintf("%s %s: use %s", r.Method, r.URL.Path, method))
				return
			}
		}
		fail(w, http.StatusNotFound, fmt.Sprintf("%s: no such path; see /healthz, /readyz, /version, /ca.pem, /v1/clock", r.URL.Path))
	})
	return guard(o.Names, mux)
}

func replyTime(w http.ResponseWriter, clock Clock) {
	reply(w, http.StatusOK, map[string]any{"now": clock.Now().Format(time.RFC3339Nano)})
}

func advance(w http.ResponseWriter, r *http.Request, clock Clock) {
	var body struct {
		Duration *string `json:"duration"`
	}
	if code, err := decode(w, r, &body); err != nil {
		fail(w, code, err.Error())
		return
	}
	if body.Duration == nil {
		fail(w, http.StatusBadRequest, `duration: missing; give one such as "10s" or "1h30m"`)
		return
	}
	d, err := time.ParseDuration(*body.Duration)
	if err != nil || d < 0 {
		fail(w, http.StatusBadRequest, fmt.Sprintf(`duration %q: want a duration of 0 or more, such as "10s" or "1h30m"`, *body.Duration))
		return
	}
	if err := clock.Advance(d); err != nil {
		fail(w, http.StatusConflict, err.Error())
		return
	}
	replyTime(w, clock)
}

// decode reads the one JSON object of a request's body into v. It asks for the
// JSON content type: a page of another site cannot send that without the
// browser asking first.
func decode(w http.ResponseWriter, r *http.Request, v any) (int, error) {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(media), "application/json") {
		return http.StatusUnsupportedMediaType, fmt.Errorf("content type %q: want application/json", media)
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(v)
	if err == nil {
		if _, more := decoder.Token(); more != io.EOF {
			err = errors.New("something follows the first JSON value")
		}
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("body: larger than %d bytes", maxBody)
	}
	if err != nil {
		return http.StatusBadRequest, fmt.Errorf("body: %w", err)
	}
	return 0, nil
}

// guard refuses what a foreign web page could send: a name that its owner made
// point at this machine (DNS rebinding) in Host, and any Origin but this machine.
func guard(names []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ours(names, r.Host) {
			fail(w, http.StatusForbidden, fmt.Sprintf("host %q: not a name of this server; use localhost or an IP address", r.Host))
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" {
			if u, err := url.Parse(origin); err != nil || u.Host == "" || !loopback(u.Hostname()) {
				fail(w, http.StatusForbidden, fmt.Sprintf("origin %q: requests from pages of other sites are refused", origin))
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

func fail(w http.ResponseWriter, code int, message string) {
	reply(w, code, map[string]any{"error": message})
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // a peer that has gone needs no answer
}
