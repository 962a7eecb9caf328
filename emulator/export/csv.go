package export

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/fakecortex/fakecortex/streams"
)

// writeRows writes the rows of m, a cell for each field; number appends the text
// of a fixed-point value.
func writeRows(w *bufio.Writer, m *merger, fields []field, number func(line []byte, v int64, decimals uint8) []byte) error {
	var line []byte
	for {
		row, err := m.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		line = line[:0]
		for i := range fields {
			if i > 0 {
				line = append(line, ',')
			}
			if v := fields[i].get(row); v != streams.Null {
				line = number(line, v, fields[i].decimals)
			}
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
}

// appendSix appends v / 10^decimals with six digits after the point, as all
// numbers of a CSV V2 file have them.
func appendSix(dst []byte, v int64, decimals uint8) []byte {
	if decimals > 6 {
		v, decimals = rescale(v, decimals, 6), 6
	}
	if v < 0 {
		dst = append(dst, '-')
		v = -v
	}
	unit := rescale(1, 0, decimals)
	dst = strconv.AppendInt(dst, v/unit, 10)
	frac := rescale(v%unit, decimals, 6) // not v itself: a marker's value may have 16 digits
	dst = append(dst, '.')
	for p := int64(100_000); p > 0; p /= 10 {
		dst = append(dst, byte('0'+frac/p%10))
	}
	return dst
}

func epochSix(t time.Time) string { return string(appendSix(nil, divRound(t.UnixNano(), 1000), 6)) }

func rateText(r float64) string { return strconv.FormatFloat(r, 'f', -1, 64) }

// oneLine keeps a text from ending the metadata line early.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '\n' || c == '\r' {
			return ' '
		}
		return c
	}, s)
}

// tableBase is the stream that gives the rows: eeg, or without it the fastest
// of the chosen ones (a guess: EmotivPRO always exports EEG).
func (j *Job) tableBase() streams.Kind {
	best, rate := streams.EEG, -1.0
	for _, s := range streamsOf {
		if j.Streams&s.set == 0 {
			continue
		}
		k := streams.Kind(j.kind(s.kind))
		if k == streams.EEG {
			return k
		}
		if r := j.Record.rate(k); r > rate {
			best, rate = k, r
		}
	}
	return best
}

// writeV2 writes one table of all chosen streams (CSV V2, "version:2.2").
func (j *Job) writeV2(out *output, base string) error {
	tags := ""
	var rates []string
	var kinds []streams.Kind
	for _, s := range streamsOf {
		if j.Streams&s.set != 0 {
			k := streams.Kind(j.kind(s.kind))
			tags += s.tag
			kinds = append(kinds, k)
			rates = append(rates, s.rate+"_"+rateText(j.Record.rate(k)))
		}
	}
	if j.Streams&StreamEEG != 0 {
		kinds = append(kinds, streams.DEV, streams.EQ)
	}
	clock := j.tableBase()
	fields := j.v2Fields()
	return out.file(base+tags+".csv", func(w *bufio.Writer) error {
		r := &j.Record
		// samples is padded to ten characters: Cortex writes it last, in place.
		// channels leaves OriginalTimestamp out, as real files of 2.2 do.
		fmt.Fprintf(w, "title:%s, start timestamp:%s, stop timestamp:%s, headset type:%s, headset serial:%s, headset firmware:%s, "+
			"channels:%d, sampling rate:%s, samples:%-10d, version:2.2, \n",
			oneLine(r.Title), epochSix(r.Start), epochSix(r.End), oneLine(r.Headset.Type), oneLine(r.Headset.Serial), oneLine(r.Headset.Firmware),
			len(fields)-1, strings.Join(rates, ";"), j.Recording.Samples(clock))
		for i, f := range fields {
			if i > 0 {
				w.WriteByte(',')
			}
			w.WriteString(f.name)
		}
		w.WriteByte('\n')
		m, err := newMerger(j.Recording, clock, kinds, j.Record.rate(clock), markerEvents(r.Markers))
		if err != nil {
			return err
		}
		return writeRows(w, m, fields, appendSix)
	})
}

func (j *Job) v2Fields() []field {
	rec := j.Recording
	var out []field
	add := func(name string, decimals uint8, get func(*row) int64) {
		out = append(out, field{name: name, decimals: decimals, get: get})
	}
	column := func(name string, k streams.Kind, l *streams.Layout, col int, hold bool) {
		get := current(k, col)
		if hold {
			get = held(k, col)
		}
		add(name, decimalsOf(l, col), get)
	}
	add("Timestamp", 4, func(r *row) int64 { return r.base.Stamp })
	// Corrected against "as received": Due is when the sample was sent (a guess).
	add("OriginalTimestamp", 6, func(r *row) int64 { return divRound(r.base.Due, 1000) })
	eeg, dev, eq := rec.Layout(streams.EEG), rec.Layout(streams.DEV), rec.Layout(streams.EQ)
	isEEG := j.Streams&StreamEEG != 0
	if isEEG {
		column("EEG.Counter", streams.EEG, eeg, columnOf(eeg, "COUNTER"), false)
		column("EEG.Interpolated", streams.EEG, eeg, columnOf(eeg, "INTERPOLATED"), false)
		for _, c := range sensorColumns(eeg) {
			column("EEG."+eeg.Columns[c].Name, streams.EEG, eeg, c, false)
		}
		column("EEG.RawCq", streams.EEG, eeg, columnOf(eeg, "RAW_CQ"), false)
		column("EEG.Battery", streams.DEV, dev, columnOf(dev, "Battery"), true)
		column("EEG.BatteryPercent", streams.DEV, dev, batteryPercent(dev), true)
	}
	marker := func(get func(markerEvent) int64) func(*row) int64 {
		return func(r *row) int64 {
			if r.marker.index == 0 {
				return streams.Null
			}
			return get(r.marker)
		}
	}
	add("MarkerIndex", 0, marker(func(e markerEvent) int64 { return e.index }))
	add("MarkerType", 0, marker(func(e markerEvent) int64 { return e.kind }))
	add("MarkerValueInt", 0, marker(func(e markerEvent) int64 { return e.value }))
	if isEEG {
		column("EEG.MarkerHardware", streams.EEG, eeg, columnOf(eeg, "MARKER_HARDWARE"), false)
		for _, c := range cqColumns(dev) {
			column("CQ."+dev.Columns[c].Name, streams.DEV, dev, c, true)
		}
		column("CQ.Overall", streams.DEV, dev, columnOf(dev, "OVERALL"), true)
		if eq != nil {
			column("EQ.SampleRateQuality", streams.EQ, eq, columnOf(eq, "sampleRateQuality"), false)
			column("EQ.OVERALL", streams.EQ, eq, columnOf(eq, "overall"), false)
			for _, c := range eqColumns(eq) {
				column("EQ."+eq.Columns[c].Name, streams.EQ, eq, c, false)
			}
		}
	}
	if mot := rec.Layout(streams.MOT); j.Streams&StreamMotion != 0 {
		for c := range mot.Columns {
			column("MOT."+motionName(mot.Columns[c].Name), streams.MOT, mot, c, false)
		}
	}
	if com := rec.Layout(streams.COM); j.Streams&StreamMC != 0 {
		add("MC.Action", 0, action(streams.COM, com, columnOf(com, "act"), mentalCodes()))
		column("MC.ActionPower", streams.COM, com, columnOf(com, "pow"), false)
		// com has no such column; the detection runs while it gives samples (a guess).
		add("MC.IsActive", 0, func(r *row) int64 {
			if r.cur[streams.COM] == nil {
				return streams.Null
			}
			return 1
		})
	}
	if j.Streams&StreamPM != 0 {
		out = append(out, j.metricFields()...)
	}
	if fac := rec.Layout(streams.FAC); j.Streams&StreamFE != 0 {
		eye := columnOf(fac, "eyeAct")
		add("FE.BlinkWink", 0, action(streams.FAC, fac, eye, onlyCodes(eyeCodes(), "blink", "winkL", "winkR")))
		add("FE.HorizontalEyesDirection", 0, action(streams.FAC, fac, eye, onlyCodes(eyeCodes(), "lookL", "lookR")))
		add("FE.UpperFaceAction", 0, action(streams.FAC, fac, columnOf(fac, "uAct"), facialCodes()))
		column("FE.UpperFaceActionPower", streams.FAC, fac, columnOf(fac, "uPow"), false)
		add("FE.LowerFaceAction", 0, action(streams.FAC, fac, columnOf(fac, "lAct"), facialCodes()))
		column("FE.LowerFaceActionPower", streams.FAC, fac, columnOf(fac, "lPow"), false)
	}
	if pow := rec.Layout(streams.POW); j.Streams&StreamBP != 0 {
		for c := range pow.Columns {
			sensor, band, _ := strings.Cut(pow.Columns[c].Name, "/")
			column("POW."+sensor+"."+capital(band), streams.POW, pow, c, false)
		}
	}
	return out
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// motionName is a mot column as CSV V2 names it: ACCX is AccX.
func motionName(wire string) string {
	switch wire {
	case "COUNTER_MEMS":
		return "CounterMems"
	case "INTERPOLATED_MEMS":
		return "InterpolatedMems"
	}
	if len(wire) == 4 { // GYROX has five letters, Q0 two
		return wire[:1] + strings.ToLower(wire[1:3]) + wire[3:]
	}
	if len(wire) == 5 {
		return wire[:1] + strings.ToLower(wire[1:4]) + wire[4:]
	}
	return wire
}

// metricFields are the PM columns, in the order of real files of 2026.
func (j *Job) metricFields() []field {
	k := streams.Kind(j.kind(streams.MET))
	l := j.Recording.Layout(k)
	var out []field
	metric := func(name, wire string) {
		col := columnOf(l, wire)
		if col < 0 {
			return
		}
		d := decimalsOf(l, col)
		if wire == "lex" {
			out = append(out, field{name: "PM." + name, decimals: d, get: current(k, col)})
			return
		}
		active := columnOf(l, wire+".isActive")
		// Raw, Min and Max are not streamed. Scaled comes of Raw between Min and
		// Max, so 0 and 1 make Raw equal to it: our choice.
		value := current(k, col)
		bound := func(v int64) func(*row) int64 {
			return func(r *row) int64 {
				if value(r) == streams.Null {
					return streams.Null
				}
				return v
			}
		}
		isActive := current(k, active)
		if active < 0 { // before Cortex 2.2.1 there was no flag
			isActive = bound(1)
		}
		out = append(out,
			field{name: "PM." + name + ".IsActive", get: isActive},
			field{name: "PM." + name + ".Scaled", decimals: d, get: value},
			field{name: "PM." + name + ".Raw", decimals: d, get: value},
			field{name: "PM." + name + ".Min", get: bound(0)},
			field{name: "PM." + name + ".Max", get: bound(1)})
	}
	metric("Attention", "attention")
	metric("VisualAttention", "visualAttention")
	metric("AuditoryAttention", "auditoryAttention")
	metric("CognitiveStress", "cognitiveStress")
	metric("Engagement", "eng")
	metric("Excitement", "exc")
	metric("LongTermExcitement", "lex")
	metric("Stress", "str")
	metric("Relaxation", "rel")
	metric("Interest", "int")
	switch {
	case columnOf(l, "foc") >= 0 && (j.IncludeDeprecatedPM || columnOf(l, "attention") < 0):
		metric("Focus", "foc") // not deprecated where Attention does not exist yet
	case columnOf(l, "attention") >= 0 && j.IncludeDeprecatedPM:
		metric("Focus", "attention") // Attention replaced Focus, which is not streamed any more (a guess)
	}
	return out
}

// writeV1 writes one file a stream, in the manner of Cortex 1: a first line of
// key:value cells of which the last but two is labels, then the rows. The other
// keys are those of the older SDK, a guess.
func (j *Job) writeV1(out *output, base string) error {
	for _, s := range streamsOf {
		if j.Streams&s.set == 0 {
			continue
		}
		k := streams.Kind(j.kind(s.kind))
		fields, follow := j.v1Fields(k)
		events := markerEvents(j.Record.Markers)
		err := out.file(base+s.tag+".csv", func(w *bufio.Writer) error {
			r := &j.Record
			names := make([]string, len(fields))
			for i, f := range fields {
				names[i] = f.name
			}
			cell := func(s string) string { return strings.ReplaceAll(oneLine(s), ",", " ") }
			fmt.Fprintf(w, "title:%s,recorded:%s,timestamp started:%s,sampling:%s,subject:%s,labels:%s,chan:%d,units:emotiv\n",
				cell(r.Title), r.Start.Format("02.01.06 15.04.05"), r.Start.Format(isoMicro), rateText(r.rate(k)), cell(r.Subject),
				strings.Join(names, " "), len(names))
			m, err := newMerger(j.Recording, k, follow, r.rate(k), events)
			if err != nil {
				return err
			}
			return writeRows(w, m, fields, func(line []byte, v int64, decimals uint8) []byte {
				return streams.AppendFixed(line, v, decimals, decimals > 0)
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (j *Job) v1Fields(k streams.Kind) (out []field, follow []streams.Kind) {
	l := j.Recording.Layout(k)
	add := func(name string, decimals uint8, get func(*row) int64) {
		out = append(out, field{name: name, decimals: decimals, get: get})
	}
	seconds := func() {
		add("TIME_STAMP_s", 0, func(r *row) int64 { return r.base.Stamp / 10_000 })
		add("TIME_STAMP_ms", 1, func(r *row) int64 { return r.base.Stamp % 10_000 })
	}
	if k != streams.EEG {
		for c := range l.Columns {
			get := current(k, c)
			if l.Columns[c].Type == streams.Action {
				codes := mentalCodes()
				if k == streams.FAC {
					codes = facialCodes()
				}
				get = action(k, l, c, codes)
			}
			add(l.Columns[c].Name, decimalsOf(l, c), get)
		}
		seconds()
		return out, nil
	}
	mot, dev := j.Recording.Layout(streams.MOT), j.Recording.Layout(streams.DEV)
	for _, c := range append([]int{columnOf(l, "COUNTER"), columnOf(l, "INTERPOLATED")}, sensorColumns(l)...) {
		if c >= 0 {
			add(l.Columns[c].Name, decimalsOf(l, c), current(k, c))
		}
	}
	raw := columnOf(l, "RAW_CQ")
	add("RAW_CQ", decimalsOf(l, raw), current(k, raw))
	for _, g := range []string{"GYROX", "GYROY"} { // 0 on a headset without a gyroscope stream
		c := columnOf(mot, g)
		get := held(streams.MOT, c)
		if c < 0 {
			get = constant(0)
		}
		add(g, decimalsOf(mot, c), get)
	}
	add("MARKER", 0, func(r *row) int64 { return r.marker.value })
	add("MARKER_HARDWARE", 0, current(k, columnOf(l, "MARKER_HARDWARE")))
	add("SYNC", 0, constant(0))
	seconds()
	for _, c := range cqColumns(dev) {
		add("CQ_"+dev.Columns[c].Name, 0, held(streams.DEV, c))
	}
	if len(sensorColumns(l)) == 14 {
		// An EPOC file has 40 columns: the two references too. They are not
		// streamed; one that fails leaves no sensor any contact.
		for _, name := range []string{"CQ_CMS", "CQ_DRL"} {
			add(name, 0, func(r *row) int64 {
				var best int64
				for _, c := range cqColumns(dev) {
					best = max(best, valueOf(r.held[streams.DEV], c))
				}
				return best
			})
		}
	}
	return out, []streams.Kind{streams.MOT, streams.DEV}
}
