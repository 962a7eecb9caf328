package api

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// What a scenario, the control API or a test does to the world from outside. An
// error says why it could not be done; then nothing has changed. What such an
// action causes is sent at once, or after the answer when a call runs.

// device returns the headset of that id, the first one with "".
func (s *Service) device(id string) (*device, error) {
	if id == "" {
		if list := s.Store.Headsets(); len(list) > 0 {
			id = list[0].ID
		}
	}
	if d := s.devices[id]; d != nil {
		return d, nil
	}
	return nil, fmt.Errorf("headset %q: the world has no such headset", id)
}

// act does something to one headset and sends what follows.
func (s *Service) act(id string, do func(*device) error) error {
	d, err := s.device(id)
	if err != nil {
		return err
	}
	err = do(d)
	s.settle()
	return err
}

// settle sends the warnings that wait, unless a call runs.
func (s *Service) settle() {
	if !s.inCall {
		s.flushWarnings()
	}
}

// SwitchHeadset is SetHeadsetPower with the first headset for "".
func (s *Service) SwitchHeadset(id string, on bool) error {
	return s.act(id, func(d *device) error {
		s.SetHeadsetPower(d.headset.ID, on)
		return nil
	})
}

// AddHeadset puts a headset into the world that it did not have.
func (s *Service) AddHeadset(spec HeadsetSpec) error {
	if s.devices[spec.ID] != nil {
		return fmt.Errorf("headset %q: the world has it already", spec.ID)
	}
	err := s.addDevice(spec)
	s.settle()
	return err
}

// RemoveHeadset takes a headset out of the world, at once.
func (s *Service) RemoveHeadset(id string) error {
	return s.act(id, func(d *device) error {
		d.stop()
		s.apply(s.Store.RemoveHeadset(d.headset, s.Now()))
		delete(s.devices, d.headset.ID)
		return nil
	})
}

// OtherConnects lets another application connect a headset: warning 104 comes
// unasked.
func (s *Service) OtherConnects(id string) error {
	return s.act(id, func(d *device) error {
		if !d.on {
			return fmt.Errorf("headset %s is switched off", d.headset.ID)
		}
		s.connect(d, nil)
		return nil
	})
}

// OtherDisconnects lets another application disconnect a headset.
func (s *Service) OtherDisconnects(id string) error {
	return s.act(id, func(d *device) error {
		s.disconnect(d)
		return nil
	})
}

// OtherTakes lets another computer take a headset: it is gone as after a silence.
func (s *Service) OtherTakes(id string) error {
	return s.act(id, func(d *device) error {
		d.on = false
		s.lose(d)
		return nil
	})
}

// SetConnectOutcome changes how the next controlDevice connect ends; a nil delay
// leaves the delay as it is.
func (s *Service) SetConnectOutcome(id string, outcome ConnectOutcome, delay *time.Duration) error {
	return s.act(id, func(d *device) error {
		d.spec.Connect.Outcome = outcome
		if delay != nil {
			d.spec.Connect.Delay = *delay
		}
		return nil
	})
}

// ChangeSignal lets change act on the signal of a connected headset, at the
// present instant.
func (s *Service) ChangeSignal(id string, change func(src *streams.Source, at int64) error) error {
	return s.act(id, func(d *device) error {
		if d.source == nil {
			return fmt.Errorf("headset %s is %s: it has no signal", d.headset.ID, d.headset.Status)
		}
		d.advance()
		return change(d.source, s.sched.Now())
	})
}

// Signal returns the state of a headset's signal, ok false when it has none.
func (s *Service) Signal(id string) (state streams.State, ok bool) {
	d, err := s.device(id)
	if err != nil || d.source == nil {
		return state, false
	}
	return d.source.State(), true
}

// Decide is the user's answer about an application, every one with "".
func (s *Service) Decide(clientID string, access sessionstore.Access) error {
	if clientID == "" {
		for _, app := range s.Store.Applications() {
			s.apply(s.Store.SetAccess(app, access))
		}
		if s.world.NewApplication != nil { // those that come later too
			app := *s.world.NewApplication
			app.Access = access
			s.world.NewApplication = &app
		}
		s.settle()
		return nil
	}
	app := s.Store.ApplicationByClient(clientID)
	if app == nil {
		return fmt.Errorf("application %q: no application of that client id has asked", clientID)
	}
	s.apply(s.Store.SetAccess(app, access))
	s.settle()
	return nil
}

// NeedAuthorize makes the tokens of an application (every one with "") answer
// -32170 until authorize is called again.
func (s *Service) NeedAuthorize(clientID string) error {
	found := clientID == ""
	for _, app := range s.Store.Applications() {
		if clientID == "" || app.ClientID == clientID {
			app.NeedsAuthorize, found = true, true
		}
	}
	if !found {
		return fmt.Errorf("application %q: no application of that client id has asked", clientID)
	}
	return nil
}

// LogIn logs a user in, in an account of the operating system; nil is the
// account in which Cortex runs.
func (s *Service) LogIn(username string, account *sessionstore.OSUser) error {
	if s.Store.User(username) == nil {
		return fmt.Errorf("user %q: the world has no such user", username)
	}
	if account == nil {
		account = &s.Store.CurrentOS
	}
	s.apply(s.Store.LogIn(username, *account, s.Now()))
	s.settle()
	return nil
}

// LogOut logs the user out.
func (s *Service) LogOut() {
	s.apply(s.Store.LogOut(s.Now()))
	s.settle()
}

// ChangeLicense changes a license, the first one with "".
func (s *Service) ChangeLicense(id string, change func(*sessionstore.License)) error {
	l := s.Store.License(id)
	if list := s.Store.Licenses(); id == "" && len(list) > 0 {
		l = list[0]
	}
	if l == nil {
		return fmt.Errorf("license %q: the world has no such license", id)
	}
	change(l)
	return nil
}

// SetCloudOffline takes the cloud away, or brings it back.
func (s *Service) SetCloudOffline(offline bool) { s.world.CloudOffline = offline }

// SendWarning sends a warning to one client, to all with 0. A nil message is the
// text of the code.
func (s *Service) SendWarning(conn sessionstore.ConnID, code int, message json.RawMessage) error {
	var m any = message
	if message == nil {
		m = s.warningText(code, "")
	}
	if conn == 0 {
		s.warnAll(code, m)
	} else if p := s.peers[conn]; p != nil {
		s.warn(p, code, m)
	} else {
		return fmt.Errorf("connection %d is not open", conn)
	}
	s.settle()
	return nil
}

// Methods returns the methods that the service has.
func (s *Service) Methods() []*rpc.Method[*Call] { return s.registry.Methods() }
