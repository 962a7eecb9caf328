package api

import (
	"encoding/json"
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSessionObjectIsTheDocumentedOne compares the members of a session that is
// opened and subscribed to met and mot with the documented example. Since 2.6
// the object has more members; those of the example stay.
func TestSessionObjectIsTheDocumentedOne(t *testing.T) {
	want, err := os.ReadFile("testdata/session_object.json")
	require.NoError(t, err)
	var example map[string]any
	require.NoError(t, json.Unmarshal(want, &example))
	for _, version := range []string{"2.2", "2.3", DefaultVersion} {
		t.Run(version, func(t *testing.T) {
			b := newBench(t, scriptWorld(t, "world version="+version))
			b.connect("a")
			b.call("a", "authorize", `{"clientId":"first-app","clientSecret":"s"}`)
			b.call("a", "createSession", `{"cortexToken":"$token","status":"open"}`)
			b.call("a", "subscribe", `{"cortexToken":"$token","session":"$session","streams":["met","mot"]}`)
			got := b.call("a", "querySessions", `{"cortexToken":"$token"}`)["result"].([]any)[0].(map[string]any)
			require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, got["id"])
			got["id"] = example["id"]
			if version == DefaultVersion {
				removeNewer(got, example)
			}
			require.Equal(t, example, got)
		})
	}
}

func removeNewer(got, example map[string]any) {
	for key, value := range got {
		if _, ok := example[key]; !ok {
			delete(got, key)
		} else if inner, ok := value.(map[string]any); ok {
			removeNewer(inner, example[key].(map[string]any))
		}
	}
}

func TestMalformedInput(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	for _, test := range []struct{ name, frame, want string }{
		{"not JSON", `hello`, `{"error":{"code":-32700,"message":"Parse error."},"id":null,"jsonrpc":"2.0"}`},
		{"batch", `[]`, `{"error":{"code":-32600,"message":"Invalid Request."},"id":null,"jsonrpc":"2.0"}`},
		{"no method", `{"id":4,"jsonrpc":"2.0"}`, `{"error":{"code":-32600,"message":"Invalid Request."},"id":4,"jsonrpc":"2.0"}`},
		{"unknown method", `{"id":"x","jsonrpc":"2.0","method":"login"}`, `{"error":{"code":-32601,"message":"Method not found."},"id":"x","jsonrpc":"2.0"}`},
		{"case", `{"id":0,"jsonrpc":"2.0","method":"getcortexinfo"}`, `{"error":{"code":-32601,"message":"Method not found."},"id":0,"jsonrpc":"2.0"}`},
		{
			"missing token", `{"id":1,"jsonrpc":"2.0","method":"subscribe","params":{"session":"s"}}`,
			`{"error":{"code":-32018,"data":{"behavior":"This parameter is required: cortexToken"},"message":"Missing the required parameters."},"id":1,"jsonrpc":"2.0"}`,
		},
		{
			"wrong type", `{"id":1,"jsonrpc":"2.0","method":"subscribe","params":{"cortexToken":"$token","session":"s","streams":"eeg"}}`,
			`{"error":{"code":-32602,"data":{"behavior":"This parameter must be an array of strings: streams"},"message":"Invalid Parameters."},"id":1,"jsonrpc":"2.0"}`,
		},
		{
			"token is a number", `{"id":1,"jsonrpc":"2.0","method":"querySessions","params":{"cortexToken":5}}`,
			`{"error":{"code":-32602,"data":{"behavior":"This parameter must be a string: cortexToken"},"message":"Invalid Parameters."},"id":1,"jsonrpc":"2.0"}`,
		},
		{"extra parameter", `{"id":1,"jsonrpc":"2.0","method":"querySessions","params":{"cortexToken":"$token","x":1}}`, ``},
		{"empty streams", `{"id":1,"jsonrpc":"2.0","method":"subscribe","params":{"cortexToken":"$token","session":"$session","streams":[]}}`, `{"id":1,"jsonrpc":"2.0","result":{"failure":[],"success":[]}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			frames := b.send("a", b.expand(test.frame))
			require.Len(t, frames, 1)
			if test.want != "" {
				require.Equal(t, test.want, frames[0])
			} else {
				require.Contains(t, frames[0], `"result"`)
			}
		})
	}
	require.Empty(t, b.send("a", `{"jsonrpc":"2.0","method":"getCortexInfo"}`), "a notification has no answer")
	require.Empty(t, b.send("a", `{"jsonrpc":"2.0","method":"nothing"}`), "not even a refused one")
	before := len(b.frames["a"])
	b.service.Receive(b.names["a"], true, []byte(`{"id":1,"jsonrpc":"2.0","method":"getCortexInfo"}`))
	require.Contains(t, b.frames["a"][before], "-32700", "a binary frame is no request")
	require.Contains(t, strings.Join(b.reasons, "\n"), "streams: want an array of strings", "our log tells the plain reason")
	require.Contains(t, strings.Join(b.reasons, "\n"), "did you mean getCortexInfo?")
	require.Contains(t, strings.Join(b.reasons, "\n"), "Cortex takes JSON in text frames only")
}

// TestTokens walks a token through its life.
func TestTokens(t *testing.T) {
	world := DefaultWorld()
	world.Headsets[0].Status = StartOff // two days of signal would take their time
	b := newBench(t, world)
	b.connect("a")
	query := func() int { return code(b.call("a", "querySessions", `{"cortexToken":"$token"}`)) }
	require.Equal(t, CodeTokenInvalid, query(), "no token at all")
	b.call("a", "authorize", `{`+client+`}`)
	require.Zero(t, query())

	token := b.vars["$token"]
	for i := 0; i < len(token); i += 7 {
		letter := byte('A')
		if token[i] == letter {
			letter = 'B'
		}
		damaged := token[:i] + string(letter) + token[i+1:]
		require.Equal(t, CodeTokenInvalid, code(b.call("a", "querySessions", `{"cortexToken":"`+damaged+`"}`)), "letter %d changed", i)
	}

	// Another run of the service takes it.
	other := newBench(t, DefaultWorld())
	other.connect("a")
	require.Zero(t, code(other.call("a", "createSession", `{"cortexToken":"`+token+`","status":"active"}`)))

	b.advance(48*time.Hour - time.Second)
	require.Zero(t, query())
	b.call("a", "generateNewToken", `{"cortexToken":"$token",`+client+`}`)
	b.advance(time.Second)
	require.Zero(t, query(), "the new token lives on")
	require.Equal(t, CodeTokenExpired, code(b.call("a", "querySessions", `{"cortexToken":"`+token+`"}`)))

	require.Equal(t, CodeTokenOtherApp, code(b.call("a", "generateNewToken", `{"cortexToken":"$token","clientId":"app-other","clientSecret":"s"}`)))
	b.service.apply(b.service.Store.LogOut(b.service.Now()))
	require.Equal(t, CodeNotLoggedIn, query())
	b.service.apply(b.service.Store.LogIn("other.user", b.service.Store.CurrentOS, b.service.Now()))
	require.Equal(t, CodeTokenNotFit, query())
}

// TestAnswersKeepTheirRules holds for every frame of every transcript: no null
// members, no id on warnings and samples, sorted keys.
func TestAnswersKeepTheirRules(t *testing.T) {
	paths, err := os.ReadDir("testdata")
	require.NoError(t, err)
	frames := 0
	for _, path := range paths {
		if !strings.HasSuffix(path.Name(), ".golden") {
			continue
		}
		text, err := os.ReadFile("testdata/" + path.Name())
		require.NoError(t, err)
		for _, line := range strings.Split(string(text), "\n") {
			_, frame, ok := strings.Cut(line, " < ")
			if !ok {
				continue
			}
			frames++
			var members map[string]json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(frame), &members))
			for name, value := range members {
				if name != "id" {
					require.NotEqual(t, "null", string(value), "%s in %s", name, frame)
				}
			}
			_, answer := members["jsonrpc"]
			_, warning := members["warning"]
			_, sample := members["sid"]
			_, id := members["id"]
			require.Equal(t, answer && !warning, id, frame)
			require.NotEqual(t, answer, sample, frame)
		}
	}
	require.Greater(t, frames, 50)
}

func TestEveryModelCanBeUsed(t *testing.T) {
	world := DefaultWorld()
	world.Headsets = nil
	for _, id := range []string{"EPOC-3B9A0001", "EPOCX-3B9A0002", "INSIGHT-3B9A0003", "INSIGHT2-3B9A0004", "MN8-3B9A0005", "MW20-3B9A0006"} {
		world.Headsets = append(world.Headsets, HeadsetSpec{ID: id})
	}
	b := newBench(t, world)
	b.connect("a")
	b.call("a", "authorize", `{`+client+`}`)
	list := b.call("a", "queryHeadsets", `{}`)["result"].([]any)
	require.Len(t, list, len(world.Headsets))
	for i, spec := range world.Headsets {
		require.Equal(t, spec.ID, list[i].(map[string]any)["id"], "a stable order")
		require.Zero(t, code(b.call("a", "createSession", `{"cortexToken":"$token","status":"active","headset":"`+spec.ID+`"}`)), spec.ID)
		require.Zero(t, code(b.call("a", "subscribe", `{"cortexToken":"$token","session":"$session","streams":["eeg"]}`)), spec.ID)
	}
}

func TestUnknownHeadsetPrefixIsAnError(t *testing.T) {
	world := DefaultWorld()
	world.Headsets[0].ID = "EPIC-1"
	_, err := New(world, newBench(t, DefaultWorld()).sched, nil, Hooks{})
	require.ErrorContains(t, err, `headset id "EPIC-1"`)
}

func TestInspectAPIListsEveryMethod(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.connect("a")
	var names []string
	for _, m := range b.call("a", "inspectApi", `{}`)["result"].([]any) {
		names = append(names, m.(map[string]any)["methodName"].(string))
	}
	require.ElementsMatch(t, b.service.registry.Names(), names)
	sort.Strings(names)
	require.Contains(t, names, "subscribe")
}

// TestSubscribingTwiceSendsOnce and moves the samples to the connection that
// asked last.
func TestSubscribingTwiceSendsOnce(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.session("a")
	for range 2 {
		b.call("a", "subscribe", `{"cortexToken":"$token","session":"$session","streams":["eeg"]}`)
	}
	before := len(b.frames["a"])
	b.advance(time.Second)
	require.Equal(t, 256, len(b.frames["a"])-before)
}

// TestSubscriptionRules: what no source tells for sure is the world's choice.
func TestSubscriptionRules(t *testing.T) {
	const again = `{"cortexToken":"$token","session":"$session","streams":["dev"]}`
	subscribed := func(change func(*World)) *bench {
		w := DefaultWorld()
		change(&w)
		b := newBench(t, w)
		b.session("a")
		b.call("a", "subscribe", again)
		b.unseen("a")
		return b
	}
	t.Run("twice", func(t *testing.T) {
		b := subscribed(func(w *World) { w.DoubleSubscribe = SubscribedTwice })
		b.call("a", "subscribe", again)
		b.advance(time.Second)
		require.Equal(t, []string{"ok", "dev", "dev", "dev", "dev"}, b.unseen("a"))
		b.call("a", "unsubscribe", again)
		b.advance(time.Second)
		require.Equal(t, []string{"ok"}, b.unseen("a"), "one unsubscribe ends both")
	})
	t.Run("refused", func(t *testing.T) {
		b := subscribed(func(w *World) { w.DoubleSubscribe = SubscribedRefused })
		failure := b.result("a", "subscribe", again)["failure"]
		require.Equal(t, []any{map[string]any{"code": -32016.0, "message": "The stream is unavailable or unsupported.", "streamName": "dev"}}, failure)
		b.advance(time.Second)
		require.Equal(t, []string{"ok", "dev", "dev"}, b.unseen("a"))
	})
	t.Run("unknown stream", func(t *testing.T) {
		b := subscribed(func(w *World) { w.RefuseUnknownStreams = true })
		for _, method := range []string{"subscribe", "unsubscribe"} {
			answer := b.call("a", method, `{"cortexToken":"$token","session":"$session","streams":["dev","eegg"]}`)
			require.Equal(t, CodeInvalidParams, code(answer), method)
		}
		b.advance(time.Second)
		require.Equal(t, []string{"-32602", "-32602", "dev", "dev"}, b.unseen("a"), "nothing has changed")
	})
}

// TestMetTimings: the period of met without scope pm, and the time in which met
// has no values, of each subscription for itself.
func TestMetTimings(t *testing.T) {
	w := scriptWorld(t, "world scopes=eeg")
	w.BasicMetPeriod, w.MetInactive = 4*time.Second, 10*time.Second
	b := newBench(t, w)
	met := func(name string) (null int, values int) {
		for _, frame := range b.frames[name] {
			if cells, ok := strings.CutPrefix(frame, `{"met":[`); ok {
				if strings.HasPrefix(cells, `false,null,false,null,false,null,null,`) {
					null++
				} else if strings.HasPrefix(cells, `true,0.`) {
					values++
				}
			}
		}
		return null, values
	}
	const subscribe = `{"cortexToken":"$token","session":"$session","streams":["met"]}`
	b.session("a")
	b.call("a", "subscribe", subscribe)
	b.advance(16 * time.Second)
	null, values := met("a")
	require.Equal(t, [2]int{2, 2}, [2]int{null, values}, "at 4 and 8 s, and at 12 and 16 s")
	b.connect("b")
	b.call("b", "authorize", `{"clientId":"app-two","clientSecret":"secret"}`)
	b.call("b", "createSession", `{"cortexToken":"$token","status":"open"}`)
	b.call("b", "subscribe", subscribe)
	b.advance(8 * time.Second)
	null, values = met("b")
	require.Equal(t, [2]int{2, 0}, [2]int{null, values}, "another subscription begins for itself")
}
