package sessionstore

// Change is one thing that a transition did, for the caller to act on.
type Change interface{ change() }

// CloseReason says why a session ended.
type CloseReason uint8

// Why a session ended.
const (
	ClosedByClient     CloseReason = iota // updateSession close
	ClosedByHeadset                       // its headset is gone
	ClosedByConnection                    // the application's connection ended
	ClosedByLogout                        // the user logged out
	ClosedByCortex                        // the service closed it (scenario, reset)
)

// String returns the reason in words.
func (r CloseReason) String() string {
	return [...]string{"client", "headset", "connection", "logout", "cortex"}[r]
}

type (
	// UserLoggedIn is warning 2.
	UserLoggedIn struct{ Username string }
	// EULAAccepted is warning 17.
	EULAAccepted struct{ Username string }
	// UserLoggedOut is warning 3.
	UserLoggedOut struct{ Username string }
	// AccessDecided is warning 8, 9 or 10.
	AccessDecided struct {
		Application *Application
		Access      Access
	}
	// SessionOpened tells of a new session.
	SessionOpened struct{ Session *Session }
	// SessionActivated tells that a session took one session of the quota.
	SessionActivated struct{ Session *Session }
	// StreamsStopped is warning 0: all subscriptions of a session ended.
	StreamsStopped struct {
		Session *Session
		Reason  CloseReason
		Conns   []ConnID // the connections that were subscribed
	}
	// SessionClosed is warning 1, unless the client closed it.
	SessionClosed struct {
		Session *Session
		Reason  CloseReason
	}
	// Subscribed and Unsubscribed tell of one stream of a session.
	Subscribed struct {
		Session *Session
		Stream  string
		Conn    ConnID
	}
	// Unsubscribed is the end of one subscription.
	Unsubscribed struct {
		Session *Session
		Stream  string
	}
	// HeadsetChanged tells of a new status of a headset.
	HeadsetChanged struct {
		Headset  *Headset
		From, To HeadsetStatus
	}
	// RecordStarted tells of a record that runs now.
	RecordStarted struct {
		Session *Session
		Record  *Record
	}
	// RecordStopped tells of the end of a record, by stopRecord or with its session.
	RecordStopped struct {
		Session *Session
		Record  *Record
	}
	// RecordDeleted tells that the data of a record can go.
	RecordDeleted struct{ Record *Record }
	// OptOutChanged is warning 21 or 22.
	OptOutChanged struct {
		Application *Application
		On          bool
	}
)

func (UserLoggedIn) change()     {}
func (EULAAccepted) change()     {}
func (UserLoggedOut) change()    {}
func (AccessDecided) change()    {}
func (SessionOpened) change()    {}
func (SessionActivated) change() {}
func (StreamsStopped) change()   {}
func (SessionClosed) change()    {}
func (Subscribed) change()       {}
func (Unsubscribed) change()     {}
func (HeadsetChanged) change()   {}
func (RecordStarted) change()    {}
func (RecordStopped) change()    {}
func (RecordDeleted) change()    {}
func (OptOutChanged) change()    {}
