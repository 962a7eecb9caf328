//go:build soak

package emulator_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/faults"
	"github.com/fakecortex/fakecortex/scenarios"
	"github.com/fakecortex/fakecortex/scenarios/strict"
)

// soakFor is how long TestSoak churns: FAKECORTEX_SOAK, a minute without it.
func soakFor(t *testing.T) time.Duration {
	text := os.Getenv("FAKECORTEX_SOAK")
	if text == "" {
		return time.Minute
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err, "FAKECORTEX_SOAK")
	return d
}

// TestSoak lets clients come and go, record, export, train and leave in every
// way, while headsets, faults and whole worlds change under them. At the end
// goroutines, descriptors and memory are what they were after the first ten
// seconds, no outbox holds anything, and nothing in the journal or the log is
// unexplained.
//
//	go test -tags soak -run Soak -v ./emulator
//	FAKECORTEX_SOAK=8h go test -tags soak -run Soak -timeout 9h -v ./emulator
func TestSoak(t *testing.T) {
	long := soakFor(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	journal, log := &soakJournal{counts: map[string]int{}}, &soakLog{}
	e := emulator.StartT(t, emulator.Options{
		Clock: "real", Journal: journal, Logger: slog.New(log), Files: emulator.FileOptions{RecordDir: t.TempDir(), StateDir: t.TempDir()},
	})
	s := &soak{t: t, e: e, folder: t.TempDir()}

	s.churn(min(10*time.Second, long/4), seed)
	before := s.measure()
	s.churn(long, seed+1)
	after := s.measure()

	t.Logf("before: %+v", before)
	t.Logf("after:  %+v", after)
	t.Logf("%d visits, %d that the world cut short, %d lives of the world, %d journal lines: %v", s.visits.Load(), s.cutShort.Load(), e.Counters().Life, journal.lines, journal.counts)
	require.Equal(t, before.goroutines, after.goroutines, "goroutines")
	require.Equal(t, before.descriptors, after.descriptors, "descriptors")
	require.Less(t, after.heap, before.heap+8<<20, "bytes of heap")
	require.Empty(t, journal.strange, "unexplained in the journal")
	require.Empty(t, log.strange, "errors in the log")
	require.Greater(t, s.visits.Load(), int64(100))
	require.Less(t, s.cutShort.Load(), s.visits.Load(), "some visits went through")
}

// TestSoakGuests holds that the guests are right: what they call goes through in
// a world that refuses unknown parameters, in any version that has the methods.
func TestSoakGuests(t *testing.T) {
	for _, version := range []string{"2.1.1", "2.7", "3.7", "4.8"} {
		e := startWith(t, fmt.Sprintf(`world: {cortexVersion: "%s", rules: {unknownParameter: invalidParams}}`+"\n", version), func(o *emulator.Options) {
			o.Clock, o.Listen, o.Files.RecordDir = "x20", []string{"localhost:0"}, t.TempDir()
		})
		s := &soak{t: t, e: e, folder: t.TempDir()}
		for which := range numErrands {
			require.NoError(t, s.visit(rand.New(rand.NewPCG(1, 2)), "guest", []int{which}), "errand %d with Cortex %s", which, version)
		}
	}
}

type soak struct {
	t                *testing.T
	e                *emulator.Emulator
	folder           string
	visits, cutShort atomic.Int64
}

// churn lets everything happen for a while, then brings the world to rest.
func (s *soak) churn(d time.Duration, seed uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var group sync.WaitGroup
	for i := range 8 {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		group.Go(func() {
			for ctx.Err() == nil {
				s.visits.Add(1)
				if s.guest(rng, fmt.Sprintf("guest-%d", rng.IntN(20))) != nil {
					s.cutShort.Add(1)
				}
			}
		})
	}
	group.Go(func() { s.weather(ctx, rand.New(rand.NewPCG(seed, 99))) })
	group.Wait()
}

// guest is one visit of a client. The world may end it at any point, which is
// an error only for itself.
func (s *soak) guest(rng *rand.Rand, name string) error {
	errands := make([]int, rng.IntN(4))
	for i := range errands {
		errands[i] = rng.IntN(numErrands)
	}
	return s.visit(rng, name, errands)
}

func (s *soak) visit(rng *rand.Rand, name string, errands []int) error {
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.e.URL(), "wss://"))
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Second)) // a world may not answer at all
	if rng.IntN(3) == 0 {
		defer func() { _ = conn.(*net.TCPConn).SetLinger(0) }()
	}
	c := newRaw(nil, tls.Client(conn, &tls.Config{RootCAs: s.e.CertPool(), ServerName: "localhost"}))
	if err := c.upgrade(); err != nil {
		return err
	}
	// Only what each method documents: some worlds refuse the rest.
	if _, err := c.ask("requestAccess", map[string]any{"clientId": name, "clientSecret": "s"}, ""); err != nil {
		return err
	}
	token, err := c.ask("authorize", map[string]any{"clientId": name, "clientSecret": "s", "debit": 1}, "cortexToken")
	if err != nil {
		return err
	}
	session, err := c.ask("createSession", map[string]any{"cortexToken": token, "status": "active"}, "id")
	if err != nil {
		return err
	}
	with := func(more ...any) map[string]any {
		m := map[string]any{"cortexToken": token}
		for i := 0; i < len(more); i += 2 {
			m[more[i].(string)] = more[i+1]
		}
		return m
	}
	in := func(more ...any) map[string]any { return with(append(more, "session", session)...) }
	if _, err := c.ask("subscribe", in("streams", allStreams[:1+rng.IntN(len(allStreams))]), ""); err != nil {
		return err
	}
	for _, which := range errands {
		if err := s.errand(c, rng, which, with, in); err != nil {
			return err
		}
	}
	if rng.IntN(2) == 0 {
		_, err = c.ask("updateSession", in("status", "close"), "")
	}
	return err
}

const numErrands = 4

// errand does one of the longer things; with makes parameters with the token,
// in with the session too.
func (s *soak) errand(c *rawClient, rng *rand.Rand, which int, with, in func(...any) map[string]any) error {
	switch which {
	case 0:
		got, err := c.ask("createRecord", in("title", "soak"), "record")
		if err != nil {
			return err
		}
		id := got.(map[string]any)["uuid"]
		for _, step := range []struct {
			method string
			params map[string]any
		}{
			{"injectMarker", in("time", time.Now().UnixMilli(), "label", "m", "value", 1)},
			{"stopRecord", in()},
			{"exportRecord", with("recordIds", []any{id}, "folder", s.folder, "streamTypes", []string{"EEG", "MOTION"}, "format", "EDF")},
			{"deleteRecord", with("records", []any{id})},
		} {
			if _, err := c.ask(step.method, step.params, ""); err != nil {
				return err
			}
		}
	case 1:
		name := fmt.Sprintf("soak-%d", rng.IntN(50))
		if _, err := c.ask("setupProfile", with("status", "create", "profile", name), ""); err != nil {
			return err
		}
		_, err := c.ask("setupProfile", with("status", "delete", "profile", name), "")
		return err
	case 2:
		name := fmt.Sprintf("subject-%d", rng.IntN(1000))
		if _, err := c.ask("createSubject", with("subjectName", name), ""); err != nil {
			return err
		}
		_, err := c.ask("deleteSubjects", with("subjects", []any{name}), "")
		return err
	case 3:
		for range 1 + rng.IntN(200) {
			if _, err := c.next(nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// weather changes the world until ctx ends.
func (s *soak) weather(ctx context.Context, rng *rand.Rand) {
	// Every built-in scenario comes up before one comes up again.
	library := scenarios.Builtins()
	next := 0
	const pause = 100 * time.Millisecond
	for ctx.Err() == nil {
		switch n := rng.IntN(20); {
		case n < 3:
			if next %= len(library); next == 0 {
				rng.Shuffle(len(library), func(i, j int) { library[i], library[j] = library[j], library[i] })
			}
			require.NoError(s.t, s.e.Load(library[next], nil), library[next])
			next++
		case n == 3:
			require.NoError(s.t, s.e.Reset())
		case n < 6:
			require.NoError(s.t, s.e.Load("default", nil))
		case n < 10:
			// What cannot be done in the present world is noted there.
			_ = s.e.Act([]string{
				"headsetOff", "headsetOn", "closeSessions", "stopRecords", `addHeadset: {id: INSIGHT-5A5A0001}`, `removeHeadset: INSIGHT-5A5A0001`,
				`contact: {sensors: [AF3], quality: 0}`, `logOut`, `logIn: {user: demo.user}`,
			}[rng.IntN(9)])
		case n < 12:
			latency, one := strict.Duration(20*time.Millisecond), 0.3
			_, _ = s.e.AddFault([]faults.Rule{
				{On: faults.Match{Kind: []string{"sample"}}, Latency: &faults.Latency{Fixed: &latency}},
				{On: faults.Match{Kind: []string{"sample"}, Probability: &one}, Drop: &faults.Drop{}},
				{On: faults.Match{Kind: []string{"answer"}, Probability: &one}, Reset: &faults.Reset{}},
			}[rng.IntN(3)])
		case n == 12:
			_ = s.e.RemoveFault("")
		default:
			s.e.Verdict(false)
			s.e.State()
			s.e.Journal(emulator.JournalQuery{Text: "soak", Limit: 10})
		}
		time.Sleep(time.Duration(rng.IntN(int(pause))))
	}
	require.NoError(s.t, s.e.Load("default", nil))
}

// figures are what must not grow.
type figures struct {
	goroutines, descriptors, pending int
	heap                             int64
}

// measure waits until the clients are gone and the numbers stand still.
func (s *soak) measure() figures {
	s.t.Helper()
	settled(s.t, "connections", 0, func() int { return int(s.e.Stats().Open) })
	settled(s.t, "connections that the world knows", 0, func() int { return len(s.e.State().Connections) })
	require.NoError(s.t, s.e.Load("default", nil))
	settled(s.t, "sessions", 0, func() int { return len(s.e.State().Sessions) })
	var f figures
	for last := (figures{}); ; last = f {
		time.Sleep(time.Second)
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		f = figures{goroutines: runtime.NumGoroutine(), descriptors: descriptors(), heap: int64(m.HeapAlloc)}
		for _, c := range s.e.State().Connections {
			f.pending += c.Pending
		}
		if f.goroutines == last.goroutines && f.descriptors == last.descriptors {
			break
		}
	}
	require.Zero(s.t, f.pending)
	return f
}

// descriptors counts the open ones of this process, 0 where nothing tells.
func descriptors() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}

// soakJournal looks at every line of the journal.
type soakJournal struct {
	rest    []byte
	lines   int
	counts  map[string]int
	strange []string
}

// These come from a client that is wrong, and the guests are not, unless a rule
// of the faults says so or the Cortex of the world is too old for a method.
var (
	neverSeen = []int{-32700, -32600, -32601, -32602, -32603, -32018, -32014, -32023}
	explained = []string{"a rule of the faults", " came with Cortex "}
)

func (j *soakJournal) Write(p []byte) (int, error) {
	j.rest = append(j.rest, p...)
	for {
		i := bytes.IndexByte(j.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		line := j.rest[:i]
		var entry emulator.JournalEntry
		if err := json.Unmarshal(line, &entry); err != nil {
			j.strange = append(j.strange, fmt.Sprintf("%s: %v", line, err))
		}
		j.lines++
		j.counts[string(entry.Kind)]++
		why := func(text string) bool { return strings.Contains(entry.Why, text) }
		if entry.Kind == scenarios.EntryError && slices.Contains(neverSeen, entry.Code) && !slices.ContainsFunc(explained, why) && len(j.strange) < 20 {
			j.strange = append(j.strange, string(line))
		}
		j.rest = j.rest[i+1:]
	}
}

// soakLog keeps what is logged as an error.
type soakLog struct {
	mu      sync.Mutex
	strange []string
}

func (l *soakLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }
func (l *soakLog) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l *soakLog) WithGroup(string) slog.Handler                    { return l }
func (l *soakLog) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	if len(l.strange) < 20 {
		l.strange = append(l.strange, text)
	}
	return nil
}
