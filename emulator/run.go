package emulator

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/coder/websocket"

	"github.com/fakecortex/fakecortex/emulator/api"
	"github.com/fakecortex/fakecortex/emulator/faults"
	"github.com/fakecortex/fakecortex/emulator/gateway"
	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/scenarios"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// run is one life of the world, from the start or a reset to the next reset. It
// joins the service with what surrounds it, and belongs to the loop.
//
//	client --> faults --> Service --> journal --> verdict, linter
//	       <--        <--    |   \--> engine (timeline) --> host.go --> Service
type run struct {
	e       *Emulator
	life    *life
	sched   *streams.Scheduler
	service *api.Service
	engine  *scenarios.Engine
	faults  *faults.Pipeline
	journal *journal
	truths  truths
	deeds   []deed // what was done by hand

	forgotten int // deeds that are not kept any more

	clients map[uint64]*client // open ones, by number
	order   []*client          // the same in the order of their connection
	number  uint64             // of the last connection
	asked   uint64             // connections that have asked for a handshake
	refuse  bool               // new connections are refused: Cortex restarts
	over    bool               // another run has taken its place
	paused  float64            // speed of the clock before Pause, 0 when it is not paused
	samples [streams.NumKinds]uint64

	noted map[string]bool // rules whose first sample is in the journal
	told  bool            // the journal has the request that is being served
	news  *news           // of the answer or warning that is sent next

	release *streams.Event // when the faults want to be asked again
	late    int            // bytes that the faults hold back, of all clients
	buffer  []faults.Delivery
	frame   []byte
}

// newRun begins a life. It has no clients.
func (e *Emulator) newRun(l *life, sched *streams.Scheduler) (*run, error) {
	r := &run{e: e, life: l, sched: sched, clients: map[uint64]*client{}, noted: map[string]bool{}}
	doc := &l.scenario.Document
	r.journal = newJournal(doc, l.start.UnixNano(), e.options.Journal)
	hooks := api.Hooks{
		Requested: r.requested, Answered: r.answered, Malformed: r.malformed, Warned: r.warned, Event: r.event,
		Truth: r.truth, Background: e.loop.background, Ahead: r.ahead,
	}
	r.engine = scenarios.NewEngine(doc, r, l.seed)
	if r.engine.Streams() != 0 {
		hooks.Sampled = r.engine.OnSample
	}
	var err error
	if r.service, err = api.New(l.world, sched, e.options.Logger, hooks); err != nil {
		return nil, err
	}
	r.journal.linter.Params = r.parameters
	r.faults = faults.New(faults.Options{Seed: l.seed, Start: sched.Now(), ErrorText: r.service.ErrorText, Hit: r.hit})
	r.release = streams.NewEvent(r.released)
	for _, rule := range append(slices.Clone(doc.Faults), arrivals(doc)...) {
		if _, err := r.faults.Add(sched.Now(), rule); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// ahead reports that the manual clock is being advanced, when requests have to
// wait, and that no fault can break what is on its way to a client.
func (r *run) ahead() bool { return r.e.loop.advancing && r.e.loop.jobs == 0 && r.faults.Idle() }

// parameters returns the parameters of a method, nil for an unknown one.
func (r *run) parameters(method string) []string {
	m, ok := r.service.Method(method)
	if !ok {
		return nil
	}
	names := make([]string, len(m.Params))
	for i, p := range m.Params {
		names[i] = p.Name
	}
	return names
}

// begin lets the timeline begin.
func (r *run) begin() {
	r.journal.add(scenarios.Entry{At: r.Now(), Kind: scenarios.EntryEvent, Event: scenarios.EvStarted})
	r.engine.Start() // which knows of the event
}

// end stops everything that this life still has in mind.
func (r *run) end(reason string) {
	r.over = true
	r.engine.Stop()
	if err := r.service.Close(); err != nil {
		r.e.options.Logger.Warn("records not freed", "error", err)
	}
	for _, c := range r.order {
		r.noteEnd(c, int(websocket.StatusGoingAway), reason)
		c.gone = true
		c.conn.Close(websocket.StatusGoingAway, reason)
	}
	r.clients, r.order = map[uint64]*client{}, nil
	r.journal.wake() // those who follow are told of the end of this life
}

// connect takes a new client in.
func (r *run) connect(conn *gateway.Conn) *client {
	r.number++
	c := &client{run: r, conn: conn, number: r.number, limit: r.life.outbox}
	if c.limit <= 0 {
		c.limit = gateway.DefaultOutboxLimit
	}
	r.clients[c.number] = c
	r.order = append(r.order, c)
	r.journal.add(scenarios.Entry{At: r.Now(), Conn: c.number, Kind: scenarios.EntryOpened})
	r.observe(scenarios.EvConnectionOpened, map[string]string{"connection": decimal(c.number)})
	r.service.Connect(sessionstore.ConnID(c.number), c)
	return c
}

// disconnect takes leave of a client; code is the close code, and why is not
// empty when the service ended the connection.
func (r *run) disconnect(c *client, code int, why string) {
	if c.gone {
		return
	}
	c.gone = true
	delete(r.clients, c.number)
	for i, have := range r.order {
		if have == c {
			r.order = append(r.order[:i], r.order[i+1:]...)
			break
		}
	}
	r.faults.Forget(c.number)
	r.noteEnd(c, code, why)
	r.observe(scenarios.EvConnectionClosed, map[string]string{"connection": decimal(c.number), "code": strconv.Itoa(code)})
	r.service.Disconnect(sessionstore.ConnID(c.number))
}

func (r *run) noteEnd(c *client, code int, why string) {
	r.journal.add(scenarios.Entry{At: r.Now(), Conn: c.number, Kind: scenarios.EntryClosed, Code: code, Why: why, Samples: c.sampleCounts()})
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// The hooks of the service.

func (r *run) requested(peer sessionstore.ConnID, req *rpc.Request) {
	params := marshalParams(req.Params)
	if !r.told {
		r.noteCall(uint64(peer), req.Method, req.ID, params)
	}
	r.countCall(uint64(peer), req.Method, params)
}

// countCall counts a call that is about to be served, or refused by a rule of the
// faults, and tells the timeline of it.
func (r *run) countCall(conn uint64, method string, params []byte) {
	if _, known := r.service.Method(method); known {
		r.journal.calls[method]++
	} else {
		r.journal.calls["unknown"]++ // clients must not make up names of counters
	}
	r.engine.OnCall(conn, method, params)
}

// stranger reports that the world has no license of an id: it may be the key of
// a real user.
func (r *run) stranger(license string) bool { return r.service.Store.License(license) == nil }

func (r *run) noteCall(conn uint64, method string, id, params []byte) {
	r.journal.add(scenarios.Entry{
		At: r.Now(), Conn: conn, Kind: scenarios.EntryCall, Method: method, ID: slices.Clone(id), Params: redactCall(params, r.stranger), Fields: tokenFields(params),
	})
}

// tokenFields says whose token a request or a result has; the token itself is
// not for the journal.
func tokenFields(raw []byte) map[string]string {
	if !bytes.Contains(raw, []byte(`"cortexToken"`)) {
		return nil
	}
	var with struct {
		CortexToken string `json:"cortexToken"`
	}
	_ = json.Unmarshal(raw, &with) // another type has no application
	if app := api.TokenApplication(with.CortexToken); app != "" {
		return map[string]string{"application": app}
	}
	return nil
}

func (r *run) answered(peer sessionstore.ConnID, req *rpc.Request, answer []byte, fault *rpc.Error) {
	entry := scenarios.Entry{At: r.Now(), Conn: uint64(peer), Kind: scenarios.EntryAnswer, Method: req.Method, ID: scenarios.JSON(req.ID)}
	if fault != nil {
		r.refusal(&entry, fault)
	} else if answer != nil {
		var frame struct{ Result json.RawMessage }
		_ = json.Unmarshal(answer, &frame) // our own frame
		entry.Result, entry.Fields = redact(frame.Result), tokenFields(frame.Result)
	}
	if answer == nil {
		r.note(&entry) // of a notification: nothing is sent
		return
	}
	r.news = &news{entry: entry}
}

func (r *run) malformed(peer sessionstore.ConnID, frame, _ []byte, fault *rpc.Error) {
	entry := scenarios.Entry{At: r.Now(), Conn: uint64(peer), Message: excerpt(frame)}
	r.refusal(&entry, fault)
	r.news = &news{entry: entry}
}

// refusal makes an error of an entry.
func (r *run) refusal(entry *scenarios.Entry, fault *rpc.Error) {
	entry.Kind, entry.Code = scenarios.EntryError, fault.Code
	if entry.Message == nil {
		entry.Message = jsonText(fault.Message)
	}
	entry.Why = fault.Op
	if fault.Cause != nil {
		entry.Why = fault.Cause.Error()
	}
	entry.Why = api.Scrub(entry.Why)
}

func (r *run) warned(peer sessionstore.ConnID, code int, frame []byte) {
	var w struct {
		Warning struct{ Message json.RawMessage }
	}
	_ = json.Unmarshal(frame, &w) // our own frame
	r.news = &news{entry: scenarios.Entry{At: r.Now(), Conn: uint64(peer), Kind: scenarios.EntryWarning, Code: code, Message: scenarios.JSON(w.Warning.Message)}}
}

// note notes an answer or a warning and tells of it; a sample is only told of.
func (r *run) note(entry *scenarios.Entry) {
	if entry.Kind == scenarios.EntrySample {
		r.journal.observe(entry)
		return
	}
	r.journal.add(*entry)
	switch entry.Kind {
	case scenarios.EntryError:
		r.observe(scenarios.EvError, map[string]string{
			"code": strconv.Itoa(entry.Code), "method": entry.Method, "connection": decimal(entry.Conn),
		})
	case scenarios.EntryWarning:
		r.observe(scenarios.EvWarning, map[string]string{"code": strconv.Itoa(entry.Code), "connection": decimal(entry.Conn)})
	}
}

// observe tells the timeline and the verdict of an event for which the journal
// has an entry of another kind.
func (r *run) observe(name string, fields map[string]string) {
	r.journal.observe(&scenarios.Entry{At: r.Now(), Kind: scenarios.EntryEvent, Event: name, Fields: fields})
	r.engine.Observe(scenarios.Event{Name: name, Fields: fields})
}

func (r *run) event(name string, fields ...string) {
	m := make(map[string]string, len(fields)/2)
	for i := 0; i+1 < len(fields); i += 2 {
		m[fields[i]] = fields[i+1]
	}
	r.journal.add(scenarios.Entry{At: r.Now(), Kind: scenarios.EntryEvent, Event: name, Fields: m})
	r.engine.Observe(scenarios.Event{Name: name, Fields: m})
}

func (r *run) truth(headset string, t streams.Truth) {
	r.truths.add(headset, t)
	if r.e.options.Truth != nil {
		r.e.options.Truth(headset, t)
	}
}

// truths keeps the last things that were put into the signals.
type truths struct {
	list []Truth
	next int
}

// Truth is something that was put into the signal of a headset.
type Truth struct {
	Headset string `json:"headset"`
	streams.Truth
}

// maxTruths bounds the truths that are kept.
const maxTruths = 20_000

func (t *truths) add(headset string, truth streams.Truth) {
	if len(t.list) < maxTruths {
		t.list = append(t.list, Truth{headset, truth})
		return
	}
	t.list[t.next] = Truth{headset, truth}
	t.next = (t.next + 1) % maxTruths
}

func (t *truths) all() []Truth {
	return append(append(make([]Truth, 0, len(t.list)), t.list[t.next:]...), t.list[:t.next]...)
}
