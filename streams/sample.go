package streams

import "math"

// Null is the fixed-point value of a column that is JSON null.
const Null int64 = math.MinInt64

// Sample is one sample of one stream. It is reused by its producer: a consumer
// that keeps one copies it.
type Sample struct {
	Kind  Kind
	Index int64 // 0-based number of the sample in its stream since the headset connected
	Due   int64 // virtual instant at which it is sent, Unix nanoseconds of the host clock
	Stamp int64 // the wire's `time`: headset instant in units of 100 microseconds since the Unix epoch

	// Values holds one entry a column, in the order of Layout.Columns, fixed
	// point: the wire value is Values[i] / 10^Columns[i].Decimals. Actions are
	// indices into Column.Names, booleans 0 or 1, Null is null. The MARKERS
	// column has no use for its entry.
	Values []int64

	// Markers is the content of the MARKERS array, comma-separated JSON
	// objects, or empty.
	Markers []byte
}
