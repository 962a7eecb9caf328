package emulator

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fakecortex/fakecortex/scenarios"
)

// TestWhatIsRightStarts: a document that the loader takes makes a world; what is
// wrong with it is told by the loader, with its place. Worlds of the library, and
// one that has everything, are changed at random places to see.
func TestWhatIsRightStarts(t *testing.T) {
	e := StartT(t, Options{})
	started := 0
	rapid.Check(t, func(t *rapid.T) {
		source := plainDocument
		var err error
		if rapid.Bool().Draw(t, "of the library") {
			source, err = scenarios.Source(rapid.SampledFrom(scenarios.Builtins()).Draw(t, "scenario"))
			require.NoError(t, err)
		}
		asJSON, err := yaml.YAMLToJSON([]byte(source))
		require.NoError(t, err)
		var doc map[string]any
		require.NoError(t, json.Unmarshal(asJSON, &doc))
		if doc["world"] == nil {
			doc["world"] = map[string]any{}
		}
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			disturb(t, doc["world"])
		}
		text, err := json.Marshal(doc)
		require.NoError(t, err)
		err = e.LoadDocument(text, nil)
		var mistakes scenarios.Errors
		if errors.As(err, &mistakes) {
			return
		}
		require.NoError(t, err, "%s", text)
		started++
	})
	require.Positive(t, started, "no document was right: the test looks at nothing")
}

// disturb puts something else at a random place of a value.
func disturb(t *rapid.T, v any) {
	other := rapid.SampledFrom([]any{
		nil, true, false, 0, 1, -1, 1e9, "", "x", "*", "0s", "1s", "-30d", "36500d", "1970-01-01T00:00:00Z", "2199-01-01T00:00:00Z", "-1h", "2.0", "99.99",
		"ffff", "ffffffff", "demo", "demo.user", "EPOC-1", "INSIGHT-00000001", "EPOCFLEX-F0000001", "MN8-1", []any{}, map[string]any{}, []any{"x"}, []any{"", ""}, []any{"push", "push"}, map[string]any{"x": 1},
	})
	for {
		switch x := v.(type) {
		case map[string]any:
			keys := append(slices.Sorted(maps.Keys(x)), fieldNames()...)
			key := rapid.SampledFrom(keys).Draw(t, "key")
			switch x[key].(type) {
			case map[string]any, []any:
				if rapid.Bool().Draw(t, "deeper") {
					v = x[key]
					continue
				}
			}
			x[key] = other.Draw(t, "value")
			return
		case []any:
			if len(x) == 0 {
				return
			}
			i := rapid.IntRange(0, len(x)-1).Draw(t, "item")
			if _, ok := x[i].(map[string]any); ok {
				v = x[i]
				continue
			}
			x[i] = other.Draw(t, "value")
			return
		default:
			return
		}
	}
}

// fieldNames are fields of worlds and of what is in them; a place that does not
// know one is a mistake that the loader finds.
func fieldNames() []string {
	return []string{
		"cortexVersion", "startTime", "users", "login", "applications", "licenses", "headsets", "profiles", "subjects", "records", "flexMappings",
		"id", "firmware", "status", "settings", "mappings", "signal", "customName", "appearsAfter", "virtualHeadsetId", "dongle", "connectedBy", "silenceLimit",
		"owner", "uuid", "name", "eegChannels", "mentalCommand", "activeActions", "loadedOn", "license", "facialThresholds", "sensitivity", "headset", "subject", "loadedBy", "model", "isVirtual", "clientId", "appId", "usableBy", "validTo", "localQuota",
	}
}
