package scenarios_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fakecortex/fakecortex/scenarios"
)

// What the loader takes the schema takes: an editor must not underline what is
// right. Documents of the library are changed at random places to see.
func TestSchemaTakesWhatTheLoaderTakes(t *testing.T) {
	schema := compileSchema(t)
	names := scenarios.Builtins()
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		source, err := scenarios.Source(rapid.SampledFrom(names).Draw(t, "scenario"))
		require.NoError(t, err)
		asJSON, err := yaml.YAMLToJSON([]byte(source))
		require.NoError(t, err)
		var doc map[string]any
		require.NoError(t, json.Unmarshal(asJSON, &doc))
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			change(t, doc)
		}
		text, err := json.Marshal(doc)
		require.NoError(t, err)
		if _, err := scenarios.LoadBytes("x.json", text, scenarios.Options{}); err != nil {
			return
		}
		accepted++
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		require.NoError(t, err)
		require.NoError(t, schema.Validate(v), "%s", text)
	})
	require.Positive(t, accepted, "no document was right: the test looks at nothing")
}

// change puts something else at a random place.
func change(t *rapid.T, doc any) {
	for {
		switch x := doc.(type) {
		case map[string]any:
			if len(x) == 0 {
				return
			}
			key := rapid.SampledFrom(slices.Sorted(maps.Keys(x))).Draw(t, "key")
			switch x[key].(type) {
			case map[string]any, []any:
				if rapid.Bool().Draw(t, "deeper") {
					doc = x[key]
					continue
				}
			}
			if rapid.IntRange(0, 4).Draw(t, "delete") == 0 {
				delete(x, key)
			} else {
				x[key] = value().Draw(t, "value")
			}
			return
		case []any:
			if len(x) == 0 {
				return
			}
			i := rapid.IntRange(0, len(x)-1).Draw(t, "item")
			switch x[i].(type) {
			case map[string]any, []any:
				doc = x[i]
				continue
			}
			x[i] = value().Draw(t, "value")
			return
		default:
			return
		}
	}
}

func value() *rapid.Generator[any] {
	return rapid.SampledFrom([]any{
		nil, true, false, 0, 1, 2, 3.5, -1, 1000000, "", "0", "1s", "-1s", "30d", "eeg", "connected", "blink", "headsetOff", "authorize", "*", "answer", "in",
		"${headset}", "${user}", "${nothing}", "2026-01-01T00:00:00Z", []any{}, map[string]any{}, []any{"eeg"}, []any{1}, map[string]any{"a": "b"},
		map[string]any{"event": "started"}, []any{"blink", map[string]any{"quota": 3}}, map[string]any{"min": 1}, "{}",
	})
}
