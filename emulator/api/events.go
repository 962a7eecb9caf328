package api

import (
	"strconv"

	"github.com/fakecortex/fakecortex/sessionstore"
)

// event tells the hook that something happened in the world. The names and
// their fields are those of scenarios.Events.
func (s *Service) event(name string, fields ...string) {
	if s.hooks.Event != nil {
		s.hooks.Event(name, fields...)
	}
}

// tell turns a change of the store into the event of its name.
func (s *Service) tell(ch sessionstore.Change) {
	if s.hooks.Event == nil {
		return
	}
	switch ch := ch.(type) {
	case sessionstore.UserLoggedIn:
		s.event("loggedIn", "user", ch.Username)
	case sessionstore.UserLoggedOut:
		s.event("loggedOut", "user", ch.Username)
	case sessionstore.AccessDecided:
		switch ch.Access {
		case sessionstore.AccessPending:
			s.event("accessRequested", "application", ch.Application.ClientID)
		case sessionstore.AccessGranted:
			s.event("accessGranted", "application", ch.Application.ClientID)
		case sessionstore.AccessDenied:
			s.event("accessDeclined", "application", ch.Application.ClientID)
		}
	case sessionstore.HeadsetChanged:
		if ch.From == sessionstore.HeadsetConnected {
			s.event("headsetDisconnected", "headset", ch.Headset.ID)
		}
		switch {
		case ch.To == sessionstore.HeadsetConnecting:
			s.event("headsetConnecting", "headset", ch.Headset.ID)
		case ch.To == sessionstore.HeadsetConnected:
			s.event("headsetConnected", "headset", ch.Headset.ID)
		case ch.To == sessionstore.HeadsetDiscovered && ch.From == sessionstore.HeadsetAbsent:
			s.event("headsetDiscovered", "headset", ch.Headset.ID)
		}
	case sessionstore.SessionOpened:
		s.event("sessionOpened", "session", ch.Session.ID, "headset", ch.Session.Headset.ID,
			"application", ch.Session.Application.ClientID, "connection", strconv.FormatUint(uint64(ch.Session.Conn), 10))
	case sessionstore.SessionActivated:
		s.event("sessionActivated", "session", ch.Session.ID, "headset", ch.Session.Headset.ID, "application", ch.Session.Application.ClientID)
	case sessionstore.SessionClosed:
		s.event("sessionClosed", "session", ch.Session.ID, "headset", ch.Session.Headset.ID, "application", ch.Session.Application.ClientID,
			"reason", ch.Reason.String())
	case sessionstore.RecordStarted:
		s.event("recordStarted", "record", ch.Record.ID, "session", ch.Session.ID, "headset", ch.Session.Headset.ID)
	case sessionstore.RecordStopped:
		s.event("recordStopped", "record", ch.Record.ID, "session", ch.Session.ID, "headset", ch.Session.Headset.ID)
	case sessionstore.Subscribed:
		s.event("subscribed", "session", ch.Session.ID, "headset", ch.Session.Headset.ID, "stream", ch.Stream,
			"connection", strconv.FormatUint(uint64(ch.Conn), 10))
	case sessionstore.Unsubscribed:
		s.event("unsubscribed", "session", ch.Session.ID, "headset", ch.Session.Headset.ID, "stream", ch.Stream)
	}
}
