package scenarios

import (
	"fmt"
	"strings"
)

// chapters are the groups of the library, by the first letter of a name.
func chapters() [][2]string {
	return [][2]string{
		{"a", "Access and authorization"}, {"b", "License and quota"}, {"c", "Finding and connecting headsets"}, {"d", "Sessions"},
		{"e", "Streams"}, {"f", "Time"}, {"g", "Profiles and training"}, {"h", "Records and export"}, {"i", "Markers"},
		{"j", "Transport and certificates"}, {"k", "Order of messages, and errors"}, {"l", "Restarts"}, {"m", "Platforms"}, {"n", "More cases"},
	}
}

// Comment returns the comment at the top of a built-in scenario as one text: what
// happens in it.
func Comment(name string) (string, error) {
	source, err := Source(name)
	if err != nil {
		return "", err
	}
	var words []string
	for line := range strings.Lines(source) {
		text, ok := strings.CutPrefix(line, "#")
		if !ok {
			break
		}
		words = append(words, strings.TrimSpace(text))
	}
	return strings.Join(words, " "), nil
}

// Page returns the page of the documentation about the library, in Markdown. It
// is made of the library, so it says what the scenarios are.
func Page() ([]byte, error) {
	var b strings.Builder
	b.WriteString("# Built-in scenarios\n\n" +
		"Each of them is a world in which one thing is not as a client may think, taken from a public report or a page of the\n" +
		"Cortex documentation. Run a client's tests inside one with `fakecortex exec --scenario NAME -- command`, see its text with\n" +
		"`fakecortex scenarios show NAME`, and build your own on it with `extends: NAME`.\n" +
		"`${name}` is a variable, set with `--set name=value`; every scenario has `headset`, `firmware`, `user` and `license`.\n" +
		"This page is generated from the scenarios.\n")
	names := Builtins()
	section := func(title string, names []string) error {
		fmt.Fprintf(&b, "\n## %s\n", title)
		for _, name := range names {
			s, err := Load(name, Options{})
			if err != nil {
				return err
			}
			comment, err := Comment(name)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "\n### %s\n\n%s.\n\n%s\n\n", name, strings.TrimSuffix(s.Title, "."), comment)
			fmt.Fprintf(&b, "- A good client: %s\n- Reported by: %s\n", lowerFirst(s.GoodClient), s.Report)
			for _, e := range s.Expectations {
				fmt.Fprintf(&b, "- Checked: the client %s\n", e.Name)
			}
		}
		return nil
	}
	if err := section("The default", names[:1]); err != nil {
		return nil, err
	}
	for _, c := range chapters() {
		var of []string
		for _, n := range names[1:] {
			if n[:1] == c[0] {
				of = append(of, n)
			}
		}
		if err := section(c[1], of); err != nil {
			return nil, err
		}
	}
	return []byte(b.String()), nil
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
