package streams

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Settings is the `settings` member of a headset object: samples per second and
// bits of EEG and motion, and the mode of the headset.
type Settings struct {
	EEGRate  int
	EEGRes   int
	MemsRate int // 0 when motion is off; 6 stands for the 6.4 Hz of an MN8
	MemsRes  int
	Mode     string
}

// Mode is one value of settings.mode and what it allows (updateHeadset page).
type Mode struct {
	Name      string
	EEGRates  []int
	EEGRes    []int
	MemsRates []int
	MemsRes   int
}

// MotionVariant is the set of motion sensors of firmware up to a limit.
type MotionVariant struct {
	Below   int64 // firmware numbers less than this one; 0: all others
	Sensors []string
}

// Grid is the converter of a headset: count n is (n*Num+Offset)/Den microvolts.
type Grid struct {
	Num, Offset, Den int64
	Max              int64 // largest count
}

// Volts returns the microvolts of a count.
func (g Grid) Volts(n int64) float64 { return float64(n*g.Num+g.Offset) / float64(g.Den) }

// Model is one kind of headset. The catalogue is data: what a model does not
// have is not in it, and what nobody outside EMOTIV knows is named in Unknown.
type Model struct {
	Name     string // EPOCPLUS; as in scenarios
	IDPrefix string // EPOCPLUS-
	Title    string // EPOC+
	Sensors  []string
	// Flex headsets have the sensors of the mapping given when connecting.
	Flex     bool
	Default  Settings
	Modes    []Mode
	Firmware string // of a headset whose firmware is not given; hex without prefix
	Motion   []MotionVariant
	// FixedMotion is the samples per second of motion sensors that run whatever
	// settings.memsRate says; 0: it decides.
	FixedMotion int
	// QuaternionStep is the resolution of Q1..Q3: 64 or 16384 steps a unit.
	QuaternionStep int
	// DC is the level that Cortex leaves in the EEG: about 4200 uV, half of the
	// converter's range, or 0 for a Flex, whose values Cortex high-passes.
	DC float64
	// Grids is the converter by settings.eegRes.
	Grids map[int]Grid
	// TwoBatteries: dev and eq carry batteryLeftPercent and batteryRightPercent.
	TwoBatteries bool
	// Met is false for headsets without performance metrics; MetCognitive is
	// the MN8's set, attention and cognitiveStress.
	Met, MetCognitive bool
	Com, Fac          bool
	Unknown           []string // guesses of this entry, in words
}

func sensors14() []string {
	return []string{"AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4"}
}

var (
	quaternionSet = []string{"Q0", "Q1", "Q2", "Q3", "ACCX", "ACCY", "ACCZ", "MAGX", "MAGY", "MAGZ"}
	gyroSet       = []string{"GYROX", "GYROY", "GYROZ", "ACCX", "ACCY", "ACCZ", "MAGX", "MAGY", "MAGZ"}

	quaternions = []MotionVariant{{Sensors: quaternionSet}}

	// 8400 uV peak to peak over 14 or 16 bits: 20/39 and 5/39 uV reproduce every
	// published value.
	grid14  = Grid{Num: 20, Den: 39, Max: 1<<14 - 1}
	grid16  = Grid{Num: 5, Den: 39, Max: 1<<16 - 1}
	gridMN8 = Grid{Num: 10, Offset: 2, Den: 21, Max: 17640}

	grids1416 = map[int]Grid{14: grid14, 16: grid16}
)

// catalogue is never written to.
var catalogue = [...]*Model{
	{
		Name: "EPOCPLUS", IDPrefix: "EPOCPLUS-", Title: "EPOC+", Sensors: sensors14(),
		Default: Settings{256, 16, 64, 16, "EPOCPLUS"},
		Modes: []Mode{
			{"EPOCPLUS", []int{128, 256}, []int{16, 14}, []int{0, 32, 64, 128}, 16},
			{"EPOC", []int{128}, []int{14}, []int{0}, 0},
		},
		Firmware: "634", Motion: []MotionVariant{{0x633, gyroSet}, {0, quaternionSet}}, QuaternionStep: 16384,
		DC: 4200, Grids: grids1416, Met: true, Com: true, Fac: true,
	},
	{
		Name: "EPOCX", IDPrefix: "EPOCX-", Title: "EPOC X", Sensors: sensors14(),
		Default: Settings{256, 16, 64, 16, "EPOCPLUS"},
		Modes: []Mode{
			{"EPOCPLUS", []int{128, 256}, []int{16, 14}, []int{0, 32, 64, 128}, 16},
			{"EPOC", []int{128}, []int{14}, []int{0}, 0},
		},
		Firmware: "930", Motion: quaternions, QuaternionStep: 16384,
		DC: 4200, Grids: grids1416, Met: true, Com: true, Fac: true,
		Unknown: []string{"settings.mode may read EPOCX"},
	},
	{
		Name: "EPOC", IDPrefix: "EPOC-", Title: "EPOC", Sensors: sensors14(),
		Default:  Settings{128, 14, 0, 0, "EPOC"},
		Modes:    []Mode{{"EPOC", []int{128}, []int{14}, []int{0, 128}, 12}},
		Firmware: "6ff", Motion: []MotionVariant{{0, []string{"GYROX", "GYROY"}}}, FixedMotion: 128, QuaternionStep: 16384,
		DC: 4200, Grids: grids1416, Met: true, Com: true, Fac: true,
		Unknown: []string{"firmware", "that mot comes: a log shows memsRate 0, the manual two gyroscopes at 128 Hz"},
	},
	{
		Name: "INSIGHT", IDPrefix: "INSIGHT-", Title: "INSIGHT", Sensors: []string{"AF3", "T7", "Pz", "T8", "AF4"},
		Default:  Settings{128, 14, 64, 14, "INSIGHT"},
		Modes:    []Mode{{"INSIGHT", []int{128}, []int{14}, []int{64, 128, 32, 0}, 14}},
		Firmware: "930", Motion: []MotionVariant{{0x930, gyroSet}, {0, quaternionSet}}, QuaternionStep: 64,
		DC: 4200, Grids: grids1416, Met: true, Com: true, Fac: true,
		Unknown: []string{"firmware at which the motion sensors changed: between 925 and 930"},
	},
	{
		Name: "INSIGHT2", IDPrefix: "INSIGHT2-", Title: "INSIGHT 2", Sensors: []string{"AF3", "T7", "Pz", "T8", "AF4"},
		Default:  Settings{128, 16, 32, 16, "INSIGHT"},
		Modes:    []Mode{{"INSIGHT", []int{128}, []int{16, 14}, []int{32, 64, 0}, 16}},
		Firmware: "a11", Motion: quaternions, QuaternionStep: 16384,
		DC: 4200, Grids: grids1416, Met: true, Com: true, Fac: true,
		Unknown: []string{"step of the EEG values"},
	},
	{
		Name: "EPOCFLEX", IDPrefix: "EPOCFLEX-", Title: "EPOC Flex", Flex: true,
		Default:  Settings{128, 14, 32, 8, "EPOCFLEX"},
		Modes:    []Mode{{"EPOCFLEX", []int{128}, []int{14, 16}, []int{0, 16, 32, 64, 128}, 8}},
		Firmware: "f10", Motion: quaternions, QuaternionStep: 64,
		DC: 0, Grids: grids1416, Met: true, Com: true, Fac: true,
		Unknown: []string{"settings.eegRes", "motion rate: 16 Hz in the EmotivBCI manual, 32/64/128 in the documentation"},
	},
	{
		Name: "FLEX2", IDPrefix: "FLEX2-", Title: "FLEX 2", Flex: true,
		Default:  Settings{128, 16, 32, 16, "FLEX2"},
		Modes:    []Mode{{"FLEX2", []int{128, 256}, []int{16, 14}, []int{0, 32, 64}, 16}},
		Firmware: "f20", Motion: quaternions, QuaternionStep: 16384,
		DC: 0, Grids: grids1416, Met: true, Com: true, Fac: true,
		Unknown: []string{"id prefix: FLEX- in one source", "rates", "resolution", "DC level", "mode", "firmware"},
	},
	{
		Name: "MN8", IDPrefix: "MN8-", Title: "MN8", Sensors: []string{"T7", "T8"},
		Default:  Settings{128, 14, 6, 14, "MN8"},
		Modes:    []Mode{{"MN8", []int{128}, []int{14}, []int{6, 0}, 14}},
		Firmware: "b10", Motion: quaternions, QuaternionStep: 16384,
		DC: 4200, Grids: map[int]Grid{14: gridMN8}, TwoBatteries: true, Met: true, MetCognitive: true, Com: true,
		Unknown: []string{"motion columns", "memsRate as an integer", "memsRes", "mode", "firmware"},
	},
	{
		Name: "MW20", IDPrefix: "MW20-", Title: "MW20", Sensors: []string{"T7", "T8"},
		Default:  Settings{128, 14, 6, 14, "MW20"},
		Modes:    []Mode{{"MW20", []int{128}, []int{14}, []int{6, 0}, 14}},
		Firmware: "c10", Motion: quaternions, QuaternionStep: 16384,
		DC: 4200, Grids: map[int]Grid{14: gridMN8}, TwoBatteries: true, Met: true, MetCognitive: true, Com: true,
		Unknown: []string{"everything but the sensors: taken from the MN8"},
	},
	{
		Name: "XTRODES", IDPrefix: "BGX-", Title: "X-trodes", Sensors: []string{"Ch-1", "Ch-2", "Ch-3", "Ch-4", "Ch-5", "Ch-6", "Ch-7", "Ch-8"},
		Default:  Settings{256, 16, 32, 16, "XTRODES"},
		Modes:    []Mode{{"XTRODES", []int{256, 128}, []int{16}, []int{32, 64, 0}, 16}},
		Firmware: "d10", Motion: quaternions, QuaternionStep: 16384,
		DC: 4200, Grids: grids1416, Com: true,
		Unknown: []string{"everything but the id prefix and that sensor names begin with Ch-; one source speaks of 250 Hz"},
	},
}

// Models returns the catalogue. The models are shared: read them only.
func Models() []*Model { return slices.Clone(catalogue[:]) }

// ModelByName returns the model called name, such as EPOCPLUS.
func ModelByName(name string) (*Model, bool) {
	for _, m := range catalogue {
		if m.Name == name {
			return m, true
		}
	}
	return nil, false
}

// ModelForID returns the model whose prefix a headset id has. The dash counts:
// INSIGHT2-0A1B2C3D is no INSIGHT.
func ModelForID(headsetID string) (*Model, bool) {
	for _, m := range catalogue {
		if strings.HasPrefix(headsetID, m.IDPrefix) {
			return m, true
		}
	}
	return nil, false
}

// DefaultSettings returns the settings of a headset that nobody has configured.
func (m *Model) DefaultSettings() Settings { return m.Default }

// CompleteSettings fills what is empty in s, as updateHeadset does, whose
// `setting` has only mode, eegRate and memsRate: the resolution follows from the
// mode. An empty mode is the default one.
func (m *Model) CompleteSettings(s Settings) Settings {
	if s.Mode == "" {
		s.Mode = m.Default.Mode
	}
	for _, mode := range m.Modes {
		if mode.Name != s.Mode {
			continue
		}
		if s.EEGRate == 0 {
			s.EEGRate = mode.EEGRates[0]
		}
		if s.EEGRes == 0 {
			s.EEGRes = mode.EEGRes[0]
		}
		if s.MemsRes == 0 && s.MemsRate != 0 {
			s.MemsRes = mode.MemsRes
		}
	}
	return s
}

// CheckSettings reports the first setting that this model cannot have. Its
// errors name the field, the value and what is right.
func (m *Model) CheckSettings(s Settings) error {
	for _, mode := range m.Modes {
		if mode.Name != s.Mode {
			continue
		}
		for _, f := range []struct {
			name    string
			value   int
			allowed []int
		}{
			{"eegRate", s.EEGRate, mode.EEGRates},
			{"eegRes", s.EEGRes, mode.EEGRes},
			{"memsRate", s.MemsRate, mode.MemsRates},
		} {
			if !slices.Contains(f.allowed, f.value) {
				return fmt.Errorf("settings.%s: %d is not possible on %s in mode %s, want %s", f.name, f.value, m.Title, s.Mode, orList(f.allowed))
			}
		}
		if s.MemsRes != mode.MemsRes && !(s.MemsRate == 0 && s.MemsRes == 0) {
			return fmt.Errorf("settings.memsRes: %d is not possible on %s in mode %s, want %d", s.MemsRes, m.Title, s.Mode, mode.MemsRes)
		}
		return nil
	}
	names := make([]string, len(m.Modes))
	for i, mode := range m.Modes {
		names[i] = mode.Name
	}
	return fmt.Errorf("settings.mode: %q is not possible on %s, want %s", s.Mode, m.Title, strings.Join(names, " or "))
}

func orList(values []int) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = strconv.Itoa(v)
	}
	return strings.Join(words, " or ")
}

// MotionSensors returns the names of `motionSensors` of a headset object: empty
// when motion is off. EPOC+ firmware before 633 and older INSIGHTs have a
// gyroscope where newer firmware sends a quaternion.
func (m *Model) MotionSensors(firmware string, s Settings) []string {
	if m.MotionRate(s) == 0 {
		return []string{}
	}
	number, err := strconv.ParseInt(strings.TrimPrefix(firmware, "0x"), 16, 64)
	if err != nil {
		number = math.MaxInt64 // an unreadable firmware is taken for a new one
	}
	for _, v := range m.Motion {
		if v.Below == 0 || number < v.Below {
			return slices.Clone(v.Sensors)
		}
	}
	return []string{}
}

// MotionRate returns the motion samples per second, 0 when motion is off.
func (m *Model) MotionRate(s Settings) float64 {
	switch {
	case m.FixedMotion > 0:
		return float64(m.FixedMotion)
	case s.MemsRate == 6:
		return 6.4
	}
	return float64(s.MemsRate)
}

// motionPeriod returns the nanoseconds between motion samples, 0 when off.
func (m *Model) motionPeriod(s Settings) int64 {
	rate := m.MotionRate(s)
	if rate == 0 {
		return 0
	}
	return int64(1e9 / rate)
}

// flexInputs are the electrodes of a Flex control box, in the order in which
// their sensors come in the streams: L and R, A to Q without I.
var flexInputs = [...]string{
	"LA", "LB", "LC", "LD", "LE", "LF", "LG", "LH", "LJ", "LK", "LL", "LM", "LN", "LO", "LP", "LQ",
	"RA", "RB", "RC", "RD", "RE", "RF", "RG", "RH", "RJ", "RK", "RL", "RM", "RN", "RO", "RP", "RQ",
}

// DefaultMappings returns a mapping of all 32 inputs of a Flex. It contains the
// fourteen sensors that the detections need. Which input sits where in EMOTIV's
// own default is known only for the first few.
func DefaultMappings() map[string]string {
	places := [...]string{
		"C3", "T7", "F3", "F7", "FC5", "AF3", "P7", "O1", "Fp1", "FC1", "CP5", "CP1", "P3", "PO9", "Fz", "Cz",
		"C4", "T8", "F4", "F8", "FC6", "AF4", "P8", "O2", "Fp2", "FC2", "CP6", "CP2", "P4", "PO10", "Pz", "Oz",
	}
	mappings := map[string]string{"CMS": "TP10", "DRL": "TP9"}
	for i, input := range flexInputs {
		mappings[input] = places[i]
	}
	return mappings
}

// CheckMappings reports what is wrong with the `mappings` of a Flex
// (controlDevice page): known inputs, known locations, each used once, and both
// references present.
func (m *Model) CheckMappings(mappings map[string]string) error {
	if !m.Flex {
		if len(mappings) > 0 {
			return fmt.Errorf("mappings: %s has fixed sensors, only a Flex takes mappings", m.Title)
		}
		return nil
	}
	for _, reference := range []string{"CMS", "DRL"} {
		if mappings[reference] == "" {
			return fmt.Errorf("mappings.%s: missing, a Flex needs a location for CMS and for DRL", reference)
		}
	}
	if len(mappings) == 2 {
		return fmt.Errorf("mappings: no sensor, want at least one of LA to LQ or RA to RQ")
	}
	inputs := make([]string, 0, len(mappings))
	for input := range mappings {
		inputs = append(inputs, input)
	}
	slices.Sort(inputs)
	used := make(map[string]string, len(mappings))
	for _, input := range inputs {
		location := mappings[input]
		if input != "CMS" && input != "DRL" && !slices.Contains(flexInputs[:], input) {
			return fmt.Errorf("mappings.%s: no such input, want CMS, DRL, LA to LQ or RA to RQ without I", input)
		}
		if !IsLocation(location) {
			return fmt.Errorf("mappings.%s: %q is no 10-20 location, want one such as Cz or AF3", input, location)
		}
		if other, taken := used[location]; taken {
			return fmt.Errorf("mappings.%s: %s is taken by %s already", input, location, other)
		}
		used[location] = input
	}
	return nil
}

// MappedSensors returns the sensors of a Flex in the order of its inputs. The
// order in which Cortex lists them is not documented; logs agree with this kind
// of order only in that the references are left out.
func (m *Model) MappedSensors(mappings map[string]string) []string {
	if !m.Flex {
		return slices.Clone(m.Sensors)
	}
	sensors := make([]string, 0, len(mappings))
	for _, input := range flexInputs {
		if location, ok := mappings[input]; ok {
			sensors = append(sensors, location)
		}
	}
	return sensors
}

// detects reports whether the detections (met, com, fac) work with these
// sensors: a Flex needs the fourteen of an EPOC X among them (subscribe page).
func (m *Model) detects(sensors []string) bool {
	if !m.Flex {
		return true
	}
	for _, name := range sensors14() {
		if !slices.Contains(sensors, name) {
			return false
		}
	}
	return true
}
