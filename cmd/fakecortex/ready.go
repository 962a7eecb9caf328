package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// ready is the line that tells a script where everything is.
type ready struct {
	Ready   bool   `json:"ready"`
	URL     string `json:"url"`
	CA      string `json:"ca"`
	Control string `json:"control"`
	Seed    uint64 `json:"seed"`
	PID     int    `json:"pid"`
}

// writeAtomically writes a file so that a reader sees all of it or none.
func writeAtomically(path string, data []byte, mode os.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return cannotWrite(path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if chmodErr := f.Chmod(mode); err == nil {
		err = chmodErr
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// createFile creates a file that is written while the command runs.
func createFile(path string) (*os.File, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, cannotWrite(path, err)
	}
	return f, nil
}

func cannotWrite(path string, err error) error {
	return fmt.Errorf("%s cannot be written: %w; give a file in a folder that exists and is writable", path, unwrapPath(err))
}

// unwrapPath drops the name of a temporary file from an error.
func unwrapPath(err error) error {
	if e, ok := err.(*os.PathError); ok { //nolint:errorlint // as the os package returns it
		return e.Err
	}
	return err
}

// loopbackOf returns an address to dial for a server that listens on addr.
func loopbackOf(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(strings.Trim(host, "[]")); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
