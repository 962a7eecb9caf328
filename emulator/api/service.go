package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// FrameKind says what a frame to a client is.
type FrameKind uint8

// The kinds of frames that the service sends.
const (
	Answer FrameKind = iota
	Warning
	Sample
)

// Frame is what a frame to a client is about.
type Frame struct {
	Kind    FrameKind
	Method  string          // of an Answer; "" when the request has none
	ID      json.RawMessage // of an Answer, as the client sent it; nil is null
	Code    int             // of a Warning, or of the error in an Answer
	Stream  streams.Kind    // of a Sample
	Headset string          // of a Sample
}

// Link is the way to one client. Send queues one text frame made of the parts;
// it copies them and never blocks.
type Link interface {
	Send(about Frame, parts ...[]byte)
	Close(code int, reason string)
}

// Peer is one connected client.
type Peer struct {
	ID   sessionstore.ConnID
	link Link
	gone bool

	zombie bool     // nothing that it sends is answered
	held   [][]byte // requests that wait for a starting service
	heldBy int      // their bytes
}

// Hooks let the emulator watch. Each may be nil.
type Hooks struct {
	// Refused is called for each error answer, with the plain reason.
	Refused func(peer sessionstore.ConnID, method string, code int, why string)
	// Changed is called for each change of state.
	Changed func(sessionstore.Change)
	// Requested is called for each request before it is served. What the hook
	// changes the request meets.
	Requested func(peer sessionstore.ConnID, req *rpc.Request)
	// Malformed is called for a frame that is no request; answer is what the
	// client gets.
	Malformed func(peer sessionstore.ConnID, frame, answer []byte, fault *rpc.Error)
	// Answered is called with each answer to a request before it is sent; fault
	// is nil for a success. A request without an id has a nil answer.
	Answered func(peer sessionstore.ConnID, req *rpc.Request, answer []byte, fault *rpc.Error)
	// Warned is called with each warning to each client before it is sent.
	Warned func(peer sessionstore.ConnID, code int, frame []byte)
	// Sampled is called once for each sample that goes to at least one client,
	// after it was sent. nil is the fast way.
	Sampled func(headset string, stream streams.Kind)
	// Event is called when something happens in the world: an event of the
	// scenarios package with its fields, name and value in turn.
	Event func(name string, fields ...string)
	// Background runs work outside the loop and then done on it. Nil does both
	// at once.
	Background func(work func(context.Context), done func())
	// Truth is called with what is put into the signal of a headset.
	Truth func(headset string, truth streams.Truth)
	// Ahead reports that from now to the next event of the scheduler nothing can
	// reach the world from outside: samples may then be made before their time.
	Ahead func() bool
}

// Service is the Cortex API over one world. See the package comment.
type Service struct {
	Store *sessionstore.Store

	sched    *streams.Scheduler
	world    World
	compat   Compat
	texts    Texts
	log      *slog.Logger
	hooks    Hooks
	registry *rpc.Registry[*Call]
	withheld map[string]string // why a method is not in the registry
	started  time.Time
	data     map[string]*recordData // by record
	markers  *rand.Rand             // jitter and loss of markers

	keeping, keepAgain bool         // the state is being written; it has changed since
	silenced           map[int]bool // warnings that this version of Cortex does not have
	// tokensExpired is Application.TokensExpired for every application.
	tokensExpired int64
	refreshed     *streams.Event // the cloud has refreshed the token
	faults        rpc.Faults
	ids           io.Reader
	peers         map[sessionstore.ConnID]*Peer
	order         []*Peer // peers in the order of their connection
	devices       map[string]*device
	virtuals      []*virtual
	scan          scanState

	working   int // files that are being written, beside the loop
	trainings int // that have started, see TrainingAlternates

	inCall   bool
	caller   *Peer      // who made the running call
	pending  []outgoing // warnings that wait for the answer of the running call
	deferred []func()   // what else waits for it: sys events
}

type outgoing struct {
	peer  *Peer
	code  int
	frame []byte
}

// New returns a service over a world whose time is the scheduler's.
func New(world World, sched *streams.Scheduler, log *slog.Logger, hooks Hooks) (*Service, error) {
	world.defaults()
	compat, err := NewCompat(world.CortexVersion)
	if err != nil {
		return nil, err
	}
	s := &Service{
		Store: sessionstore.New(), sched: sched, world: world, compat: compat, log: log, hooks: hooks,
		ids:     rand.NewChaCha8(seed32(world.Seed, "ids")),
		peers:   make(map[sessionstore.ConnID]*Peer),
		devices: make(map[string]*device),
		data:    make(map[string]*recordData),
		markers: rand.New(rand.NewChaCha8(seed32(world.Seed, "markers"))),
	}
	if world.Compat != nil {
		s.compat = *world.Compat
	}
	s.setTexts()
	s.started = s.Now()
	var methods []rpc.Method[*Call]
	for _, chapter := range [][]rpc.Method[*Call]{
		authenticationMethods(), headsetMethods(), updateMethods(), mappingMethods(), sessionMethods(), subscriptionMethods(),
		profileMethods(), trainingMethods(), advancedBCIMethods(),
		recordMethods(), exportMethods(), markerMethods(), subjectMethods(), virtualMethods(),
	} {
		methods = append(methods, chapter...)
	}
	methods, s.withheld = s.offeredMethods(methods)
	if s.registry, err = rpc.NewRegistry(methods...); err != nil {
		return nil, err
	}
	return s, s.populate()
}

// offeredMethods returns the methods, and their parameters, that the Cortex of
// the world has, and of every other method the plain reason. A client that calls
// one of those gets -32601; a parameter that is newer is ignored as an unknown
// one is.
func (s *Service) offeredMethods(all []rpc.Method[*Call]) (offered []rpc.Method[*Call], withheld map[string]string) {
	withheld = map[string]string{}
	for _, m := range all {
		switch {
		case strings.Contains(m.Name, "VirtualHeadset") && !s.world.VirtualHeadsetMethods:
			withheld[m.Name] = m.Name + " belongs to the mobile library: world.virtualHeadsetMethods turns it on"
		case m.Name == "configMapping" && !s.compat.ConfigMapping:
			withheld[m.Name] = fmt.Sprintf("%s came with Cortex %s: compat.configMapping is off in this world", m.Name, m.Since)
		case m.Name != "configMapping" && !s.compat.since(m.Since):
			withheld[m.Name] = fmt.Sprintf("%s came with Cortex %s, this world has %s", m.Name, m.Since, s.compat.Version)
		default:
			m.Params = slices.DeleteFunc(slices.Clone(m.Params), func(p rpc.Param) bool { return !s.compat.since(p.Since) })
			offered = append(offered, m)
		}
	}
	return offered, withheld
}

func (s *Service) populate() error {
	w := &s.world
	s.Store.SessionsOutliveConnection = w.SessionsOutliveConnection
	s.Store.SessionsOutliveHeadset = w.SessionEnd > 0
	s.Store.SessionsOverUSBCable = w.SessionsOverUSBCable
	s.Store.ActivateAgainCosts = w.ActivateAgainCosts
	s.Store.EnforceSoftLimit = w.EnforceSoftLimit
	s.Store.MaxSessions, s.Store.MaxApplications = w.MaxSessions, w.MaxApplications
	s.Store.CurrentOS = w.CurrentOS
	for _, u := range w.Users {
		if u.LastLogin.IsZero() {
			u.LastLogin = s.Now().Add(-time.Hour)
		}
		s.Store.AddUser(&u)
	}
	if w.Login != "" {
		if s.Store.User(w.Login) == nil {
			return fmt.Errorf("world: login %q is not one of its users", w.Login)
		}
		s.Store.Login = sessionstore.Login{Username: w.Login, OS: w.LoginOS}
	}
	for _, a := range w.Applications {
		s.Store.AddApplication(&a)
	}
	for _, l := range w.Licenses {
		s.Store.AddLicense(&l)
	}
	for _, f := range w.FlexMappings {
		if err := s.Store.PutFlexMapping(w.Login, f, s.Now()); err != nil {
			return fmt.Errorf("world: %w", err)
		}
	}
	for _, spec := range w.Headsets {
		if err := s.addDevice(spec); err != nil {
			return err
		}
	}
	if err := s.populateProfiles(); err != nil {
		return err
	}
	if err := s.populateRecords(); err != nil {
		return err
	}
	if w.Phase == PhaseStarting && w.ReadyDelay > 0 {
		s.sched.After(int64(w.ReadyDelay), s.ServiceReady)
	}
	return nil
}

// Now returns the virtual instant in the zone of the Cortex host.
func (s *Service) Now() time.Time { return time.Unix(0, s.sched.Now()).In(s.world.Zone) }

// newID returns the next uuid of the world.
func (s *Service) newID() string {
	id, err := uuid.NewRandomFromReader(s.ids)
	if err != nil {
		panic(err) // the seeded reader has no way to fail
	}
	return id.String()
}

// seed32 derives an independent seed for one purpose of a world.
func seed32(seed uint64, purpose string) (out [32]byte) {
	r := rand.New(rand.NewPCG(seed, hashString(purpose)))
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

// hashString is FNV-1a.
func hashString(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// Connect tells of a new client.
func (s *Service) Connect(id sessionstore.ConnID, link Link) {
	p := &Peer{ID: id, link: link}
	s.peers[id] = p
	s.order = append(s.order, p)
	s.greet(p)
}

// Disconnect tells that a client is gone: its sessions end.
func (s *Service) Disconnect(id sessionstore.ConnID) {
	p := s.peers[id]
	if p == nil {
		return
	}
	p.gone = true
	delete(s.peers, id)
	for i, have := range s.order {
		if have == p {
			s.order = append(s.order[:i], s.order[i+1:]...)
			break
		}
	}
	s.Store.HandOver(id)
	if s.world.ConnectionEnd > 0 && s.sched.Len() < maxEvents {
		s.dropSinks(p)
		s.sched.After(int64(s.world.ConnectionEnd), func() { s.apply(s.Store.ConnectionClosed(id, s.Now())) })
		return
	}
	s.apply(s.Store.ConnectionClosed(id, s.Now()))
}

// Call is one request on its way through a handler.
type Call struct {
	*Service
	peer   *Peer
	Method string
	token  claims
	app    *sessionstore.Application
	extra  rpc.Object // further top-level members of the answer
}

// Receive handles one frame of a client.
func (s *Service) Receive(id sessionstore.ConnID, binary bool, frame []byte) {
	p := s.peers[id]
	if p == nil || p.zombie {
		return
	}
	if s.world.Phase == PhaseStarting && !s.world.RefuseWhileStarting && !binary && p.hold(frame) {
		return
	}
	if binary {
		// Nothing is documented for binary frames; Cortex speaks text.
		s.malformed(p, frame, nil, s.fault(CodeParseError, "binary frame: Cortex takes JSON in text frames only"))
		return
	}
	req, answerID, fault := rpc.Decode(frame, rpc.DecodeOptions{Faults: s.faults, AnyVersion: s.world.AnyEnvelope})
	if fault != nil {
		s.malformed(p, frame, answerID, fault)
		return
	}
	s.inCall = true
	if s.hooks.Requested != nil {
		s.hooks.Requested(id, req)
	}
	c := &Call{Service: s, peer: p, Method: req.Method}
	s.caller = p
	result, err := s.handle(c, req)
	s.caller = nil
	if l, ok := result.(*later); ok && err == nil {
		s.begin(c, req, l)
	} else {
		s.answer(c, req, result, err)
	}
	s.inCall = false
	s.flushWarnings()
	if err == nil && keptMethod(req.Method) {
		s.keep()
	}
}

// later is the result of a handler whose answer takes work that would hold up
// the loop: writing files. Other requests are served in the meantime.
type later struct {
	work func(context.Context) // in a goroutine of its own: it must not touch the service
	done func() (any, error)   // on the loop: the answer
}

// begin starts the work and answers when it is done.
func (s *Service) begin(c *Call, req *rpc.Request, l *later) {
	s.background(l.work, func() {
		within := s.inCall // when the work was done at once
		s.inCall = true
		if result, err := l.done(); !c.peer.gone {
			s.answer(c, req, result, err)
		}
		if s.inCall = within; !within {
			s.flushWarnings()
		}
	})
}

// maxEvents bounds what waits for its time. Many calls make something happen
// later, and on the manual clock later may never come.
const maxEvents = 1_000_000

// handle checks a request in the order of the service: required parameters,
// token, access, values; then the handler checks objects and states.
func (s *Service) handle(c *Call, req *rpc.Request) (any, error) {
	m, fault := s.registry.Find(req.Method, s.faults)
	if fault != nil {
		if why, ok := s.withheld[req.Method]; ok {
			fault.Op = why
		}
		return nil, fault
	}
	if s.world.Phase == PhaseStarting && m.Name != "getCortexInfo" {
		return nil, s.fault(CodeServiceStarting, "the service is starting: wait for warning 23")
	}
	if n := s.sched.Len(); n >= maxEvents {
		return nil, s.fault(CodeInternal, fmt.Sprintf("%d events wait for their time: let the clock go on, or reset", n))
	}
	if fault := m.CheckRequired(req.Params, s.faults); fault != nil {
		return nil, fault
	}
	if m.Has("cortexToken") {
		if err := c.checkToken(req.Params); err != nil {
			return nil, err
		}
	}
	if s.world.RefuseUnknownParams {
		if fault := m.CheckKnown(req.Params, s.faults); fault != nil {
			return nil, fault
		}
	}
	args, fault := m.CheckTypes(req.Params, s.faults)
	if fault != nil {
		return nil, fault
	}
	return m.Handle(c, args)
}

// answer sends the answer to a request, a success or an error.
func (s *Service) answer(c *Call, req *rpc.Request, result any, err error) {
	var frame []byte
	if err == nil && req.ID != nil {
		if frame, err = rpc.AppendResultWith(nil, req.ID, result, c.extra); err != nil {
			err = s.fault(CodeInternal, err.Error())
		} else if len(frame) > s.world.MaxAnswer {
			err = s.fault(CodeInternal, fmt.Sprintf("the answer has %d bytes, at most %d are sent: ask for less, a page with limit perhaps", len(frame), s.world.MaxAnswer))
		}
	}
	var fault *rpc.Error
	if err != nil {
		fault = s.toFault(err)
		s.refused(c.peer, req.Method, fault)
		fault = s.finalFault(fault)
		if req.ID != nil {
			frame = rpc.AppendError(nil, req.ID, fault)
		}
	}
	if s.hooks.Answered != nil {
		s.hooks.Answered(c.peer.ID, req, frame, fault)
	}
	if frame == nil {
		return // a notification
	}
	about := Frame{Kind: Answer, Method: req.Method, ID: req.ID}
	if fault != nil {
		about.Code = fault.Code
	}
	c.peer.link.Send(about, frame)
}

// malformed answers a frame that is no request.
func (s *Service) malformed(p *Peer, frame []byte, id json.RawMessage, fault *rpc.Error) {
	s.refused(p, "", fault)
	fault = s.finalFault(fault)
	answer := rpc.AppendError(nil, id, fault)
	if s.hooks.Malformed != nil {
		s.hooks.Malformed(p.ID, frame, answer, fault)
	}
	p.link.Send(Frame{Kind: Answer, ID: id, Code: fault.Code}, answer)
}

func (s *Service) refused(p *Peer, method string, fault *rpc.Error) {
	why := fault.Op
	if fault.Cause != nil {
		why = fault.Cause.Error()
	}
	s.log.Info("refused", "conn", p.ID, "method", Scrub(Shorten(method)), "code", fault.Code, "reason", Scrub(Shorten(why)))
	if s.hooks.Refused != nil {
		s.hooks.Refused(p.ID, method, fault.Code, why)
	}
}

// toFault turns a refusal of the store into the error of its code.
func (s *Service) toFault(err error) *rpc.Error {
	var fault *rpc.Error
	if errors.As(err, &fault) {
		return fault
	}
	var refusal *sessionstore.Error
	if errors.As(err, &refusal) {
		return s.fault(reasonCodes[refusal.Reason], refusal.Error())
	}
	return s.fault(CodeInternal, err.Error())
}

// checkToken admits the caller of a token method. The order is that of checks
// that need ever more of the world: signature, expiry, application, user, access
// right. It is a guess.
func (c *Call) checkToken(params map[string]json.RawMessage) error {
	var text string
	if json.Unmarshal(params["cortexToken"], &text) != nil {
		return c.invalid("cortexToken", "a string")
	}
	cl, ok := openToken(text)
	if !ok {
		return c.fault(CodeTokenInvalid, "cortexToken is damaged, or another service signed it")
	}
	if why := c.expired(cl); why != "" {
		return c.fault(CodeTokenExpired, why+": call generateNewToken or authorize")
	}
	var clientID string
	if json.Unmarshal(params["clientId"], &clientID) == nil && clientID != "" && c.Method == "generateNewToken" {
		id := "com." + cl.Username + "." + appName(clientID)
		if named := c.Store.ApplicationByClient(clientID); named != nil {
			id = named.ID
		} else if !c.world.AnyApplication {
			id = cl.AppID // an unknown client id is another fault
		}
		if id != cl.AppID {
			return c.fault(CodeTokenOtherApp, fmt.Sprintf("cortexToken is of %s, clientId of %s", cl.AppID, id))
		}
	}
	if err := c.checkLogin(); err != nil {
		return err
	}
	if login := c.Store.Login.Username; login != cl.Username {
		return c.fault(CodeTokenNotFit, fmt.Sprintf("cortexToken is of user %s, %s is logged in", cl.Username, login))
	}
	app := c.Store.ApplicationByID(cl.AppID)
	if app == nil && c.world.AnyApplication {
		// A token of an earlier run of the service: tokens survive a restart.
		app = &sessionstore.Application{ID: cl.AppID, Version: cl.AppVersion, Access: sessionstore.AccessGranted, ApproveAfter: -1, DenyAfter: -1}
		if err := c.Store.Register(c.Method, app); err != nil {
			return err
		}
	}
	switch {
	case app == nil:
		return c.fault(CodeNoAccessRight, "cortexToken is of an application unknown here: "+cl.AppID)
	case app.AccessOf(cl.Username) != sessionstore.AccessGranted:
		return c.fault(CodeNoAccessRight, fmt.Sprintf("the access right of %s is %s", app.ID, app.AccessOf(cl.Username)))
	case app.NeedsAuthorize:
		return c.fault(CodeNotReauthorized, app.ID+" must call authorize again")
	}
	c.token, c.app = cl, app
	c.Store.Bind(app, c.peer.ID)
	return nil
}

// expired returns why a token has expired, or "".
func (c *Call) expired(cl claims) string {
	if now := c.Now().Unix(); now >= cl.Expires {
		return fmt.Sprintf("cortexToken expired %d s ago", now-cl.Expires)
	}
	limit := c.tokensExpired
	if app := c.Store.ApplicationByID(cl.AppID); app != nil {
		limit = max(limit, app.TokensExpired)
	}
	if cl.NotBefore+int64(tokenBackdate/time.Second) <= limit {
		return "every token of this application that was given until now was made to expire"
	}
	return ""
}

// maxName bounds names that clients give and that nothing else bounds, in bytes.
const maxName = 255

// checkName refuses a name that is too long.
func (c *Call) checkName(a rpc.Args, param string) error {
	if len(a.String(param)) > maxName {
		return c.invalid(param, fmt.Sprintf("a string of at most %d bytes", maxName))
	}
	return nil
}

// invalid is -32602 for a parameter whose value is wrong.
func (c *Call) invalid(param, want string) *rpc.Error { return c.faults.Invalid(c.Method, param, want) }

// missing is -32018 for a parameter that only some calls of a method require.
func (c *Call) missing(param string) *rpc.Error { return c.faults.Missing(c.Method, param) }

// license returns the license of the caller's token, or nil.
func (c *Call) license() *sessionstore.License {
	if c.token.LicenseID == "" {
		return nil
	}
	return c.Store.License(c.token.LicenseID)
}

// apply acts on changes of the store.
func (s *Service) apply(changes []sessionstore.Change) {
	for _, ch := range changes {
		if s.hooks.Changed != nil {
			s.hooks.Changed(ch)
		}
		s.tell(ch)
		switch ch := ch.(type) {
		case sessionstore.UserLoggedIn:
			code := WarnUserLogin
			if !s.Store.LoginUsable() {
				code = WarnOtherOSUser
			}
			s.warnAll(code, s.warningText(code, ch.Username))
		case sessionstore.EULAAccepted:
			s.warnAll(WarnEULAAccepted, s.warningText(WarnEULAAccepted, ch.Username))
		case sessionstore.HeadsetChanged:
			if h := ch.Headset; s.Store.SessionsOutliveHeadset && ch.To <= sessionstore.HeadsetDiscovered {
				s.StopRecords(h.ID)
				since := h.ConnectedSince
				s.sched.After(int64(s.world.SessionEnd), func() {
					if h.ConnectedSince.Equal(since) { // else it came back
						s.apply(s.Store.CloseSessionsOf(h, sessionstore.ClosedByHeadset, s.Now()))
					}
				})
			}
		case sessionstore.UserLoggedOut:
			s.warnAll(WarnUserLogout, s.warningText(WarnUserLogout, ch.Username))
		case sessionstore.AccessDecided:
			switch ch.Access {
			case sessionstore.AccessGranted:
				s.warnAll(WarnAccessGranted, s.warningText(WarnAccessGranted, ch.Application.Name))
			case sessionstore.AccessDenied:
				s.warnAll(WarnAccessRejected, s.warningText(WarnAccessRejected, ch.Application.Name))
			}
		case sessionstore.RecordStarted:
			s.startRecorder(ch.Session, ch.Record)
		case sessionstore.RecordStopped:
			s.recordStopped(ch.Record)
		case sessionstore.RecordDeleted:
			s.freeRecord(ch.Record)
		case sessionstore.OptOutChanged:
			s.optOutChanged(ch)
		case sessionstore.Subscribed:
			s.startStream(ch)
		case sessionstore.Unsubscribed:
			s.leaveStream(ch.Session, ch.Stream)
		case sessionstore.StreamsStopped:
			s.stopStream(ch.Session, "")
			if ch.Reason != sessionstore.ClosedByClient || s.compat.Warning0OnClose {
				text := s.warningText(WarnStreamsStopped, ch.Session.ID)
				var message any = rpc.Object{"behavior": text, "sessionId": ch.Session.ID}
				if s.compat.Warning0IsText {
					message = text
				}
				for _, conn := range ch.Conns {
					s.warn(s.peers[conn], WarnStreamsStopped, message)
				}
			}
		case sessionstore.SessionClosed:
			// After a close by the client warning 1 is not sent (inferred).
			if ch.Reason != sessionstore.ClosedByClient {
				s.warn(s.peers[ch.Session.Conn], WarnSessionClosed, rpc.Object{
					"behavior": s.warningText(WarnSessionClosed, ch.Session.ID), "sessionId": ch.Session.ID,
				})
			}
		default:
			s.profileChange(ch)
		}
	}
	s.flushWarnings()
}

// warningText returns the wording of a warning about one thing.
func (s *Service) warningText(code int, about string) string {
	text := s.texts.Warnings[code].Message
	if i := indexVerb(text); i >= 0 {
		return text[:i] + about + text[i+2:]
	}
	return text
}

func indexVerb(text string) int {
	for i := 0; i+1 < len(text); i++ {
		if text[i] == '%' && text[i+1] == 's' {
			return i
		}
	}
	return -1
}

// warn queues a warning to one client; a nil peer is gone already.
func (s *Service) warn(p *Peer, code int, message any) {
	if p == nil || p.gone || p.zombie || s.silenced[code] {
		return
	}
	code, message = s.finalWarning(code, message)
	frame, err := rpc.AppendWarning(nil, code, message)
	if err != nil {
		s.log.Error("warning not encoded", "code", code, "error", err)
		return
	}
	s.pending = append(s.pending, outgoing{p, code, frame})
}

// warnAll queues a warning to every client, in the order of their connection.
func (s *Service) warnAll(code int, message any) {
	for _, p := range s.order {
		s.warn(p, code, message)
	}
}

func (s *Service) warnHeadset(code int, headset string) {
	s.warnAll(code, rpc.Object{"behavior": s.warningText(code, headset), "headsetId": headset})
}

// afterAnswer calls fn when the answer of the running call is sent, at once when
// none runs.
func (s *Service) afterAnswer(fn func()) {
	if s.inCall {
		s.deferred = append(s.deferred, fn)
		return
	}
	fn()
}

// flushWarnings sends what is queued, unless a call runs: its answer goes first.
func (s *Service) flushWarnings() {
	if s.inCall {
		return
	}
	for i, fn := range s.deferred {
		s.deferred[i] = nil
		fn()
	}
	s.deferred = s.deferred[:0]
	for i, w := range s.pending {
		if !w.peer.gone {
			if s.hooks.Warned != nil {
				s.hooks.Warned(w.peer.ID, w.code, w.frame)
			}
			w.peer.link.Send(Frame{Kind: Warning, Code: w.code}, w.frame)
		}
		s.pending[i] = outgoing{}
	}
	s.pending = s.pending[:0]
}
