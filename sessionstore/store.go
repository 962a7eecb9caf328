package sessionstore

// Store is the state of one world. Use New. See the package comment.
type Store struct {
	// Login is the user of this machine, CurrentOS the account of the
	// operating system in which the service runs.
	Login     Login
	CurrentOS OSUser

	// SessionsOutliveConnection keeps sessions when the connection that
	// created them ends. The documentation says that they are closed.
	SessionsOutliveConnection bool
	// SessionsOutliveHeadset keeps sessions when their headset is gone, until
	// CloseSessionsOf.
	SessionsOutliveHeadset bool
	// SessionsOverUSBCable allows sessions with a headset on its USB cable.
	SessionsOverUSBCable bool
	// ActivateAgainCosts takes one session of the quota for the activation of an
	// activated session too.
	ActivateAgainCosts bool
	// EnforceSoftLimit refuses activation after softLimitTime already (a code
	// of Cortex 1); newer pages ask the application to warn only.
	EnforceSoftLimit bool
	// MaxSessions bounds the live sessions of the world, 0 means no bound.
	MaxSessions int
	// MaxApplications bounds the applications that Register takes, 0 means no
	// bound.
	MaxApplications int
	// MaxRecords bounds the records, and the subjects, of the world, 0 means no
	// bound.
	MaxRecords int

	users     map[string]*User
	userOrder []string
	apps      []*Application
	licenses  []*License
	headsets  []*Headset
	sessions  []*Session
	mappings  map[string]*flexMappings // by user
	bound     map[*Application][]ConnID

	records      []*Record
	recordNumber int // of the newest record
	markerBytes  int // of all markers, see maxMarkerBytes
	subjects     []*Subject
	optOut       map[optOutKey]bool
	profiles     []*Profile
	loaded       []*LoadedProfile
}

// New returns an empty world.
func New() *Store {
	return &Store{users: make(map[string]*User), optOut: make(map[optOutKey]bool), mappings: make(map[string]*flexMappings), bound: make(map[*Application][]ConnID)}
}
