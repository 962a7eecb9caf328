package emulator

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/fakecortex/fakecortex/emulator/faults"
	"github.com/fakecortex/fakecortex/scenarios"
)

// deed is an action that somebody did by hand.
type deed struct {
	at     int64
	action scenarios.Action
}

// maxDeeds bounds them; beyond it the oldest are forgotten.
const maxDeeds = 10_000

func (r *run) remember(a scenarios.Action) {
	if len(r.deeds) >= maxDeeds {
		r.deeds, r.forgotten = slices.Delete(r.deeds, 0, 1), r.forgotten+1
	}
	r.deeds = append(r.deeds, deed{r.Now(), a})
}

// Deeds returns a scenario, as YAML, that does again what was done by hand since
// the start or the last reset, at the same virtual times: actions, signals,
// approvals, faults. What clients did and how fast the clock ran is not in it.
func (e *Emulator) Deeds() ([]byte, error) {
	var text []byte
	var err error
	if !e.loop.do(func() { text, err = e.run.saved() }) {
		return nil, ErrClosed
	}
	return text, err
}

func (r *run) saved() ([]byte, error) {
	s := r.life.scenario
	type item = yaml.MapItem
	doc := yaml.MapSlice{
		{Key: "name", Value: "saved"},
		{Key: "title", Value: fmt.Sprintf("What was done by hand in %s, in %s", s.Name, time.Duration(r.Now()-r.life.start.UnixNano()).Round(time.Millisecond))},
	}
	world := yaml.MapSlice{{Key: "seed", Value: r.life.seed}}
	if v := r.e.options.CortexVersion; v != "" {
		world = append(world, item{Key: "cortexVersion", Value: v})
	}
	var before []any // the timeline of a document that cannot be extended
	if s.Builtin != "" {
		doc = append(doc, item{Key: "extends", Value: s.Builtin})
		if len(s.Vars) > 0 {
			doc = append(doc, item{Key: "vars", Value: s.Vars})
		}
		doc = append(doc, item{Key: "world", Value: world})
	} else {
		whole, err := plain(s.Document)
		if err != nil {
			return nil, err
		}
		members, _ := whole.(map[string]any)
		before, _ = members["timeline"].([]any)
		inner, _ := members["world"].(map[string]any)
		for _, w := range world {
			if inner != nil {
				inner[w.Key.(string)] = w.Value
			}
		}
		for _, key := range []string{"vars", "world", "compat", "texts", "faults", "expectations"} {
			if v, ok := members[key]; ok {
				doc = append(doc, item{Key: key, Value: v})
			}
		}
	}
	timeline := append([]any{}, before...)
	for i := 0; i < len(r.deeds); {
		at := r.deeds[i].at
		var actions []any
		for ; i < len(r.deeds) && r.deeds[i].at == at; i++ {
			a, err := plain(r.deeds[i].action)
			if err != nil {
				return nil, err
			}
			actions = append(actions, a)
		}
		timeline = append(timeline, yaml.MapSlice{{Key: "at", Value: time.Duration(at - r.life.start.UnixNano()).String()}, {Key: "do", Value: actions}})
	}
	doc = append(doc, item{Key: "timeline", Value: timeline})
	text, err := yaml.MarshalWithOptions(doc, yaml.IndentSequence(true))
	if err != nil {
		return nil, fmt.Errorf("save as a scenario: %w", err)
	}
	head := "# Does again what was done by hand: fakecortex --scenario ./saved.yaml\n"
	if r.forgotten > 0 {
		head += fmt.Sprintf("# The first %d actions are not kept any more.\n", r.forgotten)
	}
	return append([]byte(head), text...), nil
}

// plain is a value as JSON has it, numbers as they are written.
func plain(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("save as a scenario: %w", err)
	}
	var out any
	if err := yaml.Unmarshal(text, &out); err != nil { // keeps integers whole
		return nil, fmt.Errorf("save as a scenario: %w", err)
	}
	return out, nil
}

// TimelineStep is one step of the scenario in force and where it stands.
type TimelineStep struct {
	Name  string         `json:"name"`
	Step  scenarios.Step `json:"step"`
	Times int            `json:"times"` // how often it was done
	Last  *time.Time     `json:"last"`  // when it was done last
}

// Timeline returns the steps of the scenario in force.
func (e *Emulator) Timeline() []TimelineStep {
	list := []TimelineStep{}
	e.loop.do(func() {
		for _, p := range e.run.engine.Progress() {
			t := TimelineStep{Name: p.Name, Step: *p.Step, Times: p.Times}
			if p.Times > 0 {
				last := time.Unix(0, p.Last).UTC()
				t.Last = &last
			}
			list = append(list, t)
		}
	})
	return list
}

func clearFault(id string) scenarios.Action {
	return scenarios.Action{Name: scenarios.DoClearFault, Args: &scenarios.ClearFault{ID: id}}
}

func addFault(rule *faults.Rule) scenarios.Action {
	return scenarios.Action{Name: scenarios.DoFault, Args: rule}
}
