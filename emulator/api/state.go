package api

import (
	"time"

	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// State is the whole world at an instant, for the control API. It holds no
// token and no client secret.
type State struct {
	Now           time.Time          `json:"now"`
	CortexVersion string             `json:"cortexVersion"`
	Login         string             `json:"login"` // EmotivID, empty: nobody
	Cloud         string             `json:"cloud"` // online, offline, failing
	Users         []UserState        `json:"users"`
	Applications  []ApplicationState `json:"applications"`
	Licenses      []LicenseState     `json:"licenses"`
	Headsets      []HeadsetState     `json:"headsets"`
	Sessions      []SessionState     `json:"sessions"`
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

// HeadsetState is one headset, in reach or not.
type HeadsetState struct {
	ID          string                       `json:"id"`
	Model       string                       `json:"model"`
	Firmware    string                       `json:"firmware"`
	Status      string                       `json:"status"` // absent, discovered, connecting, connected
	On          bool                         `json:"on"`
	Silent      bool                         `json:"silent"` // connected, but no sample arrives
	ConnectedBy string                       `json:"connectedBy"`
	Virtual     bool                         `json:"isVirtual"`
	Sensors     []string                     `json:"sensors"`
	Settings    sessionstore.HeadsetSettings `json:"settings"`
	Signal      *streams.State               `json:"signal,omitempty"` // nil unless connected
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
}

// State returns the state of the world. It shares nothing with it.
func (s *Service) State() State {
	now := s.Now()
	st := State{
		Now: now, CortexVersion: s.world.CortexVersion, Login: s.Store.Login.Username, Cloud: [...]string{"online", "offline", "failing"}[s.world.Cloud.Status],
		Users: []UserState{}, Applications: []ApplicationState{}, Licenses: []LicenseState{}, Headsets: []HeadsetState{}, Sessions: []SessionState{},
	}
	for _, u := range s.Store.Users() {
		st.Users = append(st.Users, UserState{u.Username, u.FirstName, u.LastName, u.EULAAccepted, u.PrivateEULAAccepted})
	}
	for _, a := range s.Store.Applications() {
		st.Applications = append(st.Applications, ApplicationState{
			ClientID: a.ClientID, AppID: a.ID, Name: a.Name, Status: a.Access.String(), NeedsEEG: a.NeedsEEG,
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
			Virtual: h.Virtual, Sensors: append([]string{}, h.Sensors...), Settings: h.Settings,
		}
		if d.source != nil {
			d.advance()
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
			ss.Subscriptions = append(ss.Subscriptions, SubscriptionState{sub.Stream, uint64(sub.Conn), sub.FullRate})
		}
		st.Sessions = append(st.Sessions, ss)
	}
	return st
}
