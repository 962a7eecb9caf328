package scenarios_test

import (
	"errors"
	"testing"

	"github.com/fakecortex/fakecortex/scenarios"
)

// Whatever is read, it is a scenario or a list of errors that say where.
func FuzzLoad(f *testing.F) {
	for _, name := range scenarios.Builtins() {
		source, err := scenarios.Source(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(source))
	}
	for _, s := range []string{
		"", "{}", "[", "a: &a [*a]", "timeline: [{at: 1s, do: blink}]", "world: {headsets: [{id: EPOCX-1, mappings: {CMS: a}}]}",
		"x: |\n a\n b\n", "? a\n: b\n", "%YAML 1.2\n---\na: 1\n...\n", "a: !!str 1", "a: 'x\n  y'\n", "vars: {a: 1}\nname: ${a}${", "\ufeffversion: 1",
		"world: {startTime: 2026-01-01T00:00:00Z, zone: +07:00, clock: x10}", "faults: [{on: {method: a}, error: -1}]", "a: 0x10\nb: .inf\nc: ~\n",
	} {
		f.Add([]byte(s))
	}
	read := func(string) ([]byte, error) { return nil, errors.New("no files here") }
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := scenarios.LoadBytes("x.yaml", data, scenarios.Options{ReadFile: read})
		if err == nil {
			if s == nil {
				t.Fatal("neither a scenario nor an error")
			}
			return
		}
		var list scenarios.Errors
		if !errors.As(err, &list) || len(list) == 0 {
			t.Fatalf("%T: %v", err, err)
		}
		for _, e := range list {
			if e.Problem == "" || e.File == "" {
				t.Fatalf("an error that says nothing: %+v", e)
			}
		}
	})
}
