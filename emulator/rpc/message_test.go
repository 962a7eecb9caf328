package rpc

import (
	"encoding/json"
	"errors"
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

		{"escaped names", `{"\u0069d":1,"jsonr\u0070c":"2\u002e0","meth\u006fd":"\u006d","param\u0073":null}`, 0, "1", "m"},
		{"byte order mark", "\xef\xbb\xbf{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"m\"}", 0, "1", "m"},
		{"members of nobody", `{"id":1,"jsonrpc":"2.0","method":"m","sid":"x","result":[]}`, 0, "1", "m"},
		{"method empty", `{"id":1,"jsonrpc":"2.0","method":""}`, 0, "1", ""},
		{"id array", `{"id":[1, 2],"jsonrpc":"2.0","method":"m"}`, 0, "[1, 2]", "m"},
		{"id with separators", "{\"id\":\"<\u2028>\",\"jsonrpc\":\"2.0\",\"method\":\"m\"}", 0, "\"<\u2028>\"", "m"},

		{"empty", ``, -32700, "", ""},
		{"blanks", " \n", -32700, "", ""},
		{"number", `1`, -32700, "", ""},
		{"string", `"x"`, -32700, "", ""},
		{"null", `null`, -32700, "", ""},
		{"cut", `{"id":1,"jsonrpc":"2.0","method":"m"`, -32700, "", ""},
		{"something behind", `{"id":1,"jsonrpc":"2.0","method":"m"}{}`, -32700, "", ""},
		{"comma at the end", `{"id":1,"jsonrpc":"2.0","method":"m",}`, -32700, "", ""},
		{"comment", `{"id":1,"jsonrpc":"2.0","method":"m"/* */}`, -32700, "", ""},
		{"NaN", `{"id":NaN,"jsonrpc":"2.0","method":"m"}`, -32700, "", ""},
		{"leading zero", `{"id":01,"jsonrpc":"2.0","method":"m"}`, -32700, "", ""},
		{"hexadecimal", `{"id":0x1,"jsonrpc":"2.0","method":"m"}`, -32700, "", ""},
		{"number cut", `{"id":1.,"jsonrpc":"2.0","method":"m"}`, -32700, "", ""},
		{"bare line feed in a string", "{\"id\":\"\n\",\"jsonrpc\":\"2.0\",\"method\":\"m\"}", -32700, "", ""},
		{"unknown escape", `{"id":"\x","jsonrpc":"2.0","method":"m"}`, -32700, "", ""},
		{"short escape", `{"id":"\u12","jsonrpc":"2.0","method":"m"}`, -32700, "", ""},
		{"UTF-16", "{\x00}\x00", -32700, "", ""},
		{"broken batch", `[{"id":1}`, -32700, "", ""},
		{"two byte order marks", "\xef\xbb\xbf\xef\xbb\xbf{}", -32700, "", ""},
		{"single quotes", `{'id':1}`, -32700, "", ""},
		{"not UTF-8", "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"\xff\"}", -32700, "", ""},
		{"too deep", `{"id":1,"jsonrpc":"2.0","method":"m","params":{"a":` + deep(MaxDepth-1) + `}}`, -32700, "", ""},
		{"objects too deep", `{"id":1,"jsonrpc":"2.0","method":"m","params":` + strings.Repeat(`{"a":`, MaxDepth) + `1` + strings.Repeat(`}`, MaxDepth) + `}`, -32700, "", ""},
		{"three digits of an escape", `{"id":"\u123","jsonrpc":"2.0","method":"m"}`, -32700, "", ""},
		{"an escape of no hexadecimal digit", `{"id":"\u123g","jsonrpc":"2.0","method":"m"}`, -32700, "", ""},
		{"deep and open", strings.Repeat("[", 1<<20), -32700, "", ""},
		{"batch", `[{"id":1,"jsonrpc":"2.0","method":"m"}]`, -32600, "", ""},
		{"empty batch", `[]`, -32600, "", ""},
		{"empty object", `{}`, -32600, "", ""},
		{"no jsonrpc", `{"id":7,"method":"m"}`, -32600, "7", ""},
		{"jsonrpc 1.0", `{"id":7,"jsonrpc":"1.0","method":"m"}`, -32600, "7", ""},
		{"jsonrpc number", `{"id":7,"jsonrpc":2.0,"method":"m"}`, -32600, "7", ""},
		{"no method", `{"id":"a","jsonrpc":"2.0"}`, -32600, `"a"`, ""},
		{"method null", `{"id":7,"jsonrpc":"2.0","method":null}`, -32600, "7", ""},
		{"method number", `{"id":7,"jsonrpc":"2.0","method":3}`, -32600, "7", ""},
		{"positional params", `{"id":7,"jsonrpc":"2.0","method":"m","params":[1]}`, -32600, "7", ""},
		{"positional params of a notification", `{"jsonrpc":"2.0","method":"m","params":[]}`, -32600, "", ""},
		{"params number", `{"id":null,"jsonrpc":"2.0","method":"m","params":0}`, -32600, "null", ""},
		{"params false", `{"id":{},"jsonrpc":"2.0","method":"m","params":false}`, -32600, "{}", ""},
		{"jsonrpc null", `{"id":7,"jsonrpc":null,"method":"m"}`, -32600, "7", ""},
		{"jsonrpc with a blank", `{"id":7,"jsonrpc":"2.0 ","method":"m"}`, -32600, "7", ""},
		{"an answer", `{"id":7,"jsonrpc":"2.0","result":{}}`, -32600, "7", ""},
		{"params string", `{"id":7,"jsonrpc":"2.0","method":"m","params":"x"}`, -32600, "7", ""},
		{"id object", `{"id":{ "b": 1, "a": [] },"jsonrpc":"2.0","method":"m"}`, 0, `{ "b": 1, "a": [] }`, "m"},
	} {
		t.Run(test.name, func(t *testing.T) {
			req, id, fault := Decode([]byte(test.frame), DecodeOptions{Faults: testFaults()})
			require.Equal(t, test.id, string(id))
			if test.code != 0 {
				require.NotNil(t, fault)
				require.Nil(t, req)
				require.Equal(t, test.code, fault.Code)
				require.NotEmpty(t, fault.Op, "our log tells the plain reason")
				require.Nil(t, fault.Data, "the reason is not the client's")
				return
			}
			require.Nil(t, fault)
			require.Equal(t, test.method, req.Method)
			require.Equal(t, test.id, string(req.ID))
		})
	}
}

func TestDecodeAnyVersion(t *testing.T) {
	o := DecodeOptions{Faults: testFaults(), AnyVersion: true}
	for _, version := range []string{``, `"jsonrpc":"1.0",`, `"jsonrpc":2,`} {
		req, _, fault := Decode([]byte(`{`+version+`"id":1,"method":"m"}`), o)
		require.Nil(t, fault)
		require.Equal(t, "m", req.Method)
	}
	_, id, fault := Decode([]byte(`{"id":1}`), o)
	require.Equal(t, -32600, fault.Code)
	require.Equal(t, "1", string(id))
}

func TestDecodeParams(t *testing.T) {
	decode := func(frame string) map[string]json.RawMessage {
		req, _, fault := Decode([]byte(frame), DecodeOptions{Faults: testFaults()})
		require.Nil(t, fault)
		return req.Params
	}
	require.Nil(t, decode(`{"jsonrpc":"2.0","method":"m"}`))
	require.Nil(t, decode(`{"jsonrpc":"2.0","method":"m","params":null}`))
	require.Equal(t, map[string]json.RawMessage{}, decode(`{"jsonrpc":"2.0","method":"m","params":{ }}`))
	require.Equal(t,
		map[string]json.RawMessage{"a b": json.RawMessage(`[ 1, "}" ]`), "c": json.RawMessage(`2.0`), "": json.RawMessage(`null`)},
		decode(`{"jsonrpc":"2.0","params":{"c":1,"a b" : [ 1, "}" ] ,"\u0063":2.0,"":null},"method":"m"}`))
	require.Equal(t, map[string]json.RawMessage{"b": json.RawMessage(`1`)},
		decode(`{"jsonrpc":"2.0","method":"m","params":{"a":1},"params":{"b":1}}`), "the last of duplicates")
}

func TestDecodeKeepsNothingOfTheFrame(t *testing.T) {
	frame := []byte(`{"id":"first","jsonrpc":"2.0","method":"m","params":{"a":"first"}}`)
	req, id, fault := Decode(frame, DecodeOptions{Faults: testFaults()})
	require.Nil(t, fault)
	for i := range frame {
		frame[i] = 'x'
	}
	require.Equal(t, `"first"`, string(id))
	require.Equal(t, `"first"`, string(req.Params["a"]))
}

// The reason in our log tells a user of a hand-written client what to look at.
func TestDecodeReasons(t *testing.T) {
	for frame, want := range map[string]string{
		`{"id":1,"jsonrpc":"2.0","method":"m","params":{},}`: "byte 49: want a key in double quotes",
		`{"id":1 "jsonrpc":"2.0"}`:                           "byte 8: want a comma or }",
		`{"id":1}}`:                                          "byte 8: want the end of the text",
		`{"id":tru}`:                                         "byte 6: want true",
		"":                                                   "byte 0: want a value",
		`{"id":1,"jsonrpc":2.0,"method":"m"}`:                `jsonrpc must be "2.0", got 2.0`,
		`{"id":1,"jsonrpc":"2.0"}`:                           "method must be a string, got none",
		`{"id":1,"jsonrpc":"2.0","method":"m","params":["token"]}`: `got ["token"]`,
		`{"jsonrpc":"` + strings.Repeat("é", 40) + `"}`:            "got \"" + strings.Repeat("é", 19) + "...",
		`{"a":` + deep(MaxDepth) + `}`:                             "at most 64 objects and arrays inside each other",
	} {
		_, _, fault := Decode([]byte(frame), DecodeOptions{Faults: testFaults()})
		require.NotNil(t, fault, frame)
		require.ErrorContains(t, fault, want)
	}
}

// An id comes back with the bytes that the client sent, whatever they are.
func TestIDEcho(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := anyJSON(3).Draw(t, "id")
		id, err := json.Marshal(value)
		require.NoError(t, err)
		if rapid.Bool().Draw(t, "loosely") {
			id = loosely(t, value)
		}
		frame := append(append([]byte(`{"params":{"id":0},"id": `), id...), ` ,"jsonrpc":"2.0","method":"m"}`...)
		req, _, fault := Decode(frame, DecodeOptions{Faults: testFaults()})
		require.Nil(t, fault)
		require.Equal(t, string(id), string(req.ID))
		answer, err := AppendResult(nil, req.ID, 1)
		require.NoError(t, err)
		require.Equal(t, `{"id":`+string(id)+`,"jsonrpc":"2.0","result":1}`, string(answer))
		answer, err = AppendResultWith(nil, req.ID, 1, Object{"attention": 2})
		require.NoError(t, err)
		require.Equal(t, `{"attention":2,"id":`+string(id)+`,"jsonrpc":"2.0","result":1}`, string(answer))
		require.Contains(t, string(AppendError(nil, req.ID, &Error{})), `"id":`+string(id)+`,"jsonrpc"`)
	})
}

func TestErrorUnwraps(t *testing.T) {
	cause := errors.New("disk full")
	err := &Error{Code: -32603, Message: "Internal error.", Op: "export", Cause: cause}
	require.ErrorIs(t, err, cause)
	require.Equal(t, "-32603 Internal error.: export: disk full", err.Error())
}

func BenchmarkDecode(b *testing.B) {
	frame := []byte(`{"id":6,"jsonrpc":"2.0","method":"subscribe","params":{"cortexToken":"` + strings.Repeat("x", 400) + `","session":"8bfc26de-0000-4c1f-9771-000000000001","streams":["eeg","mot"]}}`)
	o := DecodeOptions{Faults: testFaults()}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, fault := Decode(frame, o); fault != nil {
			b.Fatal(fault)
		}
	}
}
