package api

import (
	"errors"
	"os"
	"syscall"
)

// lockFile opens a file that one process at a time can hold: others may read it
// and not open it for writing. The system lets go of it when the file is closed
// or its process ends, however it ends.
func lockFile(path string) (f *os.File, held bool, err error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err == nil {
		var h syscall.Handle
		h, err = syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, syscall.FILE_SHARE_READ, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
		if err == nil {
			return os.NewFile(uintptr(h), path), false, nil
		}
	}
	const sharingViolation = syscall.Errno(32)
	return nil, errors.Is(err, sharingViolation), &os.PathError{Op: "lock", Path: path, Err: err}
}
