package rpc

import (
	"encoding/json"
	"fmt"
	"math"
)

// Type is the type of a parameter.
type Type uint8

// The types of parameters.
const (
	TypeString Type = iota
	TypeNumber
	TypeInteger
	TypeBool
	TypeObject
	TypeArray
	TypeStringArray
	TypeObjectArray
	TypeStringOrNumber
)

var typeNames = [...]string{
	"a string", "a number", "an integer", "a boolean", "an object", "an array", "an array of strings", "an array of objects", "a string or a number",
}

// String returns the type in words.
func (t Type) String() string { return typeNames[t] }

// Param is one parameter of a method.
type Param struct {
	Name     string
	Type     Type
	Required bool
	// EmptyIsAbsent makes "" the same as leaving the parameter out; null
	// always is.
	EmptyIsAbsent bool
	Doc           string
}

// Method is one method with what a page of documentation says of it.
type Method[C any] struct {
	Name    string
	Chapter string // of the Cortex documentation
	Doc     string
	Params  []Param
	Handle  func(C, Args) (any, error)

	Errors   []int  // codes that it may answer with, besides the general ones
	Warnings []int  // codes that may follow
	Guessed  string // what of its behaviour no public source tells
}

// Registry holds the methods of a service in their order.
type Registry[C any] struct {
	methods []*Method[C]
	byName  map[string]*Method[C]
	names   []string
}

// NewRegistry returns a registry; a name that comes twice is an error.
func NewRegistry[C any](methods ...Method[C]) (*Registry[C], error) {
	r := &Registry[C]{byName: make(map[string]*Method[C], len(methods))}
	for _, m := range methods {
		if r.byName[m.Name] != nil {
			return nil, fmt.Errorf("method %s is registered twice", m.Name)
		}
		r.methods = append(r.methods, &m)
		r.byName[m.Name] = &m
		r.names = append(r.names, m.Name)
	}
	return r, nil
}

// Lookup returns the method of that name; names are case sensitive.
func (r *Registry[C]) Lookup(name string) (*Method[C], bool) {
	m, ok := r.byName[name]
	return m, ok
}

// Methods returns the methods in their order.
func (r *Registry[C]) Methods() []*Method[C] { return r.methods }

// Names returns the names of the methods in their order.
func (r *Registry[C]) Names() []string { return r.names }

// Has reports whether the method takes that parameter.
func (m *Method[C]) Has(param string) bool {
	for i := range m.Params {
		if m.Params[i].Name == param {
			return true
		}
	}
	return false
}

func (p *Param) absent(raw json.RawMessage) bool {
	return len(raw) == 0 || raw[0] == 'n' || p.EmptyIsAbsent && string(raw) == `""`
}

// CheckRequired returns the error of the first required parameter that is
// missing. The real service names it in data.behavior (cortex-example #129).
func (m *Method[C]) CheckRequired(params map[string]json.RawMessage, f Faults) *Error {
	for i := range m.Params {
		p := &m.Params[i]
		if p.Required && p.absent(params[p.Name]) {
			return f.Missing(m.Name, p.Name)
		}
	}
	return nil
}

// Missing is the error of a parameter that is missing.
func (f *Faults) Missing(method, param string) *Error {
	e := f.MissingParams.new("%s: parameter %s is missing", method, param)
	if !f.OmitData {
		e.Data = Object{"behavior": "This parameter is required: " + param}
	}
	return e
}

// Invalid is the error of a parameter whose value is wrong.
func (f *Faults) Invalid(method, param, want string) *Error {
	e := f.InvalidParams.new("%s: parameter %s: want %s", method, param, want)
	if !f.OmitData {
		e.Data = Object{"behavior": "This parameter must be " + want + ": " + param}
	}
	return e
}

// CheckTypes checks the types of the parameters that are there and returns them
// decoded. Parameters that the method does not know are ignored: real clients
// send some.
func (m *Method[C]) CheckTypes(params map[string]json.RawMessage, f Faults) (Args, *Error) {
	args := Args{raw: params, values: make(map[string]any, len(m.Params))}
	for i := range m.Params {
		p := &m.Params[i]
		raw := params[p.Name]
		if p.absent(raw) {
			continue
		}
		v, ok := p.Type.decode(raw)
		if !ok {
			return Args{}, f.Invalid(m.Name, p.Name, p.Type.String())
		}
		args.values[p.Name] = v
	}
	return args, nil
}

func (t Type) decode(raw json.RawMessage) (any, bool) {
	switch t {
	case TypeString:
		return decodeAs[string](raw, '"')
	case TypeBool:
		return decodeAs[bool](raw, 't', 'f')
	case TypeNumber:
		return decodeAs[float64](raw, numberStarts...)
	case TypeInteger:
		v, ok := decodeAs[float64](raw, numberStarts...)
		if n, isNumber := v.(float64); ok && isNumber && n == math.Trunc(n) && math.Abs(n) < 1<<53 {
			return n, true
		}
		return nil, false
	case TypeObject:
		return decodeAs[map[string]json.RawMessage](raw, '{')
	case TypeArray:
		return decodeAs[[]json.RawMessage](raw, '[')
	case TypeStringArray:
		return decodeElements(raw, func(e json.RawMessage) (string, bool) {
			v, ok := decodeAs[string](e, '"')
			s, _ := v.(string)
			return s, ok
		})
	case TypeObjectArray:
		return decodeElements(raw, func(e json.RawMessage) (map[string]json.RawMessage, bool) {
			v, ok := decodeAs[map[string]json.RawMessage](e, '{')
			o, _ := v.(map[string]json.RawMessage)
			return o, ok
		})
	case TypeStringOrNumber:
		if v, ok := decodeAs[string](raw, '"'); ok {
			return v, true
		}
		return decodeAs[float64](raw, numberStarts...)
	}
	return nil, false
}

var numberStarts = []byte("-0123456789")

// decodeAs decodes raw if it starts with one of the characters of its type.
func decodeAs[T any](raw json.RawMessage, starts ...byte) (any, bool) {
	for _, c := range starts {
		if raw[0] == c {
			var v T
			err := json.Unmarshal(raw, &v)
			return v, err == nil
		}
	}
	return nil, false
}

func decodeElements[T any](raw json.RawMessage, decode func(json.RawMessage) (T, bool)) (any, bool) {
	v, ok := decodeAs[[]json.RawMessage](raw, '[')
	if !ok {
		return nil, false
	}
	elements := v.([]json.RawMessage)
	out := make([]T, 0, len(elements))
	for _, e := range elements {
		one, ok := decode(e)
		if !ok {
			return nil, false
		}
		out = append(out, one)
	}
	return out, true
}

// Args are the parameters of a call, their types checked. A getter of an absent
// parameter returns the zero value.
type Args struct {
	raw    map[string]json.RawMessage
	values map[string]any
}

// Has reports whether the parameter is there.
func (a Args) Has(name string) bool { _, ok := a.values[name]; return ok }

// Raw returns the parameter as it came.
func (a Args) Raw(name string) json.RawMessage { return a.raw[name] }

// String returns a parameter of TypeString.
func (a Args) String(name string) string { s, _ := a.values[name].(string); return s }

// Number returns a parameter of TypeNumber.
func (a Args) Number(name string) float64 { n, _ := a.values[name].(float64); return n }

// Int returns a parameter of TypeInteger.
func (a Args) Int(name string) int { return int(a.Number(name)) }

// Bool returns a parameter of TypeBool, def when it is absent.
func (a Args) Bool(name string, def bool) bool {
	if b, ok := a.values[name].(bool); ok {
		return b
	}
	return def
}

// Strings returns a parameter of TypeStringArray.
func (a Args) Strings(name string) []string { s, _ := a.values[name].([]string); return s }

// Object returns a parameter of TypeObject.
func (a Args) Object(name string) map[string]json.RawMessage {
	o, _ := a.values[name].(map[string]json.RawMessage)
	return o
}

// Objects returns a parameter of TypeObjectArray.
func (a Args) Objects(name string) []map[string]json.RawMessage {
	o, _ := a.values[name].([]map[string]json.RawMessage)
	return o
}

// Nearest returns the name among some that a misspelt one probably means: at
// most a third of its letters differ. It returns "" when none is near.
func Nearest(name string, among []string) string {
	const longest = 64 // a longer one is no misspelling, and its distance costs
	if len(name) > longest {
		return ""
	}
	best, bestDistance := "", len(name)/3+1
	for _, candidate := range among {
		if d := distance(name, candidate); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
