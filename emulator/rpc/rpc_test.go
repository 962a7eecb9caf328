package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func testFaults() Faults {
	return Faults{
		ParseError: CodeText{-32700, "Parse error."}, InvalidRequest: CodeText{-32600, "Invalid Request."},
		MethodNotFound: CodeText{-32601, "Method not found."}, InvalidParams: CodeText{-32602, "Invalid Parameters."},
		MissingParams: CodeText{-32018, "Missing the required parameters."},
	}
}

func deep(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

func TestDecode(t *testing.T) {
	for _, test := range []struct {
		name, frame string
		code        int    // 0: it decodes
		id          string // "" is none
		method      string
	}{
		{"compact", `{"id":1,"jsonrpc":"2.0","method":"m","params":{}}`, 0, "1", "m"},
		{"indented", "{\r\n\t\"jsonrpc\": \"2.0\",\n \"id\" : 1 ,\"method\":\"m\"\n}\n", 0, "1", "m"},
		{"params null", `{"id":1,"jsonrpc":"2.0","method":"m","params":null}`, 0, "1", "m"},
		{"id zero", `{"id":0,"jsonrpc":"2.0","method":"m"}`, 0, "0", "m"},
		{"id string", `{"id":"caf\u00e9 \"1\"","jsonrpc":"2.0","method":"m"}`, 0, `"caf\u00e9 \"1\""`, "m"},
		{"id big", `{"id":123456789012345678901234567890,"jsonrpc":"2.0","method":"m"}`, 0, "123456789012345678901234567890", "m"},
		{"id fraction", `{"id":1.0,"jsonrpc":"2.0","method":"m"}`, 0, "1.0", "m"},
		{"id null", `{"id":null,"jsonrpc":"2.0","method":"m"}`, 0, "null", "m"},
		{"id true", `{"id":true,"jsonrpc":"2.0","method":"m"}`, 0, "true", "m"},
		{"notification", `{"jsonrpc":"2.0","method":"m"}`, 0, "", "m"},
		{"names are case sensitive", `{"ID":1,"jsonrpc":"2.0","method":"m"}`, 0, "", "m"},
		{"last of duplicates", `{"id":1,"id":2,"jsonrpc":"2.0","method":"a","method":"m"}`, 0, "2", "m"},
		{"deepest", `{"id":1,"jsonrpc":"2.0","method":"m","params":{"a":` + deep(MaxDepth-2) + `}}`, 0, "1", "m"},
		{"brackets in a string", `{"id":1,"jsonrpc":"2.0","method":"` + strings.Repeat("[", 99) + `\"{"}`, 0, "1", strings.Repeat("[", 99) + `"{`},

		{"empty", ``, -32700, "", ""},
		{"blanks", " \n", -32700, "", ""},
		{"number", `1`, -32700, "", ""},
		{"string", `"x"`, -32700, "", ""},
		{"null", `null`, -32700, "", ""},
		{"cut", `{"id":1,"jsonrpc":"2.0","method":"m"`, -32700, "", ""},
		{"something behind", `{"id":1,"jsonrpc":"2.0","method":"m"}{}`, -32700, "", ""},
		{"single quotes", `{'id':1}`, -32700, "", ""},
		{"not UTF-8", "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"\xff\"}", -32700, "", ""},
		{"too deep", `{"id":1,"jsonrpc":"2.0","method":"m","params":{"a":` + deep(MaxDepth-1) + `}}`, -32700, "", ""},
		{"deep and open", strings.Repeat("[", 1<<20), -32700, "", ""},
		{"batch", `[{"id":1,"jsonrpc":"2.0","method":"m"}]`, -32600, "", ""},
		{"empty object", `{}`, -32600, "", ""},
		{"no jsonrpc", `{"id":7,"method":"m"}`, -32600, "7", ""},
		{"jsonrpc 1.0", `{"id":7,"jsonrpc":"1.0","method":"m"}`, -32600, "7", ""},
		{"jsonrpc number", `{"id":7,"jsonrpc":2.0,"method":"m"}`, -32600, "7", ""},
		{"no method", `{"id":"a","jsonrpc":"2.0"}`, -32600, `"a"`, ""},
		{"method null", `{"id":7,"jsonrpc":"2.0","method":null}`, -32600, "7", ""},
		{"method number", `{"id":7,"jsonrpc":"2.0","method":3}`, -32600, "7", ""},
		{"positional params", `{"id":7,"jsonrpc":"2.0","method":"m","params":[1]}`, -32600, "7", ""},
		{"params string", `{"id":7,"jsonrpc":"2.0","method":"m","params":"x"}`, -32600, "7", ""},
		{"id object", `{"id":{ "b": 1, "a": [] },"jsonrpc":"2.0","method":"m"}`, 0, `{ "b": 1, "a": [] }`, "m"},
	} {
		t.Run(test.name, func(t *testing.T) {
			req, id, fault := Decode([]byte(test.frame), DecodeOptions{Faults: testFaults()})
			require.Equal(t, test.id, string(id))
			if test.code != 0 {
				require.NotNil(t, fault)
				require.Equal(t, test.code, fault.Code)
				require.NotEmpty(t, fault.Op, "our log tells the plain reason")
				return
			}
			require.Nil(t, fault)
			require.Equal(t, test.method, req.Method)
			require.Equal(t, test.id, string(req.ID))
		})
	}
}

func TestDecodeAnyVersion(t *testing.T) {
	_, _, fault := Decode([]byte(`{"id":1,"method":"m"}`), DecodeOptions{Faults: testFaults(), AnyVersion: true})
	require.Nil(t, fault)
}

func TestAnswers(t *testing.T) {
	id := json.RawMessage(`"a"`)
	b, err := AppendResult(nil, id, Object{"z": "<&>\u2028\\u2028", "a": Array{1, Float(1), Float(0.25), nil, true}, "m": Object{"b": 1, "a": ""}})
	require.NoError(t, err)
	require.Equal(t, `{"id":"a","jsonrpc":"2.0","result":{"a":[1,1.0,0.25,null,true],"m":{"a":"","b":1},"z":"<&>`+"\u2028"+`\\u2028"}}`, string(b))

	b, err = AppendResultWith([]byte("x"), id, Array{}, Object{"attention": Object{"code": 31}})
	require.NoError(t, err)
	require.Equal(t, `x{"attention":{"code":31},"id":"a","jsonrpc":"2.0","result":[]}`, string(b))
	_, err = AppendResultWith(nil, id, nil, Object{"id": 1})
	require.Error(t, err)

	fault := testFaults()
	b = AppendError(nil, json.RawMessage("1"), fault.Missing("m", "cortexToken"))
	require.Equal(t, `{"error":{"code":-32018,"data":{"behavior":"This parameter is required: cortexToken"},"message":"Missing the required parameters."},"id":1,"jsonrpc":"2.0"}`, string(b))
	fault.OmitData = true
	b = AppendError(nil, nil, fault.Missing("m", "cortexToken"))
	require.Equal(t, `{"error":{"code":-32018,"message":"Missing the required parameters."},"id":null,"jsonrpc":"2.0"}`, string(b))

	b, err = AppendWarning(nil, 9, "granted")
	require.NoError(t, err)
	require.Equal(t, `{"jsonrpc":"2.0","warning":{"code":9,"message":"granted"}}`, string(b))

	for _, bad := range []any{Float(math.NaN()), Float(math.Inf(1)), func() {}} {
		b, err = AppendResult([]byte("kept"), id, bad)
		require.Error(t, err)
		require.Equal(t, "kept", string(b))
	}
}

func TestAppendJSONProperties(t *testing.T) {
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		leaves := []*rapid.Generator[any]{
			rapid.String().AsAny(), rapid.Int32().AsAny(), rapid.Bool().AsAny(), rapid.SampledFrom([]string{"\u2028", "\\", `\u2028`, "<", ""}).AsAny(),
		}
		if depth == 0 {
			return rapid.OneOf(leaves...)
		}
		return rapid.OneOf(append(leaves,
			rapid.Custom(func(t *rapid.T) any { return rapid.MapOf(rapid.String(), value(depth-1)).Draw(t, "object") }),
			rapid.Custom(func(t *rapid.T) any { return rapid.SliceOf(value(depth-1)).Draw(t, "array") }))...)
	}
	rapid.Check(t, func(t *rapid.T) {
		v := value(3).Draw(t, "value")
		got, err := AppendJSON([]byte("prefix"), v)
		require.NoError(t, err)
		got = bytes.TrimPrefix(got, []byte("prefix"))
		std, err := json.Marshal(v)
		require.NoError(t, err)
		require.JSONEq(t, string(std), string(got))
		require.NotContains(t, string(got), "\n")
		requireSorted(t, json.NewDecoder(bytes.NewReader(got)))
	})
}

// requireSorted reads a value and checks the order of the keys of its objects.
func requireSorted(t require.TestingT, d *json.Decoder) {
	type level struct {
		object bool
		keys   []string
		isKey  bool
	}
	var stack []*level
	for {
		token, err := d.Token()
		if err != nil {
			return
		}
		var top *level
		if len(stack) > 0 {
			top = stack[len(stack)-1]
		}
		key, isString := token.(string)
		if top != nil && top.object && top.isKey && isString {
			top.keys, top.isKey = append(top.keys, key), false
			require.True(t, sort.StringsAreSorted(top.keys), "keys %q", top.keys)
			continue
		}
		if top != nil && top.object {
			top.isKey = true
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, &level{object: true, isKey: true})
		case json.Delim('['):
			stack = append(stack, &level{})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		}
	}
}

func TestParameters(t *testing.T) {
	m := Method[int]{Name: "m", Params: []Param{
		{Name: "token", Type: TypeString, Required: true},
		{Name: "session", Type: TypeString, Required: true},
		{Name: "license", Type: TypeString, EmptyIsAbsent: true},
		{Name: "debit", Type: TypeInteger},
		{Name: "time", Type: TypeNumber},
		{Name: "flag", Type: TypeBool},
		{Name: "streams", Type: TypeStringArray},
		{Name: "query", Type: TypeObject},
		{Name: "orderBy", Type: TypeObjectArray},
		{Name: "value", Type: TypeStringOrNumber},
		{Name: "list", Type: TypeArray},
	}}
	params := func(text string) (p map[string]json.RawMessage) {
		require.NoError(t, json.Unmarshal([]byte(text), &p))
		return p
	}
	t.Run("missing", func(t *testing.T) {
		for text, want := range map[string]string{
			`{}`:                            "token",
			`{"session":"s"}`:               "token",
			`{"token":"t"}`:                 "session",
			`{"token":null,"session":"s"}`:  "token",
			`{"token":"","session":"s"}`:    "",
			`{"token":"t","session":"s"}`:   "",
			`{"token":1,"session":"s"}`:     "",
			`{"Token":"t","session":"s"}`:   "token",
			`{"token":"t","session":false}`: "",
		} {
			fault := m.CheckRequired(params(text), testFaults())
			if want == "" {
				require.Nil(t, fault, text)
				continue
			}
			require.NotNil(t, fault, text)
			require.Equal(t, Object{"behavior": "This parameter is required: " + want}, fault.Data, text)
		}
	})
	t.Run("types", func(t *testing.T) {
		for name, bad := range map[string][]string{
			"token": {`1`, `true`, `{}`, `[]`}, "license": {`1`}, "debit": {`"1"`, `1.5`, `1e300`, `[]`}, "time": {`"1"`, `true`}, "flag": {`1`, `"true"`},
			"streams": {`"eeg"`, `[1]`, `[null]`, `{}`}, "query": {`[]`, `"x"`}, "orderBy": {`{}`, `[1]`, `["x"]`}, "value": {`true`, `[]`}, "list": {`{}`},
		} {
			for _, value := range bad {
				_, fault := m.CheckTypes(params(`{"`+name+`":`+value+`}`), testFaults())
				require.NotNil(t, fault, "%s %s", name, value)
				require.Equal(t, -32602, fault.Code)
				require.Contains(t, fault.Error(), name)
			}
		}
	})
	t.Run("values", func(t *testing.T) {
		a, fault := m.CheckTypes(params(`{"token":"t","license":"","debit":10,"time":1.5e3,"flag":false,"streams":["eeg","mot"],
			"query":{"a":1},"orderBy":[{"title":"ASC"}],"value":"x","list":[],"unknown":1}`), testFaults())
		require.Nil(t, fault)
		require.Equal(t, "t", a.String("token"))
		require.False(t, a.Has("license"))
		require.False(t, a.Has("unknown"))
		require.Equal(t, 10, a.Int("debit"))
		require.Equal(t, 1500.0, a.Number("time"))
		require.False(t, a.Bool("flag", true))
		require.True(t, a.Bool("absent", true))
		require.Equal(t, []string{"eeg", "mot"}, a.Strings("streams"))
		require.Equal(t, `1`, string(a.Object("query")["a"]))
		require.Equal(t, `"ASC"`, string(a.Objects("orderBy")[0]["title"]))
		require.Equal(t, `"x"`, string(a.Raw("value")))
		require.True(t, a.Has("list"))
	})
}

func noop(int, Args) (any, error) { return nil, nil }

func TestRegistry(t *testing.T) {
	r, err := NewRegistry(Method[int]{Name: "b", Handle: noop}, Method[int]{Name: "a", Handle: noop})
	require.NoError(t, err)
	require.Equal(t, []string{"b", "a"}, r.Names())
	_, ok := r.Lookup("B")
	require.False(t, ok)
	_, err = NewRegistry(Method[int]{Name: "a", Handle: noop}, Method[int]{Name: "a", Handle: noop})
	require.ErrorContains(t, err, "method a is registered twice")
}

func TestNearest(t *testing.T) {
	names := []string{"createSession", "querySessions", "subscribe", "unsubscribe"}
	require.Equal(t, "subscribe", Nearest("subscripe", names))
	require.Equal(t, "querySessions", Nearest("querySession", names))
	require.Empty(t, Nearest("logout", names))
	require.Empty(t, Nearest(strings.Repeat("x", 1<<20), names))
}

func TestErrorUnwraps(t *testing.T) {
	cause := errors.New("disk full")
	err := &Error{Code: -32603, Message: "Internal error.", Op: "export", Cause: cause}
	require.ErrorIs(t, err, cause)
	require.Equal(t, "-32603 Internal error.: export: disk full", err.Error())
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"jsonrpc":"2.0","method":"m","params":{"a":[1,"\u2028"]}}`, `[]`, `{"id":"\ud800"}`, `{"id":1e999,"jsonrpc":"2.0","method":""}`, "\xff", `{"a":"\`,
	} {
		f.Add([]byte(seed))
	}
	faults := testFaults()
	f.Fuzz(func(t *testing.T, frame []byte) {
		req, id, fault := Decode(frame, DecodeOptions{Faults: faults})
		if fault != nil {
			answer := AppendError(nil, id, fault)
			if !json.Valid(answer) {
				t.Fatalf("answer %q is no JSON", answer)
			}
			return
		}
		if len(req.ID) > 0 && !bytes.Contains(frame, req.ID) {
			t.Fatalf("id %q is not echoed as it came", req.ID)
		}
		answer, err := AppendResult(nil, req.ID, req.Params)
		if req.ID != nil && (err != nil || !json.Valid(answer)) {
			t.Fatalf("answer %q, error %v", answer, err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	frame := []byte(`{"id":6,"jsonrpc":"2.0","method":"subscribe","params":{"cortexToken":"` + strings.Repeat("x", 400) + `","session":"8bfc26de-0000-4c1f-9771-000000000001","streams":["eeg","mot"]}}`)
	faults := testFaults()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, fault := Decode(frame, DecodeOptions{Faults: faults}); fault != nil {
			b.Fatal(fault)
		}
	}
}
