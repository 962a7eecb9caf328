package api

import (
	"maps"
	"time"

	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// State is the whole world at an instant, for the control API. It holds no
// token and no client secret.
type State struct {
	Now           time.Time          `json:"now"`
	CortexVersion string             `json:"cortexVersion"`
	Login         string             `json:"login"`     // EmotivID, empty: nobody
	Cloud         string             `json:"cloud"`     // online, offline, failing
	Service       string             `json:"service"`   // ready, starting, zombie
	Disk          string             `json:"disk"`      // ok, low, critical
	Bluetooth     bool               `json:"bluetooth"` // granted by the operating system
	Scanning      bool               `json:"scanning"`  // controlDevice refresh is under way
	Users         []UserState        `json:"users"`
	Applications  []ApplicationState `json:"applications"`
	Licenses      []LicenseState     `json:"licenses"`
	Headsets      []HeadsetState     `json:"headsets"`
	Sessions      []SessionState     `json:"sessions"`
	Profiles      []ProfileState     `json:"profiles"`
	FlexMappings  []FlexMappingState `json:"flexMappings"`
	Subjects      []SubjectState     `json:"subjects"`
	Records       []RecordState      `json:"records"`
}

// UserState is one account.
type UserState struct {
	Username            string `json:"username"`
	FirstName           string `json:"firstName"`
	LastName            string `json:"lastName"`
	EULAAccepted        bool   `json:"eulaAccepted"`
	PrivateEULAAccepted bool   `json:"privateEulaAccepted"`
}

// ApplicationState is one client application.
type ApplicationState struct {
	ClientID       string `json:"clientId"`
	AppID          string `json:"appId"`
	Name           string `json:"name"`
	Status         string `json:"status"` // unasked, pending, approved, declined
	NeedsEEG       bool   `json:"needsEeg"`
	Published      bool   `json:"published"`
	NeedsAuthorize bool   `json:"needsAuthorize"`
}

// LicenseState is one license.
type LicenseState struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Owner      string    `json:"owner"`
	Scopes     []string  `json:"scopes"`
	LocalQuota int       `json:"localQuota"`
	TotalDebit int       `json:"totalDebit"`
	ValidTo    time.Time `json:"validTo"`
	Expired    bool      `json:"expired"`
}

// ProfileState is one training profile.
type ProfileState struct {
	Name             string         `json:"name"`
	Owner            string         `json:"owner"`
	ReadOnly         bool           `json:"readOnly"`
	MentalCommand    map[string]int `json:"mentalCommand"` // trainings by action
	FacialExpression map[string]int `json:"facialExpression"`
	LoadedOn         []string       `json:"loadedOn"` // headsets
}

// FlexMappingState is one mapping of a Flex that configMapping has stored.
type FlexMappingState struct {
	Name     string            `json:"name"`
	UUID     string            `json:"uuid"`
	Owner    string            `json:"owner"`
	Mappings map[string]string `json:"mappings"` // electrode to location
}

// SubjectState is one subject of records.
type SubjectState struct {
	SubjectName string `json:"subjectName"`
	Owner       string `json:"owner"`
}

// RecordState is one record.
type RecordState struct {
	ID          string     `json:"id"`
	Title       string     `json:"title"`
	Owner       string     `json:"owner"`
	Application string     `json:"application"` // application id
	Headset     string     `json:"headset"`
	Subject     string     `json:"subject"` // empty: the owner
	State       string     `json:"state"`   // running, processing, ready
	Start       time.Time  `json:"start"`
	End         *time.Time `json:"end"`     // nil while it runs
	Seconds     float64    `json:"seconds"` // length, until now while it runs
	Markers     []string   `json:"markers"` // their labels
	HasData     bool       `json:"hasData"`
}

// HeadsetState is one headset, in reach or not.
type HeadsetState struct {
	ID          string         `json:"id"`
	Model       string         `json:"model"`
	Firmware    string         `json:"firmware"`
	Status      string         `json:"status"` // absent, discovered, connecting, connected
	On          bool           `json:"on"`
	Silent      bool           `json:"silent"` // connected, but no sample arrives
	ConnectedBy string         `json:"connectedBy"`
	Virtual     bool           `json:"isVirtual"`
	Sensors     []string       `json:"sensors"`
	Places      []SensorPlace  `json:"places"` // of the sensors
	Settings    SettingsState  `json:"settings"`
	Signal      *streams.State `json:"signal,omitempty"` // nil unless connected
}

// SettingsState are the settings of a headset, as the headset object has them.
type SettingsState struct {
	EEGRate  int    `json:"eegRate"` // samples per second
	EEGRes   int    `json:"eegRes"`  // bits
	MemsRate int    `json:"memsRate"`
	MemsRes  int    `json:"memsRes"`
	Mode     string `json:"mode"`
}

// SessionState is one live session.
type SessionState struct {
	ID            string              `json:"id"`
	Application   string              `json:"application"` // client id
	Owner         string              `json:"owner"`
	Headset       string              `json:"headset"`
	Connection    uint64              `json:"connection"`
	Status        string              `json:"status"` // opened, activated
	License       string              `json:"license"`
	Started       time.Time           `json:"started"`
	Recording     bool                `json:"recording"`
	Subscriptions []SubscriptionState `json:"subscriptions"`
}

// SubscriptionState is one stream of a session.
type SubscriptionState struct {
	Stream     string `json:"stream"`
	Connection uint64 `json:"connection"`
	FullRate   bool   `json:"fullRate"` // of met
	// Samples is how many were sent, before the faults of the wire, and Rate how
	// many a second of virtual time, measured over the last two seconds or more.
	Samples uint64  `json:"samples"`
	Rate    float64 `json:"rate"`
}

// State returns the state of the world. It shares nothing with it.
func (s *Service) State() State {
	now := s.Now()
	st := State{
		Now: now, CortexVersion: s.world.CortexVersion, Login: s.Store.Login.Username, Cloud: [...]string{"online", "offline", "failing"}[s.world.Cloud.Status],
		Users: []UserState{}, Applications: []ApplicationState{}, Licenses: []LicenseState{}, Headsets: []HeadsetState{}, Sessions: []SessionState{},
		Service: [...]string{"ready", "starting", "zombie"}[s.world.Phase], Disk: [...]string{"ok", "low", "critical"}[s.world.Disk],
		Bluetooth: !s.world.BluetoothDenied, Scanning: s.scan.end.Pending(),
		Profiles: []ProfileState{}, FlexMappings: []FlexMappingState{}, Subjects: []SubjectState{}, Records: []RecordState{},
	}
	for _, sub := range s.Store.Subjects() {
		st.Subjects = append(st.Subjects, SubjectState{sub.Name, sub.Owner})
	}
	for _, u := range s.Store.Users() {
		st.Users = append(st.Users, UserState{u.Username, u.FirstName, u.LastName, u.EULAAccepted, u.PrivateEULAAccepted})
		mappings, _ := s.Store.FlexMappings(u.Username)
		for _, m := range mappings {
			st.FlexMappings = append(st.FlexMappings, FlexMappingState{m.Name, m.UUID, u.Username, maps.Clone(m.Mappings)})
		}
	}
	for _, a := range s.Store.Applications() {
		st.Applications = append(st.Applications, ApplicationState{
			ClientID: a.ClientID, AppID: a.ID, Name: a.Name, Status: a.AccessOf(s.Store.Login.Username).String(), NeedsEEG: a.NeedsEEG,
			Published: !a.Unpublished, NeedsAuthorize: a.NeedsAuthorize,
		})
	}
	for _, l := range s.Store.Licenses() {
		st.Licenses = append(st.Licenses, LicenseState{
			ID: l.ID, Name: l.Name, Owner: l.Owner, Scopes: append([]string{}, l.Scopes...), LocalQuota: l.LocalQuota,
			TotalDebit: l.TotalDebit, ValidTo: l.ValidTo, Expired: l.ExpiredAt(now),
		})
	}
	for _, h := range s.Store.Headsets() {
		d := s.devices[h.ID]
		hs := HeadsetState{
			ID: h.ID, Model: h.Model, Firmware: h.Firmware, Status: h.Status.String(), On: d.on, Silent: d.silent, ConnectedBy: h.ConnectedBy,
			Virtual: h.Virtual, Sensors: append([]string{}, h.Sensors...), Places: placesOf(h.Sensors), Settings: SettingsState(h.Settings),
		}
		if d.source != nil {
			d.peek()
			signal := d.source.State()
			hs.Signal = &signal
		}
		st.Headsets = append(st.Headsets, hs)
	}
	for _, sess := range s.Store.Sessions() {
		ss := SessionState{
			ID: sess.ID, Application: sess.Application.ClientID, Owner: sess.Owner, Headset: sess.Headset.ID, Connection: uint64(sess.Conn),
			Status: sess.Status.String(), Started: sess.Started, Recording: sess.Recording, Subscriptions: []SubscriptionState{},
		}
		if sess.License != nil {
			ss.License = sess.License.ID
		}
		for _, sub := range sess.Subscriptions() {
			view := SubscriptionState{Stream: sub.Stream, Connection: uint64(sub.Conn), FullRate: sub.FullRate}
			if m := s.meterOf(sess, sub.Stream); m != nil {
				view.Samples, view.Rate = m.total, m.perSecond(s.sched.Now())
			}
			ss.Subscriptions = append(ss.Subscriptions, view)
		}
		st.Sessions = append(st.Sessions, ss)
	}
	for _, p := range s.Store.AllProfiles() {
		ps := ProfileState{
			Name: p.Name, Owner: p.Owner, ReadOnly: p.ReadOnly, LoadedOn: []string{},
			MentalCommand: map[string]int{}, FacialExpression: map[string]int{},
		}
		maps.Copy(ps.MentalCommand, p.Data.MentalCommand.Times)
		maps.Copy(ps.FacialExpression, p.Data.FacialExpression.Times)
		for _, l := range s.Store.LoadedProfiles() {
			if l.Profile == p {
				ps.LoadedOn = append(ps.LoadedOn, l.Headset.ID)
			}
		}
		st.Profiles = append(st.Profiles, ps)
	}
	for _, r := range s.Store.Records() {
		rs := RecordState{
			ID: r.ID, Title: r.Title, Owner: r.Owner, Application: r.ApplicationID, Headset: r.Headset.ID, Subject: r.SubjectName, State: r.State.String(),
			Start: r.Start, Seconds: r.Duration(now).Seconds(), Markers: []string{}, HasData: s.data[r.ID] != nil,
		}
		if !r.End.IsZero() {
			end := r.End
			rs.End = &end
		}
		for _, m := range r.Markers {
			rs.Markers = append(rs.Markers, m.Label)
		}
		st.Records = append(st.Records, rs)
	}
	return st
}

// meterOf returns the count of one stream of a session, nil when it does not run.
func (s *Service) meterOf(sess *sessionstore.Session, stream string) *meter {
	d := s.devices[sess.Headset.ID]
	if d == nil {
		return nil
	}
	for kind := range d.sinks {
		for _, k := range d.sinks[kind] {
			if k.sub.Session == sess && k.sub.Stream == stream {
				return &k.meter
			}
		}
	}
	return nil
}

// meter counts samples and how many come in a second of virtual time.
type meter struct {
	total uint64
	base  uint64 // total at from
	from  int64
	rate  float64
}

// meterSpan is how long it measures at least.
const meterSpan = int64(2 * time.Second)

func (m *meter) add(at int64) {
	m.total++
	if at-m.from >= meterSpan {
		m.rate = float64(m.total-m.base) / time.Duration(at-m.from).Seconds()
		m.base, m.from = m.total, at
	}
}

// perSecond returns the rate at an instant, 0 until it is known. It falls when
// nothing comes any more.
func (m *meter) perSecond(at int64) float64 {
	quiet := time.Duration(at - m.from).Seconds()
	if m.rate == 0 || quiet > time.Duration(meterSpan).Seconds()+1.5/m.rate {
		if quiet <= 0 {
			return 0
		}
		return float64(m.total-m.base) / quiet
	}
	return m.rate
}
