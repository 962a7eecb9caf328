package main

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkStart reports how long the built command takes from its start to the
// ready line, with a CA that exists already and without one.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	command := filepath.Join(dir, "fakecortex.exe")
	out, err := exec.Command("go", "build", "-o", command, ".").CombinedOutput()
	require.NoError(b, err, string(out))
	start := func(tls string) time.Duration {
		serve := exec.Command(command, "--listen", "localhost:0", "--control", "localhost:0", "--tls-dir", tls)
		stdout, err := serve.StdoutPipe()
		require.NoError(b, err)
		begin := time.Now()
		require.NoError(b, serve.Start())
		_, err = bufio.NewReader(stdout).ReadBytes('\n')
		took := time.Since(begin)
		require.NoError(b, err)
		require.NoError(b, terminate(serve.Process.Pid))
		require.NoError(b, serve.Wait())
		return took
	}
	kept := filepath.Join(dir, "kept")
	start(kept)
	var first, again time.Duration
	n := 0
	for b.Loop() {
		first += start(filepath.Join(b.TempDir(), "new"))
		again += start(kept)
		n++
	}
	b.ReportMetric(float64(first.Microseconds())/float64(n)/1e3, "ms/first")
	b.ReportMetric(float64(again.Microseconds())/float64(n)/1e3, "ms/again")
	b.ReportMetric(0, "ns/op")
}
