package rpc

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnswers(t *testing.T) {
	id := json.RawMessage(`"a"`)
	b, err := AppendResult(nil, id, Object{"z": "<&>\u2028\\u2028", "a": Array{1, Float(1), Float(0.25), nil, true}, "m": Object{"b": 1, "a": ""}})
	require.NoError(t, err)
	require.Equal(t, `{"id":"a","jsonrpc":"2.0","result":{"a":[1,1.0,0.25,null,true],"m":{"a":"","b":1},"z":"<&>`+"\u2028"+`\\u2028"}}`, string(b))

	b, err = AppendResultWith([]byte("x"), id, Array{}, Object{"attention": Object{"code": 31}})
	require.NoError(t, err)
	require.Equal(t, `x{"attention":{"code":31},"id":"a","jsonrpc":"2.0","result":[]}`, string(b))
	b, err = AppendResultWith(nil, id, nil, Object{"warning": 2, "lost": 1})
	require.NoError(t, err)
	require.Equal(t, `{"id":"a","jsonrpc":"2.0","lost":1,"result":null,"warning":2}`, string(b), "each in its alphabetical place")
	for _, taken := range []string{"id", "jsonrpc", "result", "error", "method", "params"} {
		b, err = AppendResultWith([]byte("kept"), id, nil, Object{taken: 1})
		require.ErrorContains(t, err, taken)
		require.Equal(t, "kept", string(b))
	}
	b, err = AppendResult(nil, nil, true)
	require.NoError(t, err)
	require.Equal(t, `{"id":null,"jsonrpc":"2.0","result":true}`, string(b))

	fault := testFaults()
	b = AppendError(nil, json.RawMessage("1"), fault.Missing("m", "cortexToken"))
	require.Equal(t, `{"error":{"code":-32018,"data":{"behavior":"This parameter is required: cortexToken"},"message":"Missing the required parameters."},"id":1,"jsonrpc":"2.0"}`, string(b))
	fault.OmitData = true
	b = AppendError(nil, nil, fault.Missing("m", "cortexToken"))
	require.Equal(t, `{"error":{"code":-32018,"message":"Missing the required parameters."},"id":null,"jsonrpc":"2.0"}`, string(b))

	b = AppendError(nil, nil, &Error{Code: -1, Message: "a\"<\n", Data: func() {}, Op: "secret", Cause: errors.New("secret")})
	require.Equal(t, `{"error":{"code":-1,"message":"a\"<\n"},"id":null,"jsonrpc":"2.0"}`, string(b), "data that cannot be printed is left out")

	b, err = AppendWarning([]byte("x"), 142, Object{"headsetId": "", "behavior": "Done."})
	require.NoError(t, err)
	require.Equal(t, `x{"jsonrpc":"2.0","warning":{"code":142,"message":{"behavior":"Done.","headsetId":""}}}`, string(b))
	b, err = AppendWarning([]byte("kept"), 9, math.NaN())
	require.ErrorContains(t, err, "warning 9")
	require.Equal(t, "kept", string(b))
	b, err = AppendWarning(nil, 9, "granted")
	require.NoError(t, err)
	require.Equal(t, `{"jsonrpc":"2.0","warning":{"code":9,"message":"granted"}}`, string(b))

	for _, bad := range []any{Float(math.NaN()), Float(math.Inf(1)), func() {}} {
		b, err = AppendResult([]byte("kept"), id, bad)
		require.Error(t, err)
		require.Equal(t, "kept", string(b))
	}
}
