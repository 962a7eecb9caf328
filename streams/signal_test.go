package streams

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/dsp/fourier"
	"gonum.org/v1/gonum/stat"
)

// quiet is a state with neither blinks nor rhythms nor hum: only the 1/f part.
func quiet(c *SourceConfig) {
	c.State.BlinkRate = 0
	b := &c.State.Background
	b.AlphaAmplitude, b.ThetaAmplitude, b.BetaAmplitude, b.MuAmplitude, b.LineNoise = 0, 0, 0, 0, 0
}

func noBlinks(c *SourceConfig) { c.State.BlinkRate = 0 }

func at128(c *SourceConfig) { c.Settings.EEGRate = 128 }

// microvolts returns the next seconds of EEG, one slice a sensor.
func microvolts(s *Source, seconds float64) map[string][]float64 {
	out := make(map[string][]float64)
	s.Advance(s.now+int64(seconds*1e9), KindSet(EEG), func(x *Sample) {
		for i, name := range s.sensors {
			out[name] = append(out[name], float64(x.Values[2+i])/1000)
		}
	})
	return out
}

// psd is Welch's estimate with windows of two seconds: bins of 0.5 Hz.
func psd(x []float64, rate int) []float64 {
	n := 2 * rate
	fft := fourier.NewFFT(n)
	sum := make([]float64, n/2+1)
	window := make([]float64, n)
	count := 0.0
	for at := 0; at+n <= len(x); at += n / 2 {
		mean := stat.Mean(x[at:at+n], nil)
		for i := range window {
			window[i] = (x[at+i] - mean) * (0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(n)))
		}
		for i, z := range fft.Coefficients(nil, window) {
			sum[i] += (real(z)*real(z) + imag(z)*imag(z)) * 2 / (0.375 * float64(n) * float64(rate))
		}
		count++
	}
	for i := range sum {
		sum[i] /= count
	}
	return sum
}

// band is the mean density from low to high hertz.
func band(p []float64, low, high float64) float64 {
	return stat.Mean(p[int(low*2):int(high*2)+1], nil)
}

func TestSpectrumFallsWithTheExponent(t *testing.T) {
	for _, exponent := range []float64{0.8, 1.5, 2} {
		for _, rate := range []int{128, 256} {
			s := testSource(t, "EPOCX", quiet, func(c *SourceConfig) {
				c.Settings.EEGRate = rate
				c.State.Background.Exponent = exponent
			})
			x := microvolts(s, 200)
			for _, name := range []string{"AF3", "T7", "O2"} {
				p := psd(x[name], rate)
				var f, v []float64
				for i := 4; i <= 60; i++ { // 2 to 30 Hz
					if i >= 18 && i <= 26 { // mu is part of every brain
						continue
					}
					f, v = append(f, math.Log(float64(i)/2)), append(v, math.Log(p[i]))
				}
				_, slope := stat.LinearRegression(f, v, nil, false)
				assert.InDelta(t, -exponent, slope, 0.2, "%s at %d Hz", name, rate)
			}
		}
	}
}

func TestAlpha(t *testing.T) {
	record := func(eyes string) map[string][]float64 {
		s := testSource(t, "EPOCX", noBlinks, at128, func(c *SourceConfig) {
			c.State.Eyes = eyes
			c.State.Background.AlphaFrequency = 10.5
		})
		return microvolts(s, 240)
	}
	open, closed := record("open"), record("closed")
	for _, name := range []string{"O1", "O2", "P7", "P8"} {
		p := psd(closed[name], 128)
		peak := 14
		for i := 14; i <= 28; i++ { // 7 to 14 Hz
			if p[i] > p[peak] {
				peak = i
			}
		}
		assert.InDelta(t, 10.5, float64(peak)/2, 0.5, name)
		assert.Greater(t, band(p, 9.5, 11.5), 5*band(p, 5, 7), name)
		assert.Greater(t, band(p, 9.5, 11.5), 5*band(psd(open[name], 128), 9.5, 11.5), name)
	}
	// alphaAmplitude is the RMS with closed eyes where alpha is strongest.
	assert.InDelta(t, DefaultState().Background.AlphaAmplitude, math.Sqrt(4*band(psd(closed["O1"], 128), 8.5, 12.5)), 3)
	front, back := band(psd(closed["AF3"], 128), 9.5, 11.5), band(psd(closed["O1"], 128), 9.5, 11.5)
	assert.InDelta(t, 3, math.Sqrt(back/front), 1.2, "amplitude at O1 against AF3")
	// It waxes and wanes: the power of single seconds varies by more than ten.
	var powers []float64
	for at := 0; at+128 <= len(closed["O1"]); at += 128 {
		var z complex128
		for i, v := range closed["O1"][at : at+128] {
			sin, cos := math.Sincos(2 * math.Pi * 10.5 * float64(i) / 128)
			z += complex((v-4200)*cos, (v-4200)*sin)
		}
		powers = append(powers, real(z)*real(z)+imag(z)*imag(z))
	}
	slices.Sort(powers)
	assert.Greater(t, powers[len(powers)*9/10], 10*powers[len(powers)/10])
}

func TestEveryValueIsOnTheGrid(t *testing.T) {
	for _, tc := range []struct {
		model   string
		res     int
		num, of float64 // value*of is a whole multiple of num, plus 2 for an MN8
		shift   float64
	}{
		{"EPOC", 14, 20, 39, 0}, {"EPOCPLUS", 14, 20, 39, 0}, {"EPOCPLUS", 16, 5, 39, 0}, {"EPOCX", 16, 5, 39, 0}, {"INSIGHT", 14, 20, 39, 0},
		{"INSIGHT2", 16, 5, 39, 0}, {"MN8", 14, 10, 21, 2}, {"MW20", 14, 10, 21, 2}, {"XTRODES", 16, 5, 39, 0},
	} {
		s := testSource(t, tc.model, func(c *SourceConfig) {
			c.Settings.EEGRes = tc.res
			if tc.model != "XTRODES" {
				c.State.Contact = map[string]int{"T7": 0, "T8": 1}
			}
			c.State.FacialExpression.LAct, c.State.FacialExpression.LPow = "clench", 1
			c.State.Waveforms = []Waveform{{Shape: "square", Amplitude: 6000, Frequency: 0.4, Start: 5}}
		})
		low, high := math.Inf(1), math.Inf(-1)
		for name, x := range microvolts(s, 10) {
			for _, v := range x {
				n := (v*tc.of - tc.shift) / tc.num
				require.InDelta(t, math.Round(n), n, 0.0011*tc.of/tc.num, "%s %v", name, v)
				low, high = min(low, v), max(high, v)
			}
		}
		// The square wave drives the converter to both ends of its range.
		assert.InDelta(t, 0, low, 0.6, tc.model)
		assert.InDelta(t, 8401, high, 1.6, tc.model)
	}
}

func TestWornValuesStayNearTheLevel(t *testing.T) {
	for name, x := range microvolts(testSource(t, "EPOCX", noBlinks), 60) {
		assert.InDelta(t, 4200, stat.Mean(x, nil), 60, name)
		sd := stat.StdDev(x, nil)
		assert.True(t, sd > 5 && sd < 25, "%s: %v uV", name, sd)
	}
	for name, x := range microvolts(testSource(t, "EPOCFLEX", noBlinks), 60) {
		assert.InDelta(t, 0, stat.Mean(x, nil), 2, name)
		assert.Greater(t, stat.StdDev(x, nil), 5.0, name)
	}
	// Off the head: flat within some counts.
	for name, x := range microvolts(testSource(t, "EPOCX", func(c *SourceConfig) { c.State.Worn = false }), 30) {
		assert.Less(t, stat.StdDev(x, nil), 1.5, name)
	}
}

func TestChannelsAreRelatedButNotEqual(t *testing.T) {
	x := microvolts(testSource(t, "EPOCX", quiet), 120)
	for name, v := range x {
		assert.InDelta(t, DefaultState().Background.Amplitude, stat.StdDev(v, nil), 1.5, name)
	}
	names := sensors14()
	for i, a := range names {
		for _, b := range names[:i] {
			assert.Less(t, stat.Correlation(x[a], x[b], nil), 0.8, "%s %s", a, b)
		}
	}
	assert.InDelta(t, 0.5, stat.Correlation(x["O1"], x["O2"], nil), 0.2)
	assert.InDelta(t, 0.5, stat.Correlation(x["AF3"], x["F3"], nil), 0.2)
	assert.InDelta(t, 0.5, stat.Correlation(x["F7"], x["FC5"], nil), 0.25)
	assert.InDelta(t, 0.1, stat.Correlation(x["AF3"], x["O2"], nil), 0.2)
}

// collect gathers what is told.
func collect(truths *[]Truth) func(*SourceConfig) {
	return func(c *SourceConfig) { c.Truth = func(x Truth) { *truths = append(*truths, x) } }
}

func TestBlinks(t *testing.T) {
	var truths []Truth
	s := testSource(t, "EPOCX", at128, collect(&truths))
	x := make(map[string][]float64)
	shown := make(map[int64]bool) // stamps of fac samples that begin a blink
	before := int64(0)
	s.Advance(testStart+600e9, KindSet(EEG, FAC), func(m *Sample) {
		if m.Kind == FAC {
			if m.Values[0] == 1 && before == 0 {
				shown[m.Stamp] = true
			}
			before = m.Values[0]
			return
		}
		for i, name := range s.sensors {
			x[name] = append(x[name], float64(m.Values[2+i])/1000)
		}
	})
	assert.InDelta(t, 175, len(truths), 50, "15 to 20 a minute")
	height := make(map[string]float64)
	amplitude := 0.0
	count := 0.0
	for i, b := range truths {
		require.Equal(t, "blink", b.Kind)
		assert.Contains(t, shown, int64(math.Round(b.Time*1e4)), "the fac stream shows it at the same time")
		assert.Contains(t, b.Sensors, "AF3")
		assert.NotContains(t, b.Sensors, "O1")
		if i > 0 {
			assert.GreaterOrEqual(t, b.At-truths[i-1].At, int64(5e8))
		}
		if b.Sample+64 > int64(len(x["AF3"])) {
			continue
		}
		peak := b.Sample + 128/10
		for name, v := range x {
			height[name] += v[peak] - v[b.Sample]
		}
		amplitude += b.Amplitude
		count++
	}
	for name, want := range map[string]float64{
		"AF3": 1, "AF4": 1, "F7": 0.48, "F8": 0.48, "F3": 0.5, "F4": 0.5, "FC5": 0.2, "FC6": 0.2, "T7": 0.05, "O1": 0.01, "P8": 0.03,
	} {
		assert.InDelta(t, want, height[name]/amplitude, 0.07, name)
	}
	assert.InDelta(t, 135, amplitude/count, 15)
	assert.Len(t, shown, len(truths))
}

func TestEyesClosedDoNotBlink(t *testing.T) {
	var truths []Truth
	s := testSource(t, "EPOCX", collect(&truths), func(c *SourceConfig) { c.State.Eyes = "closed" })
	s.Advance(testStart+60e9, KindSet(DEV), func(*Sample) {})
	for _, x := range truths {
		assert.Equal(t, "alphaBurst", x.Kind)
	}
	assert.NotEmpty(t, truths)
}

func TestGlancesAndWinks(t *testing.T) {
	at := func(act string) map[string]float64 {
		s := testSource(t, "EPOCX", quiet, func(c *SourceConfig) { c.State.Background.Amplitude = 0 })
		require.NoError(t, s.Trigger(testStart+1e9, act, 0, 0))
		x := microvolts(s, 2)
		out := make(map[string]float64)
		for name, v := range x {
			out[name] = v[256+26] - v[200] // a tenth of a second after
		}
		return out
	}
	left, right := at("lookL"), at("lookR")
	assert.Greater(t, left["F7"], 40.0)
	assert.Less(t, left["F8"], -40.0)
	assert.Greater(t, right["F8"], 40.0)
	assert.Less(t, right["F7"], -40.0)
	wink := at("winkL")
	assert.Greater(t, wink["AF3"], 50.0)
	assert.Less(t, wink["AF4"], 20.0)
}

func TestClenchIsMuscle(t *testing.T) {
	s := testSource(t, "EPOCX", noBlinks, at128)
	calm := microvolts(s, 20)
	require.NoError(t, s.Trigger(s.now, "clench", 1, 20e9))
	tense := microvolts(s, 20)
	for _, name := range []string{"T7", "T8", "F7", "FC6"} {
		p, q := psd(calm[name], 128), psd(tense[name][256:], 128)
		assert.Greater(t, band(q, 25, 45), 100*band(p, 25, 45), name)
		rms := stat.StdDev(tense[name][256:], nil)
		assert.True(t, rms > 40 && rms < 150, "%s: %v", name, rms)
	}
	assert.Less(t, stat.StdDev(tense["O1"], nil), stat.StdDev(tense["T7"], nil)/2)
	after := microvolts(s, 20)
	assert.Less(t, band(psd(after["T7"][512:], 128), 25, 45), 2*band(psd(calm["T7"], 128), 25, 45))
}

func TestContactIsHeard(t *testing.T) {
	s := testSource(t, "EPOCX", noBlinks, func(c *SourceConfig) { c.State.Contact = map[string]int{"P7": 2, "O1": 1, "O2": 0} })
	x := microvolts(s, 60)
	hum := func(name string) float64 { return band(psd(x[name], 256), 49.5, 50.5) }
	assert.Greater(t, hum("P7"), 30*hum("P8"))
	assert.Greater(t, hum("O1"), 5*hum("P7"))
	assert.Greater(t, hum("O2"), 2*hum("O1"))
	assert.Greater(t, stat.StdDev(x["O1"], nil), 3*stat.StdDev(x["P8"], nil))
}

func TestGapsAreInterpolatedOrHoles(t *testing.T) {
	var truths []Truth
	s := testSource(t, "EPOCX", at128, collect(&truths), func(c *SourceConfig) {
		c.State.BlinkRate = 0
		c.State.Loss = Loss{Probability: 0.01, Burst: 4, InterpolationLimit: 6}
	})
	clean := testSource(t, "EPOCX", at128, noBlinks)
	type row struct {
		flag   int64
		values []int64
	}
	got, want := make(map[int64]row), make(map[int64]row)
	s.Advance(testStart+100e9, KindSet(EEG), func(x *Sample) {
		assert.Equal(t, x.Index%128, x.Values[0])
		got[x.Index] = row{x.Values[1], slices.Clone(x.Values[2:16])}
	})
	clean.Advance(testStart+101e9, KindSet(EEG), func(x *Sample) { want[x.Index] = row{0, slices.Clone(x.Values[2:16])} })
	lost := make(map[int64]bool)
	holes, filled := 0, 0
	for _, x := range truths {
		require.Equal(t, "loss", x.Kind)
		for i := range int64(x.Count) {
			k := x.Sample + i
			lost[k] = true
			r, there := got[k]
			if k >= 12800 {
				continue
			}
			if x.Label == "hole" {
				holes++
				assert.Greater(t, x.Count, 6)
				assert.False(t, there, "sample %d", k)
				continue
			}
			filled++
			require.True(t, there, "sample %d", k)
			assert.Equal(t, int64(1), r.flag)
			if lost[x.Sample-1] { // begins where another gap ended
				continue
			}
			a, b := want[x.Sample-1], want[x.Sample+int64(x.Count)]
			for c, v := range r.values {
				share := float64(i+1) / float64(x.Count+1)
				assert.InDelta(t, float64(a.values[c])*(1-share)+float64(b.values[c])*share, float64(v), 150, "between its neighbours")
			}
		}
	}
	assert.Greater(t, holes, 50)
	assert.Greater(t, filled, 50)
	for k := range int64(12800) {
		if !lost[k] {
			require.Equal(t, want[k], got[k], "sample %d was received: it is as without losses", k)
		}
	}
}

func TestEvokedResponse(t *testing.T) {
	average := func(stimulate bool, change ...func(*SourceConfig)) map[string][]float64 {
		s := testSource(t, "EPOCX", append([]func(*SourceConfig){at128, noBlinks, func(c *SourceConfig) {
			c.State.ERP = []ERP{{Match: "target*", Latency: 0.3, Width: 0.12, Amplitude: 12}}
		}}, change...)...)
		sum := make(map[string][]float64)
		for range 40 {
			if stimulate {
				s.Stimulus(s.now, "target 1")
				s.Stimulus(s.now, "standard")
			}
			for name, v := range microvolts(s, 1) {
				if sum[name] == nil {
					sum[name] = make([]float64, len(v))
				}
				base := stat.Mean(v[:10], nil)
				for i := range v {
					sum[name][i] += (v[i] - base) / 40
				}
			}
			s.Advance(s.now+250e6, 0, nil)
		}
		return sum
	}
	with, without := average(true), average(false)
	diff := make([]float64, 128)
	for i := range diff {
		diff[i] = with["O1"][i] - without["O1"][i]
	}
	peak := 0
	for i := range diff {
		if diff[i] > diff[peak] {
			peak = i
		}
	}
	assert.InDelta(t, 0.3*128, peak, 2)
	assert.InDelta(t, 12, diff[peak], 3)
	assert.Greater(t, stat.Mean(with["O1"][33:45], nil), 6.0, "seen in the average of 40 epochs")
	assert.Less(t, math.Abs(stat.Mean(without["O1"][33:45], nil)), 4.0)
	assert.InDelta(t, 5.5, with["P7"][peak]-without["P7"][peak], 2)
	assert.Less(t, math.Abs(with["AF3"][peak]-without["AF3"][peak]), 2.5, "parietal")
}

func TestSSVEP(t *testing.T) {
	s := testSource(t, "EPOCX", noBlinks)
	before := psd(microvolts(s, 60)["O1"], 256)
	require.NoError(t, s.Update(func(st *State) { st.SSVEP.Frequency = 15 }))
	x := microvolts(s, 60)
	on := psd(x["O1"], 256)
	assert.Greater(t, on[30], 10*before[30])
	assert.Greater(t, on[30], 5*(on[26]+on[34])/2)
	assert.Greater(t, on[60], 2*before[60], "second harmonic")
	assert.Greater(t, on[30], 10*psd(x["AF3"], 256)[30])
}

func TestMotorImagery(t *testing.T) {
	sensors := func(c *SourceConfig) { noBlinks(c); c.State.Background.AlphaAmplitude = 1 }
	ratio := func(hand string, command MentalCommand) float64 {
		s := testSource(t, "EPOCFLEX", sensors, func(c *SourceConfig) { c.State.MotorImagery, c.State.MentalCommand = hand, command })
		x := microvolts(s, 120)
		return band(psd(x["C3"], 128), 10, 12.5) / band(psd(x["C4"], 128), 10, 12.5)
	}
	rest := ratio("", MentalCommand{Action: "neutral"})
	assert.InDelta(t, 1, rest, 0.5)
	left := ratio("left", MentalCommand{Action: "neutral"})
	assert.Greater(t, left, 2*rest, "the right hemisphere desynchronises")
	assert.Less(t, ratio("right", MentalCommand{Action: "neutral"}), rest/2)
	// While the user thinks of a command to a side, as strongly as of the command.
	assert.Equal(t, left, ratio("command", MentalCommand{Action: "left", Power: 1}))
	half := ratio("command", MentalCommand{Action: "left", Power: 0.5})
	assert.True(t, half > 1.2*rest && half < left/1.2, half)
	assert.Equal(t, rest, ratio("command", MentalCommand{Action: "push", Power: 1}))
	assert.Equal(t, rest, ratio("", MentalCommand{Action: "left", Power: 1}), "only when it is asked for")
}

func TestRawCQ(t *testing.T) {
	record := func(on bool) (counts []int64) {
		s := testSource(t, "EPOCX", func(c *SourceConfig) { c.State.RawCQ, c.State.Contact = on, map[string]int{"T7": 1, "O1": 0} })
		s.Advance(testStart+88e9, KindSet(EEG), func(x *Sample) { counts = append(counts, x.Values[16]) })
		return counts
	}
	for _, n := range record(false) {
		require.Zero(t, n, "as in every log of the API")
	}
	zero, low := 0, 0
	for k, n := range record(true) {
		switch turn := k % 22; {
		case n == 0:
			zero++
			assert.True(t, turn >= 14 || turn == 6, "O1 has no contact, and after the sensors comes a pause")
		case turn == 4:
			low++
			assert.InDelta(t, 256_000, n, 10_000, "T7")
		default:
			assert.InDelta(t, 4*256_000, n, 40_000)
		}
	}
	assert.Equal(t, 1024*9, zero)
	assert.Equal(t, 1024, low)
}

func TestInjectedWaveform(t *testing.T) {
	flat := func(c *SourceConfig) { quiet(c); c.State.Background.Amplitude = 0; c.State.Worn = false }
	s := testSource(t, "EPOCX", flat, func(c *SourceConfig) {
		c.State.Waveforms = []Waveform{
			{Sensors: []string{"T7"}, Shape: "sine", Frequency: 10, Amplitude: 100, Start: 1, Duration: 2},
			{Sensors: []string{"T8"}, Shape: "samples", Samples: []float64{0, 50, 100, 50}, SampleRate: 128, Amplitude: 2},
		}
	})
	x := microvolts(s, 4)
	deviation := func(name string, from, to int) float64 { return stat.StdDev(x[name][from:to], nil) }
	assert.Less(t, deviation("T7", 0, 250), 2.0)
	assert.InDelta(t, 100/math.Sqrt2, deviation("T7", 256, 768), 1)
	assert.Less(t, deviation("T7", 768, 1024), 2.0)
	assert.Less(t, deviation("O1", 0, 1024), 2.0)
	assert.InDelta(t, 200, slices.Max(x["T8"])-slices.Min(x["T8"]), 6)
	// Going on through an unrelated change, gone when taken out.
	before := s.waves[1].from
	require.NoError(t, s.Update(func(st *State) { st.Eyes = "closed" }))
	assert.Equal(t, before, s.waves[1].from)
	require.NoError(t, s.Update(func(st *State) { st.Waveforms = nil }))
	x = microvolts(s, 1)
	assert.Less(t, deviation("T8", 0, 256), 2.0)
}

func TestMovementIsSeenInTheEEG(t *testing.T) {
	s := testSource(t, "EPOCX", noBlinks)
	calm := microvolts(s, 30)
	require.NoError(t, s.Update(func(st *State) { st.Head.Movement, st.Head.Amplitude, st.Head.Frequency = "shake", 20, 1.5 }))
	moved := microvolts(s, 30)
	louder := 0
	for name := range calm {
		if stat.StdDev(moved[name][256:], nil) > 1.5*stat.StdDev(calm[name], nil) {
			louder++
		}
	}
	assert.Greater(t, louder, 10)
}

// A feature that is not used leaves every byte as it was.
func TestUnusedFeaturesChangeNothing(t *testing.T) {
	record := func(change func(*SourceConfig)) (lines []string) {
		s := testSource(t, "EPOCX", change)
		s.Advance(testStart+12e9, AllKinds, func(x *Sample) { lines = append(lines, wire(s, x)) })
		return lines
	}
	plain := record(func(*SourceConfig) {})
	assert.Equal(t, plain, record(func(*SourceConfig) {}), "the same again")
	assert.NotEqual(t, plain, record(func(c *SourceConfig) { c.Seed++ }))
	for name, change := range map[string]func(*SourceConfig){
		"truth":     func(c *SourceConfig) { c.Truth = func(Truth) {} },
		"erp rules": func(c *SourceConfig) { c.State.ERP = []ERP{{Match: "*", Latency: 0.3, Amplitude: 10}} },
		"loss":      func(c *SourceConfig) { c.State.Loss = Loss{Burst: 9, InterpolationLimit: 3} },
		"ssvep":     func(c *SourceConfig) { c.State.SSVEP.Amplitude = 50 },
		"movement":  func(c *SourceConfig) { c.State.Head.Amplitude, c.State.Head.Frequency = 30, 5 },
		"waveform": func(c *SourceConfig) {
			c.State.Waveforms = []Waveform{{Shape: "sine", Frequency: 5, Amplitude: 50, Start: 100}}
		},
		"imagery without command": func(c *SourceConfig) { c.State.MotorImagery = "command" },
		"action without power":    func(c *SourceConfig) { c.State.MentalCommand.Action = "push" },
	} {
		assert.Equal(t, plain, record(change), name)
	}
}
