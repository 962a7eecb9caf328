package api

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator/rpc"
)

// coded is what has a code: an error, a warning, an entry of failure.
type coded struct {
	Code    *int
	Message json.RawMessage
}

// codedIn returns what has a code in a frame: an error, a warning, the warning
// inside an authorize result, the attention beside queryHeadsets, and the
// entries of failure.
func codedIn(t testing.TB, frame string) (list []coded) {
	var f struct {
		Error, Warning, Attention coded
		Result                    json.RawMessage
	}
	require.NoError(t, json.Unmarshal([]byte(frame), &f), frame)
	var result struct {
		Warning coded
		Failure []coded
	}
	_ = json.Unmarshal(f.Result, &result) // an array has neither
	for _, c := range append(result.Failure, f.Error, f.Warning, f.Attention, result.Warning) {
		if c.Code != nil {
			list = append(list, c)
		}
	}
	return list
}

// codesIn collects the codes of a frame.
func codesIn(t testing.TB, frame string, into map[int]bool) {
	for _, c := range codedIn(t, frame) {
		into[*c.Code] = true
	}
}

// TestEveryCodeIsProduced holds the table of codes against what clients receive:
// in the transcripts, which TestTranscripts holds against the service, and in the
// few paths that need more than a script. What never comes must say why.
func TestEveryCodeIsProduced(t *testing.T) {
	seen := make(map[int]bool)
	paths, err := filepath.Glob("testdata/*.golden")
	require.NoError(t, err)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, part := range strings.Split(string(text), " do SendWarning ")[:1] { // warnings by hand prove nothing
			for _, line := range strings.Split(part, "\n") {
				if _, frame, ok := strings.Cut(line, " < "); ok {
					codesIn(t, frame, seen)
				}
			}
		}
	}
	for code, produce := range map[int]func(*bench) string{CodeExportWrite: exportOntoFolders} {
		got := make(map[int]bool)
		codesIn(t, produce(newBench(t, DefaultWorld())), got)
		require.True(t, got[code], "%d", code)
		seen[code] = true
	}
	for _, row := range codeTable {
		if row.Unreachable == "" {
			require.True(t, seen[row.Code], "no path produces %d: write one, or say in the table why none can", row.Code)
		} else {
			require.False(t, seen[row.Code], "%d is said to be unreachable (%s), but it came", row.Code, row.Unreachable)
		}
		delete(seen, row.Code)
	}
	require.Empty(t, seen, "codes that the table lacks")
}

// exportOntoFolders exports a record where folders have the names of its files.
func exportOntoFolders(b *bench) string {
	b.session("a")
	b.call("a", "createRecord", `{"cortexToken":"$token","session":"$session","title":"t"}`)
	b.advance(time.Second)
	b.call("a", "stopRecord", `{"cortexToken":"$token","session":"$session"}`)
	b.advance(5 * time.Second)
	folder := b.t.TempDir()
	export := b.expand(`{"id":1,"jsonrpc":"2.0","method":"exportRecord","params":{"cortexToken":"$token","recordIds":["$record"],"format":"CSV","version":"V2","streamTypes":["MOTION"],"folder":"` + filepath.ToSlash(folder) + `"}}`)
	b.send("a", export)
	files, err := os.ReadDir(folder)
	require.NoError(b.t, err)
	require.NotEmpty(b.t, files)
	for _, f := range files {
		name := filepath.Join(folder, f.Name())
		require.NoError(b.t, os.Remove(name))
		require.NoError(b.t, os.MkdirAll(filepath.Join(name, "full"), 0o755))
	}
	frames := b.send("a", export)
	return frames[len(frames)-1]
}

// TestCodeTable checks the rows by themselves.
func TestCodeTable(t *testing.T) {
	type key struct {
		code    int
		warning bool
	}
	seen := make(map[key]bool)
	for _, row := range Codes() {
		k := key{row.Code, row.Warning}
		require.False(t, seen[k], "%d stands twice", row.Code)
		seen[k] = true
		require.NotEmpty(t, row.Text, "%d", row.Code)
		require.NotEmpty(t, row.Source, "%d", row.Code)
		require.NotEqual(t, row.When == "", row.Unreachable == "", "%d: when it comes, or why it cannot", row.Code)
		require.Equal(t, row.Warning, row.Code >= 0, "%d", row.Code)
		_, err := parseVersion(row.Since)
		require.True(t, row.Since == "" || err == nil, "%d", row.Code)
		if !row.Guessed {
			require.Regexp(t, `cortex-example #|documentation`, row.Source, "%d: where is its text seen?", row.Code)
		}
	}
	for reason, code := range reasonCodes {
		require.True(t, seen[key{code, false}], "%s", reason)
	}
	world := DefaultWorld()
	world.VirtualHeadsetMethods = true
	for _, m := range newBench(t, world).service.registry.Methods() {
		for _, code := range m.Errors {
			require.True(t, seen[key{code, false}], "%s %d", m.Name, code)
		}
		for _, code := range m.Warnings {
			require.True(t, seen[key{code, true}], "%s %d", m.Name, code)
		}
	}
}

// played is what the transcripts show of each method: how often it succeeded
// and, by code, how often it was refused; and which warnings came later in a
// transcript that calls it.
type played struct {
	successes int
	codes     map[int]string // to the transcript
	warnings  map[int]bool
}

// transcriptOutcomes reads the transcripts, which TestTranscripts holds against
// the service.
func playedMethods(t *testing.T) map[string]*played {
	paths, err := filepath.Glob("testdata/*.golden")
	require.NoError(t, err)
	out := make(map[string]*played)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		methods, called := make(map[string]string), make(map[string]bool) // by client and id; all
		byHand := false
		for _, line := range strings.Split(string(text), "\n") {
			byHand = byHand || strings.Contains(line, " do SendWarning ")
			words := strings.Fields(line)
			if len(words) < 4 {
				continue
			}
			client := words[1]
			if _, frame, ok := strings.Cut(line, " > "); ok {
				var req struct {
					ID     json.RawMessage
					Method string
				}
				if json.Unmarshal([]byte(frame), &req) == nil {
					methods[client+string(req.ID)], called[req.Method] = req.Method, true
					if out[req.Method] == nil {
						out[req.Method] = &played{codes: map[int]string{}, warnings: map[int]bool{}}
					}
				}
				continue
			}
			_, frame, ok := strings.Cut(line, " < ")
			var f struct {
				ID, Error, Warning json.RawMessage
				Result             any
			}
			if !ok || json.Unmarshal([]byte(frame), &f) != nil {
				continue
			}
			got := make(map[int]bool)
			codesIn(t, frame, got)
			if f.Warning != nil && !byHand {
				for code := range got {
					for method := range called {
						out[method].warnings[code] = true
					}
				}
			}
			o := out[methods[client+string(f.ID)]]
			if f.ID == nil || o == nil {
				continue
			}
			for code := range got {
				if code < 0 {
					o.codes[code] = path
				} else {
					o.warnings[code] = true // beside the result
				}
			}
			list, several := f.Result.(map[string]any)
			if done, ok := list["success"].([]any); f.Error == nil && (!several || !ok || len(done) > 0) {
				o.successes++
			}
		}
	}
	return out
}

// TestEveryRefusalIsDeclared: a method answers only with codes that its entry
// in the registry names, besides those that every method can give.
func TestEveryRefusalIsDeclared(t *testing.T) {
	general := map[int]bool{CodeInvalidParams: true, CodeMissingParams: true, CodeMethodNotFound: true, CodeServiceStarting: true, CodeInternal: true}
	token := map[int]bool{
		CodeTokenInvalid: true, CodeTokenExpired: true, CodeNotLoggedIn: true, CodeTokenNotFit: true, CodeNoAccessRight: true, CodeNotReauthorized: true,
	}
	world := DefaultWorld()
	world.VirtualHeadsetMethods = true
	registry := newBench(t, world).service.registry
	checked := 0
	for name, o := range playedMethods(t) {
		m, ok := registry.Lookup(name)
		if !ok {
			continue
		}
		for code, path := range o.codes {
			checked++
			declared := general[code] || m.Has("cortexToken") && token[code] || slices.Contains(m.Errors, code)
			require.True(t, declared, "%s: %s answers with %d, which it does not declare", path, name, code)
		}
	}
	require.Greater(t, checked, 100)
}

// TestEveryDeclarationIsPlayed is the other way round: the transcripts show each
// method succeed, refuse with each code that its entry names, and cause each of
// its warnings.
func TestEveryDeclarationIsPlayed(t *testing.T) {
	world := DefaultWorld()
	world.VirtualHeadsetMethods = true
	methods := playedMethods(t)
	export := make(map[int]bool)
	codesIn(t, exportOntoFolders(newBench(t, DefaultWorld())), export) // needs more than a script
	for code := range export {
		methods["exportRecord"].codes[code] = "exportOntoFolders"
	}
	for _, m := range newBench(t, world).service.registry.Methods() {
		o := methods[m.Name]
		require.NotNil(t, o, "no transcript calls %s", m.Name)
		require.Positive(t, o.successes, "%s never succeeds", m.Name)
		for _, code := range m.Errors {
			require.Contains(t, o.codes, code, "%s is never refused with %d", m.Name, code)
		}
		for _, code := range m.Warnings {
			require.True(t, o.warnings[code], "no warning %d in a transcript with %s", code, m.Name)
		}
	}
}

// TestOverrides replaces texts and codes of every kind of message.
func TestOverrides(t *testing.T) {
	code := func(n int) *int { return &n }
	w := scriptWorld(t, "world app=app-basic:unasked eula=none denied")
	w.Errors = map[int]Override{
		CodeMissingParams:     {Code: code(-32602), Behavior: "Say more."}, // the documentation's choice
		CodeMethodNotFound:    {Message: "No <such> method."},
		CodeNoAccessRight:     {Message: "Ask first.", Code: code(-1)},
		CodeStreamUnavailable: {Message: "No.", Code: code(-2)},
		CodeParseError:        {Code: code(-3)},
	}
	w.Warnings = map[int]Override{
		WarnAccessGranted:    {Message: "%s may"},
		WarnUserLogout:       {Object: rpc.Object{"who": "somebody"}, Code: code(1003)},
		WarnEULANotAccepted:  {Message: "Read it, %s.", Code: code(1006)},
		WarnBluetoothDenied:  {Message: "Switch it on."},
		WarnHeadsetConnected: {Message: "Here is %s."},
	}
	b := newBench(t, w)
	b.connect("a")
	last := func() string { return b.frames["a"][len(b.frames["a"])-1] }
	send := func(method, params string) string {
		before := len(b.frames["a"])
		b.call("a", method, params)
		return b.frames["a"][before]
	}
	require.Equal(t, `{"error":{"code":-32602,"data":{"behavior":"Say more."},"message":"Missing the required parameters."},"id":1,"jsonrpc":"2.0"}`, send("authorize", `{}`))
	require.Equal(t, `{"error":{"code":-32601,"message":"No <such> method."},"id":1,"jsonrpc":"2.0"}`, send("nothing", `{}`))
	require.Equal(t, `{"error":{"code":-1,"message":"Ask first."},"id":1,"jsonrpc":"2.0"}`, send("authorize", `{`+client+`}`))
	b.send("a", "{")
	require.Equal(t, `{"error":{"code":-3,"message":"Parse error."},"id":null,"jsonrpc":"2.0"}`, last())
	require.NoError(t, b.service.ApproveApp("app-basic"))
	require.Equal(t, `{"jsonrpc":"2.0","warning":{"code":9,"message":"app-basic may"}}`, last())
	require.Contains(t, send("authorize", `{`+client+`}`), `"warning":{"code":1006,"licenseUrl":"https://fakecortex.invalid/eula","message":"Read it, demo.user."}`)
	require.Contains(t, send("queryHeadsets", `{}`), `{"attention":{"code":31,"message":"Switch it on."},"id":1`)
	send("createSession", `{"cortexToken":"$token","status":"open"}`)
	require.Contains(t, send("subscribe", `{"cortexToken":"$token","session":"$session","streams":["eeg"]}`), `"failure":[{"code":-2,"message":"No.","streamName":"eeg"}]`)
	send("controlDevice", `{"command":"connect","headset":"EPOCPLUS-3B9A0001"}`)
	require.Equal(t, `{"jsonrpc":"2.0","warning":{"code":104,"message":{"behavior":"Here is EPOCPLUS-3B9A0001.","headsetId":"EPOCPLUS-3B9A0001"}}}`, last())
	before := len(b.frames["a"])
	b.service.LogOut()
	require.Equal(t, `{"jsonrpc":"2.0","warning":{"code":1003,"message":{"who":"somebody"}}}`, b.frames["a"][before])
}

// TestEveryTextAndCodeCanBeReplaced plays every script in a world that has other
// texts and other codes for everything: not one of the usual ones is left.
func TestEveryTextAndCodeCanBeReplaced(t *testing.T) {
	const away = 500_000 // from the usual codes
	errors, warnings := make(map[int]Override), make(map[int]Override)
	for _, row := range codeTable {
		code := row.Code - away
		if row.Warning {
			code = row.Code + away
			warnings[row.Code] = Override{Message: fmt.Sprintf("text of %d", row.Code), Code: &code}
		} else {
			errors[row.Code] = Override{Message: fmt.Sprintf("text of %d", row.Code), Code: &code}
		}
	}
	checked := make(map[int]bool)
	check := func(t *testing.T, c coded, frame string) {
		usual := *c.Code + away
		if *c.Code > 0 {
			usual = *c.Code - away
		}
		want, text := fmt.Sprintf("text of %d", usual), ""
		if json.Unmarshal(c.Message, &text) != nil {
			var object struct{ Behavior, Message string }
			require.NoError(t, json.Unmarshal(c.Message, &object), frame)
			text = object.Behavior + object.Message
		}
		require.Equal(t, want, text, frame)
		checked[usual] = true
	}
	paths, err := filepath.Glob("testdata/*.script")
	require.NoError(t, err)
	for _, path := range paths {
		script, err := os.ReadFile(path)
		require.NoError(t, err)
		var lines []string
		for _, line := range strings.Split(string(script), "\n") {
			if !strings.HasPrefix(line, "expect ") && !strings.HasPrefix(line, "do SendWarning ") { // of codes, and of a text of its own
				lines = append(lines, line)
			}
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			world := scriptWorld(t, lines[0])
			world.Errors, world.Warnings = errors, warnings
			b := newBench(t, world)
			b.vars["$folder"] = t.TempDir()
			b.run(strings.Join(lines, "\n"))
			for _, frames := range b.frames {
				for _, frame := range frames {
					for _, c := range codedIn(t, frame) {
						check(t, c, frame)
					}
				}
			}
		})
	}
	require.Greater(t, len(checked), 80)
}
