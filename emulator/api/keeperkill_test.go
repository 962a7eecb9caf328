package api

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator/export"
)

// keeperChild is the environment variable that makes TestKeeperChild the
// process that is to be killed: the state folder and when it ends by itself.
const keeperChild = "FAKECORTEX_TEST_KEEPER"

// TestKeeperChild is no test but the process that TestKilled kills. It writes
// subjects and records without an end and says what is written.
func TestKeeperChild(t *testing.T) {
	dir := os.Getenv(keeperChild)
	if dir == "" {
		t.Skip("TestKilled runs it")
	}
	b := keptBench(t, dir)
	first := len(b.service.Store.Subjects())
	for i := first; ; i++ {
		b.result("a", "createSubject", fmt.Sprintf(`{%s,"subjectName":"s%d"}`, auth, i))
		fmt.Println("written", i+1)
		if i%4 == 3 {
			b.record("a")
			b.advance(time.Second)
			b.result("a", "stopRecord", `{`+inSession+`}`)
			fmt.Println("recorded", b.vars["$record"])
		}
		if half := os.Getenv(keeperChild + "_HALF"); half != "" && i == first+2 {
			// It dies in the midst of a write.
			k := b.service.world.Keeper
			text, err := b.service.keptState()
			require.NoError(t, err)
			require.NoError(t, k.write(filepath.Join(dir, half), k.next+1, func(w io.Writer) error {
				if _, err := w.Write(text[:len(text)/2]); err != nil {
					return err
				}
				self, err := os.FindProcess(os.Getpid())
				if err != nil {
					return err
				}
				if err := self.Kill(); err != nil {
					return err
				}
				select {}
			}))
		}
	}
}

// startChild starts the process; lines are what it says. It ends with the test
// at the latest.
func startChild(t *testing.T, dir, half string) (child *exec.Cmd, lines *bufio.Scanner) {
	t.Helper()
	child = exec.Command(os.Args[0], "-test.run=^TestKeeperChild$", "-test.timeout=60s")
	child.Env = append(os.Environ(), keeperChild+"="+dir, keeperChild+"_HALF="+half)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	t.Cleanup(func() {
		_ = child.Process.Kill() // has ended already, if all is well
		_ = child.Wait()
	})
	return child, bufio.NewScanner(out)
}

// TestKilled kills a process that writes its state, at several moments and in
// the midst of a write: what it had said to be written is there, nothing is
// torn, and the folder is free. While it lives nobody else gets the folder.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	written, recorded := 0, map[string]bool{}
	read := func(line string) {
		var what, value string
		if _, err := fmt.Sscan(line, &what, &value); err != nil {
			return // what the testing package says
		}
		switch what {
		case "written":
			n, err := strconv.Atoi(value)
			require.NoError(t, err)
			written = n
		case "recorded":
			recorded[value] = true
		}
	}
	for round, half := range []string{"", "", "", "", "", "state.json", "records/x.fcrec", ""} {
		child, lines := startChild(t, dir, half)
		for n := 0; (half != "" || n < 5+3*round) && lines.Scan(); n++ {
			read(lines.Text())
			if n == 0 {
				_, err := OpenKeeper(dir)
				require.ErrorContains(t, err, fmt.Sprintf("state folder %s is in use by process %d", dir, child.Process.Pid))
			}
		}
		if half == "" {
			require.NoError(t, child.Process.Kill())
		}
		for lines.Scan() { // what it said before it died
			read(lines.Text())
		}
		require.Error(t, child.Wait(), "it was killed")

		b := keptBench(t, dir) // the folder is free, and whole
		subjects := len(b.service.Store.Subjects())
		require.GreaterOrEqual(t, subjects, written)
		require.LessOrEqual(t, subjects, written+1, "one more may have been written without a word")
		kept := map[string]bool{}
		for _, r := range b.service.Store.Records() {
			kept[r.ID] = true
		}
		for id := range recorded {
			require.True(t, kept[id], id)
			require.FileExists(t, b.service.world.Keeper.recordFile(id))
		}
		paths, err := filepath.Glob(filepath.Join(dir, "records", "*"))
		require.NoError(t, err)
		for _, path := range paths {
			recording, err := readRecording(path, export.Storage{})
			require.NoError(t, err, "a record is whole or not there")
			require.NoError(t, recording.Delete())
		}
		parts, err := filepath.Glob(filepath.Join(dir, ".fakecortex-*"))
		require.NoError(t, err)
		require.Empty(t, parts, "what the crash left behind is gone")
		b.kill()
	}
	require.Greater(t, written, 20)
	require.Greater(t, len(recorded), 3)
}

// TestFolderOfAnother: a folder is one Keeper's until it is closed, in the same
// process too.
func TestFolderOfAnother(t *testing.T) {
	dir := t.TempDir()
	first, err := OpenKeeper(dir)
	require.NoError(t, err)
	_, err = OpenKeeper(dir)
	require.EqualError(t, err, fmt.Sprintf("state folder %s is in use by process %d: stop that one, or choose another folder", dir, os.Getpid()))
	require.NoError(t, first.Close())
	second, err := OpenKeeper(dir)
	require.NoError(t, err)
	require.NoError(t, second.Close())

	require.NoError(t, os.WriteFile(filepath.Join(dir, "state.json"), []byte("{"), 0o644))
	for range 2 {
		_, err = OpenKeeper(dir)
		require.ErrorContains(t, err, "is damaged", "and the folder is free again")
	}
}
