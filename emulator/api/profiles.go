package api

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// ProfileSpec describes one training profile of a world.
type ProfileSpec struct {
	sessionstore.Profile // ID, Owner and EEGChannels may be left out
	// LoadedOn is a connected headset on which another application has it
	// loaded when the world begins; LoadedBy is its client id.
	LoadedOn, LoadedBy string
}

// TrainingResult is how trainings end.
type TrainingResult uint8

// The results of trainings.
const (
	// TrainingSucceeds unless the signal is too bad.
	TrainingSucceeds TrainingResult = iota
	TrainingFails
	// TrainingAlternates fails the first, lets the second succeed, and so on.
	TrainingAlternates
)

// TrainingSpec says how trainings go.
type TrainingSpec struct {
	Time     time.Duration // from Started to Succeeded, default 8 s (getTrainingTime); or AtOnce
	FailTime time.Duration // from Started to Failed, default 10 s (cortex-example #51); or AtOnce
	Result   TrainingResult
	// NeedsSys refuses training in a session that is not subscribed to sys;
	// else it runs and its events are sent to nobody.
	NeedsSys bool
	// EventFirst sends the sys event of a call before its answer.
	EventFirst bool
	// WarnCaller sends warnings 13 and 14 also to the connection whose call
	// loaded or unloaded the profile. The documentation does not say; a public Go
	// client that reads one message per request loads a profile and goes on.
	WarnCaller bool
	// CommandsAtRest makes com fire trained actions without cause, as a profile
	// without neutral does (cortex-example #63).
	CommandsAtRest bool
}

// profileMethods are the methods of the BCI chapter that manage profiles.
func profileMethods() []rpc.Method[*Call] {
	const chapter = "BCI"
	headset := rpc.Param{Name: "headset", Type: rpc.TypeString, Required: true}
	return []rpc.Method[*Call]{
		{
			Name: "queryProfile", Chapter: chapter, Doc: "Lists the training profiles of the user.", Handle: queryProfile,
			Params: []rpc.Param{tokenParam()},
		},
		{
			Name: "getCurrentProfile", Chapter: chapter, Doc: "Tells which profile is loaded for a headset.", Handle: getCurrentProfile,
			Params: []rpc.Param{tokenParam(), headset}, Errors: []int{CodeHeadsetUnavailable},
			Guessed: "name of the guest profile: an empty text",
		},
		{
			Name: "setupProfile", Chapter: chapter, Doc: "Creates, loads, unloads, saves, renames or deletes a profile.", Handle: setupProfile,
			Params: []rpc.Param{
				tokenParam(),
				{Name: "status", Type: rpc.TypeString, Required: true, Enum: []string{"create", "load", "unload", "save", "rename", "delete"}},
				{Name: "profile", Type: rpc.TypeString},
				{Name: "headset", Type: rpc.TypeString, EmptyIsAbsent: true},
				{Name: "newProfileName", Type: rpc.TypeString},
			},
			Errors: []int{
				CodeHeadsetUnavailable, CodeMissingParams, CodeProfileName, CodeProfileFailed, CodeNoProfileLoaded, CodeProfileAccess,
				CodeProfileLoaded,
			},
			Warnings: []int{WarnProfileLoaded, WarnProfileUnloaded},
			Guessed:  "the texts of message; errors of read-only profiles and of other EEG channels; that save under the name of another profile is refused",
		},
		{
			Name: "loadGuestProfile", Chapter: chapter, Doc: "Loads an empty profile for a headset.", Handle: loadGuestProfile,
			Params: []rpc.Param{tokenParam(), headset}, Errors: []int{CodeHeadsetUnavailable, CodeProfileLoaded}, Warnings: []int{WarnProfileLoaded},
			Guessed: "the text of message, and that saving it makes it a profile with a name",
		},
	}
}

func queryProfile(c *Call, _ rpc.Args) (any, error) {
	list := rpc.Array{}
	for _, p := range c.Store.Profiles(c.token.Username) {
		o := rpc.Object{"name": p.Name, "uuid": p.ID}
		if c.compat.ProfileChannels {
			o["eegChannels"], o["readOnly"] = notNil(p.EEGChannels), p.ReadOnly
		}
		list = append(list, o)
	}
	return list, nil
}

// reachable returns a headset that queryHeadsets lists, or -32004.
func (c *Call) reachable(id string) (*sessionstore.Headset, error) {
	h := c.Store.Headset(id)
	if h == nil || h.Status == sessionstore.HeadsetAbsent {
		return nil, c.fault(CodeHeadsetUnavailable, fmt.Sprintf("no headset %q is in reach", id))
	}
	return h, nil
}

func getCurrentProfile(c *Call, a rpc.Args) (any, error) {
	h, err := c.reachable(a.String("headset"))
	if err != nil {
		return nil, err
	}
	l := c.Store.LoadedProfile(h)
	if l == nil {
		return rpc.Object{"loadedByThisApp": false, "name": nil}, nil
	}
	return rpc.Object{"loadedByThisApp": l.Application.ID == c.app.ID, "name": l.Name()}, nil
}

// setupProfile checks what each status requires of the parameters, for the page
// lists headset and newProfileName as required for some only.
func setupProfile(c *Call, a rpc.Args) (any, error) {
	status, name := a.String("status"), a.String("profile")
	if !a.Has("profile") && status != "unload" {
		return nil, c.missing("profile")
	}
	if (status == "load" || status == "unload" || status == "save") && !a.Has("headset") {
		return nil, c.missing("headset") // headset_id is no headset (cortex-example #54)
	}
	if status == "rename" && !a.Has("newProfileName") {
		return nil, c.missing("newProfileName")
	}
	var (
		headset *sessionstore.Headset
		changes []sessionstore.Change
		err     error
		owner   = c.token.Username
		message string
	)
	if a.Has("headset") && status != "rename" && status != "delete" {
		if headset, err = c.reachable(a.String("headset")); err != nil {
			return nil, err
		}
	}
	switch status {
	case "create":
		channels := c.commonChannels()
		if headset != nil {
			channels = c.channels(headset)
		}
		_, changes, err = c.Store.CreateProfile(sessionstore.NewProfile{
			ID: c.newID(), Name: name, Owner: owner, EEGChannels: channels, CopyOf: headset,
		})
		message = "The profile is created successfully"
	case "load":
		changes, err = c.Store.LoadProfile(c.load(headset, name))
		message = "The profile is loaded successfully"
	case "unload":
		if l := c.Store.LoadedProfile(headset); l != nil {
			name = l.Name()
		}
		changes, err = c.Store.UnloadProfile(headset, c.app)
		message = "The profile is unloaded successfully"
	case "save":
		changes, err = c.Store.SaveProfile(headset, c.app, name, c.newID(), c.channels(headset))
		message = "The profile is saved successfully"
	case "rename":
		to := a.String("newProfileName")
		changes, err = c.Store.RenameProfile(owner, c.app, name, to)
		name, message = to, "The profile is renamed successfully"
	case "delete":
		changes, err = c.Store.DeleteProfile(owner, c.app, name)
		message = "The profile is deleted successfully"
	}
	if err != nil {
		return nil, err
	}
	c.apply(changes)
	return rpc.Object{"action": status, "message": message, "name": name}, nil
}

func loadGuestProfile(c *Call, a rpc.Args) (any, error) {
	h, err := c.reachable(a.String("headset"))
	if err != nil {
		return nil, err
	}
	changes, err := c.Store.LoadGuestProfile(c.load(h, ""))
	if err != nil {
		return nil, err
	}
	c.apply(changes)
	return rpc.Object{"message": "The guest profile is loaded successfully"}, nil
}

func (c *Call) load(h *sessionstore.Headset, profile string) sessionstore.Load {
	l := sessionstore.Load{Name: profile, Owner: c.token.Username, HeadsetID: h.ID, Application: c.app, Conn: c.peer.ID}
	if c.compat.ProfileChannels {
		l.Channels = c.channels(h)
	}
	return l
}

// channels returns the sensors of a headset that a profile goes by: a Flex
// counts as an EPOC, whose mapping it needs for the detections (BCI page).
func (s *Service) channels(h *sessionstore.Headset) []string {
	d := s.devices[h.ID]
	switch {
	case d == nil:
		return nil
	case d.model.Flex:
		if epoc, ok := streams.ModelByName("EPOCX"); ok {
			return slices.Clone(epoc.Sensors)
		}
	}
	return slices.Clone(d.model.Sensors)
}

// commonChannels returns the sensors of the connected headsets if all have the
// same: those of a profile that is created for no headset. Else the first load
// decides (a guess, as is the rest: no page tells eegChannels of a new profile).
func (s *Service) commonChannels() (common []string) {
	for _, h := range s.Store.Headsets() {
		if h.Status != sessionstore.HeadsetConnected {
			continue
		}
		channels := s.channels(h)
		if common != nil && !slices.Equal(common, channels) {
			return nil
		}
		common = channels
	}
	return common
}

// populateProfiles puts the profiles of the world into the store.
func (s *Service) populateProfiles() error {
	w := &s.world
	for i := range w.Profiles {
		spec := w.Profiles[i]
		p := spec.Profile
		where := fmt.Sprintf("world: profiles[%d]", i)
		if p.Name == "" {
			return fmt.Errorf("%s: name: missing", where)
		}
		if p.Owner == "" && len(w.Users) > 0 {
			p.Owner = w.Users[0].Username
		}
		if p.ID == "" {
			p.ID = madeID("profile " + p.Owner + " " + p.Name)
		}
		if p.EEGChannels == nil && len(s.Store.Headsets()) > 0 {
			p.EEGChannels = s.channels(s.Store.Headsets()[0])
		}
		if err := completeProfile(&p.Data); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		s.Store.AddProfile(&p)
		if spec.LoadedOn != "" {
			if err := s.otherLoads(spec.LoadedOn, p.Owner, p.Name, spec.LoadedBy); err != nil {
				return fmt.Errorf("%s: loadedOn: %w", where, err)
			}
		}
	}
	return nil
}

// completeProfile checks the data of a profile and fills in what was left out.
func completeProfile(d *sessionstore.ProfileData) error {
	fresh := sessionstore.NewProfileData()
	*d = d.Clone()
	m, f := &d.MentalCommand, &d.FacialExpression
	check := func(name string, actions map[string]int, known []string, most int) error {
		for _, action := range slices.Sorted(maps.Keys(actions)) {
			if !slices.Contains(known, action) {
				return fmt.Errorf("%s: %q is unknown, want one of %v", name, action, known)
			}
			if n := actions[action]; n < 0 || n > most {
				return fmt.Errorf("%s.%s: %d is out of range, want 0 to %d", name, action, n, most)
			}
		}
		return nil
	}
	for _, err := range []error{
		check("mentalCommand", m.Times, streams.MentalActions(), 1e6),
		check("facialExpression", f.Times, streams.TrainableExpressions(), 1e6),
		check("facialThresholds", f.Thresholds, streams.FacialActions(), 1000),
	} {
		if err != nil {
			return err
		}
	}
	if m.Times == nil {
		m.Times = fresh.MentalCommand.Times
	}
	if f.Times == nil {
		f.Times = fresh.FacialExpression.Times
	}
	if f.Thresholds == nil {
		f.Thresholds = fresh.FacialExpression.Thresholds
	}
	sum := func(times map[string]int) (n int) {
		for _, v := range times {
			n += v
		}
		return n
	}
	m.Total, f.Total = max(m.Total, sum(m.Times)), max(f.Total, sum(f.Times))
	if m.Active == nil {
		for _, action := range streams.MentalActions()[1:] {
			if m.Times[action] > 0 && len(m.Active) < sessionstore.MaxActiveActions {
				m.Active = append(m.Active, action)
			}
		}
	}
	if err := checkActive(m.Active); err != nil {
		return fmt.Errorf("activeActions: %w", err)
	}
	for i := range m.Sensitivity {
		setDefault(&m.Sensitivity[i], sessionstore.DefaultSensitivity)
		if v := m.Sensitivity[i]; v < 1 || v > 10 {
			return fmt.Errorf("sensitivity[%d]: %d is out of range, want 1 to 10", i, v)
		}
	}
	setDefault(&m.Threshold, fresh.MentalCommand.Threshold)
	setDefault(&f.Signature, fresh.FacialExpression.Signature)
	if !slices.Contains(signatureTypes(), f.Signature) {
		return fmt.Errorf("signatureType: %q is unknown, want universal or trained", f.Signature)
	}
	return nil
}

// checkActive reports why a list cannot be active mental commands.
func checkActive(actions []string) error {
	if len(actions) > sessionstore.MaxActiveActions {
		return fmt.Errorf("%d actions besides neutral, want at most %d", len(actions), sessionstore.MaxActiveActions)
	}
	for i, action := range actions {
		if !slices.Contains(streams.MentalActions()[1:], action) {
			return fmt.Errorf("%q is unknown, want one of %v", action, streams.MentalActions()[1:])
		}
		if slices.Contains(actions[:i], action) {
			return fmt.Errorf("%q comes twice", action)
		}
	}
	return nil
}

// otherApplication is the appId of an application that no client of ours is,
// for profiles that somebody else has loaded.
const otherApplication = "com.emotiv.emotivbci"

func (s *Service) otherLoads(headset, owner, profile, clientID string) error {
	app := s.Store.ApplicationByClient(clientID)
	if app == nil || clientID == "" {
		app = &sessionstore.Application{ClientID: clientID, ID: otherApplication, Name: "EmotivBCI"}
		if clientID != "" {
			app.ID = "com." + owner + "." + clientID
		}
	}
	load := sessionstore.Load{Name: profile, Owner: owner, HeadsetID: headset, Application: app}
	if h := s.Store.Headset(headset); h != nil && s.compat.ProfileChannels {
		load.Channels = s.channels(h)
	}
	changes, err := s.Store.LoadProfile(load)
	if err != nil {
		return err
	}
	s.apply(changes)
	return nil
}

// OtherLoadsProfile makes another application load a profile of the user who is
// logged in, with warning 13. An empty profile is the user's first. The error is
// the refusal that the application would have met.
func (s *Service) OtherLoadsProfile(headset, profile string) error {
	owner := s.Store.Login.Username
	if profile == "" {
		list := s.Store.Profiles(owner)
		if len(list) == 0 {
			return fmt.Errorf("user %q has no profile", owner)
		}
		profile = list[0].Name
	}
	return s.otherLoads(headset, owner, profile, "")
}

// OtherUnloadsProfile makes the application that loaded the profile of a headset
// unload it, with warning 14, whichever application it is.
func (s *Service) OtherUnloadsProfile(headset string) error {
	h := s.Store.Headset(headset)
	l := s.Store.LoadedProfile(h)
	if l == nil {
		return fmt.Errorf("headset %q has no profile loaded", headset)
	}
	changes, err := s.Store.UnloadProfile(h, l.Application)
	if err != nil {
		return err
	}
	s.apply(changes)
	return nil
}

// SetMentalCommand sets what the wearer of a connected headset thinks.
func (s *Service) SetMentalCommand(headset string, m streams.MentalCommand) error {
	return s.changeSignal(headset, func(st *streams.State) { st.MentalCommand = m })
}

// SetFacialExpression sets what the face of the wearer of a connected headset
// does.
func (s *Service) SetFacialExpression(headset string, f streams.FacialExpression) error {
	return s.changeSignal(headset, func(st *streams.State) { st.FacialExpression = f })
}

// changeSignal is UpdateSignal with the error of a state that makes no sense.
func (s *Service) changeSignal(headset string, change func(*streams.State)) error {
	d := s.devices[headset]
	if d == nil || d.source == nil {
		return fmt.Errorf("headset %q is not connected", headset)
	}
	return d.change(func(src *streams.Source) error { return src.Update(change) })
}

// profileChanges acts on the changes of the store that concern profiles.
func (s *Service) profileChange(ch sessionstore.Change) {
	warn := func(code int, l *sessionstore.LoadedProfile, name string) {
		for _, p := range s.order {
			if p != s.caller || code == WarnProfileAutoUnload || s.world.Training.WarnCaller {
				s.warn(p, code, rpc.Object{"behavior": s.warningText(code, name), "headset": l.Headset.ID, "profile": name})
			}
		}
	}
	switch ch := ch.(type) {
	case sessionstore.ProfileLoaded:
		s.teach(ch.Loaded.Headset)
		warn(WarnProfileLoaded, ch.Loaded, ch.Loaded.Name())
		s.event("profileLoaded", "profile", ch.Loaded.Name(), "headset", ch.Loaded.Headset.ID)
	case sessionstore.ProfileUnloaded:
		s.teach(ch.Loaded.Headset)
		code := WarnProfileUnloaded
		if ch.Auto {
			code = WarnProfileAutoUnload
		}
		warn(code, ch.Loaded, ch.Name)
		s.event("profileUnloaded", "profile", ch.Name, "headset", ch.Loaded.Headset.ID)
	case sessionstore.ProfileSaved:
		s.event("profileSaved", "profile", ch.Profile.Name, "headset", ch.Headset.ID)
	case sessionstore.ProfileChanged:
		s.teach(ch.Loaded.Headset)
	case sessionstore.TrainingEvent:
		s.event("training", "headset", ch.Headset.ID, "event", ch.Event, "action", ch.Action, "detection", ch.Detection)
		if s.world.Training.EventFirst {
			s.sendSys(ch)
		} else {
			s.afterAnswer(func() { s.sendSys(ch) })
		}
	}
}

// teach tells the simulated detections of a headset what its profile knows.
func (s *Service) teach(h *sessionstore.Headset) {
	d := s.devices[h.ID]
	if d == nil || d.headset != h || d.source == nil {
		return
	}
	mental, facial := models(s.Store.LoadedProfile(h), s.world.Training.CommandsAtRest)
	_ = d.change(func(src *streams.Source) error {
		src.SetMentalCommandModel(mental)
		src.SetFacialExpressionModel(facial)
		return nil
	})
}

// models returns what the detections of package streams need to know. Without a
// profile com is neutral and fac works with the universal signature.
func models(l *sessionstore.LoadedProfile, atRest bool) (streams.MentalCommandModel, streams.FacialExpressionModel) {
	if l == nil {
		return streams.MentalCommandModel{}, streams.FacialExpressionModel{Signature: "universal"}
	}
	m := mentalModel(&l.Data)
	m.Loaded = true
	if atRest {
		m.Times = maps.Clone(m.Times)
		delete(m.Times, "neutral")
	}
	f := l.Data.FacialExpression
	thresholds := maps.Clone(f.Thresholds)
	if v, ok := thresholds["horiEye"]; ok { // getDetectionInfo's name for what fac calls lookL and lookR
		thresholds["lookL"], thresholds["lookR"] = v, v
	}
	return m, streams.FacialExpressionModel{Signature: f.Signature, Thresholds: thresholds, Times: f.Times}
}

func mentalModel(d *sessionstore.ProfileData) streams.MentalCommandModel {
	m := streams.MentalCommandModel{Active: d.MentalCommand.Active, Times: d.MentalCommand.Times, Sensitivity: map[string]int{}}
	for i, action := range m.Active {
		m.Sensitivity[action] = d.MentalCommand.Sensitivity[i]
	}
	return m
}

// skillRating is how well a profile tells an action from the others, 0 to 1.
// The real formula is not published: this one is the skill with which com of
// this service follows the action, less where neutral is untrained.
func skillRating(d *sessionstore.ProfileData, action string) float64 {
	if r := d.MentalCommand.SkillRating; r != nil {
		return *r
	}
	m := mentalModel(d)
	if action == "neutral" {
		return m.Skill(action)
	}
	return m.Skill(action) * (0.6 + 0.4*m.Skill("neutral"))
}

// overallRating is the mean rating of the active actions with training.
func overallRating(d *sessionstore.ProfileData) float64 {
	if r := d.MentalCommand.SkillRating; r != nil {
		return *r
	}
	sum, n := 0.0, 0
	for _, action := range d.MentalCommand.Active {
		if d.MentalCommand.Times[action] > 0 {
			sum += skillRating(d, action)
			n++
		}
	}
	return sum / math.Max(1, float64(n))
}

// brainMap places the trained active actions around neutral: the better one is
// trained, the farther it lies from neutral and from the others
// (mentalCommandBrainMap page: distance is how different the thoughts are).
func brainMap(d *sessionstore.ProfileData) rpc.Array {
	point := func(action string, x, y float64) rpc.Object {
		return rpc.Object{"action": action, "coordinates": rpc.Array{rpc.Float(round6(x)), rpc.Float(round6(y))}}
	}
	if m := d.MentalCommand.BrainMap; m != nil {
		list := rpc.Array{}
		for _, action := range streams.MentalActions() {
			if at, ok := m[action]; ok {
				list = append(list, point(action, at[0], at[1]))
			}
		}
		return list
	}
	list := rpc.Array{point("neutral", 0, 0)}
	for i, action := range d.MentalCommand.Active {
		if d.MentalCommand.Times[action] > 0 {
			sin, cos := math.Sincos(math.Pi * float64(i+1) / float64(len(d.MentalCommand.Active)+1))
			r := skillRating(d, action)
			list = append(list, point(action, -r*cos, r*sin))
		}
	}
	return list
}

func round6(v float64) float64 { return math.Round(v*1e6) / 1e6 }
