package atomicfile

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The name of a file that is not whole yet.
const prefix, suffix = ".fakecortex-", ".part"

// Write writes a file beside path with fill, and moves it there with place, such
// as os.Rename, when all of it is on the disk. What went wrong is an error, and
// leaves nothing behind.
func Write(path string, mode fs.FileMode, place func(from, to string) error, fill func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), prefix+"*"+suffix)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already after a rename
	err = fill(f)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return place(f.Name(), path)
}

// Unfinished reports whether a file is what a crash in the midst of Write leaves
// behind, by its name.
func Unfinished(name string) bool {
	return strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix)
}
