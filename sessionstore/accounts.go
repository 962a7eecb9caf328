package sessionstore

import "time"

// ConnID identifies one WebSocket connection.
type ConnID uint64

// User is one EMOTIV account (getUserLogin, getUserInformation).
type User struct {
	Username  string // the EmotivID
	ID        string // uuid; userId of tokens, ownerId of records
	FirstName string
	LastName  string
	// LicenseAgreement is about the EULA: a user who has not accepted it gets
	// a `warning` inside the authorize result.
	EULAAccepted        bool
	PrivateEULAAccepted bool
	EULAURL             string
	LastLogin           time.Time
}

// OSUser is an account of the operating system that Cortex runs on.
type OSUser struct {
	ID   string // "1001" on Windows, "501" on macOS
	Name string
}

// Access is what the user has decided about an application (requestAccess).
type Access uint8

// The states of an access right.
const (
	AccessUnasked Access = iota // requestAccess was never called
	AccessPending               // the prompt is open
	AccessGranted
	AccessDenied
)

// String returns the name used by scenarios and the control API.
func (a Access) String() string {
	switch a {
	case AccessPending:
		return "pending"
	case AccessGranted:
		return "approved"
	case AccessDenied:
		return "declined"
	}
	return "unasked"
}

// Application is one registered client application.
type Application struct {
	ClientID     string
	ClientSecret string // empty accepts any secret
	Name         string // as warnings 9 and 10 spell it
	ID           string // appId, com.<emotivid>.<name>
	Version      string
	Access       Access // of the users who have not decided since, see AccessOf
	NeedsEEG     bool   // registered with "needs EEG access": authorize wants a license with scope eeg
	Unpublished  bool   // only its owner may authorize
	Owner        string // EmotivID of its developer
	LicenseID    string // an application-specific license, or empty
	// ApproveAfter and DenyAfter say what happens by itself after the first
	// requestAccess; negative means that nothing does.
	ApproveAfter time.Duration
	DenyAfter    time.Duration
	// NeedsAuthorize makes tokens of this application answer "not
	// re-authorized" until authorize is called again.
	NeedsAuthorize bool
	// OptOut is what configOptOut begins with; OptOutLocked keeps it so.
	OptOut, OptOutLocked bool
	// TokensExpired is the issue, in Unix seconds, up to which tokens have
	// expired before their time.
	TokensExpired int64

	decided map[string]Access // by EmotivID
}

// AccessOf returns what a user has decided about the application.
func (a *Application) AccessOf(username string) Access {
	if access, ok := a.decided[username]; ok {
		return access
	}
	return a.Access
}

// License is one EMOTIV license, with every field of getLicenseInfo.
type License struct {
	ID            string
	Name          string
	Owner         string   // EmotivID it belongs to; empty: everybody
	Applications  []string // applications it covers; usable for an app if empty or listed
	UsableBy      []string // appIds that may authorize with it; empty: any
	Scopes        []string // "eeg", "pm"
	BillingFrom   time.Time
	BillingTo     time.Time
	ValidFrom     time.Time
	ValidTo       time.Time
	SoftLimitTime time.Time
	HardLimitTime time.Time
	Expired       bool
	IsCommercial  bool

	LocalQuota    int // sessions that this machine may still activate
	MaxDebit      int // largest debit of one authorize, negative: no limit
	DailyDebit    int // sessions that may be debited per day, negative: no limit
	DebitedToday  int
	DebitDay      time.Time
	SessionCount  int // sessions left in the cloud, negative: no limit
	SeatCount     int
	TotalDebit    int
	ExtenderLimit int

	DeviceLimit            int // computers that may use it, negative: no limit
	DevicesPerSeat         int // negative: no limit
	TotalRegisteredDevices int
	RegisteredHere         bool
	SessionLimitDay        int // activations of a day, 0 or less: no limit
	SessionLimitMonth      int
	SessionLimitYear       int
	activated              activations

	// ForceOptOut makes configOptOut always on or always off; nil leaves it to
	// the application.
	ForceOptOut *bool
}

// activations counts the activations of the current day, month and year.
type activations struct {
	year, yearDay   int
	month           time.Month
	inYear, inMonth int
	inDay           int
}

// at returns the counts as they are at that instant.
func (a activations) at(now time.Time) activations {
	year, month, day := now.Year(), now.Month(), now.YearDay()
	if a.year != year {
		return activations{year: year, month: month, yearDay: day}
	}
	if a.month != month {
		a.month, a.inMonth = month, 0
	}
	if a.yearDay != day {
		a.yearDay, a.inDay = day, 0
	}
	return a
}

// limitReached returns which session limit forbids one more activation, or "".
func (l *License) limitReached(now time.Time) string {
	a := l.activated.at(now)
	switch {
	case l.SessionLimitDay > 0 && a.inDay >= l.SessionLimitDay:
		return "day"
	case l.SessionLimitMonth > 0 && a.inMonth >= l.SessionLimitMonth:
		return "month"
	case l.SessionLimitYear > 0 && a.inYear >= l.SessionLimitYear:
		return "year"
	}
	return ""
}

func (l *License) countActivation(now time.Time) {
	a := l.activated.at(now)
	a.inDay++
	a.inMonth++
	a.inYear++
	l.activated = a
}

// EndsWithin reports whether the license is good now and ends within d.
func (l *License) EndsWithin(d time.Duration, now time.Time) bool {
	return !l.ValidTo.IsZero() && now.Before(l.ValidTo) && l.ValidTo.Sub(now) <= d
}

// HasScope reports whether the license holds scope s.
func (l *License) HasScope(s string) bool {
	if l == nil {
		return false
	}
	for _, have := range l.Scopes {
		if have == s {
			return true
		}
	}
	return false
}

// Login is who is logged in, on which account of the operating system. The
// zero Username means that nobody is.
type Login struct {
	Username string
	OS       OSUser // the account in which the login was made
}

// User returns the account of that EmotivID, or nil.
func (s *Store) User(username string) *User { return s.users[username] }

// AddUser adds or replaces an account.
func (s *Store) AddUser(u *User) {
	if _, ok := s.users[u.Username]; !ok {
		s.userOrder = append(s.userOrder, u.Username)
	}
	s.users[u.Username] = u
}

// Users returns all accounts in the order in which they were added.
func (s *Store) Users() []*User {
	out := make([]*User, 0, len(s.userOrder))
	for _, name := range s.userOrder {
		out = append(out, s.users[name])
	}
	return out
}

// LogIn makes u the user of this machine.
func (s *Store) LogIn(username string, os OSUser, now time.Time) []Change {
	var changes []Change
	if s.Login.Username != "" && s.Login.Username != username {
		changes = s.LogOut(now)
	}
	s.Login = Login{Username: username, OS: os}
	if u := s.users[username]; u != nil {
		u.LastLogin = now
	}
	return append(changes, UserLoggedIn{Username: username})
}

// AcceptEULA records that the user has accepted the EULA and the privacy policy.
func (s *Store) AcceptEULA(u *User) []Change {
	if u.EULAAccepted && u.PrivateEULAAccepted {
		return nil
	}
	u.EULAAccepted, u.PrivateEULAAccepted = true, true
	return []Change{EULAAccepted{Username: u.Username}}
}

// LogOut logs the user out: the sessions of that user are closed and the
// profiles unloaded (inferred; no page says so) and the tokens are useless until
// the same user is back.
func (s *Store) LogOut(now time.Time) []Change {
	name := s.Login.Username
	if name == "" {
		return nil
	}
	changes := []Change{UserLoggedOut{Username: name}}
	for _, sess := range s.Sessions() {
		if sess.Owner == name {
			changes = append(changes, s.close(sess, ClosedByLogout, now)...)
		}
	}
	changes = append(changes, s.autoUnload(func(l *LoadedProfile) bool { return l.Owner == name })...)
	s.Login = Login{}
	return changes
}

// LoginUsable reports whether the login was made in the account of the
// operating system that runs now (getUserLogin page: an application cannot work
// when currentOSUId and loggedInOSUId differ).
func (s *Store) LoginUsable() bool {
	return s.Login.Username != "" && s.Login.OS.ID == s.CurrentOS.ID
}

// AddApplication adds an application to the world, or replaces the one of that
// client id; without one, as a token of an earlier run tells of it, that of its id.
func (s *Store) AddApplication(a *Application) {
	for i, have := range s.apps {
		if have.ClientID == a.ClientID && (a.ClientID != "" || have.ID == a.ID) {
			s.apps[i] = a
			return
		}
	}
	s.apps = append(s.apps, a)
}

// Register is AddApplication for an application that a client has made up, with
// a bound on how many there are.
func (s *Store) Register(op string, a *Application) error {
	if s.MaxApplications > 0 && len(s.apps) >= s.MaxApplications {
		return refuse(op, ApplicationLimitReached, "there are %d applications", len(s.apps))
	}
	s.AddApplication(a)
	return nil
}

// Applications returns the registered applications in their order.
func (s *Store) Applications() []*Application { return s.apps }

// ApplicationByClient returns the application of a client id, or nil.
func (s *Store) ApplicationByClient(clientID string) *Application {
	for _, a := range s.apps {
		if a.ClientID == clientID {
			return a
		}
	}
	return nil
}

// ApplicationByID returns the application of an appId, or nil.
func (s *Store) ApplicationByID(id string) *Application {
	for _, a := range s.apps {
		if a.ID == id {
			return a
		}
	}
	return nil
}

// SetAccess records a user's decision about an application, that of every user
// with an empty name.
func (s *Store) SetAccess(a *Application, username string, access Access) []Change {
	if a.AccessOf(username) == access && (username != "" || len(a.decided) == 0) {
		return nil
	}
	switch {
	case username == "":
		a.Access, a.decided = access, nil
	case a.decided == nil:
		a.decided = map[string]Access{username: access}
	default:
		a.decided[username] = access
	}
	switch access {
	case AccessGranted, AccessDenied, AccessPending:
		return []Change{AccessDecided{Application: a, Access: access}}
	}
	return nil
}

// AddLicense adds or replaces a license.
func (s *Store) AddLicense(l *License) {
	for i, have := range s.licenses {
		if have.ID == l.ID {
			s.licenses[i] = l
			return
		}
	}
	s.licenses = append(s.licenses, l)
}

// Licenses returns the licenses in their order.
func (s *Store) Licenses() []*License { return s.licenses }

// License returns the license of that id, or nil.
func (s *Store) License(id string) *License {
	for _, l := range s.licenses {
		if l.ID == id {
			return l
		}
	}
	return nil
}

// owned reports whether the license belongs to the user.
func (l *License) owned(username string) bool { return l.Owner == "" || l.Owner == username }

// begun reports whether the time of the license has come.
func (l *License) begun(now time.Time) bool { return !now.Before(l.ValidFrom) }

// usableBy reports whether the application may use the license.
func (l *License) usableBy(appID string) bool {
	if len(l.UsableBy) == 0 {
		return true
	}
	for _, id := range l.UsableBy {
		if id == appID {
			return true
		}
	}
	return false
}

// ExpiredAt reports whether the license is expired at that instant.
func (l *License) ExpiredAt(now time.Time) bool {
	return l.Expired || !l.ValidTo.IsZero() && !now.Before(l.ValidTo)
}

// ResolveLicense chooses the license of an authorize call: the one named by id,
// else the application's own, else the user's first usable one that suits the
// application. It returns nil without error when the user has none and the
// application needs none (authorize page).
func (s *Store) ResolveLicense(a *Application, username, id string, now time.Time) (*License, error) {
	const op = "authorize"
	if id == "" {
		id = a.LicenseID
	}
	if id != "" {
		l := s.License(id)
		switch {
		case l == nil || !l.owned(username):
			// A real user's license key may have come here: it goes to no log.
			return nil, refuse(op, LicenseUnknown, "%s has not the license that the call names, of %d characters; it is not shown", username, len(id))
		case !l.usableBy(a.ID):
			return nil, refuse(op, LicenseNotForApplication, "license %q is limited to %v, this is %s", id, l.UsableBy, a.ID)
		case !l.begun(now):
			return nil, refuse(op, LicenseUnknown, "license %q is valid from %s", id, l.ValidFrom.Format(time.RFC3339))
		case a.NeedsEEG && !l.HasScope("eeg"):
			return nil, refuse(op, LicenseUnknown, "application %s is registered with EEG access, license %q has no scope eeg", a.Name, id)
		}
		return l, l.check(op, now)
	}
	var expired *License
	for _, l := range s.licenses {
		if !l.owned(username) || !l.usableBy(a.ID) || !l.begun(now) || a.NeedsEEG && !l.HasScope("eeg") {
			continue
		}
		if l.ExpiredAt(now) {
			if expired == nil {
				expired = l
			}
			continue
		}
		return l, l.check(op, now)
	}
	switch {
	case expired != nil:
		return nil, expired.check(op, now)
	case a.NeedsEEG:
		return nil, refuse(op, LicenseUnknown, "application %s is registered with EEG access and %s has no license with scope eeg", a.Name, username)
	}
	return nil, nil
}

// check returns why the license cannot be used at that instant, or nil.
func (l *License) check(op string, now time.Time) error {
	switch {
	case l.ExpiredAt(now):
		return refuse(op, LicenseExpired, "license %s was valid to %s", l.ID, l.ValidTo.Format(time.RFC3339))
	case !l.RegisteredHere && l.DeviceLimit >= 0 && l.TotalRegisteredDevices >= l.DeviceLimit:
		return refuse(op, DeviceLimit, "license %s is used on %d of %d computers", l.ID, l.TotalRegisteredDevices, l.DeviceLimit)
	}
	return nil
}

// RegisterHere makes this computer one of those that use the license.
func (l *License) RegisterHere() {
	if l != nil && !l.RegisteredHere {
		l.RegisteredHere = true
		l.TotalRegisteredDevices++
	}
}

// Debit moves n sessions from the cloud's license into this machine's
// localQuota. What the license cannot give any more is not an error: the token
// comes and localQuota stays (cortex-example #45).
func (s *Store) Debit(l *License, n int, now time.Time) error {
	const op = "authorize"
	if l == nil || n <= 0 {
		return nil
	}
	if l.MaxDebit >= 0 && n > l.MaxDebit {
		return refuse(op, DebitTooLarge, "debit %d is more than maxDebit %d of license %s", n, l.MaxDebit, l.ID)
	}
	if day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location()); !day.Equal(l.DebitDay) {
		l.DebitDay, l.DebitedToday = day, 0
	}
	if l.DailyDebit >= 0 && l.DebitedToday+n > l.DailyDebit {
		return refuse(op, DailyDebitReached, "%d of %d sessions debited today from license %s", l.DebitedToday, l.DailyDebit, l.ID)
	}
	if l.SessionCount >= 0 {
		n = min(n, l.SessionCount)
		l.SessionCount -= n
	}
	l.LocalQuota += n
	l.TotalDebit += n
	l.DebitedToday += n
	return nil
}
