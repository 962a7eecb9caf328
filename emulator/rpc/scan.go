package rpc

import (
	"encoding/json"
	"fmt"
	"strings"
)

// scanner walks JSON text (RFC 8259, strict) without building values: spans of
// the text keep the bytes as they came, which an echoed id needs. It does not
// look at UTF-8.
type scanner struct {
	b        []byte
	i        int
	maxDepth int
}

// syntaxError tells what stands where something else should.
type syntaxError struct {
	at   int
	want string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("byte %d: want %s", e.at, e.want) }

func (s *scanner) fail(want string) error { return &syntaxError{s.i, want} }

// space skips white space and returns the byte behind it, 0 at the end.
func (s *scanner) space() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// end is an error unless only white space is left.
func (s *scanner) end() error {
	if s.space(); s.i < len(s.b) {
		return s.fail("the end of the text")
	}
	return nil
}

// value skips a value and returns its bytes. depth is the number of objects and
// arrays around it.
func (s *scanner) value(depth int) ([]byte, error) {
	c := s.space()
	start := s.i
	var err error
	switch {
	case c == '{':
		err = s.object(depth, nil)
	case c == '[':
		err = s.array(depth, nil)
	case c == '"':
		err = s.str()
	case c == '-' || '0' <= c && c <= '9':
		err = s.number()
	case c == 't':
		err = s.word("true")
	case c == 'f':
		err = s.word("false")
	case c == 'n':
		err = s.word("null")
	default:
		err = s.fail("a value")
	}
	return s.b[start:s.i], err
}

// object skips an object and shows each member to visit, which may be nil. The
// key is shown with its quotes.
func (s *scanner) object(depth int, visit func(key, value []byte)) error {
	if depth >= s.maxDepth {
		return s.fail(fmt.Sprintf("at most %d objects and arrays inside each other", s.maxDepth))
	}
	s.i++
	if s.space() == '}' {
		s.i++
		return nil
	}
	for {
		if s.space() != '"' {
			return s.fail("a key in double quotes")
		}
		start := s.i
		if err := s.str(); err != nil {
			return err
		}
		key := s.b[start:s.i]
		if s.space() != ':' {
			return s.fail("a colon")
		}
		s.i++
		value, err := s.value(depth + 1)
		if err != nil {
			return err
		}
		if visit != nil {
			visit(key, value)
		}
		switch s.space() {
		case ',':
			s.i++
		case '}':
			s.i++
			return nil
		default:
			return s.fail("a comma or }")
		}
	}
}

// array skips an array and shows each element to visit, which may be nil.
func (s *scanner) array(depth int, visit func(value []byte)) error {
	if depth >= s.maxDepth {
		return s.fail(fmt.Sprintf("at most %d objects and arrays inside each other", s.maxDepth))
	}
	s.i++
	if s.space() == ']' {
		s.i++
		return nil
	}
	for {
		value, err := s.value(depth + 1)
		if err != nil {
			return err
		}
		if visit != nil {
			visit(value)
		}
		switch s.space() {
		case ',':
			s.i++
		case ']':
			s.i++
			return nil
		default:
			return s.fail("a comma or ]")
		}
	}
}

func (s *scanner) str() error {
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return nil
		case c < ' ':
			return s.fail("control characters escaped")
		case c == '\\':
			s.i++
			if s.i == len(s.b) {
				return s.fail("an escape")
			}
			switch s.b[s.i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				for range 4 {
					if s.i++; s.i == len(s.b) || !isHex(s.b[s.i]) {
						return s.fail("four hexadecimal digits")
					}
				}
			default:
				return s.fail("an escape")
			}
		}
	}
	return s.fail("a closing quote")
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func (s *scanner) number() error {
	if s.b[s.i] == '-' {
		s.i++
	}
	if s.i < len(s.b) && s.b[s.i] == '0' {
		s.i++
	} else if err := s.digits(); err != nil {
		return err
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		if err := s.digits(); err != nil {
			return err
		}
	}
	if s.i < len(s.b) && s.b[s.i]|0x20 == 'e' {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		return s.digits()
	}
	return nil
}

// digits skips one or more.
func (s *scanner) digits() error {
	start := s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
	}
	if s.i == start {
		return s.fail("a digit")
	}
	return nil
}

func (s *scanner) word(w string) error {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return s.fail(w)
	}
	s.i += len(w)
	return nil
}

// unquote returns the text of a JSON string that a scanner has passed.
func unquote(quoted []byte) string {
	text := string(quoted[1 : len(quoted)-1])
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	// The standard library knows about surrogate pairs; half of one becomes U+FFFD.
	if json.Unmarshal(quoted, &text) != nil {
		return ""
	}
	return text
}
