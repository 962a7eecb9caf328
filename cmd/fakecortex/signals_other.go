//go:build !unix

package main

import (
	"os"
	"syscall"
)

// forwarded are the signals that exec hands on to its command.
func forwarded() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }
