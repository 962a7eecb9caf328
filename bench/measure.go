package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

func none() [4]float64 { return [4]float64{math.NaN(), math.NaN(), math.NaN(), math.NaN()} }

func median(v []float64) float64 { return percentile(v, 50) }

func percentile(v []float64, p float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	v = slices.Sorted(slices.Values(v))
	return v[int(float64(len(v)-1)*p/100)]
}

// fullSpeed measures frames a second when nothing waits for a clock. The
// contestants take turns, so that a busy machine is busy for all of them.
func (b *bench) fullSpeed() error {
	rates := [4][]float64{}
	seconds := b.frames / b.framesPerSecond()
	for range b.repeats {
		for _, which := range b.contestants() {
			rate, err := b.once(which, seconds)
			if err != nil {
				return fmt.Errorf("full speed, %s: %w", names[which], err)
			}
			rates[which] = append(rates[which], rate)
		}
	}
	r := row{what: "full speed, 1 client, frames/s", values: none(), format: "%.0f"}
	x := row{what: "the same, times real time", values: none(), format: "%.0f"}
	for _, which := range b.contestants() {
		r.values[which] = median(rates[which])
		x.values[which] = r.values[which] / float64(b.framesPerSecond())
	}
	b.rows = append(b.rows, r, x)
	return nil
}

func (b *bench) once(which, seconds int) (float64, error) {
	s, err := b.serve(which, true)
	if err != nil {
		return 0, err
	}
	defer s.stop()
	config, err := b.config(s)
	if err != nil {
		return 0, err
	}
	n := seconds * b.framesPerSecond()
	if which != ours {
		c, err := dial(fmt.Sprintf("%s/full?n=%d", s.url, n), config, 64<<10)
		if err != nil {
			return 0, err
		}
		defer c.conn.Close()
		begin := time.Now()
		err = c.skip(n)
		return float64(n) / time.Since(begin).Seconds(), err
	}
	c, err := dial(s.url, config, 64<<10)
	if err != nil {
		return 0, err
	}
	defer c.conn.Close()
	if err := c.subscribe("full-speed"); err != nil {
		return 0, err
	}
	// Some streams begin late: afterwards each sends as often as it should.
	const warmUp = 5
	if err := s.advance(warmUp * time.Second); err != nil {
		return 0, err
	}
	if err := c.drain(); err != nil {
		return 0, err
	}
	begin := time.Now()
	done := make(chan error, 1)
	go func() { done <- s.advance(time.Duration(seconds) * time.Second) }()
	if err := c.skip(n); err != nil {
		return 0, err
	}
	rate := float64(n) / time.Since(begin).Seconds()
	return rate, <-done
}

// drain reads what is there, up to a second of silence.
func (c *client) drain() error {
	for {
		_ = c.conn.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := c.r.Peek(1); err != nil {
			if os.IsTimeout(err) && c.r.Buffered() == 0 {
				// A read that timed out for want of data leaves TLS as it was.
				return c.conn.SetReadDeadline(time.Time{})
			}
			return err
		}
		if _, err := c.next(); err != nil {
			return err
		}
	}
}

// onTheClock measures how late frames are read on the real clock, how many of
// those that are due come at all, and what the server takes of a core.
func (b *bench) onTheClock() error {
	percentiles := []float64{50, 99, 99.9}
	for _, clients := range b.clients {
		var rows []row
		for _, p := range percentiles {
			rows = append(rows, row{what: fmt.Sprintf("%d clients, real clock, lateness p%g, ms", clients, p), values: none(), format: "%.2f"})
		}
		came := row{what: fmt.Sprintf("%d clients, frames that came, %%", clients), values: none(), format: "%.1f"}
		cpu := row{what: fmt.Sprintf("%d clients, CPU of the server, %% of a core", clients), values: none(), format: "%.1f"}
		for _, which := range b.contestants() {
			late, share, busy, err := b.crowd(which, clients)
			if err != nil {
				err = fmt.Errorf("%d clients, %s: %w", clients, names[which], err)
				if which == ours {
					return err
				}
				// A server that so many clients overwhelm has no figure.
				fmt.Fprintln(os.Stderr, "bench: not measured:", err)
				continue
			}
			for i, p := range percentiles {
				rows[i].values[which] = percentile(late, p)
			}
			came.values[which], cpu.values[which] = share, busy
		}
		b.rows = append(b.rows, append(rows, came, cpu)...)
	}
	return nil
}

// crowd runs clients on all streams and returns the lateness of each frame in
// ms, the share of the due frames that came and the CPU of the server in percent.
func (b *bench) crowd(which, clients int) (late []float64, share, busy float64, err error) {
	s, err := b.serve(which, false)
	if err != nil {
		return nil, 0, 0, err
	}
	defer s.stop()
	config, err := b.config(s)
	if err != nil {
		return nil, 0, 0, err
	}
	var (
		group errgroup.Group
		mu    sync.Mutex
		from  = make(chan struct{})
		begin time.Time
	)
	var conns []*client
	defer func() {
		for _, c := range conns {
			c.conn.Close()
		}
	}()
	for i := range clients {
		c, err := dial(s.url+"/", config, 16<<10)
		if err != nil {
			return nil, 0, 0, fmt.Errorf("client %d: %w", i, err)
		}
		conns = append(conns, c)
		if which == ours {
			if err := c.subscribe("client-" + strconv.Itoa(i)); err != nil {
				return nil, 0, 0, fmt.Errorf("client %d: %w", i, err)
			}
		}
		group.Go(func() error {
			var mine []float64
			for {
				_ = c.conn.SetReadDeadline(time.Now().Add(patience))
				frame, err := c.next()
				now := time.Now()
				if err != nil {
					return err
				}
				at, ok := instant(frame)
				if !ok {
					return fmt.Errorf("not a sample: %.200s", frame)
				}
				select {
				case <-from:
				default:
					continue // not all are here yet
				}
				if now.Sub(begin) > b.lasting {
					break
				}
				// A frame from before the beginning was due before it.
				if at*1e9 >= float64(begin.UnixNano()) {
					mine = append(mine, float64(now.UnixNano())*1e-6-at*1e3)
				}
			}
			mu.Lock()
			late = append(late, mine...)
			mu.Unlock()
			return nil
		})
	}
	time.Sleep(warmUpClock)
	begin = time.Now()
	before := cpuTime(s)
	close(from)
	err = group.Wait()
	busy = (cpuTime(s) - before).Seconds() / time.Since(begin).Seconds() * 100
	if !measured(s) {
		busy = math.NaN()
	}
	due := b.lasting.Seconds() * float64(b.framesPerSecond()*clients)
	return late, min(100, float64(len(late))/due*100), busy, err
}

// warmUpClock is how long all clients read before it counts: met and pow begin
// some seconds after the subscription.
const warmUpClock = 3 * time.Second

// start measures the time from the start of the process to its ready line.
func (b *bench) start() error {
	r := row{what: "start to ready, ms", values: none(), format: "%.0f"}
	for _, which := range b.contestants() {
		var took []float64
		for range b.repeats {
			s, err := b.serve(which, false)
			if err != nil {
				return err
			}
			took = append(took, float64(s.took.Microseconds())/1e3)
			s.stop()
		}
		r.values[which] = median(took)
	}
	b.rows = append(b.rows, r)
	return nil
}

// idleClients measures the memory of clients that do nothing, and the CPU of a
// server with none and with all of them.
func (b *bench) idleClients() error {
	memory := row{what: fmt.Sprintf("%d idle clients, KiB each", b.idle), values: none(), format: "%.1f"}
	alone := row{what: "CPU without a client, % of a core", values: none(), format: "%.2f"}
	crowd := row{what: fmt.Sprintf("CPU with %d idle clients, %% of a core", b.idle), values: none(), format: "%.2f"}
	for _, which := range b.contestants() {
		err := func() error {
			s, err := b.serve(which, false)
			if err != nil {
				return err
			}
			defer s.stop()
			config, err := b.config(s)
			if err != nil {
				return err
			}
			if !measured(s) {
				return nil
			}
			alone.values[which] = b.usage(s)
			before := resident(s)
			var conns []*client
			defer func() {
				for _, c := range conns {
					c.conn.Close()
				}
			}()
			for i := range b.idle {
				c, err := dial(s.url+"/idle", config, 16)
				if err != nil {
					return fmt.Errorf("idle client %d of %s: %w", i, names[which], err)
				}
				conns = append(conns, c)
			}
			crowd.values[which] = b.usage(s) // the buffers of the handshakes are given back meanwhile
			memory.values[which] = float64(resident(s)-before) / float64(b.idle)
			return nil
		}()
		if err != nil {
			return err
		}
	}
	b.rows = append(b.rows, memory, alone, crowd)
	return nil
}

// usage returns the share of a core that a server takes for a while.
func (b *bench) usage(s *server) float64 {
	before, begin := cpuTime(s), time.Now()
	time.Sleep(b.lasting)
	return (cpuTime(s) - before).Seconds() / time.Since(begin).Seconds() * 100
}

// What the system says of a process is in /proc, on Linux only.

func measured(s *server) bool { return resident(s) > 0 }

// resident returns the memory of a server in KiB, 0 when it is not known.
func resident(s *server) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 0
}

// cpuTime returns what a server has taken so far, in steps of 10 ms.
func cpuTime(s *server) time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}
