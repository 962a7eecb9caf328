package emulator

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fakecortex/fakecortex/emulator/api"
	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/scenarios"
)

// Bounds of the journal.
const (
	maxEntries      = 10_000   // entries that are kept
	maxJournalBytes = 16 << 20 // and their size, about
	maxEntryPart    = 32 << 10 // of params, result, message or id
)

// JournalEntry is one line of the journal with its number, from 1 on.
type JournalEntry struct {
	Seq uint64 `json:"seq"`
	scenarios.Entry
}

// MarshalJSON implements json.Marshaler: 0 is a code of warnings, and of nothing
// else.
func (e JournalEntry) MarshalJSON() ([]byte, error) {
	type plain JournalEntry
	if e.Kind != scenarios.EntryWarning || e.Code != 0 {
		return encode(plain(e))
	}
	return encode(struct {
		plain
		Code int `json:"code"`
	}{plain: plain(e)})
}

// encode leaves <, > and & as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// journal is what happened in one life of the world. The last entries are kept;
// all of them pass by the verdict on the client and the linter. Samples are
// counted elsewhere, they are not entries. It belongs to the loop.
//
// No entry holds a token or a client secret.
type journal struct {
	verdict *scenarios.Verdict
	linter  *scenarios.Linter

	life    uint64 // number of the life of the world, from 1
	entries []JournalEntry
	first   int // of entries; those before it are gone
	bytes   int
	seq     uint64
	out     *bufio.Writer
	outErr  error
	waiting []chan struct{} // closed by the next entry

	calls    map[string]uint64 // by method
	errors   map[int]uint64    // by code
	warnings map[int]uint64    // by code
}

func newJournal(doc *scenarios.Document, start int64, out io.Writer) *journal {
	j := &journal{
		life: 1, verdict: scenarios.NewVerdict(doc, start), linter: scenarios.NewLinter(),
		calls: map[string]uint64{}, errors: map[int]uint64{}, warnings: map[int]uint64{},
	}
	if out != nil {
		j.out = bufio.NewWriter(out)
	}
	return j
}

// observe shows an entry to the verdict that is not kept.
func (j *journal) observe(e *scenarios.Entry) { j.verdict.Observe(*e) }

// add takes the next entry, from which secrets have been taken out.
func (j *journal) add(e scenarios.Entry) {
	e.Method, e.Why = api.Shorten(e.Method), api.Shorten(e.Why)
	if mayHoldSecret([]byte(e.Method)) {
		e.Method = api.Scrub(e.Method) // a client may send a token in any place
	}
	if mayHoldSecret(e.ID) {
		e.ID = redact(e.ID)
	}
	for name, text := range e.Fields {
		e.Fields[name] = api.Shorten(text)
	}
	j.verdict.Observe(e)
	j.linter.Observe(e)
	switch e.Kind {
	case scenarios.EntryError:
		j.errors[e.Code]++
	case scenarios.EntryWarning:
		j.warnings[e.Code]++
	}
	for _, part := range []*scenarios.JSON{&e.Params, &e.Result, &e.Message, &e.ID} {
		if len(*part) > maxEntryPart {
			*part = jsonText(fmt.Sprintf("(%d bytes)", len(*part)))
		}
	}
	j.seq++
	entry := JournalEntry{j.seq, e}
	j.entries = append(j.entries, entry)
	j.bytes += size(&entry)
	for len(j.entries)-j.first > maxEntries || j.bytes > maxJournalBytes {
		j.bytes -= size(&j.entries[j.first])
		j.entries[j.first] = JournalEntry{}
		j.first++
	}
	if j.first > maxEntries/2 && j.first > len(j.entries)/2 {
		j.entries = slices.Clone(j.entries[j.first:])
		j.first = 0
	}
	if j.out != nil && j.outErr == nil {
		j.outErr = writeEntry(j.out, &entry)
	}
	j.wake()
}

// wake tells those who wait for an entry.
func (j *journal) wake() {
	for _, w := range j.waiting {
		close(w)
	}
	j.waiting = nil
}

// forget takes back that somebody waits.
func (j *journal) forget(wait chan struct{}) {
	j.waiting = slices.DeleteFunc(j.waiting, func(w chan struct{}) bool { return w == wait })
}

// flush writes out what the buffer holds.
func (j *journal) flush() error {
	if j.out != nil && j.outErr == nil {
		j.outErr = j.out.Flush()
	}
	return j.outErr
}

func writeEntry(w io.Writer, e *JournalEntry) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(e)
}

// size is about what an entry takes in memory.
func size(e *JournalEntry) int {
	n := 400 + len(e.Params) + len(e.Result) + len(e.Message) + len(e.ID) + len(e.Method) + len(e.Why)
	for name, text := range e.Fields {
		n += 64 + len(name) + len(text)
	}
	return n
}

// JournalQuery chooses entries of the journal. Zero values choose all.
type JournalQuery struct {
	// Life is the life of the world that is meant, 0 the present one. Of a life
	// that is over there are no entries.
	Life    uint64
	After   uint64   // entries with a higher number only
	Kinds   []string // call, answer, error, warning, event, action, fault, note, opened, closed
	Conn    uint64   // number of the connection since the start
	Method  string
	Code    *int   // of an error, a warning or the end of a connection
	Event   string // name of the event, action or fault
	Session string
	Text    string // found anywhere in the line, case does not matter
	Limit   int    // at most that many, 0 is 1,000
	Last    bool   // the last ones rather than the first ones
}

// JournalPage is a part of the journal.
type JournalPage struct {
	Entries []JournalEntry `json:"entries"`
	// Matched is how many entries there are, those beyond the limit included.
	Matched int `json:"matched"`
	// Next is the number to go on after.
	Next uint64 `json:"next"`
	// Lost is how many entries after the asked one are not kept any more.
	Lost uint64 `json:"lost"`
	// Life is the number of the present life of the world.
	Life uint64 `json:"life"`
}

const defaultPage = 1000

// find returns the entries that a query chooses.
func (j *journal) find(q *JournalQuery) JournalPage {
	limit := q.Limit
	if limit <= 0 || limit > maxEntries {
		limit = defaultPage
	}
	kept := j.entries[j.first:]
	page := JournalPage{Entries: []JournalEntry{}, Next: j.seq, Life: j.life}
	if q.Life != 0 && q.Life != j.life {
		page.Next = 0
		return page
	}
	if oldest := j.seq - uint64(len(kept)); q.After < oldest {
		page.Lost = oldest - q.After
	}
	for i := range kept {
		if e := &kept[i]; e.Seq > q.After && q.matches(e) {
			page.Matched++
			if q.Last || page.Matched <= limit {
				page.Entries = append(page.Entries, *e)
			}
		}
	}
	switch {
	case q.Last && len(page.Entries) > limit:
		page.Entries = page.Entries[len(page.Entries)-limit:]
	case page.Matched > limit:
		page.Next = page.Entries[limit-1].Seq
	}
	return page
}

func (q *JournalQuery) matches(e *JournalEntry) bool {
	switch {
	case len(q.Kinds) > 0 && !slices.Contains(q.Kinds, string(e.Kind)),
		q.Conn != 0 && q.Conn != e.Conn,
		q.Method != "" && q.Method != e.Method,
		q.Code != nil && (*q.Code != e.Code || e.Kind != scenarios.EntryError && e.Kind != scenarios.EntryWarning && e.Kind != scenarios.EntryClosed),
		q.Event != "" && q.Event != e.Event,
		q.Session != "" && q.Session != e.Session && e.Fields["session"] != q.Session && !bytes.Contains(e.Params, []byte(q.Session)):
		return false
	case q.Text != "":
		var line bytes.Buffer
		return writeEntry(&line, e) == nil && strings.Contains(strings.ToLower(line.String()), strings.ToLower(q.Text))
	}
	return true
}

// Redaction.

// secrets are the members whose values never enter the journal.
func secret(name string) bool { return name == "cortexToken" || name == "clientSecret" }

// marshalParams puts the parameters of a request together again.
func marshalParams(params map[string]json.RawMessage) []byte {
	if params == nil {
		return nil
	}
	b, err := json.Marshal(params)
	if err != nil {
		return nil // cannot happen: each is JSON
	}
	return b
}

// redact returns JSON without secrets: the value of every member, at any depth,
// whose name is a secret's, and whatever looks like a token.
func redact(raw []byte) scenarios.JSON { return redactCall(raw, nil) }

// redactCall is redact for what a client sent: it also hides what the client
// names as a license and stranger does not know.
func redactCall(raw []byte, stranger func(license string) bool) scenarios.JSON {
	if len(raw) == 0 {
		return nil
	}
	if !mayHoldSecret(raw) && (stranger == nil || !bytes.Contains(raw, []byte("icense"))) {
		return slices.Clone(raw)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return jsonText(api.Scrub(string(raw)))
	}
	out, err := rpc.AppendJSON(nil, hide(v, "", stranger))
	if err != nil {
		return jsonText("(not shown)")
	}
	return out
}

func mayHoldSecret(raw []byte) bool {
	for _, sign := range []string{"Token", "Secret", `\u`, "eyJ"} {
		if bytes.Contains(raw, []byte(sign)) {
			return true
		}
	}
	return false
}

// hide does so in a value, that of the member name; elements of an array are as
// the array.
func hide(v any, name string, stranger func(license string) bool) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if secret(k) {
				v[k] = api.Hidden
			} else {
				v[k] = hide(x, k, stranger)
			}
		}
	case []any:
		for i := range v {
			v[i] = hide(v[i], name, stranger)
		}
	case string:
		if stranger != nil && v != "" && strings.Contains(strings.ToLower(name), "license") && stranger(v) {
			return api.Hidden
		}
		return api.Scrub(v)
	}
	return v
}

// excerpt is the beginning of a frame that is no request.
func excerpt(frame []byte) scenarios.JSON {
	const most = 200
	text := strings.ToValidUTF8(string(frame[:min(len(frame), 4*most)]), "\uFFFD")
	text = api.Scrub(text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return jsonText(text)
}

// jsonText is a text as JSON.
func jsonText(s string) scenarios.JSON {
	out, err := rpc.AppendJSON(nil, s)
	if err != nil {
		return scenarios.JSON(`"(not text)"`)
	}
	return out
}
