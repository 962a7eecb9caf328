package scenarios_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/scenarios"
)

// docs/scenarios.md is generated: go test ./scenarios -run TestPage -update
func TestPage(t *testing.T) {
	page, err := scenarios.Page()
	require.NoError(t, err)
	golden(t, "../docs/scenarios.md", string(page))
	for _, name := range scenarios.Builtins() {
		assert.Equal(t, 1, strings.Count(string(page), "\n### "+name+"\n"), name)
	}
	for _, name := range []string{"a1-never-approved", "m2-headless"} {
		assert.Contains(t, string(page), "### "+name)
	}
}

// docs/scenario.schema.json is generated: go test ./scenarios -run TestSchemaFile -update
func TestSchemaFile(t *testing.T) {
	golden(t, "../docs/scenario.schema.json", string(scenarios.Schema()))
}

// Every case of the reports has a scenario: its letter and number begin a name.
func TestLibraryIsComplete(t *testing.T) {
	have := map[string]bool{}
	form := regexp.MustCompile(`^([a-n][0-9]+)-[a-z0-9-]+$`)
	for _, name := range scenarios.Builtins()[1:] {
		m := form.FindStringSubmatch(name)
		require.NotNil(t, m, "%s: a name is a letter, a number and words", name)
		have[m[1]] = true
	}
	for letter, n := range map[string]int{"a": 8, "b": 11, "c": 12, "d": 3, "e": 12, "f": 4, "g": 7, "h": 5, "i": 3, "j": 4, "k": 8, "l": 3, "m": 2, "n": 24} {
		for i := 1; i <= n; i++ {
			assert.True(t, have[letter+itoa(i)], "%s%d", letter, i)
		}
	}
}

// What a scenario says in its texts has to be in it.
func TestTextsNameVariables(t *testing.T) {
	form := regexp.MustCompile(`\$\{([a-zA-Z]+)\}`)
	for _, name := range scenarios.Builtins() {
		s, err := scenarios.Load(name, scenarios.Options{})
		require.NoError(t, err)
		comment, err := scenarios.Comment(name)
		require.NoError(t, err)
		for _, m := range form.FindAllStringSubmatch(comment, -1) {
			assert.Contains(t, s.Vars, m[1], name)
		}
		assert.NotContains(t, s.Title+s.GoodClient, "${", name)
	}
}

// Every variable of a scenario of the library is used in it, the four of the
// default world apart.
func TestVariablesAreUsed(t *testing.T) {
	for _, name := range scenarios.Builtins()[1:] {
		source, err := scenarios.Source(name)
		require.NoError(t, err)
		s, err := scenarios.Load(name, scenarios.Options{})
		require.NoError(t, err)
		if strings.Contains(source, "extends: b1-") {
			continue
		}
		for v := range s.Vars {
			switch v {
			case "headset", "firmware", "user", "license":
			default:
				_, body, _ := strings.Cut(source, "\nextends:")
				assert.Contains(t, body, "${"+v+"}", "%s: %s", name, v)
			}
		}
	}
}

// A client with another headset, user and license uses the same library.
func TestVariablesOfTheDefault(t *testing.T) {
	set := map[string]string{"headset": "EPOCX-0A0A0A0A", "firmware": "f10", "user": "jon.snow", "license": "22ce25e0-0000-4000-8000-000000000002"}
	for _, name := range scenarios.Builtins() {
		s, err := scenarios.Load(name, scenarios.Options{Set: set})
		require.NoError(t, err, name)
		for _, h := range s.World.Headsets {
			assert.NotEqual(t, "EPOCPLUS-3B9A0001", h.ID, name)
		}
		for _, u := range s.World.Users {
			assert.NotEqual(t, "demo.user", u.Username, name)
		}
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
