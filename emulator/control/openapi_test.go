package control

import (
	"encoding/json"
	"net"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// outwardAddress returns an IPv4 address of this machine that is not loopback.
func outwardAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, a := range addresses {
		if ip, _, err := net.ParseCIDR(a.String()); err == nil && ip.To4() != nil && !ip.IsLoopback() {
			return ip.String()
		}
	}
	t.Skip("this machine has no other address than loopback")
	return ""
}

// document is openapi.yaml as JSON.
func document(t *testing.T) map[string]any {
	t.Helper()
	text, err := yaml.YAMLToJSON([]byte(openAPIDocument))
	require.NoError(t, err)
	var doc map[string]any
	require.NoError(t, json.Unmarshal(text, &doc))
	return doc
}

// TestDocumentIsReadAlike: the parsers of YAML 1.1, which many OpenAPI tools have,
// take the bare words on, off, yes and no for booleans.
func TestDocumentIsReadAlike(t *testing.T) {
	quoted := regexp.MustCompile(`"(\\.|[^"\\])*"`)
	word := regexp.MustCompile(`(?i)(^|[\[{,]|: |- )\s*(on|off|yes|no|y|n)\s*($|[\]},:])`)
	require.Regexp(t, word, "required: [id, on, silent]")
	n := 0
	for line := range strings.Lines(openAPIDocument) {
		n++
		assert.NotRegexp(t, word, quoted.ReplaceAllString(strings.TrimSpace(line), "x"), "line %d", n)
	}
}

// TestDocumentHasTheRoutes holds the document against the routes, both ways.
func TestDocumentHasTheRoutes(t *testing.T) {
	var described, served []string
	open := map[string]bool{}
	ids := map[string]bool{}
	for path, item := range document(t)["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			o := operation.(map[string]any)
			name := strings.ToUpper(method) + " " + path
			described = append(described, name)
			id := o["operationId"].(string)
			assert.False(t, ids[id], "operationId %s comes twice", id)
			ids[id] = true
			assert.NotEmpty(t, o["summary"], name)
			_, open[name] = o["security"]
		}
	}
	for _, r := range routes() {
		name := r.method + " " + r.path
		served = append(served, name)
		assert.Equal(t, open[name], r.open, "whether %s needs the token", name)
	}
	slices.Sort(described)
	slices.Sort(served)
	assert.Equal(t, described, served)

	// So has the page of the documentation.
	text, err := os.ReadFile("../../docs/control.md")
	require.NoError(t, err)
	_, table, _ := strings.Cut(string(text), "## Every path")
	var told []string
	for _, name := range regexp.MustCompile("`([A-Z]+ /[^`]*)`").FindAllStringSubmatch(table, -1) {
		told = append(told, name[1])
	}
	slices.Sort(told)
	assert.Equal(t, told, served)
}

// TestAnswersFitTheDocument sends requests to every route and holds what comes,
// status and body, against the document.
func TestAnswersFitTheDocument(t *testing.T) {
	doc := document(t)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("openapi.json", doc))
	resolve := func(v any) map[string]any {
		m := v.(map[string]any)
		for m["$ref"] != nil {
			var at any = doc
			for key := range strings.SplitSeq(strings.TrimPrefix(m["$ref"].(string), "#/"), "/") {
				at = at.(map[string]any)[key]
			}
			m = at.(map[string]any)
		}
		return m
	}
	e := world(t, "c7-off-and-back")
	h := Handler(Options{Emulator: e, Version: "v1"})
	// A world in which something has happened.
	c := dial(t, e)
	token := c.token()
	var session struct{ Result struct{ ID string } }
	require.NoError(t, json.Unmarshal([]byte(c.call("createSession", `{"cortexToken":"`+token+`","status":"active"}`)), &session))
	auth := `"cortexToken":"` + token + `","session":"` + session.Result.ID + `"`
	require.Contains(t, c.call("createSubject", `{"cortexToken":"`+token+`","subjectName":"sub-1"}`), "result")
	require.Contains(t, c.call("createRecord", `{`+auth+`,"title":"first"}`), "result")
	require.Contains(t, c.call("injectMarker", `{`+auth+`,"time":1767268800000,"value":3,"label":"x"}`), "result")
	require.Contains(t, c.call("configMapping", `{"cortexToken":"`+token+`","status":"create","name":"cap","mappings":{"CMS":"TP9","DRL":"TP10","LA":"Cz"}}`), "result")
	state := do(t, h, 200, "GET", "/v1/state", "")
	require.Len(t, state["flexMappings"], 1)
	mapping := state["flexMappings"].([]any)[0].(map[string]any)
	assert.NotEmpty(t, mapping["uuid"])
	delete(mapping, "uuid")
	assert.Equal(t, map[string]any{"name": "cap", "owner": "demo.user", "mappings": map[string]any{"CMS": "TP9", "DRL": "TP10", "LA": "Cz"}}, mapping)
	assert.Len(t, state["records"].([]any)[0].(map[string]any)["markers"], 1)
	assert.Len(t, state["subjects"], 1)
	assert.Len(t, state["profiles"], 1)
	c.call("subscribe", `{`+auth+`,"streams":["mot"]}`)
	require.NoError(t, e.Act("blink"))
	require.NoError(t, e.Act("note: hello"))

	tried := map[string]bool{}
	for _, r := range []struct{ route, target, body string }{
		{"GET /healthz", "", ""}, {"GET /readyz", "", ""}, {"GET /version", "", ""}, {"GET /ca.pem", "", ""},
		{"GET /openapi.yaml", "", ""}, {"GET /metrics", "", ""},
		{"POST /v1/faults", "", `{"id":"a","on":{"method":"getUserLogin"},"drop":null}`},
		{"POST /v1/faults", "", `{"id":"a","drop":null}`}, {"POST /v1/faults", "", `{}`},
		{"POST /v1/clock/advance", "", `{"duration":"2s"}`}, {"POST /v1/clock/advance", "", `{}`}, {"POST /v1/clock/advance", "", `{"duration":"99999h"}`},
		{"GET /v1/state", "", ""}, {"GET /v1/scenarios", "", ""}, {"GET /v1/scenario", "", ""}, {"GET /v1/clock", "", ""},
		{"PUT /v1/clock", "", `{"clock":"manual"}`}, {"PUT /v1/clock", "", `{"clock":"?"}`},
		{"POST /v1/clock/pause", "", ""}, {"POST /v1/clock/resume", "", "{}"},
		{"GET /v1/journal", "", ""}, {"GET /v1/journal", "/v1/journal?x=1", ""}, {"GET /v1/journal/count", "", ""},
		{"GET /v1/journal/count", "/v1/journal/count?code=x", ""}, {"GET /v1/journal/follow", "/v1/journal/follow?x=1", ""},
		{"GET /v1/truth", "", ""}, {"GET /v1/truth", "/v1/truth?x=1", ""}, {"GET /v1/verdict", "", ""}, {"GET /v1/connections", "", ""},
		{"GET /v1/faults", "", ""}, {"DELETE /v1/faults/{id}", "/v1/faults/a", ""}, {"DELETE /v1/faults/{id}", "/v1/faults/a", ""}, {"DELETE /v1/faults", "", ""},
		{"POST /v1/action", "", `"blink"`}, {"POST /v1/action", "", `"wink wink"`}, {"POST /v1/action", "", `{"headsetOff":"EPOCX-9"}`},
		{"POST /v1/signal", "", `{"state":{"eyes":"closed"}}`}, {"POST /v1/signal", "", `{"state":{"eyes":5}}`}, {"POST /v1/signal", "", `{"headset":"EPOCX-9","state":{}}`},
		{"POST /v1/approve", "", ""}, {"POST /v1/approve", "", `{"application":"x"}`}, {"POST /v1/decline", "", ""}, {"POST /v1/decline", "", `{"application":"x"}`},
		{"POST /v1/connections/{number}/push", "/v1/connections/1/push", `{"text":"x"}`}, {"POST /v1/connections/{number}/push", "/v1/connections/9/push", `{"text":"x"}`},
		{"POST /v1/connections/{number}/push", "/v1/connections/1/push", `{}`},
		{"POST /v1/connections/{number}/cut", "/v1/connections/x/cut", ""}, {"POST /v1/connections/{number}/cut", "/v1/connections/9/cut", ""},
		{"POST /v1/connections/{number}/cut", "/v1/connections/1/cut", ""},
		{"POST /v1/scenario", "", `{"name":"default"}`}, {"POST /v1/scenario", "", `{"name":"x"}`}, {"POST /v1/scenario", "", `{"document":{"x":1}}`},
		{"GET /v1/records/{id}/export", "/v1/records/none/export", ""}, {"GET /v1/records/{id}/export", "/v1/records/none/export?x=1", ""},
		{"GET /v1/timeline", "", ""}, {"GET /v1/scenario/saved", "", ""}, {"GET /v1/live", "/v1/live?every=1ms", ""},
		{"POST /v1/reset", "", ""},
	} {
		method, path, _ := strings.Cut(r.route, " ")
		target := r.target
		if target == "" {
			target = path
		}
		w := request{method: method, target: target, body: r.body}.serve(h)
		name := r.route + " " + r.body
		operation := doc["paths"].(map[string]any)[path].(map[string]any)[strings.ToLower(method)].(map[string]any)
		tried[r.route] = true
		described, ok := operation["responses"].(map[string]any)[statusOf(w)]
		if !assert.True(t, ok, "%s answers %d, which the document does not have: %s", name, w.Code, w.Body) {
			continue
		}
		content := resolve(described)["content"].(map[string]any)
		media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
		if !assert.Contains(t, content, media, name) || media != "application/json" {
			continue
		}
		pointer := "openapi.json#" + pointerOf(described, "paths", path, strings.ToLower(method), "responses", statusOf(w)) + "/content/application~1json/schema"
		schema, err := compiler.Compile(pointer)
		require.NoError(t, err, name)
		value, err := jsonschema.UnmarshalJSON(w.Body)
		require.NoError(t, err, name)
		assert.NoError(t, schema.Validate(value), name)
	}
	for _, r := range routes() {
		assert.True(t, tried[r.method+" "+r.path], "%s %s is not tried", r.method, r.path)
	}
}

func statusOf(w *httptest.ResponseRecorder) string { return strconv.Itoa(w.Code) }

// pointerOf returns the JSON pointer of a response, that of its component when it
// is a reference.
func pointerOf(described any, keys ...string) string {
	if ref, ok := described.(map[string]any)["$ref"].(string); ok {
		return strings.TrimPrefix(ref, "#")
	}
	var b strings.Builder
	for _, k := range keys {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(k))
	}
	return b.String()
}
