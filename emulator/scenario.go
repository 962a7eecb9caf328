package emulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/fakecortex/fakecortex/emulator/api"
	"github.com/fakecortex/fakecortex/emulator/faults"
	"github.com/fakecortex/fakecortex/emulator/gateway"
	"github.com/fakecortex/fakecortex/scenarios"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// loadScenario reads the scenario of the options.
func (o *Options) loadScenario() (*scenarios.Scenario, error) {
	name := o.Scenario
	if name == "" {
		name = "default"
	}
	return scenarios.Load(name, scenarios.Options{Set: o.Set})
}

// life is how one life of a world begins: what the options say, and where they
// say nothing the scenario.
type life struct {
	scenario *scenarios.Scenario
	world    api.World
	seed     uint64
	scale    float64
	start    time.Time
	outbox   int
}

// limits are the bounds of its connections.
func (l *life) limits() gateway.Limits {
	bounds := &l.scenario.World.Limits
	return gateway.Limits{Outbox: l.outbox, MaxMessage: int64(bounds.Message), MaxConns: bounds.Connections}
}

// plan makes a life of a scenario.
func (o *Options) plan(s *scenarios.Scenario) (*life, error) {
	if o.CortexVersion != "" {
		other := *s
		other.World.CortexVersion = o.CortexVersion
		s = &other
	}
	w := &s.World
	clock := o.Clock
	if clock == "" {
		clock = w.Clock
	}
	if clock == "" {
		clock = "real"
	}
	l := &life{scenario: s, seed: o.Seed, outbox: o.OutboxLimit}
	var err error
	if l.scale, err = streams.ParseScale(clock); err != nil {
		return nil, err
	}
	l.start = o.StartTime
	if l.start.IsZero() {
		if l.start = time.Now(); l.scale == 0 {
			l.start = manualStart
		}
		if !w.StartTime.IsZero() {
			l.start = w.StartTime.At(l.start)
		}
	}
	if y := l.start.Year(); y < 2000 || y > 2200 {
		return nil, fmt.Errorf("start time %s: want a year from 2000 to 2200", l.start.Format(time.RFC3339))
	}
	if l.seed == 0 {
		l.seed = w.Seed
	}
	if l.seed == 0 {
		l.seed = DefaultSeed
	}
	if l.outbox == 0 {
		l.outbox = w.Limits.Outbox
	}
	if o.World != nil {
		l.world = *o.World
		if o.CortexVersion != "" {
			l.world.CortexVersion, l.world.Compat = o.CortexVersion, nil
		}
	} else if l.world, err = worldOf(&s.Document, l.start); err != nil {
		return nil, err
	}
	l.world.Seed = l.seed
	return l, o.Files.apply(&l.world)
}

// worldOf turns the world of a document into what the service starts with.
func worldOf(doc *scenarios.Document, start time.Time) (api.World, error) {
	w := &doc.World
	at := func(i scenarios.Instant) time.Time { return i.At(start) }
	compat, err := compatOf(doc)
	if err != nil {
		return api.World{}, err
	}
	out := api.World{
		CortexVersion: w.CortexVersion, Compat: &compat, Zone: w.Zone.Location, Seed: w.Seed,
		Login: w.Login, CurrentOS: sessionstore.OSUser(w.OSUser), LoginOS: sessionstore.OSUser(w.OSUser),
		AnyApplication: w.AnyApplication,
		Cloud: api.Cloud{
			Status: cloudStatus(w.Cloud.Status), TokenRefreshing: w.Cloud.TokenRefreshing, RefreshFor: w.Timings.CloudRefresh.D(),
			LoginRefused: w.Cloud.LoginRefused, TokenRefused: w.Cloud.TokenRefused,
		},
		Disk: diskSpace(w.Disk), Phase: api.Phase(max(0, slices.Index([]string{"ready", "starting", "zombie"}, w.Service))),
		BluetoothDenied: w.BluetoothDenied, VirtualHeadsetMethods: w.VirtualHeadsetMethods,
		ConnectDelay: delay(w.Timings.ConnectDelay), ConnectTimeout: delay(w.Timings.ConnectTimeout), UpdateDelay: delay(w.Timings.UpdateHeadset),
		ReadyDelay: some(w.Timings.ServiceReady), TokenLife: w.Timings.TokenLife.D(), HeadsetReady: w.Timings.HeadsetReady.D(),
		SessionEnd: w.Timings.SessionEnd.D(), ConnectionEnd: w.Timings.ClosedSocketCleanup.D(),
		FlexWithoutMapping: api.FlexRule(max(0, slices.Index([]string{"warning", "error", "ok"}, w.Rules.FlexWithoutMapping))),
		MaxRecords:         w.Limits.Records, PostProcessing: delay(w.Timings.PostProcessing), PostProcessingNever: w.Timings.PostProcessingNever,
		DownloadDelay: delay(w.Timings.Download), MarkerTooOld: some(w.Timings.MarkerTooOld), MarkerTooNew: some(w.Timings.MarkerTooNew), MarkerJitter: w.Rules.MarkerJitter.D(),
		MarkersLost: w.Rules.MarkersLost, MarkersLate: w.Rules.MarkersLate,
		Training: api.TrainingSpec{
			Time: delay(w.Timings.Training), FailTime: delay(w.Timings.TrainingFailure), Result: trainingResult(w.Rules.TrainingResult),
			NeedsSys: w.Rules.TrainingWithoutSys == "error", EventFirst: !w.Rules.TrainingAnswerFirst, WarnCaller: w.Rules.ProfileWarningToCaller, CommandsAtRest: w.Rules.CommandsAtRest,
		},
		SessionsOverUSBCable: !w.Rules.SessionRefusedOnUSBCable, ActivateAgainCosts: !w.Rules.ActivateOnce,
		IgnoreLargeDebit: w.Rules.DebitTooLarge == "ignore", CheckSecretEarly: w.Rules.RequestAccessChecksSecret,
		RefuseUnknownParams: w.Rules.UnknownParameter == "invalidParams", AnyEnvelope: !w.Rules.StrictEnvelope,
		ScanDuration: delay(w.Timings.ScanDuration), ScanFindAfter: delay(w.Timings.ScanFindAfter), SilenceLimit: some(w.Timings.SilenceLimit),
		LicenseWarning: some(w.Timings.LicenseWarning), EnforceSoftLimit: w.Rules.EnforceSoftLimit, RefuseWithoutEULA: w.Rules.RefuseWithoutEULA,
		TellAccessRequests: w.Rules.TellAccessRequests, RefuseWhileStarting: w.Rules.RefuseWhileStarting,
		DoubleSubscribe:      api.DoubleSubscribe(max(0, slices.Index([]string{"once", "twice", "failure"}, w.Rules.DoubleSubscribe))),
		RefuseUnknownStreams: w.Rules.UnknownStream == "invalidParams",
		BasicMetPeriod:       w.Timings.BasicMetPeriod.D(), MetInactive: w.Timings.MetInactive.D(),
		SamplesAfterUnsubscribe:   w.Rules.SamplesAfterUnsubscribe,
		SessionsOutliveConnection: !w.Rules.SessionsDieWithConnection,
		MaxSessions:               w.Limits.Sessions, MaxApplications: w.Limits.Applications, MaxAnswer: w.Limits.Outbox / 2,
	}
	if w.LoginOSUser != nil {
		out.LoginOS = sessionstore.OSUser(*w.LoginOSUser)
	}
	for _, m := range w.Rules.Mute {
		kind, ok := streams.ParseKind(m.Stream)
		if !ok {
			return out, fmt.Errorf("world.rules.mute: %q: want the name of a stream", m.Stream)
		}
		out.Mute = append(out.Mute, api.Mute{Stream: kind, Headset: m.Headset})
	}
	for _, u := range w.Users {
		user := sessionstore.User{
			Username: u.Username, ID: u.ID, FirstName: u.FirstName, LastName: u.LastName,
			EULAAccepted: u.EULAAccepted, PrivateEULAAccepted: u.PrivateEULAAccepted, EULAURL: u.EULAURL,
		}
		if u.LastLogin != nil {
			user.LastLogin = at(*u.LastLogin)
		}
		out.Users = append(out.Users, user)
	}
	for _, a := range w.Applications {
		app := applicationOf(a)
		if a.ClientID == scenarios.AnyClient {
			app.ClientID, app.Name, app.ID = "", a.Name, a.AppID
			out.AnyApplication, out.NewApplication = true, &app
			continue
		}
		out.Applications = append(out.Applications, app)
	}
	for _, l := range w.Licenses {
		out.Licenses = append(out.Licenses, licenseOf(l, at))
	}
	for i := range w.Headsets {
		spec, err := headsetOf(&w.Headsets[i])
		if err != nil {
			return out, fmt.Errorf("world.headsets[%d]: %w", i, err)
		}
		out.Headsets = append(out.Headsets, spec)
	}
	for _, p := range w.Profiles {
		out.Profiles = append(out.Profiles, profileOf(p))
	}
	for _, m := range w.FlexMappings {
		out.FlexMappings = append(out.FlexMappings, sessionstore.FlexMapping{Name: m.Name, UUID: m.UUID, Mappings: m.Mappings})
	}
	for _, s := range w.Subjects {
		subject := sessionstore.Subject{
			Name: s.SubjectName, Owner: s.Owner, DateOfBirth: s.DateOfBirth, Sex: s.Sex, CountryCode: s.CountryCode, State: s.State, City: s.City,
		}
		for _, a := range s.Attributes {
			subject.Attributes = append(subject.Attributes, sessionstore.SubjectAttribute(a))
		}
		out.Subjects = append(out.Subjects, subject)
	}
	for _, r := range w.Records {
		out.Records = append(out.Records, recordOf(r, w, at))
	}
	out.Errors, out.Warnings = overrides(doc.Texts.Errors), overrides(doc.Texts.Warnings)
	if code := w.Rules.MissingParameterCode; code != api.CodeMissingParams {
		o := out.Errors[api.CodeMissingParams]
		if o.Code == nil {
			o.Code = &code
		}
		out.Errors[api.CodeMissingParams] = o
	}
	return out, nil
}

// delay returns how long something takes, nothing too.
func delay(d scenarios.Duration) time.Duration {
	if d == 0 {
		return api.AtOnce
	}
	return d.D()
}

// some returns a duration for which the service knows 0 as "not given".
func some(d scenarios.Duration) time.Duration { return max(d.D(), 1) }

// compatOf is what the Cortex version chooses, with what the document says
// instead: the fields of the two have the same names.
func compatOf(doc *scenarios.Document) (api.Compat, error) {
	compat, err := api.NewCompat(doc.World.CortexVersion)
	if err != nil {
		return compat, err
	}
	switch doc.World.Discovery.Mode {
	case "auto":
		compat.AppDrivenScan = false
	case "strict":
		compat.AppDrivenScan = true
	}
	from, to := reflect.ValueOf(doc.Compat), reflect.ValueOf(&compat).Elem()
	for i := range from.NumField() {
		want, ok := from.Field(i).Interface().(*bool)
		if field := to.FieldByName(from.Type().Field(i).Name); ok && want != nil && field.IsValid() {
			field.SetBool(*want)
		}
	}
	if gate := doc.Compat.ExportGate; gate != "" {
		compat.ExportGate = api.Gate(gate)
	}
	// The streams package has names of its own.
	set := func(field *bool, want *bool, negated bool) {
		if want != nil {
			*field = *want != negated
		}
	}
	d := &compat.Dialect
	set(&d.DevNoPercent, doc.Compat.DevBatteryPercent, true)
	set(&d.DevNoOverall, doc.Compat.DevOverall, true)
	set(&d.NoEQ, doc.Compat.EQStream, true)
	set(&d.NoMarkers, doc.Compat.EEGMarkers, true)
	set(&d.FlexHighBit, doc.Compat.FlexHighBit, false)
	set(&d.FlexFlag, doc.Compat.FlexSaturationFlag, false)
	set(&d.FlexDC, doc.Compat.FlexDC, false)
	set(&d.BareZero, doc.Compat.BareZero, false)
	return compat, nil
}

func applicationOf(a scenarios.Application) sessionstore.Application {
	after := func(d *scenarios.Duration) time.Duration {
		if d == nil {
			return -1
		}
		return d.D()
	}
	access := sessionstore.AccessGranted
	switch a.Status {
	case "pending":
		access = sessionstore.AccessUnasked
	case "declined":
		access = sessionstore.AccessDenied
	}
	return sessionstore.Application{
		ClientID: a.ClientID, ClientSecret: a.ClientSecret, Name: a.Name, ID: a.AppID, Version: a.AppVersion, Access: access,
		NeedsEEG: a.NeedsEEG, Unpublished: !a.Published, Owner: a.Owner, LicenseID: a.License,
		ApproveAfter: after(a.ApproveAfter), DenyAfter: after(a.DeclineAfter), NeedsAuthorize: a.NeedsAuthorize,
		OptOut: a.OptOut == "on" || a.OptOut == "lockedOn", OptOutLocked: strings.HasPrefix(a.OptOut, "locked"),
	}
}

func licenseOf(l scenarios.License, at func(scenarios.Instant) time.Time) sessionstore.License {
	limit := func(n *int) int {
		if n == nil {
			return -1
		}
		return *n
	}
	var optOut *bool
	if l.OptOut == "on" || l.OptOut == "off" {
		on := l.OptOut == "on"
		optOut = &on
	}
	return sessionstore.License{
		ForceOptOut: optOut,
		ID:          l.ID, Name: l.Name, Owner: l.Owner, Applications: l.Applications, UsableBy: l.UsableBy,
		Scopes:      scopesOf(l.Scopes),
		BillingFrom: at(l.BillingFrom), BillingTo: at(l.BillingTo), ValidFrom: at(l.ValidFrom), ValidTo: at(l.ValidTo),
		SoftLimitTime: at(l.SoftLimitTime), HardLimitTime: at(l.HardLimitTime), Expired: l.Expired, IsCommercial: l.IsCommercial,
		LocalQuota: l.LocalQuota, MaxDebit: limit(l.MaxDebit), DailyDebit: limit(l.DailyDebit), SessionCount: limit(l.SessionCount),
		SeatCount: l.SeatCount, TotalDebit: l.TotalDebit, ExtenderLimit: l.ExtenderLimit,
		DeviceLimit: limit(l.DeviceLimit), DevicesPerSeat: limit(l.DevicesPerSeat),
		TotalRegisteredDevices: l.TotalRegisteredDevices, RegisteredHere: l.RegisteredHere,
		SessionLimitDay: limit(l.SessionLimit.Day), SessionLimitMonth: limit(l.SessionLimit.Month), SessionLimitYear: limit(l.SessionLimit.Year),
	}
}

// scopesOf leaves out the empty scope: [""] is how a basic license prints that it
// has none.
func scopesOf(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return s == "" })
}

func headsetOf(h *scenarios.Headset) (api.HeadsetSpec, error) {
	spec := api.HeadsetSpec{
		ID: h.ID, Firmware: h.Firmware, ConnectedBy: h.ConnectedBy, Dongle: h.Dongle, CustomName: h.CustomName,
		HeadbandPosition: h.HeadbandPosition, Virtual: h.IsVirtual, VirtualID: h.VirtualHeadsetID, Mappings: h.Mappings,
		ClockOffset: h.ClockOffset.D(), ClockRatio: h.ClockRatio,
		Status: map[string]api.HeadsetStart{
			"off": api.StartOff, "on": api.StartOn, "discovered": api.StartDiscovered, "connected": api.StartConnected,
		}[h.Status],
	}
	spec.Connect = api.ConnectSpec{
		Outcome: connectOutcome(h.Connect.Outcome), Times: h.Connect.Times, Polls: h.Connect.Polls, Flaky: h.Connect.Flaky,
	}
	if h.AppearsAfter != nil {
		spec.AppearsAfter = h.AppearsAfter.D()
	}
	if h.SettleFor != nil {
		spec.SettleFor = h.SettleFor.D()
	}
	if h.Connect.Delay != nil {
		spec.Connect.Delay = delay(*h.Connect.Delay)
	}
	if h.SilenceLimit != nil {
		spec.SilenceLimit = some(*h.SilenceLimit)
	}
	if h.Settings != nil {
		settings := h.StreamSettings()
		spec.Settings = &settings
	}
	if !h.Signal.IsZero() {
		state := streams.DefaultState()
		if err := h.Signal.Apply(&state); err != nil {
			return spec, err
		}
		spec.Signal = &state
	}
	return spec, nil
}

// arrivals are the rules that make the samples of a document's headsets come
// later than they were taken.
func arrivals(doc *scenarios.Document) []faults.Rule {
	var rules []faults.Rule
	for i := range doc.World.Headsets {
		h := &doc.World.Headsets[i]
		on := faults.Match{Kind: []string{"sample"}, Headset: h.ID}
		if a := h.Arrival; a.Jitter > 0 {
			rules = append(rules, faults.Rule{ID: "arrival " + h.ID, On: on, Latency: &faults.Latency{Normal: &faults.Normal{Mean: a.Delay, SD: a.Jitter}}})
		} else if a.Delay > 0 {
			rules = append(rules, faults.Rule{ID: "arrival " + h.ID, On: on, Latency: &faults.Latency{Fixed: &a.Delay}})
		}
		if h.Arrival.Burst > 0 {
			rules = append(rules, faults.Rule{ID: "arrival in bursts " + h.ID, On: on, Burst: &faults.Burst{Every: h.Arrival.Burst}})
		}
	}
	return rules
}

// profileOf makes the profile of a document. Actions are trained as often as it
// says; those that are trained are active unless it says which.
func profileOf(p scenarios.Profile) api.ProfileSpec {
	out := api.ProfileSpec{LoadedOn: p.LoadedOn, LoadedBy: p.LoadedBy}
	out.ID, out.Name, out.Owner, out.ReadOnly, out.EEGChannels = p.UUID, p.Name, p.Owner, p.ReadOnly, p.EEGChannels
	data := sessionstore.NewProfileData()
	mc, fe := &data.MentalCommand, &data.FacialExpression
	maps.Copy(mc.Times, p.MentalCommand)
	maps.Copy(fe.Times, p.FacialExpression)
	maps.Copy(fe.Thresholds, p.FacialThresholds)
	fe.Signature = p.SignatureType
	mc.Active = p.ActiveActions
	copy(mc.Sensitivity[:], p.Sensitivity)
	if p.TrainingThreshold != nil {
		mc.Threshold = *p.TrainingThreshold
	}
	if p.LastTrainingScore != nil {
		mc.LastScore = *p.LastTrainingScore
	}
	mc.SkillRating = p.SkillRating
	for _, point := range p.BrainMap {
		if mc.BrainMap == nil {
			mc.BrainMap = map[string][2]float64{}
		}
		mc.BrainMap[point.Action] = [2]float64{point.X, point.Y}
	}
	out.Data = data
	return out
}

func recordOf(r scenarios.Record, w *scenarios.World, at func(scenarios.Instant) time.Time) api.RecordSpec {
	out := api.RecordSpec{
		ID: r.UUID, Title: r.Title, Description: r.Description, Start: at(r.Start), Duration: r.Duration.D(), HeadsetID: r.Headset,
		ApplicationID: r.Application, LicenseID: r.License, LicenseScope: r.LicenseScope, Owner: r.Owner, Subject: r.Subject, Tags: r.Tags,
		ExperimentID: r.ExperimentID, LocalOnly: r.LocalOnly, Sync: sessionstore.Sync(r.SyncStatus), NoData: !r.Simulated,
		Survey: json.RawMessage(r.Survey),
	}
	for _, a := range w.Applications {
		if a.ClientID == r.Application {
			out.ApplicationID = a.AppID
		}
	}
	for _, m := range r.Markers {
		spec := api.MarkerSpec{At: m.At.D(), Label: m.Label, Port: m.Port}
		if m.Duration != nil {
			spec.Duration = m.Duration.D()
		}
		var text string
		if json.Unmarshal(m.Value, &text) == nil {
			spec.Value = text
		} else {
			spec.Value = json.Number(m.Value)
		}
		out.Markers = append(out.Markers, spec)
	}
	return out
}

func overrides(texts map[int]scenarios.Text) map[int]api.Override {
	out := make(map[int]api.Override, len(texts))
	for code, t := range texts {
		o := api.Override{Code: t.Code, Behavior: t.Behavior}
		if len(t.Message) > 0 && json.Unmarshal(t.Message, &o.Message) != nil {
			o.Object = json.RawMessage(t.Message)
		}
		out[code] = o
	}
	return out
}
