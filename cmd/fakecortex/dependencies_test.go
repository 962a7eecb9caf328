package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The list of dependencies is short, and each has its reason. One more belongs
// here with its own, or better nowhere.
func TestDependencies(t *testing.T) {
	reasons := map[string]string{
		"github.com/alecthomas/kong":               "the command line, with variables of the environment",
		"github.com/coder/websocket":               "the upgrade and the reading of WebSocket",
		"github.com/goccy/go-yaml":                 "scenarios, with line and column of what is wrong",
		"github.com/google/uuid":                   "ids from a seeded reader",
		"golang.org/x/sync":                        "the first error of several goroutines",
		"gonum.org/v1/gonum":                       "tests: the Fourier transform of band power",
		"github.com/prometheus/client_model":       "tests: the metrics as Prometheus reads them",
		"github.com/prometheus/common":             "tests: the same",
		"github.com/rogpeppe/go-internal":          "tests: the command line as scripts",
		"github.com/santhosh-tekuri/jsonschema/v6": "tests: the schema of scenarios",
		"github.com/stretchr/testify":              "tests",
		"pgregory.net/rapid":                       "tests: state machines",
	}
	text, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	direct := map[string]bool{}
	inRequire := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "require (":
			inRequire = true
		case line == ")":
			inRequire = false
		case strings.HasPrefix(line, "replace"), strings.HasPrefix(line, "exclude"):
			t.Errorf("%s: what is built is what go.sum says, for everybody", line)
		case strings.HasSuffix(line, "// indirect"):
		case inRequire, strings.HasPrefix(line, "require "):
			path, version, _ := strings.Cut(strings.TrimPrefix(line, "require "), " ")
			direct[path] = true
			require.NotEmpty(t, reasons[path], "%s: say why it is needed", path)
			require.Regexp(t, `^v\d+\.\d+\.\d+$`, version, "%s: a release", path)
		}
	}
	require.Len(t, direct, len(reasons), "one that is not needed any more leaves the list")
}
