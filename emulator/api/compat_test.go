package api

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/streams"
)

// span is a range of versions: from one until just before another. Empty: since
// 2.0, and to this day.
type span struct{ from, to string }

// compatRows says in which versions each behaviour is there.
func compatRows() map[string][]span {
	return map[string][]span{
		"BuiDateTypo":         {{"", "2.1"}},
		"OldAccessText":       {{"", "2.1"}},
		"ErrorData":           {{"2.6", ""}},
		"OldTexts":            {{"", "2.6"}},
		"LastLoginTime":       {{"2.3", ""}},
		"CustomName":          {{"", ""}},
		"SessionCustomName":   {{"", "2.6"}, {"4.0", ""}},
		"HeadbandPosition":    {{"2.4", ""}},
		"VirtualFields":       {{"2.6", ""}},
		"DFUFields":           {{"3.0", ""}},
		"PerformanceMetrics":  {{"2.6", ""}},
		"AttentionMetric":     {{"3.0", ""}},
		"AppDrivenScan":       {{"3.7", ""}},
		"Warning0IsText":      {{"", "2.2"}},
		"Warning0OnClose":     {{"4.0", ""}},
		"HeadsetWarningFirst": {{"", ""}},
		"MetIsActive":         {{"2.2.1", ""}},
		"RecordLocalOnly":     {{"2.2.1", ""}},
		"RecordExperimentID":  {{"2.2.1", ""}},
		"OrderByApplication":  {{"2.5", ""}},
		"RecordSubject":       {{"3.0", ""}},
		"PlusFormats":         {{"3.7.5", ""}},
		"Warning30":           {{"4.0", ""}},
		"AsyncUpdateHeadset":  {{"2.4", ""}},
		"ConfigMapping":       {{"4.7", ""}},
		"ProfileRequired":     {{"", "2.1"}},
		"ProfileChannels":     {{"3.6.5", ""}},
	}
}

// TestCompatRows pins at which version each behaviour changes. Every field of
// Compat has its row.
func TestCompatRows(t *testing.T) {
	rows := compatRows()
	elsewhere := []string{"Version", "Dialect", "ExportGate"} // below, and in package streams
	for version, want := range map[string]Gate{"2.6.9": GateDisconnect, "2.7": GateWarning18, "3.9": GateWarning18, "4.0": GateWarning30} {
		c, err := NewCompat(version)
		require.NoError(t, err)
		require.Equal(t, want, c.ExportGate, version)
	}
	versions := []string{"2.0", "2.0.9", "2.1", "2.1.9", "2.2", "2.2.1", "2.2.9", "2.3", "2.3.9", "2.4", "2.4.9", "2.5", "2.5.9", "2.6", "2.6.9", "2.7", "2.9.9", "3.0", "3.6.4", "3.6.5", "3.6.9", "3.7", "3.7.4", "3.7.5", "3.9.9", "4.0", "4.6.9", "4.7", "4.8.32", "9.0"}
	for i := range reflect.TypeFor[Compat]().NumField() {
		name := reflect.TypeFor[Compat]().Field(i).Name
		spans, ok := rows[name]
		if !ok {
			require.Contains(t, elsewhere, name, "a behaviour without a row")
			continue
		}
		for _, version := range versions {
			c, err := NewCompat(version)
			require.NoError(t, err)
			want := false
			for _, span := range spans {
				want = want || c.since(span.from) && (span.to == "" || !c.since(span.to))
			}
			require.Equal(t, want, reflect.ValueOf(c).FieldByName(name).Bool(), "%s of %s", name, version)
		}
	}
}

func TestVersionsThatAreNone(t *testing.T) {
	for _, version := range []string{"", "4", "4.8.32.1", "four.eight", "4.-1", "1.9", "-2.0"} {
		_, err := NewCompat(version)
		require.ErrorContains(t, err, `cortexVersion "`+version+`"`)
	}
	w := DefaultWorld()
	w.CortexVersion = "1.4"
	_, err := New(w, newBench(t, DefaultWorld()).sched, nil, Hooks{})
	require.ErrorContains(t, err, "the oldest is 2.0")
}

// TestCompatOverrides: a world may mix behaviours of different versions.
func TestCompatOverrides(t *testing.T) {
	c, err := NewCompat("2.1")
	require.NoError(t, err)
	c.AppDrivenScan, c.ConfigMapping, c.ErrorData, c.AsyncUpdateHeadset = true, true, true, true
	w := scriptWorld(t, "world version=2.1 headset=on by=usb-cable")
	w.Compat = &c
	b := newBench(t, w)
	b.connect("a")
	require.Empty(t, b.call("a", "queryHeadsets", `{}`)["result"])
	b.call("a", "controlDevice", `{"command":"refresh"}`)
	b.advance(w.ScanDuration + 21e9)
	require.Equal(t, []string{"ok", "ok", "142"}, b.unseen("a"), "142 goes with the scan")
	authorized(b)
	require.Zero(t, code(b.call("a", "configMapping", `{"cortexToken":"$token","status":"get"}`)))
	require.Equal(t, CodeMethodNotFound, code(b.call("a", "updateHeadsetCustomInfo", `{}`)), "the rest is 2.1")
	require.Contains(t, b.call("a", "configMapping", `{"cortexToken":"$token"}`)["error"], "data")
	b.call("a", "updateHeadset", `{"cortexToken":"$token","headset":"EPOCPLUS-3B9A0001","setting":{"mode":"EPOC","eegRate":128,"memsRate":0}}`)
	b.unseen("a")
	b.advance(1e9)
	require.Equal(t, []string{"110"}, b.unseen("a"))
}

// TestCompatOfEveryVersion: what is the same in every version, and may be
// overridden.
func TestCompatOfEveryVersion(t *testing.T) {
	c, err := NewCompat(DefaultVersion)
	require.NoError(t, err)
	c.HeadsetWarningFirst, c.CustomName, c.Dialect.FlexDC = false, false, true
	w := scriptWorld(t, "world add=EPOCFLEX-F0000001:connected")
	w.Compat = &c
	b := newBench(t, w)
	b.session("a")
	require.False(t, has(t, b.first("queryHeadsets", `{}`), "customName"))
	b.result("a", "subscribe", `{`+inSession+`,"streams":["sys"]}`)
	b.result("a", "createSession", `{`+auth+`,"status":"active","headset":"EPOCFLEX-F0000001"}`)
	b.result("a", "subscribe", `{`+inSession+`,"streams":["eeg"]}`)
	b.advance(100 * time.Millisecond)
	var sample struct{ EEG []any }
	frames := b.frames["a"]
	require.NoError(t, json.Unmarshal([]byte(frames[len(frames)-1]), &sample))
	require.InDelta(t, 4200, sample.EEG[2], 200, "the level of the others")
	b.unseen("a")
	require.True(t, b.service.SetHeadsetPower("EPOCPLUS-3B9A0001", false))
	require.NoError(t, b.service.StopStreams("EPOCFLEX-F0000001"))
	b.unseen("a")
	b.advance(time.Minute)
	require.Equal(t, []string{"0", "1", "103"}, b.unseen("a"), "the warning of the headset comes last")
}

// TestMetricsOfOverrides: the labels of met follow the fields that a world may
// have changed.
func TestMetricsOfOverrides(t *testing.T) {
	for _, test := range []struct {
		version           string
		active, attention bool
		want              streams.MetLabels
	}{
		{"4.8", true, true, streams.MetAttentionFirst},
		{"4.8", true, false, streams.MetFocus},
		{"4.8", false, true, streams.MetNoFlags},
		{"2.7", true, false, streams.MetFocus},
		{"2.7", true, true, streams.MetAttentionFirst},
		{"2.1", false, false, streams.MetNoFlags},
		{"2.1", true, false, streams.MetFocus},
		{"2.1", true, true, streams.MetAttentionFirst},
	} {
		c, err := NewCompat(test.version)
		require.NoError(t, err)
		c.MetIsActive, c.AttentionMetric = test.active, test.attention
		require.Equal(t, test.want, c.dialect().Met, "%+v", test)
	}
}
