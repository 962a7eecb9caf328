package emulator_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/scenarios"
)

// TestAClientIsJudgedByWhatItWasGiven: the journal, the expectations and the
// linter know of an answer, a warning or a sample what the client knows of it,
// after whatever a rule of the faults did to it on its way.
func TestAClientIsJudgedByWhatItWasGiven(t *testing.T) {
	closing := `updateSession {` + ownSession + `,"status":"close"}`
	for name, test := range map[string]struct {
		rule    string // of the faults
		expect  string
		steps   []string
		words   string // what the client got
		journal string // answers to createSession and updateSession, warnings: kind, code, when
		failed  string // of the expectation
		found   string // by the linter
	}{
		"late": {
			`{on: {kind: answer, method: createSession}, latency: 3s}`, `{must: subscribe, after: {answer: createSession}, within: 1s}`,
			[]string{authorizing, activating, "3s", subscribing("sys"), closing}, "ok ok ok ok 0",
			"answer createSession 3s, answer updateSession 3s, warning 0 3s", "", "",
		},
		"lost": {
			`{on: {kind: answer, method: createSession}, drop: }`, `{mustNot: {answer: createSession}}`,
			[]string{authorizing, activating}, "ok", "", "", "",
		},
		"lost with its connection": {
			`{on: {kind: answer, method: createSession}, latency: 1h}`, `{mustNot: {answer: createSession}}`,
			[]string{authorizing, activating}, "ok", "", "", "",
		},
		"another answer": {
			`{on: {kind: answer, method: createSession}, error: -32000}`, `{mustNot: {error: createSession}}`,
			[]string{authorizing, activating}, "ok -32000", "error createSession -32000 0s", "error -32000 to createSession came at 0s on connection 1", "",
		},
		"another error": {
			`{on: {kind: answer, method: createSession}, error: -32000}`, `{mustNot: {error: createSession, code: -32004}}`,
			[]string{authorizing, `createSession {"cortexToken":"$token","status":"active","headset":"EPOCX-1"}`}, "ok -32000", "error createSession -32000 0s", "", "",
		},
		"the id of another": {
			`{on: {kind: answer, method: createSession}, wrongId: }`, `{mustNot: {answer: createSession}}`,
			[]string{authorizing, activating}, "ok ok", "", "", "",
		},
		"twice": {
			`{on: {kind: answer, method: createSession}, duplicate: {times: 3, gap: 1s}}`, `{must: {answer: createSession}, count: 1}`,
			[]string{authorizing, activating, "2s", closing}, "ok ok ok ok ok", "answer createSession 0s, answer updateSession 2s", "", "",
		},
		"a lost warning": {
			`{on: {kind: warning}, drop: }`, `{mustNot: subscribe, after: {warning: 1}}`,
			[]string{authorizing, activating, "closeSessions", "5s", subscribing("sys")}, "ok ok -32007", "answer createSession 0s", "", "",
		},
		"a late warning": {
			`{on: {kind: warning}, latency: 2s}`, `{mustNot: subscribe, after: {warning: 1}}`,
			[]string{authorizing, activating, "closeSessions", "2s", "5s", subscribing("sys")}, "ok ok 1 -32007", "answer createSession 0s, warning 1 2s",
			`subscribe {"session":`, "dead-session",
		},
		"lost samples": {
			`{on: {stream: dev}, drop: }`, `{mustNot: {sample: dev}}`,
			[]string{authorizing, activating, subscribing("dev"), "2s", closing}, "ok ok ok ok 0", "answer createSession 0s, answer updateSession 2s, warning 0 2s", "", "",
		},
		"late samples": {
			`{on: {stream: dev}, latency: 600ms}`, `{must: {sample: dev}, before: {call: updateSession}, count: 2}`,
			[]string{authorizing, activating, subscribing("dev"), "1700ms", closing}, "ok ok ok dev dev ok 0", "answer createSession 0s, answer updateSession 1.7s, warning 0 1.7s", "", "",
		},
		"refused": { // and not served: the second call finds no session of the first
			`{on: {method: createSession, count: 1}, error: -32004}`, `{must: {error: createSession, code: -32004}, count: 1}`,
			[]string{authorizing, querying, activating, activating, closing}, "ok ok -32004 ok ok",
			"error createSession -32004 0s, answer createSession 0s, answer updateSession 0s", "", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := startWith(t, "faults: ["+test.rule+"]\nexpectations: ["+test.expect+"]")
			p := &player{peer: dialMemory(t, e), e: e, vars: map[string]string{}}
			var words []string
			for _, step := range test.steps {
				if step == "closeSessions" {
					require.NoError(t, e.Act(step))
					step = "0s"
				}
				words = append(words, p.play(step)...)
			}
			assert.Equal(t, test.words, strings.Join(words, " "))
			require.NoError(t, p.conn.Close(websocket.StatusNormalClosure, ""))
			require.Eventually(t, func() bool { return len(e.State().Connections) == 0 }, time.Minute, time.Millisecond)
			start := e.Clock().Start.UnixNano()
			var journal, found []string
			for _, entry := range e.Journal(emulator.JournalQuery{Kinds: []string{"answer", "error", "warning"}}).Entries {
				if entry.Kind == "warning" || entry.Method == "createSession" || entry.Method == "updateSession" {
					text := string(entry.Kind)
					if entry.Method != "" {
						text += " " + entry.Method
					}
					if entry.Kind != "answer" {
						text += fmt.Sprint(" ", entry.Code)
					}
					journal = append(journal, text+" "+time.Duration(entry.At-start).String())
				}
			}
			assert.Equal(t, test.journal, strings.Join(journal, ", "))
			verdict := e.Verdict(true)
			require.Len(t, verdict.Expectations, 1)
			if test.failed == "" {
				assert.Empty(t, verdict.Expectations[0].Message)
			} else {
				assert.Contains(t, verdict.Expectations[0].Message, test.failed)
			}
			for _, f := range verdict.Findings {
				found = append(found, f.Rule)
			}
			assert.Equal(t, test.found, strings.Join(found, " "))
		})
	}
}

// A call that a rule refuses is a call all the same: the timeline and the counters
// know of it.
func TestRefusedCallsCount(t *testing.T) {
	e := startWith(t, `
faults: [{on: {method: createSession, count: 1}, error: -32000}]
timeline: [{onCall: {method: createSession, params: {status: active}, n: 2}, do: {warning: 19}}]
`)
	p := &player{peer: dialMemory(t, e), e: e, vars: map[string]string{}}
	p.play(authorizing)
	assert.Equal(t, []string{"-32000"}, p.play(activating))
	assert.Equal(t, []string{"ok", "19"}, p.play(activating))
	assert.EqualValues(t, 2, e.Counters().Calls["createSession"])
}

// What somebody does by hand is in the journal, with what it says.
func TestJournalHasWhatIsDoneByHand(t *testing.T) {
	e := startWith(t, "")
	require.NoError(t, e.Act("battery: 12"))
	require.NoError(t, e.Act("blink"))
	rule, err := scenarios.ParseRule([]byte(`{on: {method: authorize}, latency: 3s}`))
	require.NoError(t, err)
	id, err := e.AddFault(rule)
	require.NoError(t, err)
	require.NoError(t, e.RemoveFault(id))
	require.Error(t, e.RemoveFault(id))
	require.NoError(t, e.SetClock("x10"))
	require.NoError(t, e.Pause())
	require.NoError(t, e.Resume())
	require.NoError(t, e.SetClock("manual"))
	var got []string
	for _, entry := range e.Journal(emulator.JournalQuery{Kinds: []string{"action", "note"}}).Entries {
		assert.Equal(t, "by hand", entry.Step)
		got = append(got, strings.TrimSpace(entry.Event+" "+string(entry.Params)+string(entry.Message)))
	}
	assert.Equal(t, []string{
		`battery {"percent":12}`, `blink {"times":1,"every":"1s"}`, `fault {"id":"latency-1","on":{"method":["authorize"]},"latency":{"fixed":"3s"}}`,
		`clearFault {"id":"latency-1"}`, `clearFault {"id":"latency-1"}`, `"clearFault could not be done: fault \"latency-1\": there is no such rule"`,
		`"the clock is x10 from now on"`, `"the clock is manual from now on"`, `"the clock is x10 from now on"`, `"the clock is manual from now on"`,
	}, got)
}

// firsts are the first answers with an id: it may be there once more, when a rule
// copies it, or the request.
type firsts []string

func (f *firsts) add(id string, code int) {
	if !slices.ContainsFunc(*f, func(have string) bool { return strings.HasPrefix(have, id+" ") }) {
		*f = append(*f, fmt.Sprint(id, " ", code))
	}
}

// TestJournalIsWhatTheClientGot lets one or two rules loose on some calls, and holds
// the journal's answers against those that the client can read, in their order.
func TestJournalIsWhatTheClientGot(t *testing.T) {
	e := emulator.StartT(t, emulator.Options{})
	journal := func(kinds ...string) emulator.JournalPage { return e.Journal(emulator.JournalQuery{Kinds: kinds}) }
	given := 0
	rapid.Check(t, func(rt *rapid.T) {
		var rules []string
		for range rapid.IntRange(1, 2).Draw(rt, "rules") {
			on := rapid.SampledFrom([]string{"", "kind: answer", "kind: request", "method: queryHeadsets", "kind: answer, method: getUserLogin", "kind: [answer, warning]"}).Draw(rt, "on")
			more := rapid.SampledFrom([]string{"", "probability: 0.5", "count: 2", "nth: 2", "skip: 1"}).Draw(rt, "more")
			fault := rapid.SampledFrom([]string{
				"latency: {uniform: [0s, 700ms]}", "latency: 1s", "stall: 600ms", "burst: 700ms", "drop: ", "duplicate: {times: 2, gap: 300ms}",
				"reorder: 2", "truncate: 9", "wrongId: ", "error: -32000", "wait: answer", "insert: {before: {a: 1}}", "fragment: 20", "bandwidth: 300",
			}).Draw(rt, "fault")
			rules = append(rules, "{on: {"+strings.Trim(on+", "+more, ", ")+"}, "+fault+"}")
		}
		err := e.LoadDocument([]byte("extends: default\nfaults: ["+strings.Join(rules, ", ")+"]"), nil)
		var mistakes scenarios.Errors
		if errors.As(err, &mistakes) {
			return // such as a wrong id of requests
		}
		require.NoError(rt, err)
		p := dialMemory(t, e)
		defer p.conn.CloseNow()
		for i := range rapid.IntRange(1, 8).Draw(rt, "calls") {
			method := rapid.SampledFrom([]string{"getCortexInfo", "queryHeadsets", "getUserLogin", "querySessions", "madeUp"}).Draw(rt, "method")
			p.write(fmt.Sprintf(`{"id":%d,"jsonrpc":"2.0","method":%q,"params":{}}`, i+1, method))
			require.Eventually(rt, func() bool { return journal("call").Matched == i+1 }, time.Minute, 100*time.Microsecond)
			require.NoError(rt, e.Advance(time.Duration(rapid.IntRange(0, 900).Draw(rt, "pause"))*time.Millisecond))
		}
		require.NoError(rt, e.Advance(10*time.Second))
		var noted, got firsts
		for _, entry := range journal("answer", "error").Entries {
			noted.add(string(entry.ID), entry.Code)
		}
		require.NoError(rt, e.Act("clearFault"))
		p.write(`{"id":"end","jsonrpc":"2.0","method":"getCortexInfo"}`)
		for {
			var frame struct {
				ID    any
				Error struct{ Code int }
			}
			if json.Unmarshal([]byte(p.read()), &frame) != nil {
				continue // broken
			}
			if frame.ID == "end" {
				break
			}
			switch id, ok := frame.ID.(float64); {
			case ok && id < 1000: // else it is a wrong one
				got.add(fmt.Sprint(id), frame.Error.Code)
			case frame.ID == nil && frame.Error.Code != 0: // to a request that was broken on its way
				got.add("", frame.Error.Code)
			}
		}
		require.Equal(rt, got, noted, "%s", rules)
		given += len(got)
	})
	require.Positive(t, given)
}
