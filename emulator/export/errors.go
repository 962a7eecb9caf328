package export

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

// The kinds of failure of an export. An [*Error] is (errors.Is) one of them.
var (
	// ErrFolderMissing: the folder does not exist; exportRecord wants one that does.
	ErrFolderMissing = errors.New("the folder does not exist")
	// ErrOutsideRoot: the folder leads out of the export root.
	ErrOutsideRoot = errors.New("the folder is outside the export root")
	// ErrNoSpace: the disk or quota is full.
	ErrNoSpace = errors.New("no space left")
	// ErrUnwritable: a file could not be created, written or renamed.
	ErrUnwritable = errors.New("the folder is not writable")
	// ErrStreamNotSupported: the record has no such stream, or the format cannot
	// hold it. exportRecord answers -32138 "The stream data is not supported."
	ErrStreamNotSupported = errors.New("the stream data is not supported")
	// ErrFormat: the format or version is not one of exportRecord's.
	ErrFormat = errors.New("the format is not supported")
	// ErrCorrupted: the stored data is damaged or incomplete. exportRecord
	// answers -32147 "Data is corrupted by internal error."
	ErrCorrupted = errors.New("the data is corrupted")
)

// Error tells what an export was doing when it failed.
type Error struct {
	Op   string // "open folder", "write", ...
	Path string // file or folder, if one is meant
	Kind error  // one of the Err values above
	Err  error  // the cause, may be nil
}

func (e *Error) Error() string {
	s := "export: " + e.Op
	if e.Path != "" {
		s += fmt.Sprintf(" %q", e.Path)
	}
	s += ": " + e.Kind.Error()
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// writeError classes an error of the file system.
func writeError(op, path string, err error) error {
	kind := ErrUnwritable
	const windowsDiskFull = syscall.Errno(112)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) ||
		runtime.GOOS == "windows" && errors.Is(err, windowsDiskFull) {
		kind = ErrNoSpace
	}
	return &Error{Op: op, Path: path, Kind: kind, Err: err}
}

func corrupted(op string, err error) error {
	return &Error{Op: op, Kind: ErrCorrupted, Err: err}
}
