package sessionstore

import (
	"encoding/json"
	"slices"
	"time"
)

// Marker is one marker of a record (Marker object page).
type Marker struct {
	ID     string // uuid
	Type   MarkerType
	Value  any // string or json.Number
	Label  string
	Port   string
	Start  time.Time
	End    time.Time       // Start, of an instance
	Extras json.RawMessage `json:",omitempty"` // an object, empty for none
}

// MarkerType is an instant or a span of time.
type MarkerType string

// The types of a marker.
const (
	MarkerInstance MarkerType = "instance"
	MarkerInterval MarkerType = "interval"
)

// MarkerWindow is how far the time of a marker may be from now.
type MarkerWindow struct {
	Now    time.Time // on the clock of the headset
	Past   time.Duration
	Future time.Duration
}

func (w MarkerWindow) check(op string, t time.Time) error {
	switch age := w.Now.Sub(t); {
	case age > w.Past:
		return refuse(op, MarkerTooOld, "time is %s, %s before now: time is in milliseconds since 1970", t.Format(time.RFC3339Nano), age)
	case -age > w.Future:
		return refuse(op, MarkerTooNew, "time is %s, %s after now", t.Format(time.RFC3339Nano), -age)
	}
	return nil
}

// maxMarkers bounds the markers of one record, maxMarkerBytes what the markers of
// all records take, about.
const (
	maxMarkers     = 100_000
	maxMarkerBytes = 128 << 20
)

// size is about what a marker takes in memory.
func (m *Marker) size() int {
	n := 300 + len(m.Label) + len(m.Port) + len(m.Extras)
	switch v := m.Value.(type) {
	case string:
		n += len(v)
	case json.Number:
		n += len(v)
	}
	return n
}

func (r *Record) markerBytes() (n int) {
	for _, m := range r.Markers {
		n += m.size()
	}
	return n
}

// growMarkers takes memory for markers.
func (s *Store) growMarkers(op string, bytes int) error {
	if s.markerBytes+bytes > maxMarkerBytes {
		return refuse(op, RecordLimitReached, "the markers of all records take %d bytes: delete some records", s.markerBytes)
	}
	s.markerBytes += bytes
	return nil
}

// InjectMarker adds an instance marker to the running record of a session.
func (s *Store) InjectMarker(sess *Session, m *Marker, w MarkerWindow) (*Record, error) {
	const op = "injectMarker"
	if err := sess.needsRecord(op); err != nil {
		return nil, err
	}
	if err := w.check(op, m.Start); err != nil {
		return nil, err
	}
	r := sess.record
	if len(r.Markers) >= maxMarkers {
		return nil, refuse(op, RecordLimitReached, "record %s has %d markers", r.ID, maxMarkers)
	}
	if err := s.growMarkers(op, m.size()); err != nil {
		return nil, err
	}
	m.Type, m.End = MarkerInstance, m.Start
	r.Markers = append(r.Markers, m)
	return r, nil
}

// UpdateMarker makes an interval of a marker of the running record. Nil extras
// leave the marker's as they are.
func (s *Store) UpdateMarker(sess *Session, id string, end time.Time, extras json.RawMessage, w MarkerWindow) (*Record, *Marker, error) {
	const op = "updateMarker"
	if err := sess.needsRecord(op); err != nil {
		return nil, nil, err
	}
	r := sess.record
	i := slices.IndexFunc(r.Markers, func(m *Marker) bool { return m.ID == id })
	if i < 0 {
		return nil, nil, refuse(op, MarkerUnknown, "record %s has no marker %q", r.ID, id)
	}
	if err := w.check(op, end); err != nil {
		return nil, nil, err
	}
	m := r.Markers[i]
	if end.Before(m.Start) {
		// The code of this case is not known; the time is in the marker's past.
		return nil, nil, refuse(op, MarkerTooOld, "marker %s begins at %s, after its end %s", id, m.Start.Format(time.RFC3339Nano), end.Format(time.RFC3339Nano))
	}
	if extras != nil {
		if err := s.growMarkers(op, len(extras)-len(m.Extras)); err != nil {
			return nil, nil, err
		}
		m.Extras = extras
	}
	m.Type, m.End = MarkerInterval, end
	return r, m, nil
}
