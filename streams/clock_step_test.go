package streams

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A step of the host's time of day does not touch the clock, because every
// origin keeps its monotonic reading: Go compares by that where both times have
// it, and prints it as m=.
func TestClockIsMonotonic(t *testing.T) {
	clock := NewClock(0, 1)
	monotonic := func(when string) {
		require.True(t, strings.Contains(clock.origin.String(), " m="), "%s: %s", when, clock.origin)
	}
	monotonic("new")
	clock.SetScale(10)
	monotonic("another scale")
	clock.Set(5)
	monotonic("moved")
}
