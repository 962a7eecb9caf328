package main

import (
	"errors"
	"path/filepath"
	"runtime"
)

// tlsDir returns the folder of the CA: the flag's, or fakecortex in the folder
// where the user's programs keep state, so that a trust decision lasts.
func tlsDir(flag string, getenv func(string) string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "fakecortex"), nil
	}
	return tlsDirOf(runtime.GOOS, getenv)
}

func tlsDirOf(goos string, getenv func(string) string) (string, error) {
	base, below := getenv("HOME"), []string{".local", "state", "fakecortex"}
	switch goos {
	case "windows":
		base, below = getenv("LocalAppData"), []string{"fakecortex"}
	case "darwin":
		below = []string{"Library", "Application Support", "fakecortex"}
	}
	if base == "" {
		return "", errors.New("no home folder to keep the CA in: give one with --tls-dir DIR")
	}
	return filepath.Join(append([]string{base}, below...)...), nil
}
