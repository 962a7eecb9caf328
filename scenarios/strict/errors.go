package strict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a source. Line and Col count from 1; 0 is unknown.
type Pos struct {
	File      string
	Line, Col int
}

// String returns file:line:col.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Error is one thing that is wrong with a document.
type Error struct {
	Pos
	Path    string // the field, such as world.headsets[0].status
	Value   string // what stands there, quoted as it was; may be empty
	Problem string // what is wrong with it
	Allowed string // what would be right; may be empty
	Nearest string // the known name nearest to the value; may be empty
}

// Error implements error.
func (e Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Pos.String())
	b.WriteString(": ")
	if e.Path != "" {
		b.WriteString(e.Path)
		b.WriteString(": ")
	}
	if e.Value != "" {
		b.WriteString(e.Value)
		b.WriteByte(' ')
	}
	b.WriteString(e.Problem)
	if e.Nearest != "" {
		fmt.Fprintf(&b, ", did you mean %q?", e.Nearest)
	}
	// With a good guess a long list of what is allowed only hides it.
	if e.Allowed != "" && (e.Nearest == "" || len(e.Allowed) < 120) {
		if e.Nearest == "" {
			b.WriteByte(';')
		}
		b.WriteString(" want ")
		b.WriteString(e.Allowed)
	}
	return b.String()
}

// Errors is all that is wrong with a document, in the order of its lines.
type Errors []Error

// Error implements error: one line for each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Err returns e sorted and without repetitions, or nil when it is empty.
func (e Errors) Err() error {
	if len(e) == 0 {
		return nil
	}
	slices.SortStableFunc(e, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Path, b.Path))
	})
	return slices.Compact(e)
}

// maxErrors bounds how many errors one document can have.
const maxErrors = 1000

// Nearest returns the word of words that is nearest to name by the number of
// letters to change, or "" when none is near enough to be meant.
func Nearest(name string, words []string) string {
	if len(name) > 64 {
		return ""
	}
	best, bestDistance := "", 1+(len(name)+2)/3
	for _, w := range words {
		if d := distance(strings.ToLower(name), strings.ToLower(w)); d < bestDistance {
			best, bestDistance = w, d
		}
	}
	return best
}

// distance counts insertions, deletions, replacements and swaps of neighbours.
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	var earlier []int
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		earlier, before, row = before, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(before[j]+1, row[j-1]+1, before[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], earlier[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

// Words joins words for a sentence: "a, b or c".
func Words(words []string) string {
	switch len(words) {
	case 0:
		return "nothing"
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
