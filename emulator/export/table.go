package export

import (
	"fmt"
	"io"
	"strings"

	"github.com/fakecortex/fakecortex/streams"
)

// field is one column of a table or one signal of an EDF file.
type field struct {
	name     string
	unit     string
	class    class // range of an EDF signal
	decimals uint8
	get      func(*row) int64 // fixed point with decimals; streams.Null is an empty cell
	once     bool             // of its own row only, such as a marker: nothing repeats it
}

// row is what one row of a table is made of.
type row struct {
	base   *streams.Sample
	cur    [streams.NumKinds]*streams.Sample // taken during this row
	held   [streams.NumKinds]*streams.Sample // last taken, or the first to come
	marker markerEvent                       // index 0: none
	origin int64                             // stamp of the file's first whole second
}

// merger joins streams to the rows of the fastest of them: a sample belongs to
// the row whose time is nearest. Two samples for one row follow each other on
// successive rows, and so do markers. What comes between the last row and the
// end of the record belongs to the last row.
type merger struct {
	base    *Reader
	baseK   streams.Kind
	left    int64 // rows to come
	follow  []follower
	markers []markerEvent
	half    int64 // half a row, in stamps
	row     row
}

type follower struct {
	kind streams.Kind
	r    *Reader
	next *streams.Sample // read, not yet taken
	held streams.Sample
}

func (f *follower) read() (err error) {
	f.next, err = f.r.Next()
	if err == io.EOF {
		f.next, err = nil, nil
	}
	return err
}

func newMerger(rec *Recording, base streams.Kind, others []streams.Kind, rate float64, markers []markerEvent) (*merger, error) {
	m := &merger{base: rec.Open(base), baseK: base, left: rec.Samples(base), markers: markers, half: int64(5000 / rate)}
	m.follow = make([]follower, 0, len(others))
	for _, k := range others {
		if k == base || rec.Layout(k) == nil {
			continue
		}
		f := follower{kind: k, r: rec.Open(k)}
		if err := f.read(); err != nil {
			return nil, corrupted("read "+k.String(), err)
		}
		m.follow = append(m.follow, f)
	}
	for i := range m.follow {
		f := &m.follow[i]
		if f.next != nil {
			f.take()
			m.row.held[f.kind] = &f.held
		}
	}
	return m, nil
}

func (f *follower) take() {
	f.held.Index, f.held.Due, f.held.Stamp = f.next.Index, f.next.Due, f.next.Stamp
	f.held.Values = append(f.held.Values[:0], f.next.Values...)
}

// next returns the next row, valid until the following call, or io.EOF.
func (m *merger) next() (*row, error) {
	s, err := m.base.Next()
	if err == io.EOF {
		return nil, err
	}
	if err != nil {
		return nil, corrupted("read "+m.baseK.String(), err)
	}
	r := &m.row
	r.base = s
	r.cur[m.baseK], r.held[m.baseK] = s, s
	limit := s.Stamp + m.half
	if m.left--; m.left == 0 {
		limit += m.half
	}
	for i := range m.follow {
		f := &m.follow[i]
		r.cur[f.kind] = nil
		if f.next == nil || f.next.Stamp > limit {
			continue
		}
		f.take()
		r.cur[f.kind], r.held[f.kind] = &f.held, &f.held
		if err := f.read(); err != nil {
			return nil, corrupted("read "+f.kind.String(), err)
		}
	}
	r.marker = markerEvent{}
	if len(m.markers) > 0 && m.markers[0].stamp <= limit {
		r.marker = m.markers[0]
		m.markers = m.markers[1:]
	}
	return r, nil
}

// current is a column of the sample of this row, or an empty cell.
func current(k streams.Kind, col int) func(*row) int64 {
	return func(r *row) int64 { return valueOf(r.cur[k], col) }
}

// held is a column of the last sample.
func held(k streams.Kind, col int) func(*row) int64 {
	return func(r *row) int64 { return valueOf(r.held[k], col) }
}

func valueOf(s *streams.Sample, col int) int64 {
	if s == nil || col < 0 || col >= len(s.Values) {
		return streams.Null
	}
	return s.Values[col]
}

func constant(v int64) func(*row) int64 { return func(*row) int64 { return v } }

// action is an action column as its numeric code.
func action(k streams.Kind, l *streams.Layout, col int, codes []code) func(*row) int64 {
	var byIndex []int64
	if col >= 0 {
		for _, name := range l.Columns[col].Names {
			byIndex = append(byIndex, codeOf(codes, name))
		}
	}
	get := current(k, col)
	return func(r *row) int64 {
		v := get(r)
		if v == streams.Null {
			return v
		}
		if v < 0 || v >= int64(len(byIndex)) {
			return 0
		}
		return byIndex[v]
	}
}

// columnOf is the index of a column by name, ignoring case, or -1.
func columnOf(l *streams.Layout, name string) int {
	if l != nil {
		for i := range l.Columns {
			if strings.EqualFold(l.Columns[i].Name, name) {
				return i
			}
		}
	}
	return -1
}

func decimalsOf(l *streams.Layout, col int) uint8 {
	if col < 0 || l.Columns[col].Type != streams.Float {
		return 0
	}
	return l.Columns[col].Decimals
}

// sensorColumns are the columns of an eeg layout that are sensors: the floats
// between INTERPOLATED and the first of HighBitFlex, SaturationFlag, RAW_CQ.
func sensorColumns(l *streams.Layout) []int {
	var out []int
	if l == nil {
		return nil
	}
	for i, c := range l.Columns {
		switch c.Name {
		case "COUNTER", "INTERPOLATED":
			continue
		case "HighBitFlex", "SaturationFlag", "RAW_CQ", "MARKER_HARDWARE", "MARKERS":
			return out
		}
		out = append(out, i)
	}
	return out
}

// cqColumns are the contact quality columns of dev, without OVERALL.
func cqColumns(l *streams.Layout) []int {
	var out []int
	if l != nil {
		for i, c := range l.Columns {
			if c.Group && !strings.EqualFold(c.Name, "OVERALL") {
				out = append(out, i)
			}
		}
	}
	return out
}

// eqColumns are the sensor columns of eq.
func eqColumns(l *streams.Layout) []int {
	var out []int
	if l != nil {
		for i, c := range l.Columns {
			switch strings.ToLower(c.Name) {
			case "batterypercent", "batteryleftpercent", "batteryrightpercent", "overall", "sampleratequality":
			default:
				out = append(out, i)
			}
		}
	}
	return out
}

// batteryPercent is the dev column of the battery; a headset with two sides
// gives the left one (a guess).
func batteryPercent(l *streams.Layout) int {
	if c := columnOf(l, "BatteryPercent"); c >= 0 {
		return c
	}
	return columnOf(l, "batteryLeftPercent")
}

// code is an action's name on the wire, its name in the JSON file, its number.
type code struct {
	wire, label string
	value       int64
}

func codeOf(codes []code, wire string) int64 {
	for _, c := range codes {
		if c.wire == wire {
			return c.value
		}
	}
	return codes[0].value // neutral
}

func eyeCodes() []code {
	return []code{{"neutral", "Neutral", 0}, {"blink", "Blink", 10}, {"winkL", "Wink Left", 11},
		{"winkR", "Wink Right", 12}, {"lookL", "Look Left", -1}, {"lookR", "Look Right", 1}}
}

func facialCodes() []code {
	return []code{{"neutral", "Neutral", 1}, {"blink", "Blink", 2}, {"winkL", "Wink Left", 4}, {"winkR", "Wink Right", 8},
		{"horiEye", "Horizontal Eye", 16}, {"surprise", "Raise Brows", 32}, {"frown", "Furrow Brows", 64}, {"smile", "Smile", 128},
		{"clench", "Clench Teeth", 256}, {"laugh", "Laugh", 512}, {"smirkLeft", "Smirk Left", 1024}, {"smirkRight", "Smirk Right", 2048}}
}

func mentalCodes() []code {
	return []code{{"neutral", "Neutral", 1}, {"push", "Push", 2}, {"pull", "Pull", 4}, {"lift", "Lift", 8}, {"drop", "Drop", 16},
		{"left", "Left", 32}, {"right", "Right", 64}, {"rotateLeft", "Rotate Left", 128}, {"rotateRight", "Rotate Right", 256},
		{"rotateClockwise", "Rotate Clockwise", 512}, {"rotateCounterClockwise", "Rotate Counter-Clockwise", 1024},
		{"rotateForwards", "Rotate Forward", 2048}, {"rotateReverse", "Rotate Backward", 4096}, {"disappear", "Disappear", 8192}}
}

// onlyCodes keeps the codes of some actions; the others read as neutral.
func onlyCodes(codes []code, wires ...string) []code {
	out := []code{{"neutral", "Neutral", 0}}
	for _, c := range codes {
		for _, w := range wires {
			if c.wire == w {
				out = append(out, c)
			}
		}
	}
	return out
}

// rescale brings a fixed-point value to other decimals.
func rescale(v int64, from, to uint8) int64 {
	for ; from < to; from++ {
		v *= 10
	}
	for ; from > to; from-- {
		v = divRound(v, 10)
	}
	return v
}

func supported(what string, ok bool) error {
	if !ok {
		return &Error{Op: fmt.Sprintf("export %s", what), Kind: ErrStreamNotSupported}
	}
	return nil
}
