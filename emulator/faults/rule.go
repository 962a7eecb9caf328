package faults

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/fakecortex/fakecortex/scenarios/strict"
)

// Duration is a length of virtual time, written "1.5s".
type Duration = strict.Duration

// Rule is one fault and the frames that it hits. Exactly one fault is set. The
// JSON form is that of a scenario's YAML.
type Rule struct {
	ID string `json:"id,omitempty" doc:"Name, to take it away again; made up when absent."`
	On Match  `json:"on" doc:"Which frames it hits; absent: everything that is sent."`

	Latency   *Latency   `json:"latency,omitempty" doc:"Hold each frame back for a time; the order of the frames that this rule hits is kept."`
	Stall     *Stall     `json:"stall,omitempty" doc:"Hold everything back, then let it go at once."`
	Burst     *Burst     `json:"burst,omitempty" doc:"Gather frames and let them go together, again and again."`
	Drop      *Drop      `json:"drop,omitempty" doc:"Lose the frame; an answer that is lost never comes."`
	Duplicate *Duplicate `json:"duplicate,omitempty" doc:"Send it more than once."`
	Reorder   *Reorder   `json:"reorder,omitempty" doc:"Change the order of neighbours."`
	Truncate  *Truncate  `json:"truncate,omitempty" doc:"Cut its end off."`
	Corrupt   *Corrupt   `json:"corrupt,omitempty" doc:"Change some of its bytes."`
	Fragment  *Fragment  `json:"fragment,omitempty" doc:"Send it as several WebSocket fragments."`
	Bandwidth *Bandwidth `json:"bandwidth,omitempty" doc:"Limit the bytes per second."`
	Close     *Close     `json:"close,omitempty" doc:"Close the connection with a code in the place of the frame."`
	Reset     *Reset     `json:"reset,omitempty" doc:"Reset the connection in the place of the frame."`
	Error     *Error     `json:"error,omitempty" doc:"Answer the call with an error, and do not serve it; with kind answer it is served, and only its answer is an error."`
	WrongID   *WrongID   `json:"wrongId,omitempty" doc:"Give the answer another id."`
	Wait      *Wait      `json:"wait,omitempty" doc:"Hold it back until other frames have gone ahead."`
	Insert    *Insert    `json:"insert,omitempty" doc:"Send another frame before or after it."`
	Refuse    *Refuse    `json:"refuse,omitempty" doc:"Refuse the connection (on handshakes only)."`
	SlowTLS   *SlowTLS   `json:"slowTls,omitempty" doc:"Answer the TLS handshake late (on handshakes only)."`
}

// Match says which frames a rule hits. Empty fields match all.
type Match struct {
	Direction   string   `json:"direction,omitempty" enum:"out|in" doc:"out: to the client; in: requests, before they are served. Absent: in when kind is request or the fault is an error, else out."`
	Kind        []string `json:"kind,omitempty" enum:"answer|warning|sample|request|handshake" rule:"single,short" doc:"Absent: answers, warnings and samples with out, requests with in."`
	Method      []string `json:"method,omitempty" rule:"single" doc:"Methods of answers or requests."`
	Stream      []string `json:"stream,omitempty" enum:"eeg|mot|dev|eq|pow|met|com|fac|sys" rule:"single" doc:"Streams of samples."`
	Connection  int      `json:"connection,omitempty" min:"0" doc:"Number of the connection since the start, from 1."`
	Headset     string   `json:"headset,omitempty" ref:"headset" doc:"Headset of samples."`
	Code        []int    `json:"code,omitempty" rule:"single" doc:"Code of warnings, or of errors in answers."`
	Skip        int      `json:"skip,omitempty" min:"0" doc:"Leave the first frames that match alone."`
	Nth         int      `json:"nth,omitempty" min:"0" doc:"Hit each n-th frame that matches."`
	Count       int      `json:"count,omitempty" min:"0" doc:"Hit that many frames, then no more; 0: all."`
	Probability *float64 `json:"probability,omitempty" min:"0" max:"1" doc:"Of each frame, by the seed of the world; absent: 1."`
	From        Duration `json:"from,omitempty" doc:"Virtual time from the start, or from when the rule was added."`
	To          Duration `json:"to,omitempty" doc:"0s: without end."`
}

// Latency is a delay: exactly one of its forms is set.
type Latency struct {
	Fixed     *Duration  `json:"fixed,omitempty" rule:"short" max:"24h"`
	Uniform   []Duration `json:"uniform,omitempty" max:"2" doc:"Least and most."`
	Normal    *Normal    `json:"normal,omitempty"`
	LogNormal *LogNormal `json:"lognormal,omitempty"`
}

// Normal is a normal distribution, cut at 0.
type Normal struct {
	Mean Duration `json:"mean" rule:"required" max:"24h"`
	SD   Duration `json:"sd" rule:"required" max:"24h"`
}

// LogNormal has a long tail, as networks have.
type LogNormal struct {
	Median Duration `json:"median" rule:"required" max:"24h"`
	Sigma  float64  `json:"sigma" default:"0.5" min:"0" max:"3"`
}

// The other faults.
type (
	// Stall holds frames back from the first hit on.
	Stall struct {
		For Duration `json:"for" rule:"required,short" min:"1ms" max:"24h"`
	}
	// Burst lets frames go at the multiples of a period.
	Burst struct {
		Every Duration `json:"every" rule:"required,short" min:"1ms" max:"24h"`
	}
	// Drop has no arguments.
	Drop struct{}
	// Duplicate sends copies behind the frame.
	Duplicate struct {
		Times int      `json:"times" default:"2" min:"2" max:"100" rule:"short" doc:"How often in all."`
		Gap   Duration `json:"gap,omitempty" max:"24h" doc:"Between the copies."`
	}
	// Reorder gathers frames and sends them in another order.
	Reorder struct {
		Window  int      `json:"window" default:"2" min:"2" max:"1000" rule:"short" doc:"How many frames change places."`
		Shuffle bool     `json:"shuffle" doc:"By the seed; false: the other way round."`
		Timeout Duration `json:"timeout" default:"1s" min:"1ms" max:"24h" doc:"When fewer than that come."`
	}
	// Truncate keeps the first bytes.
	Truncate struct {
		Keep *int `json:"keep,omitempty" min:"0" rule:"short" doc:"Bytes that stay."`
		Cut  *int `json:"cut,omitempty" min:"1" doc:"Bytes that go."`
	}
	// Corrupt changes bytes at places that the seed chooses.
	Corrupt struct {
		Bytes int `json:"bytes" default:"1" min:"1" max:"65536" rule:"short"`
	}
	// Fragment splits a message.
	Fragment struct {
		Size int `json:"size" default:"16" min:"1" max:"1048576" rule:"short" doc:"Bytes of a fragment."`
	}
	// Bandwidth lets frames wait for those before them.
	Bandwidth struct {
		BytesPerSecond int `json:"bytesPerSecond" rule:"required,short" min:"1" max:"1000000000"`
	}
	// Close closes the connection.
	Close struct {
		Code   int    `json:"code" default:"1011" min:"1000" max:"4999" rule:"short"`
		Reason string `json:"reason,omitempty" doc:"At most 123 bytes."`
	}
	// Reset has no arguments.
	Reset struct{}
	// Error is an error answer.
	Error struct {
		Code    int         `json:"code" rule:"required,short" min:"-33000" max:"-32000"`
		Message string      `json:"message,omitempty" doc:"Absent: the text of the code."`
		Data    strict.JSON `json:"data,omitempty"`
	}
	// WrongID is another id.
	WrongID struct {
		ID strict.JSON `json:"id,omitempty" rule:"short" doc:"The id; absent: the right one plus 1000, or with a mark if it is a text."`
	}
	// Wait holds a frame until others of its connection have gone ahead.
	Wait struct {
		For     string   `json:"for" enum:"sample|warning|answer" rule:"required,short" doc:"Kind of the frames that go ahead."`
		Stream  string   `json:"stream,omitempty" enum:"eeg|mot|dev|eq|pow|met|com|fac|sys" doc:"Of samples."`
		Count   int      `json:"count" default:"1" min:"1" max:"100000"`
		Timeout Duration `json:"timeout" default:"5s" min:"1ms" max:"24h"`
	}
	// Insert sends another frame beside it.
	Insert struct {
		Before strict.JSON `json:"before,omitempty"`
		After  strict.JSON `json:"after,omitempty"`
	}
	// Refuse has no arguments: on.count says how many connections.
	Refuse struct{}
	// SlowTLS delays the handshake.
	SlowTLS struct {
		Delay Duration `json:"delay" rule:"required,short" min:"1ms" max:"5m"`
	}
)

// Fault returns the name of the rule's fault and the number of faults that are
// set, which is 1 in a rule that is right.
func (r *Rule) Fault() (name string, n int) {
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"latency", r.Latency != nil}, {"stall", r.Stall != nil}, {"burst", r.Burst != nil}, {"drop", r.Drop != nil},
		{"duplicate", r.Duplicate != nil}, {"reorder", r.Reorder != nil}, {"truncate", r.Truncate != nil},
		{"corrupt", r.Corrupt != nil}, {"fragment", r.Fragment != nil}, {"bandwidth", r.Bandwidth != nil},
		{"close", r.Close != nil}, {"reset", r.Reset != nil}, {"error", r.Error != nil}, {"wrongId", r.WrongID != nil},
		{"wait", r.Wait != nil}, {"insert", r.Insert != nil}, {"refuse", r.Refuse != nil}, {"slowTls", r.SlowTLS != nil},
	} {
		if f.set {
			name = f.name
			n++
		}
	}
	return name, n
}

// Names returns the names of all faults.
func Names() []string {
	return []string{
		"latency", "stall", "burst", "drop", "duplicate", "reorder", "truncate", "corrupt", "fragment", "bandwidth",
		"close", "reset", "error", "wrongId", "wait", "insert", "refuse", "slowTls",
	}
}

// Problem is what is wrong with a field of a rule.
type Problem struct {
	Path, Text, Allowed string
}

// Check returns what is wrong with the rule as a whole: what the types of its
// fields cannot say.
func (r *Rule) Check() []Problem {
	var out []Problem
	bad := func(path, text, allowed string) { out = append(out, Problem{path, text, allowed}) }
	name, n := r.Fault()
	if n != 1 {
		bad("", "has "+strconv.Itoa(n)+" faults", "exactly one of "+strict.Words(Names()))
		return out
	}
	in := r.in()
	handshake := false
	for _, k := range r.On.Kind {
		switch {
		case k == "handshake":
			handshake = true
		case in != (k == "request"):
			bad("on.kind", k+" does not go in this direction, "+map[bool]string{true: "in", false: "out"}[in]+"", map[bool]string{true: "request", false: "answer, warning or sample"}[in])
		}
	}
	r.checkMatch(bad)
	switch name {
	case "refuse", "slowTls":
		if len(r.On.Kind) > 0 && (!handshake || len(r.On.Kind) > 1) {
			bad("on.kind", name+" is a fault of handshakes", "handshake")
		}
	default:
		if handshake {
			bad("on.kind", name+" is not a fault of handshakes", "refuse or slowTls")
		}
	}
	switch name {
	case "error", "wrongId":
		if in && name == "wrongId" {
			bad("on.direction", name+" is a fault of answers", "out")
		}
		for _, k := range r.On.Kind {
			if k != "answer" && !in {
				bad("on.kind", name+" is a fault of answers", "answer")
			}
		}
	case "fragment", "wait", "insert":
		if in {
			bad("on.direction", name+" is a fault of what is sent", "out")
		}
	}
	if r.On.To > 0 && r.On.To <= r.On.From {
		bad("on.to", "the window ends before it begins", "more than from, "+r.On.From.String())
	}
	if l := r.Latency; l != nil {
		forms := 0
		for _, set := range []bool{l.Fixed != nil, l.Uniform != nil, l.Normal != nil, l.LogNormal != nil} {
			if set {
				forms++
			}
		}
		if forms != 1 {
			bad("latency", "a latency has exactly one form", "fixed, uniform, normal or lognormal")
		}
		if l.Uniform != nil && (len(l.Uniform) != 2 || l.Uniform[0] > l.Uniform[1]) {
			bad("latency.uniform", "is not a span", "two durations, the least first, such as [10ms, 50ms]")
		}
	}
	if t := r.Truncate; t != nil && (t.Keep == nil) == (t.Cut == nil) {
		bad("truncate", "says not how much", "keep or cut")
	}
	if c := r.Close; c != nil {
		if len(c.Reason) > 123 {
			bad("close.reason", "is too long for a close frame", "at most 123 bytes")
		}
		if c.Code == 1004 || c.Code == 1005 || c.Code == 1015 || c.Code > 1015 && c.Code < 3000 {
			bad("close.code", strconv.Itoa(c.Code)+" cannot be sent in a close frame", "1000 to 1003, 1006 (cut), 1007 to 1014 or 3000 to 4999")
		}
	}
	if i := r.Insert; i != nil && i.Before == nil && i.After == nil {
		bad("insert", "has no frame", "before or after")
	}
	if w := r.WrongID; w != nil && w.ID != nil {
		var v any
		if json.Unmarshal(w.ID, &v) == nil {
			switch v.(type) {
			case float64, string, nil:
			default:
				bad("wrongId.id", "is not an id", "a number, a text or null")
			}
		}
	}
	return out
}

// checkMatch finds what on asks for that no frame of the rule has.
func (r *Rule) checkMatch(bad func(path, text, allowed string)) {
	m := &r.On
	some := func(kinds ...Kind) bool { return slices.ContainsFunc(kinds, r.wants) }
	for _, x := range []struct {
		path, what string
		asked      bool
		kinds      []Kind // of the frames that have it
	}{
		{"on.method", "a method", len(m.Method) > 0, []Kind{Answer, Request}},
		{"on.stream", "a stream", len(m.Stream) > 0, []Kind{Sample}},
		{"on.headset", "a headset", m.Headset != "", []Kind{Sample}},
		{"on.code", "a code", len(m.Code) > 0, []Kind{Answer, Warning}},
	} {
		if x.asked && !some(x.kinds...) {
			names := make([]string, len(x.kinds))
			for i, k := range x.kinds {
				names[i] = k.String()
			}
			bad(x.path, "no frame that the rule is about has "+x.what+": it can never hit", "frames of kind "+strict.Words(names))
		}
	}
}

// in reports whether the rule is about requests.
func (r *Rule) in() bool {
	switch m := &r.On; {
	case m.Direction != "":
		return m.Direction == "in"
	case len(m.Kind) == 0:
		return r.Error != nil // a call that is refused has not been served
	default:
		return len(m.Kind) == 1 && m.Kind[0] == "request"
	}
}
