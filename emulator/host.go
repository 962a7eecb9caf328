package emulator

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/fakecortex/fakecortex/emulator/api"
	"github.com/fakecortex/fakecortex/emulator/faults"
	"github.com/fakecortex/fakecortex/scenarios"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// Now implements scenarios.Host.
func (r *run) Now() int64 { return r.sched.Now() }

// At implements scenarios.Host.
func (r *run) At(t int64, fn func()) (cancel func()) {
	event := r.sched.At(t, fn)
	return func() { r.sched.Cancel(event) }
}

// Do implements scenarios.Host: it makes an action happen, and notes it. step is
// the step of the timeline that wants it, or who else does.
func (r *run) Do(step string, a scenarios.Action) error {
	r.noteAction(step, a) // before what follows from it
	err := r.act(a)
	if err != nil {
		r.journal.add(scenarios.Entry{At: r.Now(), Kind: scenarios.EntryNote, Step: step, Message: jsonText(a.Name + " could not be done: " + err.Error())})
		r.e.options.Logger.Warn("action could not be done", "step", step, "action", a.Name, "error", err)
	}
	return err
}

func (r *run) noteAction(step string, a scenarios.Action) {
	entry := scenarios.Entry{At: r.Now(), Kind: scenarios.EntryAction, Event: a.Name, Step: step}
	if note, ok := a.Args.(*scenarios.Note); ok {
		entry.Kind, entry.Event, entry.Message = scenarios.EntryNote, "", jsonText(note.Text)
	} else if args, err := json.Marshal(a.Args); err == nil && string(args) != "{}" {
		entry.Params = redact(args)
	}
	r.journal.add(entry)
}

// errNotSimulated is returned for actions that nothing stands behind yet.
type errNotSimulated string

func (e errNotSimulated) Error() string { return "action " + string(e) + " is not simulated yet" }

func (r *run) act(a scenarios.Action) error {
	if headset, changes, ok := a.Signal(); ok {
		return r.changeSignal(a.Name, headset, changes)
	}
	s := r.service
	switch x := a.Args.(type) {
	case *scenarios.OnHeadset:
		return r.actOnHeadset(a.Name, x.Headset)
	case *scenarios.Headset:
		spec, err := headsetOf(x)
		if err != nil {
			return err
		}
		return s.AddHeadset(spec)
	case *scenarios.ConnectOutcome:
		spec, err := s.ConnectSpec(x.Headset)
		if err != nil {
			return err
		}
		spec.Outcome, spec.Flaky, spec.Polls = connectOutcome(x.Outcome), false, 0
		if x.Delay != nil {
			spec.Delay = delay(*x.Delay)
		}
		return s.SetConnect(x.Headset, spec)
	case *scenarios.USBCable:
		return s.SetUSBCable(x.Headset, x.Plugged)
	case *scenarios.HeadsetClock:
		return s.SetClockOffset(x.Headset, x.Offset.D())
	case *scenarios.OnUser:
		return s.AcceptEULA(x.User)
	case *scenarios.OnApplication:
		return r.actOnApplication(a.Name, x.Application)
	case *scenarios.LogIn:
		return s.LogIn(x.User, (*sessionstore.OSUser)(x.OSUser))
	case *scenarios.OnLicense:
		return s.ChangeLicense(x.License, func(l *sessionstore.License) { l.Expired = true })
	case *scenarios.LicenseScopes:
		return s.ChangeLicense(x.License, func(l *sessionstore.License) { l.Scopes = scopesOf(x.Scopes) })
	case *scenarios.Quota:
		return s.ChangeLicense(x.License, func(l *sessionstore.License) { l.LocalQuota = x.Value })
	case *scenarios.Cloud:
		cloud := s.Cloud()
		cloud.Status, cloud.TokenRefreshing = cloudStatus(x.Status), x.TokenRefreshing
		cloud.LoginRefused, cloud.TokenRefused = x.LoginRefused, x.TokenRefused
		s.SetCloud(cloud)
		return nil
	case *scenarios.OtherProfile:
		id, err := s.HeadsetID(x.Headset)
		if err != nil {
			return err
		}
		if a.Name == scenarios.DoOtherUnloadsProfile {
			return s.OtherUnloadsProfile(id)
		}
		return s.OtherLoadsProfile(id, x.Profile)
	case *scenarios.TrainingResult:
		s.SetTrainingResult(trainingResult(x.Result))
		return nil
	case *scenarios.Disk:
		s.SetDisk(diskSpace(x.State))
		return nil
	case *scenarios.Bluetooth:
		s.SetBluetooth(x.Granted)
		return nil
	case *scenarios.Zombie:
		return r.each(uint64(x.Connection), func(c *client) {
			_ = s.Zombify(sessionstore.ConnID(c.number), x.Code) // it is open
		})
	case *scenarios.SendWarning:
		var message any
		if len(x.Message) > 0 {
			message = json.RawMessage(x.Message)
		}
		return s.SendWarning(sessionstore.ConnID(x.Connection), x.Code, message)
	case *scenarios.Send:
		return r.send(x)
	case *scenarios.Cut:
		return r.each(uint64(x.Connection), func(c *client) { c.hangUp(x.Code, x.Reason, x.Reset) })
	case *scenarios.Restart:
		r.restart(x.Code, x.DownFor.D())
		return nil
	case *faults.Rule:
		_, err := r.faults.Add(r.Now(), *x)
		return err
	case *scenarios.ClearFault:
		if x.ID == "" {
			r.faults.Clear()
		} else if !r.faults.Remove(x.ID) {
			return fmt.Errorf("fault %q: there is no such rule", x.ID)
		}
		r.arm() // what it held goes now
		return nil
	case *scenarios.HardwareMarker:
		return s.HardwareMarker(x.Headset, x.Value)
	case *scenarios.Note:
		return nil
	case *scenarios.NoArgs:
		switch a.Name {
		case scenarios.DoLogOut:
			s.LogOut()
			return nil
		case scenarios.DoServiceReady:
			s.ServiceReady()
			return nil
		}
	}
	return errNotSimulated(a.Name)
}

func (r *run) actOnHeadset(name, headset string) error {
	s := r.service
	switch name {
	case scenarios.DoHeadsetOff, scenarios.DoHeadsetOutOfRange:
		return s.SwitchHeadset(headset, false)
	case scenarios.DoHeadsetOn, scenarios.DoHeadsetBack:
		return s.SwitchHeadset(headset, true)
	case scenarios.DoRemoveHeadset:
		return s.RemoveHeadset(headset)
	case scenarios.DoOtherConnects:
		return s.ConnectHeadset(headset)
	case scenarios.DoOtherDisconnects:
		return s.DisconnectHeadset(headset)
	case scenarios.DoOtherTakesHeadset:
		return s.OtherTakes(headset)
	case scenarios.DoCloseSessions:
		id, err := s.HeadsetID(headset)
		if err != nil {
			return err
		}
		return s.CloseSessions(id)
	case scenarios.DoStopRecords:
		id, err := s.HeadsetID(headset)
		if err == nil {
			s.StopRecords(id)
		}
		return err
	}
	return errNotSimulated(name)
}

func (r *run) actOnApplication(name, application string) error {
	switch name {
	case scenarios.DoApprove:
		return r.service.ApproveApp(application)
	case scenarios.DoDecline:
		return r.service.DeclineApp(application)
	case scenarios.DoReauthorize:
		return r.service.RequireAuthorize(application)
	case scenarios.DoExpireTokens:
		return r.service.ExpireTokens(application)
	}
	return errNotSimulated(name)
}

// changeSignal applies changes of a signal, those that come later at their time.
// A headset that has been disconnected by then has no signal to change.
func (r *run) changeSignal(name, headset string, changes []scenarios.SignalChange) error {
	for _, change := range changes {
		apply := func() error {
			return r.service.ChangeSignal(headset, func(src *streams.Source, at int64) error { return change.Apply(src, at) })
		}
		if change.After == 0 {
			if err := apply(); err != nil {
				return err
			}
			continue
		}
		r.sched.After(int64(change.After), func() {
			if r.over {
				return
			}
			if err := apply(); err != nil {
				r.e.options.Logger.Info("later part of an action left out", "action", name, "error", err)
			}
		})
	}
	return nil
}

// each does something to one connection, to every open one with 0.
func (r *run) each(number uint64, do func(*client)) error {
	if number != 0 {
		c := r.clients[number]
		if c == nil {
			return fmt.Errorf("connection %d is not open", number)
		}
		do(c)
		return nil
	}
	for _, c := range r.order {
		do(c)
	}
	return nil
}

// send sends a frame as it stands, past the faults of the wire.
func (r *run) send(x *scenarios.Send) error {
	frame, binary := []byte(x.Frame), false
	if x.Text != "" {
		frame = []byte(x.Text)
	}
	if x.Hex != "" {
		var err error
		if frame, err = hex.DecodeString(x.Hex); err != nil {
			return fmt.Errorf("hex %q: want pairs of hexadecimal digits", x.Hex)
		}
		binary = true
	}
	return r.each(uint64(x.Connection), func(c *client) {
		if binary {
			if !c.cut && c.conn.AppendBinary(frame) == nil {
				c.touch()
			}
			return
		}
		c.append([][]byte{frame})
	})
}

// restart ends Cortex and starts it again after a while: connections and
// sessions are gone, the rest of the world stays.
func (r *run) restart(code int, down time.Duration) {
	for _, c := range r.order {
		c.hangUp(code, "the service restarts", false)
	}
	_ = r.service.CloseSessions("") // those that outlive their connection; "" is known
	r.refuse = true
	r.sched.After(int64(down), func() { r.refuse = false })
}

// The words of documents as the service knows them. An unknown word cannot come:
// the loader refuses it.

func connectOutcome(word string) api.ConnectOutcome {
	return api.ConnectOutcome(max(0, slices.Index([]string{"ok", "timeout", "cannot", "wrong", "stuck", "disableMotion"}, word)))
}

func cloudStatus(word string) api.CloudStatus {
	return api.CloudStatus(max(0, slices.Index([]string{"online", "offline", "failing"}, word)))
}

func diskSpace(word string) api.DiskSpace {
	return api.DiskSpace(max(0, slices.Index([]string{"ok", "low", "critical"}, word)))
}

func trainingResult(word string) api.TrainingResult {
	return api.TrainingResult(max(0, slices.Index([]string{"succeed", "fail", "alternate"}, word)))
}
