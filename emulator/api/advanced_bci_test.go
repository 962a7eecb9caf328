package api

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

func TestAdvancedBCIErrors(t *testing.T) {
	load := func(b *bciBench) { b.load("a", "demo") }
	other := func(b *bciBench) { b.load("b", "demo") }
	readOnly := func(w *World) { w.Profiles[0].ReadOnly = true }
	type test struct {
		method, params string
		world          func(*World)
		before         func(*bciBench)
		want           int
	}
	var tests []test
	for _, m := range []struct{ method, get, set string }{
		{"getTrainedSignatureActions", `"detection":"mentalCommand"`, ""},
		{"facialExpressionSignatureType", `"status":"get"`, `"status":"set","signature":"universal"`},
		{"facialExpressionThreshold", `"status":"get","action":"smile"`, `"status":"set","action":"smile","value":1`},
		{"mentalCommandActiveAction", `"status":"get"`, `"status":"set","actions":["push"]`},
		{"mentalCommandBrainMap", `"x":1`, ""},
		{"mentalCommandGetSkillRating", `"x":1`, ""},
		{"mentalCommandTrainingThreshold", `"x":1`, ""},
		{"mentalCommandActionSensitivity", `"status":"get"`, `"status":"set","values":[1,2,3,4]`},
	} {
		tests = append(
			tests, test{m.method, m.get, nil, load, CodeMissingParams},
			test{m.method, m.get + `,"session":"","profile":""`, nil, load, CodeMissingParams},
			test{m.method, m.get + `,"session":"x"`, nil, load, CodeSessionUnknown},
			test{m.method, m.get + `,"profile":"nobody"`, nil, load, CodeProfileName},
			test{m.method, m.get + `,"profile":5`, nil, load, CodeInvalidParams},
		)
		if m.set != "" {
			tests = append(
				tests, test{m.method, m.set + `,"profile":"demo"`, nil, load, CodeMissingParams}, // the disk is read-only
				test{m.method, m.set + `,"session":"x"`, nil, load, CodeSessionUnknown},
				test{m.method, m.set + `,$s`, nil, nil, CodeNoProfileLoaded},
				test{m.method, m.set + `,$s`, nil, other, CodeProfileAccess},
				test{m.method, m.set + `,$s`, readOnly, load, CodeProfileAccess},
				test{m.method, `"status":"change","action":"smile",$s`, nil, load, CodeInvalidParams},
			)
		}
	}
	for _, p := range []struct {
		method, params string
		want           int
	}{
		{"getTrainedSignatureActions", `$s`, CodeMissingParams},
		{"getTrainedSignatureActions", `$s,"detection":"x"`, CodeInvalidParams},
		{"getTrainingTime", `"detection":"mentalCommand"`, CodeMissingParams},
		{"getTrainingTime", `$s,"detection":"x"`, CodeInvalidParams},
		{"getTrainingTime", `"session":"x","detection":"mentalCommand"`, CodeSessionUnknown},
		{"facialExpressionSignatureType", `$s,"status":"set"`, CodeMissingParams},
		{"facialExpressionSignatureType", `$s,"status":"set","signature":"mine"`, CodeInvalidParams},
		{"facialExpressionSignatureType", `$s,"status":"set","signature":"trained"`, CodeInvalidParams},
		{"facialExpressionThreshold", `$s,"status":"get"`, CodeMissingParams},
		{"facialExpressionThreshold", `$s,"status":"get","action":"push"`, CodeInvalidParams},
		{"facialExpressionThreshold", `$s,"status":"set","action":"smile"`, CodeMissingParams},
		{"facialExpressionThreshold", `$s,"status":"set","action":"smile","value":-1`, CodeInvalidParams},
		{"facialExpressionThreshold", `$s,"status":"set","action":"smile","value":1001`, CodeInvalidParams},
		{"facialExpressionThreshold", `$s,"status":"set","action":"smile","value":0.5`, CodeInvalidParams},
		{"mentalCommandActiveAction", `$s,"status":"set"`, CodeMissingParams},
		{"mentalCommandActiveAction", `$s,"status":"set","actions":["push","pull","lift","drop","left"]`, CodeInvalidParams},
		{"mentalCommandActiveAction", `$s,"status":"set","actions":["smile"]`, CodeInvalidParams},
		{"mentalCommandGetSkillRating", `$s,"action":"smile"`, CodeInvalidParams},
		{"mentalCommandActionSensitivity", `$s,"status":"set"`, CodeMissingParams},
		{"mentalCommandActionSensitivity", `$s,"status":"set","values":[1,2,3]`, CodeInvalidParams},
		{"mentalCommandActionSensitivity", `$s,"status":"set","values":[1,2,3,4,5]`, CodeInvalidParams},
		{"mentalCommandActionSensitivity", `$s,"status":"set","values":[0,2,3,4]`, CodeInvalidParams},
		{"mentalCommandActionSensitivity", `$s,"status":"set","values":[1,2,3,11]`, CodeInvalidParams},
		{"mentalCommandActionSensitivity", `$s,"status":"set","values":[1,2,3,4.5]`, CodeInvalidParams},
		{"mentalCommandActionSensitivity", `$s,"status":"set","values":[1,2,3,"4"]`, CodeInvalidParams},
	} {
		tests = append(tests, test{p.method, p.params, nil, load, p.want})
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s %s %d", test.method, test.params, test.want), func(t *testing.T) {
			b := newBCIBench(t, test.world)
			if test.before != nil {
				test.before(b)
			}
			require.Equal(t, test.want, code(b.call("a", test.method, test.params)))
			if l := b.service.Store.LoadedProfile(b.service.Store.Headset(epoc)); l != nil {
				require.Equal(t, l.Profile.Data, l.Data, "a refusal changes nothing")
			}
		})
	}
}

// TestAdvancedBCI reads the defaults, sets in memory, and finds the disk as it
// was until the profile is saved.
func TestAdvancedBCI(t *testing.T) {
	b := newBCIBench(t, nil)
	b.result("a", "setupProfile", `"status":"create","profile":"mine"`)
	b.load("a", "mine")
	type step struct {
		method, get, set string
		fresh, answer    any // before set, of set
		after            any
	}
	list := func(v ...any) []any { return v }
	steps := []step{
		{
			"facialExpressionThreshold", `"status":"get","action":"smile"`, `"status":"set","action":"smile","value":300`, 500.0, "success", 300.0,
		},
		{
			"mentalCommandActiveAction", `"status":"get"`, `"status":"set","actions":["neutral","lift","push","lift"]`, list("neutral"),
			map[string]any{"actions": list("neutral", "lift", "push", "lift"), "message": "Set MentalCommand active actions successfully"},
			list("neutral", "lift", "push"),
		},
		{
			"mentalCommandActionSensitivity", `"status":"get"`, `"status":"set","values":[1,10,3.0,4]`, list(5.0, 5.0, 5.0, 5.0), "success",
			list(1.0, 10.0, 3.0, 4.0),
		},
	}
	for _, s := range steps {
		require.Equal(t, s.fresh, b.result("a", s.method, `$s,`+s.get), s.method)
		require.Equal(t, s.fresh, b.result("a", s.method, `"profile":"mine",`+s.get), s.method)
		require.Equal(t, s.answer, b.result("a", s.method, `$s,"profile":"mine",`+s.set), "clients send both")
		require.Equal(t, s.after, b.result("a", s.method, `$s,"profile":"demo",`+s.get), "session wins")
		require.Equal(t, s.after, b.result("b", s.method, `$s,`+s.get), "others may read")
		require.Equal(t, s.fresh, b.result("a", s.method, `"profile":"mine",`+s.get), "the disk is as it was")
	}
	require.Equal(t, 500.0, b.result("a", "facialExpressionThreshold", `$s,"status":"get","action":"frown"`), "the others stay")
	b.result("a", "setupProfile", `"status":"save","profile":"mine",$h`)
	for _, s := range steps {
		require.Equal(t, s.after, b.result("a", s.method, `"profile":"mine",`+s.get), s.method)
	}
	b.result("a", "setupProfile", `"status":"unload","profile":"",$h`)
	for _, s := range steps {
		require.Equal(t, s.fresh, b.result("a", s.method, `$s,`+s.get), "a headset without a profile uses an empty one")
	}
	require.Equal(t, map[string]any{"detection": "facialExpression", "time": 8.0}, b.result("a", "getTrainingTime", `$s,"detection":"facialExpression"`))
}

func TestProfileIsRequiredIn20(t *testing.T) {
	b := newBCIBench(t, func(w *World) { w.CortexVersion = "2.0" })
	b.load("a", "demo")
	require.Equal(t, CodeMissingParams, code(b.call("a", "mentalCommandActionSensitivity", `$s,"status":"get"`)))
	require.Equal(t, CodeMissingParams, code(b.call("a", "mentalCommandActionSensitivity", `$s,"status":"set","values":[1,2,3,4]`)))
	b.result("a", "mentalCommandActionSensitivity", `$s,"profile":"","status":"set","values":[1,2,3,4]`)
	require.Equal(t, []any{1.0, 2.0, 3.0, 4.0}, b.result("a", "mentalCommandActionSensitivity", `$s,"profile":"","status":"get"`))
}

func TestFacialExpressionSignature(t *testing.T) {
	b := newBCIBench(t, nil)
	b.load("a", "demo")
	universal := map[string]any{"currentSig": "universal", "availableSig": []any{"universal"}}
	require.Equal(t, universal, b.result("a", "facialExpressionSignatureType", `$s,"status":"get"`))
	b.train("facialExpression", "smile", 1)
	both := []any{"universal", "trained"}
	require.Equal(t, map[string]any{"currentSig": "universal", "availableSig": both}, b.result("a", "facialExpressionSignatureType", `$s,"status":"get"`))
	trained := map[string]any{"currentSig": "trained", "availableSig": both}
	require.Equal(t, trained, b.result("a", "facialExpressionSignatureType", `$s,"status":"set","signature":"trained"`))
	require.Equal(t, trained, b.result("a", "facialExpressionSignatureType", `$s,"status":"get"`))
	require.Equal(t, universal, b.result("a", "facialExpressionSignatureType", `"profile":"demo","status":"get"`))
	b.result("a", "training", `$s,"detection":"facialExpression","action":"smile","status":"erase"`)
	require.Equal(t, universal, b.result("a", "facialExpressionSignatureType", `$s,"status":"get"`), "nothing trained is left")
}

func TestBrainMapAndSkillRating(t *testing.T) {
	b := newBCIBench(t, nil)
	point := func(action string, x, y float64) map[string]any {
		return map[string]any{"action": action, "coordinates": []any{x, y}}
	}
	b.result("a", "setupProfile", `"status":"create","profile":"mine"`)
	require.Equal(t, []any{point("neutral", 0, 0)}, b.result("a", "mentalCommandBrainMap", `"profile":"mine"`))
	require.Equal(t, 0.0, b.result("a", "mentalCommandGetSkillRating", `"profile":"mine"`))
	b.load("a", "mine")
	b.train("mentalCommand", "push", 1)
	require.Equal(t, []any{point("neutral", 0, 0), point("push", 0, 0.197808)}, b.result("a", "mentalCommandBrainMap", `$s`))
	require.Equal(t, 0.197808, b.result("a", "mentalCommandGetSkillRating", `$s,"action":"push"`))
	require.Equal(t, 0.0, b.result("a", "mentalCommandGetSkillRating", `$s,"action":"pull"`))
	require.Equal(t, 0.197808, b.result("a", "mentalCommandGetSkillRating", `$s`))
	b.train("mentalCommand", "neutral", 1)
	require.Greater(t, b.result("a", "mentalCommandGetSkillRating", `$s,"action":"push"`), 0.197808, "neutral helps to tell it apart")

	rating := 0.75
	w := newBCIBench(t, func(w *World) {
		w.Profiles[0].Data.MentalCommand.SkillRating = &rating
		w.Profiles[0].Data.MentalCommand.BrainMap = map[string][2]float64{"push": {-0.5, 0.25}, "neutral": {0, 0}}
		w.Profiles[0].Data.MentalCommand.Threshold, w.Profiles[0].Data.MentalCommand.LastScore = 0.7, 0.4
	})
	require.Equal(t, []any{point("neutral", 0, 0), point("push", -0.5, 0.25)}, w.result("a", "mentalCommandBrainMap", `"profile":"demo"`))
	require.Equal(t, 0.75, w.result("a", "mentalCommandGetSkillRating", `"profile":"demo"`))
	require.Equal(t, 0.75, w.result("a", "mentalCommandGetSkillRating", `"profile":"demo","action":"pull"`))
	require.Equal(t, map[string]any{"currentThreshold": 0.7, "lastTrainingScore": 0.4}, w.result("a", "mentalCommandTrainingThreshold", `"profile":"demo"`))
}

// TestBrainMapProperties: whatever was trained, the map stays within its bounds,
// and more training of an action takes it farther from neutral.
func TestBrainMapProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := sessionstore.NewProfileData()
		times := rapid.IntRange(0, 30)
		for _, action := range streams.MentalActions() {
			if n := times.Draw(t, action); n > 0 {
				data.MentalCommand.Times[action] = n
			}
		}
		data.MentalCommand.Active = rapid.Permutation(streams.MentalActions()[1:]).Draw(t, "active")[:rapid.IntRange(0, 4).Draw(t, "n")]
		points := map[string]float64{}
		for _, p := range brainMap(&data) {
			o := p.(map[string]any)
			at := o["coordinates"].([]any)
			x, y := float(at[0]), float(at[1])
			require.True(t, x >= -1 && x <= 1 && y >= 0 && y <= 1, "%v %v", x, y)
			points[o["action"].(string)] = math.Hypot(x, y)
		}
		require.Zero(t, points["neutral"])
		overall := overallRating(&data)
		require.True(t, overall >= 0 && overall <= 1)
		for _, action := range data.MentalCommand.Active {
			r, listed := points[action]
			require.Equal(t, data.MentalCommand.Times[action] > 0, listed, action)
			if !listed {
				continue
			}
			require.InDelta(t, skillRating(&data, action), r, 1e-5)
			more := data.Clone()
			more.MentalCommand.Times[action]++
			require.Greater(t, skillRating(&more, action), skillRating(&data, action))
			require.Greater(t, overallRating(&more), overall)
		}
	})
}

func float(v any) float64 {
	var f float64
	_, err := fmt.Sscan(fmt.Sprint(v), &f)
	if err != nil {
		panic(err)
	}
	return f
}
