package export

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/fakecortex/fakecortex/streams"
)

// track is the signals of one EDF file that share a rate. Its samples lie on a
// grid by their Index; a hole repeats the sample before it, but for its markers,
// and so does what is missing at the beginning and at the end of the last data
// record.
type track struct {
	base    streams.Kind
	follow  []streams.Kind
	fields  []field
	rate    float64
	markers []markerEvent

	// found by scan
	first  int64 // stamp of the first sample
	rows   int64
	lo, hi []int64
	offset int64 // rows before the first sample
	spr    int   // samples per data record
	scales []scale
	quants []quantizer
}

// gridder gives the rows of a track's grid, one at a time.
type gridder struct {
	t       *track
	m       *merger
	vals    []int64 // the row given
	pending []int64 // the next real sample
	at      int64   // its place
	base    int64   // Index of the first sample
	pos     int64
	more    bool
	stamp   int64
}

func (j *Job) gridder(t *track, origin int64) (*gridder, error) {
	m, err := newMerger(j.Recording, t.base, t.follow, t.rate, t.markers)
	if err != nil {
		return nil, err
	}
	m.row.origin = origin
	g := &gridder{t: t, m: m, vals: make([]int64, len(t.fields)), pending: make([]int64, len(t.fields))}
	if err := g.load(true); err != nil {
		return nil, err
	}
	copy(g.vals, g.pending)
	return g, nil
}

func (g *gridder) load(first bool) error {
	r, err := g.m.next()
	if err == io.EOF {
		g.more = false
		return nil
	}
	if err != nil {
		return err
	}
	if first {
		g.base, g.stamp = r.base.Index, r.base.Stamp
	}
	at := g.t.offset + r.base.Index - g.base
	// A day of silence in a record is no recording any more.
	if !first && (at <= g.at || at-g.at > int64(86400*g.t.rate)+1) {
		return corrupted("read "+g.t.base.String(), fmt.Errorf("sample %d follows sample %d", r.base.Index, g.base+g.at-g.t.offset))
	}
	g.at, g.more = at, true
	for i := range g.t.fields {
		if v := g.t.fields[i].get(r); v != streams.Null {
			g.pending[i] = v
		}
	}
	return nil
}

// next moves to the next row; false after the last. vals stays what it was, but
// for the markers.
func (g *gridder) next() (bool, error) {
	if !g.more || g.pos != g.at {
		for i := range g.t.fields {
			if g.t.fields[i].once {
				g.vals[i] = 0
			}
		}
	}
	if !g.more {
		return false, nil
	}
	if g.pos == g.at {
		copy(g.vals, g.pending)
		if err := g.load(false); err != nil {
			return false, err
		}
	}
	g.pos++
	return true, nil
}

// scan finds the length of a track and the range of its values.
func (j *Job) scan(out *output, t *track, origin *int64) error {
	if *origin < 0 {
		s, err := j.Recording.Open(t.base).Next()
		if err == io.EOF {
			return corrupted("read "+t.base.String(), fmt.Errorf("the record holds no sample of it"))
		}
		if err != nil {
			return corrupted("read "+t.base.String(), err)
		}
		*origin = s.Stamp
	}
	g, err := j.gridder(t, *origin/10_000*10_000)
	if err != nil {
		return err
	}
	t.first = g.stamp
	if !g.more {
		t.first = *origin
	}
	t.lo, t.hi = make([]int64, len(t.fields)), make([]int64, len(t.fields))
	copy(t.lo, g.vals)
	copy(t.hi, g.vals)
	for {
		ok, err := g.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if g.pos&0xfff == 0 && out.ctx.Err() != nil {
			return out.ctx.Err()
		}
		for i, v := range g.vals {
			t.lo[i], t.hi[i] = min(t.lo[i], v), max(t.hi[i], v)
		}
	}
	t.offset = max(0, int64(math.Round(float64(t.first-*origin)*t.rate/10_000)))
	t.rows = t.offset + g.pos
	return nil
}

// writeEDF writes EDF (eeg and motion apart), or one EDF+ or BDF+ file.
// What the plus files are called is a guess.
func (j *Job) writeEDF(out *output, base string) error {
	eeg, motion := j.Streams&StreamEEG != 0, j.Streams&StreamMotion != 0
	if j.Format == EDF {
		if eeg {
			if err := j.edfFile(out, base+".edf", 16, false, []*track{j.eegTrack(true)}); err != nil {
				return err
			}
		}
		if motion {
			return j.edfFile(out, base+".md.edf", 16, false, []*track{j.motionTrack(true)})
		}
		return nil
	}
	var tracks []*track
	if eeg {
		tracks = append(tracks, j.eegTrack(false))
		if t := j.deviceTrack(); t != nil {
			tracks = append(tracks, t)
		}
		if t := j.qualityTrack(); t != nil {
			tracks = append(tracks, t)
		}
	}
	if motion {
		tracks = append(tracks, j.motionTrack(!eeg))
	}
	if j.Format == BDFPLUS {
		return j.edfFile(out, base+".bdf", 24, true, tracks)
	}
	return j.edfFile(out, base+".edf", 16, true, tracks)
}

// clockFields are the time stamps. A header field of EDF has eight characters
// and a sample 16 bits, so that the seconds since 1970 do not fit: the seconds
// are those since the start time in the header, which is a whole second. The
// milliseconds have one decimal; together the pair is exact.
func clockFields() []field {
	split := func(name string, stamp func(*row) int64) []field {
		return []field{
			{name: name + "_s", unit: "s", class: classInt, get: func(r *row) int64 {
				return int64(math.Floor(float64(stamp(r)-r.origin) / 10_000))
			}},
			{name: name + "_ms", unit: "ms", class: classMilli, decimals: 1, get: func(r *row) int64 {
				return ((stamp(r)-r.origin)%10_000 + 10_000) % 10_000
			}},
		}
	}
	return append(split("TIME_STAMP", func(r *row) int64 { return r.base.Stamp }),
		split("OR_TIME_STAMP", func(r *row) int64 { return divRound(r.base.Due, 100_000) })...)
}

// eegTrack is the eeg signals. In an EDF file battery, contact and EEG quality
// are in it too, each repeated until its next value; a plus file has them at
// their own rates.
func (j *Job) eegTrack(whole bool) *track {
	l := j.Recording.Layout(streams.EEG)
	dev, eq := j.Recording.Layout(streams.DEV), j.Recording.Layout(streams.EQ)
	t := &track{base: streams.EEG, rate: j.Record.rate(streams.EEG), fields: clockFields(), markers: markerEvents(j.Record.Markers)}
	column := func(name string) {
		if c := columnOf(l, name); c >= 0 {
			t.fields = append(t.fields, field{
				name: name, class: classInt, decimals: decimalsOf(l, c), get: current(streams.EEG, c), once: name == "MARKER_HARDWARE",
			})
		}
	}
	column("COUNTER")
	column("INTERPOLATED")
	for _, c := range sensorColumns(l) {
		t.fields = append(t.fields, field{name: l.Columns[c].Name, unit: "uV", class: classEEG, decimals: decimalsOf(l, c), get: current(streams.EEG, c)})
	}
	column("HighBitFlex")
	column("SaturationFlag")
	column("RAW_CQ")
	if whole {
		t.follow = []streams.Kind{streams.DEV, streams.EQ}
		t.fields = append(t.fields, batteryFields(dev)...)
	}
	marker := func(name string, get func(markerEvent) int64) {
		t.fields = append(t.fields, field{name: name, class: classInt, once: true, get: func(r *row) int64 { return get(r.marker) }})
	}
	marker("MarkerIndex", func(e markerEvent) int64 { return e.index })
	marker("MarkerType", func(e markerEvent) int64 { return e.kind })
	marker("MarkerValueInt", func(e markerEvent) int64 { return e.value })
	column("MARKER_HARDWARE")
	if whole {
		t.fields = append(t.fields, j.contactFields(dev)...)
		t.fields = append(t.fields, qualityFields(eq)...)
	}
	return t
}

func batteryFields(dev *streams.Layout) []field {
	if dev == nil {
		return nil
	}
	out := []field{{name: "BATTERY", class: classInt, get: held(streams.DEV, columnOf(dev, "Battery"))}}
	if c := batteryPercent(dev); c >= 0 {
		out = append(out, field{name: "BATTERY_PERCENT", unit: "%", class: classInt, get: held(streams.DEV, c)})
	}
	return out
}

func (j *Job) contactFields(dev *streams.Layout) []field {
	var out []field
	for _, c := range cqColumns(dev) {
		out = append(out, field{name: "CQ_" + dev.Columns[c].Name, class: classInt, get: held(streams.DEV, c)})
	}
	if c := columnOf(dev, "OVERALL"); c >= 0 {
		name := "CQ_OVERALL"
		if strings.HasPrefix(j.Record.Headset.Type, "INSIGHT") {
			name = "CQ_Overall"
		}
		out = append(out, field{name: name, unit: "%", class: classInt, get: held(streams.DEV, c)})
	}
	return out
}

func qualityFields(eq *streams.Layout) []field {
	if eq == nil {
		return nil
	}
	rate := columnOf(eq, "sampleRateQuality")
	out := []field{
		{name: "EQ_SampleRateQuality", class: classUnit, decimals: decimalsOf(eq, rate), get: held(streams.EQ, rate)},
		{name: "EQ_OVERALL", unit: "%", class: classInt, get: held(streams.EQ, columnOf(eq, "overall"))},
	}
	for _, c := range eqColumns(eq) {
		out = append(out, field{name: "EQ_" + eq.Columns[c].Name, class: classInt, get: held(streams.EQ, c)})
	}
	return out
}

func (j *Job) deviceTrack() *track {
	dev := j.Recording.Layout(streams.DEV)
	if dev == nil {
		return nil
	}
	return &track{base: streams.DEV, rate: j.Record.rate(streams.DEV), fields: append(batteryFields(dev), j.contactFields(dev)...)}
}

func (j *Job) qualityTrack() *track {
	eq := j.Recording.Layout(streams.EQ)
	if eq == nil {
		return nil
	}
	return &track{base: streams.EQ, rate: j.Record.rate(streams.EQ), fields: qualityFields(eq)}
}

func (j *Job) motionTrack(clock bool) *track {
	l := j.Recording.Layout(streams.MOT)
	t := &track{base: streams.MOT, rate: j.Record.rate(streams.MOT)}
	if clock {
		t.fields = clockFields()
	}
	for c, col := range l.Columns {
		f := field{name: col.Name, class: classInt, decimals: decimalsOf(l, c), get: current(streams.MOT, c)}
		if col.Type == streams.Float {
			switch {
			case strings.HasPrefix(col.Name, "Q"):
				f.class = classUnit
			case strings.HasPrefix(col.Name, "ACC"):
				f.class, f.unit = classAcc, "g"
			case strings.HasPrefix(col.Name, "MAG"):
				f.class, f.unit = classWide, "uT"
			default:
				f.class, f.unit = classWide, "deg/s"
			}
		}
		t.fields = append(t.fields, f)
	}
	return t
}

// recordLength finds the duration of a data record, in seconds, that holds a
// whole number of samples of every track: 1 s, or 5 s with the 6.4 Hz motion of
// an MN8. Odd rates get the nearest number of samples.
func recordLength(tracks []*track) int {
	best, bestErr := 1, math.Inf(1)
	for _, d := range []int{1, 2, 5, 10, 20} {
		err := 0.0
		for _, t := range tracks {
			n := t.rate * float64(d)
			err = max(err, math.Abs(n-math.Round(n)))
			if math.Round(n) < 1 {
				err = math.Inf(1)
			}
		}
		if err < bestErr-1e-9 {
			best, bestErr = d, err
		}
	}
	for _, t := range tracks {
		t.spr = max(1, int(math.Round(t.rate*float64(best))))
	}
	return best
}

// annotation is one TAL of a plus file.
type annotation struct {
	onset int64 // stamps since the start in the header
	text  string
}

// annotationText is what a marker is called in a plus file. Cortex' text is not
// known: label/value here, so that MNE can select by label.
func annotationText(m *Marker) string {
	s := m.Label
	if v := m.valueText(); v != "" {
		if s != "" {
			s += "/"
		}
		s += v
	}
	s = strings.Map(func(c rune) rune { // 20, 21 and 0 end things in a TAL
		if c < 0x20 || c == 0x7f {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "_"))
	for len(s) > 500 {
		r := []rune(s)
		s = string(r[:len(r)-len(r)/8-1])
	}
	if strings.TrimSpace(s) == "" {
		return "marker"
	}
	return s
}

func stampText(stamps int64) string {
	return string(streams.AppendFixed(nil, stamps, 4, false))
}

func annotations(markers []Marker, origin int64) []annotation {
	var out []annotation
	for i := range markers {
		m := &markers[i]
		on := stampOf(m.Start) - origin
		sign := "+"
		if on < 0 {
			sign = ""
		}
		tal := sign + stampText(on)
		if m.interval() {
			tal += "\x15" + stampText(stampOf(m.End)-stampOf(m.Start))
		}
		out = append(out, annotation{onset: on, text: tal + "\x14" + annotationText(m) + "\x14\x00"})
	}
	sort.SliceStable(out, func(a, b int) bool { return out[a].onset < out[b].onset })
	return out
}

// layTALs spreads the annotations over the data records: each in the record of
// its time or the next with room, what is left over wherever there is room. It
// returns the contents of the annotation signal and its size in bytes, which
// is a multiple of 6.
func layTALs(list []annotation, records int64, duration int, fraction int64) ([][]byte, int) {
	for size := 60; ; size *= 2 {
		out := make([][]byte, records)
		for i := range out {
			// The first TAL of a record says when it begins. That of the first
			// one is the fraction of a second by which the samples begin after
			// the start time in the header.
			out[i] = []byte("+" + stampText(int64(i)*int64(duration)*10_000+fraction) + "\x14\x14\x00")
		}
		fits := true
		var over []annotation
		at := int64(0)
		for _, a := range list {
			at = max(at, min(records-1, max(0, a.onset-fraction)/(int64(duration)*10_000)))
			for at < records && len(out[at])+len(a.text) > size {
				at++
			}
			if at == records {
				at = records - 1
				over = append(over, a)
				continue
			}
			out[at] = append(out[at], a.text...)
		}
		i := int64(0)
		for _, a := range over {
			for i < records && len(out[i])+len(a.text) > size {
				i++
			}
			if i == records {
				fits = false
				break
			}
			out[i] = append(out[i], a.text...)
		}
		if fits {
			return out, size
		}
	}
}

func (j *Job) edfFile(out *output, name string, bits int, plus bool, tracks []*track) error {
	origin := int64(-1)
	for _, t := range tracks {
		if err := j.scan(out, t, &origin); err != nil {
			return err
		}
	}
	duration := recordLength(tracks)
	var records int64
	for _, t := range tracks {
		t.scales, t.quants = make([]scale, len(t.fields)), make([]quantizer, len(t.fields))
		for i, f := range t.fields {
			t.scales[i] = chooseScale(f.class, bits, f.decimals, t.lo[i], t.hi[i])
			t.quants[i] = t.scales[i].quantizer(f.decimals)
		}
		records = max(records, (t.rows+int64(t.spr)-1)/int64(t.spr))
	}
	second := origin / 10_000 * 10_000
	var tals [][]byte
	talSize := 0
	if plus {
		tals, talSize = layTALs(annotations(j.Record.Markers, second), records, duration, origin-second)
	}
	return out.file(name, func(w *bufio.Writer) error {
		if err := j.edfHeader(w, bits, plus, tracks, second, records, duration, talSize); err != nil {
			return err
		}
		width := bits / 8
		size := 0
		var grids []*gridder
		for _, t := range tracks {
			size += len(t.fields) * t.spr * width
			g, err := j.gridder(t, second)
			if err != nil {
				return err
			}
			grids = append(grids, g)
		}
		buf := make([]byte, size+talSize)
		for rec := range records {
			at := 0
			for i, t := range tracks {
				g := grids[i]
				for s := range t.spr {
					if _, err := g.next(); err != nil {
						return err
					}
					for f, v := range g.vals {
						d := t.quants[f].digital(v)
						p := buf[at+(f*t.spr+s)*width:]
						p[0], p[1] = byte(d), byte(d>>8)
						if width == 3 {
							p[2] = byte(d >> 16)
						}
					}
				}
				at += len(t.fields) * t.spr * width
			}
			if plus {
				clear(buf[at:])
				copy(buf[at:], tals[rec])
			}
			if _, err := w.Write(buf); err != nil {
				return err
			}
		}
		return nil
	})
}

// ascii makes a text fit for an EDF header: printable ASCII, at most n
// characters.
func ascii(s string, n int) string {
	var b strings.Builder
	for _, c := range s {
		if b.Len() == n {
			break
		}
		if c < 0x20 || c > 0x7e {
			c = '_'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// subfield is a text as a subfield of an EDF+ identification: no blanks, X if
// there is none.
func subfield(s string, n int) string {
	if s = strings.ReplaceAll(ascii(strings.TrimSpace(s), n), " ", "_"); s == "" {
		return "X"
	}
	return s
}

func (j *Job) edfHeader(w *bufio.Writer, bits int, plus bool, tracks []*track, second, records int64, duration, talSize int) error {
	r := &j.Record
	start := time.Unix(second/10_000, 0).In(r.Start.Location())
	type signal struct {
		label, unit string
		scale       scale
		spr         int
	}
	var signals []signal
	for _, t := range tracks {
		for i, f := range t.fields {
			signals = append(signals, signal{f.name, f.unit, t.scales[i], t.spr})
		}
	}
	kind := "EDF"
	if bits == 24 {
		kind = "BDF"
	}
	if plus {
		s := scale{pmin: "-1", pmax: "1", dmin: -1 << (bits - 1), dmax: 1<<(bits-1) - 1}
		signals = append(signals, signal{kind + " Annotations", "", s, talSize / (bits / 8)})
	}
	patient, recording, reserved := ascii(r.Subject, 80), ascii(r.Title, 80), ""
	if plus {
		// Code, sex and birthdate stay X: who the subject is belongs in the JSON,
		// and only when it is asked for.
		patient = "X X X " + subfield(r.Subject, 74)
		recording = "Startdate " + strings.ToUpper(start.Format("02-Jan-2006")) + " X X " + subfield(r.Headset.ID, 20)
		recording += " " + subfield(r.Title, 80-len(recording)-1)
		reserved = kind + "+C"
	}
	var h []byte
	put := func(n int, s string) {
		h = append(h, s[:min(n, len(s))]...)
		for i := len(s); i < n; i++ {
			h = append(h, ' ')
		}
	}
	if bits == 24 {
		h = append(h, 0xff)
		put(7, "BIOSEMI")
	} else {
		put(8, "0")
	}
	put(80, patient)
	put(80, recording)
	put(8, start.Format("02.01.06"))
	put(8, start.Format("15.04.05"))
	put(8, strconv.Itoa(256*(len(signals)+1)))
	put(44, reserved)
	put(8, strconv.FormatInt(records, 10))
	put(8, strconv.Itoa(duration))
	put(4, strconv.Itoa(len(signals)))
	each := func(n int, f func(signal) string) {
		for _, s := range signals {
			put(n, f(s))
		}
	}
	each(16, func(s signal) string { return ascii(s.label, 16) })
	each(80, func(signal) string { return "" })
	each(8, func(s signal) string { return s.unit })
	each(8, func(s signal) string { return s.scale.pmin })
	each(8, func(s signal) string { return s.scale.pmax })
	each(8, func(s signal) string { return strconv.FormatInt(s.scale.dmin, 10) })
	each(8, func(s signal) string { return strconv.FormatInt(s.scale.dmax, 10) })
	each(80, func(signal) string { return "" })
	each(8, func(s signal) string { return strconv.Itoa(s.spr) })
	each(32, func(signal) string { return "" })
	_, err := w.Write(h)
	return err
}
