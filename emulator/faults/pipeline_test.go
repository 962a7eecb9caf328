package faults_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fakecortex/fakecortex/emulator/faults"
	"github.com/fakecortex/fakecortex/streams"
)

const ms = int64(time.Millisecond)

func ptr[T any](v T) *T { return &v }

func duration(d time.Duration) faults.Duration { return faults.Duration(d) }

// every returns one rule for each fault.
func every() map[string]faults.Rule {
	return map[string]faults.Rule{
		"latency":   {Latency: &faults.Latency{Fixed: ptr(duration(time.Second))}},
		"stall":     {Stall: &faults.Stall{For: duration(time.Second)}},
		"burst":     {Burst: &faults.Burst{Every: duration(700 * time.Millisecond)}},
		"drop":      {Drop: &faults.Drop{}},
		"duplicate": {Duplicate: &faults.Duplicate{Times: 2}},
		"reorder":   {Reorder: &faults.Reorder{Window: 3, Timeout: duration(time.Second)}},
		"truncate":  {Truncate: &faults.Truncate{Keep: ptr(5)}},
		"corrupt":   {Corrupt: &faults.Corrupt{Bytes: 3}},
		"fragment":  {Fragment: &faults.Fragment{Size: 4}},
		"bandwidth": {Bandwidth: &faults.Bandwidth{BytesPerSecond: 100}},
		"close":     {Close: &faults.Close{Code: 1011}},
		"reset":     {Reset: &faults.Reset{}},
		"error":     {Error: &faults.Error{Code: -32000}},
		"wrongId":   {WrongID: &faults.WrongID{}},
		"wait":      {Wait: &faults.Wait{For: "sample", Count: 1, Timeout: duration(time.Second)}},
		"insert":    {Insert: &faults.Insert{Before: []byte(`{"x":1}`)}},
		"refuse":    {Refuse: &faults.Refuse{}},
		"slowTls":   {SlowTLS: &faults.SlowTLS{Delay: duration(time.Second)}},
	}
}

func TestEveryFaultIsHere(t *testing.T) {
	for _, name := range faults.Names() {
		r, ok := every()[name]
		require.True(t, ok, name)
		got, n := r.Fault()
		assert.Equal(t, name, got)
		assert.Equal(t, 1, n)
	}
}

func frames(t *rapid.T) []faults.Frame {
	n := rapid.IntRange(1, 30).Draw(t, "frames")
	out := make([]faults.Frame, n)
	for i := range out {
		f := faults.Frame{Conn: uint64(rapid.IntRange(1, 3).Draw(t, "conn"))}
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			f.Kind, f.Method, f.ID = faults.Answer, "subscribe", []byte("7")
			f.Bytes = fmt.Appendf(nil, `{"id":7,"jsonrpc":"2.0","result":%d}`, i)
		case 1:
			f.Kind, f.Code = faults.Warning, 19
			f.Bytes = fmt.Appendf(nil, `{"jsonrpc":"2.0","warning":{"code":19,"message":%d}}`, i)
		case 2, 3:
			f.Kind, f.Stream, f.Headset = faults.Sample, streams.EEG, "EPOCX-1"
			f.Bytes = fmt.Appendf(nil, `{"eeg":[%d],"sid":"s"}`, i)
		case 4:
			f.Dir, f.Kind, f.Method, f.ID = faults.In, faults.Request, "subscribe", []byte("7")
			f.Bytes = fmt.Appendf(nil, `{"id":7,"method":"subscribe","n":%d}`, i)
		}
		out[i] = f
	}
	return out
}

// A fault that is off leaves everything as it is: the same bytes, at once, and
// not even a look at the frame is needed.
func TestOffChangesNothing(t *testing.T) {
	off := map[string]func(*faults.Rule){
		"probability 0":    func(r *faults.Rule) { r.On.Probability = ptr(0.0) },
		"other connection": func(r *faults.Rule) { r.On.Connection = 99 },
		"window over":      func(r *faults.Rule) { r.On.To = duration(1) },
		"skip":             func(r *faults.Rule) { r.On.Skip = 1000 },
		"removed":          func(r *faults.Rule) { r.ID = "removed" },
	}
	for name, rule := range every() {
		for how, turnOff := range off {
			t.Run(name+"/"+how, func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) {
					p := faults.New(faults.Options{Seed: 1})
					r := rule
					if r.WrongID == nil && r.Error == nil && r.Wait == nil && r.Insert == nil && r.Fragment == nil && r.Bandwidth == nil && r.Refuse == nil && r.SlowTLS == nil {
						r.On.Direction = rapid.SampledFrom([]string{"", "in", "out"}).Draw(t, "direction")
					}
					turnOff(&r)
					id, err := p.Add(0, r)
					require.NoError(t, err)
					if how == "removed" {
						require.True(t, p.Remove(id))
						assert.True(t, p.Idle())
					}
					if how == "probability 0" {
						for k := range faults.Handshake + 1 {
							assert.False(t, p.Active(k, streams.EEG))
						}
					}
					now := int64(2)
					for _, f := range frames(t) {
						want := string(f.Bytes)
						now += ms
						got := p.Apply(nil, now, f)
						require.Equal(t, []faults.Delivery{{At: now, Frame: f}}, got)
						assert.Same(t, &f.Bytes[0], &got[0].Frame.Bytes[0], "the frame itself, no copy")
						require.Equal(t, want, string(f.Bytes))
					}
					assert.Equal(t, int64(math.MaxInt64), p.Next())
					refused, delay := p.Handshake(now, 1)
					assert.False(t, refused)
					assert.Zero(t, delay)
				})
			})
		}
	}
}

// play shows frames to a pipeline, 10 ms apart, and returns what is sent in the
// order in which it is sent.
func play(p *faults.Pipeline, list []faults.Frame) []faults.Delivery {
	var out []faults.Delivery
	now := int64(0)
	for _, f := range list {
		now += 10 * ms
		for p.Next() <= now {
			out = p.Release(out, p.Next())
		}
		b := slices.Clone(f.Bytes)
		f.Bytes = b
		n := len(out)
		out = p.Apply(out, now, f)
		for i := n; i < len(out); i++ { // what is due later must not hold the caller's bytes
			if out[i].At == now {
				out[i].Frame.Bytes = slices.Clone(out[i].Frame.Bytes)
			}
		}
		for i := range b {
			b[i] = '#'
		}
	}
	for p.Next() != math.MaxInt64 {
		out = p.Release(out, p.Next())
	}
	slices.SortStableFunc(out, func(a, b faults.Delivery) int { return int(min(max(a.At-b.At, -1), 1)) })
	return out
}

// Whatever a fault does, it neither invents nor loses frames unless that is what
// it is for, keeps the order of a connection unless it is reorder, and never
// sends before the frame was there.
func TestConservation(t *testing.T) {
	for name, rule := range every() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				p := faults.New(faults.Options{Seed: 1})
				_, err := p.Add(0, rule)
				require.NoError(t, err)
				list := frames(t)
				want := map[string]int{}
				for _, f := range list {
					want[string(f.Bytes)]++
				}
				got := map[string]int{}
				for _, d := range play(p, list) {
					got[string(d.Frame.Bytes)]++
				}
				switch name {
				case "latency", "stall", "burst", "fragment", "bandwidth", "wait", "reorder", "refuse", "slowTls":
					assert.Equal(t, want, got)
				case "duplicate":
					for b, n := range want {
						if strings.Contains(b, "method") {
							assert.Equal(t, n, got[b])
						} else {
							assert.Equal(t, 2*n, got[b])
						}
					}
				case "drop":
					for b := range got {
						assert.Contains(t, b, "method", "only requests are left")
					}
				}
			})
		})
	}
}

func TestOrderIsKept(t *testing.T) {
	for _, rule := range []faults.Rule{
		{Latency: &faults.Latency{Uniform: []faults.Duration{0, duration(100 * time.Millisecond)}}},
		{Latency: &faults.Latency{Normal: &faults.Normal{Mean: duration(50 * time.Millisecond), SD: duration(50 * time.Millisecond)}}},
		{Latency: &faults.Latency{LogNormal: &faults.LogNormal{Median: duration(30 * time.Millisecond), Sigma: 1}}},
		{Stall: &faults.Stall{For: duration(95 * time.Millisecond)}},
		{Burst: &faults.Burst{Every: duration(45 * time.Millisecond)}},
		{Bandwidth: &faults.Bandwidth{BytesPerSecond: 1000}},
	} {
		p := faults.New(faults.Options{Seed: 1})
		_, err := p.Add(0, rule)
		require.NoError(t, err)
		var list []faults.Frame
		for i := range 200 {
			list = append(list, faults.Frame{Kind: faults.Sample, Stream: streams.EEG, Conn: uint64(1 + i%2), Bytes: fmt.Appendf(nil, "%04d", i)})
		}
		last := map[uint64]string{}
		late := 0
		for i, d := range play(p, list) {
			assert.Less(t, last[d.Frame.Conn], string(d.Frame.Bytes))
			last[d.Frame.Conn] = string(d.Frame.Bytes)
			var n int
			fmt.Sscanf(string(d.Frame.Bytes), "%d", &n)
			assert.GreaterOrEqual(t, d.At, int64(n+1)*10*ms, i)
			if d.At > int64(n+1)*10*ms {
				late++
			}
		}
		name, _ := rule.Fault()
		assert.Positive(t, late, name)
	}
}

func texts(list []faults.Delivery) []string {
	var out []string
	for _, d := range list {
		out = append(out, fmt.Sprintf("%d %s", d.At/ms, d.Frame.Bytes))
	}
	return out
}

func sample(s string) faults.Frame {
	return faults.Frame{Kind: faults.Sample, Stream: streams.COM, Conn: 1, Headset: "H", Bytes: []byte(s)}
}

func request(method, s string) faults.Frame {
	return faults.Frame{Dir: faults.In, Kind: faults.Request, Conn: 1, Method: method, ID: []byte("5"), Bytes: []byte(s)}
}

func answer(method, s string) faults.Frame {
	return faults.Frame{Kind: faults.Answer, Method: method, Conn: 1, ID: []byte("5"), Bytes: []byte(s)}
}

func TestFaults(t *testing.T) {
	ok := `{"id":5,"jsonrpc":"2.0","result":{"id":9}}`
	for name, c := range map[string]struct {
		rule faults.Rule
		in   []faults.Frame
		want []string
	}{
		"latency on one method": {
			faults.Rule{On: faults.Match{Method: []string{"authorize"}}, Latency: &faults.Latency{Fixed: ptr(duration(time.Second))}},
			[]faults.Frame{answer("authorize", "slow"), answer("queryHeadsets", "a"), sample("s")},
			[]string{"20 a", "30 s", "1010 slow"},
		},
		"stall once": {
			faults.Rule{On: faults.Match{Skip: 1}, Stall: &faults.Stall{For: duration(25 * time.Millisecond)}},
			[]faults.Frame{sample("1"), sample("2"), sample("3"), answer("x", "a"), sample("5"), sample("6")},
			[]string{"10 1", "45 2", "45 3", "45 a", "50 5", "60 6"},
		},
		"stall of one count is over when it is": {
			faults.Rule{On: faults.Match{Count: 1}, Stall: &faults.Stall{For: duration(15 * time.Millisecond)}},
			[]faults.Frame{sample("1"), sample("2"), sample("3")},
			[]string{"25 1", "25 2", "30 3"},
		},
		"burst": {
			faults.Rule{Burst: &faults.Burst{Every: duration(30 * time.Millisecond)}},
			[]faults.Frame{sample("1"), sample("2"), sample("3"), sample("4")},
			[]string{"30 1", "30 2", "30 3", "60 4"},
		},
		"never answer": {
			faults.Rule{On: faults.Match{Kind: []string{"answer"}}, Drop: &faults.Drop{}},
			[]faults.Frame{answer("x", "a"), sample("1")},
			[]string{"20 1"},
		},
		"answer twice": {
			faults.Rule{On: faults.Match{Kind: []string{"answer"}}, Duplicate: &faults.Duplicate{Times: 2, Gap: duration(5 * time.Millisecond)}},
			[]faults.Frame{answer("x", "a"), sample("1")},
			[]string{"10 a", "15 a", "20 1"},
		},
		"reorder": {
			faults.Rule{Reorder: &faults.Reorder{Window: 3, Timeout: duration(time.Second)}},
			[]faults.Frame{sample("1"), sample("2"), sample("3"), sample("4"), sample("5")},
			[]string{"30 3", "30 2", "30 1", "1040 5", "1040 4"},
		},
		"truncate": {
			faults.Rule{Truncate: &faults.Truncate{Cut: ptr(2)}},
			[]faults.Frame{sample("12345"), sample("1")},
			[]string{"10 123", "20 "},
		},
		"error, twice only": {
			faults.Rule{On: faults.Match{Kind: []string{"answer"}, Method: []string{"createSession"}, Count: 2}, Error: &faults.Error{Code: -32019, Message: "Full <1>", Data: []byte(`{"a":1}`)}},
			[]faults.Frame{answer("createSession", ok), answer("createSession", ok), answer("createSession", ok)},
			[]string{
				`10 {"error":{"code":-32019,"data":{"a":1},"message":"Full <1>"},"id":5,"jsonrpc":"2.0"}`,
				`20 {"error":{"code":-32019,"data":{"a":1},"message":"Full <1>"},"id":5,"jsonrpc":"2.0"}`, "30 " + ok,
			},
		},
		"error before the call is served": {
			faults.Rule{On: faults.Match{Method: []string{"createSession"}, Count: 1}, Error: &faults.Error{Code: -32000, Message: "No"}},
			[]faults.Frame{request("createSession", ok), answer("createSession", ok), request("createSession", ok)},
			[]string{`10 {"error":{"code":-32000,"message":"No"},"id":5,"jsonrpc":"2.0"}`, "20 " + ok, "30 " + ok},
		},
		"a notification is refused in silence": {
			faults.Rule{Error: &faults.Error{Code: -32000}},
			[]faults.Frame{{Dir: faults.In, Kind: faults.Request, Method: "x", Bytes: []byte("n")}, {Dir: faults.In, Kind: faults.Request, Bytes: []byte("no request")}},
			[]string{`20 {"error":{"code":-32000,"message":"text of -32000"},"id":null,"jsonrpc":"2.0"}`},
		},
		"bandwidth of requests": {
			faults.Rule{On: faults.Match{Direction: "in"}, Bandwidth: &faults.Bandwidth{BytesPerSecond: 200}},
			[]faults.Frame{request("x", "1234"), answer("x", "a"), request("x", "12")},
			[]string{"20 a", "30 1234", "40 12"},
		},
		"warning 0 is not an answer without an error": {
			faults.Rule{On: faults.Match{Code: []int{0}}, Drop: &faults.Drop{}},
			[]faults.Frame{{Kind: faults.Warning, Bytes: []byte("w")}, answer("x", "a"), sample("1")},
			[]string{"20 a", "30 1"},
		},
		"a stream is one of samples, whatever the kinds": {
			faults.Rule{On: faults.Match{Kind: []string{"answer", "sample"}, Stream: []string{"com"}}, Drop: &faults.Drop{}},
			[]faults.Frame{answer("x", "a"), sample("1")},
			[]string{"10 a"},
		},
		"error with the text of the code": {
			faults.Rule{On: faults.Match{Kind: []string{"answer"}}, Error: &faults.Error{Code: -32000}},
			[]faults.Frame{answer("x", ok), sample("s")},
			[]string{`10 {"error":{"code":-32000,"message":"text of -32000"},"id":5,"jsonrpc":"2.0"}`, "20 s"},
		},
		"wrong id": {
			faults.Rule{WrongID: &faults.WrongID{}},
			[]faults.Frame{answer("x", ok), answer("x", `{"error":{"id":5},"id": 5 ,"jsonrpc":"2.0"}`)},
			[]string{`10 {"id":1005,"jsonrpc":"2.0","result":{"id":9}}`, `20 {"error":{"id":5},"id": 1005 ,"jsonrpc":"2.0"}`},
		},
		"wrong id, given": {
			faults.Rule{WrongID: &faults.WrongID{ID: []byte(`"z"`)}},
			[]faults.Frame{answer("x", ok)},
			[]string{`10 {"id":"z","jsonrpc":"2.0","result":{"id":9}}`},
		},
		"samples before the answer": {
			faults.Rule{On: faults.Match{Method: []string{"subscribe"}}, Wait: &faults.Wait{For: "sample", Count: 2, Timeout: duration(time.Second)}},
			[]faults.Frame{answer("subscribe", "a"), sample("1"), answer("x", "b"), sample("2"), sample("3")},
			[]string{"20 1", "30 b", "40 2", "40 a", "50 3"},
		},
		"samples that never come": {
			faults.Rule{On: faults.Match{Kind: []string{"answer"}}, Wait: &faults.Wait{For: "sample", Stream: "eeg", Count: 1, Timeout: duration(50 * time.Millisecond)}},
			[]faults.Frame{answer("subscribe", "a"), sample("1")},
			[]string{"20 1", "60 a"},
		},
		"warning before the answer": {
			faults.Rule{On: faults.Match{Method: []string{"stopRecord"}, Count: 1}, Insert: &faults.Insert{Before: []byte(`{"w":1}`), After: []byte(`{"w":2}`)}},
			[]faults.Frame{answer("stopRecord", "a"), answer("stopRecord", "b")},
			[]string{`10 {"w":1}`, "10 a", `10 {"w":2}`, "20 b"},
		},
		"each third": {
			faults.Rule{On: faults.Match{Nth: 3}, Drop: &faults.Drop{}},
			[]faults.Frame{sample("1"), sample("2"), sample("3"), sample("4"), sample("5"), sample("6"), sample("7")},
			[]string{"10 1", "20 2", "40 4", "50 5", "70 7"},
		},
		"requests": {
			faults.Rule{On: faults.Match{Kind: []string{"request"}}, Drop: &faults.Drop{}},
			[]faults.Frame{sample("1"), {Dir: faults.In, Kind: faults.Request, Method: "x", Bytes: []byte("r")}, answer("x", "a")},
			[]string{"10 1", "30 a"},
		},
		"window of time": {
			faults.Rule{On: faults.Match{From: duration(20 * time.Millisecond), To: duration(40 * time.Millisecond)}, Drop: &faults.Drop{}},
			[]faults.Frame{sample("1"), sample("2"), sample("3"), sample("4")},
			[]string{"10 1", "40 4"},
		},
		"one warning": {
			faults.Rule{On: faults.Match{Code: []int{104}}, Drop: &faults.Drop{}},
			[]faults.Frame{{Kind: faults.Warning, Code: 104, Bytes: []byte("a")}, {Kind: faults.Warning, Code: 142, Bytes: []byte("b")}, sample("1")},
			[]string{"20 b", "30 1"},
		},
		"one stream": {
			faults.Rule{On: faults.Match{Stream: []string{"eeg"}}, Drop: &faults.Drop{}},
			[]faults.Frame{{Kind: faults.Sample, Stream: streams.EEG, Bytes: []byte("e")}, sample("1"), answer("x", "a")},
			[]string{"20 1", "30 a"},
		},
		"bandwidth": {
			faults.Rule{Bandwidth: &faults.Bandwidth{BytesPerSecond: 200}},
			[]faults.Frame{sample("1234"), sample("12"), sample("1")},
			[]string{"30 1234", "40 12", "45 1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := faults.New(faults.Options{Seed: 1, ErrorText: func(code int) string { return fmt.Sprintf("text of %d", code) }})
			_, err := p.Add(0, c.rule)
			require.NoError(t, err)
			assert.Equal(t, c.want, texts(play(p, c.in)))
		})
	}
}

// Active may say no only where the rule does nothing.
func TestActiveIsTrue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := faults.Names()
		p := faults.New(faults.Options{Seed: 1})
		for range rapid.IntRange(1, 3).Draw(t, "rules") {
			r := every()[rapid.SampledFrom(names).Draw(t, "fault")]
			r.On.Count = rapid.IntRange(0, 2).Draw(t, "count")
			if rapid.Bool().Draw(t, "on a stream") && r.Error == nil && r.WrongID == nil && r.Refuse == nil && r.SlowTLS == nil {
				r.On.Stream = []string{rapid.SampledFrom([]string{"eeg", "met"}).Draw(t, "stream")}
			}
			_, err := p.Add(0, r)
			require.NoError(t, err)
		}
		now := int64(0)
		for _, f := range frames(t) {
			now += 10 * ms
			p.Release(nil, now)
			active := p.Active(f.Kind, f.Stream)
			got := p.Apply(nil, now, f)
			if !active {
				require.Equal(t, []faults.Delivery{{At: now, Frame: f}}, got)
			}
		}
	})
}

func TestCorruptStaysText(t *testing.T) {
	p := faults.New(faults.Options{Seed: 3})
	_, err := p.Add(0, faults.Rule{Corrupt: &faults.Corrupt{Bytes: 2}})
	require.NoError(t, err)
	changed := 0
	for i := range 50 {
		in := `{"eeg":[1,2,3],"é":"ü"}`
		d := p.Apply(nil, int64(i), sample(in))
		require.Len(t, d, 1)
		got := string(d[0].Frame.Bytes)
		assert.Len(t, got, len(in))
		if got != in {
			changed++
		}
		assert.True(t, strings.ToValidUTF8(got, "") == got)
	}
	assert.Greater(t, changed, 40)
}

// The same seed does the same, another seed something else.
func TestSeed(t *testing.T) {
	run := func(seed uint64) string {
		p := faults.New(faults.Options{Seed: seed})
		for i, r := range []faults.Rule{
			{On: faults.Match{Probability: ptr(0.5)}, Drop: &faults.Drop{}},
			{Latency: &faults.Latency{Uniform: []faults.Duration{0, duration(time.Second)}}},
			{Corrupt: &faults.Corrupt{Bytes: 1}},
		} {
			_, err := p.Add(int64(i), r)
			require.NoError(t, err)
		}
		var list []faults.Frame
		for i := range 50 {
			list = append(list, sample(fmt.Sprintf("sample %d", i)))
		}
		return strings.Join(texts(play(p, list)), "\n")
	}
	assert.Equal(t, run(1), run(1))
	assert.NotEqual(t, run(1), run(2))
}

func TestRulesComeAndGo(t *testing.T) {
	p := faults.New(faults.Options{})
	assert.True(t, p.Idle())
	a, err := p.Add(0, faults.Rule{On: faults.Match{Kind: []string{"answer"}}, Wait: &faults.Wait{For: "warning", Count: 1, Timeout: duration(time.Hour)}})
	require.NoError(t, err)
	_, err = p.Add(0, faults.Rule{ID: "b", On: faults.Match{Kind: []string{"answer"}}, Duplicate: &faults.Duplicate{Times: 2}})
	require.NoError(t, err)
	_, err = p.Add(0, faults.Rule{ID: "b", Drop: &faults.Drop{}})
	assert.ErrorContains(t, err, "is taken")
	assert.Equal(t, "wait-1", a)
	assert.Empty(t, p.Apply(nil, ms, answer("x", "held")))
	assert.Equal(t, 1, p.List()[0].Held)
	require.True(t, p.Remove(a))
	assert.False(t, p.Remove(a))
	assert.Equal(t, ms, p.Next(), "what the rule held is due at once")
	assert.Len(t, p.Release(nil, 2*ms), 1)
	p.Clear()
	assert.True(t, p.Idle())
	assert.Empty(t, p.List())
}

func TestForget(t *testing.T) {
	p := faults.New(faults.Options{})
	_, err := p.Add(0, faults.Rule{Reorder: &faults.Reorder{Window: 2, Timeout: duration(time.Second)}})
	require.NoError(t, err)
	assert.Empty(t, p.Apply(nil, 1, sample("1")))
	p.Forget(1)
	assert.Equal(t, int64(math.MaxInt64), p.Next())
}

func TestHandshakes(t *testing.T) {
	p := faults.New(faults.Options{})
	_, err := p.Add(0, faults.Rule{On: faults.Match{Count: 2}, Refuse: &faults.Refuse{}})
	require.NoError(t, err)
	_, err = p.Add(0, faults.Rule{SlowTLS: &faults.SlowTLS{Delay: duration(3 * time.Second)}})
	require.NoError(t, err)
	for i, want := range []bool{true, true, false} {
		refused, delay := p.Handshake(int64(i), uint64(i+1))
		assert.Equal(t, want, refused)
		if !want {
			assert.Equal(t, 3*time.Second, time.Duration(delay))
		}
	}
	assert.False(t, p.Active(faults.Sample, streams.EEG))
}

func TestEnds(t *testing.T) {
	p := faults.New(faults.Options{})
	_, err := p.Add(0, faults.Rule{On: faults.Match{Nth: 2}, Close: &faults.Close{Code: 1001, Reason: "bye"}})
	require.NoError(t, err)
	assert.Zero(t, p.Apply(nil, 1, sample("1"))[0].Close)
	d := p.Apply(nil, 2, sample("2"))
	require.Len(t, d, 1)
	assert.Equal(t, 1001, d[0].Close)
	assert.Equal(t, "bye", d[0].Reason)
}

func TestWrongRules(t *testing.T) {
	p := faults.New(faults.Options{})
	for want, r := range map[string]faults.Rule{
		"exactly one of":             {},
		"has 2 faults":               {Drop: &faults.Drop{}, Reset: &faults.Reset{}},
		"does not go in":             {On: faults.Match{Kind: []string{"request", "answer"}}, Drop: &faults.Drop{}},
		"fault of answers":           {On: faults.Match{Kind: []string{"sample"}}, Error: &faults.Error{Code: -32000}},
		"wrongId is a fault of":      {On: faults.Match{Direction: "in"}, WrongID: &faults.WrongID{}},
		"ends before it begins":      {On: faults.Match{From: 5, To: 5}, Drop: &faults.Drop{}},
		"keep or cut":                {Truncate: &faults.Truncate{}},
		"not a span":                 {Latency: &faults.Latency{Uniform: []faults.Duration{5, 1}}},
		"has no frame":               {Insert: &faults.Insert{}},
		"cannot be sent":             {Close: &faults.Close{Code: 1005}},
		"fault of handshakes":        {On: faults.Match{Kind: []string{"answer"}}, Refuse: &faults.Refuse{}},
		"on.stream: no frame":        {On: faults.Match{Method: []string{"x"}, Kind: []string{"answer"}, Stream: []string{"eeg"}}, Drop: &faults.Drop{}},
		"on.method: no frame":        {On: faults.Match{Method: []string{"x"}, Stream: []string{"eeg"}}, Drop: &faults.Drop{}},
		"on.code: no frame":          {On: faults.Match{Code: []int{-32000}}, Error: &faults.Error{Code: -32000}},
		"on.headset: no frame":       {On: faults.Match{Headset: "H", Kind: []string{"warning"}}, Drop: &faults.Drop{}},
		"want frames of kind answer": {On: faults.Match{Method: []string{"x"}}, Refuse: &faults.Refuse{}},
		"not an id":                  {WrongID: &faults.WrongID{ID: []byte("[1]")}},
	} {
		_, err := p.Add(0, r)
		assert.ErrorContains(t, err, want)
	}
	assert.True(t, p.Idle())
}

func BenchmarkInactive(b *testing.B) {
	p := faults.New(faults.Options{})
	_, err := p.Add(0, faults.Rule{On: faults.Match{Kind: []string{"answer"}}, Drop: &faults.Drop{}})
	require.NoError(b, err)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if p.Active(faults.Sample, streams.EEG) {
			n++
		}
	}
}
