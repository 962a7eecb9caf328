package emulator

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/fakecortex/fakecortex/emulator/api"
	"github.com/fakecortex/fakecortex/streams"
)

// DefaultSeed is the seed of a world that names none.
const DefaultSeed uint64 = 1

// manualStart is where the manual clock begins, so that time stamps are the
// same in every run.
var manualStart = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// Options says how to start an emulator. The zero value starts the default
// world on the real clock, reachable in memory only.
type Options struct {
	// Scenario is the name of a built-in scenario; empty is "default".
	Scenario string
	// World replaces the scenario's world when it is not nil.
	World *api.World
	// Seed makes ids and signals; 0 is DefaultSeed.
	Seed uint64
	// Clock is "real" (or empty), "manual", or "xN" for N times as fast.
	Clock string
	// StartTime is the virtual instant of the start. Zero: now, or a fixed
	// instant with the manual clock.
	StartTime time.Time
	// Listen are host:port addresses; "localhost:0" picks a free port on both
	// loopback addresses. Empty: no listener, use Dial.
	Listen []string
	// TLSDir keeps the CA between runs; empty makes one in memory.
	TLSDir string
	// TLSNames are further names and IP addresses of the server certificate.
	TLSNames []string
	// AllowPlainWS serves ws:// on the same port too.
	AllowPlainWS bool
	// OutboxLimit bounds what waits for one client, in bytes; 0 is 16 MiB. A
	// client beyond it is closed with code 1008.
	OutboxLimit int
	// Truth gets what is put into the signal of each headset; it is called on
	// the loop and must not block.
	Truth func(headset string, truth streams.Truth)
	// Logger gets the log; nil discards it.
	Logger *slog.Logger
	// Files says where records are kept and where exports may go.
	Files FileOptions
}

func (o *Options) world() (api.World, error) {
	if o.World != nil {
		return *o.World, nil
	}
	switch o.Scenario {
	case "", "default":
		return api.DefaultWorld(), nil
	}
	return api.World{}, fmt.Errorf("scenario %q: there is only the built-in default", o.Scenario)
}

func (o *Options) prepare() (scale float64, start time.Time, err error) {
	if o.Clock == "" {
		o.Clock = "real"
	}
	if scale, err = streams.ParseScale(o.Clock); err != nil {
		return 0, start, err
	}
	start = o.StartTime
	if start.IsZero() {
		if start = time.Now(); scale == 0 {
			start = manualStart
		}
	}
	if y := start.Year(); y < 2000 || y > 2200 {
		return 0, start, fmt.Errorf("start time %s: want a year from 2000 to 2200", start.Format(time.RFC3339))
	}
	if o.Seed == 0 {
		o.Seed = DefaultSeed
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return scale, start, nil
}
