package scenarios

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/fakecortex/fakecortex/scenarios/strict"
)

// Error is one thing that is wrong with a document.
type Error = strict.Error

// Errors is all that is wrong with a document, in the order of its lines.
type Errors = strict.Errors

// Scenario is a document that is right, with its parents and variables put in.
type Scenario struct {
	Document
	// Builtin is its name in the library, empty for another document.
	Builtin string
	// Sources are the files and built-in scenarios that it was made of.
	Sources []string
}

// Options say where documents come from and what their variables are.
type Options struct {
	// ReadFile reads a file; nil reads the disk.
	ReadFile func(name string) ([]byte, error)
	// Set are variables that override those of the document.
	Set map[string]string
}

// Bounds of extends.
const (
	maxParents = 64
	maxChain   = 16
)

// Load reads a scenario: a built-in name, or a file (a name with a separator or
// an extension). An error is an Errors when the document is wrong, and says what
// to do otherwise.
func Load(name string, options Options) (*Scenario, error) {
	l := loader{options: options, join: map[string]bool{"timeline": true, "faults": true, "expectations": true}}
	if !IsFile(name) {
		data, ok := builtinSource(name)
		if !ok {
			return nil, unknownBuiltin(name)
		}
		s, err := l.load(name, builtinFile(name), data)
		if s != nil {
			s.Builtin = name
		}
		return s, err
	}
	data, err := l.read(name)
	if err != nil {
		return nil, err
	}
	return l.load(name, name, data)
}

// LoadBytes reads a scenario from memory. file is its name for messages and the
// place from which its extends are looked up.
func LoadBytes(file string, data []byte, options Options) (*Scenario, error) {
	l := loader{options: options, join: map[string]bool{"timeline": true, "faults": true, "expectations": true}}
	return l.load(file, file, data)
}

// ErrUnknown is wrapped by the error for a scenario that does not exist.
var ErrUnknown = errors.New("unknown scenario")

func unknownBuiltin(name string) error {
	hint := ""
	if n := strict.Nearest(name, Builtins()); n != "" {
		hint = fmt.Sprintf(", did you mean %q?", n)
	}
	return fmt.Errorf("%w: %q is not built in%s (a file has a / or an extension in its name, such as ./%s.yaml)", ErrUnknown, name, hint, name)
}

// IsFile reports whether the name of a scenario is that of a file: it has a
// separator or an extension. Others are built in.
func IsFile(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return strings.ContainsAny(name, `/\`)
}

type loader struct {
	options Options
	join    map[string]bool
	sources []string
	errs    Errors
	count   int
}

func (l *loader) read(name string) ([]byte, error) {
	if l.options.ReadFile != nil {
		return l.options.ReadFile(name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.IsDir() {
		return nil, fmt.Errorf("%s is a folder; want a file", name)
	}
	return io.ReadAll(io.LimitReader(f, strict.MaxSize+1))
}

func (l *loader) load(name, file string, data []byte) (*Scenario, error) {
	root := l.resolve(file, data, nil)
	if root == nil {
		return nil, l.errs.Err()
	}
	d := strict.Decoder{Vars: l.vars(root)}
	s := &Scenario{Sources: l.sources}
	d.Decode(root, &s.Document)
	for _, name := range slices.Sorted(maps.Keys(l.options.Set)) {
		if v := root.Get("vars"); v == nil || v.Get(name) == nil {
			e := Error{Pos: strict.Pos{File: "--set " + name}, Problem: "is not a variable of the scenario"}
			known := []string{}
			if v != nil {
				for _, x := range v.Entries {
					known = append(known, x.Key)
				}
			}
			if e.Nearest = strict.Nearest(name, known); len(known) > 0 {
				e.Allowed = strict.Words(known)
			} else {
				e.Problem += ", it has none under vars"
			}
			l.errs = append(l.errs, e)
		}
	}
	if s.Name == "" {
		s.Name = strings.TrimSuffix(path.Base(filepath.ToSlash(name)), path.Ext(name))
	}
	for k, v := range l.options.Set {
		if _, ok := s.Vars[k]; ok {
			s.Vars[k] = Var(v)
		}
	}
	check(&d, &s.Document)
	l.errs = append(l.errs, d.Errors...)
	if err := l.errs.Err(); err != nil {
		return nil, err
	}
	fill(&s.Document)
	return s, nil
}

// vars gathers the variables: what is set wins over what stands in the document.
func (l *loader) vars(root *strict.Node) map[string]string {
	out := map[string]string{}
	if v := root.Get("vars"); v != nil && v.Kind == strict.Map {
		for _, e := range v.Entries {
			if e.Value.Kind != strict.Scalar {
				continue // the decoder tells of it
			}
			if strings.Contains(e.Value.Text, "${") {
				l.errs = append(l.errs, Error{Pos: e.Value.Pos, Path: "vars." + e.Key, Value: strconv.Quote(e.Value.Text), Problem: "uses a variable", Allowed: "a value of its own"})
				continue
			}
			out[e.Key] = e.Value.Text
		}
	}
	for k, v := range l.options.Set {
		if _, ok := out[k]; ok {
			out[k] = v
		}
	}
	return out
}

// resolve parses one source and lays it over those that it extends. chain are
// the sources that lead here.
func (l *loader) resolve(file string, data []byte, chain []string) *strict.Node {
	l.sources = append(l.sources, file)
	n, errs := strict.Parse(file, data)
	l.errs = append(l.errs, errs...)
	if n == nil {
		return nil
	}
	if n.Kind != strict.Map {
		l.errs = append(l.errs, Error{Pos: n.Pos, Problem: "a scenario is a mapping", Allowed: "keys such as world: and timeline:"})
		return nil
	}
	chain = append(slices.Clone(chain), file)
	var base *strict.Node
	for i, p := range l.parents(n) {
		if parent := l.parent(p, "extends["+strconv.Itoa(i)+"]", chain); parent != nil {
			base = strict.Merge(base, without(parent, "extends", "name", "title", "report", "goodClient"), l.join)
		}
	}
	return strict.Merge(base, n, l.join)
}

func without(n *strict.Node, keys ...string) *strict.Node {
	out := *n
	out.Entries = slices.DeleteFunc(slices.Clone(n.Entries), func(e strict.Entry) bool { return slices.Contains(keys, e.Key) })
	return &out
}

func (l *loader) parents(n *strict.Node) []*strict.Node {
	e := n.Get("extends")
	switch {
	case e == nil || e.Kind == strict.Null:
		return nil
	case e.Kind == strict.Scalar:
		return []*strict.Node{e}
	case e.Kind == strict.List:
		var out []*strict.Node
		for _, item := range e.Items {
			if item.Kind == strict.Scalar {
				out = append(out, item)
			} // the decoder tells of the others
		}
		return out
	}
	return nil
}

func (l *loader) parent(n *strict.Node, field string, chain []string) *strict.Node {
	fail := func(problem, nearest string) *strict.Node {
		l.errs = append(l.errs, Error{Pos: n.Pos, Path: field, Value: strconv.Quote(n.Text), Problem: problem, Nearest: nearest})
		return nil
	}
	if l.count++; l.count > maxParents {
		return fail(fmt.Sprintf("is one parent too many; want at most %d in all", maxParents), "")
	}
	if len(chain) > maxChain {
		return fail(fmt.Sprintf("is too deep a chain of extends; want at most %d", maxChain), "")
	}
	var file string
	var data []byte
	if IsFile(n.Text) {
		if isBuiltinFile(chain[len(chain)-1]) {
			return fail("is a file, and a built-in scenario extends built-in ones only", "")
		}
		file = n.Text
		if !path.IsAbs(filepath.ToSlash(file)) && !filepath.IsAbs(file) {
			file = filepath.ToSlash(filepath.Join(filepath.Dir(chain[len(chain)-1]), file))
		}
	} else {
		file = builtinFile(n.Text)
	}
	if i := slices.Index(chain, file); i >= 0 {
		return fail("extends itself: "+strings.Join(append(slices.Clone(chain[i:]), file), " -> "), "")
	}
	if IsFile(n.Text) {
		var err error
		if data, err = l.read(file); err != nil {
			return fail("cannot be read: "+err.Error(), "")
		}
	} else {
		var ok bool
		if data, ok = builtinSource(n.Text); !ok {
			return fail("is not a built-in scenario", strict.Nearest(n.Text, Builtins()))
		}
	}
	return l.resolve(file, data, chain)
}

// Check reads a file or a built-in scenario only to see whether it is right.
func Check(name string, options Options) error {
	_, err := Load(name, options)
	return err
}
