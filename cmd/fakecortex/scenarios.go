package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/fakecortex/fakecortex/scenarios"
)

type scenariosCmd struct {
	List   scenariosListCmd   `cmd:"" help:"List the built-in scenarios."`
	Show   scenariosShowCmd   `cmd:"" help:"Print the text of a built-in scenario."`
	Check  scenariosCheckCmd  `cmd:"" help:"Check scenarios: exit 0 when all are right, else tell every mistake with its place and exit 1."`
	Schema scenariosSchemaCmd `cmd:"" help:"Print the JSON Schema of scenarios, for editors."`
}

type scenariosListCmd struct{}

// Run prints one line for each built-in scenario.
func (scenariosListCmd) Run(s system) error {
	w := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0)
	for _, name := range scenarios.Builtins() {
		scenario, err := scenarios.Load(name, scenarios.Options{})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s\t%s\n", name, scenario.Title); err != nil {
			return err
		}
	}
	return w.Flush()
}

type scenariosShowCmd struct {
	Name string `arg:"" help:"Name of a built-in scenario."`
}

// Run prints the text as it stands in the library, comments included.
func (c *scenariosShowCmd) Run(s system) error {
	text, err := scenarios.Source(c.Name)
	if err != nil {
		return err
	}
	_, err = io.WriteString(s.stdout, text)
	return err
}

type scenariosCheckCmd struct {
	Files []string          `arg:"" name:"file" help:"Files, or names of built-in scenarios."`
	Set   map[string]string `placeholder:"NAME=VALUE" help:"Variable of the scenarios. May be repeated."`
}

// Run tells every mistake of every file, one a line.
func (c *scenariosCheckCmd) Run(s system) error {
	wrong := 0
	for _, file := range c.Files {
		if err := scenarios.Check(file, scenarios.Options{Set: c.Set}); err != nil {
			wrong++
			if _, err := fmt.Fprintln(s.stdout, strings.TrimRight(err.Error(), "\n")); err != nil {
				return err
			}
		}
	}
	switch {
	case wrong == 0:
		return nil
	case len(c.Files) == 1:
		return fmt.Errorf("%s is not right", c.Files[0])
	}
	return fmt.Errorf("%d of %d scenarios are not right", wrong, len(c.Files))
}

type scenariosSchemaCmd struct{}

// Run prints the schema.
func (scenariosSchemaCmd) Run(s system) error {
	_, err := s.stdout.Write(scenarios.Schema())
	return err
}
