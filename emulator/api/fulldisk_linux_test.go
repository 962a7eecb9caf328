package api

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestExportOntoAFullDisk exports a record of a minute into a file system of 64
// KiB: a failure entry, nothing left of it, and elsewhere it can be exported as
// before. Needs the right to mount.
func TestExportOntoAFullDisk(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("cannot mount a tmpfs: %v", err)
	}
	defer func() { require.NoError(t, syscall.Unmount(folder, 0)) }()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "theirs"), []byte("kept"), 0o600))
	b := newBench(t, DefaultWorld())
	b.session("a")
	b.record("a")
	b.advance(time.Minute)
	b.result("a", "stopRecord", `{`+inSession+`}`)
	b.advance(time.Second)
	for _, format := range []string{`"format":"CSV","version":"V2"`, `"format":"EDF"`, `"format":"BDFPLUS"`} {
		result := b.result("a", "exportRecord", `{`+auth+`,"recordIds":["$record"],"folder":"`+folder+`","streamTypes":["EEG","MOTION"],`+format+`}`)
		require.Equal(t, b.vars["$record"]+" -32140", failures(result), format)
		require.Empty(t, result["success"])
		require.Contains(t, b.reasons[len(b.reasons)-1], "no space left", format)
		require.Equal(t, []string{"theirs"}, list(t, folder), format)
	}
	require.Equal(t, b.vars["$record"], successes(b.export("a", t.TempDir(), "EEG,MOTION")))
}
