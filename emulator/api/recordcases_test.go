package api

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/sessionstore"
)

// TestH1ExportTooEarly is case H1 in each age of Cortex.
func TestH1ExportTooEarly(t *testing.T) {
	for _, test := range []struct {
		version string
		wait    func(*bench)
	}{
		{"2.3", func(b *bench) {
			b.advance(time.Minute)
			require.NotEmpty(b.t, failures(b.export("a", b.t.TempDir(), "EEG")), "the headset is still connected")
			b.result("a", "controlDevice", `{"command":"disconnect","headset":"EPOCPLUS-3B9A0001"}`)
		}},
		{"3.6", func(b *bench) { b.advance(3 * time.Second); require.Len(b.t, b.warnings("a", 18), 1) }},
		{DefaultVersion, func(b *bench) { b.advance(3 * time.Second); require.Len(b.t, b.warnings("a", 30), 1) }},
	} {
		t.Run(test.version, func(t *testing.T) {
			world := scriptWorld(t, "world version="+test.version)
			world.PostProcessing = 3 * time.Second
			b := newBench(t, world)
			b.session("a")
			b.record("a")
			b.advance(time.Second)
			b.result("a", "stopRecord", `{`+inSession+`}`)
			folder := t.TempDir()
			require.Equal(t, b.vars["$record"]+" -32137", failures(b.export("a", folder, "EEG")))
			require.Empty(t, list(t, folder))
			test.wait(b)
			require.Equal(t, b.vars["$record"], successes(b.export("a", folder, "EEG")))
			require.Len(t, list(t, folder), 2)
		})
	}
}

// TestH2ExportWithoutScope is case H2.
func TestH2ExportWithoutScope(t *testing.T) {
	b := newBench(t, scriptWorld(t, "world scopes=pm"))
	b.session("a")
	b.record("a")
	b.advance(time.Second)
	b.result("a", "stopRecord", `{`+inSession+`}`)
	b.advance(time.Second)
	folder := t.TempDir()
	require.Equal(t, map[string]any{"failure": []any{map[string]any{
		"code": -32138.0, "message": "The stream data is not supported.", "recordId": b.vars["$record"],
	}}, "success": []any{}}, b.export("a", folder, everyStream))
	require.Empty(t, list(t, folder))
	require.Equal(t, b.vars["$record"], successes(b.export("a", folder, "MOTION")))
}

// TestH3AnotherMessageFirst is case H3: warning 0 of Cortex 2.1 carries a text,
// later an object. (That it may stand before an answer is a fault of the wire.)
func TestH3AnotherMessageFirst(t *testing.T) {
	for version, want := range map[string]any{
		"2.1": "All subscriptions of session $session was stopped by Cortex",
		"2.2": map[string]any{"behavior": "All subscriptions of session $session was stopped by Cortex", "sessionId": "$session"},
		"2.7": map[string]any{"behavior": "Cortex has stopped all the subscriptions of session $session.", "sessionId": "$session"},
	} {
		b := newBench(t, scriptWorld(t, "world version="+version))
		b.session("a")
		b.result("a", "subscribe", `{`+inSession+`,"streams":["dev"]}`)
		b.result("a", "controlDevice", `{"command":"disconnect","headset":"EPOCPLUS-3B9A0001"}`)
		require.Equal(t, []string{b.expand(fmt.Sprint(want))}, []string{fmt.Sprint(b.warnings("a", 0)[0])}, version)
	}
}

// TestH4FilesOnlyThroughExport is case H4.
func TestH4FilesOnlyThroughExport(t *testing.T) {
	world, folder := DefaultWorld(), t.TempDir()
	world.RecordStorage.Dir = folder
	b := newBench(t, world)
	b.session("a")
	b.record("a")
	b.advance(10 * time.Second)
	b.result("a", "stopRecord", `{`+inSession+`}`)
	b.advance(time.Second)
	require.Empty(t, list(t, folder))
	b.export("a", folder, "EEG")
	table := lines(t, folder, "*.csv")
	require.True(t, strings.HasPrefix(table[0], "title:Run, start timestamp:"), table[0])
	require.True(t, strings.HasPrefix(table[1], "Timestamp,"), table[1])
}

// TestH5SlowExport is case H5: while an export takes its time the connection
// stays usable and samples go on.
func TestH5SlowExport(t *testing.T) {
	b := newBench(t, seeded())
	type job struct {
		work func(context.Context)
		done func()
	}
	var jobs []job
	b.service.hooks.Background = func(work func(context.Context), done func()) { jobs = append(jobs, job{work, done}) }
	b.session("a")
	b.result("a", "subscribe", `{`+inSession+`,"streams":["mot"]}`)
	id := b.id("Mine")
	folder := t.TempDir()
	export := fmt.Sprintf(`{"id":77,"jsonrpc":"2.0","method":"exportRecord","params":{%s,"recordIds":["$record"],"folder":%q,"streamTypes":["EEG"],"format":"EDF"}}`, auth, folder)
	require.Empty(t, b.send("a", b.expand(export)), "no answer yet")
	b.advance(5 * time.Second)
	require.Len(t, b.samples("a")["mot"].rows, 5*64)
	b.record("a") // and every other call is answered
	b.result("a", "stopRecord", `{`+inSession+`}`)

	// The record is deleted while its data is being read.
	b.result("a", "deleteRecord", `{`+auth+`,"records":["`+id+`"]}`)
	before := len(b.frames["a"])
	require.Len(t, jobs, 1)
	jobs[0].work(t.Context())
	require.Len(t, b.frames["a"], before)
	jobs[0].done()
	require.Equal(t, []string{`{"id":77,"jsonrpc":"2.0","result":{"failure":[{"code":-32147,"message":"Data is corrupted by internal error.","recordId":"` + id + `"}],"success":[]}}`}, b.frames["a"][before:])
	require.Empty(t, list(t, folder))

	// A client that is gone gets no answer.
	b.id("Theirs")
	b.id("Empty")
	require.Empty(t, b.send("a", b.expand(export)))
	b.service.Disconnect(b.names["a"])
	before = len(b.frames["a"])
	jobs[1].work(t.Context())
	jobs[1].done()
	require.Len(t, b.frames["a"], before)
}

func TestSubjectMethods(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	want := map[string]any{
		"attributes": []any{}, "city": "", "countryCode": "", "countryName": "", "dateOfBirth": "", "experimentsCount": 0.0, "sex": "", "state": "", "subjectName": "Ada",
	}
	require.Equal(t, want, b.result("a", "createSubject", `{`+auth+`,"subjectName":"Ada"}`), "the bare object, with defaults")
	changed := b.result("a", "updateSubject", `{`+auth+`,"subjectName":"Ada","dateOfBirth":"1990-12-10","sex":"F","countryCode":"GB","state":"London","city":"Marylebone","attributes":[{"name":"handedness","value":"Left"}]}`)
	for key, value := range map[string]any{
		"dateOfBirth": "1990-12-10", "sex": "F", "countryCode": "GB", "countryName": "United Kingdom", "state": "London", "city": "Marylebone",
		"attributes": []any{map[string]any{"name": "handedness", "value": "Left"}},
	} {
		want[key] = value
	}
	require.Equal(t, want, changed)
	want["city"] = ""
	require.Equal(t, want, b.result("a", "updateSubject", `{`+auth+`,"subjectName":"Ada","city":""}`), "what is left out stays, an empty text is a value")
	b.result("a", "createRecord", `{`+inSession+`,"title":"T","subjectName":"Ada","experimentId":3}`)
	want["experimentsCount"] = 1.0
	b.result("a", "createSubject", `{`+auth+`,"subjectName":"Bob","sex":"M"}`)
	found := b.result("a", "querySubjects", `{`+auth+`,"query":{"keyword":"a","sex":"F","countryCode":"GB","dateOfBirth":{"from":"1990-01-01","to":"1990-12-10"},"attributes":[{"name":"handedness","value":"Left"}]},"orderBy":[{"subjectName":"ASC"}]}`)
	require.Equal(t, map[string]any{"count": 1.0, "limit": 0.0, "offset": 0.0, "subjects": []any{want}}, found)
	page := b.result("a", "querySubjects", `{`+auth+`,"query":{},"orderBy":[{"subjectName":"DESC"}],"limit":1,"offset":1}`)
	require.Equal(t, map[string]any{"count": 2.0, "limit": 1.0, "offset": 1.0, "subjects": []any{want}}, page)
	deleted := b.result("a", "deleteSubjects", `{`+auth+`,"subjects":["Bob","Carl"]}`)
	require.Equal(t, map[string]any{
		"success": []any{map[string]any{"subjectName": "Bob"}},
		"failure": []any{map[string]any{"code": -32117.0, "message": "The subject does not exist.", "subjectName": "Carl"}},
	}, deleted)
	for _, a := range b.call("a", "getDemographicAttributes", `{`+auth+`}`)["result"].([]any) {
		a := a.(map[string]any)
		require.Len(t, a, 2)
		require.NotEmpty(t, a["name"])
		require.NotEmpty(t, a["value"].([]any)[0].(string))
	}
}

// TestSubjectsByCountry: Australia comes before Austria, AT before AU.
func TestSubjectsByCountry(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	for _, code := range []string{"AT", "AU", ""} {
		b.result("a", "createSubject", `{`+auth+`,"subjectName":"of `+code+`","countryCode":"`+code+`"}`)
	}
	for key, want := range map[string]string{"countryName": "of ,of AU,of AT", "countryCode": "of ,of AT,of AU"} {
		var got []string
		for _, sub := range b.result("a", "querySubjects", `{`+auth+`,"query":{},"orderBy":[{"`+key+`":"ASC"}]}`)["subjects"].([]any) {
			got = append(got, sub.(map[string]any)["subjectName"].(string))
		}
		require.Equal(t, want, strings.Join(got, ","), key)
	}
}

func TestSubjectErrors(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	b.result("a", "createSubject", `{`+auth+`,"subjectName":"Ada","sex":"F"}`)
	for _, test := range []struct {
		method, params string
		want           int
	}{
		{"createSubject", ``, CodeMissingParams},
		{"createSubject", `,"subjectName":""`, CodeInvalidParams},
		{"createSubject", `,"subjectName":"` + strings.Repeat("é", 31) + `"`, CodeInvalidParams},
		{"createSubject", `,"subjectName":"Ada"`, CodeSubjectExists},
		{"createSubject", `,"subjectName":"Bob","sex":"X"`, CodeInvalidParams},
		{"createSubject", `,"subjectName":"Bob","dateOfBirth":"10.12.1990"`, CodeInvalidParams},
		{"createSubject", `,"subjectName":"Bob","dateOfBirth":"1990-02-30"`, CodeInvalidParams},
		{"createSubject", `,"subjectName":"Bob","countryCode":"XX"`, CodeInvalidParams},
		{"createSubject", `,"subjectName":"Bob","countryCode":"\n A"`, CodeInvalidParams},
		{"createSubject", `,"subjectName":"Bob","city":"` + strings.Repeat("x", 201) + `"`, CodeInvalidParams},
		{"createSubject", `,"subjectName":"Bob","attributes":[{"name":"a"}]`, CodeInvalidParams},
		{"createSubject", `,"subjectName":"Bob","attributes":["a"]`, CodeInvalidParams},
		{"updateSubject", `,"subjectName":"Bob"`, CodeSubjectUnknown},
		{"updateSubject", `,"subjectName":"Ada","sex":"f"`, CodeInvalidParams},
		{"querySubjects", `,"query":{}`, CodeMissingParams},
		{"querySubjects", `,"query":{"sex":1},"orderBy":[]`, CodeInvalidParams},
		{"querySubjects", `,"query":{"dateOfBirth":{"from":"x"}},"orderBy":[]`, CodeInvalidParams},
		{"querySubjects", `,"query":{"attributes":"x"},"orderBy":[]`, CodeInvalidParams},
		{"querySubjects", `,"query":{},"orderBy":[{"age":"ASC"}]`, CodeInvalidParams},
	} {
		require.Equal(t, test.want, code(b.call("a", test.method, `{`+auth+test.params+`}`)), "%s %s", test.method, test.params)
	}
	require.Equal(t, []*sessionstore.Subject{{Owner: "demo.user", Name: "Ada", Sex: "F"}}, b.service.Store.Subjects())
}
