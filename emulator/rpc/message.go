package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// MaxDepth is how deep the objects and arrays of a request may nest.
const MaxDepth = 64

// CodeText is the code of an error with its text.
type CodeText struct {
	Code    int
	Message string
}

// Faults are the errors that this package answers with.
type Faults struct {
	ParseError, InvalidRequest, MethodNotFound, InvalidParams, MissingParams CodeText
	// OmitData leaves out data.behavior, as Cortex did before 2.6.
	OmitData bool
}

// Error is an error answer. Op and Cause are the plain reason for our own log
// and never go to the client.
type Error struct {
	Code    int
	Message string
	Data    any // left out when nil
	Op      string
	Cause   error
}

// Error implements error.
func (e *Error) Error() string {
	text := fmt.Sprintf("%d %s", e.Code, e.Message)
	if e.Op != "" {
		text += ": " + e.Op
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// new returns the error of a fault with its plain reason.
func (c CodeText) new(format string, args ...any) *Error {
	return &Error{Code: c.Code, Message: c.Message, Op: fmt.Sprintf(format, args...)}
}

// Request is one call.
type Request struct {
	ID     json.RawMessage // exactly as it came; nil for a notification
	Method string
	Params map[string]json.RawMessage // empty when absent or null
}

// DecodeOptions say how to read requests.
type DecodeOptions struct {
	Faults Faults
	// AnyVersion takes requests whose jsonrpc member is missing or not "2.0".
	AnyVersion bool
}

// Decode reads one text frame. With an error comes the id to answer with, nil
// for null. Nothing is documented for most malformed input; JSON-RPC 2.0 decides:
//
//   - not an object, broken JSON or UTF-8, something behind it: parse error
//   - a batch: invalid request (no client sends one)
//   - jsonrpc not "2.0", method missing or no string, params no object, an id
//     that is an object or array: invalid request, with the id where it can be read
//   - nested deeper than MaxDepth: parse error
//
// An id is echoed byte for byte whatever its type.
func Decode(frame []byte, o DecodeOptions) (*Request, json.RawMessage, *Error) {
	f := &o.Faults
	if !utf8.Valid(frame) {
		return nil, nil, f.ParseError.new("the frame is not UTF-8")
	}
	trimmed := bytes.TrimLeft(frame, " \t\r\n")
	if len(trimmed) == 0 {
		return nil, nil, f.ParseError.new("the frame is empty")
	}
	if d := depth(trimmed); d > MaxDepth {
		return nil, nil, f.ParseError.new("nested %d deep, the limit is %d", d, MaxDepth)
	}
	if !json.Valid(trimmed) {
		var v any
		return nil, nil, f.ParseError.new("%v", json.Unmarshal(trimmed, &v))
	}
	switch trimmed[0] {
	case '{':
	case '[':
		return nil, nil, f.InvalidRequest.new("batches are not supported")
	default:
		return nil, nil, f.ParseError.new("not a JSON object")
	}
	var members map[string]json.RawMessage // exact names, the last of duplicates wins
	if err := json.Unmarshal(trimmed, &members); err != nil {
		return nil, nil, f.ParseError.new("%v", err)
	}
	req := &Request{ID: members["id"]}
	if len(req.ID) > 0 && (req.ID[0] == '{' || req.ID[0] == '[') {
		return nil, nil, f.InvalidRequest.new("id is an object or an array")
	}
	var version string
	if err := json.Unmarshal(members["jsonrpc"], &version); !o.AnyVersion && (err != nil || version != "2.0") {
		return nil, req.ID, f.InvalidRequest.new(`jsonrpc must be "2.0"`)
	}
	if m := members["method"]; len(m) == 0 || m[0] != '"' || json.Unmarshal(m, &req.Method) != nil {
		return nil, req.ID, f.InvalidRequest.new("method is missing or not a string")
	}
	if p := members["params"]; len(p) > 0 && p[0] != 'n' {
		if p[0] != '{' || json.Unmarshal(p, &req.Params) != nil {
			return nil, req.ID, f.InvalidRequest.new("params must be an object: Cortex has no positional parameters")
		}
	}
	return req, req.ID, nil
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
			if now++; now > most {
				most = now
			}
		case '}', ']':
			now--
		}
	}
	return most
}
