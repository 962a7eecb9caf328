package api

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
)

// recordMethods are the methods of the Records chapter; exportRecord is in
// exports.go.
func recordMethods() []rpc.Method[*Call] {
	const chapter = "Records"
	required := func(name string, t rpc.Type) rpc.Param { return rpc.Param{Name: name, Type: t, Required: true} }
	return []rpc.Method[*Call]{
		{
			Name: "createRecord", Chapter: chapter, Doc: "Starts a record in an activated session.", Handle: createRecord,
			Params: []rpc.Param{
				tokenParam(), required("session", rpc.TypeString), required("title", rpc.TypeString),
				{Name: "description", Type: rpc.TypeString}, {Name: "subjectName", Type: rpc.TypeString, EmptyIsAbsent: true},
				{Name: "tags", Type: rpc.TypeStringArray}, {Name: "experimentId", Type: rpc.TypeInteger, Since: "2.2.1"},
			},
			Errors:  []int{CodeSessionUnknown, CodeSessionNotActive, CodeRecordRunning, CodeSubjectUnknown},
			Guessed: "the code for a second record is that of Cortex 1, the code for an unknown subject is invented",
		},
		{
			Name: "stopRecord", Chapter: chapter, Doc: "Stops the record of a session.", Handle: stopRecord,
			Params: []rpc.Param{tokenParam(), required("session", rpc.TypeString)},
			Errors: []int{CodeSessionUnknown, CodeSessionNotActive, CodeNoRecordRunning}, Warnings: []int{WarnRecordSaved, WarnRecordReady},
			Guessed: "the code without a record is that of Cortex 1",
		},
		{
			Name: "updateRecord", Chapter: chapter, Doc: "Changes title, description or tags of a record of the application.", Handle: updateRecord,
			Params: []rpc.Param{
				tokenParam(), required("record", rpc.TypeString), {Name: "title", Type: rpc.TypeString},
				{Name: "description", Type: rpc.TypeString}, {Name: "tags", Type: rpc.TypeStringArray},
			},
			Errors: []int{CodeRecordUnknown},
		},
		{
			Name: "deleteRecord", Chapter: chapter, Doc: "Deletes records of the application.", Handle: deleteRecord,
			Params: []rpc.Param{tokenParam(), required("records", rpc.TypeStringArray)}, Errors: []int{CodeRecordUnknown, CodeRecordRunning},
			Guessed: "a running record is refused",
		},
		{
			Name: "queryRecords", Chapter: chapter, Doc: "Finds records of the application, or of a license.", Handle: queryRecords,
			Params: []rpc.Param{
				tokenParam(), required("query", rpc.TypeObject), required("orderBy", rpc.TypeObjectArray),
				{Name: "limit", Type: rpc.TypeInteger}, {Name: "offset", Type: rpc.TypeInteger},
				{Name: "includeMarkers", Type: rpc.TypeBool, Since: "2.1"}, {Name: "includeSyncStatusInfo", Type: rpc.TypeBool, Since: "2.6.3"},
			},
			Guessed: "duration is in seconds, dates are ISO 8601",
		},
		{
			Name: "getRecordInfos", Chapter: chapter, Doc: "Describes records by their ids.", Handle: getRecordInfos,
			Params:  []rpc.Param{tokenParam(), required("recordIds", rpc.TypeStringArray)},
			Guessed: "an unknown id is left out",
		},
		{
			Name: "configOptOut", Chapter: chapter, Doc: "Gets or sets whether records stay on this machine.", Handle: configOptOut, Since: "2.2.1",
			Params: []rpc.Param{tokenParam(), {Name: "status", Type: rpc.TypeString, Required: true, Enum: []string{"get", "set"}}, {Name: "newOptOut", Type: rpc.TypeBool}},
			Errors: []int{CodeOptOutUnavailable}, Warnings: []int{WarnOptOutOn, WarnOptOutOff},
			Guessed: "when forceOptOut is true, the message of set, and which of the two warnings is which",
		},
		{
			Name: "requestToDownloadRecordData", Chapter: chapter, Doc: "Downloads the data of records from the cloud.", Handle: requestToDownloadRecordData,
			Params: []rpc.Param{tokenParam(), required("recordIds", rpc.TypeStringArray)}, Errors: []int{CodeRecordUnknown, CodeDownloadRefused},
		},
	}
}

// Bounds of the texts of a record. Only that of a title is documented
// (createRecord page); the others keep a client from filling the memory.
const (
	maxTitle       = 200
	maxDescription = 100_000
	maxTags        = 1000
)

// isoMicros is the form of dates of records and markers: microseconds and the
// offset of the host's zone, +00:00 for UTC.
func (s *Service) isoMicros(t time.Time) string {
	return t.In(s.world.Zone).Format("2006-01-02T15:04:05.000000-07:00")
}

// recordObject is the Record object of the documentation, for the application
// that asks.
func (c *Call) recordObject(r *sessionstore.Record) rpc.Object {
	o := rpc.Object{
		"applicationId": r.ApplicationID, "applicationVersion": r.ApplicationVersion, "description": r.Description,
		"endDatetime": "", "licenseId": r.LicenseID, "licenseScope": r.LicenseScope,
		"ownerId": r.OwnerID, "startDatetime": c.isoMicros(r.Start), "tags": notNil(r.Tags), "title": r.Title, "uuid": r.ID,
	}
	if r.ApplicationID == "" {
		o["applicationId"], o["applicationVersion"] = c.app.ID, c.app.Version
	}
	if len(r.LicenseScope) == 0 {
		o["licenseScope"] = []string{""} // a basic license prints one empty scope (cortex-example #42, #71)
	}
	if !r.End.IsZero() {
		o["endDatetime"] = c.isoMicros(r.End)
	}
	if c.compat.RecordExperimentID {
		o["experimentId"] = r.ExperimentID
	}
	if c.compat.RecordLocalOnly {
		o["localOnly"] = r.LocalOnly
	}
	if c.compat.HeadbandPosition {
		o["headbandPosition"] = nil
		if r.Headset.HeadbandPosition != "" {
			o["headbandPosition"] = r.Headset.HeadbandPosition
		}
	}
	if c.compat.RecordSubject {
		o["subject"] = rpc.Object{"subjectName": r.Subject()}
	}
	return o
}

func (c *Call) checkRecordTexts(a rpc.Args) error {
	switch {
	case utf8.RuneCountInString(a.String("title")) > maxTitle:
		return c.invalid("title", fmt.Sprintf("a string of at most %d characters", maxTitle))
	case len(a.String("description")) > maxDescription:
		return c.invalid("description", fmt.Sprintf("a string of at most %d bytes", maxDescription))
	case len(a.Strings("tags")) > maxTags || len(strings.Join(a.Strings("tags"), "")) > maxDescription:
		return c.invalid("tags", fmt.Sprintf("an array of at most %d strings, of at most %d bytes together", maxTags, maxDescription))
	}
	return nil
}

func createRecord(c *Call, a rpc.Args) (any, error) {
	if err := c.checkRecordTexts(a); err != nil {
		return nil, err
	}
	if err := c.checkWork(); err != nil {
		return nil, err
	}
	experiment := a.Number("experimentId")
	if experiment < 0 || experiment > math.MaxInt32 {
		return nil, c.invalid("experimentId", "an integer of at least 0")
	}
	sess, err := c.session(a)
	if err != nil {
		return nil, err
	}
	r, changes, err := c.Store.StartRecord(sess, sessionstore.NewRecord{
		ID: c.newID(), OwnerID: c.token.UserID, Title: a.String("title"), Description: a.String("description"), SubjectName: a.String("subjectName"),
		Tags: a.Strings("tags"), ExperimentID: int(experiment), Now: c.Now(),
	})
	if err != nil {
		return nil, err
	}
	c.apply(changes)
	return rpc.Object{"record": c.recordObject(r), "sessionId": sess.ID}, nil
}

func stopRecord(c *Call, a rpc.Args) (any, error) {
	sess, err := c.session(a)
	if err != nil {
		return nil, err
	}
	r, changes, err := c.Store.StopRecord(sess, c.Now())
	if err != nil {
		return nil, err
	}
	c.apply(changes)
	return rpc.Object{"record": c.recordObject(r), "sessionId": sess.ID}, nil
}

// recordStopped frees the headset of a record and begins its post-processing,
// at whose end the record may be exported.
func (s *Service) recordStopped(r *sessionstore.Record) {
	s.stopRecorder(r)
	s.keep()
	if s.world.PostProcessingNever {
		return
	}
	s.sched.After(int64(s.world.PostProcessing), func() {
		if s.Store.RecordProcessed(r) {
			s.recordReady(r)
			s.flushWarnings()
			s.keep()
		}
	})
}

// recordReady is warning 30, or 18 before Cortex 4, which does not say which
// record it is (cortex-example #156).
func (s *Service) recordReady(r *sessionstore.Record) {
	s.event("recordReady", "record", r.ID)
	if s.compat.Warning30 {
		s.warnApplication(r.ApplicationID, WarnRecordReady, rpc.Object{"behavior": s.warningText(WarnRecordReady, r.ID), "recordId": r.ID})
		return
	}
	s.warnApplication(r.ApplicationID, WarnRecordSaved, rpc.Object{"message": s.warningText(WarnRecordSaved, "")})
}

// warnApplication queues a warning to the connections of an application, that
// is those which used a token of it (inferred).
func (s *Service) warnApplication(appID string, code int, message any) {
	conns := s.Store.Connections(s.Store.ApplicationByID(appID))
	for _, p := range s.order {
		if slices.Contains(conns, p.ID) {
			s.warn(p, code, message)
		}
	}
}

// StopRecords ends every running record on a headset, as Cortex may do by
// itself. It reports false for an unknown id.
func (s *Service) StopRecords(headset string) bool {
	if s.devices[headset] == nil {
		return false
	}
	for _, sess := range s.Store.Sessions() {
		if sess.Headset.ID == headset && sess.Recording {
			_, changes, _ := s.Store.StopRecord(sess, s.Now()) // it is recording, so nothing refuses
			s.apply(changes)
		}
	}
	return true
}

func updateRecord(c *Call, a rpc.Args) (any, error) {
	if err := c.checkRecordTexts(a); err != nil {
		return nil, err
	}
	var u sessionstore.RecordUpdate
	if a.Has("title") {
		title := a.String("title")
		u.Title = &title
	}
	if a.Has("description") {
		description := a.String("description")
		u.Description = &description
	}
	if a.Has("tags") {
		u.Tags = a.Strings("tags")
	}
	r, err := c.Store.UpdateRecord(c.app, c.token.Username, a.String("record"), u, c.Now())
	if err != nil {
		return nil, err
	}
	return c.recordObject(r), nil // no envelope, other than createRecord's
}

// each answers a method about several records: an entry of success or failure
// for each id.
func (c *Call) each(ids []string, do func(id string) error) rpc.Object {
	success, failure := rpc.Array{}, rpc.Array{}
	for _, id := range ids {
		if err := do(id); err != nil {
			failure = append(failure, c.recordFailure(id, err))
			continue
		}
		success = append(success, rpc.Object{"recordId": id})
	}
	return rpc.Object{"failure": failure, "success": success}
}

func (c *Call) recordFailure(id string, err error) rpc.Object {
	fault := c.finalFault(c.toFault(err))
	c.refused(c.peer, c.Method, fault)
	return rpc.Object{"code": fault.Code, "message": fault.Message, "recordId": id}
}

func deleteRecord(c *Call, a rpc.Args) (any, error) {
	return c.each(a.Strings("records"), func(id string) error {
		changes, err := c.Store.DeleteRecord(c.app, c.token.Username, id)
		c.apply(changes)
		return err
	}), nil
}

// spanOf reads {from, to} of a query.
func spanOf[T any](query map[string]json.RawMessage, name string, parse func(json.RawMessage) (T, bool)) (sessionstore.Span[T], bool) {
	var span sessionstore.Span[T]
	raw, ok := query[name]
	if !ok || string(raw) == "null" {
		return span, true
	}
	var ends map[string]json.RawMessage
	if json.Unmarshal(raw, &ends) != nil {
		return span, false
	}
	for end, to := range map[string]**T{"from": &span.From, "to": &span.To} {
		raw, ok := ends[end]
		if !ok || string(raw) == "null" || string(raw) == `""` {
			continue
		}
		v, ok := parse(raw)
		if !ok {
			return span, false
		}
		*to = &v
	}
	return span, true
}

// parseDate reads an ISO 8601 date, with or without time and offset; without
// an offset it is in the zone of the host.
func (s *Service) parseDate(raw json.RawMessage) (time.Time, bool) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, s.world.Zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// parseSeconds reads a duration in seconds.
func parseSeconds(raw json.RawMessage) (time.Duration, bool) {
	var n float64
	if json.Unmarshal(raw, &n) != nil || math.Abs(n) > 1e9 {
		return 0, false
	}
	return time.Duration(n * float64(time.Second)), true
}

// textOf reads a string of a query; absent, null and "" mean no filter.
func textOf(query map[string]json.RawMessage, name string) (text string, ok bool) {
	raw := query[name]
	if raw == nil || string(raw) == "null" {
		return "", true
	}
	return text, json.Unmarshal(raw, &text) == nil
}

// orderOf reads orderBy: objects of exactly one key each, ASC or DESC.
func (c *Call) orderOf(a rpc.Args, keys []string) ([]sessionstore.Order, error) {
	var order []sessionstore.Order
	for _, object := range a.Objects("orderBy") {
		if len(object) != 1 {
			return nil, c.invalid("orderBy", "an array of objects of one key each")
		}
		for key, raw := range object {
			var direction string
			if !slices.Contains(keys, key) || json.Unmarshal(raw, &direction) != nil || direction != "ASC" && direction != "DESC" {
				return nil, c.invalid("orderBy", fmt.Sprintf(`an array of objects such as {"%s":"ASC"} or "DESC", their keys among %v`, keys[0], keys))
			}
			order = append(order, sessionstore.Order{Key: key, Desc: direction == "DESC"})
		}
	}
	return order, nil
}

// page reads limit and offset.
func (c *Call) page(a rpc.Args) (limit, offset int, err error) {
	for _, name := range []string{"limit", "offset"} {
		if n := a.Number(name); n < 0 || n > math.MaxInt32 {
			return 0, 0, c.invalid(name, "a number of at least 0")
		}
	}
	return a.Int("limit"), a.Int("offset"), nil
}

func queryRecords(c *Call, a rpc.Args) (any, error) {
	query := a.Object("query")
	q := sessionstore.RecordQuery{Owner: c.token.Username, Application: c.app, Now: c.Now()}
	for _, text := range []struct {
		name string
		to   *string
	}{{"licenseId", &q.LicenseID}, {"applicationId", &q.ApplicationID}, {"keyword", &q.Keyword}} {
		v, ok := textOf(query, text.name)
		if !ok {
			return nil, c.invalid("query."+text.name, "a string")
		}
		*text.to = v
	}
	if q.ApplicationID != "" && q.LicenseID == "" && q.ApplicationID != c.app.ID {
		return nil, c.invalid("query.applicationId", "together with licenseId")
	}
	var ok bool
	if q.Start, ok = spanOf(query, "startDatetime", c.parseDate); !ok {
		return nil, c.invalid("query.startDatetime", "an object of from and to, ISO 8601")
	}
	if q.Modified, ok = spanOf(query, "modifiedDatetime", c.parseDate); !ok {
		return nil, c.invalid("query.modifiedDatetime", "an object of from and to, ISO 8601")
	}
	if q.Duration, ok = spanOf(query, "duration", parseSeconds); !ok {
		return nil, c.invalid("query.duration", "an object of from and to in seconds")
	}
	var err error
	keys := sessionstore.RecordOrderKeys()
	if !c.compat.OrderByApplication {
		keys = slices.DeleteFunc(keys, func(key string) bool { return key == "applicationId" })
	}
	if q.OrderBy, err = c.orderOf(a, keys); err != nil {
		return nil, err
	}
	if q.Limit, q.Offset, err = c.page(a); err != nil {
		return nil, err
	}
	page, count := c.Store.QueryRecords(q)
	list := rpc.Array{}
	for _, r := range page {
		o := c.recordObject(r)
		if a.Bool("includeMarkers", false) {
			o["markers"] = c.markerObjects(r)
		}
		if a.Bool("includeSyncStatusInfo", false) {
			o["syncStatus"] = rpc.Object{"status": string(r.Sync)}
		}
		list = append(list, o)
	}
	return rpc.Object{"count": count, "limit": q.Limit, "offset": q.Offset, "records": list}, nil
}

// getRecordInfos tells of any record of the user, whose application made it
// does not matter (inferred from the official query example).
func getRecordInfos(c *Call, a rpc.Args) (any, error) {
	list := rpc.Array{}
	for _, id := range a.Strings("recordIds") {
		if r := c.Store.Record(c.token.Username, id); r != nil {
			list = append(list, c.recordObject(r))
		}
	}
	return list, nil
}

// configOptOut answers with the members that cortex-example #125 shows. Where the
// license or the application decides, set is refused and get says so.
func configOptOut(c *Call, a rpc.Args) (any, error) {
	license, verb := c.license(), "Get"
	available := !c.Store.OptOutLocked(c.app, license)
	if a.String("status") == "set" {
		switch {
		case !a.Has("newOptOut"):
			return nil, c.missing("newOptOut")
		case !available:
			return nil, c.fault(CodeOptOutUnavailable, "the license or the application does not leave the opt-out to "+c.app.Name)
		}
		c.apply(c.Store.SetOptOut(c.app, c.token.Username, license, a.Bool("newOptOut", false)))
		verb = "Set"
	}
	on := c.Store.OptOut(c.app, c.token.Username, license)
	return rpc.Object{
		"currOptOut": on, "forceOptOut": on && !available, "message": verb + " opt-out configuration successfully", "optOutAvail": available,
	}, nil
}

func (s *Service) optOutChanged(ch sessionstore.OptOutChanged) {
	code := WarnOptOutOff
	if ch.On {
		code = WarnOptOutOn
	}
	s.warnApplication(ch.Application.ID, code, rpc.Object{"behavior": s.warningText(code, ch.Application.Name)})
}

// requestToDownloadRecordData queues the download of records whose data only
// the cloud has; syncStatus tells of its end, no warning does (inferred).
func requestToDownloadRecordData(c *Call, a rpc.Args) (any, error) {
	return c.each(a.Strings("recordIds"), func(id string) error {
		r := c.Store.Record(c.token.Username, id)
		switch {
		case r == nil:
			return c.fault(CodeRecordUnknown, c.token.Username+" has no record "+id)
		case r.Sync != sessionstore.SyncNotDownloaded:
			return c.fault(CodeDownloadRefused, "record "+id+" is "+string(r.Sync)+": its data is on this machine")
		}
		c.sched.After(int64(c.world.DownloadDelay), func() {
			r.Sync = sessionstore.SyncDownloaded
			c.keep()
		})
		return nil
	}), nil
}
