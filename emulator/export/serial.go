package export

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/fakecortex/fakecortex/streams"
)

// The kept form of a recording:
//
//	"FCREC\x00\x01\n"
//	uvarint length, JSON array of the layouts, in the order of their kinds
//	per chunk: 'C', kind byte, uvarint rows, uvarint size, data
//	'E', CRC-32C (big endian) of everything before it
const magic = "FCREC\x00\x01\n"

const maxHeader = 1 << 20

type serialLayout struct {
	Kind     streams.Kind   `json:"kind"`
	BareZero bool           `json:"bareZero,omitempty"`
	Columns  []serialColumn `json:"columns"`
}

type serialColumn struct {
	Name     string             `json:"name"`
	Type     streams.ColumnType `json:"type"`
	Decimals uint8              `json:"decimals,omitempty"`
	Names    []string           `json:"names,omitempty"`
	Group    bool               `json:"group,omitempty"`
}

type sumWriter struct {
	w   io.Writer
	n   int64
	sum uint32
}

func (w *sumWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.n += int64(n)
	w.sum = crc32.Update(w.sum, castagnoli, p[:n])
	return n, err
}

// WriteTo writes the recording in the form that ReadRecording reads, about as
// many bytes as Bytes says. It may run beside readers.
func (r *Recording) WriteTo(w io.Writer) (int64, error) {
	sw := &sumWriter{w: w}
	if r.err != nil {
		return 0, r.err
	}
	var layouts []serialLayout
	for _, s := range r.streams {
		if s == nil {
			continue
		}
		l := serialLayout{Kind: s.layout.Kind, BareZero: s.layout.BareZero}
		for _, c := range s.layout.Columns {
			l.Columns = append(l.Columns, serialColumn(c))
		}
		layouts = append(layouts, l)
	}
	header, err := json.Marshal(layouts)
	if err != nil {
		return 0, err
	}
	head := binary.AppendUvarint([]byte(magic), uint64(len(header)))
	if _, err := sw.Write(append(head, header...)); err != nil {
		return sw.n, err
	}
	var buf, frame []byte
	for kind, s := range r.streams {
		if s == nil {
			continue
		}
		for _, ref := range s.chunks {
			data, err := r.store.get(ref, buf)
			if err != nil {
				return sw.n, err
			}
			if ref.data == nil {
				buf = data
			}
			frame = append(frame[:0], 'C', byte(kind))
			frame = binary.AppendUvarint(frame, uint64(ref.rows))
			frame = binary.AppendUvarint(frame, uint64(ref.size))
			if _, err := sw.Write(append(frame, data...)); err != nil {
				return sw.n, err
			}
		}
	}
	if _, err := sw.Write([]byte{'E'}); err != nil {
		return sw.n, err
	}
	sum := sw.sum
	_, err = sw.Write(binary.BigEndian.AppendUint32(nil, sum))
	return sw.n, err
}

// sumReader sums what is read through it.
type sumReader struct {
	r   *bufio.Reader
	sum uint32
}

func (r *sumReader) ReadByte() (byte, error) {
	b, err := r.r.ReadByte()
	if err == nil {
		r.sum = crc32.Update(r.sum, castagnoli, []byte{b})
	}
	return b, err
}

// read appends n bytes to dst. It grows with the data, so that a damaged length
// cannot make it claim memory.
func (r *sumReader) read(dst *bytes.Buffer, n uint64) error {
	if _, err := io.CopyN(dst, r.r, int64(n)); err != nil {
		return damaged("it ends early: %v", err)
	}
	r.sum = crc32.Update(r.sum, castagnoli, dst.Bytes()[dst.Len()-int(n):])
	return nil
}

// ReadRecording reads what WriteTo wrote and keeps it as storage says. Damage
// of any kind is an error, and leaves nothing behind. It may read beyond the
// recording's end.
func ReadRecording(src io.Reader, storage Storage) (rec *Recording, err error) {
	r := &sumReader{r: bufio.NewReader(src)}
	rec = &Recording{store: &store{storage: storage}}
	defer func() {
		if err != nil {
			_ = rec.Delete() // the first error is the one to tell
			rec, err = nil, fmt.Errorf("read recording: %w", err)
		}
	}()
	var buf bytes.Buffer
	if err := r.read(&buf, uint64(len(magic))); err != nil {
		return rec, err
	}
	if buf.String() != magic {
		return rec, damaged("it does not start as a recording of this version")
	}
	if err := rec.readLayouts(r); err != nil {
		return rec, err
	}
	var chunk decodedChunk
	for {
		tag, err := r.ReadByte()
		if err != nil {
			return rec, damaged("it ends early: %v", err)
		}
		if tag == 'E' {
			sum := r.sum
			buf.Reset()
			if err := r.read(&buf, 4); err != nil {
				return rec, err
			}
			if binary.BigEndian.Uint32(buf.Bytes()) != sum {
				return rec, damaged("the checksum is wrong")
			}
			return rec, nil
		}
		if tag != 'C' {
			return rec, damaged("a part of kind %d", tag)
		}
		kind, err := r.ReadByte()
		if err != nil || int(kind) >= streams.NumKinds || rec.streams[kind] == nil {
			return rec, damaged("a chunk of stream %d", kind)
		}
		rows, err := binary.ReadUvarint(r)
		if err != nil || rows > maxRows {
			return rec, damaged("a chunk of %d rows", rows)
		}
		size, err := binary.ReadUvarint(r)
		if err != nil || size > maxChunk {
			return rec, damaged("a chunk of %d bytes", size)
		}
		buf.Reset()
		if err := r.read(&buf, size); err != nil {
			return rec, err
		}
		s := rec.streams[kind]
		if err := chunk.decode(buf.Bytes(), len(s.layout.Columns)); err != nil {
			return rec, err
		}
		if chunk.rows != int(rows) {
			return rec, damaged("a chunk of %d rows says %d", chunk.rows, rows)
		}
		ref, err := rec.store.put(buf.Bytes(), int(rows))
		if err != nil {
			return rec, err
		}
		s.chunks = append(s.chunks, ref)
		s.rows += int64(rows)
	}
}

func (r *Recording) readLayouts(src *sumReader) error {
	n, err := binary.ReadUvarint(src)
	if err != nil || n > maxHeader {
		return damaged("a header of %d bytes", n)
	}
	var buf bytes.Buffer
	if err := src.read(&buf, n); err != nil {
		return err
	}
	var layouts []serialLayout
	if err := json.Unmarshal(buf.Bytes(), &layouts); err != nil {
		return damaged("header: %v", err)
	}
	for _, l := range layouts {
		if int(l.Kind) >= streams.NumKinds || r.streams[l.Kind] != nil || len(l.Columns) > maxColumns {
			return damaged("stream %d with %d columns", l.Kind, len(l.Columns))
		}
		layout := &streams.Layout{Kind: l.Kind, BareZero: l.BareZero}
		for _, c := range l.Columns {
			if c.Type > streams.Markers || c.Decimals > 9 {
				return damaged("column %q", c.Name)
			}
			layout.Columns = append(layout.Columns, streams.Column(c))
		}
		r.streams[l.Kind] = &stream{layout: layout}
	}
	return nil
}
