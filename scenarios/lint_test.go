package scenarios_test

import (
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

func TestLintRightClient(t *testing.T) {
	assert.Empty(t, lint(t, rightFlow))
}

func TestLint(t *testing.T) {
	session := "1 call 5 createSession {\"status\":\"active\"}\n1 answer 5 createSession {\"id\":\"s1\"}\n"
	end := "\n90 call 99 updateSession {\"session\":\"s1\",\"status\":\"close\"}\n90 answer 99 updateSession {}"
	ten := func(line string) string {
		var b strings.Builder
		for range 10 {
			b.WriteString(line + "\n")
		}
		return b.String()
	}
	cases := map[string]string{
		"other-application-token":   "1 error 1 querySessions -32135",
		"session-before-connected":  "1 error 1 createSession -32004",
		"subscribe-without-session": "1 error 1 subscribe -32007",
		"subscribe-failure-ignored": session + strings.Repeat("2 answer 6 subscribe {\"success\":[],\"failure\":[{\"streamName\":\"eeg\",\"code\":-32016}]}\n", 2) + end,
		"session-not-closed":        session,
		"same-id-in-flight":         "1 call 1 authorize {}\n2 call 1 queryHeadsets {}",
		"call-without-token":        "1 error 1 subscribe -32018 cortexToken",
		"unknown-parameter":         "1 call 1 setupProfile {\"headset_id\":\"H\"}",
		"polling-too-fast":          ten("1 call 1 queryHeadsets {}\n1 answer 1 queryHeadsets []"),
		"refresh-while-streaming":   session + "2 answer 6 subscribe {\"success\":[{\"streamName\":\"eeg\"}],\"failure\":[]}\n3 call 7 controlDevice {\"command\":\"refresh\"}" + end,
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
