package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/streams"
)

// truthFile is where the ground truth is written, one line at a time so that it
// can be followed. Without a path it takes nothing.
type truthFile struct {
	path string
	file *os.File
	err  error // the first one: what comes after it is left out
}

func openTruth(path string) (*truthFile, error) {
	t := &truthFile{path: path}
	if path == "" {
		return t, nil
	}
	var err error
	if t.file, err = createFile(path); err != nil {
		return nil, fmt.Errorf("--truth: %w", err)
	}
	return t, nil
}

// add writes a line. It is called on the loop of the emulator.
func (t *truthFile) add(headset string, truth streams.Truth) {
	if t.file == nil || t.err != nil {
		return
	}
	line, err := json.Marshal(emulator.Truth{Headset: headset, Truth: truth})
	if err == nil {
		_, err = t.file.Write(append(line, '\n'))
	}
	t.err = err
}

// close returns what went wrong, if anything. The emulator has ended.
func (t *truthFile) close() error {
	if t.file == nil {
		return nil
	}
	err := t.file.Close()
	if t.err != nil {
		err = t.err
	}
	if err != nil {
		return fmt.Errorf("--truth %s: the file is not complete: %w", t.path, err)
	}
	return nil
}
