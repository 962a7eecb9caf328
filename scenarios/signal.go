package scenarios

import (
	"encoding/json"
	"time"

	"github.com/fakecortex/fakecortex/scenarios/strict"
	"github.com/fakecortex/fakecortex/streams"
)

// SignalPatch is some fields of a streams.State: what is not in it stays as it
// is.
type SignalPatch struct{ raw JSON }

// IsZero reports whether the patch was left out.
func (p SignalPatch) IsZero() bool { return len(p.raw) == 0 }

// Apply sets the fields of the patch. Its values are not checked: see
// streams.State.Check, which Source.Update calls.
func (p SignalPatch) Apply(state *streams.State) error {
	if p.IsZero() {
		return nil
	}
	return json.Unmarshal(p.raw, state)
}

// MarshalJSON implements json.Marshaler.
func (p SignalPatch) MarshalJSON() ([]byte, error) {
	if p.IsZero() {
		return []byte("{}"), nil
	}
	return p.raw, nil
}

// DecodeStrict implements strict.Self: the fields of a state, each of its type.
func (p *SignalPatch) DecodeStrict(d *strict.Decoder, n *strict.Node, path string) {
	before := len(d.Errors)
	var whole streams.State
	d.DecodeAt(n, &whole, path)
	if len(d.Errors) == before && n.Kind == strict.Map {
		d.DecodeAt(n, &p.raw, path)
	}
}

// Schema implements strict.Described.
func (SignalPatch) Schema(s *strict.SchemaBuilder) map[string]any { return s.OfValue(streams.State{}) }

// StreamSettings returns the settings of the headset: those of its model with
// what the document says instead.
func (h *Headset) StreamSettings() streams.Settings {
	m, ok := streams.ModelByName(h.Model)
	if !ok {
		return streams.Settings{}
	}
	s := m.DefaultSettings()
	if h.Settings == nil {
		return s
	}
	if mode := h.Settings.Mode; mode != "" && mode != s.Mode {
		for _, x := range m.Modes {
			if x.Name == mode {
				s = m.CompleteSettings(streams.Settings{Mode: mode, MemsRate: x.MemsRates[0]})
			}
		}
		s.Mode = mode
	}
	for _, x := range []struct {
		from *int
		to   *int
	}{{h.Settings.EEGRate, &s.EEGRate}, {h.Settings.EEGRes, &s.EEGRes}, {h.Settings.MemsRate, &s.MemsRate}, {h.Settings.MemsRes, &s.MemsRes}} {
		if x.from != nil {
			*x.to = *x.from
		}
	}
	return s
}

// SignalChange is one change of what a headset measures, After an action.
type SignalChange struct {
	After time.Duration
	apply func(src *streams.Source, at int64) error
}

// Apply makes the change happen at virtual time at, which is now.
func (c SignalChange) Apply(src *streams.Source, at int64) error { return c.apply(src, at) }

func update(after time.Duration, change func(*streams.State)) SignalChange {
	return SignalChange{after, func(src *streams.Source, _ int64) error { return src.Update(change) }}
}

func trigger(after time.Duration, act string, power float64, length Duration) SignalChange {
	return SignalChange{after, func(src *streams.Source, at int64) error { return src.Trigger(at, act, power, length.D()) }}
}

// lasting sets something and, after a while, sets it back; 0 is for good.
func lasting(length Duration, set, back func(*streams.State)) []SignalChange {
	changes := []SignalChange{update(0, set)}
	if length > 0 {
		changes = append(changes, update(length.D(), back))
	}
	return changes
}

// Signal returns what an action changes in the signal of which headset ("" is
// the first), ok false when it is no action on the signal. The caller applies
// the changes at their times. Each call returns changes of their own.
func (a Action) Signal() (headset string, changes []SignalChange, ok bool) {
	switch x := a.Args.(type) {
	case *Signal:
		return x.Headset, []SignalChange{{0, func(src *streams.Source, _ int64) error {
			state := src.State()
			if err := x.State.Apply(&state); err != nil {
				return err
			}
			return src.Update(func(s *streams.State) { *s = state })
		}}}, true
	case *Battery:
		return x.Headset, []SignalChange{update(0, func(s *streams.State) {
			if x.Percent != nil {
				s.Battery.Percent = *x.Percent
			}
			if x.DrainPerHour != nil {
				s.Battery.DrainPerHour = *x.DrainPerHour
			}
		})}, true
	case *Contact:
		return x.Headset, []SignalChange{update(0, func(s *streams.State) {
			if s.Contact == nil || len(x.Sensors) == 0 {
				s.Contact = map[string]int{}
			}
			for _, name := range x.Sensors {
				s.Contact[name] = x.Quality
			}
			if len(x.Sensors) == 0 {
				s.Contact["*"] = x.Quality
			}
		})}, true
	case *SignalStrength:
		return x.Headset, []SignalChange{update(0, func(s *streams.State) { s.SignalStrength = x.Strength })}, true
	case *PacketLoss:
		return x.Headset, lasting(x.For, func(s *streams.State) { s.Loss.Probability, s.Loss.Burst = x.Share, x.Burst }, func(s *streams.State) { s.Loss.Probability = 0 }), true
	case *Blink:
		for i := range max(x.Times, 1) {
			changes = append(changes, trigger(time.Duration(i)*x.Every.D(), "blink", 0, 0))
		}
		return x.Headset, changes, true
	case *Wink:
		return x.Headset, []SignalChange{trigger(0, map[string]string{"left": "winkL", "right": "winkR"}[x.Eye], 0, 0)}, true
	case *Look:
		return x.Headset, []SignalChange{trigger(0, map[string]string{"left": "lookL", "right": "lookR", "up": "lookU", "down": "lookD"}[x.Direction], 0, 0)}, true
	case *Face:
		return x.Headset, []SignalChange{trigger(0, x.Action, x.Power, x.For)}, true
	case *Clench:
		return x.Headset, []SignalChange{trigger(0, "clench", x.Power, x.For)}, true
	case *Eyes:
		return x.Headset, []SignalChange{update(0, func(s *streams.State) { s.Eyes = x.State })}, true
	case *Mind:
		return x.Headset, []SignalChange{update(0, func(s *streams.State) {
			l := &s.Levels
			for _, f := range []struct {
				from *float64
				to   *float64
			}{
				{x.Attention, &l.Attention}, {x.Engagement, &l.Engagement}, {x.Excitement, &l.Excitement}, {x.Stress, &l.Stress},
				{x.Relaxation, &l.Relaxation}, {x.Interest, &l.Interest}, {x.Focus, &l.Focus},
				{x.CognitiveStress, &l.CognitiveStress}, {x.Drowsy, &l.Drowsy},
			} {
				if f.from != nil {
					*f.to = *f.from
				}
			}
		})}, true
	case *Relax:
		var eyes string
		var level float64
		return x.Headset, lasting(x.For, func(s *streams.State) {
			eyes, level = s.Eyes, s.Levels.Relaxation
			s.Eyes, s.Levels.Relaxation = "closed", 0.9
		}, func(s *streams.State) { s.Eyes, s.Levels.Relaxation = eyes, level }), true
	case *MentalCommand:
		return x.Headset, lasting(x.For, func(s *streams.State) {
			s.MentalCommand = streams.MentalCommand{Action: x.Action, Power: x.Power, Forced: x.Forced}
		}, func(s *streams.State) { s.MentalCommand = streams.MentalCommand{Action: "neutral"} }), true
	case *HeadPose:
		return x.Headset, []SignalChange{update(0, func(s *streams.State) {
			s.Head = streams.Head{Yaw: x.Yaw, Pitch: x.Pitch, Roll: x.Roll, Movement: x.Movement, Amplitude: x.Amplitude, Frequency: x.Frequency}
		})}, true
	case *Stimulus:
		if x.Label != "" {
			return x.Headset, []SignalChange{{0, func(src *streams.Source, at int64) error {
				src.Stimulus(at, x.Label)
				return nil
			}}}, true
		}
		return x.Headset, lasting(x.For, func(s *streams.State) { s.SSVEP.Frequency = x.Frequency }, func(s *streams.State) { s.SSVEP.Frequency = 0 }), true
	}
	return "", nil, false
}
