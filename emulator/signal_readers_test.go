//go:build readers

package emulator_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/api"
	"github.com/fakecortex/fakecortex/streams"
)

// readerOf returns the interpreter for a script: $FAKECORTEX_PYTHON or python3.
// Without the packages that the script needs the test is skipped, unless
// FAKECORTEX_REQUIRE_READERS=1.
func readerOf(t *testing.T, script string) string {
	python := os.Getenv("FAKECORTEX_PYTHON")
	if python == "" {
		python = "python3"
	}
	require.FileExists(t, script) // so that go test knows that it depends on it
	if out, err := exec.Command(python, script, "--packages").CombinedOutput(); err != nil {
		message := fmt.Sprintf("%s cannot run %s (pip install -r requirements.txt beside it): %v\n%s", python, script, err, out)
		if os.Getenv("FAKECORTEX_REQUIRE_READERS") == "1" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	return python
}

// TestSignalInMNE lets signal_check.py read EEG through the socket and find in
// it, with MNE, what the ground truth says: go test -tags readers.
func TestSignalInMNE(t *testing.T) {
	python := readerOf(t, "signal_check.py")
	const seconds, headset = 180, "EPOCX-3B9A0001"
	var truth []streams.Truth // written on the loop, read when the clock stands still
	e := emulator.StartT(t, emulator.Options{World: epocX(), Truth: func(_ string, x streams.Truth) { truth = append(truth, x) }})
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, e.CAPEM(), 0o600))

	check := exec.Command(python, "signal_check.py", e.URL(), ca, fmt.Sprint(seconds))
	check.Stderr = os.Stderr
	stdin, err := check.StdinPipe()
	require.NoError(t, err)
	stdout, err := check.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, check.Start())
	lines := bufio.NewScanner(stdout)
	await := func(word string) {
		for lines.Scan() {
			if lines.Text() == word {
				return
			}
		}
		require.NoError(t, check.Wait())
		t.Fatalf("signal_check.py ended before %q", word)
	}

	await("subscribed")
	update := func(change func(*streams.State)) {
		require.NoError(t, e.Do(func(s *api.Service) { require.NoError(t, s.UpdateSignal(headset, change)) }))
	}
	update(func(s *streams.State) { s.ERP = []streams.ERP{{Match: "target", Latency: 0.3, Amplitude: 12}} })
	const stimuli = 80
	for i := range stimuli {
		label := "target"
		if i%2 == 1 {
			label = "standard"
		}
		require.NoError(t, e.Do(func(s *api.Service) { require.True(t, s.Stimulus(headset, label)) }))
		require.NoError(t, e.Advance(seconds*time.Second/2/stimuli))
	}
	update(func(s *streams.State) { s.Eyes = "closed" })
	require.NoError(t, e.Advance(seconds*time.Second/2))
	await("read")
	require.NoError(t, e.Do(func(*api.Service) {
		for _, x := range truth {
			line, err := json.Marshal(x)
			require.NoError(t, err)
			_, err = fmt.Fprintf(stdin, "%s\n", line)
			require.NoError(t, err)
		}
	}))
	require.NoError(t, stdin.Close())
	var report []string
	for lines.Scan() {
		report = append(report, lines.Text())
	}
	require.NoError(t, check.Wait(), strings.Join(report, "\n"))
	t.Log(strings.Join(report, "\n"))
}
