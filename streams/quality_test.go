package streams

import (
	"encoding/json"
	"math"
	"math/cmplx"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// naivePower is the published algorithm written down a second time, slowly: a
// direct high pass over all samples, a plain Fourier sum.
func naivePower(x []float64) [5]float64 {
	filtered := make([]float64, len(x))
	x1, x2, y1, y2 := x[0], x[0], 0.0, 0.0
	for i, v := range x {
		y := 0.96588528974407*v - 1.93177057948814*x1 + 0.96588528974407*x2 + 1.93060642721967*y1 - 0.93293473175661*y2
		x1, x2, y1, y2 = v, x1, y, y1
		filtered[i] = y
	}
	w := filtered[len(filtered)-256:]
	mean := 0.0
	for _, v := range w {
		mean += v / 256
	}
	power := func(bin int) float64 {
		sum := complex(0, 0)
		for i, v := range w {
			hann := 0.5 * (1 - math.Cos(2*math.Pi*float64(i+1)/257))
			sum += complex((v-mean)*2*hann, 0) * cmplx.Exp(complex(0, -2*math.Pi*float64(bin*i)/256))
		}
		return math.Pow(cmplx.Abs(sum)/256, 2)
	}
	var out [5]float64
	for b, hz := range [5][2]float64{{4, 8}, {8, 12}, {12, 16}, {16, 25}, {25, 45}} {
		n := 0.0
		for bin := int(hz[0] * 2); bin <= int(hz[1]*2); bin++ {
			out[b] += power(bin)
			n++
		}
		out[b] /= n
	}
	return out
}

func TestBandPowerIsComputedFromTheEEG(t *testing.T) {
	for _, tc := range []struct {
		model  string
		stride int
	}{{"EPOCX", 2}, {"INSIGHT", 1}} {
		s := testSource(t, tc.model)
		x := make([][]float64, len(s.sensors))
		checked := 0
		s.Advance(testStart+6e9, KindSet(EEG, POW), func(m *Sample) {
			switch {
			case m.Kind == EEG && m.Index%int64(tc.stride) == int64(tc.stride)-1:
				for i := range x {
					x[i] = append(x[i], float64(m.Values[2+i])/1000)
				}
			case m.Kind == POW && m.Index%8 == 3:
				checked++
				for i := range x {
					for b, want := range naivePower(x[i]) {
						assert.InDelta(t, want, float64(m.Values[5*i+b])/1000, 0.002+want*0.002, "%s %s", s.sensors[i], bands[b])
					}
				}
			}
		})
		assert.Positive(t, checked)
	}
}

// A sine of amplitude A has A^2/4 in its bin and a quarter of that on each side
// (Hann), before the mean over the bins of its band.
func TestBandPowerOfSines(t *testing.T) {
	for _, tc := range []struct {
		hz   float64
		band int
		bins float64
	}{{6, 0, 9}, {10, 1, 9}, {14, 2, 9}, {20, 3, 19}, {35, 4, 41}} {
		s := testSource(t, "EPOCX", quiet, func(c *SourceConfig) {
			c.State.Background.Amplitude = 0
			c.State.Waveforms = []Waveform{{Shape: "sine", Frequency: tc.hz, Amplitude: 20}}
		})
		var last []int64
		s.Advance(testStart+8e9, KindSet(POW), func(m *Sample) { last = append(last[:0], m.Values...) })
		want := 20.0 * 20 / 4 * 1.5 / tc.bins
		for b := range 5 {
			got := float64(last[b]) / 1000
			if b == tc.band {
				assert.InDelta(t, want, got, 0.08*want, "%v Hz", tc.hz)
			} else {
				assert.Less(t, got, 0.02*want, "%v Hz leaks into %s", tc.hz, bands[b])
			}
		}
	}
}

func TestDevAndEQ(t *testing.T) {
	for _, tc := range []struct {
		contact []int
		cq, eq  int64
	}{
		{[]int{4, 4, 4, 4, 4}, 100, 100}, {[]int{4, 1, 1, 2, 4}, 25, 25}, {[]int{0, 0, 0, 1, 0}, 0, 0}, {[]int{4, 4, 4, 4, 2}, 75, 75}, {[]int{4, 4, 2, 2, 4}, 50, 50},
	} {
		var q []int64
		for _, v := range tc.contact {
			q = append(q, int64(v))
		}
		assert.Equal(t, tc.cq, overallCQ(q), tc.contact)
		assert.Equal(t, tc.eq, overallEQ(q, overallCQ(q)), tc.contact)
	}
	// Seen on an INSIGHT 2: contact 4 everywhere, eq 4,4,4,4,3 is 92.
	assert.Equal(t, int64(92), overallEQ([]int64{4, 4, 4, 4, 3}, 100))
	assert.Equal(t, int64(100), overallEQ([]int64{4, 4}, 100))
	assert.Equal(t, int64(88), overallEQ([]int64{4, 3}, 100))

	// A headset that was just put on (cortex-example #62).
	s := testSource(t, "INSIGHT2", func(c *SourceConfig) {
		c.State.Worn, c.State.SignalStrength, c.State.Battery.Percent = false, 0, -1
	})
	var lines []string
	emit := func(x *Sample) { lines = append(lines, wire(s, x)[:len(wire(s, x))-len(" 1700000000.5")]) }
	s.Advance(testStart+5e8, KindSet(DEV, EQ, MET), emit)
	assert.Equal(t, []string{
		"dev [-1,0.0,[0,0,0,0,0,0],-1]", "eq [-1,0,1.0,0,0,0,0,0]",
		"met [false,null,false,null,false,null,null,false,null,false,null,false,null]",
	}, lines)

	// Then the contact is good at once, the quality within four seconds.
	require.NoError(t, s.Update(func(st *State) { *st = DefaultState() }))
	var overall []int64
	s.Advance(testStart+55e8, KindSet(EQ), func(x *Sample) { overall = append(overall, x.Values[1]) })
	assert.Less(t, overall[1], int64(40))
	assert.GreaterOrEqual(t, overall[8], int64(75))
}

func TestBattery(t *testing.T) {
	s := testSource(t, "MN8", func(c *SourceConfig) { c.State.Battery = Battery{Percent: 50, DrainPerHour: 60} })
	var left, right []int64
	s.Advance(testStart+600e9, KindSet(DEV), func(x *Sample) { left, right = append(left, x.Values[5]), append(right, x.Values[6]) })
	assert.Equal(t, int64(49), left[0])
	assert.Equal(t, int64(40), left[len(left)-1], "a percent a minute")
	assert.Equal(t, int64(38), right[len(right)-1])
	assert.InDelta(t, 40, s.State().Battery.Percent, 0.01)
	require.NoError(t, s.Update(func(st *State) { st.Battery.DrainPerHour = 0 }))
	s.Advance(s.now+3600e9, 0, nil)
	assert.InDelta(t, 40, s.State().Battery.Percent, 0.01)
	for percent, want := range map[float64]int64{-1: -1, 0: 0, 59: 3, 64: 3, 74: 3, 80: 3, 100: 4} {
		assert.Equal(t, want, grade(percent), percent)
	}
}

// EQ is never above CQ, in no sensor and not overall (cortex-example #135),
// whatever happens.
func TestEQNeverAboveCQ(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := testSource(t, "EPOCX", at128)
		for range 3 {
			quality := rapid.IntRange(0, 4)
			require.NoError(t, s.Update(func(st *State) {
				st.Worn = rapid.Bool().Draw(r, "worn")
				st.Contact = map[string]int{"*": quality.Draw(r, "all"), "AF3": quality.Draw(r, "AF3"), "O1": quality.Draw(r, "O1")}
				st.Loss.Probability = rapid.SampledFrom([]float64{0, 0.01, 0.3}).Draw(r, "loss")
				st.FacialExpression.LAct, st.FacialExpression.LPow = "clench", rapid.Float64Range(0, 1).Draw(r, "clench")
			}))
			var dev []int64
			seconds := rapid.IntRange(1, 6).Draw(r, "seconds")
			s.Advance(s.now+int64(seconds)*1e9, KindSet(DEV, EQ), func(x *Sample) {
				if x.Kind == DEV {
					dev = append(dev[:0], x.Values...)
					return
				}
				require.LessOrEqual(t, x.Values[1], dev[16])
				for i := range 14 {
					require.LessOrEqual(t, x.Values[3+i], dev[2+i])
					require.GreaterOrEqual(t, x.Values[3+i], int64(0))
				}
			})
		}
	})
}

func TestSampleRateQuality(t *testing.T) {
	s := testSource(t, "EPOCX")
	quality := func(seconds float64) (last float64) {
		s.Advance(s.now+int64(seconds*1e9), KindSet(EQ), func(x *Sample) { last = float64(x.Values[2]) / 1e6 })
		return last
	}
	assert.Equal(t, 1.0, quality(5))
	require.NoError(t, s.Update(func(st *State) { st.Loss.Probability, st.Loss.Burst = 0.02, 1 }))
	low := quality(10)
	assert.True(t, low > 0.9 && low < 1, low)
	require.NoError(t, s.Update(func(st *State) { st.Loss.Probability, st.Loss.Burst = 0.1, 5 }))
	assert.Equal(t, -1.0, quality(10), "more than 300 ms of 2 s are missing")
	require.NoError(t, s.Update(func(st *State) { st.Loss.Probability = 0 }))
	assert.Equal(t, 1.0, quality(5))
}

func TestMetrics(t *testing.T) {
	s := testSource(t, "EPOCX", func(c *SourceConfig) { c.State.MetWarmUp = 10 })
	read := func(seconds float64, kind Kind) (rows [][]any) {
		s.Advance(s.now+int64(seconds*1e9), KindSet(kind), func(x *Sample) {
			var row []any
			require.NoError(t, json.Unmarshal(s.Layout(kind).AppendSample(nil, x), &row))
			rows = append(rows, row)
		})
		return rows
	}
	for i, row := range read(20, MET) {
		warm := i >= 20
		for _, c := range []int{0, 2, 4, 7, 9, 11} {
			assert.Equal(t, warm, row[c], "flag %d of sample %d", c, i)
		}
		for _, c := range []int{1, 3, 5, 6, 8, 10, 12} {
			if !warm {
				assert.Nil(t, row[c])
				continue
			}
			assert.True(t, row[c].(float64) >= 0 && row[c].(float64) <= 1)
		}
	}
	mean := func(rows [][]any, column int) float64 {
		sum := 0.0
		for _, row := range rows {
			sum += row[column].(float64) / float64(len(rows))
		}
		return sum
	}
	assert.InDelta(t, 0.5, mean(read(300, MET), 1), 0.06)
	before := read(1, MET)[1][6].(float64)
	require.NoError(t, s.Update(func(st *State) { st.Levels.Attention, st.Levels.Excitement = 0.9, 0.9 }))
	rows := read(300, METLow)
	require.Len(t, rows, 30)
	assert.InDelta(t, 0.9, mean(rows[5:], 1), 0.07)
	assert.InDelta(t, 0.9, mean(rows[5:], 5), 0.07)
	// Long-term excitement follows within a minute, not at once.
	assert.Less(t, rows[0][6].(float64), before+0.2)
	assert.InDelta(t, 0.9, mean(rows[20:], 6), 0.07)
	require.NoError(t, s.Update(func(st *State) { st.Contact = map[string]int{"*": 1} }))
	rows = read(5, MET)
	assert.Equal(t, false, rows[9][0])
	assert.Nil(t, rows[9][1])
}

func TestMotion(t *testing.T) {
	for _, model := range []string{"EPOCX", "INSIGHT", "MN8"} {
		s := testSource(t, model)
		check := func(seconds int64, tolerance float64) (worst float64) {
			s.Advance(s.now+seconds*1e9, KindSet(MOT), func(x *Sample) {
				var v [12]float64
				for i := range v {
					v[i] = float64(x.Values[i]) / 1e6
				}
				q := quaternion{v[2], v[3], v[4], v[5]}
				norm := math.Sqrt(q[0]*q[0] + q[1]*q[1] + q[2]*q[2] + q[3]*q[3])
				require.InDelta(t, 1, norm, 2e-6)
				require.GreaterOrEqual(t, q[0], 0.0)
				// R(q) x acc is gravity, along -Z of the world.
				back := quaternion{q[0], -q[1], -q[2], -q[3]}
				g := back.toBody([3]float64{v[6], v[7], v[8]})
				require.InDelta(t, 0, g[0], tolerance)
				require.InDelta(t, 0, g[1], tolerance)
				require.InDelta(t, -1.016, g[2], tolerance)
				n := v[6] * 65535 / 32
				require.InDelta(t, math.Round(n), n, 0.002, "accelerometer grid")
				m := math.Sqrt(v[9]*v[9] + v[10]*v[10] + v[11]*v[11])
				require.True(t, m > 1 && m < 110, m)
				worst = max(worst, math.Abs(g[0]))
			})
			return worst
		}
		tolerance := 0.02
		if s.model.QuaternionStep == 64 {
			tolerance = 0.06
		}
		check(3, tolerance)
		for _, pose := range []Head{
			{Yaw: 170, Movement: "still", Frequency: 1}, {Yaw: -120, Pitch: 80, Roll: -70, Movement: "still", Frequency: 1},
			{Movement: "nod", Amplitude: 30, Frequency: 1.2}, {Movement: "shake", Amplitude: 40, Frequency: 1}, {Movement: "tilt", Amplitude: 30, Frequency: 1},
		} {
			if s.model.QuaternionStep == 64 && math.Abs(pose.Yaw) > 90 {
				continue // Q0 is what the others leave: coarse near zero
			}
			require.NoError(t, s.Update(func(st *State) { st.Head = pose }))
			check(5, tolerance)
		}
		if model == "EPOCX" {
			require.NoError(t, s.Update(func(st *State) { st.Head = Head{Movement: "walk", Amplitude: 30, Frequency: 2} }))
			assert.Greater(t, check(5, 0.5), 0.05, "walking is felt")
		}
	}
}

func TestUprightPose(t *testing.T) {
	s := testSource(t, "EPOCX")
	s.Advance(testStart+1e9, KindSet(MOT), func(x *Sample) {
		assert.InDelta(t, 0.7071e6, x.Values[2], 0.01e6)
		assert.InDelta(t, 0.7071e6, x.Values[4], 0.01e6)
		assert.InDelta(t, 1.016e6, x.Values[6], 0.02e6, "X is vertical")
	})
}

func TestGyroSet(t *testing.T) {
	s := testSource(t, "EPOCPLUS", func(c *SourceConfig) { c.Firmware = "625" })
	assert.Equal(t, []string{"GYROX", "GYROY", "GYROZ"}, s.motion[:3])
	s.Advance(testStart+2e9, KindSet(MOT), func(x *Sample) {
		assert.InDelta(t, 8192, x.Values[2], 100)
		assert.InDelta(t, 8192-1.016*4096, x.Values[5], 60, "about -1 g, as in the published sample")
	})
	require.NoError(t, s.Update(func(st *State) { st.Head = Head{Movement: "shake", Amplitude: 20, Frequency: 1} }))
	low, high := int64(8192), int64(8192)
	s.Advance(s.now+4e9, KindSet(MOT), func(x *Sample) { low, high = min(low, x.Values[2]), max(high, x.Values[2]) })
	// 20 degrees at 1 Hz: 126 degrees a second about the vertical axis X.
	assert.InDelta(t, 8192+126*16, high, 150)
	assert.InDelta(t, 8192-126*16, low, 150)

	off := testSource(t, "EPOCPLUS", func(c *SourceConfig) { c.Settings = Settings{128, 14, 0, 0, "EPOC"} })
	assert.Nil(t, off.Layout(MOT))
	assert.Empty(t, off.model.MotionSensors("634", off.model.CompleteSettings(Settings{Mode: "EPOC"})))
}

// The sign of a turn follows the right hand: the rates agree with the change of
// the pose.
func TestGyroFollowsTheQuaternion(t *testing.T) {
	m := newMotion(1, testStart, Head{})
	m.set(testStart, Head{Yaw: 60})
	now := testStart + 300_000_000
	dst := make([]int64, 9)
	m.sample(dst, now, 0, gyroSet, 16384)
	before, after := m.at(now-1_000_000).yaw, m.at(now+1_000_000).yaw
	// Upright, the headset's X points down the world's Z axis.
	down := m.at(now).orientation().toBody([3]float64{0, 0, 1})
	assert.InDelta(t, -1, down[0], 0.01)
	assert.InDelta(t, 8192+down[0]*(after-before)/0.002*16, dst[0], 60)
}

func TestMentalCommands(t *testing.T) {
	type tally struct{ wanted, other, neutral, power float64 }
	count := func(model MentalCommandModel, action string, power float64) tally {
		s := testSource(t, "INSIGHT", func(c *SourceConfig) { c.State.MentalCommand = MentalCommand{Action: action, Power: power} })
		s.SetMentalCommandModel(model)
		var n tally
		s.Advance(testStart+250e9, KindSet(COM), func(x *Sample) {
			switch name := mentalActions[x.Values[0]]; {
			case name == "neutral":
				require.Zero(t, x.Values[1])
				n.neutral++
			case name == action:
				n.wanted++
				n.power += float64(x.Values[1]) / 1e6
			default:
				n.other++
			}
			require.True(t, x.Values[1] >= 0 && x.Values[1] <= 1e6)
		})
		n.power /= max(1, n.wanted)
		total := n.wanted + n.other + n.neutral
		require.Equal(t, 2000.0, total)
		n.wanted, n.other, n.neutral = n.wanted/total, n.other/total, n.neutral/total
		return n
	}
	both := []string{"push", "pull"}
	well := MentalCommandModel{Loaded: true, Active: both, Times: map[string]int{"neutral": 8, "push": 8, "pull": 8}}
	once := MentalCommandModel{Loaded: true, Active: both, Times: map[string]int{"neutral": 1, "push": 1, "pull": 1}}

	assert.Equal(t, 1.0, count(MentalCommandModel{}, "push", 1).neutral, "no profile")
	assert.Equal(t, 1.0, count(MentalCommandModel{Loaded: true, Active: both}, "push", 1).neutral, "nothing trained")
	assert.Greater(t, count(well, "lift", 1).neutral, 0.95, "an action that is not trained")

	clean, weak := count(well, "push", 0.9), count(once, "push", 0.9)
	assert.Greater(t, clean.wanted, 0.93)
	assert.InDelta(t, 0.85, clean.power, 0.1)
	assert.Less(t, weak.wanted, 0.8)
	assert.Greater(t, weak.other, 0.15, "confused with the other one")
	assert.Less(t, weak.power, 0.6)
	assert.Greater(t, count(well, "neutral", 0).neutral, 0.98)

	low, high := well, well
	low.Sensitivity, high.Sensitivity = map[string]int{"push": 1}, map[string]int{"push": 10}
	assert.Less(t, count(low, "push", 0.5).power, 0.7*count(well, "push", 0.5).power)
	assert.Greater(t, count(high, "push", 0.5).power, 1.3*count(well, "push", 0.5).power)

	// An action trained without neutral fires at rest (cortex-example #63).
	rest := count(MentalCommandModel{Loaded: true, Active: []string{"push"}, Times: map[string]int{"push": 3}}, "neutral", 0)
	assert.InDelta(t, 0.4, rest.other, 0.15)

	forced := testSource(t, "EPOCX", func(c *SourceConfig) { c.State.MentalCommand = MentalCommand{"lift", 0.345774, true} })
	forced.Advance(testStart+1e9, KindSet(COM), func(x *Sample) {
		assert.Equal(t, `["lift",0.345774]`, string(forced.Layout(COM).AppendSample(nil, x)))
	})
}

func TestFacialExpressions(t *testing.T) {
	s := testSource(t, "EPOCX", func(c *SourceConfig) {
		c.State.BlinkRate = 0
		c.State.FacialExpression = FacialExpression{"neutral", "frown", 0.6, "smile", 0.4}
	})
	read := func() (last [5]int64) {
		s.Advance(s.now+1e9, KindSet(FAC), func(x *Sample) { copy(last[:], x.Values) })
		return last
	}
	v := read()
	assert.Equal(t, [2]int64{2, 1}, [2]int64{v[1], v[3]})
	assert.InDelta(t, 0.6e6, v[2], 0.07e6)
	assert.InDelta(t, 0.4e6, v[4], 0.05e6)
	s.SetFacialExpressionModel(FacialExpressionModel{Signature: "universal", Thresholds: map[string]int{"smile": 100}})
	v = read()
	assert.Equal(t, [3]int64{2, 0, 0}, [3]int64{v[1], v[3], v[4]}, "a low threshold sees less")
	s.SetFacialExpressionModel(FacialExpressionModel{Signature: "trained", Times: map[string]int{"smile": 8}})
	v = read()
	assert.Equal(t, [3]int64{0, 0, 1}, [3]int64{v[1], v[2], v[3]}, "only what is trained")

	s.Blink(s.now + 1e9)
	shown := 0
	s.Advance(s.now+2e9, KindSet(FAC), func(x *Sample) {
		if eyeActions[x.Values[0]] == "blink" {
			shown++
		}
	})
	assert.Equal(t, 4, shown)
	s.SetFacialExpressionModel(FacialExpressionModel{Signature: "universal", Thresholds: map[string]int{"blink": 0}})
	s.Blink(s.now + 1e9)
	s.Advance(s.now+2e9, KindSet(FAC), func(x *Sample) { assert.Zero(t, x.Values[0]) })

	require.NoError(t, s.Update(func(st *State) { st.FacialExpression = DefaultState().FacialExpression }))
	require.NoError(t, s.Trigger(s.now, "surprise", 0.5, 500e6))
	first, last, n := int64(-1), int64(0), 0
	s.Advance(s.now+2e9, KindSet(FAC), func(x *Sample) {
		if x.Values[1] == 1 {
			if first < 0 {
				first = x.Due
			}
			last = x.Due
			n++
		}
	})
	assert.Equal(t, 16, n, "half a second at 32 Hz")
	assert.Equal(t, int64(15*31_250_000), last-first)
	assert.ErrorContains(t, s.Trigger(s.now, "sneer", 0.5, 1e9), `action: "sneer" is unknown`)
	assert.ErrorContains(t, s.Trigger(s.now, "smile", 0, 1e9), "power: 0 is out of range")
	assert.ErrorContains(t, s.Trigger(s.now, "smile", 1, 0), "duration: 0s is out of range")
}
