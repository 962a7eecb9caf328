package streams

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCatalogue(t *testing.T) {
	for _, m := range Models() {
		t.Run(m.Name, func(t *testing.T) {
			assert.NoError(t, m.CheckSettings(m.DefaultSettings()))
			assert.Equal(t, m.DefaultSettings(), m.CompleteSettings(Settings{EEGRate: m.Default.EEGRate, MemsRate: m.Default.MemsRate, EEGRes: m.Default.EEGRes}))
			assert.Equal(t, m.Flex, m.Sensors == nil)
			for _, mode := range m.Modes {
				for _, rate := range mode.EEGRates {
					for _, res := range mode.EEGRes {
						for _, mems := range mode.MemsRates {
							c := testConfig(t, m.Name)
							c.Settings = Settings{rate, res, mems, mode.MemsRes, mode.Name}
							s, err := NewSource(c)
							require.NoError(t, err, "%+v", c.Settings)
							if m.Name == "EPOC" {
								mems = 128 // always
							}
							assert.Equal(t, mems != 0, s.Layout(MOT) != nil)
							n, last := 0, int64(0)
							s.Advance(testStart+5e9, KindSet(MOT), func(x *Sample) {
								n++
								last = x.Due
							})
							want := mems * 5
							if mems == 6 {
								want = 32 // 6.4 Hz
							}
							require.Equal(t, want, n, "%+v", c.Settings)
							if n > 0 {
								assert.Equal(t, testStart+int64(5e9), last)
							}
						}
					}
				}
			}
		})
	}
	_, ok := ModelByName("EPOCY")
	assert.False(t, ok)
}

func TestCheckSettings(t *testing.T) {
	m, _ := ModelByName("EPOCPLUS")
	for want, s := range map[string]Settings{
		`settings.mode: "INSIGHT" is not possible on EPOC+, want EPOCPLUS or EPOC`:                   {128, 14, 0, 0, "INSIGHT"},
		`settings.eegRate: 256 is not possible on EPOC+ in mode EPOC, want 128`:                      {256, 14, 0, 0, "EPOC"},
		`settings.eegRes: 15 is not possible on EPOC+ in mode EPOCPLUS, want 16 or 14`:               {256, 15, 0, 0, "EPOCPLUS"},
		`settings.memsRate: 16 is not possible on EPOC+ in mode EPOCPLUS, want 0 or 32 or 64 or 128`: {256, 16, 16, 16, "EPOCPLUS"},
		`settings.memsRes: 8 is not possible on EPOC+ in mode EPOCPLUS, want 16`:                     {256, 16, 32, 8, "EPOCPLUS"},
	} {
		assert.EqualError(t, m.CheckSettings(s), want)
		c := testConfig(t, "EPOCPLUS")
		c.Settings = s
		_, err := NewSource(c)
		assert.EqualError(t, err, want)
	}
	assert.Equal(t, Settings{256, 16, 64, 16, "EPOCPLUS"}, m.CompleteSettings(Settings{Mode: "EPOCPLUS", EEGRate: 256, MemsRate: 64}))
	assert.Equal(t, Settings{128, 14, 0, 0, "EPOC"}, m.CompleteSettings(Settings{Mode: "EPOC"}))
}

func TestMotionSensorsFollowTheFirmware(t *testing.T) {
	for _, tc := range []struct{ model, firmware, first string }{
		{"EPOCPLUS", "625", "GYROX"}, {"EPOCPLUS", "0x632", "GYROX"}, {"EPOCPLUS", "633", "Q0"}, {"EPOCPLUS", "634", "Q0"}, {"EPOCPLUS", "?", "Q0"},
		{"INSIGHT", "925", "GYROX"}, {"INSIGHT", "930", "Q0"}, {"EPOCX", "100", "Q0"}, {"MN8", "", "Q0"},
	} {
		m, _ := ModelByName(tc.model)
		names := m.MotionSensors(tc.firmware, m.DefaultSettings())
		require.NotEmpty(t, names)
		assert.Equal(t, tc.first, names[0], "%s %s", tc.model, tc.firmware)
	}
	m, _ := ModelByName("EPOC")
	assert.Equal(t, []string{"GYROX", "GYROY"}, m.MotionSensors("", Settings{128, 14, 128, 12, "EPOC"}))
	assert.Equal(t, []string{"GYROX", "GYROY"}, m.MotionSensors("", m.DefaultSettings()), "memsRate 0 says nothing of the gyroscopes")
	m, _ = ModelByName("EPOCPLUS")
	none := m.MotionSensors("", m.CompleteSettings(Settings{Mode: "EPOC"}))
	assert.NotNil(t, none, "printed [], not null")
	assert.Empty(t, none)
}

func TestMappings(t *testing.T) {
	flex, _ := ModelByName("EPOCFLEX")
	insight, _ := ModelByName("INSIGHT")
	require.NoError(t, flex.CheckMappings(DefaultMappings()))
	assert.Len(t, flex.MappedSensors(DefaultMappings()), 32)
	assert.True(t, flex.detects(flex.MappedSensors(DefaultMappings())))
	assert.NoError(t, insight.CheckMappings(nil))
	assert.Equal(t, insight.Sensors, insight.MappedSensors(nil))
	small := map[string]string{"CMS": "TP10", "DRL": "TP9", "RA": "C4", "LB": "T7", "LA": "C3"}
	require.NoError(t, flex.CheckMappings(small))
	assert.Equal(t, []string{"C3", "T7", "C4"}, flex.MappedSensors(small))
	change := func(key, value string) map[string]string {
		m := maps.Clone(small)
		m[key] = value
		return m
	}
	assert.EqualError(t, insight.CheckMappings(small), "mappings: INSIGHT has fixed sensors, only a Flex takes mappings")
	for want, m := range map[string]map[string]string{
		"mappings.CMS: missing, a Flex needs a location for CMS and for DRL":        nil,
		"mappings.DRL: missing, a Flex needs a location for CMS and for DRL":        change("DRL", ""),
		"mappings: no sensor, want at least one of LA to LQ or RA to RQ":            {"CMS": "TP10", "DRL": "TP9"},
		"mappings.LI: no such input, want CMS, DRL, LA to LQ or RA to RQ without I": change("LI", "Cz"),
		`mappings.LA: "cz" is no 10-20 location, want one such as Cz or AF3`:        change("LA", "cz"),
		"mappings.LC: C3 is taken by LA already":                                    change("LC", "C3"),
	} {
		assert.EqualError(t, flex.CheckMappings(m), want)
	}

	// Without the fourteen sensors the detections do not exist.
	s := testSource(t, "EPOCFLEX", func(c *SourceConfig) { c.Sensors = flex.MappedSensors(small) })
	for kind, want := range map[Kind]bool{EEG: true, MOT: true, DEV: true, EQ: true, POW: true, SYS: true, MET: false, METLow: false, COM: false, FAC: false} {
		assert.Equal(t, want, s.Layout(kind) != nil, kind)
	}
	_, err := NewSource(SourceConfig{Model: flex, Settings: flex.DefaultSettings(), State: DefaultState()})
	assert.EqualError(t, err, "sensors: none, a EPOC Flex has those of its mapping")
}

func TestPlaces(t *testing.T) {
	seen := make(map[place]string)
	for _, name := range locations {
		p := placeOf(name, 0, 1)
		assert.Empty(t, seen[p], "%s is at the place of another", name)
		seen[p] = name
	}
	for name, want := range map[string]place{"Cz": {0, 0}, "T7": {-0.95, 0}, "T8": {0.95, 0}, "AF3": {-0.35, 0.77}, "O2": {0.29, -0.9}, "F8": {0.77, 0.56}, "Fp1": {-0.29, 0.9}} {
		got := placeOf(name, 0, 1)
		assert.InDelta(t, want.x, got.x, 0.02, name)
		assert.InDelta(t, want.y, got.y, 0.02, name)
	}
	assert.NotEqual(t, placeOf("Ch-1", 0, 8), placeOf("Ch-2", 1, 8))
}

func TestStateCheck(t *testing.T) {
	sensors := []string{"AF3", "T7", "Pz", "T8", "AF4"}
	good := DefaultState()
	require.NoError(t, good.Check(sensors))
	for want, change := range map[string]func(*State){
		`eyes: "shut" is unknown, want open, closed`:                                                          func(s *State) { s.Eyes = "shut" },
		`levels.attention: 1.5 is out of range, want 0 to 1`:                                                  func(s *State) { s.Levels.Attention = 1.5 },
		`contact: "O1" is no sensor of this headset, want AF3, T7, Pz, T8, AF4`:                               func(s *State) { s.Contact = map[string]int{"O1": 4} },
		`contact.T7: 5 is out of range, want 0 to 4`:                                                          func(s *State) { s.Contact = map[string]int{"T7": 5} },
		`contact.*: -1 is out of range, want 0 to 4`:                                                          func(s *State) { s.Contact = map[string]int{"*": -1} },
		`battery.percent: 101 is out of range, want -1 to 100`:                                                func(s *State) { s.Battery.Percent = 101 },
		`loss.burst: 0 is out of range, want 1 to 1000`:                                                       func(s *State) { s.Loss.Burst = 0 },
		`loss.interpolationLimit: 65 is out of range, want 0 to 64`:                                           func(s *State) { s.Loss.InterpolationLimit = 65 },
		`head.movement: "dance" is unknown, want still, nod, shake, tilt, walk`:                               func(s *State) { s.Head.Movement = "dance" },
		`mentalCommand.power: 2 is out of range, want 0 to 1`:                                                 func(s *State) { s.MentalCommand.Power = 2 },
		`background.exponent: 3 is out of range, want 0.5 to 2.5`:                                             func(s *State) { s.Background.Exponent = 3 },
		`background.alphaFrequency: 20 is out of range, want 7 to 14`:                                         func(s *State) { s.Background.AlphaFrequency = 20 },
		`blinkRate: 61 is out of range, want 0 to 60`:                                                         func(s *State) { s.BlinkRate = 61 },
		`motorImagery: "feet" is unknown, want left, right, command`:                                          func(s *State) { s.MotorImagery = "feet" },
		`waveforms[0].frequency: 0 is out of range, want 0.01 to 128`:                                         func(s *State) { s.Waveforms = []Waveform{{Shape: "sine"}} },
		`waveforms[0].samples (their number): 0 is out of range, want 1 to 1000000`:                           func(s *State) { s.Waveforms = []Waveform{{Shape: "samples"}} },
		`waveforms: 17 of them, want at most 16`:                                                              func(s *State) { s.Waveforms = make([]Waveform, 17) },
		`erp[0].latency: 0 is out of range, want 0.01 to 5`:                                                   func(s *State) { s.ERP = []ERP{{Match: "x"}} },
		`erp[0].match: empty, want the label of a marker, or "*"`:                                             func(s *State) { s.ERP = []ERP{{Latency: 0.3}} },
		`facialExpression.lAct: "grin" is unknown, want neutral, smile, clench, laugh, smirkLeft, smirkRight`: func(s *State) { s.FacialExpression.LAct = "grin" },
	} {
		s := DefaultState()
		change(&s)
		assert.EqualError(t, s.Check(sensors), want)
	}
	s := testSource(t, "INSIGHT")
	before := s.State()
	assert.EqualError(t, s.Update(func(st *State) { st.Eyes = "shut"; st.Worn = false }), `eyes: "shut" is unknown, want open, closed`)
	assert.Equal(t, before, s.State(), "a bad update changes nothing")
}

func TestStateIsPlainData(t *testing.T) {
	st := DefaultState()
	st.Contact = map[string]int{"T7": 2}
	st.ERP = []ERP{{Match: "a*", Latency: 0.3, Amplitude: 5, Topography: map[string]float64{"Pz": 1}}}
	st.Waveforms = []Waveform{{Shape: "samples", Samples: []float64{1, 2}, Sensors: []string{"T7"}, Amplitude: 1}}
	text, err := json.Marshal(st)
	require.NoError(t, err)
	var back State
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Equal(t, st, back)

	clone := st.Clone()
	clone.Contact["T7"], clone.ERP[0].Topography["Pz"], clone.Waveforms[0].Samples[0], clone.Waveforms[0].Sensors[0] = 0, 9, 9, "x"
	assert.Equal(t, back, st, "a clone shares nothing")
	// What a scenario sets by name.
	require.NoError(t, json.Unmarshal([]byte(`{"eyes":"closed","levels":{"attention":0.9},"battery":{"percent":12}}`), &st))
	assert.Equal(t, 0.55, st.Levels.Engagement, "the rest stays")
	assert.Equal(t, 12.0, st.Battery.Percent)
}

func TestMatches(t *testing.T) {
	for _, tc := range []struct {
		pattern, label string
		want           bool
	}{
		{"target", "target", true}, {"target", "target 1", false}, {"target*", "target 1", true}, {"*", "", true}, {"*get", "target", true},
		{"t*g*t", "target", true}, {"t*x*t", "target", false}, {"a*a", "a", false}, {"*1*", "s1x", true},
	} {
		assert.Equal(t, tc.want, matches(tc.pattern, tc.label), "%s %s", tc.pattern, tc.label)
	}
}
