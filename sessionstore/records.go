package sessionstore

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// RecordState is where a record stands between createRecord and its export.
type RecordState uint8

// The states of a record.
const (
	RecordRunning    RecordState = iota
	RecordProcessing             // stopped, its data is not ready for an export
	RecordReady
)

// String returns the state in words.
func (s RecordState) String() string { return [...]string{"running", "processing", "ready"}[s] }

// Sync is the status member of syncStatus (Record object page).
type Sync string

// The statuses that public clients know.
const (
	SyncNeverUploaded Sync = "neverUploaded" // local only so far
	SyncDownloaded    Sync = "downloaded"    // its data is on this machine
	SyncNotDownloaded Sync = "notDownloaded" // the cloud has the data, this machine the metadata
)

// Record is one record (Record object page).
type Record struct {
	ID      string // uuid
	Number  int    // counts up; in the names of exported files
	OwnerID string // uuid of the user
	Owner   string // EmotivID
	// ApplicationID is empty for a record that a world gives to whichever
	// application asks.
	ApplicationID      string
	ApplicationVersion string
	Title              string
	Description        string
	Tags               []string
	ExperimentID       int
	LicenseID          string
	LicenseScope       []string
	SubjectName        string // empty: the user is the subject
	LocalOnly          bool
	Survey             json.RawMessage `json:",omitempty"` // no method makes one; nil: none
	Headset            RecordedHeadset
	Markers            []*Marker
	Start              time.Time
	End                time.Time // zero while running
	Modified           time.Time
	State              RecordState
	Sync               Sync
}

// RecordedHeadset is the headset as it was when the record began.
type RecordedHeadset struct {
	ID               string
	Model            string
	Firmware         string
	ConnectedBy      string
	HeadbandPosition string
	Mappings         map[string]string
	Settings         HeadsetSettings
}

// OwnedBy reports whether the record was made by the application.
func (r *Record) OwnedBy(a *Application) bool {
	return r.ApplicationID == "" || r.ApplicationID == a.ID
}

// Duration is the length of the record, up to now while it runs.
func (r *Record) Duration(now time.Time) time.Duration {
	if r.End.IsZero() {
		return now.Sub(r.Start)
	}
	return r.End.Sub(r.Start)
}

// Subject is the subject's name; a record without one has its user.
func (r *Record) Subject() string {
	if r.SubjectName == "" {
		return r.Owner
	}
	return r.SubjectName
}

// NewRecord is what StartRecord needs to know.
type NewRecord struct {
	ID           string // uuid of the new record
	OwnerID      string // uuid of the user
	Title        string
	Description  string
	SubjectName  string
	Tags         []string
	ExperimentID int
	Now          time.Time
}

// StartRecord begins a record in an activated session (createRecord page: the
// session must be active). A session has one record at a time (inferred).
func (s *Store) StartRecord(sess *Session, n NewRecord) (*Record, []Change, error) {
	const op = "createRecord"
	switch {
	case n.SubjectName != "" && s.Subject(sess.Owner, n.SubjectName) == nil:
		return nil, nil, refuse(op, SubjectUnknown, "no subject %q: call createSubject", n.SubjectName)
	case sess.Status != SessionActive:
		return nil, nil, refuse(op, SessionNotActive, "session %s is %s", sess.ID, sess.Status)
	case sess.Recording:
		return nil, nil, refuse(op, RecordAlreadyRunning, "record %s is running in session %s", sess.record.ID, sess.ID)
	case s.MaxRecords > 0 && len(s.records) >= s.MaxRecords:
		return nil, nil, refuse(op, RecordLimitReached, "there are %d records", len(s.records))
	}
	h := sess.Headset
	r := &Record{
		ID: n.ID, OwnerID: n.OwnerID, Owner: sess.Owner, ApplicationID: sess.Application.ID, ApplicationVersion: sess.Application.Version,
		Title: n.Title, Description: n.Description, Tags: slices.Clone(n.Tags), ExperimentID: n.ExperimentID,
		LicenseID: sess.License.ID, LicenseScope: slices.Clone(sess.License.Scopes), SubjectName: n.SubjectName,
		LocalOnly: s.OptOut(sess.Application, sess.Owner, sess.License), Start: n.Now, Modified: n.Now, Sync: SyncNeverUploaded,
		Headset: RecordedHeadset{
			ID: h.ID, Model: h.Model, Firmware: h.Firmware, ConnectedBy: h.ConnectedBy, HeadbandPosition: h.HeadbandPosition,
			Mappings: h.Mappings, Settings: h.Settings,
		},
	}
	s.AddRecord(r)
	sess.Recording, sess.record = true, r
	if sess.RecordIDs = append(sess.RecordIDs, r.ID); len(sess.RecordIDs) > maxRecordIDs {
		sess.RecordIDs = slices.Delete(sess.RecordIDs, 0, 1)
	}
	return r, []Change{RecordStarted{Session: sess, Record: r}}, nil
}

// maxRecordIDs bounds the recordIds of a session: the last ones stay.
const maxRecordIDs = 1000

// AddRecord adds a record that exists already and gives it a number if it has none.
func (s *Store) AddRecord(r *Record) {
	if r.Number == 0 {
		r.Number = s.recordNumber + 1
	}
	s.recordNumber = max(s.recordNumber, r.Number)
	s.records = append(s.records, r)
	s.markerBytes += r.markerBytes()
}

// StopRecord ends the running record of a session.
func (s *Store) StopRecord(sess *Session, now time.Time) (*Record, []Change, error) {
	if err := sess.needsRecord("stopRecord"); err != nil {
		return nil, nil, err
	}
	r := sess.record
	return r, s.stopRecordOf(sess, now), nil
}

// stopRecordOf ends the running record of a session: by stopRecord, or because
// the session ends (Records page: Cortex stops the record then).
func (s *Store) stopRecordOf(sess *Session, now time.Time) []Change {
	r := sess.record
	sess.Recording = false
	if r == nil {
		return nil
	}
	r.End, r.Modified, r.State = now, now, RecordProcessing
	return []Change{RecordStopped{Session: sess, Record: r}}
}

// needsRecord refuses what is only possible while a record runs.
func (sess *Session) needsRecord(op string) error {
	switch {
	case sess.Status != SessionActive:
		return refuse(op, SessionNotActive, "session %s is %s", sess.ID, sess.Status)
	case sess.Recording:
		return nil
	case sess.record != nil:
		return refuse(op, NoRecordRunning, "record %s of session %s ended at %s", sess.record.ID, sess.ID, sess.record.End.Format(time.RFC3339Nano))
	}
	return refuse(op, NoRecordRunning, "session %s has no record: call createRecord", sess.ID)
}

// RecordProcessed tells that the data of a record is ready. It reports false
// for one that runs, is ready already, or was deleted.
func (s *Store) RecordProcessed(r *Record) bool {
	if r.State != RecordProcessing || s.Record(r.Owner, r.ID) == nil {
		return false
	}
	r.State = RecordReady
	return true
}

// Record returns the record of a user, or nil.
func (s *Store) Record(owner, id string) *Record {
	for _, r := range s.records {
		if r.ID == id && r.Owner == owner {
			return r
		}
	}
	return nil
}

// Records returns all records of all users in the order of their creation.
func (s *Store) Records() []*Record { return slices.Clone(s.records) }

// OwnRecord returns a record that the application may change.
func (s *Store) OwnRecord(op string, a *Application, owner, id string) (*Record, error) {
	r := s.Record(owner, id)
	switch {
	case r == nil:
		return nil, refuse(op, RecordUnknown, "%s has no record %q", owner, id)
	case !r.OwnedBy(a):
		return nil, refuse(op, RecordUnknown, "record %s is of %s, not of %s", id, r.ApplicationID, a.ID)
	}
	return r, nil
}

// RecordUpdate is what updateRecord changes; nil leaves a field alone.
type RecordUpdate struct {
	Title, Description *string
	Tags               []string
}

// UpdateRecord changes a record of the application, running or not.
func (s *Store) UpdateRecord(a *Application, owner, id string, u RecordUpdate, now time.Time) (*Record, error) {
	r, err := s.OwnRecord("updateRecord", a, owner, id)
	if err != nil {
		return nil, err
	}
	if u.Title != nil {
		r.Title = *u.Title
	}
	if u.Description != nil {
		r.Description = *u.Description
	}
	if u.Tags != nil {
		r.Tags = slices.Clone(u.Tags)
	}
	r.Modified = now
	return r, nil
}

// DeleteRecord deletes a record of the application. One that runs is refused (a guess).
func (s *Store) DeleteRecord(a *Application, owner, id string) ([]Change, error) {
	const op = "deleteRecord"
	r, err := s.OwnRecord(op, a, owner, id)
	if err != nil {
		return nil, err
	}
	if r.State == RecordRunning {
		return nil, refuse(op, RecordAlreadyRunning, "record %s is running: call stopRecord", id)
	}
	s.records = slices.DeleteFunc(s.records, func(have *Record) bool { return have == r })
	s.markerBytes -= r.markerBytes()
	return []Change{RecordDeleted{Record: r}}, nil
}

// Span is a closed range; a nil end is open.
type Span[T any] struct{ From, To *T }

func (s Span[T]) holds(v T, compare func(a, b T) int) bool {
	return (s.From == nil || compare(v, *s.From) >= 0) && (s.To == nil || compare(v, *s.To) <= 0)
}

// RecordQuery are the filters and the order of queryRecords.
type RecordQuery struct {
	Owner       string
	Application *Application // who asks: without LicenseID only its records are found
	LicenseID   string
	// ApplicationID narrows a query by LicenseID.
	ApplicationID string
	Keyword       string // in title, description or subject name, without regard to case (inferred)
	Start         Span[time.Time]
	Modified      Span[time.Time]
	Duration      Span[time.Duration]
	OrderBy       []Order
	Limit         int // 0: no maximum
	Offset        int // ignored if Limit is 0
	Now           time.Time
}

// Order is one key of an orderBy.
type Order struct {
	Key  string // one of the keys that the query knows
	Desc bool
}

// RecordOrderKeys are the keys of queryRecords' orderBy (queryRecords page).
func RecordOrderKeys() []string {
	return []string{"title", "description", "startDatetime", "modifiedDatetime", "duration", "subjectName", "applicationId"}
}

func (q *RecordQuery) holds(r *Record) bool {
	switch {
	case r.Owner != q.Owner:
	case q.LicenseID == "" && !r.OwnedBy(q.Application):
	case q.LicenseID != "" && r.LicenseID != q.LicenseID:
	case q.ApplicationID != "" && r.ApplicationID != q.ApplicationID && !(r.ApplicationID == "" && q.ApplicationID == q.Application.ID):
	case !q.Start.holds(r.Start, time.Time.Compare):
	case !q.Modified.holds(r.Modified, time.Time.Compare):
	case !q.Duration.holds(r.Duration(q.Now), cmp.Compare[time.Duration]):
	default:
		return contains(r.Title, q.Keyword) || contains(r.Description, q.Keyword) || contains(r.Subject(), q.Keyword)
	}
	return false
}

func contains(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}

func (q *RecordQuery) compare(a, b *Record, key string) int {
	switch key {
	case "title":
		return cmp.Compare(a.Title, b.Title)
	case "description":
		return cmp.Compare(a.Description, b.Description)
	case "startDatetime":
		return a.Start.Compare(b.Start)
	case "modifiedDatetime":
		return a.Modified.Compare(b.Modified)
	case "duration":
		return cmp.Compare(a.Duration(q.Now), b.Duration(q.Now))
	case "subjectName":
		return cmp.Compare(a.Subject(), b.Subject())
	case "applicationId":
		return cmp.Compare(a.ApplicationID, b.ApplicationID)
	}
	return 0
}

// QueryRecords returns one page of the records that match, and how many match
// in all. What the order leaves equal stays in the order of creation.
func (s *Store) QueryRecords(q RecordQuery) (page []*Record, count int) {
	var found []*Record
	for _, r := range s.records {
		if q.holds(r) {
			found = append(found, r)
		}
	}
	sortBy(found, q.OrderBy, q.compare)
	return pageOf(found, q.Limit, q.Offset), len(found)
}

func sortBy[T any](list []T, order []Order, compare func(a, b T, key string) int) {
	slices.SortStableFunc(list, func(a, b T) int {
		for _, o := range order {
			c := compare(a, b, o.Key)
			if o.Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
}

func pageOf[T any](list []T, limit, offset int) []T {
	if limit == 0 {
		return list
	}
	list = list[min(offset, len(list)):]
	return list[:min(limit, len(list))]
}

// optOutKey is whose choice an opt-out is (configOptOut page: per application
// and per EmotivID).
type optOutKey struct{ applicationID, owner string }

// OptOutLocked reports whether nobody may change the opt-out: the license decides
// (configOptOut page: some force it on or off), or the world.
func (s *Store) OptOutLocked(a *Application, l *License) bool {
	return l != nil && l.ForceOptOut != nil || a.OptOutLocked
}

// OptOut reports whether records of the application and user are kept from the
// cloud: by their license if that decides, else by their choice.
func (s *Store) OptOut(a *Application, owner string, l *License) bool {
	if l != nil && l.ForceOptOut != nil {
		return *l.ForceOptOut
	}
	if on, chosen := s.optOut[optOutKey{a.ID, owner}]; chosen && !a.OptOutLocked {
		return on
	}
	return a.OptOut
}

// SetOptOut changes the choice for records to come. Where it is locked nothing
// changes.
func (s *Store) SetOptOut(a *Application, owner string, l *License, on bool) []Change {
	if s.OptOutLocked(a, l) || s.OptOut(a, owner, l) == on {
		return nil
	}
	s.optOut[optOutKey{a.ID, owner}] = on
	return []Change{OptOutChanged{Application: a, On: on}}
}

// OptOutChoice is what the user of an application chose with configOptOut.
type OptOutChoice struct {
	ApplicationID string
	Owner         string // EmotivID
	On            bool
}

// OptOutChoices returns the choices in a stable order.
func (s *Store) OptOutChoices() []OptOutChoice {
	out := make([]OptOutChoice, 0, len(s.optOut))
	for key, on := range s.optOut {
		out = append(out, OptOutChoice{key.applicationID, key.owner, on})
	}
	slices.SortFunc(out, func(a, b OptOutChoice) int {
		return cmp.Or(cmp.Compare(a.ApplicationID, b.ApplicationID), cmp.Compare(a.Owner, b.Owner))
	})
	return out
}

// SetOptOutChoice sets a choice that was made before.
func (s *Store) SetOptOutChoice(c OptOutChoice) { s.optOut[optOutKey{c.ApplicationID, c.Owner}] = c.On }
