package emulator_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// example is a client that calls what one of EMOTIV's examples calls, each when
// the message that the example waits for has come, until samples come.
type example struct {
	*player
	calls     []string // methods, of controlDevice the command
	methods   map[int]string
	indent    string // of the JSON that it sends
	inbox     []string
	now       time.Duration
	timers    []timer
	headset   string // the wanted one
	connected bool
	samples   int
}

type timer struct {
	at time.Duration
	do func()
}

// heard is a message that the client has got; method is that of an answer.
type heard struct {
	ID      int
	method  string
	Result  json.RawMessage
	Error   json.RawMessage
	Warning struct {
		Code    int
		Message json.RawMessage
	}
	SID string
}

type listed struct {
	ID, Status, Firmware, Dongle, ConnectedBy *string
	Sensors, MotionSensors                    *[]string
	Settings                                  *struct{}
}

func (h heard) headsets(t testing.TB) (list []listed) {
	require.NoError(t, json.Unmarshal(h.Result, &list))
	return list
}

func (h heard) granted(t testing.TB) bool {
	var result struct{ AccessGranted *bool }
	require.NoError(t, json.Unmarshal(h.Result, &result))
	return *result.AccessGranted
}

// send sends a request; nil params are left out.
func (x *example) send(method string, params map[string]any) {
	x.id++
	request := map[string]any{"id": x.id, "jsonrpc": "2.0", "method": method}
	if params != nil {
		request["params"] = params
	}
	frame, err := json.MarshalIndent(request, "", x.indent)
	require.NoError(x.t, err)
	x.methods[x.id] = method
	if command, ok := params["command"].(string); ok {
		method = command
	}
	x.calls = append(x.calls, method)
	x.write(string(frame))
	x.pass(0)
}

func (x *example) pass(d time.Duration) {
	x.play(d.String())
	x.now += d
	x.inbox = append(x.inbox, x.got...)
}

func (x *example) after(d time.Duration, do func()) {
	x.timers = append(x.timers, timer{x.now + d, do})
}

// run lets it live until it has got samples, a minute at most.
func (x *example) run(on func(heard)) {
	for x.samples < 10 && x.now < time.Minute {
		if len(x.inbox) == 0 {
			x.pass(250 * time.Millisecond)
		}
		due := x.timers
		x.timers = nil
		for _, t := range due {
			if t.at > x.now {
				x.timers = append(x.timers, t)
			} else {
				t.do()
			}
		}
		for len(x.inbox) > 0 {
			var m heard
			frame := x.inbox[0]
			x.inbox = x.inbox[1:]
			require.NoError(x.t, json.Unmarshal([]byte(frame), &m), frame)
			require.Empty(x.t, m.Error, frame)
			if m.SID != "" {
				x.samples++
				continue
			}
			m.method = x.methods[m.ID]
			on(m)
		}
	}
}

func (x *example) app(more ...any) map[string]any {
	params := map[string]any{"clientId": "app-basic", "clientSecret": "secret"}
	for i := 0; i < len(more); i += 2 {
		params[more[i].(string)] = more[i+1]
	}
	return params
}

func (x *example) refresh() { x.send("controlDevice", map[string]any{"command": "refresh"}) }

func (x *example) connect() {
	x.send("controlDevice", map[string]any{"command": "connect", "headset": x.headset})
}

func (x *example) createSession() {
	x.send("createSession", map[string]any{"cortexToken": x.vars["$token"], "headset": x.headset, "status": "active"})
}

func (x *example) subscribe() {
	x.send("subscribe", map[string]any{"cortexToken": x.vars["$token"], "session": x.vars["$session"], "streams": []string{"eeg"}})
}

// python is python/sub_data.py with python/cortex.py: a session when a list
// says connected, another list at 104, another scan at 142.
func (x *example) python() {
	x.indent = "    "
	authorize := func() { x.send("authorize", x.app("license", "", "debit", 10)) }
	query := func() { x.send("queryHeadsets", map[string]any{}) }
	x.send("hasAccessRight", x.app())
	x.run(func(m heard) {
		switch {
		case m.method == "hasAccessRight" && !m.granted(x.t):
			x.send("requestAccess", x.app())
		case m.method == "hasAccessRight", m.method == "requestAccess" && m.granted(x.t), m.Warning.Code == 9:
			authorize()
		case m.method == "authorize":
			x.refresh()
			query()
		case m.method == "queryHeadsets":
			list := m.headsets(x.t)
			if len(list) > 0 && x.headset == "" {
				x.headset = *list[0].ID
				query()
				return
			}
			for _, h := range list {
				switch {
				case *h.ID != x.headset:
				case *h.Status == "connected":
					x.connected = true
					x.createSession()
				case *h.Status == "discovered":
					x.connect()
				default:
					x.after(3*time.Second, query)
				}
			}
		case m.method == "createSession":
			x.subscribe()
		case m.Warning.Code == 104:
			query()
		case m.Warning.Code == 142 && !x.connected:
			x.refresh()
		}
	})
}

// node is nodejs/cortex_code_example.js: it connects whatever comes first, then
// asks for a token, and looks each 30 s whether the headset is connected.
func (x *example) node() {
	var look func()
	look = func() {
		if x.connected {
			return
		}
		x.send("queryHeadsets", map[string]any{})
		x.after(30*time.Second, look)
	}
	x.send("requestAccess", x.app())
	x.run(func(m heard) {
		switch m.method {
		case "requestAccess":
			require.True(x.t, m.granted(x.t), "else the example ends")
			x.send("queryHeadsets", map[string]any{})
		case "queryHeadsets":
			for _, h := range m.headsets(x.t) {
				switch {
				case x.headset == "":
					x.headset = *h.ID
					x.connect()
				case *h.ID == x.headset && *h.Status == "connected" && !x.connected:
					x.connected = true
					x.createSession()
				}
			}
		case "controlDevice":
			x.send("authorize", x.app("debit", 1))
		case "authorize":
			look()
		case "createSession":
			x.subscribe()
		}
	})
}

// csharp is csharp/EEGLogger: it asks for the login first, for headsets every
// 5 s, and waits 1.5 s before it creates its session.
func (x *example) csharp() {
	x.indent = "  "
	authorize := func() { x.send("authorize", x.app("debit", 5)) }
	found := func() {
		x.connected = true
		x.after(1500*time.Millisecond, x.createSession)
	}
	var look func()
	look = func() {
		if x.connected {
			return
		}
		x.send("queryHeadsets", nil)
		x.after(5*time.Second, look)
	}
	x.send("getUserLogin", nil)
	x.run(func(m heard) {
		switch {
		case m.method == "getUserLogin":
			var users []struct{ CurrentOSUId, LoggedInOSUId string }
			require.NoError(x.t, json.Unmarshal(m.Result, &users))
			require.Equal(x.t, users[0].CurrentOSUId, users[0].LoggedInOSUId)
			x.send("hasAccessRight", x.app())
		case m.method == "hasAccessRight" && !m.granted(x.t):
			x.send("requestAccess", x.app())
		case m.method == "hasAccessRight", m.Warning.Code == 9:
			authorize()
		case m.method == "authorize":
			x.refresh()
			look()
		case m.method == "queryHeadsets":
			for _, h := range m.headsets(x.t) {
				for _, p := range []any{h.Firmware, h.Dongle, h.ConnectedBy, h.Sensors, h.MotionSensors, h.Settings} {
					require.NotNil(x.t, p, "it throws on what is not there")
				}
				if x.headset == "" {
					x.headset = *h.ID
				}
				switch {
				case *h.ID != x.headset || x.connected:
				case *h.Status == "discovered":
					x.connect()
				case *h.Status == "connected":
					found()
				}
			}
		case m.method == "createSession":
			x.subscribe()
		case m.Warning.Code == 104 && !x.connected:
			found()
		case m.Warning.Code == 142:
			var message struct{ Behavior *string }
			require.NoError(x.t, json.Unmarshal(m.Warning.Message, &message))
			require.NotNil(x.t, message.Behavior)
		}
	})
}

// TestOfficialFlows: what EMOTIV's examples call leads to samples, with the
// headset connected, discovered, or found by the scan only, and with the
// approval there or late. tests/official plays the examples themselves.
func TestOfficialFlows(t *testing.T) {
	const late = "{id: EPOCPLUS-3B9A0001}], applications: [{clientId: app-basic, status: pending, approveAfter: 4s}"
	for _, test := range []struct {
		client func(*example)
		name   string
		world  string // its headsets
		calls  string
	}{
		{(*example).python, "python, connected", "{id: EPOCPLUS-3B9A0001}", "hasAccessRight authorize refresh queryHeadsets queryHeadsets createSession subscribe"},
		{(*example).python, "python, discovered", "{id: EPOCPLUS-3B9A0001, status: discovered}", "hasAccessRight authorize refresh queryHeadsets queryHeadsets connect queryHeadsets createSession subscribe"},
		{(*example).python, "python, approved late", late, "hasAccessRight requestAccess authorize refresh queryHeadsets queryHeadsets createSession subscribe"},
		{(*example).node, "node, connected", "{id: EPOCPLUS-3B9A0001}", "requestAccess queryHeadsets connect authorize queryHeadsets createSession subscribe"},
		{(*example).node, "node, discovered", "{id: EPOCPLUS-3B9A0001, status: discovered}", "requestAccess queryHeadsets connect authorize queryHeadsets queryHeadsets createSession subscribe"},
		{(*example).csharp, "csharp, connected", "{id: EPOCPLUS-3B9A0001}", "getUserLogin hasAccessRight authorize refresh queryHeadsets createSession subscribe"},
		{(*example).csharp, "csharp, discovered", "{id: EPOCPLUS-3B9A0001, status: discovered}", "getUserLogin hasAccessRight authorize refresh queryHeadsets connect createSession subscribe"},
		{(*example).csharp, "csharp, found by the scan", "{id: EPOCPLUS-3B9A0001, status: on}", "getUserLogin hasAccessRight authorize refresh queryHeadsets queryHeadsets connect createSession subscribe"},
		{(*example).csharp, "csharp, approved late", late, "getUserLogin hasAccessRight requestAccess authorize refresh queryHeadsets createSession subscribe"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := startWith(t, fmt.Sprintf("world: {headsets: [%s]}", test.world))
			x := &example{player: &player{peer: dialMemory(t, e), e: e, vars: map[string]string{}}, methods: map[int]string{}}
			test.client(x)
			assert.Equal(t, test.calls, strings.Join(x.calls, " "))
			assert.GreaterOrEqual(t, x.samples, 10, "no samples within a minute")
		})
	}
}
