package streams

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const testStart = int64(1_700_000_000_000_000_000)

func testConfig(t testing.TB, name string) SourceConfig {
	t.Helper()
	m, ok := ModelByName(name)
	require.True(t, ok, name)
	c := SourceConfig{Model: m, Settings: m.DefaultSettings(), Seed: 7, Start: testStart, Dialect: DefaultDialect(), State: DefaultState()}
	if m.Flex {
		c.Sensors = m.MappedSensors(DefaultMappings())
	}
	return c
}

func testSource(t testing.TB, name string, change ...func(*SourceConfig)) *Source {
	t.Helper()
	c := testConfig(t, name)
	for _, f := range change {
		f(&c)
	}
	s, err := NewSource(c)
	require.NoError(t, err)
	return s
}

// wire prints a sample as a frame has it, for comparisons.
func wire(s *Source, x *Sample) string {
	b := append([]byte(x.Kind.String()), ' ')
	b = s.Layout(x.Kind).AppendSample(b, x)
	b = append(b, ' ')
	return string(AppendTime(b, x.Stamp))
}

func TestRates(t *testing.T) {
	// samples of a stream in 20 s; -1: the headset has no such stream
	for name, want := range map[string][NumKinds]int{
		"EPOC":     {2560, 2560, 40, 40, 145, 40, 2, 160, 640},
		"EPOCPLUS": {5120, 1280, 40, 40, 145, 40, 2, 160, 640},
		"EPOCX":    {5120, 1280, 40, 40, 145, 40, 2, 160, 640},
		"INSIGHT":  {2560, 1280, 40, 40, 145, 40, 2, 160, 640},
		"INSIGHT2": {2560, 640, 40, 40, 145, 40, 2, 160, 640},
		"EPOCFLEX": {2560, 640, 40, 40, 145, 40, 2, 160, 640},
		"FLEX2":    {2560, 640, 40, 40, 145, 40, 2, 160, 640},
		"MN8":      {2560, 128, 40, 40, 145, 40, 2, 160, -1},
		"MW20":     {2560, 128, 40, 40, 145, 40, 2, 160, -1},
		"XTRODES":  {5120, 640, 40, 40, 145, -1, -1, 160, -1},
	} {
		t.Run(name, func(t *testing.T) {
			s := testSource(t, name)
			var got [NumKinds]int
			s.Advance(testStart+20e9, AllKinds, func(x *Sample) {
				assert.Equal(t, int64(got[x.Kind]), x.Index)
				got[x.Kind]++
			})
			for kind := range got {
				if s.Layout(Kind(kind)) == nil {
					got[kind] = -1
				}
			}
			assert.Equal(t, want, got)
		})
	}
}

func TestModelForID(t *testing.T) {
	for id, want := range map[string]string{
		"EPOC-1": "EPOC", "EPOCPLUS-3B9A0001": "EPOCPLUS", "EPOCX-E50208D8": "EPOCX", "INSIGHT-1": "INSIGHT", "INSIGHT2-1": "INSIGHT2",
		"EPOCFLEX-F0000001": "EPOCFLEX", "FLEX2-1": "FLEX2", "MN8-1": "MN8", "MW20-1": "MW20", "BGX-1": "XTRODES",
	} {
		m, ok := ModelForID(id)
		require.True(t, ok, id)
		assert.Equal(t, want, m.Name, id)
	}
	for _, id := range []string{"", "INSIGHT", "INSIGHT3-1", "epocx-1"} {
		_, ok := ModelForID(id)
		assert.False(t, ok, id)
	}
}

// The samples must not depend on how they are asked for.
func TestSamplesDoNotDependOnMaskOrSteps(t *testing.T) {
	record := func(s *Source, kinds Kinds, steps func() int64) (lines [NumKinds][]string) {
		end := testStart + 14e9
		events := []struct {
			at int64
			do func()
		}{
			{testStart + 3e9, func() {
				require.NoError(t, s.Update(func(st *State) {
					st.Eyes, st.Contact = "closed", map[string]int{"T7": 1}
					st.Head.Movement = "nod"
					st.Loss = Loss{Probability: 0.02, Burst: 4, InterpolationLimit: 8}
				}))
			}},
			{testStart + 5_123_456_789, func() { s.Blink(s.now); require.NoError(t, s.Trigger(s.now, "clench", 0.8, 1e9)) }},
			{testStart + 8e9, func() {
				require.NoError(t, s.Update(func(st *State) { st.SSVEP.Frequency, st.Eyes = 15, "open" }))
			}},
			{end, func() {}},
		}
		emit := func(x *Sample) { lines[x.Kind] = append(lines[x.Kind], wire(s, x)) }
		for at := testStart; len(events) > 0; {
			at = min(at+steps(), events[0].at)
			s.Advance(at, kinds, emit)
			if at == events[0].at {
				events[0].do()
				events = events[1:]
			}
		}
		return lines
	}
	whole := record(testSource(t, "EPOCX"), AllKinds, func() int64 { return 1e12 })
	rapid.Check(t, func(r *rapid.T) {
		kinds := Kinds(rapid.Uint16Range(0, uint16(AllKinds)).Draw(r, "kinds"))
		steps := rapid.SliceOfN(rapid.Int64Range(1e6, 3e9), 5, 20).Draw(r, "steps")
		i := 0
		part := record(testSource(t, "EPOCX"), kinds, func() int64 { i++; return steps[i%len(steps)] })
		for kind := range part {
			if kinds.Has(Kind(kind)) && Kind(kind) != SYS {
				require.NotEmpty(t, part[kind])
				require.Equal(t, whole[kind], part[kind], Kind(kind))
			} else {
				require.Empty(t, part[kind])
			}
		}
	})
}

func TestNextDue(t *testing.T) {
	s := testSource(t, "EPOCX", func(c *SourceConfig) { c.ClockRatio = 0.99061 })
	assert.Equal(t, int64(math.MaxInt64), s.NextDue(0))
	assert.Equal(t, int64(math.MaxInt64), s.NextDue(KindSet(SYS)))
	for _, kinds := range []Kinds{KindSet(EEG), KindSet(MOT, MET), KindSet(POW), KindSet(METLow), KindSet(FAC, DEV)} {
		for range 20 {
			due := s.NextDue(kinds)
			s.Advance(due-1, kinds, func(x *Sample) { t.Fatalf("%v before it was due", x.Kind) })
			n := 0
			s.Advance(due, kinds, func(x *Sample) { n++; assert.Equal(t, due, x.Due) })
			assert.Positive(t, n)
		}
	}
}

// A clock that is slow by 0.939 % gives the stamps of cortex-example #42: pow
// every 0.1262 s. No error adds up, however long it runs.
func TestClockRatio(t *testing.T) {
	s := testSource(t, "EPOCPLUS", func(c *SourceConfig) { c.ClockRatio, c.ClockOffset = 0.99061, 250_000_000 })
	for _, k := range []int64{0, 1, 255, 921_600, 1 << 40} {
		want := math.FMA(float64(k+1), 1e9/256/0.99061, 0)
		assert.InDelta(t, want, float64(s.due(k)-testStart), want*1e-12+1)
		assert.Equal(t, k, s.indexAt(s.due(k)))
		assert.Equal(t, k+1, s.indexAt(s.due(k)+1))
	}
	var stamps []int64
	s.Advance(testStart+4e9, KindSet(POW), func(x *Sample) { stamps = append(stamps, x.Stamp) })
	assert.InDelta(t, 1262, stamps[1]-stamps[0], 1)
	assert.InDelta(t, float64(testStart)*1e-9+0.25+2/0.99061, float64(stamps[0])/1e4, 1e-4)
	assert.InDelta(t, float64(testStart)*1e-9+0.25, s.HeadsetTime(testStart), 1e-6)
}

// Whoever comes after hours in which nobody listened finds what he would have
// found anyway, at almost no cost.
func TestSleepChangesNothing(t *testing.T) {
	for _, model := range []string{"EPOCX", "EPOCFLEX"} {
		noisy := func(c *SourceConfig) {
			c.State.Contact = map[string]int{"T7": 1}
			c.State.Loss = Loss{Probability: 0.05, Burst: 5, InterpolationLimit: 8}
			c.State.Head.Movement = "nod"
		}
		run := func(idle func(s *Source, until int64)) (lines []string) {
			s := testSource(t, model, noisy)
			s.SetMentalCommandModel(MentalCommandModel{Loaded: true, Active: []string{"push"}, Times: map[string]int{"push": 2}})
			listen := func(seconds int64) {
				s.Advance(s.now+seconds*1e9, AllKinds, func(x *Sample) { lines = append(lines, wire(s, x)) })
			}
			listen(3)
			idle(s, testStart+300_123_456_789)
			require.NoError(t, s.Update(func(st *State) { st.Eyes, st.Levels.Excitement = "closed", 0.9 }))
			s.Stimulus(s.now, "x")
			idle(s, testStart+400e9)
			listen(5)
			idle(s, testStart+409e9)
			s.Blink(testStart + 410e9)
			listen(5)
			return lines
		}
		awake := run(func(s *Source, until int64) { s.Advance(until, KindSet(DEV), func(*Sample) {}) })
		asleep := run(func(s *Source, until int64) { s.Advance(until, 0, nil) })
		dozing := run(func(s *Source, until int64) {
			for s.now < until {
				s.Advance(min(until, s.now+10e9), KindSet(SYS), nil)
			}
		})
		require.Len(t, asleep, len(awake))
		require.Len(t, dozing, len(awake))
		for i := range awake {
			require.Equal(t, awake[i], asleep[i])
			require.Equal(t, awake[i], dozing[i])
		}
	}
}

func TestNextDueOfASleeper(t *testing.T) {
	s := testSource(t, "EPOCX")
	s.Advance(testStart+100e9, 0, nil)
	assert.Equal(t, testStart+int64(100e9)+3_906_250, s.NextDue(KindSet(EEG)))
	assert.Equal(t, testStart+int64(110e9), s.NextDue(KindSet(METLow)))
	n := 0
	s.Advance(testStart+101e9, KindSet(EEG), func(x *Sample) {
		if n == 0 {
			assert.Equal(t, testStart+int64(100e9)+3_906_250, x.Due)
		}
		n++
	})
	assert.Equal(t, 256, n)
}

func TestSamplesAreMadeWithoutAllocations(t *testing.T) {
	s := testSource(t, "EPOCX")
	line := make([]byte, 0, 8192)
	emit := func(x *Sample) { line = AppendTime(s.Layout(x.Kind).AppendSample(line[:0], x), x.Stamp) }
	assert.Zero(t, testing.AllocsPerRun(20, func() { s.Advance(s.now+1e9, AllKinds, emit) }))
}
