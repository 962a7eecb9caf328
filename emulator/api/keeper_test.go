package api

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/sessionstore"
)

// kept returns a bench over a world that keeps its state in a folder.
func keptBench(t *testing.T, dir string, change ...func(*World)) *bench {
	t.Helper()
	world := DefaultWorld()
	keeper, err := OpenKeeper(dir)
	require.NoError(t, err)
	t.Cleanup(func() { _ = keeper.Close() }) // unless it was killed
	world.Keeper = keeper
	for _, f := range change {
		f(&world)
	}
	b := newBench(t, world)
	b.session("a")
	return b
}

// kill ends the service without a word: nothing more is written.
func (b *bench) kill() { require.NoError(b.t, b.service.world.Keeper.Close()) }

// filled makes a record with markers, a subject, a profile and an opt-out.
func filled(t *testing.T, dir string) *bench {
	b := keptBench(t, dir)
	b.result("a", "createSubject", `{`+auth+`,"subjectName":"Ada","sex":"F","attributes":[{"name":"handedness","value":"Left"}]}`)
	b.result("a", "configOptOut", `{`+auth+`,"status":"set","newOptOut":true}`)
	b.result("a", "setupProfile", `{`+auth+`,"status":"create","profile":"mine"}`)
	b.result("a", "createRecord", `{`+inSession+`,"title":"Run","subjectName":"Ada","tags":["x"]}`)
	b.advance(2 * time.Second)
	b.inject("a", 0, `1.50`)
	b.result("a", "injectMarker", fmt.Sprintf(`{%s,"time":%d,"value":"v","label":"l","extras":{"b":1.10,"a":[]}}`, inSession, b.service.Now().UnixMilli()))
	b.advance(2 * time.Second)
	b.result("a", "stopRecord", `{`+inSession+`}`)
	b.advance(time.Second)
	b.result("a", "updateRecord", `{`+auth+`,"record":"$record","description":"D"}`)
	return b
}

const queryAll = `{` + auth + `,"query":{},"orderBy":[],"includeMarkers":true,"includeSyncStatusInfo":true}`

// TestKeptOverARestart: what was kept looks the same to a client of the next
// run, and exports the same bytes.
func TestKeptOverARestart(t *testing.T) {
	dir := t.TempDir()
	first := filled(t, dir)
	record := first.vars["$record"]
	folder := t.TempDir()
	require.Equal(t, record, successes(first.export("a", folder, everyStream)))
	table := lines(t, folder, "*.csv")
	frame := func(b *bench) string {
		return b.send("a", b.expand(`{"id":1,"jsonrpc":"2.0","method":"queryRecords","params":`+queryAll+`}`))[0]
	}
	want := frame(first)
	first.kill()

	second := keptBench(t, dir)
	require.Equal(t, want, frame(second))
	require.Equal(t, first.service.Store.Subjects(), second.service.Store.Subjects())
	require.Equal(t, first.service.Store.AllProfiles(), second.service.Store.AllProfiles())
	require.Equal(t, true, second.result("a", "configOptOut", `{`+auth+`,"status":"get"}`)["currOptOut"])
	second.vars["$record"] = record
	folder = t.TempDir()
	require.Equal(t, record, successes(second.export("a", folder, everyStream)))
	require.Equal(t, table, lines(t, folder, "*.csv"))

	// The same steps with the same seed give other ids.
	ids := map[string]bool{record: true}
	for range 5 {
		second.record("a")
		require.False(t, ids[second.vars["$record"]])
		ids[second.vars["$record"]] = true
		second.result("a", "stopRecord", `{`+inSession+`}`)
		second.result("a", "deleteRecord", `{`+auth+`,"records":["$record"]}`)
	}

	// A new record has the next number; a deleted one is gone for good.
	second.record("a")
	require.Equal(t, 7, second.service.Store.Record("demo.user", second.vars["$record"]).Number)
	second.result("a", "stopRecord", `{`+inSession+`}`)
	require.Len(t, list(t, filepath.Join(dir, "records")), 2)
	second.result("a", "deleteRecord", `{`+auth+`,"records":["`+record+`"]}`)
	require.Equal(t, []string{second.vars["$record"] + ".fcrec"}, list(t, filepath.Join(dir, "records")))
	second.kill()
	third := keptBench(t, dir)
	require.Len(t, third.service.Store.Records(), 1)
	require.Equal(t, sessionstore.RecordReady, third.service.Store.Records()[0].State, "its post-processing ended meanwhile")
}

// TestRunningRecordIsKeptAtTheEnd: Keep ends it first.
func TestRunningRecordIsKeptAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	b := keptBench(t, dir)
	record := b.record("a")
	b.advance(3 * time.Second)
	b.service.Keep()
	require.NoError(t, b.service.Close())
	b.kill()
	again := keptBench(t, dir)
	again.vars["$record"] = record
	folder := t.TempDir()
	require.Equal(t, record, successes(again.export("a", folder, "EEG")))
	require.Len(t, lines(t, folder, "*.csv"), 2+3*256)
}

// TestKilledWhileRecording: the record is there, its samples are not.
func TestKilledWhileRecording(t *testing.T) {
	dir := t.TempDir()
	b := filled(t, dir)
	b.record("a")
	b.result("a", "createSubject", `{`+auth+`,"subjectName":"Bob"}`) // the state is written while the record runs
	b.kill()
	again := keptBench(t, dir)
	again.vars["$record"] = b.vars["$record"]
	require.Equal(t, b.vars["$record"]+" -32147", failures(again.export("a", t.TempDir(), "EEG")))
	r := again.service.Store.Record("demo.user", b.vars["$record"])
	require.Equal(t, r.Start, r.End)
}

// withSeeds gives a world the records, subjects and licenses of seeded.
func withSeeds(w *World) {
	s := seeded()
	w.Records, w.Subjects, w.Licenses = s.Records, s.Subjects, s.Licenses
}

// TestKeptSeeds: what a world brings along is not there twice, and what the
// client changed stays changed.
func TestKeptSeeds(t *testing.T) {
	dir := t.TempDir()
	b := keptBench(t, dir, withSeeds)
	b.id("Mine")
	b.result("a", "updateRecord", `{`+auth+`,"record":"$record","description":"changed"}`)
	b.result("a", "updateSubject", `{`+auth+`,"subjectName":"Ada","city":"Linz"}`)
	b.kill()
	again := keptBench(t, dir, withSeeds)
	require.Len(t, again.service.Store.Records(), 4)
	require.Equal(t, again.id("Mine"), b.vars["$record"])
	require.Equal(t, "changed", again.service.Store.Record("demo.user", b.vars["$record"]).Description)
	require.Equal(t, "Linz", again.service.Store.Subject("demo.user", "Ada").City)
	require.Equal(t, b.vars["$record"], successes(again.export("a", t.TempDir(), "EEG")), "its samples are made as before")
}

// TestDeletedSeedsStayAway: what a client deleted does not come again with the
// next life of the same world; what the world brings anew does.
func TestDeletedSeedsStayAway(t *testing.T) {
	dir := t.TempDir()
	b := keptBench(t, dir, withSeeds)
	b.id("Mine")
	b.result("a", "deleteRecord", `{`+auth+`,"records":["$record"]}`)
	b.result("a", "deleteSubjects", `{`+auth+`,"subjects":["Ada"]}`)
	b.result("a", "setupProfile", `{`+auth+`,"status":"rename","profile":"demo","newProfileName":"mine"}`)
	b.kill()
	for range 2 {
		again := keptBench(t, dir, withSeeds, func(w *World) {
			w.Subjects = append(w.Subjects, sessionstore.Subject{Name: "New"})
			w.Records = append(w.Records, RecordSpec{Title: "New", Duration: time.Second})
			w.Profiles = append(w.Profiles, ProfileSpec{Profile: sessionstore.Profile{Name: "new"}})
		})
		var have []string
		for _, r := range again.service.Store.Records() {
			have = append(have, r.Title)
		}
		for _, sub := range again.service.Store.Subjects() {
			have = append(have, sub.Name)
		}
		for _, p := range again.service.Store.AllProfiles() {
			have = append(have, p.Name)
		}
		require.ElementsMatch(t, []string{"Theirs", "Empty", "Far", "New", "New", "mine", "new"}, have)
		again.service.Keep()
		again.kill()
	}
	b = keptBench(t, dir, func(w *World) { w.Profiles[0].LoadedOn = "EPOCPLUS-3B9A0001" })
	require.NotNil(t, b.service.Store.Profile("demo.user", "demo"), "one that the world has loaded is there")
}

// TestDamagedState: a damaged file is an error that names it, and stays.
func TestDamagedState(t *testing.T) {
	dir := t.TempDir()
	b := filled(t, dir)
	path := filepath.Join(dir, "state.json")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	b.kill()
	record := filepath.Join(dir, "records", b.vars["$record"]+".fcrec")
	replace := func(old, new string) string {
		require.Contains(t, string(whole), old)
		return strings.Replace(string(whole), old, new, 1)
	}
	for name, text := range map[string]string{
		"empty":                "",
		"cut":                  string(whole[:len(whole)/2]),
		"something behind":     string(whole) + "{}",
		"another version":      replace(`"version": 1`, `"version": 2`),
		"unknown member":       replace(`"version"`, `"flavour": 1, "version"`),
		"a path for an id":     replace(`"ID": "`+b.vars["$record"], `"ID": "../../x`),
		"no id":                replace(`"ID": "`+b.vars["$record"]+`"`, `"ID": ""`),
		"null for a record":    replace(`"records": [`, `"records": [null, `),
		"null for a marker":    replace(`"Markers": [`, `"Markers": [null, `),
		"a marker's value":     replace(`"Value": 1.50`, `"Value": []`),
		"a state out of range": replace(`"State": 2`, `"State": 7`),
		"a subject's name":     replace(`"Name": "Ada"`, `"Name": ""`),
		"null for a profile":   replace(`"profiles": [`, `"profiles": [null, `),
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		_, err := OpenKeeper(dir)
		require.ErrorContains(t, err, path, name)
		require.ErrorContains(t, err, "is damaged", name)
		left, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(left), name)
		require.FileExists(t, record, name)
	}
	_, err = OpenKeeper(filepath.Join(path, "x"))
	require.ErrorContains(t, err, "state folder")
}

func TestDamagedRecord(t *testing.T) {
	dir := t.TempDir()
	b := filled(t, dir)
	path := filepath.Join(dir, "records", b.vars["$record"]+".fcrec")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	b.kill()
	for _, damaged := range [][]byte{whole[:len(whole)/2], append([]byte("x"), whole...), append(append([]byte{}, whole[:len(whole)-9]...), make([]byte, 9)...)} {
		require.NoError(t, os.WriteFile(path, damaged, 0o644))
		again := keptBench(t, dir)
		again.vars["$record"] = b.vars["$record"]
		require.Equal(t, b.vars["$record"]+" -32147", failures(again.export("a", t.TempDir(), "EEG")))
		again.service.Keep()
		left, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, damaged, left, "it is not overwritten")
		again.kill()
	}
}

// TestKeeperWrites: a failed write leaves the old file, an older state does not
// replace a newer one, and what a crash left behind goes.
func TestKeeperWrites(t *testing.T) {
	dir := t.TempDir()
	b := filled(t, dir)
	k := b.service.world.Keeper
	before, err := os.ReadFile(k.stateFile())
	require.NoError(t, err)
	require.ErrorIs(t, k.write(k.stateFile(), k.next+1, func(w io.Writer) error {
		_, _ = w.Write([]byte("half"))
		return io.ErrShortWrite
	}), io.ErrShortWrite)
	require.NoError(t, k.write(k.stateFile(), k.written-1, func(w io.Writer) error {
		_, err := w.Write([]byte("old"))
		return err
	}))
	after, err := os.ReadFile(k.stateFile())
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.ElementsMatch(t, []string{"lock", "records", "state.json"}, list(t, dir), "no half file is left")

	for _, junk := range []string{".fakecortex-1.part", "records/.fakecortex-2.part", "records/00000000-0000-4000-8000-000000000000.fcrec", "records/notes.txt"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, junk), nil, 0o644))
	}
	b.kill()
	keptBench(t, dir)
	require.ElementsMatch(t, []string{"lock", "records", "state.json"}, list(t, dir))
	require.ElementsMatch(t, []string{b.vars["$record"] + ".fcrec", "notes.txt"}, list(t, filepath.Join(dir, "records")), "what is not ours stays")
}

// TestKeepingWaitsForItself: changes while the state is being written are
// written afterwards, once.
func TestKeepingWaitsForItself(t *testing.T) {
	b := keptBench(t, t.TempDir())
	var work []func()
	b.service.hooks.Background = func(w func(ctx context.Context), done func()) {
		work = append(work, func() { w(b.t.(*testing.T).Context()); done() })
	}
	for i := range 5 {
		b.result("a", "createSubject", fmt.Sprintf(`{%s,"subjectName":"s%d"}`, auth, i))
	}
	require.Len(t, work, 1)
	work[0]()
	require.Len(t, work, 2)
	work[1]()
	require.Len(t, work, 2)
	state, err := b.service.world.Keeper.read()
	require.NoError(t, err)
	require.Len(t, state.Subjects, 5)
}
