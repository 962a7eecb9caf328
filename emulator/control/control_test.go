package control

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
)

// world starts an emulator in memory, on the manual clock.
func world(t testing.TB, scenario string) *emulator.Emulator {
	t.Helper()
	e, err := emulator.Start(emulator.Options{Clock: "manual", Scenario: scenario})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// request is one request to a handler that has not left the process.
type request struct {
	method, target, host, body string
	header                     map[string]string
}

func (r request) serve(h http.Handler) *httptest.ResponseRecorder {
	if r.method == "" {
		r.method = http.MethodGet
	}
	req := httptest.NewRequest(r.method, r.target, strings.NewReader(r.body))
	if req.Host = r.host; r.host == "" {
		req.Host = "127.0.0.1:6869"
	}
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// do sends a request that has to be answered with code, and returns the answer.
func do(t testing.TB, h http.Handler, code int, method, target, body string) map[string]any {
	t.Helper()
	w := request{method: method, target: target, body: body}.serve(h)
	require.Equal(t, code, w.Code, w.Body.String())
	var answer map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer), w.Body.String())
	return answer
}

func TestAnswers(t *testing.T) {
	const advance = "/v1/clock/advance"
	for _, test := range []struct {
		name string
		request
		code int
		want string
	}{
		{"health", request{target: "/healthz"}, 200, `{"healthy":true}`},
		{"ready", request{target: "/readyz"}, 200, `{"ready":true}`},
		{"version", request{target: "/version"}, 200, `{"version":"v9"}`},
		{"ca", request{target: "/ca.pem"}, 200, "-----BEGIN CERTIFICATE-----"},
		{"clock", request{target: "/v1/clock"}, 200, `{"now":"2026-01-01T12:00:00Z","start":"2026-01-01T12:00:00Z","clock":"manual","paused":false}`},
		{"advance", request{method: "POST", target: advance, body: `{"duration":"1.5s"}`}, 200, `{"now":"2026-01-01T12:00:01.5Z"`},
		{"no duration", request{method: "POST", target: advance, body: `{}`}, 400, `duration: missing`},
		{"bad duration", request{method: "POST", target: advance, body: `{"duration":"10"}`}, 400, `duration \"10\"`},
		{"back in time", request{method: "POST", target: advance, body: `{"duration":"-1s"}`}, 400, `duration \"-1s\"`},
		{"too far", request{method: "POST", target: advance, body: `{"duration":"99999h"}`}, 409, `want 0 to`},
		{"unknown field", request{method: "POST", target: advance, body: `{"duration":"1s","by":1}`}, 400, `unknown field`},
		{"two values", request{method: "POST", target: advance, body: `{"duration":"1s"} {}`}, 400, `follows`},
		{"not JSON", request{method: "POST", target: advance, body: `10s`}, 400, `body:`},
		{"form", request{method: "POST", target: advance, body: `{"duration":"1s"}`, header: map[string]string{"Content-Type": "text/plain"}}, 415, `application/json`},
		{"large", request{method: "POST", target: advance, body: `{"duration":"` + strings.Repeat("0", maxBody) + `s"}`}, 413, `larger`},
		{"bad speed", request{method: "PUT", target: "/v1/clock", body: `{"clock":"fast"}`}, 400, `want real, manual, or xN`},
		{"wrong method", request{method: "POST", target: "/healthz"}, 405, `use GET`},
		{"wrong method of two", request{method: "DELETE", target: "/v1/clock"}, 405, `use GET or PUT`},
		{"unknown path", request{target: "/nothing"}, 404, `/nothing: no such path`},
		{"no action", request{method: "POST", target: "/v1/action"}, 400, `want an action`},
		{"unknown action", request{method: "POST", target: "/v1/action", body: `"headsetOf"`}, 400, `did you mean \"headsetOff\"?`},
		{"impossible action", request{method: "POST", target: "/v1/action", body: `{"headsetOff":"EPOCX-99999999"}`}, 409, `EPOCX-99999999`},
		{"action with a typo", request{method: "POST", target: "/v1/action", body: `{"battery":{"percnt":3}}`}, 400, `did you mean \"percent\"?`},
		{"signal with a typo", request{method: "POST", target: "/v1/signal", body: `{"state":{"eyez":"open"}}`}, 400, `did you mean \"eyes\"?`},
		{"signal out of range", request{method: "POST", target: "/v1/signal", body: `{"state":{"levels":{"stress":3}}}`}, 400, `stress`},
		{"unknown application", request{method: "POST", target: "/v1/approve", body: `{"application":"x"}`}, 409, `application \"x\"`},
		{"unknown scenario", request{method: "POST", target: "/v1/scenario", body: `{"name":"c7-of-and-back"}`}, 400, `did you mean \"c7-off-and-back\"?`},
		{"file", request{method: "POST", target: "/v1/scenario", body: `{"name":"/etc/passwd"}`}, 400, `not built in`},
		{"file by extends", request{method: "POST", target: "/v1/scenario", body: `{"document":{"extends":"/etc/passwd"}}`}, 400, `built-in scenarios only`},
		{"scenario and document", request{method: "POST", target: "/v1/scenario", body: `{"name":"default","document":{}}`}, 400, `want name`},
		{"bad document", request{method: "POST", target: "/v1/scenario", body: `{"document":"world:\n  headsetz: 1\n"}`}, 400, `document.yaml:2:3: world: \"headsetz\"`},
		{"bad variable", request{method: "POST", target: "/v1/scenario", body: `{"name":"default","set":{"x":"1"}}`}, 400, `--set x`},
		{"journal parameter", request{target: "/v1/journal?kinds=call"}, 400, `no parameter \"kinds\"`},
		{"journal limit", request{target: "/v1/journal?limit=-1"}, 400, `limit \"-1\"`},
		{"journal wait", request{target: "/v1/journal?wait=2m"}, 400, `0s to 1m`},
		{"truth parameter", request{target: "/v1/truth?headsets=x"}, 400, `headset or kind`},
		{"connection", request{method: "POST", target: "/v1/connections/x/cut"}, 400, `connection \"x\"`},
		{"closed connection", request{method: "POST", target: "/v1/connections/7/cut"}, 409, `connection 7 is not open`},
		{"close code", request{method: "POST", target: "/v1/connections/0/cut", body: `{"code":99}`}, 400, `code 99`},
		{"push nothing", request{method: "POST", target: "/v1/connections/0/push", body: `{}`}, 400, `one of frame, text and hex`},
		{"bad fault", request{method: "POST", target: "/v1/faults", body: `{"latncy":"1s"}`}, 400, `did you mean \"latency\"?`},
		{"no fault", request{method: "DELETE", target: "/v1/faults/nothing"}, 404, `fault \"nothing\"`},
		{"host localhost", request{target: "/v1/clock", host: "localhost:6869"}, 200, `now`},
		{"host IPv6", request{target: "/v1/clock", host: "[::1]:6869"}, 200, `now`},
		{"host address", request{target: "/v1/clock", host: "172.17.0.2"}, 200, `now`},
		{"host own name", request{target: "/v1/clock", host: "FakeCortex:6869"}, 200, `now`},
		{"host foreign", request{target: "/healthz", host: "evil.example:6869"}, 403, `evil.example`},
		{"origin local", request{target: "/v1/clock", header: map[string]string{"Origin": "http://localhost:3000"}}, 200, `now`},
		{"origin foreign", request{target: "/healthz", header: map[string]string{"Origin": "https://evil.example"}}, 403, `evil.example`},
		{"origin null", request{target: "/healthz", header: map[string]string{"Origin": "null"}}, 403, `null`},
		{"origin looks local", request{target: "/healthz", header: map[string]string{"Origin": "http://localhost.evil.example"}}, 403, `evil.example`},
	} {
		t.Run(test.name, func(t *testing.T) {
			handler := Handler(Options{Emulator: world(t, ""), Version: "v9", Names: []string{"fakecortex"}})
			w := test.serve(handler)
			assert.Equal(t, test.code, w.Code)
			assert.Contains(t, w.Body.String(), test.want)
			assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		})
	}
}

func TestToken(t *testing.T) {
	handler := Handler(Options{Emulator: world(t, ""), Token: "s3cret"})
	for _, r := range routes() {
		target := strings.NewReplacer("{number}", "0", "{id}", "x").Replace(r.path)
		for _, header := range []string{"", "Bearer wrong", "Basic s3cret", "Bearer s3cret2"} {
			w := request{method: r.method, target: target, header: map[string]string{"Authorization": header}}.serve(handler)
			if r.open {
				assert.Equal(t, 200, w.Code, r.path)
			} else {
				assert.Equal(t, 401, w.Code, "%s with %q", r.path, header)
			}
		}
	}
	w := request{target: "/v1/clock", header: map[string]string{"Authorization": "bearer s3cret"}}.serve(handler)
	assert.Equal(t, 200, w.Code)
}

func TestRate(t *testing.T) {
	handler := Handler(Options{Emulator: world(t, ""), Rate: 5})
	codes := map[int]int{}
	for range 20 {
		codes[request{target: "/healthz"}.serve(handler).Code]++
	}
	assert.GreaterOrEqual(t, codes[200], 5)
	assert.Positive(t, codes[429])
}

// client is a Cortex client of the emulator.
type client struct {
	t    testing.TB
	conn *websocket.Conn
	id   int
}

func dial(t testing.TB, e *emulator.Emulator) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	conn, err := e.Dial(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { conn.CloseNow() })
	return &client{t: t, conn: conn}
}

func (c *client) read() string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, data, err := c.conn.Read(ctx)
	require.NoError(c.t, err)
	return string(data)
}

// call sends a request and returns the frame that comes next.
func (c *client) call(method, params string) string {
	c.t.Helper()
	c.id++
	frame := fmt.Sprintf(`{"id":%d,"jsonrpc":"2.0","method":%q,"params":%s}`, c.id, method, params)
	require.NoError(c.t, c.conn.Write(context.Background(), websocket.MessageText, []byte(frame)))
	return c.read()
}

func (c *client) token() string {
	c.t.Helper()
	var answer struct{ Result struct{ CortexToken string } }
	require.NoError(c.t, json.Unmarshal([]byte(c.call("authorize", `{"clientId":"app-basic","clientSecret":"hush-hush","debit":1}`)), &answer))
	return answer.Result.CortexToken
}

// TestWhatItDoesReachesTheClient walks through everything that changes the world.
func TestWhatItDoesReachesTheClient(t *testing.T) {
	e := world(t, "")
	h := Handler(Options{Emulator: e})
	c := dial(t, e)
	require.Contains(t, c.call("getCortexInfo", "{}"), "result")

	done := do(t, h, 200, "POST", "/v1/action", `{"warning":{"code":19,"message":"low"}}`)
	assert.Equal(t, map[string]any{"action": "warning", "now": "2026-01-01T12:00:00Z"}, done)
	assert.JSONEq(t, `{"jsonrpc":"2.0","warning":{"code":19,"message":"low"}}`, c.read())

	do(t, h, 200, "POST", "/v1/connections/1/push", `{"text":"no JSON"}`)
	assert.Equal(t, "no JSON", c.read())
	do(t, h, 200, "POST", "/v1/connections/0/push", `{"frame":{"a":1}}`)
	assert.Equal(t, `{"a":1}`, c.read())

	do(t, h, 200, "POST", "/v1/signal", `{"state":{"eyes":"closed"}}`)
	state := do(t, h, 200, "GET", "/v1/state", "")
	assert.Equal(t, "closed", state["headsets"].([]any)[0].(map[string]any)["signal"].(map[string]any)["eyes"])

	assert.Equal(t, "slow", do(t, h, 201, "POST", "/v1/faults", `{"id":"slow","on":{"method":"getUserLogin"},"error":-32003}`)["id"])
	assert.Contains(t, c.call("getUserLogin", "{}"), "-32003")
	faults := do(t, h, 200, "GET", "/v1/faults", "")["faults"].([]any)
	assert.EqualValues(t, 1, faults[0].(map[string]any)["hits"])
	do(t, h, 409, "POST", "/v1/faults", `{"id":"slow","drop":null}`)
	do(t, h, 200, "DELETE", "/v1/faults/slow", "")
	assert.Contains(t, c.call("getUserLogin", "{}"), "result")

	do(t, h, 200, "POST", "/v1/decline", "")
	assert.Contains(t, c.call("authorize", `{"clientId":"app-basic","clientSecret":"hush-hush"}`), "-32102")
	do(t, h, 200, "POST", "/v1/approve", `{"application":"app-basic"}`)
	assert.Contains(t, c.read(), `"code":9`)

	do(t, h, 200, "POST", "/v1/connections/1/cut", `{"code":4000,"reason":"enough"}`)
	_, _, err := c.conn.Read(context.Background())
	assert.EqualValues(t, 4000, websocket.CloseStatus(err))
	assert.Empty(t, do(t, h, 200, "GET", "/v1/connections", "")["connections"])
}

func TestClock(t *testing.T) {
	e := world(t, "")
	h := Handler(Options{Emulator: e})
	assert.Equal(t, "2026-01-01T13:00:00Z", do(t, h, 200, "POST", "/v1/clock/advance", `{"duration":"1h"}`)["now"])
	assert.Equal(t, "manual", do(t, h, 200, "POST", "/v1/clock/resume", "")["clock"], "what is not paused")
	assert.Equal(t, "x100", do(t, h, 200, "PUT", "/v1/clock", `{"clock":"x100"}`)["clock"])
	paused := do(t, h, 200, "POST", "/v1/clock/pause", "{}")
	assert.Equal(t, true, paused["paused"])
	assert.Equal(t, "manual", paused["clock"])
	assert.Equal(t, paused, do(t, h, 200, "POST", "/v1/clock/pause", ""), "it stands still")
	resumed := do(t, h, 200, "POST", "/v1/clock/resume", "")
	assert.Equal(t, "x100", resumed["clock"])
	require.Eventually(t, func() bool { return do(t, h, 200, "GET", "/v1/clock", "")["now"].(string) > resumed["now"].(string) }, 10*time.Second, 10*time.Millisecond)
}

// A reset gives the same bytes as the start, and other scenarios other worlds.
func TestResetAndLoad(t *testing.T) {
	e := world(t, "")
	h := Handler(Options{Emulator: e})
	walk := func() string {
		c := dial(t, e)
		token := c.token()
		session := c.call("createSession", `{"cortexToken":"`+token+`","status":"active"}`)
		return token + session
	}
	first := walk()
	do(t, h, 200, "POST", "/v1/clock/advance", `{"duration":"10s"}`)
	second := walk()
	assert.NotEqual(t, first, second)
	assert.Contains(t, second, "-32005", "the session of the first client is open")

	assert.Equal(t, "default", do(t, h, 200, "POST", "/v1/reset", "")["name"])
	assert.Equal(t, first, walk())
	assert.Len(t, do(t, h, 200, "GET", "/v1/connections", "")["connections"], 1, "numbers begin anew, old clients are gone")

	// Whatever was changed meanwhile is as at the start: speed, pause, faults, world.
	before := do(t, h, 200, "POST", "/v1/reset", "{}")
	state := request{target: "/v1/state"}.serve(h).Body.String()
	do(t, h, 200, "PUT", "/v1/clock", `{"clock":"x100"}`)
	do(t, h, 200, "POST", "/v1/clock/pause", "")
	do(t, h, 201, "POST", "/v1/faults", `{"latency":"1s"}`)
	for _, action := range []string{`"headsetOff"`, `{"quota":0}`, `"logOut"`, `{"disk":"low"}`, `{"addHeadset":{"id":"INSIGHT-00000002"}}`} {
		do(t, h, 200, "POST", "/v1/action", action)
	}
	require.NotEqual(t, state, request{target: "/v1/state"}.serve(h).Body.String())
	assert.Equal(t, before, do(t, h, 200, "POST", "/v1/reset", ""))
	assert.Equal(t, state, request{target: "/v1/state"}.serve(h).Body.String())
	assert.Equal(t, first, walk())

	loaded := do(t, h, 200, "POST", "/v1/scenario", `{"name":"a3-declined"}`)
	assert.Equal(t, "a3-declined", loaded["name"])
	assert.Equal(t, loaded, do(t, h, 200, "GET", "/v1/scenario", ""))
	do(t, h, 200, "POST", "/v1/scenario", `{"document":"extends: default\nname: mine\nworld: {cortexVersion: \"2.7.0\"}\n"}`)
	assert.Contains(t, dial(t, e).call("getCortexInfo", "{}"), `"version":"2.7.0"`)
	do(t, h, 200, "POST", "/v1/scenario", `{"document":{"extends":"default","world":{"cortexVersion":"2.6.0"}}}`)
	assert.Contains(t, dial(t, e).call("getCortexInfo", "{}"), `"version":"2.6.0"`)
	do(t, h, 400, "POST", "/v1/scenario", `{"document":{"world":{"headsets":[{"id":"X"}]}}}`)
	assert.Contains(t, dial(t, e).call("getCortexInfo", "{}"), `"version":"2.6.0"`, "what is wrong changes nothing")
}

func TestJournalIsFoundAndHoldsNoSecrets(t *testing.T) {
	e := world(t, "")
	h := Handler(Options{Emulator: e})
	c := dial(t, e)
	token := c.token()
	c.call("createSession", `{"cortexToken":"`+token+`","status":"open","headset":"EPOCX-1"}`)
	c.call("nothing", `{"a":{"cortexToken":"`+token+`"},"list":["`+token+`"]}`)
	require.NoError(t, c.conn.Write(context.Background(), websocket.MessageText, []byte(`{"id":9,"params":{"cortexToken":"`+token+`","clientSecret":"hush-hush"`)))
	c.read()

	w := request{target: "/v1/journal", header: map[string]string{"Accept": "application/jsonl"}}.serve(h)
	assert.Equal(t, "application/jsonl", w.Header().Get("Content-Type"))
	lines := strings.Split(strings.TrimSpace(w.Body.String()), "\n")
	page := do(t, h, 200, "GET", "/v1/journal", "")
	assert.Len(t, page["entries"], len(lines))
	for _, text := range []string{w.Body.String(), request{target: "/v1/state"}.serve(h).Body.String()} {
		assert.NotContains(t, text, token)
		assert.NotContains(t, text, token[:40])
		assert.NotContains(t, text, "hush-hush")
	}

	for target, want := range map[string][]string{
		"/v1/journal?kind=call":                           {"authorize", "createSession", "nothing"},
		"/v1/journal?kind=call&method=createSession":      {"createSession"},
		"/v1/journal?code=-32004":                         {"createSession"},
		"/v1/journal?code=-32700":                         {""},
		"/v1/journal?kind=call,error&text=epocx-1":        {"createSession", "createSession"},
		"/v1/journal?kind=call&limit=1":                   {"authorize"},
		"/v1/journal?kind=call&limit=1&last=true":         {"nothing"},
		"/v1/journal?kind=event&event=authorized":         {""},
		"/v1/journal?connection=2":                        {},
		"/v1/journal?kind=call&after=99":                  {},
		"/v1/journal?kind=call&life=2":                    {},
		"/v1/journal?kind=call&life=1&method=authorize":   {"authorize"},
		"/v1/journal?wait=10s&kind=call&method=authorize": {"authorize"},
		"/v1/journal?wait=1ms&kind=call&method=never":     {},
	} {
		got := []string{}
		for _, entry := range do(t, h, 200, "GET", target, "")["entries"].([]any) {
			method, _ := entry.(map[string]any)["method"].(string)
			got = append(got, method)
		}
		assert.Equal(t, want, got, target)
	}
	count := do(t, h, 200, "GET", "/v1/journal/count?kind=call", "")
	assert.EqualValues(t, 3, count["count"])
	counters := count["counters"].(map[string]any)
	assert.Equal(t, map[string]any{"authorize": 1.0, "createSession": 1.0, "unknown": 1.0}, counters["calls"])
	assert.Equal(t, map[string]any{"-32004": 1.0, "-32601": 1.0, "-32700": 1.0}, counters["errors"])
}

// A connection's end says what it was sent, and 0 is a code of warnings.
func TestJournalOfTheEnd(t *testing.T) {
	e := world(t, "")
	h := Handler(Options{Emulator: e})
	c := dial(t, e)
	token := c.token()
	var session struct{ Result struct{ ID string } }
	require.NoError(t, json.Unmarshal([]byte(c.call("createSession", `{"cortexToken":"`+token+`","status":"active"}`)), &session))
	auth := `"cortexToken":"` + token + `","session":"` + session.Result.ID + `"`
	c.call("subscribe", `{`+auth+`,"streams":["mot","dev"]}`)
	do(t, h, 200, "POST", "/v1/clock/advance", `{"duration":"1s"}`)
	do(t, h, 200, "POST", "/v1/action", "\"closeSessions\"")
	warnings := do(t, h, 200, "GET", "/v1/journal?kind=warning", "")["entries"].([]any)
	require.Len(t, warnings, 2)
	assert.EqualValues(t, 0, warnings[0].(map[string]any)["code"])
	assert.EqualValues(t, 1, warnings[1].(map[string]any)["code"])

	do(t, h, 200, "POST", "/v1/connections/0/cut", "")
	ended := do(t, h, 200, "GET", "/v1/journal?kind=closed", "")["entries"].([]any)
	require.Len(t, ended, 1)
	assert.Equal(t, map[string]any{"EPOCPLUS-3B9A0001": map[string]any{"mot": 64.0, "dev": 2.0}}, ended[0].(map[string]any)["samples"])
}

// tail reads server-sent events.
type tail struct {
	t     *testing.T
	body  io.Closer
	lines *bufio.Scanner
}

// next returns the next n entries, as kind and method; a reset is one too.
func (f *tail) next(n int) []string {
	f.t.Helper()
	var got []string
	for len(got) < n && f.lines.Scan() {
		if name, ok := strings.CutPrefix(f.lines.Text(), "event: "); ok {
			got = append(got, name)
		}
		if data, ok := strings.CutPrefix(f.lines.Text(), "data: "); ok && data != "{}" {
			var entry struct{ Kind, Method string }
			require.NoError(f.t, json.Unmarshal([]byte(data), &entry))
			got = append(got, strings.TrimSpace(entry.Kind+" "+entry.Method))
		}
	}
	return got
}

func TestFollow(t *testing.T) {
	e := world(t, "")
	server, err := Listen("localhost:0", Options{Emulator: e})
	require.NoError(t, err)
	go func() { _ = server.Serve() }()
	defer func() { _ = server.Close(context.Background()) }()
	follow := func(query string) *tail {
		response, err := http.Get(server.URL() + "/v1/journal/follow" + query)
		require.NoError(t, err)
		t.Cleanup(func() { _ = response.Body.Close() })
		require.Equal(t, 200, response.StatusCode)
		require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
		return &tail{t, response.Body, bufio.NewScanner(response.Body)}
	}
	c := dial(t, e)
	c.call("getCortexInfo", "{}")
	all, fresh, calls := follow("?after=0"), follow(""), follow("?kind=call&after=0")
	c.call("getUserLogin", "{}")
	assert.Equal(t, []string{"event", "opened", "call getCortexInfo", "answer getCortexInfo", "call getUserLogin", "answer getUserLogin"}, all.next(6))
	assert.Equal(t, []string{"call getUserLogin", "answer getUserLogin"}, fresh.next(2))
	assert.Equal(t, []string{"call getCortexInfo", "call getUserLogin"}, calls.next(2))
	require.NoError(t, e.Reset())
	dial(t, e).call("queryHeadsets", "{}")
	assert.Equal(t, []string{"reset", "event", "opened"}, all.next(3))
	assert.Equal(t, []string{"reset", "call queryHeadsets"}, calls.next(2))
	for _, f := range []*tail{all, fresh, calls} {
		require.NoError(t, f.body.Close())
	}
}

func TestFollowersAreBounded(t *testing.T) {
	e := world(t, "")
	server, err := Listen("localhost:0", Options{Emulator: e})
	require.NoError(t, err)
	go func() { _ = server.Serve() }()
	defer func() { _ = server.Close(context.Background()) }()
	for i := range maxTails + 1 {
		response, err := http.Get(server.URL() + "/v1/journal/follow")
		require.NoError(t, err)
		defer response.Body.Close()
		if i < maxTails {
			require.Equal(t, 200, response.StatusCode)
		} else {
			require.Equal(t, 503, response.StatusCode)
		}
	}
}

func TestVerdictAndTruth(t *testing.T) {
	e := world(t, "c7-off-and-back")
	h := Handler(Options{Emulator: e})
	verdict := do(t, h, 200, "GET", "/v1/verdict", "")
	assert.Equal(t, true, verdict["passed"])
	c := dial(t, e)
	token := c.token()
	assert.Contains(t, c.call("createSession", `{"cortexToken":"`+token+`","status":"open","headset":"EPOCX-1"}`), "-32004")
	verdict = do(t, h, 200, "GET", "/v1/verdict", "")
	assert.Equal(t, "session-before-connected", verdict["findings"].([]any)[0].(map[string]any)["rule"])
	require.NoError(t, e.Act("blink"))
	require.NoError(t, e.Advance(time.Second))
	truth := do(t, h, 200, "GET", "/v1/truth?kind=blink", "")["truth"].([]any)
	require.NotEmpty(t, truth)
	assert.Equal(t, "EPOCPLUS-3B9A0001", truth[0].(map[string]any)["headset"])
	assert.Empty(t, do(t, h, 200, "GET", "/v1/truth?headset=other", "")["truth"])
	answer := request{target: "/v1/truth?kind=blink", header: map[string]string{"Accept": "application/jsonl"}}.serve(h)
	assert.Equal(t, "application/jsonl", answer.Header().Get("Content-Type"))
	lines := strings.Split(strings.TrimSpace(answer.Body.String()), "\n")
	require.Len(t, lines, len(truth))
	for i, line := range lines {
		var x any
		require.NoError(t, json.Unmarshal([]byte(line), &x))
		assert.Equal(t, truth[i], x)
	}
}

func TestMetrics(t *testing.T) {
	e := world(t, "")
	h := Handler(Options{Emulator: e, Version: `v"1`})
	c := dial(t, e)
	token := c.token()
	c.call("queryHeadsets", "{}")
	c.call("createSession", `{"cortexToken":"`+token+`","status":"open","headset":"EPOCX-1"}`)
	text := request{target: "/metrics"}.serve(h).Body.String()
	for _, want := range []string{
		`fakecortex_info{version="v\"1"} 1`, "# TYPE fakecortex_connections gauge\nfakecortex_connections 1\n", "fakecortex_virtual_uptime_seconds 0\n",
		`fakecortex_calls_total{method="authorize"} 1`, `fakecortex_errors_total{code="-32004"} 1`,
	} {
		assert.Contains(t, text, want)
	}
	// Prometheus reads it, labels that need quoting included.
	do(t, h, 201, "POST", "/v1/faults", `{"id":"a \"b\"\\c\nd","drop":null}`)
	parser := expfmt.TextParser{}
	families, err := parser.TextToMetricFamilies(request{target: "/metrics"}.serve(h).Body)
	require.NoError(t, err)
	assert.Len(t, families, 16, "the parser leaves out the two that have no sample yet")
	for name, family := range families {
		assert.NotEmpty(t, family.GetHelp(), name)
		assert.Equal(t, strings.HasSuffix(name, "_total"), family.GetType() == dto.MetricType_COUNTER, name)
	}
	rule := families["fakecortex_fault_hits_total"].GetMetric()[0].GetLabel()[0]
	assert.Equal(t, "rule", rule.GetName())
	assert.Equal(t, "a \"b\"\\c\nd", rule.GetValue())
	assert.Equal(t, 1.0, families["fakecortex_connections"].GetMetric()[0].GetGauge().GetValue())
}

func TestServerOnLoopback(t *testing.T) {
	server, err := Listen("localhost:0", Options{Emulator: world(t, "")})
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

// Over an address that is not loopback only what tells nothing is served, unless
// there is a token.
func TestServerOnTheNetwork(t *testing.T) {
	address := outwardAddress(t)
	for token, want := range map[string]int{"": 403, "s3cret": 200} {
		server, err := Listen("0.0.0.0:0", Options{Emulator: world(t, ""), Token: token})
		require.NoError(t, err)
		go func() { _ = server.Serve() }()
		_, port, _ := strings.Cut(strings.TrimPrefix(server.URL(), "http://"), ":")
		get := func(host, path string) int {
			request, err := http.NewRequest(http.MethodGet, "http://"+host+":"+port+path, nil)
			require.NoError(t, err)
			request.Header.Set("Authorization", "Bearer "+token)
			response, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			return response.StatusCode
		}
		assert.Equal(t, 200, get(address, "/readyz"))
		assert.Equal(t, want, get(address, "/v1/clock"))
		assert.Equal(t, 200, get("127.0.0.1", "/v1/clock"), "the same server over loopback")
		require.NoError(t, server.Close(context.Background()))
	}
}

func TestListenNamesABadAddress(t *testing.T) {
	_, err := Listen("6869", Options{})
	require.EqualError(t, err, `control address "6869": want host:port, such as localhost:6869`)
}

func TestURLOfAllInterfaces(t *testing.T) {
	server, err := Listen("0.0.0.0:0", Options{Emulator: world(t, "")})
	require.NoError(t, err)
	assert.Regexp(t, `^http://localhost:\d+$`, server.URL())
	require.NoError(t, server.Close(context.Background()))
}
