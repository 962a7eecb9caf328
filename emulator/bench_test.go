package emulator_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/api"
	"github.com/fakecortex/fakecortex/emulator/gateway"
)

var allStreams = []string{"eeg", "mot", "dev", "eq", "pow", "met", "com", "fac"}

func epocX() *api.World {
	w := api.DefaultWorld()
	w.Headsets = []api.HeadsetSpec{{ID: "EPOCX-3B9A0001", ConnectedBy: "bluetooth"}}
	return &w
}

// framesPerSecond counts what all streams of an EPOC X send in a second.
const framesPerSecond = 256 + 64 + 2 + 2 + 8 + 2 + 8 + 32

// BenchmarkFullSpeed advances a manual clock with one client on all streams of
// an EPOC X over wss, and writes frames of the same bytes with a bare program,
// 16 a write, over the same kind of connection. It reports both rates, their
// ratio, how many times real time passes, and allocations a frame.
func BenchmarkFullSpeed(b *testing.B) {
	const seconds = 600
	e := emulator.StartT(b, emulator.Options{World: epocX()})
	c := dialRaw(b, e)
	c.subscribe("app", allStreams...)
	require.NoError(b, e.Advance(5*time.Second)) // pow and its like have begun
	sent := e.Stats().MessagesOut - 3
	require.NoError(b, c.skip(int(sent)))
	var frames [][]byte
	var rate, bare, allocs []float64
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := time.Now()
		done := make(chan error, 1)
		go func() { done <- e.Advance(seconds * time.Second) }()
		for n := range seconds * framesPerSecond {
			if len(frames) < 4096 {
				frame, err := c.next(nil)
				require.NoError(b, err)
				frames = append(frames, frame)
				continue
			}
			if err := c.skip(1); err != nil {
				b.Fatalf("frame %d: %v", n, err)
			}
		}
		rate = append(rate, seconds*framesPerSecond/time.Since(begin).Seconds())
		require.NoError(b, <-done)
		runtime.ReadMemStats(&after)
		allocs = append(allocs, float64(after.Mallocs-before.Mallocs)/(seconds*framesPerSecond))
		bare = append(bare, bareWriter(b, frames, seconds*framesPerSecond))
	}
	fast, plain := median(rate), median(bare)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(fast, "frames/s")
	b.ReportMetric(plain, "bare-frames/s")
	b.ReportMetric(fast/plain, "ratio")
	b.ReportMetric(fast/framesPerSecond, "x-real-time")
	b.ReportMetric(median(allocs), "allocs/frame")
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// bareWriter sends n frames over TLS with nothing else to do, 16 a write, and
// returns the frames a second that the same reader gets.
func bareWriter(b *testing.B, frames [][]byte, n int) float64 {
	b.Helper()
	authority, err := gateway.NewAuthority(time.Now())
	require.NoError(b, err)
	config, err := authority.ServerConfig(nil)
	require.NoError(b, err)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	require.NoError(b, err)
	defer listener.Close()
	var batches [][]byte
	for batch := range slices.Chunk(frames[:len(frames)/16*16], 16) {
		var buf bytes.Buffer
		for _, f := range batch {
			if len(f) < 126 {
				buf.Write([]byte{0x81, byte(len(f))})
			} else {
				buf.Write([]byte{0x81, 126, byte(len(f) >> 8), byte(len(f))})
			}
			buf.Write(f)
		}
		batches = append(batches, buf.Bytes())
	}
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for i := 0; i < n/16+1; i++ {
			if _, err := conn.Write(batches[i%len(batches)]); err != nil {
				return
			}
		}
		_, _ = conn.Read(make([]byte, 1)) // until the reader closes
	}()
	conn, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost"})
	require.NoError(b, err)
	defer conn.Close()
	c := newRaw(b, conn)
	begin := time.Now()
	require.NoError(b, c.skip(n))
	return float64(n) / time.Since(begin).Seconds()
}

// BenchmarkLateness measures how long after its instant a frame is read, for
// clients on all streams of an EPOC X on the real clock. The readers run on the
// same machine.
func BenchmarkLateness(b *testing.B) {
	for _, clients := range []int{1, 100, 400} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			world := epocX()
			world.MaxSessions = clients
			e := emulator.StartT(b, emulator.Options{World: world, Clock: "real"})
			const seconds = 10
			for b.Loop() {
				late := make([][]float64, clients)
				var wait sync.WaitGroup
				for i := range clients {
					c := dialRaw(b, e)
					c.subscribe("app-"+strconv.Itoa(i), allStreams...)
					wait.Go(func() {
						var buf []byte
						for range seconds * framesPerSecond {
							var err error
							if buf, err = c.next(buf); err != nil {
								b.Errorf("client %d: %v", i, err)
								return
							}
							now := time.Now()
							at := buf[bytes.LastIndexByte(buf, ':')+1 : len(buf)-1]
							seconds, _ := strconv.ParseFloat(string(at), 64)
							late[i] = append(late[i], float64(now.UnixNano())*1e-6-seconds*1e3)
						}
						c.conn.Close()
					})
				}
				wait.Wait()
				var all []float64
				for _, l := range late {
					all = append(all, l...)
				}
				slices.Sort(all)
				for _, p := range []float64{50, 99, 99.9} {
					b.ReportMetric(all[int(float64(len(all)-1)*p/100)], fmt.Sprintf("p%g-ms", p))
				}
				b.ReportMetric(float64(e.Stats().SlowReaders), "dropped")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkIdleClients reports the memory of a wss client that has a session
// and does nothing, both ends of the connection counted.
func BenchmarkIdleClients(b *testing.B) {
	const clients = 500
	for b.Loop() {
		e := emulator.StartT(b, emulator.Options{Clock: "real"})
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		conns := make([]net.Conn, 0, clients)
		for range clients {
			c := dialRaw(b, e)
			c.call("getCortexInfo", nil)
			conns = append(conns, c.conn)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse)/clients/1024, "KiB/client")
		for _, c := range conns {
			c.Close()
		}
	}
	b.ReportMetric(0, "ns/op")
}
