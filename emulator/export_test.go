package emulator

import "context"

// HoldWork calls f before each piece of work beside the loop that begins from
// now on, where that work runs.
func (e *Emulator) HoldWork(f func(context.Context)) {
	e.loop.do(func() { e.loop.hold = f })
}
