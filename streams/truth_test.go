package streams

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTruth(t *testing.T) {
	var truths []Truth
	s := testSource(t, "EPOCX", noBlinks, collect(&truths), func(c *SourceConfig) {
		c.ClockOffset = 250_000_000
		c.State.ERP = []ERP{{Match: "target", Latency: 0.3, Amplitude: 10}}
	})
	for _, tc := range []struct {
		do   func()
		want string
	}{
		{func() { s.Blink(s.now) }, `{"kind":"blink","at":1700000001031250000,"time":1700000001.2813,"sample":263,"duration":0.3,"sensors":["AF3","F7","F3","F4","F8","AF4"],"amplitude":130,"label":"blink"}`},
		{func() { require.NoError(t, s.Trigger(s.now, "winkR", 0, 0)) }, `{"kind":"wink","at":1700000002031250000,"time":1700000002.2813,"sample":519,"duration":0.3,"sensors":["AF3","F7","F3","F4","F8","AF4"],"amplitude":80,"label":"winkR"}`},
		{func() { require.NoError(t, s.Trigger(s.now, "clench", 0.7, 2e9)) }, `{"kind":"expression","at":1700000003003906250,"time":1700000003.2539,"sample":768,"duration":2,"amplitude":0.7,"label":"clench"}`},
		{func() { s.Stimulus(s.now, "target") }, `{"kind":"stimulus","at":1700000004000000000,"time":1700000004.25,"sample":1023,"label":"target"}
{"kind":"evoked","at":1700000004175781250,"time":1700000004.4258,"sample":1068,"duration":0.25390625,"sensors":["O1","O2"],"amplitude":10,"label":"target","peak":1700000004.55}`},
		{func() { s.Stimulus(s.now, "standard") }, `{"kind":"stimulus","at":1700000005000000000,"time":1700000005.25,"sample":1279,"label":"standard"}`},
		{update1(s, func(st *State) { st.Eyes = "closed" }), `{"kind":"eyes","at":1700000006000000000,"time":1700000006.25,"sample":1535,"label":"closed"}`},
		{update1(s, func(st *State) { st.Contact = map[string]int{"T7": 1} }), `{"kind":"contact","at":1700000007000000000,"time":1700000007.25,"sample":1791,"sensors":["T7"],"amplitude":1}`},
		{update1(s, func(st *State) { st.Head.Movement = "nod" }), `{"kind":"movement","at":1700000008000000000,"time":1700000008.25,"sample":2047,"amplitude":10,"frequency":1,"label":"nod"}`},
		{update1(s, func(st *State) { st.MentalCommand.Action, st.MentalCommand.Power = "push", 0.5 }), `{"kind":"command","at":1700000009000000000,"time":1700000009.25,"sample":2303,"amplitude":0.5,"label":"push"}`},
		{update1(s, func(st *State) { st.SSVEP.Frequency = 12 }), `{"kind":"ssvep","at":1700000010000000000,"time":1700000010.25,"sample":2559,"amplitude":4,"frequency":12}`},
		{update1(s, func(st *State) { st.MotorImagery = "left" }), `{"kind":"motorImagery","at":1700000011000000000,"time":1700000011.25,"sample":2815,"amplitude":1,"label":"left"}`},
		{update1(s, func(st *State) {
			st.Waveforms = []Waveform{{Shape: "sine", Frequency: 7, Amplitude: 5, Start: 0.5, Duration: 3, Sensors: []string{"Pz"}}}
			st.Waveforms[0].Sensors[0] = "O1"
		}), `{"kind":"waveform","at":1700000012500000000,"time":1700000012.75,"sample":3199,"duration":3,"sensors":["O1"],"amplitude":5,"frequency":7,"label":"sine"}`},
		{update1(s, func(st *State) { st.FacialExpression.LAct, st.FacialExpression.LPow = "smile", 0.4 }), `{"kind":"expression","at":1700000013000000000,"time":1700000013.25,"sample":3327,"amplitude":0.4,"label":"smile"}`},
		{update1(s, func(st *State) { st.Worn = false; st.Contact = map[string]int{"*": 0} }), `{"kind":"worn","at":1700000014000000000,"time":1700000014.25,"sample":3583,"label":"off"}`},
	} {
		s.Advance(s.now+1e9, KindSet(EEG), func(*Sample) {})
		truths = truths[:0]
		tc.do()
		var got []string
		for _, x := range truths {
			line, err := json.Marshal(x)
			require.NoError(t, err)
			got = append(got, string(line))
		}
		if len(got) > 2 { // a contact for each sensor
			got = got[:1]
		}
		assert.Equal(t, tc.want, joinLines(got))
	}
}

func update1(s *Source, change func(*State)) func() {
	return func() {
		if err := s.Update(change); err != nil {
			panic(err)
		}
	}
}

func joinLines(lines []string) (text string) {
	for i, l := range lines {
		if i > 0 {
			text += "\n"
		}
		text += l
	}
	return text
}

// Eye movements asked for at any instant begin with a sample of fac, which shows
// them from then on.
func TestTriggeredEyesAreOnTheGridOfFac(t *testing.T) {
	var truths []Truth
	s := testSource(t, "EPOCX", noBlinks, collect(&truths))
	type shown struct {
		stamp  int64
		action string
	}
	var begins []shown
	previous := int64(0)
	for i, act := range []string{"blink", "winkL", "winkR", "lookL", "lookR", "lookU", "lookD"} {
		at := s.now + int64(i)*71_234_567
		require.NoError(t, s.Trigger(at, act, 0, 0))
		told := truths[len(truths)-1]
		assert.GreaterOrEqual(t, told.At, at)
		assert.Less(t, told.At, at+31_250_000+3_906_250)
		s.Advance(s.now+1_503_000_000, KindSet(FAC), func(x *Sample) {
			if x.Values[0] != previous && x.Values[0] != 0 {
				begins = append(begins, shown{x.Stamp, eyeActions[x.Values[0]]})
			}
			previous = x.Values[0]
		})
		require.NotEmpty(t, begins)
		assert.Equal(t, shown{(told.At + 50_000) / 100_000, act}, begins[len(begins)-1])
	}
	assert.Len(t, begins, 7)
}
