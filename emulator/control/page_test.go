package control

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
)

func TestPageIsServedUnderAStrictPolicy(t *testing.T) {
	h := Handler(Options{Emulator: world(t, ""), Token: "s3cret"})
	for path, media := range map[string]string{"/": "text/html", "/page.js": "text/javascript", "/page.css": "text/css", "/favicon.svg": "image/svg+xml"} {
		w := request{target: path}.serve(h)
		require.Equal(t, 200, w.Code, "%s needs no token: %s", path, w.Body)
		assert.Contains(t, w.Header().Get("Content-Type"), media)
		policy := w.Header().Get("Content-Security-Policy")
		assert.Contains(t, policy, "default-src 'none'", path)
		assert.NotContains(t, policy, "unsafe", path)
		tag := w.Header().Get("ETag")
		require.NotEmpty(t, tag)
		assert.Equal(t, 304, request{target: path, header: map[string]string{"If-None-Match": tag}}.serve(h).Code, path)
	}
	index := request{target: "/"}.serve(h).Body.String()
	assert.NotContains(t, index, "://", "nothing comes from another host")
	assert.Equal(t, 401, request{target: "/v1/state"}.serve(h).Code)
	assert.Equal(t, 404, request{target: "/dist/index.html"}.serve(h).Code)
}

// TestOriginOfThePageItself: a page that came from this very server may ask it,
// whatever the machine is called; another may not.
func TestOriginOfThePageItself(t *testing.T) {
	h := Handler(Options{Emulator: world(t, ""), Names: []string{"fakecortex"}})
	for origin, code := range map[string]int{"http://fakecortex:6869": 200, "http://fakecortex:80": 403, "http://evil.example": 403, "null": 403} {
		w := request{target: "/v1/clock", host: "fakecortex:6869", header: map[string]string{"Origin": origin}}.serve(h)
		assert.Equal(t, code, w.Code, origin)
	}
}

// live reads the events of /v1/live.
func live(t *testing.T, server *httptest.Server, query string) (next func() (event, data string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/v1/live"+query, nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { cancel(); answer.Body.Close() })
	require.Equal(t, 200, answer.StatusCode)
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	return func() (event, data string) {
		for lines.Scan() {
			if line := lines.Text(); strings.HasPrefix(line, "event: ") {
				event = line[7:]
			} else if strings.HasPrefix(line, "data: ") {
				return event, line[6:]
			}
		}
		t.Fatal(lines.Err())
		return "", ""
	}
}

func TestLive(t *testing.T) {
	e := world(t, "")
	server := httptest.NewServer(Handler(Options{Emulator: e}))
	t.Cleanup(server.Close) // after those that watch have gone
	next := live(t, server, "?every=20ms")
	event, data := next()
	assert.Equal(t, "layout", event)
	var layout struct {
		Model   string
		Sensors []struct {
			Name string
			X, Y float64
		}
	}
	require.NoError(t, json.Unmarshal([]byte(data), &layout))
	assert.Equal(t, "EPOCPLUS", layout.Model)
	assert.Equal(t, "AF3", layout.Sensors[0].Name)
	assert.Negative(t, layout.Sensors[0].X, "on the left")
	assert.Positive(t, layout.Sensors[0].Y, "in front")

	rows := 0
	collect := func(until func(data map[string]any) bool) {
		for range 500 {
			event, data := next()
			if event != "" {
				continue
			}
			var b map[string]any
			require.NoError(t, json.Unmarshal([]byte(data), &b), data)
			rows += len(b["eeg"].([]any))
			if until(b) {
				return
			}
		}
		t.Fatal("it does not come")
	}
	require.NoError(t, e.Advance(time.Second))
	require.NoError(t, e.Act("{contact: {sensors: [AF3], quality: 0}}"))
	require.NoError(t, e.Advance(time.Second))
	collect(func(b map[string]any) bool {
		dev, ok := b["dev"].([]any)
		return ok && dev[2].([]any)[0] == 0.0 && rows >= 254
	})
	require.NoError(t, e.Act("headsetOff"))
	collect(func(b map[string]any) bool { return b["silent"] == true })
	require.NoError(t, e.Reset())
	for event != "reset" {
		event, _ = next()
	}
	for query, want := range map[string]string{"?every=1ms": "20ms to 5s", "?x=1": "no parameter"} {
		w := request{target: "/v1/live" + query}.serve(Handler(Options{Emulator: e}))
		assert.Equal(t, 400, w.Code)
		assert.Contains(t, w.Body.String(), want)
	}
	for range maxLives - 1 {
		live(t, server, "")
	}
	answer, err := http.Get(server.URL + "/v1/live")
	require.NoError(t, err)
	defer answer.Body.Close()
	assert.Equal(t, 503, answer.StatusCode)
}

// TestExportOfARecord downloads what a client has recorded, under a title that
// would like to be a path.
func TestExportOfARecord(t *testing.T) {
	e := world(t, "")
	dir := t.TempDir()
	h := Handler(Options{Emulator: e, TempDir: dir})
	c := dial(t, e)
	token := c.token()
	var session struct{ Result struct{ ID string } }
	require.NoError(t, json.Unmarshal([]byte(c.call("createSession", `{"cortexToken":"`+token+`","status":"active"}`)), &session))
	c.call("createRecord", `{"cortexToken":"`+token+`","session":"`+session.Result.ID+`","title":"../../etc/<b>passwd\n"}`)
	records := func() map[string]any {
		return do(t, h, 200, "GET", "/v1/state", "")["records"].([]any)[0].(map[string]any)
	}
	id := records()["id"].(string)
	assert.Equal(t, "running", records()["state"])
	assert.Nil(t, records()["end"])
	do(t, h, 409, "GET", "/v1/records/"+id+"/export", "")
	require.NoError(t, e.Advance(10*time.Second))
	c.call("stopRecord", `{"cortexToken":"`+token+`","session":"`+session.Result.ID+`"}`)
	assert.Equal(t, 10.0, records()["seconds"])

	for query, want := range map[string][]string{
		"":                         {".md.pm.bp.csv", ".json", "_intervalMarker.csv"},
		"?version=V1&streams=EEG":  {"+00.00.csv", ".json", "_intervalMarker.csv"},
		"?format=EDFPLUS":          {".edf", ".json", "_intervalMarker.csv"},
		"?format=EDF&streams=EEG":  {".edf", ".json", "_intervalMarker.csv"},
		"?format=CSV&streams=EEG,": nil,
		"?format=XLS":              nil,
		"?folder=/etc":             nil,
	} {
		w := request{target: "/v1/records/" + id + "/export" + query}.serve(h)
		if want == nil {
			assert.Contains(t, []int{400, 409}, w.Code, query)
			assert.NotContains(t, w.Body.String(), dir)
			continue
		}
		require.Equal(t, 200, w.Code, "%s: %s", query, w.Body)
		assert.Equal(t, "attachment; filename*=UTF-8''record-"+id+".zip", w.Header().Get("Content-Disposition"))
		archive, err := zip.NewReader(bytes.NewReader(w.Body.Bytes()), int64(w.Body.Len()))
		require.NoError(t, err)
		require.Len(t, archive.File, len(want))
		for i, f := range archive.File {
			assert.NotContains(t, f.Name, "/")
			assert.True(t, strings.HasSuffix(f.Name, want[i]), "%s: %s, want %s", query, f.Name, want[i])
			in, err := f.Open()
			require.NoError(t, err)
			text, err := io.ReadAll(in)
			require.NoError(t, err)
			assert.NotEmpty(t, text, f.Name)
		}
	}
	do(t, h, 409, "GET", "/v1/records/..%2f..%2fetc/export", "")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left, "nothing stays behind")
}

// TestSaved is what was done through this API, and can be loaded through it.
func TestSaved(t *testing.T) {
	e := world(t, "")
	h := Handler(Options{Emulator: e})
	require.NoError(t, e.Advance(1500*time.Millisecond))
	do(t, h, 200, "POST", "/v1/signal", `{"state":{"eyes":"closed"}}`)
	w := request{target: "/v1/scenario/saved"}.serve(h)
	require.Equal(t, 200, w.Code)
	assert.Equal(t, "application/yaml", w.Header().Get("Content-Type"))
	text, err := json.Marshal(w.Body.String())
	require.NoError(t, err)
	do(t, h, 200, "POST", "/v1/scenario", `{"document":`+string(text)+`}`)
	steps := do(t, h, 200, "GET", "/v1/timeline", "")["steps"].([]any)
	require.Len(t, steps, 1)
	assert.Equal(t, 0.0, steps[0].(map[string]any)["times"])
	require.NoError(t, e.Advance(1499*time.Millisecond))
	assert.Equal(t, "open", e.State().Headsets[0].Signal.Eyes)
	require.NoError(t, e.Advance(time.Millisecond))
	assert.Equal(t, "closed", e.State().Headsets[0].Signal.Eyes)
	step := do(t, h, 200, "GET", "/v1/timeline", "")["steps"].([]any)[0].(map[string]any)
	assert.Equal(t, 1.0, step["times"])
	assert.Equal(t, "2026-01-01T12:00:01.5Z", step["last"])
	page := e.Journal(emulator.JournalQuery{Event: "signal"})
	assert.Len(t, page.Entries, 1)
}
