package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// closing is a scenario whose client has to close its session.
const closing = `
extends: default
name: closing
expectations:
  - name: closes its session
    why: a session that stays open blocks the next one
    must: {call: updateSession, params: {status: close}}
`

// execute runs exec with a client of the test binary, in a folder of its own,
// and returns the code, the client's output and exec's.
func execute(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"exec"}, args...), func(string) string { return "" }, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// clientPath is a program that runs clientMain.
func clientPath(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("client") // testscript.Main puts it there
	if err != nil {
		t.Skip("no client: ", err)
	}
	return path
}

func TestExecCodes(t *testing.T) {
	client := clientPath(t)
	file := filepath.Join(t.TempDir(), "closing.yaml")
	require.NoError(t, os.WriteFile(file, []byte(closing), 0o600))
	for name, test := range map[string]struct {
		args []string
		code int
		want string
	}{
		"good client":        {[]string{"--scenario", file, "--", client, "good"}, 0, "closing: exit code 0, 1 expectation met"},
		"naive client":       {[]string{"--scenario", file, "--", client, "naive"}, exitVerdict, "not met: the client closes its session\n    no updateSession"},
		"failing client":     {[]string{"--scenario", file, "--", client, "fail"}, 3, "closing: exit code 3, 1 of 1 expectation not met"},
		"no client at all":   {[]string{"--", "true"}, 0, "no client has connected"},
		"not found":          {[]string{"--", "no-such-program"}, exitNotFound, "no-such-program was not found"},
		"not a program":      {[]string{"--", file}, exitNotRun, "cannot be run"},
		"killed":             {[]string{"--", "sh", "-c", "kill -9 $$"}, exitSignalled + 9, "ended by signal killed"},
		"too slow":           {[]string{"--timeout", "1s", "--", "sleep", "60"}, exitTimeout, "it was ended after 1s"},
		"no command":         {[]string{"--"}, exitUsage, "no command"},
		"unknown scenario":   {[]string{"--scenario", "nothing", "--", "true"}, exitFailed, "unknown scenario"},
		"unknown pattern":    {[]string{"--matrix", "zz*", "--", "true"}, exitUsage, "no built-in scenario has such a name"},
		"finding":            {[]string{"--fail-on", "suspicious", "--", client, "naive"}, exitVerdict, "suspicious: 1 session(s) left open"},
		"finding of no harm": {[]string{"--fail-on", "mistake", "--", client, "naive"}, 0, "1 finding of the linter"},
		"matrix":             {[]string{"--matrix", file, "--matrix", "default", "--", client, "naive"}, exitVerdict, "1 finding  FAILED"},
		"matrix of files":    {[]string{"--matrix", filepath.Join(filepath.Dir(file), "*.yaml"), "--matrix", "default", "--", client, "naive"}, exitVerdict, "closing   exit code 0  0 of 1 met"},
		"no such files":      {[]string{"--matrix", filepath.Join(filepath.Dir(file), "*.json"), "--", "true"}, exitUsage, "there is no such file"},
		"bad pattern":        {[]string{"--matrix", "[", "--", "true"}, exitUsage, "syntax error in pattern"},
		"impossible step":    {[]string{"--scenario", "../../no/such/file.yaml", "--", "true"}, exitFailed, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, _, stderr := execute(t, test.args...)
			assert.Equal(t, test.code, code, stderr)
			assert.Contains(t, stderr, test.want)
		})
	}
}

func TestExecReports(t *testing.T) {
	client, dir := clientPath(t), t.TempDir()
	file := filepath.Join(dir, "closing.yaml")
	require.NoError(t, os.WriteFile(file, []byte(closing), 0o600))
	in := func(name string) string { return filepath.Join(dir, name) }
	code, stdout, _ := execute(t, "--matrix", file, "--matrix", "default", "--junit", in("junit.xml"), "--report", in("report.md"),
		"--journal", in("journal.jsonl"), "--fail-on", "suspicious", "--", client, "naive")
	assert.Equal(t, exitVerdict, code)
	assert.Equal(t, "session true\nsession true\n", stdout)

	var suites junitSuites
	text, err := os.ReadFile(in("junit.xml"))
	require.NoError(t, err)
	require.NoError(t, xml.Unmarshal(text, &suites))
	assert.Equal(t, 5, suites.Tests)
	assert.Equal(t, 3, suites.Failures)
	var cases []string
	for _, suite := range suites.Suites {
		for _, c := range suite.Cases {
			mark := "passed"
			if c.Failure != nil {
				mark = c.Failure.Message
			}
			cases = append(cases, suite.Name+"/"+strings.ReplaceAll(c.Name, client, "client")+": "+mark)
		}
	}
	assert.Equal(t, []string{
		"closing/command: client naive: passed",
		"closing/the client closes its session: no updateSession {\"status\":\"close\"}; the client called authorize once, createSession once, subscribe once",
		"closing/linter: session-not-closed: 1 session(s) left open at the end of the connection",
		"default/command: client naive: passed",
		"default/linter: session-not-closed: 1 session(s) left open at the end of the connection",
	}, cases)

	text, err = os.ReadFile(in("report.md"))
	require.NoError(t, err)
	for _, want := range []string{
		"| closing | exit code 0 | 0 of 1 met | 1 finding | **failed** |", "# closing\n", "- **not met**: the client closes its session",
		"why: a session that stays open blocks the next one", "`session-not-closed`", "seed 1\n",
	} {
		assert.Contains(t, string(text), want)
	}
	for _, name := range []string{"journal-closing.jsonl", "journal-default.jsonl"} {
		text, err = os.ReadFile(in(name))
		require.NoError(t, err)
		assert.Contains(t, string(text), `"kind":"call","method":"createSession"`)
		assert.Contains(t, string(text), `"kind":"closed"`)
		assert.NotContains(t, string(text), "eyJ")
	}
}

// What has been found out is reported when a later run cannot begin.
func TestExecReportsWhatItHas(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.Mkdir(in("j-default.jsonl"), 0o700)) // in the place of the second journal
	code, _, stderr := execute(t, "--matrix", "default", "--matrix", "c4-no-headset", "--journal", in("j.jsonl"), "--junit", in("junit.xml"), "--", "true")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "fakecortex: default: --journal: ")
	text, err := os.ReadFile(in("junit.xml"))
	require.NoError(t, err)
	assert.Contains(t, string(text), `<testsuite name="c4-no-headset" tests="2"`)
}

// Two at the same time have services of their own.
func TestExecsDoNotMeet(t *testing.T) {
	client, dir := clientPath(t), t.TempDir()
	var all sync.WaitGroup
	for n, mode := range []string{"good", "naive", "good", "naive"} {
		all.Go(func() {
			file := filepath.Join(dir, fmt.Sprint(n)+".jsonl")
			code, _, stderr := execute(t, "--journal", file, "--fail-on", "suspicious", "--", client, mode)
			assert.Equal(t, map[string]int{"good": 0, "naive": exitVerdict}[mode], code, stderr)
			text, err := os.ReadFile(file)
			assert.NoError(t, err)
			assert.Equal(t, 1, strings.Count(string(text), `"kind":"opened"`))
		})
	}
	all.Wait()
}
