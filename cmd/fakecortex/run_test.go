package main

import (
	"bytes"
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"

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
