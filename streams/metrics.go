package streams

import "math"

// metrics are the performance metrics: slow processes around the levels of the
// state, moved twice a second.
type metrics struct {
	rng    random
	active bool // only on good signals
	wander [numMetrics]float64
	value  [numMetrics]float64
	long   float64 // excitement over a minute
}

func (l *Levels) metrics() [numMetrics]float64 {
	return [numMetrics]float64{
		attention: l.Attention, engagement: l.Engagement, excitement: l.Excitement, longExcitement: l.Excitement, stress: l.Stress,
		relaxation: l.Relaxation, interest: l.Interest, focus: l.Focus, cognitiveStress: l.CognitiveStress,
	}
}

func newMetrics(seed uint64, st *State) metrics {
	m := metrics{rng: random(hash64(seed, seedMet))}
	for i, level := range st.Levels.metrics() {
		m.wander[i] = 0.07 * m.rng.normal()
		m.value[i] = level
	}
	m.long = st.Levels.Excitement
	m.active = true
	return m
}

// step moves by half a second.
func (m *metrics) step(st *State) {
	const keep = 0.967 // exp(-0.5/15): a time constant of 15 s
	drive := 0.07 * math.Sqrt(1-keep*keep)
	for i, level := range st.Levels.metrics() {
		m.wander[i] = keep*m.wander[i] + drive*m.rng.normal()
		m.value[i] += 0.15 * (clamp(level+m.wander[i], 0, 1) - m.value[i]) // about 3 s to follow a change
	}
	m.long += (m.value[excitement] - m.long) / 120
	m.value[longExcitement] = m.long
}

func (s *Source) fillMet(kind Kind) {
	v := s.values[kind]
	scale := float64(pow10[s.layouts[kind].Columns[len(v)-1].Decimals])
	for i, c := range s.met {
		switch {
		case c.flag:
			v[i] = 0
			if s.mets.active {
				v[i] = 1
			}
		case !s.mets.active:
			v[i] = Null
		default:
			v[i] = int64(math.Round(s.mets.value[c.metric] * scale))
		}
	}
}

// InactiveMet returns a copy of a sample of MET or METLow as it is while the
// signal is too poor: no metric is active, all values are null.
func (s *Source) InactiveMet(met *Sample) Sample {
	out := *met
	out.Values = make([]int64, len(met.Values))
	for i, c := range s.met {
		if !c.flag {
			out.Values[i] = Null
		}
	}
	return out
}
