package sessionstore

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// bci is a world with two connected headsets of different kinds, two
// applications with a session on the first, and the profile "p" of the user.
type bci struct {
	*Store
	a, b    *Application
	epoc    *Headset
	insight *Headset
	sa, sb  *Session
}

const user = "demo.user"

func newBCI(t require.TestingT) *bci {
	s, apps, headsets, _ := world()
	w := &bci{Store: s, a: apps[0], b: apps[1], epoc: headsets[0], insight: headsets[1]}
	for _, h := range headsets {
		h.Status = HeadsetConnected
	}
	var err error
	w.sa, _, err = s.OpenSession(NewSession{ID: "sa", Application: w.a, Owner: user, HeadsetID: w.epoc.ID, Conn: 1, Now: start})
	require.NoError(t, err)
	w.sb, _, err = s.OpenSession(NewSession{ID: "sb", Application: w.b, Owner: user, HeadsetID: w.epoc.ID, Conn: 2, Now: start})
	require.NoError(t, err)
	_, _, err = s.CreateProfile(NewProfile{ID: "1", Name: "p", Owner: user})
	require.NoError(t, err)
	return w
}

func (w *bci) load(name string, h *Headset, a *Application, conn ConnID) ([]Change, error) {
	return w.LoadProfile(Load{Name: name, Owner: user, HeadsetID: h.ID, Application: a, Conn: conn, Channels: []string{h.ID[:4]}})
}

// reason is what Store methods refused, ReasonNone for nil.
func reason(t require.TestingT, err error) Reason {
	if err == nil {
		return ReasonNone
	}
	return reasonOf(t, err)
}

func TestProfileRefusals(t *testing.T) {
	long := string(make([]byte, maxProfileName+1))
	change := func(*ProfileData) {}
	for _, test := range []struct {
		name string
		do   func(*bci) error
		want Reason
	}{
		{"create twice", func(w *bci) error { return create(w, "p") }, ProfileNameInvalid},
		{"create without name", func(w *bci) error { return create(w, "") }, ProfileNameInvalid},
		{"create with a long name", func(w *bci) error { return create(w, long) }, ProfileNameInvalid},
		{"load an unknown one", func(w *bci) error { return refusal(w.load("x", w.epoc, w.a, 1)) }, ProfileNameInvalid},
		{"load of another user", func(w *bci) error {
			return refusal(w.LoadProfile(Load{Name: "p", Owner: "somebody", HeadsetID: w.epoc.ID, Application: w.a}))
		}, ProfileNameInvalid},
		{"load on an unknown headset", func(w *bci) error { return refusal(w.load("p", &Headset{ID: "EPOCX-F"}, w.a, 1)) }, HeadsetUnavailable},
		{"load on a discovered headset", func(w *bci) error {
			w.epoc.Status = HeadsetDiscovered
			return refusal(w.load("p", w.epoc, w.a, 1))
		}, HeadsetUnavailable},
		{"load twice", func(w *bci) error { return refusal(w.load("p", w.epoc, w.a, must(w.load("p", w.epoc, w.a, 1)))) }, ProfileAlreadyLoaded},
		{"load where another has", func(w *bci) error { return refusal(w.load("p", w.epoc, w.b, must(w.load("p", w.epoc, w.a, 1)))) }, ProfileAlreadyLoaded},
		{"load what another has elsewhere", func(w *bci) error {
			w.Profile(user, "p").EEGChannels = nil
			return refusal(w.load("p", w.insight, w.b, must(w.load("p", w.epoc, w.a, 1))))
		}, ProfileAccessDenied},
		{"load on other sensors", func(w *bci) error {
			must(w.load("p", w.epoc, w.a, 1))
			must(w.UnloadProfile(w.epoc, w.a))
			return refusal(w.load("p", w.insight, w.a, 1))
		}, ProfileChannels},
		{"guest where one is loaded", func(w *bci) error {
			must(w.load("p", w.epoc, w.a, 1))
			return refusal(w.LoadGuestProfile(Load{HeadsetID: w.epoc.ID, Application: w.a}))
		}, ProfileAlreadyLoaded},
		{"guest without headset", func(w *bci) error { return refusal(w.LoadGuestProfile(Load{HeadsetID: "x", Application: w.a})) }, HeadsetUnavailable},
		{"unload nothing", func(w *bci) error { return refusal(w.UnloadProfile(w.epoc, w.a)) }, NoProfileLoaded},
		{"unload no headset", func(w *bci) error { return refusal(w.UnloadProfile(nil, w.a)) }, HeadsetUnavailable},
		{"unload of another", func(w *bci) error { must(w.load("p", w.epoc, w.a, 1)); return refusal(w.UnloadProfile(w.epoc, w.b)) }, ProfileAccessDenied},
		{"save nothing", func(w *bci) error { return refusal(w.SaveProfile(w.epoc, w.a, "p", "", nil)) }, NoProfileLoaded},
		{"save of another", func(w *bci) error {
			must(w.load("p", w.epoc, w.a, 1))
			return refusal(w.SaveProfile(w.epoc, w.b, "p", "", nil))
		}, ProfileAccessDenied},
		{"save over another", func(w *bci) error {
			must(w.load("p", w.epoc, w.a, 1))
			require.NoError(t, create(w, "q"))
			return refusal(w.SaveProfile(w.epoc, w.a, "q", "", nil))
		}, ProfileNameInvalid},
		{"save read-only", func(w *bci) error {
			readOnly(w)
			return refusal(w.SaveProfile(w.epoc, w.a, "p", "", nil))
		}, ProfileReadOnly},
		{"rename an unknown one", func(w *bci) error { return refusal(w.RenameProfile(user, w.a, "x", "y")) }, ProfileNameInvalid},
		{"rename to a taken name", func(w *bci) error {
			require.NoError(t, create(w, "q"))
			return refusal(w.RenameProfile(user, w.a, "p", "q"))
		}, ProfileNameInvalid},
		{"rename of another", func(w *bci) error {
			must(w.load("p", w.epoc, w.a, 1))
			return refusal(w.RenameProfile(user, w.b, "p", "q"))
		}, ProfileAccessDenied},
		{"delete an unknown one", func(w *bci) error { return refusal(w.DeleteProfile(user, w.a, "x")) }, ProfileNameInvalid},
		{"delete of another", func(w *bci) error {
			must(w.load("p", w.epoc, w.a, 1))
			return refusal(w.DeleteProfile(user, w.b, "p"))
		}, ProfileAccessDenied},
		{"change nothing", func(w *bci) error { return refusal(w.ChangeProfile("", w.sa, change)) }, NoProfileLoaded},
		{"change of another", func(w *bci) error {
			must(w.load("p", w.epoc, w.a, 1))
			return refusal(w.ChangeProfile("", w.sb, change))
		}, ProfileAccessDenied},
		{"change read-only", func(w *bci) error { readOnly(w); return refusal(w.ChangeProfile("", w.sa, change)) }, ProfileReadOnly},
		{"train nothing", func(w *bci) error { return train(w, w.sa) }, NoProfileLoaded},
		{"train of another", func(w *bci) error { must(w.load("p", w.epoc, w.a, 1)); return train(w, w.sb) }, ProfileAccessDenied},
		{"train read-only", func(w *bci) error { readOnly(w); return train(w, w.sa) }, ProfileReadOnly},
		{"train twice", func(w *bci) error {
			must(w.load("p", w.epoc, w.a, 1))
			require.NoError(t, train(w, w.sa))
			return train(w, w.sa)
		}, TrainingOutOfOrder},
		{"accept nothing", func(w *bci) error {
			must(w.load("p", w.epoc, w.a, 1))
			return refusal(w.AcceptTraining(w.sa, MentalCommand, "push"))
		}, TrainingOutOfOrder},
		{"accept while it runs", func(w *bci) error {
			must(w.load("p", w.epoc, w.a, 1))
			require.NoError(t, train(w, w.sa))
			return refusal(w.AcceptTraining(w.sa, MentalCommand, "push"))
		}, TrainingOutOfOrder},
		{"accept another action", func(w *bci) error {
			succeed(t, w)
			return refusal(w.AcceptTraining(w.sa, MentalCommand, "pull"))
		}, TrainingOutOfOrder},
		{"reject another detection", func(w *bci) error {
			succeed(t, w)
			return refusal(w.RejectTraining(w.sa, FacialExpression, "push"))
		}, TrainingOutOfOrder},
		{"accept what failed", func(w *bci) error {
			must(w.load("p", w.epoc, w.a, 1))
			trial, _, err := w.StartTraining(w.sa, MentalCommand, "push")
			require.NoError(t, err)
			w.EndTraining(trial, false, 0)
			return refusal(w.AcceptTraining(w.sa, MentalCommand, "push"))
		}, TrainingOutOfOrder},
		{"reject nothing", func(w *bci) error {
			must(w.load("p", w.epoc, w.a, 1))
			return refusal(w.RejectTraining(w.sa, MentalCommand, "push"))
		}, TrainingOutOfOrder},
		{"erase while it waits", func(w *bci) error {
			succeed(t, w)
			return refusal(w.EraseTraining(w.sa, MentalCommand, "push"))
		}, TrainingOutOfOrder},
		{"reset nothing loaded", func(w *bci) error { return refusal(w.ResetTraining(w.sa, MentalCommand, "push")) }, NoProfileLoaded},
		{"erase of another", func(w *bci) error {
			must(w.load("p", w.epoc, w.a, 1))
			return refusal(w.EraseTraining(w.sb, MentalCommand, "push"))
		}, ProfileAccessDenied},
	} {
		t.Run(test.name, func(t *testing.T) { require.Equal(t, test.want, reason(t, test.do(newBCI(t)))) })
	}
}

func create(w *bci, name string) error {
	_, _, err := w.CreateProfile(NewProfile{ID: name, Name: name, Owner: user})
	return err
}

func refusal(_ []Change, err error) error { return err }

func must(_ []Change, err error) ConnID {
	if err != nil {
		panic(err)
	}
	return 1
}

func readOnly(w *bci) {
	w.Profile(user, "p").ReadOnly = true
	must(w.load("p", w.epoc, w.a, 1))
}

func train(w *bci, sess *Session) error {
	_, _, err := w.StartTraining(sess, MentalCommand, "push")
	return err
}

func succeed(t require.TestingT, w *bci) {
	must(w.load("p", w.epoc, w.a, 1))
	trial, _, err := w.StartTraining(w.sa, MentalCommand, "push")
	require.NoError(t, err)
	require.Equal(t, []Change{TrainingEvent{w.epoc, MentalCommand, "push", "MC_Succeeded"}}, w.EndTraining(trial, true, 0.5))
}

func TestUnsavedTrainingIsLostAtUnload(t *testing.T) {
	w := newBCI(t)
	succeed(t, w)
	must(w.AcceptTraining(w.sa, MentalCommand, "push"))
	require.Equal(t, map[string]int{"push": 1}, w.LoadedProfile(w.epoc).Data.MentalCommand.Times)
	require.Equal(t, []string{"push"}, w.LoadedProfile(w.epoc).Data.MentalCommand.Active, "a trained action is active")
	must(w.UnloadProfile(w.epoc, w.a))
	must(w.load("p", w.epoc, w.a, 1))
	require.Empty(t, w.LoadedProfile(w.epoc).Data.MentalCommand.Times)
	must(w.UnloadProfile(w.epoc, w.a))

	succeed(t, w)
	must(w.AcceptTraining(w.sa, MentalCommand, "push"))
	must(w.SaveProfile(w.epoc, w.a, "p", "", nil))
	must(w.EraseTraining(w.sa, MentalCommand, "push"))
	require.Equal(t, map[string]int{"push": 1}, w.Profile(user, "p").Data.MentalCommand.Times, "memory and disk share nothing")
	require.Empty(t, w.LoadedProfile(w.epoc).Data.MentalCommand.Times)
	require.Equal(t, 1, w.LoadedProfile(w.epoc).Data.MentalCommand.Total, "erased trainings count")
}

func TestCopyOfLoadedAndSaveAs(t *testing.T) {
	w := newBCI(t)
	succeed(t, w)
	must(w.AcceptTraining(w.sa, MentalCommand, "push"))
	copied, _, err := w.CreateProfile(NewProfile{ID: "2", Name: "copy", Owner: user, CopyOf: w.epoc})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"push": 1}, copied.Data.MentalCommand.Times, "what is in memory is copied")
	require.Equal(t, []string{"EPOC"}, copied.EEGChannels)
	must(w.SaveProfile(w.epoc, w.a, "as", "3", nil))
	require.Equal(t, "p", w.LoadedProfile(w.epoc).Name(), "the loaded one stays")
	require.Equal(t, "3", w.Profile(user, "as").ID)
	require.Equal(t, map[string]int{"push": 1}, w.Profile(user, "as").Data.MentalCommand.Times)
	require.Empty(t, w.Profile(user, "p").Data.MentalCommand.Times)
	must(w.EraseTraining(w.sa, MentalCommand, "push"))
	require.Equal(t, 1, copied.Data.MentalCommand.Times["push"])

	empty, _, err := w.CreateProfile(NewProfile{ID: "4", Name: "empty", Owner: user, CopyOf: w.insight})
	require.NoError(t, err, "nothing is loaded there: an empty one")
	require.Empty(t, empty.Data.MentalCommand.Times)
}

func TestGuestProfileBecomesWhatItIsSavedAs(t *testing.T) {
	w := newBCI(t)
	must(w.LoadGuestProfile(Load{HeadsetID: w.epoc.ID, Application: w.a, Conn: 1, Owner: user}))
	require.Equal(t, "", w.LoadedProfile(w.epoc).Name())
	require.Equal(t, ProfileNameInvalid, reason(t, refusal(w.SaveProfile(w.epoc, w.a, "", "2", nil))), "a guest has no name to save under")
	must(w.SaveProfile(w.epoc, w.a, "was guest", "2", []string{"EPOC"}))
	require.Equal(t, "was guest", w.LoadedProfile(w.epoc).Name())
	require.Equal(t, []string{"EPOC"}, w.Profile(user, "was guest").EEGChannels)
}

// TestAutoUnload looks at everything that takes a profile out of memory without
// being asked.
func TestAutoUnload(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(*bci) []Change
		auto bool
	}{
		{"headset gone", func(w *bci) []Change { return w.SetHeadsetStatus(w.epoc, HeadsetAbsent, start) }, true},
		{"headset disconnected", func(w *bci) []Change { return w.SetHeadsetStatus(w.epoc, HeadsetDiscovered, start) }, true},
		{"headset removed", func(w *bci) []Change { return w.RemoveHeadset(w.epoc, start) }, true},
		{"connection closed", func(w *bci) []Change { return w.ConnectionClosed(1, start) }, true},
		{"logged out", func(w *bci) []Change { return w.LogOut(start) }, true},
		{"deleted", func(w *bci) []Change {
			changes, err := w.DeleteProfile(user, w.a, "p")
			require.NoError(t, err)
			return changes
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newBCI(t)
			must(w.load("p", w.epoc, w.a, 1))
			l := w.LoadedProfile(w.epoc)
			require.Contains(t, test.do(w), ProfileUnloaded{Loaded: l, Name: "p", Auto: test.auto})
			require.Nil(t, w.LoadedProfile(w.epoc))
		})
	}
	w := newBCI(t)
	must(w.load("p", w.epoc, w.a, 1))
	w.SetHeadsetStatus(w.epoc, HeadsetConnecting, start)
	require.NotNil(t, w.LoadedProfile(w.epoc), "silence unloads nothing")
	w.ConnectionClosed(0, start)
	w.ConnectionClosed(2, start)
	require.NotNil(t, w.LoadedProfile(w.epoc), "another connection has nothing to do with it")

	w = newBCI(t)
	must(w.load("p", w.epoc, w.a, 0))
	w.ConnectionClosed(0, start)
	require.NotNil(t, w.LoadedProfile(w.epoc), "0 is no connection: an application outside loaded it")
}

func TestTrainingEndsWithItsSession(t *testing.T) {
	w := newBCI(t)
	must(w.load("p", w.epoc, w.a, 1))
	trial, _, err := w.StartTraining(w.sa, MentalCommand, "push")
	require.NoError(t, err)
	w.CloseSession(w.sa, ClosedByClient, start)
	require.Empty(t, w.EndTraining(trial, true, 1), "nobody is left")
	require.Nil(t, w.LoadedProfile(w.epoc).Trial)
}

func TestActiveActionsMakeRoom(t *testing.T) {
	d := NewProfileData()
	for _, a := range []string{"neutral", "push", "pull", "lift", "drop"} {
		d.train(MentalCommand, a)
	}
	require.Equal(t, []string{"push", "pull", "lift", "drop"}, d.MentalCommand.Active)
	d.train(MentalCommand, "left")
	require.Equal(t, []string{"push", "pull", "lift", "drop"}, d.MentalCommand.Active, "all four are trained")
	d.erase(MentalCommand, "lift")
	d.train(MentalCommand, "left")
	require.Equal(t, []string{"push", "pull", "left", "drop"}, d.MentalCommand.Active)
	require.Equal(t, 7, d.MentalCommand.Total)
}

// TestProfileMachine plays random calls of two applications on two headsets
// against a model of what must hold, call by call.
func TestProfileMachine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newBCI(t)
		names := []string{"p", "q", "r"}
		actions := []string{"neutral", "push", "pull"}
		var trial *Trial
		accepted := map[*LoadedProfile]int{} // since it was loaded
		loads, unloads := 0, 0
		see := func(changes []Change, err error) []Change {
			if err != nil {
				require.Nil(t, changes, "a refusal changes nothing")
				reasonOf(t, err)
			}
			for _, c := range changes {
				switch c := c.(type) {
				case ProfileLoaded:
					loads++
				case ProfileUnloaded:
					unloads++
					require.NotContains(t, w.loaded, c.Loaded)
				case TrainingEvent:
					if c.Event == "MC_Completed" {
						accepted[w.LoadedProfile(c.Headset)]++
					}
				}
			}
			return changes
		}
		pick := func() (*Application, *Session, ConnID) {
			if rapid.Bool().Draw(t, "other application") {
				return w.b, w.sb, 2
			}
			return w.a, w.sa, 1
		}
		name := func() string { return rapid.SampledFrom(names).Draw(t, "name") }
		headset := func() *Headset { return rapid.SampledFrom([]*Headset{w.epoc, w.insight}).Draw(t, "headset") }
		action := func() string { return rapid.SampledFrom(actions).Draw(t, "action") }
		snapshot := func() string {
			text := ""
			for _, p := range w.profiles {
				text += fmt.Sprintln(p.Name, p.Data)
			}
			return text
		}
		t.Repeat(map[string]func(*rapid.T){
			"create": func(*rapid.T) {
				n := NewProfile{ID: "x", Name: name(), Owner: user}
				if rapid.Bool().Draw(t, "copy") {
					n.CopyOf = headset()
				}
				_, changes, err := w.CreateProfile(n)
				see(changes, err)
			},
			"load": func(*rapid.T) {
				a, _, conn := pick()
				h, n := headset(), name()
				before := w.LoadedProfile(h)
				changes, err := w.load(n, h, a, conn)
				see(changes, err)
				if err == nil {
					require.Nil(t, before)
					require.Equal(t, w.Profile(user, n).Data, w.LoadedProfile(h).Data, "a load reads the disk")
				}
			},
			"guest": func(*rapid.T) {
				a, _, conn := pick()
				see(w.LoadGuestProfile(Load{HeadsetID: headset().ID, Application: a, Conn: conn, Owner: user}))
			},
			"unload": func(*rapid.T) {
				a, _, _ := pick()
				disk := snapshot()
				see(w.UnloadProfile(headset(), a))
				require.Equal(t, disk, snapshot(), "unload saves nothing")
			},
			"save": func(*rapid.T) {
				a, _, _ := pick()
				h, n := headset(), name()
				if changes := see(w.SaveProfile(h, a, n, "x", nil)); len(changes) > 0 {
					require.Equal(t, w.LoadedProfile(h).Data, w.Profile(user, n).Data)
				}
			},
			"rename": func(*rapid.T) { a, _, _ := pick(); see(w.RenameProfile(user, a, name(), name())) },
			"delete": func(*rapid.T) {
				a, _, _ := pick()
				n := name()
				if changes := see(w.DeleteProfile(user, a, n)); len(changes) > 0 {
					require.Nil(t, w.Profile(user, n))
				}
			},
			"start": func(*rapid.T) {
				_, sess, _ := pick()
				started, changes, err := w.StartTraining(sess, MentalCommand, action())
				if see(changes, err); err == nil {
					trial = started
				}
			},
			"end": func(*rapid.T) {
				if trial != nil {
					see(w.EndTraining(trial, rapid.Bool().Draw(t, "good"), 0.5), nil)
				}
			},
			"accept": func(*rapid.T) {
				_, sess, _ := pick()
				l := w.LoadedProfile(w.epoc)
				ready := l != nil && l.Trial != nil && l.Trial.State == TrialSucceeded
				if len(see(w.AcceptTraining(sess, MentalCommand, action()))) > 0 {
					require.True(t, ready, "only what succeeded can be accepted")
				}
			},
			"reject": func(*rapid.T) { _, sess, _ := pick(); see(w.RejectTraining(sess, MentalCommand, action())) },
			"reset":  func(*rapid.T) { _, sess, _ := pick(); see(w.ResetTraining(sess, MentalCommand, action())) },
			"erase":  func(*rapid.T) { _, sess, _ := pick(); see(w.EraseTraining(sess, MentalCommand, action())) },
			"client gone": func(*rapid.T) {
				w.SessionsOutliveConnection = true
				_, _, conn := pick()
				see(w.ConnectionClosed(conn, start), nil)
			},
			"": func(*rapid.T) {
				require.Equal(t, loads-unloads, len(w.loaded), "each load has one unload")
				seen := map[string]bool{}
				for _, p := range w.profiles {
					require.False(t, seen[p.Name], "names are unique")
					seen[p.Name] = true
				}
				headsets := map[*Headset]bool{}
				for _, l := range w.loaded {
					require.False(t, headsets[l.Headset], "one profile a headset")
					headsets[l.Headset] = true
					if l.Profile != nil {
						require.Contains(t, w.profiles, l.Profile, "a deleted profile is nowhere loaded")
					}
					require.LessOrEqual(t, len(l.Data.MentalCommand.Active), MaxActiveActions)
					sum := 0
					for times := range maps.Values(l.Data.MentalCommand.Times) {
						sum += times
					}
					require.LessOrEqual(t, sum, l.Data.MentalCommand.Total)
					require.GreaterOrEqual(t, l.Data.MentalCommand.Total, accepted[l], "what was accepted is there")
					if l.Trial != nil {
						require.True(t, slices.Contains([]*Session{w.sa, w.sb}, l.Trial.Session))
					}
				}
			},
		})
	})
}
