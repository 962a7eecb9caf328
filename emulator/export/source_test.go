package export

import (
	"fmt"
	"math/rand/v2"

	"github.com/fakecortex/fakecortex/streams"
)

// A small world for the tests: an EPOC X like headset whose streams follow
// simple rules, every value on the wire's own grid.

var (
	epocSensors    = []string{"AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4"}
	insightSensors = []string{"AF3", "T7", "Pz", "T8", "AF4"}
)

func intCol(names ...string) []streams.Column {
	var out []streams.Column
	for _, n := range names {
		out = append(out, streams.Column{Name: n, Type: streams.Int})
	}
	return out
}

func floatCol(decimals uint8, names ...string) []streams.Column {
	var out []streams.Column
	for _, n := range names {
		out = append(out, streams.Column{Name: n, Type: streams.Float, Decimals: decimals})
	}
	return out
}

func join(parts ...[]streams.Column) []streams.Column {
	var out []streams.Column
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func testLayouts(sensors []string) [streams.NumKinds]*streams.Layout {
	var out [streams.NumKinds]*streams.Layout
	put := func(k streams.Kind, cols ...[]streams.Column) {
		out[k] = &streams.Layout{Kind: k, Columns: join(cols...)}
	}
	put(streams.EEG, intCol("COUNTER", "INTERPOLATED"), floatCol(3, sensors...), floatCol(1, "RAW_CQ"),
		intCol("MARKER_HARDWARE"), []streams.Column{{Name: "MARKERS", Type: streams.Markers}})
	put(streams.MOT, intCol("COUNTER_MEMS", "INTERPOLATED_MEMS"),
		floatCol(6, "Q0", "Q1", "Q2", "Q3", "ACCX", "ACCY", "ACCZ", "MAGX", "MAGY", "MAGZ"))
	group := intCol(append(append([]string{}, sensors...), "OVERALL")...)
	for i := range group {
		group[i].Group = true
	}
	put(streams.DEV, intCol("Battery"), floatCol(1, "Signal"), group, intCol("BatteryPercent"))
	put(streams.EQ, intCol("batteryPercent", "overall"), floatCol(6, "sampleRateQuality"), intCol(sensors...))
	var pow []string
	for _, s := range sensors {
		for _, b := range []string{"theta", "alpha", "betaL", "betaH", "gamma"} {
			pow = append(pow, s+"/"+b)
		}
	}
	put(streams.POW, floatCol(3, pow...))
	var met []streams.Column
	for _, m := range []string{"attention", "eng", "exc", "lex", "str", "rel", "int"} {
		if m != "lex" {
			met = append(met, streams.Column{Name: m + ".isActive", Type: streams.Bool})
		}
		met = append(met, streams.Column{Name: m, Type: streams.Float, Decimals: 6})
	}
	put(streams.MET, met)
	put(streams.METLow, met)
	put(streams.COM, []streams.Column{{Name: "act", Type: streams.Action, Names: []string{"neutral", "push", "pull"}}}, floatCol(6, "pow"))
	put(streams.FAC,
		[]streams.Column{{Name: "eyeAct", Type: streams.Action, Names: []string{"neutral", "blink", "winkL", "winkR", "lookL", "lookR"}}},
		[]streams.Column{{Name: "uAct", Type: streams.Action, Names: []string{"neutral", "surprise", "frown"}}}, floatCol(6, "uPow"),
		[]streams.Column{{Name: "lAct", Type: streams.Action, Names: []string{"neutral", "smile", "clench"}}}, floatCol(6, "lPow"))
	put(streams.SYS, []streams.Column{
		{Name: "event", Type: streams.Action, Names: []string{"mentalCommand", "facialExpression"}},
		{Name: "msg", Type: streams.Action, Names: []string{"MC_Started", "MC_Succeeded"}}})
	return out
}

const (
	testStart  = int64(1_719_899_665_250_000_000) // 2024-07-02T05:54:25.25Z, Unix ns
	nanosecond = int64(1_000_000_000)
)

// source makes the samples of all streams, in the order of their time.
type source struct {
	layouts [streams.NumKinds]*streams.Layout
	rates   [streams.NumKinds]float64
	start   int64
	levels  []int64 // ADC count per sensor
	rng     *rand.Rand
	next    [streams.NumKinds]int64
	sample  streams.Sample
}

func newSource(sensors []string, eegRate, motRate float64, kinds streams.Kinds) *source {
	s := &source{layouts: testLayouts(sensors), start: testStart, rng: rand.New(rand.NewPCG(7, 11))}
	rates := [streams.NumKinds]float64{eegRate, motRate, 2, 2, 8, 2, 0.1, 8, 32, 0}
	for k := range rates {
		if kinds.Has(streams.Kind(k)) {
			s.rates[k] = rates[k]
		} else {
			s.layouts[k] = nil
		}
	}
	for range sensors {
		s.levels = append(s.levels, 32768)
	}
	return s
}

// due is the sample's deadline: integers, as streams makes them.
func (s *source) due(k int, i int64) int64 {
	period := int64(float64(nanosecond) / s.rates[k])
	return s.start + (i+1)*period
}

// until hands every sample due by then to fn.
func (s *source) until(seconds float64, fn func(*streams.Sample)) {
	end := s.start + int64(seconds*float64(nanosecond))
	for {
		best := -1
		for k := range s.rates {
			if s.rates[k] > 0 && (best < 0 || s.due(k, s.next[k]) < s.due(best, s.next[best])) {
				best = k
			}
		}
		if best < 0 || s.due(best, s.next[best]) > end {
			return
		}
		i := s.next[best]
		s.next[best]++
		s.fill(streams.Kind(best), i)
		s.sample.Due = s.due(best, i)
		s.sample.Stamp = (s.sample.Due + 50_000) / 100_000
		s.sample.Due += 1_100_000 // received 1.1 ms later
		fn(&s.sample)
	}
}

func (s *source) fill(k streams.Kind, i int64) {
	cols := s.layouts[k].Columns
	sm := &s.sample
	sm.Kind, sm.Index, sm.Markers = k, i+100, nil
	sm.Values = sm.Values[:0]
	for c, col := range cols {
		var v int64
		switch {
		case col.Name == "COUNTER" || col.Name == "COUNTER_MEMS":
			v = (i + 17) % int64(s.rates[k])
		case col.Name == "INTERPOLATED" || col.Name == "INTERPOLATED_MEMS" || col.Name == "MARKER_HARDWARE" || col.Name == "RAW_CQ":
		case col.Type == streams.Markers:
		case k == streams.EEG:
			n := &s.levels[c-2]
			*n += int64(s.rng.NormFloat64()*40) - (*n-32768)/50
			v = divRound(*n*5000, 39)
		case k == streams.MOT && col.Name[0] == 'Q':
			v = divRound(int64(s.rng.IntN(200)+4000)*1_000_000, 16384)
		case k == streams.MOT && col.Name[0] == 'A':
			v = divRound(int64(s.rng.IntN(100)-1900)*32_000_000, 65535)
		case k == streams.MOT:
			v = int64(s.rng.IntN(2_000_000)) - 40_000_000
		case col.Type == streams.Action:
			v = i / 7 % int64(len(col.Names))
		case col.Type == streams.Bool:
			v = i / 5 % 2
		case k == streams.MET && i/5%2 == 0 && col.Name != "lex":
			v = streams.Null
		case k == streams.POW:
			v = int64(s.rng.IntN(4000)) + 200
		case col.Name == "OVERALL" || col.Name == "overall":
			v = 75 + i%3
		case col.Name == "BatteryPercent" || col.Name == "batteryPercent":
			v = 80 - i/4
		case col.Type == streams.Float:
			v = int64(s.rng.IntN(100)) * 10000
		default:
			v = i / 3 % 5
		}
		sm.Values = append(sm.Values, v)
	}
}

// record runs the source into a recorder for that long.
func (s *source) record(storage Storage, seconds float64) *Recording {
	r := NewRecorder(storage)
	for k, l := range s.layouts {
		if l != nil {
			if err := r.Begin(streams.Kind(k), l); err != nil {
				panic(err)
			}
		}
	}
	s.until(seconds, r.Add)
	rec, err := r.Stop()
	if err != nil {
		panic(fmt.Sprint("record: ", err))
	}
	return rec
}

func cloneSample(s *streams.Sample) streams.Sample {
	c := *s
	c.Values = append([]int64(nil), s.Values...)
	if len(s.Markers) > 0 {
		c.Markers = append([]byte(nil), s.Markers...)
	} else {
		c.Markers = nil
	}
	return c
}
