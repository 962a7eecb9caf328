// Package atomicfile writes files that are there whole or not at all: whoever
// opens one after a crash or a full disk finds the old content or the new.
package atomicfile
