package rpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Type is the type of a parameter.
type Type uint8

// The types of parameters. TypeInteger takes whole numbers however they are
// written (10, 10.0, 1e1: JavaScript and Qt have one number type), below 2^53.
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
	TypeAny
)

var typeNames = [...]string{
	"a string", "a number", "an integer", "a boolean", "an object", "an array", "an array of strings", "an array of objects", "a string or a number",
	"any value",
}

// String returns the type in words.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}

// Param is one parameter of a method.
type Param struct {
	Name     string
	Type     Type
	Required bool
	// Enum are the only strings allowed, case sensitive: of a string, or of each
	// element of an array of strings. Empty allows all.
	Enum []string
	// EmptyIsAbsent makes "" the same as leaving the parameter out.
	EmptyIsAbsent bool
	// NullIsValue makes null a value of its own (of TypeAny, else of the wrong
	// type); without it null is the same as leaving the parameter out.
	NullIsValue bool
	Doc         string
	Since       string // first Cortex version that knows it
}

// Method is one method with what a page of documentation says of it.
type Method[C any] struct {
	Name    string
	Chapter string // of the Cortex documentation
	Doc     string
	Since   string // first Cortex version that has it
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

// NewRegistry returns a registry. A method or parameter whose name is missing or
// comes twice, a method without Handle and an Enum of no strings are errors.
func NewRegistry[C any](methods ...Method[C]) (*Registry[C], error) {
	r := &Registry[C]{byName: make(map[string]*Method[C], len(methods))}
	for _, m := range methods {
		if err := m.check(); err != nil {
			return nil, err
		}
		if r.byName[m.Name] != nil {
			return nil, fmt.Errorf("method %s is registered twice", m.Name)
		}
		r.methods = append(r.methods, &m)
		r.byName[m.Name] = &m
		r.names = append(r.names, m.Name)
	}
	return r, nil
}

func (m *Method[C]) check() error {
	switch {
	case m.Name == "":
		return errors.New("a method has no name")
	case m.Handle == nil:
		return fmt.Errorf("method %s has no Handle", m.Name)
	}
	seen := make(map[string]bool, len(m.Params))
	for _, p := range m.Params {
		switch {
		case p.Name == "":
			return fmt.Errorf("method %s: a parameter has no name", m.Name)
		case seen[p.Name]:
			return fmt.Errorf("method %s: parameter %s is declared twice", m.Name, p.Name)
		case int(p.Type) >= len(typeNames):
			return fmt.Errorf("method %s: parameter %s has no known type", m.Name, p.Name)
		case len(p.Enum) > 0 && p.Type != TypeString && p.Type != TypeStringArray:
			return fmt.Errorf("method %s: parameter %s: Enum is for strings, not for %s", m.Name, p.Name, p.Type)
		}
		seen[p.Name] = true
	}
	return nil
}

// Lookup returns the method of that name; names are case sensitive.
func (r *Registry[C]) Lookup(name string) (*Method[C], bool) {
	m, ok := r.byName[name]
	return m, ok
}

// Find is Lookup with the answer to an unknown name; the name that was probably
// meant goes to our own log only.
func (r *Registry[C]) Find(name string, f Faults) (*Method[C], *Error) {
	if m, ok := r.byName[name]; ok {
		return m, nil
	}
	e := f.MethodNotFound.new("unknown method %s", shown([]byte(name)))
	if near := Nearest(name, r.names); near != "" {
		e.Op += ", did you mean " + near + "?"
	}
	return nil, e
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
	return len(raw) == 0 || raw[0] == 'n' && !p.NullIsValue || p.EmptyIsAbsent && string(raw) == `""`
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

// CheckTypes checks the types and Enums of the parameters that are there, in the
// order of their declaration, and returns them. It expects params of [Decode]:
// valid JSON. A missing required parameter is the business of CheckRequired, for
// the service checks the token between the two. Parameters that the method does
// not know are ignored: real clients send some.
func (m *Method[C]) CheckTypes(params map[string]json.RawMessage, f Faults) (Args, *Error) {
	for i := range m.Params {
		p := &m.Params[i]
		raw := params[p.Name]
		if p.absent(raw) {
			continue
		}
		if !p.Type.holds(raw) {
			return Args{}, f.Invalid(m.Name, p.Name, p.Type.String())
		}
		if len(p.Enum) > 0 && !p.allows(raw) {
			return Args{}, f.Invalid(m.Name, p.Name, "one of "+strings.Join(p.Enum, ", "))
		}
	}
	return Args{declared: m.Params, raw: params}, nil
}

// Check is CheckRequired and CheckTypes.
func (m *Method[C]) Check(params map[string]json.RawMessage, f Faults) (Args, *Error) {
	if fault := m.CheckRequired(params, f); fault != nil {
		return Args{}, fault
	}
	return m.CheckTypes(params, f)
}

// CheckKnown returns the error of the first parameter, by alphabet, that the
// method does not know. The error codes page lists it under -32602, but no real
// client was seen to get it, so it is for strict worlds only.
func (m *Method[C]) CheckKnown(params map[string]json.RawMessage, f Faults) *Error {
	unknown, found := "", false
	for name := range params {
		if !m.Has(name) && (!found || name < unknown) {
			unknown, found = name, true
		}
	}
	if !found {
		return nil
	}
	e := f.InvalidParams.new("%s: unknown parameter %s", m.Name, unknown)
	names := make([]string, len(m.Params))
	for i := range m.Params {
		names[i] = m.Params[i].Name
	}
	if near := Nearest(unknown, names); near != "" {
		e.Op += ", did you mean " + near + "?"
	}
	if !f.OmitData {
		e.Data = Object{"behavior": "This parameter is unknown: " + unknown}
	}
	return e
}

// holds reports whether raw, which is valid JSON, is of the type.
func (t Type) holds(raw json.RawMessage) bool {
	switch t {
	case TypeString:
		return isString(raw)
	case TypeBool:
		return raw[0] == 't' || raw[0] == 'f'
	case TypeNumber:
		_, ok := number(raw)
		return ok
	case TypeInteger:
		n, ok := number(raw)
		return ok && n == math.Trunc(n) && math.Abs(n) < 1<<53
	case TypeObject:
		return raw[0] == '{'
	case TypeArray:
		return raw[0] == '['
	case TypeStringArray:
		return everyElement(raw, isString)
	case TypeObjectArray:
		return everyElement(raw, func(e []byte) bool { return e[0] == '{' })
	case TypeStringOrNumber:
		_, ok := number(raw)
		return ok || isString(raw)
	case TypeAny:
		return true
	}
	return false
}

// allows reports whether the strings of raw are in the Enum.
func (p *Param) allows(raw json.RawMessage) bool {
	if isString(raw) {
		return slices.Contains(p.Enum, unquote(raw))
	}
	return everyElement(raw, func(e []byte) bool { return slices.Contains(p.Enum, unquote(e)) })
}

// number returns a finite number; 1e999 is none, as with Qt's doubles.
func number(raw []byte) (float64, bool) {
	if len(raw) == 0 || raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	return n, err == nil
}

// elements returns the elements of an array, nil when raw is none.
func elements(raw []byte) (list []json.RawMessage) {
	if len(raw) == 0 || raw[0] != '[' {
		return nil
	}
	s := scanner{b: raw, maxDepth: MaxDepth}
	list = []json.RawMessage{}
	if s.array(0, func(e []byte) { list = append(list, e) }) != nil {
		return nil
	}
	return list
}

// everyElement reports whether raw is an array of which ok is true everywhere.
func everyElement(raw []byte, ok func([]byte) bool) bool {
	list := elements(raw)
	for _, e := range list {
		if !ok(e) {
			return false
		}
	}
	return list != nil
}

// Args are the parameters of a call, their types checked. A getter returns the
// zero value when the parameter is absent, not declared, or of another type.
type Args struct {
	declared []Param
	raw      map[string]json.RawMessage
}

// value returns a parameter that is there, else nil.
func (a Args) value(name string) json.RawMessage {
	for i := range a.declared {
		if p := &a.declared[i]; p.Name == name {
			if raw := a.raw[name]; !p.absent(raw) {
				return raw
			}
			return nil
		}
	}
	return nil
}

// Has reports whether the parameter is there.
func (a Args) Has(name string) bool { return a.value(name) != nil }

// Raw returns the parameter as it came, also one that is not declared.
func (a Args) Raw(name string) json.RawMessage { return a.raw[name] }

// String returns a string.
func (a Args) String(name string) string {
	if raw := a.value(name); isString(raw) {
		return unquote(raw)
	}
	return ""
}

// Number returns a number.
func (a Args) Number(name string) float64 {
	n, ok := number(a.value(name))
	if !ok {
		return 0
	}
	return n
}

// Int returns a parameter of TypeInteger.
func (a Args) Int(name string) int { return int(a.Number(name)) }

// Bool returns a boolean, def when it is absent.
func (a Args) Bool(name string, def bool) bool {
	switch string(a.value(name)) {
	case "true":
		return true
	case "false":
		return false
	}
	return def
}

// Strings returns a parameter of TypeStringArray, nil when it is absent.
func (a Args) Strings(name string) []string {
	list := elements(a.value(name))
	if list == nil {
		return nil
	}
	out := make([]string, 0, len(list))
	for _, e := range list {
		if isString(e) {
			out = append(out, unquote(e))
		}
	}
	return out
}

// Array returns the elements of an array as they came, nil when it is absent.
func (a Args) Array(name string) []json.RawMessage { return elements(a.value(name)) }

// Object returns the members of an object as they came, nil when it is absent.
func (a Args) Object(name string) map[string]json.RawMessage { return objectOf(a.value(name)) }

// Objects returns a parameter of TypeObjectArray, nil when it is absent.
func (a Args) Objects(name string) []map[string]json.RawMessage {
	list := elements(a.value(name))
	if list == nil {
		return nil
	}
	out := make([]map[string]json.RawMessage, len(list))
	for i, e := range list {
		out[i] = objectOf(e)
	}
	return out
}

func objectOf(raw []byte) map[string]json.RawMessage {
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	return members(raw)
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
