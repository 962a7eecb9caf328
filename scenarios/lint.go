package scenarios

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Severity says how sure it is that a finding is a mistake of the client.
type Severity string

// The severities.
const (
	Mistake    Severity = "mistake"    // against the documentation
	Suspicious Severity = "suspicious" // works here, breaks elsewhere
	Hint       Severity = "hint"       // worth a look
)

// Finding is a misuse of the Cortex API by the client, found in the journal.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Page     string   `json:"page"` // page of the Cortex documentation
	Link     string   `json:"link"` // its address
	Text     string   `json:"text"` // what happened the first time
	Advice   string   `json:"advice"`
	At       int64    `json:"at"` // of the first time, Unix nanoseconds
	Conn     uint64   `json:"conn,omitempty"`
	Count    int      `json:"count"`
}

// LintRule is one kind of misuse.
type LintRule struct {
	Name     string
	Severity Severity
	Page     string
	Advice   string
}

// LintRules returns every rule of the linter.
func LintRules() []LintRule {
	return []LintRule{
		{"other-application-token", Mistake, "authorize", "A token belongs to the application that asked for it. Authorize with this application's clientId."},
		{"session-before-connected", Mistake, "createSession", "Wait for status connected in queryHeadsets, or for warning 104, before createSession."},
		{"subscribe-without-session", Mistake, "subscribe", "Create a session first, and use its id; a session ends with its connection and its headset."},
		{"subscribe-failure-ignored", Suspicious, "subscribe", "Read the list failure in the result of subscribe: the streams in it send nothing."},
		{"session-not-closed", Suspicious, "updateSession", "Close each session with updateSession status close before the connection is closed."},
		{"same-id-in-flight", Suspicious, "Overview of API flow", "Give each request an id of its own, else its answer cannot be told from another's."},
		{"call-without-token", Mistake, "authorize", "Wait for the answer to authorize before a call that needs the token."},
		{"unknown-parameter", Mistake, pageOfMethod, "Check the spelling; a parameter that is not known is ignored or refused, by version."},
		{"polling-too-fast", Hint, "queryHeadsets", "Poll once a second or less; wait for warnings where there are some."},
		{"refresh-while-streaming", Mistake, "controlDevice", "Do not scan while samples come: it hurts their quality."},
		{"export-too-early", Mistake, "exportRecord", "Wait for warning 30 with the id of the record (18 before Cortex 4)."},
		{"training-not-answered", Mistake, "training", "After MC_Succeeded or FE_Succeeded send training accept or reject."},
		{"training-without-sys", Mistake, "training", "Subscribe to sys before training start: the events come nowhere else."},
		{"no-debit", Mistake, "authorize", "createSession needs localQuota: authorize with a debit greater than 0."},
		{"marker-in-seconds", Mistake, "injectMarker", "The time of a marker is in milliseconds since 1970."},
		{"dead-session", Mistake, "Warning objects", "Forget a session on warning 0 or 1, and create another one."},
		{"not-reauthorized", Mistake, "authorize", "On -32034, -32135 or -32170 call authorize again instead of the same call."},
		{"slow-reader", Suspicious, "Data subscription", "Read messages as fast as they come, and do slow work elsewhere."},
		{"repeated-error", Hint, "Error codes", "The same call with the same error again and again: read its code, and pause."},
	}
}

// pageOfMethod stands for the page of the method that was called.
const pageOfMethod = "the page of the method"

// Linter looks for misuse of the API in the journal. It belongs to one
// goroutine.
type Linter struct {
	// Params returns the parameters that a method knows; nil leaves the rule on
	// unknown parameters out.
	Params func(method string) []string

	rules    map[string]LintRule
	findings map[string]*Finding
	order    []string
	conns    map[uint64]*lintConn
	sessions map[string]*lintSession
	records  map[string]lintRecord
	told     map[string]bool // headsets of which the client was told that they are connected
	training map[string]bool // headset to whether a result waits for its answer
	refused  []*lintConn     // those whose refused is set
	noQuota  *Entry          // -32019 that no debit has followed yet
	debited  bool
}

type lintConn struct {
	inFlight    map[string]lintCall // by id
	polls       map[string][]int64
	errors      map[string]int
	failed      map[string]bool // streams that subscribe refused
	refused     *Entry          // the answer to a subscribe that refused all; nil as soon as the client does something
	application string          // that authorize gave a token to
	sys         bool
	sessions    int
}

type lintCall struct {
	method, session, headset string
	at                       int64
}

type lintSession struct {
	conn    uint64
	closed  bool // by the client
	dead    bool // by Cortex
	told    int64
	streams map[string]bool // that are subscribed to
}

type lintRecord struct {
	stopped int64
	ready   bool
}

// maxTracked bounds each list of the linter: a flood is bounded, and only
// findings are lost.
const maxTracked = 10_000

// maxTrackedName bounds what is kept of a text that a client makes up.
const maxTrackedName = 100

// NewLinter returns a linter.
func NewLinter() *Linter {
	l := &Linter{
		rules: map[string]LintRule{}, findings: map[string]*Finding{}, conns: map[uint64]*lintConn{},
		sessions: map[string]*lintSession{}, records: map[string]lintRecord{}, told: map[string]bool{}, training: map[string]bool{},
	}
	for _, r := range LintRules() {
		l.rules[r.Name] = r
	}
	return l
}

func (l *Linter) find(rule string, e *Entry, format string, args ...any) {
	if f, ok := l.findings[rule]; ok {
		f.Count++
		return
	}
	r := l.rules[rule]
	page := r.Page
	if page == pageOfMethod {
		page = cut(e.Method)
	}
	l.findings[rule] = &Finding{Rule: rule, Severity: r.Severity, Page: page, Link: pageOf(page), Advice: r.Advice, Text: fmt.Sprintf(format, args...), At: e.At, Conn: e.Conn, Count: 1}
	l.order = append(l.order, rule)
}

func (l *Linter) conn(id uint64) *lintConn {
	c := l.conns[id]
	if c == nil {
		c = &lintConn{inFlight: map[string]lintCall{}, polls: map[string][]int64{}, errors: map[string]int{}, failed: map[string]bool{}}
		if len(l.conns) < maxTracked {
			l.conns[id] = c
		}
	}
	return c
}

// Observe takes the next entry of the journal.
func (l *Linter) Observe(e Entry) {
	l.waiting(e.At)
	switch e.Kind {
	case EntryCall:
		l.call(&e, l.conn(e.Conn))
	case EntryAnswer:
		l.answer(&e, l.conn(e.Conn))
	case EntryError:
		l.failed(&e, l.conn(e.Conn))
	case EntryWarning:
		l.warning(&e)
	case EntryEvent:
		l.event(&e)
	case EntryClosed:
		l.closed(&e)
	}
}

// params are the members of a request that the rules look at.
type lintParams struct {
	CortexToken *string         `json:"cortexToken"`
	Session     string          `json:"session"`
	Status      string          `json:"status"`
	Command     string          `json:"command"`
	Streams     []string        `json:"streams"`
	RecordIDs   []string        `json:"recordIds"`
	Debit       *float64        `json:"debit"`
	Time        json.RawMessage `json:"time"`
	Headset     string          `json:"headset"`
}

func (l *Linter) call(e *Entry, c *lintConn) {
	var p lintParams
	_ = json.Unmarshal(e.Params, &p) // what has another type is the service's to refuse
	if id := string(e.ID); id != "" && len(id) <= maxTrackedName {
		// The same call again after a long time is a second try, not a mistake.
		if before, ok := c.inFlight[id]; ok && (before.method != e.Method || e.At-before.at < int64(patience)) {
			l.find("same-id-in-flight", e, "%s has id %s while %s with the same id is not answered", e.Method, id, before.method)
		}
		if len(c.inFlight) < maxTracked {
			c.inFlight[id] = lintCall{e.Method, cut(p.Session), cut(p.Headset), e.At}
		}
	}
	c.refused = nil
	if app := e.Fields["application"]; app != "" && c.application != "" && app != c.application {
		l.find("other-application-token", e, "%s with a token of %s on a connection that authorized as %s", e.Method, cut(app), cut(c.application))
	}
	l.parameters(e)
	l.poll(e, c, p.Command)
	switch e.Method {
	case "authorize":
		if p.Debit != nil && *p.Debit > 0 {
			l.debited, l.noQuota = true, nil
		}
	case "controlDevice":
		if p.Command == "refresh" && l.streaming() {
			l.find("refresh-while-streaming", e, "controlDevice refresh while streams are subscribed")
		}
	case "updateSession":
		if s := l.sessions[p.Session]; s != nil && p.Status == "close" {
			s.closed = true
		}
	case "exportRecord":
		for _, id := range p.RecordIDs {
			if r, known := l.records[id]; known && !r.ready && e.At-r.stopped < int64(time.Minute) {
				l.find("export-too-early", e, "exportRecord of record %s before the warning that it is ready", id)
			}
		}
	case "training":
		switch p.Status {
		case "start":
			if !c.sys {
				l.find("training-without-sys", e, "training start without a subscription to sys")
			}
			l.pending(e)
		case "accept", "reject":
			clear(l.training)
		}
	}
	if s := l.sessions[p.Session]; s != nil && s.dead && e.At-s.told > int64(time.Second) {
		l.find("dead-session", e, "%s with session %s, which Cortex closed %s before", e.Method, p.Session, time.Duration(e.At-s.told).Round(time.Millisecond))
	}
}

// patience is how long a client waits that has understood what goes on.
const patience = 10 * time.Second

// waiting tells of clients that have been refused every stream that they asked
// for and go on to wait for samples.
func (l *Linter) waiting(now int64) {
	l.refused = slices.DeleteFunc(l.refused, func(c *lintConn) bool {
		if c.refused != nil && now-c.refused.At >= int64(patience) {
			l.find("subscribe-failure-ignored", c.refused, "subscribe was refused every stream, and the client waited as if samples would come")
			c.refused = nil
		}
		return c.refused == nil
	})
}

// streaming reports whether a live session of the client has samples to come.
func (l *Linter) streaming() bool {
	for _, s := range l.sessions {
		if s.closed || s.dead {
			continue
		}
		for stream := range s.streams {
			if stream != "sys" { // which is no data of the headset
				return true
			}
		}
	}
	return false
}

func (l *Linter) parameters(e *Entry) {
	if l.Params == nil {
		return
	}
	known := l.Params(e.Method)
	if known == nil {
		return
	}
	var params map[string]json.RawMessage
	if json.Unmarshal(e.Params, &params) != nil {
		return
	}
	for name := range params {
		if !slices.Contains(known, name) {
			l.find("unknown-parameter", e, "%s has no parameter %q", e.Method, cut(name))
			return
		}
	}
}

// Official clients poll once a second at the fastest.
const (
	pollWindow = 4 * time.Second
	pollLimit  = 10
)

func (l *Linter) poll(e *Entry, c *lintConn, command string) {
	switch e.Method {
	case "queryHeadsets", "hasAccessRight", "requestAccess", "getUserLogin", "querySessions", "queryProfile", "getLicenseInfo":
	case "controlDevice":
		if command != "refresh" {
			return
		}
	default:
		return
	}
	times := append(c.polls[e.Method], e.At)
	if len(times) > pollLimit {
		times = times[len(times)-pollLimit:]
	}
	c.polls[e.Method] = times
	if len(times) == pollLimit && times[pollLimit-1]-times[0] < int64(pollWindow) {
		l.find("polling-too-fast", e, "%s %d times within %s", e.Method, pollLimit, time.Duration(times[pollLimit-1]-times[0]).Round(time.Millisecond))
		c.polls[e.Method] = nil
	}
}

func (l *Linter) answer(e *Entry, c *lintConn) {
	call := c.inFlight[string(e.ID)]
	delete(c.inFlight, string(e.ID))
	switch e.Method {
	case "authorize", "generateNewToken":
		if app := e.Fields["application"]; app != "" {
			c.application = app
		}
	case "queryHeadsets":
		var list []struct{ ID, Status string }
		if json.Unmarshal(e.Result, &list) == nil {
			for _, h := range list {
				l.tell(h.ID, h.Status == "connected")
			}
		}
	case "createSession":
		var r struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(e.Result, &r) == nil && r.ID != "" && len(l.sessions) < maxTracked {
			l.sessions[r.ID] = &lintSession{conn: e.Conn, streams: map[string]bool{}}
			c.sessions++
		}
	case "subscribe", "unsubscribe":
		var r struct {
			Success, Failure []struct {
				StreamName string `json:"streamName"`
				Code       int    `json:"code"`
			}
		}
		if json.Unmarshal(e.Result, &r) != nil {
			return
		}
		s := l.sessions[call.session]
		for _, x := range r.Success {
			c.sys = c.sys || x.StreamName == "sys"
			switch {
			case s == nil || len(s.streams) >= 100:
			case e.Method == "subscribe":
				s.streams[x.StreamName] = true
			default:
				delete(s.streams, x.StreamName)
			}
		}
		if e.Method == "unsubscribe" {
			return
		}
		if len(r.Success) == 0 && len(r.Failure) > 0 && !l.streaming() {
			refused := *e
			if c.refused == nil {
				l.refused = append(l.refused, c)
			}
			c.refused = &refused
		}
		for _, s := range r.Failure {
			if c.failed[s.StreamName] {
				l.find("subscribe-failure-ignored", e, "subscribe to %s was refused with %d a second time", cut(s.StreamName), s.Code)
			}
			if len(c.failed) < 100 && len(s.StreamName) <= maxTrackedName {
				c.failed[s.StreamName] = true
			}
		}
	case "stopRecord":
		var r struct {
			Record struct {
				UUID string `json:"uuid"`
			} `json:"record"`
		}
		if json.Unmarshal(e.Result, &r) == nil && r.Record.UUID != "" && len(l.records) < maxTracked {
			if _, known := l.records[r.Record.UUID]; !known {
				l.records[r.Record.UUID] = lintRecord{stopped: e.At}
			}
		}
	}
}

// tell notes what the client was told of a headset.
func (l *Linter) tell(headset string, connected bool) {
	if !connected {
		delete(l.told, headset)
	} else if len(l.told) < maxTracked {
		l.told[headset] = true
	}
}

func (l *Linter) failed(e *Entry, c *lintConn) {
	call := c.inFlight[string(e.ID)]
	delete(c.inFlight, string(e.ID))
	key := e.Method + strconv.Itoa(e.Code)
	if len(key) <= maxTrackedName && len(c.errors) < 1000 || c.errors[key] > 0 {
		if c.errors[key]++; c.errors[key] == 10 {
			l.find("repeated-error", e, "%s answered %d ten times", e.Method, e.Code)
		}
	}
	if (e.Code == -32034 || e.Code == -32135 || e.Code == -32170) && c.errors[key] == 3 {
		l.find("not-reauthorized", e, "%s answered %d three times", e.Method, e.Code)
	}
	if s := l.sessions[call.session]; s != nil && e.Code == -32007 {
		s.closed = true // the client knows by now that it is gone
	}
	if e.Why == ByRule {
		return // no client's doing
	}
	switch e.Code {
	case -32135:
		l.find("other-application-token", e, "%s with a token that is not this application's", e.Method)
	case -32004, -32001:
		// A headset that was listed as connected can be refused all the same.
		if e.Method == "createSession" && !l.told[call.headset] && (call.headset != "" || len(l.told) == 0) {
			l.find("session-before-connected", e, "createSession answered %d: the headset is not available yet", e.Code)
		}
	case -32007:
		if e.Method == "subscribe" && c.sessions == 0 {
			l.find("subscribe-without-session", e, "subscribe with a session that this connection did not create")
		}
	case -32019:
		if l.noQuota != nil {
			l.find("no-debit", e, "%s answered -32019 again, and no authorize had a debit", e.Method)
		} else if !l.debited {
			first := *e
			l.noQuota = &first
		}
	case -32115:
		l.find("marker-in-seconds", e, "injectMarker answered -32115: the time is too far in the past")
	case -32018, -32602:
		switch {
		case strings.Contains(e.Why, "cortexToken"):
			l.find("call-without-token", e, "%s without cortexToken", e.Method)
		case e.Method == "subscribe" && c.sessions == 0 && call.session == "":
			l.find("subscribe-without-session", e, "subscribe without a session")
		}
	}
}

func (l *Linter) warning(e *Entry) {
	var m struct {
		SessionID string `json:"sessionId"`
		RecordID  string `json:"recordId"`
		HeadsetID string `json:"headsetId"`
	}
	_ = json.Unmarshal(e.Message, &m) // a text has neither
	switch e.Code {
	case 0, 1:
		if s := l.sessions[m.SessionID]; s != nil && !s.closed && !s.dead {
			s.dead, s.told = true, e.At
		}
	case 18:
		for id := range l.records {
			l.records[id] = lintRecord{ready: true}
		}
	case 30:
		if len(l.records) < maxTracked {
			l.records[m.RecordID] = lintRecord{ready: true}
		}
	case 100, 101, 102, 103:
		l.tell(m.HeadsetID, false)
	case 104:
		l.tell(m.HeadsetID, true)
	}
}

func (l *Linter) event(e *Entry) {
	if e.Event != EvTraining {
		return
	}
	switch e.Fields["event"] {
	case "MC_Succeeded", "FE_Succeeded":
		if len(l.training) < maxTracked {
			l.training[e.Fields["headset"]] = true
		}
	case "MC_Completed", "FE_Completed", "MC_Rejected", "FE_Rejected", "MC_Reset", "FE_Reset":
		delete(l.training, e.Fields["headset"])
	}
}

// pending tells of a training result that nobody has answered.
func (l *Linter) pending(e *Entry) {
	if len(l.training) > 0 {
		l.find("training-not-answered", e, "a training that succeeded was neither accepted nor rejected")
		clear(l.training)
	}
}

func (l *Linter) closed(e *Entry) {
	if e.Code == 1008 {
		l.find("slow-reader", e, "the client did not read its messages, its connection was closed")
	}
	if e.Why == "" { // the client closed it, or went away
		l.left(e, func(s *lintSession) bool { return s.conn == e.Conn })
	} else {
		maps.DeleteFunc(l.sessions, func(_ string, s *lintSession) bool { return s.conn == e.Conn })
	}
	l.conn(e.Conn).refused = nil
	delete(l.conns, e.Conn)
}

// left tells of sessions that were left open.
func (l *Linter) left(e *Entry, of func(*lintSession) bool) {
	n := 0
	for id, s := range l.sessions {
		if !of(s) {
			continue
		}
		if !s.closed && !s.dead {
			n++
		}
		delete(l.sessions, id)
	}
	if n > 0 {
		l.find("session-not-closed", e, "%d session(s) left open at the end of the connection", n)
	}
}

// Finish returns what was found in a run that ended at now, in the order in
// which it was found first.
func (l *Linter) Finish(now int64) []Finding {
	end := Entry{At: now}
	l.waiting(now)
	if e := l.noQuota; e != nil {
		l.noQuota = nil
		l.find("no-debit", e, "%s answered -32019, and no authorize had a debit", e.Method)
	}
	l.left(&end, func(*lintSession) bool { return true })
	l.pending(&end)
	return l.Findings()
}

// Findings returns what was found so far.
func (l *Linter) Findings() []Finding {
	out := make([]Finding, len(l.order))
	for i, rule := range l.order {
		out[i] = *l.findings[rule]
	}
	return out
}
