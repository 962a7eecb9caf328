package api

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/fakecortex/fakecortex/streams"
)

// Tap listens to the signals of one headset for somebody who looks at it, such
// as the page of the control API. It is no client: it schedules nothing and takes
// nothing away, so what clients receive is the same with and without it, byte for
// byte. While no client listens to a headset its own source sleeps, and a tap sees
// another one with the same seed and state. What a tap keeps between two calls of
// [Service.TakeTap] is bounded.
type Tap struct {
	id     string
	device *device
	source *streams.Source // whose layout was told last

	every   int // eeg samples that become one
	sensors int
	sums    []int64
	summed  int

	rows   []TapRow // a ring once it is full
	oldest int
	lost   int
	latest [streams.NumKinds][]byte
	faces  []json.RawMessage
}

// Bounds of a tap.
const (
	tapRate  = 128          // eeg samples a second that it gives at most
	tapRows  = 10 * tapRate // kept between two calls: ten seconds
	tapFaces = 64
	// tapGap is how much is made up for a tap after a jump of the clock that no
	// client listened to.
	tapGap = int64(10 * time.Second)
)

// tapKinds are the streams that a tap gives; METLow says nothing that MET does not.
var tapKinds = streams.AllKinds &^ streams.KindSet(streams.METLow, streams.SYS)

// TapRow is one row of eeg: the mean of some samples of each sensor, microvolts.
type TapRow struct {
	// At is the instant of the last of them, Unix nanoseconds of the host's clock.
	At     int64
	Values []float32
}

// TapBatch is what came since the last one.
type TapBatch struct {
	Headset string
	// Known is false when the world has no such headset, Connected when it has no
	// signal. Silent: connected, but no sample arrives.
	Known, Connected, Silent bool
	Now                      int64 // Unix nanoseconds
	// Layout is set in the first batch after a headset was connected.
	Layout *TapLayout
	EEG    []TapRow
	Lost   int // rows that came too early to be kept
	// Latest are the last samples of the other streams, printed as Cortex does.
	Latest map[string]json.RawMessage
	Faces  []json.RawMessage // samples of fac
}

// TapLayout is what a headset sends.
type TapLayout struct {
	Model   string                     `json:"model"`
	Sensors []SensorPlace              `json:"sensors"`
	Rate    float64                    `json:"rate"` // of TapBatch.EEG, hertz
	Cols    map[string]json.RawMessage `json:"cols"` // by stream
}

// SensorPlace is a sensor and its place seen from above: X to the right, Y to the
// nose, both -1 to 1.
type SensorPlace struct {
	Name string  `json:"name"`
	X    float64 `json:"x"`
	Y    float64 `json:"y"`
}

func placesOf(sensors []string) []SensorPlace {
	list := make([]SensorPlace, len(sensors))
	for i, name := range sensors {
		x, y := streams.PlaceOf(name, i, len(sensors))
		list[i] = SensorPlace{name, x, y}
	}
	return list
}

// NewTap returns a tap of a headset. It need not exist yet.
func (s *Service) NewTap(headset string) *Tap { return &Tap{id: headset} }

// DropTap ends a tap.
func (s *Service) DropTap(t *Tap) {
	if t.device != nil {
		t.device.taps = slices.DeleteFunc(t.device.taps, func(x *Tap) bool { return x == t })
	}
	t.device, t.source = nil, nil
}

// TakeTap returns what came since the last call.
func (s *Service) TakeTap(t *Tap) TapBatch {
	b := TapBatch{Headset: t.id, Now: s.sched.Now()}
	d, err := s.deviceOf(t.id)
	if err != nil || d != t.device {
		s.DropTap(t)
	}
	if err != nil {
		return b
	}
	b.Headset, b.Known = d.headset.ID, true
	if t.device == nil {
		t.device = d
		d.taps = append(d.taps, t)
	}
	if d.source == nil {
		t.source = nil
		return b
	}
	b.Connected, b.Silent = true, d.silent
	if t.source != d.source {
		b.Layout = t.begin(d)
	}
	d.peek()
	d.show()
	b.EEG = append(append(b.EEG, t.rows[t.oldest:]...), t.rows[:t.oldest]...)
	b.Lost, b.Faces, b.Latest = t.lost, t.faces, map[string]json.RawMessage{}
	for kind, text := range t.latest {
		if len(text) > 0 {
			b.Latest[streams.Kind(kind).String()] = text
		}
	}
	t.rows, t.oldest, t.lost, t.faces = nil, 0, 0, nil
	clear(t.latest[:])
	return b
}

// begin makes a tap ready for a headset that was connected.
func (t *Tap) begin(d *device) *TapLayout {
	*t = Tap{id: t.id, device: d, source: d.source}
	names := d.source.Sensors()
	rate := d.headset.Settings.EEGRate
	t.every, t.sensors = max(1, rate/tapRate), len(names)
	t.sums = make([]int64, t.sensors)
	l := &TapLayout{
		Model: d.headset.Model, Sensors: placesOf(names), Rate: float64(rate) / float64(t.every), Cols: map[string]json.RawMessage{},
	}
	for kind := range streams.Kind(streams.NumKinds) {
		if layout := d.source.Layout(kind); layout != nil && tapKinds.Has(kind) {
			l.Cols[kind.String()] = layout.AppendCols(nil)
		}
	}
	return l
}

// show brings what a tap sees up to the present, when no client listens.
func (d *device) show() {
	if d.mask != 0 || d.silent {
		return
	}
	now := d.service.sched.Now()
	if d.shadow == nil {
		config := d.config
		config.Truth = nil
		shadow, err := streams.NewSource(config)
		if err != nil {
			return // cannot happen: d.source was made of it
		}
		mental, facial := models(d.service.Store.LoadedProfile(d.headset), d.service.world.Training.CommandsAtRest)
		shadow.SetMentalCommandModel(mental)
		shadow.SetFacialExpressionModel(facial)
		shadow.Advance(now-1, 0, nil)
		_ = shadow.Update(func(st *streams.State) { // which d.source has found right
			*st = d.source.State()
			st.FacialExpression.EyeAct = "neutral" // it has happened
		})
		d.shadow = shadow
		return
	}
	if d.shadow.Now() < now-tapGap {
		d.shadow.Advance(now-tapGap, 0, nil)
	}
	d.shadow.Advance(now-1, tapKinds, d.tell)
}

// add takes a sample.
func (t *Tap) add(d *device, sample *streams.Sample) {
	if t.source != d.source {
		return // its layout has not been told
	}
	switch sample.Kind {
	case streams.EEG:
		t.addEEG(sample)
	case streams.FAC:
		if len(t.faces) == tapFaces {
			t.faces = t.faces[1:]
		}
		t.faces = append(t.faces, d.source.Layout(sample.Kind).AppendSample(nil, sample))
	default:
		t.latest[sample.Kind] = d.source.Layout(sample.Kind).AppendSample(t.latest[sample.Kind][:0], sample)
	}
}

func (t *Tap) addEEG(sample *streams.Sample) {
	const first = 2 // COUNTER and INTERPOLATED stand before the sensors
	for i := range t.sums {
		t.sums[i] += sample.Values[first+i]
	}
	if t.summed++; t.summed < t.every {
		return
	}
	row := TapRow{At: sample.Due, Values: make([]float32, t.sensors)}
	for i, sum := range t.sums {
		row.Values[i] = float32(float64(sum) / float64(t.summed) / 1000) // three decimals
	}
	clear(t.sums)
	t.summed = 0
	if len(t.rows) < tapRows {
		t.rows = append(t.rows, row)
		return
	}
	t.rows[t.oldest] = row
	t.oldest = (t.oldest + 1) % tapRows
	t.lost++
}

// Append prints a batch as JSON, but for its layout.
func (b *TapBatch) Append(dst []byte) []byte {
	dst = append(dst, `{"headset":`...)
	dst = strconv.AppendQuote(dst, b.Headset)
	dst = append(dst, `,"known":`...)
	dst = strconv.AppendBool(dst, b.Known)
	dst = append(dst, `,"connected":`...)
	dst = strconv.AppendBool(dst, b.Connected)
	dst = append(dst, `,"silent":`...)
	dst = strconv.AppendBool(dst, b.Silent)
	dst = append(dst, `,"now":`...)
	dst = strconv.AppendInt(dst, b.Now/1e6, 10)
	dst = append(dst, `,"lost":`...)
	dst = strconv.AppendInt(dst, int64(b.Lost), 10)
	dst = append(dst, `,"eeg":[`...)
	for i := range b.EEG {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '[')
		dst = strconv.AppendFloat(dst, float64(b.EEG[i].At)/1e6, 'f', 1, 64)
		for _, v := range b.EEG[i].Values {
			dst = append(dst, ',')
			dst = strconv.AppendFloat(dst, float64(v), 'f', 1, 32)
		}
		dst = append(dst, ']')
	}
	dst = append(dst, `],"fac":[`...)
	for i, face := range b.Faces {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, face...)
	}
	dst = append(dst, ']')
	for kind := range streams.Kind(streams.NumKinds) {
		if text, ok := b.Latest[kind.String()]; ok && kind != streams.METLow {
			dst = append(dst, `,"`...)
			dst = append(dst, kind.String()...)
			dst = append(dst, `":`...)
			dst = append(dst, text...)
		}
	}
	return append(dst, '}')
}
