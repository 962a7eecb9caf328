package control

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// metrics serves the counters in the text format of Prometheus. The format is
// written here: the client library would make the binary a fifth larger, beyond
// its bar, and none of its other parts is needed.
func (s *server) metrics(w http.ResponseWriter, _ *http.Request) error {
	c, net := s.emu.Counters(), s.emu.Stats()
	var b bytes.Buffer
	family := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	single := func(name, kind, help string, value float64) {
		family(name, kind, help)
		fmt.Fprintf(&b, "%s %s\n", name, strconv.FormatFloat(value, 'g', -1, 64))
	}
	family("fakecortex_info", "gauge", "Version of fakecortex.")
	fmt.Fprintf(&b, "fakecortex_info{version=%s} 1\n", label(s.Version))
	single("fakecortex_virtual_time_seconds", "gauge", "Virtual time, Unix seconds.", float64(c.Now.UnixNano())/1e9)
	single("fakecortex_virtual_uptime_seconds", "gauge", "Virtual time since the start or the last reset.", c.Now.Sub(c.Start).Seconds())
	single("fakecortex_connections", "gauge", "Open connections of clients.", float64(c.Connections))
	single("fakecortex_sessions", "gauge", "Live sessions.", float64(c.Sessions))
	single("fakecortex_connections_opened_total", "counter", "Connections since the start or the last reset.", float64(c.Opened))
	single("fakecortex_journal_entries_total", "counter", "Entries of the journal.", float64(c.Entries))
	single("fakecortex_handshakes_failed_total", "counter", "Connections that did not become a WebSocket.", float64(net.HandshakesFailed))
	single("fakecortex_connections_refused_total", "counter", "Connections refused by a fault or a bound.", float64(net.Refused))
	single("fakecortex_slow_readers_total", "counter", "Clients closed because they did not read.", float64(net.SlowReaders))
	single("fakecortex_messages_received_total", "counter", "Messages of clients.", float64(net.MessagesIn))
	single("fakecortex_messages_sent_total", "counter", "Messages to clients.", float64(net.MessagesOut))
	single("fakecortex_sent_bytes_total", "counter", "Bytes to clients before TLS.", float64(net.BytesOut))
	many(&b, family, "fakecortex_calls_total", "Requests by method.", "method", c.Calls)
	many(&b, family, "fakecortex_errors_total", "Error answers by code.", "code", c.Errors)
	many(&b, family, "fakecortex_warnings_total", "Warnings by code.", "code", c.Warnings)
	many(&b, family, "fakecortex_samples_total", "Samples sent by stream.", "stream", c.Samples)
	many(&b, family, "fakecortex_fault_hits_total", "Frames hit by a rule of the wire's faults.", "rule", c.FaultHits)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(b.Bytes())
	return nil
}

func many[K cmp.Ordered](b *bytes.Buffer, family func(name, kind, help string), name, help, key string, values map[K]uint64) {
	family(name, "counter", help)
	for _, k := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(b, "%s{%s=%s} %d\n", name, key, label(fmt.Sprint(k)), values[k])
	}
}

// label quotes the value of a label.
func label(v string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(v) + `"`
}
