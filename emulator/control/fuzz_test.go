package control

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fakecortex/fakecortex/emulator"
)

// Whatever comes over the control API: an answer with a status that it knows, an
// error as JSON, and a world that goes on.
func FuzzControl(f *testing.F) {
	for i, r := range routes() {
		f.Add(uint8(i), strings.NewReplacer("{number}", "0", "{id}", "x").Replace(r.path), "", "{}")
	}
	for _, seed := range [][2]string{
		{"/v1/action", `{"contact":{"sensors":["AF3"],"quality":0}}`}, {"/v1/action", `"headsetOff"`}, {"/v1/action", `{"battery":{"percent":3}}`},
		{"/v1/signal", `{"state":{"levels":{"stress":0.3}}}`}, {"/v1/faults", `{"on":{"method":"authorize"},"latency":"3s"}`},
		{"/v1/scenario", `{"name":"default"}`}, {"/v1/scenario", `{"document":"extends: default\nworld: {headsets: []}\n","set":{"a":"b"}}`},
		{"/v1/clock/advance", `{"duration":"1.5s"}`}, {"/v1/clock", `{"clock":"x10"}`}, {"/v1/connections/0/push", `{"frame":{"a":1}}`},
		{"/v1/connections/0/cut", `{"code":1011,"reason":"r"}`}, {"/v1/approve", `{"application":"a"}`},
	} {
		f.Add(uint8(200), seed[0], "", seed[1])
	}
	f.Add(uint8(0), "/v1/journal", "after=1&kind=call,error&limit=2&last=true&code=-1&text=x", "")
	f.Fuzz(func(t *testing.T, method uint8, path, query, body string) {
		if len(path) == 0 || path[0] != '/' || tooLong(path, body) {
			return
		}
		e, err := emulator.Start(emulator.Options{Clock: "manual"})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		h := Handler(Options{Emulator: e})
		methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete}
		r := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(body))
		r.URL = &url.URL{Path: path, RawQuery: query}
		if r.Method = methods[int(method)%len(methods)]; int(method) < len(routes()) {
			r.Method = routes()[method].method
		} else if method == 200 {
			r.Method = http.MethodPost
		}
		// What waits for something to happen ends with its client.
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		r = r.WithContext(ctx)
		r.Host = "localhost"
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		switch w.Code {
		case 200, 201, 301, 307, 308, 400, 404, 405, 409, 413, 415:
		default:
			t.Fatalf("%s %s?%s %q: %d %s", r.Method, path, query, body, w.Code, w.Body)
		}
		if w.Code >= 400 {
			var fault struct{ Error string }
			if json.Unmarshal(w.Body.Bytes(), &fault) != nil || fault.Error == "" {
				t.Fatalf("%s %s: %d without a reason: %s", r.Method, path, w.Code, w.Body)
			}
		}
		for _, path := range []string{"/readyz", "/v1/state", "/metrics", "/v1/verdict", "/v1/journal"} {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = "localhost"
			h.ServeHTTP(w, r)
			if w.Code != http.StatusOK || !bytes.HasSuffix(w.Body.Bytes(), []byte("\n")) {
				t.Fatalf("afterwards %s: %d %s", path, w.Code, w.Body)
			}
		}
	})
}

// tooLong leaves out what is right and takes its time: steps of hours.
func tooLong(path, body string) bool {
	var step struct{ Duration string }
	_ = json.Unmarshal([]byte(body), &step)
	d, err := time.ParseDuration(step.Duration)
	return strings.Contains(path, "advance") && err == nil && d > time.Minute
}
