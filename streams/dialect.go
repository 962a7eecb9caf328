package streams

// MetLabels is one of the sets of columns that the performance metrics have had.
type MetLabels uint8

// The known label sets (streams of a 4.8 headset, cortex-example #42, release
// notes 2.2.1).
const (
	// MetAttentionFirst: attention in place of foc, first. Seen live on 4.8.
	MetAttentionFirst MetLabels = iota
	// MetAttentionLast: attention in place of foc, last, as pages that follow
	// the documentation list it.
	MetAttentionLast
	// MetFocus: foc, with flags; since 2.2.1.
	MetFocus
	// MetNoFlags: seven numbers without flags; 2.0 to 2.2.0.
	MetNoFlags
)

// Dialect names the differences on the wire between Cortex versions. The zero
// value is not useful: begin with DefaultDialect.
type Dialect struct {
	Met          MetLabels
	MetDecimals  uint8 // digits of a metric; builds of 2019 printed full doubles
	NoEQ         bool  // the eq stream does not exist: before 2.7.0
	DevNoPercent bool  // dev without BatteryPercent: before 2.7.0
	DevNoOverall bool  // dev without OVERALL: seen in December 2019
	FlexHighBit  bool  // Flex eeg has HighBitFlex
	FlexFlag     bool  // Flex eeg has SaturationFlag: not in December 2019
	NoMarkers    bool  // eeg without MARKERS: before 2.1
	BareZero     bool  // whole floats are printed 0, not 0.0: until late 2019
	FlexDC       bool  // Flex values keep the level of about 4200 uV
}

// DefaultDialect is Cortex 4.8.
func DefaultDialect() Dialect {
	return Dialect{Met: MetAttentionFirst, MetDecimals: 6, FlexHighBit: true, FlexFlag: true}
}

// DialectFor returns the dialect of a Cortex version. The versions at which
// attention replaced foc and at which OVERALL joined dev are guesses: 3.0 and
// 2.3.
func DialectFor(major, minor, patch int) Dialect {
	before := func(a, b, c int) bool {
		if major != a {
			return major < a
		}
		if minor != b {
			return minor < b
		}
		return patch < c
	}
	d := DefaultDialect()
	switch {
	case before(2, 2, 1):
		d.Met, d.MetDecimals = MetNoFlags, 9
	case before(3, 0, 0):
		d.Met = MetFocus
	}
	d.NoMarkers = before(2, 1, 0)
	d.BareZero = before(2, 2, 2)
	d.FlexFlag = !before(2, 3, 0)
	d.DevNoOverall = before(2, 3, 0)
	d.DevNoPercent = before(2, 7, 0)
	d.NoEQ = before(2, 7, 0)
	return d
}
