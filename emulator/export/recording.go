package export

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/fakecortex/fakecortex/streams"
)

// DefaultMemory is how much encoded data of one record stays in memory before
// the rest goes to its temporary file: about a quarter of an hour of an EPOC X.
const DefaultMemory = 4 << 20

// Storage says where the data of a record is kept.
type Storage struct {
	Dir    string  // folder of the temporary file; "" is os.TempDir
	Memory int     // encoded bytes of one record kept in memory; 0 is DefaultMemory, < 0 none
	Shared *Budget // what the records of a world share; nil: no bound
}

// DefaultBudget is the memory that all records of a world may take together.
const DefaultBudget = 256 << 20

// Budget is memory that several records share: when it is used up their data
// goes to temporary files from the first byte on. Its methods may be called from
// any goroutine.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget returns a budget of that many bytes.
func NewBudget(bytes int) *Budget { return &Budget{limit: int64(bytes)} }

// Used returns how many bytes are taken.
func (b *Budget) Used() int64 { return b.used.Load() }

func (b *Budget) take(n int) bool {
	if b == nil {
		return true
	}
	if b.used.Add(int64(n)) > b.limit {
		b.used.Add(int64(-n))
		return false
	}
	return true
}

func (b *Budget) giveBack(n int) {
	if b != nil {
		b.used.Add(int64(-n))
	}
}

func (s Storage) memory() int {
	switch {
	case s.Memory == 0:
		return DefaultMemory
	case s.Memory < 0:
		return 0
	}
	return s.Memory
}

// chunkRef is where one encoded chunk is.
type chunkRef struct {
	data   []byte // in memory, or nil
	offset int64  // in the temporary file
	size   int32
	rows   int32
	sum    uint32 // CRC-32C
}

// stream is what is stored of one stream.
type stream struct {
	layout *streams.Layout
	chunks []chunkRef
	rows   int64
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// spillFile is what a chunk store needs of *os.File; tests damage it.
type spillFile interface {
	io.WriterAt
	io.ReaderAt
	io.Closer
	Name() string
}

// store holds the chunks of one record: the first Storage.Memory bytes in
// memory, the rest in one temporary file.
type store struct {
	storage Storage
	inMem   int

	mu      sync.Mutex // file and deleted: a record may be deleted while a reader reads
	file    spillFile
	removed bool // the file has no name any more
	size    int64
	deleted bool
}

var errDeleted = errors.New("the record was deleted")

// put stores one chunk. data is the caller's and copied.
func (st *store) put(data []byte, rows int) (chunkRef, error) {
	ref := chunkRef{size: int32(len(data)), rows: int32(rows), sum: crc32.Checksum(data, castagnoli)}
	if st.inMem+len(data) <= st.storage.memory() && st.storage.Shared.take(len(data)) {
		ref.data = append([]byte(nil), data...)
		st.inMem += len(data)
		return ref, nil
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.deleted {
		return ref, errDeleted
	}
	if st.file == nil {
		f, err := os.CreateTemp(st.storage.Dir, "fakecortex-record-*.tmp")
		if err != nil {
			return ref, fmt.Errorf("store record data: %w", err)
		}
		// A file without a name cannot be left behind by a crash. Windows
		// refuses; there the name goes when the record is deleted.
		st.removed = os.Remove(f.Name()) == nil
		st.file = f
	}
	ref.offset = st.size
	n, err := st.file.WriteAt(data, st.size)
	if err != nil {
		return ref, fmt.Errorf("store record data: %w", err)
	}
	st.size += int64(n)
	return ref, nil
}

// get returns the bytes of a chunk, in buf if it has to be read.
func (st *store) get(ref chunkRef, buf []byte) ([]byte, error) {
	st.mu.Lock()
	file, gone := st.file, st.deleted
	st.mu.Unlock()
	if gone {
		return nil, errDeleted
	}
	data := ref.data
	if data == nil {
		if file == nil {
			return nil, damaged("its temporary file is missing")
		}
		if cap(buf) < int(ref.size) {
			buf = make([]byte, ref.size)
		}
		data = buf[:ref.size]
		if _, err := file.ReadAt(data, ref.offset); err != nil {
			if errors.Is(err, os.ErrClosed) {
				return nil, errDeleted
			}
			return nil, damaged("temporary file at byte %d: %v", ref.offset, err)
		}
	}
	if crc32.Checksum(data, castagnoli) != ref.sum {
		return nil, damaged("the checksum of a chunk of %d bytes is wrong", ref.size)
	}
	return data, nil
}

func (st *store) delete() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.deleted {
		return nil
	}
	st.deleted = true
	st.storage.Shared.giveBack(st.inMem)
	if st.file == nil {
		return nil
	}
	err := st.file.Close()
	if !st.removed {
		err = errors.Join(err, os.Remove(st.file.Name()))
	}
	st.file = nil
	return err
}

// Recorder collects the samples of a running record. It is used by one
// goroutine, the loop.
type Recorder struct {
	store   *store
	streams [streams.NumKinds]*stream
	buffers [streams.NumKinds]*chunkBuffer
	scratch []byte
	err     error
	stopped bool
}

// NewRecorder starts a record that is kept as storage says.
func NewRecorder(storage Storage) *Recorder {
	return &Recorder{store: &store{storage: storage}}
}

// Begin announces a stream and its columns, before its first sample. The
// layout is kept, not copied: it must not change any more. A stream can begin
// once; a second call with another layout is an error.
func (r *Recorder) Begin(kind streams.Kind, l *streams.Layout) error {
	switch {
	case r.stopped:
		return errors.New("begin " + kind.String() + ": the record has ended")
	case int(kind) >= streams.NumKinds:
		return fmt.Errorf("begin stream: no stream %d", kind)
	case l == nil || len(l.Columns) > maxColumns:
		return fmt.Errorf("begin %v: a layout of at most %d columns is needed", kind, maxColumns)
	case r.streams[kind] != nil && r.streams[kind].layout == l:
		return nil
	case r.streams[kind] != nil:
		return fmt.Errorf("begin %v: the stream has begun with another layout", kind)
	}
	own := l
	if l.Kind != kind {
		c := *l
		c.Kind = kind
		own = &c
	}
	r.streams[kind] = &stream{layout: own}
	r.buffers[kind] = newChunkBuffer(own)
	return nil
}

// Add stores one sample, exactly. The sample is copied. A sample of a stream
// that has not begun, or with fewer values than its layout has columns, is not
// stored. It costs some 100 ns; a full chunk is encoded in place (about 50 us)
// and, beyond the memory bound, written to the temporary file. A failed write
// ends the recording: Err tells, and the rest is dropped.
func (r *Recorder) Add(s *streams.Sample) {
	if int(s.Kind) >= streams.NumKinds || r.err != nil || r.stopped {
		return
	}
	b := r.buffers[s.Kind]
	if b == nil || len(s.Values) < len(b.layout.Columns) {
		return
	}
	if b.add(s) {
		r.flush(s.Kind)
	}
}

func (r *Recorder) flush(kind streams.Kind) {
	b := r.buffers[kind]
	rows := b.n
	if rows == 0 {
		return
	}
	r.scratch = b.encode(r.scratch[:0])
	if len(r.scratch) > maxChunk {
		r.err = fmt.Errorf("store record data: a chunk of %d bytes, at most %d", len(r.scratch), maxChunk)
		return
	}
	ref, err := r.store.put(r.scratch, rows)
	if err != nil {
		r.err = err
		return
	}
	st := r.streams[kind]
	st.chunks = append(st.chunks, ref)
	st.rows += int64(rows)
}

// Err is the error that ended the recording early, or nil.
func (r *Recorder) Err() error { return r.err }

// Stop ends the record. What was stored before an error can still be read; the
// error marks the recording as damaged, so that an export of it fails.
func (r *Recorder) Stop() (*Recording, error) {
	if !r.stopped {
		for kind, b := range r.buffers {
			if b != nil && r.err == nil {
				r.flush(streams.Kind(kind))
			}
		}
		r.stopped = true
		r.buffers = [streams.NumKinds]*chunkBuffer{}
		r.scratch = nil
	}
	return &Recording{store: r.store, streams: r.streams, err: r.err}, r.err
}

// Recording is the data of a record that has ended. It does not change, so any
// number of readers may read it at the same time, in any goroutine.
type Recording struct {
	store   *store
	streams [streams.NumKinds]*stream
	err     error
}

// Layout is the columns of a stream, or nil if it was not recorded.
func (r *Recording) Layout(kind streams.Kind) *streams.Layout {
	if int(kind) >= streams.NumKinds || r.streams[kind] == nil {
		return nil
	}
	return r.streams[kind].layout
}

// Kinds are the streams that were recorded.
func (r *Recording) Kinds() streams.Kinds {
	var set streams.Kinds
	for k, s := range r.streams {
		if s != nil {
			set |= streams.KindSet(streams.Kind(k))
		}
	}
	return set
}

// Samples is the number of samples of a stream.
func (r *Recording) Samples(kind streams.Kind) int64 {
	if r.Layout(kind) == nil {
		return 0
	}
	return r.streams[kind].rows
}

// Bytes is the size of the encoded data, in memory and on disk.
func (r *Recording) Bytes() (memory, disk int64) {
	return int64(r.store.inMem), r.store.size
}

// Err is the error that ended the recording early, or nil.
func (r *Recording) Err() error { return r.err }

// Delete frees the data and deletes the temporary file. Readers that are still
// open get an error.
func (r *Recording) Delete() error { return r.store.delete() }

// Reader reads the samples of one stream in order.
type Reader struct {
	rec    *Recording
	stream *stream
	next   int // chunk
	buf    []byte
	chunk  decodedChunk
	row    int
	marks  []byte // rest of the chunk's marker list
	sample streams.Sample
}

// Open returns a reader of a stream, at its first sample; nil if the stream was
// not recorded. A reader needs no closing and is used by one goroutine.
func (r *Recording) Open(kind streams.Kind) *Reader {
	if r.Layout(kind) == nil {
		return nil
	}
	s := r.streams[kind]
	return &Reader{
		rec: r, stream: s,
		sample: streams.Sample{Kind: kind, Values: make([]int64, len(s.layout.Columns))},
	}
}

// Next returns the next sample, which is valid until the following call, or
// io.EOF after the last one. Any other error means that the data is damaged or
// deleted.
func (r *Reader) Next() (*streams.Sample, error) {
	for r.row >= r.chunk.rows {
		if r.next >= len(r.stream.chunks) {
			if r.rec.err != nil {
				return nil, r.rec.err
			}
			return nil, io.EOF
		}
		ref := r.stream.chunks[r.next]
		data, err := r.rec.store.get(ref, r.buf)
		if err != nil {
			return nil, err
		}
		if ref.data == nil {
			r.buf = data
		}
		if err := r.chunk.decode(data, len(r.stream.layout.Columns)); err != nil {
			return nil, err
		}
		r.next++
		r.row = 0
		r.marks = r.chunk.markers
	}
	c, i := &r.chunk, r.row
	s := &r.sample
	s.Index, s.Due, s.Stamp = c.values[i], c.values[c.rows+i], c.values[2*c.rows+i]
	at := metaColumns*c.rows + i
	for j := range s.Values {
		s.Values[j] = c.values[at]
		at += c.rows
	}
	s.Markers = nil
	if len(r.marks) > 0 {
		br := byteReader{b: r.marks}
		if row := br.uvarint(); row == uint64(i) {
			n := br.uvarint()
			s.Markers = br.b[:n]
			r.marks = br.b[n:]
		}
	}
	r.row++
	return s, nil
}
