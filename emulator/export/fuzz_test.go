package export

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fakecortex/fakecortex/streams"
)

// Whatever a client calls its record, its markers and its folder: an export is
// an error, or files that a reader reads, all within the root and nowhere else.
func FuzzExport(f *testing.F) {
	for _, s := range []string{"Run", "../../etc/passwd", "a,b\"c\nd", "\x00\xff", "CON", strings.Repeat("ü", 300), "=cmd()", `C:\data`, "."} {
		f.Add(s, s, s, uint8(len(s)))
	}
	src := newSource(insightSensors, 128, 64, streams.AllKinds)
	recording := src.record(Storage{}, 2)
	f.Fuzz(func(t *testing.T, title, label, folder string, which uint8) {
		outer := t.TempDir()
		root := filepath.Join(outer, "root")
		if err := os.Mkdir(root, 0o755); err != nil {
			t.Fatal(err)
		}
		start := time.Date(2026, 5, 29, 7, 18, 45, 0, time.UTC)
		job := Job{
			Record: Record{
				UUID: "u", Title: title, Description: label, Subject: title, Number: 1, Start: start, End: start.Add(2 * time.Second), ApplicationID: label, User: title,
				Headset: Headset{Type: label, ID: "INSIGHT-1", Serial: title, Firmware: "1", ConnectionType: "dongle"},
				Rates:   map[streams.Kind]float64{streams.EEG: 128, streams.MOT: 64},
				Markers: []Marker{{UUID: label, Type: "instance", Value: label, Label: label, Port: title, Start: start, End: start, Extras: map[string]any{title: label}}},
			},
			Recording: recording, Streams: StreamEEG | StreamMotion, IncludeMarkerExtraInfos: true, IncludeSurvey: true, IncludeDemographics: true,
			Folders: Folders{Root: root, Map: []FolderMap{{From: "*", To: "."}}}, Folder: folder,
		}
		switch which % 5 {
		case 0:
			job.Format, job.Version = CSV, "V1"
		case 1:
			job.Format, job.Version = CSV, "V2"
		case 2:
			job.Format = EDF
		case 3:
			job.Format = EDFPLUS
		case 4:
			job.Format = BDFPLUS
		}
		files, err := Export(context.Background(), job)
		found := 0
		walk := filepath.WalkDir(outer, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			found++
			if !strings.HasPrefix(path, root+string(filepath.Separator)) {
				t.Errorf("%s is outside of the root", path)
			}
			return nil
		})
		if walk != nil {
			t.Fatal(walk)
		}
		if err != nil {
			if found > 0 || len(files) > 0 {
				t.Fatalf("%v, and %d files", err, found)
			}
			return
		}
		if found != len(files) {
			t.Fatalf("%d files, told of %q", found, files)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			switch filepath.Ext(name) {
			case ".json":
				if !json.Valid(text) {
					t.Errorf("%s: %q", name, text)
				}
			case ".csv":
				// The first line of Cortex's own is no CSV: it quotes nothing.
				table := string(text)
				if strings.HasPrefix(table, "title:") {
					_, table, _ = strings.Cut(table, "\n")
				}
				r := csv.NewReader(strings.NewReader(table))
				r.FieldsPerRecord = -1
				if _, err := r.ReadAll(); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			case ".edf", ".bdf":
				checkEDF(t, text)
			}
		}
	})
}

// checkEDF checks that the header is printable ASCII and agrees with the size.
func checkEDF(t *testing.T, text []byte) {
	t.Helper()
	number := func(from, to int) (n int) {
		for _, c := range strings.TrimSpace(string(text[from:to])) {
			if c < '0' || c > '9' {
				t.Fatalf("header bytes %d to %d: %q", from, to, text[from:to])
			}
			n = n*10 + int(c-'0')
		}
		return n
	}
	head, records, signals := number(184, 192), number(236, 244), number(252, 256)
	if head != 256*(signals+1) || head > len(text) {
		t.Fatalf("%d bytes of header for %d signals", head, signals)
	}
	for i, c := range text[1:head] {
		if c < 0x20 || c > 0x7e {
			t.Fatalf("header byte %d is %#x", i+1, c)
		}
	}
	width := 2
	if text[0] == 0xff {
		width = 3
	}
	perRecord := 0
	for i := range signals {
		at := 256 + signals*216 + i*8
		perRecord += number(at, at+8)
	}
	if len(text) != head+records*perRecord*width {
		t.Fatalf("%d bytes, the header says %d", len(text), head+records*perRecord*width)
	}
}
