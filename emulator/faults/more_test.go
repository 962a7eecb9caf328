package faults_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator/faults"
	"github.com/fakecortex/fakecortex/streams"
)

func pipeline(t *testing.T, rules ...faults.Rule) *faults.Pipeline {
	t.Helper()
	p := faults.New(faults.Options{Seed: 1})
	for _, r := range rules {
		_, err := p.Add(0, r)
		require.NoError(t, err)
	}
	return p
}

func warning(code int, s string) faults.Frame {
	return faults.Frame{Kind: faults.Warning, Code: code, Conn: 1, Bytes: []byte(s)}
}

func TestSeveralRules(t *testing.T) {
	hour := duration(time.Hour)
	toSample := func(n int) *faults.Wait { return &faults.Wait{For: "sample", Count: n, Timeout: hour} }
	for name, c := range map[string]struct {
		rules []faults.Rule
		in    []faults.Frame
		want  []string
	}{
		"an answer that waits for a sample does not overtake it": {
			[]faults.Rule{{On: faults.Match{Kind: []string{"answer"}}, Wait: toSample(1)}, {On: faults.Match{Stream: []string{"com"}}, Latency: &faults.Latency{Fixed: ptr(duration(time.Second))}}},
			[]faults.Frame{answer("x", "a"), sample("1"), sample("2")},
			[]string{"1020 1", "1020 a", "1030 2"},
		},
		"a lost sample is not one that has gone ahead": {
			[]faults.Rule{{On: faults.Match{Kind: []string{"answer"}}, Wait: toSample(1)}, {On: faults.Match{Kind: []string{"sample"}, Count: 1}, Drop: &faults.Drop{}}},
			[]faults.Frame{answer("x", "a"), sample("1"), sample("2")},
			[]string{"30 2", "30 a"},
		},
		"a close is not a sample either": {
			[]faults.Rule{{On: faults.Match{Kind: []string{"answer"}}, Wait: toSample(1)}, {On: faults.Match{Kind: []string{"sample"}, Count: 1}, Close: &faults.Close{Code: 1001}}},
			[]faults.Frame{answer("x", "a"), sample("1"), sample("2")},
			[]string{"20 1", "30 2", "30 a"},
		},
		"each waits for its own number": {
			[]faults.Rule{{On: faults.Match{Method: []string{"x"}}, Wait: toSample(1)}, {On: faults.Match{Method: []string{"y"}}, Wait: toSample(2)}},
			[]faults.Frame{answer("y", "b"), answer("x", "a"), sample("1"), sample("2")},
			[]string{"30 1", "30 a", "40 2", "40 b"},
		},
		"requests do not count, other connections neither": {
			[]faults.Rule{{On: faults.Match{Kind: []string{"answer"}}, Wait: toSample(1)}},
			[]faults.Frame{answer("x", "a"), {Dir: faults.In, Kind: faults.Request, Conn: 1, Bytes: []byte("r")}, {Kind: faults.Sample, Conn: 2, Bytes: []byte("s")}, sample("1")},
			[]string{"20 r", "30 s", "40 1", "40 a"},
		},
		"a warning waits for an answer": {
			[]faults.Rule{{On: faults.Match{Code: []int{104}}, Wait: &faults.Wait{For: "answer", Count: 1, Timeout: hour}}},
			[]faults.Frame{warning(104, "w"), warning(142, "v"), answer("x", "a")},
			[]string{"20 v", "30 a", "30 w"},
		},
		"an answer waits for a warning": {
			[]faults.Rule{{On: faults.Match{Kind: []string{"answer"}}, Wait: &faults.Wait{For: "warning", Count: 1, Timeout: hour}}},
			[]faults.Frame{answer("x", "a"), sample("1"), warning(19, "w")},
			[]string{"20 1", "30 w", "30 a"},
		},
		"copies are changed one by one": {
			[]faults.Rule{{Duplicate: &faults.Duplicate{Times: 3}}, {On: faults.Match{Nth: 2}, Truncate: &faults.Truncate{Keep: ptr(1)}}},
			[]faults.Frame{sample("abc")},
			[]string{"10 abc", "10 a", "10 abc"},
		},
		"broken copies of one frame": {
			[]faults.Rule{{Duplicate: &faults.Duplicate{Times: 2}}, {On: faults.Match{Skip: 1}, Corrupt: &faults.Corrupt{Bytes: 1}}},
			[]faults.Frame{sample("a")},
			[]string{"10 a", "10 b"},
		},
		"a method is one of answers, not of warnings and samples": {
			[]faults.Rule{{On: faults.Match{Kind: []string{"answer", "warning", "sample"}, Method: []string{"x"}}, Drop: &faults.Drop{}}},
			[]faults.Frame{warning(1, "w"), sample("1"), answer("x", "a"), answer("y", "b")},
			[]string{"10 w", "20 1", "40 b"},
		},
		"one headset": {
			[]faults.Rule{{On: faults.Match{Headset: "H"}, Drop: &faults.Drop{}}},
			[]faults.Frame{sample("1"), {Kind: faults.Sample, Conn: 1, Headset: "G", Bytes: []byte("g")}, answer("x", "a")},
			[]string{"20 g", "30 a"},
		},
		"one connection": {
			[]faults.Rule{{On: faults.Match{Connection: 2}, Drop: &faults.Drop{}}},
			[]faults.Frame{sample("1"), {Kind: faults.Sample, Conn: 2, Bytes: []byte("g")}},
			[]string{"10 1"},
		},
		"two stalls": {
			[]faults.Rule{{On: faults.Match{Count: 2}, Stall: &faults.Stall{For: duration(15 * time.Millisecond)}}},
			[]faults.Frame{sample("1"), sample("2"), sample("3"), sample("4"), sample("5")},
			[]string{"25 1", "25 2", "45 3", "45 4", "50 5"},
		},
		"windows of two connections end at once": {
			[]faults.Rule{{Reorder: &faults.Reorder{Window: 9, Timeout: duration(time.Second)}}},
			[]faults.Frame{sample("1"), {Kind: faults.Sample, Conn: 2, Bytes: []byte("x")}, sample("2"), {Kind: faults.Sample, Conn: 2, Bytes: []byte("y")}},
			[]string{"1010 2", "1010 1", "1020 y", "1020 x"},
		},
		"a wrong id for a text, and for none": {
			[]faults.Rule{{WrongID: &faults.WrongID{}}},
			[]faults.Frame{
				{Kind: faults.Answer, ID: []byte(`"m-1"`), Bytes: []byte(`{"id":"m-1"}`)}, {Kind: faults.Answer, ID: []byte("null"), Bytes: []byte(`{"id":null}`)},
				{Kind: faults.Answer, ID: []byte("1"), Bytes: []byte("no JSON")}, {Kind: faults.Answer, ID: []byte("1"), Bytes: []byte(`{"x":1}`)}, {Kind: faults.Answer, ID: []byte("1"), Bytes: []byte(`{"x":`)},
			},
			[]string{`10 {"id":"m-1-other"}`, `20 {"id":1000}`, "30 no JSON", `40 {"x":1}`, `50 {"x":`},
		},
		"an error without a text, and without an id": {
			[]faults.Rule{{On: faults.Match{Kind: []string{"answer"}}, Error: &faults.Error{Code: -32000}}},
			[]faults.Frame{{Kind: faults.Answer, Bytes: []byte("{}")}},
			[]string{`10 {"error":{"code":-32000,"message":"Error -32000."},"id":null,"jsonrpc":"2.0"}`},
		},
		"the code of an error can be matched behind": {
			[]faults.Rule{{On: faults.Match{Kind: []string{"answer"}}, Error: &faults.Error{Code: -32000}}, {On: faults.Match{Code: []int{-32000}}, Drop: &faults.Drop{}}},
			[]faults.Frame{answer("x", "{}"), warning(1, "w")},
			[]string{"20 w"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, texts(play(pipeline(t, c.rules...), c.in)))
		})
	}
}

// Active is true for what a waiting frame waits for, also when its rule has hit
// all that it may.
func TestActiveWhileWaiting(t *testing.T) {
	p := pipeline(t, faults.Rule{On: faults.Match{Kind: []string{"answer"}, Count: 1}, Wait: &faults.Wait{For: "sample", Stream: "met", Count: 1, Timeout: duration(time.Hour)}})
	assert.True(t, p.Active(faults.Sample, streams.METLow))
	assert.False(t, p.Active(faults.Sample, streams.EEG))
	assert.Empty(t, p.Apply(nil, 1, answer("x", "a")))
	assert.False(t, p.Active(faults.Answer, 0), "the rule has hit its one answer")
	assert.True(t, p.Active(faults.Sample, streams.MET), "which still waits")
	assert.False(t, p.Idle())
	assert.Len(t, p.Apply(nil, 2, faults.Frame{Kind: faults.Sample, Stream: streams.MET, Conn: 1, Bytes: []byte("s")}), 2)
	assert.True(t, p.Idle())

	all := pipeline(t, faults.Rule{On: faults.Match{Kind: []string{"answer"}}, Wait: &faults.Wait{For: "sample", Count: 1, Timeout: duration(time.Hour)}})
	assert.True(t, all.Active(faults.Sample, streams.EEG))
	byAnswer := pipeline(t, faults.Rule{On: faults.Match{Code: []int{9}, Kind: []string{"warning"}}, Wait: &faults.Wait{For: "answer", Count: 1, Timeout: duration(time.Hour)}})
	assert.True(t, byAnswer.Active(faults.Answer, 0))
	assert.False(t, byAnswer.Active(faults.Sample, streams.EEG))
}

func TestShareIsThatOfProbability(t *testing.T) {
	p := pipeline(t, faults.Rule{On: faults.Match{Probability: ptr(0.25)}, Drop: &faults.Drop{}})
	left := 0
	for i := range 4000 {
		left += len(p.Apply(nil, int64(i), sample("s")))
	}
	assert.InDelta(t, 3000, left, 150)
	assert.Equal(t, 4000, p.List()[0].Matched)
	assert.Equal(t, 4000-left, p.List()[0].Hits)
}

func TestLatencies(t *testing.T) {
	for name, c := range map[string]struct {
		latency     faults.Latency
		least, most time.Duration
		median      time.Duration
	}{
		"uniform":   {faults.Latency{Uniform: []faults.Duration{duration(20 * time.Millisecond), duration(60 * time.Millisecond)}}, 20 * time.Millisecond, 60 * time.Millisecond, 40 * time.Millisecond},
		"normal":    {faults.Latency{Normal: &faults.Normal{Mean: duration(50 * time.Millisecond), SD: duration(10 * time.Millisecond)}}, 0, 150 * time.Millisecond, 50 * time.Millisecond},
		"lognormal": {faults.Latency{LogNormal: &faults.LogNormal{Median: duration(30 * time.Millisecond), Sigma: 0.5}}, time.Millisecond, 500 * time.Millisecond, 30 * time.Millisecond},
		"cut at 0":  {faults.Latency{Normal: &faults.Normal{Mean: 0, SD: duration(10 * time.Millisecond)}}, 0, 100 * time.Millisecond, 0},
	} {
		p := pipeline(t, faults.Rule{Latency: &c.latency})
		below := 0
		const n = 2000
		for i := range n {
			now := int64(i) * int64(time.Minute) // so far apart that order does not matter
			d := time.Duration(p.Apply(nil, now, sample("s"))[0].At - now)
			assert.GreaterOrEqual(t, d, c.least, name)
			assert.LessOrEqual(t, d, c.most, name)
			if d <= c.median {
				below++
			}
		}
		assert.InDelta(t, n/2, below, 0.06*n, name)
	}
}

// Rules and frames that are held are bounded.
func TestBounds(t *testing.T) {
	p := faults.New(faults.Options{})
	for range 1000 {
		_, err := p.Add(0, faults.Rule{On: faults.Match{Connection: 9}, Drop: &faults.Drop{}})
		require.NoError(t, err)
	}
	_, err := p.Add(0, faults.Rule{Drop: &faults.Drop{}})
	assert.ErrorContains(t, err, "1000 rules")

	p = pipeline(t, faults.Rule{On: faults.Match{Kind: []string{"answer"}}, Wait: &faults.Wait{For: "sample", Count: 1, Timeout: duration(time.Hour)}})
	sent := 0
	for range 10_010 {
		sent += len(p.Apply(nil, 0, answer("x", "a")))
	}
	assert.Equal(t, 10, sent, "what is too much goes on")
	out := p.Apply(nil, 1, sample("s"))
	assert.Len(t, out, 10_001)
	assert.Equal(t, int64(math.MaxInt64), p.Next())

	// Their size is bounded, too, and what is let go or forgotten makes room.
	hold := func(conn uint64) int {
		f := answer("x", "a")
		f.Conn, f.Bytes = conn, make([]byte, 1<<20)
		return len(p.Apply(nil, 2, f))
	}
	for round := range 3 {
		sent = 0
		for range 70 {
			sent += hold(7)
		}
		assert.Equal(t, 6, sent, "round %d: 64 MiB are held", round)
		p.Forget(7)
	}
}

func ExamplePipeline() {
	p := faults.New(faults.Options{Seed: 1})
	_, err := p.Add(0, faults.Rule{
		ID: "slow-authorize", On: faults.Match{Method: []string{"authorize"}},
		Latency: &faults.Latency{Fixed: ptr(duration(3 * time.Second))},
	})
	if err != nil {
		panic(err)
	}
	for _, d := range p.Apply(nil, 0, faults.Frame{Kind: faults.Answer, Conn: 1, Method: "authorize", ID: []byte("1"), Bytes: []byte(`{"id":1}`)}) {
		fmt.Println(time.Duration(d.At), string(d.Frame.Bytes))
	}
	// Output: 3s {"id":1}
}
