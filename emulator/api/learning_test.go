package api

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/streams"
)

// detected is how com answers the same mental state.
type detected struct {
	right, wrong float64 // shares of the samples
	power        float64 // mean of those that are right
	rest         float64 // share of commands while nothing is thought
	skill        float64 // mentalCommandGetSkillRating of push
	distance     float64 // of push from neutral in mentalCommandBrainMap
}

// detect thinks of push at 0.8 for 200 s, and then of nothing: 1600 samples each.
func (b *bciBench) detect() (d detected) {
	const long = 200 * time.Second
	const n = float64(long / (125 * time.Millisecond))
	counts, power := b.com("push", 0.8, long)
	d.right, d.wrong, d.power = float64(counts["push"])/n, (n-float64(counts["push"]+counts["neutral"]))/n, power
	counts, _ = b.com("neutral", 0, long)
	d.rest = 1 - float64(counts["neutral"])/n
	d.skill = b.result("a", "mentalCommandGetSkillRating", `$s,"action":"push"`).(float64)
	for _, entry := range b.result("a", "mentalCommandBrainMap", `$s`).([]any) {
		if e := entry.(map[string]any); e["action"] == "push" {
			at := e["coordinates"].([]any)
			d.distance = math.Hypot(at[0].(float64), at[1].(float64))
		}
	}
	return d
}

// TestWhatIsTrainedIsDetected trains through the API and holds what com says of
// one mental state against how often was trained: nothing untrained, weak and
// confused after one training, clean after many, and better with each step;
// rating and brain map follow. What is not saved is lost at unload.
func TestWhatIsTrainedIsDetected(t *testing.T) {
	b := newBCIBench(t, func(w *World) { w.Profiles = nil; w.Training.Time = AtOnce })
	b.result("a", "setupProfile", `"status":"create","profile":"mine"`)
	b.load("a", "mine")
	train := func(n int) {
		for _, action := range []string{"neutral", "push", "pull"} {
			for range n {
				b.result("a", "training", `$s,"detection":"mentalCommand","action":"`+action+`","status":"start"`)
				b.advance(0)
				b.result("a", "training", `$s,"detection":"mentalCommand","action":"`+action+`","status":"accept"`)
			}
		}
	}
	seen := map[int]detected{}
	trained := 0
	for _, times := range []int{0, 1, 2, 4, 8, 16} {
		train(times - trained)
		trained = times
		seen[times] = b.detect()
		t.Logf("%2d trainings: %+v", times, seen[times])
		if times == 4 {
			b.result("a", "setupProfile", `"status":"save","profile":"mine",$h`)
		}
	}
	require.Equal(t, detected{}, seen[0], "untrained: neutral")
	for _, step := range [][2]int{{0, 1}, {1, 2}, {2, 4}, {4, 8}, {8, 16}} {
		less, more := seen[step[0]], seen[step[1]]
		require.Greater(t, more.right, less.right, "%v", step)
		require.Greater(t, more.power, less.power, "%v", step)
		require.Greater(t, more.skill, less.skill, "%v", step)
		require.Greater(t, more.distance, less.distance, "%v", step)
		if step[0] > 0 {
			require.Less(t, more.wrong, less.wrong, "%v", step)
		}
	}
	once, well := seen[1], seen[16]
	require.Less(t, once.right, 0.6, "confused")
	require.Greater(t, once.wrong, 0.15)
	require.Less(t, once.power, 0.6, "and weak")
	require.Greater(t, well.right, 0.98, "clean")
	require.Less(t, well.wrong, 0.01)
	require.Greater(t, once.rest, 0.03, "commands that nobody thought")
	require.Less(t, well.rest, 0.01)
	require.InDelta(t, 0.8, well.power, 0.05, "the power that was thought")

	b.result("a", "setupProfile", `"status":"unload","profile":"",$h`)
	require.Equal(t, detected{}, b.detect(), "without a profile: neutral")
	b.load("a", "mine")
	after := b.detect()
	require.Equal(t, seen[4].skill, after.skill, "what was trained after the save is lost")
	require.Equal(t, seen[4].distance, after.distance)
	require.InDelta(t, seen[4].right, after.right, 0.05)
	require.InDelta(t, seen[4].power, after.power, 0.05)
}

// TestSensitivityShiftsWhatIsDetected: each step of the sensitivity gives more
// power to what is thought; a high one more commands that nobody thought, too.
func TestSensitivityShiftsWhatIsDetected(t *testing.T) {
	b := newBCIBench(t, func(w *World) {
		w.Profiles[0].Data.MentalCommand.Times = map[string]int{"neutral": 2, "push": 6}
	})
	b.load("a", "demo")
	var powers, rests []float64
	for _, values := range []string{"[1,5,5,5]", "[3,5,5,5]", "[5,5,5,5]", "[7,5,5,5]", "[10,5,5,5]"} {
		b.result("a", "mentalCommandActionSensitivity", `$s,"status":"set","values":`+values)
		_, power := b.com("push", 0.4, 200*time.Second)
		counts, _ := b.com("neutral", 0, 1000*time.Second)
		powers, rests = append(powers, power), append(rests, float64(counts["push"])/8000)
		t.Logf("%s: power %.3f, at rest %.4f", values, power, rests[len(rests)-1])
	}
	for i := range powers[1:] {
		require.Greater(t, powers[i+1], powers[i]+0.05)
	}
	require.Greater(t, rests[4], 1.5*rests[0], "a decision at rest lasts a second, so neighbours may change places by chance")
}

// TestExpressionsFollowTrainingAndThreshold: with the trained signature fac sees
// what is trained, the better the more often; the threshold decides from which
// strength on.
func TestExpressionsFollowTrainingAndThreshold(t *testing.T) {
	b := newBCIBench(t, func(w *World) { w.Training.Time = AtOnce })
	b.load("a", "demo")
	b.result("a", "subscribe", `$s,"streams":["fac"]`)
	see := func(power float64) (share, mean float64) {
		require.NoError(t, b.service.SetFacialExpression(epoc, streams.FacialExpression{EyeAct: "neutral", UAct: "frown", UPow: power, LAct: "neutral"}))
		b.advance(2 * time.Second)
		b.frames["a"] = nil
		const n = 320
		b.advance(10 * time.Second)
		require.Len(t, b.frames["a"], n)
		seen := 0
		for _, frame := range b.frames["a"] {
			var sample struct{ Fac []any }
			require.NoError(t, json.Unmarshal([]byte(frame), &sample))
			if sample.Fac[1] == "frown" {
				seen++
				mean += sample.Fac[2].(float64)
			}
		}
		return float64(seen) / n, mean / max(1, float64(seen))
	}
	share, universal := see(0.8)
	require.Equal(t, 1.0, share)
	require.InDelta(t, 0.8, universal, 0.02, "the universal signature needs no training")
	last := 0.0
	for i, times := range []int{1, 1, 2, 4} {
		for range times {
			b.result("a", "training", `$s,"detection":"facialExpression","action":"frown","status":"start"`)
			b.advance(0)
			b.result("a", "training", `$s,"detection":"facialExpression","action":"frown","status":"accept"`)
		}
		if i == 0 {
			b.result("a", "facialExpressionSignatureType", `$s,"status":"set","signature":"trained"`)
		}
		share, mean := see(0.8)
		t.Logf("step %d: seen %.3f, power %.3f", i, share, mean)
		require.Equal(t, 1.0, share)
		require.Greater(t, mean, last+0.02)
		last = mean
	}
	require.InDelta(t, universal, last, 0.02, "trained well it is as good as the universal one")

	// The weakest frown that is seen, by threshold: lower values see less.
	b.result("a", "facialExpressionSignatureType", `$s,"status":"set","signature":"universal"`)
	weakest := 2.0
	for _, threshold := range []string{"100", "300", "500", "700", "900"} {
		b.result("a", "facialExpressionThreshold", `$s,"status":"set","action":"frown","value":`+threshold)
		found := 2.0
		for _, power := range []float64{1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01} {
			if share, _ := see(power); share > 0.5 {
				found = power
			}
		}
		t.Logf("threshold %s: from %.2f on", threshold, found)
		if threshold != "100" {
			require.Less(t, found, weakest, threshold)
		}
		weakest = found
	}
}
