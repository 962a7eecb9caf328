package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/streams"
)

func TestDetectionInfo(t *testing.T) {
	b := newBCIBench(t, nil)
	words := func(text string) (list []any) {
		list = []any{}
		for _, w := range strings.Fields(text) {
			list = append(list, w)
		}
		return list
	}
	require.Equal(t, map[string]any{
		"actions": words("neutral push pull lift drop left right rotateLeft rotateRight rotateClockwise rotateCounterClockwise rotateForwards " +
			"rotateReverse disappear"),
		"controls":  words("start accept reject erase reset"),
		"events":    words("MC_Started MC_Succeeded MC_Failed MC_Completed MC_DataErased MC_Rejected MC_Reset MC_AutoSamplingNeutralCompleted MC_SignatureUpdated"),
		"signature": words(""),
	}, b.bench.call("a", "getDetectionInfo", `{"detection":"mentalCommand"}`)["result"])
	require.Equal(t, map[string]any{
		"actions":   words("neutral blink winkL winkR horiEye surprise frown smile clench laugh smirkLeft smirkRight"),
		"controls":  words("start accept reject erase reset"),
		"events":    words("FE_Started FE_Succeeded FE_Failed FE_Completed FE_DataErased FE_Rejected FE_Reset"),
		"signature": words("universal trained"),
	}, b.bench.call("a", "getDetectionInfo", `{"detection":"facialExpression"}`)["result"])
	require.Equal(t, CodeInvalidParams, code(b.bench.call("a", "getDetectionInfo", `{"detection":"mind"}`)))
	require.Equal(t, CodeMissingParams, code(b.bench.call("a", "getDetectionInfo", `{}`)))
}

func TestTrainingErrors(t *testing.T) {
	load := func(b *bciBench) { b.load("a", "demo") }
	start := func(b *bciBench) { load(b); b.result("a", "training", `$s,`+push+`,"status":"start"`) }
	succeed := func(b *bciBench) { start(b); b.advance(8 * time.Second) }
	readOnly := func(w *World) { w.Profiles[0].ReadOnly = true }
	for _, test := range []struct {
		name, params string
		world        func(*World)
		before       func(*bciBench)
		want         int
	}{
		{"no session", push + `,"status":"start"`, nil, load, CodeMissingParams},
		{"unknown session", `"session":"x",` + push + `,"status":"start"`, nil, load, CodeSessionUnknown},
		{"no detection", `$s,"action":"push","status":"start"`, nil, load, CodeMissingParams},
		{"unknown detection", `$s,"detection":"x","action":"push","status":"start"`, nil, load, CodeInvalidParams},
		{"no status", `$s,` + push, nil, load, CodeMissingParams},
		{"unknown status", `$s,` + push + `,"status":"begin"`, nil, load, CodeInvalidParams},
		{"no action", `$s,"detection":"mentalCommand","status":"start"`, nil, load, CodeMissingParams},
		{"unknown action", `$s,"detection":"mentalCommand","action":"smile","status":"start"`, nil, load, CodeInvalidParams},
		{"action that cannot be trained", `$s,"detection":"facialExpression","action":"blink","status":"start"`, nil, load, CodeNoSuchTraining},
		{"no profile", `$s,` + push + `,"status":"start"`, nil, nil, CodeNoProfileLoaded},
		{"read-only profile", `$s,` + push + `,"status":"start"`, readOnly, load, CodeProfileAccess},
		{"start while one runs", `$s,` + push + `,"status":"start"`, nil, start, CodeInvalidStatus},
		{"start while one waits", `$s,` + push + `,"status":"start"`, nil, succeed, CodeInvalidStatus},
		{"accept nothing", `$s,` + push + `,"status":"accept"`, nil, load, CodeInvalidStatus},
		{"accept what runs", `$s,` + push + `,"status":"accept"`, nil, start, CodeInvalidStatus},
		{"accept something else", `$s,"detection":"mentalCommand","action":"pull","status":"accept"`, nil, succeed, CodeInvalidStatus},
		{"reject nothing", `$s,` + push + `,"status":"reject"`, nil, load, CodeInvalidStatus},
		{"erase while one runs", `$s,` + push + `,"status":"erase"`, nil, start, CodeInvalidStatus},
		{"erase without profile", `$s,` + push + `,"status":"erase"`, nil, nil, CodeNoProfileLoaded},
		{"reset without profile", `$s,` + push + `,"status":"reset"`, nil, nil, CodeNoProfileLoaded},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBCIBench(t, test.world)
			b.result("a", "subscribe", `$s,"streams":["sys"]`)
			if test.before != nil {
				test.before(b)
			}
			b.sys("a")
			require.Equal(t, test.want, code(b.call("a", "training", test.params)))
			require.Empty(t, b.sys("a"), "no event of what was refused")
		})
	}
	none := newBCIBench(t, func(w *World) {
		w.Headsets = []HeadsetSpec{{ID: "MN8-3B9A0001"}}
		w.Profiles[0].EEGChannels = []string{"T7", "T8"}
	})
	none.result("a", "setupProfile", `"status":"load","profile":"demo","headset":"MN8-3B9A0001"`)
	require.Equal(t, CodeNoSuchTraining, code(none.call("a", "training", `$s,"detection":"facialExpression","action":"smile","status":"start"`)),
		"an MN8 has no fac")
	none.result("a", "training", `$s,`+push+`,"status":"start"`)
}

const push = `"detection":"mentalCommand","action":"push"`

// TestTrainingEvents walks through the events and their times, for both
// detections.
func TestTrainingEvents(t *testing.T) {
	for _, test := range []struct{ detection, action, prefix string }{{"mentalCommand", "push", "MC_"}, {"facialExpression", "smile", "FE_"}} {
		t.Run(test.detection, func(t *testing.T) {
			b := newBCIBench(t, nil)
			b.load("a", "demo")
			b.result("a", "subscribe", `$s,"streams":["sys"]`)
			b.result("b", "subscribe", `$s,"streams":["sys"]`)
			b.frames["a"], b.frames["b"] = nil, nil
			do := func(status string, want ...string) {
				t.Helper()
				require.Equal(t, map[string]any{"action": test.action, "status": status, "message": "Set up training successfully"},
					b.result("a", "training", fmt.Sprintf(`$s,"detection":%q,"action":%q,"status":%q`, test.detection, test.action, status)))
				events(t, b, test.prefix, want...)
			}
			pass := func(d time.Duration, want ...string) {
				t.Helper()
				b.advance(d)
				events(t, b, test.prefix, want...)
			}
			times := func() (n float64) {
				answer := b.result("a", "getTrainedSignatureActions", fmt.Sprintf(`$s,"detection":%q`, test.detection)).(map[string]any)
				for _, a := range answer["trainedActions"].([]any) {
					if a.(map[string]any)["action"] == test.action {
						n = a.(map[string]any)["times"].(float64)
					}
				}
				b.frames["a"] = nil
				return n
			}
			before := times()
			do("start", "Started")
			pass(8*time.Second - 1)
			pass(1, "Succeeded")
			do("reject", "Rejected")
			require.Equal(t, before, times())
			do("start", "Started")
			pass(8*time.Second, "Succeeded")
			do("accept", "Completed")
			require.Equal(t, before+1, times())
			do("start", "Started")
			pass(3 * time.Second)
			do("reset", "Reset")
			pass(time.Minute)
			do("start", "Started")
			pass(8*time.Second, "Succeeded")
			do("reset", "Reset")
			require.Equal(t, before+1, times())
			erased := []string{"DataErased"}
			if test.prefix == "MC_" {
				erased = append(erased, "SignatureUpdated")
			}
			do("erase", erased...)
			require.Zero(t, times())
		})
	}
}

// events checks what came on sys: to each subscribed session, after the answer.
func events(t *testing.T, b *bciBench, prefix string, want ...string) {
	t.Helper()
	var full []string
	for _, e := range want {
		full = append(full, prefix+e)
	}
	if frames := b.frames["a"]; len(frames) > len(want) {
		require.Contains(t, frames[0], `"result"`, "the answer comes first")
	}
	require.Equal(t, full, b.sys("a"))
	require.Equal(t, full, b.sys("b"), "the training is the headset's")
}

func TestTrainingResultOfTheWorld(t *testing.T) {
	b := newBCIBench(t, func(w *World) {
		w.Training = TrainingSpec{Time: 2 * time.Second, FailTime: 500 * time.Millisecond, Result: TrainingAlternates, EventFirst: true}
	})
	b.load("a", "demo")
	b.result("a", "subscribe", `$s,"streams":["sys"]`)
	require.Equal(t, 2.0, b.result("a", "getTrainingTime", `$s,"detection":"mentalCommand"`).(map[string]any)["time"])
	b.frames["a"] = nil
	start := func(d time.Duration) []string {
		frames := b.send("a", fmt.Sprintf(`{"id":1,"jsonrpc":"2.0","method":"training","params":{"cortexToken":%q,"session":%q,%s,"status":"start"}}`,
			b.tokens["a"], b.sessions["a"], push))
		require.Len(t, frames, 2)
		require.Contains(t, frames[0], "MC_Started", "the event comes first")
		require.Contains(t, frames[1], `"result"`)
		b.advance(d)
		return b.sys("a")
	}
	require.Equal(t, []string{"MC_Started", "MC_Failed"}, start(500*time.Millisecond))
	require.Equal(t, []string{"MC_Started", "MC_Succeeded"}, start(2*time.Second))
	b.call("a", "training", `$s,`+push+`,"status":"accept"`)
	b.frames["a"] = nil
	require.Equal(t, []string{"MC_Started", "MC_Failed"}, start(500*time.Millisecond))
	b.service.SetTrainingResult(TrainingFails)
	require.Equal(t, []string{"MC_Started", "MC_Failed"}, start(500*time.Millisecond))
	require.Equal(t, []string{"MC_Started", "MC_Failed"}, start(500*time.Millisecond))
	require.Equal(t, []string{"MC_Started", "MC_Failed"}, start(500*time.Millisecond))
	b.service.SetTrainingResult(TrainingSucceeds)
	require.Equal(t, []string{"MC_Started", "MC_Succeeded"}, start(2*time.Second))
	b.call("a", "training", `$s,`+push+`,"status":"accept"`)
	b.service.SetTrainingResult(TrainingAlternates)
	b.frames["a"] = nil
	require.Equal(t, []string{"MC_Started", "MC_Failed"}, start(500*time.Millisecond), "alternating begins with a failure")
}

// TestEventsStandAfterSamplesOfTheirInstant keeps the order of time between com
// and sys.
func TestEventsStandAfterSamplesOfTheirInstant(t *testing.T) {
	b := newBCIBench(t, func(w *World) { w.Training.Result = TrainingFails })
	b.load("a", "demo")
	b.result("a", "subscribe", `$s,"streams":["sys","com"]`)
	b.result("a", "training", `$s,`+push+`,"status":"start"`)
	b.frames["a"] = nil
	b.advance(10 * time.Second)
	frames := b.frames["a"]
	require.Len(t, frames, 81)
	require.Contains(t, frames[79], `"com"`)
	require.Contains(t, frames[80], "MC_Failed")
}

// TestTrainingNeedsASignal: bad contact, a headset that is taken off and one
// that is silent fail in the end, bad contact for a moment does not.
func TestTrainingNeedsASignal(t *testing.T) {
	contact := func(q int) func(*bciBench) {
		return func(b *bciBench) {
			b.service.UpdateSignal(epoc, func(s *streams.State) { s.Contact = map[string]int{"*": q} })
		}
	}
	worn := func(on bool) func(*bciBench) {
		return func(b *bciBench) { b.service.UpdateSignal(epoc, func(s *streams.State) { s.Worn = on }) }
	}
	power := func(on bool) func(*bciBench) { return func(b *bciBench) { b.service.SetHeadsetPower(epoc, on) } }
	for _, test := range []struct {
		name        string
		bad, good   func(*bciBench)
		from, until time.Duration
		want        string
	}{
		{"bad contact", contact(1), contact(4), 0, 10 * time.Second, "MC_Failed"},
		{"fair contact", contact(3), contact(4), 0, 10 * time.Second, "MC_Succeeded"},
		{"bad contact for a moment", contact(0), contact(4), 3 * time.Second, 4 * time.Second, "MC_Succeeded"},
		{"taken off", worn(false), worn(true), 2 * time.Second, 10 * time.Second, "MC_Failed"},
		{"silent", power(false), power(true), 1 * time.Second, 7 * time.Second, "MC_Failed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBCIBench(t, nil)
			b.load("a", "demo")
			b.result("a", "subscribe", `$s,"streams":["sys"]`)
			b.result("a", "training", `$s,`+push+`,"status":"start"`)
			b.advance(test.from)
			test.bad(b)
			b.advance(test.until - test.from)
			test.good(b)
			b.advance(10*time.Second - test.until)
			require.Equal(t, []string{"MC_Started", test.want}, b.sys("a"))
		})
	}
}

func TestTrainingScore(t *testing.T) {
	b := newBCIBench(t, func(w *World) { w.Profiles[0].Data.MentalCommand.Times = nil })
	b.load("a", "demo")
	score := func() float64 {
		r := b.result("a", "mentalCommandTrainingThreshold", `$s`).(map[string]any)
		require.Equal(t, 0.833333313465118, r["currentThreshold"])
		return r["lastTrainingScore"].(float64)
	}
	rating := func() float64 { return b.result("a", "mentalCommandGetSkillRating", `$s`).(float64) }
	require.Zero(t, score(), "a fresh profile")
	require.Zero(t, rating())
	b.train("mentalCommand", "neutral", 1)
	b.train("mentalCommand", "push", 1)
	first, skill := score(), rating()
	b.train("mentalCommand", "push", 7)
	require.Greater(t, score(), first+0.2)
	require.Greater(t, score(), 0.8333)
	require.Greater(t, rating(), skill+0.2)
	b.service.SetTrainingResult(TrainingFails)
	b.result("a", "training", `$s,`+push+`,"status":"start"`)
	b.advance(10 * time.Second)
	require.Less(t, score(), first)
}

func TestTrainingEndsWithSessionOrProfile(t *testing.T) {
	b := newBCIBench(t, nil)
	b.load("a", "demo")
	b.result("b", "subscribe", `$s,"streams":["sys"]`)
	b.result("a", "training", `$s,`+push+`,"status":"start"`)
	b.result("a", "updateSession", `$s,"status":"close"`)
	b.advance(20 * time.Second)
	require.Equal(t, []string{"MC_Started"}, b.sys("b"))
	b.sessions["a"] = b.result("a", "createSession", `"status":"open"`).(map[string]any)["id"].(string)
	b.result("a", "training", `$s,`+push+`,"status":"start"`)
	b.advance(time.Second)
	b.result("a", "setupProfile", `"status":"unload","profile":"",$h`)
	b.load("a", "demo")
	b.result("a", "training", `$s,`+push+`,"status":"start"`)
	b.advance(7 * time.Second)
	require.Equal(t, []string{"MC_Started", "MC_Started"}, b.sys("b"), "the first does not end in the place of the second")
	b.advance(time.Second)
	require.Equal(t, []string{"MC_Succeeded"}, b.sys("b"))
}

// The cases G of the reports of client authors.

func TestG1NoProfileNeutralOnly(t *testing.T) { // unity-plugin #7, cortex-example #139
	b := newBCIBench(t, nil)
	counts, _ := b.com("push", 0.9, 10*time.Second)
	require.Equal(t, map[string]int{"neutral": 80}, counts)
	b.load("a", "demo")
	counts, _ = b.com("push", 0.9, 10*time.Second)
	require.Greater(t, counts["push"], 30)
}

func TestG2TrainingFails(t *testing.T) { // cortex-example #51
	b := newBCIBench(t, func(w *World) { w.Training.Result = TrainingFails })
	b.load("a", "demo")
	b.result("a", "subscribe", `$s,"streams":["sys"]`)
	b.frames["a"] = nil
	const neutral = `$s,"detection":"mentalCommand","action":"neutral"`
	require.Equal(t, map[string]any{"action": "neutral", "status": "start", "message": "Set up training successfully"},
		b.result("a", "training", neutral+`,"status":"start"`))
	require.Equal(t, []string{"MC_Started"}, b.sys("a"))
	b.advance(10*time.Second - 1)
	require.Empty(t, b.sys("a"))
	b.advance(1)
	require.Equal(t, []string{"MC_Failed"}, b.sys("a"))
	require.Equal(t, CodeInvalidStatus, code(b.call("a", "training", neutral+`,"status":"accept"`)))
	require.Contains(t, b.reasons[len(b.reasons)-1], "the training of neutral failed")
	require.Empty(t, b.sys("a"))
	// The official Python example rejects what failed, and goes on at the event.
	b.result("a", "training", neutral+`,"status":"reject"`)
	require.Equal(t, []string{"MC_Rejected"}, b.sys("a"))
	require.Equal(t, CodeInvalidStatus, code(b.call("a", "training", neutral+`,"status":"reject"`)), "once")
	// The BCI page says to start again.
	for range 2 {
		b.result("a", "training", neutral+`,"status":"start"`)
		b.advance(10 * time.Second)
	}
	require.Equal(t, []string{"MC_Started", "MC_Failed", "MC_Started", "MC_Failed"}, b.sys("a"))
}

func TestG3TrainingWorks(t *testing.T) {
	for _, eventFirst := range []bool{false, true} {
		b := newBCIBench(t, func(w *World) { w.Training.EventFirst = eventFirst })
		b.load("a", "demo")
		b.result("a", "subscribe", `$s,"streams":["sys"]`)
		for _, end := range [][2]string{{"accept", "MC_Completed"}, {"reject", "MC_Rejected"}} {
			b.call("a", "training", `$s,`+push+`,"status":"start"`)
			b.advance(8 * time.Second)
			require.Contains(t, b.sys("a"), "MC_Succeeded")
			b.call("a", "training", `$s,`+push+`,"status":"`+end[0]+`"`)
			frames := b.frames["a"]
			require.Len(t, frames, 2)
			answer, event := frames[0], frames[1]
			if eventFirst {
				answer, event = event, answer
			}
			require.Contains(t, answer, `"status":"`+end[0]+`"`)
			require.Contains(t, event, end[1])
		}
	}
}

func TestG4SysNotSubscribed(t *testing.T) { // cortex-example #51
	b := newBCIBench(t, nil)
	b.load("a", "demo")
	b.frames["a"] = nil
	b.result("a", "training", `$s,`+push+`,"status":"start"`)
	b.advance(8 * time.Second)
	require.Len(t, b.frames["a"], 1, "the answer and no event")
	b.result("a", "training", `$s,`+push+`,"status":"accept"`)

	b = newBCIBench(t, func(w *World) { w.Training.NeedsSys = true })
	b.load("a", "demo")
	require.Equal(t, CodeInvalidStatus, code(b.call("a", "training", `$s,`+push+`,"status":"start"`)))
	require.Contains(t, b.reasons[len(b.reasons)-1], "not subscribed to sys")
	b.result("a", "subscribe", `$s,"streams":["sys"]`)
	b.result("a", "training", `$s,`+push+`,"status":"start"`)
}

func TestG5WrongParameterName(t *testing.T) { // cortex-example #54
	b := newBCIBench(t, nil)
	answer := b.call("a", "setupProfile", `"status":"load","profile":"demo","headset_id":"`+epoc+`"`)
	text, err := json.Marshal(answer["error"])
	require.NoError(t, err)
	require.JSONEq(t, `{"code":-32018,"message":"Missing the required parameters.","data":{"behavior":"This parameter is required: headset"}}`, string(text))
}

func TestG6EmptyProfileList(t *testing.T) { // unity-plugin #7, #14
	b := newBCIBench(t, func(w *World) { w.Profiles = nil })
	require.Equal(t, []any{}, b.result("a", "queryProfile", ""))
	require.Equal(t, CodeProfileName, code(b.call("a", "setupProfile", `"status":"load","profile":"mine",$h`)), "on its own merits")
	b.result("a", "setupProfile", `"status":"create","profile":"mine"`)
	b.load("a", "mine")
}

func TestG7CommandsAtRest(t *testing.T) { // cortex-example #63
	rest := func(times map[string]int, rule bool) int {
		b := newBCIBench(t, func(w *World) {
			w.Profiles[0].Data.MentalCommand.Times = times
			w.Training.CommandsAtRest = rule
		})
		b.load("a", "demo")
		counts, _ := b.com("neutral", 0, 100*time.Second)
		require.Equal(t, 800, counts["neutral"]+counts["push"])
		return counts["push"]
	}
	require.Greater(t, rest(map[string]int{"push": 3}, false), 150, "without neutral: at random")
	require.Less(t, rest(map[string]int{"push": 3, "neutral": 8}, false), 40)
	require.Greater(t, rest(map[string]int{"push": 3, "neutral": 8}, true), 150, "the rule of the world")
}
