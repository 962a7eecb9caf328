package scenarios

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/fakecortex/fakecortex/emulator/faults"
	"github.com/fakecortex/fakecortex/scenarios/strict"
	"github.com/fakecortex/fakecortex/streams"
)

// Reference returns the reference of the document format, in Markdown. It is
// made of the types that read the document.
func Reference() []byte {
	var b strings.Builder
	b.WriteString("# Scenario documents\n\n" +
		"A scenario is a YAML document (JSON is YAML). Everything in it is optional; a key that is not in the tables below is an\n" +
		"error. `fakecortex scenarios check FILE` tells all mistakes with their places, `fakecortex scenarios schema` prints a JSON\n" +
		"Schema for editors. This page is generated.\n\n" +
		"- Durations are written with a unit: `200ms`, `1.5s`, `2h`, `30d`. All time is virtual.\n" +
		"- `${name}` in any value is the variable of that name. In `{}` and `[]` it has to stand in quotes.\n" +
		"- `extends` lays the document over others: mappings merge, lists replace, `null` takes a key out; `timeline`, `faults` and\n" +
		"  `expectations` are put behind those of the parents.\n" +
		"- **Short** means that the value of that key may stand alone: `do: {headsetOff: EPOCX-0A1B2C3D}` is\n" +
		"  `do: [{headsetOff: {headset: EPOCX-0A1B2C3D}}]`.\n")
	seen := map[reflect.Type]bool{}
	queue := []reflect.Type{reflect.TypeFor[Document]()}
	table := func(t reflect.Type) {
		fields := strict.Fields(t)
		if len(fields) == 0 {
			return
		}
		b.WriteString("\n| key | value | default | |\n| --- | --- | --- | --- |\n")
		for _, f := range fields {
			name := "`" + f.Name + "`"
			if f.Required {
				name += " (required)"
			}
			doc := f.Doc
			if f.Short {
				doc = strings.TrimSpace("**Short.** " + doc)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, cell(f.Kind), cell(f.Default), cell(doc))
			if f.Of != nil && !seen[f.Of] {
				seen[f.Of] = true
				queue = append(queue, f.Of)
			}
		}
	}
	for len(queue) > 0 {
		t := queue[0]
		queue = queue[1:]
		if t == reflect.TypeFor[faults.Rule]() || t == reflect.TypeFor[Action]() {
			continue // they have chapters of their own
		}
		fmt.Fprintf(&b, "\n## %s\n", t.Name())
		table(t)
	}
	b.WriteString("\n## Actions\n\nWhat can stand under `do`, and what the control API can do.\n")
	for _, a := range Actions() {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n", a.Name, a.Doc)
		switch a.Args {
		case reflect.TypeFor[faults.Rule]():
			b.WriteString("Its value is a rule as under `faults`.\n")
		case reflect.TypeFor[Headset]():
			b.WriteString("Its value is a headset as under `world.headsets`.\n")
		default:
			table(a.Args)
		}
	}
	b.WriteString("\n## Events\n\nWhat `after` can wait for.\n\n| event | fields | |\n| --- | --- | --- |\n")
	for _, e := range Events() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", e.Name, strings.Join(e.Fields, ", "), e.Doc)
	}
	b.WriteString("\n## Faults\n\nA rule under `faults` says which frames it hits (`on`) and has exactly one fault.\n")
	table(reflect.TypeFor[faults.Rule]())
	rest := queue
	queue = nil
	for len(rest) > 0 {
		for _, t := range rest {
			if len(strict.Fields(t)) > 0 {
				fmt.Fprintf(&b, "\n### %s\n", strings.ToLower(t.Name()[:1])+t.Name()[1:])
				table(t)
			}
		}
		rest, queue = queue, nil
	}
	b.WriteString("\n## SignalPatch\n\nFields of the signal state, under `signal` of a headset and `state` of the action `signal`: what is left out stays as it is.\n")
	table(reflect.TypeFor[streams.State]())
	for len(queue) > 0 {
		t := queue[0]
		queue = queue[1:]
		fmt.Fprintf(&b, "\n### %s\n", t.Name())
		table(t)
	}
	b.WriteString("\n## What the linter finds\n\nMisuse of the API that the client's own tests may not notice, beside the faithful answers.\n\n| rule | | advice | page |\n| --- | --- | --- | --- |\n")
	for _, r := range LintRules() {
		page := r.Page
		if page != pageOfMethod {
			page = "[" + page + "](" + pageOf(page) + ")"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.Name, r.Severity, cell(r.Advice), page)
	}
	return []byte(b.String())
}

func cell(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", " ") }
