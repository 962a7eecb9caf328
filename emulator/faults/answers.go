package faults

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// errorAnswer sends an error in the place of an answer, or refuses a request.
type errorAnswer struct{ Error }

func (e errorAnswer) apply(p *Pipeline, r *rule, it item) {
	if it.Frame.Dir == In && it.Frame.Method != "" && len(it.Frame.ID) == 0 {
		return // a notification has no answer
	}
	message := e.Message
	if message == "" && p.options.ErrorText != nil {
		message = p.options.ErrorText(e.Code)
	}
	if message == "" {
		message = "Error " + strconv.Itoa(e.Code) + "."
	}
	b := append([]byte(`{"error":{"code":`), strconv.Itoa(e.Code)...)
	if e.Data != nil {
		b = append(append(b, `,"data":`...), e.Data...)
	}
	b = append(b, `,"message":`...)
	b = appendString(b, message)
	b = append(b, `},"id":`...)
	if len(it.Frame.ID) == 0 {
		b = append(b, "null"...)
	}
	b = append(b, it.Frame.ID...)
	it.Frame.Bytes = append(b, `,"jsonrpc":"2.0"}`...)
	it.Frame.Code = e.Code
	it.Frame.Dir, it.Frame.Kind = Out, Answer
	p.pass(r, it)
}

func appendString(b []byte, s string) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}

// wrongID gives the answer an id that the client did not send.
type wrongID struct{ WrongID }

func (w wrongID) apply(p *Pipeline, r *rule, it item) {
	id := []byte(w.ID)
	if id == nil {
		id = otherID(it.Frame.ID)
	}
	if from, to, ok := member(it.Frame.Bytes, "id"); ok {
		it.Frame.Bytes = bytes.Join([][]byte{it.Frame.Bytes[:from], id, it.Frame.Bytes[to:]}, nil)
		it.Frame.ID = id
	}
	p.pass(r, it)
}

func otherID(id []byte) []byte {
	if n, err := strconv.ParseInt(string(id), 10, 32); err == nil {
		return strconv.AppendInt(nil, n+1000, 10)
	}
	var s string
	if json.Unmarshal(id, &s) == nil && len(id) > 0 && id[0] == '"' {
		return appendString(nil, s+"-other")
	}
	return []byte("1000")
}

// member finds the value of a member of the outermost object.
func member(b []byte, key string) (from, to int, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return 0, 0, false
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return 0, 0, false
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return 0, 0, false
		}
		if to = int(dec.InputOffset()); t == key {
			return to - len(value), to, true
		}
	}
	return 0, 0, false
}

// wait holds a frame until others of its connection have gone ahead.
type wait struct{ Wait }

func (w wait) apply(p *Pipeline, r *rule, it item) {
	p.hold(held{rule: r, item: it, deadline: p.now + int64(w.Timeout), wait: &w.Wait, left: w.Count})
}

// insert sends other frames beside it.
type insert struct{ Insert }

func (i insert) apply(p *Pipeline, r *rule, it item) {
	beside := func(frame []byte) {
		if frame != nil {
			p.pass(r, item{Delivery: Delivery{At: it.At, Frame: Frame{Dir: Out, Kind: Warning, Conn: it.Frame.Conn, Code: -1, Bytes: frame}}})
		}
	}
	beside(i.Before)
	p.pass(r, it)
	beside(i.After)
}
