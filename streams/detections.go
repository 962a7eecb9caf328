package streams

import (
	"maps"
	"math"
	"slices"
)

// MentalCommandModel is what the loaded profile knows of mental commands.
type MentalCommandModel struct {
	Loaded      bool           // a profile is loaded; without one com stays neutral
	Active      []string       // active actions; neutral is always
	Times       map[string]int // trainings of each action, neutral included
	Sensitivity map[string]int // 1..10 of each action, 5 when absent
}

// FacialExpressionModel is what the loaded profile knows of facial expressions.
// They work without one.
type FacialExpressionModel struct {
	Signature  string         // universal, or trained: only trained expressions are seen
	Thresholds map[string]int // 0..1000 of each action, 500 when absent; low is seen less
	Times      map[string]int // trainings of each action
}

// SetMentalCommandModel tells the com stream what is trained.
func (s *Source) SetMentalCommandModel(m MentalCommandModel) {
	s.wake()
	s.com.model = MentalCommandModel{m.Loaded, slices.Clone(m.Active), maps.Clone(m.Times), maps.Clone(m.Sensitivity)}
	s.com.trained = s.com.trained[:0]
	for i, name := range mentalActions {
		if i > 0 && m.Times[name] > 0 && slices.Contains(m.Active, name) {
			s.com.trained = append(s.com.trained, i)
		}
	}
}

// SetFacialExpressionModel tells the fac stream what is trained.
func (s *Source) SetFacialExpressionModel(m FacialExpressionModel) {
	s.wake()
	s.fac = FacialExpressionModel{m.Signature, maps.Clone(m.Thresholds), maps.Clone(m.Times)}
}

// command is the mental command detection, eight times a second.
type command struct {
	model   MentalCommandModel
	trained []int // active actions with training
	seed    uint64

	action int
	power  int64 // millionths
	smooth float64
}

// Skill is how well an action is told from the others: 0 untrained, 0.33 after
// one training, 0.95 after eight.
func (m *MentalCommandModel) Skill(action string) float64 {
	return 1 - math.Exp(-float64(m.Times[action])/2.5)
}

func (m *MentalCommandModel) gain(action string) float64 {
	if v, ok := m.Sensitivity[action]; ok {
		return 1 + 0.12*float64(v-5)
	}
	return 1
}

// step decides tick i. How the real detection errs is not published; what this
// one keeps is the order of things: nothing without a profile or a training,
// weak and confused after one, clean after several, more with a higher
// sensitivity, and at random when neutral was never trained (cortex-example #63).
func (c *command) step(i uint64, st *State) {
	want := slices.Index(mentalActions, st.MentalCommand.Action)
	power := st.MentalCommand.Power
	if st.MentalCommand.Forced {
		c.action, c.power, c.smooth = want, int64(math.Round(power*1e6)), power
		if want == 0 {
			c.power = 0
		}
		return
	}
	action, target := 0, 0.0
	// A decision holds for half a second.
	slot := hash64(c.seed, i/4)
	jitter := normal(hash64(c.seed, i, 1))
	switch {
	case !c.model.Loaded || len(c.trained) == 0 || !st.Worn:
	case want != 0 && power > 0 && slices.Contains(c.trained, want):
		name := mentalActions[want]
		skill := c.model.Skill(name)
		action = want
		target = power * (0.3 + 0.7*skill) * c.model.gain(name) * (1 + (0.35-0.3*skill)*jitter)
		wrong := 0.5 * (1 - skill)
		switch u := unit(slot); {
		case u < wrong && len(c.trained) > 1:
			action = c.other(want, slot)
			target *= 0.7
		case u < wrong || u < 2*wrong && len(c.trained) > 1:
			action = 0
		}
	default: // at rest, or a thought that the profile does not know
		false_ := 0.12 * (1 - c.model.Skill("neutral"))
		if c.model.Times["neutral"] == 0 {
			false_ = 0.4
		}
		slot = hash64(c.seed, i/8, 2)
		if pick := c.trained[int(mix64(slot)%uint64(len(c.trained)))]; unit(slot) < false_*c.model.gain(mentalActions[pick]) {
			action = pick
			target = (0.2 + 0.5*unit(mix64(slot+1))) * (1 + 0.1*jitter)
		}
	}
	if action != c.action {
		c.smooth *= 0.3
	}
	c.smooth += 0.5 * (clamp(target, 0, 1) - c.smooth)
	c.action, c.power = action, int64(math.Round(c.smooth*1e6))
	if action == 0 || c.power == 0 {
		c.action, c.power = 0, 0
	}
}

// other picks another trained action.
func (c *command) other(than int, random uint64) int {
	i := int(mix64(random) % uint64(len(c.trained)-1))
	if at := slices.Index(c.trained, than); i >= at {
		i++
	}
	return c.trained[i]
}

// sees reports with which power the detection sees an expression.
func (m *FacialExpressionModel) sees(action string, power float64) float64 {
	threshold := 500.0
	if v, ok := m.Thresholds[action]; ok {
		threshold = float64(v)
	}
	// 500 sees a tenth of the full expression, 0 none at all, 1000 everything.
	if power < 0.1*math.Pow(2, (500-threshold)/125) || threshold == 0 {
		return 0
	}
	if m.Signature == "trained" {
		times := m.Times[action]
		return power * (1 - math.Exp(-float64(times)/1.5))
	}
	return power
}

func (s *Source) fillFac(k int64) {
	v := s.values[FAC]
	f := s.faces[k/int64(s.bg.chunk)%int64(len(s.faces))]
	for i := range v {
		v[i] = 0
	}
	if !s.st.Worn {
		return
	}
	eye := slices.Index(eyeActions, s.st.FacialExpression.EyeAct)
	for _, e := range s.eyes {
		if e.from <= k && k < e.to {
			eye = e.action
		}
	}
	// Eye actions cannot be trained: only their threshold counts.
	if eye > 0 && (s.fac.Thresholds[eyeActions[eye]] > 0 || !has(s.fac.Thresholds, eyeActions[eye])) {
		v[0] = int64(eye)
	}
	jitter := 1 + 0.03*normal(hash64(s.seed, seedFacial, uint64(k)))
	if p := s.fac.sees(upperActions[f.upper], f.uPow); f.upper > 0 && p > 0 {
		v[1], v[2] = int64(f.upper), int64(math.Round(clamp(p*jitter, 0, 1)*1e6))
	}
	if p := s.fac.sees(lowerActions[f.lower], f.lPow); f.lower > 0 && p > 0 {
		v[3], v[4] = int64(f.lower), int64(math.Round(clamp(p*jitter, 0, 1)*1e6))
	}
}

func has(m map[string]int, key string) bool {
	_, ok := m[key]
	return ok
}
