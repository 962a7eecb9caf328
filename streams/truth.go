package streams

// Truth is one thing that was put into the signal: what a test of signal
// processing may rely on.
type Truth struct {
	// Kind is blink, wink, look, expression, movement, loss, contact, worn,
	// eyes, alphaBurst, command, stimulus, evoked, ssvep, motorImagery or
	// waveform.
	Kind      string   `json:"kind"`
	At        int64    `json:"at"`                 // host instant of its beginning, Unix nanoseconds
	Time      float64  `json:"time"`               // the same on the headset's clock, as the wire's `time`
	Sample    int64    `json:"sample"`             // EEG sample at which it begins
	Duration  float64  `json:"duration,omitempty"` // seconds; 0 when open-ended
	Sensors   []string `json:"sensors,omitempty"`  // those that see it most; none: all
	Amplitude float64  `json:"amplitude,omitempty"`
	Frequency float64  `json:"frequency,omitempty"`
	Label     string   `json:"label,omitempty"` // action, state or label of the stimulus
	Count     int      `json:"count,omitempty"` // samples lost
	// Peak is the instant of an evoked peak on the headset's clock.
	Peak float64 `json:"peak,omitempty"`
}
