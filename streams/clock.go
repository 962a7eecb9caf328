package streams

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Clock maps the host's monotonic time to virtual time. With scale 1 virtual
// time passes as real time does, with N it passes N times as fast, with 0
// (manual) it stands still until it is moved. A step of the host's wall clock
// does not touch it. It belongs to one goroutine.
type Clock struct {
	scale  float64
	base   int64     // virtual instant at origin
	origin time.Time // with its monotonic reading
}

// NewClock returns a clock that stands at start (Unix nanoseconds) now.
func NewClock(start int64, scale float64) *Clock {
	return &Clock{scale: scale, base: start, origin: time.Now()}
}

// Scale returns the factor between real and virtual time, 0 when manual.
func (c *Clock) Scale() float64 { return c.scale }

// SetScale changes the factor from now on.
func (c *Clock) SetScale(scale float64) {
	c.base, c.origin = c.Now(), time.Now()
	c.scale = scale
}

// Now returns the virtual instant, Unix nanoseconds.
func (c *Clock) Now() int64 {
	switch c.scale {
	case 0:
		return c.base
	case 1:
		return c.base + int64(time.Since(c.origin))
	}
	return c.base + int64(float64(time.Since(c.origin))*c.scale)
}

// Set moves the clock to instant t.
func (c *Clock) Set(t int64) { c.base, c.origin = t, time.Now() }

// Until returns how long to wait in real time for instant t: at least 0, and
// math.MaxInt64 where that instant never comes by itself.
func (c *Clock) Until(t int64) time.Duration {
	if c.scale == 0 || t == math.MaxInt64 {
		return math.MaxInt64
	}
	left := float64(t-c.Now()) / c.scale
	switch {
	case left <= 0:
		return 0
	case left >= math.MaxInt64:
		return math.MaxInt64
	}
	return time.Duration(math.Ceil(left))
}

// maxScale bounds a scaled clock: beyond it no machine keeps up with one headset.
const maxScale = 10000

// ParseScale reads a clock's name: "real", "manual", or "xN" with N a number
// above 0 and at most 10,000.
func ParseScale(s string) (float64, error) {
	switch s {
	case "real":
		return 1, nil
	case "manual":
		return 0, nil
	}
	if n, ok := strings.CutPrefix(s, "x"); ok {
		if f, err := strconv.ParseFloat(n, 64); err == nil && f > 0 && f <= maxScale {
			return f, nil
		}
	}
	return 0, fmt.Errorf("clock %q: want real, manual, or xN with N above 0 and at most %d, such as x10", s, maxScale)
}

// FormatScale is the inverse of ParseScale.
func FormatScale(scale float64) string {
	switch scale {
	case 0:
		return "manual"
	case 1:
		return "real"
	}
	return "x" + strconv.FormatFloat(scale, 'g', -1, 64)
}
