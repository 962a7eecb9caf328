package sessionstore

import (
	"maps"
	"slices"
)

// The detections of the BCI chapter that can be trained.
const (
	MentalCommand    = "mentalCommand"
	FacialExpression = "facialExpression"
)

// MaxActiveActions is how many mental commands a profile can have active at a
// time, besides neutral (mentalCommandActiveAction page).
const MaxActiveActions = 4

// FreshThreshold is currentThreshold of mentalCommandTrainingThreshold in a
// profile without training, as the documentation shows it.
const FreshThreshold = 0.833333313465118

// Profile is one training profile of a user as it stands on disk (BCI page).
type Profile struct {
	ID    string // uuid
	Name  string // unique among the profiles of its owner
	Owner string // EmotivID
	// ReadOnly profiles date from before 3.6.5: they can be loaded and cannot
	// be trained (Readonly profile page).
	ReadOnly bool
	// EEGChannels are the sensors of the headsets that may load it. Empty: of
	// the first headset that does.
	EEGChannels []string
	Data        ProfileData
}

// ProfileData is what a profile has learnt. NewProfileData makes an empty one.
type ProfileData struct {
	MentalCommand    MentalCommandData
	FacialExpression FacialExpressionData
}

// MentalCommandData is the mental command half of a profile.
type MentalCommandData struct {
	Times       map[string]int // accepted trainings by action, neutral included
	Total       int            // accepted trainings since the profile was made, erased ones included
	Active      []string       // active actions without neutral, at most MaxActiveActions
	Sensitivity [MaxActiveActions]int
	Threshold   float64
	LastScore   float64 // of the last training, -1 to 1
	// SkillRating and BrainMap replace what follows from the trainings, for
	// worlds that want certain values; nil: computed.
	SkillRating *float64
	BrainMap    map[string][2]float64
}

// FacialExpressionData is the facial expression half of a profile.
type FacialExpressionData struct {
	Times      map[string]int
	Total      int
	Thresholds map[string]int // 0..1000 by action, DefaultThreshold when absent
	Signature  string         // universal or trained
}

// DefaultThreshold is the facial expression threshold of an action that nobody
// changed, DefaultSensitivity the sensitivity of a mental command.
const (
	DefaultThreshold   = 500
	DefaultSensitivity = 5
)

// NewProfileData returns the data of an empty profile.
func NewProfileData() ProfileData {
	return ProfileData{
		MentalCommand: MentalCommandData{
			Times: map[string]int{}, Threshold: FreshThreshold,
			Sensitivity: [MaxActiveActions]int{DefaultSensitivity, DefaultSensitivity, DefaultSensitivity, DefaultSensitivity},
		},
		FacialExpression: FacialExpressionData{Times: map[string]int{}, Thresholds: map[string]int{}, Signature: "universal"},
	}
}

// Clone returns a copy that shares nothing.
func (d ProfileData) Clone() ProfileData {
	d.MentalCommand.Times = maps.Clone(d.MentalCommand.Times)
	d.MentalCommand.Active = slices.Clone(d.MentalCommand.Active)
	d.MentalCommand.BrainMap = maps.Clone(d.MentalCommand.BrainMap)
	d.FacialExpression.Times = maps.Clone(d.FacialExpression.Times)
	d.FacialExpression.Thresholds = maps.Clone(d.FacialExpression.Thresholds)
	return d
}

// Times returns the trainings by action of one detection.
func (d *ProfileData) Times(detection string) map[string]int {
	if detection == FacialExpression {
		return d.FacialExpression.Times
	}
	return d.MentalCommand.Times
}

// Total returns the trainings of one detection since the profile was made.
func (d *ProfileData) Total(detection string) int {
	if detection == FacialExpression {
		return d.FacialExpression.Total
	}
	return d.MentalCommand.Total
}

// train adds one accepted training. A mental command becomes active, in the
// place of an untrained one when all are taken (a guess: EmotivBCI does
// something like it, no page tells).
func (d *ProfileData) train(detection, action string) {
	d.Times(detection)[action]++
	if detection == FacialExpression {
		d.FacialExpression.Total++
		return
	}
	m := &d.MentalCommand
	m.Total++
	if action == "neutral" || slices.Contains(m.Active, action) {
		return
	}
	if len(m.Active) < MaxActiveActions {
		m.Active = append(m.Active, action)
		return
	}
	for i, have := range m.Active {
		if m.Times[have] == 0 {
			m.Active[i] = action
			return
		}
	}
}

// erase forgets the trainings of one action.
func (d *ProfileData) erase(detection, action string) {
	delete(d.Times(detection), action)
	if f := &d.FacialExpression; detection == FacialExpression && len(f.Times) == 0 {
		f.Signature = "universal" // there is no trained one any more
	}
}

// LoadedProfile is a profile in the memory of one headset. What is trained and
// changed is kept here until it is saved, and lost when it is unloaded.
type LoadedProfile struct {
	Profile     *Profile // nil: the guest profile
	Headset     *Headset
	Application *Application // that loaded it
	Owner       string       // EmotivID of the user for whom it was loaded
	Conn        ConnID       // that loaded it, 0: none of ours
	Data        ProfileData
	Trial       *Trial // the training that runs or waits for accept or reject
}

// Name returns the name of the profile, "" for the guest profile.
func (l *LoadedProfile) Name() string {
	if l.Profile == nil {
		return ""
	}
	return l.Profile.Name
}

// Trial is one training between start and accept or reject.
type Trial struct {
	Session   *Session // that started it
	Detection string
	Action    string
	State     TrialState
}

// TrialState is how far a training is.
type TrialState uint8

// The states of a training.
const (
	TrialRuns      TrialState = iota
	TrialSucceeded            // it waits for accept or reject
	TrialFailed               // it may be rejected, or started again
)

type (
	// ProfileCreated tells of a new profile, also by saving under a new name.
	ProfileCreated struct{ Profile *Profile }
	// ProfileSaved tells that the memory of a headset was written to a profile.
	ProfileSaved struct {
		Profile *Profile
		Headset *Headset
	}
	// ProfileRenamed tells of a new name.
	ProfileRenamed struct {
		Profile *Profile
		From    string
	}
	// ProfileDeleted tells that a profile is gone.
	ProfileDeleted struct{ Profile *Profile }
	// ProfileLoaded is warning 13.
	ProfileLoaded struct{ Loaded *LoadedProfile }
	// ProfileUnloaded is warning 14, or 15 when it was not asked for.
	ProfileUnloaded struct {
		Loaded *LoadedProfile
		Name   string
		Auto   bool
	}
	// ProfileChanged tells that the loaded profile of a headset has learnt or
	// was set to something else.
	ProfileChanged struct{ Loaded *LoadedProfile }
	// TrainingEvent is an event of the sys stream such as MC_Started.
	TrainingEvent struct {
		Headset   *Headset
		Detection string
		Action    string
		Event     string
	}
)

func (ProfileCreated) change()  {}
func (ProfileSaved) change()    {}
func (ProfileRenamed) change()  {}
func (ProfileDeleted) change()  {}
func (ProfileLoaded) change()   {}
func (ProfileUnloaded) change() {}
func (ProfileChanged) change()  {}
func (TrainingEvent) change()   {}

// MaxProfiles and maxProfileName bound what clients can fill our memory with.
const (
	MaxProfiles    = 10000
	maxProfileName = 255
)

// Profiles returns the profiles of a user in the order in which they were made.
func (s *Store) Profiles(owner string) []*Profile {
	var list []*Profile
	for _, p := range s.profiles {
		if p.Owner == owner {
			list = append(list, p)
		}
	}
	return list
}

// Profile returns the profile of that user and name, or nil.
func (s *Store) Profile(owner, name string) *Profile {
	for _, p := range s.profiles {
		if p.Owner == owner && p.Name == name {
			return p
		}
	}
	return nil
}

// AllProfiles returns the profiles of every user.
func (s *Store) AllProfiles() []*Profile { return slices.Clone(s.profiles) }

// AddProfile adds a profile to the world, or replaces the one of that user and
// name.
func (s *Store) AddProfile(p *Profile) {
	for i, have := range s.profiles {
		if have.Owner == p.Owner && have.Name == p.Name {
			s.profiles[i] = p
			return
		}
	}
	s.profiles = append(s.profiles, p)
}

// LoadedProfile returns the profile in the memory of a headset, or nil.
func (s *Store) LoadedProfile(h *Headset) *LoadedProfile {
	for _, l := range s.loaded {
		if l.Headset == h {
			return l
		}
	}
	return nil
}

// LoadedProfiles returns what is loaded, in the order in which it was.
func (s *Store) LoadedProfiles() []*LoadedProfile { return slices.Clone(s.loaded) }

// NewProfile is what CreateProfile needs to know.
type NewProfile struct {
	ID, Name, Owner string
	EEGChannels     []string // may be empty, see Profile
	// CopyOf makes a copy of what is loaded on a headset, unsaved training
	// included; nil, or a headset without a profile: an empty one.
	CopyOf *Headset
}

// CreateProfile makes a profile (setupProfile create).
func (s *Store) CreateProfile(n NewProfile) (*Profile, []Change, error) {
	const op = "setupProfile create"
	if err := s.checkName(op, n.Owner, n.Name); err != nil {
		return nil, nil, err
	}
	p := &Profile{ID: n.ID, Name: n.Name, Owner: n.Owner, EEGChannels: slices.Clone(n.EEGChannels), Data: NewProfileData()}
	if l := s.LoadedProfile(n.CopyOf); l != nil {
		p.Data = l.Data.Clone()
		if l.Profile != nil {
			p.EEGChannels = slices.Clone(l.Profile.EEGChannels)
		}
	}
	s.profiles = append(s.profiles, p)
	return p, []Change{ProfileCreated{Profile: p}}, nil
}

// checkName refuses a name that a new profile cannot have.
func (s *Store) checkName(op, owner, name string) error {
	switch {
	case name == "" || len(name) > maxProfileName:
		return refuse(op, ProfileNameInvalid, "the name has %d bytes, want 1 to %d", len(name), maxProfileName)
	case s.Profile(owner, name) != nil:
		return refuse(op, ProfileNameInvalid, "%s has a profile %q already", owner, name)
	case len(s.profiles) >= MaxProfiles:
		return refuse(op, ProfileLimitReached, "there are %d profiles", len(s.profiles))
	}
	return nil
}

// existing returns a profile by name, or the refusal.
func (s *Store) existing(op, owner, name string) (*Profile, error) {
	if p := s.Profile(owner, name); p != nil {
		return p, nil
	}
	return nil, refuse(op, ProfileNameInvalid, "%s has no profile %q", owner, name)
}

// heldByOther refuses what is not allowed while another application has the
// profile loaded somewhere.
func (s *Store) heldByOther(op string, p *Profile, a *Application) error {
	for _, l := range s.loaded {
		if l.Profile == p && l.Application.ID != a.ID {
			return refuse(op, ProfileAccessDenied, "%s has profile %q loaded on %s", l.Application.ID, p.Name, l.Headset.ID)
		}
	}
	return nil
}

// Load is what LoadProfile and LoadGuestProfile need to know.
type Load struct {
	Name        string // of the profile
	Owner       string
	HeadsetID   string
	Application *Application
	Conn        ConnID
	// Channels are the sensors that the headset has for the detections; nil:
	// any profile fits, as before Cortex 3.6.5.
	Channels []string
}

// LoadProfile loads a profile for a headset (setupProfile load).
func (s *Store) LoadProfile(l Load) ([]Change, error) {
	const op = "setupProfile load"
	h, err := s.connectedHeadset(op, l.HeadsetID)
	if err != nil {
		return nil, err
	}
	p, err := s.existing(op, l.Owner, l.Name)
	if err != nil {
		return nil, err
	}
	if err := s.nothingLoaded(op, h); err != nil {
		return nil, err
	}
	if err := s.heldByOther(op, p, l.Application); err != nil {
		return nil, err
	}
	if l.Channels != nil {
		if len(p.EEGChannels) == 0 {
			p.EEGChannels = slices.Clone(l.Channels)
		}
		if !slices.Equal(p.EEGChannels, l.Channels) {
			return nil, refuse(op, ProfileChannels, "profile %q is of a headset with %v, %s has %v", p.Name, p.EEGChannels, h.ID, l.Channels)
		}
	}
	return s.load(h, p, p.Data.Clone(), l), nil
}

// LoadGuestProfile loads an empty profile that has no name (loadGuestProfile).
func (s *Store) LoadGuestProfile(l Load) ([]Change, error) {
	const op = "loadGuestProfile"
	h, err := s.connectedHeadset(op, l.HeadsetID)
	if err != nil {
		return nil, err
	}
	if err := s.nothingLoaded(op, h); err != nil {
		return nil, err
	}
	return s.load(h, nil, NewProfileData(), l), nil
}

func (s *Store) load(h *Headset, p *Profile, data ProfileData, l Load) []Change {
	loaded := &LoadedProfile{Profile: p, Headset: h, Application: l.Application, Owner: l.Owner, Conn: l.Conn, Data: data}
	s.loaded = append(s.loaded, loaded)
	return []Change{ProfileLoaded{Loaded: loaded}}
}

func (s *Store) connectedHeadset(op, id string) (*Headset, error) {
	h := s.Headset(id)
	switch {
	case h == nil || h.Status == HeadsetAbsent:
		return nil, refuse(op, HeadsetUnavailable, "no headset %q is in reach", id)
	case h.Status != HeadsetConnected:
		return nil, refuse(op, HeadsetUnavailable, "headset %s is %s: connect it first", id, h.Status)
	}
	return h, nil
}

func (s *Store) nothingLoaded(op string, h *Headset) error {
	if have := s.LoadedProfile(h); have != nil {
		return refuse(op, ProfileAlreadyLoaded, "%s has profile %q loaded on %s: unload it first", have.Application.ID, have.Name(), h.ID)
	}
	return nil
}

// held returns what an application has loaded on a headset, or the refusal.
func (s *Store) held(op string, h *Headset, a *Application) (*LoadedProfile, error) {
	l := s.LoadedProfile(h)
	switch {
	case h == nil:
		return nil, refuse(op, HeadsetUnavailable, "there is no such headset")
	case l == nil:
		return nil, refuse(op, NoProfileLoaded, "headset %s has no profile", h.ID)
	case l.Application.ID != a.ID:
		return nil, refuse(op, ProfileAccessDenied, "profile %q on %s was loaded by %s", l.Name(), h.ID, l.Application.ID)
	}
	return l, nil
}

// UnloadProfile unloads the profile of a headset; what was not saved is lost.
func (s *Store) UnloadProfile(h *Headset, a *Application) ([]Change, error) {
	l, err := s.held("setupProfile unload", h, a)
	if err != nil {
		return nil, err
	}
	return s.unload(l, false), nil
}

func (s *Store) unload(l *LoadedProfile, auto bool) []Change {
	s.loaded = slices.DeleteFunc(s.loaded, func(have *LoadedProfile) bool { return have == l })
	return []Change{ProfileUnloaded{Loaded: l, Name: l.Name(), Auto: auto}}
}

// autoUnload unloads every profile that match picks: its headset or the
// application that loaded it is gone (Warning Objects page, 15).
func (s *Store) autoUnload(match func(*LoadedProfile) bool) (changes []Change) {
	for _, l := range s.LoadedProfiles() {
		if match(l) {
			changes = append(changes, s.unload(l, true)...)
		}
	}
	return changes
}

// SaveProfile writes the memory of a headset to disk: to the loaded profile
// when name is its own, else to a new profile of that name and id. The loaded
// one stays loaded then; only the guest, which has no name, becomes the new one
// (a guess).
func (s *Store) SaveProfile(h *Headset, a *Application, name, newID string, channels []string) ([]Change, error) {
	const op = "setupProfile save"
	l, err := s.held(op, h, a)
	if err != nil {
		return nil, err
	}
	p := l.Profile
	if p != nil && p.Name == name {
		if p.ReadOnly {
			return nil, refuse(op, ProfileReadOnly, "profile %q is read-only", name)
		}
		p.Data = l.Data.Clone()
		return []Change{ProfileSaved{Profile: p, Headset: h}}, nil
	}
	if err := s.checkName(op, l.Owner, name); err != nil {
		return nil, err
	}
	if p != nil {
		channels = p.EEGChannels
	}
	saved := &Profile{ID: newID, Name: name, Owner: l.Owner, EEGChannels: slices.Clone(channels), Data: l.Data.Clone()}
	s.profiles = append(s.profiles, saved)
	if p == nil {
		l.Profile = saved
	}
	return []Change{ProfileCreated{Profile: saved}, ProfileSaved{Profile: saved, Headset: h}}, nil
}

// RenameProfile gives a profile another name.
func (s *Store) RenameProfile(owner string, a *Application, name, to string) ([]Change, error) {
	const op = "setupProfile rename"
	p, err := s.existing(op, owner, name)
	if err != nil {
		return nil, err
	}
	if err := s.heldByOther(op, p, a); err != nil {
		return nil, err
	}
	if to == name {
		return nil, nil
	}
	if err := s.checkName(op, owner, to); err != nil {
		return nil, err
	}
	p.Name = to
	return []Change{ProfileRenamed{Profile: p, From: name}}, nil
}

// DeleteProfile deletes a profile, and unloads it where it is loaded.
func (s *Store) DeleteProfile(owner string, a *Application, name string) ([]Change, error) {
	const op = "setupProfile delete"
	p, err := s.existing(op, owner, name)
	if err != nil {
		return nil, err
	}
	if err := s.heldByOther(op, p, a); err != nil {
		return nil, err
	}
	var changes []Change
	for _, l := range s.LoadedProfiles() {
		if l.Profile == p {
			changes = append(changes, s.unload(l, false)...)
		}
	}
	s.profiles = slices.DeleteFunc(s.profiles, func(have *Profile) bool { return have == p })
	return append(changes, ProfileDeleted{Profile: p}), nil
}

// writable returns the profile that a session may train and change.
func (s *Store) writable(op string, sess *Session) (*LoadedProfile, error) {
	l, err := s.held(op, sess.Headset, sess.Application)
	if err == nil && l.Profile != nil && l.Profile.ReadOnly {
		return nil, refuse(op, ProfileReadOnly, "profile %q is read-only: it can be used, not trained or changed", l.Name())
	}
	return l, err
}

// ChangeProfile changes the profile loaded for the headset of a session, in
// memory (the "set" of the Advanced BCI chapter).
func (s *Store) ChangeProfile(op string, sess *Session, change func(*ProfileData)) ([]Change, error) {
	l, err := s.writable(op, sess)
	if err != nil {
		return nil, err
	}
	change(&l.Data)
	return []Change{ProfileChanged{Loaded: l}}, nil
}

// The machine of one training, on one headset:
//
//	start -> [runs] -- succeeds --> [succeeded] -- accept --> learnt
//	            |                        +-- reject, reset, unload --> nothing
//	            +-- fails --> [failed] -- reject, start, reset, unload --> nothing
//	            +-- reset, unload --> nothing
//
// One training runs on a headset at a time; accept and reject name it. What is
// out of this order is refused (the BCI page tells the order, no page the error).
// After a failure the page says to start again; the official Python example
// rejects, and waits for the event of that.

// StartTraining begins a training (training start).
func (s *Store) StartTraining(sess *Session, detection, action string) (*Trial, []Change, error) {
	const op = "training start"
	l, err := s.writable(op, sess)
	if err != nil {
		return nil, nil, err
	}
	if t := l.Trial; t.pending() {
		return nil, nil, refuse(op, TrainingOutOfOrder, "the training of %s %s", t.Action, t.State)
	}
	l.Trial = &Trial{Session: sess, Detection: detection, Action: action}
	return l.Trial, []Change{trainingEvent(l, detection, action, "Started")}, nil
}

// EndTraining ends a running training: it has succeeded with a score, or
// failed. Nothing happens when the trial was reset or its profile unloaded.
func (s *Store) EndTraining(t *Trial, succeeded bool, score float64) []Change {
	l := s.LoadedProfile(t.Session.Headset)
	if l == nil || l.Trial != t || t.State != TrialRuns {
		return nil
	}
	if t.Detection == MentalCommand {
		l.Data.MentalCommand.LastScore = score
	}
	if !succeeded {
		t.State = TrialFailed
		return []Change{trainingEvent(l, t.Detection, t.Action, "Failed")}
	}
	t.State = TrialSucceeded
	return []Change{trainingEvent(l, t.Detection, t.Action, "Succeeded")}
}

// String returns the state in words that follow "the training".
func (s TrialState) String() string {
	return [...]string{"runs", "waits for accept or reject", "failed"}[s]
}

// pending reports whether a training is not over.
func (t *Trial) pending() bool { return t != nil && t.State != TrialFailed }

// ended returns the profile whose training a session may accept or reject.
func (s *Store) ended(op string, sess *Session, detection, action string) (*LoadedProfile, error) {
	l, err := s.writable(op, sess)
	if err != nil {
		return nil, err
	}
	switch t := l.Trial; {
	case t == nil:
		return nil, refuse(op, TrainingOutOfOrder, "no training has ended on %s", sess.Headset.ID)
	case t.State == TrialRuns:
		return nil, refuse(op, TrainingOutOfOrder, "the training of %s still runs", t.Action)
	case t.Detection != detection || t.Action != action:
		return nil, refuse(op, TrainingOutOfOrder, "the training that ended is %s %s, not %s %s", t.Detection, t.Action, detection, action)
	}
	return l, nil
}

// AcceptTraining adds the training that succeeded to the profile.
func (s *Store) AcceptTraining(sess *Session, detection, action string) ([]Change, error) {
	const op = "training accept"
	l, err := s.ended(op, sess, detection, action)
	if err != nil {
		return nil, err
	}
	if l.Trial.State != TrialSucceeded {
		return nil, refuse(op, TrainingOutOfOrder, "the training of %s %s", action, l.Trial.State)
	}
	l.Trial = nil
	l.Data.train(detection, action)
	return []Change{ProfileChanged{Loaded: l}, trainingEvent(l, detection, action, "Completed")}, nil
}

// RejectTraining forgets the training that ended.
func (s *Store) RejectTraining(sess *Session, detection, action string) ([]Change, error) {
	l, err := s.ended("training reject", sess, detection, action)
	if err != nil {
		return nil, err
	}
	l.Trial = nil
	return []Change{trainingEvent(l, detection, action, "Rejected")}, nil
}

// ResetTraining cancels the training that runs or waits. With none it is a
// success too (a guess).
func (s *Store) ResetTraining(sess *Session, detection, action string) ([]Change, error) {
	l, err := s.writable("training reset", sess)
	if err != nil {
		return nil, err
	}
	if l.Trial != nil && l.Trial.Detection == detection {
		l.Trial = nil
	}
	return []Change{trainingEvent(l, detection, action, "Reset")}, nil
}

// EraseTraining forgets all trainings of one action. A mental command's
// signature changes with it, which is an event of its own (seen on 4.8).
func (s *Store) EraseTraining(sess *Session, detection, action string) ([]Change, error) {
	const op = "training erase"
	l, err := s.writable(op, sess)
	if err != nil {
		return nil, err
	}
	if t := l.Trial; t.pending() {
		return nil, refuse(op, TrainingOutOfOrder, "the training of %s %s", t.Action, t.State)
	}
	l.Data.erase(detection, action)
	changes := []Change{ProfileChanged{Loaded: l}, trainingEvent(l, detection, action, "DataErased")}
	if detection == MentalCommand {
		changes = append(changes, trainingEvent(l, detection, action, "SignatureUpdated"))
	}
	return changes, nil
}

func trainingEvent(l *LoadedProfile, detection, action, event string) TrainingEvent {
	prefix := "MC_"
	if detection == FacialExpression {
		prefix = "FE_"
	}
	return TrainingEvent{Headset: l.Headset, Detection: detection, Action: action, Event: prefix + event}
}

// dropTrial ends a training with the session that started it: nobody is left
// to accept it (a guess).
func (s *Store) dropTrial(sess *Session) {
	for _, l := range s.loaded {
		if l.Trial != nil && l.Trial.Session == sess {
			l.Trial = nil
		}
	}
}
