package sessionstore

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func world() (*Store, []*Application, []*Headset, *License) {
	s := New()
	s.AddUser(&User{Username: "demo.user"})
	s.Login.Username = "demo.user"
	apps := []*Application{{ClientID: "a", ID: "com.demo.a"}, {ClientID: "b", ID: "com.demo.b"}}
	for _, a := range apps {
		s.AddApplication(a)
	}
	for _, id := range []string{"EPOCX-00000001", "INSIGHT-00000002", "MN8-00000003"} {
		s.AddHeadset(&Headset{ID: id, Status: HeadsetDiscovered, Ready: true, ConnectedBy: "dongle"})
	}
	l := &License{ID: "l", LocalQuota: 5, Scopes: []string{"eeg"}, DeviceLimit: -1}
	s.AddLicense(l)
	return s, apps, s.Headsets(), l
}

func reasonOf(t require.TestingT, err error) Reason {
	var refusal *Error
	require.ErrorAs(t, err, &refusal)
	return refusal.Reason
}

func TestOpenSessionRefusals(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Store, *Headset, *License)
		open   NewSession
		want   Reason
	}{
		{"none connected", func(*Store, *Headset, *License) {}, NewSession{}, NoHeadsetConnected},
		{"unknown", func(*Store, *Headset, *License) {}, NewSession{HeadsetID: "EPOCX-FFFFFFFF"}, HeadsetUnavailable},
		{"discovered", func(*Store, *Headset, *License) {}, NewSession{HeadsetID: "EPOCX-00000001"}, HeadsetUnavailable},
		{"connecting", func(_ *Store, h *Headset, _ *License) { h.Status = HeadsetConnecting }, NewSession{HeadsetID: "EPOCX-00000001"}, HeadsetUnavailable},
		{"not ready", func(_ *Store, h *Headset, _ *License) { h.Status, h.Ready = HeadsetConnected, false }, NewSession{}, HeadsetNotReady},
		{"USB cable", func(_ *Store, h *Headset, _ *License) { h.Status, h.ConnectedBy = HeadsetConnected, USBCable }, NewSession{}, HeadsetOnUSBCable},
		{"no license", func(_ *Store, h *Headset, _ *License) { h.Status = HeadsetConnected }, NewSession{Activate: true}, NoLicense},
		{"bound", func(s *Store, h *Headset, _ *License) {
			h.Status, s.MaxSessions = HeadsetConnected, 1
			s.sessions = append(s.sessions, &Session{})
		}, NewSession{}, SessionLimitReached},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, apps, headsets, l := world()
			test.change(s, headsets[0], l)
			before := len(s.sessions)
			test.open.Application, test.open.Now = apps[0], start
			sess, changes, err := s.OpenSession(test.open)
			require.Equal(t, test.want, reasonOf(t, err))
			require.Nil(t, sess)
			require.Empty(t, changes)
			require.Len(t, s.sessions, before, "a refusal changes nothing")
		})
	}
}

func TestActivationRefusals(t *testing.T) {
	past := start.Add(-time.Hour)
	for _, test := range []struct {
		name   string
		change func(*Store, *License)
		want   Reason
	}{
		{"quota", func(_ *Store, l *License) { l.LocalQuota = 0 }, QuotaUsedUp},
		{"negative quota", func(_ *Store, l *License) { l.LocalQuota = -1474834899 }, QuotaUsedUp}, // cortex-example #69
		{"expired", func(_ *Store, l *License) { l.ValidTo = past }, LicenseExpired},
		{"expired flag", func(_ *Store, l *License) { l.Expired = true }, LicenseExpired},
		{"hard limit", func(_ *Store, l *License) { l.HardLimitTime = past }, HardLimitReached},
		{"soft limit", func(s *Store, l *License) { l.SoftLimitTime, s.EnforceSoftLimit = past, true }, SoftLimitReached},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, apps, headsets, l := world()
			s.SetHeadsetStatus(headsets[0], HeadsetConnected, start)
			sess, _, err := s.OpenSession(NewSession{ID: "1", Application: apps[0], Now: start})
			require.NoError(t, err)
			test.change(s, l)
			quota := l.LocalQuota
			_, err = s.ActivateSession(sess, l, start)
			require.Equal(t, test.want, reasonOf(t, err))
			require.Equal(t, SessionOpen, sess.Status)
			require.Equal(t, quota, l.LocalQuota)
		})
	}
}

func TestSoftLimitIsOnlyAWarningByDefault(t *testing.T) {
	s, apps, headsets, l := world()
	l.SoftLimitTime = start.Add(-time.Hour)
	s.SetHeadsetStatus(headsets[0], HeadsetConnected, start)
	_, _, err := s.OpenSession(NewSession{ID: "1", Application: apps[0], Activate: true, License: l, Now: start})
	require.NoError(t, err)
}

func TestDebit(t *testing.T) {
	s, _, _, l := world()
	*l = License{ID: "l", SessionCount: 8, MaxDebit: 6, DailyDebit: 9, DeviceLimit: -1}
	require.NoError(t, s.Debit(l, 6, start))
	require.Equal(t, []int{6, 2, 6}, []int{l.LocalQuota, l.SessionCount, l.TotalDebit})
	require.Equal(t, DebitTooLarge, reasonOf(t, s.Debit(l, 7, start)))
	require.Equal(t, DailyDebitReached, reasonOf(t, s.Debit(l, 4, start)))
	require.NoError(t, s.Debit(l, 4, start.Add(24*time.Hour)), "the next day has a debit of its own")
	require.Equal(t, 8, l.LocalQuota, "more than the license has cannot be given (cortex-example #45)")
	require.Zero(t, l.SessionCount)

	// The day is that of the place.
	zone := time.FixedZone("", 7*3600)
	*l = License{ID: "l", SessionCount: -1, MaxDebit: -1, DailyDebit: 1}
	require.NoError(t, s.Debit(l, 1, time.Date(2026, 1, 1, 6, 0, 0, 0, zone)))
	require.Equal(t, DailyDebitReached, reasonOf(t, s.Debit(l, 1, time.Date(2026, 1, 1, 23, 0, 0, 0, zone))))
	require.NoError(t, s.Debit(l, 1, time.Date(2026, 1, 2, 0, 0, 0, 0, zone)))
}

// TestSessionRules drives the store with random requests and checks the rules
// of the Sessions page after each.
func TestSessionRules(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, apps, headsets, l := world()
		now, ids, activations, quota := start, 0, 0, l.LocalQuota
		closed := map[string]bool{}
		var known []*Session
		note := func(changes []Change) {
			for i, ch := range changes {
				switch ch := ch.(type) {
				case SessionClosed:
					require.False(rt, closed[ch.Session.ID], "closed twice")
					closed[ch.Session.ID] = true
					require.False(rt, ch.Session.Live())
					require.Equal(rt, now, ch.Session.Stopped)
				case StreamsStopped:
					_, next := changes[i+1].(SessionClosed)
					require.True(rt, next, "warning 0 is followed by the close of its session")
					require.NotEmpty(rt, ch.Conns)
				case SessionActivated:
					activations++
				}
			}
		}
		pick := func() *Session {
			if len(known) == 0 {
				rt.Skip("no session yet")
			}
			return rapid.SampledFrom(known).Draw(rt, "session")
		}
		rt.Repeat(map[string]func(*rapid.T){
			"open": func(rt *rapid.T) {
				ids++
				a := rapid.SampledFrom(apps).Draw(rt, "app")
				h := rapid.SampledFrom(headsets).Draw(rt, "headset")
				exists := slices.ContainsFunc(s.Sessions(), func(o *Session) bool { return o.Application == a && o.Headset == h })
				sess, changes, err := s.OpenSession(NewSession{
					ID: fmt.Sprint(ids), Application: a, HeadsetID: h.ID, Conn: ConnID(rapid.IntRange(1, 3).Draw(rt, "conn")),
					Activate: rapid.Bool().Draw(rt, "activate"), License: l, Now: now,
				})
				if err != nil {
					switch reasonOf(rt, err) {
					case HeadsetUnavailable:
						require.NotEqual(rt, HeadsetConnected, h.Status)
					case SessionExists:
						require.True(rt, exists)
					case QuotaUsedUp:
						require.Zero(rt, l.LocalQuota)
					default:
						rt.Fatalf("unexpected refusal %v", err)
					}
					return
				}
				require.False(rt, exists)
				known = append(known, sess)
				note(changes)
			},
			"activate": func(rt *rapid.T) {
				sess := pick()
				was, left := sess.Status, l.LocalQuota
				changes, err := s.ActivateSession(sess, l, now)
				switch {
				case was == SessionEnded:
					require.Equal(rt, SessionUnknown, reasonOf(rt, err))
				case was == SessionActive:
					require.NoError(rt, err)
					require.Equal(rt, left, l.LocalQuota, "activating twice takes nothing")
				case left == 0:
					require.Equal(rt, QuotaUsedUp, reasonOf(rt, err))
				default:
					require.NoError(rt, err)
				}
				note(changes)
			},
			"subscribe": func(rt *rapid.T) {
				if sess := pick(); sess.Live() {
					_, changes := s.Subscribe(sess, rapid.SampledFrom([]string{"eeg", "mot", "met"}).Draw(rt, "stream"), sess.Conn)
					note(changes)
				}
			},
			"unsubscribe": func(rt *rapid.T) { note(s.Unsubscribe(pick(), "eeg")) },
			"close":       func(rt *rapid.T) { note(s.CloseSession(pick(), ClosedByClient, now)) },
			"headset": func(rt *rapid.T) {
				h := rapid.SampledFrom(headsets).Draw(rt, "headset")
				note(s.SetHeadsetStatus(h, HeadsetStatus(rapid.IntRange(0, 3).Draw(rt, "status")), now))
			},
			"disconnect": func(rt *rapid.T) { note(s.ConnectionClosed(ConnID(rapid.IntRange(1, 3).Draw(rt, "conn")), now)) },
			"": func(rt *rapid.T) {
				now = now.Add(time.Second)
				seen := map[string]bool{}
				for _, sess := range s.Sessions() {
					key := sess.Application.ID + " " + sess.Headset.ID
					require.False(rt, seen[key], "one session per application and headset")
					seen[key] = true
					require.True(rt, sess.Live())
					require.Zero(rt, sess.Stopped)
					require.Contains(rt, []HeadsetStatus{HeadsetConnected, HeadsetConnecting}, sess.Headset.Status)
					require.Equal(rt, sess.Status == SessionActive, sess.License != nil)
				}
				require.Equal(rt, quota-activations, l.LocalQuota, "each activation takes one session")
				for _, sess := range known {
					require.Equal(rt, !sess.Live(), closed[sess.ID], "every end is told exactly once")
					if !sess.Live() {
						require.Empty(rt, sess.Streams())
						require.Nil(rt, s.Session(sess.Application, sess.ID))
					}
				}
			},
		})
	})
}

func TestLogOutEndsTheUsersSessions(t *testing.T) {
	s, apps, headsets, _ := world()
	s.SetHeadsetStatus(headsets[0], HeadsetConnected, start)
	mine, _, err := s.OpenSession(NewSession{ID: "1", Application: apps[0], Owner: "demo.user", Now: start})
	require.NoError(t, err)
	other, _, err := s.OpenSession(NewSession{ID: "2", Application: apps[1], Owner: "somebody", Now: start})
	require.NoError(t, err)
	changes := s.LogOut(start)
	require.Equal(t, UserLoggedOut{Username: "demo.user"}, changes[0])
	require.False(t, mine.Live())
	require.True(t, other.Live())
	require.Nil(t, s.LogOut(start), "nobody is logged in any more")
}

func TestSessionsOutliveConnection(t *testing.T) {
	s, apps, headsets, _ := world()
	s.SessionsOutliveConnection = true
	s.SetHeadsetStatus(headsets[0], HeadsetConnected, start)
	sess, _, err := s.OpenSession(NewSession{ID: "1", Application: apps[0], Conn: 7, Now: start})
	require.NoError(t, err)
	s.Subscribe(sess, "mot", 7)
	s.ConnectionClosed(7, start)
	require.True(t, sess.Live())
	require.Empty(t, sess.Streams(), "a stream has nobody to go to")
}
