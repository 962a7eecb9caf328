package streams

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// State is everything about the head and the radio that can change while a
// headset streams. It is plain data, so that a scenario or the control API can
// set it by name. Durations are seconds, amplitudes microvolts, shares 0..1,
// unless a field says otherwise. Begin with DefaultState.
type State struct {
	Worn bool   `json:"worn"` // false: off the head, contact 0 everywhere
	Eyes string `json:"eyes"` // open or closed; closed raises alpha and stops blinks

	Levels Levels `json:"levels"`

	// Contact is the contact quality of each sensor, 0 none to 4 good; "*" is
	// for the sensors that are not named, 4 without it.
	Contact map[string]int `json:"contact,omitempty"`

	Battery        Battery `json:"battery"`
	SignalStrength float64 `json:"signalStrength"` // dev's Signal: 0 bad to 1 best
	Loss           Loss    `json:"loss"`
	Head           Head    `json:"head"`

	FacialExpression FacialExpression `json:"facialExpression"`
	MentalCommand    MentalCommand    `json:"mentalCommand"`

	Background Background `json:"background"`
	BlinkRate  float64    `json:"blinkRate"` // spontaneous blinks a minute, 0 none; -1: 15 to 20, by the seed
	MetWarmUp  float64    `json:"metWarmUp"` // seconds from the start in which every metric is null
	// RawCQ fills the RAW_CQ column of eeg with raw contact counts, as recordings
	// have them; without it they are 0.0, as in every log of the API.
	RawCQ bool `json:"rawCq,omitempty"`

	Waveforms []Waveform `json:"waveforms,omitempty"`
	ERP       []ERP      `json:"erp,omitempty"`
	SSVEP     SSVEP      `json:"ssvep"`
	// MotorImagery is left or right, the hand that is imagined, or command: that
	// of a mental command left or right, for as long as the user thinks of it.
	MotorImagery string `json:"motorImagery,omitempty"`
}

// Levels is the state of mind, 0..1 each. The metrics wander around them;
// relaxation raises alpha, attention and engagement raise beta and lower theta,
// drowsy raises theta and lowers alpha.
type Levels struct {
	Attention       float64 `json:"attention"`
	Engagement      float64 `json:"engagement"`
	Excitement      float64 `json:"excitement"`
	Stress          float64 `json:"stress"`
	Relaxation      float64 `json:"relaxation"`
	Interest        float64 `json:"interest"`
	Focus           float64 `json:"focus"`
	CognitiveStress float64 `json:"cognitiveStress"`
	Drowsy          float64 `json:"drowsy"`
}

// Battery is the charge in percent. -1 is unknown, as in the first seconds of a
// headset (cortex-example #62).
type Battery struct {
	Percent      float64 `json:"percent"`
	DrainPerHour float64 `json:"drainPerHour"`
}

// Loss is lost radio packets, one EEG sample each. Cortex fills a gap of up to
// InterpolationLimit samples by interpolation; a longer one is a hole.
type Loss struct {
	Probability        float64 `json:"probability"` // that a gap begins at a sample
	Burst              float64 `json:"burst"`       // mean length of a gap in samples
	InterpolationLimit int     `json:"interpolationLimit"`
}

// Head is the pose in degrees (yaw to the left, pitch down, roll to the right
// shoulder are positive) and what it does.
type Head struct {
	Yaw   float64 `json:"yaw"`
	Pitch float64 `json:"pitch"`
	Roll  float64 `json:"roll"`
	// Movement is still, nod, shake, tilt or walk, with an amplitude in degrees
	// (walk: in percent of g) and a frequency in hertz.
	Movement  string  `json:"movement"`
	Amplitude float64 `json:"amplitude"`
	Frequency float64 `json:"frequency"`
}

// FacialExpression is what the face does, in the words of the fac stream. An
// eyeAct happens once, when it is set; the others last until they are changed.
type FacialExpression struct {
	EyeAct string  `json:"eyeAct"`
	UAct   string  `json:"uAct"`
	UPow   float64 `json:"uPow"`
	LAct   string  `json:"lAct"`
	LPow   float64 `json:"lPow"`
}

// MentalCommand is what the user thinks. What com says of it depends on the
// profile, unless Forced is set: then com sends exactly this, as a virtual
// headset of EMOTIV's does.
type MentalCommand struct {
	Action string  `json:"action"`
	Power  float64 `json:"power"`
	Forced bool    `json:"forced"`
}

// Background is the ongoing EEG. Amplitudes are RMS at the place where the
// rhythm is strongest, in microvolts.
type Background struct {
	Exponent       float64 `json:"exponent"`       // power falls as 1/f^exponent: 0.5 to 2.5
	Amplitude      float64 `json:"amplitude"`      // of the 1/f part
	AlphaFrequency float64 `json:"alphaFrequency"` // hertz; 0: 9.2 to 10.8, by the seed
	AlphaAmplitude float64 `json:"alphaAmplitude"` // eyes closed
	ThetaAmplitude float64 `json:"thetaAmplitude"`
	BetaAmplitude  float64 `json:"betaAmplitude"`
	MuAmplitude    float64 `json:"muAmplitude"`   // over C3 and C4, with half of it at twice the frequency
	LineNoise      float64 `json:"lineNoise"`     // peak, on a sensor with good contact
	LineFrequency  float64 `json:"lineFrequency"` // hertz
}

// Waveform is a signal put on top of the EEG, from Start seconds after it was
// set.
type Waveform struct {
	Sensors    []string  `json:"sensors,omitempty"`    // none: all
	Shape      string    `json:"shape"`                // sine, square, triangle, constant or samples
	Frequency  float64   `json:"frequency,omitempty"`  // hertz
	Amplitude  float64   `json:"amplitude"`            // peak; a factor for samples
	Samples    []float64 `json:"samples,omitempty"`    // microvolts, repeated
	SampleRate float64   `json:"sampleRate,omitempty"` // of Samples, hertz; 0: the headset's
	Start      float64   `json:"start,omitempty"`
	Duration   float64   `json:"duration,omitempty"` // 0: until it is taken out
}

// ERP is a rule: a stimulus whose label matches evokes this response.
type ERP struct {
	Match      string             `json:"match"`     // the label, with * for any characters
	Latency    float64            `json:"latency"`   // seconds from the stimulus to the peak
	Width      float64            `json:"width"`     // seconds at half height; 0: 0.1
	Amplitude  float64            `json:"amplitude"` // at the best sensor; negative for an N wave
	Topography map[string]float64 `json:"topography,omitempty"`
	// Region is used without a topography: parietal (default), central,
	// frontal, occipital.
	Region string  `json:"region,omitempty"`
	Jitter float64 `json:"jitter,omitempty"` // standard deviation of the latency
}

// SSVEP is the response to a flickering stimulus, over the occiput.
type SSVEP struct {
	Frequency float64 `json:"frequency"` // hertz; 0: off
	Amplitude float64 `json:"amplitude"` // peak at O1 and O2
}

// DefaultState is a headset that sits well on a person with open eyes.
func DefaultState() State {
	return State{
		Worn: true,
		Eyes: "open",
		Levels: Levels{
			Attention: 0.5, Engagement: 0.55, Excitement: 0.35, Stress: 0.3, Relaxation: 0.4, Interest: 0.5, Focus: 0.5, CognitiveStress: 0.35,
		},
		Battery:          Battery{Percent: 80},
		SignalStrength:   1,
		Loss:             Loss{Burst: 2, InterpolationLimit: 16},
		Head:             Head{Movement: "still", Amplitude: 10, Frequency: 1},
		FacialExpression: FacialExpression{EyeAct: "neutral", UAct: "neutral", LAct: "neutral"},
		MentalCommand:    MentalCommand{Action: "neutral"},
		Background: Background{
			Exponent: 1.5, Amplitude: 9, AlphaAmplitude: 10, ThetaAmplitude: 3, BetaAmplitude: 2, MuAmplitude: 3.5, LineNoise: 0.3, LineFrequency: 50,
		},
		BlinkRate: -1,
		SSVEP:     SSVEP{Amplitude: 4},
	}
}

// Clone returns a copy that shares nothing.
func (s State) Clone() State {
	s.Contact = maps.Clone(s.Contact)
	s.Waveforms = slices.Clone(s.Waveforms)
	for i := range s.Waveforms {
		s.Waveforms[i].Sensors = slices.Clone(s.Waveforms[i].Sensors)
		s.Waveforms[i].Samples = slices.Clone(s.Waveforms[i].Samples)
	}
	s.ERP = slices.Clone(s.ERP)
	for i := range s.ERP {
		s.ERP[i].Topography = maps.Clone(s.ERP[i].Topography)
	}
	return s
}

// contact returns the contact quality of one sensor.
func (s *State) contact(sensor string) int {
	if !s.Worn {
		return 0
	}
	if q, ok := s.Contact[sensor]; ok {
		return q
	}
	if q, ok := s.Contact["*"]; ok {
		return q
	}
	return 4
}

// imagined returns the hand that is imagined, if any, and how vividly, 0..1.
func (s *State) imagined() (hand string, power float64) {
	switch c := s.MentalCommand; {
	case s.MotorImagery == "left" || s.MotorImagery == "right":
		return s.MotorImagery, 1
	case s.MotorImagery == "command" && (c.Action == "left" || c.Action == "right"):
		return c.Action, c.Power
	}
	return "", 0
}

// Bounds that keep a state within what the simulation is made for.
const (
	maxWaveforms = 16
	maxERP       = 32
	maxSamples   = 1_000_000
)

// Check reports the first field that is wrong: its name, its value and what
// would be right. Sensor names are checked against sensors unless that is nil.
func (s *State) Check(sensors []string) error {
	number := func(name string, v, low, high float64) error {
		if v >= low && v <= high { // false for NaN
			return nil
		}
		plain := func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
		return fmt.Errorf("%s: %s is out of range, want %s to %s", name, plain(v), plain(low), plain(high))
	}
	word := func(name, v string, allowed ...string) error {
		if slices.Contains(allowed, v) {
			return nil
		}
		return fmt.Errorf("%s: %q is unknown, want %s", name, v, strings.Join(allowed, ", "))
	}
	sensor := func(name, v string) error {
		if sensors == nil || slices.Contains(sensors, v) {
			return nil
		}
		return fmt.Errorf("%s: %q is no sensor of this headset, want %s", name, v, strings.Join(sensors, ", "))
	}
	share := func(name string, v float64) error { return number(name, v, 0, 1) }

	errs := []error{
		word("eyes", s.Eyes, "open", "closed"),
		share("levels.attention", s.Levels.Attention), share("levels.engagement", s.Levels.Engagement),
		share("levels.excitement", s.Levels.Excitement), share("levels.stress", s.Levels.Stress),
		share("levels.relaxation", s.Levels.Relaxation), share("levels.interest", s.Levels.Interest),
		share("levels.focus", s.Levels.Focus), share("levels.cognitiveStress", s.Levels.CognitiveStress),
		share("levels.drowsy", s.Levels.Drowsy),
		number("battery.percent", s.Battery.Percent, -1, 100),
		number("battery.drainPerHour", s.Battery.DrainPerHour, 0, 360000),
		share("signalStrength", s.SignalStrength),
		share("loss.probability", s.Loss.Probability),
		number("loss.burst", s.Loss.Burst, 1, 1000),
		number("loss.interpolationLimit", float64(s.Loss.InterpolationLimit), 0, maxInterpolation),
		number("head.yaw", s.Head.Yaw, -180, 180), number("head.pitch", s.Head.Pitch, -90, 90), number("head.roll", s.Head.Roll, -90, 90),
		word("head.movement", s.Head.Movement, "still", "nod", "shake", "tilt", "walk"),
		number("head.amplitude", s.Head.Amplitude, 0, 90),
		number("head.frequency", s.Head.Frequency, 0.05, 10),
		word("facialExpression.eyeAct", s.FacialExpression.EyeAct, eyeActions...),
		word("facialExpression.uAct", s.FacialExpression.UAct, upperActions...),
		word("facialExpression.lAct", s.FacialExpression.LAct, lowerActions...),
		share("facialExpression.uPow", s.FacialExpression.UPow), share("facialExpression.lPow", s.FacialExpression.LPow),
		word("mentalCommand.action", s.MentalCommand.Action, mentalActions...),
		share("mentalCommand.power", s.MentalCommand.Power),
		number("background.exponent", s.Background.Exponent, 0.5, 2.5),
		number("background.amplitude", s.Background.Amplitude, 0, 200),
		number("background.alphaAmplitude", s.Background.AlphaAmplitude, 0, 200),
		number("background.thetaAmplitude", s.Background.ThetaAmplitude, 0, 200),
		number("background.betaAmplitude", s.Background.BetaAmplitude, 0, 200),
		number("background.muAmplitude", s.Background.MuAmplitude, 0, 200),
		number("background.lineNoise", s.Background.LineNoise, 0, 2000),
		number("background.lineFrequency", s.Background.LineFrequency, 40, 63),
		number("metWarmUp", s.MetWarmUp, 0, 3600),
		number("ssvep.amplitude", s.SSVEP.Amplitude, 0, 200),
	}
	if f := s.Background.AlphaFrequency; f != 0 {
		errs = append(errs, number("background.alphaFrequency", f, 7, 14))
	}
	if s.BlinkRate != -1 {
		errs = append(errs, number("blinkRate", s.BlinkRate, 0, 60))
	}
	if f := s.SSVEP.Frequency; f != 0 {
		errs = append(errs, number("ssvep.frequency", f, 1, 45))
	}
	if s.MotorImagery != "" {
		errs = append(errs, word("motorImagery", s.MotorImagery, "left", "right", "command"))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Contact)) {
		if name != "*" {
			errs = append(errs, sensor("contact", name))
		}
		errs = append(errs, number("contact."+name, float64(s.Contact[name]), 0, 4))
	}
	if len(s.Waveforms) > maxWaveforms {
		errs = append(errs, fmt.Errorf("waveforms: %d of them, want at most %d", len(s.Waveforms), maxWaveforms))
	}
	for i, w := range s.Waveforms {
		at := fmt.Sprintf("waveforms[%d].", i)
		errs = append(errs, word(at+"shape", w.Shape, "sine", "square", "triangle", "constant", "samples"),
			number(at+"amplitude", w.Amplitude, -10000, 10000), number(at+"start", w.Start, 0, 1e6), number(at+"duration", w.Duration, 0, 1e6))
		switch w.Shape {
		case "sine", "square", "triangle":
			errs = append(errs, number(at+"frequency", w.Frequency, 0.01, 128))
		case "samples":
			errs = append(errs, number(at+"samples (their number)", float64(len(w.Samples)), 1, maxSamples), number(at+"sampleRate", w.SampleRate, 0, 10000))
			for _, v := range w.Samples {
				if math.IsNaN(v) || math.Abs(v) > 1e5 {
					errs = append(errs, fmt.Errorf("%ssamples: %v is out of range, want -100000 to 100000", at, v))
					break
				}
			}
		}
		for _, name := range w.Sensors {
			errs = append(errs, sensor(at+"sensors", name))
		}
	}
	if len(s.ERP) > maxERP {
		errs = append(errs, fmt.Errorf("erp: %d of them, want at most %d", len(s.ERP), maxERP))
	}
	for i, r := range s.ERP {
		at := fmt.Sprintf("erp[%d].", i)
		errs = append(errs, number(at+"latency", r.Latency, 0.01, 5), number(at+"amplitude", r.Amplitude, -1000, 1000),
			number(at+"width", r.Width, 0, 2), number(at+"jitter", r.Jitter, 0, 1))
		if r.Match == "" {
			errs = append(errs, fmt.Errorf(`%smatch: empty, want the label of a marker, or "*"`, at))
		}
		if r.Region != "" {
			errs = append(errs, word(at+"region", r.Region, "parietal", "central", "frontal", "occipital"))
		}
		for _, name := range slices.Sorted(maps.Keys(r.Topography)) {
			errs = append(errs, sensor(at+"topography", name), number(at+"topography."+name, r.Topography[name], -10, 10))
		}
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// matches reports whether label fits pattern, in which * stands for any
// characters.
func matches(pattern, label string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == label
	}
	if !strings.HasPrefix(label, head) {
		return false
	}
	label = label[len(head):]
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(label, part)
		}
		i := strings.Index(label, part)
		if i < 0 {
			return false
		}
		label, rest = label[i+len(part):], next
	}
}
