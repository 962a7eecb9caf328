package export

import (
	"encoding/json"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/fakecortex/fakecortex/streams"
)

// Record is what an export says about a record besides its samples.
type Record struct {
	UUID        string
	Title       string
	Description string
	Subject     string // subjectName; "" if none
	// Number is the number in the file names. Real ones look like a counter.
	Number int
	// Start and End are in the zone of the Cortex host: file names, EDF headers
	// and the JSON show its wall clock.
	Start, End    time.Time
	Headset       Headset
	ApplicationID string
	User          string // EmotivID
	// Rates are the nominal rates in Hz, of EEG and MOT above all. A stream that
	// is missing has its usual one: eeg 128, mot 64, dev 2, eq 2, pow 8, met 2
	// or 0.1, com 8, fac 32.
	Rates        map[streams.Kind]float64
	Mappings     any // sensor mapping of an EPOC Flex, else nil
	Markers      []Marker
	Demographics any // JSON objects, nil if none
	Survey       any
}

// Headset is the headset of a record.
type Headset struct {
	Type           string // EPOCX, INSIGHT, ...
	ID             string // EPOCX-0123ABCD
	Serial         string
	Firmware       string
	ConnectionType string // bluetooth, dongle, usb cable
}

// Marker is a marker of the record (Marker object page).
type Marker struct {
	UUID       string
	Type       string // instance or interval
	Value      any    // string or number
	Label      string
	Port       string
	Start, End time.Time // equal for an instance
	Extras     any
}

func (r *Record) rate(k streams.Kind) float64 {
	if v := r.Rates[k]; v > 0 && v < 1e5 {
		return v
	}
	return [streams.NumKinds]float64{128, 64, 2, 2, 8, 2, 0.1, 8, 32, 1}[k]
}

func (m *Marker) interval() bool { return m.Type == "interval" && m.End.After(m.Start) }

// valueText is the marker's value as text.
func (m *Marker) valueText() string {
	switch v := m.Value.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	b, err := json.Marshal(m.Value)
	if err != nil {
		return ""
	}
	return string(b)
}

// markerInts gives every marker its integer value. A value that is no integer
// gets one that no other marker has, from 1 up; the JSON lists them
// (records-bci: "maps to an int listed in the JSON"; how Cortex numbers them is
// not known).
func markerInts(markers []Marker) (ints []int64, listed map[string]int64) {
	ints = make([]int64, len(markers))
	taken := map[int64]bool{}
	var rest []int
	for i := range markers {
		f, err := strconv.ParseFloat(strings.TrimSpace(markers[i].valueText()), 64)
		if err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			ints[i] = int64(f)
			taken[ints[i]] = true
			continue
		}
		rest = append(rest, i)
	}
	next := int64(1)
	for _, i := range rest {
		text := markers[i].valueText()
		n, ok := listed[text]
		if !ok {
			for taken[next] {
				next++
			}
			n = next
			next++
			if listed == nil {
				listed = map[string]int64{}
			}
			listed[text] = n
		}
		ints[i] = n
	}
	return ints, listed
}

// markerEvent is a marker, or one end of an interval, on the row of its time.
// The codes of MarkerType are a guess: 0 instance, 1 start, 2 end.
type markerEvent struct {
	stamp              int64
	index, kind, value int64
}

// stampOf is t in the unit of Sample.Stamp.
func stampOf(t time.Time) int64 { return divRound(t.UnixNano(), 100_000) }

func markerEvents(markers []Marker) []markerEvent {
	ints, _ := markerInts(markers)
	var out []markerEvent
	for i := range markers {
		m := &markers[i]
		e := markerEvent{stamp: stampOf(m.Start), index: int64(i + 1), value: ints[i]}
		if m.interval() {
			e.kind = 1
			out = append(out, e)
			e.stamp, e.kind = stampOf(m.End), 2
		}
		out = append(out, e)
	}
	sort.SliceStable(out, func(a, b int) bool { return out[a].stamp < out[b].stamp })
	return out
}

const isoMicro = "2006-01-02T15:04:05.000000-07:00"

// baseName is the name all files of a record begin with, as EmotivPRO names
// them: title_HEADSETTYPE_number_start, the start in the host's zone with dots
// for colons. Characters that a file system refuses become "_", and a long
// title is cut so that the longest suffix still fits 255 bytes.
func (r *Record) baseName() string {
	start := strings.ReplaceAll(r.Start.Format("2006.01.02T15:04:05-07:00"), ":", ".")
	tail := "_" + fileName(r.Headset.Type) + "_" + strconv.Itoa(r.Number) + "_" + start
	title := fileName(r.Title)
	const room = 255 - 40 // 40: .md.mc.pm.fe.bp.csv, _intervalMarker.csv
	for len(title)+len(tail) > room {
		cut := []rune(title)
		if len(cut) == 0 {
			break
		}
		title = string(cut[:len(cut)-1])
	}
	return title + tail
}

func fileName(s string) string {
	s = strings.ToValidUTF8(s, "_")
	s = strings.Map(func(c rune) rune {
		if c < 0x20 || c == 0x7f || strings.ContainsRune(`/\:*?"<>|`, c) {
			return '_'
		}
		return c
	}, s)
	if rest := strings.TrimLeft(s, "."); rest != s { // no hidden files, no ".."
		s = strings.Repeat("_", len(s)-len(rest)) + rest
	}
	return s
}
