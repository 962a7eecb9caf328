package rpc

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Object and Array are JSON values under construction. The members of an
// Object are printed in alphabetical order, as the real service does.
type (
	Object = map[string]any
	Array  = []any
)

// Float is a number that keeps ".0" when it is whole, as a float column of a
// stream does.
type Float float64

// MarshalJSON implements json.Marshaler.
func (f Float) MarshalJSON() ([]byte, error) { return appendFloat(nil, float64(f), true) }

// Verbatim is text that already is JSON as AppendJSON prints it; it is copied
// unseen. Raw JSON of others is a json.RawMessage, which is checked and put in order.
type Verbatim []byte

// MarshalJSON implements json.Marshaler.
func (v Verbatim) MarshalJSON() ([]byte, error) { return v, nil }

// maxEncodeDepth stops a value that contains itself.
const maxEncodeDepth = 1000

var (
	errDepth  = fmt.Errorf("more than %d objects and arrays inside each other", maxEncodeDepth)
	errStruct = errors.New("a struct would print in its own order: build an Object")
)

// AppendJSON appends v as the real service prints JSON: compact, keys in
// alphabetical order at every level, without HTML escaping, U+2028 and U+2029 as
// they are. After an error dst is returned as it was.
//
// v is made of Object, Array, strings, numbers, booleans and nil, of maps with
// string keys and slices of anything that can be printed, of Float, Verbatim,
// json.Number and json.RawMessage (put into order, duplicates dropped, its numbers
// kept as written), and of what implements json.Marshaler or encoding.TextMarshaler. A nil slice
// is [] and a nil map {}: clients do not expect null there. Structs are refused,
// NaN and infinities too. What is not UTF-8 becomes U+FFFD.
//
// Whole float64 print as integers. Figures below 0.0001 print with an exponent as C
// prints them, which is a guess.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	out, err := appendValue(dst, v, 0)
	if err != nil {
		return dst, fmt.Errorf("encode JSON: %w", err)
	}
	return out, nil
}

func appendValue(dst []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case string:
		return appendString(dst, v), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case float64:
		return appendFloat(dst, v, false)
	case Float:
		return appendFloat(dst, float64(v), true)
	case Object:
		return appendMap(dst, v, depth, appendValue)
	case Array:
		return appendSlice(dst, v, depth, appendValue)
	case []string:
		return appendSlice(dst, v, depth, appendText)
	case map[string]string:
		return appendMap(dst, v, depth, appendText)
	case Verbatim:
		return append(dst, v...), nil
	case json.RawMessage:
		return appendRaw(dst, v, depth)
	case map[string]json.RawMessage:
		return appendMap(dst, v, depth, appendRaw)
	case json.Number:
		return appendRaw(dst, json.RawMessage(v), depth)
	}
	return appendOther(dst, v, depth)
}

func appendText(dst []byte, s string, _ int) ([]byte, error) { return appendString(dst, s), nil }

// appendOther appends a value whose type needs a look.
func appendOther(dst []byte, v any, depth int) ([]byte, error) {
	r := reflect.ValueOf(v)
	if r.Kind() == reflect.Pointer && r.IsNil() {
		return append(dst, "null"...), nil
	}
	switch v := v.(type) {
	case json.Marshaler:
		raw, err := v.MarshalJSON()
		if err != nil {
			return dst, err
		}
		return appendRaw(dst, raw, depth)
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		if err != nil {
			return dst, err
		}
		return appendString(dst, string(text)), nil
	}
	switch r.Kind() {
	case reflect.String:
		return appendString(dst, r.String()), nil
	case reflect.Bool:
		return strconv.AppendBool(dst, r.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(dst, r.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.AppendUint(dst, r.Uint(), 10), nil
	case reflect.Float32:
		// The shortest text that gives this float32, not its nearest float64.
		f, _ := strconv.ParseFloat(strconv.FormatFloat(r.Float(), 'g', -1, 32), 64)
		return appendFloat(dst, f, false)
	case reflect.Float64:
		return appendFloat(dst, r.Float(), false)
	case reflect.Pointer:
		if depth >= maxEncodeDepth {
			return dst, errDepth
		}
		return appendValue(dst, r.Elem().Interface(), depth+1)
	case reflect.Slice, reflect.Array:
		elements := make(Array, r.Len())
		for i := range elements {
			elements[i] = r.Index(i).Interface()
		}
		return appendSlice(dst, elements, depth, appendValue)
	case reflect.Map:
		if r.Type().Key().Kind() != reflect.String {
			return dst, fmt.Errorf("%T: the keys of an object are strings", v)
		}
		object := make(Object, r.Len())
		for each := r.MapRange(); each.Next(); {
			object[each.Key().String()] = each.Value().Interface()
		}
		return appendMap(dst, object, depth, appendValue)
	case reflect.Struct:
		return dst, fmt.Errorf("%T: %w", v, errStruct)
	default:
		return dst, fmt.Errorf("%T is no JSON value", v)
	}
}

func appendSlice[V any](dst []byte, list []V, depth int, one func([]byte, V, int) ([]byte, error)) ([]byte, error) {
	if depth >= maxEncodeDepth {
		return dst, errDepth
	}
	var err error
	dst = append(dst, '[')
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = one(dst, v, depth+1); err != nil {
			return dst, fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return append(dst, ']'), nil
}

func appendMap[V any](dst []byte, m map[string]V, depth int, one func([]byte, V, int) ([]byte, error)) ([]byte, error) {
	if depth >= maxEncodeDepth {
		return dst, errDepth
	}
	var few [24]string // enough for the largest object that Cortex documents
	keys := few[:0]
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	if !slices.ContainsFunc(keys, notUTF8) {
		return appendMembers(dst, m, keys, depth, one)
	}
	// Two different keys may become equal, and their order may change.
	valid := make(map[string]V, len(m))
	for _, k := range keys {
		valid[replaceInvalid(k)] = m[k]
	}
	keys = keys[:0]
	for k := range valid {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return appendMembers(dst, valid, keys, depth, one)
}

func notUTF8(s string) bool { return !utf8.ValidString(s) }

// replaceInvalid replaces each byte that is not UTF-8.
func replaceInvalid(s string) string { return string([]rune(s)) }

func appendMembers[V any](dst []byte, m map[string]V, keys []string, depth int, one func([]byte, V, int) ([]byte, error)) ([]byte, error) {
	var err error
	dst = append(dst, '{')
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, k), ':')
		if dst, err = one(dst, m[k], depth+1); err != nil {
			return dst, fmt.Errorf("%s: %w", k, err)
		}
	}
	return append(dst, '}'), nil
}

// appendRaw appends JSON text of others in the order and form of this package.
func appendRaw(dst []byte, raw json.RawMessage, depth int) ([]byte, error) {
	if raw == nil {
		return append(dst, "null"...), nil
	}
	s := scanner{b: raw, maxDepth: maxEncodeDepth - depth}
	text, err := s.value(0)
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return dst, fmt.Errorf("raw JSON: %w", err)
	}
	return appendScanned(dst, text), nil
}

// appendScanned appends text that a scanner has passed; it cannot fail, and its
// depth is known to be bounded.
func appendScanned(dst, text []byte) []byte {
	s := scanner{b: text, maxDepth: maxEncodeDepth}
	switch text[0] {
	case '"':
		return appendString(dst, unquote(text))
	case '[':
		dst = append(dst, '[')
		first := len(dst)
		_ = s.array(0, func(value []byte) {
			if len(dst) > first {
				dst = append(dst, ',')
			}
			dst = appendScanned(dst, value)
		})
		return append(dst, ']')
	case '{':
		all := make(map[string]json.RawMessage)
		_ = s.object(0, func(key, value []byte) { all[replaceInvalid(unquote(key))] = value })
		dst, _ = appendMap(dst, all, 0, func(dst []byte, value json.RawMessage, _ int) ([]byte, error) {
			return appendScanned(dst, value), nil
		})
		return dst
	default:
		return append(dst, text...) // numbers keep the digits that they came with
	}
}

const maxWhole = 1 << 63 // as far as an integer prints without an exponent

func appendFloat(dst []byte, f float64, point bool) ([]byte, error) {
	size := math.Abs(f)
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return dst, fmt.Errorf("%v is no JSON number", f)
	case size < maxWhole && f == math.Trunc(f):
		dst = strconv.AppendInt(dst, int64(f), 10) // -0 is 0
		if point {
			dst = append(dst, ".0"...)
		}
		return dst, nil
	case size >= maxWhole || size < 1e-4:
		return strconv.AppendFloat(dst, f, 'e', -1, 64), nil
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64), nil
}

// appendString appends s in quotes with the escapes of Qt's JSON writer: only
// quotes, backslashes and control characters below 0x20.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	if !utf8.ValidString(s) {
		s = replaceInvalid(s)
	}
	dst = append(dst, '"')
	from := 0 // what stands before it is printed
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, `\u00`...)
			dst = append(dst, hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
}
