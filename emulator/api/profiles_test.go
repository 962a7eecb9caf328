package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/streams"
)

const epoc = "EPOCPLUS-3B9A0001"

// bciBench is a bench with client a of app-basic and client b of app-other, each
// with a session, subscribed to nothing.
type bciBench struct {
	*bench
	tokens, sessions map[string]string
}

func newBCIBench(t testing.TB, change func(*World)) *bciBench {
	t.Helper()
	world := DefaultWorld()
	if change != nil {
		change(&world)
	}
	b := &bciBench{bench: newBench(t, world), tokens: map[string]string{}, sessions: map[string]string{}}
	for _, client := range [][2]string{{"a", "app-basic"}, {"b", "app-other"}} {
		name, app := client[0], client[1]
		b.connect(name)
		require.Zero(t, code(b.bench.call(name, "authorize", `{"clientId":"`+app+`","clientSecret":"s"}`)))
		b.tokens[name] = b.vars["$token"]
		if len(world.Headsets) > 0 {
			require.Zero(t, code(b.bench.call(name, "createSession", `{"cortexToken":"$token","status":"open"}`)))
			b.sessions[name] = b.vars["$session"]
		}
	}
	return b
}

// call sends a request with the token of that client; params are the members
// between the braces, $s stands for its session and $h for the headset.
func (b *bciBench) call(name, method, params string) map[string]any {
	b.t.Helper()
	params = strings.NewReplacer("$s", `"session":"`+b.sessions[name]+`"`, "$h", `"headset":"`+epoc+`"`).Replace(params)
	if params != "" {
		params = "," + params
	}
	return b.bench.call(name, method, `{"cortexToken":"`+b.tokens[name]+`"`+params+`}`)
}

// result is call for what must succeed.
func (b *bciBench) result(name, method, params string) any {
	b.t.Helper()
	answer := b.call(name, method, params)
	require.Contains(b.t, answer, "result", "%s %s", method, params)
	return answer["result"]
}

func (b *bciBench) load(name, profile string) {
	b.t.Helper()
	b.result(name, "setupProfile", `"status":"load","profile":"`+profile+`",$h`)
}

// train trains an action n times, one after the other, and accepts.
func (b *bciBench) train(detection, action string, n int) {
	b.t.Helper()
	params := fmt.Sprintf(`$s,"detection":%q,"action":%q`, detection, action)
	for range n {
		b.result("a", "training", params+`,"status":"start"`)
		b.advance(8 * time.Second)
		b.result("a", "training", params+`,"status":"accept"`)
	}
}

// sys returns the events of sys that a client got since the last call.
func (b *bciBench) sys(name string) (events []string) {
	b.t.Helper()
	for _, frame := range b.frames[name] {
		var sample struct {
			Sys []string
			Sid string
		}
		require.NoError(b.t, json.Unmarshal([]byte(frame), &sample))
		if sample.Sys != nil {
			require.Equal(b.t, b.sessions[name], sample.Sid)
			events = append(events, sample.Sys[1])
		}
	}
	b.frames[name] = nil
	return events
}

// warnings returns code and profile of the warnings that a client got since the
// last call.
func (b *bciBench) warnings(name string) (list []string) {
	b.t.Helper()
	for _, frame := range b.frames[name] {
		var warning struct {
			Warning *struct {
				Code    int
				Message json.RawMessage
			}
		}
		require.NoError(b.t, json.Unmarshal([]byte(frame), &warning))
		if w := warning.Warning; w != nil {
			var message struct{ Headset, Profile, Behavior string }
			_ = json.Unmarshal(w.Message, &message)
			list = append(list, strings.TrimSpace(fmt.Sprintf("%d %s", w.Code, message.Profile)))
		}
	}
	b.frames[name] = nil
	return list
}

// com sets what is thought, and returns how often com said each action in d, and
// the mean power of what was thought.
func (b *bciBench) com(action string, power float64, d time.Duration) (times map[string]int, mean float64) {
	b.t.Helper()
	require.NoError(b.t, b.service.SetMentalCommand(epoc, streams.MentalCommand{Action: action, Power: power}))
	b.advance(time.Second) // until the smoothing has settled
	b.result("a", "subscribe", `$s,"streams":["com"]`)
	b.frames["a"] = nil
	b.advance(d)
	times = map[string]int{}
	n := 0
	for _, frame := range b.frames["a"] {
		var sample struct{ Com []any }
		require.NoError(b.t, json.Unmarshal([]byte(frame), &sample))
		if sample.Com != nil {
			times[sample.Com[0].(string)]++
			n++
			if sample.Com[0] == action {
				mean += sample.Com[1].(float64)
			}
		}
	}
	require.Equal(b.t, int(d/(125*time.Millisecond)), n, "com comes at 8 Hz")
	b.frames["a"] = nil
	return times, mean / float64(max(1, times[action]))
}

func TestQueryProfile(t *testing.T) {
	b := newBCIBench(t, nil)
	require.Equal(t, []any{map[string]any{
		"uuid": "b10f11e0-0000-4000-8000-000000000001", "name": "demo", "readOnly": false,
		"eegChannels": []any{"AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4"},
	}}, b.result("a", "queryProfile", ""))

	old := newBCIBench(t, func(w *World) { w.CortexVersion = "3.5" })
	require.Equal(t, []any{map[string]any{"uuid": "b10f11e0-0000-4000-8000-000000000001", "name": "demo"}}, old.result("a", "queryProfile", ""))

	none := newBCIBench(t, func(w *World) { w.Profiles = nil })
	require.Equal(t, []any{}, none.result("a", "queryProfile", ""))

	other := newBCIBench(t, func(w *World) { w.Profiles[0].Owner = "somebody" })
	require.Equal(t, []any{}, other.result("a", "queryProfile", ""), "profiles belong to a user")
}

// TestSetupProfileErrors has every refusal that a client can meet, and what
// brings it about.
func TestSetupProfileErrors(t *testing.T) {
	aLoads := func(b *bciBench) { b.load("a", "demo") }
	bLoads := func(b *bciBench) { b.load("b", "demo") }
	readOnly := func(w *World) { w.Profiles[0].ReadOnly = true }
	insight := func(w *World) { w.Profiles[0].EEGChannels = []string{"AF3", "T7", "Pz", "T8", "AF4"} }
	for _, test := range []struct {
		method, params string
		world          func(*World)
		before         func(*bciBench)
		want           int
		reason         string
	}{
		{"setupProfile", `"profile":"x"`, nil, nil, CodeMissingParams, "status"},
		{"setupProfile", `"status":"open","profile":"x"`, nil, nil, CodeInvalidParams, "status"},
		{"setupProfile", `"status":"create"`, nil, nil, CodeMissingParams, "profile"},
		{"setupProfile", `"status":"create","profile":5`, nil, nil, CodeInvalidParams, "profile"},
		{"setupProfile", `"status":"create","profile":""`, nil, nil, CodeProfileName, "0 bytes"},
		{"setupProfile", `"status":"create","profile":"demo"`, nil, nil, CodeProfileName, "already"},
		{"setupProfile", `"status":"create","profile":"x","headset":"EPOCX-FFFF0000"`, nil, nil, CodeHeadsetUnavailable, "EPOCX-FFFF0000"},
		{"setupProfile", `"status":"load","profile":"demo"`, nil, nil, CodeMissingParams, "headset"},
		{"setupProfile", `"status":"load","profile":"demo","headset":""`, nil, nil, CodeMissingParams, "headset"},
		{"setupProfile", `"status":"load","profile":"demo","headset":"EPOCX-FFFF0000"`, nil, nil, CodeHeadsetUnavailable, ""},
		{"setupProfile", `"status":"load","profile":"nobody",$h`, nil, nil, CodeProfileName, "nobody"},
		{"setupProfile", `"status":"load","profile":"demo",$h`, nil, aLoads, CodeProfileLoaded, "unload it first"},
		{"setupProfile", `"status":"load","profile":"demo",$h`, nil, bLoads, CodeProfileLoaded, "app-other"},
		{"setupProfile", `"status":"load","profile":"demo",$h`, insight, nil, CodeProfileFailed, "Pz"},
		{"setupProfile", `"status":"unload","profile":"","headset":""`, nil, nil, CodeMissingParams, "headset"},
		{"setupProfile", `"status":"unload","profile":"",$h`, nil, nil, CodeNoProfileLoaded, ""},
		{"setupProfile", `"status":"unload",$h`, nil, bLoads, CodeProfileAccess, "app-other"},
		{"setupProfile", `"status":"save","profile":"demo"`, nil, aLoads, CodeMissingParams, "headset"},
		{"setupProfile", `"status":"save","profile":"demo",$h`, nil, nil, CodeNoProfileLoaded, ""},
		{"setupProfile", `"status":"save","profile":"demo",$h`, nil, bLoads, CodeProfileAccess, ""},
		{"setupProfile", `"status":"save","profile":"demo",$h`, readOnly, aLoads, CodeProfileAccess, "read-only"},
		{"setupProfile", `"status":"rename","profile":"demo"`, nil, nil, CodeMissingParams, "newProfileName"},
		{"setupProfile", `"status":"rename","profile":"nobody","newProfileName":"x"`, nil, nil, CodeProfileName, ""},
		{"setupProfile", `"status":"rename","profile":"demo","newProfileName":""`, nil, nil, CodeProfileName, ""},
		{"setupProfile", `"status":"rename","profile":"demo","newProfileName":"x"`, nil, bLoads, CodeProfileAccess, ""},
		{"setupProfile", `"status":"delete","profile":"nobody"`, nil, nil, CodeProfileName, ""},
		{"setupProfile", `"status":"delete","profile":"demo"`, nil, bLoads, CodeProfileAccess, ""},
		{"getCurrentProfile", ``, nil, nil, CodeMissingParams, "headset"},
		{"getCurrentProfile", `"headset":"x"`, nil, nil, CodeHeadsetUnavailable, ""},
		{"loadGuestProfile", ``, nil, nil, CodeMissingParams, "headset"},
		{"loadGuestProfile", `"headset":"x"`, nil, nil, CodeHeadsetUnavailable, ""},
		{"loadGuestProfile", `$h`, nil, bLoads, CodeProfileLoaded, ""},
	} {
		t.Run(fmt.Sprintf("%s %s %d", test.method, test.params, test.want), func(t *testing.T) {
			b := newBCIBench(t, test.world)
			if test.before != nil {
				test.before(b)
			}
			profiles := b.result("a", "queryProfile", "")
			b.warnings("a")
			require.Equal(t, test.want, code(b.call("a", test.method, test.params)))
			require.Contains(t, b.reasons[len(b.reasons)-1], test.reason)
			require.Equal(t, profiles, b.result("a", "queryProfile", ""), "a refusal changes nothing")
			require.Empty(t, b.warnings("a"), "and is followed by nothing")
		})
	}

}

func TestSetupProfile(t *testing.T) {
	b := newBCIBench(t, nil)
	result := func(status, name string) map[string]any {
		return map[string]any{"action": status, "name": name, "message": "The profile is " + map[string]string{
			"create": "created", "load": "loaded", "unload": "unloaded", "save": "saved", "rename": "renamed", "delete": "deleted",
		}[status] + " successfully"}
	}
	others := func(want ...string) {
		t.Helper()
		require.Empty(t, b.warnings("a"), "who reads one message per request gets one")
		require.Equal(t, want, b.warnings("b"))
	}
	names := func() (list []string) {
		for _, p := range b.result("a", "queryProfile", "").([]any) {
			list = append(list, p.(map[string]any)["name"].(string))
		}
		return list
	}
	current := func(name string) any { return b.result(name, "getCurrentProfile", `$h`) }

	require.Equal(t, result("create", "mine"), b.result("a", "setupProfile", `"status":"create","profile":"mine"`))
	others()
	require.Equal(t, result("load", "mine"), b.result("a", "setupProfile", `"status":"load","profile":"mine",$h`))
	others("13 mine")
	require.Equal(t, map[string]any{"name": "mine", "loadedByThisApp": true}, current("a"))
	require.Equal(t, map[string]any{"name": "mine", "loadedByThisApp": false}, current("b"))
	require.Equal(t, result("rename", "yours"), b.result("a", "setupProfile", `"status":"rename","profile":"mine","newProfileName":"yours"`))
	require.Equal(t, map[string]any{"name": "yours", "loadedByThisApp": true}, current("a"))
	require.Equal(t, result("save", "yours"), b.result("a", "setupProfile", `"status":"save","profile":"yours",$h`))
	require.Equal(t, result("save", "theirs"), b.result("a", "setupProfile", `"status":"save","profile":"theirs",$h`))
	require.Equal(t, map[string]any{"name": "yours", "loadedByThisApp": true}, current("a"), "save-as keeps what is loaded")
	require.Equal(t, []string{"demo", "yours", "theirs"}, names())
	b.warnings("a")
	b.warnings("b")
	require.Equal(t, result("unload", "yours"), b.result("a", "setupProfile", `"status":"unload","profile":"anything",$h`), "its profile is ignored")
	others("14 yours")
	require.Equal(t, map[string]any{"name": nil, "loadedByThisApp": false}, current("a"))
	b.load("a", "yours")
	b.warnings("a")
	b.warnings("b")
	require.Equal(t, result("delete", "yours"), b.result("a", "setupProfile", `"status":"delete","profile":"yours"`))
	others("14 yours")
	require.Equal(t, []string{"demo", "theirs"}, names())
	require.Equal(t, map[string]any{"name": nil, "loadedByThisApp": false}, current("a"))

	told := newBCIBench(t, func(w *World) { w.Training.WarnCaller = true })
	told.load("a", "demo")
	require.Equal(t, []string{"13 demo"}, told.warnings("a"))
	told.result("a", "setupProfile", `"status":"unload","profile":"",$h`)
	require.Equal(t, []string{"14 demo"}, told.warnings("a"))
}

func TestCreateCopiesWhatIsLoaded(t *testing.T) {
	b := newBCIBench(t, nil)
	b.load("a", "demo")
	b.result("a", "mentalCommandActionSensitivity", `$s,"status":"set","values":[1,2,3,4]`)
	b.result("a", "setupProfile", `"status":"create","profile":"copy",$h`)
	b.result("a", "setupProfile", `"status":"create","profile":"empty"`)
	get := func(profile string) any {
		return b.result("a", "mentalCommandActionSensitivity", `"status":"get","profile":"`+profile+`"`)
	}
	require.Equal(t, []any{1.0, 2.0, 3.0, 4.0}, get("copy"), "unsaved changes are copied")
	require.Equal(t, []any{5.0, 5.0, 5.0, 5.0}, get("demo"))
	require.Equal(t, []any{5.0, 5.0, 5.0, 5.0}, get("empty"))
}

// TestEEGChannels of new profiles: those of the headsets that are connected, or
// of the first that loads it.
func TestEEGChannels(t *testing.T) {
	b := newBCIBench(t, func(w *World) {
		w.Headsets = append(w.Headsets, HeadsetSpec{ID: "INSIGHT2-3B9A0002"})
		w.Profiles = nil
	})
	b.result("a", "setupProfile", `"status":"create","profile":"any"`)
	b.result("a", "setupProfile", `"status":"create","profile":"epoc",$h`)
	channels := func() (lengths []int) {
		for _, p := range b.result("a", "queryProfile", "").([]any) {
			lengths = append(lengths, len(p.(map[string]any)["eegChannels"].([]any)))
		}
		return lengths
	}
	require.Equal(t, []int{0, 14}, channels())
	b.result("a", "setupProfile", `"status":"load","profile":"any","headset":"INSIGHT2-3B9A0002"`)
	require.Equal(t, []int{5, 14}, channels())
	require.Equal(t, CodeProfileFailed, code(b.call("a", "setupProfile", `"status":"load","profile":"any",$h`)))
	b.load("a", "epoc")

	old := newBCIBench(t, func(w *World) {
		w.CortexVersion = "3.6"
		w.Headsets[0].ID = "INSIGHT-3B9A0001"
		w.Profiles[0].EEGChannels = []string{"AF3"}
	})
	old.result("a", "setupProfile", `"status":"load","profile":"demo","headset":"INSIGHT-3B9A0001"`)
}

// TestFlexCountsAsEPOC: with the mapping of an EPOC a Flex loads its profiles
// and trains; with another mapping there is no detection (BCI page).
func TestFlexCountsAsEPOC(t *testing.T) {
	mapping := map[string]string{"CMS": "TP8", "DRL": "P6"}
	for i, location := range []string{"AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4"} {
		mapping[fmt.Sprintf("%c%c", "LR"[i/7], "ABCDEFG"[i%7])] = location
	}
	train := func(mapping map[string]string) int {
		b := newBCIBench(t, func(w *World) {
			w.Headsets = []HeadsetSpec{{ID: "EPOCFLEX-3B9A0001", Mappings: mapping}}
			w.Profiles[0].EEGChannels = []string{"AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4"}
		})
		b.result("a", "setupProfile", `"status":"load","profile":"demo","headset":"EPOCFLEX-3B9A0001"`)
		return code(b.call("a", "training", `$s,`+push+`,"status":"start"`))
	}
	require.Zero(t, train(mapping))

	b := newBCIBench(t, func(w *World) {
		w.Headsets = []HeadsetSpec{{ID: "EPOCFLEX-3B9A0001", Mappings: mapping}}
		w.Profiles[0].EEGChannels = []string{"AF3", "T7", "Pz", "T8", "AF4"}
	})
	require.Equal(t, CodeProfileFailed, code(b.call("a", "setupProfile", `"status":"load","profile":"demo","headset":"EPOCFLEX-3B9A0001"`)))
	require.Equal(t, CodeNoSuchTraining, train(map[string]string{"CMS": "TP8", "DRL": "P6", "LA": "AF3"}))
}

func TestGuestProfile(t *testing.T) {
	b := newBCIBench(t, nil)
	require.Equal(t, map[string]any{"message": "The guest profile is loaded successfully"}, b.result("a", "loadGuestProfile", `$h`))
	require.Equal(t, []string{"13"}, b.warnings("b"))
	require.Equal(t, map[string]any{"name": "", "loadedByThisApp": true}, b.result("a", "getCurrentProfile", `$h`))
	b.train("mentalCommand", "push", 1)
	b.result("a", "setupProfile", `"status":"save","profile":"was guest",$h`)
	require.Equal(t, map[string]any{"name": "was guest", "loadedByThisApp": true}, b.result("a", "getCurrentProfile", `$h`))
	require.Equal(t, map[string]any{"totalTimesTraining": 1.0, "trainedActions": []any{map[string]any{"action": "push", "times": 1.0}}},
		b.result("a", "getTrainedSignatureActions", `"detection":"mentalCommand","profile":"was guest"`))
}

// TestWarning15 looks at the unasked ends of a profile and what stands around
// the warning.
func TestWarning15(t *testing.T) {
	b := newBCIBench(t, nil)
	b.load("a", "demo")
	b.warnings("a")
	b.bench.call("a", "controlDevice", `{"command":"disconnect","headset":"`+epoc+`"}`)
	require.Equal(t, []string{"1", "15 demo"}, b.warnings("a"))

	b = newBCIBench(t, nil)
	b.load("a", "demo")
	b.warnings("b")
	b.service.Disconnect(b.names["b"])
	require.Equal(t, map[string]any{"name": "demo", "loadedByThisApp": true}, b.result("a", "getCurrentProfile", `$h`), "b has nothing to do with it")
	b.service.Disconnect(b.names["a"])
	require.Empty(t, b.service.Store.LoadedProfiles())
}

func TestOtherApplication(t *testing.T) {
	b := newBCIBench(t, nil)
	require.ErrorContains(t, b.service.OtherUnloadsProfile(epoc), "no profile")
	require.ErrorContains(t, b.service.OtherLoadsProfile("EPOCX-FFFF0000", "demo"), "in reach")
	require.NoError(t, b.service.OtherLoadsProfile(epoc, ""), "the first one")
	require.Equal(t, []string{"13 demo"}, b.warnings("a"))
	require.Equal(t, map[string]any{"name": "demo", "loadedByThisApp": false}, b.result("a", "getCurrentProfile", `$h`))
	require.Equal(t, CodeProfileAccess, code(b.call("a", "setupProfile", `"status":"unload","profile":"",$h`)))
	require.Equal(t, CodeProfileAccess, code(b.call("a", "training", `$s,"detection":"mentalCommand","action":"push","status":"start"`)))
	require.Error(t, b.service.OtherLoadsProfile(epoc, "demo"))
	b.warnings("a")
	require.NoError(t, b.service.OtherUnloadsProfile(epoc))
	require.Equal(t, []string{"14 demo"}, b.warnings("a"))

	world := newBCIBench(t, func(w *World) { w.Profiles[0].LoadedOn, w.Profiles[0].LoadedBy = epoc, "elsewhere" })
	require.Equal(t, map[string]any{"name": "demo", "loadedByThisApp": false}, world.result("a", "getCurrentProfile", `$h`))
	require.Equal(t, CodeProfileLoaded, code(world.call("a", "setupProfile", `"status":"load","profile":"demo",$h`)))
	require.Contains(t, world.reasons[len(world.reasons)-1], "elsewhere")
}

func TestProfilesOfAWorldAreChecked(t *testing.T) {
	for _, test := range []struct {
		change func(*ProfileSpec)
		want   string
	}{
		{func(p *ProfileSpec) { p.Name = "" }, "profiles[0]: name: missing"},
		{func(p *ProfileSpec) { p.Data.MentalCommand.Times["jump"] = 1 }, `mentalCommand: "jump" is unknown`},
		{func(p *ProfileSpec) { p.Data.MentalCommand.Times["push"] = -1 }, `mentalCommand.push: -1 is out of range, want 0 to`},
		{func(p *ProfileSpec) { p.Data.FacialExpression.Times = map[string]int{"laugh": 1} }, `facialExpression: "laugh" is unknown`},
		{func(p *ProfileSpec) { p.Data.FacialExpression.Thresholds = map[string]int{"laugh": 1001} }, `facialThresholds.laugh: 1001`},
		{func(p *ProfileSpec) { p.Data.FacialExpression.Signature = "mine" }, `signatureType: "mine"`},
		{func(p *ProfileSpec) { p.Data.MentalCommand.Active = []string{"neutral"} }, `activeActions: "neutral" is unknown`},
		{func(p *ProfileSpec) { p.Data.MentalCommand.Active = []string{"push", "push"} }, `activeActions: "push" comes twice`},
		{func(p *ProfileSpec) { p.Data.MentalCommand.Active = streams.MentalActions()[1:6] }, `5 actions besides neutral`},
		{func(p *ProfileSpec) { p.Data.MentalCommand.Sensitivity = [4]int{5, 5, 5, 11} }, `sensitivity[3]: 11`},
		{func(p *ProfileSpec) { p.LoadedOn = "EPOCX-FFFF0000" }, `loadedOn: setupProfile load: headset unavailable`},
	} {
		world := DefaultWorld()
		test.change(&world.Profiles[0])
		_, err := New(world, newBench(t, DefaultWorld()).sched, nil, Hooks{})
		require.ErrorContains(t, err, test.want)
	}
}

// TestWorldsShareNoProfile: what is trained in one world is not in the next.
func TestWorldsShareNoProfile(t *testing.T) {
	world := DefaultWorld()
	for range 2 {
		b := newBCIBench(t, func(w *World) { *w = world })
		world.Profiles[0].Data.MentalCommand.Times["push"] = 100
		b.load("a", "demo")
		b.train("mentalCommand", "push", 1)
		b.result("a", "setupProfile", `"status":"save","profile":"demo",$h`)
		world.Profiles[0].Data.MentalCommand.Times["push"] = 3
		require.Equal(t, 4, b.service.Store.Profile("demo.user", "demo").Data.MentalCommand.Times["push"])
		require.Equal(t, 9.0, b.result("a", "getTrainedSignatureActions", `"detection":"mentalCommand","profile":"demo"`).(map[string]any)["totalTimesTraining"])
	}
}

// TestEventsForScenarios: what a scenario can wait for.
func TestEventsForScenarios(t *testing.T) {
	b := newBCIBench(t, nil)
	var events []string
	b.service.hooks.Event = func(name string, fields ...string) { events = append(events, name+" "+strings.Join(fields, " ")) }
	b.load("a", "demo")
	b.result("a", "training", `$s,`+push+`,"status":"start"`)
	b.result("a", "setupProfile", `"status":"save","profile":"demo",$h`)
	b.result("a", "setupProfile", `"status":"unload","profile":"",$h`)
	require.Equal(t, []string{
		"profileLoaded profile demo headset " + epoc,
		"training headset " + epoc + " event MC_Started action push detection mentalCommand",
		"profileSaved profile demo headset " + epoc,
		"profileUnloaded profile demo headset " + epoc,
	}, events)
}

func TestSignalSettersReportNonsense(t *testing.T) {
	b := newBCIBench(t, nil)
	require.ErrorContains(t, b.service.SetMentalCommand(epoc, streams.MentalCommand{Action: "jump"}), `"jump" is unknown`)
	require.ErrorContains(t, b.service.SetFacialExpression(epoc, streams.FacialExpression{}), "unknown")
	require.ErrorContains(t, b.service.SetMentalCommand("x", streams.MentalCommand{Action: "push"}), `"x" is not connected`)
}

// TestComFollowsTheProfile holds the detection against what was trained: nothing
// untrained, weak and confused after one training, clean after many, more with a
// higher sensitivity.
func TestComFollowsTheProfile(t *testing.T) {
	const long = 200 * time.Second // 1600 samples
	profile := func(times int) func(*World) {
		return func(w *World) {
			w.Profiles[0].Data.MentalCommand.Times = map[string]int{"neutral": times, "push": times, "pull": times}
		}
	}
	run := func(times int) (*bciBench, map[string]int, float64) {
		b := newBCIBench(t, profile(times))
		b.load("a", "demo")
		counts, mean := b.com("push", 0.8, long)
		return b, counts, mean
	}
	_, counts, _ := run(0)
	require.Equal(t, map[string]int{"neutral": 1600}, counts, "untrained: neutral")
	_, once, weak := run(1)
	require.Greater(t, once["push"], 300)
	require.Less(t, once["push"], 1100, "trained once: often something else")
	require.Greater(t, once["pull"], 150, "and the wrong action")
	b, well, strong := run(12)
	require.Greater(t, well["push"], 1500, "trained well: clean")
	require.Less(t, well["pull"], 60)
	require.Greater(t, strong, weak+0.15)

	mean := func(values string) float64 {
		b.result("a", "mentalCommandActionSensitivity", `$s,"status":"set","values":`+values)
		_, m := b.com("push", 0.5, 50*time.Second)
		return m
	}
	low, middle, high := mean("[1,5,5,5]"), mean("[5,5,5,5]"), mean("[10,5,5,5]")
	require.Less(t, low, middle-0.1)
	require.Less(t, middle, high-0.1)
	require.InDelta(t, middle, mean("[5,10,10,10]"), 0.05, "the sensitivity of push is the first one")

	b.result("a", "mentalCommandActiveAction", `$s,"status":"set","actions":["pull"]`)
	counts, _ = b.com("push", 0.8, 20*time.Second)
	require.Less(t, counts["push"], 1, "an action that is not active is not detected")
}

func TestFacFollowsTheProfile(t *testing.T) {
	b := newBCIBench(t, nil)
	smile := func() (mean float64) {
		t.Helper()
		require.NoError(t, b.service.SetFacialExpression(epoc, streams.FacialExpression{EyeAct: "neutral", UAct: "neutral", LAct: "smile", LPow: 0.6}))
		b.advance(2 * time.Second)
		b.result("a", "subscribe", `$s,"streams":["fac"]`)
		b.frames["a"] = nil
		b.advance(2 * time.Second)
		n := 0
		for _, frame := range b.frames["a"] {
			var sample struct{ Fac []any }
			require.NoError(t, json.Unmarshal([]byte(frame), &sample))
			if sample.Fac != nil {
				n++
				if sample.Fac[3] == "smile" {
					mean += sample.Fac[4].(float64)
				}
			}
		}
		require.Equal(t, 64, n)
		return mean / float64(n)
	}
	require.InDelta(t, 0.6, smile(), 0.05, "facial expressions need no profile")
	b.load("a", "demo")
	require.InDelta(t, 0.6, smile(), 0.05)
	b.result("a", "facialExpressionThreshold", `$s,"status":"set","action":"smile","value":0`)
	require.Zero(t, smile(), "a low threshold is less likely detected")
	b.result("a", "facialExpressionThreshold", `$s,"status":"set","action":"smile","value":1000`)
	require.InDelta(t, 0.6, smile(), 0.05)
	look := func() (n int) {
		require.NoError(t, b.service.SetFacialExpression(epoc, streams.FacialExpression{EyeAct: "neutral", UAct: "neutral", LAct: "neutral"}))
		b.advance(time.Second)
		require.NoError(t, b.service.SetFacialExpression(epoc, streams.FacialExpression{EyeAct: "lookL", UAct: "neutral", LAct: "neutral"}))
		b.frames["a"] = nil
		b.advance(2 * time.Second)
		return strings.Count(strings.Join(b.frames["a"], ""), `"lookL"`)
	}
	require.Positive(t, look())
	b.result("a", "facialExpressionThreshold", `$s,"status":"set","action":"horiEye","value":0`)
	require.Zero(t, look(), "horiEye is lookL and lookR")
	b.train("facialExpression", "frown", 1)
	b.result("a", "facialExpressionSignatureType", `$s,"status":"set","signature":"trained"`)
	require.Zero(t, smile(), "the trained signature knows what was trained only")
	b.train("facialExpression", "smile", 1)
	once := smile()
	require.Greater(t, once, 0.1)
	b.train("facialExpression", "smile", 4)
	require.Greater(t, smile(), once+0.1)
	b.result("a", "setupProfile", `"status":"unload","profile":"",$h`)
	require.InDelta(t, 0.6, smile(), 0.05, "without a profile the universal signature is back")
}

// TestModelOutlivesNothing: a headset that comes back has no profile and com
// is neutral.
func TestModelOutlivesNothing(t *testing.T) {
	b := newBCIBench(t, nil)
	b.load("a", "demo")
	connect := func(command string) {
		b.bench.call("a", "controlDevice", `{"command":"`+command+`","headset":"`+epoc+`"}`)
		b.advance(5 * time.Second)
	}
	connect("disconnect")
	connect("connect")
	b.sessions["a"] = b.result("a", "createSession", `"status":"open"`).(map[string]any)["id"].(string)
	counts, _ := b.com("push", 1, 10*time.Second)
	require.Equal(t, map[string]int{"neutral": 80}, counts)
	b.load("a", "demo")
	counts, _ = b.com("push", 1, 10*time.Second)
	require.Greater(t, counts["push"], 30)
}

// TestNewSettingsKeepHeadAndProfile: updateHeadset changes the headset, neither
// the head under it nor the profile that is loaded.
func TestNewSettingsKeepHeadAndProfile(t *testing.T) {
	b := newBCIBench(t, func(w *World) {
		w.Headsets[0].SettleFor = time.Second
		w.SessionsOverUSBCable = true
	})
	b.advance(2 * time.Second)
	b.load("a", "demo")
	require.NoError(t, b.service.UpdateSignal(epoc, func(s *streams.State) {
		s.Contact, s.Battery.Percent = map[string]int{"AF3": 2}, 41
	}))
	require.NoError(t, b.service.SetUSBCable(epoc, true))
	b.result("a", "updateHeadset", `$h,"setting":{"mode":"EPOCPLUS","eegRate":128,"memsRate":0}`)
	b.advance(time.Second)
	require.Equal(t, 128, b.service.devices[epoc].headset.Settings.EEGRate)
	b.result("a", "subscribe", `$s,"streams":["dev"]`)
	b.frames["a"] = nil
	b.advance(500 * time.Millisecond)
	require.Contains(t, b.frames["a"][0], `{"dev":[2,1.0,[2,4,4,4,4,4,4,4,4,4,4,4,4,4,75],41]`)
	b.result("a", "unsubscribe", `$s,"streams":["dev"]`)
	counts, _ := b.com("push", 0.9, 10*time.Second)
	require.Greater(t, counts["push"], 30)
}

// TestVirtualHeadsetChangesAtOnce: a call of updateVirtualHeadset that changes the
// motion rate changes the head too.
func TestVirtualHeadsetChangesAtOnce(t *testing.T) {
	b := newBCIBench(t, func(w *World) { w.VirtualHeadsetMethods, w.Headsets[0].Virtual = true, true })
	b.load("a", "demo")
	id := b.service.devices[epoc].headset.VirtualID
	b.result("a", "updateVirtualHeadset", `"virtualHeadsetId":"`+id+`","powerOn":true,"motionRate":32,"battery":1,"cq":{"AF3":1}`)
	b.result("a", "subscribe", `$s,"streams":["dev","mot"]`)
	b.frames["a"] = nil
	b.advance(500 * time.Millisecond)
	require.Len(t, b.frames["a"], 16+1)
	require.Contains(t, b.frames["a"][16], `{"dev":[1,1.0,[1,4,4,4,4,4,4,4,4,4,4,4,4,4,62],12]`)
	require.NotNil(t, b.service.Store.LoadedProfile(b.service.Store.Headset(epoc)))
}

func TestProfilesOfTheLoggedInUserOnly(t *testing.T) {
	b := newBCIBench(t, nil)
	b.load("a", "demo")
	b.warnings("b")
	b.service.apply(b.service.Store.LogOut(b.service.Now()))
	require.True(t, slices.Contains(b.warnings("b"), "15 demo"))
	require.Nil(t, b.service.Store.LoadedProfile(b.service.Store.Headset(epoc)))
	require.Len(t, b.service.Store.AllProfiles(), 1, "nothing is deleted")
}
