package emulator

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator/internal/logtest"
)

// patience bounds each wait of a script, in real time.
const patience = 20 * time.Second

// bench plays a script against an emulator and writes down what every client
// receives, and when.
type bench struct {
	t       *testing.T
	e       *Emulator
	start   int64
	peers   map[string]*scriptPeer
	order   []*scriptPeer
	out     *bytes.Buffer
	log     *logtest.Buffer
	read    int // of log, by log steps
	ids     int
	vars    map[string]string
	show    map[string]string // stream to how its samples are shown
	verdict Verdict
}

// scriptPeer is one client of a script.
type scriptPeer struct {
	name    string
	wire    *wire
	client  *client
	parts   []byte // of a fragmented message
	closed  bool
	seen    []string // since the last expect
	counted []count  // samples that are not shown
	values  map[string]string
	cols    map[string][]string // by stream
	samples map[string][]json.RawMessage
	columns map[string][]float64 // of compare steps: "dev.OVERALL"
}

type count struct {
	stream      string
	n           int
	first, last string
	from, to    json.Number
}

// play runs a script with a seed, 0 for the scenario's.
func play(t *testing.T, s script, seed uint64) *bench {
	b := &bench{
		t: t, peers: map[string]*scriptPeer{}, out: new(bytes.Buffer), log: new(logtest.Buffer), vars: map[string]string{}, show: map[string]string{},
	}
	b.vars["$app"] = `"clientId":"app-basic","clientSecret":"secret"`
	b.vars["$folder"], b.vars["$headset"] = t.TempDir(), "EPOCPLUS-3B9A0001"
	o := Options{
		Scenario: s.scenario, Clock: "manual", Seed: seed, Set: map[string]string{},
		Logger: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{ReplaceAttr: steady})),
	}
	lines := strings.Split(strings.TrimSpace(s.text), "\n")
	for _, line := range lines { // what must be known before the start
		switch words := strings.Fields(line); {
		case len(words) == 0:
		case words[0] == "set":
			k, v, _ := strings.Cut(words[1], "=")
			o.Set[k] = v
		case words[0] == "listen":
			o.Listen, o.TLSNames, o.TLSDir = []string{"localhost:0"}, words[1:], t.TempDir()
		}
	}
	var err error
	b.e, err = Start(o)
	require.NoError(t, err)
	defer func() {
		for _, p := range b.order {
			p.wire.Close() // the service need not wait for answers to its close
		}
		require.NoError(t, b.e.Close())
	}()
	b.start = b.e.run.life.start.UnixNano()
	for n, line := range lines {
		b.step(n+1, strings.TrimSpace(line))
	}
	b.collect()
	b.flushCounts()
	b.verdict = b.e.Verdict(true)
	verdicts(b.out, &b.verdict)
	return b
}

// steady takes out of the log what differs from run to run.
func steady(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.TimeKey, "ca", "hint":
		return slog.Attr{}
	}
	if text := a.Value.String(); remotePort.MatchString(text) {
		return slog.String(a.Key, remotePort.ReplaceAllString(text, "LOOPBACK:PORT"))
	}
	return a
}

var remotePort = regexp.MustCompile(`(127\.0\.0\.1|\[::1\]):\d+`)

func (b *bench) step(n int, line string) {
	words := strings.Fields(line)
	if len(words) == 0 || strings.HasPrefix(line, "#") || words[0] == "set" || words[0] == "listen" || words[0] == "show" {
		if len(words) > 1 && words[0] == "show" {
			b.show[words[1]] = strings.Join(words[2:], " ")
		}
		fmt.Fprintln(b.out, line)
		return
	}
	require.NotEmpty(b.t, words[1:], "line %d: %q is no step", n, line)
	name := words[1]
	switch words[0] {
	case "connect":
		b.say("%s", line)
		b.connect(name)
	case "disconnect":
		b.say("%s", line)
		b.disconnect(b.peer(n, name))
	case "ping":
		b.say("%s", line)
		p := b.peer(n, name)
		before := p.wire.written()
		p.wire.push(clientFrame(0x9, []byte("ping")))
		b.await("a pong", func() bool { return p.wire.written() > before })
	case "advance":
		d, err := time.ParseDuration(name)
		require.NoError(b.t, err, "line %d", n)
		b.advance(d)
	case "repeat":
		times, err := strconv.Atoi(name)
		require.NoError(b.t, err, "line %d", n)
		d, err := time.ParseDuration(words[2])
		require.NoError(b.t, err, "line %d", n)
		_, again, _ := strings.Cut(line, words[2]+" ")
		for range times {
			b.step(n, again)
			b.advance(d)
		}
	case "do":
		b.say("%s", line)
		require.NoError(b.t, b.e.Act(b.expand(strings.TrimSpace(strings.TrimPrefix(line, "do")))), "line %d: %s", n, line)
	case "let":
		b.vars["$"+name] = b.expand(words[2])
		fmt.Fprintln(b.out, line)
	case "expect":
		b.collect()
		b.flushCounts()
		fmt.Fprintln(b.out, line)
		p := b.peer(n, name)
		require.Equal(b.t, words[2:], append([]string{}, p.seen...), "line %d: %s", n, line)
		p.seen = nil
	case "compare":
		b.compare(b.peer(n, name), line, words[2:])
	case "log":
		b.logged(line, name)
	case "files":
		b.files(line, name)
	case "tls":
		b.tls(line, words[1:])
	default:
		p := b.peer(n, words[0])
		frame := strings.TrimSpace(strings.SplitN(line, words[1], 2)[1])
		switch words[1] {
		case ">":
		case "!":
			method, params, _ := strings.Cut(frame, " ")
			if params = strings.TrimSpace(params); params != "" {
				params = `,"params":` + params
			}
			b.ids++
			frame = fmt.Sprintf(`{"id":%d,"jsonrpc":"2.0","method":%q%s}`, b.ids, method, params)
		default:
			b.t.Fatalf("line %d: %q is no step", n, line)
		}
		b.say("%s > %s", p.name, frame)
		text := []byte(b.expand(frame))
		b.e.loop.do(func() { b.e.run.received(p.client, false, text) })
	}
	b.collect()
}

func (b *bench) peer(n int, name string) *scriptPeer {
	p := b.peers[name]
	require.NotNil(b.t, p, "line %d: nobody is called %q", n, name)
	return p
}

func (b *bench) clock() string {
	return fmt.Sprintf("%9.4f", time.Duration(b.e.loop.sched.Now()-b.start).Seconds())
}

// say writes down what happens now.
func (b *bench) say(format string, args ...any) {
	b.collect()
	b.flushCounts()
	b.e.loop.do(func() { fmt.Fprintf(b.out, "%s %s\n", b.clock(), fmt.Sprintf(format, args...)) })
}

// expand puts values in the place of names. $now and $seconds are the time of a
// marker, right and as a careless client writes it.
func (b *bench) expand(text string) string {
	var now time.Time
	b.e.loop.do(func() { now = time.Unix(0, b.e.loop.sched.Now()) })
	vars := map[string]string{
		"$now": strconv.FormatInt(now.UnixMilli(), 10), "$seconds": strconv.FormatInt(now.Unix(), 10),
		"$later": strconv.FormatInt(now.Add(250*time.Millisecond).UnixMilli(), 10),
		"$auth":  `"cortexToken":"` + b.vars["$token"] + `"`,
		"$on":    `"cortexToken":"` + b.vars["$token"] + `","session":"` + b.vars["$session"] + `"`,
	}
	for k, v := range b.vars {
		vars[k] = v
	}
	names := make([]string, 0, len(vars))
	for k := range vars {
		names = append(names, k)
	}
	slices.SortFunc(names, func(x, y string) int { return len(y) - len(x) })
	for _, k := range names {
		text = strings.ReplaceAll(text, k, vars[k])
	}
	return text
}

func (b *bench) await(what string, done func() bool) {
	for end := time.Now().Add(patience); !done(); time.Sleep(20 * time.Microsecond) {
		require.True(b.t, time.Now().Before(end), "waited too long for %s", what)
	}
}

// connect goes the way of a connection from the gateway's question whether it
// may come in to the upgrade.
func (b *bench) connect(name string) {
	if !b.e.admit(nil) {
		b.say("%s refused", name)
		return
	}
	p := &scriptPeer{
		name: name, wire: newWire(), values: map[string]string{}, cols: map[string][]string{},
		samples: map[string][]json.RawMessage{}, columns: map[string][]float64{},
	}
	number := b.connections()
	b.e.gateway.ServeConn(p.wire)
	p.wire.push([]byte("GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"))
	b.await("the connection", func() bool { return b.connections() > number })
	head, rest, ok := bytes.Cut(p.wire.take(), []byte("\r\n\r\n"))
	require.True(b.t, ok && bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")), "%s", head)
	p.wire.putBack(rest)
	b.e.loop.do(func() {
		p.client = b.e.run.clients[number+1]
		if p.client == nil { // closed by a step that waited for it
			p.client = &client{run: b.e.run, gone: true}
		}
	})
	b.peers[name], b.order = p, append(b.order, p)
}

func (b *bench) connections() (n uint64) {
	b.e.loop.do(func() { n = b.e.run.number })
	return n
}

// disconnect closes a connection as a polite client does.
func (b *bench) disconnect(p *scriptPeer) {
	p.closed = true
	p.wire.push(clientFrame(0x8, binary.BigEndian.AppendUint16(nil, 1000)))
	b.await("the end", func() bool {
		gone := false
		b.e.loop.do(func() { gone = p.client.gone })
		return gone && p.wire.closed()
	})
	p.wire.take()
}

// advance moves the clock from event to event, so that what is sent is seen at
// its instant.
func (b *bench) advance(d time.Duration) {
	b.e.loop.do(func() {
		l := b.e.loop
		for target := l.clock.Now() + int64(d); l.clock.Now() < target; {
			l.advance(time.Duration(min(max(l.sched.Next(), l.clock.Now()), target) - l.clock.Now()))
			if len(l.dirty) > 0 || b.ending() {
				l.flush()
				b.receive()
			}
			if l.sched.Next() > target {
				l.advance(time.Duration(target - l.clock.Now()))
			}
		}
	})
	b.collect()
}

// ending reports whether a connection is being closed by the service.
func (b *bench) ending() bool {
	return slices.ContainsFunc(b.order, func(p *scriptPeer) bool { return !p.closed && (p.client.cut || p.client.gone) })
}

// collect writes down what the clients have been sent.
func (b *bench) collect() {
	b.e.loop.do(func() {
		b.e.loop.settle() // exports
		b.e.loop.flush()
		b.receive()
	})
}

// receive does so on the loop.
func (b *bench) receive() {
	for _, p := range b.order {
		if p.client.conn != nil {
			for end := time.Now().Add(patience); p.client.conn.Pending() > 0 && time.Now().Before(end); {
				time.Sleep(time.Microsecond)
			}
		}
		b.frames(p)
		if !p.closed && (p.client.cut || p.client.gone) && p.client.conn != nil {
			// No close frame has come, so the end of the wire will.
			for end := time.Now().Add(patience); !p.wire.closed() && time.Now().Before(end); {
				time.Sleep(time.Microsecond)
			}
			p.closed = true
			b.flushCounts()
			fmt.Fprintf(b.out, "%s %s cut\n", b.clock(), p.name)
			p.seen = append(p.seen, "cut")
		}
	}
}

// frames takes the frames of the wire apart, RFC 6455 5.2.
func (b *bench) frames(p *scriptPeer) {
	data := p.wire.take()
	for len(data) > 0 {
		head, n := 2, int(data[1]&0x7f)
		switch n {
		case 126:
			head, n = 4, int(binary.BigEndian.Uint16(data[2:]))
		case 127:
			head, n = 10, int(binary.BigEndian.Uint64(data[2:]))
		}
		payload, last := data[head:head+n], data[0]&finBit != 0
		switch op := data[0] & 0x0f; {
		case op == 0x8:
			p.closed = true
			b.flushCounts()
			code := binary.BigEndian.Uint16(payload)
			fmt.Fprintf(b.out, "%s %s closed %d %s\n", b.clock(), p.name, code, payload[2:])
			p.seen = append(p.seen, "closed")
			p.wire.push(clientFrame(0x8, payload[:2]))
		case op == 0xa:
			b.flushCounts()
			fmt.Fprintf(b.out, "%s %s pong %s\n", b.clock(), p.name, payload)
			p.seen = append(p.seen, "pong")
		case !last || op == 0:
			b.flushCounts()
			fmt.Fprintf(b.out, "%s %s fragment %s\n", b.clock(), p.name, payload)
			if p.parts = append(p.parts, payload...); last {
				message := string(p.parts)
				p.parts = nil
				b.message(p, message, false)
			}
		default:
			b.message(p, string(payload), true)
		}
		data = data[head+n:]
	}
}

const finBit = 0x80

// frameParts are the members of a frame that scripts look at.
type frameParts struct {
	Error, Warning *struct{ Code int }
	Result         json.RawMessage
	Sid            string
	Time           json.Number
}

// message takes one message; say writes it down.
func (b *bench) message(p *scriptPeer, text string, say bool) {
	var f frameParts
	if json.Unmarshal([]byte(text), &f) != nil {
		b.seen(p, "broken", text, say)
		return
	}
	switch {
	case f.Error != nil:
		b.seen(p, strconv.Itoa(f.Error.Code), text, say)
	case f.Warning != nil:
		b.seen(p, strconv.Itoa(f.Warning.Code), text, say)
	case f.Result != nil:
		b.remember(p, f.Result)
		b.seen(p, "ok", text, say)
	default:
		var keys map[string]json.RawMessage
		_ = json.Unmarshal([]byte(text), &keys) // it is an object
		for _, stream := range slices.Sorted(maps.Keys(keys)) {
			if stream != "sid" && stream != "time" {
				b.sample(p, stream, text, f.Time)
			}
		}
	}
}

func (b *bench) seen(p *scriptPeer, word, text string, say bool) {
	p.seen = append(p.seen, word)
	if say {
		b.flushCounts()
		fmt.Fprintf(b.out, "%s %s < %s\n", b.clock(), p.name, text)
	}
}

// remember keeps what later steps name.
func (b *bench) remember(p *scriptPeer, raw json.RawMessage) {
	var result struct {
		CortexToken, ID, UUID string
		Record, Marker        struct{ UUID string }
		Success               []struct {
			StreamName string
			Cols       []any
		}
	}
	if json.Unmarshal(raw, &result) != nil {
		return
	}
	for name, value := range map[string]string{
		"$token": result.CortexToken, "$session": result.ID, "$uuid": result.UUID, "$record": result.Record.UUID, "$marker": result.Marker.UUID,
	} {
		if value != "" {
			b.vars[name] = value
		}
	}
	for _, s := range result.Success {
		p.cols[s.StreamName] = nil
		for _, c := range s.Cols {
			if list, ok := c.([]any); ok { // dev
				for _, c := range list {
					p.cols[s.StreamName] = append(p.cols[s.StreamName], fmt.Sprint(c))
				}
				continue
			}
			p.cols[s.StreamName] = append(p.cols[s.StreamName], fmt.Sprint(c))
		}
	}
}

// sample takes a sample: it is shown, or counted, or a column of it is watched.
func (b *bench) sample(p *scriptPeer, stream, text string, at json.Number) {
	how, known := b.show[stream]
	words := strings.Fields(how)
	if how != "-" && (len(p.seen) == 0 || p.seen[len(p.seen)-1] != stream) {
		p.seen = append(p.seen, stream)
	}
	switch {
	case !known || how == "-":
	case len(words) == 0 || words[0] == "types":
		if len(words) > 0 {
			text = typesOnly(text)
		}
		b.flushCounts()
		fmt.Fprintf(b.out, "%s %s < %s\n", b.clock(), p.name, text)
		return
	default:
		for _, column := range words {
			value := string(p.value(stream, column, text))
			if had, ok := p.values[column]; !ok || had != value {
				p.values[column] = value
				b.flushCounts()
				fmt.Fprintf(b.out, "%s %s %s %s %s\n", b.clock(), p.name, stream, column, value)
			}
		}
	}
	for _, column := range p.cols[stream] {
		if _, ok := p.columns[stream+"."+column]; ok {
			var x float64
			if json.Unmarshal(p.value(stream, column, text), &x) == nil {
				p.columns[stream+"."+column] = append(p.columns[stream+"."+column], x)
			}
		}
	}
	if how == "-" {
		return
	}
	if n := len(p.counted); n > 0 && p.counted[n-1].stream == stream {
		c := &p.counted[n-1]
		c.n++
		c.last, c.to = b.clock(), at
		return
	}
	b.flushCountsBut(p)
	p.counted = append(p.counted, count{stream, 1, b.clock(), b.clock(), at, at})
}

// value returns a column of a sample.
func (p *scriptPeer) value(stream, column, text string) json.RawMessage {
	var frame map[string]json.RawMessage
	var values []json.RawMessage
	_ = json.Unmarshal([]byte(text), &frame)
	_ = json.Unmarshal(frame[stream], &values)
	var flat []json.RawMessage // dev has a list within
	for _, v := range values {
		var list []json.RawMessage
		if stream == "dev" && json.Unmarshal(v, &list) == nil {
			flat = append(flat, list...)
			continue
		}
		flat = append(flat, v)
	}
	if i := slices.Index(p.cols[stream], column); i >= 0 && i < len(flat) {
		return flat[i]
	}
	return json.RawMessage("no such column")
}

// flushCounts writes down how many samples were not shown, in their runs.
func (b *bench) flushCounts() { b.flushCountsBut(nil) }

func (b *bench) flushCountsBut(not *scriptPeer) {
	for _, p := range b.order {
		if p == not {
			continue
		}
		for _, c := range p.counted {
			fmt.Fprintf(b.out, "%s %s < %d %s until %s, time %s to %s\n", c.first, p.name, c.n, c.stream, strings.TrimSpace(c.last), c.from, c.to)
		}
		p.counted = nil
	}
}

// compare says of how many pairs of samples a relation holds, such as
// "compare a eq.OVERALL <= dev.OVERALL"; without a relation it begins to watch.
func (b *bench) compare(p *scriptPeer, line string, words []string) {
	b.flushCounts()
	fmt.Fprintln(b.out, line)
	if len(words) == 2 {
		p.columns[words[0]], p.columns[words[1]] = []float64{}, []float64{}
		return
	}
	x, y := p.columns[words[0]], p.columns[words[2]]
	holds, differ := 0, 0
	n := min(len(x), len(y))
	for i := range n {
		if x[i] <= y[i] {
			holds++
		}
		if x[i] < y[i] {
			differ++
		}
	}
	require.Positive(b.t, differ, "the two columns are never different")
	require.Equal(b.t, n, holds, line)
	fmt.Fprintf(b.out, "%d pairs, all\n", n)
}

// logged writes down the lines of the log since the last time that hold a word.
func (b *bench) logged(line, word string) {
	b.flushCounts()
	fmt.Fprintln(b.out, line)
	b.await("a line of the log with "+word, func() bool { return strings.Contains(b.log.String()[b.read:], word) })
	text := b.log.String()
	for l := range strings.Lines(text[b.read:]) {
		if strings.Contains(l, word) {
			fmt.Fprintf(b.out, "  %s\n", strings.TrimSpace(l))
		}
	}
	b.read = len(text)
}

// files lists the files of $folder with their first line, cut, and the rows
// whose column is not empty.
func (b *bench) files(line, column string) {
	b.flushCounts()
	fmt.Fprintln(b.out, line)
	entries, err := os.ReadDir(b.vars["$folder"])
	require.NoError(b.t, err)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(b.vars["$folder"], e.Name()))
		require.NoError(b.t, err)
		lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
		fmt.Fprintf(b.out, "  %s: %d lines\n", e.Name(), len(lines))
		i := -1
		for _, l := range lines {
			fields := strings.Split(strings.TrimSpace(l), ",")
			if at := slices.Index(fields, column); at >= 0 {
				i = at
				fmt.Fprintf(b.out, "    %s,%s\n", fields[0], column)
				continue
			}
			if i >= 0 && i < len(fields) && fields[i] != "" && fields[i] != "0" {
				fmt.Fprintf(b.out, "    %s,%s\n", fields[0], fields[i])
			}
		}
	}
}

// tls connects over the network, as "tls HOST [ca] [max=1.1] [plain]" says.
func (b *bench) tls(line string, words []string) {
	b.flushCounts()
	fmt.Fprintln(b.out, line)
	config := &tls.Config{ServerName: words[0], MinVersion: tls.VersionTLS10}
	address := strings.TrimPrefix(b.e.URL(), "wss://")
	for _, word := range words[1:] {
		switch word {
		case "ca":
			config.RootCAs = b.e.CertPool()
		case "max=1.1":
			config.MaxVersion = tls.VersionTLS11
		case "max=1.2":
			config.MaxVersion = tls.VersionTLS12
		case "plain":
			resp, err := (&http.Client{Timeout: patience}).Get("http://" + address)
			require.NoError(b.t, err)
			text, err := io.ReadAll(resp.Body)
			require.NoError(b.t, err)
			resp.Body.Close()
			fmt.Fprintf(b.out, "  %s: %s\n", resp.Status, strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", " "))
			return
		default:
			b.t.Fatalf("%s: unknown word %q", line, word)
		}
	}
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", address, config)
	if err != nil {
		fmt.Fprintf(b.out, "  %v\n", err)
		return
	}
	defer conn.Close()
	state := conn.ConnectionState()
	fmt.Fprintf(b.out, "  connected with %s to %s\n", tls.VersionName(state.Version), strings.Join(state.PeerCertificates[0].DNSNames, ", "))
}

// clientFrame is a frame of a client, with a mask of zeros.
func clientFrame(op byte, payload []byte) []byte {
	return append([]byte{finBit | op, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
}

// wire is the service's end of a connection that writes into memory, and so
// never waits for its client.
type wire struct {
	mu       sync.Mutex
	more     *sync.Cond
	in, out  []byte
	total    int
	over     bool
	deadline time.Time
}

func newWire() *wire {
	w := &wire{}
	w.more = sync.NewCond(&w.mu)
	return w
}

// Read implements net.Conn: what the client sends.
func (w *wire) Read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.in) == 0 {
		switch {
		case w.over:
			return 0, io.EOF
		case !w.deadline.IsZero() && !time.Now().Before(w.deadline):
			return 0, os.ErrDeadlineExceeded
		}
		w.more.Wait()
	}
	n := copy(p, w.in)
	w.in = w.in[n:]
	return n, nil
}

// Write implements net.Conn: what the client gets.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return 0, io.ErrClosedPipe
	}
	w.out = append(w.out, p...)
	w.total += len(p)
	return len(p), nil
}

// Close implements net.Conn.
func (w *wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.more.Broadcast()
	return nil
}

// SetReadDeadline implements net.Conn.
func (w *wire) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deadline = t
	if !t.IsZero() {
		time.AfterFunc(max(time.Until(t), 0), func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.more.Broadcast()
		})
	}
	return nil
}

func (w *wire) SetDeadline(t time.Time) error    { return w.SetReadDeadline(t) }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
func (w *wire) LocalAddr() net.Addr              { return wireAddr{} }
func (w *wire) RemoteAddr() net.Addr             { return wireAddr{} }

type wireAddr struct{}

func (wireAddr) Network() string { return "memory" }
func (wireAddr) String() string  { return "memory" }

// push is what the client does to send.
func (w *wire) push(p []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.in = append(w.in, p...)
	w.more.Broadcast()
}

// take is what the client does to receive.
func (w *wire) take() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.out
	w.out = nil
	return p
}

func (w *wire) putBack(p []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out = append(slices.Clone(p), w.out...)
}

func (w *wire) written() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.total
}

func (w *wire) closed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.over
}
