package scenarios

import (
	"embed"
	"slices"
	"strings"
)

//go:embed library/*.yaml
var library embed.FS

// Builtins returns the names of the built-in scenarios, sorted, default first.
func Builtins() []string {
	entries, err := library.ReadDir("library")
	if err != nil {
		return nil // cannot happen: it is embedded
	}
	out := []string{"default"}
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), ".yaml"); name != "default" {
			out = append(out, name)
		}
	}
	slices.Sort(out[1:])
	return out
}

// Source returns the text of a built-in scenario.
func Source(name string) (string, error) {
	data, ok := builtinSource(name)
	if !ok {
		return "", unknownBuiltin(name)
	}
	return string(data), nil
}

func builtinSource(name string) ([]byte, bool) {
	if strings.ContainsAny(name, `/\`) {
		return nil, false
	}
	data, err := library.ReadFile("library/" + name + ".yaml")
	return data, err == nil
}

const builtinPrefix = "built-in:"

func builtinFile(name string) string { return builtinPrefix + name }
func isBuiltinFile(file string) bool { return strings.HasPrefix(file, builtinPrefix) }
