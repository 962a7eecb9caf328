package export

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/fakecortex/fakecortex/streams"
)

// Format is the `format` of exportRecord.
type Format string

const (
	CSV     Format = "CSV"
	EDF     Format = "EDF"
	EDFPLUS Format = "EDFPLUS" // since Cortex 3.7.5
	BDFPLUS Format = "BDFPLUS" // since Cortex 3.7.5
)

// StreamTypes is the `streamTypes` of exportRecord, as a set.
type StreamTypes uint8

const (
	StreamEEG    StreamTypes = 1 << iota // with contact quality, EEG quality, battery
	StreamMotion                         // mot
	StreamPM                             // met
	StreamBP                             // pow
	StreamMC                             // com: in EmotivPRO's files, not in the API
	StreamFE                             // fac: in EmotivPRO's files, not in the API
)

// ParseStreamType returns one of the four that exportRecord knows.
func ParseStreamType(name string) (StreamTypes, bool) {
	switch name {
	case "EEG":
		return StreamEEG, true
	case "MOTION":
		return StreamMotion, true
	case "PM":
		return StreamPM, true
	case "BP":
		return StreamBP, true
	}
	return 0, false
}

// Job is the export of one record (exportRecord page).
type Job struct {
	Record    Record
	Recording *Recording

	Format  Format
	Version string // V1 or V2 for CSV, else empty
	Streams StreamTypes

	IncludeDemographics     bool // demographics into the JSON
	IncludeSurvey           bool // survey into the JSON
	IncludeMarkerExtraInfos bool // the marker CSV
	IncludeDeprecatedPM     bool // PM.Focus as well

	Folders Folders
	Folder  string    // as the client named it
	Now     time.Time // exportTime of the JSON

	wrap func(io.Writer) io.Writer
}

// Export writes the files of a job and returns their paths. Either all files
// are there, whole, or none: they are written under temporary names in the
// same folder and renamed at the end. An older export of the same name is
// replaced. A cancelled ctx ends the export with its error; any other error is
// an [*Error]. Export may run in any goroutine and touches nothing but the
// recording, which it only reads.
func Export(ctx context.Context, job Job) (files []string, err error) {
	j := &job
	if err := j.check(); err != nil {
		return nil, err
	}
	dir, where, err := j.Folders.open(j.Folder)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	out := &output{ctx: ctx, dir: dir, where: where, wrap: j.wrap}
	if err = j.write(out); err == nil {
		files, err = out.commit()
	}
	if err != nil {
		out.abort()
		if cerr := ctx.Err(); cerr != nil && !errors.Is(err, cerr) {
			err = cerr
		}
		return nil, err
	}
	return files, nil
}

func (j *Job) check() error {
	switch {
	case j.Format == CSV && (j.Version == "V1" || j.Version == "V2"):
	case (j.Format == EDF || j.Format == EDFPLUS || j.Format == BDFPLUS) && j.Version == "":
	default:
		return &Error{Op: "choose format", Path: strings.TrimSpace(string(j.Format) + " " + j.Version), Kind: ErrFormat,
			Err: errors.New("want CSV with V1 or V2, or EDF, EDFPLUS, BDFPLUS without a version")}
	}
	if j.Recording == nil {
		return corrupted("open recording", errors.New("the record has no data"))
	}
	if err := j.Recording.Err(); err != nil {
		return corrupted("open recording", err)
	}
	if err := supported("no stream", j.Streams != 0); err != nil {
		return err
	}
	if j.Format != CSV { // exportRecord page: EDF allows only EEG and MOTION
		if err := supported("PM, BP, MC or FE as "+string(j.Format), j.Streams&^(StreamEEG|StreamMotion) == 0); err != nil {
			return err
		}
	}
	for _, s := range streamsOf {
		if j.Streams&s.set != 0 {
			if err := supported(s.name, j.kind(s.kind) >= 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// streamsOf are the chosen streams in the order of the tags in a file's name.
var streamsOf = [...]struct {
	set             StreamTypes
	kind            streams.Kind
	name, tag, rate string
}{
	{StreamEEG, streams.EEG, "EEG", "", "eeg"},
	{StreamMotion, streams.MOT, "MOTION", ".md", "mot"},
	{StreamMC, streams.COM, "MC", ".mc", "mc"},
	{StreamPM, streams.MET, "PM", ".pm", "pm"},
	{StreamFE, streams.FAC, "FE", ".fe", "fe"},
	{StreamBP, streams.POW, "BP", ".bp", "pow"},
}

// kind is the recorded stream that stands for k, or -1: a record without
// 2 Hz metrics has those at 0.1 Hz.
func (j *Job) kind(k streams.Kind) int {
	if k == streams.MET && j.Recording.Samples(streams.MET) == 0 && j.Recording.Layout(streams.METLow) != nil {
		k = streams.METLow
	}
	if j.Recording.Layout(k) == nil {
		return -1
	}
	return int(k)
}

func (j *Job) write(out *output) error {
	base := j.Record.baseName()
	var err error
	switch {
	case j.Format == CSV && j.Version == "V1":
		err = j.writeV1(out, base)
	case j.Format == CSV:
		err = j.writeV2(out, base)
	default:
		err = j.writeEDF(out, base)
	}
	if err != nil {
		return err
	}
	if err := out.file(base+".json", j.writeJSON); err != nil {
		return err
	}
	if j.IncludeMarkerExtraInfos {
		return out.file(base+"_intervalMarker.csv", j.writeMarkers)
	}
	return nil
}
