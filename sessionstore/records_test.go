package sessionstore

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// recording opens an activated session with a running record.
func recording(t require.TestingT) (*Store, *Session, *Record) {
	s, apps, headsets, l := world()
	s.SetHeadsetStatus(headsets[0], HeadsetConnected, start)
	sess, _, err := s.OpenSession(NewSession{ID: "1", Application: apps[0], Owner: "demo.user", Activate: true, License: l, Now: start})
	require.NoError(t, err)
	r, changes, err := s.StartRecord(sess, NewRecord{ID: "r", Title: "Run", Now: start})
	require.NoError(t, err)
	require.Equal(t, []Change{RecordStarted{Session: sess, Record: r}}, changes)
	return s, sess, r
}

func TestStartRecordRefusals(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Store, *Session, *NewRecord)
		want   Reason
	}{
		{"opened only", func(_ *Store, sess *Session, _ *NewRecord) { sess.Status = SessionOpen }, SessionNotActive},
		{"running", func(*Store, *Session, *NewRecord) {}, RecordAlreadyRunning},
		{"subject", func(s *Store, sess *Session, n *NewRecord) { s.stopRecordOf(sess, start); n.SubjectName = "Ada" }, SubjectUnknown},
		{"subject of another user", func(s *Store, sess *Session, n *NewRecord) {
			s.stopRecordOf(sess, start)
			require.NoError(t, s.CreateSubject(&Subject{Owner: "other", Name: "Ada"}))
			n.SubjectName = "Ada"
		}, SubjectUnknown},
		{"bound", func(s *Store, sess *Session, _ *NewRecord) { s.stopRecordOf(sess, start); s.MaxRecords = 1 }, RecordLimitReached},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, sess, _ := recording(t)
			n := NewRecord{ID: "2", Now: start}
			test.change(s, sess, &n)
			running := sess.Recording
			r, changes, err := s.StartRecord(sess, n)
			require.Equal(t, test.want, reasonOf(t, err))
			require.Nil(t, r)
			require.Empty(t, changes)
			require.Len(t, s.Records(), 1)
			require.Equal(t, running, sess.Recording)
		})
	}
}

// TestRecordRules drives the store with random requests: every record that
// begins ends exactly once, whatever ends its session.
func TestRecordRules(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, apps, headsets, l := world()
		l.LocalQuota = 1 << 30
		now, ids := start, 0
		var known []*Session
		ended := map[*Record]bool{}
		note := func(changes []Change) {
			for _, ch := range changes {
				if ch, ok := ch.(RecordStopped); ok {
					require.False(rt, ended[ch.Record], "ended twice")
					ended[ch.Record] = true
					require.Equal(rt, now, ch.Record.End)
					require.Equal(rt, RecordProcessing, ch.Record.State)
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
				h := rapid.SampledFrom(headsets).Draw(rt, "headset")
				note(s.SetHeadsetStatus(h, HeadsetConnected, now))
				sess, changes, err := s.OpenSession(NewSession{
					ID: fmt.Sprint(ids), Application: rapid.SampledFrom(apps).Draw(rt, "app"), Owner: "demo.user", HeadsetID: h.ID, Conn: ConnID(ids % 3),
					Activate: rapid.Bool().Draw(rt, "activate"), License: l, Now: now,
				})
				if err == nil {
					known = append(known, sess)
				}
				note(changes)
			},
			"start": func(rt *rapid.T) {
				ids++
				sess := pick()
				was, status := sess.Recording, sess.Status
				r, changes, err := s.StartRecord(sess, NewRecord{ID: fmt.Sprint("r", ids), Now: now})
				if status != SessionActive || was {
					require.Error(rt, err)
					return
				}
				require.NoError(rt, err)
				require.True(rt, r.End.IsZero())
				note(changes)
			},
			"stop": func(rt *rapid.T) {
				sess := pick()
				was := sess.Recording
				r, changes, err := s.StopRecord(sess, now)
				require.Equal(rt, was, err == nil)
				if err == nil {
					require.True(rt, slices.Contains(changes, Change(RecordStopped{Session: sess, Record: r})))
				}
				note(changes)
			},
			"delete": func(rt *rapid.T) {
				if len(s.Records()) == 0 {
					rt.Skip("no record")
				}
				r := rapid.SampledFrom(s.Records()).Draw(rt, "record")
				before := len(s.Records())
				changes, err := s.DeleteRecord(apps[0], "demo.user", r.ID)
				if r.State == RecordRunning || !r.OwnedBy(apps[0]) {
					require.Error(rt, err)
					require.Len(rt, s.Records(), before)
					return
				}
				require.NoError(rt, err)
				require.Equal(rt, []Change{RecordDeleted{Record: r}}, changes)
				require.False(rt, s.RecordProcessed(r), "a deleted record has no post-processing")
			},
			"close": func(rt *rapid.T) { note(s.CloseSession(pick(), ClosedByClient, now)) },
			"lose": func(rt *rapid.T) {
				note(s.SetHeadsetStatus(rapid.SampledFrom(headsets).Draw(rt, "headset"), HeadsetAbsent, now))
			},
			"silence": func(rt *rapid.T) {
				note(s.SetHeadsetStatus(rapid.SampledFrom(headsets).Draw(rt, "headset"), HeadsetConnecting, now))
			},
			"leave": func(rt *rapid.T) { note(s.ConnectionClosed(ConnID(rapid.IntRange(0, 2).Draw(rt, "conn")), now)) },
			"": func(rt *rapid.T) {
				now = now.Add(time.Second)
				running := 0
				for _, sess := range known {
					if sess.Recording {
						running++
						require.Equal(rt, SessionActive, sess.Status, "only an activated session records")
						require.Equal(rt, RecordRunning, sess.record.State)
						require.True(rt, sess.record.End.IsZero())
					}
				}
				numbers := map[int]bool{}
				for _, r := range s.Records() {
					require.False(rt, numbers[r.Number], "numbers are unique")
					numbers[r.Number] = true
					if r.State == RecordRunning {
						running--
					}
					require.Equal(rt, r.State != RecordRunning, ended[r])
				}
				require.Zero(rt, running, "every running record has its session")
			},
		})
	})
}

func TestRecordsOfOthers(t *testing.T) {
	s, sess, r := recording(t)
	other := &Application{ID: "com.demo.b"}
	title := "New"
	for name, call := range map[string]func() error{
		"update, other application": func() error {
			_, err := s.UpdateRecord(other, "demo.user", r.ID, RecordUpdate{Title: &title}, start)
			return err
		},
		"update, other user": func() error {
			_, err := s.UpdateRecord(sess.Application, "other", r.ID, RecordUpdate{Title: &title}, start)
			return err
		},
		"delete, other application": func() error { _, err := s.DeleteRecord(other, "demo.user", r.ID); return err },
	} {
		require.Equal(t, RecordUnknown, reasonOf(t, call()), name)
	}
	require.Equal(t, "Run", r.Title)
	later := start.Add(time.Minute)
	_, err := s.UpdateRecord(sess.Application, "demo.user", r.ID, RecordUpdate{Title: &title, Tags: []string{"a"}}, later)
	require.NoError(t, err)
	require.Equal(t, []any{"New", "", []string{"a"}, later}, []any{r.Title, r.Description, r.Tags, r.Modified})
}

func TestQueryRecords(t *testing.T) {
	s, apps, _, _ := world()
	at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
	add := func(id, app, license, title, subject string, from, to int) {
		s.AddRecord(&Record{ID: id, Owner: "demo.user", ApplicationID: app, LicenseID: license, Title: title, SubjectName: subject, Start: at(from), End: at(to), Modified: at(to), State: RecordReady})
	}
	add("1", "com.demo.a", "l", "Rest", "Ada", 0, 3)
	add("2", "com.demo.a", "m", "Task", "", 10, 11)
	add("3", "com.demo.b", "l", "Rest again", "Bob", 20, 21)
	add("4", "", "l", "Seed", "", 30, 40)
	s.AddRecord(&Record{ID: "5", Owner: "other.user", ApplicationID: "com.demo.a", LicenseID: "l", Start: start})
	s.AddRecord(&Record{ID: "6", Owner: "demo.user", ApplicationID: "com.demo.a", LicenseID: "m", Title: "Now", Start: at(50), Modified: at(50)})
	by := func(keys ...string) (out []Order) {
		for _, k := range keys {
			out = append(out, Order{Key: k[1:], Desc: k[0] == '-'})
		}
		return out
	}
	ten, minute := 10*time.Minute, time.Minute
	from, to := at(10), at(20)
	for _, test := range []struct {
		name  string
		query RecordQuery
		want  string
		count int
	}{
		{"own", RecordQuery{}, "1246", 4},
		{"license: all applications", RecordQuery{LicenseID: "l"}, "134", 3},
		{"license and application", RecordQuery{LicenseID: "l", ApplicationID: "com.demo.b"}, "3", 1},
		{"license and own application", RecordQuery{LicenseID: "l", ApplicationID: "com.demo.a"}, "14", 2},
		{"keyword in title", RecordQuery{Keyword: "REST"}, "1", 1},
		{"keyword in subject", RecordQuery{Keyword: "ada"}, "1", 1},
		{"the user is the subject of the rest", RecordQuery{Keyword: "demo."}, "246", 3},
		{"start from", RecordQuery{Start: Span[time.Time]{From: &from}}, "246", 3},
		{"start to, inclusive", RecordQuery{Start: Span[time.Time]{From: &from, To: &from}}, "2", 1},
		{"modified", RecordQuery{Modified: Span[time.Time]{From: &from, To: &to}}, "2", 1},
		{"duration", RecordQuery{Duration: Span[time.Duration]{From: &ten}}, "46", 2},
		{"short", RecordQuery{Duration: Span[time.Duration]{To: &minute}}, "2", 1},
		{"title", RecordQuery{OrderBy: by("+title")}, "6142", 4},
		{"title down", RecordQuery{OrderBy: by("-title")}, "2416", 4},
		{"subject, then start down", RecordQuery{OrderBy: by("+subjectName", "-startDatetime")}, "1642", 4},
		{"duration", RecordQuery{OrderBy: by("-duration")}, "6412", 4},
		{"application", RecordQuery{LicenseID: "l", OrderBy: by("+applicationId")}, "413", 3},
		{"page", RecordQuery{OrderBy: by("+startDatetime"), Limit: 2, Offset: 1}, "24", 4},
		{"past the end", RecordQuery{Limit: 2, Offset: 9}, "", 4},
		{"offset without limit", RecordQuery{Offset: 3}, "1246", 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.query.Owner, test.query.Application, test.query.Now = "demo.user", apps[0], at(70)
			page, count := s.QueryRecords(test.query)
			got := ""
			for _, r := range page {
				got += r.ID
			}
			require.Equal(t, test.want, got)
			require.Equal(t, test.count, count)
		})
	}
}

func TestMarkers(t *testing.T) {
	s, sess, r := recording(t)
	window := MarkerWindow{Now: start.Add(time.Hour), Past: time.Minute, Future: time.Second}
	now := window.Now
	_, err := s.InjectMarker(sess, &Marker{ID: "m", Start: now.Add(-time.Minute)}, window)
	require.NoError(t, err, "the bound itself is allowed")
	require.Equal(t, []any{MarkerInstance, now.Add(-time.Minute)}, []any{r.Markers[0].Type, r.Markers[0].End})
	for _, test := range []struct {
		name string
		err  error
		want Reason
	}{
		{"old", second(s.InjectMarker(sess, &Marker{Start: now.Add(-time.Minute - 1)}, window)), MarkerTooOld},
		{"new", second(s.InjectMarker(sess, &Marker{Start: now.Add(time.Second + 1)}, window)), MarkerTooNew},
		{"update, unknown", third(s.UpdateMarker(sess, "x", now, nil, window)), MarkerUnknown},
		{"update, new", third(s.UpdateMarker(sess, "m", now.Add(time.Hour), nil, window)), MarkerTooNew},
		{"update, end before start", third(s.UpdateMarker(sess, "m", now.Add(-time.Minute-1), nil, MarkerWindow{Now: now, Past: time.Hour})), MarkerTooOld},
	} {
		require.Equal(t, test.want, reasonOf(t, test.err), test.name)
	}
	require.Len(t, r.Markers, 1)
	require.Equal(t, MarkerInstance, r.Markers[0].Type)
	_, m, err := s.UpdateMarker(sess, "m", now, json.RawMessage(`{"a":1}`), window)
	require.NoError(t, err)
	require.Equal(t, []any{MarkerInterval, now, `{"a":1}`}, []any{m.Type, m.End, string(m.Extras)})
	s.stopRecordOf(sess, now)
	require.Equal(t, NoRecordRunning, reasonOf(t, second(s.InjectMarker(sess, &Marker{Start: now}, window))))
	require.Equal(t, NoRecordRunning, reasonOf(t, third(s.UpdateMarker(sess, "m", now, nil, window))))
}

func second[T any](_ T, err error) error        { return err }
func third[T, U any](_ T, _ U, err error) error { return err }

func TestSubjects(t *testing.T) {
	s, _, _, _ := world()
	for _, sub := range []Subject{
		{Owner: "demo.user", Name: "Ada", DateOfBirth: "1990-12-10", Sex: "F", CountryCode: "GB", Attributes: []SubjectAttribute{{"handedness", "left"}}},
		{Owner: "demo.user", Name: "Bob", Sex: "M", CountryCode: "AT"},
		{Owner: "other.user", Name: "Ada"},
	} {
		require.NoError(t, s.CreateSubject(&sub))
	}
	require.Equal(t, SubjectExists, reasonOf(t, s.CreateSubject(&Subject{Owner: "demo.user", Name: "Ada"})))
	born := "1990-01-01"
	for _, test := range []struct {
		query SubjectQuery
		want  string
	}{
		{SubjectQuery{}, "Ada Bob"},
		{SubjectQuery{OrderBy: []Order{{Key: "subjectName", Desc: true}}}, "Bob Ada"},
		{SubjectQuery{OrderBy: []Order{{Key: "countryCode"}}, Limit: 1}, "Bob"},
		{SubjectQuery{Sex: "F"}, "Ada"},
		{SubjectQuery{Keyword: "bo"}, "Bob"},
		{SubjectQuery{Born: Span[string]{From: &born}}, "Ada"},
		{SubjectQuery{Attributes: []SubjectAttribute{{"handedness", "left"}}}, "Ada"},
		{SubjectQuery{Attributes: []SubjectAttribute{{"handedness", "right"}}}, ""},
	} {
		test.query.Owner = "demo.user"
		page, _ := s.QuerySubjects(test.query)
		got := ""
		for i, sub := range page {
			if i > 0 {
				got += " "
			}
			got += sub.Name
		}
		require.Equal(t, test.want, got, "%+v", test.query)
	}
	s.AddRecord(&Record{ID: "1", Owner: "demo.user", SubjectName: "Ada", ExperimentID: 7})
	s.AddRecord(&Record{ID: "2", Owner: "demo.user", SubjectName: "Ada", ExperimentID: 7})
	s.AddRecord(&Record{ID: "3", Owner: "demo.user", SubjectName: "Ada", ExperimentID: 8})
	s.AddRecord(&Record{ID: "4", Owner: "demo.user", SubjectName: "Ada"})
	require.Equal(t, 2, s.ExperimentsCount(s.Subject("demo.user", "Ada")))
	require.NoError(t, s.DeleteSubject("demo.user", "Ada"))
	require.Equal(t, SubjectUnknown, reasonOf(t, s.DeleteSubject("demo.user", "Ada")))
	require.NotNil(t, s.Subject("other.user", "Ada"), "another user's subject of that name stays")
}

func TestOptOut(t *testing.T) {
	s, apps, _, l := world()
	require.False(t, s.OptOut(apps[0], "demo.user", l))
	require.Equal(t, []Change{OptOutChanged{Application: apps[0], On: true}}, s.SetOptOut(apps[0], "demo.user", l, true))
	require.Empty(t, s.SetOptOut(apps[0], "demo.user", l, true), "no change, no warning")
	require.True(t, s.OptOut(apps[0], "demo.user", l))
	require.False(t, s.OptOut(apps[1], "demo.user", l), "per application")
	require.False(t, s.OptOut(apps[0], "other.user", l), "and per user")
	off := false
	l.ForceOptOut = &off
	require.False(t, s.OptOut(apps[0], "demo.user", l), "the license decides")
	require.Empty(t, s.SetOptOut(apps[0], "demo.user", l, false))
	l.ForceOptOut = nil
	apps[0].OptOut, apps[1].OptOut = false, true
	require.True(t, s.OptOut(apps[0], "demo.user", l), "a choice outlives what it began with")
	require.True(t, s.OptOut(apps[1], "demo.user", l), "no choice yet")
	require.Len(t, s.SetOptOut(apps[1], "demo.user", l, false), 1)
	require.False(t, s.OptOut(apps[1], "demo.user", l))
	apps[1].OptOutLocked = true
	require.True(t, s.OptOut(apps[1], "demo.user", l))
	require.Empty(t, s.SetOptOut(apps[1], "demo.user", l, false), "locked")
	require.True(t, s.OptOut(apps[1], "demo.user", l))
}
