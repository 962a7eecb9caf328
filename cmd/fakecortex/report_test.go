package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/scenarios"
)

// TestJUnitIsWhatReadersTake holds the file against the elements and attributes of
// the format that CI servers read, whatever texts are in it, and its sums against
// what is in it.
func TestJUnitIsWhatReadersTake(t *testing.T) {
	known := map[string]struct{ within, attributes []string }{
		"testsuites": {[]string{""}, []string{"name", "tests", "failures", "errors", "disabled", "time"}},
		"testsuite":  {[]string{"testsuites"}, []string{"name", "tests", "failures", "errors", "disabled", "skipped", "time", "timestamp", "hostname", "id", "package"}},
		"properties": {[]string{"testsuite"}, nil},
		"property":   {[]string{"properties"}, []string{"name", "value"}},
		"testcase":   {[]string{"testsuite"}, []string{"name", "classname", "assertions", "status", "time"}},
		"failure":    {[]string{"testcase"}, []string{"message", "type"}},
		"system-out": {[]string{"testsuite", "testcase"}, nil},
	}
	odd := "<&\"'> \x01\x1b[31m ]]> \u2028 \xff\n\t"
	of := func(code int, v emulator.Verdict) outcome {
		return outcome{scenario: &scenarios.Scenario{Document: scenarios.Document{Name: "a " + odd}}, code: code, ended: odd, took: 1500 * time.Millisecond, verdict: v, failOn: "mistake", command: []string{"x", odd}}
	}
	text, err := junit([]outcome{
		of(0, emulator.Verdict{Passed: true}),
		of(3, emulator.Verdict{
			Expectations: []scenarios.Outcome{{Name: odd, Passed: true}, {Name: odd, Why: odd, Message: odd}}, Failures: []string{odd},
			Findings: []scenarios.Finding{{Rule: "r", Severity: scenarios.Mistake, Text: odd, Advice: odd, Link: odd}, {Severity: scenarios.Hint, Text: odd, Link: odd}},
		}),
	})
	require.NoError(t, err)
	dec := xml.NewDecoder(bytes.NewReader(text))
	var path []string
	seen, sums := map[string]int{}, map[string]int{}
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		switch x := token.(type) {
		case xml.StartElement:
			name, parent := x.Name.Local, append([]string{""}, path...)[len(path)]
			k, ok := known[name]
			require.True(t, ok && slices.Contains(k.within, parent), "%s within %q", name, parent)
			for _, a := range x.Attr {
				assert.Contains(t, k.attributes, a.Name.Local, name)
				if n, err := strconv.Atoi(a.Value); err == nil && name == "testsuites" {
					sums[a.Name.Local] = n
				} else if a.Name.Local == "time" {
					_, err := strconv.ParseFloat(a.Value, 64)
					assert.NoError(t, err)
				}
			}
			seen[name]++
			path = append(path, name)
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
	assert.Equal(t, map[string]int{"tests": 6, "failures": 4}, sums)
	assert.Equal(t, 6, seen["testcase"])
	assert.Equal(t, 4, seen["failure"])
	assert.Equal(t, 2, seen["testsuite"])
	assert.Equal(t, 1, seen["system-out"])
}
