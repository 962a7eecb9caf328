package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// page is one page of the documentation, whose commands are run from top to
// bottom in a folder of its own.
//
//   - A block behind <!-- file: NAME --> is a file.
//   - In a console block a line behind $ is a command; the lines that follow have
//     to stand in its output, in that order, with anything between them. It has
//     to succeed, unless echo $? shows its code.
//   - One that ends with & stays in the background; kill %1 ends it.
//
// pytest, python and node are the client of client_test.go.
type page struct {
	t          *testing.T
	dir        string
	env        []string
	control    string // host:port of the service in the background
	code       int    // of the last command
	background []*exec.Cmd
}

func TestDocs(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the pages are written for a POSIX shell")
	}
	for _, name := range []string{"scenario-guide", "exec", "control"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile("../../docs/" + name + ".md")
			require.NoError(t, err)
			newPage(t).run(string(text))
		})
	}
}

func newPage(t *testing.T) *page {
	client := clientPath(t)
	p := &page{t: t, dir: t.TempDir()}
	bin := t.TempDir()
	for name, mode := range map[string]string{"pytest": "good", "node": "good", "python": `"${1%.py}"`} {
		script := fmt.Sprintf("#!/bin/sh\nexec %q %s\n", client, mode)
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755))
	}
	p.env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "FAKECORTEX_") }),
		"PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "XDG_STATE_HOME="+filepath.Join(p.dir, "state"),
		"FAKECORTEX_LISTEN=localhost:0", "FAKECORTEX_CONTROL=localhost:0", "FAKECORTEX_READY_FILE="+p.ready())
	t.Cleanup(func() {
		for len(p.background) > 0 {
			p.end()
		}
	})
	return p
}

func (p *page) ready() string { return filepath.Join(p.dir, "state-ready.json") }

var (
	filesOfPage    = regexp.MustCompile("(?ms)^<!-- file: (\\S+) -->\n```\\w+\n(.*?)^```$")
	consolesOfPage = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")
)

func (p *page) run(text string) {
	for _, file := range filesOfPage.FindAllStringSubmatch(text, -1) {
		require.NoError(p.t, os.WriteFile(filepath.Join(p.dir, file[1]), []byte(file[2]), 0o600))
	}
	commands := 0
	for _, block := range consolesOfPage.FindAllStringSubmatch(text, -1) {
		lines := strings.Split(strings.TrimSpace(block[1]), "\n")
		for len(lines) > 0 {
			command, ok := strings.CutPrefix(lines[0], "$ ")
			require.True(p.t, ok, "a console block begins with a command: %s", lines[0])
			lines = lines[1:]
			n := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "$ ") })
			if n < 0 {
				n = len(lines)
			}
			next := ""
			if n < len(lines) {
				next = lines[n]
			}
			p.step(command, lines[:n], next == "$ echo $?")
			lines = lines[n:]
			commands++
		}
	}
	require.Greater(p.t, commands, 5)
}

// step runs one command; mayFail says that its code is looked at.
func (p *page) step(command string, want []string, mayFail bool) {
	p.t.Helper()
	switch {
	case command == "kill %1":
		p.end()
		return
	case strings.HasSuffix(command, " &"):
		p.start(strings.TrimSuffix(command, " &"))
		return
	case command == "echo $?":
		assert.Equal(p.t, want, []string{fmt.Sprint(p.code)})
		return
	}
	cmd := p.command(p.t.Context(), command)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if p.code = 0; errors.As(err, &exit) {
		p.code = exit.ExitCode()
	} else {
		require.NoError(p.t, err, command)
	}
	if !mayFail {
		require.Zero(p.t, p.code, "%s\n%s", command, out)
	}
	text := string(out)
	if p.control != "" {
		text = strings.ReplaceAll(text, p.control, "localhost:6869")
	}
	rest := words(text)
	for _, line := range want {
		line = words(line)
		_, behind, ok := strings.Cut(rest, line)
		require.True(p.t, ok, "%s\nmissing: %s\nin: %s", command, line, rest)
		rest = behind
	}
}

// words has one blank between words, so that tables may be set otherwise.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

func (p *page) command(ctx context.Context, line string) *exec.Cmd {
	if p.control != "" {
		line = strings.ReplaceAll(line, "localhost:6869", p.control)
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec "+line)
	if strings.ContainsAny(line, "|;") {
		cmd = exec.CommandContext(ctx, "sh", "-c", line)
	}
	cmd.Dir, cmd.Env, cmd.WaitDelay = p.dir, p.env, 10*time.Second
	return cmd
}

// start leaves a command in the background; a service is waited for.
func (p *page) start(line string) {
	cmd := p.command(context.Background(), line)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if !strings.Contains(line, " ctl ") { // a service, behind one that has ended
		cmd.Env = append(slices.Clone(p.env), "FAKECORTEX_CONTROL=localhost:0")
	}
	require.NoError(p.t, cmd.Start())
	p.background = append(p.background, cmd)
	if strings.Contains(line, " ctl ") {
		return
	}
	require.Eventually(p.t, func() bool { _, err := os.Stat(p.ready()); return err == nil }, 20*time.Second, 10*time.Millisecond, line)
	text, err := os.ReadFile(p.ready())
	require.NoError(p.t, err)
	var r ready
	require.NoError(p.t, json.Unmarshal(text, &r))
	u, err := url.Parse(r.Control)
	require.NoError(p.t, err)
	p.control = u.Host
	p.env = append(p.env, "FAKECORTEX_CONTROL="+r.Control, "FAKECORTEX_URL="+r.URL, "FAKECORTEX_CA="+r.CA)
}

// end ends what was started last.
func (p *page) end() {
	last := len(p.background) - 1
	cmd := p.background[last]
	p.background = p.background[:last]
	_ = cmd.Process.Signal(os.Interrupt) // it may have ended
	_ = cmd.Wait()
}

// TestDocsAreComplete holds the pages against the command line and the linter.
func TestDocsAreComplete(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile("../../docs/" + name + ".md")
		require.NoError(t, err)
		return string(text)
	}
	help := func(args ...string) string {
		var out bytes.Buffer
		require.Zero(t, run(t.Context(), append(args, "--help"), func(string) string { return "" }, nil, &out, &out))
		return out.String()
	}
	page := read("exec")
	for _, flag := range regexp.MustCompile(`(?m)^\s+(--[a-z-]+)`).FindAllStringSubmatch(help("exec"), -1) {
		assert.Contains(t, page, "`"+flag[1]+"`")
	}
	page = read("control")
	commands := regexp.MustCompile(`(?m)^  ctl ([a-z]+(?: [a-z]+)?)\b`).FindAllStringSubmatch(help("ctl"), -1)
	require.Greater(t, len(commands), 15)
	for _, command := range commands {
		assert.Contains(t, page, "fakecortex ctl "+command[1], "the guide shows it")
	}
}

// TestDocsLink follows every link from one page to another, and to its heading.
func TestDocsLink(t *testing.T) {
	const root = "../../"
	pages, err := filepath.Glob(root + "docs/*.md")
	require.NoError(t, err)
	pages = append(pages, root+"README.md")
	require.Greater(t, len(pages), 5)
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, l := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(l[1], "://") {
				continue
			}
			file, heading, _ := strings.Cut(l[1], "#")
			target := filepath.Join(filepath.Dir(page), file)
			if file == "" {
				target = page
			}
			if _, err := os.Stat(target); !assert.NoError(t, err, "%s: %s", page, l[1]) || heading == "" {
				continue
			}
			there, err := os.ReadFile(target)
			require.NoError(t, err)
			assert.Contains(t, headings(string(there)), heading, "%s: %s", page, l[1])
		}
	}
}

// headings are the names that links to the headings of a page have.
func headings(text string) []string {
	var out []string
	for _, line := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(line[1]), "")
		out = append(out, strings.ReplaceAll(name, " ", "-"))
	}
	return out
}
