package export

import (
	"math"
	"strconv"
)

// class is the kind of values of a signal; it decides the ranges to try.
type class uint8

const (
	classInt   class = iota // counters, flags, grades
	classMilli              // 0..999.9 ms
	classEEG                // uV
	classUnit               // -1..1
	classAcc                // g
	classWide               // anything else
)

// scale is the physical and digital range of a signal. The physical ends are
// the eight characters of the header: what a reader computes from them is what
// the writer computes.
type scale struct {
	pmin, pmax string
	dmin, dmax int64
}

// candidates are the ranges of a class, the best first. Real files' ranges are
// not known. These make the digital step equal to the step of the streamed
// values wherever 16 or 24 bits allow it.
func candidates(c class, bits int) []scale {
	if bits == 24 {
		switch c {
		case classInt:
			return []scale{{"-8388608", "8388607", -8388608, 8388607}}
		case classMilli:
			return []scale{{"0", "6553.5", 0, 65535}}
		case classEEG: // 0.001 uV a step, which is all that is streamed
			return []scale{{"-7000", "9777.215", -8388608, 8388607}}
		default: // 0.000001 a step
			return []scale{{"-8", "8", -8_000_000, 8_000_000}}
		}
	}
	switch c {
	case classInt:
		return []scale{{"-32768", "32767", -32768, 32767}, {"0", "65535", -32768, 32767}}
	case classMilli:
		return []scale{{"0", "6553.5", -32768, 32767}}
	case classEEG:
		// The first has one step per count of a 16 bit headset, 5/39 uV; the
		// second is the same around 0, for a Flex, whose DC Cortex removes.
		return []scale{
			{"0", "8401.923", -32768, 32767},
			{"-4200.96", "4200.96", -32768, 32767},
			{"-10000", "10000", -32768, 32767},
		}
	case classUnit:
		return []scale{{"-1", "1", -32767, 32767}}
	case classAcc: // 32/65535 g a step, that of the sensor
		return []scale{{"-15.9998", "15.9998", -32767, 32767}}
	}
	return nil
}

func chooseScale(c class, bits int, decimals uint8, lo, hi int64) scale {
	p := math.Pow10(int(decimals))
	l, h := float64(lo)/p, float64(hi)/p
	for _, s := range candidates(c, bits) {
		if s.low() <= l && h <= s.high() {
			return s
		}
	}
	// The smallest of 1, 2, 5 times a power of ten that holds both. Nothing
	// beyond seven digits fits the header; such values are cut.
	top := int64(1)<<(bits-1) - 1
	for e := 0; e <= 6; e++ {
		for _, m := range []int64{1, 2, 5} {
			if v := m * int64(math.Pow10(e)); -float64(v) <= l && h <= float64(v) {
				text := strconv.FormatInt(v, 10)
				return scale{"-" + text, text, -top, top}
			}
		}
	}
	return scale{"-9999999", "9999999", -top, top}
}

func (s scale) low() float64  { v, _ := strconv.ParseFloat(s.pmin, 64); return v }
func (s scale) high() float64 { v, _ := strconv.ParseFloat(s.pmax, 64); return v }

// quantizer turns the fixed-point values of a signal into digital ones.
type quantizer struct {
	unit, low, perUnit float64
	dmin, dmax         int64
}

func (s scale) quantizer(decimals uint8) quantizer {
	return quantizer{
		unit: math.Pow10(int(decimals)), low: s.low(), perUnit: float64(s.dmax-s.dmin) / (s.high() - s.low()),
		dmin: s.dmin, dmax: s.dmax,
	}
}

// digital is the step nearest to v.
func (q *quantizer) digital(v int64) int64 {
	d := q.dmin + int64(math.Round((float64(v)/q.unit-q.low)*q.perUnit))
	return max(q.dmin, min(q.dmax, d))
}
