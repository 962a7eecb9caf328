package streams

import "math"

// The rhythms of the background, each a damped oscillator driven by noise: a
// narrow band that waxes and wanes. Hum comes last; it is a pure tone.
const (
	alphaLeft = iota
	alphaRight
	thetaMid
	betaLeft
	betaRight
	muLeft
	muRight
	muBetaLeft
	muBetaRight
	hum
	numLatents
)

const (
	ticksPerSecond   = 8 // the slow side of the simulation, and pow and com
	numRegions       = 6
	numPinkSections  = 5
	blockSeconds     = 32 // the random numbers begin anew that often
	driftTicks       = 4 * ticksPerSecond
	shared           = 0.6 // of the noise's variance, between neighbours
	maxInterpolation = 64
	composedRing     = 128 // samples; more than maxInterpolation, a power of two
	overlayLimit     = 256
)

// latent holds a rhythm's oscillator.
type latent struct {
	re, im   float64
	cos, sin float64 // one step, damping included
	drive    float64
	rng      random
}

func (l *latent) tune(frequency, bandwidth, rate float64) {
	damping := math.Exp(-math.Pi * bandwidth / rate)
	sin, cos := math.Sincos(2 * math.Pi * frequency / rate)
	l.cos, l.sin = damping*cos, damping*sin
	l.drive = math.Sqrt(2 * (1 - damping*damping))
}

// channel is the state of one sensor.
type channel struct {
	name  string
	place place

	own     random
	muscle  random
	drift   uint64
	regions [numRegions]float64 // share of each region's noise
	private float64

	pink [numPinkSections]float64
	lp   [2]float64
	hp   [2]float64

	// gains now and where they are going; they move once a tick
	pinkGain, pinkTarget float64
	emg                  float64
	weights, targets     [2 * numLatents]float64
	phases               [numLatents]place // cosine and sine of the phase lag

	offset     float64 // constant difference from the DC level, uV
	spread     float64 // standard deviation of the drift, uV
	wander     float64 // drift at the end of this tick, uV
	prevWander float64

	movement float64 // share of a movement artefact, with its sign
}

// section is a first-order pole-zero pair.
type section struct{ pole, zero float64 }

// biquad coefficients, a0 = 1.
type biquad struct{ b0, b1, b2, a1, a2 float64 }

func (q *biquad) step(s *[2]float64, x float64) float64 {
	y := mul(q.b0, x) + s[0]
	s[0] = mul(q.b1, x) - mul(q.a1, y) + s[1]
	s[1] = mul(q.b2, x) - mul(q.a2, y)
	return y
}

// butterworth returns a second-order low or high pass.
func butterworth(frequency, rate float64, high bool) biquad {
	sin, cos := math.Sincos(2 * math.Pi * frequency / rate)
	alpha := sin / math.Sqrt2
	a0 := 1 + alpha
	b1 := 1 - cos
	if high {
		b1 = -(1 + cos)
	}
	b0 := math.Abs(b1) / 2
	return biquad{b0 / a0, b1 / a0, b0 / a0, -2 * cos / a0, (1 - alpha) / a0}
}

// overlay is something of finite length on top of the background: a blink, a
// glance, an evoked response. It is exact to the sample.
type overlay struct {
	start  int64 // EEG sample
	shape  []float64
	weight []float64 // one a channel
	scale  float64
}

// background makes the EEG of one headset, a tick at a time.
type background struct {
	seed     uint64
	rate     int
	chunk    int // samples a tick
	channels []channel
	regions  [numRegions]random
	latents  [numLatents]latent

	sections [numPinkSections]section
	pinkNorm float64
	exponent float64
	alpha    float64 // frequency
	line     float64 // frequency
	low      biquad  // 45 Hz: the headset's band
	high     biquad  // 20 Hz: muscles
	emgNorm  float64

	shake float64 // more noise while the head moves: 1 when still

	rows []float64 // chunk x channels: the samples of this tick
	osc  [][2 * numLatents]float64
	reg  [][numRegions]float64
	// noise is where mix works on one channel.
	noise []float64
}

func newBackground(rate int, sensors []string, seed uint64) *background {
	b := &background{
		seed: seed, rate: rate, chunk: rate / ticksPerSecond, shake: 1, channels: make([]channel, len(sensors)),
		low: butterworth(45, float64(rate), false), high: butterworth(20, float64(rate), true),
	}
	b.rows = make([]float64, b.chunk*len(sensors))
	b.osc = make([][2 * numLatents]float64, b.chunk)
	b.reg = make([][numRegions]float64, b.chunk)
	b.noise = make([]float64, b.chunk)
	centres := [numRegions]place{{-0.4, 0.7}, {0.4, 0.7}, {-0.8, 0}, {0.8, 0}, {-0.4, -0.7}, {0.4, -0.7}}
	for i := range b.channels {
		c := &b.channels[i]
		c.name, c.place = sensors[i], placeOf(sensors[i], i, len(sensors))
		c.drift = hash64(seed, seedDrift, uint64(i))
		sum := 0.0
		for r, centre := range centres {
			w := c.place.near(centre, 0.55)
			c.regions[r] = w
			sum += w * w
		}
		// Most of the variance is shared with the neighbours.
		for r := range c.regions {
			c.regions[r] *= math.Sqrt(shared / sum)
		}
		c.private = math.Sqrt(1 - shared)
		c.offset = 60*unit(hash64(seed, seedOffset, uint64(i))) - 30
		c.movement = 0.3 + 0.7*unit(hash64(seed, seedTopography, uint64(i)))
		if hash64(seed, seedTopography, uint64(i), 1)&1 != 0 {
			c.movement = -c.movement
		}
		for l := range c.phases {
			// A few tens of degrees along the scalp: a travelling wave.
			lag := 0.6*c.place.y + 0.3*(unit(hash64(seed, seedTopography, uint64(i), uint64(l)+2))-0.5)
			if l == hum {
				lag = 2 * math.Pi * unit(hash64(seed, seedTopography, uint64(i), 100))
			}
			c.phases[l].y, c.phases[l].x = math.Sincos(lag)
		}
	}
	var s [2]float64
	var t [2]float64
	energy := 0.0
	for i := range 4 * rate {
		x := 0.0
		if i == 0 {
			x = 1
		}
		y := b.low.step(&t, b.high.step(&s, x))
		energy += y * y
	}
	b.emgNorm = 1 / math.Sqrt(energy)
	return b
}

// reseed begins a block: its random numbers depend on nothing that came before.
// The filters go on, so nothing is heard of it; and half a minute later they
// have forgotten what was before the block. A source that nobody listened to for
// hours need not compute them (Source.wake).
func (b *background) reseed(block uint64) {
	for r := range b.regions {
		b.regions[r] = random(hash64(b.seed, seedChannel, uint64(1000+r), block))
	}
	for l := range b.latents {
		b.latents[l].rng = random(hash64(b.seed, seedLatent, uint64(l), block))
	}
	for i := range b.channels {
		c := &b.channels[i]
		c.own = random(hash64(b.seed, seedChannel, uint64(i), block))
		c.muscle = random(hash64(b.seed, seedMuscle, uint64(i), block))
	}
}

// tune sets the frequencies and the slope; a change costs some microseconds.
func (b *background) tune(exponent, alpha, line float64) {
	rate := float64(b.rate)
	if alpha != b.alpha {
		b.alpha = alpha
		b.latents[alphaLeft].tune(alpha, 1.1, rate)
		b.latents[alphaRight].tune(alpha+0.15, 1.3, rate)
		b.latents[thetaMid].tune(6, 2, rate)
		b.latents[betaLeft].tune(19, 6, rate)
		b.latents[betaRight].tune(20, 6, rate)
		b.latents[muLeft].tune(11, 1.5, rate)
		b.latents[muRight].tune(11.2, 1.5, rate)
		b.latents[muBetaLeft].tune(22, 3, rate)
		b.latents[muBetaRight].tune(22.3, 3, rate)
	}
	if line != b.line {
		b.line = line
		l := &b.latents[hum]
		l.sin, l.cos = math.Sincos(2 * math.Pi * line / rate)
	}
	if exponent == b.exponent {
		return
	}
	b.exponent = exponent
	// Poles and zeros alternate, evenly spaced on a logarithmic axis: between a
	// pole and its zero the power falls as 1/f^2, between zero and next pole it
	// is flat, on average as 1/f^exponent.
	const spacing = 3.0
	f := 0.4
	for i := range b.sections {
		zero := f * math.Pow(spacing, exponent/2)
		b.sections[i] = section{math.Exp(-2 * math.Pi * f / rate), math.Exp(-2 * math.Pi * zero / rate)}
		f *= spacing
	}
	var state [numPinkSections]float64
	var lp [2]float64
	energy := 0.0
	for i := range 8 * b.rate {
		x := 0.0
		if i == 0 {
			x = 1
		}
		for j := range b.sections {
			y := x + state[j]
			state[j] = b.sections[j].pole*y - b.sections[j].zero*x
			x = y
		}
		x = b.low.step(&lp, x)
		energy += x * x
	}
	b.pinkNorm = 1 / math.Sqrt(energy)
}

// generate computes the samples of tick i.
func (b *background) generate(i int64) {
	_, turn := math.Modf(float64(i*int64(b.chunk)) * (b.line / float64(b.rate)))
	b.latents[hum].im, b.latents[hum].re = math.Sincos(2 * math.Pi * turn)
	for i := range b.reg {
		for r := range b.regions {
			b.reg[i][r] = b.regions[r].normal()
		}
	}
	for l := range b.latents {
		o := &b.latents[l]
		re, im, rng := o.re, o.im, o.rng
		cos, sin, drive := o.cos, o.sin, o.drive
		for i := range b.osc {
			x := mul(re, cos) - mul(im, sin)
			im = mul(re, sin) + mul(im, cos)
			if l != hum {
				x += mul(drive, rng.normal())
			}
			re = x
			b.osc[i][2*l], b.osc[i][2*l+1] = re, im
		}
		o.re, o.im, o.rng = re, im, rng
	}
	for ci := range b.channels {
		b.mix(ci)
	}
}

// mix computes the samples of one channel, in three loops: what the processor
// can do side by side is kept apart from the filters, where each sample waits
// for the one before.
func (b *background) mix(ci int) {
	c, n := &b.channels[ci], len(b.channels)
	noise := b.noise
	own, private, regions := c.own, c.private, &c.regions
	for i := range noise {
		r := &b.reg[i]
		x := mul(private, own.normal()) + mul(regions[0], r[0]) + mul(regions[1], r[1])
		noise[i] = x + (mul(regions[2], r[2]) + mul(regions[3], r[3])) + (mul(regions[4], r[4]) + mul(regions[5], r[5]))
	}
	c.own = own

	p0, p1, p2, p3, p4 := b.sections[0], b.sections[1], b.sections[2], b.sections[3], b.sections[4]
	s0, s1, s2, s3, s4 := c.pink[0], c.pink[1], c.pink[2], c.pink[3], c.pink[4]
	low, l0, l1 := b.low, c.lp[0], c.lp[1]
	gain := c.pinkGain * b.pinkNorm * b.shake
	emg := c.emg * b.emgNorm
	for i, x := range noise {
		y := x + s0
		s0 = mul(p0.pole, y) - mul(p0.zero, x)
		x = y + s1
		s1 = mul(p1.pole, x) - mul(p1.zero, y)
		y = x + s2
		s2 = mul(p2.pole, y) - mul(p2.zero, x)
		x = y + s3
		s3 = mul(p3.pole, x) - mul(p3.zero, y)
		y = x + s4
		s4 = mul(p4.pole, y) - mul(p4.zero, x)
		x = mul(y, gain)
		if emg != 0 {
			x += mul(emg, b.high.step(&c.hp, c.muscle.normal()))
		}
		y = mul(low.b0, x) + l0
		l0 = mul(low.b1, x) - mul(low.a1, y) + l1
		l1 = mul(low.b2, x) - mul(low.a2, y)
		noise[i] = y
	}
	c.pink, c.lp = [numPinkSections]float64{s0, s1, s2, s3, s4}, [2]float64{l0, l1}

	w := &c.weights
	slope := (c.wander - c.prevWander) / float64(b.chunk)
	level, at := c.prevWander+c.offset, ci
	for i, y := range noise {
		o := &b.osc[i]
		u, v := mul(w[0], o[0])+mul(w[1], o[1]), mul(w[2], o[2])+mul(w[3], o[3])
		for l := 4; l+3 < len(o); l += 4 {
			u += mul(w[l], o[l]) + mul(w[l+1], o[l+1])
			v += mul(w[l+2], o[l+2]) + mul(w[l+3], o[l+3])
		}
		level += slope
		b.rows[at] = y + u + v + level
		at += n
	}
}

// contactNoise is how contact quality changes what a sensor picks up.
var contactNoise = [5]struct {
	gain   float64 // of the background
	hum    float64 // uV peak, besides the state's line noise
	spread float64 // of the DC level, uV
}{
	{7, 45, 250},
	{4, 18, 90},
	{1.8, 4, 12},
	{1.2, 0.7, 2},
	{1, 0, 0.6},
}

// aim computes the gains that the state asks for.
func (b *background) aim(st *State) {
	alpha := st.Background.AlphaAmplitude * (0.8 + 0.5*st.Levels.Relaxation) * (1 - 0.6*st.Levels.Drowsy)
	if st.Eyes != "closed" {
		alpha *= 0.3
	}
	theta := st.Background.ThetaAmplitude * (1 + 1.5*st.Levels.Drowsy) * (1.25 - 0.5*st.Levels.Attention)
	beta := st.Background.BetaAmplitude * (0.5 + 0.5*st.Levels.Attention + 0.45*st.Levels.Engagement)
	left, right := 1.0, 1.0
	switch hand, power := st.imagined(); hand { // the hemisphere opposite to the hand desynchronises
	case "left":
		left, right = 1+mul(0.15, power), 1-mul(0.65, power)
	case "right":
		left, right = 1-mul(0.65, power), 1+mul(0.15, power)
	}
	for i := range b.channels {
		c := &b.channels[i]
		contact := contactNoise[st.contact(c.name)]
		c.pinkTarget = st.Background.Amplitude * contact.gain
		brain := 1.0
		humPeak := st.Background.LineNoise + contact.hum
		if !st.Worn {
			brain, c.pinkTarget, humPeak = 0, 0.25, 0.5
		}
		p := c.place
		side := 0.5 + 0.35*clamp(p.x*1.5, -1, 1)
		mu := st.Background.MuAmplitude * brain
		for l, gain := range [numLatents]float64{
			alphaLeft:   alpha * p.alphaWeight() * math.Sqrt(1-side) * brain,
			alphaRight:  alpha * p.alphaWeight() * math.Sqrt(side) * brain,
			thetaMid:    theta * p.thetaWeight() * brain,
			betaLeft:    beta * p.betaWeight() * math.Sqrt(1-side) * brain,
			betaRight:   beta * p.betaWeight() * math.Sqrt(side) * brain,
			muLeft:      mu * left * p.near(leftMotor, 0.3),
			muRight:     mu * right * p.near(rightMotor, 0.3),
			muBetaLeft:  mu * 0.5 * left * p.near(leftMotor, 0.3),
			muBetaRight: mu * 0.5 * right * p.near(rightMotor, 0.3),
			hum:         humPeak,
		} {
			c.targets[2*l], c.targets[2*l+1] = gain*c.phases[l].x, gain*c.phases[l].y
		}
	}
}

// approach moves the gains towards their targets, all the way when settle is
// set, and lets the DC levels drift through tick i.
func (b *background) approach(st *State, i int64, settle bool) {
	gain, spread := 0.3, 0.1
	if settle {
		gain, spread = 1, 1
	}
	knot, in := i/driftTicks, float64(i%driftTicks+1)/driftTicks
	in = in * in * (3 - 2*in)
	for ci := range b.channels {
		c := &b.channels[ci]
		c.pinkGain += gain * (c.pinkTarget - c.pinkGain)
		for l := range c.weights {
			c.weights[l] += gain * (c.targets[l] - c.weights[l])
		}
		target := contactNoise[st.contact(c.name)].spread
		if !st.Worn {
			target = 0.3
		}
		c.spread += spread * (target - c.spread)
		// A smooth curve through one random level every four seconds.
		from, to := normal(hash64(c.drift, uint64(knot))), normal(hash64(c.drift, uint64(knot+1)))
		c.prevWander = c.wander
		c.wander = c.spread * (from + (to-from)*in)
	}
}

func clamp(x, low, high float64) float64 { return math.Max(low, math.Min(high, x)) }
