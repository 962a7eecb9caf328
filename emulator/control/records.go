package control

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/api"
	"github.com/fakecortex/fakecortex/emulator/export"
)

// exportRecord serves the files of a record in a zip. They are written into a
// fresh folder of our own, whatever --export-root says: nothing of the request
// becomes a path.
func (s *server) exportRecord(w http.ResponseWriter, r *http.Request) error {
	q, err := parameters(r, "format", "version", "streams")
	if err != nil {
		return err
	}
	x := api.RecordExport{Format: "CSV", Version: q.Get("version")}
	if q.Has("format") {
		x.Format = q.Get("format")
	}
	if q.Has("streams") {
		x.Streams = strings.Split(strings.Join(q["streams"], ","), ",")
	}
	if x.Format == "CSV" && x.Version == "" {
		x.Version = "V2"
	}
	select {
	case s.exports <- struct{}{}:
		defer func() { <-s.exports }()
	default:
		return status{http.StatusServiceUnavailable, fmt.Sprintf("%d records are being exported already", maxExports)}
	}
	dir, err := os.MkdirTemp(s.TempDir, "fakecortex-export-")
	if err != nil {
		return status{http.StatusConflict, "there is no folder for the files: start fakecortex with --record-dir"}
	}
	defer os.RemoveAll(dir)
	if x.Folder, err = filepath.Abs(dir); err != nil {
		return err
	}
	files, err := s.emu.ExportRecord(r.Context(), r.PathValue("id"), x)
	var wrong *export.Error
	if errors.As(err, &wrong) && errors.Is(err, export.ErrFormat) {
		return bad("%s", wrong.Err)
	}
	if errors.Is(err, emulator.ErrClosed) {
		return conflict(err)
	}
	if err != nil { // it may name our folder, which is nobody's business
		return status{http.StatusConflict, strings.ReplaceAll(err.Error(), x.Folder, "the folder")}
	}
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape("record-"+r.PathValue("id")+".zip"))
	out := zip.NewWriter(w)
	for _, name := range files {
		if pack(out, name) != nil {
			return nil // the peer has gone, and sees no end of the zip
		}
	}
	_ = out.Close()
	return nil
}

func pack(out *zip.Writer, file string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	entry, err := out.Create(filepath.Base(file))
	if err != nil {
		return err
	}
	_, err = io.Copy(entry, in)
	return err
}
