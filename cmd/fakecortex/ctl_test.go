package main

import (
	"bufio"
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/control"
)

// TestCtlFollows reads entries as they come, until the command is told to end.
func TestCtlFollows(t *testing.T) {
	e, err := emulator.Start(emulator.Options{Clock: "manual"})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	server, err := control.Listen("localhost:0", control.Options{Emulator: e, Token: "s3cret"})
	require.NoError(t, err)
	go func() { _ = server.Serve() }()
	defer func() { _ = server.Close(context.Background()) }()
	require.NoError(t, e.Act("note: before"))

	getenv := func(name string) string {
		return map[string]string{"FAKECORTEX_CONTROL": server.URL(), "FAKECORTEX_CONTROL_TOKEN": "s3cret"}[name]
	}
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"ctl", "journal", "--follow", "--kind", "note"}, getenv, nil, in, io.Discard)
		_ = in.Close()
	}()
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	assert.Contains(t, lines.Text(), `"message":"before"`)
	require.NoError(t, e.Act("note: behind"))
	require.True(t, lines.Scan())
	assert.Contains(t, lines.Text(), `"message":"behind"`)
	cancel()
	assert.False(t, lines.Scan())
	assert.Zero(t, <-code)

	assert.Equal(t, exitFailed, run(t.Context(), []string{"ctl", "state", "--control-token", "wrong"}, getenv, nil, io.Discard, io.Discard))
}
