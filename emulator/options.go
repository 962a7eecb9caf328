package emulator

import (
	"io"
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
	// Scenario is the name of a built-in scenario, or a file (with a / or an
	// extension in its name); empty is "default".
	Scenario string
	// Set are variables of the scenario.
	Set map[string]string
	// World replaces the scenario's world when it is not nil.
	World *api.World
	// CortexVersion is the version of Cortex to simulate, such as "2.7" or
	// "4.8.32"; empty is the scenario's.
	CortexVersion string
	// Seed makes ids and signals; 0 is the scenario's.
	Seed uint64
	// Clock is "real", "manual", or "xN" for N times as fast. Empty is the
	// scenario's, real when it names none.
	Clock string
	// StartTime is the virtual instant of the start. Zero is the scenario's; when
	// it names none: now, or a fixed instant with the manual clock.
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
	// OutboxLimit bounds what waits for one client, in bytes; 0 is the
	// scenario's, 16 MiB. A client beyond it is closed with code 1008.
	OutboxLimit int
	// Truth gets what is put into the signal of each headset; it is called on
	// the loop and must not block.
	Truth func(headset string, truth streams.Truth)
	// Journal gets every entry of the journal as a line of JSON, from the loop:
	// it must not block. nil keeps the last ones in memory only.
	Journal io.Writer
	// Logger gets the log; nil discards it.
	Logger *slog.Logger
	// Files says where records are kept and where exports may go.
	Files FileOptions
}
