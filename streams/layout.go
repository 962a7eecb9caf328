package streams

import "strconv"

// ColumnType says how a column is printed.
type ColumnType uint8

const (
	Int     ColumnType = iota // an integer: 42
	Float                     // up to Decimals digits, trailing zeros cut, one kept: 4215.0
	Bool                      // true or false
	Action                    // a JSON string out of Names
	Markers                   // the array of marker objects of this sample
)

// Column is one column of a stream.
type Column struct {
	Name     string
	Type     ColumnType
	Decimals uint8    // digits after the point of a Float; Values are scaled by 10^Decimals
	Names    []string // the words of an Action
	// Group is true for columns inside the nested array of `dev`: consecutive
	// group columns share one inner JSON array, in `cols` and in samples alike.
	Group bool
}

// Layout is the columns of one stream of one headset, in wire order, and how
// they are printed (streams.md section 3, "Data sample object").
type Layout struct {
	Kind    Kind
	Columns []Column
	// BareZero prints a whole Float without ".0", as Cortex did until the end
	// of 2019.
	BareZero bool
}

var pow10 = [...]int64{1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000}

// AppendCols appends the `cols` member of a subscribe answer.
func (l *Layout) AppendCols(dst []byte) []byte {
	dst = append(dst, '[')
	group := false
	for i := range l.Columns {
		c := &l.Columns[i]
		dst, group = appendSeparator(dst, i, c.Group, group)
		dst = strconv.AppendQuote(dst, c.Name) // column names are plain ASCII
	}
	if group {
		dst = append(dst, ']')
	}
	return append(dst, ']')
}

// AppendSample appends the array of values of one sample.
func (l *Layout) AppendSample(dst []byte, s *Sample) []byte {
	dst = append(dst, '[')
	group := false
	for i := range l.Columns {
		c := &l.Columns[i]
		dst, group = appendSeparator(dst, i, c.Group, group)
		v := s.Values[i]
		switch {
		case c.Type == Markers:
			dst = append(dst, '[')
			dst = append(dst, s.Markers...)
			dst = append(dst, ']')
		case v == Null:
			dst = append(dst, "null"...)
		case c.Type == Int:
			dst = strconv.AppendInt(dst, v, 10)
		case c.Type == Float:
			dst = AppendFixed(dst, v, c.Decimals, !l.BareZero)
		case c.Type == Bool:
			dst = strconv.AppendBool(dst, v != 0)
		case c.Type == Action:
			dst = append(dst, '"')
			dst = append(dst, c.Names[v]...)
			dst = append(dst, '"')
		}
	}
	if group {
		dst = append(dst, ']')
	}
	return append(dst, ']')
}

func appendSeparator(dst []byte, i int, inGroup, wasGroup bool) ([]byte, bool) {
	if wasGroup && !inGroup {
		dst = append(dst, ']')
	}
	if i > 0 {
		dst = append(dst, ',')
	}
	if inGroup && !wasGroup {
		dst = append(dst, '[')
	}
	return dst, inGroup
}

// AppendFixed appends v / 10^decimals with trailing zeros cut. A whole number
// keeps one ".0" when point is true (Data sample object: newer Cortex prints
// 0.0, builds of 2019 printed 0).
func AppendFixed(dst []byte, v int64, decimals uint8, point bool) []byte {
	u := uint64(v)
	if v < 0 {
		dst = append(dst, '-')
		u = uint64(-v)
	}
	// Dividing by a constant is much faster than by a variable: most columns
	// have three or six digits.
	var whole, frac uint64
	switch decimals {
	case 3:
		whole, frac = u/1000, u%1000
	case 4:
		whole, frac = u/10000, u%10000
	case 6:
		whole, frac = u/1000000, u%1000000
	default:
		p := uint64(pow10[decimals])
		whole, frac = u/p, u%p
	}
	dst = strconv.AppendUint(dst, whole, 10)
	if frac == 0 {
		if point {
			dst = append(dst, ".0"...)
		}
		return dst
	}
	n := int(decimals)
	for frac%10 == 0 {
		frac /= 10
		n--
	}
	dst = append(dst, ".000000000"[:n+1]...)
	for i := len(dst) - 1; n > 0; i, n = i-1, n-1 {
		dst[i] = byte('0' + frac%10)
		frac /= 10
	}
	return dst
}

// AppendTime appends the wire's `time` member: seconds with at most four
// decimals.
func AppendTime(dst []byte, stamp int64) []byte {
	return AppendFixed(dst, stamp, 4, true)
}
