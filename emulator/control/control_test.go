package control

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type fakeClock struct {
	now time.Time
	err error
}

func (c *fakeClock) Now() time.Time { return c.now }
func (c *fakeClock) Advance(d time.Duration) error {
	if c.err == nil {
		c.now = c.now.Add(d)
	}
	return c.err
}

func TestHandler(t *testing.T) {
	const advance = "/v1/clock/advance"
	jsonType := map[string]string{"Content-Type": "application/json; charset=utf-8"}
	for _, test := range []struct {
		name, method, target, host, body string
		header                           map[string]string
		unready                          bool
		clockErr                         error
		code                             int
		want                             string
	}{
		{name: "health", target: "/healthz", code: 200, want: `{"healthy":true}`},
		{name: "health while not ready", target: "/healthz", unready: true, code: 200, want: `{"healthy":true}`},
		{name: "ready", target: "/readyz", code: 200, want: `{"ready":true}`},
		{name: "not ready", target: "/readyz", unready: true, code: 503, want: `{"ready":false}`},
		{name: "version", target: "/version", code: 200, want: `{"version":"v9"}`},
		{name: "ca", target: "/ca.pem", code: 200, want: "PEM"},
		{name: "clock", target: "/v1/clock", code: 200, want: `{"now":"2026-01-01T00:00:00Z"}`},
		{name: "advance", method: "POST", target: advance, header: jsonType, body: `{"duration":"1.5s"}`, code: 200, want: `{"now":"2026-01-01T00:00:01.5Z"}`},
		{name: "advance fails", method: "POST", target: advance, header: jsonType, body: `{"duration":"1s"}`, clockErr: errors.New("closed"), code: 409, want: `{"error":"closed"}`},
		{name: "no duration", method: "POST", target: advance, header: jsonType, body: `{}`, code: 400, want: `duration: missing`},
		{name: "bad duration", method: "POST", target: advance, header: jsonType, body: `{"duration":"10"}`, code: 400, want: `duration \"10\"`},
		{name: "back in time", method: "POST", target: advance, header: jsonType, body: `{"duration":"-1s"}`, code: 400, want: `duration \"-1s\"`},
		{name: "unknown field", method: "POST", target: advance, header: jsonType, body: `{"duration":"1s","by":1}`, code: 400, want: `unknown field`},
		{name: "two values", method: "POST", target: advance, header: jsonType, body: `{"duration":"1s"} {}`, code: 400, want: `follows`},
		{name: "not JSON", method: "POST", target: advance, header: jsonType, body: `10s`, code: 400, want: `body:`},
		{name: "form", method: "POST", target: advance, header: map[string]string{"Content-Type": "text/plain"}, body: `{"duration":"1s"}`, code: 415, want: `application/json`},
		{name: "large", method: "POST", target: advance, header: jsonType, body: `{"duration":"` + strings.Repeat("0", maxBody) + `s"}`, code: 413, want: `larger`},
		{name: "wrong method", method: "POST", target: "/healthz", code: 405, want: `use GET`},
		{name: "wrong method of advance", target: advance, code: 405, want: `use POST`},
		{name: "unknown path", target: "/nothing", code: 404, want: `/nothing: no such path`},
		{name: "host localhost", target: "/healthz", host: "localhost:6869", code: 200, want: `true`},
		{name: "host IPv6", target: "/healthz", host: "[::1]:6869", code: 200, want: `true`},
		{name: "host address", target: "/healthz", host: "172.17.0.2", code: 200, want: `true`},
		{name: "host own name", target: "/healthz", host: "FakeCortex:6869", code: 200, want: `true`},
		{name: "host foreign", target: "/healthz", host: "evil.example:6869", code: 403, want: `evil.example`},
		{name: "origin local", target: "/healthz", header: map[string]string{"Origin": "http://localhost:3000"}, code: 200, want: `true`},
		{name: "origin foreign", target: "/healthz", header: map[string]string{"Origin": "https://evil.example"}, code: 403, want: `evil.example`},
		{name: "origin null", target: "/healthz", header: map[string]string{"Origin": "null"}, code: 403, want: `null`},
		{name: "origin looks local", target: "/healthz", header: map[string]string{"Origin": "http://localhost.evil.example"}, code: 403, want: `evil.example`},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock := &fakeClock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), err: test.clockErr}
			handler := Handler(Options{Version: "v9", Clock: clock, CAPEM: []byte("PEM"), Names: []string{"fakecortex"}, Ready: func() bool { return !test.unready }})
			if test.method == "" {
				test.method = http.MethodGet
			}
			if test.host == "" {
				test.host = "127.0.0.1:6869"
			}
			r := httptest.NewRequest(test.method, test.target, strings.NewReader(test.body))
			r.Host = test.host
			for name, value := range test.header {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			assert.Equal(t, test.code, w.Code)
			assert.Contains(t, w.Body.String(), test.want)
		})
	}
}

func TestServerOnLoopback(t *testing.T) {
	server, err := Listen("localhost:0", Options{})
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()

	response, err := http.Get(server.URL() + "/readyz")
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, response.Body.Close())
	require.NoError(t, err)
	assert.JSONEq(t, `{"ready":true}`, string(body))

	_, err = Listen(strings.TrimPrefix(server.URL(), "http://"), Options{})
	require.ErrorContains(t, err, "is in use: stop what listens there")

	require.NoError(t, server.Close(context.Background()))
	require.NoError(t, <-served)
	_, err = http.Get(server.URL() + "/readyz")
	require.Error(t, err)
}

func TestListenNamesABadAddress(t *testing.T) {
	_, err := Listen("6869", Options{})
	require.EqualError(t, err, `control address "6869": want host:port, such as localhost:6869`)
}

func TestURLOfAllInterfaces(t *testing.T) {
	server, err := Listen("0.0.0.0:0", Options{})
	require.NoError(t, err)
	assert.Regexp(t, `^http://localhost:\d+$`, server.URL())
	require.NoError(t, server.Close(context.Background()))
}
