package strict

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Described is implemented by types that describe themselves in a schema.
type Described interface {
	Schema(s *SchemaBuilder) map[string]any
}

// SchemaBuilder makes a JSON Schema (draft 2020-12) of Go types and their tags.
type SchemaBuilder struct {
	defs map[string]any
}

// Schema returns the schema of a document of v's type.
func Schema(v any, id, title string) []byte {
	s := &SchemaBuilder{defs: map[string]any{}}
	root := s.object(reflect.TypeOf(v))
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = id
	root["title"] = title
	s.defs["variable"] = map[string]any{"type": "string", "pattern": `\$\{[^}]+\}`, "description": "A text with ${variables}."}
	root["$defs"] = s.defs
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // maps of texts and numbers only
	}
	return append(out, '\n')
}

func ref(name string) map[string]any { return map[string]any{"$ref": "#/$defs/" + name} }

// orVariable allows ${name} in the place of a value that is not a text.
func orVariable(m map[string]any) map[string]any {
	return map[string]any{"anyOf": []any{m, ref("variable")}}
}

// Of returns the schema of a type.
func (s *SchemaBuilder) Of(t reflect.Type) map[string]any { return s.Type(t, limits{}) }

// Type returns the schema of a type with the limits of its field.
func (s *SchemaBuilder) Type(t reflect.Type, lim limits) map[string]any {
	t = indirect(t)
	if d, ok := reflect.New(t).Interface().(Described); ok {
		return s.named(t, func() map[string]any { return d.Schema(s) })
	}
	switch t {
	case reflect.TypeFor[JSON]():
		return map[string]any{}
	case reflect.TypeFor[Duration]():
		return map[string]any{"anyOf": []any{
			map[string]any{"type": "string", "pattern": `^([+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h|d))+|^0$`},
			map[string]any{"const": 0},
			ref("variable"),
		}}
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Struct:
		if t.Name() == "" || t.NumField() == 0 {
			return s.object(t)
		}
		return s.named(t, func() map[string]any { return s.object(t) })
	case reflect.Slice:
		item := s.Type(t.Elem(), limits{enum: lim.enum})
		list := map[string]any{"type": "array", "items": item}
		if n, err := strconv.Atoi(lim.max); err == nil {
			list["maxItems"] = n
		}
		if lim.single {
			return map[string]any{"anyOf": []any{list, item}}
		}
		return list
	case reflect.Map:
		m := map[string]any{"type": "object", "additionalProperties": s.Type(t.Elem(), limits{})}
		if t.Key().Kind() != reflect.String {
			m["propertyNames"] = map[string]any{"pattern": "^-?[0-9]+$"}
		}
		return m
	case reflect.String:
		if lim.enum != nil {
			return orVariable(map[string]any{"enum": lim.enum})
		}
		text := map[string]any{"type": []any{"string", "number"}}
		if lim.required {
			text["minLength"] = 1
		}
		return text
	case reflect.Bool:
		return orVariable(map[string]any{"type": "boolean"})
	case reflect.Float64:
		return orVariable(bounded(map[string]any{"type": "number"}, lim))
	}
	return orVariable(bounded(map[string]any{"type": "integer"}, lim))
}

func bounded(m map[string]any, lim limits) map[string]any {
	if f, err := strconv.ParseFloat(lim.min, 64); err == nil {
		m["minimum"] = f
	}
	if f, err := strconv.ParseFloat(lim.max, 64); err == nil {
		m["maximum"] = f
	}
	return m
}

// named puts a type under $defs once; types may refer to themselves.
func (s *SchemaBuilder) named(t reflect.Type, build func() map[string]any) map[string]any {
	name := t.Name()
	if i := strings.LastIndexByte(t.PkgPath(), '/'); i >= 0 && !strings.HasSuffix(t.PkgPath(), "/scenarios") {
		name = t.PkgPath()[i+1:] + "." + name
	}
	if _, ok := s.defs[name]; !ok {
		s.defs[name] = nil
		s.defs[name] = build()
	}
	return ref(name)
}

func (s *SchemaBuilder) object(t reflect.Type) map[string]any {
	properties := map[string]any{}
	var required []string
	var short map[string]any
	for _, f := range fieldsOf(t) {
		ft := t.Field(f.index).Type
		p := s.Type(ft, f.limits)
		if !f.required && !nullIsValue(ft) {
			p = s.nullable(p)
		}
		if f.doc != "" || f.hasD {
			if len(p) == 1 && p["$ref"] != nil {
				p = map[string]any{"allOf": []any{p}}
			}
		}
		if f.doc != "" {
			p["description"] = f.doc
		}
		if f.hasD {
			p["default"] = defaultOf(ft, f.def)
		}
		properties[f.name] = p
		if f.required {
			required = append(required, f.name)
		}
		if f.short {
			short = s.Type(ft, f.limits)
		}
	}
	m := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		m["required"] = required
	}
	all := []any{m}
	if short != nil {
		all = append(all, short)
	}
	if len(required) == 0 {
		all = append(all, map[string]any{"type": "null"})
	}
	if len(all) == 1 {
		return m
	}
	return map[string]any{"anyOf": all}
}

// nullable allows nothing behind a key: it is as if the key were not there.
func (s *SchemaBuilder) nullable(p map[string]any) map[string]any {
	null := map[string]any{"type": "null"}
	switch {
	case p["$ref"] != nil:
		return map[string]any{"anyOf": []any{p, null}}
	case p["anyOf"] != nil:
		p["anyOf"] = append(slices.Clone(p["anyOf"].([]any)), null)
		return p
	}
	switch t := p["type"].(type) {
	case string:
		p["type"] = []any{t, "null"}
	case []any:
		p["type"] = append(slices.Clone(t), "null")
	}
	return p
}

func defaultOf(t reflect.Type, text string) any {
	switch indirect(t).Kind() {
	case reflect.Bool:
		return text == "true"
	case reflect.Slice:
		return []any{}
	case reflect.Int, reflect.Uint64, reflect.Float64:
		return json.Number(text)
	}
	return text
}

// OfValue returns the schema of a value's type.
func (s *SchemaBuilder) OfValue(v any) map[string]any { return s.Of(reflect.TypeOf(v)) }
