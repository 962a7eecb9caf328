package sessionstore

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Two applications known by their tokens only are two applications.
func TestApplicationsWithoutClientID(t *testing.T) {
	s := New()
	first, second := &Application{ID: "com.u.first"}, &Application{ID: "com.u.second"}
	s.AddApplication(first)
	s.AddApplication(second)
	require.Same(t, first, s.ApplicationByID("com.u.first"))
	require.Same(t, second, s.ApplicationByID("com.u.second"))
	again := &Application{ID: "com.u.first"}
	s.AddApplication(again)
	require.Len(t, s.Applications(), 2)
	require.Same(t, again, s.ApplicationByID("com.u.first"))
}

func TestRegisterIsBounded(t *testing.T) {
	s := New()
	s.MaxApplications = 1
	require.NoError(t, s.Register("authorize", &Application{ClientID: "a"}))
	require.Equal(t, ApplicationLimitReached, reasonOf(t, s.Register("authorize", &Application{ClientID: "b"})))
	require.Len(t, s.Applications(), 1)
}

func TestProfilesAreBounded(t *testing.T) {
	s := New()
	for i := range MaxProfiles {
		s.AddProfile(&Profile{Owner: fmt.Sprint(i), Name: "p"})
	}
	_, _, err := s.CreateProfile(NewProfile{Owner: "u", Name: "p"})
	require.Equal(t, ProfileLimitReached, reasonOf(t, err))
	require.Len(t, s.AllProfiles(), MaxProfiles)
}

// The markers of one record are bounded, and the bytes of all; a record that is
// deleted gives its bytes back.
func TestMarkersAreBounded(t *testing.T) {
	extras := json.RawMessage(`"` + string(make([]byte, 1<<20)) + `"`) // shared by all
	window := MarkerWindow{Now: start, Past: time.Minute, Future: time.Minute}
	s, sess, r := recording(t)
	n := 0
	var err error
	for ; err == nil; n++ {
		_, err = s.InjectMarker(sess, &Marker{ID: fmt.Sprint(n), Start: start, Extras: extras}, window)
	}
	require.Equal(t, RecordLimitReached, reasonOf(t, err))
	require.InDelta(t, maxMarkerBytes, s.markerBytes, 2<<20)
	require.LessOrEqual(t, s.markerBytes, maxMarkerBytes)
	_, _, err = s.UpdateMarker(sess, "0", start, extras, window)
	require.NoError(t, err, "not more than before")
	_, _, err = s.UpdateMarker(sess, "0", start, append(extras, extras...), window)
	require.Equal(t, RecordLimitReached, reasonOf(t, err))

	_, _, err = s.StopRecord(sess, start)
	require.NoError(t, err)
	_, err = s.DeleteRecord(sess.Application, sess.Owner, r.ID)
	require.NoError(t, err)
	require.Zero(t, s.markerBytes)

	_, _, err = s.StartRecord(sess, NewRecord{ID: "2", Now: start})
	require.NoError(t, err)
	for range maxMarkers {
		_, err = s.InjectMarker(sess, &Marker{Start: start}, window)
		require.NoError(t, err)
	}
	_, err = s.InjectMarker(sess, &Marker{Start: start}, window)
	require.Equal(t, RecordLimitReached, reasonOf(t, err))
}
