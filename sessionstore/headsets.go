package sessionstore

import "time"

// HeadsetStatus is where a headset stands in its life (Headset object page).
type HeadsetStatus uint8

// The statuses. HeadsetAbsent headsets are not listed by queryHeadsets.
const (
	HeadsetAbsent HeadsetStatus = iota // off, out of range, or not found by a scan yet
	HeadsetDiscovered
	HeadsetConnecting
	HeadsetConnected
)

// String returns the word of the Headset object.
func (h HeadsetStatus) String() string {
	return [...]string{"absent", "discovered", "connecting", "connected"}[h]
}

// HeadsetSettings is the `settings` member of a headset object.
type HeadsetSettings struct {
	EEGRate  int // samples per second
	EEGRes   int // bits
	MemsRate int // samples per second, 0 when motion is off
	MemsRes  int // bits
	Mode     string
}

// Headset is what Cortex knows of one headset.
type Headset struct {
	ID               string
	Model            string // EPOC, EPOCPLUS, EPOCX, INSIGHT, INSIGHT2, EPOCFLEX, FLEX2, MN8, MW20, XTRODES
	Status           HeadsetStatus
	ConnectedBy      string // bluetooth, dongle, usb cable, extender
	CustomName       string
	Dongle           string // firmware of the dongle, "0" for Bluetooth
	Firmware         string
	HeadbandPosition string // back or top for EPOC X, else empty (null on the wire)
	Virtual          bool
	VirtualID        string
	DFUTypes         []string
	Sensors          []string
	MotionSensors    []string
	Settings         HeadsetSettings
	Mappings         map[string]string // Flex: electrode -> location
	ConnectedSince   time.Time
	Flaky            bool // its link is bad: listed as connected, and no session can be made
	Ready            bool // false for a moment after the connection when a world wants that
	Seen             bool // has been listed, so a scan need not find it again
}

// Headsets returns every headset of the world, absent ones too, in a stable order.
func (s *Store) Headsets() []*Headset { return s.headsets }

// Headset returns the headset of that id, or nil.
func (s *Store) Headset(id string) *Headset {
	for _, h := range s.headsets {
		if h.ID == id {
			return h
		}
	}
	return nil
}

// AddHeadset adds a headset to the world, or replaces the one of that id.
func (s *Store) AddHeadset(h *Headset) {
	for i, have := range s.headsets {
		if have.ID == h.ID {
			s.headsets[i] = h
			return
		}
	}
	s.headsets = append(s.headsets, h)
}

// RemoveHeadset takes a headset out of the world; its sessions are closed.
func (s *Store) RemoveHeadset(h *Headset, now time.Time) []Change {
	changes := s.SetHeadsetStatus(h, HeadsetAbsent, now)
	for i, have := range s.headsets {
		if have == h {
			s.headsets = append(s.headsets[:i], s.headsets[i+1:]...)
			break
		}
	}
	return changes
}

// SetHeadsetStatus moves a headset to a status. When it falls back to
// discovered or absent its sessions are closed, in every application, and its
// profile is unloaded. A fall to connecting (silence) leaves both alone: the
// headset has 30 s to come back.
func (s *Store) SetHeadsetStatus(h *Headset, to HeadsetStatus, now time.Time) []Change {
	if h.Status == to {
		return nil
	}
	changes := []Change{HeadsetChanged{Headset: h, From: h.Status, To: to}}
	if to == HeadsetConnected && h.Status != HeadsetConnected {
		h.ConnectedSince = now
	}
	h.Status = to
	if to == HeadsetAbsent || to == HeadsetDiscovered {
		if !s.SessionsOutliveHeadset {
			changes = append(changes, s.CloseSessionsOf(h, ClosedByHeadset, now)...)
		}
		changes = append(changes, s.autoUnload(func(l *LoadedProfile) bool { return l.Headset == h })...)
	}
	return changes
}

// CloseSessionsOf ends the sessions with a headset, in every application.
func (s *Store) CloseSessionsOf(h *Headset, reason CloseReason, now time.Time) []Change {
	var changes []Change
	for _, sess := range s.Sessions() {
		if sess.Headset == h {
			changes = append(changes, s.close(sess, reason, now)...)
		}
	}
	return changes
}
