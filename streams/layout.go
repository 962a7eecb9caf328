package streams

import (
	"encoding/binary"
	"slices"
	"strconv"
)

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
		if c.Group != group {
			dst, group = appendSeparator(dst, i, c.Group, group)
		} else if i > 0 {
			dst = append(dst, ',')
		}
		v := s.Values[i]
		switch c.Type {
		case Markers:
			dst = append(dst, '[')
			dst = append(dst, s.Markers...)
			dst = append(dst, ']')
		case Int:
			dst = appendInt(dst, v)
		case Float:
			switch {
			case c.Decimals == 3 && v >= 1e6 && v < 1e7:
				dst = appendMicrovolts(dst, uint64(v), !l.BareZero)
			case v == Null:
				dst = append(dst, "null"...)
			default:
				dst = AppendFixed(dst, v, c.Decimals, !l.BareZero)
			}
		case Bool:
			dst = strconv.AppendBool(dst, v != 0)
		case Action:
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
	if decimals == 0 || decimals > 7 {
		return appendLong(dst, u, decimals, point)
	}
	whole := 8 - int(decimals) // digits before the point that fit
	if u >= 1e8 {
		p := uint64(pow10[decimals])
		dst = strconv.AppendUint(dst, u/p, 10)
		u, whole = u%p*uint64(pow10[8-decimals]), 0
	}
	// Eight digits at once, the first in the lowest byte. How many of them count
	// is found out by branches: they are guessed well, and where the next number
	// begins need not wait for the digits of this one.
	d := digits(u)
	text := d | zeros
	dst = slices.Grow(dst, 16)
	n := len(dst)
	b := dst[n : n+16]
	if whole > 0 {
		lead := 0
		for lead < whole-1 && byte(d>>(8*lead&63)) == 0 {
			lead++
		}
		binary.LittleEndian.PutUint64(b, text>>(8*lead&63))
		n += whole - lead
		b = b[whole-lead:]
	}
	frac, last := d>>(8*whole&63), int(decimals)
	binary.LittleEndian.PutUint64(b, '.'|text>>(8*whole&63)<<8)
	for last > 0 && byte(frac>>(8*last-8)) == 0 {
		last--
	}
	switch {
	case last > 0:
		n += 1 + last
	case point:
		n += 2
	}
	return dst[:n]
}

// appendMicrovolts is AppendFixed for what most columns of all hold: four digits
// before the point and three behind it, which are eight bytes.
func appendMicrovolts(dst []byte, u uint64, point bool) []byte {
	d := digits(u)
	text := d | zeros
	dst = binary.LittleEndian.AppendUint64(dst, text>>8&0xffffffff|'.'<<32|text>>40<<40)
	switch {
	case d>>56 != 0:
		return dst
	case d>>48 != 0:
		return dst[:len(dst)-1]
	case d>>40 != 0 || point:
		return dst[:len(dst)-2]
	}
	return dst[:len(dst)-4]
}

const zeros = 0x3030303030303030 // eight times '0'

// digits returns the eight decimal digits of u, which is below 100,000,000, one
// a byte: it halves groups of eight, four and two digits side by side.
func digits(u uint64) uint64 {
	x := u/10000 | u%10000<<32
	high := x * 5243 >> 19 & 0x0000007f0000007f
	x = high | (x-100*high)<<16
	high = x * 103 >> 10 & 0x000f000f000f000f
	return high | (x-10*high)<<8
}

// appendLong is AppendFixed for no digits behind the point, or many.
func appendLong(dst []byte, u uint64, decimals uint8, point bool) []byte {
	p := uint64(pow10[decimals])
	dst = strconv.AppendUint(dst, u/p, 10)
	frac := u % p
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

// appendInt is strconv.AppendInt, and faster for counters and grades.
func appendInt(dst []byte, v int64) []byte {
	switch {
	case uint64(v) < 10:
		return append(dst, byte('0'+v))
	case uint64(v) < 100:
		return append(dst, byte('0'+v/10), byte('0'+v%10))
	case uint64(v) < 1000:
		return append(dst, byte('0'+v/100), byte('0'+v/10%10), byte('0'+v%10))
	}
	return strconv.AppendInt(dst, v, 10)
}

// AppendTime appends the wire's `time` member: seconds with at most four
// decimals.
func AppendTime(dst []byte, stamp int64) []byte {
	if stamp < 1e13 || stamp >= 1e14 { // before 2001 or after 2286
		return AppendFixed(dst, stamp, 4, true)
	}
	dst = binary.LittleEndian.AppendUint64(dst, digits(uint64(stamp)/1e6)|zeros)
	d := digits(uint64(stamp) % 1e6) // 00, two of the seconds, four of their parts
	text := d | zeros
	dst = binary.LittleEndian.AppendUint64(dst, text>>16&0xffff|'.'<<16|text>>32<<24)
	last := 4
	for last > 1 && byte(d>>(24+8*last)) == 0 {
		last--
	}
	return dst[:len(dst)-5+last]
}
