package gateway

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// eegFrame has the size of an eeg sample of a 14-channel headset.
var eegFrame = fmt.Appendf(nil, `{"eeg":[%0180d],"sid":"c6a2e6e0-9a0c-4e0c-9b0e-6f8b2f0e5b1a","time":1559903137.1841}`, 7)

const upgradeRequest = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// rawClient upgrades by hand, so that the client's side costs as little as it can.
func (w *world) rawClient(b testing.TB) (*tls.Conn, *Conn) {
	client, err := tls.Dial("tcp", "127.0.0.1:"+w.port, w.clientTLS())
	require.NoError(b, err)
	_, err = io.WriteString(client, upgradeRequest)
	require.NoError(b, err)
	last := make([]byte, 1)
	for tail := ""; tail != "\r\n\r\n"; {
		_, err := client.Read(last)
		require.NoError(b, err)
		if tail += string(last); len(tail) > 4 {
			tail = tail[1:]
		}
	}
	b.Cleanup(func() { client.Close() })
	return client, next(b, w.opened)
}

// BenchmarkThroughput sends the same frames bare, 16 per write, and through a
// Conn, over TLS connections of the same kind, and gives the ratio.
func BenchmarkThroughput(b *testing.B) {
	w := newWorld(b, nil)
	var o outbox
	for range 16 {
		o.message(opText, len(eegFrame), [][]byte{eegFrame})
	}
	sixteen := o.back

	l, err := tls.Listen("tcp", "127.0.0.1:0", w.options.TLS)
	require.NoError(b, err)
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_ = c.(*tls.Conn).Handshake()
			accepted <- c
		}
	}()
	bareClient, err := tls.Dial("tcp", l.Addr().String(), w.clientTLS())
	require.NoError(b, err)
	defer bareClient.Close()
	bare := <-accepted
	defer bare.Close()
	client, conn := w.rawClient(b)

	receive := func(c io.Reader, n int64) chan error {
		done := make(chan error, 1)
		go func() {
			_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.LimitReader(c, n), make([]byte, 64<<10))
			done <- err
		}()
		return done
	}
	ctx := context.Background()
	var bareTime, connTime time.Duration
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; {
		n := min((left+15)/16*16, 16*256) // the two take turns
		left -= n
		total := int64(n) / 16 * int64(len(sixteen))

		b.StopTimer()
		start := time.Now()
		done := receive(bareClient, total)
		for range n / 16 {
			_, err := bare.Write(sixteen)
			require.NoError(b, err)
		}
		require.NoError(b, <-done)
		bareTime += time.Since(start)
		b.StartTimer()

		start = time.Now()
		done = receive(client, total)
		for i := range n {
			if err := conn.Append(eegFrame); err != nil {
				b.Fatal(err)
			}
			if i%256 == 255 {
				if err := conn.WaitRoom(ctx); err != nil {
					b.Fatal(err)
				}
			}
		}
		conn.Flush()
		require.NoError(b, <-done)
		connTime += time.Since(start)
	}
	b.ReportMetric(bareTime.Seconds()/connTime.Seconds(), "ratio-to-bare")
}

// BenchmarkAppend is the cost for the loop of one frame for one client.
func BenchmarkAppend(b *testing.B) {
	w := newWorld(b, nil)
	client, conn := w.rawClient(b)
	go io.Copy(io.Discard, client)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := conn.Append(eegFrame); err != nil {
			b.Fatal(err)
		}
		if i%16 == 15 {
			if err := conn.WaitRoom(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkIdleClient gives the memory of an idle wss client: heap and stacks of
// both ends, the client's end being a bare TLS connection.
func BenchmarkIdleClient(b *testing.B) {
	const clients = 200
	w := newWorld(b, nil)
	w.rawClient(b)
	inUse := func() uint64 {
		for range 5 { // stacks shrink by half per collection
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	before, goroutines := inUse(), runtime.NumGoroutine()
	for range clients {
		_, conn := w.rawClient(b)
		_ = conn.Append(eegFrame)
		conn.Flush()
	}
	time.Sleep(100 * time.Millisecond)
	b.ReportMetric(float64(inUse()-before)/clients/1024, "KiB/client-both-ends")
	b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/clients, "goroutines/client")
}

// BenchmarkLateness sends every client a frame at 256 Hz for two seconds and
// gives the time from the deadline to the client having read it.
func BenchmarkLateness(b *testing.B) {
	for _, clients := range []int{1, 100} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			w := newWorld(b, nil)
			var mu sync.Mutex
			var late []time.Duration
			var readers sync.WaitGroup
			start := time.Now()
			conns := make([]*Conn, clients)
			for i := range conns {
				client, conn := w.dial(b, "", nil)
				conns[i] = conn
				readers.Go(func() {
					var mine []time.Duration
					for {
						_, data, err := client.Read(context.Background())
						if err != nil {
							break
						}
						mine = append(mine, time.Since(start)-time.Duration(binary.BigEndian.Uint64(data)))
					}
					mu.Lock()
					late = append(late, mine...)
					mu.Unlock()
				})
			}
			frame := slices.Clone(eegFrame)
			first := time.Since(start)
			for k := range 512 {
				deadline := first + time.Duration(k)*time.Second/256
				time.Sleep(deadline - time.Since(start))
				binary.BigEndian.PutUint64(frame, uint64(deadline))
				for _, c := range conns {
					if err := c.AppendBinary(frame); err != nil {
						b.Fatal(err)
					}
					c.Flush()
				}
			}
			for _, c := range conns {
				c.Close(websocket.StatusNormalClosure, "")
			}
			readers.Wait()
			require.Len(b, late, 512*clients, "none lost")
			slices.Sort(late)
			b.ReportMetric(float64(late[len(late)/2])/1e6, "p50-ms")
			b.ReportMetric(float64(late[len(late)*99/100])/1e6, "p99-ms")
		})
	}
}
