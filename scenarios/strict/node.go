package strict

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a document.
const (
	MaxSize  = 256 << 10 // bytes of one file
	maxLines = 10_000    // lines of one file, and about as many keys and items
	maxDepth = 64        // levels of lists and mappings
	maxNodes = 50_000    // values, with aliases written out
	// maxValues bounds what Decode fills in, defaults included.
	maxValues = 1_000_000
)

// Kind is what a Node is.
type Kind uint8

// The kinds of nodes.
const (
	Null Kind = iota
	Scalar
	Map
	List
)

// Node is one value of a document. Nodes are not changed after Parse: an alias
// shares the node of its anchor.
type Node struct {
	Kind    Kind
	Pos     Pos
	Text    string  // of a Scalar, as it stands in the source
	Quoted  bool    // the Scalar stood in quotes or in a block: it is a string
	Entries []Entry // of a Map
	Items   []*Node // of a List
	size    int
}

// Entry is one key and its value.
type Entry struct {
	Key    string
	KeyPos Pos
	Value  *Node
}

// Get returns the value of a key of a Map, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Entries {
		if n.Entries[i].Key == key {
			return n.Entries[i].Value
		}
	}
	return nil
}

// Describe returns the value for an error message.
func (n *Node) Describe() string {
	switch n.Kind {
	case Null:
		return "nothing"
	case Map:
		return "a mapping"
	case List:
		return "a list"
	}
	text := n.Text
	if len(text) > 60 {
		cut := 57
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "..."
	}
	if n.Quoted || strings.ContainsAny(text, "\n\t") {
		return strconv.Quote(text)
	}
	return text
}

// Parse reads one document. file is the name for messages. The node may be used
// even when there are errors, unless it is nil.
func Parse(file string, data []byte) (*Node, Errors) {
	one := func(line, col int, format string, args ...any) Errors {
		return Errors{{Pos: Pos{File: file, Line: line, Col: col}, Problem: fmt.Sprintf(format, args...)}}
	}
	if len(data) > MaxSize {
		return nil, one(0, 0, "the file is too large; want at most %d bytes", MaxSize)
	}
	if !utf8.Valid(data) {
		at := len(bytes.ToValidUTF8(data[:firstInvalid(data)], nil))
		return nil, one(1+bytes.Count(data[:at], []byte("\n")), at-bytes.LastIndexByte(data[:at], '\n'), "the file is not UTF-8")
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if line, what := hostile(data); line > 0 {
		return nil, one(line, 1, "%s", what)
	}
	doc, err := parse(data)
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) && syntax.Token != nil && syntax.Token.Position != nil {
			p := syntax.Token.Position
			return nil, one(p.Line, p.Column, "%s%s", syntax.Message, hint(data, p.Line))
		}
		return nil, one(0, 0, "%s", err)
	}
	switch len(doc.Docs) {
	case 0:
		return &Node{Kind: Map, Pos: Pos{File: file, Line: 1, Col: 1}, size: 1}, nil
	case 1:
	default:
		for _, d := range doc.Docs[1:] {
			if d.Body != nil {
				pos := Pos{File: file, Line: 1, Col: 1}
				if t := d.GetToken(); t != nil && t.Position != nil {
					pos.Line, pos.Col = t.Position.Line, t.Position.Column
				}
				return nil, Errors{{Pos: pos, Problem: "a second document begins here; want one in a file"}}
			}
		}
	}
	b := builder{file: file, anchors: map[string]*Node{}}
	n := b.build(doc.Docs[0].Body, 0)
	if n.Kind == Null {
		n = &Node{Kind: Map, Pos: Pos{File: file, Line: 1, Col: 1}, size: 1}
	}
	return n, b.errs
}

// hint tells of the two mistakes that the words of the YAML parser do not tell.
func hint(data []byte, line int) string {
	n := 0
	for text := range bytes.Lines(data) {
		if n++; n != line {
			continue
		}
		switch indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]; {
		case bytes.ContainsRune(indent, '\t'):
			return "; want spaces, tabs do not indent YAML"
		case bytes.Contains(text, []byte("${")):
			return `; want quotes around a variable inside {} and [], as in "${name}"`
		}
	}
	return ""
}

func firstInvalid(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(data)
}

// parse calls the YAML parser, whose panics on strange input are errors here.
func parse(data []byte) (f *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			f, err = nil, fmt.Errorf("the file is not YAML (%v)", p)
		}
	}()
	// Duplicate keys are reported by the builder, with all other errors.
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
}

// hostile looks for what the YAML parser takes too long for, or too deep a
// stack, before it sees it: its time grows with the square of the number of keys
// and items. It returns the line and what is wrong with it, 0 when nothing is.
func hostile(data []byte) (line int, what string) {
	depth, items := 0, 0
	for text := range bytes.Lines(data) {
		line++
		marks, columns := 0, 0
	lead:
		for i, c := range text {
			end := i+1 == len(text) || text[i+1] == ' ' || text[i+1] == '\n' || text[i+1] == '\r'
			switch {
			case c == ' ':
				columns++
			case c == '?' && end:
				return line, "a key written with ? is not used here"
			case c == '-' && end:
				marks++
			default:
				break lead
			}
		}
		if marks > maxDepth || columns > 8*maxDepth {
			return line, fmt.Sprintf("the line is indented too deeply; want at most %d levels", maxDepth)
		}
		if bytes.Count(text, []byte("!")) > 500 || bytes.Count(text, []byte("&")) > 500 || bytes.Count(text, []byte("*")) > 5000 {
			return line, "the line is too dense"
		}
		items += bytes.Count(text, []byte(":")) + bytes.Count(text, []byte(",")) + marks
		if line > maxLines || items > 4*maxLines {
			return line, fmt.Sprintf("the file is too long; want at most %d lines", maxLines)
		}
		for _, c := range text {
			switch c {
			case '[', '{':
				if depth++; depth > 4*maxDepth {
					return line, fmt.Sprintf("brackets are nested too deeply; want at most %d levels", maxDepth)
				}
			case ']', '}':
				depth = max(depth-1, 0)
			}
		}
	}
	return 0, ""
}

type builder struct {
	file    string
	anchors map[string]*Node
	total   int
	errs    Errors
}

func (b *builder) pos(n ast.Node) Pos {
	p := Pos{File: b.file}
	if n == nil {
		return p
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		p.Line, p.Col = t.Position.Line, t.Position.Column
	}
	return p
}

func (b *builder) errorf(p Pos, format string, args ...any) *Node {
	if len(b.errs) < maxErrors {
		b.errs = append(b.errs, Error{Pos: p, Problem: fmt.Sprintf(format, args...)})
	}
	return &Node{Pos: p, size: 1}
}

func (b *builder) count(p Pos, n int) bool {
	if b.total > maxNodes {
		return false
	}
	if b.total += n; b.total > maxNodes {
		b.errorf(p, "the document has too many values with its aliases written out; want at most %d", maxNodes)
		return false
	}
	return true
}

func (b *builder) build(n ast.Node, depth int) *Node {
	p := b.pos(n)
	if depth > maxDepth {
		return b.errorf(p, "the document is nested too deeply; want at most %d levels", maxDepth)
	}
	if !b.count(p, 1) {
		return &Node{Pos: p, size: 1}
	}
	scalar := func(text string, quoted bool) *Node {
		return &Node{Kind: Scalar, Pos: p, Text: text, Quoted: quoted, size: 1}
	}
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return &Node{Kind: Null, Pos: p, size: 1}
	case *ast.StringNode:
		t := n.Token
		return scalar(n.Value, t != nil && (t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType))
	case *ast.LiteralNode:
		if n.Value == nil {
			return scalar("", true)
		}
		return scalar(n.Value.Value, true)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return scalar(n.GetToken().Value, false)
	case *ast.AnchorNode:
		// The name is known only after its value: an alias inside it is an error.
		v := b.build(n.Value, depth)
		if n.Name != nil {
			b.anchors[n.Name.GetToken().Value] = v
		}
		return v
	case *ast.AliasNode:
		if n.Value == nil {
			return b.errorf(p, "the alias has no name")
		}
		name := n.Value.GetToken().Value
		v, ok := b.anchors[name]
		if !ok {
			return b.errorf(p, "alias *%s: there is no anchor &%s before it", name, name)
		}
		if !b.count(p, v.size) {
			return &Node{Pos: p, size: 1}
		}
		return v
	case *ast.MappingValueNode:
		return b.buildMap(p, []*ast.MappingValueNode{n}, n.IsFlowStyle, depth)
	case *ast.MappingNode:
		return b.buildMap(p, n.Values, n.IsFlowStyle, depth)
	case *ast.SequenceNode:
		out := &Node{Kind: List, Pos: p, size: 1}
		for _, item := range n.Values {
			v := b.build(item, depth+1)
			if v.Pos.Line == 0 {
				v.Pos = p
			}
			out.Items = append(out.Items, v)
			out.size += v.size
		}
		return out
	case *ast.TagNode:
		return b.errorf(p, "tags such as %s are not used here", n.GetToken().Value)
	}
	return b.errorf(p, "a %s is not used here", strings.ToLower(n.Type().String()))
}

func (b *builder) buildMap(p Pos, values []*ast.MappingValueNode, flow bool, depth int) *Node {
	out := &Node{Kind: Map, Pos: p, size: 1}
	seen := make(map[string]bool, len(values))
	for i, v := range values {
		keyPos := b.pos(v.Key)
		if i == 0 && !flow {
			out.Pos = keyPos // the token of a block mapping is its first colon
		}
		var key string
		switch k := v.Key.(type) {
		case *ast.StringNode:
			key = k.Value
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
			key = k.GetToken().Value
		case *ast.MergeKeyNode:
			b.errorf(keyPos, "merge keys (<<) are not used here; want extends")
			continue
		default:
			b.errorf(keyPos, "the key is not a word")
			continue
		}
		value := b.build(v.Value, depth+1)
		if seen[key] {
			b.errs = append(b.errs, Error{Pos: keyPos, Value: strconv.Quote(key), Problem: "stands here a second time; want each key once"})
			continue
		}
		seen[key] = true
		if value.Kind == Null && value.Pos.Line == 0 {
			value.Pos = keyPos
		}
		out.Entries = append(out.Entries, Entry{Key: key, KeyPos: keyPos, Value: value})
		out.size += value.size
	}
	return out
}

// Merge lays over on top of base: mappings are merged key by key, and null takes
// the key out of the result. Any other value, a list too, replaces what was
// there, except that lists whose path join names (such as "timeline") are put
// one behind the other. Neither argument is changed.
func Merge(base, over *Node, join map[string]bool) *Node { return merge(base, over, join, "") }

func merge(base, over *Node, join map[string]bool, path string) *Node {
	switch {
	case base == nil || over == nil:
		if over == nil {
			return base
		}
		return over
	case base.Kind == List && over.Kind == List && join[path]:
		out := *over
		out.Items = append(append([]*Node(nil), base.Items...), over.Items...)
		return &out
	case base.Kind != Map || over.Kind != Map:
		return over
	}
	out := *over
	out.Entries = append([]Entry(nil), base.Entries...)
next:
	for _, e := range over.Entries {
		for i := range out.Entries {
			if out.Entries[i].Key != e.Key {
				continue
			}
			if e.Value.Kind != Null {
				out.Entries[i] = Entry{e.Key, e.KeyPos, merge(out.Entries[i].Value, e.Value, join, joinPath(path, e.Key))}
			} else {
				out.Entries = append(out.Entries[:i], out.Entries[i+1:]...)
			}
			continue next
		}
		out.Entries = append(out.Entries, e)
	}
	return &out
}

func joinPath(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
