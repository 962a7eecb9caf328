package export

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/streams"
)

// A disk that really is full: a tmpfs of 64 KiB. Needs the right to mount.
func TestFullTmpfs(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("cannot mount a tmpfs: %v", err)
	}
	defer func() { require.NoError(t, syscall.Unmount(dir, 0)) }()
	job := testJob(t, insightSensors, 20, streams.AllKinds)
	job.Folders.Root = dir
	require.NoError(t, os.WriteFile(filepath.Join(dir, "other"), []byte("kept"), 0o600))
	_, err := Export(context.Background(), job)
	require.ErrorIs(t, err, ErrNoSpace)
	assert.Equal(t, []string{"other"}, dirNames(t, dir))

	// The same disk under a running record.
	r := NewRecorder(Storage{Dir: dir, Memory: -1})
	src := newSource(insightSensors, 128, 64, streams.KindSet(streams.EEG))
	require.NoError(t, r.Begin(streams.EEG, src.layouts[streams.EEG]))
	src.until(120, r.Add)
	require.ErrorIs(t, r.Err(), syscall.ENOSPC)
	rec, err := r.Stop()
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, rec.Delete())
	assert.Equal(t, []string{"other"}, dirNames(t, dir))
}
