package rpc

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// AppendResult appends the answer {"id":..,"jsonrpc":"2.0","result":..}.
func AppendResult(dst []byte, id json.RawMessage, result any) ([]byte, error) {
	return AppendResultWith(dst, id, result, nil)
}

// AppendResultWith appends an answer with further top-level members, such as
// `attention` of queryHeadsets.
func AppendResultWith(dst []byte, id json.RawMessage, result any, extra Object) ([]byte, error) {
	if len(extra) > 0 {
		all := Object{"id": id, "jsonrpc": "2.0", "result": result}
		for name, v := range extra {
			if _, taken := all[name]; taken {
				return dst, fmt.Errorf("answer member %s is taken", name)
			}
			all[name] = v
		}
		return AppendJSON(dst, all)
	}
	start := len(dst)
	dst = append(dst, `{"id":`...)
	dst = append(dst, id...)
	dst = append(dst, `,"jsonrpc":"2.0","result":`...)
	dst, err := AppendJSON(dst, result)
	if err != nil {
		return dst[:start], err
	}
	return append(dst, '}'), nil
}

// AppendError appends {"error":{..},"id":..,"jsonrpc":"2.0"}; a nil id is null.
func AppendError(dst []byte, id json.RawMessage, e *Error) []byte {
	dst = append(dst, `{"error":{"code":`...)
	dst = strconv.AppendInt(dst, int64(e.Code), 10)
	if e.Data != nil {
		if data, err := AppendJSON(nil, e.Data); err == nil {
			dst = append(dst, `,"data":`...)
			dst = append(dst, data...)
		}
	}
	dst = append(dst, `,"message":`...)
	dst, _ = AppendJSON(dst, e.Message) // a string always encodes
	dst = append(dst, `},"id":`...)
	if id == nil {
		dst = append(dst, "null"...)
	}
	dst = append(dst, id...)
	return append(dst, `,"jsonrpc":"2.0"}`...)
}

// AppendWarning appends {"jsonrpc":"2.0","warning":{"code":..,"message":..}}.
func AppendWarning(dst []byte, code int, message any) ([]byte, error) {
	start := len(dst)
	dst = append(dst, `{"jsonrpc":"2.0","warning":{"code":`...)
	dst = strconv.AppendInt(dst, int64(code), 10)
	dst = append(dst, `,"message":`...)
	dst, err := AppendJSON(dst, message)
	if err != nil {
		return dst[:start], err
	}
	return append(dst, `}}`...), nil
}
