package scenarios_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/scenarios"
)

// journal reads lines such as "1.5 call 7 authorize {...}", "2 error 7 authorize
// -32004", "3 answer 8 subscribe {...}", "4 warning 1 {...}", "5 training
// MC_Succeeded", "6 closed 1008", all on connection 1.
func journal(t *testing.T, text string) []scenarios.Entry {
	t.Helper()
	var out []scenarios.Entry
	for line := range strings.Lines(strings.TrimSpace(text)) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		f := strings.SplitN(strings.TrimSpace(line), " ", 5)
		s, err := time.ParseDuration(f[0] + "s")
		require.NoError(t, err, line)
		e := scenarios.Entry{At: t0 + int64(s), Conn: 1, Kind: scenarios.EntryKind(f[1])}
		code := func(s string) int {
			n := 0
			for _, c := range strings.TrimPrefix(s, "-") {
				n = 10*n + int(c-'0')
			}
			if strings.HasPrefix(s, "-") {
				return -n
			}
			return n
		}
		rest := ""
		if len(f) > 4 {
			rest = f[4]
		}
		switch f[1] {
		case "call":
			e.ID, e.Method, e.Params = scenarios.JSON(f[2]), f[3], scenarios.JSON(rest)
		case "answer":
			e.ID, e.Method, e.Result = scenarios.JSON(f[2]), f[3], scenarios.JSON(rest)
		case "error":
			e.ID, e.Method = scenarios.JSON(f[2]), f[3]
			c, why, _ := strings.Cut(rest, " ")
			e.Code, e.Why = code(c), why
		case "warning":
			e.Code, e.Message = code(f[2]), scenarios.JSON(strings.Join(f[3:], " "))
		case "training":
			e.Kind, e.Event, e.Fields = scenarios.EntryEvent, scenarios.EvTraining, map[string]string{"event": f[2], "headset": "H"}
		case "cut": // by the service
			e.Kind, e.Code, e.Why = scenarios.EntryClosed, code(f[2]), "ended by the service"
		case "closed":
			if len(f) > 2 {
				e.Code = code(f[2])
			}
		}
		out = append(out, e)
	}
	return out
}

func lint(t *testing.T, text string) map[string]string {
	l := scenarios.NewLinter()
	l.Params = func(method string) []string {
		if method == "setupProfile" {
			return []string{"cortexToken", "headset", "profile", "status"}
		}
		return nil
	}
	for _, e := range journal(t, text) {
		l.Observe(e)
	}
	out := map[string]string{}
	for _, f := range l.Finish(t0 + int64(time.Hour)) {
		out[f.Rule] = f.Text
		assert.NotEmpty(t, f.Advice)
		assert.NotEmpty(t, f.Page)
		assert.True(t, strings.HasPrefix(f.Link, "https://emotiv.gitbook.io/cortex-api/"), f.Link)
		assert.False(t, strings.HasSuffix(f.Link, "/"), "%s has a page of its own", f.Rule)
		assert.NotEmpty(t, f.Severity)
		assert.Positive(t, f.Count)
	}
	return out
}

// A client that does all in the right order is not blamed for anything.
const rightFlow = `
1 call 1 requestAccess {}
1 answer 1 requestAccess {"accessGranted":true}
2 call 2 authorize {"debit":10}
2 answer 2 authorize {"cortexToken":"t"}
3 call 3 controlDevice {"command":"refresh"}
3 answer 3 controlDevice {}
4 call 4 queryHeadsets {}
4 answer 4 queryHeadsets []
5 call 4 queryHeadsets {}
5 answer 4 queryHeadsets []
6 call 5 createSession {"status":"active"}
6 answer 5 createSession {"id":"s1"}
7 call 6 subscribe {"session":"s1","streams":["eeg","sys"]}
7 answer 6 subscribe {"success":[{"streamName":"eeg"},{"streamName":"sys"}],"failure":[]}
8 call 7 training {"session":"s1","status":"start"}
8 answer 7 training {}
16 training MC_Succeeded
17 call 7 training {"session":"s1","status":"accept"}
17 answer 7 training {}
17 training MC_Completed
20 call 8 createRecord {"session":"s1"}
20 answer 8 createRecord {"record":{"uuid":"r1"}}
21 call 9 stopRecord {"session":"s1"}
21 answer 9 stopRecord {"record":{"uuid":"r1"}}
23 warning 30 {"recordId":"r1"}
24 call 10 exportRecord {"recordIds":["r1"]}
24 answer 10 exportRecord {"success":[],"failure":[]}
25 call 11 setupProfile {"cortexToken":"t","status":"load","profile":"p","headset":"H"}
25 answer 11 setupProfile {}
30 call 5 updateSession {"session":"s1","status":"close"}
30 answer 5 updateSession {}
30 warning 0 {"sessionId":"s1"}
31 call 12 controlDevice {"command":"refresh"}
31 answer 12 controlDevice {}
32 closed 1000
`

// Each finding leads to the page that it is about.
func TestLintLinks(t *testing.T) {
	link := func(text string) string {
		l := scenarios.NewLinter()
		l.Params = func(string) []string { return []string{} }
		for _, e := range journal(t, text) {
			l.Observe(e)
		}
		require.Len(t, l.Findings(), 1)
		return l.Findings()[0].Link
	}
	for text, want := range map[string]string{
		"1 error 1 createSession -32004":                             "session/createsession",
		"1 closed 1008":                                              "data-subscription",
		"1 call 1 authorize {}\n2 call 1 queryHeadsets {}":           "overview-of-api-flow",
		"1 call 1 facialExpressionThreshold {\"vlaue\":1}":           "advanced-bci/facialexpressionthreshold",
		"1 call 1 requestToDownloadRecordData {\"records\":[\"r\"]}": "records/requesttodownloadrecorddata",
		strings.Repeat("1 error 1 getCortexInfo -32000\n", 10):       "error-codes",
	} {
		assert.Equal(t, "https://emotiv.gitbook.io/cortex-api/"+want, link(text), text)
	}
}

func TestLintRightClient(t *testing.T) {
	assert.Empty(t, lint(t, rightFlow))
}

func TestLint(t *testing.T) {
	session := "1 call 5 createSession {\"status\":\"active\"}\n1 answer 5 createSession {\"id\":\"s1\"}\n"
	eeg := "2 call 6 subscribe {\"session\":\"s1\"}\n2 answer 6 subscribe {\"success\":[{\"streamName\":\"eeg\"}],\"failure\":[]}\n"
	refused := "2 call 6 subscribe {\"session\":\"s1\"}\n2 answer 6 subscribe {\"success\":[],\"failure\":[{\"streamName\":\"eeg\",\"code\":-32016}]}\n"
	end := "\n90 call 99 updateSession {\"session\":\"s1\",\"status\":\"close\"}\n90 answer 99 updateSession {}"
	ten := func(line string) string {
		var b strings.Builder
		for range 10 {
			b.WriteString(line + "\n")
		}
		return b.String()
	}
	cases := map[string]string{
		"other-application-token":   "1 error 1 generateNewToken -32135",
		"session-before-connected":  "1 error 1 createSession -32004",
		"subscribe-without-session": "1 error 1 subscribe -32007",
		"subscribe-failure-ignored": session + refused + "3" + refused[1:] + "4 call 6 queryHeadsets {}" + end,
		"session-not-closed":        session,
		"same-id-in-flight":         "1 call 1 authorize {}\n2 call 1 queryHeadsets {}",
		"call-without-token":        "1 error 1 subscribe -32018 cortexToken",
		"unknown-parameter":         "1 call 1 setupProfile {\"headset_id\":\"H\"}",
		"polling-too-fast":          ten("1 call 1 queryHeadsets {}\n1 answer 1 queryHeadsets []"),
		"refresh-while-streaming":   session + eeg + "3 call 7 controlDevice {\"command\":\"refresh\"}" + end,
		"export-too-early":          "1 answer 9 stopRecord {\"record\":{\"uuid\":\"r1\"}}\n2 call 10 exportRecord {\"recordIds\":[\"r1\"]}",
		"training-not-answered":     "1 training MC_Succeeded",
		"training-without-sys":      "1 call 1 training {\"status\":\"start\"}",
		"no-debit":                  "1 call 1 authorize {}\n1 answer 1 authorize {}\n2 error 2 createSession -32019",
		"marker-in-seconds":         "1 error 1 injectMarker -32115",
		"dead-session":              session + "2 warning 1 {\"behavior\":\"b\",\"sessionId\":\"s1\"}\n5 call 7 subscribe {\"session\":\"s1\"}",
		"not-reauthorized":          strings.Repeat("1 error 1 querySessions -32034\n", 3),
		"slow-reader":               "1 closed 1008",
		"repeated-error":            ten("1 error 1 createSession -32000"),
	}
	for _, r := range scenarios.LintRules() {
		text, ok := cases[r.Name]
		require.True(t, ok, r.Name)
		t.Run(r.Name, func(t *testing.T) {
			found := lint(t, text)
			assert.Contains(t, found, r.Name)
			assert.Len(t, found, 1, "%v", found)
		})
	}
}

// TestLintLeavesAlone has what is near to each misuse, and is none.
func TestLintLeavesAlone(t *testing.T) {
	session := "1 call 5 createSession {\"status\":\"active\"}\n1 answer 5 createSession {\"id\":\"s1\"}\n"
	eeg := "2 call 6 subscribe {\"session\":\"s1\"}\n2 answer 6 subscribe {\"success\":[{\"streamName\":\"eeg\"},{\"streamName\":\"sys\"}],\"failure\":[{\"streamName\":\"com\",\"code\":-32016}]}\n"
	refused := "2 call 6 subscribe {\"session\":\"s1\"}\n2 answer 6 subscribe {\"success\":[],\"failure\":[{\"streamName\":\"eeg\",\"code\":-32016}]}\n"
	stopped := "1 answer 9 stopRecord {\"record\":{\"uuid\":\"r1\"}}\n"
	end := "\n90 call 99 updateSession {\"session\":\"s1\",\"status\":\"close\"}\n90 answer 99 updateSession {}"
	every := func(n int, method string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%d call 1 %s {}\n%d answer 1 %s []\n", i+1, method, i+1, method)
		}
		return b.String()
	}
	none := func(rules map[string][]string) {
		for _, r := range scenarios.LintRules() {
			require.NotEmpty(t, rules[r.Name], r.Name)
			for i, text := range rules[r.Name] {
				t.Run(fmt.Sprintf("%s %d", r.Name, i), func(t *testing.T) { assert.Empty(t, lint(t, text)) })
			}
		}
	}
	none(map[string][]string{
		// Two applications, each with a token of its own.
		"other-application-token": {"1 call 1 queryProfile {}\n1 answer 1 queryProfile []"},
		"session-before-connected": {
			"1 call 1 queryHeadsets {}\n1 answer 1 queryHeadsets [{\"id\":\"H\",\"status\":\"connected\"}]\n2 call 2 createSession {\"headset\":\"H\"}\n2 error 2 createSession -32004", // refused all the same
			"1 warning 104 {\"headsetId\":\"H\"}\n2 call 2 createSession {}\n2 error 2 createSession -32004",
			"2 error 2 createSession -32152",
		},
		"subscribe-without-session": {session + "2 call 6 subscribe {\"session\":\"s1\"}\n2 error 6 subscribe -32007" + end},
		"subscribe-failure-ignored": {
			session + eeg + end, // one of three
			session + refused + "5 call 7 authorize {\"license\":\"x\"}\n5 answer 7 authorize {}" + end,
			session + refused + "3 call 99 updateSession {\"session\":\"s1\",\"status\":\"close\"}\n3 answer 99 updateSession {}\n60 closed 1000",
		},
		"session-not-closed": {session + end, session + "2 warning 1 {\"sessionId\":\"s1\"}\n3 closed 1000", session + "2 cut 1006"},
		"same-id-in-flight": {
			"1 call 1 authorize {}\n1 answer 1 authorize {}\n2 call 1 queryHeadsets {}",
			"1 call 1 authorize {}\n30 call 1 authorize {}", // never answered, and sent again
			"1 call 1 authorize {}\n1 call 2 queryHeadsets {}",
		},
		"call-without-token": {"1 call 1 queryHeadsets {}\n1 answer 1 queryHeadsets []", "1 error 1 createSession -32018 status"},
		"unknown-parameter":  {"1 call 1 setupProfile {\"headset\":\"H\",\"status\":\"load\"}", "1 call 1 madeUp {\"x\":1}"},
		"polling-too-fast":   {every(20, "queryHeadsets"), strings.Repeat("1 call 1 getCortexInfo {}\n1 answer 1 getCortexInfo {}\n", 20)},
		"refresh-while-streaming": {
			session + "2 call 7 controlDevice {\"command\":\"refresh\"}" + end,
			session + eeg + "3 call 7 controlDevice {\"command\":\"connect\"}" + end,
			session + eeg + "3 call 7 unsubscribe {\"session\":\"s1\"}\n3 answer 7 unsubscribe {\"success\":[{\"streamName\":\"eeg\"}],\"failure\":[]}\n4 call 8 controlDevice {\"command\":\"refresh\"}" + end,
			session + eeg + "3 warning 1 {\"sessionId\":\"s1\"}\n3 call 8 controlDevice {\"command\":\"refresh\"}",
		},
		"export-too-early": {
			stopped + "2 warning 30 {\"recordId\":\"r1\"}\n3 call 10 exportRecord {\"recordIds\":[\"r1\"]}",
			stopped + "2 warning 18 \"text\"\n3 call 10 exportRecord {\"recordIds\":[\"r1\"]}",
			"1 call 10 exportRecord {\"recordIds\":[\"old\"]}",
			stopped + "70 call 10 exportRecord {\"recordIds\":[\"r1\"]}", // the warning never came
		},
		"training-not-answered": {
			"1 training MC_Succeeded\n2 call 1 training {\"status\":\"accept\"}",
			"1 training FE_Succeeded\n2 call 1 training {\"status\":\"reject\"}",
			"1 training MC_Failed", "1 training MC_Succeeded\n2 training MC_Reset",
		},
		"training-without-sys": {session + eeg + "3 call 7 training {\"status\":\"start\"}\n3 answer 7 training {}" + end},
		"no-debit": {
			"1 call 1 authorize {\"debit\":5}\n1 answer 1 authorize {}\n2 error 2 createSession -32019", // it is really used up
			"1 call 1 authorize {}\n1 answer 1 authorize {}\n2 error 2 createSession -32019\n3 call 3 authorize {\"debit\":1}",
		},
		"marker-in-seconds": {"1 error 1 injectMarker -32116"},
		"dead-session": {
			session + "2 warning 1 {\"sessionId\":\"s1\"}\n2.5 call 7 subscribe {\"session\":\"s1\"}", // under way already
			session + "2 call 7 updateSession {\"session\":\"s1\",\"status\":\"close\"}\n2 answer 7 updateSession {}\n2 warning 1 {\"sessionId\":\"s1\"}\n9 call 8 querySessions {}",
		},
		"not-reauthorized": {"1 error 1 querySessions -32034\n2 call 2 authorize {}\n2 answer 2 authorize {}"},
		"slow-reader":      {"1 closed 1000", "1 closed 1006"},
		"repeated-error":   {strings.Repeat("1 error 1 createSession -32000\n", 9)},
	})
}

// A token of one application on the connection of another one.
func TestLintKnowsTheApplication(t *testing.T) {
	l := scenarios.NewLinter()
	of := func(app string) map[string]string { return map[string]string{"application": app} }
	for _, e := range []scenarios.Entry{
		{Conn: 1, Kind: scenarios.EntryAnswer, Method: "authorize", Fields: of("com.a")},
		{Conn: 1, Kind: scenarios.EntryCall, Method: "queryProfile", Fields: of("com.a")},
		{Conn: 2, Kind: scenarios.EntryCall, Method: "queryProfile", Fields: of("com.a")}, // kept from before
		{Conn: 2, Kind: scenarios.EntryAnswer, Method: "authorize", Fields: of("com.b")},
	} {
		l.Observe(e)
	}
	require.Empty(t, l.Findings())
	l.Observe(scenarios.Entry{Conn: 2, Kind: scenarios.EntryCall, Method: "querySessions", Fields: of("com.a")})
	found := l.Findings()
	require.Len(t, found, 1)
	assert.Equal(t, "other-application-token", found[0].Rule)
	assert.Equal(t, "querySessions with a token of com.a on a connection that authorized as com.b", found[0].Text)
}

// A client that was refused every stream, and waits.
func TestLintKnowsWhoWaits(t *testing.T) {
	text := "1 call 5 createSession {}\n1 answer 5 createSession {\"id\":\"s1\"}\n" +
		"2 call 6 subscribe {\"session\":\"s1\"}\n2 answer 6 subscribe {\"success\":[],\"failure\":[{\"streamName\":\"eeg\",\"code\":-32016}]}\n"
	rest := "call 7 updateSession {\"session\":\"s1\",\"status\":\"close\"}"
	assert.Empty(t, lint(t, text+"11.9 "+rest))
	assert.Contains(t, lint(t, text+"12 "+rest), "subscribe-failure-ignored")
	assert.Contains(t, lint(t, text), "subscribe-failure-ignored", "to the end of the run")
}

// The same method twice is no better than two.
func TestLintKnowsTheSameCallInFlight(t *testing.T) {
	assert.Contains(t, lint(t, "1 call 1 queryHeadsets {}\n2 call 1 queryHeadsets {}"), "same-id-in-flight")
}

// What a rule of the faults answers says nothing of what the client did, only what
// it does then.
func TestLintKnowsTheFaults(t *testing.T) {
	for _, text := range []string{
		"1 error 1 createSession -32004", "1 error 1 createSession -32019\n2 error 1 createSession -32019", "1 error 1 injectMarker -32115",
		"1 error 1 querySessions -32135", "1 error 1 subscribe -32007", "1 error 1 subscribe -32018",
	} {
		assert.NotEmpty(t, lint(t, text))
		assert.Empty(t, lint(t, strings.ReplaceAll(text, "\n", " "+scenarios.ByRule+"\n")+" "+scenarios.ByRule), text)
	}
	assert.Contains(t, lint(t, strings.Repeat("1 error 1 querySessions -32034 "+scenarios.ByRule+"\n", 3)), "not-reauthorized")
	assert.Contains(t, lint(t, strings.Repeat("1 error 1 authorize -32000 "+scenarios.ByRule+"\n", 10)), "repeated-error")
}

func TestLintCounts(t *testing.T) {
	l := scenarios.NewLinter()
	for _, e := range journal(t, "1 error 1 createSession -32004\n2 error 1 createSession -32004") {
		l.Observe(e)
	}
	f := l.Finish(t0)
	require.Len(t, f, 1)
	assert.Equal(t, 2, f[0].Count)
	assert.Equal(t, t0+int64(time.Second), f[0].At)
	assert.Equal(t, uint64(1), f[0].Conn)
}
