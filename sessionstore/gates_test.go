package sessionstore

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSessionsGoToAnotherConnection checks the rule of the Sessions page in the
// case that an application has several connections.
func TestSessionsGoToAnotherConnection(t *testing.T) {
	s, apps, headsets, _ := world()
	s.SetHeadsetStatus(headsets[0], HeadsetConnected, start)
	for _, conn := range []ConnID{7, 8, 7} {
		s.Bind(apps[0], conn)
	}
	s.Bind(apps[1], 9)
	sess, _, err := s.OpenSession(NewSession{ID: "1", Application: apps[0], Conn: 7, Now: start})
	require.NoError(t, err)
	s.Subscribe(sess, "mot", 7)
	end := func(conn ConnID) []Change {
		s.HandOver(conn)
		return s.ConnectionClosed(conn, start)
	}
	require.Equal(t, []Change{Unsubscribed{Session: sess, Stream: "mot"}}, end(7))
	require.Equal(t, ConnID(8), sess.Conn)
	require.True(t, sess.Live())
	require.Empty(t, end(9), "a connection of another application")
	require.Equal(t, []Change{SessionClosed{Session: sess, Reason: ClosedByConnection}}, end(8))
}

func TestSessionLimits(t *testing.T) {
	day := 24 * time.Hour
	newYear := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name   string
		limit  func(*License)
		at     []time.Duration // from start, which is the first of January 2026
		allows []bool
	}{
		{"none", func(*License) {}, []time.Duration{0, 0, 0}, []bool{true, true, true}},
		{"day", func(l *License) { l.SessionLimitDay = 1 }, []time.Duration{0, 11 * time.Hour, 12 * time.Hour, day, 2 * day}, []bool{true, false, true, false, true}},
		{"month", func(l *License) { l.SessionLimitMonth = 2 }, []time.Duration{0, day, 2 * day, 31 * day}, []bool{true, true, false, true}},
		{"year", func(l *License) { l.SessionLimitYear = 1 }, []time.Duration{0, 200 * day, newYear.Sub(start)}, []bool{true, false, true}},
		{"same day of another year", func(l *License) { l.SessionLimitDay = 1 }, []time.Duration{0, 365 * day}, []bool{true, true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, apps, headsets, l := world()
			s.SetHeadsetStatus(headsets[0], HeadsetConnected, start)
			test.limit(l)
			for i, at := range test.at {
				now := start.Add(at)
				sess, _, err := s.OpenSession(NewSession{ID: fmt.Sprint(i), Application: apps[0], Activate: true, License: l, Now: now})
				if !test.allows[i] {
					require.Equal(t, QuotaUsedUp, reasonOf(t, err), "after %s", at)
					continue
				}
				require.NoError(t, err, "after %s", at)
				s.CloseSession(sess, ClosedByClient, now)
			}
		})
	}
}

func TestFlexMappingsAreOfOneUser(t *testing.T) {
	s := New()
	mapping := map[string]string{"CMS": "TP10"}
	require.NoError(t, s.PutFlexMapping("a", FlexMapping{Name: "n", UUID: "1", Mappings: mapping}, start))
	mapping["CMS"] = "Cz"
	require.Equal(t, "TP10", s.FlexMappingByName("a", "n").Mappings["CMS"], "the store keeps a copy")
	require.Nil(t, s.FlexMappingByName("b", "n"))
	require.NoError(t, s.PutFlexMapping("a", FlexMapping{Name: "m", UUID: "1"}, start.Add(time.Second)))
	list, updated := s.FlexMappings("a")
	require.Len(t, list, 1, "the same uuid is the same mapping")
	require.Equal(t, start.Add(time.Second), updated)
	require.False(t, s.DeleteFlexMapping("b", "1", start))
	require.True(t, s.DeleteFlexMapping("a", "1", start))
	for i := range MaxFlexMappings {
		require.NoError(t, s.PutFlexMapping("a", FlexMapping{UUID: fmt.Sprint(i)}, start))
	}
	require.Equal(t, TooManyMappings, reasonOf(t, s.PutFlexMapping("a", FlexMapping{UUID: "x"}, start)))
}
