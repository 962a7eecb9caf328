package strict

import (
	"encoding"
	"reflect"
)

// Field says what may stand under one key of a struct, for documentation.
type Field struct {
	Name     string
	Kind     string       // what it is, in words
	Of       reflect.Type // the struct that it is or holds, nil for others
	Default  string
	Doc      string
	Required bool
	Short    bool
	Single   bool
}

// Fields describes the keys of a struct type, in their order.
func Fields(t reflect.Type) []Field {
	var out []Field
	for _, f := range fieldsOf(t) {
		x := Field{Name: f.name, Default: f.def, Doc: f.doc, Required: f.required, Short: f.short, Single: f.single}
		x.Kind, x.Of = kindOf(t.Field(f.index).Type, f.limits)
		out = append(out, x)
	}
	return out
}

func kindOf(t reflect.Type, lim limits) (string, reflect.Type) {
	t = indirect(t)
	switch t {
	case reflect.TypeFor[Duration]():
		return "duration" + lim.span(), nil
	case reflect.TypeFor[JSON]():
		return "any value", nil
	}
	p := reflect.PointerTo(t)
	switch {
	case p.Implements(reflect.TypeFor[Described]()) && t.Kind() == reflect.Struct:
		return t.Name(), nil
	case p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return "text", nil
	}
	switch t.Kind() {
	case reflect.Struct:
		return t.Name(), t
	case reflect.Slice:
		kind, of := kindOf(t.Elem(), limits{enum: lim.enum})
		if lim.single {
			return kind + ", or a list of them", of
		}
		return "list of " + kind, of
	case reflect.Map:
		kind, of := kindOf(t.Elem(), limits{})
		return "mapping to " + kind, of
	case reflect.String:
		if lim.enum != nil {
			return Words(lim.enum), nil
		}
		return "text", nil
	}
	return lim.allowedType(t), nil
}
