package emulator

import (
	"encoding/json"
	"math"

	"github.com/coder/websocket"

	"github.com/fakecortex/fakecortex/emulator/api"
	"github.com/fakecortex/fakecortex/emulator/faults"
	"github.com/fakecortex/fakecortex/emulator/gateway"
	"github.com/fakecortex/fakecortex/scenarios"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// client is the way between the service and one connection.
type client struct {
	run    *run
	conn   *gateway.Conn
	number uint64 // since the start of the run, from 1
	limit  int
	dirty  bool // has frames that its writer was not told of
	cut    bool // is being closed by us: nothing goes in or out
	gone   bool // the service has forgotten it
	counts []sampleCount
	due    map[int64]int // deliveries that wait, by instant
	late   int           // bytes of those
}

// sampleCount counts what one headset has sent to a client.
type sampleCount struct {
	headset string
	n       [streams.NumKinds]uint64
}

// Send implements api.Link. A frame that no rule can hit goes straight to the
// outbox.
func (c *client) Send(about api.Frame, parts ...[]byte) {
	r := c.run
	n := r.news
	r.news = nil
	if about.Kind == api.Sample {
		r.samples[about.Stream]++
		c.count(&about)
		if r.journal.verdict.Streams().Has(about.Stream) {
			n = &news{entry: scenarios.Entry{
				At: r.Now(), Conn: c.number, Kind: scenarios.EntrySample, Stream: about.Stream.String(), Headset: about.Headset,
			}}
		}
	}
	kind := faults.Kind(about.Kind)
	if !r.faults.Active(kind, about.Stream) && !c.waits() {
		if n != nil && !c.cut && !c.gone {
			r.note(&n.entry)
		}
		c.append(parts)
		return
	}
	r.frame = r.frame[:0]
	for _, p := range parts {
		r.frame = append(r.frame, p...)
	}
	f := faults.Frame{
		Dir: faults.Out, Kind: kind, Conn: c.number, Method: about.Method, Stream: about.Stream, Headset: about.Headset,
		Code: about.Code, ID: about.ID, Bytes: r.frame,
	}
	if n != nil {
		n.id, f.Mark = about.ID, n
	}
	r.through(f)
}

// waits reports whether a delivery that is due at this instant has not been made
// yet: what comes behind it has to stay behind it.
func (c *client) waits() bool { return len(c.due) > 0 && c.due[c.run.Now()] > 0 }

// append queues a frame for the writer.
func (c *client) append(parts [][]byte) {
	if c.cut || c.conn.Append(parts...) != nil {
		return // the gateway has closed, counted and logged it
	}
	c.touch()
}

func (c *client) touch() {
	if !c.dirty {
		c.dirty = true
		c.run.e.loop.dirty = append(c.run.e.loop.dirty, c)
	}
}

// maxCounted bounds the headsets whose samples are counted for one client.
const maxCounted = 1000

func (c *client) count(about *api.Frame) {
	for i := range c.counts {
		if c.counts[i].headset == about.Headset {
			c.counts[i].n[about.Stream]++
			return
		}
	}
	if len(c.counts) >= maxCounted {
		return
	}
	c.counts = append(c.counts, sampleCount{headset: about.Headset})
	c.counts[len(c.counts)-1].n[about.Stream]++
}

// sampleCounts are what it was sent, by headset and stream.
func (c *client) sampleCounts() map[string]map[string]uint64 {
	counts := map[string]map[string]uint64{}
	for _, of := range c.counts {
		byStream := map[string]uint64{}
		for kind, n := range of.n {
			if n > 0 {
				byStream[streams.Kind(kind).String()] += n
			}
		}
		counts[of.headset] = byStream
	}
	return counts
}

// Close implements api.Link.
func (c *client) Close(code int, reason string) { c.hangUp(code, reason, false) }

// hangUp ends the connection from our side: nothing goes in or out any more, and
// the service forgets the client at this instant, behind what is happening now.
// With 1006 the client gets what is queued and no close frame; a reset loses that.
func (c *client) hangUp(code int, reason string, reset bool) {
	if c.cut || c.gone {
		return
	}
	c.cut = true
	switch {
	case reset:
		c.conn.Abort()
		code = int(websocket.StatusAbnormalClosure)
	case code == int(websocket.StatusAbnormalClosure):
		c.conn.Cut()
	default:
		c.conn.Close(websocket.StatusCode(code), reason)
	}
	r := c.run
	r.sched.At(r.sched.Now(), func() {
		if !r.over {
			r.disconnect(c, code, "ended by the service")
		}
	})
}

// received takes a message of a client.
func (r *run) received(c *client, binary bool, data []byte) {
	switch {
	case c.cut || c.gone:
	case binary || !r.faults.Active(faults.Request, 0):
		r.service.Receive(sessionstore.ConnID(c.number), binary, data)
	default:
		var about struct {
			ID     json.RawMessage            `json:"id"`
			Method string                     `json:"method"`
			Params map[string]json.RawMessage `json:"params"`
		}
		frame := faults.Frame{Dir: faults.In, Kind: faults.Request, Conn: c.number, Bytes: data}
		if json.Unmarshal(data, &about) == nil && about.Method != "" {
			call := &called{id: about.ID, params: marshalParams(about.Params)}
			frame.Method, frame.ID, frame.Mark = about.Method, about.ID, call
			// What the client did is noted when it did so, not when a slow or
			// broken wire lets the service see it.
			r.noteCall(c.number, about.Method, about.ID, call.params)
		}
		r.through(frame)
	}
}

// through leads a frame through the faults.
func (r *run) through(f faults.Frame) {
	deliveries := r.faults.Apply(r.takeBuffer(), r.Now(), f)
	r.deliver(deliveries)
}

// released takes what the faults have held for long enough.
func (r *run) released() {
	if !r.over {
		r.deliver(r.faults.Release(r.takeBuffer(), r.Now()))
	}
}

// takeBuffer hands out the buffer for deliveries; while it is in use (what is
// delivered can cause further frames) others get one of their own.
func (r *run) takeBuffer() []faults.Delivery {
	b := r.buffer[:0]
	r.buffer = nil
	return b
}

// maxLate bounds the bytes that the faults hold back for all clients together.
const maxLate = 256 << 20

func (r *run) deliver(list []faults.Delivery) {
	now := r.Now()
	for i := range list {
		d := &list[i]
		c := r.clients[d.Frame.Conn]
		if c == nil {
			continue
		}
		if d.At <= now && !c.waits() {
			r.perform(c, d)
			continue
		}
		later, at := *d, max(d.At, now)
		later.Frame.Bytes = append([]byte(nil), d.Frame.Bytes...)
		n := len(later.Frame.Bytes)
		if c.late+n > c.limit || r.late+n > maxLate {
			// What a slow wire holds back counts as what waits in the outbox.
			c.hangUp(int(websocket.StatusPolicyViolation), "the faults hold back more than the outbox may hold", false)
			continue
		}
		c.late, r.late = c.late+n, r.late+n
		if c.due == nil {
			c.due = map[int64]int{}
		}
		c.due[at]++
		r.sched.At(at, func() {
			c.late, r.late = c.late-n, r.late-n
			if c.due[at]--; c.due[at] == 0 {
				delete(c.due, at)
			}
			if !r.over {
				r.perform(c, &later)
			}
		})
	}
	clear(list)
	r.buffer = list[:0]
	r.arm()
}

// arm asks the faults again when they want to be.
func (r *run) arm() {
	if next := r.faults.Next(); next != math.MaxInt64 && (!r.release.Pending() || next < r.release.Due()) {
		r.sched.Schedule(r.release, next)
	}
}

// perform does what a delivery says.
func (r *run) perform(c *client, d *faults.Delivery) {
	switch {
	case c.cut || c.gone:
	case d.Reset:
		c.hangUp(0, "", true)
	case d.Close != 0:
		c.hangUp(d.Close, d.Reason, false)
	case d.Frame.Dir == faults.In:
		_, r.told = d.Frame.Mark.(*called)
		r.service.Receive(sessionstore.ConnID(c.number), false, d.Frame.Bytes)
		r.told = false
	default:
		if d.Fragment > 0 {
			c.conn.SetFragment(d.Fragment)
			defer c.conn.SetFragment(0)
		}
		switch mark := d.Frame.Mark.(type) {
		case *called:
			if mark.refusal == nil {
				mark.refusal = &news{id: mark.id, entry: scenarios.Entry{Conn: c.number, Kind: scenarios.EntryAnswer, Method: d.Frame.Method, ID: scenarios.JSON(mark.id)}}
				r.countCall(c.number, d.Frame.Method, mark.params)
			}
			r.given(mark.refusal, &d.Frame)
		case *news:
			r.given(mark, &d.Frame)
		}
		c.append([][]byte{d.Frame.Bytes})
	}
}

// called marks a request that the journal has. It comes back as an answer when a
// rule has refused it.
type called struct {
	id      json.RawMessage
	params  []byte
	refusal *news
}

// news is an answer, a warning or a sample on its way to a client. It is noted when the
// client is given it, not when the service has made it: what is late, lost or
// broken on the wire the client cannot know of, and is not to be judged by.
type news struct {
	entry scenarios.Entry
	id    json.RawMessage // of the answer
	noted bool
}

// given notes the news of a frame that goes out. One that a rule has broken is
// none, the journal has the rule; and so is another copy.
func (r *run) given(n *news, f *faults.Frame) {
	var frame struct {
		ID    json.RawMessage
		Error *struct {
			Code    int
			Message json.RawMessage
		}
	}
	if n.noted || json.Unmarshal(f.Bytes, &frame) != nil || idText(frame.ID) != idText(n.id) {
		return
	}
	n.noted = true
	entry := n.entry
	entry.At = r.Now()
	if e := frame.Error; e != nil && (entry.Kind != scenarios.EntryError || entry.Code != e.Code) {
		entry.Kind, entry.Code, entry.Message, entry.Why = scenarios.EntryError, e.Code, redact(e.Message), scenarios.ByRule
		entry.Result, entry.Fields = nil, nil
	}
	r.note(&entry)
}

// idText is an id as it can be compared; an answer without one has null.
func idText(id json.RawMessage) string {
	if id == nil {
		return "null"
	}
	return string(id)
}

// hit notes that a rule has hit a frame. Samples are many: of those only the
// first is noted, the rule counts the rest.
func (r *run) hit(id, fault string, f *faults.Frame) {
	if f.Kind == faults.Sample {
		if r.noted[id] {
			return
		}
		r.noted[id] = true
	}
	entry := scenarios.Entry{
		At: r.Now(), Conn: f.Conn, Kind: scenarios.EntryFault, Event: fault, ID: jsonText(id), Method: f.Method, Code: f.Code, Headset: f.Headset,
	}
	if f.Kind == faults.Sample {
		entry.Stream = f.Stream.String()
	}
	r.journal.add(entry)
}

// handshake decides about a client that connects. It calls admit at the virtual
// instant at which its TLS handshake may go on.
func (r *run) handshake(admit func(bool)) {
	r.asked++
	refused, delay := r.faults.Handshake(r.Now(), r.asked)
	switch {
	case refused || r.refuse:
		admit(false)
	case delay > 0:
		r.sched.After(delay, func() { admit(true) })
	default:
		admit(true)
	}
}
