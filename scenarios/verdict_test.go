package scenarios_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/scenarios"
	"github.com/fakecortex/fakecortex/streams"
)

func call(s float64, method, params string) scenarios.Entry {
	return scenarios.Entry{At: at(s), Conn: 1, Kind: scenarios.EntryCall, Method: method, Params: scenarios.JSON(params)}
}

const t0 = int64(1_000_000_000_000)

func at(s float64) int64 { return t0 + int64(s*1e9) }

func warned(s float64, code int) scenarios.Entry {
	return scenarios.Entry{At: at(s), Conn: 1, Kind: scenarios.EntryWarning, Code: code}
}

// Each expectation, what the client did, and what is said about it; an empty
// message is a pass.
func TestExpectations(t *testing.T) {
	closing := call(5, "updateSession", `{"cortexToken":"t","session":"s","status":"close"}`)
	for name, c := range map[string]struct {
		expect  string
		journal []scenarios.Entry
		message string
	}{
		"met":               {`{must: {call: updateSession, params: {status: close}}}`, []scenarios.Entry{closing}, ""},
		"met in time":       {`{must: updateSession, within: 5s}`, []scenarios.Entry{closing}, ""},
		"nothing like it":   {`{must: updateSession}`, []scenarios.Entry{call(1, "authorize", "{}"), call(2, "authorize", "{}")}, "no updateSession; the client called authorize twice"},
		"nothing at all":    {`{must: updateSession}`, nil, "no updateSession; the client called nothing"},
		"too late":          {`{must: updateSession, after: {warning: 103}, within: 2s}`, []scenarios.Entry{warned(1, 103), closing}, "no updateSession within 2s after warning 103; nearest: it came at 5s, 2s too late"},
		"too early":         {`{must: updateSession, after: {warning: 103}}`, []scenarios.Entry{closing, warned(6, 103)}, "no updateSession after warning 103; nearest: it came once before that"},
		"behind the end":    {`{must: updateSession, before: {warning: 103}}`, []scenarios.Entry{warned(1, 103), closing}, "no updateSession before warning 103; nearest: it came at 5s, 4s too late"},
		"other parameters":  {`{must: {call: updateSession, params: {status: close}}, within: 9s}`, []scenarios.Entry{call(3.2, "updateSession", `{"cortexToken":"secret","status":"active"}`)}, `no updateSession {"status":"close"} within 9s; nearest: updateSession {"status":"active"} at 3.2s (params.status is "active", want "close")`},
		"absent parameter":  {`{must: {call: updateSession, params: {status: "*"}}}`, []scenarios.Entry{call(3, "updateSession", `{"x":1}`)}, `no updateSession {"status":"*"}; nearest: updateSession {"x":1} at 3s (params.status is absent, want "*")`},
		"other connection":  {`{must: {call: updateSession, connection: 2}}`, []scenarios.Entry{closing}, `no updateSession on connection 2; nearest: updateSession {"session":"s","status":"close"} at 5s (it is on connection 1)`},
		"never began":       {`{must: updateSession, after: {warning: 103}}`, nil, "its beginning never came: warning 103"},
		"never began, may":  {`{must: updateSession, after: {warning: 103}, optional: true}`, nil, ""},
		"counted":           {`{must: authorize, count: 2}`, []scenarios.Entry{call(1, "authorize", ""), call(2, "authorize", "")}, ""},
		"too few":           {`{must: authorize, count: {min: 3}}`, []scenarios.Entry{call(1, "authorize", ""), call(2, "authorize", "")}, "authorize came only twice; want at least 3 times"},
		"too many":          {`{must: queryHeadsets, count: {max: 1}, within: 10s}`, []scenarios.Entry{call(1, "queryHeadsets", ""), call(2, "queryHeadsets", ""), call(3, "queryHeadsets", "")}, "queryHeadsets came twice, the last at 2s; want at most once within 10s"},
		"late ones do not":  {`{must: queryHeadsets, count: {max: 1}, within: 1s}`, []scenarios.Entry{call(1, "queryHeadsets", ""), call(2, "queryHeadsets", "")}, ""},
		"exactly none":      {`{must: authorize, count: 0}`, nil, ""},
		"must not":          {`{mustNot: {call: createSession}, before: {warning: 104}}`, []scenarios.Entry{call(0.5, "createSession", `{"status":"active"}`), warned(1, 104)}, `createSession {"status":"active"} came at 500ms on connection 1 before warning 104`},
		"must not, after":   {`{mustNot: {call: createSession}, before: {warning: 104}}`, []scenarios.Entry{warned(1, 104), call(2, "createSession", "")}, ""},
		"must not, error":   {`{mustNot: {error: "*", code: -32019}}`, []scenarios.Entry{{At: at(1), Kind: scenarios.EntryError, Method: "createSession", Code: -32019}}, "error -32019 to createSession came at 1s"},
		"error of another":  {`{mustNot: {error: "*", code: -32019}}`, []scenarios.Entry{{At: at(1), Kind: scenarios.EntryError, Method: "createSession", Code: -32004}}, ""},
		"order":             {`{order: [{call: authorize}, {warning: 104}, {call: createSession}]}`, []scenarios.Entry{call(1, "authorize", ""), warned(2, 104), call(3, "createSession", "")}, ""},
		"wrong order":       {`{order: [{call: authorize}, {warning: 104}, {call: createSession}]}`, []scenarios.Entry{call(1, "authorize", ""), call(2, "createSession", ""), warned(3, 104)}, `createSession came at 2s, before warning 104`},
		"half an order":     {`{order: [{call: authorize}, {warning: 104}]}`, []scenarios.Entry{call(1, "authorize", "")}, "no warning 104 behind authorize at 1s"},
		"same twice":        {`{order: [{call: authorize}, {call: authorize}]}`, []scenarios.Entry{call(1, "authorize", "")}, "no authorize behind authorize at 1s"},
		"sample":            {`{must: {sample: met}}`, []scenarios.Entry{{At: at(1), Kind: scenarios.EntrySample, Stream: "met"}}, ""},
		"event":             {`{must: {event: sessionClosed, where: {reason: client}}}`, []scenarios.Entry{{At: at(1), Kind: scenarios.EntryEvent, Event: "sessionClosed", Fields: map[string]string{"reason": "connection"}}}, `no sessionClosed {"reason":"client"}; nearest: sessionClosed at 1s (its fields are {"reason":"connection"})`},
		"answer":            {`{must: {answer: subscribe, result: {failure: []}}}`, []scenarios.Entry{{At: at(1), Kind: scenarios.EntryAnswer, Method: "subscribe", Result: scenarios.JSON(`{"failure":[],"success":[]}`)}}, ""},
		"answer, error":     {`{must: {answer: subscribe}}`, []scenarios.Entry{{At: at(1), Kind: scenarios.EntryError, Method: "subscribe", Code: -32007}}, `no answer to subscribe; nearest: error -32007 to subscribe at 1s (it is an error, -32007)`},
		"exactly, passed":   {`{must: authorize, count: 1}`, []scenarios.Entry{call(1, "authorize", ""), call(2, "authorize", "")}, "authorize came twice, the last at 2s; want once"},
		"only once":         {`{must: authorize, count: 2}`, []scenarios.Entry{call(1, "authorize", "")}, "authorize came only once; want twice"},
		"a span":            {`{must: authorize, count: {min: 1, max: 2}}`, []scenarios.Entry{call(1, "authorize", ""), call(2, "authorize", ""), call(3, "authorize", "")}, "authorize came 3 times, the last at 3s; want 1 to 2 times"},
		"same number":       {`{must: {call: authorize, params: {debit: 10}}}`, []scenarios.Entry{call(1, "authorize", `{"debit":10.0}`)}, ""},
		"large number":      {`{must: {call: authorize, params: {time: 1700000000123456789}}}`, []scenarios.Entry{call(1, "authorize", `{"time":1700000000123456789}`)}, ""},
		"no parameters":     {`{must: {call: authorize, params: {debit: 10}}}`, []scenarios.Entry{call(1, "authorize", "")}, `no authorize {"debit":10}; nearest: authorize at 1s (params.debit is absent, want 10)`},
		"answer to another": {`{must: {answer: subscribe}}`, []scenarios.Entry{{At: at(1), Kind: scenarios.EntryAnswer, Method: "authorize"}}, `no answer to subscribe; the client called nothing`},
		"list":              {`{must: {call: subscribe, params: {streams: [eeg]}}}`, []scenarios.Entry{call(1, "subscribe", `{"streams":["mot"]}`)}, `no subscribe {"streams":["eeg"]}; nearest: subscribe {"streams":["mot"]} at 1s (params.streams is ["mot"] without "eeg")`},
		"before and within": {`{must: updateSession, before: {warning: 103}, within: 2s}`, []scenarios.Entry{call(3, "updateSession", ""), warned(4, 103), call(9, "updateSession", "")}, "no updateSession within 2s before warning 103; nearest: it came at 3s, 1s too late"},
		"success for error": {`{must: {error: authorize}}`, []scenarios.Entry{{At: at(1), Kind: scenarios.EntryAnswer, Method: "authorize"}}, `no error answer to authorize; nearest: answer to authorize at 1s (it is a success)`},
		"reconnects":        {`{must: {opened: true}, after: {closed: true, code: 1001}, within: 10s}`, []scenarios.Entry{{At: at(1), Kind: scenarios.EntryOpened, Conn: 1}, {At: at(5), Kind: scenarios.EntryClosed, Conn: 1, Code: 1001}, {At: at(8), Kind: scenarios.EntryOpened, Conn: 2}}, ""},
		"run is over":       {`{must: {opened: true}, after: {closed: true, code: 1001}, within: 2m}`, []scenarios.Entry{{At: at(1), Kind: scenarios.EntryOpened, Conn: 1}, {At: at(5), Kind: scenarios.EntryClosed, Conn: 1, Code: 1001}}, "no new connection within 2m0s after end of a connection with code 1001 (the run ended 55s into that time); nearest: it came once before that"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := scenarios.LoadBytes("x.yaml", []byte("expectations:\n- "+c.expect+"\n"), scenarios.Options{})
			require.NoError(t, err)
			v := scenarios.NewVerdict(&s.Document, t0)
			for _, e := range c.journal {
				v.Observe(e)
			}
			out := v.Finish(t0 + int64(time.Minute))
			require.Len(t, out, 1)
			assert.Equal(t, c.message, out[0].Message)
			assert.Equal(t, c.message == "", out[0].Passed)
			assert.NotEmpty(t, out[0].Name)
		})
	}
}

func TestVerdictAsksForSamples(t *testing.T) {
	s, err := scenarios.LoadBytes("x.yaml", []byte("expectations:\n- {must: {sample: met}}\n- {name: named, why: because, must: authorize}\n"), scenarios.Options{})
	require.NoError(t, err)
	v := scenarios.NewVerdict(&s.Document, t0)
	assert.Equal(t, streams.KindSet(streams.MET, streams.METLow), v.Streams())
	out := v.Finish(t0)
	assert.Equal(t, "met sample", out[0].Name)
	assert.Equal(t, "named", out[1].Name)
	assert.Equal(t, "because", out[1].Why)
}

// A flood of calls of made-up methods stays bounded.
func TestVerdictIsBounded(t *testing.T) {
	s, err := scenarios.LoadBytes("x.yaml", []byte("expectations:\n- must: authorize\n"), scenarios.Options{})
	require.NoError(t, err)
	v := scenarios.NewVerdict(&s.Document, t0)
	for i := range 10_000 {
		v.Observe(call(float64(i), fmt.Sprintf("m%d", i), "{}"))
	}
	assert.Less(t, len(v.Finish(t0)[0].Message), 300)
}
