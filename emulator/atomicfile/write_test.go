package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	content := func() string {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		entries, err := os.ReadDir(filepath.Dir(path))
		require.NoError(t, err)
		require.Len(t, entries, 1, "nothing is left beside it")
		return string(text)
	}
	require.NoError(t, Write(path, 0o600, os.Rename, text("first")))
	require.Equal(t, "first", content())
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm()&0o700)
	require.NoError(t, Write(path, 0o600, os.Rename, text("second")))
	require.Equal(t, "second", content())

	broken := errors.New("broken")
	require.ErrorIs(t, Write(path, 0o600, os.Rename, func(w io.Writer) error {
		_, err := io.WriteString(w, "half")
		return errors.Join(err, broken)
	}), broken)
	require.Equal(t, "second", content())
	require.ErrorIs(t, Write(path, 0o600, func(string, string) error { return broken }, text("third")), broken)
	require.Equal(t, "second", content())
	require.Error(t, Write(filepath.Join(path, "below"), 0o600, os.Rename, text("x")), "there is no such folder")
}

func TestUnfinished(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Write(filepath.Join(dir, "file"), 0o600, func(from, _ string) error {
		require.True(t, Unfinished(filepath.Base(from)))
		return nil
	}, text("x")))
	for _, name := range []string{"file", "file.part", ".fakecortex-1"} {
		require.False(t, Unfinished(name), name)
	}
}
