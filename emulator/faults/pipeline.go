package faults

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/fakecortex/fakecortex/streams"
)

// maxRules bounds the rules of one pipeline.
const maxRules = 1000

// maxHeld bounds the frames that rules hold back, maxHeldBytes their size; beyond
// it they are let go.
const (
	maxHeld      = 10_000
	maxHeldBytes = 64 << 20
)

// Options say how a pipeline begins.
type Options struct {
	Seed  uint64
	Start int64 // virtual time of the start
	// ErrorText returns the text of an error code; nil makes texts up.
	ErrorText func(code int) string
	// Hit is told of each frame that a rule hits, before what it does to it.
	Hit func(id, fault string, f *Frame)
}

// Pipeline applies rules to frames. It belongs to one goroutine.
type Pipeline struct {
	options Options
	now     int64
	rules   []*rule
	added   int
	held    []held
	bytes   int // of held
	out     []Delivery
	kinds   uint8
	streams streams.Kinds
}

// rule is a Rule with its state.
type rule struct {
	Rule
	fault   fault
	at      int64 // when it was added
	rng     *rand.Rand
	seen    int // frames that matched
	hits    int // frames that were hit
	removed bool
}

// fault is what a rule does to a frame that it hits. apply passes on what
// remains of it with p.pass.
type fault interface {
	apply(p *Pipeline, r *rule, it item)
}

// held is a frame that waits inside for something to happen.
type held struct {
	rule     *rule
	item     item
	deadline int64
	wait     *Wait // nil: for its deadline only
	left     int   // frames that have to go ahead
}

// Status is a rule and what it has done so far.
type Status struct {
	Rule    Rule `json:"rule"`
	Matched int  `json:"matched"`
	Hits    int  `json:"hits"`
	Held    int  `json:"held"`
}

// New returns a pipeline without rules.
func New(options Options) *Pipeline { return &Pipeline{options: options, now: options.Start} }

// Add adds a rule behind the others and returns its id. Rules are checked; the
// error names all that is wrong.
func (p *Pipeline) Add(now int64, r Rule) (string, error) {
	if problems := r.Check(); len(problems) > 0 {
		var lines []string
		for _, x := range problems {
			lines = append(lines, strings.TrimPrefix(x.Path+": "+x.Text+"; want "+x.Allowed, ": "))
		}
		return "", fmt.Errorf("fault: %s", strings.Join(lines, "\n"))
	}
	if len(p.rules) >= maxRules {
		return "", fmt.Errorf("fault: there are %d rules already; want at most that many", maxRules)
	}
	p.added++
	if r.ID == "" {
		name, _ := r.Fault()
		r.ID = name + "-" + strconv.Itoa(p.added)
	}
	if slices.ContainsFunc(p.rules, func(x *rule) bool { return x.ID == r.ID }) {
		return "", fmt.Errorf("fault: id %q is taken; want another", r.ID)
	}
	h := fnv.New64a()
	h.Write([]byte(r.ID))
	x := &rule{Rule: r, at: now, rng: rand.New(rand.NewPCG(p.options.Seed, h.Sum64()))}
	x.fault = x.build()
	p.rules = append(p.rules, x)
	p.mask()
	return r.ID, nil
}

// build returns the mechanism of the rule's fault.
func (r *rule) build() fault {
	switch {
	case r.Latency != nil:
		return &latency{Latency: *r.Latency}
	case r.Stall != nil:
		return &stall{Stall: *r.Stall}
	case r.Burst != nil:
		return burst{*r.Burst}
	case r.Drop != nil:
		return drop{}
	case r.Duplicate != nil:
		return duplicate{*r.Duplicate}
	case r.Reorder != nil:
		return &reorder{Reorder: *r.Reorder}
	case r.Truncate != nil:
		return truncate{*r.Truncate}
	case r.Corrupt != nil:
		return corrupt{*r.Corrupt}
	case r.Fragment != nil:
		return fragment{*r.Fragment}
	case r.Bandwidth != nil:
		return &bandwidth{Bandwidth: *r.Bandwidth}
	case r.Close != nil:
		return closing{*r.Close}
	case r.Reset != nil:
		return reset{}
	case r.Error != nil:
		return errorAnswer{*r.Error}
	case r.WrongID != nil:
		return wrongID{*r.WrongID}
	case r.Wait != nil:
		return wait{*r.Wait}
	case r.Insert != nil:
		return insert{*r.Insert}
	case r.Refuse != nil:
		return refuse{}
	}
	return slowTLS{*r.SlowTLS}
}

// Remove takes a rule away; what it holds is due at once (see Next).
func (p *Pipeline) Remove(id string) bool {
	i := slices.IndexFunc(p.rules, func(r *rule) bool { return r.ID == id })
	if i < 0 {
		return false
	}
	p.forgetRule(i)
	p.mask()
	return true
}

func (p *Pipeline) forgetRule(i int) {
	p.rules[i].removed = true
	for j := range p.held {
		if p.held[j].rule == p.rules[i] {
			p.held[j].deadline = p.now
		}
	}
	p.rules = slices.Delete(p.rules, i, i+1)
}

// Clear takes all rules away.
func (p *Pipeline) Clear() {
	for len(p.rules) > 0 {
		p.forgetRule(len(p.rules) - 1)
	}
	p.mask()
}

// List returns the rules in their order.
func (p *Pipeline) List() []Status {
	out := make([]Status, len(p.rules))
	for i, r := range p.rules {
		out[i] = Status{Rule: r.Rule, Matched: r.seen, Hits: r.hits}
		for _, h := range p.held {
			if h.rule == r {
				out[i].Held++
			}
		}
	}
	return out
}

// Forget drops what is held for a connection that has ended.
func (p *Pipeline) Forget(conn uint64) {
	p.held = slices.DeleteFunc(p.held, func(h held) bool {
		if h.item.Frame.Conn != conn {
			return false
		}
		p.bytes -= len(h.item.Frame.Bytes)
		return true
	})
	for _, r := range p.rules {
		if f, ok := r.fault.(interface{ forget(conn uint64) }); ok {
			f.forget(conn)
		}
	}
}

// mask computes which kinds of frames the rules can hit.
func (p *Pipeline) mask() {
	p.kinds, p.streams = 0, 0
	for _, r := range p.rules {
		if r.over(p.now) {
			continue
		}
		for k := range Kind(numKinds) {
			if r.wants(k) {
				p.kinds |= 1 << k
			}
		}
		if r.wants(Sample) {
			p.streams |= streamSet(r.On.Stream)
		}
	}
	for _, r := range p.rules {
		if !r.over(p.now) {
			p.ahead(r.Wait)
		}
	}
	for i := range p.held {
		p.ahead(p.held[i].wait)
	}
}

// ahead makes the frames active that have to go ahead of a waiting one: they
// have to be seen, also when the rule that holds it hits no more.
func (p *Pipeline) ahead(w *Wait) {
	if w == nil {
		return
	}
	switch w.For {
	case "answer":
		p.kinds |= 1 << Answer
	case "warning":
		p.kinds |= 1 << Warning
	case "sample":
		p.kinds |= 1 << Sample
		if w.Stream == "" {
			p.streams = streams.AllKinds
		} else {
			p.streams |= streamSet([]string{w.Stream})
		}
	}
}

// streamSet returns the streams of that name; met has two rates.
func streamSet(names []string) streams.Kinds {
	if len(names) == 0 {
		return streams.AllKinds
	}
	var set streams.Kinds
	for _, n := range names {
		if k, ok := streams.ParseKind(n); ok {
			set |= streams.KindSet(k)
			if k == streams.MET {
				set |= streams.KindSet(streams.METLow)
			}
		}
	}
	return set
}

// over reports whether the rule can hit no frame any more.
func (r *rule) over(now int64) bool {
	if s, ok := r.fault.(*stall); ok && now < s.end {
		return false
	}
	return r.removed || r.On.Probability != nil && *r.On.Probability <= 0 || r.On.Count > 0 && r.hits >= r.On.Count
}

// wants reports whether the rule can hit frames of that kind.
func (r *Rule) wants(k Kind) bool {
	handshake := r.Refuse != nil || r.SlowTLS != nil
	if (k == Handshake) != handshake {
		return false
	}
	if handshake {
		return true
	}
	if r.in() != (k == Request) {
		return false
	}
	if len(r.On.Kind) > 0 {
		return slices.Contains(r.On.Kind, k.String())
	}
	switch {
	case r.Error != nil || r.WrongID != nil:
		return k == Answer || k == Request
	case len(r.On.Stream) > 0 || r.On.Headset != "":
		return k == Sample
	case len(r.On.Method) > 0:
		return k == Answer || k == Request
	case len(r.On.Code) > 0:
		return k == Answer || k == Warning
	}
	return true
}

// Active reports whether frames of that kind (and stream, for samples) have to
// be shown to Apply. When it is false they are sent as they are.
func (p *Pipeline) Active(kind Kind, stream streams.Kind) bool {
	return p.kinds&(1<<kind) != 0 && (kind != Sample || p.streams.Has(stream))
}

// Idle reports whether no frame at all has to be shown to Apply.
func (p *Pipeline) Idle() bool { return p.kinds == 0 && len(p.held) == 0 }

// Apply takes a frame and appends to dst what is to be done for it, and for
// frames that were held and go now. A frame that nothing hits comes back as it
// is, due now.
func (p *Pipeline) Apply(dst []Delivery, now int64, f Frame) []Delivery {
	p.now = max(p.now, now)
	p.out = dst
	first := len(dst)
	p.run(0, item{Delivery: Delivery{At: p.now, Frame: f}})
	if len(p.held) > 0 {
		p.goAhead(f, p.out[first:])
	}
	dst, p.out = p.out, nil
	return dst
}

// Next returns when Release has to be called, math.MaxInt64 for never.
func (p *Pipeline) Next() int64 {
	next := int64(math.MaxInt64)
	for i := range p.held {
		next = min(next, p.held[i].deadline)
	}
	return next
}

// Release appends the frames that have been held for long enough.
func (p *Pipeline) Release(dst []Delivery, now int64) []Delivery {
	p.now = max(p.now, now)
	p.out = dst
	p.release(func(h *held) bool { return h.deadline <= p.now })
	dst, p.out = p.out, nil
	return dst
}

func (p *Pipeline) release(due func(*held) bool) {
	var free []held
	p.held = slices.DeleteFunc(p.held, func(h held) bool {
		if due(&h) {
			free = append(free, h)
			p.bytes -= len(h.item.Frame.Bytes)
			return true
		}
		return false
	})
	if free == nil {
		return
	}
	arrange(free)
	for i := range free {
		free[i].item.At = max(free[i].item.At, p.now)
		p.pass(free[i].rule, free[i].item)
	}
	p.mask()
}

// goAhead counts a frame that went out, for those that wait for it.
func (p *Pipeline) goAhead(f Frame, sent []Delivery) {
	var last int64
	passed := false
	for i := range sent {
		if sent[i].Frame.Kind == f.Kind && sent[i].Close == 0 && !sent[i].Reset {
			passed, last = true, max(last, sent[i].At)
		}
	}
	if !passed || f.Dir != Out {
		return
	}
	some := false
	for i := range p.held {
		h := &p.held[i]
		if h.wait == nil || h.item.Frame.Conn != f.Conn || h.wait.For != f.Kind.String() {
			continue
		}
		if f.Kind == Sample && h.wait.Stream != "" && h.wait.Stream != f.Stream.String() {
			continue
		}
		if h.left--; h.left == 0 {
			h.item.At = max(h.item.At, last)
			some = true
		}
	}
	if some {
		p.release(func(h *held) bool { return h.wait != nil && h.left <= 0 })
	}
}

// run gives an item to the rules from index i on.
func (p *Pipeline) run(i int, it item) {
	for ; i < len(p.rules); i++ {
		r := p.rules[i]
		if !r.hit(p, &it.Frame) {
			continue
		}
		it.own()
		if p.options.Hit != nil {
			name, _ := r.Fault()
			p.options.Hit(r.ID, name, &it.Frame)
		}
		r.fault.apply(p, r, it)
		return
	}
	p.out = append(p.out, it.Delivery)
}

// pass gives an item to the rules behind r.
func (p *Pipeline) pass(r *rule, it item) {
	i := slices.Index(p.rules, r) // -1 when r is gone: all rules saw what they could
	if i < 0 {
		p.out = append(p.out, it.Delivery)
		return
	}
	p.run(i+1, it)
}

// hold keeps an item inside.
func (p *Pipeline) hold(h held) {
	n := len(h.item.Frame.Bytes)
	if len(p.held) >= maxHeld || p.bytes+n > maxHeldBytes {
		p.pass(h.rule, h.item)
		return
	}
	p.bytes += n
	p.held = append(p.held, h)
	p.ahead(h.wait)
}

// hit reports whether the rule hits this frame, and counts.
func (r *rule) hit(p *Pipeline, f *Frame) bool {
	if !r.matches(p, f) {
		return false
	}
	if s, ok := r.fault.(*stall); ok && s.stalled(f.Conn, p.now) {
		return true // the stall goes on, it is not another one
	}
	if r.over(p.now) {
		return false
	}
	r.seen++
	m := &r.On
	n := r.seen - m.Skip
	if n <= 0 || m.Nth > 1 && n%m.Nth != 0 {
		return false
	}
	if m.Probability != nil && *m.Probability < 1 && r.rng.Float64() >= *m.Probability {
		return false
	}
	r.hits++
	if r.over(p.now) {
		p.mask()
	}
	return true
}

func (r *rule) matches(p *Pipeline, f *Frame) bool {
	m := &r.On
	if !r.wants(f.Kind) || m.Connection != 0 && uint64(m.Connection) != f.Conn {
		return false
	}
	since := p.now - r.at
	if since < int64(m.From) || m.To > 0 && since >= int64(m.To) {
		return false
	}
	// What a frame does not have does not match: 0 is a code of warnings, and a
	// success has none.
	hasMethod, hasCode := f.Kind == Answer || f.Kind == Request, f.Kind == Warning || f.Kind == Answer && f.Code != 0
	return (len(m.Method) == 0 || hasMethod && (slices.Contains(m.Method, f.Method) || slices.Contains(m.Method, "*"))) &&
		(len(m.Code) == 0 || hasCode && slices.Contains(m.Code, f.Code)) &&
		(len(m.Stream) == 0 || f.Kind == Sample && slices.Contains(m.Stream, f.Stream.String())) &&
		(m.Headset == "" || f.Kind == Sample && m.Headset == f.Headset)
}

// Handshake says what to do with a client that connects: whether to refuse it,
// and how long to wait with the TLS handshake, in nanoseconds.
func (p *Pipeline) Handshake(now int64, conn uint64) (refused bool, delay int64) {
	if !p.Active(Handshake, 0) {
		return false, 0
	}
	for _, d := range p.Apply(nil, now, Frame{Dir: In, Kind: Handshake, Conn: conn}) {
		refused = refused || d.Refuse
		delay = max(delay, d.At-p.now)
	}
	return refused, delay
}
