package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/fakecortex/fakecortex/emulator/atomicfile"
	"github.com/fakecortex/fakecortex/emulator/export"
	"github.com/fakecortex/fakecortex/sessionstore"
)

// Keeper keeps records, subjects, opt-outs and profiles over a restart, in one
// folder:
//
//	state.json          all but the samples
//	records/ID.fcrec    the samples of one record (see export.Recording.WriteTo)
//	lock                held while the Keeper is open; the number of its process
//
// Each file is written beside and renamed when whole. A damaged state.json is an
// error of OpenKeeper and stays as it is; a damaged record answers exportRecord
// with -32147 and stays too. Two services cannot share a folder.
type Keeper struct {
	dir  string
	lock *os.File

	mu      sync.Mutex // files are written beside the loop
	written uint64     // number of the state in the file

	running sync.WaitGroup // writes beside the loop that were asked for

	// The loop's:
	next    uint64          // number of the last state that was to be written
	lives   int             // that of the service
	seeds   []string        // what worlds have brought along
	earlier map[string]bool // the part of it that an earlier life had
}

// keptVersion is the version of the form of state.json.
const keptVersion = 1

// kept is the content of state.json.
type kept struct {
	Version  int                         `json:"version"`
	Lives    int                         `json:"lives"` // services that have written here
	Records  []*sessionstore.Record      `json:"records"`
	Subjects []*sessionstore.Subject     `json:"subjects"`
	OptOuts  []sessionstore.OptOutChoice `json:"optOuts"`
	Profiles []*sessionstore.Profile     `json:"profiles"`
	Seeds    []string                    `json:"seeds"` // what worlds have brought along
}

// OpenKeeper opens a folder, and makes it when it is missing. A folder that
// another Keeper has open, in whatever process, is an error. Close lets go of it;
// so does the end of the process.
func OpenKeeper(dir string) (*Keeper, error) {
	const writable = "give a folder that can be written"
	if err := os.MkdirAll(filepath.Join(dir, "records"), 0o755); err != nil {
		return nil, fmt.Errorf("state folder: %w; %s", err, writable)
	}
	path := filepath.Join(dir, "lock")
	lock, held, err := lockFile(path)
	switch {
	case held:
		by, _ := os.ReadFile(path) // only tells more
		return nil, fmt.Errorf("state folder %s is in use by process %s: stop that one, or choose another folder", dir, cmp.Or(strings.TrimSpace(string(by)), "unknown"))
	case err != nil:
		return nil, fmt.Errorf("state folder: %w; %s", err, writable)
	}
	k := &Keeper{dir: dir, lock: lock}
	if _, err := k.read(); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	if err := lock.Truncate(0); err == nil {
		_, _ = fmt.Fprintln(lock, os.Getpid()) // only tells more
	}
	return k, nil
}

// Close lets others open the folder. Nothing is written afterwards.
func (k *Keeper) Close() error { return k.lock.Close() }

func (k *Keeper) stateFile() string { return filepath.Join(k.dir, "state.json") }

func (k *Keeper) recordFile(id string) string { return filepath.Join(k.dir, "records", id+".fcrec") }

// read returns what is kept, an empty state when there is none yet.
func (k *Keeper) read() (*kept, error) {
	path := k.stateFile()
	damaged := func(err error) error {
		return fmt.Errorf("state file %s is damaged (%w): mend it or move it away; it was not changed", path, err)
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &kept{Version: keptVersion}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("state file: %w", err)
	}
	state := new(kept)
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // values of markers stay as they were written
	d.DisallowUnknownFields()
	if err := d.Decode(state); err != nil {
		return nil, damaged(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, damaged(errors.New("something stands behind the state"))
	}
	if state.Version != keptVersion {
		return nil, damaged(fmt.Errorf("version %d, want %d", state.Version, keptVersion))
	}
	if err := state.check(); err != nil {
		return nil, damaged(err)
	}
	return state, nil
}

func (s *kept) check() error {
	seen := make(map[string]bool)
	for i, r := range s.Records {
		// The id is part of a file's name.
		if r == nil || r.ID == "" || r.ID != filepath.Base(r.ID) || strings.ContainsAny(r.ID, `/\`) || seen[r.ID] {
			return fmt.Errorf("records[%d]: no id, or a strange one", i)
		}
		seen[r.ID] = true
		if r.State > sessionstore.RecordReady {
			return fmt.Errorf("records[%d]: state %d", i, r.State)
		}
		for j, m := range r.Markers {
			if m == nil {
				return fmt.Errorf("records[%d].markers[%d]: null", i, j)
			}
			switch m.Value.(type) {
			case string, json.Number:
			default:
				return fmt.Errorf("records[%d].markers[%d]: value %v", i, j, m.Value)
			}
		}
	}
	for i, sub := range s.Subjects {
		if sub == nil || sub.Name == "" {
			return fmt.Errorf("subjects[%d]: no name", i)
		}
	}
	for i, p := range s.Profiles {
		if p == nil || p.Name == "" {
			return fmt.Errorf("profiles[%d]: no name", i)
		}
	}
	return nil
}

// write writes one file in one step. A state that is older than the
// one in the file is left out.
func (k *Keeper) write(path string, number uint64, fill func(io.Writer) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if number != 0 && number < k.written {
		return nil
	}
	if err := atomicfile.Write(path, 0o600, os.Rename, fill); err != nil {
		return err
	}
	k.written = max(k.written, number)
	return nil
}

func (k *Keeper) writeRecord(id string, recording *export.Recording) error {
	return k.write(k.recordFile(id), 0, func(w io.Writer) error {
		_, err := recording.WriteTo(w)
		return err
	})
}

// seed notes what the world brings along and reports whether an earlier life had
// it: then it is kept, or its client has deleted it and it does not come again.
func (k *Keeper) seed(key string) (again bool) {
	if k == nil {
		return false
	}
	if !slices.Contains(k.seeds, key) {
		k.seeds = append(k.seeds, key)
	}
	return k.earlier[key]
}

// restore adds what is kept to the world. It comes before the records and
// subjects of the world, and after its profiles.
func (s *Service) restore() error {
	k := s.world.Keeper
	if k == nil {
		return nil
	}
	state, err := k.read()
	if err != nil {
		return err
	}
	if k.lives = state.Lives + 1; state.Lives > 0 {
		// The same seed would give the ids of the first life again.
		s.ids = rand.NewChaCha8(seed32(s.world.Seed, fmt.Sprintf("ids %d", k.lives)))
	}
	k.seeds, k.earlier = slices.Clone(state.Seeds), make(map[string]bool, len(state.Seeds))
	for _, key := range state.Seeds {
		k.earlier[key] = true
	}
	for _, sub := range state.Subjects {
		if err := s.Store.CreateSubject(sub); err != nil {
			return fmt.Errorf("state file %s: %w", k.stateFile(), err)
		}
	}
	for _, r := range state.Records {
		if r.State != sessionstore.RecordReady {
			// Its post-processing ended while the service was away.
			r.State = sessionstore.RecordReady
			if r.End.IsZero() {
				r.End = r.Start // the service was killed while it ran: its samples are lost
			}
		}
		s.Store.AddRecord(r)
		path := k.recordFile(r.ID)
		if _, err := os.Stat(path); err == nil {
			storage := s.world.RecordStorage
			s.data[r.ID] = &recordData{generate: func(context.Context) (*export.Recording, error) { return readRecording(path, storage) }}
		}
	}
	for _, choice := range state.OptOuts {
		s.Store.SetOptOutChoice(choice)
	}
	for _, p := range s.Store.AllProfiles() { // those of the world
		if k.seed("profile " + p.Owner + " " + p.Name) {
			_, _ = s.Store.DeleteProfile(p.Owner, &sessionstore.Application{}, p.Name) // refused when the world has it loaded
		}
	}
	for _, p := range state.Profiles {
		s.Store.AddProfile(p)
	}
	k.sweep(state)
	return nil
}

// sweep removes the files of records that are gone and what a crash left behind.
func (k *Keeper) sweep(state *kept) {
	known := make(map[string]bool, len(state.Records))
	for _, r := range state.Records {
		known[r.ID+".fcrec"] = true
	}
	for _, folder := range []string{k.dir, filepath.Join(k.dir, "records")} {
		entries, _ := os.ReadDir(folder) // nothing depends on it
		for _, e := range entries {
			if atomicfile.Unfinished(e.Name()) || strings.HasSuffix(e.Name(), ".fcrec") && !known[e.Name()] {
				_ = os.Remove(filepath.Join(folder, e.Name()))
			}
		}
	}
}

func readRecording(path string, storage export.Storage) (*export.Recording, error) {
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		var recording *export.Recording
		if recording, err = export.ReadRecording(f, storage); err == nil {
			return recording, nil
		}
	}
	return nil, &export.Error{Op: "open recording", Path: path, Kind: export.ErrCorrupted, Err: err}
}

// keptMethod reports whether a method changes what is kept.
func keptMethod(name string) bool {
	switch name {
	case "createSubject", "updateSubject", "deleteSubjects", "updateRecord", "deleteRecord", "configOptOut", "setupProfile":
		return true
	}
	return false
}

// keep writes the state, beside the loop. What changes meanwhile is written
// afterwards.
func (s *Service) keep() {
	k := s.world.Keeper
	switch {
	case k == nil:
		return
	case s.keeping:
		s.keepAgain = true
		return
	}
	write, err := s.snapshot()
	if err != nil {
		s.log.Error("state not kept", "error", err)
		return
	}
	s.keeping = true
	k.running.Add(1)
	s.background(func(context.Context) {
		defer k.running.Done()
		err = write()
	}, func() {
		s.keeping = false
		if err != nil {
			s.log.Error("state not kept", "error", err)
		}
		if s.keepAgain {
			s.keepAgain = false
			s.keep()
		}
	})
}

// keptState prints the state as it is now.
func (s *Service) keptState() ([]byte, error) {
	k := s.world.Keeper
	text, err := json.MarshalIndent(kept{
		Version: keptVersion, Lives: k.lives, Seeds: k.seeds, Records: s.Store.Records(), Subjects: s.Store.Subjects(), OptOuts: s.Store.OptOutChoices(), Profiles: s.Store.AllProfiles(),
	}, "", "  ")
	return append(text, '\n'), err
}

// snapshot takes the state as it is now; write, in any goroutine, puts it into
// the file.
func (s *Service) snapshot() (write func() error, err error) {
	k := s.world.Keeper
	text, err := s.keptState()
	if err != nil {
		return nil, err
	}
	k.next++
	number := k.next
	return func() error {
		return k.write(k.stateFile(), number, func(w io.Writer) error {
			_, err := w.Write(text)
			return err
		})
	}, nil
}

// keepRecord writes the samples of a record that has just ended, beside the loop.
func (s *Service) keepRecord(r *sessionstore.Record, data *recordData) {
	k := s.world.Keeper
	if k == nil || data.recording == nil {
		return
	}
	recording := data.recording
	var err error
	k.running.Add(1)
	s.background(func(context.Context) {
		defer k.running.Done()
		if err = k.writeRecord(r.ID, recording); err == nil {
			return
		}
		data.mu.Lock()
		defer data.mu.Unlock()
		if data.deleted {
			err = nil // deleted while it was being written
		}
	}, func() {
		switch {
		case err != nil:
			s.log.Error("record not kept", "record", r.ID, "error", err)
		case s.Store.Record(r.Owner, r.ID) == nil:
			s.forgetRecord(r.ID)
		}
	})
}

// forgetRecord removes the kept samples of a deleted record.
func (s *Service) forgetRecord(id string) {
	if k := s.world.Keeper; k != nil {
		if err := os.Remove(k.recordFile(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("kept record not removed", "record", id, "error", err)
		}
	}
}

// background runs work beside the loop, at once where there is no such place.
func (s *Service) background(work func(context.Context), done func()) {
	if s.hooks.Background == nil {
		work(context.Background())
		done()
		return
	}
	s.working++
	s.hooks.Background(work, func() {
		s.working--
		done()
	})
}

// maxWork bounds the work beside the loop that clients can start.
const maxWork = 64

// checkWork refuses more of it.
func (c *Call) checkWork() error {
	if c.working >= maxWork {
		return c.fault(CodeInternal, fmt.Sprintf("%d exports and records are being written: wait for their answers", c.working))
	}
	return nil
}

// Flush waits for what is being written and writes what has changed meanwhile,
// so that a world that begins anew finds all that clients were told. The loop
// calls it, and waits.
func (s *Service) Flush() {
	k := s.world.Keeper
	if k == nil {
		return
	}
	k.running.Wait()
	if !s.keepAgain {
		return
	}
	s.keepAgain = false
	write, err := s.snapshot()
	if err == nil {
		err = write()
	}
	if err != nil {
		s.log.Error("state not kept", "error", err)
	}
}

// Keep ends what records and writes what is not kept yet. It is called before
// Close when the service ends for good, not when its world is begun anew.
func (s *Service) Keep() {
	if s.world.Keeper == nil {
		return
	}
	s.hooks.Background = nil // nobody is left to wait
	s.keeping = false
	for _, sess := range s.Store.Sessions() {
		if sess.Recording {
			_, changes, _ := s.Store.StopRecord(sess, s.Now()) // it is recording, so nothing refuses
			s.apply(changes)
		}
	}
	s.keep()
}
