package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestAppendJSON(t *testing.T) {
	type word string
	type list []word
	nothing := (*int)(nil)
	seven := 7
	for _, test := range []struct {
		name string
		v    any
		want string
	}{
		{"nil", nil, `null`},
		{"true", true, `true`},
		{"int", -42, `-42`},
		{"biggest int", int64(math.MaxInt64), `9223372036854775807`},
		{"uint8", uint8(255), `255`},
		{"biggest uint", uint64(math.MaxUint64), `18446744073709551615`},
		{"whole float64", 128.0, `128`},
		{"float64", 0.345774, `0.345774`},
		{"minus zero", math.Copysign(0, -1), `0`},
		{"milliseconds", 1.574158497e12, `1574158497000`},
		{"small float64", 0.0001, `0.0001`},
		{"smaller float64", 0.00005, `5e-05`},
		{"huge float64", 1e300, `1e+300`},
		{"two to the 63", math.Pow(2, 63), `9.223372036854776e+18`},
		{"float32 keeps its own digits", float32(0.1), `0.1`},
		{"whole Float", Float(4215), `4215.0`},
		{"negative Float", Float(-1), `-1.0`},
		{"zero Float", Float(0), `0.0`},
		{"Float", Float(4078.461), `4078.461`},
		{"huge Float", Float(1e300), `1e+300`},
		{"string", "EPOC+ é 漢 😀", `"EPOC+ é 漢 😀"`},
		{"no HTML escaping", "<a&b>", `"<a&b>"`},
		{"separators as they are", "\u2028\u2029", "\"\u2028\u2029\""},
		{"escapes", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\""},
		{"each bad byte is replaced", "a\xff\xc3b", "\"a\uFFFD\uFFFDb\""},
		{"keys sorted at every level", Object{"b": Object{"z": 1, "a": 2}, "B": Array{Object{"y": 1, "x": 2}}, "a": 0}, `{"B":[{"x":2,"y":1}],"a":0,"b":{"a":2,"z":1}}`},
		{"more keys than fit the stack", bigObject(30), bigObjectText(30)},
		{"a bad key is replaced before it is sorted", Object{"\xff": 1, "\uFFFE": 2, "é": 3}, "{\"é\":3,\"\uFFFD\":1,\"\uFFFE\":2}"},
		{"bad keys that become equal", Object{"\xfe": 1, "\xff": 2}, "{\"\uFFFD\":2}"},
		{"key with quotes", Object{`a"b`: 1}, `{"a\"b":1}`},
		{"strings", []string{"eeg", "mot"}, `["eeg","mot"]`},
		{"string map", map[string]string{"RA": "Cz", "LA": "Fz"}, `{"LA":"Fz","RA":"Cz"}`},
		{"nil slice", []string(nil), `[]`},
		{"nil Array", Array(nil), `[]`},
		{"nil Object", Object(nil), `{}`},
		{"nil map", map[string]int(nil), `{}`},
		{"nil pointer", nothing, `null`},
		{"nil pointer that could marshal", (*time.Time)(nil), `null`},
		{"pointer", &seven, `7`},
		{"named types", list{"b", "a"}, `["b","a"]`},
		{"named map key", map[word]Float{"b": 1, "a": 2}, `{"a":2.0,"b":1.0}`},
		{"objects", []Object{{"b": 1, "a": 2}}, `[{"a":2,"b":1}]`},
		{"array", [2]int{1, 2}, `[1,2]`},
		{"marshaler", time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC), `"2026-01-02T03:04:05.006Z"`},
		{"text marshaler", netip.MustParseAddr("127.0.0.1"), `"127.0.0.1"`},
		{"Float inside", Array{Float(1), Object{"x": Float(2)}}, `[1.0,{"x":2.0}]`},
		{"number as written", json.Number("1.50"), `1.50`},
		{"raw", json.RawMessage(" { \"b\" : [ 1.0 , 2e3 , null ] ,\n\"a\":\"\\u003c\\/\\u2028\" , \"b\": {\"d\":true,\"c\":false} } "), "{\"a\":\"</\u2028\",\"b\":{\"c\":false,\"d\":true}}"},
		{"raw array", json.RawMessage(`[ [ ] , { } , -0.0 ]`), `[[],{},-0.0]`},
		{"nil raw", json.RawMessage(nil), `null`},
		{"raw members", map[string]json.RawMessage{"b": json.RawMessage(`{"y": 1,"x": 2}`), "a": json.RawMessage(`1`)}, `{"a":1,"b":{"x":2,"y":1}}`},
		{"verbatim", Object{"cols": Verbatim(`[ "kept as it is" ]`)}, `{"cols":[ "kept as it is" ]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := AppendJSON([]byte("before"), test.v)
			require.NoError(t, err)
			require.Equal(t, "before"+test.want, string(got))
		})
	}
}

func bigObject(n int) Object {
	o := Object{}
	for i := range n {
		o[fmt.Sprintf("k%02d", i)] = i
	}
	return o
}

func bigObjectText(n int) string {
	var members []string
	for i := range n {
		members = append(members, fmt.Sprintf(`"k%02d":%d`, i, i))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func TestAppendJSONRefuses(t *testing.T) {
	itself := Array{nil}
	itself[0] = itself
	type loop struct{ *loop }
	type pointer *pointer
	var chased pointer
	chased = &chased
	for _, test := range []struct {
		name string
		v    any
		why  string
	}{
		{"not a number", math.NaN(), "NaN"},
		{"infinity in a Float", Object{"a": Array{0, Float(math.Inf(-1))}}, "a: [1]: -Inf"},
		{"function", Object{"f": noop}, "f: func(int, rpc.Args)"},
		{"struct", Array{struct{ B, A int }{}}, "build an Object"},
		{"pointer to a struct", &loop{}, "build an Object"},
		{"keys that are no strings", map[int]int{1: 1}, "strings"},
		{"a value inside itself", itself, "inside each other"},
		{"a pointer to itself", chased, "inside each other"},
		{"raw JSON that is too deep where it stands", Array{json.RawMessage(deep(maxEncodeDepth))}, "inside each other"},
		{"broken raw JSON", Object{"r": json.RawMessage(`{"a":}`)}, "r: raw JSON: byte 5: want a value"},
		{"empty raw JSON", json.RawMessage{}, "want a value"},
		{"two raw values", json.RawMessage(`1 2`), "want the end"},
		{"raw JSON too deep", json.RawMessage(deep(maxEncodeDepth + 1)), "inside each other"},
		{"a number that is none", json.Number("0x1"), "want the end"},
		{"a marshaler that fails", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "year"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := []byte("kept")
			got, err := AppendJSON(before, test.v)
			require.ErrorContains(t, err, test.why)
			require.Equal(t, "kept", string(got))
		})
	}
	_, err := AppendJSON(nil, json.RawMessage(deep(maxEncodeDepth)))
	require.NoError(t, err, "the deepest that is allowed")
}

// anyJSON draws a value as encoding/json decodes it, with numbers as written.
func anyJSON(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.String().AsAny(), rapid.Bool().AsAny(),
		rapid.SampledFrom([]string{"\u2028", "\\", `\u2028`, "<", "", "\x00", "\uFFFD"}).AsAny(),
		rapid.Map(rapid.StringMatching(`-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?`), func(s string) any { return json.Number(s) }),
		rapid.Just[any](nil),
	}
	if depth == 0 {
		return rapid.OneOf(leaves...)
	}
	return rapid.OneOf(append(leaves,
		rapid.Custom(func(t *rapid.T) any { return rapid.MapOf(rapid.String(), anyJSON(depth-1)).Draw(t, "object") }),
		rapid.Custom(func(t *rapid.T) any { return rapid.SliceOf(anyJSON(depth-1)).Draw(t, "array") }))...)
}

// loosely prints a value as a careless client might: indented, HTML escaped.
func loosely(t require.TestingT, v any) []byte {
	b, err := json.MarshalIndent(v, "\t", "  ")
	require.NoError(t, err)
	return b
}

func numbersAsWritten(text []byte) *json.Decoder {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d
}

func parse(t require.TestingT, text []byte) (v any) {
	require.NoError(t, numbersAsWritten(text).Decode(&v))
	return v
}

func TestAppendJSONProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyJSON(3).Draw(t, "value")
		got, err := AppendJSON(nil, v)
		require.NoError(t, err)
		require.Equal(t, v, parse(t, got), "it reads back equal")
		requireSorted(t, numbersAsWritten(got))
		var compact bytes.Buffer
		require.NoError(t, json.Compact(&compact, got))
		require.Equal(t, compact.String(), string(got), "it is compact")
		again, err := AppendJSON(nil, json.RawMessage(loosely(t, v)))
		require.NoError(t, err)
		require.Equal(t, string(got), string(again), "raw JSON takes the same form")
	})
}

// requireSorted reads a value and checks the order of the keys of its objects.
func requireSorted(t require.TestingT, d *json.Decoder) {
	token, err := d.Token()
	require.NoError(t, err)
	var keys []string
	switch token {
	case json.Delim('{'):
		for d.More() {
			key, err := d.Token()
			require.NoError(t, err)
			keys = append(keys, key.(string))
			requireSorted(t, d)
		}
		require.True(t, sort.StringsAreSorted(keys), "keys %q", keys)
	case json.Delim('['):
		for d.More() {
			requireSorted(t, d)
		}
	default:
		return
	}
	_, err = d.Token() // the closing bracket
	require.NoError(t, err)
}

func BenchmarkAppendJSON(b *testing.B) {
	session := Object{
		"appId": "com.example.app", "headset": Object{
			"connectedBy": "dongle", "dongle": "6ff", "firmware": "625", "id": "EPOCPLUS-3B9A0000",
			"motionSensors": []string{"GYROX", "GYROY", "GYROZ", "ACCX", "ACCY", "ACCZ", "MAGX", "MAGY", "MAGZ"},
			"sensors":       []string{"AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4"},
			"settings":      Object{"eegRate": 256, "eegRes": 16, "memsRate": 64, "memsRes": 16, "mode": "EPOCPLUS"}, "status": "connected",
		},
		"id": "8bfc26de-0000-4c1f-9771-000000000001", "license": "", "owner": "jon.snow", "recordIds": Array{}, "recording": false,
		"started": "2026-11-25T08:00:00.000+00:00", "status": "opened", "stopped": "", "streams": Array{},
	}
	b.Run("rpc", func(b *testing.B) {
		b.ReportAllocs()
		var dst []byte
		for b.Loop() {
			dst, _ = AppendJSON(dst[:0], session)
		}
	})
	b.Run("encodingjson", func(b *testing.B) {
		b.ReportAllocs()
		var dst bytes.Buffer
		enc := json.NewEncoder(&dst)
		for b.Loop() {
			dst.Reset()
			_ = enc.Encode(session)
		}
	})
}
