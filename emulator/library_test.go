package emulator

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/scenarios"
)

var updateLibrary = flag.Bool("update", false, "rewrite the golden transcripts of the library")

// script is one file of testdata/library; its README says what stands in it.
type script struct {
	file     string // without .script
	scenario string // the part of its name before the first dot
	naive    bool   // a client that the scenario is made for
	text     string
}

func scripts(t *testing.T) []script {
	paths, err := filepath.Glob("testdata/library/*.script")
	require.NoError(t, err)
	var out []script
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		file := strings.TrimSuffix(path, ".script")
		parts := strings.Split(filepath.Base(file), ".")
		out = append(out, script{file, parts[0], len(parts) > 1 && strings.HasPrefix(parts[1], "naive"), string(text)})
	}
	return out
}

// TestLibraryTranscripts plays every script against the emulator, in memory and
// on the manual clock, and compares each byte that the clients receive, when,
// and what is said of the client in the end. A good client meets every
// expectation of its scenario, and each expectation is failed by a naive one.
func TestLibraryTranscripts(t *testing.T) {
	for _, s := range scripts(t) {
		t.Run(filepath.Base(s.file), func(t *testing.T) {
			b := play(t, s, 0)
			if *updateLibrary {
				require.NoError(t, os.WriteFile(s.file+".golden", b.out.Bytes(), 0o644))
			}
			want, err := os.ReadFile(s.file + ".golden")
			require.NoError(t, err)
			require.Equal(t, string(want), b.out.String())

			assert.Empty(t, b.verdict.Failures, "every action of the timeline can be done")
			assert.Equal(t, !s.naive, b.verdict.Passed, "a good client passes, a naive one fails")
			for _, o := range b.verdict.Expectations {
				assert.Equal(t, o.Passed, o.Message == "", "%s: what is failed is explained", o.Name)
			}
			if !s.naive && s.scenario != "a4-gates-in-order" { // which walks into every gate to see what it says
				assert.Empty(t, b.verdict.Findings, "the linter does not blame a good client")
			}
		})
	}
}

// TestLibraryIsCovered looks into the golden transcripts: each built-in scenario
// has one of a good client, and each of its expectations is failed by a naive one.
func TestLibraryIsCovered(t *testing.T) {
	var missing []string
	for _, name := range scenarios.Builtins() {
		if _, err := os.Stat("testdata/library/" + name + ".golden"); err != nil {
			missing = append(missing, name)
		}
		s, err := scenarios.Load(name, scenarios.Options{})
		require.NoError(t, err)
		paths, err := filepath.Glob("testdata/library/" + name + ".naive*.golden")
		require.NoError(t, err)
		var naive strings.Builder
		for _, path := range paths {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			naive.Write(text)
		}
		for _, e := range s.Expectations {
			if !strings.Contains(naive.String(), "FAILED  "+e.Name+": ") {
				missing = append(missing, name+": "+e.Name)
			}
		}
	}
	assert.Empty(t, missing)
}

// TestEveryCaseHasItsTranscript holds the transcripts against the list of cases:
// each has one of a good client, named after it, and there is none beside them.
func TestEveryCaseHasItsTranscript(t *testing.T) {
	list, err := os.ReadFile("testdata/library/CASES")
	require.NoError(t, err)
	cases := regexp.MustCompile(`(?m)^([A-Z]\d+) +\S`).FindAllStringSubmatch(string(list), -1)
	require.Len(t, cases, 106)
	left := map[string]bool{"default": true}
	for _, s := range scripts(t) {
		left[s.scenario] = true
	}
	delete(left, "default")
	for _, c := range cases {
		prefix, found := strings.ToLower(c[1])+"-", 0
		for name := range left {
			if !strings.HasPrefix(name, prefix) {
				continue
			}
			delete(left, name)
			_, err := os.Stat("testdata/library/" + name + ".golden")
			assert.NoError(t, err, "%s: a transcript of a good client", c[1])
			found++
		}
		assert.Positive(t, found, "case %s has no transcript", c[1])
	}
	assert.Empty(t, left, "transcripts of no case")
}

// TestLibraryIsRepeatable plays every script a second time, with the same bytes,
// and with another seed: where there are ids they are others.
func TestLibraryIsRepeatable(t *testing.T) {
	differ := 0
	for _, s := range scripts(t) {
		if s.naive {
			continue
		}
		t.Run(filepath.Base(s.file), func(t *testing.T) {
			first := play(t, s, 0).out.String()
			require.Equal(t, first, play(t, s, 0).out.String())
			if strings.Contains(first, `"recordIds":`) { // of a session, which has an id
				differ++
				require.NotEqual(t, first, play(t, s, 4711).out.String())
			}
		})
	}
	assert.Greater(t, differ, 30)
}

// verdicts prints what is said of the client in the end.
func verdicts(out *bytes.Buffer, v *Verdict) {
	for _, o := range v.Expectations {
		if o.Passed {
			fmt.Fprintf(out, "met     %s\n", o.Name)
		} else {
			fmt.Fprintf(out, "FAILED  %s: %s\n", o.Name, o.Message)
		}
	}
	for _, f := range v.Findings {
		fmt.Fprintf(out, "%-7s %s (see %s): %s\n", f.Severity, f.Rule, f.Page, f.Text)
	}
}

// typesOnly replaces the numbers of a sample, which depend on the signal.
func typesOnly(frame string) string {
	dec := json.NewDecoder(strings.NewReader(frame))
	dec.UseNumber()
	var sample map[string]any
	if dec.Decode(&sample) != nil {
		return frame
	}
	for name, v := range sample {
		if name != "time" && name != "sid" {
			sample[name] = replaceNumbers(v)
		}
	}
	text, err := json.Marshal(sample)
	if err != nil {
		return frame
	}
	return strings.ReplaceAll(string(text), `"#"`, "#")
}

func replaceNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		return "#"
	case []any:
		for i := range v {
			if _, ok := v[i].(map[string]any); !ok { // a marker stays as it is
				v[i] = replaceNumbers(v[i])
			}
		}
	}
	return v
}
