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

// because returns the error of a fault with its cause.
func (c CodeText) because(cause error) *Error {
	return &Error{Code: c.Code, Message: c.Message, Op: "read request", Cause: cause}
}

// Request is one call.
type Request struct {
	ID     json.RawMessage // exactly as it came; nil for a notification
	Method string
	Params map[string]json.RawMessage // nil when absent or null
}

// DecodeOptions say how to read requests.
type DecodeOptions struct {
	Faults Faults
	// AnyVersion takes requests whose jsonrpc member is missing or not "2.0".
	AnyVersion bool
}

// byteOrderMark may stand before the text: RFC 8259 lets a parser skip it, and
// Qt's does.
const byteOrderMark = "\xef\xbb\xbf"

// Decode reads one text frame; frame may be reused afterwards. With an error
// comes the id to answer with, nil for null: a frame that is no valid request is
// always answered, also when it has no id, since it is no notification either
// (JSON-RPC 2.0 section 5). A request whose ID is nil is a notification and is
// never answered, whatever becomes of it.
//
// The overview page names the errors; nothing is documented for most malformed
// input, and JSON-RPC 2.0 decides:
//
//   - not an object, broken JSON or UTF-8, something behind it: parse error
//   - nested deeper than MaxDepth: parse error, as Qt's parser reports it
//   - a batch, also an empty one: invalid request (no client sends one)
//   - jsonrpc not "2.0", method missing or no string, params no object: invalid
//     request, with the id. JSON-RPC has positional parameters, Cortex has none,
//     so that an array is no valid request here (a guess; the other choice is
//     invalid params).
//
// An id is echoed byte for byte whatever its type, objects included: clients
// compare what they sent. Names are case sensitive, the last of duplicates wins,
// further members are ignored.
func Decode(frame []byte, o DecodeOptions) (*Request, json.RawMessage, *Error) {
	f := &o.Faults
	if !utf8.Valid(frame) {
		return nil, nil, f.ParseError.new("the frame is not UTF-8")
	}
	// The copy makes the spans below independent of the reader's buffer.
	s := scanner{b: bytes.Clone(bytes.TrimPrefix(frame, []byte(byteOrderMark))), maxDepth: MaxDepth}
	var version, method, params []byte
	req := new(Request)
	first := s.space()
	if first != '{' {
		if _, err := s.value(0); err != nil {
			return nil, nil, f.ParseError.because(err)
		}
	} else if err := s.object(0, func(key, value []byte) {
		switch string(key) {
		case `"id"`:
			req.ID = value
		case `"jsonrpc"`:
			version = value
		case `"method"`:
			method = value
		case `"params"`:
			params = value
		default:
			if bytes.IndexByte(key, '\\') < 0 {
				return
			}
			switch unquote(key) {
			case "id":
				req.ID = value
			case "jsonrpc":
				version = value
			case "method":
				method = value
			case "params":
				params = value
			}
		}
	}); err != nil {
		return nil, nil, f.ParseError.because(err)
	}
	if err := s.end(); err != nil {
		return nil, nil, f.ParseError.because(err)
	}
	switch first {
	case '{':
	case '[':
		return nil, nil, f.InvalidRequest.new("batches are not supported")
	default:
		return nil, nil, f.ParseError.new("not a JSON object")
	}
	if !o.AnyVersion && (!isString(version) || unquote(version) != "2.0") {
		return nil, req.ID, f.InvalidRequest.new(`jsonrpc must be "2.0", got %s`, shown(version))
	}
	if !isString(method) {
		return nil, req.ID, f.InvalidRequest.new("method must be a string, got %s", shown(method))
	}
	req.Method = unquote(method)
	if len(params) > 0 && params[0] != 'n' {
		if params[0] != '{' {
			return nil, req.ID, f.InvalidRequest.new("params must be an object (there are no positional parameters), got %s", shown(params))
		}
		req.Params = members(params)
	}
	return req, req.ID, nil
}

// members returns the members of an object that a scanner has passed; the last
// of duplicates wins.
func members(object []byte) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage)
	s := scanner{b: object, maxDepth: MaxDepth}
	if err := s.object(0, func(key, value []byte) { out[unquote(key)] = value }); err != nil {
		return nil
	}
	return out
}

func isString(raw []byte) bool { return len(raw) > 0 && raw[0] == '"' }

// shown returns the beginning of a value for our own log.
func shown(raw []byte) string {
	const most = 40
	switch {
	case raw == nil:
		return "none"
	case len(raw) > most:
		return string(bytes.ToValidUTF8(raw[:most], nil)) + "..."
	}
	return string(raw)
}
