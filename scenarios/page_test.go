package scenarios_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
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

// docs/scenario-reference.md is generated: go test ./scenarios -run TestReference -update
func TestReference(t *testing.T) {
	page := string(scenarios.Reference())
	golden(t, "../docs/scenario-reference.md", page)
	for _, a := range scenarios.Actions() {
		assert.Contains(t, page, "\n### "+a.Name+"\n")
	}
	for _, word := range []string{"`clockOffset`", "`lognormal`", "`mustNot`", "`blinkRate`", "`exportGate`", "`sessionOpened`"} {
		assert.Contains(t, page, word)
	}
	headings := regexp.MustCompile(`(?m)^## .*$`).FindAllString(page, -1)
	slices.Sort(headings)
	assert.Equal(t, headings, slices.Compact(slices.Clone(headings)), "no chapter twice")
}

// The schema refuses what the loader refuses, as far as one field goes.
func TestSchemaRefuses(t *testing.T) {
	schema := compileSchema(t)
	for doc, right := range map[string]bool{
		`{}`:                           true,
		`{"world":{"disk":"low"}}`:     true,
		`{"world":{"disk":"full"}}`:    false,
		`{"world":{"disk":"${disk}"}}`: true,
		`{"word":{}}`:                  false,
		`{"world":{"headsets":[{}]}}`:  false,
		`{"world":{"headsets":[{"id":"EPOCX-1","clockRatio":2}]}}`:                             false,
		`{"world":{"headsets":[{"id":"EPOCX-1","signal":{"eyes":"open"}}]}}`:                   true,
		`{"world":{"headsets":[{"id":"EPOCX-1","signal":{"eye":"open"}}]}}`:                    false,
		`{"world":{"timings":{"training":"8s"}}}`:                                              true,
		`{"world":{"timings":{"training":8}}}`:                                                 false,
		`{"world":{"anyApplication":"true"}}`:                                                  false,
		`{"timeline":[{"at":"1s","do":"headsetOff"}]}`:                                         true,
		`{"timeline":[{"at":"1s","do":"headsetOf"}]}`:                                          false,
		`{"timeline":[{"at":"1s","do":{"headsetOff":"EPOCX-1"}}]}`:                             true,
		`{"timeline":[{"at":"1s","do":{"headsetOff":{"headset":"EPOCX-1","x":1}}}]}`:           false,
		`{"timeline":[{"at":"1s","do":[{"blink":null},{"warning":19},{"cut":{}}]}]}`:           true,
		`{"timeline":[{"at":"1s","do":{"blink":null,"cut":null}}]}`:                            false,
		`{"timeline":[{"at":"1s"}]}`:                                                           false,
		`{"faults":[{"on":"answer","latency":"1s"}]}`:                                          true,
		`{"faults":[{"on":"answers","latency":"1s"}]}`:                                         false,
		`{"faults":[{"latency":{"normal":{"mean":"1s"}}}]}`:                                    false,
		`{"expectations":[{"must":"authorize","count":2}]}`:                                    true,
		`{"expectations":[{"must":"authorize","count":"twice"}]}`:                              false,
		`{"texts":{"errors":{"-32019":"full"},"warnings":{"104":{"message":{"behavior":1}}}}}`: true,
		`{"texts":{"errors":{"full":"full"}}}`:                                                 false,
		`{"version":2}`:                                                                        false,
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
		require.NoError(t, err)
		err = schema.Validate(v)
		assert.Equal(t, right, err == nil, "%s: %v", doc, err)
		if right {
			continue
		}
		_, err = scenarios.LoadBytes("x.json", []byte(doc), scenarios.Options{})
		assert.Error(t, err, doc)
	}
}
