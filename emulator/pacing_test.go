//go:build pacing

package emulator_test

import (
	"bytes"
	"flag"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
)

var pacingFor = flag.Duration("pacing.for", 10*time.Minute, "how long TestPacing streams")

// TestPacing streams eeg and mot of an EPOC+ on the real clock while every core
// is kept busy, and checks each sample: none lost, none twice, the time grid
// exact. It prints how late the frames were; that is a figure of the machine.
//
//	go test -tags pacing -run TestPacing -timeout 15m -v ./emulator
func TestPacing(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	for range runtime.NumCPU() {
		go func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
					_ = n * n
				}
			}
		}()
	}
	e := emulator.StartT(t, emulator.Options{Clock: "real"})
	c := dialRaw(t, e)
	c.subscribe("app", "eeg", "mot")
	seconds := int64(*pacingFor / time.Second)
	kinds := []*paced{{name: `{"eeg"`, rate: 256}, {name: `{"mot"`, rate: 64}}
	var buf []byte
	var late int64
	for kinds[0].count < 256*seconds || kinds[1].count < 64*seconds {
		var err error
		buf, err = c.next(buf)
		require.NoError(t, err)
		at := stampOf(t, buf)
		late = max(late, time.Now().UnixNano()/100_000-at)
		for _, k := range kinds {
			if bytes.HasPrefix(buf, []byte(k.name)) {
				k.check(t, at, counterOf(t, buf))
			}
		}
	}
	require.Equal(t, 256*seconds, kinds[0].count)
	require.Equal(t, 64*seconds, kinds[1].count)
	t.Logf("%d eeg and %d mot samples in %d s, no gap, no duplicate, grid exact; latest frame %.1f ms late",
		kinds[0].count, kinds[1].count, seconds, float64(late)/10)
}

// paced follows the samples of one stream.
type paced struct {
	name           string
	rate, count    int64
	first, counter int64 // of the first sample: its time in 100 us, its counter
}

func (p *paced) check(t *testing.T, at, counter int64) {
	if p.count == 0 {
		p.first, p.counter = at, counter
	}
	require.Equal(t, (p.counter+p.count)%p.rate, counter, "%s counter of sample %d", p.name, p.count)
	// The first time stamp is rounded, as is this one: they agree within 100 us.
	require.InDelta(t, p.first+p.count*10_000/p.rate, at, 1.01, "%s time of sample %d", p.name, p.count)
	p.count++
}

func stampOf(t *testing.T, frame []byte) int64 {
	text := frame[bytes.LastIndexByte(frame, ':')+1 : len(frame)-1]
	seconds, err := strconv.ParseFloat(string(text), 64)
	require.NoError(t, err)
	return int64(seconds*10_000 + 0.5)
}

func counterOf(t *testing.T, frame []byte) int64 {
	begin := bytes.IndexByte(frame, '[') + 1
	n, err := strconv.ParseInt(string(frame[begin:begin+bytes.IndexByte(frame[begin:], ',')]), 10, 64)
	require.NoError(t, err)
	return n
}
