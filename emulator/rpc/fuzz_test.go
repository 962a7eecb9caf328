package rpc

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzDecode holds Decode against encoding/json: the same texts are JSON, and
// the same members come out.
func FuzzDecode(f *testing.F) {
	for _, frame := range decodeSeeds {
		f.Add([]byte(frame))
	}
	options := DecodeOptions{Faults: testFaults()}
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := bytes.Clone(frame)
		req, id, fault := Decode(frame, options)
		require.Equal(t, before, frame, "the frame is left alone")
		if fault != nil {
			require.Nil(t, req)
			answer := AppendError(nil, id, fault)
			require.True(t, json.Valid(answer), "answer %q", answer)
			require.True(t, id == nil || bytes.Contains(frame, id), "id %q", id)
		}

		text := bytes.TrimPrefix(frame, []byte(byteOrderMark))
		isJSON := utf8.Valid(frame) && json.Valid(text) && depth(text) <= MaxDepth
		if !isJSON {
			require.NotNil(t, fault)
			require.Equal(t, options.Faults.ParseError.Code, fault.Code)
			require.Nil(t, id)
			return
		}
		var want map[string]json.RawMessage
		if json.Unmarshal(text, &want) != nil || want == nil {
			require.NotNil(t, fault, "no object")
			return
		}
		require.Equal(t, string(want["id"]), string(id))
		if fault != nil {
			require.Equal(t, options.Faults.InvalidRequest.Code, fault.Code)
			return
		}
		var method string
		require.NoError(t, json.Unmarshal(want["method"], &method))
		require.Equal(t, method, req.Method)
		var params map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(orNull(want["params"]), &params))
		require.Equal(t, params, req.Params)

		// What was read can be written, and reads the same again.
		whole := Object{"jsonrpc": "2.0", "method": req.Method, "params": req.Params}
		if req.ID != nil {
			whole["id"] = req.ID
		}
		text, err := AppendJSON(nil, whole)
		require.NoError(t, err)
		again, _, fault := Decode(text, options)
		require.Nil(t, fault, "%s", text)
		require.Equal(t, req.Method, again.Method)
		require.Len(t, again.Params, len(req.Params))
		answer, err := AppendResult(nil, req.ID, req.Params)
		require.NoError(t, err)
		require.True(t, json.Valid(answer), "answer %q", answer)
		require.True(t, bytes.Contains(answer, orNull(req.ID)), "the id comes back as it was")
	})
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}

// depth returns how deep brackets nest outside strings.
func depth(b []byte) int {
	now, most := 0, 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			now++
			most = max(most, now)
		case '}', ']':
			now--
		}
	}
	return most
}

var decodeSeeds = []string{
	`{"id":1,"jsonrpc":"2.0","method":"subscribe","params":{"cortexToken":"t","session":"s","streams":["eeg","mot"]}}`,
	"{\n    \"jsonrpc\": \"2.0\",\n    \"method\": \"getUserLogin\",\n    \"id\": 0\n}\n",
	`{"id":"a\u00e9\"","jsonrpc":"2.0","method":"m","params":{"a":[1,"\u2028",{"b":null}]}}`,
	`{"id":null,"jsonrpc":"2.0","method":"m","params":null}`,
	`{"id":{"b": 1.0, "a": [true]},"jsonrpc":"2\u002e0","\u006dethod":"m"}`,
	`{"id":1,"id":12345678901234567890,"jsonrpc":"2.0","method":"\ud800\uDC00\ud800","params":{"a":1,"\u0061":2}}`,
	`{"id":1e999,"jsonrpc":"2.0","method":"","params":{"":-0.0E+0}}`,
	"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"method\":\"\xe2\x80\xa8\"}",
	`[{"id":1,"jsonrpc":"2.0","method":"m"}]`, `[]`, `"x"`, `null`, ``, "\xff", `{"a":"\`, `{"a":01}`, `{"a":1,}`, `{"id":7}`, "{\"id\":\"\x01\"}",
}

// FuzzRaw puts any JSON text into order: the meaning stays, and what is in order
// stays as it is.
func FuzzRaw(f *testing.F) {
	for _, text := range decodeSeeds {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := AppendJSON(nil, json.RawMessage(append([]byte{}, text...))) // never nil, which would be null
		if !json.Valid(text) {
			require.Error(t, err)
			return
		}
		if depth(text) > maxEncodeDepth {
			return
		}
		require.NoError(t, err)
		require.Equal(t, parse(t, text), parse(t, got))
		requireSorted(t, numbersAsWritten(got))
		again, err := AppendJSON(nil, json.RawMessage(got))
		require.NoError(t, err)
		require.Equal(t, string(got), string(again))
	})
}
