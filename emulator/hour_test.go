package emulator_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
)

// TestHour advances the manual clock by an hour with a client on all streams of
// an EPOC X over wss, and decodes each of the 1.3 million frames: nothing is
// missing, twice, out of order or off its instant, and every value is of the
// type and in the range of its column.
func TestHour(t *testing.T) {
	seconds := 3600
	if testing.Short() || raceDetector {
		seconds = 120
	}
	e := emulator.StartT(t, emulator.Options{World: epocX()})
	c := dialRaw(t, e)
	c.subscribe("app", allStreams...)
	start := e.Now().UnixNano()
	done := make(chan error, 1)
	go func() { done <- e.Advance(time.Duration(seconds) * time.Second) }()

	const float, integer, flag, word = 'f', 'i', 'b', 'w'
	sensors := strings.Repeat("f", 14)
	streams := map[string]*struct {
		period int64  // nanoseconds
		first  int64  // instant of the first sample behind the start
		types  string // of the columns
		n      int64
	}{
		"eeg": {period: 3_906_250, types: "ii" + sensors + "fi"},
		"mot": {period: 15_625_000, types: "ii" + "ffff" + "fff" + "fff"},
		"dev": {period: 500_000_000, types: "if" + strings.Repeat("i", 14) + "i" + "i"},
		"eq":  {period: 500_000_000, types: "iif" + strings.Repeat("i", 14)},
		"pow": {period: 125_000_000, first: 2_000_000_000, types: strings.Repeat("f", 70)},
		"met": {period: 500_000_000, types: "bfbfbffbfbfbf"},
		"com": {period: 125_000_000, types: "wf"},
		"fac": {period: 31_250_000, types: "wwfwf"},
	}
	for _, s := range streams {
		if s.first == 0 {
			s.first = s.period
		}
	}
	total := int64(0)
	for _, s := range streams {
		total += (int64(seconds)*1e9-s.first)/s.period + 1
	}
	fail := func(frame []byte, format string, args ...any) {
		t.Helper()
		t.Fatalf("%s\n%s", fmt.Sprintf(format, args...), frame)
	}
	var frame []byte
	var values [80]float64
	last := int64(0)
	for range total {
		var err error
		frame, err = c.next(frame)
		require.NoError(t, err)
		rest, ok := bytes.CutPrefix(frame, []byte(`{"`))
		name, rest, found := bytes.Cut(rest, []byte(`":`))
		s := streams[string(name)]
		if !ok || !found || s == nil {
			fail(frame, "no stream")
		}
		// The values, brackets left out: dev has a list in its list, eeg the empty
		// one of the markers.
		list, rest, found := bytes.Cut(rest, []byte(`,"sid":"`))
		if !found {
			fail(frame, "no sid")
		}
		column := 0
		for len(list) > 0 {
			end := bytes.IndexAny(list, ",[]")
			if end == 0 {
				list = list[1:]
				continue
			}
			if end < 0 || column == len(s.types) {
				fail(frame, "%d columns and more", column)
			}
			value := list[:end]
			list = list[end:]
			n, point, number := decimal(value)
			right := number
			switch s.types[column] {
			case integer:
				right = number && !point
			case float:
				right = number && point
			case flag:
				right = string(value) == "true" || string(value) == "false"
			case word:
				right = len(value) > 2 && value[0] == '"' && value[len(value)-1] == '"'
			}
			if !right {
				fail(frame, "column %d is %s", column, value)
			}
			values[column] = n
			column++
		}
		if column != len(s.types) {
			fail(frame, "%d columns, want %d", column, len(s.types))
		}
		sid, rest, _ := bytes.Cut(rest, []byte(`","time":`))
		stamp, point, number := decimal(bytes.TrimSuffix(rest, []byte("}")))
		due := start + s.first + s.n*s.period
		if len(sid) != 36 || !point || !number || int64(math.Round(stamp*1e4)) != (due+50_000)/100_000 {
			fail(frame, "sample %d of %s: want time %d", s.n, name, (due+50_000)/100_000)
		}
		if due < last {
			fail(frame, "behind a later one")
		}
		last = due
		switch string(name) {
		case "eeg":
			if values[0] != float64(s.n%256) || values[1] != 0 {
				fail(frame, "sample %d", s.n)
			}
			for _, v := range values[2:16] {
				if n := v * 39 / 5; v < 3000 || v > 5400 || math.Abs(n-math.Round(n)) > 0.005 {
					fail(frame, "%v is off the grid of 5/39 uV", v)
				}
			}
		case "mot":
			norm := values[2]*values[2] + values[3]*values[3] + values[4]*values[4] + values[5]*values[5]
			if values[0] != float64(s.n%64) || math.Abs(norm-1) > 1e-5 {
				fail(frame, "sample %d", s.n)
			}
		case "dev", "eq", "pow", "met":
			for _, v := range values[:column] {
				if !(v >= 0 && v < 1e5) {
					fail(frame, "%v is out of range", v)
				}
			}
		}
		s.n++
	}
	require.NoError(t, <-done)
	for name, s := range streams {
		require.Equal(t, (int64(seconds)*1e9-s.first)/s.period+1, s.n, name)
	}
	c.call("getCortexInfo", nil) // the next frame is its answer: there is no sample more
}

// decimal reads a number without an exponent.
func decimal(text []byte) (value float64, point, ok bool) {
	digits, negative := bytes.CutPrefix(text, []byte("-"))
	n, scale := int64(0), int64(1)
	for i, d := range digits {
		switch {
		case d == '.' && !point && i > 0:
			point = true
			continue
		case d < '0' || d > '9' || i > 17:
			return 0, false, false
		case point:
			scale *= 10
		}
		n = 10*n + int64(d-'0')
	}
	if negative {
		n = -n
	}
	return float64(n) / float64(scale), point, len(digits) > 0 && digits[len(digits)-1] != '.'
}
