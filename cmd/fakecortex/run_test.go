package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		args string
		code int
	}{
		{"version", 0},
		{"--help", 0},
		{"ca --tls-dir " + dir, 0},
		{"--nonsense", exitUsage},
		{"--clock x0", exitUsage},
		{"--listen localhost:65536", exitUsage},
		{"--control localhost:cortex", exitUsage},
		{"--tls-name https://cortex.example", exitUsage},
		{"healthcheck extra", exitUsage},
		{"ca --tls-dir " + dir + " --out " + filepath.Join(dir, "no", "such", "ca.pem"), exitFailed},
		{"healthcheck --ready-file " + filepath.Join(dir, "none"), exitFailed},
		{"serve --scenario no-such-scenario --listen localhost:0 --tls-dir " + dir, exitFailed},
		{"ca", exitFailed}, // no home folder
	} {
		t.Run(test.args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			none := func(string) string { return "" }
			code := run(context.Background(), strings.Fields(test.args), none, nil, &stdout, &stderr)
			assert.Equal(t, test.code, code, stderr.String())
			if test.code != 0 {
				assert.Regexp(t, `^fakecortex: [^\n]+\n$`, stderr.String())
				assert.Empty(t, stdout.String())
			}
		})
	}
}

// TestEveryFlagHasAVariable: each flag of serve does the same as its variable,
// and the table of the README has it.
func TestEveryFlagHasAVariable(t *testing.T) {
	dir := t.TempDir()
	values := map[string]string{
		"listen": "127.0.0.1:0,[::1]:0", "control": "off", "control-token": "secret", "tls-dir": dir, "tls-name": "a.example,10.0.2.2",
		"scenario": "c4-no-headset", "set": "delay=3s;who=me", "cortex-version": "2.7", "seed": "7", "clock": "x10",
		"start-time": "2026-05-29T07:18:45+07:00", "ready-file": filepath.Join(dir, "ready"), "journal": filepath.Join(dir, "journal"),
		"truth": filepath.Join(dir, "truth"), "log-format": "json", "log-level": "debug", "allow-plain-ws": "true",
		"state-dir": filepath.Join(dir, "state"), "record-dir": dir, "export-root": dir, "export-map": `C:\out, too=.`,
	}
	var commands cli
	newCommands := func(env map[string]string) *kong.Kong {
		commands = cli{}
		parser, err := newParser(&commands, func(name string) string { return env[name] })
		require.NoError(t, err)
		return parser
	}
	parse := func(env map[string]string, args ...string) serveCmd {
		_, err := newCommands(env).Parse(append([]string{"serve", "--export-root=" + os.TempDir()}, args...))
		require.NoError(t, err)
		return commands.Serve
	}
	var flags []string
	for _, node := range newCommands(nil).Model.Children {
		if node.Name == "serve" {
			for _, flag := range node.Flags {
				flags = append(flags, flag.Name)
			}
		}
	}
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	var named []string
	for _, row := range regexp.MustCompile("(?m)^\\| `--.*? \\|").FindAllString(string(text), -1) {
		for _, flag := range regexp.MustCompile("`--([a-z-]+)`").FindAllStringSubmatch(row, -1) {
			named = append(named, flag[1])
		}
	}
	require.ElementsMatch(t, flags, named)
	for _, flag := range flags {
		env := map[string]string{"FAKECORTEX_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_")): values[flag]}
		if flag == "export-root" { // which parse gives
			parser := newCommands(env)
			_, err := parser.Parse([]string{"serve"})
			require.NoError(t, err)
			require.Equal(t, dir, commands.Serve.ExportRoot)
			continue
		}
		require.Equal(t, parse(nil, "--"+flag+"="+values[flag]), parse(env), flag)
		require.NotEqual(t, parse(nil), parse(env), flag)
	}
}

func TestTLSDirOfSystems(t *testing.T) {
	env := func(name string) string {
		return map[string]string{"HOME": "/home/jon", "LocalAppData": "/appdata"}[name]
	}
	for goos, want := range map[string]string{
		"linux":   "/home/jon/.local/state/fakecortex",
		"darwin":  "/home/jon/Library/Application Support/fakecortex",
		"windows": "/appdata/fakecortex",
	} {
		dir, err := tlsDirOf(goos, env)
		require.NoError(t, err)
		assert.Equal(t, filepath.FromSlash(want), dir, goos)
	}
	_, err := tlsDirOf("linux", func(string) string { return "" })
	assert.ErrorContains(t, err, "--tls-dir")
}

func TestLoopbackOf(t *testing.T) {
	for addr, want := range map[string]string{
		":6869": "localhost:6869", "0.0.0.0:1": "localhost:1", "[::]:1": "localhost:1", "localhost:2": "localhost:2", "10.0.0.1:3": "10.0.0.1:3",
	} {
		assert.Equal(t, want, loopbackOf(addr), addr)
	}
}

// The bare container image has no hosts file, so localhost must need no lookup.
func TestDialLocalNeedsNoNames(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { assert.NoError(t, l.Close()) }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	conn, err := dialLocal(context.Background(), "tcp", "localhost:"+port)
	require.NoError(t, err)
	assert.Equal(t, l.Addr().String(), conn.RemoteAddr().String())
	require.NoError(t, conn.Close())
}
