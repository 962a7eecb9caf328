package scenarios_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/scenarios"
	"github.com/fakecortex/fakecortex/streams"
)

// world is a Host over a scheduler that notes what is done, and when.
type world struct {
	sched *streams.Scheduler
	log   []string
	do    func(scenarios.Action) error

	cancelled int
}

func (w *world) Now() int64 { return w.sched.Now() }

func (w *world) At(t int64, fn func()) func() {
	e := w.sched.At(t, fn)
	return func() {
		w.sched.Cancel(e)
		w.cancelled++
	}
}

func (w *world) Do(step string, a scenarios.Action) error {
	text := a.Name
	if n, ok := a.Args.(*scenarios.Note); ok {
		text = n.Text
	}
	w.log = append(w.log, fmt.Sprintf("%s %s", time.Duration(w.Now()), text))
	if w.do != nil {
		return w.do(a)
	}
	return nil
}

func (w *world) until(d time.Duration) {
	for w.sched.Step(int64(d)) {
	}
}

func engine(t *testing.T, timeline string, seed uint64) (*scenarios.Engine, *world) {
	t.Helper()
	s, err := scenarios.LoadBytes("x.yaml", []byte("extends: default\ntimeline:\n"+timeline), scenarios.Options{})
	require.NoError(t, err)
	w := &world{sched: streams.NewScheduler(0)}
	e := scenarios.NewEngine(&s.Document, w, seed)
	return e, w
}

func TestTimeline(t *testing.T) {
	e, w := engine(t, `
- {at: 3s, do: [{note: third}, {note: and}]}
- {at: 1s, name: first, do: {note: first}}
- {after: {step: first, delay: 500ms}, do: {note: follows}}
- {every: 2s, count: 2, do: {note: tick}}
- {after: started, do: {note: start}}
- {after: {event: sessionOpened, n: 2, delay: 1s, where: {headset: EPOCPLUS-3B9A0001}}, do: {note: second session}}
- {after: {event: warning, n: 0, where: {code: "*"}}, do: {note: each warning}}
- {onCall: {method: subscribe, n: 2}, do: {note: second subscribe}}
- {onCall: {method: "*", n: 0, connection: 7}, do: {note: connection 7}}
- {onCall: {method: createSession, params: {status: active, streams: [eeg]}, delay: 1s}, do: {note: active}}
- {onSample: {stream: com, n: 3}, do: {note: com 3}}
- {onSample: {stream: met, n: 2, repeat: true, headset: EPOCPLUS-3B9A0001}, do: {note: met}}
`, 1)
	e.Start()
	w.until(0)
	call := func(conn uint64, method, params string) { e.OnCall(conn, method, []byte(params)) }
	call(1, "subscribe", "")
	call(1, "subscribe", "{}")
	call(1, "subscribe", "{}")
	call(7, "getCortexInfo", "")
	call(1, "createSession", `{"status":"open"}`)
	call(1, "createSession", `{"status":"active","streams":["mot"]}`)
	call(1, "createSession", `{"status":"active","streams":["mot","eeg"],"more":1}`)
	for _, h := range []string{"EPOCPLUS-3B9A0001", "other", "EPOCPLUS-3B9A0001"} {
		e.Observe(scenarios.Event{Name: scenarios.EvSessionOpened, Fields: map[string]string{"headset": h}})
	}
	e.Observe(scenarios.Event{Name: scenarios.EvWarning})
	e.Observe(scenarios.Event{Name: scenarios.EvWarning, Fields: map[string]string{"code": "104"}})
	e.Observe(scenarios.Event{Name: scenarios.EvWarning, Fields: map[string]string{"code": "103"}})
	assert.Equal(t, streams.KindSet(streams.COM, streams.MET, streams.METLow), e.Streams())
	for range 5 {
		e.OnSample("EPOCPLUS-3B9A0001", streams.COM)
		e.OnSample("EPOCPLUS-3B9A0001", streams.METLow)
		e.OnSample("EPOCX-1", streams.METLow)
		e.OnSample("EPOCPLUS-3B9A0001", streams.EEG)
	}
	w.until(10 * time.Second)
	assert.Equal(t, strings.Split(`0s start
0s second subscribe
0s connection 7
0s each warning
0s each warning
0s met
0s com 3
0s met
1s first
1s active
1s second session
1.5s follows
2s tick
3s third
3s and
4s tick`, "\n"), w.log)
	assert.Empty(t, e.Failures())
}

func TestEngineStops(t *testing.T) {
	e, w := engine(t, `
- {at: 1s, do: {note: one}}
- {every: 1s, do: {note: tick}}
`, 1)
	e.Start()
	e.Start()
	w.until(time.Second)
	e.Stop()
	w.until(time.Minute)
	assert.Equal(t, []string{"1s one", "1s tick"}, w.log)
	assert.Zero(t, w.sched.Len())
	e.Observe(scenarios.Event{Name: scenarios.EvStarted})
	e.OnCall(1, "subscribe", nil)
	e.OnSample("H", streams.EEG)
}

// What has happened is forgotten: nothing is left to cancel, no sample to count.
func TestEngineForgets(t *testing.T) {
	e, w := engine(t, `
- {every: 1ms, count: 1000, do: {note: tick}}
- {onSample: {stream: com, n: 2, headset: EPOCPLUS-3B9A0001}, do: {note: com}}
- {at: 1h, do: {note: late}}
`, 1)
	e.Start()
	w.until(time.Minute)
	assert.Len(t, w.log, 1000)
	for range 2 {
		assert.True(t, e.Streams().Has(streams.COM))
		e.OnSample("EPOCPLUS-3B9A0001", streams.COM)
	}
	assert.Zero(t, e.Streams())
	e.OnSample("EPOCPLUS-3B9A0001", streams.COM)
	w.until(2 * time.Minute)
	assert.Len(t, w.log, 1001)
	e.Stop()
	assert.Equal(t, 1, w.cancelled, "the step at 1h")
	e.Stop()
	assert.Equal(t, 1, w.cancelled)
}

// A step that a failing action stands in goes on; the failure is told.
func TestFailures(t *testing.T) {
	e, w := engine(t, "- {at: 1s, name: s, do: [{note: a}, {note: b}]}\n", 1)
	w.do = func(a scenarios.Action) error {
		if a.Args.(*scenarios.Note).Text == "a" {
			return errors.New("cannot")
		}
		return nil
	}
	e.Start()
	w.until(time.Minute)
	assert.Equal(t, []string{"1s a", "1s b"}, w.log)
	require.Len(t, e.Failures(), 1)
	assert.EqualError(t, e.Failures()[0], "s: note: cannot")
}

// Steps that trigger each other for ever end with a failure, not with a hang.
func TestEndlessSteps(t *testing.T) {
	e, w := engine(t, `
- {after: {event: warning, n: 0}, do: {warning: 19}}
`, 1)
	w.do = func(scenarios.Action) error {
		e.Observe(scenarios.Event{Name: scenarios.EvWarning, Fields: map[string]string{"code": "19"}})
		return nil
	}
	e.Start()
	e.Observe(scenarios.Event{Name: scenarios.EvWarning})
	w.until(time.Second)
	require.Len(t, e.Failures(), 1)
	assert.ErrorContains(t, e.Failures()[0], "for ever")
}

// Chance follows the seed, and each step has its own.
func TestProbability(t *testing.T) {
	run := func(timeline string, seed uint64) (string, int) {
		e, w := engine(t, timeline, seed)
		e.Start()
		w.until(200 * time.Second)
		var mine []string
		for _, l := range w.log {
			if strings.HasSuffix(l, " a") {
				mine = append(mine, l)
			}
		}
		return strings.Join(mine, "\n"), len(mine)
	}
	one := "- {every: 1s, name: a, probability: 0.3, do: {note: a}}\n"
	two := "- {every: 1s, name: b, probability: 0.3, do: {note: b}}\n" + one
	first, n := run(one, 1)
	assert.InDelta(t, 60, n, 25)
	again, _ := run(one, 1)
	assert.Equal(t, first, again)
	other, _ := run(one, 2)
	assert.NotEqual(t, first, other)
	beside, _ := run(two, 1)
	assert.Equal(t, first, beside)
	_, never := run("- {every: 1s, probability: 0, do: {note: a}}\n", 1)
	assert.Zero(t, never)
}

func TestParseAction(t *testing.T) {
	a, err := scenarios.ParseAction([]byte(`{"battery":{"percent":12.5}}`))
	require.NoError(t, err)
	assert.Equal(t, 12.5, *a.Args.(*scenarios.Battery).Percent)
	a, err = scenarios.ParseAction([]byte(`logOut`))
	require.NoError(t, err)
	assert.Equal(t, scenarios.DoLogOut, a.Name)
	_, err = scenarios.ParseAction([]byte(`{"batery":{}}`))
	assert.ErrorContains(t, err, `did you mean "battery"?`)
	_, err = scenarios.ParseAction([]byte(`{"quota":"many"}`))
	assert.ErrorContains(t, err, `action:1:10: quota: "many" is not a whole number`)
	_, err = scenarios.ParseAction([]byte(`{"send":{}}`))
	assert.ErrorContains(t, err, "exactly one of frame, text or hex")
	_, err = scenarios.ParseAction([]byte(`[`))
	assert.Error(t, err)
	_, err = scenarios.ParseAction(nil)
	assert.Error(t, err)

	r, err := scenarios.ParseRule([]byte(`{"on":{"method":"authorize","direction":"in"},"latency":"3s"}`))
	require.NoError(t, err)
	assert.Equal(t, "3s", r.Latency.Fixed.String())
	_, err = scenarios.ParseRule([]byte(`{"on":"answer"}`))
	assert.ErrorContains(t, err, "has 0 faults")
}
