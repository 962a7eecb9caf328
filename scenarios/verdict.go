package scenarios

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fakecortex/fakecortex/streams"
)

// EntryKind is what an entry of the journal is.
type EntryKind string

// The kinds of entries.
const (
	EntryOpened  EntryKind = "opened"  // a connection
	EntryClosed  EntryKind = "closed"  // a connection; Code is the close code
	EntryCall    EntryKind = "call"    // a request of the client
	EntryAnswer  EntryKind = "answer"  // a success
	EntryError   EntryKind = "error"   // an error answer; Code and Message
	EntryWarning EntryKind = "warning" // Code, Message
	EntrySample  EntryKind = "sample"  // Stream, Headset
	EntryEvent   EntryKind = "event"   // Event, Fields
	EntryAction  EntryKind = "action"  // Event is the action, Step who did it
	EntryFault   EntryKind = "fault"   // Event is the fault, ID the rule
	EntryNote    EntryKind = "note"    // Message
)

// ByRule is the Why of an error that a rule of the faults has answered, and not the
// service.
const ByRule = "a rule of the faults"

// Entry is one line of the journal: what happened, when, on which connection.
// What does not apply is empty.
type Entry struct {
	At      int64             `json:"at"`             // virtual time, Unix nanoseconds
	Conn    uint64            `json:"conn,omitempty"` // number of the connection since the start, from 1
	Kind    EntryKind         `json:"kind"`
	Method  string            `json:"method,omitempty"`
	ID      JSON              `json:"id,omitempty"`
	Params  JSON              `json:"params,omitempty"`
	Result  JSON              `json:"result,omitempty"`
	Code    int               `json:"code,omitempty"`
	Message JSON              `json:"message,omitempty"`
	Why     string            `json:"why,omitempty"` // the plain reason of an error; of an end by the service
	Stream  string            `json:"stream,omitempty"`
	Headset string            `json:"headset,omitempty"`
	Session string            `json:"session,omitempty"`
	Event   string            `json:"event,omitempty"`
	Fields  map[string]string `json:"fields,omitempty"`
	Step    string            `json:"step,omitempty"`
	// Samples of a connection that ended: how many it was sent, by headset and stream.
	Samples map[string]map[string]uint64 `json:"samples,omitempty"`
}

// Outcome is what became of one expectation.
type Outcome struct {
	Name    string `json:"name"`
	Why     string `json:"why,omitempty"`
	Passed  bool   `json:"passed"`
	Message string `json:"message,omitempty"` // what is wrong, with what came nearest
	At      int64  `json:"at,omitempty"`      // when it was clear, Unix nanoseconds
	Conn    uint64 `json:"conn,omitempty"`
}

// Verdict holds expectations against the journal. It belongs to one goroutine.
type Verdict struct {
	start   int64
	tests   []*test
	calls   map[string]int
	streams streams.Kinds
}

type pattern struct {
	*Pattern
	params, result wanted
}

// test is an expectation with its state.
type test struct {
	*Expectation
	name                 string
	must, mustNot        *pattern
	after, before        *pattern
	order                []*pattern
	firsts               []*Entry // of order
	open                 bool
	closed               bool
	opened               int64 // when it began to count
	ended                int64 // when before matched, 0: never
	count                int
	failed               *Outcome
	near                 string // what came nearest
	nearScore            int
	beforeStart, tooLate int // matches outside of the time that counts
	firstLate            int64
}

// NewVerdict returns a verdict over the expectations of a document whose
// scenario starts at start.
func NewVerdict(doc *Document, start int64) *Verdict {
	v := &Verdict{start: start, calls: map[string]int{}}
	compile := func(p *Pattern) *pattern {
		if p == nil {
			return nil
		}
		if k, ok := streams.ParseKind(p.Sample); ok {
			v.streams |= streams.KindSet(k)
			if k == streams.MET {
				v.streams |= streams.KindSet(streams.METLow)
			}
		}
		return &pattern{p, want(p.Params), want(p.Result)}
	}
	for i := range doc.Expectations {
		e := &doc.Expectations[i]
		t := &test{Expectation: e, name: e.Name, must: compile(e.Must), mustNot: compile(e.MustNot), after: compile(e.After), before: compile(e.Before)}
		for j := range e.Order {
			t.order = append(t.order, compile(&e.Order[j]))
		}
		t.firsts = make([]*Entry, len(t.order))
		t.open, t.opened = t.after == nil, start
		if t.name == "" {
			t.name = t.describe()
		}
		v.tests = append(v.tests, t)
	}
	return v
}

// Streams returns the streams whose samples Observe has to see; other samples
// need not be shown.
func (v *Verdict) Streams() streams.Kinds { return v.streams }

// Observe takes the next entry of the journal.
func (v *Verdict) Observe(e Entry) {
	if e.Kind == EntryCall && (len(v.calls) < 100 && len(e.Method) <= maxTrackedName || v.calls[e.Method] > 0) {
		v.calls[e.Method]++
	}
	for _, t := range v.tests {
		t.observe(&e, v.start)
	}
}

func (t *test) observe(e *Entry, start int64) {
	switch {
	case t.failed != nil:
		return
	case !t.open:
		if ok, _, _ := t.after.match(e); ok {
			t.open, t.opened = true, e.At
			return
		}
		if t.must != nil {
			if ok, _, _ := t.must.match(e); ok {
				t.beforeStart++
			}
		}
		return
	case !t.closed && t.before != nil:
		if ok, _, _ := t.before.match(e); ok {
			t.closed, t.ended = true, e.At
			return
		}
	}
	late := t.closed || t.Within != nil && e.At > t.opened+int64(*t.Within)
	switch {
	case t.must != nil:
		ok, score, why := t.must.match(e)
		switch {
		case ok && late:
			if t.tooLate++; t.tooLate == 1 {
				t.firstLate = e.At
			}
		case ok:
			t.count++
			if most, limited := t.most(); limited && t.count > most {
				t.fail(e, fmt.Sprintf("%s came %s, the last at %s; want %s", t.must.describe(), times(t.count), clock(e.At, start), t.howOften()))
			}
		case score > t.nearScore && !late:
			t.nearScore = score
			t.near = fmt.Sprintf("%s at %s (%s)", e.describe(), clock(e.At, start), why)
		}
	case t.mustNot != nil:
		if ok, _, _ := t.mustNot.match(e); ok && !late {
			t.fail(e, fmt.Sprintf("%s came at %s%s", e.describe(), clock(e.At, start), on(e.Conn)))
		}
	case late:
	default:
		for i, p := range t.order {
			if t.firsts[i] != nil {
				continue
			}
			if ok, _, _ := p.match(e); !ok {
				continue
			}
			for j := range i {
				if t.firsts[j] == nil {
					t.fail(e, fmt.Sprintf("%s came at %s, before %s", e.describe(), clock(e.At, start), t.order[j].describe()))
					return
				}
			}
			c := *e
			t.firsts[i] = &c
			break // one entry is one step of the order
		}
	}
}

func (t *test) fail(e *Entry, message string) {
	t.failed = &Outcome{Message: message + t.when(), At: e.At, Conn: e.Conn}
}

func (t *test) least() int {
	switch {
	case t.Count == nil:
		return 1
	case t.Count.Exactly != nil:
		return *t.Count.Exactly
	case t.Count.Min != nil:
		return *t.Count.Min
	}
	return 0
}

func (t *test) most() (int, bool) {
	switch {
	case t.Count == nil:
		return 0, false
	case t.Count.Exactly != nil:
		return *t.Count.Exactly, true
	case t.Count.Max != nil:
		return *t.Count.Max, true
	}
	return 0, false
}

func (t *test) howOften() string {
	most, limited := t.most()
	switch least := t.least(); {
	case limited && least == most:
		return times(most)
	case limited && least > 0:
		return fmt.Sprintf("%d to %d times", least, most)
	case limited:
		return "at most " + times(most)
	default:
		return "at least " + times(least)
	}
}

func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return strconv.Itoa(n) + " times"
}

// when says in which time the expectation counts.
func (t *test) when() string {
	var b strings.Builder
	if t.Within != nil {
		fmt.Fprintf(&b, " within %s", *t.Within)
	}
	if t.after != nil {
		fmt.Fprintf(&b, " after %s", t.after.describe())
	}
	if t.before != nil {
		fmt.Fprintf(&b, " before %s", t.before.describe())
	}
	return b.String()
}

func (t *test) describe() string {
	switch {
	case t.must != nil:
		return t.must.describe() + t.when()
	case t.mustNot != nil:
		return "no " + t.mustNot.describe() + t.when()
	}
	parts := make([]string, len(t.order))
	for i, p := range t.order {
		parts[i] = p.describe()
	}
	return strings.Join(parts, ", then ") + t.when()
}

// Finish returns what became of each expectation when the run ended at now.
func (v *Verdict) Finish(now int64) []Outcome {
	out := make([]Outcome, len(v.tests))
	for i, t := range v.tests {
		out[i] = t.finish(v, now)
		out[i].Name, out[i].Why = t.name, t.Why
	}
	return out
}

func (t *test) finish(v *Verdict, now int64) Outcome {
	if t.failed != nil {
		return *t.failed
	}
	bad := func(format string, args ...any) Outcome {
		return Outcome{Message: fmt.Sprintf(format, args...), At: now}
	}
	if !t.open {
		if t.mustNot != nil || t.Optional || t.must != nil && t.least() == 0 {
			return Outcome{Passed: true, At: now}
		}
		return bad("its beginning never came: %s", t.after.describe())
	}
	switch {
	case t.must != nil && t.count < t.least():
		text := "no " + t.must.describe() + t.when()
		if t.count > 0 {
			text = fmt.Sprintf("%s came only %s%s; want %s", t.must.describe(), times(t.count), t.when(), t.howOften())
		}
		if t.Within != nil && !t.closed && now < t.opened+int64(*t.Within) {
			text += fmt.Sprintf(" (the run ended %s into that time)", time.Duration(now-t.opened).Round(time.Millisecond))
		}
		switch {
		case t.tooLate > 0 && t.closed && (t.Within == nil || t.ended <= t.opened+int64(*t.Within)):
			text += fmt.Sprintf("; nearest: it came at %s, %s too late", clock(t.firstLate, v.start), time.Duration(t.firstLate-t.ended))
		case t.tooLate > 0:
			text += fmt.Sprintf("; nearest: it came at %s, %s too late", clock(t.firstLate, v.start), time.Duration(t.firstLate-t.opened-int64(*t.Within)))
		case t.near != "":
			text += "; nearest: " + t.near
		case t.beforeStart > 0:
			text += "; nearest: it came " + times(t.beforeStart) + " before that"
		case t.must.Call+t.must.Answer != "" && t.count == 0:
			text += "; the client called " + v.called()
		}
		return bad("%s", text)
	case t.order != nil:
		for i, first := range t.firsts {
			if first == nil {
				text := "no " + t.order[i].describe()
				if i > 0 {
					text += fmt.Sprintf(" behind %s at %s", t.firsts[i-1].describe(), clock(t.firsts[i-1].At, v.start))
				}
				return bad("%s%s", text, t.when())
			}
		}
	}
	return Outcome{Passed: true, At: now}
}

// called lists the methods that the client called.
func (v *Verdict) called() string {
	if len(v.calls) == 0 {
		return "nothing"
	}
	var parts []string
	for _, m := range slices.Sorted(maps.Keys(v.calls)) {
		parts = append(parts, fmt.Sprintf("%s %s", m, times(v.calls[m])))
	}
	return cut(strings.Join(parts, ", "))
}

// match compares an entry. The score says how near it is when it does not match,
// and why what is in the way.
func (p *pattern) match(e *Entry) (ok bool, score int, why string) {
	method := ""
	switch {
	case p.Call != "":
		if e.Kind != EntryCall {
			return false, 0, ""
		}
		method = p.Call
	case p.Answer != "":
		if e.Kind == EntryError && e.Method == p.Answer {
			return false, 1, fmt.Sprintf("it is an error, %d", e.Code)
		}
		if e.Kind != EntryAnswer {
			return false, 0, ""
		}
		method = p.Answer
	case p.Error != "":
		if e.Kind == EntryAnswer && e.Method == p.Error {
			return false, 1, "it is a success"
		}
		if e.Kind != EntryError {
			return false, 0, ""
		}
		method = p.Error
	case p.Warning != nil:
		if e.Kind != EntryWarning || e.Code != *p.Warning {
			return false, 0, ""
		}
	case p.Sample != "":
		if e.Kind != EntrySample || e.Stream != p.Sample {
			return false, 0, ""
		}
	case p.Event != "":
		if e.Kind != EntryEvent || e.Event != p.Event {
			return false, 0, ""
		}
		if !matchFields(p.Where, e.Fields) {
			return false, 1, "its fields are " + short(e.Fields)
		}
	case p.Opened:
		if e.Kind != EntryOpened {
			return false, 0, ""
		}
	case p.Closed:
		if e.Kind != EntryClosed {
			return false, 0, ""
		}
	}
	if method != "" && method != "*" && method != e.Method {
		return false, 0, ""
	}
	if p.Connection != 0 && uint64(p.Connection) != e.Conn {
		return false, 2, fmt.Sprintf("it is on connection %d", e.Conn)
	}
	if p.Code != nil && *p.Code != e.Code {
		return false, 2, fmt.Sprintf("its code is %d, want %d", e.Code, *p.Code)
	}
	if d := p.params.differs(e.Params, "params"); d != "" {
		return false, 3, d
	}
	if d := p.result.differs(e.Result, "result"); d != "" {
		return false, 3, d
	}
	return true, 4, ""
}

// describe says what the pattern asks for.
func (p *pattern) describe() string {
	var s string
	switch {
	case p.Call != "":
		s = p.Call
		if s == "*" {
			s = "call"
		}
	case p.Answer != "":
		s = "answer to " + p.Answer
	case p.Error != "":
		s = "error answer to " + p.Error
		if p.Error == "*" {
			s = "error answer"
		}
	case p.Warning != nil:
		s = "warning " + strconv.Itoa(*p.Warning)
	case p.Sample != "":
		s = p.Sample + " sample"
	case p.Event != "":
		s = p.Event
	case p.Opened:
		s = "new connection"
	case p.Closed:
		s = "end of a connection"
	}
	if p.Code != nil {
		s += " with code " + strconv.Itoa(*p.Code)
	}
	for _, raw := range []JSON{p.Params, p.Result} {
		if len(raw) > 0 {
			s += " " + cut(string(raw))
		}
	}
	if len(p.Where) > 0 {
		s += " " + short(p.Where)
	}
	return s + on(uint64(p.Connection))
}

// describe says what an entry is.
func (e *Entry) describe() string {
	switch e.Kind {
	case EntryCall:
		if len(e.Params) > 0 && len(e.Params) <= 200 {
			return strings.TrimSpace(e.Method + " " + hideSecrets(e.Params))
		}
		return e.Method
	case EntryAnswer:
		return "answer to " + e.Method
	case EntryError:
		return fmt.Sprintf("error %d to %s", e.Code, e.Method)
	case EntryWarning:
		return "warning " + strconv.Itoa(e.Code)
	case EntrySample:
		return e.Stream + " sample"
	case EntryOpened:
		return "new connection"
	case EntryClosed:
		return "end of a connection"
	}
	return e.Event
}

// hideSecrets leaves out of a request what makes messages long and is nobody's
// business.
func hideSecrets(params JSON) string {
	var m map[string]json.RawMessage
	if json.Unmarshal(params, &m) != nil {
		return cut(string(params))
	}
	for _, k := range []string{"cortexToken", "clientId", "clientSecret"} {
		delete(m, k)
	}
	if len(m) == 0 {
		return ""
	}
	return short(m)
}

func on(conn uint64) string {
	if conn == 0 {
		return ""
	}
	return " on connection " + strconv.FormatUint(conn, 10)
}

// clock returns the time since the start.
func clock(at, start int64) string { return time.Duration(at - start).Round(time.Millisecond).String() }
