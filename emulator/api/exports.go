package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fakecortex/fakecortex/emulator/export"
	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// exportMethods is exportRecord.
func exportMethods() []rpc.Method[*Call] {
	return []rpc.Method[*Call]{{
		Name: "exportRecord", Chapter: "Records", Since: "2.1.1", Doc: "Writes files of records into a folder.", Handle: exportRecord,
		Params: []rpc.Param{
			tokenParam(), {Name: "recordIds", Type: rpc.TypeStringArray, Required: true}, {Name: "folder", Type: rpc.TypeString, Required: true},
			{Name: "streamTypes", Type: rpc.TypeStringArray, Required: true}, {Name: "format", Type: rpc.TypeString, Required: true},
			{Name: "version", Type: rpc.TypeString, EmptyIsAbsent: true}, {Name: "licenseIds", Type: rpc.TypeStringArray},
			{Name: "includeDemographics", Type: rpc.TypeBool}, {Name: "includeSurvey", Type: rpc.TypeBool},
			{Name: "includeMarkerExtraInfos", Type: rpc.TypeBool}, {Name: "includeDeprecatedPM", Type: rpc.TypeBool, Since: "3.0"},
		},
		Errors:  []int{CodeRecordUnknown, CodeRecordNotReady, CodeStreamDataUnsupported, CodeDataCorrupted, CodeExportFolder, CodeExportWrite},
		Guessed: "the codes for a record that is not ready, for the folder and for a failed write are invented",
	}}
}

// recordData is what is kept of a record besides its metadata.
type recordData struct {
	// While the record runs, on the loop:
	device   *device
	kinds    streams.Kinds
	recorder *export.Recorder

	mu        sync.Mutex // exports run beside the loop
	recording *export.Recording
	deleted   bool

	making sync.Mutex // held while generate runs, for seconds perhaps
	// generate makes the data of a record that nobody recorded; nil: there is none.
	generate func(context.Context) (*export.Recording, error)
}

// startRecorder begins to keep every stream of a headset, whether somebody
// listens to it or not.
func (s *Service) startRecorder(sess *sessionstore.Session, r *sessionstore.Record) {
	d := s.devices[r.Headset.ID]
	if d == nil || d.source == nil {
		return
	}
	d.advance() // what was due before belongs to nobody's record
	data := &recordData{device: d, recorder: export.NewRecorder(s.world.RecordStorage)}
	data.kinds = recordedKinds(d.source, sess.License)
	for kind := range streams.Kind(streams.NumKinds) {
		if data.kinds.Has(kind) {
			if err := data.recorder.Begin(kind, d.source.Layout(kind)); err != nil {
				s.log.Error("stream not recorded", "record", r.ID, "stream", kind, "error", err)
			}
		}
	}
	s.data[r.ID] = data
	d.recorders = append(d.recorders, data)
	d.listen()
}

// recordedKinds are the streams of a record: all that the headset has but sys,
// which no export has either. The metrics come at the rate of the license.
func recordedKinds(source *streams.Source, license *sessionstore.License) (kinds streams.Kinds) {
	for kind := range streams.Kind(streams.NumKinds) {
		switch {
		case kind == streams.SYS, source.Layout(kind) == nil:
		case kind == streams.MET && !license.HasScope("pm"), kind == streams.METLow && license.HasScope("pm"):
		default:
			kinds |= streams.KindSet(kind)
		}
	}
	return kinds
}

// stopRecorder ends the data of a record.
func (s *Service) stopRecorder(r *sessionstore.Record) {
	data := s.data[r.ID]
	if data == nil || data.recorder == nil {
		return
	}
	d := data.device
	if d.source != nil {
		d.advance()
	}
	kept := d.recorders[:0]
	for _, have := range d.recorders {
		if have != data {
			kept = append(kept, have)
		}
	}
	clear(d.recorders[len(kept):])
	d.recorders = kept
	d.listen()
	recording, err := data.recorder.Stop()
	if err != nil {
		s.log.Error("record damaged", "record", r.ID, "error", err)
	}
	data.mu.Lock()
	data.recording = recording
	data.mu.Unlock()
	data.device, data.recorder = nil, nil
	s.keepRecord(r, data)
}

// open returns the data of a record for an export.
func (data *recordData) open(ctx context.Context) (*export.Recording, error) {
	none := &export.Error{Op: "open recording", Kind: export.ErrCorrupted, Err: errors.New("the record has no data")}
	if data == nil {
		return nil, none
	}
	data.making.Lock()
	defer data.making.Unlock()
	data.mu.Lock()
	recording := data.recording
	data.mu.Unlock()
	if recording != nil {
		return recording, nil
	}
	if data.generate == nil {
		return nil, none
	}
	recording, err := data.generate(ctx)
	if err != nil {
		return nil, err
	}
	data.mu.Lock()
	defer data.mu.Unlock()
	if data.deleted {
		return nil, errors.Join(none, recording.Delete())
	}
	data.recording = recording
	return recording, nil
}

// free deletes the data.
func (data *recordData) free() error {
	data.mu.Lock()
	defer data.mu.Unlock()
	data.deleted = true
	recording := data.recording
	if data.recorder != nil {
		recording, _ = data.recorder.Stop() // its error was logged, and the data goes anyway
		data.recorder = nil
	}
	if recording == nil {
		return nil
	}
	return recording.Delete()
}

// freeRecord deletes the data of a deleted record.
func (s *Service) freeRecord(r *sessionstore.Record) {
	data := s.data[r.ID]
	if data == nil {
		return
	}
	delete(s.data, r.ID)
	s.forgetRecord(r.ID)
	if err := data.free(); err != nil {
		s.log.Warn("data of a record not deleted", "record", r.ID, "error", err)
	}
}

// RecordSize returns how many bytes of the samples of a record are in memory and
// in its temporary file; 0 while it runs.
func (s *Service) RecordSize(id string) (memory, disk int64) {
	data := s.data[id]
	if data == nil {
		return 0, 0
	}
	data.mu.Lock()
	defer data.mu.Unlock()
	if data.recording == nil {
		return 0, 0
	}
	return data.recording.Bytes()
}

// Close frees what the service holds outside memory. Nothing may be called
// afterwards.
func (s *Service) Close() error {
	var err error
	for _, data := range s.data {
		err = errors.Join(err, data.free())
	}
	s.data = nil
	return err
}

// exportTask is one record of an exportRecord.
type exportTask struct {
	id   string
	data *recordData
	job  export.Job
	err  error
}

func exportRecord(c *Call, a rpc.Args) (any, error) {
	job, err := c.exportJob(a)
	if err != nil {
		return nil, err
	}
	if err := c.checkWork(); err != nil {
		return nil, err
	}
	streamTypes := a.Strings("streamTypes")
	for _, name := range streamTypes {
		set, _ := export.ParseStreamType(name) // exportable refuses an unknown one
		job.Streams |= set
	}
	ids := a.Strings("recordIds")
	var tasks []*exportTask // one a record, however often it is named
	errs := make(map[string]error, len(ids))
	for _, id := range ids {
		if _, twice := errs[id]; twice {
			continue
		}
		r := c.Store.Record(c.token.Username, id)
		if errs[id] = c.exportable(r, id, a.Strings("licenseIds"), streamTypes); errs[id] == nil {
			job.Record = c.exportedRecord(r, c.app.ID)
			tasks = append(tasks, &exportTask{id: id, data: c.data[id], job: job})
		}
	}
	work := func(ctx context.Context) {
		for _, task := range tasks {
			if task.job.Recording, task.err = task.data.open(ctx); task.err == nil {
				_, task.err = export.Export(ctx, task.job)
			}
		}
	}
	return &later{work: work, done: func() (any, error) {
		for _, task := range tasks {
			errs[task.id] = c.exportFault(task.err)
		}
		return c.each(ids, func(id string) error { return errs[id] }), nil
	}}, nil
}

// exportJob reads the parameters that are the same for each record.
func (c *Call) exportJob(a rpc.Args) (export.Job, error) {
	job := export.Job{
		Format: export.Format(a.String("format")), Folder: a.String("folder"), Folders: c.world.ExportFolders, Now: c.Now(),
		IncludeDemographics: a.Bool("includeDemographics", false), IncludeSurvey: a.Bool("includeSurvey", false),
		IncludeMarkerExtraInfos: a.Bool("includeMarkerExtraInfos", false), IncludeDeprecatedPM: a.Bool("includeDeprecatedPM", false),
	}
	version := a.String("version")
	switch job.Format {
	case export.CSV:
		if !a.Has("version") {
			return job, c.missing("version")
		}
		if version != "V1" && version != "V2" {
			return job, c.invalid("version", "V1 or V2")
		}
		job.Version = version
	case export.EDF:
		if version != "" {
			return job, c.invalid("version", "left out with format EDF")
		}
	case export.EDFPLUS, export.BDFPLUS:
		// The page does not say whether a version is refused: it is ignored.
		if !c.compat.PlusFormats {
			return job, c.invalid("format", "CSV or EDF before Cortex 3.7.5")
		}
	default:
		return job, c.invalid("format", "CSV, EDF, EDFPLUS or BDFPLUS")
	}
	return job, nil
}

// exportable returns why a record cannot be exported, or nil. With a stream
// that it lacks the whole record fails (cortex-example #128).
func (c *Call) exportable(r *sessionstore.Record, id string, licenses, streamTypes []string) error {
	switch {
	case r == nil:
		return c.fault(CodeRecordUnknown, c.token.Username+" has no record "+id)
	case !r.OwnedBy(c.app) && !slices.Contains(licenses, r.LicenseID):
		return c.fault(CodeRecordUnknown, fmt.Sprintf("record %s is of %s: name its license %s in licenseIds", id, r.ApplicationID, r.LicenseID))
	}
	if err := c.exportGate(r); err != nil {
		return err
	}
	for _, name := range streamTypes {
		if _, known := export.ParseStreamType(name); !known {
			return c.fault(CodeStreamDataUnsupported, "streamTypes: "+name+", want EEG, MOTION, PM or BP")
		}
	}
	if slices.Contains(streamTypes, "EEG") && !slices.Contains(r.LicenseScope, "eeg") {
		return c.fault(CodeStreamDataUnsupported, fmt.Sprintf("EEG: the license of record %s has no scope eeg", id))
	}
	return nil
}

// exportGate is what a record must have waited for: the disconnection of its
// headset in Cortex 2.1 to 2.6, warning 18 until 3.x, warning 30 since 4.0.
func (c *Call) exportGate(r *sessionstore.Record) error {
	ready := r.State == sessionstore.RecordReady
	wait := "warning 30"
	switch c.compat.ExportGate {
	case GateDisconnect:
		h := c.Store.Headset(r.Headset.ID)
		ready = r.State != sessionstore.RecordRunning && (h == nil || h.Status != sessionstore.HeadsetConnected)
		wait = "the disconnection of headset " + r.Headset.ID
	case GateWarning18:
		wait = "warning 18"
	}
	switch {
	case r.State == sessionstore.RecordRunning:
		return c.fault(CodeRecordNotReady, "record "+r.ID+" is running: call stopRecord")
	case !ready:
		return c.fault(CodeRecordNotReady, "record "+r.ID+" is not ready: wait for "+wait)
	case r.Sync == sessionstore.SyncNotDownloaded:
		return c.fault(CodeRecordNotReady, "the data of record "+r.ID+" is in the cloud only: call requestToDownloadRecordData")
	}
	return nil
}

// RecordExport says what PrepareExport writes.
type RecordExport struct {
	Format  string   // CSV, EDF, EDFPLUS or BDFPLUS
	Version string   // V1 or V2 of CSV
	Streams []string // EEG, MOTION, PM, BP; none: all that the record and the format have
	Folder  string   // an absolute path; it is taken as it is
}

// PrepareExport prepares the export of a record of any user for somebody beside
// the clients: no application, license or warning stands before it. The returned
// work writes the files and returns their paths; it runs in any goroutine.
func (s *Service) PrepareExport(id string, x RecordExport) (work func(context.Context) ([]string, error), err error) {
	i := slices.IndexFunc(s.Store.Records(), func(r *sessionstore.Record) bool { return r.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("record %q: there is no such record", id)
	}
	r := s.Store.Records()[i]
	if r.State == sessionstore.RecordRunning {
		return nil, fmt.Errorf("record %s is running: stop it first", id)
	}
	job := export.Job{
		Record: s.exportedRecord(r, r.ApplicationID), Format: export.Format(x.Format), Version: x.Version, Folder: x.Folder, Now: s.Now(),
		IncludeDemographics: true, IncludeSurvey: true, IncludeMarkerExtraInfos: true,
	}
	for _, name := range x.Streams {
		set, ok := export.ParseStreamType(name)
		if !ok {
			return nil, fmt.Errorf("streams: %q is unknown, want EEG, MOTION, PM or BP", name)
		}
		job.Streams |= set
	}
	data := s.data[id]
	return func(ctx context.Context) ([]string, error) {
		var err error
		if job.Recording, err = data.open(ctx); err != nil {
			return nil, err
		}
		if job.Streams == 0 {
			job.Streams = exportableStreams(job.Recording, job.Format)
		}
		return export.Export(ctx, job)
	}, nil
}

// exportableStreams are the streams of a recording that a format can hold.
func exportableStreams(r *export.Recording, format export.Format) (set export.StreamTypes) {
	kinds := r.Kinds()
	for kind, stream := range map[streams.Kind]export.StreamTypes{
		streams.EEG: export.StreamEEG, streams.MOT: export.StreamMotion, streams.MET: export.StreamPM, streams.METLow: export.StreamPM, streams.POW: export.StreamBP,
	} {
		if kinds.Has(kind) && (format == export.CSV || kind == streams.EEG || kind == streams.MOT) {
			set |= stream
		}
	}
	return set
}

// exportedRecord is a copy of the metadata for the files.
func (s *Service) exportedRecord(r *sessionstore.Record, applicationID string) export.Record {
	h := r.Headset
	_, serial, _ := strings.Cut(h.ID, "-")
	out := export.Record{
		UUID: r.ID, Title: r.Title, Description: r.Description, Subject: r.SubjectName, Number: r.Number,
		Start: r.Start.In(s.world.Zone), End: r.End.In(s.world.Zone), ApplicationID: applicationID, User: r.Owner,
		Headset: export.Headset{Type: h.Model, ID: h.ID, Serial: serial, Firmware: h.Firmware, ConnectionType: h.ConnectedBy},
		Rates:   map[streams.Kind]float64{streams.EEG: float64(h.Settings.EEGRate), streams.METLow: 1 / s.world.BasicMetPeriod.Seconds()},

		Demographics: s.demographics(r),
	}
	if model, ok := streams.ModelByName(h.Model); ok {
		out.Rates[streams.MOT] = model.MotionRate(streams.Settings(h.Settings))
	}
	if len(h.Mappings) > 0 {
		out.Mappings = h.Mappings
	}
	if len(r.Survey) > 0 {
		out.Survey = r.Survey
	}
	for _, m := range r.Markers {
		marker := export.Marker{
			UUID: m.ID, Type: string(m.Type), Value: m.Value, Label: m.Label, Port: m.Port, Start: m.Start.In(s.world.Zone), End: m.End.In(s.world.Zone),
		}
		var extras map[string]any
		if json.Unmarshal(m.Extras, &extras) == nil {
			marker.Extras = extras
		}
		out.Markers = append(out.Markers, marker)
	}
	return out
}

// exportFault turns what went wrong into the failure entry of its kind.
func (c *Call) exportFault(err error) error {
	var fault *rpc.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &fault):
		return fault
	case errors.Is(err, export.ErrStreamNotSupported):
		return c.fault(CodeStreamDataUnsupported, err.Error())
	case errors.Is(err, export.ErrCorrupted):
		return c.fault(CodeDataCorrupted, err.Error())
	case errors.Is(err, export.ErrFolderMissing), errors.Is(err, export.ErrOutsideRoot):
		return c.fault(CodeExportFolder, err.Error())
	case errors.Is(err, export.ErrNoSpace), errors.Is(err, export.ErrUnwritable):
		return c.fault(CodeExportWrite, err.Error())
	}
	return c.fault(CodeInternal, err.Error())
}

// simulate runs a headset from the start of a record to its end, as fast as the
// machine can, and keeps what it gives.
func simulate(ctx context.Context, config streams.SourceConfig, length time.Duration, license *sessionstore.License, storage export.Storage) (*export.Recording, error) {
	source, err := streams.NewSource(config)
	if err != nil {
		return nil, fmt.Errorf("simulate a record: %w", err)
	}
	recorder, kinds := export.NewRecorder(storage), recordedKinds(source, license)
	for kind := range streams.Kind(streams.NumKinds) {
		if kinds.Has(kind) {
			if err := recorder.Begin(kind, source.Layout(kind)); err != nil {
				return nil, fmt.Errorf("simulate a record: %w", err)
			}
		}
	}
	const step = 10 * time.Second
	for done := time.Duration(0); done < length && ctx.Err() == nil; {
		done = min(done+step, length)
		source.Advance(config.Start+int64(done), kinds, recorder.Add)
	}
	recording, err := recorder.Stop()
	if err = errors.Join(err, ctx.Err()); err != nil {
		return nil, errors.Join(err, recording.Delete())
	}
	return recording, nil
}
