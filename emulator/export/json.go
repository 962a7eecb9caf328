package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

func codeTable(codes []code) map[string]int64 {
	out := map[string]int64{}
	for _, c := range codes {
		out[c.label] = c.value
	}
	return out
}

// writeJSON writes the JSON file that comes with every export: sorted keys,
// four blanks. An entry of Markers is the marker object (its shape in real
// files is not known).
func (j *Job) writeJSON(w *bufio.Writer) error {
	r := &j.Record
	markers := []map[string]any{}
	for i := range r.Markers {
		m := &r.Markers[i]
		extras := m.Extras
		if extras == nil {
			extras = map[string]any{}
		}
		markers = append(markers, map[string]any{
			"uuid": m.UUID, "type": m.Type, "value": m.Value, "label": m.Label, "port": m.Port,
			"startDatetime": m.Start.Format(isoMicro), "endDatetime": m.End.Format(isoMicro), "extras": extras,
		})
	}
	doc := map[string]any{
		"Markers":                 markers,
		"connectionType":          r.Headset.ConnectionType,
		"exportApp":               r.ApplicationID,
		"exportTime":              j.Now.Format("2006-01-02T15:04:05.000-07:00"),
		"eyeActions":              codeTable(eyeCodes()),
		"facialExpressionActions": codeTable(facialCodes()),
		"headsetType":             r.Headset.Type,
		"mappings":                r.Mappings,
		"mentalCommandActions":    codeTable(mentalCodes()),
		"montageType":             "UNKNOWN",
		"recordId":                r.UUID,
		"user":                    r.User,
	}
	if _, listed := markerInts(r.Markers); listed != nil {
		doc["markerValueInts"] = listed // name of our own
	}
	if j.IncludeDemographics {
		doc["demographics"] = orEmpty(r.Demographics)
	}
	if j.IncludeSurvey {
		doc["survey"] = orEmpty(r.Survey) // the name is a guess
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "    ")
	if err := enc.Encode(doc); err != nil {
		return err
	}
	return nil
}

func orEmpty(v any) any {
	if v == nil {
		return map[string]any{}
	}
	return v
}

// writeMarkers writes the marker CSV: latency and duration in seconds from the
// start of the record, CRLF as seen in real files.
func (j *Job) writeMarkers(w *bufio.Writer) error {
	r := &j.Record
	w.WriteString("latency,duration,type,marker_value,key,timestamp,marker_id\r\n")
	ints, _ := markerInts(r.Markers)
	for i := range r.Markers {
		m := &r.Markers[i]
		var length time.Duration
		if m.interval() {
			length = m.End.Sub(m.Start)
		}
		_, err := fmt.Fprintf(w, "%.2f,%.2f,%s,%d,%s,%s,%d\r\n", m.Start.Sub(r.Start).Seconds(), length.Seconds(),
			csvCell(strings.ReplaceAll(m.Label, " ", "_")), ints[i], markerKey(m), epochSix(m.Start), i+1)
		if err != nil {
			return err
		}
	}
	return nil
}

// markerKey is the keystroke of a marker, -1 if there was none. Where Cortex
// keeps it is not known; extras.key is a guess.
func markerKey(m *Marker) string {
	if extras, ok := m.Extras.(map[string]any); ok {
		switch k := extras["key"].(type) {
		case float64:
			return rateText(k)
		case string:
			return csvCell(k)
		}
	}
	return "-1"
}

func csvCell(s string) string {
	s = oneLine(s)
	if strings.ContainsAny(s, `",`) {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}
