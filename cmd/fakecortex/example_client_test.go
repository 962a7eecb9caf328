package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestExampleClientOverBuiltBinary builds the command and the Go example as a
// user does and lets one talk to the other, with certificates checked.
func TestExampleClientOverBuiltBinary(t *testing.T) {
	dir := t.TempDir()
	server, client := filepath.Join(dir, "fakecortex.exe"), filepath.Join(dir, "example.exe")
	for out, pkg := range map[string]string{server: ".", client: "../../examples/go"} {
		text, err := exec.Command("go", "build", "-o", out, pkg).CombinedOutput()
		require.NoError(t, err, string(text))
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	defer log.Close()
	logged := func() string { text, _ := os.ReadFile(log.Name()); return string(text) }
	serve := exec.Command(server, "--listen", "localhost:0", "--control", "off", "--clock", "x10", "--tls-dir", filepath.Join(dir, "tls"))
	serve.Stderr = log
	stdout, err := serve.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, serve.Start())
	defer func() {
		assert.NoError(t, terminate(serve.Process.Pid))
		assert.NoError(t, serve.Wait())
		if t.Failed() {
			t.Log(logged())
		}
	}()
	text, err := bufio.NewReader(stdout).ReadBytes('\n')
	require.NoError(t, err)
	var line ready
	require.NoError(t, json.Unmarshal(text, &line))

	example := func(ca string) (string, error) {
		cmd := exec.Command(client)
		cmd.Env = append(os.Environ(), "FAKECORTEX_URL="+line.URL, "FAKECORTEX_CA="+ca)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := example(line.CA)
	require.NoError(t, err, out)
	assert.Regexp(t, `^coder/websocket: EPOCPLUS-\w+: (51[2-9]|5[2-9]\d|[6-9]\d\d) eeg samples at 256 Hz, \d{3} mot samples at 64 Hz, no gap\n$`, out)

	// The CA of another installation is not trusted.
	other, err := exec.Command(server, "ca", "--tls-dir", filepath.Join(dir, "other")).Output()
	require.NoError(t, err)
	otherCA := filepath.Join(dir, "other.pem")
	require.NoError(t, os.WriteFile(otherCA, other, 0o600))
	out, err = example(otherCA)
	require.Error(t, err, out)
	assert.Contains(t, out, "certificate signed by unknown authority")
}
