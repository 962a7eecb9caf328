package strict

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Self is implemented by types that decode themselves.
type Self interface {
	DecodeStrict(d *Decoder, n *Node, path string)
}

// JSON is any value, kept as JSON with its keys in alphabetical order.
type JSON json.RawMessage

// MarshalJSON implements json.Marshaler.
func (j JSON) MarshalJSON() ([]byte, error) { return json.RawMessage(j).MarshalJSON() }

// UnmarshalJSON implements json.Unmarshaler.
func (j *JSON) UnmarshalJSON(b []byte) error {
	*j = append((*j)[:0], b...)
	return nil
}

// Duration is a length of virtual time, written "1.5s", "200ms", "2h" or "30d".
type Duration time.Duration

// D returns the duration as the standard library's.
func (d Duration) D() time.Duration { return time.Duration(d) }

// String returns the form that UnmarshalText reads.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// maxDuration bounds every duration of a document, in days.
const maxDuration = 36500 * 24 * time.Hour

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	s := string(text)
	v, err := time.ParseDuration(s)
	if err != nil {
		if days, ok := strings.CutSuffix(s, "d"); ok {
			n, err := strconv.ParseFloat(days, 64)
			if err == nil && math.Abs(n) <= 36500 {
				*d = Duration(n * 24 * float64(time.Hour))
				return nil
			}
		}
		return fmt.Errorf("is not a duration; want a number with a unit, such as 1.5s, 200ms, 2h or 30d")
	}
	if v > maxDuration || v < -maxDuration {
		return fmt.Errorf("is too long; want at most 36500d")
	}
	*d = Duration(v)
	return nil
}

// Ref is a value that names something else in the document.
type Ref struct {
	Kind, Value, Path string
}

// Decoder fills one value from one node and gathers the errors.
type Decoder struct {
	// Vars are the values of ${name}.
	Vars map[string]string
	// Positions tells where each path of the document stands.
	Positions map[string]Pos
	Errors    Errors
	// Refs are the values of fields with a ref tag: names of other things.
	Refs   []Ref
	used   map[string]bool
	values int
}

// Decode fills v, a pointer to a struct, from n.
func (d *Decoder) Decode(n *Node, v any) { d.decode(n, reflect.ValueOf(v).Elem(), "", limits{}) }

// DecodeAt fills v from a node that stands at path.
func (d *Decoder) DecodeAt(n *Node, v any, path string) {
	d.decode(n, reflect.ValueOf(v).Elem(), path, limits{})
}

// Used reports whether a variable was used.
func (d *Decoder) Used(name string) bool { return d.used[name] }

// Add adds an error at a node.
func (d *Decoder) Add(n *Node, path string, e Error) {
	e.Pos, e.Path = n.Pos, path
	d.add(e)
}

func (d *Decoder) add(e Error) {
	if len(d.Errors) < maxErrors {
		d.Errors = append(d.Errors, e)
	}
}

// At adds an error at the place of a path, or of the nearest path above it.
func (d *Decoder) At(path string, e Error) {
	e.Path = path
	for p := path; ; {
		if pos, ok := d.Positions[p]; ok {
			e.Pos = pos
			break
		}
		i := strings.LastIndexAny(p, ".[")
		if i < 0 {
			e.Pos = d.Positions[""]
			break
		}
		p = p[:i]
	}
	d.add(e)
}

// limits is what a field's tags allow.
type limits struct {
	enum     []string
	min, max string
	ref      string
	single   bool
	required bool
	short    bool
}

type field struct {
	name  string
	index int
	def   string
	hasD  bool
	doc   string
	limits
}

func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || !f.IsExported() {
			continue
		}
		x := field{name: name, index: i, doc: f.Tag.Get("doc")}
		x.def, x.hasD = f.Tag.Lookup("default")
		x.min, x.max = f.Tag.Get("min"), f.Tag.Get("max")
		x.ref = f.Tag.Get("ref")
		if e := f.Tag.Get("enum"); e != "" {
			x.enum = strings.Split(e, "|")
		}
		for rule := range strings.SplitSeq(f.Tag.Get("rule"), ",") {
			switch rule {
			case "required":
				x.required = true
			case "short":
				x.short = true
			case "single":
				x.single = true
			case "":
			default:
				panic("strict: unknown rule " + rule)
			}
		}
		out = append(out, x)
	}
	return out
}

func (d *Decoder) decode(n *Node, v reflect.Value, path string, lim limits) {
	if d.values++; d.values > maxValues {
		if d.values == maxValues+1 {
			d.Add(n, path, Error{Problem: fmt.Sprintf("the document has too many values with its defaults; want at most %d", maxValues)})
		}
		return
	}
	if d.Positions == nil {
		d.Positions = map[string]Pos{}
	}
	d.Positions[path] = n.Pos
	if v.Kind() == reflect.Pointer {
		if n.Kind == Null && v.Type().Elem().Kind() != reflect.Struct {
			return
		}
		p := reflect.New(v.Type().Elem())
		d.decode(n, p.Elem(), path, lim)
		v.Set(p)
		return
	}
	switch x := v.Addr().Interface().(type) {
	case Self:
		x.DecodeStrict(d, n, path)
		return
	case *JSON:
		if raw, ok := d.json(n, path); ok {
			*x = raw
		}
		return
	case encoding.TextUnmarshaler:
		text, ok := d.Scalar(n, path)
		if !ok {
			return
		}
		if err := x.UnmarshalText([]byte(text)); err != nil {
			d.Add(n, path, Error{Value: n.Describe(), Problem: err.Error()})
			return
		}
		if dur, ok := x.(*Duration); ok {
			d.boundDuration(n, path, *dur, lim)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.decodeStruct(n, v, path)
	case reflect.Slice:
		d.decodeSlice(n, v, path, lim)
	case reflect.Map:
		d.decodeMap(n, v, path)
	default:
		d.decodeScalar(n, v, path, lim)
	}
}

func (d *Decoder) decodeStruct(n *Node, v reflect.Value, path string) {
	fields := fieldsOf(v.Type())
	switch n.Kind {
	case Null:
	case Map:
	default:
		for _, f := range fields {
			if f.short {
				fv := v.Field(f.index)
				if n.Kind == List && indirect(fv.Type()).Kind() != reflect.Slice {
					break
				}
				d.decode(n, fv, path, f.limits)
				d.defaults(v, fields, func(name string) bool { return name == f.name }, path)
				return
			}
		}
		if len(fields) == 0 {
			d.Add(n, path, Error{Value: n.Describe(), Problem: "is a value where none is taken", Allowed: "nothing behind the colon"})
			return
		}
		d.Add(n, path, Error{Value: n.Describe(), Problem: "is not a mapping", Allowed: "the keys " + Words(names(fields))})
		return
	}
	seen := map[string]bool{}
	for _, e := range n.Entries {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == e.Key })
		if i < 0 {
			known := names(fields)
			x := Error{Value: strconv.Quote(e.Key), Problem: "is not a key that is known here", Nearest: Nearest(e.Key, known), Allowed: Words(known)}
			x.Pos, x.Path = e.KeyPos, path
			d.add(x)
			continue
		}
		f := fields[i]
		if e.Value.Kind == Null && !nullIsValue(v.Field(f.index).Type()) {
			continue // as if it were not there
		}
		seen[f.name] = true
		d.decode(e.Value, v.Field(f.index), joinPath(path, e.Key), f.limits)
	}
	d.defaults(v, fields, func(name string) bool { return seen[name] }, path)
	for _, f := range fields {
		if f.required && !seen[f.name] {
			d.Add(n, path, Error{Problem: fmt.Sprintf("%s is missing", f.name), Allowed: f.allowed(v.Field(f.index).Type())})
		}
	}
}

// nullIsValue reports whether a key with nothing behind it says something: a
// fault such as "drop:", or a JSON value.
func nullIsValue(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct || t == reflect.TypeFor[JSON]()
}

func (d *Decoder) defaults(v reflect.Value, fields []field, seen func(string) bool, path string) {
	for _, f := range fields {
		if seen(f.name) {
			continue
		}
		fv := v.Field(f.index)
		switch {
		case f.hasD:
			d.decode(&Node{Kind: Scalar, Text: f.def, Pos: d.Positions[path]}, fv, joinPath(path, f.name), f.limits)
		case fv.Kind() == reflect.Struct:
			if _, isSelf := fv.Addr().Interface().(Self); isSelf {
				continue
			}
			if _, isText := fv.Addr().Interface().(encoding.TextUnmarshaler); isText {
				continue
			}
			inner := fieldsOf(fv.Type())
			d.defaults(fv, inner, func(string) bool { return false }, joinPath(path, f.name))
		}
	}
}

func names(fields []field) []string {
	out := make([]string, len(fields))
	for i := range fields {
		out[i] = fields[i].name
	}
	return out
}

func (d *Decoder) decodeSlice(n *Node, v reflect.Value, path string, lim limits) {
	items := n.Items
	switch {
	case n.Kind == Null:
		return
	case n.Kind == List:
	case n.Kind == Scalar && n.Text == "" && !n.Quoted: // the default of an empty list
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		return
	case lim.single:
		items = []*Node{n}
	default:
		d.Add(n, path, Error{Value: n.Describe(), Problem: "is not a list", Allowed: "a list"})
		return
	}
	item := limits{enum: lim.enum}
	out := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, x := range items {
		p := path + "[" + strconv.Itoa(i) + "]"
		if n.Kind != List {
			p = path
		}
		d.decode(x, out.Index(i), p, item)
	}
	v.Set(out)
	d.boundNumber(n, path, float64(len(items)), lim, "a list", " items", fmt.Sprintf("%d items", len(items)))
}

func (d *Decoder) decodeMap(n *Node, v reflect.Value, path string) {
	if n.Kind == Null {
		return
	}
	if n.Kind != Map {
		d.Add(n, path, Error{Value: n.Describe(), Problem: "is not a mapping", Allowed: "a mapping"})
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.Entries))
	for _, e := range n.Entries {
		key := reflect.New(v.Type().Key()).Elem()
		p := joinPath(path, e.Key)
		switch key.Kind() {
		case reflect.String:
			key.SetString(e.Key)
		default:
			i, err := strconv.ParseInt(e.Key, 10, 32)
			if err != nil {
				d.add(Error{Pos: e.KeyPos, Path: path, Value: strconv.Quote(e.Key), Problem: "is not a number", Allowed: "a code such as -32019"})
				continue
			}
			key.SetInt(i)
		}
		value := reflect.New(v.Type().Elem()).Elem()
		d.decode(e.Value, value, p, limits{})
		d.Positions[p] = e.KeyPos
		out.SetMapIndex(key, value)
	}
	v.Set(out)
}

// Scalar returns the text of a scalar with its variables put in.
func (d *Decoder) Scalar(n *Node, path string) (string, bool) {
	if n.Kind != Scalar {
		d.Add(n, path, Error{Value: n.Describe(), Problem: "is not a single value", Allowed: "one value"})
		return "", false
	}
	return d.expand(n, path)
}

func (d *Decoder) decodeScalar(n *Node, v reflect.Value, path string, lim limits) {
	text, ok := "", false
	if n.Kind != Scalar {
		d.Add(n, path, Error{Value: n.Describe(), Problem: "is " + wrongKind(n, v.Type()) + "", Allowed: lim.allowedType(v.Type())})
		return
	}
	if text, ok = d.expand(n, path); !ok {
		return
	}
	wrong := func() {
		d.Add(n, path, Error{Value: n.Describe(), Problem: "is " + wrongKind(n, v.Type()) + "", Allowed: lim.allowedType(v.Type())})
	}
	// A value that stood in quotes is a string, unless a variable made it.
	quoted := n.Quoted && text == n.Text
	switch v.Kind() {
	case reflect.String:
		if !n.Quoted && (isBool(text) && !slices.Contains(lim.enum, text)) {
			wrong()
			return
		}
		if lim.enum != nil && !slices.Contains(lim.enum, text) {
			d.Add(n, path, Error{Value: strconv.Quote(text), Problem: "is not known", Nearest: Nearest(text, lim.enum), Allowed: Words(lim.enum)})
			return
		}
		if text == "" && lim.required {
			d.Add(n, path, Error{Problem: "is empty", Allowed: "a text"})
			return
		}
		if len(text) > 64<<10 {
			d.Add(n, path, Error{Problem: "the text is too long", Allowed: "at most 65536 bytes"})
			return
		}
		v.SetString(text)
		if lim.ref != "" && text != "" {
			d.Refs = append(d.Refs, Ref{Kind: lim.ref, Value: text, Path: path})
		}
	case reflect.Bool:
		switch {
		case quoted || !isBool(text):
			wrong()
		default:
			v.SetBool(text == "true")
		}
	case reflect.Int, reflect.Int64, reflect.Int32:
		i, err := strconv.ParseInt(text, 0, 64)
		if err != nil || quoted {
			wrong()
			return
		}
		v.SetInt(i)
		d.boundNumber(n, path, float64(i), lim, "a whole number", "", n.Describe())
	case reflect.Uint64:
		i, err := strconv.ParseUint(text, 0, 64)
		if err != nil || quoted {
			wrong()
			return
		}
		v.SetUint(i)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || quoted || math.IsNaN(f) || math.IsInf(f, 0) {
			wrong()
			return
		}
		v.SetFloat(f)
		d.boundNumber(n, path, f, lim, "a number", "", n.Describe())
	default:
		panic("strict: cannot decode " + v.Type().String())
	}
}

func isBool(s string) bool { return s == "true" || s == "false" }

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

func wrongKind(n *Node, t reflect.Type) string {
	want := "the wrong type"
	switch indirect(t).Kind() {
	case reflect.Bool:
		want = "not true or false"
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint64:
		want = "not a whole number"
	case reflect.Float64:
		want = "not a number"
	case reflect.String:
		want = "not a text"
	}
	if n.Quoted && want != "not a text" && !strings.HasPrefix(want, "the") {
		want += " because of its quotes"
	}
	return want
}

func (l limits) allowedType(t reflect.Type) string {
	switch {
	case l.enum != nil:
		return Words(l.enum)
	}
	switch indirect(t).Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Uint64:
		return "a whole number of at least 0"
	case reflect.Int, reflect.Int64, reflect.Int32:
		return "a whole number" + l.span()
	case reflect.Float64:
		return "a number" + l.span()
	case reflect.String:
		return "a text"
	case reflect.Slice:
		return "a list"
	}
	return "a value"
}

func (l limits) allowed(t reflect.Type) string {
	if indirect(t) == reflect.TypeFor[Duration]() {
		return "a duration such as 1.5s"
	}
	return l.allowedType(t)
}

func (l limits) span() string {
	switch {
	case l.min != "" && l.min == l.max:
		return " of exactly " + l.min
	case l.min != "" && l.max != "":
		return " from " + l.min + " to " + l.max
	case l.min != "":
		return " of at least " + l.min
	case l.max != "":
		return " of at most " + l.max
	}
	return ""
}

func (d *Decoder) boundNumber(n *Node, path string, f float64, lim limits, what, unit, value string) {
	low, errLow := strconv.ParseFloat(lim.min, 64)
	high, errHigh := strconv.ParseFloat(lim.max, 64)
	if errLow == nil && f < low || errHigh == nil && f > high {
		d.Add(n, path, Error{Value: value, Problem: "is out of range", Allowed: what + lim.span() + unit})
	}
}

func (d *Decoder) boundDuration(n *Node, path string, v Duration, lim limits) {
	bound := func(s string, below bool) bool {
		var b Duration
		if s == "" || b.UnmarshalText([]byte(s)) != nil {
			return false
		}
		return below && v < b || !below && v > b
	}
	if lim.min == "" {
		lim.min = "0s" // a negative duration is asked for where it makes sense
	}
	if bound(lim.min, true) || bound(lim.max, false) {
		d.Add(n, path, Error{Value: n.Describe(), Problem: "is out of range", Allowed: "a duration" + lim.span()})
	}
}

// expand puts the variables into a text. $${ stands for ${ itself.
func (d *Decoder) expand(n *Node, path string) (string, bool) {
	text := n.Text
	if !strings.Contains(text, "${") {
		return text, true
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			break
		}
		if strings.HasSuffix(before, "$") {
			b.WriteString(before)
			b.WriteString("{")
			text = rest
			continue
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			d.Add(n, path, Error{Value: n.Describe(), Problem: "has a ${ without its }"})
			return "", false
		}
		value, known := d.Vars[name]
		if !known {
			all := slices.Sorted(maps.Keys(d.Vars))
			e := Error{Value: "${" + name + "}", Problem: "is not a variable of this document", Nearest: Nearest(name, all), Allowed: Words(all)}
			if len(all) == 0 {
				e.Problem += ";"
				e.Allowed = "it under vars"
			}
			d.Add(n, path, e)
			return "", false
		}
		if d.used == nil {
			d.used = map[string]bool{}
		}
		d.used[name] = true
		b.WriteString(before)
		b.WriteString(value)
		if b.Len() > MaxSize {
			d.Add(n, path, Error{Problem: "the text is too long with its variables put in"})
			return "", false
		}
		text = after
	}
	return b.String(), true
}

// json returns a node as JSON.
func (d *Decoder) json(n *Node, path string) (JSON, bool) {
	v, ok := d.value(n, path)
	if !ok {
		return nil, false
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		d.Add(n, path, Error{Problem: err.Error()})
		return nil, false
	}
	return JSON(strings.TrimSuffix(b.String(), "\n")), true
}

func (d *Decoder) value(n *Node, path string) (any, bool) {
	if d.values++; d.values > maxValues {
		return nil, false
	}
	switch n.Kind {
	case Map:
		out := make(map[string]any, len(n.Entries))
		for _, e := range n.Entries {
			p := joinPath(path, e.Key)
			if _, ok := d.Positions[p]; !ok {
				d.Positions[p] = e.Value.Pos
			}
			v, ok := d.value(e.Value, p)
			if !ok {
				return nil, false
			}
			out[e.Key] = v
		}
		return out, true
	case List:
		out := make([]any, len(n.Items))
		for i, x := range n.Items {
			v, ok := d.value(x, path+"["+strconv.Itoa(i)+"]")
			if !ok {
				return nil, false
			}
			out[i] = v
		}
		return out, true
	case Null:
		return nil, true
	}
	text, ok := d.expand(n, path)
	if !ok {
		return nil, false
	}
	if n.Quoted && text == n.Text {
		return text, true
	}
	switch text {
	case "true", "false":
		return text == "true", true
	case "null", "~":
		return nil, true
	}
	if i, err := strconv.ParseInt(text, 0, 64); err == nil {
		return i, true
	}
	if json.Valid([]byte(text)) { // keeps 1.0 and large numbers as they stand
		return json.Number(text), true
	}
	return text, true
}
