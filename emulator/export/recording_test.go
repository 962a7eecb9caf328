package export

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fakecortex/fakecortex/streams"
)

func readAll(rec *Recording, k streams.Kind) ([]streams.Sample, error) {
	r := rec.Open(k)
	if r == nil {
		return nil, nil
	}
	var out []streams.Sample
	for {
		s, err := r.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, cloneSample(s))
	}
}

// Whatever is added comes back exactly, from memory, from the temporary file
// and from the kept form.
func TestRecordingRoundTrip(t *testing.T) {
	value := rapid.OneOf(
		rapid.Int64Range(-5, 5),
		rapid.Int64Range(4_000_000, 4_400_000),
		rapid.Map(rapid.Int64Range(30000, 36000), func(n int64) int64 { return divRound(n*5000, 39) }),
		rapid.Int64(),
		rapid.SampledFrom([]int64{streams.Null, math.MaxInt64, math.MinInt64 + 1, 0}),
	)
	rapid.Check(t, func(t *rapid.T) {
		storage := Storage{Memory: rapid.SampledFrom([]int{-1, 300, 0}).Draw(t, "memory")}
		var layouts [streams.NumKinds]*streams.Layout
		rec := NewRecorder(storage)
		for _, k := range rapid.SliceOfNDistinct(rapid.IntRange(0, streams.NumKinds-1), 1, 3, rapid.ID).Draw(t, "kinds") {
			l := &streams.Layout{Kind: streams.Kind(k), Columns: floatCol(3, "a", "b")}
			l.Columns = append(l.Columns, streams.Column{Name: "MARKERS", Type: streams.Markers})
			layouts[k] = l
			require.NoError(t, rec.Begin(l.Kind, l))
		}
		want := map[streams.Kind][]streams.Sample{}
		var reused streams.Sample
		n := rapid.IntRange(0, 2500).Draw(t, "samples")
		palette := rapid.SliceOfN(value, 1, 20).Draw(t, "values")
		marks := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 40), 1, 5).Draw(t, "markers")
		for i := range n {
			k := streams.Kind(i % streams.NumKinds)
			pick := func(j int) int64 { return palette[(i*7+j*3+i/11)%len(palette)] }
			reused.Kind, reused.Index, reused.Due, reused.Stamp = k, int64(i), pick(1), pick(2)
			reused.Values = append(reused.Values[:0], pick(3), pick(4), 0)
			reused.Markers = append(reused.Markers[:0], marks[i%len(marks)]...)
			rec.Add(&reused)
			if layouts[k] != nil {
				want[k] = append(want[k], cloneSample(&reused))
			}
		}
		got, err := rec.Stop()
		require.NoError(t, err)
		defer got.Delete()
		var kept bytes.Buffer
		size, err := got.WriteTo(&kept)
		require.NoError(t, err)
		require.EqualValues(t, kept.Len(), size)
		again, err := ReadRecording(&kept, storage)
		require.NoError(t, err)
		defer again.Delete()
		for k := range streams.Kind(streams.NumKinds) {
			for _, r := range []*Recording{got, again} {
				require.Equal(t, layouts[k], r.Layout(k))
				samples, err := readAll(r, k)
				require.NoError(t, err)
				require.Equal(t, want[k], samples)
				require.EqualValues(t, len(want[k]), r.Samples(k))
			}
		}
	})
}

func TestRecorderRefuses(t *testing.T) {
	l := testLayouts(insightSensors)
	r := NewRecorder(Storage{})
	require.NoError(t, r.Begin(streams.COM, l[streams.COM]))
	require.NoError(t, r.Begin(streams.COM, l[streams.COM]), "the same layout again is harmless")
	require.Error(t, r.Begin(streams.COM, l[streams.FAC]))
	require.Error(t, r.Begin(streams.EEG, nil))
	require.Error(t, r.Begin(streams.NumKinds, l[streams.EEG]))
	r.Add(&streams.Sample{Kind: streams.EEG, Values: []int64{1}})
	r.Add(&streams.Sample{Kind: streams.COM, Values: []int64{1}}) // too short
	r.Add(&streams.Sample{Kind: streams.COM, Values: []int64{1, 2}})
	rec, err := r.Stop()
	require.NoError(t, err)
	assert.EqualValues(t, 1, rec.Samples(streams.COM))
	assert.Nil(t, rec.Open(streams.EEG))
	assert.Equal(t, streams.KindSet(streams.COM), rec.Kinds())
	require.Error(t, r.Begin(streams.EEG, l[streams.EEG]))
	r.Add(&streams.Sample{Kind: streams.COM, Values: []int64{1, 2}})
	assert.EqualValues(t, 1, rec.Samples(streams.COM), "nothing is added after the end")
}

func TestMemoryIsBounded(t *testing.T) {
	dir := t.TempDir()
	const bound = 20_000
	src := newSource(epocSensors, 256, 64, streams.AllKinds)
	rec := src.record(Storage{Dir: dir, Memory: bound}, 60)
	memory, disk := rec.Bytes()
	assert.LessOrEqual(t, memory, int64(bound))
	assert.Greater(t, memory, int64(bound/2))
	assert.Greater(t, disk, int64(100_000))
	require.NoError(t, rec.Delete())
	require.NoError(t, rec.Delete(), "deleting twice is harmless")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
	_, err = readAll(rec, streams.EEG)
	require.ErrorIs(t, err, errDeleted)
}

// Records that share a budget go to their files when it is used up, and give it
// back when they are deleted.
func TestMemoryIsShared(t *testing.T) {
	shared := NewBudget(30_000)
	src := newSource(epocSensors, 256, 64, streams.AllKinds)
	first := src.record(Storage{Dir: t.TempDir(), Shared: shared}, 60)
	used := shared.Used()
	assert.LessOrEqual(t, used, int64(30_000))
	assert.Greater(t, used, int64(20_000))
	memory, disk := first.Bytes()
	assert.Equal(t, used, memory)
	assert.Positive(t, disk)
	second := newSource(epocSensors, 256, 64, streams.AllKinds).record(Storage{Dir: t.TempDir(), Shared: shared}, 60)
	more, _ := second.Bytes()
	assert.LessOrEqual(t, memory+more, int64(30_000))
	samples, err := readAll(second, streams.EEG)
	require.NoError(t, err)
	assert.Len(t, samples, 60*256)
	require.NoError(t, first.Delete())
	require.NoError(t, first.Delete())
	assert.Equal(t, more, shared.Used())
	require.NoError(t, second.Delete())
	assert.Zero(t, shared.Used())
}

// Markers of any size do not make a chunk grow without bound.
func TestLargeMarkersEndAChunk(t *testing.T) {
	l := testLayouts(insightSensors)[streams.EEG]
	r := NewRecorder(Storage{})
	require.NoError(t, r.Begin(streams.EEG, l))
	s := streams.Sample{Kind: streams.EEG, Values: make([]int64, len(l.Columns)), Markers: bytes.Repeat([]byte("m"), 10_000)}
	for i := range 100 {
		s.Index = int64(i)
		r.Add(&s)
	}
	rec, err := r.Stop()
	require.NoError(t, err)
	for _, c := range rec.streams[streams.EEG].chunks {
		assert.Less(t, c.size, int32(maxMarkers+11_000))
	}
	samples, err := readAll(rec, streams.EEG)
	require.NoError(t, err)
	require.Len(t, samples, 100)
	assert.Len(t, samples[99].Markers, 10_000)
}

func TestReadersAreIndependent(t *testing.T) {
	src := newSource(insightSensors, 128, 64, streams.AllKinds)
	rec := src.record(Storage{Dir: t.TempDir(), Memory: -1}, 30)
	defer rec.Delete()
	want, err := readAll(rec, streams.EEG)
	require.NoError(t, err)
	require.Len(t, want, 30*128)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			got, err := readAll(rec, streams.EEG)
			assert.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
	wg.Wait()
}

// brokenFile is a temporary file that lost bytes, or a disk that is full.
type brokenFile struct {
	spillFile
	flip  int64 // byte to damage when read
	short int64 // length that is left
	full  bool
}

func (f *brokenFile) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.short {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := f.spillFile.ReadAt(p, off)
	if f.flip >= off && f.flip < off+int64(n) {
		p[f.flip-off] ^= 0x10
	}
	return n, err
}

func (f *brokenFile) WriteAt(p []byte, off int64) (int, error) {
	if f.full {
		return 0, errors.New("no space left on device")
	}
	return f.spillFile.WriteAt(p, off)
}

func TestDamagedTemporaryFile(t *testing.T) {
	src := newSource(insightSensors, 128, 64, streams.KindSet(streams.EEG))
	rec := src.record(Storage{Dir: t.TempDir(), Memory: -1}, 5)
	defer rec.Delete()
	whole := rec.store.file
	for off := int64(0); off < rec.store.size; off += 13 {
		rec.store.file = &brokenFile{spillFile: whole, flip: off, short: math.MaxInt64}
		_, err := readAll(rec, streams.EEG)
		require.ErrorIs(t, err, errDamaged, "bit of byte %d", off)
		rec.store.file = &brokenFile{spillFile: whole, flip: -1, short: off}
		_, err = readAll(rec, streams.EEG)
		require.ErrorIs(t, err, errDamaged, "cut to %d bytes", off)
	}
	rec.store.file = whole
}

func TestFullDiskEndsTheRecording(t *testing.T) {
	r := NewRecorder(Storage{Dir: t.TempDir(), Memory: -1})
	src := newSource(insightSensors, 128, 64, streams.KindSet(streams.EEG))
	require.NoError(t, r.Begin(streams.EEG, src.layouts[streams.EEG]))
	src.until(5, r.Add)
	require.NoError(t, r.Err())
	r.store.file = &brokenFile{spillFile: r.store.file, full: true, flip: -1, short: math.MaxInt64}
	src.until(10, r.Add)
	require.Error(t, r.Err())
	rec, err := r.Stop()
	require.ErrorContains(t, err, "no space left")
	samples, err := readAll(rec, streams.EEG)
	require.ErrorContains(t, err, "no space left", "a reader must not take the rest for the whole")
	assert.NotEmpty(t, samples)
	_, err = rec.WriteTo(io.Discard)
	require.Error(t, err)
	require.NoError(t, rec.Delete())
}

func TestKeptFormIsChecked(t *testing.T) {
	src := newSource(insightSensors, 128, 64, streams.AllKinds)
	rec := src.record(Storage{}, 2)
	var kept bytes.Buffer
	_, err := rec.WriteTo(&kept)
	require.NoError(t, err)
	whole := kept.Bytes()
	for i := range whole {
		bad := bytes.Clone(whole)
		bad[i] ^= 0x04
		_, err := ReadRecording(bytes.NewReader(bad), Storage{})
		require.ErrorIs(t, err, errDamaged, "byte %d", i)
	}
	for i := 0; i < len(whole); i += 7 {
		_, err := ReadRecording(bytes.NewReader(whole[:i]), Storage{})
		require.ErrorIs(t, err, errDamaged, "cut to %d", i)
	}
}

func FuzzReadRecording(f *testing.F) {
	src := newSource(insightSensors, 128, 64, streams.AllKinds)
	var kept bytes.Buffer
	if _, err := src.record(Storage{}, 1).WriteTo(&kept); err != nil {
		f.Fatal(err)
	}
	f.Add(kept.Bytes())
	f.Add([]byte(magic + "\x02[]E\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := ReadRecording(bytes.NewReader(data), Storage{})
		if err != nil {
			return
		}
		for k := range streams.Kind(streams.NumKinds) {
			if _, err := readAll(rec, k); err != nil {
				t.Fatalf("accepted, but stream %v cannot be read: %v", k, err)
			}
		}
	})
}

// The fuzzer cannot guess checksums, so the decoder is fuzzed on its own too.
func FuzzDecodeChunk(f *testing.F) {
	src := newSource(insightSensors, 128, 64, streams.KindSet(streams.EEG))
	buf := newChunkBuffer(src.layouts[streams.EEG])
	src.until(1, func(s *streams.Sample) {
		s.Markers = []byte("{}")
		buf.add(s)
	})
	f.Add(buf.encode(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d decodedChunk
		if d.decode(data, 10) == nil && d.rows > maxRows {
			t.Fatal("too many rows")
		}
	})
}

func BenchmarkAddEEG14(b *testing.B) {
	src := newSource(epocSensors, 256, 64, streams.KindSet(streams.EEG))
	var samples []streams.Sample
	src.until(16, func(s *streams.Sample) { samples = append(samples, cloneSample(s)) })
	r := NewRecorder(Storage{Dir: b.TempDir(), Memory: -1})
	_ = r.Begin(streams.EEG, src.layouts[streams.EEG])
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.Add(&samples[i%len(samples)])
	}
	rec, err := r.Stop()
	if err != nil {
		b.Fatal(err)
	}
	_ = rec.Delete()
}

// BenchmarkHourEPOCX reports the stored size of an hour of an EPOC X at 256 Hz
// on all streams.
func BenchmarkHourEPOCX(b *testing.B) {
	for b.Loop() {
		src := newSource(epocSensors, 256, 64, streams.AllKinds)
		rec := src.record(Storage{Dir: b.TempDir()}, 120)
		memory, disk := rec.Bytes()
		b.ReportMetric(float64(memory+disk)*30/1e6, "MB/h")
		_ = rec.Delete()
	}
}
