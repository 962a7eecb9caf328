package sessionstore

import (
	"slices"
	"time"
)

// SessionStatus is the state of a session as the Session object spells it.
type SessionStatus uint8

// The statuses of a session.
const (
	SessionOpen SessionStatus = iota
	SessionActive
	SessionEnded
)

// String returns the word of the Session object.
func (s SessionStatus) String() string {
	return [...]string{"opened", "activated", "closed"}[s]
}

// Session is one session between an application and a headset (Session object page).
type Session struct {
	ID          string // uuid
	Application *Application
	Owner       string // EmotivID
	Headset     *Headset
	Conn        ConnID // the connection that created it
	Status      SessionStatus
	License     *License // set by activation
	Started     time.Time
	Stopped     time.Time // zero while live
	RecordIDs   []string
	Recording   bool

	record        *Record // running if Recording, else the last one
	subscriptions []*Subscription
}

// Subscription is one stream of a session, sent to one connection.
type Subscription struct {
	Session *Session
	Stream  string
	Conn    ConnID
	// FullRate tells whether met was subscribed in an activated session with
	// scope pm (2 Hz); the choice stays until it is subscribed again
	// (Data Subscription page: "before you subscribe").
	FullRate bool
}

// Live reports whether the session is opened or activated.
func (s *Session) Live() bool { return s.Status != SessionEnded }

// Streams returns the names of the subscribed streams in the order of their
// subscription.
func (s *Session) Streams() []string {
	names := make([]string, 0, len(s.subscriptions))
	for _, sub := range s.subscriptions {
		names = append(names, sub.Stream)
	}
	return names
}

// Subscriptions returns the subscriptions in their order.
func (s *Session) Subscriptions() []*Subscription { return s.subscriptions }

// Subscription returns the subscription of a stream, or nil.
func (s *Session) Subscription(stream string) *Subscription {
	for _, sub := range s.subscriptions {
		if sub.Stream == stream {
			return sub
		}
	}
	return nil
}

// Sessions returns the live sessions in the order in which they were created.
func (s *Store) Sessions() []*Session { return slices.Clone(s.sessions) }

// Session returns the live session of that id if it belongs to the application, else nil.
func (s *Store) Session(a *Application, id string) *Session {
	for _, sess := range s.sessions {
		if sess.ID == id && sess.Application == a {
			return sess
		}
	}
	return nil
}

// DefaultHeadset returns the first connected headset, which createSession takes
// when none is named, or nil.
func (s *Store) DefaultHeadset() *Headset {
	for _, h := range s.headsets {
		if h.Status == HeadsetConnected {
			return h
		}
	}
	return nil
}

// NewSession is what OpenSession needs to know.
type NewSession struct {
	ID          string // uuid of the new session
	Application *Application
	Owner       string
	HeadsetID   string // empty takes the first connected headset
	Conn        ConnID
	Activate    bool
	License     *License // of the token, nil if it carries none
	Now         time.Time
}

// OpenSession creates a session (createSession). The headset is checked before
// the session rules and those before the quota: a client that repairs one
// thing at a time meets -32004, then -32005, then -32019 (cortex-example #127).
func (s *Store) OpenSession(n NewSession) (*Session, []Change, error) {
	const op = "createSession"
	h := s.DefaultHeadset()
	if n.HeadsetID != "" {
		h = s.Headset(n.HeadsetID)
	} else if h == nil {
		return nil, nil, refuse(op, NoHeadsetConnected, "no headset is named and none is connected")
	}
	switch {
	case h == nil || h.Status == HeadsetAbsent:
		return nil, nil, refuse(op, HeadsetUnavailable, "no headset %q is in reach", n.HeadsetID)
	case h.Status != HeadsetConnected:
		return nil, nil, refuse(op, HeadsetUnavailable, "headset %s is %s: connect it and wait for warning 104", h.ID, h.Status)
	case h.Flaky:
		return nil, nil, refuse(op, HeadsetUnavailable, "the link of headset %s is bad: plug its dongle in again", h.ID)
	case !h.Ready:
		return nil, nil, refuse(op, HeadsetNotReady, "headset %s has just been connected", h.ID)
	case h.ConnectedBy == USBCable && !s.SessionsOverUSBCable:
		return nil, nil, refuse(op, HeadsetOnUSBCable, "headset %s is on a USB cable", h.ID)
	}
	for _, sess := range s.sessions {
		if sess.Application == n.Application && sess.Headset == h {
			return nil, nil, refuse(op, SessionExists, "session %s of %s is open on %s", sess.ID, n.Application.ID, h.ID)
		}
	}
	if s.MaxSessions > 0 && len(s.sessions) >= s.MaxSessions {
		return nil, nil, refuse(op, SessionLimitReached, "%d sessions are open", len(s.sessions))
	}
	sess := &Session{
		ID: n.ID, Application: n.Application, Owner: n.Owner, Headset: h, Conn: n.Conn, Started: n.Now, RecordIDs: []string{},
	}
	changes := []Change{SessionOpened{Session: sess}}
	if n.Activate {
		activated, err := s.activate(op, sess, n.License, n.Now)
		if err != nil {
			return nil, nil, err
		}
		changes = append(changes, activated...)
	}
	s.sessions = append(s.sessions, sess)
	return sess, changes, nil
}

// USBCable is the connectedBy of a headset whose cable carries the data.
const USBCable = "usb cable"

// ActivateSession makes a session active (updateSession). Activating twice is a
// success and takes nothing (inferred).
func (s *Store) ActivateSession(sess *Session, l *License, now time.Time) ([]Change, error) {
	const op = "updateSession"
	switch {
	case !sess.Live():
		return nil, refuse(op, SessionUnknown, "session %s is closed", sess.ID)
	case sess.Status == SessionActive && !s.ActivateAgainCosts:
		return nil, nil
	}
	return s.activate(op, sess, l, now)
}

func (s *Store) activate(op string, sess *Session, l *License, now time.Time) ([]Change, error) {
	switch {
	case l == nil:
		return nil, refuse(op, NoLicense, "%s has no license", sess.Owner)
	case l.ExpiredAt(now):
		return nil, refuse(op, LicenseExpired, "license %s was valid to %s", l.ID, l.ValidTo.Format(time.RFC3339))
	case !l.HardLimitTime.IsZero() && !now.Before(l.HardLimitTime):
		return nil, refuse(op, HardLimitReached, "hardLimitTime of license %s was %s", l.ID, l.HardLimitTime.Format(time.RFC3339))
	case s.EnforceSoftLimit && !l.SoftLimitTime.IsZero() && !now.Before(l.SoftLimitTime):
		return nil, refuse(op, SoftLimitReached, "softLimitTime of license %s was %s", l.ID, l.SoftLimitTime.Format(time.RFC3339))
	case l.LocalQuota <= 0:
		return nil, refuse(op, QuotaUsedUp, "localQuota of license %s is %d: authorize with debit > 0", l.ID, l.LocalQuota)
	}
	if period := l.limitReached(now); period != "" {
		return nil, refuse(op, QuotaUsedUp, "license %s allows no more sessions in this %s", l.ID, period)
	}
	l.LocalQuota--
	l.countActivation(now)
	sess.License = l
	sess.Status = SessionActive
	return []Change{SessionActivated{Session: sess}}, nil
}

// CloseSession ends a session.
func (s *Store) CloseSession(sess *Session, reason CloseReason, now time.Time) []Change {
	return s.close(sess, reason, now)
}

func (s *Store) close(sess *Session, reason CloseReason, now time.Time) []Change {
	if !sess.Live() {
		return nil
	}
	var changes []Change
	if sess.Recording {
		changes = append(changes, s.stopRecordOf(sess, now)...)
	}
	if stopped := s.stopStreams(sess, reason); stopped != nil {
		changes = append(changes, stopped)
	}
	s.dropTrial(sess)
	sess.Status = SessionEnded
	sess.Stopped = now
	s.sessions = slices.DeleteFunc(s.sessions, func(have *Session) bool { return have == sess })
	return append(changes, SessionClosed{Session: sess, Reason: reason})
}

func (s *Store) stopStreams(sess *Session, reason CloseReason) Change {
	if len(sess.subscriptions) == 0 {
		return nil
	}
	var conns []ConnID
	for _, sub := range sess.subscriptions {
		if !slices.Contains(conns, sub.Conn) {
			conns = append(conns, sub.Conn)
		}
	}
	sess.subscriptions = nil
	return StreamsStopped{Session: sess, Reason: reason, Conns: conns}
}

// StopStreams cancels all subscriptions of a session and leaves it open.
func (s *Store) StopStreams(sess *Session, reason CloseReason) []Change {
	if stopped := s.stopStreams(sess, reason); stopped != nil {
		return []Change{stopped}
	}
	return nil
}

// Bind notes that a connection is one of an application's: it called with a
// token of it.
func (s *Store) Bind(a *Application, conn ConnID) {
	if !slices.Contains(s.bound[a], conn) {
		s.bound[a] = append(s.bound[a], conn)
	}
}

// Connections returns the connections of an application.
func (s *Store) Connections(a *Application) []ConnID { return slices.Clone(s.bound[a]) }

// HandOver gives the sessions of a connection that has ended to another
// connection of their application: an application that has one left is not
// disconnected. The others stay for ConnectionClosed.
func (s *Store) HandOver(conn ConnID) {
	for a, conns := range s.bound {
		if conns = slices.DeleteFunc(conns, func(c ConnID) bool { return c == conn }); len(conns) > 0 {
			s.bound[a] = conns
		} else {
			delete(s.bound, a)
		}
	}
	for _, sess := range s.sessions {
		if rest := s.bound[sess.Application]; sess.Conn == conn && len(rest) > 0 {
			sess.Conn = rest[0]
		}
	}
}

// ConnectionClosed ends what belonged to a connection: its sessions (Sessions
// page: all sessions of an application are closed when it disconnects) unless
// the world lets sessions outlive their connection, its subscriptions, and the
// profiles that it loaded.
func (s *Store) ConnectionClosed(conn ConnID, now time.Time) []Change {
	var changes []Change
	for _, sess := range s.Sessions() {
		if sess.Conn == conn && !s.SessionsOutliveConnection {
			changes = append(changes, s.close(sess, ClosedByConnection, now)...)
			continue
		}
		for _, sub := range slices.Clone(sess.subscriptions) {
			if sub.Conn == conn {
				changes = append(changes, s.Unsubscribe(sess, sub.Stream)...)
			}
		}
	}
	return append(changes, s.autoUnload(func(l *LoadedProfile) bool { return conn != 0 && l.Conn == conn })...)
}

// Subscribe adds a stream to a session, or moves the subscription that it has
// to this connection; a stream is never sent twice.
func (s *Store) Subscribe(sess *Session, stream string, conn ConnID) (*Subscription, []Change) {
	full := sess.Status == SessionActive && sess.License.HasScope("pm")
	if sub := sess.Subscription(stream); sub != nil {
		sub.Conn, sub.FullRate = conn, full
		return sub, []Change{Subscribed{Session: sess, Stream: stream, Conn: conn}}
	}
	sub := &Subscription{Session: sess, Stream: stream, Conn: conn, FullRate: full}
	sess.subscriptions = append(sess.subscriptions, sub)
	return sub, []Change{Subscribed{Session: sess, Stream: stream, Conn: conn}}
}

// Unsubscribe takes a stream from a session; nothing happens if it has none.
func (s *Store) Unsubscribe(sess *Session, stream string) []Change {
	for i, sub := range sess.subscriptions {
		if sub.Stream == stream {
			sess.subscriptions = slices.Delete(sess.subscriptions, i, i+1)
			return []Change{Unsubscribed{Session: sess, Stream: stream}}
		}
	}
	return nil
}
