package emulator

import (
	"fmt"

	"github.com/fakecortex/fakecortex/emulator/api"
)

// Live watches the signals of one headset beside the clients. It belongs to one
// goroutine.
type Live struct {
	e   *Emulator
	id  string
	run *run // in which tap is
	tap *api.Tap
}

// Watch begins to watch a headset, the first one with "". It outlives resets and
// waits for a headset that does not exist.
func (e *Emulator) Watch(headset string) *Live { return &Live{e: e, id: headset} }

// LiveBatch is what came since the last one.
type LiveBatch struct {
	api.TapBatch
	Clock ClockState
	// Reset is set in the first batch after the world began anew.
	Reset bool
}

// Next returns what came since the last call, without waiting for more.
func (l *Live) Next() (LiveBatch, error) {
	var b LiveBatch
	if !l.e.loop.do(func() {
		r := l.e.run
		if l.run != r {
			b.Reset = l.run != nil
			l.run, l.tap = r, r.service.NewTap(l.id)
		}
		b.TapBatch, b.Clock = r.service.TakeTap(l.tap), l.e.clock()
	}) {
		return b, ErrClosed
	}
	return b, nil
}

// Close ends the watch.
func (l *Live) Close() {
	l.e.loop.do(func() {
		if l.run != nil && !l.run.over {
			l.run.service.DropTap(l.tap)
		}
	})
}

// Append prints a batch as one JSON object, but for its layout.
func (b *LiveBatch) Append(dst []byte) []byte {
	dst = b.TapBatch.Append(dst)
	return fmt.Appendf(dst[:len(dst)-1], `,"clock":%q,"paused":%t}`, b.Clock.Clock, b.Clock.Paused)
}
