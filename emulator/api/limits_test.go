package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// What a client may fill the service with is bounded, and beyond a bound it gets
// an error whose reason says which (docs/limits.md).
func TestLimits(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	json := func(format string, args ...any) string { return fmt.Sprintf(format, args...) }
	for _, test := range []struct {
		name   string
		world  func(*World)
		before func(*bench)
		// The request that is still taken, and the one beyond the bound.
		method, within, beyond string
		code                   int
		reason                 string
	}{
		{
			name: "sessions", world: func(w *World) { w.MaxSessions = 2 },
			method: "createSession", within: `{"cortexToken":"$second","status":"open"}`, beyond: `{"cortexToken":"$third","status":"open"}`,
			before: func(b *bench) {
				b.authorize("second")
				b.authorize("third")
			},
			code: CodeInternal, reason: "2 sessions are open",
		},
		{
			name: "applications", world: func(w *World) { w.MaxApplications = 2 },
			method: "authorize", within: `{"clientId":"second","clientSecret":"s"}`, beyond: `{"clientId":"third","clientSecret":"s"}`,
			code: CodeInternal, reason: "there are 2 applications",
		},
		{
			name: "application asked for", world: func(w *World) { w.MaxApplications = 2 },
			method: "hasAccessRight", within: `{"clientId":"second","clientSecret":"s"}`, beyond: `{"clientId":"third","clientSecret":"s"}`,
			code: CodeInternal, reason: "there are 2 applications",
		},
		{
			name: "client id", method: "authorize", within: json(`{"clientId":%q,"clientSecret":"s"}`, long(255)),
			beyond: json(`{"clientId":%q,"clientSecret":"s"}`, long(256)), code: CodeInvalidParams, reason: "clientId: want a string of at most 255 bytes",
		},
		{
			name: "subjects", world: func(w *World) { w.MaxRecords = 1 },
			method: "createSubject", within: `{"cortexToken":"$token","subjectName":"a"}`, beyond: `{"cortexToken":"$token","subjectName":"b"}`,
			code: CodeInternal, reason: "there are 1 subjects",
		},
		{
			name:   "attributes of a subject",
			method: "createSubject", within: json(`{"cortexToken":"$token","subjectName":"a","attributes":[{"name":"n","value":%q}]}`, long(200)),
			beyond: json(`{"cortexToken":"$token","subjectName":"b","attributes":[{"name":"n","value":%q}]}`, long(201)),
			code:   CodeInvalidParams, reason: "attributes: want strings of at most 200 bytes",
		},
		{
			name: "records", world: func(w *World) { w.MaxRecords = 1 },
			method: "createRecord", within: `{"cortexToken":"$token","session":"$session","title":"a"}`, beyond: `{"cortexToken":"$other","session":"$elsewhere","title":"b"}`,
			before: func(b *bench) {
				b.authorize("other")
				b.vars["$elsewhere"] = b.call("a", "createSession", `{"cortexToken":"$other","status":"active"}`)["result"].(map[string]any)["id"].(string)
			},
			code: CodeInternal, reason: "there are 1 records",
		},
		{
			name:   "tags of a record",
			before: func(b *bench) { b.startRecord() },
			method: "updateRecord", within: json(`{"cortexToken":"$token","record":"$record","tags":[%q]}`, long(100_000)),
			beyond: json(`{"cortexToken":"$token","record":"$record","tags":[%q,"y"]}`, long(100_000)), code: CodeInvalidParams, reason: "tags: want an array of at most 1000 strings, of at most 100000 bytes together",
		},
		{
			name: "text of a marker", before: func(b *bench) { b.startRecord() },
			method: "injectMarker", within: json(`{"cortexToken":"$token","session":"$session","time":$now,"label":%q,"value":1}`, long(9_998)),
			beyond: json(`{"cortexToken":"$token","session":"$session","time":$now,"label":%q,"value":1}`, long(9_999)), code: CodeInvalidParams, reason: "label: want at most 10000 bytes",
		},
		{
			name: "extras of a marker", before: func(b *bench) { b.startRecord() },
			method: "injectMarker", within: json(`{"cortexToken":"$token","session":"$session","time":$now,"label":"l","value":1,"extras":{"x":%q}}`, long(64<<10-8)),
			beyond: json(`{"cortexToken":"$token","session":"$session","time":$now,"label":"l","value":1,"extras":{"x":%q}}`, long(64<<10-7)), code: CodeInvalidParams, reason: "extras: want an object of at most 65536 bytes",
		},
		{
			name: "extras of the end of a marker", before: func(b *bench) {
				b.startRecord()
				b.call("a", "injectMarker", `{"cortexToken":"$token","session":"$session","time":$now,"label":"l","value":1}`)
			},
			method: "updateMarker", within: json(`{"cortexToken":"$token","session":"$session","markerId":"$marker","time":$now,"extras":{"x":%q}}`, long(64<<10-8)),
			beyond: json(`{"cortexToken":"$token","session":"$session","markerId":"$marker","time":$now,"extras":{"x":%q}}`, long(64<<10-7)), code: CodeInvalidParams, reason: "extras: want an object of at most 65536 bytes",
		},
		{
			name: "markers that wait for their sample", before: func(b *bench) {
				b.startRecord()
				for range maxMarks - 1 {
					b.call("a", "injectMarker", `{"cortexToken":"$token","session":"$session","time":$now,"label":"l","value":1}`)
				}
			},
			method: "injectMarker", within: `{"cortexToken":"$token","session":"$session","time":$now,"label":"l","value":1}`,
			beyond: `{"cortexToken":"$token","session":"$session","time":$now,"label":"l","value":1}`, code: CodeInternal, reason: "10000 markers wait for the samples of their time",
		},
		{
			name: "name of a headset", method: "updateHeadsetCustomInfo",
			within: json(`{"cortexToken":"$token","headsetId":"EPOCX-3B9A0001","headbandPosition":"top","customName":%q}`, long(255)),
			beyond: json(`{"cortexToken":"$token","headsetId":"EPOCX-3B9A0001","headbandPosition":"top","customName":%q}`, long(256)),
			code:   CodeInvalidParams, reason: "customName: want a string of at most 255 bytes",
		},
		{
			name: "name of a mapping", method: "configMapping",
			within: json(`{"cortexToken":"$token","status":"create","name":%q,"mappings":{"CMS":"TP8","DRL":"TP7","LA":"AF3"}}`, long(255)),
			beyond: json(`{"cortexToken":"$token","status":"create","name":%q,"mappings":{"CMS":"TP8","DRL":"TP7","LA":"AF3"}}`, long(256)),
			code:   CodeInvalidParams, reason: "name: want a string of at most 255 bytes",
		},
		{
			name: "virtual headsets", world: func(w *World) { w.VirtualHeadsetMethods = true },
			before: func(b *bench) {
				for range maxVirtual - 1 {
					b.call("a", "createVirtualHeadset", `{"cortexToken":"$token","type":"INSIGHT"}`)
				}
			},
			method: "createVirtualHeadset", within: `{"cortexToken":"$token","type":"MN8"}`, beyond: `{"cortexToken":"$token","type":"MN8"}`,
			code: CodeInternal, reason: "there are 64 virtual headsets",
		},
		{
			name: "name of a virtual headset", world: func(w *World) { w.VirtualHeadsetMethods = true },
			method: "createVirtualHeadset", within: json(`{"cortexToken":"$token","type":"MN8","name":%q}`, long(255)),
			beyond: json(`{"cortexToken":"$token","type":"MN8","name":%q}`, long(256)), code: CodeInvalidParams, reason: "name: want a string of at most 255 bytes",
		},
		{
			name: "size of an answer", world: func(w *World) { w.MaxAnswer = 100_000 },
			before: func(b *bench) {
				b.startRecord()
				b.call("a", "updateRecord", json(`{"cortexToken":"$token","record":"$record","description":%q}`, long(100_000)))
			},
			method: "getRecordInfos", within: `{"cortexToken":"$token","recordIds":[]}`, beyond: `{"cortexToken":"$token","recordIds":["$record"]}`,
			code: CodeInternal, reason: "at most 100000 are sent: ask for less",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := DefaultWorld()
			w.Headsets = []HeadsetSpec{{ID: "EPOCX-3B9A0001", ConnectedBy: "bluetooth"}}
			if test.world != nil {
				test.world(&w)
			}
			b := newBench(t, w)
			b.session("a")
			b.vars["$now"] = fmt.Sprint(b.sched.Now() / 1e6)
			token, session := b.vars["$token"], b.vars["$session"]
			if test.before != nil {
				test.before(b)
			}
			b.vars["$token"], b.vars["$session"] = token, session
			require.Zero(t, code(b.call("a", test.method, test.within)), "within the bound: %s", strings.Join(b.reasons, "\n"))
			b.vars["$token"], b.vars["$session"] = token, session
			b.reasons = nil
			require.Equal(t, test.code, code(b.call("a", test.method, test.beyond)))
			require.Len(t, b.reasons, 1)
			require.Contains(t, b.reasons[0], test.reason)
			require.Zero(t, code(b.call("a", "querySessions", `{"cortexToken":"$token"}`)), "the rest goes on")
		})
	}
}

// authorize keeps the token of another application under its name.
func (b *bench) authorize(name string) {
	b.vars["$"+name] = b.call("a", "authorize", fmt.Sprintf(`{"clientId":%q,"clientSecret":"s"}`, name))["result"].(map[string]any)["cortexToken"].(string)
}

func (b *bench) startRecord() {
	b.call("a", "createRecord", `{"cortexToken":"$token","session":"$session","title":"r"}`)
}

// A call makes nothing happen later when too much waits already: on the manual
// clock it might wait for ever.
func TestEventsThatWaitAreBounded(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	for n := b.sched.Len(); n < maxEvents; n++ {
		b.sched.After(int64(time.Hour), func() {})
	}
	require.Equal(t, CodeInternal, code(b.call("a", "querySessions", `{"cortexToken":"$token"}`)))
	require.Contains(t, b.reasons[len(b.reasons)-1], "1000000 events wait for their time")
	b.advance(2 * time.Hour)
	require.Zero(t, code(b.call("a", "querySessions", `{"cortexToken":"$token"}`)))
}

// Requests to a starting service wait, but not without end.
func TestHeldRequestsAreBounded(t *testing.T) {
	for name, padding := range map[string]int{"many": 0, "large": 100_000} {
		t.Run(name, func(t *testing.T) {
			w := DefaultWorld()
			w.Phase = PhaseStarting
			b := newBench(t, w)
			b.connect("a")
			request := fmt.Sprintf(`{"id":1,"jsonrpc":"2.0","method":"queryHeadsets","params":{"x":%q}}`, strings.Repeat("x", padding))
			most := min(maxHeld, maxHeldBytes/len(request))
			for range most {
				require.Empty(t, b.send("a", request), "held")
			}
			frames := b.send("a", request)
			require.Len(t, frames, 1)
			require.Contains(t, frames[0], "-32122")
			b.advance(10 * time.Second)
			require.Len(t, b.frames["a"], 1+1+most, "refused, warning 23, the held ones")
		})
	}
}

// A scan has each caller once, however often it asks.
func TestCallersOfAScanAreBounded(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	for range 100 {
		b.call("a", "controlDevice", `{"command":"refresh"}`)
	}
	require.Len(t, b.service.scan.callers, 1)
}

// Files that are being written are bounded: exports and records.
func TestWorkBesideTheLoopIsBounded(t *testing.T) {
	w := DefaultWorld()
	sched := streams.NewScheduler(transcriptStart.UnixNano())
	b := newBench(t, w)
	var finish []func()
	var err error
	b.sched = sched
	b.service, err = New(w, sched, b.service.log, Hooks{
		Refused:    func(_ sessionstore.ConnID, method string, code int, why string) { b.reasons = append(b.reasons, why) },
		Background: func(_ func(context.Context), done func()) { finish = append(finish, done) },
	})
	require.NoError(t, err)
	b.session("a")
	b.startRecord()
	b.call("a", "stopRecord", `{"cortexToken":"$token","session":"$session"}`)
	b.advance(10 * time.Second)
	export := fmt.Sprintf(`{"id":1,"jsonrpc":"2.0","method":"exportRecord","params":{"cortexToken":%q,"recordIds":[%q],"folder":%q,"streamTypes":["EEG"],"format":"EDF"}}`,
		b.vars["$token"], b.vars["$record"], t.TempDir())
	for range maxWork {
		require.Empty(t, b.send("a", export), "it runs")
	}
	for method, request := range map[string]string{
		"exportRecord": export,
		"createRecord": b.expand(`{"id":1,"jsonrpc":"2.0","method":"createRecord","params":{"cortexToken":"$token","session":"$session","title":"r"}}`),
	} {
		frames := b.send("a", request)
		require.Len(t, frames, 1, method)
		require.Contains(t, frames[0], fmt.Sprint(CodeInternal), method)
		require.Contains(t, b.reasons[len(b.reasons)-1], "64 exports and records are being written", method)
	}
	for _, done := range finish {
		done()
	}
	require.Empty(t, b.send("a", export), "it runs again")
}

func TestHeadsetsAreBounded(t *testing.T) {
	b := newBench(t, DefaultWorld())
	for i := len(b.service.devices); i < maxHeadsets; i++ {
		require.NoError(t, b.service.AddHeadset(HeadsetSpec{ID: fmt.Sprintf("INSIGHT-%08X", i), Status: StartOff}))
	}
	require.ErrorContains(t, b.service.AddHeadset(HeadsetSpec{ID: "INSIGHT-FFFFFFFF"}), "the world has 1000 headsets already")
}

// The ids of old records leave a session that makes ever more of them.
func TestRecordIDsOfASessionAreBounded(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	for range 1001 {
		b.startRecord()
		b.call("a", "stopRecord", `{"cortexToken":"$token","session":"$session"}`)
		require.Zero(t, code(b.call("a", "deleteRecord", `{"cortexToken":"$token","records":["$record"]}`)))
		b.out.Reset()
	}
	answer, err := json.Marshal(b.call("a", "querySessions", `{"cortexToken":"$token"}`))
	require.NoError(t, err)
	require.Contains(t, string(answer), b.vars["$record"])
	var sessions struct {
		Result []struct{ RecordIDs []string }
	}
	require.NoError(t, json.Unmarshal(answer, &sessions))
	require.Len(t, sessions.Result[0].RecordIDs, 1000)
}
