package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

var update = flag.Bool("update", false, "rewrite the golden transcripts")

// bench drives a Service with scripts in virtual time and writes down what
// every client receives.
type bench struct {
	t       testing.TB
	start   int64
	sched   *streams.Scheduler
	service *Service
	names   map[string]sessionstore.ConnID
	out     *bytes.Buffer
	vars    map[string]string
	reasons []string
	frames  map[string][]string
	// expected counts the frames of each client that an expect step has seen.
	expected map[string]int
	requests int // of ! steps
}

type benchLink struct {
	b    *bench
	name string
}

// Send implements Link.
func (l benchLink) Send(_ Frame, parts ...[]byte) {
	frame := string(bytes.Join(parts, nil))
	l.b.frames[l.name] = append(l.b.frames[l.name], frame)
	fmt.Fprintf(l.b.out, "%s %s < %s\n", l.b.clock(), l.name, frame)
	var answer struct{ Result json.RawMessage }
	if json.Unmarshal([]byte(frame), &answer) != nil {
		l.b.t.Errorf("frame %q is not JSON", frame)
	}
	var result struct {
		CortexToken, ID string

		UUID, Type, Serial string // of a virtual headset
		Value              struct{ UUID string }
		Record, Marker     struct{ UUID string }
	}
	if json.Unmarshal(answer.Result, &result) == nil {
		if result.UUID != "" {
			l.b.vars["$virtual"], l.b.vars["$headset"] = result.UUID, result.Type+"-"+result.Serial
		}
		if result.Record.UUID != "" {
			l.b.vars["$record"] = result.Record.UUID
		}
		if result.Marker.UUID != "" {
			l.b.vars["$marker"] = result.Marker.UUID
		}
		if result.Value.UUID != "" {
			l.b.vars["$uuid"] = result.Value.UUID
		}
		if result.CortexToken != "" {
			l.b.vars["$token"] = result.CortexToken
		}
		if result.ID != "" {
			l.b.vars["$session"] = result.ID
		}
	}
}

// Close implements Link.
func (l benchLink) Close(code int, reason string) {
	fmt.Fprintf(l.b.out, "%s %s closed %d %s\n", l.b.clock(), l.name, code, reason)
}

// transcriptStart is the virtual instant at which every script begins.
var transcriptStart = time.Date(2026, 5, 29, 7, 18, 45, 108000000, time.UTC)

func newBench(t testing.TB, world World) *bench {
	t.Helper()
	b, err := tryBench(t, world)
	require.NoError(t, err)
	return b
}

// tryBench is newBench for a world that may not start.
func tryBench(t testing.TB, world World) (*bench, error) {
	b := &bench{
		t: t, start: transcriptStart.UnixNano(), names: map[string]sessionstore.ConnID{}, out: new(bytes.Buffer), vars: map[string]string{},
		frames: map[string][]string{}, expected: map[string]int{},
	}
	b.sched = streams.NewScheduler(b.start)
	var err error
	b.service, err = New(world, b.sched, slog.New(slog.DiscardHandler), Hooks{
		Refused: func(_ sessionstore.ConnID, method string, code int, why string) {
			b.reasons = append(b.reasons, fmt.Sprintf("%s %d %s", method, code, why))
		},
	})
	return b, err
}

func (b *bench) clock() string {
	return fmt.Sprintf("%9.4f", time.Duration(b.sched.Now()-b.start).Seconds())
}

func (b *bench) advance(d time.Duration) {
	for until := b.sched.Now() + int64(d); b.sched.Step(until); {
	}
}

func (b *bench) connect(name string) {
	id := sessionstore.ConnID(len(b.names) + 1)
	b.names[name] = id
	b.service.Connect(id, benchLink{b, name})
}

// send sends one frame and returns the frames that came at once.
func (b *bench) send(name, frame string) []string {
	before := len(b.frames[name])
	b.service.Receive(b.names[name], false, []byte(frame))
	return b.frames[name][before:]
}

// call sends a request with id 1 and returns its answer.
func (b *bench) call(name, method, params string) map[string]any {
	b.t.Helper()
	frames := b.send(name, fmt.Sprintf(`{"id":1,"jsonrpc":"2.0","method":%q,"params":%s}`, method, b.expand(params)))
	require.NotEmpty(b.t, frames, "no answer to %s", method)
	var answer map[string]any
	require.NoError(b.t, json.Unmarshal([]byte(frames[0]), &answer))
	return answer
}

func (b *bench) expand(text string) string {
	for name, value := range b.vars {
		text = strings.ReplaceAll(text, name, value)
	}
	return text
}

const client = `"clientId":"app-basic","clientSecret":"secret"`

// session authorizes and opens an activated session as client name.
func (b *bench) session(name string) {
	b.t.Helper()
	b.connect(name)
	require.Contains(b.t, b.call(name, "authorize", `{`+client+`}`), "result")
	require.Contains(b.t, b.call(name, "createSession", `{"cortexToken":"$token","status":"active"}`), "result")
}

// code returns the error code of an answer, 0 for a success.
func code(answer map[string]any) int {
	if e, ok := answer["error"].(map[string]any); ok {
		return int(e["code"].(float64))
	}
	return 0
}

// unseen returns what a client received since the last expect, in order: the
// code of an error or warning, ok for a success, the stream of a sample.
func (b *bench) unseen(name string) []string {
	b.t.Helper()
	out := []string{}
	for _, frame := range b.frames[name][b.expected[name]:] {
		var f struct {
			Error, Warning *struct{ Code int }
			Result         *json.RawMessage
		}
		require.NoError(b.t, json.Unmarshal([]byte(frame), &f))
		switch {
		case f.Error != nil:
			out = append(out, fmt.Sprint(f.Error.Code))
		case f.Warning != nil:
			out = append(out, fmt.Sprint(f.Warning.Code))
		case f.Result != nil:
			out = append(out, "ok")
		default:
			stream, _, _ := strings.Cut(strings.TrimPrefix(frame, `{"`), `"`)
			if stream == "sid" { // the one stream whose name comes after sid in the alphabet
				stream = "sys"
			}
			out = append(out, stream)
		}
	}
	b.expected[name] = len(b.frames[name])
	return out
}

// run executes one script; see testdata/README.
func (b *bench) run(script string) {
	for n, line := range strings.Split(strings.TrimSpace(script), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "world") {
			fmt.Fprintln(b.out, line)
			continue
		}
		words := strings.Fields(line)
		switch {
		case words[0] == "connect":
			fmt.Fprintf(b.out, "%s %s\n", b.clock(), line)
			b.connect(words[1])
		case words[0] == "disconnect":
			fmt.Fprintf(b.out, "%s %s\n", b.clock(), line)
			b.service.Disconnect(b.names[words[1]])
		case words[0] == "advance":
			d, err := time.ParseDuration(words[1])
			require.NoError(b.t, err, "line %d", n+1)
			b.advance(d)
		case words[0] == "power":
			fmt.Fprintf(b.out, "%s %s\n", b.clock(), line)
			require.True(b.t, b.service.SetHeadsetPower(words[1], words[2] == "on"))
		case words[0] == "do":
			fmt.Fprintf(b.out, "%s %s\n", b.clock(), line)
			require.NoError(b.t, b.do(words[1], append(words[2:], "", "", "")), "line %d: %s", n+1, line)
		case words[0] == "expect":
			fmt.Fprintln(b.out, line)
			require.Equal(b.t, words[2:], b.unseen(words[1]), "line %d: %s", n+1, line)
		case words[0] == "think":
			fmt.Fprintf(b.out, "%s %s\n", b.clock(), line)
			power, err := strconv.ParseFloat(words[2], 64)
			require.NoError(b.t, err, "line %d", n+1)
			require.NoError(b.t, b.service.SetMentalCommand(b.service.Store.Headsets()[0].ID, streams.MentalCommand{Action: words[1], Power: power}))
		case len(words) > 2 && words[1] == "!":
			params := ""
			if len(words) > 3 {
				params = `,"params":` + strings.TrimSpace(strings.SplitN(line, words[2], 2)[1])
			}
			b.requests++
			frame := fmt.Sprintf(`{"id":%d,"jsonrpc":"2.0","method":%q%s}`, b.requests, words[2], params)
			fmt.Fprintf(b.out, "%s %s > %s\n", b.clock(), words[0], frame)
			b.service.Receive(b.names[words[0]], false, []byte(b.expand(frame)))
		case len(words) > 2 && words[1] == ">":
			fmt.Fprintf(b.out, "%s %s\n", b.clock(), line)
			b.service.Receive(b.names[words[0]], false, []byte(b.expand(strings.SplitN(line, "> ", 2)[1])))
		default:
			b.t.Fatalf("line %d: %q is no step", n+1, line)
		}
	}
}

// TestTranscripts plays every script of testdata and compares each byte that the
// clients receive, and when.
func TestTranscripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.script")
	require.NoError(t, err)
	require.NotEmpty(t, scripts)
	for _, path := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".script"), func(t *testing.T) {
			script, err := os.ReadFile(path)
			require.NoError(t, err)
			first, _, _ := strings.Cut(string(script), "\n")
			b := newBench(t, scriptWorld(t, first))
			b.vars["$folder"] = t.TempDir()
			b.run(string(script))
			golden := strings.TrimSuffix(path, ".script") + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, b.out.Bytes(), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			wantLines, gotLines := strings.Split(string(want), "\n"), strings.Split(b.out.String(), "\n")
			for i := range min(len(wantLines), len(gotLines)) {
				require.Equal(t, wantLines[i], gotLines[i], "line %d of %s", i+1, golden)
			}
			require.Len(t, gotLines, len(wantLines))
		})
	}
}
