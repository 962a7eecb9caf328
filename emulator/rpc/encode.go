package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Object and Array are JSON values under construction. The members of an
// Object are printed in alphabetical order, as the real service does.
type (
	Object = map[string]any
	Array  = []any
)

// Float is a number that keeps ".0" when it is whole.
type Float float64

// MarshalJSON implements json.Marshaler.
func (f Float) MarshalJSON() ([]byte, error) {
	v := float64(f)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, fmt.Errorf("%v is no JSON number", v)
	}
	if math.Abs(v) >= 1e15 {
		return json.Marshal(v)
	}
	b := strconv.AppendFloat(nil, v, 'f', -1, 64)
	if !bytes.ContainsRune(b, '.') {
		b = append(b, ".0"...)
	}
	return b, nil
}

// AppendJSON appends v as the real service prints JSON: compact, without HTML
// escaping, keys in alphabetical order. v is made of Object, Array, strings,
// numbers, booleans, nil and raw messages; a struct would print in its own order.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	buf := bytes.NewBuffer(dst)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return dst, fmt.Errorf("encode JSON: %w", err)
	}
	b := buf.Bytes()
	b = b[:len(b)-1] // Encode ends with a line feed
	return unescapeSeparators(b, len(dst)), nil
}

// unescapeSeparators prints U+2028 and U+2029 as they are, as Qt does;
// encoding/json always escapes them.
func unescapeSeparators(b []byte, from int) []byte {
	if !bytes.Contains(b[from:], []byte(`\u202`)) {
		return b
	}
	out := b[:from]
	for i := from; i < len(b); i++ {
		if b[i] != '\\' {
			out = append(out, b[i])
			continue
		}
		if rest := b[i:]; len(rest) >= 6 && (string(rest[:6]) == `\u2028` || string(rest[:6]) == `\u2029`) {
			out = append(out, 0xE2, 0x80, 0xA8+rest[5]-'8')
			i += 5
			continue
		}
		out = append(out, b[i], b[i+1]) // a backslash never stands last
		i++
	}
	return out
}
