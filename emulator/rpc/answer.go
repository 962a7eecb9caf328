package rpc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// AppendResult appends the answer {"id":..,"jsonrpc":"2.0","result":..}; a nil id
// is null. After an error dst is returned as it was.
func AppendResult(dst []byte, id json.RawMessage, result any) ([]byte, error) {
	return AppendResultWith(dst, id, result, nil)
}

// AppendResultWith appends an answer with further top-level members, such as
// `attention` of queryHeadsets, each in its alphabetical place. A member that
// JSON-RPC gives a meaning to is an error.
func AppendResultWith(dst []byte, id json.RawMessage, result any, extra Object) ([]byte, error) {
	var few [8]string
	names := append(few[:0], "id", "jsonrpc", "result")
	for name := range extra {
		switch name {
		case "id", "jsonrpc", "result", "error", "method", "params":
			return dst, fmt.Errorf("answer member %s is taken", name)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	out, err := append(dst, '{'), error(nil)
	for i, name := range names {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendString(out, name), ':')
		switch name {
		case "id":
			out = appendID(out, id)
		case "jsonrpc":
			out = append(out, `"2.0"`...)
		case "result":
			out, err = AppendJSON(out, result)
		default:
			out, err = AppendJSON(out, extra[name])
		}
		if err != nil {
			return dst, fmt.Errorf("answer member %s: %w", name, err)
		}
	}
	return append(out, '}'), nil
}

// appendID appends an id as it came.
func appendID(dst []byte, id json.RawMessage) []byte {
	if len(id) == 0 {
		return append(dst, "null"...)
	}
	return append(dst, id...)
}

// AppendError appends {"error":{..},"id":..,"jsonrpc":"2.0"}; a nil id is null.
// Data that cannot be printed is left out: an error must reach its client.
func AppendError(dst []byte, id json.RawMessage, e *Error) []byte {
	dst = append(dst, `{"error":{"code":`...)
	dst = strconv.AppendInt(dst, int64(e.Code), 10)
	if e.Data != nil {
		before := len(dst)
		var err error
		if dst, err = AppendJSON(append(dst, `,"data":`...), e.Data); err != nil {
			dst = dst[:before]
		}
	}
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, e.Message)
	dst = append(dst, `},"id":`...)
	dst = appendID(dst, id)
	return append(dst, `,"jsonrpc":"2.0"}`...)
}

// AppendWarning appends {"jsonrpc":"2.0","warning":{"code":..,"message":..}}.
// After an error dst is returned as it was.
func AppendWarning(dst []byte, code int, message any) ([]byte, error) {
	out := append(dst, `{"jsonrpc":"2.0","warning":{"code":`...)
	out = strconv.AppendInt(out, int64(code), 10)
	out = append(out, `,"message":`...)
	out, err := AppendJSON(out, message)
	if err != nil {
		return dst, fmt.Errorf("warning %d: %w", code, err)
	}
	return append(out, `}}`...), nil
}
