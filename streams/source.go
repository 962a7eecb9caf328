package streams

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"slices"
	"time"
)

// SourceConfig describes one connected headset.
type SourceConfig struct {
	Model     *Model
	HeadsetID string
	Firmware  string // hex without prefix; empty: the model's
	Settings  Settings
	Sensors   []string // nil: the model's; a Flex needs those of its mapping
	Seed      uint64
	Start     int64 // host instant at which it was connected, Unix nanoseconds
	Dialect   Dialect
	// ClockOffset is the headset's clock minus the host's, nanoseconds.
	// ClockRatio is its speed, 0 meaning 1: real ones take between 126 and 128
	// samples in a second of the host when they should take 128, and Cortex
	// stamps them accordingly.
	ClockOffset int64
	ClockRatio  float64
	State       State
	BasicMet    int64       // nanoseconds between samples of METLow; 0: 10 s
	Truth       func(Truth) // receives what is put into the signal; may be nil
}

// Source is the head and the headset: it makes every sample of every stream.
// What it makes depends on the configuration, the changes of the state and the
// instants of those changes; neither on which streams are asked for nor on how
// often Advance is called. It belongs to one goroutine.
type Source struct {
	model   *Model
	id      string
	sensors []string
	motion  []string
	grid    Grid
	lsb     float64
	layouts [NumKinds]*Layout
	met     []metColumn
	truth   func(Truth)
	seed    uint64

	// time: EEG sample k is due at start + (k+1)*period, stretched by the ratio
	// in billionths. The period of each other stream is a whole number of EEG
	// samples.
	start, period, offset int64
	ratio                 uint64
	every                 [NumKinds]int64
	k                     int64 // the next EEG sample
	now                   int64
	asleep                bool  // nobody listens: k is behind now
	streams               Kinds // those that have samples

	st          State
	batteryFrom int64
	head        motion
	subject     struct{ alpha, blinkRate float64 }

	bg       *background
	composed int64 // the next EEG sample to compose
	ring     []float64
	overlays []overlay
	waves    []wave
	ssvep    struct {
		from   int64
		weight []float64
	}
	moving  bool
	stale   bool // the gains do not fit the state yet
	faces   [16]face
	blinks  blinker
	eyes    []eyeEvent
	acts    []expression
	stimuli uint64
	bursts  alphaBurst

	gap      gap
	lost     [16]int32 // lost samples of the last ticks: two seconds
	lostNow  bool
	holeNow  bool
	counts   []int64
	rawCQ    int       // column of RAW_CQ
	previous []float64 // the last row received
	level    []float64 // of a Flex's high pass

	power    *bandPower
	eq       []float64
	mets     metrics
	metSteps int64
	com      command
	fac      FacialExpressionModel

	sample Sample
	values [NumKinds][]int64

	// See Prefetch. What is above belongs to its goroutine while there is one.
	ahead   *ahead
	batch   *batch // that it is making
	spares  []*batch
	collect func(*Sample)
}

type wave struct {
	Waveform
	from int64
	hits []bool
}

// gap is a run of lost packets.
type gap struct {
	seed     uint64
	left     int
	length   int
	interpol bool
	from, to []float64
}

// NewSource returns the source of a headset that has just been connected. Its
// errors name the field, the value and what is right.
func NewSource(c SourceConfig) (*Source, error) {
	m := c.Model
	if m == nil {
		return nil, errors.New("model: missing, want one of Models")
	}
	if err := m.CheckSettings(c.Settings); err != nil {
		return nil, err
	}
	sensors := slices.Clone(c.Sensors)
	if sensors == nil {
		sensors = slices.Clone(m.Sensors)
	}
	if len(sensors) == 0 {
		return nil, fmt.Errorf("sensors: none, a %s has those of its mapping", m.Title)
	}
	if len(sensors) > 32 {
		return nil, fmt.Errorf("sensors: %d of them, want at most 32", len(sensors))
	}
	if c.ClockRatio == 0 {
		c.ClockRatio = 1
	}
	if !(c.ClockRatio >= 0.5 && c.ClockRatio <= 2) {
		return nil, fmt.Errorf("clockRatio: %v is out of range, want 0.5 to 2", c.ClockRatio)
	}
	if err := c.State.Check(sensors); err != nil {
		return nil, err
	}
	if c.Firmware == "" {
		c.Firmware = m.Firmware
	}
	if c.BasicMet == 0 {
		c.BasicMet = 10_000_000_000
	}
	if c.BasicMet < 100_000_000 {
		return nil, fmt.Errorf("basicMet: %v is too often, want 100ms or more", time.Duration(c.BasicMet))
	}
	n, rate := len(sensors), c.Settings.EEGRate
	s := &Source{
		model: m, id: c.HeadsetID, sensors: sensors, motion: m.MotionSensors(c.Firmware, c.Settings), grid: m.Grids[c.Settings.EEGRes],
		truth: c.Truth, seed: c.Seed, met: metColumns(m, c.Dialect),
		start: c.Start, now: c.Start, period: int64(time.Second) / int64(rate), offset: c.ClockOffset, ratio: uint64(math.Round(c.ClockRatio * 1e9)),
		st: c.State.Clone(), batteryFrom: c.Start, stale: true,
		ring: make([]float64, composedRing*n), overlays: make([]overlay, 0, overlayLimit), eyes: make([]eyeEvent, 0, overlayLimit),
		counts: make([]int64, n), previous: make([]float64, n), eq: make([]float64, n),
		fac: FacialExpressionModel{Signature: "universal"},
	}
	if s.grid.Den == 0 {
		return nil, fmt.Errorf("settings.eegRes: %d is not possible on %s", c.Settings.EEGRes, m.Title)
	}
	s.lsb = float64(s.grid.Num) / float64(s.grid.Den)
	s.layouts = layouts(m, sensors, s.motion, c.Dialect)
	s.rawCQ = slices.IndexFunc(s.layouts[EEG].Columns, func(c Column) bool { return c.Name == "RAW_CQ" })
	if m.DC == 0 && !c.Dialect.FlexDC {
		s.level = make([]float64, n)
	}
	for kind, period := range [NumKinds]int64{
		EEG: s.period, MOT: m.motionPeriod(c.Settings), DEV: 500_000_000, EQ: 500_000_000, POW: 125_000_000, MET: 500_000_000,
		METLow: c.BasicMet, COM: 125_000_000, FAC: 31_250_000,
	} {
		if s.layouts[kind] != nil && period > 0 {
			s.every[kind] = period / s.period
			s.streams |= KindSet(Kind(kind))
			s.values[kind] = make([]int64, len(s.layouts[kind].Columns))
		}
	}
	s.subject.alpha = 9.2 + 1.6*unit(hash64(c.Seed, seedSubject, 0))
	s.subject.blinkRate = 15 + 5*unit(hash64(c.Seed, seedSubject, 1))
	s.head = newMotion(c.Seed, c.Start, c.State.Head)
	s.bg = newBackground(rate, sensors, c.Seed)
	for i := range s.level {
		s.level[i] = middle + s.bg.channels[i].offset
	}
	s.blinks = newBlinker(rate, s.bg, c.Seed)
	s.ssvep.weight = s.weights(func(p place) float64 { return p.near(place{0, -0.9}, 0.4) })
	s.ssvep.from = c.Start
	s.gap = gap{seed: hash64(c.Seed, seedLoss), from: make([]float64, n), to: make([]float64, n)}
	s.power = newBandPower(rate, n)
	s.mets = newMetrics(c.Seed, &s.st)
	s.com.seed = hash64(c.Seed, seedCommand)
	for i, name := range sensors {
		s.eq[i] = float64(s.st.contact(name))
	}
	s.setWaves(nil, c.Start)
	// Let the filters forget that they began at zero.
	s.tune()
	s.bg.aim(&s.st)
	s.bg.reseed(math.MaxUint64)
	for range 5 * ticksPerSecond {
		s.bg.approach(&s.st, 0, true)
		s.bg.generate(0)
	}
	return s, nil
}

// Now returns the host instant that the last Advance has reached.
func (s *Source) Now() int64 { return s.now }

// Layout returns the columns of a stream, nil when this headset has no such
// stream (motion off, no detections on a Flex without the fourteen sensors, no
// fac on an MN8).
func (s *Source) Layout(k Kind) *Layout { return s.layouts[k] }

// Sensors returns the EEG sensors in the order of the streams.
func (s *Source) Sensors() []string { return slices.Clone(s.sensors) }

// due returns the host instant of EEG sample k, exact for every k.
func (s *Source) due(k int64) int64 {
	t := (k + 1) * s.period
	if s.ratio == 1e9 {
		return s.start + t
	}
	hi, lo := bits.Mul64(uint64(t), 1e9)
	q, _ := bits.Div64(hi, lo, s.ratio)
	return s.start + int64(q)
}

// indexAt returns the first EEG sample that is due at t or later.
func (s *Source) indexAt(t int64) int64 {
	if t <= s.start {
		return 0
	}
	k := max(0, int64(float64(t-s.start)*float64(s.ratio)*1e-9/float64(s.period))-1)
	for s.due(k) < t {
		k++
	}
	for k > 0 && s.due(k-1) >= t {
		k--
	}
	return k
}

// stamp returns the wire's time of host instant t, in 100 us.
func (s *Source) stamp(t int64) int64 { return (t + s.offset + 50_000) / 100_000 }

// SetClockOffset moves the headset's clock, nanoseconds from the host's.
func (s *Source) SetClockOffset(offset int64) {
	s.Settle()
	s.offset = offset
}

// HeadsetTime returns the headset's clock at a host instant in seconds since the
// Unix epoch: what syncWithHeadsetClock compares with.
func (s *Source) HeadsetTime(hostNow int64) float64 { return mul(float64(hostNow+s.offset), 1e-9) }

// firstOf returns the first EEG sample from k on at which a stream is due.
func (s *Source) firstOf(kind Kind, k int64) int64 {
	every := s.every[kind]
	next := (k+every)/every*every - 1
	if kind == POW { // needs two seconds of EEG
		next = max(next, int64(2*s.bg.rate)-1)
	}
	return next
}

// wake computes what was left out while nobody listened: at most the last two
// blocks, as nothing older is remembered but by the metrics.
func (s *Source) wake() {
	s.Settle()
	if !s.asleep {
		return
	}
	s.asleep = false
	next := s.indexAt(s.now + 1)
	block := int64(blockSeconds * s.bg.rate)
	if from := (next/block - 1) * block; from > s.composed {
		s.k, s.composed = from, from
		s.gap.left, s.bursts = 0, alphaBurst{}
	}
	for ; s.k < next; s.k++ {
		s.step(s.k, s.due(s.k), 0, nil)
	}
}

// NextDue returns the host instant of the earliest sample to come of the streams
// in mask, math.MaxInt64 when there is none.
func (s *Source) NextDue(mask Kinds) int64 {
	for s.ahead != nil {
		if x := s.first(); x != nil && mask.Has(x.Kind) {
			return x.Due
		} else if x != nil {
			s.take(nil)
		}
	}
	next, k := int64(math.MaxInt64), s.k
	if s.asleep {
		k = s.indexAt(s.now + 1)
	}
	if mask.Has(EEG) {
		return s.due(k) // nothing is more frequent
	}
	for kind, every := range s.every {
		if every > 0 && mask.Has(Kind(kind)) {
			next = min(next, s.firstOf(Kind(kind), k))
		}
	}
	if next == math.MaxInt64 {
		return next
	}
	return s.due(next)
}

// Advance runs the simulation through every sample that is due at until or
// before, in order of time and at one instant in the order of Kind, and hands
// those of the streams in mask to emit, which must not keep them. While no stream
// is asked for only the metrics go on, which costs next to nothing; the rest is
// made up for, some milliseconds of work, when one is. What was put into a signal
// that nobody asked for may then be missing from the truth.
func (s *Source) Advance(until int64, mask Kinds, emit func(*Sample)) {
	if s.ahead != nil && s.takeAhead(until, mask, emit) {
		return
	}
	if mask&s.streams == 0 {
		if until > s.now {
			s.now, s.asleep = until, true
			s.stepMetrics(s.indexAt(until+1) / int64(s.bg.rate/2))
		}
		return
	}
	s.wake()
	for {
		due := s.due(s.k)
		if due > until {
			break
		}
		s.step(s.k, due, mask, emit)
		s.k++
	}
	s.now = max(s.now, until)
}

func (s *Source) emit(kind Kind, k, due int64, emit func(*Sample)) {
	index := (k+1)/s.every[kind] - 1
	if kind == POW {
		index -= 2*ticksPerSecond - 1
	}
	s.sample = Sample{Kind: kind, Index: index, Due: due, Stamp: s.stamp(due), Values: s.values[kind]}
	emit(&s.sample)
}

// wants reports whether a sample of kind is due with EEG sample k and asked for.
func (s *Source) wants(kind Kind, k int64, mask Kinds) bool {
	every := s.every[kind]
	// The first test spares most of the divisions: a multiple of every is one of
	// the powers of two in it.
	return (k+1)&(every&-every-1) == 0 && mask.Has(kind) && every > 0 && (k+1)%every == 0
}

func (s *Source) step(k, due int64, mask Kinds, emit func(*Sample)) {
	s.receive(k)
	if !s.holeNow {
		if s.wants(EEG, k, mask) {
			s.fillEEG(k)
			s.emit(EEG, k, due, emit)
		}
		if s.wants(MOT, k, mask) {
			s.fillMotion(k, due)
			s.emit(MOT, k, due, emit)
		}
	}
	if (k+1)%int64(s.bg.chunk) == 0 {
		s.tick((k+1)/int64(s.bg.chunk)-1, due)
		if s.wants(DEV, k, mask) {
			s.fillDev(due)
			s.emit(DEV, k, due, emit)
		}
		if s.wants(EQ, k, mask) {
			s.fillEQ(k, due)
			s.emit(EQ, k, due, emit)
		}
		if s.wants(POW, k, mask) && k >= int64(2*s.bg.rate)-1 {
			if s.batch == nil { // else its owner does
				s.power.fill(s.values[POW])
			}
			s.emit(POW, k, due, emit)
		}
		if s.wants(MET, k, mask) {
			s.fillMet(MET)
			s.emit(MET, k, due, emit)
		}
		if s.wants(METLow, k, mask) {
			s.fillMet(METLow)
			s.emit(METLow, k, due, emit)
		}
		if s.wants(COM, k, mask) {
			v := s.values[COM]
			v[0], v[1] = int64(s.com.action), s.com.power
			s.emit(COM, k, due, emit)
		}
	}
	if s.wants(FAC, k, mask) {
		s.fillFac(k)
		s.emit(FAC, k, due, emit)
	}
}

// tick is the slow side, eight times a second, after the EEG sample of the same
// instant.
func (s *Source) tick(i, due int64) {
	s.com.step(uint64(i), &s.st)
	if (i+1)%4 == 0 { // 2 Hz
		s.stepEQ(due)
		s.stepMetrics((i + 1) / 4)
		s.mets.active = s.meanEQ() >= 2 && float64(due-s.start) > s.st.MetWarmUp*1e9
	}
}

// stepMetrics brings the metrics to step n, two a second.
func (s *Source) stepMetrics(n int64) {
	for ; s.metSteps < n; s.metSteps++ {
		s.mets.step(&s.st)
	}
}

// row returns the composed sample k in microvolts around the DC level.
func (s *Source) row(k int64) []float64 {
	n := len(s.sensors)
	at := int(k&(composedRing-1)) * n
	return s.ring[at : at+n]
}

// compose makes the samples up to k.
func (s *Source) compose(k int64) {
	n := len(s.sensors)
	for ; s.composed <= k; s.composed++ {
		i := s.composed
		in := int(i % int64(s.bg.chunk))
		if in == 0 {
			s.beginTick(i)
		}
		row := s.row(i)
		copy(row, s.bg.rows[in*n:in*n+n])
		if s.st.Worn {
			s.addOverlays(row, i)
		}
		if len(s.waves) > 0 {
			s.addWaves(row, s.due(i))
		}
	}
}

// tune gives the background the frequencies of the state.
func (s *Source) tune() {
	alpha := s.st.Background.AlphaFrequency
	if alpha == 0 {
		alpha = s.subject.alpha
	}
	s.bg.tune(s.st.Background.Exponent, alpha, s.st.Background.LineFrequency)
}

// beginTick prepares the EEG samples from i on, an eighth of a second.
func (s *Source) beginTick(i int64) {
	if s.stale {
		s.tune()
		s.bg.aim(&s.st)
		s.stale = false
	}
	tick := i / int64(s.bg.chunk)
	if tick%(blockSeconds*ticksPerSecond) == 0 {
		block := uint64(tick / (blockSeconds * ticksPerSecond))
		s.bg.reseed(block)
		s.blinks.reseed(block)
	}
	s.bg.approach(&s.st, tick, false)
	begin, end := s.due(i), s.due(i+int64(s.bg.chunk)-1)
	speed := max(s.head.at(begin).speed, s.head.at(end).speed)
	if s.moving = speed > 4; s.moving {
		s.bg.shake = 1 + math.Min(2, speed/60)
	} else {
		s.bg.shake = 1
	}
	s.beginFace(i)
	s.bg.generate(tick)
	if s.truth != nil {
		s.watchAlpha(i)
	}
}

func (s *Source) addOverlays(row []float64, k int64) {
	for o := range s.overlays {
		l := &s.overlays[o]
		i := k - l.start
		if i < 0 || i >= int64(len(l.shape)) {
			continue
		}
		v := l.shape[i] * l.scale
		for c, w := range l.weight {
			row[c] += w * v
		}
	}
	if s.st.SSVEP.Frequency > 0 {
		t := float64(s.due(k)-s.ssvep.from) * 1e-9
		_, turn := math.Modf(s.st.SSVEP.Frequency * t)
		sin, cos := math.Sincos(2 * math.Pi * turn)
		v := s.st.SSVEP.Amplitude * (sin + 0.35*2*sin*cos) // and its second harmonic
		for c, w := range s.ssvep.weight {
			row[c] += w * v
		}
	}
	if s.moving {
		p := s.head.at(s.due(k))
		v := 50 * math.Min(1.5, p.speed/90)
		if s.st.Head.Movement != "still" {
			v *= p.wave
		}
		for c := range s.bg.channels {
			row[c] += s.bg.channels[c].movement * v
		}
	}
}

func (s *Source) addWaves(row []float64, due int64) {
	for i := range s.waves {
		w := &s.waves[i]
		t := float64(due-w.from)*1e-9 - w.Start
		if t < 0 || w.Duration > 0 && t >= w.Duration {
			continue
		}
		v := w.Amplitude
		_, turn := math.Modf(w.Frequency * t)
		switch w.Shape {
		case "sine":
			v *= math.Sin(2 * math.Pi * turn)
		case "square":
			if turn >= 0.5 {
				v = -v
			}
		case "triangle":
			v *= 1 - 4*math.Abs(math.Mod(turn+0.25, 1)-0.5)
			v = -v
		case "samples":
			rate := w.SampleRate
			if rate == 0 {
				rate = float64(s.bg.rate)
			}
			v *= w.Samples[int64(t*rate+1e-6)%int64(len(w.Samples))]
		}
		for c, hit := range w.hits {
			if hit {
				row[c] += v
			}
		}
	}
}

// setWaves starts the waveforms that are new at instant now; one that stays as
// it was goes on.
func (s *Source) setWaves(old []wave, now int64) {
	s.waves = nil
	for i, w := range s.st.Waveforms {
		if i < len(old) && reflect.DeepEqual(old[i].Waveform, w) {
			s.waves = append(s.waves, old[i])
			continue
		}
		hits := make([]bool, len(s.sensors))
		for c, name := range s.sensors {
			hits[c] = len(w.Sensors) == 0 || slices.Contains(w.Sensors, name)
		}
		s.waves = append(s.waves, wave{w, now, hits})
		s.tell(Truth{
			Kind: "waveform", At: now + int64(w.Start*1e9), Duration: w.Duration, Sensors: w.Sensors, Amplitude: w.Amplitude, Frequency: w.Frequency,
			Label: w.Shape,
		})
	}
}

// receive takes EEG sample k off the radio.
func (s *Source) receive(k int64) {
	s.compose(k)
	slot := (k / int64(s.bg.chunk)) % int64(len(s.lost))
	if k%int64(s.bg.chunk) == 0 {
		s.lost[slot] = 0
	}
	g := &s.gap
	if g.left == 0 && s.st.Loss.Probability > 0 && unit(hash64(g.seed, uint64(k))) < s.st.Loss.Probability {
		s.beginGap(k)
	}
	row := s.row(k)
	s.lostNow, s.holeNow = g.left > 0, g.left > 0 && !g.interpol
	if s.lostNow {
		s.lost[slot]++
		done := float64(g.length-g.left+1) / float64(g.length+1)
		g.left--
		if s.holeNow {
			row = s.previous
		} else {
			for c := range row {
				row[c] = g.from[c] + (g.to[c]-g.from[c])*done
			}
		}
	}
	copy(s.previous, row)
	inverse, bias := 1/s.lsb, middle-float64(s.grid.Offset)/float64(s.grid.Den)
	for c, v := range row {
		n := int64((v+bias)*inverse + 0.5)
		if v+bias < 0 {
			n = 0
		} else if n > s.grid.Max {
			n = s.grid.Max
		}
		s.counts[c] = n
	}
	if k%int64(s.power.stride) == int64(s.power.stride-1) {
		s.power.push(s.counts, s.lsb)
	}
	if s.level != nil {
		for c, n := range s.counts {
			v := float64(n) * s.lsb
			s.level[c] += (v - s.level[c]) / float64(s.bg.rate) // 1 s: a high pass of 0.16 Hz
		}
	}
}

// middle is half of the converter's range in microvolts: the level of about
// 4200 uV that every EPOC shows.
const middle = 8192 * 20.0 / 39

func (s *Source) beginGap(k int64) {
	g := &s.gap
	length := 1
	if mean := s.st.Loss.Burst; mean > 1 {
		length += int(math.Log(1-unit(hash64(g.seed, uint64(k), 1))) / math.Log(1-1/mean))
	}
	length = min(length, 10*s.bg.rate)
	g.length, g.left = length, length
	if g.interpol = length <= s.st.Loss.InterpolationLimit; g.interpol {
		s.compose(k + int64(length))
		copy(g.to, s.row(k+int64(length)))
		copy(g.from, s.previous)
		if k == 0 {
			copy(g.from, g.to)
		}
	}
	label := "hole"
	if g.interpol {
		label = "interpolated"
	}
	s.tell(Truth{Kind: "loss", At: s.due(k), Sample: k, Duration: float64(length) / float64(s.bg.rate), Count: length, Label: label})
}

// fillEEG writes the columns of the eeg stream.
func (s *Source) fillEEG(k int64) {
	v := s.values[EEG]
	v[0], v[1] = k%int64(s.bg.rate), 0
	if s.lostNow {
		v[1] = 1
	}
	offset := 1000*float64(s.grid.Offset)/float64(s.grid.Den) + 0.5
	scale := 1000 * s.lsb
	n := 2 + len(s.counts)
	if s.level != nil {
		for c, count := range s.counts {
			v[2+c] = int64(math.Round(float64(count)*scale - 1000*s.level[c]))
		}
	} else {
		for c, count := range s.counts {
			v[2+c] = int64(float64(count)*scale + offset)
		}
	}
	if s.model.Flex && s.layouts[EEG].Columns[n].Name == "HighBitFlex" {
		v[n] = 8064_000
	}
	v[s.rawCQ] = 0
	if s.st.RawCQ {
		v[s.rawCQ] = s.rawContact(k)
	}
}

// rawContact returns the raw count of the sensor whose turn it is, in
// thousandths. The radio sends one sensor after the other and then nothing for a
// while: 37 % of the rows of a recording of an EPOC are 0. Order and scale are a
// guess: 256 a grade, and some noise.
func (s *Source) rawContact(k int64) int64 {
	turn := int(k % int64(len(s.sensors)*22/14))
	if turn >= len(s.sensors) {
		return 0
	}
	grade := int64(s.st.contact(s.sensors[turn]))
	return 1000 * grade * (248 + int64(hash64(s.seed, seedRawContact, uint64(k))%16))
}

func (s *Source) fillMotion(k, due int64) {
	v := s.values[MOT]
	wrap := int64(64) // of 6.4 Hz: a guess
	if per := int64(s.bg.rate) / s.every[MOT]; per*s.every[MOT] == int64(s.bg.rate) {
		wrap = per
	}
	index := (k+1)/s.every[MOT] - 1
	v[0], v[1] = index%wrap, 0
	if s.lostNow {
		v[1] = 1
	}
	s.head.sample(v[2:], due, index, s.motion, s.model.QuaternionStep)
}

// weights evaluates a topography at the sensors.
func (s *Source) weights(f func(place) float64) []float64 {
	w := make([]float64, len(s.bg.channels))
	for i := range w {
		w[i] = f(s.bg.channels[i].place)
	}
	return w
}

// battery returns the charge at an instant, -1 when unknown.
func (s *Source) battery(at int64) float64 {
	b := s.st.Battery
	if b.Percent < 0 {
		return -1
	}
	return math.Max(0, b.Percent-b.DrainPerHour*float64(at-s.batteryFrom)/3.6e12)
}

// State returns a copy of the state, its battery as it is now.
func (s *Source) State() State {
	s.Settle()
	st := s.st.Clone()
	st.Battery.Percent = s.battery(s.now)
	return st
}

// Update changes the state from the last Advance on: dev, eq, met, com, mot and
// injected waveforms at once, the background within an eighth of a second and
// then smoothly. A state that Check refuses changes nothing.
func (s *Source) Update(change func(*State)) error {
	s.wake()
	st := s.State()
	change(&st)
	if err := st.Check(s.sensors); err != nil {
		return err
	}
	old := s.st
	s.st = st.Clone()
	s.batteryFrom = s.now
	s.stale = true
	if st.Head != old.Head {
		s.head.set(s.now, st.Head)
	}
	if st.SSVEP.Frequency != old.SSVEP.Frequency {
		s.ssvep.from = s.now
	}
	s.setWaves(s.waves, s.now)
	if act := st.FacialExpression.EyeAct; act != old.FacialExpression.EyeAct && act != "neutral" {
		s.eye(s.facIndex(s.now), act, 0)
	}
	s.tellChange(&old)
	return nil
}

// tell hands a truth on, its derived fields filled.
func (s *Source) tell(t Truth) {
	if s.truth == nil {
		return
	}
	t.Time = float64(s.stamp(t.At)) / 1e4
	if t.Sample == 0 {
		t.Sample = s.indexAt(t.At)
	}
	if s.batch != nil {
		s.batch.truths = append(s.batch.truths, told{len(s.batch.samples), t})
		return
	}
	s.truth(t)
}

// tellChange says what an update changed.
func (s *Source) tellChange(old *State) {
	if s.truth == nil {
		return
	}
	st := &s.st
	if st.Worn != old.Worn {
		s.tell(Truth{Kind: "worn", At: s.now, Label: map[bool]string{true: "on", false: "off"}[st.Worn]})
	}
	if st.Eyes != old.Eyes {
		s.tell(Truth{Kind: "eyes", At: s.now, Label: st.Eyes})
	}
	for _, name := range s.sensors {
		if q := st.contact(name); q != old.contact(name) {
			s.tell(Truth{Kind: "contact", At: s.now, Sensors: []string{name}, Amplitude: float64(q)})
		}
	}
	if st.Head != old.Head {
		s.tell(Truth{Kind: "movement", At: s.now, Label: st.Head.Movement, Amplitude: st.Head.Amplitude, Frequency: st.Head.Frequency})
	}
	if st.MentalCommand != old.MentalCommand {
		s.tell(Truth{Kind: "command", At: s.now, Label: st.MentalCommand.Action, Amplitude: st.MentalCommand.Power})
	}
	if st.SSVEP != old.SSVEP {
		s.tell(Truth{Kind: "ssvep", At: s.now, Frequency: st.SSVEP.Frequency, Amplitude: st.SSVEP.Amplitude})
	}
	hand, power := st.imagined()
	if before, was := old.imagined(); hand != before || power != was {
		s.tell(Truth{Kind: "motorImagery", At: s.now, Label: hand, Amplitude: power})
	}
	a, b := st.FacialExpression, old.FacialExpression
	if a.UAct != b.UAct || a.UPow != b.UPow {
		s.tell(Truth{Kind: "expression", At: s.now, Label: a.UAct, Amplitude: a.UPow})
	}
	if a.LAct != b.LAct || a.LPow != b.LPow {
		s.tell(Truth{Kind: "expression", At: s.now, Label: a.LAct, Amplitude: a.LPow})
	}
}
