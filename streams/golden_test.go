package streams

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files")

// The columns and the first samples of every stream of every model, and of some
// that differ by firmware, settings or dialect.
func TestGolden(t *testing.T) {
	type variant struct {
		name, model string
		change      func(*SourceConfig)
	}
	version := func(major, minor, patch int) func(*SourceConfig) {
		return func(c *SourceConfig) { c.Dialect = DialectFor(major, minor, patch) }
	}
	variants := []variant{
		{"EPOCPLUS-firmware-625", "EPOCPLUS", func(c *SourceConfig) { c.Firmware = "625" }},
		{"EPOCPLUS-mode-EPOC", "EPOCPLUS", func(c *SourceConfig) { c.Settings = Settings{128, 14, 0, 0, "EPOC"} }},
		{"INSIGHT-firmware-925", "INSIGHT", func(c *SourceConfig) { c.Firmware = "925" }},
		{"EPOC-motion", "EPOC", func(c *SourceConfig) { c.Settings = Settings{128, 14, 128, 12, "EPOC"} }},
		{"EPOCX-clock", "EPOCX", func(c *SourceConfig) { c.ClockRatio, c.ClockOffset = 0.99061, 250_000_000 }},
		{"INSIGHT-attention-last", "INSIGHT", func(c *SourceConfig) { c.Dialect.Met = MetAttentionLast }},
		{"EPOCPLUS-cortex-2.0", "EPOCPLUS", version(2, 0, 0)},
		{"EPOCPLUS-cortex-2.2.1", "EPOCPLUS", version(2, 2, 1)},
		{"EPOCFLEX-cortex-2.2.1", "EPOCFLEX", version(2, 2, 1)},
		{"EPOCPLUS-cortex-2.6", "EPOCPLUS", version(2, 6, 0)},
		{"EPOCX-cortex-2.7", "EPOCX", version(2, 7, 0)},
	}
	for _, m := range Models() {
		variants = append(variants, variant{m.Name, m.Name, func(*SourceConfig) {}})
	}
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			s := testSource(t, v.model, v.change)
			lines := make([]strings.Builder, NumKinds)
			for kind := range lines {
				l := s.Layout(Kind(kind))
				if l == nil {
					fmt.Fprintf(&lines[kind], "%v: none\n", Kind(kind))
					continue
				}
				fmt.Fprintf(&lines[kind], "%v %s\n", Kind(kind), l.AppendCols(nil))
			}
			var seen [NumKinds]int
			s.Advance(testStart+20e9, AllKinds, func(x *Sample) {
				if seen[x.Kind]++; seen[x.Kind] <= 3 {
					fmt.Fprintln(&lines[x.Kind], wire(s, x))
				}
			})
			var got bytes.Buffer
			for kind := range lines {
				got.WriteString(lines[kind].String())
			}
			checkGolden(t, v.name+".txt", got.Bytes())
		})
	}
}

// What each version of Cortex makes of each model: the columns and the first
// sample of every stream that is not as in the version before.
func TestGoldenVersions(t *testing.T) {
	versions := [][3]int{{2, 0, 0}, {2, 1, 0}, {2, 2, 1}, {2, 2, 2}, {2, 3, 0}, {2, 6, 0}, {2, 7, 0}, {3, 0, 0}, {4, 8, 32}}
	for _, m := range Models() {
		t.Run(m.Name, func(t *testing.T) {
			var got bytes.Buffer
			var before [NumKinds]string
			for _, v := range versions {
				fmt.Fprintf(&got, "# %d.%d.%d\n", v[0], v[1], v[2])
				s := testSource(t, m.Name, func(c *SourceConfig) { c.Dialect = DialectFor(v[0], v[1], v[2]) })
				var first [NumKinds]string
				for kind := range first {
					first[kind] = Kind(kind).String() + " none\n"
					if l := s.Layout(Kind(kind)); l != nil {
						first[kind] = fmt.Sprintf("%v %s\n", Kind(kind), l.AppendCols(nil))
					}
				}
				var seen Kinds
				s.Advance(testStart+10e9, AllKinds, func(x *Sample) {
					if !seen.Has(x.Kind) {
						seen |= KindSet(x.Kind)
						first[x.Kind] += wire(s, x) + "\n"
					}
				})
				for kind, text := range first {
					if text != before[kind] {
						got.WriteString(text)
					}
				}
				before = first
			}
			checkGolden(t, filepath.Join("versions", m.Name+".txt"), got.Bytes())
		})
	}
}

func checkGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	// A line at a time: the whole is too long to read.
	wanted, written := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range min(len(wanted), len(written)) {
		require.Equal(t, wanted[i], written[i], "line %d", i+1)
	}
	assert.Len(t, written, len(wanted))
}
