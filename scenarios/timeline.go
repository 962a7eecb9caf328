package scenarios

// Step is one entry of the timeline: a trigger, and what is done then. Exactly
// one of At, After, OnCall, OnSample and Every is set.
type Step struct {
	Name        string    `json:"name,omitempty" doc:"A name that after.step and the journal use."`
	At          *Duration `json:"at,omitempty" doc:"Virtual time from the start."`
	After       *After    `json:"after,omitempty" doc:"After something happened."`
	OnCall      *OnCall   `json:"onCall,omitempty" doc:"On a call of a method, before it is served."`
	OnSample    *OnSample `json:"onSample,omitempty" doc:"When a stream has sent samples."`
	Every       *Duration `json:"every,omitempty" min:"1ms" doc:"Again and again, the first time after one period."`
	Count       int       `json:"count,omitempty" min:"0" max:"1000000" doc:"With every: how often; 0: without end."`
	Probability *float64  `json:"probability,omitempty" min:"0" max:"1" doc:"Each time the trigger comes, by the seed of the world; absent: 1."`
	Do          []Action  `json:"do" rule:"required,single" max:"100" doc:"Actions, in this order."`
}

// After triggers on an event of the world, or on another step.
type After struct {
	Event string            `json:"event,omitempty" rule:"short" doc:"Name of the event."`
	Step  string            `json:"step,omitempty" doc:"Name of a step that was done."`
	Where map[string]string `json:"where,omitempty" doc:"Fields that the event must have, such as headset."`
	N     int               `json:"n" default:"1" min:"0" max:"1000000" doc:"Which occurrence; 0: each."`
	Delay Duration          `json:"delay,omitempty" max:"8760h"`
}

// OnCall triggers on the n-th call of a method.
type OnCall struct {
	Method     string   `json:"method" rule:"required,short" doc:"Method name, or * for any."`
	N          int      `json:"n" default:"1" min:"0" max:"1000000" doc:"Which call; 0: each."`
	Connection int      `json:"connection,omitempty" min:"0" doc:"Number of the connection since the start; 0: any."`
	Params     JSON     `json:"params,omitempty" doc:"Parameters that the call must have."`
	Delay      Duration `json:"delay,omitempty" max:"8760h"`
}

// OnSample triggers when a stream of a headset has sent its n-th sample.
type OnSample struct {
	Headset string   `json:"headset,omitempty" ref:"headset" doc:"Absent: any headset."`
	Stream  string   `json:"stream" rule:"required,short" enum:"eeg|mot|dev|eq|pow|met|com|fac|sys"`
	N       int      `json:"n" default:"1" min:"1" max:"1000000000"`
	Repeat  bool     `json:"repeat" doc:"Again each n samples."`
	Delay   Duration `json:"delay,omitempty" max:"8760h"`
}

// EventType is one kind of event that the emulator tells the engine of.
type EventType struct {
	Name   string
	Fields []string
	Doc    string
}

// The names of events.
const (
	EvStarted             = "started"
	EvConnectionOpened    = "connectionOpened"
	EvConnectionClosed    = "connectionClosed"
	EvAccessRequested     = "accessRequested"
	EvAccessGranted       = "accessGranted"
	EvAccessDeclined      = "accessDeclined"
	EvAuthorized          = "authorized"
	EvLoggedIn            = "loggedIn"
	EvLoggedOut           = "loggedOut"
	EvScanStarted         = "scanStarted"
	EvScanFinished        = "scanFinished"
	EvHeadsetDiscovered   = "headsetDiscovered"
	EvHeadsetConnecting   = "headsetConnecting"
	EvHeadsetConnected    = "headsetConnected"
	EvHeadsetDisconnected = "headsetDisconnected"
	EvConnectFailed       = "connectFailed"
	EvSessionOpened       = "sessionOpened"
	EvSessionActivated    = "sessionActivated"
	EvSessionClosed       = "sessionClosed"
	EvSubscribed          = "subscribed"
	EvUnsubscribed        = "unsubscribed"
	EvRecordStarted       = "recordStarted"
	EvRecordStopped       = "recordStopped"
	EvRecordReady         = "recordReady"
	EvMarkerInjected      = "markerInjected"
	EvProfileLoaded       = "profileLoaded"
	EvProfileUnloaded     = "profileUnloaded"
	EvProfileSaved        = "profileSaved"
	EvTraining            = "training"
	EvWarning             = "warning"
	EvError               = "error"
)

// Events returns every event, with the fields that where can ask for.
func Events() []EventType {
	return []EventType{
		{EvStarted, nil, "The scenario began."},
		{EvConnectionOpened, []string{"connection"}, "A client connected."},
		{EvConnectionClosed, []string{"connection", "code"}, "A connection ended."},
		{EvAccessRequested, []string{"application"}, "requestAccess asked the user."},
		{EvAccessGranted, []string{"application"}, "The user approved."},
		{EvAccessDeclined, []string{"application"}, "The user declined."},
		{EvAuthorized, []string{"application", "user", "license"}, "authorize gave a token."},
		{EvLoggedIn, []string{"user"}, "A user logged in."},
		{EvLoggedOut, []string{"user"}, "The user logged out."},
		{EvScanStarted, nil, "A scan for headsets began."},
		{EvScanFinished, nil, "It ended: warning 142."},
		{EvHeadsetDiscovered, []string{"headset"}, "A headset entered the list."},
		{EvHeadsetConnecting, []string{"headset"}, "Its status became connecting."},
		{EvHeadsetConnected, []string{"headset"}, "Its status became connected."},
		{EvHeadsetDisconnected, []string{"headset"}, "It is connected no more."},
		{EvConnectFailed, []string{"headset", "code"}, "controlDevice connect failed."},
		{EvSessionOpened, []string{"session", "headset", "application", "connection"}, "createSession succeeded."},
		{EvSessionActivated, []string{"session", "headset", "application"}, "A session was activated."},
		{EvSessionClosed, []string{"session", "headset", "application", "reason"}, "A session ended."},
		{EvSubscribed, []string{"session", "headset", "stream", "connection"}, "A stream was subscribed to."},
		{EvUnsubscribed, []string{"session", "headset", "stream"}, "A subscription ended."},
		{EvRecordStarted, []string{"record", "session", "headset"}, "createRecord succeeded."},
		{EvRecordStopped, []string{"record", "session", "headset"}, "A record ended."},
		{EvRecordReady, []string{"record"}, "Post-processing ended: warning 30 or 18."},
		{EvMarkerInjected, []string{"record", "session", "label"}, "injectMarker succeeded."},
		{EvProfileLoaded, []string{"profile", "headset"}, "A profile was loaded."},
		{EvProfileUnloaded, []string{"profile", "headset"}, "A profile was unloaded."},
		{EvProfileSaved, []string{"profile", "headset"}, "A profile was saved."},
		{EvTraining, []string{"headset", "event", "action", "detection"}, "A sys event such as MC_Started."},
		{EvWarning, []string{"code", "connection"}, "A warning was sent."},
		{EvError, []string{"code", "method", "connection"}, "An error was answered."},
	}
}

// Expectation is one thing that the client must do, or must not do. Exactly one
// of Must, MustNot and Order is set.
type Expectation struct {
	Name     string    `json:"name,omitempty" doc:"What is expected, in words."`
	Why      string    `json:"why,omitempty" doc:"Why a good client does so."`
	Must     *Pattern  `json:"must,omitempty" doc:"What has to come."`
	MustNot  *Pattern  `json:"mustNot,omitempty" doc:"What may not come."`
	Order    []Pattern `json:"order,omitempty" max:"100" doc:"What has to come, in this order."`
	After    *Pattern  `json:"after,omitempty" doc:"Counts only from its first match on."`
	Before   *Pattern  `json:"before,omitempty" doc:"Counts only until its first match (after after)."`
	Within   *Duration `json:"within,omitempty" doc:"Counts only that long from the start, or from after."`
	Count    *Count    `json:"count,omitempty" doc:"How often must has to come; absent: at least once."`
	Optional bool      `json:"optional" doc:"Met when after never matched."`
}

// Count is a number of times.
type Count struct {
	Exactly *int `json:"exactly,omitempty" min:"0" rule:"short"`
	Min     *int `json:"min,omitempty" min:"0"`
	Max     *int `json:"max,omitempty" min:"0"`
}

// Pattern matches entries of the journal. Exactly one of Call, Answer, Error,
// Warning, Sample, Event, Opened and Closed is set, and everything else that is
// set must match too.
type Pattern struct {
	Call    string `json:"call,omitempty" rule:"short" doc:"A request of the client: method name, or * for any."`
	Answer  string `json:"answer,omitempty" doc:"A success answer to that method."`
	Error   string `json:"error,omitempty" doc:"An error answer to that method, or * for any."`
	Warning *int   `json:"warning,omitempty" doc:"A warning of that code."`
	Sample  string `json:"sample,omitempty" doc:"A sample of that stream."`
	Event   string `json:"event,omitempty" doc:"An event of the world."`
	Opened  bool   `json:"opened,omitempty" doc:"A connection opened."`
	Closed  bool   `json:"closed,omitempty" doc:"A connection ended."`

	Code       *int              `json:"code,omitempty" doc:"Code of the error, or of the close."`
	Params     JSON              `json:"params,omitempty" doc:"Parameters that the call must have; an object matches one that has more keys."`
	Result     JSON              `json:"result,omitempty" doc:"What the answer must have."`
	Where      map[string]string `json:"where,omitempty" doc:"Fields of the event."`
	Connection int               `json:"connection,omitempty" min:"0" doc:"Number of the connection since the start; 0: any."`
}
