package export

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/fakecortex/fakecortex/streams"
)

// A chunk holds some seconds of one stream. Its columns are Index, Due, Stamp
// and then the stream's values; each column is stored on its own, in the
// shortest of four ways:
//
//	runs    (count, delta) pairs: counters, clocks, whatever stands still
//	varint  zigzag delta varints: a quiet column with a few jumps
//	packed  zigzag deltas of a fixed number of bits: noise
//	grid    as packed, but of ADC counts: a value of a 14 or 16 bit headset is
//	        a count times 20/39 or 5/39 uV, and counts are 9 or 7 bits shorter
//
// All arithmetic wraps, so that every int64, streams.Null included, survives.
const (
	modeRuns = iota
	modeVarint
	modePacked
	modeGrid // + index into grids
)

// grids are the steps of the EEG converters, as fractions of 0.001 uV: 20/39 uV
// at 14 bits, 5/39 uV at 16 (streams.md, read off recorded values).
var grids = [...]struct{ num, den int64 }{{20000, 39}, {5000, 39}}

const (
	metaColumns = 3       // Index, Due, Stamp
	maxColumns  = 1024    // of one stream; EPOC Flex has 163 in pow
	maxRows     = 1 << 12 // of one chunk
	chunkValues = 1 << 12 // values a chunk is sized for
	maxChunk    = 1 << 24 // encoded bytes of one chunk
	maxMarkers  = 1 << 16 // bytes of MARKERS that end a chunk early
)

var errDamaged = errors.New("the stored data is damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errDamaged, fmt.Sprintf(format, args...))
}

// rowsPerChunk sizes the chunks of a stream: 4096 values, 0.8 s of EPOC X eeg
// at 256 Hz, 7 s of its pow.
func rowsPerChunk(columns int) int {
	return max(16, min(maxRows, chunkValues/(columns+metaColumns)))
}

func zigzag(v int64) uint64   { return uint64(v)<<1 ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }
func varintLen(u uint64) int  { return (bits.Len64(u|1) + 6) / 7 }

// divRound is the nearest integer to a/b for b > 0, halves away from zero.
func divRound(a, b int64) int64 {
	if a < 0 {
		return -((-a + b/2) / b)
	}
	return (a + b/2) / b
}

// toGrid writes the counts of col into out; false if a value is off the grid.
func toGrid(out, col []int64, g int) bool {
	num, den := grids[g].num, grids[g].den
	for i, v := range col {
		if v > 1e12 || v < -1e12 {
			return false
		}
		n := divRound(v*den, num)
		if divRound(n*num, den) != v {
			return false
		}
		out[i] = n
	}
	return true
}

// appendColumn appends one column. scratch has room for len(col) values.
func appendColumn(dst []byte, col, scratch []int64, onGrid bool) []byte {
	if onGrid {
		for g := range grids {
			if toGrid(scratch, col, g) {
				dst = append(dst, byte(modeGrid+g))
				return appendPacked(dst, scratch[:len(col)])
			}
		}
	}
	varints, runs := 0, 0
	var prev, prevDelta int64
	var all uint64
	run := 0
	for i, v := range col {
		d := v - prev
		prev = v
		z := zigzag(d)
		varints += varintLen(z)
		if i > 0 {
			all |= z
		}
		if i > 0 && d == prevDelta {
			run++
			continue
		}
		runs += varintLen(uint64(run)) + varintLen(z)
		prevDelta, run = d, 1
	}
	packed := 10 + 1 + (len(col)*bits.Len64(all)+7)/8
	switch {
	case runs <= varints && runs <= packed:
		dst = append(dst, modeRuns)
		return appendRuns(dst, col)
	case varints <= packed:
		dst = append(dst, modeVarint)
		prev = 0
		for _, v := range col {
			dst = binary.AppendUvarint(dst, zigzag(v-prev))
			prev = v
		}
		return dst
	}
	dst = append(dst, modePacked)
	return appendPacked(dst, col)
}

func appendRuns(dst []byte, col []int64) []byte {
	var prev int64
	for i := 0; i < len(col); {
		d := col[i] - prev
		n := 0
		for i < len(col) && col[i]-prev == d {
			prev = col[i]
			i++
			n++
		}
		dst = binary.AppendUvarint(dst, uint64(n))
		dst = binary.AppendUvarint(dst, zigzag(d))
	}
	return dst
}

// appendPacked appends the first value, the width in bits, and the deltas.
func appendPacked(dst []byte, col []int64) []byte {
	if len(col) == 0 {
		return dst
	}
	dst = binary.AppendUvarint(dst, zigzag(col[0]))
	var all uint64
	for i := 1; i < len(col); i++ {
		all |= zigzag(col[i] - col[i-1])
	}
	w := uint(bits.Len64(all))
	dst = append(dst, byte(w))
	var acc uint64 // the low n bits are pending
	var n uint
	for i := 1; i < len(col); i++ {
		z := zigzag(col[i] - col[i-1])
		for left := w; left > 0; {
			take := min(left, 8-n)
			acc |= (z & (1<<take - 1)) << n
			z >>= take
			left -= take
			if n += take; n == 8 {
				dst = append(dst, byte(acc))
				acc, n = 0, 0
			}
		}
	}
	if n > 0 {
		dst = append(dst, byte(acc))
	}
	return dst
}

// chunkBuffer collects the rows of a chunk, column by column.
type chunkBuffer struct {
	layout  *streams.Layout
	rows    int     // capacity
	n       int     // rows held
	values  []int64 // column c is values[c*rows : c*rows+n]
	scratch []int64
	onGrid  []bool // per stream column: worth trying the grids
	markers []byte // (row, length, bytes) of the rows that have markers
}

func newChunkBuffer(l *streams.Layout) *chunkBuffer {
	rows := rowsPerChunk(len(l.Columns))
	b := &chunkBuffer{
		layout:  l,
		rows:    rows,
		values:  make([]int64, (len(l.Columns)+metaColumns)*rows),
		scratch: make([]int64, rows),
		onGrid:  make([]bool, len(l.Columns)),
	}
	for i, c := range l.Columns {
		b.onGrid[i] = l.Kind == streams.EEG && c.Type == streams.Float && c.Decimals == 3
	}
	return b
}

// add stores one row; true when the chunk is full.
func (b *chunkBuffer) add(s *streams.Sample) bool {
	r := b.n
	b.values[r] = s.Index
	b.values[b.rows+r] = s.Due
	b.values[2*b.rows+r] = s.Stamp
	at := metaColumns*b.rows + r
	for _, v := range s.Values[:len(b.layout.Columns)] {
		b.values[at] = v
		at += b.rows
	}
	if len(s.Markers) > 0 {
		b.markers = binary.AppendUvarint(b.markers, uint64(r))
		b.markers = binary.AppendUvarint(b.markers, uint64(len(s.Markers)))
		b.markers = append(b.markers, s.Markers...)
	}
	b.n++
	return b.n == b.rows || len(b.markers) >= maxMarkers
}

// encode appends the chunk to dst and empties the buffer.
func (b *chunkBuffer) encode(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(b.n))
	for c := range len(b.layout.Columns) + metaColumns {
		col := b.values[c*b.rows : c*b.rows+b.n]
		grid := c >= metaColumns && b.onGrid[c-metaColumns]
		if grid && allZero(col) { // RAW_CQ: zero is on every grid, runs are shorter
			grid = false
		}
		dst = appendColumn(dst, col, b.scratch, grid)
	}
	dst = append(dst, b.markers...)
	b.n = 0
	b.markers = b.markers[:0]
	return dst
}

func allZero(col []int64) bool {
	for _, v := range col {
		if v != 0 {
			return false
		}
	}
	return true
}

// decodedChunk is a chunk read back. Its buffers are reused.
type decodedChunk struct {
	rows    int
	columns int // metaColumns included
	values  []int64
	markers []byte
}

type byteReader struct {
	b   []byte
	err error
}

func (r *byteReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.err = damaged("a number ends early")
		r.b = nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *byteReader) byte() byte {
	if len(r.b) == 0 {
		r.err = damaged("a chunk ends early")
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

// decode reads a chunk of a stream with that many columns.
func (d *decodedChunk) decode(data []byte, columns int) error {
	r := &byteReader{b: data}
	rows := r.uvarint()
	if r.err != nil {
		return r.err
	}
	if rows > maxRows {
		return damaged("a chunk of %d rows", rows)
	}
	d.rows = int(rows)
	d.columns = columns + metaColumns
	need := d.rows * d.columns
	if cap(d.values) < need {
		d.values = make([]int64, need)
	}
	d.values = d.values[:need]
	for c := range d.columns {
		if err := decodeColumn(r, d.values[c*d.rows:(c+1)*d.rows]); err != nil {
			return err
		}
	}
	d.markers = r.b
	return d.checkMarkers()
}

// checkMarkers walks the marker list once, so that row can trust it.
func (d *decodedChunk) checkMarkers() error {
	r := &byteReader{b: d.markers}
	last := -1
	for len(r.b) > 0 {
		row, n := r.uvarint(), r.uvarint()
		if r.err != nil {
			return r.err
		}
		if row >= uint64(d.rows) || int(row) <= last || n > uint64(len(r.b)) {
			return damaged("markers of row %d", row)
		}
		last = int(row)
		r.b = r.b[n:]
	}
	return nil
}

func decodeColumn(r *byteReader, out []int64) error {
	mode := r.byte()
	if r.err != nil {
		return r.err
	}
	switch {
	case mode == modeRuns:
		var v int64
		for i := 0; i < len(out); {
			n, d := r.uvarint(), unzigzag(r.uvarint())
			if r.err != nil {
				return r.err
			}
			if n == 0 || n > uint64(len(out)-i) {
				return damaged("a run of %d rows", n)
			}
			for range n {
				v += d
				out[i] = v
				i++
			}
		}
		return nil
	case mode == modeVarint:
		var v int64
		for i := range out {
			v += unzigzag(r.uvarint())
			out[i] = v
		}
		return r.err
	case mode == modePacked:
		return decodePacked(r, out)
	case int(mode) < modeGrid+len(grids):
		if err := decodePacked(r, out); err != nil {
			return err
		}
		g := grids[mode-modeGrid]
		for i, n := range out {
			if n > math.MaxInt64/g.num/2 || n < math.MinInt64/g.num/2 {
				return damaged("count %d", n)
			}
			out[i] = divRound(n*g.num, g.den)
		}
		return nil
	}
	return damaged("column coding %d", mode)
}

func decodePacked(r *byteReader, out []int64) error {
	if len(out) == 0 {
		return nil
	}
	v := unzigzag(r.uvarint())
	w := uint(r.byte())
	if r.err != nil {
		return r.err
	}
	if w > 64 {
		return damaged("a width of %d bits", w)
	}
	size := ((len(out)-1)*int(w) + 7) / 8
	if size > len(r.b) {
		return damaged("a chunk ends early")
	}
	packed := r.b[:size]
	r.b = r.b[size:]
	out[0] = v
	bit := uint(0)
	for i := 1; i < len(out); i++ {
		var z uint64
		for got := uint(0); got < w; {
			off := bit & 7
			take := min(w-got, 8-off)
			z |= uint64(packed[bit>>3]>>off) & (1<<take - 1) << got
			got += take
			bit += take
		}
		v += unzigzag(z)
		out[i] = v
	}
	return nil
}
