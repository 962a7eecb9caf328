package scenarios_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/scenarios"
	"github.com/fakecortex/fakecortex/streams"
)

func source(t *testing.T) *streams.Source {
	t.Helper()
	m, ok := streams.ModelByName("EPOCX")
	require.True(t, ok)
	src, err := streams.NewSource(streams.SourceConfig{Model: m, HeadsetID: "EPOCX-1", Settings: m.DefaultSettings(), Seed: 1, Dialect: streams.DefaultDialect(), State: streams.DefaultState()})
	require.NoError(t, err)
	return src
}

// Each action on the signal: the state at once, and a second later.
func TestSignalActions(t *testing.T) {
	for text, c := range map[string]struct {
		see         func(streams.State) any
		first, then any
	}{
		`{battery: 12.5}`:                           {func(s streams.State) any { return s.Battery.Percent }, 12.5, 12.5},
		`{battery: {drainPerHour: 3600}}`:           {func(s streams.State) any { return s.Battery.Percent > 79.5 }, true, false},
		`{contact: 0}`:                              {func(s streams.State) any { return s.Contact["*"] }, 0, 0},
		`{contact: {sensors: AF3, quality: 2}}`:     {func(s streams.State) any { return s.Contact["AF3"] }, 2, 2},
		`{signalStrength: 0.25}`:                    {func(s streams.State) any { return s.SignalStrength }, 0.25, 0.25},
		`{packetLoss: {share: 0.1, for: 500ms}}`:    {func(s streams.State) any { return s.Loss.Probability }, 0.1, 0.0},
		`{packetLoss: 0.1}`:                         {func(s streams.State) any { return s.Loss.Probability }, 0.1, 0.1},
		`{eyes: closed}`:                            {func(s streams.State) any { return s.Eyes }, "closed", "closed"},
		`{relax: {for: 1s}}`:                        {func(s streams.State) any { return fmt.Sprint(s.Eyes, s.Levels.Relaxation) }, "closed0.9", "open0.4"},
		`relax`:                                     {func(s streams.State) any { return s.Eyes }, "closed", "closed"},
		`{mind: {stress: 1}}`:                       {func(s streams.State) any { return s.Levels.Stress }, 1.0, 1.0},
		`{mentalCommand: {action: push, for: 1s}}`:  {func(s streams.State) any { return s.MentalCommand }, streams.MentalCommand{Action: "push", Power: 0.7}, streams.MentalCommand{Action: "neutral"}},
		`{head: {yaw: 30}}`:                         {func(s streams.State) any { return s.Head.Yaw }, 30.0, 30.0},
		`{head: nod}`:                               {func(s streams.State) any { return s.Head.Movement }, "nod", "nod"},
		`{stimulus: {frequency: 12, for: 1s}}`:      {func(s streams.State) any { return s.SSVEP.Frequency }, 12.0, 0.0},
		`{signal: {state: {levels: {focus: 0.9}}}}`: {func(s streams.State) any { return fmt.Sprint(s.Levels.Focus, s.Levels.Stress) }, "0.9 0.3", "0.9 0.3"},
		`{signal: {state: {contact: {T7: 1}}}}`:     {func(s streams.State) any { return s.Contact["T7"] }, 1, 1},
		`{signal: {state: {erp: [{match: "*", latency: 0.3, amplitude: 8}]}}}`: {func(s streams.State) any { return len(s.ERP) }, 1, 1},
	} {
		t.Run(text, func(t *testing.T) {
			a, err := scenarios.ParseAction([]byte(text))
			require.NoError(t, err)
			_, changes, ok := a.Signal()
			require.True(t, ok)
			src := source(t)
			at := func(d time.Duration) {
				src.Advance(int64(d), 0, nil)
				for _, c := range changes {
					if c.After == d {
						require.NoError(t, c.Apply(src, int64(d)))
					}
				}
			}
			at(0)
			assert.Equal(t, c.first, c.see(src.State()))
			at(500 * time.Millisecond)
			at(time.Second)
			assert.Equal(t, c.then, c.see(src.State()))
		})
	}
}

// What the face does is in the fac stream.
func TestFaceActions(t *testing.T) {
	for text, want := range map[string]string{
		"blink": "blink", "{wink: right}": "winkR", "{look: up}": "lookU", "{face: smile}": "smile", "{face: frown}": "frown", "clench": "clench",
	} {
		a, err := scenarios.ParseAction([]byte(text))
		require.NoError(t, err)
		_, changes, ok := a.Signal()
		require.True(t, ok, text)
		src := source(t)
		require.NoError(t, src.Update(func(s *streams.State) { s.BlinkRate = 0 }))
		for _, c := range changes {
			require.NoError(t, c.Apply(src, 0))
		}
		seen := false
		layout := src.Layout(streams.FAC)
		src.Advance(int64(2*time.Second), streams.KindSet(streams.FAC), func(s *streams.Sample) {
			for i, c := range layout.Columns {
				if c.Type == streams.Action && c.Names[s.Values[i]] == want {
					seen = true
				}
			}
		})
		assert.True(t, seen, text)
	}
}

func TestSignalIsChecked(t *testing.T) {
	for doc, want := range map[string]string{
		"world: {headsets: [{id: EPOCX-1, signal: {eyes: shut}}]}":                                                  `x.yaml:1:49: world.headsets[0].signal.eyes: "shut" is unknown; want open, closed`,
		"world: {headsets: [{id: EPOCX-1, signal: {eye: open}}]}":                                                   `x.yaml:1:43: world.headsets[0].signal: "eye" is not a key that is known here, did you mean "eyes"?`,
		"world: {headsets: [{id: EPOCX-1, signal: {contact: {AF9: 1}}}]}":                                           `"AF9" is no sensor of this headset`,
		"world: {headsets: [{id: EPOCX-1, signal: {levels: {focus: high}}}]}":                                       `x.yaml:1:59: world.headsets[0].signal.levels.focus: high is not a number; want a number`,
		"world: {headsets: [{id: EPOCX-1, signal: []}]}":                                                            `world.headsets[0].signal: a list is not a mapping`,
		"world: {headsets: [{id: EPOCX-1, settings: {eegRate: 100}}]}":                                              `x.yaml:1:54: world.headsets[0].settings.eegRate: 100 is not possible on EPOC X in mode EPOCPLUS; want 128 or 256`,
		"world: {headsets: [{id: INSIGHT-1, settings: {mode: EPOC}}]}":                                              `"EPOC" is not possible on INSIGHT`,
		"world: {headsets: [{id: EPOCFLEX-1, mappings: {CMS: Cz, DRL: Cz}}]}":                                       `x.yaml:1:57: world.headsets[0].mappings.DRL: "Cz" is the location of CMS already`,
		"world: {headsets: [{id: EPOCFLEX-1, mappings: {CMS: Cz, DRL: Cq}}]}":                                       `"Cq" is not a location`,
		"world: {headsets: [{id: EPOCX-1}]}\ntimeline: [{at: 1s, do: {contact: {sensors: [AF3, Q1], quality: 1}}}]": `timeline[0].do.contact.sensors[1]: "Q1" is not a sensor of EPOCX-1`,
		"world: {headsets: [{id: EPOCX-1}]}\ntimeline: [{at: 1s, do: {signal: {state: {blinkRate: 99}}}}]":          `timeline[0].do.signal.state.blinkRate: 99 is out of range; want 0 to 60`,
	} {
		_, err := scenarios.LoadBytes("x.yaml", []byte(doc), scenarios.Options{})
		assert.ErrorContains(t, err, want)
	}
}

func TestSettings(t *testing.T) {
	for doc, want := range map[string]streams.Settings{
		"{id: EPOCX-1}":                                       {EEGRate: 256, EEGRes: 16, MemsRate: 64, MemsRes: 16, Mode: "EPOCPLUS"},
		"{id: EPOCX-1, settings: {memsRate: 0}}":              {EEGRate: 256, EEGRes: 16, MemsRate: 0, MemsRes: 16, Mode: "EPOCPLUS"},
		"{id: EPOCX-1, settings: {mode: EPOC}}":               {EEGRate: 128, EEGRes: 14, Mode: "EPOC"},
		"{id: EPOCX-1, settings: {eegRate: 128, eegRes: 14}}": {EEGRate: 128, EEGRes: 14, MemsRate: 64, MemsRes: 16, Mode: "EPOCPLUS"},
	} {
		s, err := scenarios.LoadBytes("x.yaml", []byte("world: {headsets: ["+doc+"]}"), scenarios.Options{})
		require.NoError(t, err, doc)
		assert.Equal(t, want, s.World.Headsets[0].StreamSettings(), doc)
	}
}

// The lists of words in the tags are those of the signal's catalogue.
func TestCatalogues(t *testing.T) {
	for _, m := range streams.Models() {
		_, err := scenarios.LoadBytes("x.yaml", fmt.Appendf(nil, "world: {headsets: [{id: %s1, model: %s}]}", m.IDPrefix, m.Name), scenarios.Options{})
		assert.NoError(t, err, m.Name)
	}
	for _, a := range streams.MentalActions() {
		_, err := scenarios.ParseAction([]byte("{mentalCommand: " + a + "}"))
		assert.NoError(t, err)
	}
}
