package scenarios

import (
	"strings"

	"github.com/google/uuid"

	"github.com/fakecortex/fakecortex/streams"
)

// MadeID returns the uuid that stands in for one that a document leaves out: it
// depends on what it is for and its name only, so it is the same in every run.
func MadeID(what, name string) string {
	space := uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://fakecortex.invalid/"+what))
	id := uuid.NewSHA1(space, []byte(name))
	id[6] = id[6]&0x0f | 0x40 // Cortex prints version 4 uuids
	return id.String()
}

// AppID returns the appId of an application, com.<emotivid>.<name>, in which
// blanks and capitals of the name are not kept.
func AppID(owner, name string) string {
	return "com." + owner + "." + strings.ReplaceAll(strings.ToLower(name), " ", "-")
}

func setDefault(s *string, def string) {
	if *s == "" {
		*s = def
	}
}

// fill puts in what follows from other fields.
func fill(doc *Document) {
	w := &doc.World
	owner := ""
	if len(w.Users) > 0 {
		owner = w.Users[0].Username
	}
	for i := range w.Users {
		u := &w.Users[i]
		setDefault(&u.ID, MadeID("user", u.Username))
	}
	for i := range w.Applications {
		a := &w.Applications[i]
		setDefault(&a.Owner, owner)
		if a.ClientID != AnyClient { // those are made when the client is there
			setDefault(&a.Name, a.ClientID)
			setDefault(&a.AppID, AppID(a.Owner, a.Name))
		}
	}
	for i := range w.Headsets {
		w.Headsets[i].fill()
	}
	first := ""
	if len(w.Headsets) > 0 {
		first = w.Headsets[0].ID
	}
	for i := range w.Profiles {
		p := &w.Profiles[i]
		setDefault(&p.UUID, MadeID("profile", p.Name))
		setDefault(&p.Owner, owner)
		if p.EEGChannels == nil && len(w.Headsets) > 0 {
			if m, ok := streams.ModelByName(w.Headsets[0].Model); ok {
				p.EEGChannels = m.MappedSensors(w.Headsets[0].Mappings)
			}
		}
	}
	for i := range w.FlexMappings {
		m := &w.FlexMappings[i]
		setDefault(&m.UUID, MadeID("mapping", m.Name))
	}
	for i := range w.Records {
		r := &w.Records[i]
		setDefault(&r.UUID, MadeID("record", r.Title))
		setDefault(&r.Headset, first)
		setDefault(&r.Owner, owner)
	}
	for i := range doc.Timeline {
		for _, a := range doc.Timeline[i].Do {
			a.fill()
		}
	}
}

func (a Action) fill() {
	if h, ok := a.Args.(*Headset); ok {
		h.fill()
	}
}

// fill puts in what the model says. That EPOC and EPOC+ come over a dongle and
// all others over Bluetooth is what most logs show.
func (h *Headset) fill() {
	setDefault(&h.Model, ModelOf(h.ID))
	if m, ok := streams.ModelByName(h.Model); ok {
		setDefault(&h.Firmware, m.Firmware)
	}
	switch h.Model {
	case "EPOC", "EPOCPLUS":
		setDefault(&h.ConnectedBy, "dongle")
	default:
		setDefault(&h.ConnectedBy, "bluetooth")
	}
	if h.ConnectedBy == "dongle" {
		setDefault(&h.Dongle, "6ff")
	}
	setDefault(&h.Dongle, "0")
	if h.IsVirtual {
		setDefault(&h.VirtualHeadsetID, MadeID("headset", h.ID))
	}
}

// AnyClient is the clientId of the application that stands for every client id
// that is not listed.
const AnyClient = "*"

// ApplicationFor returns the application of a client id: the listed one, else
// one made after the application *, else after anyApplication. ok is false when
// the world knows no such client.
func (w *World) ApplicationFor(clientID string) (a Application, ok bool) {
	any := -1
	for i := range w.Applications {
		switch w.Applications[i].ClientID {
		case clientID:
			if clientID != AnyClient {
				return w.Applications[i], true
			}
		case AnyClient:
			any = i
		}
	}
	switch {
	case any >= 0:
		a = w.Applications[any]
	case w.AnyApplication:
		a = Application{Status: "approved", Published: true, AppVersion: "1.0", OptOut: "off"}
		if len(w.Users) > 0 {
			a.Owner = w.Users[0].Username
		}
	default:
		return Application{}, false
	}
	a.ClientID = clientID
	// Client ids are 40 random letters: a name that long would be no name.
	setDefault(&a.Name, "app-"+strings.ToLower(clientID[:min(8, len(clientID))]))
	setDefault(&a.AppID, AppID(a.Owner, a.Name))
	return a, true
}
