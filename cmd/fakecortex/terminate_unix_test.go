//go:build unix

package main

import "syscall"

func terminate(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) }
