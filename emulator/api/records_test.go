package api

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// result returns the result of a call, which must succeed.
func (b *bench) result(name, method, params string) map[string]any {
	b.t.Helper()
	answer := b.call(name, method, params)
	require.Contains(b.t, answer, "result", "%s: %v", method, answer)
	result, _ := answer["result"].(map[string]any)
	return result
}

const auth = `"cortexToken":"$token"`
const inSession = auth + `,"session":"$session"`

// record starts a record and returns its id, also as $record.
func (b *bench) record(name string) string {
	b.t.Helper()
	r := b.result(name, "createRecord", `{`+inSession+`,"title":"Run"}`)["record"].(map[string]any)
	b.vars["$record"] = r["uuid"].(string)
	return b.vars["$record"]
}

// warnings returns the warnings of a code that a client received.
func (b *bench) warnings(name string, code int) (messages []any) {
	for _, frame := range b.frames[name] {
		var f struct {
			Warning *struct {
				Code    int
				Message any
			}
		}
		require.NoError(b.t, json.Unmarshal([]byte(frame), &f))
		if f.Warning != nil && f.Warning.Code == code {
			messages = append(messages, f.Warning.Message)
		}
	}
	return messages
}

func failures(result map[string]any) string {
	var out []string
	for _, f := range result["failure"].([]any) {
		f := f.(map[string]any)
		id := f["recordId"]
		if id == nil {
			id = f["subjectName"]
		}
		out = append(out, fmt.Sprint(id, " ", f["code"]))
	}
	return strings.Join(out, ",")
}

func successes(result map[string]any) string {
	var out []string
	for _, f := range result["success"].([]any) {
		for _, v := range f.(map[string]any) {
			out = append(out, fmt.Sprint(v))
		}
	}
	return strings.Join(out, ",")
}

func TestRecordObject(t *testing.T) {
	for _, test := range []struct{ version, want string }{
		{"2.1", `applicationId applicationVersion description endDatetime licenseId licenseScope ownerId startDatetime tags title uuid`},
		{"2.3", `applicationId applicationVersion description endDatetime experimentId licenseId licenseScope localOnly ownerId startDatetime tags title uuid`},
		{DefaultVersion, `applicationId applicationVersion description endDatetime experimentId headbandPosition licenseId licenseScope localOnly ownerId startDatetime subject tags title uuid`},
	} {
		t.Run(test.version, func(t *testing.T) {
			b := newBench(t, scriptWorld(t, "world version="+test.version))
			b.session("a")
			r := b.result("a", "createRecord", `{`+inSession+`,"title":"Run"}`)["record"].(map[string]any)
			var keys []string
			for k := range r {
				keys = append(keys, k)
			}
			require.ElementsMatch(t, strings.Fields(test.want), keys)
			require.Equal(t, []any{}, r["tags"])
			require.Equal(t, "", r["description"])
			require.Equal(t, "", r["endDatetime"], "empty while running")
			if test.version != "2.1" {
				require.Equal(t, 0.0, r["experimentId"])
			}
			require.Equal(t, "2026-05-29T14:18:45.108000+07:00", r["startDatetime"])
			require.Equal(t, "d0e1a2b3-0000-4000-8000-000000000001", r["ownerId"], "the id of the user, not the EmotivID")
			require.Equal(t, []any{"eeg", "pm"}, r["licenseScope"])
			if test.version == DefaultVersion {
				require.Equal(t, map[string]any{"subjectName": "demo.user"}, r["subject"], "the user, when no subject is named")
				require.Nil(t, r["headbandPosition"])
			}
			b.advance(1500 * time.Millisecond)
			stopped := b.result("a", "stopRecord", `{`+inSession+`}`)["record"].(map[string]any)
			require.Equal(t, "2026-05-29T14:18:46.608000+07:00", stopped["endDatetime"])
			r["endDatetime"] = stopped["endDatetime"]
			require.Equal(t, r, stopped)
		})
	}
}

func TestRecordWithEverything(t *testing.T) {
	world := DefaultWorld()
	world.Headsets[0].HeadbandPosition = "back"
	world.Licenses[0].Scopes = nil
	b := newBench(t, world)
	b.session("a")
	b.result("a", "createSubject", `{`+auth+`,"subjectName":"Ada"}`)
	r := b.result("a", "createRecord", `{`+inSession+`,"title":"T","description":"D","subjectName":"Ada","tags":["x","y"],"experimentId":12}`)["record"].(map[string]any)
	require.Equal(t, []any{"T", "D", []any{"x", "y"}, 12.0, "back", map[string]any{"subjectName": "Ada"}, []any{""}},
		[]any{r["title"], r["description"], r["tags"], r["experimentId"], r["headbandPosition"], r["subject"], r["licenseScope"]})
	session := b.call("a", "querySessions", `{`+auth+`}`)["result"].([]any)[0].(map[string]any)
	require.Equal(t, []any{true, []any{r["uuid"]}}, []any{session["recording"], session["recordIds"]})
	b.result("a", "stopRecord", `{`+inSession+`}`)
	session = b.call("a", "querySessions", `{`+auth+`}`)["result"].([]any)[0].(map[string]any)
	require.Equal(t, []any{false, []any{r["uuid"]}}, []any{session["recording"], session["recordIds"]})
}

// TestRecordErrors calls every method of records and markers in a way that
// Cortex refuses; nothing changes by it.
func TestRecordErrors(t *testing.T) {
	long := strings.Repeat("é", 201)
	for _, test := range []struct {
		name, method, params string
		want                 int
	}{
		{"no title", "createRecord", inSession, CodeMissingParams},
		{"title too long", "createRecord", inSession + `,"title":"` + long + `"`, CodeInvalidParams},
		{"no session", "createRecord", auth + `,"session":"x","title":"T"`, CodeSessionUnknown},
		{"second record", "createRecord", inSession + `,"title":"T"`, CodeRecordRunning},
		{"negative experiment", "createRecord", inSession + `,"title":"T","experimentId":-1`, CodeInvalidParams},
		{"tags are no strings", "createRecord", inSession + `,"title":"T","tags":[1]`, CodeInvalidParams},
		{"stop without session", "stopRecord", auth + `,"session":"x"`, CodeSessionUnknown},
		{"update unknown", "updateRecord", auth + `,"record":"x","title":"T"`, CodeRecordUnknown},
		{"update too long", "updateRecord", auth + `,"record":"$record","title":"` + long + `"`, CodeInvalidParams},
		{"query without order", "queryRecords", auth + `,"query":{}`, CodeMissingParams},
		{"order by two keys", "queryRecords", auth + `,"query":{},"orderBy":[{"title":"ASC","description":"ASC"}]`, CodeInvalidParams},
		{"order by nothing known", "queryRecords", auth + `,"query":{},"orderBy":[{"size":"ASC"}]`, CodeInvalidParams},
		{"order in lower case", "queryRecords", auth + `,"query":{},"orderBy":[{"title":"asc"}]`, CodeInvalidParams},
		{"negative limit", "queryRecords", auth + `,"query":{},"orderBy":[],"limit":-1`, CodeInvalidParams},
		{"negative offset", "queryRecords", auth + `,"query":{},"orderBy":[],"offset":-1`, CodeInvalidParams},
		{"application without license", "queryRecords", auth + `,"query":{"applicationId":"com.other.app"},"orderBy":[]`, CodeInvalidParams},
		{"keyword is a number", "queryRecords", auth + `,"query":{"keyword":1},"orderBy":[]`, CodeInvalidParams},
		{"date is none", "queryRecords", auth + `,"query":{"startDatetime":{"from":"yesterday"}},"orderBy":[]`, CodeInvalidParams},
		{"modified is no object", "queryRecords", auth + `,"query":{"modifiedDatetime":"2026"},"orderBy":[]`, CodeInvalidParams},
		{"duration is a string", "queryRecords", auth + `,"query":{"duration":{"to":"5"}},"orderBy":[]`, CodeInvalidParams},
		{"opt out of nothing", "configOptOut", auth + `,"status":"set"`, CodeMissingParams},
		{"opt out, unknown status", "configOptOut", auth + `,"status":"toggle"`, CodeInvalidParams},
		{"marker without value", "injectMarker", inSession + `,"time":$now,"label":"l"`, CodeMissingParams},
		{"marker, value is an object", "injectMarker", inSession + `,"time":$now,"label":"l","value":{}`, CodeInvalidParams},
		{"marker, negative integer", "injectMarker", inSession + `,"time":$now,"label":"l","value":-1`, CodeInvalidParams},
		{"marker, extras is an array", "injectMarker", inSession + `,"time":$now,"label":"l","value":1,"extras":[]`, CodeInvalidParams},
		{"marker, time beyond reason", "injectMarker", inSession + `,"time":1e300,"label":"l","value":1`, CodeInvalidParams},
		{"marker in the future", "injectMarker", inSession + `,"time":1800000000000,"label":"l","value":1`, CodeMarkerTooNew},
		{"marker without session", "injectMarker", auth + `,"session":"x","time":$now,"label":"l","value":1`, CodeSessionUnknown},
		{"update unknown marker", "updateMarker", inSession + `,"markerId":"x","time":$now`, CodeMarkerUnknown},
		{"update marker, old", "updateMarker", inSession + `,"markerId":"$marker","time":1700000000`, CodeMarkerTooOld},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, DefaultWorld())
			b.session("a")
			b.record("a")
			b.vars["$now"] = fmt.Sprint(b.service.Now().UnixMilli())
			m := b.result("a", "injectMarker", `{`+inSession+`,"time":$now,"label":"l","value":1}`)["marker"].(map[string]any)
			b.vars["$marker"] = m["uuid"].(string)
			before := b.state()
			require.Equal(t, test.want, code(b.call("a", test.method, `{`+test.params+`}`)))
			require.Equal(t, before, b.state(), "a refusal changes nothing")
			require.Len(t, b.reasons, 1, "our log tells why")
		})
	}
}

// state prints the records of the world.
func (b *bench) state() string {
	var out []string
	for _, r := range b.service.Store.Records() {
		text, err := json.Marshal(r)
		require.NoError(b.t, err)
		out = append(out, string(text))
	}
	return strings.Join(out, "\n")
}

func TestRecordNeedsAnActivatedSession(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.connect("a")
	b.result("a", "authorize", `{`+client+`}`)
	b.result("a", "createSession", `{`+auth+`,"status":"open"}`)
	for method, params := range map[string]string{
		"createRecord": `,"title":"T"`, "stopRecord": ``, "injectMarker": `,"time":1,"value":1,"label":"l"`, "updateMarker": `,"markerId":"m","time":1`,
	} {
		require.Equal(t, CodeSessionNotActive, code(b.call("a", method, `{`+inSession+params+`}`)), method)
	}
	b.result("a", "updateSession", `{`+inSession+`,"status":"active"}`)
	for method, params := range map[string]string{"stopRecord": ``, "injectMarker": `,"time":1,"value":1,"label":"l"`, "updateMarker": `,"markerId":"m","time":1`} {
		require.Equal(t, CodeNoRecordRunning, code(b.call("a", method, `{`+inSession+params+`}`)), method)
	}
	require.Equal(t, CodeSubjectUnknown, code(b.call("a", "createRecord", `{`+inSession+`,"title":"T","subjectName":"Nobody"}`)))
	b.record("a")
}

// TestRecordEndsWithItsSession: a session close, the loss of the headset, the
// end of the client and a scenario end a record, and its data is ready later.
func TestRecordEndsWithItsSession(t *testing.T) {
	for name, end := range map[string]func(*bench){
		"session closed":   func(b *bench) { b.result("a", "updateSession", `{`+inSession+`,"status":"close"}`) },
		"headset given up": func(b *bench) { b.service.SetHeadsetPower("EPOCPLUS-3B9A0001", false); b.advance(30 * time.Second) },
		"disconnected": func(b *bench) {
			b.result("b", "controlDevice", `{"command":"disconnect","headset":"EPOCPLUS-3B9A0001"}`)
		},
		"client gone":       func(b *bench) { b.service.Disconnect(b.names["a"]) },
		"user logged out":   func(b *bench) { b.service.apply(b.service.Store.LogOut(b.service.Now())) },
		"stopped by Cortex": func(b *bench) { require.True(b.t, b.service.StopRecords("EPOCPLUS-3B9A0001")) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, DefaultWorld())
			b.session("a")
			b.connect("b") // another connection of the same application
			if name != "client gone" {
				b.result("b", "querySessions", `{`+auth+`}`)
			}
			id := b.record("a")
			b.advance(2 * time.Second)
			end(b)
			if name == "client gone" { // a known second connection would keep the session
				b.result("b", "querySessions", `{`+auth+`}`)
			}
			at := b.service.Now()
			r := b.service.Store.Record("demo.user", id)
			require.Equal(t, []any{at, sessionstore.RecordProcessing}, []any{r.End, r.State})
			require.Empty(t, b.service.devices["EPOCPLUS-3B9A0001"].recorders)
			require.Empty(t, b.warnings("b", WarnRecordReady))
			b.advance(time.Second)
			require.Equal(t, sessionstore.RecordReady, r.State)
			message := b.warnings("b", WarnRecordReady)
			require.Len(t, message, 1)
			require.Equal(t, id, message[0].(map[string]any)["recordId"])
			samples := b.service.data[id].recording.Samples(0)
			require.Equal(t, int64(512), samples, "two seconds of eeg, and none of the silence")
		})
	}
}

// TestRecordEndsWithItsHeadset, also where the session outlives it: the samples of
// another connection belong to another record.
func TestRecordEndsWithItsHeadset(t *testing.T) {
	world := DefaultWorld()
	world.SessionEnd = time.Minute
	b := newBench(t, world)
	b.session("a")
	first := b.record("a")
	b.advance(3 * time.Second)
	b.result("a", "controlDevice", `{"command":"disconnect","headset":"EPOCPLUS-3B9A0001"}`)
	require.Equal(t, sessionstore.RecordProcessing, b.service.Store.Record("demo.user", first).State)
	b.result("a", "controlDevice", `{"command":"connect","headset":"EPOCPLUS-3B9A0001"}`)
	b.advance(10 * time.Second)
	second := b.record("a")
	b.advance(2 * time.Second)
	b.result("a", "stopRecord", `{`+inSession+`}`)
	b.advance(time.Second)
	for id, samples := range map[string]int64{first: 3 * 256, second: 2 * 256} {
		require.Equal(t, samples, b.service.data[id].recording.Samples(streams.EEG))
		result := b.result("a", "exportRecord", fmt.Sprintf(`{%s,"recordIds":[%q],"folder":%q,"format":"EDF","streamTypes":["EEG","MOTION"]}`, auth, id, t.TempDir()))
		require.Equal(t, id, successes(result))
	}
}

// TestRecordEndsWithNewSettings: a record has one layout from start to end.
func TestRecordEndsWithNewSettings(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	first := b.record("a")
	b.advance(time.Second)
	d := b.service.devices["EPOCPLUS-3B9A0001"]
	require.NoError(t, b.service.configure(d, d.model.CompleteSettings(streams.Settings{Mode: "EPOCPLUS", EEGRate: 128, MemsRate: 0})))
	require.Equal(t, sessionstore.RecordProcessing, b.service.Store.Record("demo.user", first).State)
	second := b.record("a")
	b.advance(time.Second)
	b.result("a", "stopRecord", `{`+inSession+`}`)
	b.advance(time.Second)
	for id, samples := range map[string]int64{first: 256, second: 128} {
		require.Equal(t, samples, b.service.data[id].recording.Samples(streams.EEG))
	}
	b.vars["$record"] = first
	require.Equal(t, first, successes(b.export("a", t.TempDir(), "EEG,MOTION")))
	b.vars["$record"] = second
	require.Equal(t, second+" -32138", failures(b.export("a", t.TempDir(), "EEG,MOTION")), "motion is off")
	folder := t.TempDir()
	require.Equal(t, second, successes(b.export("a", folder, "EEG")))
	require.Contains(t, lines(t, folder, "*.csv")[0], "sampling rate:eeg_128,")
}

func TestReadyWarningByVersion(t *testing.T) {
	for version, want := range map[string]string{
		"2.6": `18 map[message:The session data has been successfully saved.]`,
		"3.7": `18 map[message:The session data has been successfully saved.]`,
		"4.0": `30 map[behavior:The post-processing of the record $record has finished. recordId:$record]`,
	} {
		world := scriptWorld(t, "world version="+version)
		world.PostProcessing = 2500 * time.Millisecond
		b := newBench(t, world)
		b.session("a")
		b.connect("b")
		b.result("b", "authorize", `{"clientId":"app-other","clientSecret":"s"}`)
		b.result("b", "querySessions", `{`+auth+`}`)
		b.result("a", "authorize", `{`+client+`}`)
		b.record("a")
		b.result("a", "stopRecord", `{`+inSession+`}`)
		b.advance(2500*time.Millisecond - 1)
		require.Empty(t, append(b.warnings("a", 18), b.warnings("a", 30)...), version)
		b.advance(1)
		got := ""
		for _, code := range []int{18, 30} {
			for _, m := range b.warnings("a", code) {
				got += fmt.Sprint(code, " ", m)
			}
			require.Empty(t, b.warnings("b", code), "another application is not told")
		}
		require.Equal(t, b.expand(want), got, version)
	}
}

func TestPostProcessingThatNeverEnds(t *testing.T) {
	world := DefaultWorld()
	world.PostProcessingNever = true
	b := newBench(t, world)
	b.session("a")
	b.record("a")
	b.result("a", "stopRecord", `{`+inSession+`}`)
	b.advance(time.Hour)
	require.Empty(t, b.warnings("a", WarnRecordReady))
	require.Equal(t, b.vars["$record"]+" -32137", failures(b.export("a", t.TempDir(), "EEG")))
}

func TestUpdateRecord(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	b.record("a")
	r := b.result("a", "updateRecord", `{`+auth+`,"record":"$record","title":"New","tags":["a"]}`)
	require.Equal(t, []any{"New", []any{"a"}, "", b.vars["$record"]}, []any{r["title"], r["tags"], r["description"], r["uuid"]}, "the bare record object")
	r = b.result("a", "updateRecord", `{`+auth+`,"record":"$record","description":"D"}`)
	require.Equal(t, []any{"New", []any{"a"}, "D"}, []any{r["title"], r["tags"], r["description"]}, "what is left out stays")
	b.connect("b")
	b.result("b", "authorize", `{"clientId":"app-other","clientSecret":"s"}`)
	require.Equal(t, CodeRecordUnknown, code(b.call("b", "updateRecord", `{`+auth+`,"record":"$record","title":"X"}`)), "only the record's own application")
}

func TestDeleteRecord(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	b.record("a")
	require.Equal(t, b.vars["$record"]+" -32017", failures(b.result("a", "deleteRecord", `{`+auth+`,"records":["$record"]}`)), "it runs")
	b.result("a", "stopRecord", `{`+inSession+`}`)
	data := b.service.data[b.vars["$record"]]
	b.connect("b")
	own := b.vars["$token"]
	b.result("b", "authorize", `{"clientId":"app-other","clientSecret":"s"}`)
	require.Equal(t, b.vars["$record"]+" -32113", failures(b.result("b", "deleteRecord", `{`+auth+`,"records":["$record"]}`)))
	b.vars["$token"] = own
	result := b.result("a", "deleteRecord", `{`+auth+`,"records":["$record","invalid-id"]}`)
	require.Equal(t, b.vars["$record"], successes(result))
	require.Equal(t, map[string]any{"code": -32113.0, "message": "Invalid Record ID.", "recordId": "invalid-id"}, result["failure"].([]any)[0])
	require.Empty(t, b.service.Store.Records())
	require.Empty(t, b.service.data)
	_, err := data.recording.Open(0).Next()
	require.Error(t, err, "the samples are gone")
	b.advance(time.Hour)
	require.Empty(t, b.warnings("a", WarnRecordReady), "a deleted record is not ready")
}

// TestQueryRecordsAnswer looks at the shape of the answer; the filters are
// tested in sessionstore.
func TestQueryRecordsAnswer(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	var ids []string
	for range 3 {
		ids = append(ids, b.record("a"))
		b.vars["$now"] = fmt.Sprint(b.service.Now().UnixMilli())
		b.result("a", "injectMarker", `{`+inSession+`,"time":$now,"label":"l","value":"v"}`)
		b.advance(time.Second)
		b.result("a", "stopRecord", `{`+inSession+`}`)
	}
	uuids := func(result map[string]any) (list []string) {
		for _, r := range result["records"].([]any) {
			list = append(list, r.(map[string]any)["uuid"].(string))
		}
		return list
	}
	all := b.result("a", "queryRecords", `{`+auth+`,"query":{},"orderBy":[{"startDatetime":"DESC"}]}`)
	require.Equal(t, []any{3.0, 0.0, 0.0}, []any{all["count"], all["limit"], all["offset"]})
	require.Equal(t, []string{ids[2], ids[1], ids[0]}, uuids(all))
	first := all["records"].([]any)[0].(map[string]any)
	require.NotContains(t, first, "markers")
	require.NotContains(t, first, "syncStatus")
	page := b.result("a", "queryRecords", `{`+auth+`,"query":{},"orderBy":[{"startDatetime":"ASC"}],"limit":1,"offset":1,"includeMarkers":true,"includeSyncStatusInfo":true}`)
	require.Equal(t, []any{3.0, 1.0, 1.0}, []any{page["count"], page["limit"], page["offset"]})
	require.Equal(t, ids[1:2], uuids(page))
	r := page["records"].([]any)[0].(map[string]any)
	require.Equal(t, map[string]any{"status": "neverUploaded"}, r["syncStatus"])
	require.Equal(t, "v", r["markers"].([]any)[0].(map[string]any)["value"])
	later := b.result("a", "queryRecords", `{`+auth+`,"query":{"startDatetime":{"from":"2026-05-29T07:18:46Z","to":""},"duration":{"from":1,"to":1}},"orderBy":[]}`)
	require.Equal(t, ids[1:], uuids(later))
	none := b.result("a", "queryRecords", `{`+auth+`,"query":{"licenseId":"00000000-0000-4000-8000-000000000000"},"orderBy":[]}`)
	require.Equal(t, []any{[]any{}, 0.0}, []any{none["records"], none["count"]})

	infos := b.call("a", "getRecordInfos", `{`+auth+`,"recordIds":["`+ids[2]+`","unknown","`+ids[0]+`"]}`)["result"].([]any)
	require.Len(t, infos, 2, "an array, without the unknown one")
	require.Equal(t, []any{ids[2], ids[0]}, []any{infos[0].(map[string]any)["uuid"], infos[1].(map[string]any)["uuid"]})
}

func TestConfigOptOut(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	get := func() map[string]any { return b.result("a", "configOptOut", `{`+auth+`,"status":"get"}`) }
	set := func(on string) map[string]any {
		return b.result("a", "configOptOut", `{`+auth+`,"status":"set","newOptOut":`+on+`}`)
	}
	localOnly := func() any {
		r := b.result("a", "createRecord", `{`+inSession+`,"title":"T"}`)["record"].(map[string]any)
		b.result("a", "stopRecord", `{`+inSession+`}`)
		return r["localOnly"]
	}
	config := func(on, available bool, message string) map[string]any { // the members of cortex-example #125
		return map[string]any{"currOptOut": on, "forceOptOut": on && !available, "message": message + " opt-out configuration successfully", "optOutAvail": available}
	}
	require.Equal(t, config(false, true, "Get"), get())
	require.Equal(t, false, localOnly())
	require.Equal(t, config(true, true, "Set"), set("true"))
	require.Len(t, b.warnings("a", WarnOptOutOn), 1)
	require.Equal(t, true, localOnly())
	set("true")
	require.Len(t, b.warnings("a", WarnOptOutOn), 1, "nothing changed")
	require.Equal(t, false, set("false")["currOptOut"])
	require.Len(t, b.warnings("a", WarnOptOutOff), 1)
	on := true
	b.service.Store.Licenses()[0].ForceOptOut = &on
	require.Equal(t, CodeOptOutUnavailable, code(b.call("a", "configOptOut", `{`+auth+`,"status":"set","newOptOut":true}`)), "the license decides")
	require.Equal(t, config(true, false, "Get"), get())
	require.Len(t, b.warnings("a", WarnOptOutOff), 1)
	require.Equal(t, true, localOnly())
}

func seeded() World {
	world := DefaultWorld()
	world.Licenses = append(world.Licenses, world.Licenses[0])
	world.Licenses[1].ID = "11ce25e0-0000-4000-8000-000000000002"
	world.Subjects = []sessionstore.Subject{{Name: "Ada", Sex: "F", DateOfBirth: "1990-12-10", CountryCode: "AT", Attributes: []sessionstore.SubjectAttribute{{Name: "handedness", Value: "Left"}}}}
	world.Records = []RecordSpec{
		{Title: "Mine", Subject: "Ada", Survey: json.RawMessage(`{"mood":[1,"good"]}`), Duration: 5 * time.Second, Markers: []MarkerSpec{{At: time.Second, Value: json.Number("7"), Label: "go"}, {At: 2 * time.Second, Duration: time.Second, Value: "blue", Label: "wait"}}},
		{Title: "Theirs", ApplicationID: "com.other.app", LicenseID: world.Licenses[1].ID, Duration: 2 * time.Second},
		{Title: "Empty", NoData: true},
		{Title: "Far", Sync: sessionstore.SyncNotDownloaded, Duration: time.Second},
	}
	return world
}

// id returns the id of the record of that title, also as $record.
func (b *bench) id(title string) string {
	for _, r := range b.service.Store.Records() {
		if r.Title == title {
			b.vars["$record"] = r.ID
			return r.ID
		}
	}
	b.t.Fatalf("no record %q", title)
	return ""
}

// export calls exportRecord for $record as CSV V2.
func (b *bench) export(name, folder, streamTypes string, more ...string) map[string]any {
	b.t.Helper()
	types := `"` + strings.ReplaceAll(streamTypes, ",", `","`) + `"`
	return b.result(name, "exportRecord", fmt.Sprintf(`{%s,"recordIds":["$record"],"folder":%q,"streamTypes":[%s],"format":"CSV","version":"V2"%s}`,
		auth, folder, types, strings.Join(more, "")))
}

func TestRequestToDownloadRecordData(t *testing.T) {
	b := newBench(t, seeded())
	b.session("a")
	id := b.id("Far")
	require.Equal(t, id+" -32137", failures(b.export("a", t.TempDir(), "EEG")), "its data is not here")
	mine := b.id("Mine")
	result := b.result("a", "requestToDownloadRecordData", `{`+auth+`,"recordIds":["`+id+`","`+mine+`","x"]}`)
	require.Equal(t, id, successes(result))
	require.Equal(t, mine+" -32186,x -32113", failures(result))
	status := func() any {
		r := b.result("a", "queryRecords", `{`+auth+`,"query":{"keyword":"far"},"orderBy":[],"includeSyncStatusInfo":true}`)["records"].([]any)[0]
		return r.(map[string]any)["syncStatus"].(map[string]any)["status"]
	}
	require.Equal(t, "notDownloaded", status())
	b.advance(2 * time.Second)
	require.Equal(t, "downloaded", status())
	b.id("Far")
	require.Equal(t, id, successes(b.export("a", t.TempDir(), "EEG")))
}

// TestSeededRecords: records of a world have the samples of a simulated run, and
// those of another application need its license.
func TestSeededRecords(t *testing.T) {
	b := newBench(t, seeded())
	b.session("a")
	folder := t.TempDir()
	b.id("Mine")
	result := b.export("a", folder, "EEG,MOTION,PM,BP", `,"includeDemographics":true,"includeMarkerExtraInfos":true,"includeSurvey":true`)
	require.Equal(t, b.vars["$record"], successes(result))
	rows := lines(t, folder, "Mine_EPOCPLUS_1_*.csv")
	require.Equal(t, 2+5*256, len(rows), "two lines of header, 5 s at 256 Hz")
	require.Len(t, lines(t, folder, "*_intervalMarker.csv"), 3)
	var doc struct {
		Demographics map[string]any
		Survey       map[string]any
		Markers      []map[string]any
		ExportApp    string
	}
	text, err := os.ReadFile(only(t, folder, "*.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &doc))
	require.Equal(t, map[string]any{
		"birthday": "1990-12-10", "gender": "F", "handedness": "Left", "countryOfResidence": map[string]any{"iso": "AT", "printable": "Austria"},
	}, doc.Demographics)
	require.Equal(t, map[string]any{"mood": []any{1.0, "good"}}, doc.Survey)
	require.Len(t, doc.Markers, 2)
	require.Equal(t, "com.demo.user.app-basic", doc.ExportApp)

	b.id("Empty")
	require.Equal(t, b.vars["$record"]+" -32147", failures(b.export("a", folder, "EEG")))

	own := b.result("a", "queryRecords", `{`+auth+`,"query":{},"orderBy":[]}`)
	require.Equal(t, 3.0, own["count"])
	require.Equal(t, "com.demo.user.app-basic", own["records"].([]any)[0].(map[string]any)["applicationId"], "a record without an application is of who asks")
	b.id("Theirs")
	license := b.service.Store.Licenses()[1].ID
	theirs := b.result("a", "queryRecords", `{`+auth+`,"query":{"licenseId":"`+license+`","applicationId":"com.other.app"},"orderBy":[]}`)
	require.Equal(t, 1.0, theirs["count"])
	require.Equal(t, b.vars["$record"]+" -32113", failures(b.export("a", folder, "EEG")))
	require.Equal(t, b.vars["$record"], successes(b.export("a", folder, "EEG", `,"licenseIds":["`+license+`"]`)))

	again := newBench(t, seeded())
	again.session("a")
	other := t.TempDir()
	again.id("Mine")
	again.export("a", other, "EEG,MOTION,PM,BP")
	require.Equal(t, rows, lines(t, other, "Mine_EPOCPLUS_1_*.csv"), "every run has the same samples")
}

// TestSeededRecordOfAFlex: a Flex that nobody has connected yet had a mapping when
// the record was made.
func TestSeededRecordOfAFlex(t *testing.T) {
	world := DefaultWorld()
	world.Headsets[0] = HeadsetSpec{ID: "EPOCFLEX-3B9A0001", Status: StartDiscovered}
	world.Records = []RecordSpec{{Title: "Flex", Duration: time.Second}}
	b := newBench(t, world)
	b.connect("a")
	b.result("a", "authorize", `{`+client+`}`)
	folder := t.TempDir()
	id := b.id("Flex")
	require.Equal(t, id, successes(b.export("a", folder, "EEG")))
	require.Contains(t, lines(t, folder, "*.csv")[1], "EEG.Interpolated,EEG.C3,EEG.T7,")
	text, err := os.ReadFile(only(t, folder, "*.json"))
	require.NoError(t, err)
	require.Contains(t, string(text), `"CMS": "TP10"`)
	require.Empty(t, b.service.devices["EPOCFLEX-3B9A0001"].headset.Mappings, "it still has none")
}

func only(t *testing.T, folder, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, pattern))
	require.NoError(t, err)
	var kept []string
	for _, p := range paths {
		if !strings.HasSuffix(p, "_intervalMarker.csv") || strings.Contains(pattern, "interval") {
			kept = append(kept, p)
		}
	}
	require.Len(t, kept, 1, pattern)
	return kept[0]
}

func lines(t *testing.T, folder, pattern string) []string {
	t.Helper()
	text, err := os.ReadFile(only(t, folder, pattern))
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func TestSeedsThatCannotBe(t *testing.T) {
	for want, change := range map[string]func(*World){
		`owner "x"`:                func(w *World) { w.Records[0].Owner = "x" },
		`headset "EPOCX-00000009"`: func(w *World) { w.Records[0].HeadsetID = "EPOCX-00000009" },
		`neither a string`:         func(w *World) { w.Records[0].Markers[0].Value = 7 },
		`has no license`:           func(w *World) { w.Licenses = nil },
		`there is a subject "Ada"`: func(w *World) { w.Subjects = append(w.Subjects, w.Subjects[0]) },
	} {
		world := seeded()
		change(&world)
		_, err := New(world, streams.NewScheduler(transcriptStart.UnixNano()), slog.New(slog.DiscardHandler), Hooks{})
		require.ErrorContains(t, err, want)
	}
}

func TestEveryRefusalHasACode(t *testing.T) {
	for reason := sessionstore.ReasonNone + 1; !strings.HasPrefix(reason.String(), "Reason("); reason++ {
		require.NotZero(t, reasonCodes[reason], reason)
	}
}
