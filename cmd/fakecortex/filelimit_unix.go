//go:build unix

package main

import (
	"os/signal"
	"syscall"
)

// A limit on the size of files (ulimit -f) is to be an error of the write, as a
// full disk is, not the end of the process.
func surviveFileLimit() { signal.Ignore(syscall.SIGXFSZ) }
