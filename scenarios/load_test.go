package scenarios_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/scenarios"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

// Each testdata/bad/*.yaml stands beside a .txt with all that is wrong with it.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := scenarios.Load(file, scenarios.Options{})
			require.Error(t, err)
			var list scenarios.Errors
			require.ErrorAs(t, err, &list)
			text := strings.ReplaceAll(err.Error(), filepath.ToSlash(filepath.Dir(file))+"/", "") + "\n"
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", text)
		})
	}
}

func TestBuiltinsAreRight(t *testing.T) {
	schema := compileSchema(t)
	names := scenarios.Builtins()
	require.Equal(t, "default", names[0])
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			s, err := scenarios.Load(name, scenarios.Options{})
			require.NoError(t, err)
			assert.Equal(t, name, s.Name)
			assert.NotEmpty(t, s.Title)
			assert.NotEmpty(t, s.GoodClient)

			source, err := scenarios.Source(name)
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(source, "# "), "it begins with a comment")
			asJSON, err := yaml.YAMLToJSON([]byte(source))
			require.NoError(t, err)
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
			require.NoError(t, err)
			require.NoError(t, schema.Validate(v))
		})
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(scenarios.Schema()))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource(scenarios.SchemaID, v))
	schema, err := c.Compile(scenarios.SchemaID)
	require.NoError(t, err)
	return schema
}

func TestDefaultWorld(t *testing.T) {
	s, err := scenarios.Load("default", scenarios.Options{})
	require.NoError(t, err)
	w := s.World
	require.Len(t, w.Headsets, 1)
	assert.Equal(t, "EPOCPLUS", w.Headsets[0].Model)
	assert.Equal(t, "connected", w.Headsets[0].Status)
	assert.Equal(t, "625", w.Headsets[0].Firmware)
	assert.Equal(t, 1.0, w.Headsets[0].ClockRatio)
	assert.True(t, w.AnyApplication)
	assert.Equal(t, []string{"eeg", "pm"}, w.Licenses[0].Scopes)
	assert.Equal(t, 1000000, w.Licenses[0].LocalQuota)
	assert.Nil(t, w.Licenses[0].MaxDebit)
	assert.Equal(t, 2100, w.Licenses[0].ValidTo.At(time.Time{}).Year())
	assert.Equal(t, 30*time.Second, w.Timings.SilenceLimit.D())
	assert.Equal(t, 1500*time.Millisecond, w.Timings.ConnectDelay.D())
	assert.True(t, w.Users[0].EULAAccepted)
	assert.Equal(t, "1001", w.OSUser.ID)
	assert.Equal(t, map[string]int{"neutral": 3, "push": 3, "pull": 2}, w.Profiles[0].MentalCommand)
	assert.Equal(t, []string{"built-in:default"}, s.Sources)
}

func files(m map[string]string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if s, ok := m[name]; ok {
			return []byte(s), nil
		}
		return nil, fmt.Errorf("open %s: no such file", name)
	}
}

func TestExtends(t *testing.T) {
	read := files(map[string]string{
		"a/child.yaml": `
extends: [default, ../base.yaml]
vars: {id: "x"}
world:
  timings: {silenceLimit: 5s}
  login: null
timeline:
  - {at: 2s, do: headsetOff}
`,
		"base.yaml": `
vars: {id: "from base", delay: 3s}
world:
  seed: 7
  timings: {silenceLimit: 9s, connectDelay: "${delay}"}
timeline:
  - {at: 1s, do: {note: "${id}"}}
`,
	})
	s, err := scenarios.Load("a/child.yaml", scenarios.Options{ReadFile: read, Set: map[string]string{"delay": "4s"}})
	require.NoError(t, err)
	assert.Equal(t, uint64(7), s.World.Seed)
	assert.Equal(t, "5s", s.World.Timings.SilenceLimit.String())
	assert.Equal(t, "4s", s.World.Timings.ConnectDelay.String())
	assert.Empty(t, s.World.Login, "null takes the key of the parent out")
	assert.Len(t, s.World.Headsets, 1)
	require.Len(t, s.Timeline, 2)
	assert.Equal(t, &scenarios.Note{Text: "x"}, s.Timeline[0].Do[0].Args)
	assert.Equal(t, scenarios.DoHeadsetOff, s.Timeline[1].Do[0].Name)
	assert.Equal(t, []string{"a/child.yaml", "built-in:default", "base.yaml"}, s.Sources)
	assert.Equal(t, "child", s.Name)
}

func TestExtendsGoesWrong(t *testing.T) {
	read := files(map[string]string{
		"loop.yaml":    "extends: ./loop2.yaml\n",
		"loop2.yaml":   "extends: ./loop.yaml\n",
		"missing.yaml": "extends: ./nowhere.yaml\n",
		"builtin.yaml": "extends: defalt\n",
	})
	for file, want := range map[string]string{
		"loop.yaml":    `loop2.yaml:1:10: extends[0]: "./loop.yaml" extends itself: loop.yaml -> loop2.yaml -> loop.yaml`,
		"missing.yaml": `missing.yaml:1:10: extends[0]: "./nowhere.yaml" cannot be read: open nowhere.yaml: no such file`,
		"builtin.yaml": `builtin.yaml:1:10: extends[0]: "defalt" is not a built-in scenario, did you mean "default"?`,
	} {
		_, err := scenarios.Load(file, scenarios.Options{ReadFile: read})
		assert.EqualError(t, err, want)
	}
}

func TestSet(t *testing.T) {
	doc := []byte("vars: {quota: 1}\nworld: {licenses: [{id: L, localQuota: \"${quota}\"}]}\n")
	s, err := scenarios.LoadBytes("x.yaml", doc, scenarios.Options{Set: map[string]string{"quota": "5"}})
	require.NoError(t, err)
	assert.Equal(t, 5, s.World.Licenses[0].LocalQuota)
	_, err = scenarios.LoadBytes("x.yaml", doc, scenarios.Options{Set: map[string]string{"qouta": "5"}})
	assert.EqualError(t, err, `--set qouta: is not a variable of the scenario, did you mean "quota"? want quota`)
	_, err = scenarios.LoadBytes("x.yaml", doc, scenarios.Options{Set: map[string]string{"quota": "many"}})
	assert.ErrorContains(t, err, "x.yaml:2:")
	assert.ErrorContains(t, err, "is not a whole number")
}

func TestUnknownScenario(t *testing.T) {
	_, err := scenarios.Load("defualt", scenarios.Options{})
	require.ErrorIs(t, err, scenarios.ErrUnknown)
	assert.ErrorContains(t, err, `did you mean "default"?`)
}

// JSON is YAML.
func TestJSONDocument(t *testing.T) {
	s, err := scenarios.LoadBytes("x.json", []byte(`{"version":1,"world":{"headsets":[{"id":"EPOCX-0A1B2C3D","status":"off"}]},
	"timeline":[{"at":"1s","do":[{"headsetOn":"EPOCX-0A1B2C3D"}]}]}`), scenarios.Options{})
	require.NoError(t, err)
	assert.Equal(t, &scenarios.OnHeadset{Headset: "EPOCX-0A1B2C3D"}, s.Timeline[0].Do[0].Args)
	b, err := json.Marshal(s.Timeline[0].Do[0])
	require.NoError(t, err)
	assert.JSONEq(t, `{"headsetOn":{"headset":"EPOCX-0A1B2C3D"}}`, string(b))
}

// A hostile document is refused in a moment.
func TestHostileDocuments(t *testing.T) {
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&laughs, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	deep := func(open string, n int) string { return strings.Repeat(open, n) }
	for name, doc := range map[string]string{
		"laughs":       laughs.String(),
		"brackets":     deep("[", 500_000),
		"braces":       "a: " + deep("{a: ", 100_000),
		"dashes":       deep("- ", 400_000),
		"indent":       deepIndent(2000),
		"questions":    deep("? ", 400_000),
		"tags":         deep("!!x ", 200_000),
		"anchors":      deep("&x ", 200_000),
		"large":        strings.Repeat("a", 2<<20),
		"not utf8":     "world: \xff\n",
		"self alias":   "a: &a [*a]\n",
		"two":          "a: 1\n---\nb: 2\n",
		"scalar":       "hello\n",
		"list":         "- 1\n",
		"nul":          "a: \x00\n",
		"many values":  "timeline: [" + strings.Repeat("1,", 150_000) + "1]\n",
		"many keys":    strings.Repeat("a: 1\n", 50_000),
		"many steps":   "timeline:\n" + strings.Repeat("- {at: 1s, do: headsetOff}\n", 10_001),
		"many aliases": "a: &a {id: EPOCX-1}\nworld: {headsets: [" + strings.Repeat("*a,", 4000) + "]}\n",
		"merge key":    "x: &x {a: 1}\nworld:\n  <<: *x\n",
		"unclosed":     "world: {seed: 1\n",
		"tab":          "world:\n\tseed: 1\n",
		"variable end": "name: \"${x\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := scenarios.LoadBytes("x.yaml", []byte(doc), scenarios.Options{})
			require.Error(t, err)
			assert.Less(t, len(err.Error()), 300_000)
		})
	}
}

func deepIndent(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}
