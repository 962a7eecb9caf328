//go:build unix

package api

import (
	"errors"
	"os"
	"syscall"
)

// lockFile opens a file that one process at a time can hold. The system lets go
// of it when the file is closed or its process ends, however it ends.
func lockFile(path string) (f *os.File, held bool, err error) {
	if f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return nil, false, err
	}
	if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Is(err, syscall.EWOULDBLOCK), errors.Join(&os.PathError{Op: "lock", Path: path, Err: err}, f.Close())
	}
	return f, false, nil
}
