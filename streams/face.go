package streams

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// face is the expression during one tick.
type face struct {
	upper, lower int
	uPow, lPow   float64
}

// expression is a passing one, in EEG samples.
type expression struct {
	from, to int64
	upper    bool
	action   int
	power    float64
}

// eyeEvent is a blink, a wink or a glance as the fac stream shows it.
type eyeEvent struct {
	from, to int64
	action   int
}

// blinker draws the spontaneous blinks and keeps the shapes of eye movements.
type blinker struct {
	seed   uint64
	rng    random
	charge float64 // a blink comes when it passes the threshold
	next   float64
	rest   int // fac periods until another one is possible
	every  int // EEG samples of a fac period

	blink, step           []float64
	front, leftEye, right []float64 // weights
	gaze, vertical        []float64
	frontNames            []string
	gazeNames             []string
}

func newBlinker(rate int, bg *background, seed uint64) blinker {
	b := blinker{seed: hash64(seed, seedBlink), every: rate / 32}
	// Up within 100 ms, down within 200 ms, then the small undershoot that the
	// headset's high pass leaves.
	b.blink = make([]float64, rate*7/10)
	for i := range b.blink {
		switch t := float64(i) / float64(rate); {
		case t < 0.1:
			b.blink[i] = 0.5 - 0.5*math.Cos(math.Pi*t/0.1)
		case t < 0.3:
			b.blink[i] = 0.5 + 0.5*math.Cos(math.Pi*(t-0.1)/0.2)
		default:
			b.blink[i] = -0.06 * math.Sin(math.Pi*(t-0.3)/0.4)
		}
	}
	// A glance is a step that the high pass forgets.
	b.step = make([]float64, 4*rate)
	for i := range b.step {
		t := float64(i) / float64(rate)
		b.step[i] = math.Min(1, t/0.03) * math.Exp(-t/0.9)
	}
	for i := range bg.channels {
		c := &bg.channels[i]
		w, g := c.place.blinkWeight(), c.place.gazeWeight()
		b.front = append(b.front, w)
		b.gaze = append(b.gaze, g)
		b.vertical = append(b.vertical, w)
		left := 0.5 - 0.5*clamp(c.place.x*2.5, -1, 1)
		b.leftEye = append(b.leftEye, w*left)
		b.right = append(b.right, w*(1-left))
		if w >= 0.4 {
			b.frontNames = append(b.frontNames, c.name)
		}
		if math.Abs(g) >= 0.4 {
			b.gazeNames = append(b.gazeNames, c.name)
		}
	}
	return b
}

// reseed begins a block, as background.reseed does.
func (b *blinker) reseed(block uint64) {
	b.rng = random(hash64(b.seed, block))
	b.next = b.threshold()
	b.charge = b.next * b.rng.uniform() // somewhere between two blinks
	b.rest = 16
}

// threshold draws a gamma-distributed interval of mean 1: blinks are neither
// regular nor quite at random.
func (b *blinker) threshold() float64 {
	return -(math.Log(1-b.rng.uniform()) + math.Log(1-b.rng.uniform())) / 2
}

// facIndex returns the first EEG sample not yet composed that is due at t or
// later together with a fac sample: there eye movements begin, so that eeg and
// fac show them at the same time.
func (s *Source) facIndex(t int64) int64 {
	every := int64(s.blinks.every)
	k := max(s.indexAt(t), s.composed)
	return (k+every)/every*every - 1
}

// eye lets the eyes do something from EEG sample k on; amplitude 0 is the usual
// one. It reports false when too many are waiting.
func (s *Source) eye(k int64, act string, amplitude float64) bool {
	b := &s.blinks
	action := slices.Index(eyeActions, act)
	o := overlay{start: k, shape: b.blink, weight: b.front, scale: amplitude}
	t := Truth{Kind: "blink", At: s.due(k), Sample: k, Duration: 0.3, Sensors: b.frontNames, Label: act}
	length := int64(4)
	sign, size := 1.0, 130.0
	switch act {
	case "winkL", "winkR":
		t.Kind, size = "wink", 80
		o.weight = b.leftEye
		if act == "winkR" {
			o.weight = b.right
		}
	case "lookL", "lookR", "lookU", "lookD":
		t.Kind, size, length = "look", 60, 8
		o.shape, o.weight, t.Sensors, t.Duration = b.step, b.gaze, b.gazeNames, float64(len(b.step))/float64(s.bg.rate)
		if act == "lookU" || act == "lookD" {
			o.weight, t.Sensors = b.vertical, b.frontNames
		}
		if act == "lookL" || act == "lookD" {
			sign = -1
		}
	}
	if amplitude == 0 {
		o.scale = size
	}
	o.scale *= sign
	t.Amplitude = o.scale
	if len(s.overlays) == overlayLimit || len(s.eyes) == overlayLimit {
		return false
	}
	s.overlays = append(s.overlays, o)
	s.eyes = append(s.eyes, eyeEvent{k, k + length*int64(b.every), action})
	s.tell(t)
	return true
}

// beginFace decides what the face does in the tick that begins with EEG sample
// i, and drops what is over.
func (s *Source) beginFace(i int64) {
	s.overlays = slices.DeleteFunc(s.overlays, func(o overlay) bool { return o.start+int64(len(o.shape)) <= i })
	// Composing may be ahead of the fac stream by a gap: keep what it may show.
	s.eyes = slices.DeleteFunc(s.eyes, func(e eyeEvent) bool { return e.to+2*maxInterpolation <= i })
	s.acts = slices.DeleteFunc(s.acts, func(e expression) bool { return e.to <= i })

	b := &s.blinks
	rate := s.st.BlinkRate
	if rate < 0 {
		rate = s.subject.blinkRate
	}
	if s.st.Worn && s.st.Eyes == "open" && rate > 0 {
		for n := 1; n <= s.bg.chunk/b.every; n++ {
			b.charge += rate / 60 / 32
			b.rest--
			if b.charge < b.next || b.rest > 0 {
				continue
			}
			b.charge, b.next, b.rest = 0, b.threshold(), 16
			s.eye(i+int64(n*b.every)-1, "blink", 100+70*b.rng.uniform())
		}
	}

	e := s.st.FacialExpression
	f := face{slices.Index(upperActions, e.UAct), slices.Index(lowerActions, e.LAct), e.UPow, e.LPow}
	for _, a := range s.acts {
		switch {
		case a.from > i:
		case a.upper:
			f.upper, f.uPow = a.action, a.power
		default:
			f.lower, f.lPow = a.action, a.power
		}
	}
	if !s.st.Worn {
		f = face{}
	}
	s.faces[i/int64(s.bg.chunk)%int64(len(s.faces))] = f
	for ci := range s.bg.channels {
		c := &s.bg.channels[ci]
		target := 0.0
		if f.upper > 0 {
			target = [...]float64{0, 28, 36}[f.upper] * f.uPow * c.place.foreheadWeight()
		}
		if f.lower > 0 {
			side := 1.0
			switch lowerActions[f.lower] {
			case "smirkLeft":
				side = 0.5 - 0.5*clamp(c.place.x*2, -1, 1)
			case "smirkRight":
				side = 0.5 + 0.5*clamp(c.place.x*2, -1, 1)
			}
			lower := [...]float64{0, 32, 110, 45, 30, 30}[f.lower] * f.lPow * c.place.temporalWeight() * side
			target = math.Hypot(target, lower)
		}
		c.emg += 0.6 * (target - c.emg)
		if target == 0 && c.emg < 0.05 {
			c.emg = 0
		}
	}
}

// Blink lets the eyes blink once at a host instant; an instant that has passed
// is now. Its begin is put on the grid of the fac stream.
func (s *Source) Blink(at int64) {
	s.wake()
	s.eye(s.facIndex(at), "blink", 0)
}

// Trigger does one thing with the face at a host instant: an eye action (blink,
// winkL, winkR, lookL, lookR, lookU, lookD) or, with a power 0..1 and for the
// given duration, an expression (surprise, frown, smile, clench, laugh,
// smirkLeft, smirkRight). Expressions begin on the eighth of a second.
func (s *Source) Trigger(at int64, action string, power float64, duration time.Duration) error {
	s.wake()
	if slices.Index(eyeActions, action) > 0 {
		if !s.eye(s.facIndex(at), action, 0) {
			return fmt.Errorf("action: %d eye movements wait already", len(s.eyes))
		}
		return nil
	}
	e := expression{power: power}
	if e.action = slices.Index(upperActions, action); e.action > 0 {
		e.upper = true
	} else if e.action = slices.Index(lowerActions, action); e.action <= 0 {
		return fmt.Errorf("action: %q is unknown, want one of %v, %v or %v", action, eyeActions[1:], upperActions[1:], lowerActions[1:])
	}
	if !(power > 0 && power <= 1) {
		return fmt.Errorf("power: %v is out of range, want more than 0 and at most 1", power)
	}
	if duration <= 0 || duration > time.Hour {
		return fmt.Errorf("duration: %v is out of range, want more than 0 and at most 1h", duration)
	}
	if len(s.acts) >= overlayLimit {
		return fmt.Errorf("action: %d expressions wait already", len(s.acts))
	}
	chunk := int64(s.bg.chunk)
	k := max(s.indexAt(at), s.composed)
	e.from = (k + chunk - 1) / chunk * chunk
	e.to = e.from + max(1, int64(duration/(time.Second/ticksPerSecond)))*chunk
	s.acts = append(s.acts, e)
	s.tell(Truth{Kind: "expression", At: s.due(e.from), Sample: e.from, Duration: float64(e.to-e.from) / float64(s.bg.rate), Amplitude: power, Label: action})
	return nil
}

// Stimulus shows a stimulus to the person at a host instant. Each ERP rule of
// the state whose pattern fits the label adds its response.
func (s *Source) Stimulus(at int64, label string) {
	s.wake()
	s.stimuli++
	s.tell(Truth{Kind: "stimulus", At: at, Label: label})
	for i := range s.st.ERP {
		r := &s.st.ERP[i]
		if !matches(r.Match, label) || len(s.overlays) >= overlayLimit {
			continue
		}
		latency := r.Latency + r.Jitter*normal(hash64(s.seed, seedTopography, 7, s.stimuli, uint64(i)))
		width := r.Width
		if width == 0 {
			width = 0.1
		}
		sigma := width / 2.3548
		peak := at + int64(latency*1e9)
		o := overlay{start: s.indexAt(peak - int64(3*sigma*1e9)), scale: r.Amplitude}
		for k := o.start; s.due(k) <= peak+int64(3*sigma*1e9); k++ {
			d := float64(s.due(k)-peak) * 1e-9 / sigma
			o.shape = append(o.shape, math.Exp(-d*d/2))
		}
		o.weight = s.topography(r)
		s.overlays = append(s.overlays, o)
		s.tell(Truth{
			Kind: "evoked", At: s.due(o.start), Sample: o.start, Duration: float64(len(o.shape)) / float64(s.bg.rate), Peak: float64(s.stamp(peak)) / 1e4, Amplitude: r.Amplitude, Label: label,
			Sensors: s.strongest(o.weight),
		})
	}
}

func (s *Source) topography(r *ERP) []float64 {
	w := make([]float64, len(s.sensors))
	if len(r.Topography) > 0 {
		for i, name := range s.sensors {
			w[i] = r.Topography[name]
		}
		return w
	}
	centre := place{0, -0.55} // Pz
	switch r.Region {
	case "central":
		centre = place{0, 0}
	case "frontal":
		centre = place{0, 0.55}
	case "occipital":
		centre = place{0, -0.9}
	}
	best := 0.0
	for i := range w {
		w[i] = s.bg.channels[i].place.near(centre, 0.5)
		best = max(best, w[i])
	}
	for i := range w { // the amplitude is that of the best sensor there is
		w[i] /= best
	}
	return w
}

// strongest names the sensors with at least half of the largest weight.
func (s *Source) strongest(w []float64) (names []string) {
	top := 0.0
	for _, v := range w {
		top = max(top, math.Abs(v))
	}
	for i, v := range w {
		if top > 0 && math.Abs(v) >= top/2 {
			names = append(names, s.sensors[i])
		}
	}
	return names
}

// alphaBurst watches the posterior rhythm for the ground truth.
type alphaBurst struct {
	from int64
	on   bool
	peak float64
}

func (s *Source) watchAlpha(i int64) {
	l := &s.bg.latents[alphaLeft]
	// The oscillator has variance 1: an amplitude of 1.4 on average.
	size := math.Hypot(l.re, l.im)
	b := &s.bursts
	switch {
	case !b.on && size > 1.9:
		*b = alphaBurst{from: i, on: true, peak: size}
	case b.on && size > 1.5:
		b.peak = max(b.peak, size)
	case b.on:
		b.on = false
		if from, to := s.due(b.from), s.due(i); s.st.Eyes == "closed" && s.st.Worn {
			weights := s.weights(place.alphaWeight)
			s.tell(Truth{
				Kind: "alphaBurst", At: from, Sample: b.from, Duration: float64(to-from) * 1e-9, Frequency: s.bg.alpha,
				Amplitude: b.peak * s.st.Background.AlphaAmplitude, Sensors: s.strongest(weights),
			})
		}
	}
}
