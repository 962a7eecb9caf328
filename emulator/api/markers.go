package api

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// markerMethods are the methods of the Markers chapter.
func markerMethods() []rpc.Method[*Call] {
	const chapter = "Markers"
	return []rpc.Method[*Call]{
		{
			Name: "injectMarker", Chapter: chapter, Doc: "Puts a marker into the running record of a session.", Handle: injectMarker,
			Params: []rpc.Param{
				tokenParam(), {Name: "session", Type: rpc.TypeString, Required: true}, {Name: "time", Type: rpc.TypeNumber, Required: true, Doc: "Milliseconds since 1970."},
				{Name: "value", Type: rpc.TypeStringOrNumber, Required: true}, {Name: "label", Type: rpc.TypeString, Required: true},
				{Name: "port", Type: rpc.TypeString, EmptyIsAbsent: true}, {Name: "extras", Type: rpc.TypeObject},
			},
			Errors:  []int{CodeSessionUnknown, CodeSessionNotActive, CodeNoRecordRunning, CodeMarkerTooOld, CodeMarkerTooNew},
			Guessed: "how far from now the time may be, the code for the future, the code without a record (that of stopRecord)",
		},
		{
			Name: "updateMarker", Chapter: chapter, Doc: "Makes an interval of a marker of the running record.", Handle: updateMarker,
			Params: []rpc.Param{
				tokenParam(), {Name: "session", Type: rpc.TypeString, Required: true}, {Name: "markerId", Type: rpc.TypeString, Required: true},
				{Name: "time", Type: rpc.TypeNumber, Required: true, Doc: "End, milliseconds since 1970."}, {Name: "extras", Type: rpc.TypeObject},
			},
			Errors:  []int{CodeSessionUnknown, CodeSessionNotActive, CodeNoRecordRunning, CodeMarkerUnknown, CodeMarkerTooOld, CodeMarkerTooNew},
			Guessed: "the code for an unknown marker",
		},
	}
}

// markerObject is the Marker object of the documentation.
func (s *Service) markerObject(m *sessionstore.Marker) rpc.Object {
	extras := any(rpc.Object{})
	if len(m.Extras) > 0 {
		extras = m.Extras
	}
	return rpc.Object{
		"endDatetime": s.isoMicros(m.End), "extras": extras, "label": m.Label, "port": m.Port, "startDatetime": s.isoMicros(m.Start),
		"type": string(m.Type), "uuid": m.ID, "value": m.Value,
	}
}

func (s *Service) markerObjects(r *sessionstore.Record) rpc.Array {
	list := rpc.Array{}
	for _, m := range r.Markers {
		list = append(list, s.markerObject(m))
	}
	return list
}

// markerTime reads the time of a marker: milliseconds since 1970, with
// fractions, on the clock of the headset (syncWithHeadsetClock page).
func (c *Call) markerTime(a rpc.Args) (time.Time, error) {
	const limit = 1e15 // the year 33658
	ms := a.Number("time")
	if !(math.Abs(ms) < limit) {
		return time.Time{}, c.invalid("time", "a number of milliseconds since 1970")
	}
	return time.UnixMicro(int64(math.Round(ms * 1000))).In(c.world.Zone), nil
}

func (c *Call) markerWindow(sess *sessionstore.Session) sessionstore.MarkerWindow {
	now := c.Now()
	if d := c.devices[sess.Headset.ID]; d != nil {
		now = now.Add(d.spec.ClockOffset)
	}
	return sessionstore.MarkerWindow{Now: now, Past: c.world.MarkerTooOld, Future: c.world.MarkerTooNew}
}

// Bounds of a marker, in bytes, and of those that wait for their eeg sample; no
// page tells of any.
const (
	maxMarkerText = 10_000 // label, value and port
	maxExtras     = 64 << 10
	maxMarks      = 10_000
)

// extras reads the extras of a marker, nil when there are none.
func (c *Call) extras(a rpc.Args) (json.RawMessage, error) {
	if !a.Has("extras") {
		return nil, nil
	}
	if len(a.Raw("extras")) > maxExtras {
		return nil, c.invalid("extras", fmt.Sprintf("an object of at most %d bytes", maxExtras))
	}
	return slices.Clone(a.Raw("extras")), nil
}

func injectMarker(c *Call, a rpc.Args) (any, error) {
	at, err := c.markerTime(a)
	if err != nil {
		return nil, err
	}
	for _, text := range []string{"label", "value", "port"} {
		if len(a.Raw(text)) > maxMarkerText {
			return nil, c.invalid(text, fmt.Sprintf("at most %d bytes", maxMarkerText))
		}
	}
	m := &sessionstore.Marker{Label: a.String("label"), Port: a.String("port"), Start: c.echoed(at)}
	setDefault(&m.Port, "Software")
	if m.Value, err = c.markerValue(a); err != nil {
		return nil, err
	}
	if m.Extras, err = c.extras(a); err != nil {
		return nil, err
	}
	sess, err := c.session(a)
	if err != nil {
		return nil, err
	}
	if d := c.devices[sess.Headset.ID]; d != nil && len(d.marks) >= maxMarks {
		return nil, c.fault(CodeInternal, fmt.Sprintf("%d markers wait for the samples of their time: let the clock go on", len(d.marks)))
	}
	m.ID = c.newID()
	r, err := c.Store.InjectMarker(sess, m, c.markerWindow(sess))
	if err != nil {
		return nil, err
	}
	c.streamMarker(sess, r, m, false)
	c.evoke(sess, m)
	c.event("markerInjected", "record", r.ID, "session", sess.ID, "label", m.Label)
	return rpc.Object{"marker": c.markerObject(m), "recordId": r.ID, "sessionId": sess.ID}, nil
}

// echoed is the time that a marker gets. Cortex brings it to its sample clock,
// so that the echo is some milliseconds before the time of the request; a world
// says how many at most.
func (c *Call) echoed(at time.Time) time.Time {
	if c.world.MarkerJitter <= 0 {
		return at
	}
	return at.Add(-time.Duration(c.markers.Int64N(int64(c.world.MarkerJitter)))).Truncate(time.Microsecond)
}

// markerValue is a string, or a number as it was written; an integer is not
// negative (injectMarker page).
func (c *Call) markerValue(a rpc.Args) (any, error) {
	raw := a.Raw("value")
	if raw[0] == '"' {
		return a.String("value"), nil
	}
	if n := a.Number("value"); n < 0 && n == math.Trunc(n) {
		return nil, c.invalid("value", "a string or a number, an integer of at least 0")
	}
	return json.Number(raw), nil
}

func updateMarker(c *Call, a rpc.Args) (any, error) {
	end, err := c.markerTime(a)
	if err != nil {
		return nil, err
	}
	sess, err := c.session(a)
	if err != nil {
		return nil, err
	}
	extras, err := c.extras(a)
	if err != nil {
		return nil, err
	}
	r, m, err := c.Store.UpdateMarker(sess, a.String("markerId"), end, extras, c.markerWindow(sess))
	if err != nil {
		return nil, err
	}
	c.streamMarker(sess, r, m, true)
	return rpc.Object{"marker": c.markerObject(m), "recordId": r.ID, "sessionId": sess.ID}, nil
}

// mark is a marker on its way into the MARKERS column of eeg.
type mark struct {
	stamp int64  // unit of streams.Sample.Stamp
	json  []byte // one object of the column
}

// streamMarker sends a marker, or the end of an interval, with the eeg sample of
// its time; one from the past with the next sample. All applications on the
// headset see it (Data sample object page). Of the object's members only
// applicationId, recordId and value are known, the others are guessed after the
// Marker object.
func (s *Service) streamMarker(sess *sessionstore.Session, r *sessionstore.Record, m *sessionstore.Marker, stop bool) {
	d := s.devices[sess.Headset.ID]
	if d == nil || d.source == nil {
		return
	}
	if s.world.MarkersLost > 0 && s.markers.Float64() < s.world.MarkersLost {
		return // labstreaminglayer #17
	}
	at := m.Start
	if stop {
		at = m.End
	}
	if late := s.world.MarkersLate; late > 0 && d.headset.Settings.EEGRate > 0 {
		at = at.Add(time.Duration(s.markers.IntN(late+1)) * time.Second / time.Duration(d.headset.Settings.EEGRate))
	}
	text, err := rpc.AppendJSON(nil, rpc.Object{
		"applicationId": sess.Application.ID, "isStop": stop, "label": m.Label, "markerId": m.ID, "port": m.Port, "recordId": r.ID, "value": m.Value,
	})
	if err != nil {
		s.log.Error("marker not encoded", "error", err)
		return
	}
	d.advance() // what is due before this instant has no marker yet
	stamp := (at.UnixNano() + 50_000) / 100_000
	i := slices.IndexFunc(d.marks, func(k mark) bool { return k.stamp > stamp })
	if i < 0 {
		i = len(d.marks)
	}
	d.marks = slices.Insert(d.marks, i, mark{stamp, text})
}

// evoke shows the wearer of the headset what the marker marks: where the state
// of the signal says what such a stimulus evokes, the eeg answers to it. A marker
// of long ago cannot change samples that were sent.
func (s *Service) evoke(sess *sessionstore.Session, m *sessionstore.Marker) {
	d := s.devices[sess.Headset.ID]
	if d == nil || d.source == nil {
		return
	}
	const latest = 2 * time.Second // an evoked response is over by then
	at := m.Start.Add(-d.spec.ClockOffset)
	if s.Now().Sub(at) <= latest {
		d.stimulus(at.UnixNano(), m.Label)
	}
}

// HardwareMarker gives a trigger at a headset, the first for "": the value is in
// the MARKER_HARDWARE column of the next eeg sample.
func (s *Service) HardwareMarker(headset string, value int) error {
	id, err := s.HeadsetID(headset)
	if err != nil {
		return err
	}
	d := s.devices[id]
	if d.source == nil {
		return fmt.Errorf("headset %s is not connected", id)
	}
	d.advance()
	if d.mask.Has(streams.EEG) && !d.silent { // else the sample passes unseen
		d.trigger = int64(value)
	}
	return nil
}

// withTrigger puts a trigger into an eeg sample and calls send with it.
func (d *device) withTrigger(sample *streams.Sample, send func(*streams.Sample)) {
	value := d.trigger
	d.trigger = 0
	for i, column := range d.source.Layout(streams.EEG).Columns {
		if column.Name == "MARKER_HARDWARE" {
			sample.Values[i] = value
			defer func() { sample.Values[i] = 0 }() // the source keeps its values
		}
	}
	send(sample)
}

// takeMarks returns the content of the MARKERS column of an eeg sample: what
// has come due since the sample before. It is valid until the next call.
func (d *device) takeMarks(sample *streams.Sample) []byte {
	n := 0
	d.markText = d.markText[:0]
	for ; n < len(d.marks) && d.marks[n].stamp <= sample.Stamp; n++ {
		if n > 0 {
			d.markText = append(d.markText, ',')
		}
		d.markText = append(d.markText, d.marks[n].json...)
	}
	d.marks = slices.Delete(d.marks, 0, n)
	return d.markText
}
