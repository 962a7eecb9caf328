package streams

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An hour of an EPOC X on all streams, sample by sample: number, counter, time,
// order, and that what is printed reads as what was made; every sixty-fourth is
// read by encoding/json too.
func TestHour(t *testing.T) {
	seconds := int64(3600)
	if testing.Short() {
		seconds = 60
	}
	s := testSource(t, "EPOCX")
	var n [NumKinds]int64
	line := make([]byte, 0, 4096)
	previous, kind := int64(0), EEG
	step := [NumKinds]int64{EEG: 3_906_250, MOT: 15_625_000, DEV: 5e8, EQ: 5e8, POW: 125e6, MET: 5e8, METLow: 10e9, COM: 125e6, FAC: 31_250_000}
	first := step
	first[POW] = 2e9
	wrap := [NumKinds]int64{EEG: 256, MOT: 64}
	s.Advance(testStart+seconds*1e9, AllKinds, func(x *Sample) {
		k := x.Kind
		ok := x.Index == n[k] && x.Due == testStart+first[k]+x.Index*step[k] && x.Stamp == (x.Due+50_000)/100_000
		// In order of time, at one instant in order of Kind.
		ok = ok && (x.Due > previous || x.Due == previous && k > kind)
		ok = ok && (wrap[k] == 0 || x.Values[0] == x.Index%wrap[k])
		if !ok { // require on each of a million samples would take longer than making them
			t.Fatalf("%v sample %d: %+v after %v at %d", k, n[k], *x, kind, previous)
		}
		n[k]++
		previous, kind = x.Due, k
		line = s.Layout(k).AppendSample(line[:0], x)
		if i := readBack(s.Layout(k), line, x.Values); i >= 0 {
			t.Fatalf("%v sample %d: %s is printed as %s", k, x.Index, s.Layout(k).Columns[i].Name, line)
		}
		if x.Index%64 == 0 {
			checkJSON(t, s.Layout(k), line)
		}
	})
	assert.Equal(t, [NumKinds]int64{256 * seconds, 64 * seconds, 2 * seconds, 2 * seconds, 8*seconds - 15, 2 * seconds, seconds / 10, 8 * seconds, 32 * seconds}, n)
}

// checkJSON decodes a sample and compares the type of each value with its column.
func checkJSON(t *testing.T, l *Layout, line []byte) {
	t.Helper()
	var values []any
	require.NoError(t, json.Unmarshal(line, &values), "%s", line)
	var flat []any
	for i, v := range values {
		inner, nested := v.([]any)
		switch {
		case nested && len(flat) < len(l.Columns) && l.Columns[len(flat)].Group:
			flat = append(flat, inner...)
		default:
			flat = append(flat, values[i])
		}
	}
	require.Len(t, flat, len(l.Columns))
	for i, c := range l.Columns {
		switch c.Type {
		case Int, Float:
			if flat[i] != nil {
				require.IsType(t, 0.0, flat[i], c.Name)
			}
		case Bool:
			require.IsType(t, true, flat[i], c.Name)
		case Action:
			require.Contains(t, c.Names, flat[i])
		case Markers:
			require.Empty(t, flat[i])
		}
		if l.Kind == POW {
			require.GreaterOrEqual(t, flat[i], 0.0)
		}
	}
}

// readBack reads a printed sample, digit by digit, and returns the first column
// that is not as in values, -1 when there is none.
func readBack(l *Layout, line []byte, values []int64) int {
	at := 0
	word := func() string {
		for at < len(line) && strings.IndexByte("[],", line[at]) >= 0 {
			at++
		}
		from := at
		for at < len(line) && strings.IndexByte("[],", line[at]) < 0 {
			at++
		}
		return string(line[from:at])
	}
	for i := range l.Columns {
		c := &l.Columns[i]
		ok := true
		switch c.Type {
		case Markers: // [] is all brackets
		case Bool:
			ok = word() == [2]string{"false", "true"}[values[i]]
		case Action:
			ok = word() == `"`+c.Names[values[i]]+`"`
		default:
			text := word()
			if values[i] == Null {
				ok = text == "null"
				break
			}
			digits, negative := strings.CutPrefix(text, "-")
			n, behind, point := int64(0), 0, false
			for _, d := range []byte(digits) {
				switch {
				case d == '.':
					point = true
					continue
				case d < '0' || d > '9':
					return i
				case point:
					behind++
				}
				n = 10*n + int64(d-'0')
			}
			for ; behind < int(c.Decimals); behind++ {
				n *= 10
			}
			if negative {
				n = -n
			}
			ok = n == values[i] && behind == int(c.Decimals) && point == (c.Type == Float)
		}
		if !ok {
			return i
		}
	}
	return -1
}
