package streams

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawState draws a state at or within its bounds.
func drawState(r *rapid.T, sensors []string) State {
	share := func(name string) float64 { return rapid.Float64Range(0, 1).Draw(r, name) }
	amplitude := func(name string) float64 { return rapid.SampledFrom([]float64{0, 1, 10, 200}).Draw(r, name) }
	pick := func(name string, from []string) string { return rapid.SampledFrom(from).Draw(r, name) }
	st := DefaultState()
	st.Worn = rapid.IntRange(0, 5).Draw(r, "worn") > 0
	st.Eyes = pick("eyes", []string{"open", "closed"})
	st.Levels = Levels{share("a"), share("b"), share("c"), share("d"), share("e"), share("f"), share("g"), share("h"), share("drowsy")}
	st.Contact = rapid.MapOf(rapid.SampledFrom(append(sensors, "*")), rapid.IntRange(0, 4)).Draw(r, "contact")
	st.Battery = Battery{rapid.Float64Range(-1, 100).Draw(r, "percent"), amplitude("drain")}
	st.SignalStrength = share("signal")
	st.Loss = Loss{rapid.SampledFrom([]float64{0, 0.01, 0.5, 1}).Draw(r, "loss"), rapid.SampledFrom([]float64{1, 2.5, 1000}).Draw(r, "burst"), rapid.IntRange(0, 64).Draw(r, "limit")}
	st.Head = Head{
		rapid.Float64Range(-180, 180).Draw(r, "yaw"), rapid.Float64Range(-90, 90).Draw(r, "pitch"), rapid.Float64Range(-90, 90).Draw(r, "roll"),
		pick("movement", []string{"still", "nod", "shake", "tilt", "walk"}), rapid.Float64Range(0, 90).Draw(r, "size"), rapid.Float64Range(0.05, 10).Draw(r, "hz"),
	}
	st.FacialExpression = FacialExpression{pick("eye", eyeActions), pick("upper", upperActions), share("uPow"), pick("lower", lowerActions), share("lPow")}
	st.MentalCommand = MentalCommand{pick("command", mentalActions), share("power"), rapid.Bool().Draw(r, "forced")}
	st.Background = Background{
		rapid.Float64Range(0.5, 2.5).Draw(r, "exponent"), amplitude("background"), rapid.SampledFrom([]float64{0, 7, 14}).Draw(r, "alphaHz"), amplitude("alpha"),
		amplitude("theta"), amplitude("beta"), amplitude("mu"), amplitude("line"), rapid.Float64Range(40, 63).Draw(r, "lineHz"),
	}
	st.BlinkRate = rapid.SampledFrom([]float64{-1, 0, 1, 60}).Draw(r, "blinks")
	st.MetWarmUp = rapid.Float64Range(0, 2).Draw(r, "warmUp")
	for range rapid.IntRange(0, 3).Draw(r, "waves") {
		st.Waveforms = append(st.Waveforms, Waveform{
			Shape: pick("shape", []string{"sine", "square", "triangle", "constant", "samples"}), Frequency: rapid.Float64Range(0.01, 128).Draw(r, "frequency"),
			Amplitude: rapid.Float64Range(-10000, 10000).Draw(r, "amplitude"), Samples: []float64{1, -1e5, 1e5}, Start: share("start"), Duration: share("duration"),
		})
	}
	st.ERP = []ERP{{
		Match: "*", Latency: rapid.Float64Range(0.01, 5).Draw(r, "latency"), Width: rapid.Float64Range(0, 2).Draw(r, "width"), Amplitude: 1000, Jitter: share("jitter"),
		Region: pick("region", []string{"", "parietal", "central", "frontal", "occipital"}),
	}}
	st.SSVEP = SSVEP{rapid.SampledFrom([]float64{0, 1, 45}).Draw(r, "ssvepHz"), amplitude("ssvep")}
	st.MotorImagery = pick("imagery", []string{"", "left", "right", "command"})
	st.RawCQ = rapid.Bool().Draw(r, "rawCq")
	return st
}

// Whatever a state allows, every sample of every stream is well-formed and in
// range.
func TestAnyStateGivesGoodSamples(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := rapid.SampledFrom(Models()).Draw(r, "model")
		c := testConfig(t, m.Name)
		sensors := m.MappedSensors(DefaultMappings())
		c.State = drawState(r, sensors)
		c.ClockRatio = rapid.SampledFrom([]float64{1, 0.99, 1.01}).Draw(r, "ratio")
		c.Dialect = DialectFor(rapid.SampledFrom([]int{2, 3, 4}).Draw(r, "version"), 0, 0)
		s, err := NewSource(c)
		require.NoError(r, err)
		actions := []string{"blink", "winkL", "lookU", "smile", "frown"}
		for range 3 {
			s.Stimulus(s.now, "x")
			require.NoError(r, s.Trigger(s.now, rapid.SampledFrom(actions).Draw(r, "action"), 1, time.Second))
			var line []byte
			s.Advance(s.now+int64(rapid.IntRange(1, 2000).Draw(r, "ms"))*1e6, AllKinds, func(x *Sample) {
				l := s.Layout(x.Kind)
				for i := range l.Columns {
					v := x.Values[i]
					switch name := l.Columns[i].Name; {
					case x.Kind == EEG && i >= 2 && i < 2+len(sensors):
						if s.level == nil && (v < 0 || v > 8_403_000) {
							r.Fatalf("%s: %d", name, v)
						}
					case v == Null && x.Kind != MET && x.Kind != METLow, v != Null && (v > 1<<40 || v < -1<<40):
						r.Fatalf("%v %s: %d", x.Kind, name, v)
					}
				}
				if x.Index%16 == 0 {
					line = l.AppendSample(line[:0], x)
					checkJSON(t, l, line)
				}
			})
			for _, q := range s.eq {
				require.False(r, math.IsNaN(q))
			}
			next := drawState(r, sensors)
			require.NoError(r, s.Update(func(st *State) { *st = next }))
		}
	})
}
