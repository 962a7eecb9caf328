package api

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fakecortex/fakecortex/emulator/export"
)

// Whatever a client sends, in whatever state: each request with an id gets one
// answer that is JSON, no handler breaks, and the service goes on.
func FuzzReceive(f *testing.F) {
	for _, frame := range []string{
		`{"id":1,"jsonrpc":"2.0","method":"getCortexInfo"}`,
		`{"id":1,"jsonrpc":"2.0","method":"createRecord","params":{"cortexToken":"$token","session":"$session","title":"r"}}`,
		`{"id":1,"jsonrpc":"2.0","method":"injectMarker","params":{"cortexToken":"$token","session":"$session","time":1780039125108,"label":"l","value":1,"extras":{"a":[1]}}}`,
		`{"id":1,"jsonrpc":"2.0","method":"queryRecords","params":{"cortexToken":"$token","query":{"duration":{"from":1}},"orderBy":[{"title":"ASC"}],"limit":1,"offset":2}}`,
		`{"id":1,"jsonrpc":"2.0","method":"exportRecord","params":{"cortexToken":"$token","recordIds":["$record"],"folder":"/x/../y","streamTypes":["EEG"],"format":"CSV","version":"V2"}}`,
		`{"id":1,"jsonrpc":"2.0","method":"setupProfile","params":{"cortexToken":"$token","status":"load","profile":"demo","headset":"EPOCPLUS-3B9A0001"}}`,
		`{"id":1,"jsonrpc":"2.0","method":"training","params":{"cortexToken":"$token","session":"$session","detection":"mentalCommand","status":"start","action":"push"}}`,
		`{"id":1,"jsonrpc":"2.0","method":"createSubject","params":{"cortexToken":"$token","subjectName":"a","attributes":[{"name":"n","value":"v"}]}}`,
		`{"id":1,"jsonrpc":"2.0","method":"configMapping","params":{"cortexToken":"$token","status":"create","name":"n","mappings":{"CMS":"TP8"}}}`,
		`{"id":1,"jsonrpc":"2.0","method":"controlDevice","params":{"command":"connect","headset":"EPOCPLUS-3B9A0001","mappings":{}}}`,
		`{"id":1,"jsonrpc":"2.0","method":"createVirtualHeadset","params":{"cortexToken":"$token","type":"MN8","cq":{"T7":1},"pm":{"stress":0.5},"mc":{"action":"push","power":1}}}`,
		`{"id":1,"jsonrpc":"2.0","method":"mentalCommandActionSensitivity","params":{"cortexToken":"$token","status":"set","session":"$session","values":[1,2,3,4]}}`,
		`{"id":1,"jsonrpc":"2.0","method":"updateHeadset","params":{"cortexToken":"$token","headset":"EPOCPLUS-3B9A0001","setting":{"mode":"EPOC","eegRate":128,"memsRate":0}}}`,
		`{"id":null,"jsonrpc":"2.0","method":"authorize","params":{"clientId":"x","clientSecret":"y","debit":1e9}}`,
		`[]`, `{}`, "\xff",
	} {
		f.Add([]byte(frame))
	}
	scripts, err := filepath.Glob("testdata/*.script")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range scripts {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if words := strings.SplitN(strings.TrimSpace(line), " ", 4); len(words) == 4 && words[1] == "!" {
				f.Add([]byte(`{"id":1,"jsonrpc":"2.0","method":"` + words[2] + `","params":` + words[3] + `}`))
			}
		}
	}
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, frame []byte) {
		w := DefaultWorld()
		w.VirtualHeadsetMethods = true
		w.ExportFolders = export.Folders{Root: root, Map: []export.FolderMap{{From: "*", To: "."}}}
		b := newBench(t, w)
		b.session("a")
		b.call("a", "createRecord", `{"cortexToken":"$token","session":"$session","title":"r"}`)
		text := b.expand(string(frame))
		for range 2 { // the second time the world is another one
			for _, answer := range b.send("a", text) {
				if !json.Valid([]byte(answer)) {
					t.Fatalf("%q", answer)
				}
			}
			b.advance(3 * time.Second)
		}
		for _, reason := range b.reasons {
			if strings.Contains(reason, " -32603 ") {
				t.Fatal(reason)
			}
		}
		if code(b.call("a", "getCortexInfo", `{}`)) != 0 {
			t.Fatal("it serves no more")
		}
	})
}

// Whatever stands in a state folder: it is refused as damaged, or a service
// starts with it and keeps it in the same form.
func FuzzKeptState(f *testing.F) {
	f.Add([]byte(`{"version":1}`))
	f.Add([]byte(`{"version":1,"lives":1,"records":[{"ID":"a","Owner":"demo.user","Markers":[{"Value":"x"}],"Start":"2026-01-01T00:00:00Z","State":0}],"subjects":[{"Owner":"demo.user","Name":"n"}],"optOuts":[],"profiles":[{"Name":"p","Owner":"demo.user"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "state.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		keeper, err := OpenKeeper(dir)
		if err != nil {
			if kept, _ := os.ReadFile(filepath.Join(dir, "state.json")); string(kept) != string(text) {
				t.Fatal("a damaged state was changed")
			}
			return
		}
		defer keeper.Close()
		w := DefaultWorld()
		w.Keeper = keeper
		b, err := tryBench(t, w)
		if err != nil {
			return // such as too many subjects
		}
		b.session("a")
		for _, request := range []string{
			`queryRecords {"cortexToken":"$token","query":{},"orderBy":[],"includeMarkers":true}`, `querySubjects {"cortexToken":"$token","query":{},"orderBy":[]}`,
			`queryProfile {"cortexToken":"$token"}`, `createSubject {"cortexToken":"$token","subjectName":"of the fuzzer"}`,
			`setupProfile {"cortexToken":"$token","status":"load","profile":"p","headset":"EPOCPLUS-3B9A0001"}`,
		} {
			method, params, _ := strings.Cut(request, " ")
			b.call("a", method, params)
		}
		b.service.Keep()
		if _, err := keeper.read(); err != nil {
			t.Fatalf("what it wrote is damaged: %v", err)
		}
	})
}
