package emulator_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/scenarios"
)

// player takes a client through a scenario in virtual time, a step at a time.
type player struct {
	*peer
	e    *emulator.Emulator
	vars map[string]string
	sync string // the method that ends a step; empty: getCortexInfo
	syn  int
	got  []string // frames of the last step
}

// play does one step and returns what the client received, in words: ok, the
// code of an error or warning, the stream of a sample. A step is a duration that
// passes, connect, leave (the client closes its connection), or a method with
// parameters.
func (p *player) play(step string) []string {
	p.t.Helper()
	switch {
	case step == "connect":
		p.peer = dialMemory(p.t, p.e)
	case step == "leave":
		require.NoError(p.t, p.conn.Close(websocket.StatusNormalClosure, ""))
		require.Eventually(p.t, func() bool { return len(p.e.State().Connections) == 0 }, time.Minute, time.Millisecond)
		p.peer = dialMemory(p.t, p.e)
	default:
		if d, err := time.ParseDuration(step); err == nil {
			require.NoError(p.t, p.e.Advance(d))
			break
		}
		method, params, _ := strings.Cut(step, " ")
		if params == "" {
			params = "{}"
		}
		for name, value := range p.vars {
			params = strings.ReplaceAll(params, name, value)
		}
		p.id++
		p.write(fmt.Sprintf(`{"id":%d,"jsonrpc":"2.0","method":%q,"params":%s}`, p.id, method, params))
	}
	// Frames of a connection keep their order, so that what comes before the
	// answer to this call was sent before it.
	p.syn++
	sync := fmt.Sprintf("sync-%d", p.syn)
	p.write(fmt.Sprintf(`{"id":%q,"jsonrpc":"2.0","method":%q}`, sync, cmp.Or(p.sync, "getCortexInfo")))
	words := []string{}
	p.got = nil
	for {
		frame := p.read()
		word, id := p.take(frame)
		if id == sync {
			return words
		}
		p.got = append(p.got, frame)
		words = append(words, word)
	}
}

// take reads one frame.
func (p *player) take(frame string) (word, id string) {
	p.t.Helper()
	var f struct {
		ID             any
		Error, Warning *struct{ Code int }
		Result         json.RawMessage
	}
	require.NoError(p.t, json.Unmarshal([]byte(frame), &f), frame)
	id, _ = f.ID.(string)
	var result struct{ CortexToken, ID string }
	_ = json.Unmarshal(f.Result, &result) // an array has neither
	if result.CortexToken != "" {
		p.vars["$token"] = result.CortexToken
	}
	if result.ID != "" {
		p.vars["$session"] = result.ID
	}
	switch {
	case f.Error != nil:
		return fmt.Sprint(f.Error.Code), id
	case f.Warning != nil:
		return fmt.Sprint(f.Warning.Code), id
	case f.Result != nil:
		return "ok", id
	}
	stream, _, _ := strings.Cut(strings.TrimPrefix(frame, `{"`), `"`)
	return stream, id
}

// TestScenariosOfGates plays the built-in scenarios about accounts, headsets,
// sessions, order and restarts from a client's side: what their comments and
// the reports promise is what comes.
func TestScenariosOfGates(t *testing.T) {
	const (
		h        = "EPOCPLUS-3B9A0001"
		client   = `"clientId":"app-basic","clientSecret":"s"`
		ask      = `requestAccess {` + client + `}`
		has      = `hasAccessRight {` + client + `}`
		auth     = `authorize {` + client + `}`
		debit    = `authorize {` + client + `,"debit":10}`
		renew    = `generateNewToken {"cortexToken":"$token",` + client + `}`
		open     = `createSession {"cortexToken":"$token","status":"open"}`
		active   = `createSession {"cortexToken":"$token","status":"active"}`
		activate = `updateSession {"cortexToken":"$token","session":"$session","status":"active"}`
		closing  = `updateSession {"cortexToken":"$token","session":"$session","status":"close"}`
		sessions = `querySessions {"cortexToken":"$token"}`
		license  = `getLicenseInfo {"cortexToken":"$token"}`
		refresh  = `controlDevice {"command":"refresh"}`
		connect  = `controlDevice {"command":"connect","headset":"` + h + `"}`
		list     = `queryHeadsets`
	)
	sub := func(stream string) string {
		return `subscribe {"cortexToken":"$token","session":"$session","streams":["` + stream + `"]}`
	}
	type step struct {
		do   string
		want string // words, parted by blanks
		has  string // in the last frame
	}
	played := map[string][]step{
		"a1-never-approved": {{ask, "ok", `"accessGranted":false`}, {"24h", "", ""}, {ask, "ok", `"accessGranted":false`}, {auth, "-32102", "You have no access rights"}},
		"a2-approved-late":  {{ask, "ok", `"accessGranted":false`}, {"4999ms", "", ""}, {"1ms", "9", "The access right to the app-basic has been granted"}, {has, "ok", `"accessGranted":true`}, {auth, "ok", ""}},
		"a3-declined":       {{ask, "ok", ""}, {"2s", "10", "has been rejected"}, {auth, "-32102", ""}, {"1h", "", ""}},
		"a4-gates-in-order": {
			{auth, "-32102", ""}, {ask, "ok", ""}, {"2s", "9", ""}, {auth, "ok", ""}, {`createSession {"cortexToken":"$token","status":"active","headset":"` + h + `"}`, "-32004", ""},
			{connect, "ok", ""}, {"2s", "104", ""}, {active, "-32019", "Session limit on this device has been reached."}, {debit, "ok", ""}, {active, "ok", ""},
		},
		"a5-calls-before-the-token": {
			{`subscribe {"session":"x","streams":["eeg"]}`, "-32018", `"behavior":"This parameter is required: cortexToken"`},
			{`setupProfile {"status":"load"}`, "-32018", "cortexToken"}, {`mentalCommandBrainMap`, "-32018", "cortexToken"},
		},
		"a6-access-step-left-out": {{has, "ok", `"accessGranted":false`}, {auth, "-32102", ""}, {"1m", "", ""}},
		"a7-token-kept":           {{auth, "ok", ""}, {"connect", "", ""}, {"59s", "", ""}, {open, "ok", ""}, {"1s", "", ""}, {sessions, "-32015", ""}},
		"a8-slow-authorize":       {{auth, "", ""}, {list, "ok", ""}, {"2999ms", "", ""}, {"1ms", "ok", "cortexToken"}},

		"b1-no-debit":               {{auth, "ok", ""}, {active, "-32019", ""}, {`authorize {` + client + `,"debit":null}`, "ok", ""}, {active, "-32019", ""}},
		"b2-debit-repairs":          {{debit, "ok", ""}, {active, "ok", `"status":"activated"`}, {license, "ok", `"localQuota":9`}},
		"b3-quota-runs-out":         {{auth, "ok", ""}, {active, "ok", ""}, {closing, "ok", ""}, {active, "ok", ""}, {license, "ok", `"localQuota":0`}, {closing, "ok", ""}, {active, "-32019", ""}},
		"b4-limit-without-sessions": {{auth, "ok", ""}, {sessions, "ok", `"result":[]`}, {active, "-32019", ""}},
		"b5-open-needs-no-quota":    {{auth, "ok", ""}, {open, "ok", `"status":"opened"`}, {sub("sys"), "ok", `"failure":[]`}, {activate, "-32019", ""}},
		"b6-debit-refused":          {{`authorize {` + client + `,"debit":100}`, "ok", ""}, {license, "ok", `"localQuota":0`}, {active, "-32019", ""}},
		"b7-license-not-for-app": {
			{`authorize {` + client + `,"license":"11111111-2222-3333-4444-555555555555"}`, "-32027", "The application does not have permission to use the license."}, {auth, "ok", ""},
		},
		"b8-eeg-app-without-license": {
			{`requestAccess {"clientId":"app-eeg","clientSecret":"s"}`, "ok", `"accessGranted":true`}, {`authorize {"clientId":"app-eeg","clientSecret":"s"}`, "-32002", "Invalid License Key."},
			{auth, "ok", ""},
		},
		"b9-error-without-result": {{auth, "-32002", `{"error":{"code":-32002,"message":"Invalid License Key."},"id":1,"jsonrpc":"2.0"}`}},
		"b10-basic-license":       {{auth, "ok", ""}, {license, "ok", `"scopes":[""]`}, {open, "ok", ""}, {sub("eeg"), "ok", `"code":-32016`}},
		"b11-log-says-why":        {{auth, "ok", ""}, {active, "-32019", ""}},

		"c1-discovered-not-connected": {{auth, "ok", ""}, {list, "ok", `"status":"discovered"`}, {`createSession {"cortexToken":"$token","status":"open","headset":"` + h + `"}`, "-32004", ""}, {connect, "ok", ""}, {"2s", "104", ""}, {open, "ok", ""}},
		"c2-nothing-before-refresh":   {{list, "ok", `"result":[]`}, {"1h", "", ""}, {list, "ok", `"result":[]`}, {refresh, "ok", ""}, {"19s", "", ""}, {list, "ok", `"status":"discovered"`}, {"1s", "142", `"behavior"`}},
		"c2-found-by-itself":          {{list, "ok", `"status":"discovered"`}},
		"c3-scan-ends-with-nothing":   {{refresh, "ok", ""}, {"20s", "142", ""}, {"10s", "", ""}, {list, "ok", `"result":[]`}, {refresh, "ok", ""}, {"20s", "142", ""}, {list, "ok", h}},
		"c4-no-headset":               {{list, "ok", `"result":[]`}, {refresh, "ok", ""}, {"1m", "142", ""}, {list, "ok", `"result":[]`}},
		"c5-appears-silently":         {{refresh, "ok", ""}, {list, "ok", `"result":[]`}, {"19s", "", ""}, {"1s", "142", ""}, {list, "ok", h}},
		"c6-switched-off":             {{auth, "ok", ""}, {active, "ok", ""}, {sub("sys"), "ok", ""}, {"5s", "", ""}, {list, "ok", `"status":"connecting"`}, {"29s", "", ""}, {"1s", "103 0 1", ""}, {list, "ok", `"result":[]`}},
		"c7-off-and-back":             {{auth, "ok", ""}, {active, "ok", ""}, {sub("sys"), "ok", ""}, {"6s", "", ""}, {list, "ok", `"status":"connecting"`}, {"10s", "", ""}, {list, "ok", `"status":"connected"`}, {sessions, "ok", `"streams":["sys"]`}},
		"c8-connect-fails":            {{connect, "ok", ""}, {"1m", "102", `"headsetId":"` + h}, {list, "ok", `"status":"discovered"`}},
		"c9-stuck-connecting":         {{auth, "ok", ""}, {connect, "ok", ""}, {"1h", "", ""}, {list, "ok", `"status":"connecting"`}, {`createSession {"cortexToken":"$token","status":"open","headset":"` + h + `"}`, "-32004", ""}},
		"c10-connected-by-another":    {{list, "ok", `"status":"discovered"`}, {"3s", "104", h}, {list, "ok", `"status":"connected"`}},
		"c11-two-headsets": {
			{list, "ok", ""}, {auth, "ok", ""}, {open, "ok", `"id":"EPOCFLEX-F0000001"`}, {`createSession {"cortexToken":"$token","status":"active","headset":"EPOCFLEX-F0000002"}`, "ok", `"id":"EPOCFLEX-F0000002"`},
			{sub("eeg"), "ok", `"C3"`},
		},
		"c12-flex-without-mapping": {
			{`controlDevice {"command":"connect","headset":"EPOCFLEX-F0000001"}`, "ok", ""}, {"20s", "100", ""},
			{`controlDevice {"command":"connect","headset":"EPOCFLEX-F0000001","mappings":{"CMS":"TP10","DRL":"TP9","LA":"O1"}}`, "ok", ""}, {"20s", "104", ""}, {list, "ok", `"sensors":["O1"]`},
		},

		"d1-session-dies-with-connection": {{auth, "ok", ""}, {open, "ok", ""}, {"leave", "", ""}, {sessions, "ok", `"result":[]`}, {activate, "-32007", "The session does not exist."}},
		"d2-auto-close":                   {{auth, "ok", ""}, {open, "ok", ""}, {sub("sys"), "ok", ""}, {"35s", "103 0 1", ""}, {sub("sys"), "-32007", ""}},
		"d3-two-tokens":                   {{auth, "ok", ""}, {open, "ok", ""}, {"1s", "", ""}, {"connect", "", ""}, {auth, "ok", ""}, {sessions, "ok", `"status":"opened"`}},

		"f1-seconds-and-milliseconds": {{auth, "ok", ""}, {active, "ok", ""}, {sub("mot"), "ok", ""}, {"16ms", "mot", `"time":1767268800.0156}`}},
		"f2-two-clocks": {
			{`syncWithHeadsetClock {"headset":"` + h + `","monotonicTime":1767268800,"systemTime":1767268800}`, "ok", `"adjustment":0.25,`},
			{auth, "ok", ""}, {active, "ok", ""}, {sub("mot"), "ok", ""}, {"16ms", "mot", `"time":1767268800.2656}`},
		},
		"f4-sync-fails": {{`syncWithHeadsetClock {"headset":"` + h + `","monotonicTime":1,"systemTime":1}`, "-32004", ""}},

		"k1-warning-between-samples": {{auth, "ok", ""}, {open, "ok", ""}, {sub("com"), "ok", ""}, {"1s", "com com com com com com com 19 com", ""}},
		"k2-slow-subscribe":          {{auth, "ok", ""}, {open, "ok", ""}, {sub("dev"), "", ""}, {"1999ms", "", ""}, {"1ms", "ok", ""}, {"500ms", "dev", ""}},
		"k2-samples-before-answer":   {{auth, "ok", ""}, {open, "ok", ""}, {sub("dev"), "", ""}, {"1s", "dev dev ok", ""}},
		"k3-answers-at-once":         {{auth, "ok", ""}, {open, "ok", ""}},
		"k4-text-or-object":          {{auth, "ok", ""}, {open, "ok", ""}, {sub("sys"), "ok", ""}, {"10s", "103 0 1", `"sessionId"`}},
		"k5-warning-0-alone":         {{auth, "ok", ""}, {open, "ok", ""}, {sub("sys"), "ok", ""}, {"5s", "0", ""}},
		"k5-warning-1-alone":         {{auth, "ok", ""}, {open, "ok", ""}, {sub("sys"), "ok", ""}, {"5s", "1", ""}},
		"k6-any-error":               {{auth, "ok", ""}, {open, "-32000", ""}, {sessions, "ok", ""}},
		"k7-connecting-for-three-polls": {
			{connect, "ok", ""}, {"1h", "", ""}, {list, "ok", `"status":"connecting"`}, {list, "ok", `"status":"connecting"`}, {list, "ok 104", ""}, {list, "ok", `"status":"connected"`},
		},
		"k8-marker-after-stop": {
			{auth, "ok", ""}, {active, "ok", ""}, {`createRecord {"cortexToken":"$token","session":"$session","title":"t"}`, "ok", ""}, {"1s", "", ""},
			{`stopRecord {"cortexToken":"$token","session":"$session"}`, "ok", ""}, {`injectMarker {"cortexToken":"$token","session":"$session","time":1767268800500,"value":1,"label":"l"}`, "-32011", ""},
		},

		"m1-no-launcher": {{"getUserLogin", "ok", `"currentOSUId":"1001"`}, {ask, "ok", `"accessGranted":true`}, {auth, "ok", ""}},

		"n1-negative-quota":    {{auth, "ok", ""}, {license, "ok", `"localQuota":-1474834899`}, {active, "-32019", ""}},
		"n2-device-limit":      {{auth, "-32022", "Device limit on this license has been reached."}},
		"n3-license-expired":   {{auth, "ok 26", ""}, {active, "ok", ""}, {"60s", "", ""}, {auth, "-32024", ""}, {sessions, "ok", `"status":"activated"`}},
		"n4-nobody-logged-in":  {{"getUserLogin", "ok", `"result":[]`}, {auth, "-32033", ""}},
		"n5-other-os-user":     {{"getUserLogin", "ok", `"loggedInOSUId":"1002"`}, {auth, "-32033", ""}},
		"n6-eula-pending":      {{auth, "ok", `"warning":{"code":6,`}, {"20s", "17", ""}, {auth, "ok", ""}},
		"n7-flaky-dongle":      {{list, "ok", `"status":"connected"`}, {auth, "ok", ""}, {open, "-32004", ""}, {connect, "-32004", ""}, {"15s", "", ""}, {open, "ok", ""}},
		"n8-empty-sensors":     {{list, "ok", `"sensors":[]`}},
		"n9-virtual-off":       {{auth, "ok", ""}, {active, "ok", ""}, {sub("sys"), "ok", ""}, {"1h", "0 1", ""}},
		"n11-user-switch":      {{auth, "ok", ""}, {"5s", "3 2", ""}, {sessions, "-32034", ""}, {auth, "ok", ""}, {sessions, "ok", ""}},
		"n12-token-refreshing": {{auth, "ok", ""}, {renew, "-32130", ""}, {"3s", "", ""}, {renew, "ok", ""}},
		"n13-no-internet":      {{auth, "-32003", ""}, {"30s", "", ""}, {auth, "ok", ""}},
		"n14-bluetooth-denied": {{list, "ok", `"attention":{"code":31,`}, {refresh, "ok", ""}, {"19s", "", ""}, {list, "ok", `"result":[]`}, {"1s", "142", ""}, {list, "ok", `"id":"EPOCX-0A1B2C3D"`}},
		"n15-disk-critical":    {{auth, "ok", ""}, {open, "ok", ""}, {sub("sys"), "ok", ""}, {"5s", "19", ""}, {"10s", "20 0 1", ""}, {connect, "-32004", ""}},
		"n16-motion-disabled":  {{auth, "ok", ""}, {open, "ok", ""}, {sub("mot"), "ok", `"failure":[{"code":-32016,`}},
		"n17-buidate":          {{"getCortexInfo", "ok", `"buidDate"`}},
		"n18-connected-unasked": {
			{"5s", "104", "EPOCX-0A1B2C3D"}, {list, "ok", ""}, {"10s", "", ""}, {list, "ok", `"status":"discovered"`},
		},
		"n20-headset-not-ready": {{auth, "ok", ""}, {connect, "ok", ""}, {"1500ms", "104", ""}, {open, "-32152", ""}, {"2s", "", ""}, {open, "ok", ""}},
		"n22-usb-cable":         {{auth, "ok", ""}, {open, "-32004", ""}, {`updateHeadset {"cortexToken":"$token","headset":"` + h + `","setting":{"mode":"EPOC","eegRate":128,"memsRate":0}}`, "ok", ""}, {"1s", "110", ""}, {"20s", "", ""}, {open, "ok", ""}},
	}
	// What has no step to show here is held elsewhere.
	elsewhere := map[string]string{
		"f3-late-delivery": "its transcript in testdata/library", "j1-certificate": "TestReadyLine and the scripts of cmd/fakecortex",
		"j2-unknown-ca": "package gateway", "j3-plain-ws": "package gateway", "j4-old-tls": "package gateway", "l1-closed-in-mid-session": "TestRestart",
		"l2-not-up-yet": "TestRefusedHandshakes", "l3-connected-no-answers": "TestL3ConnectedNoAnswers", "m2-headless": "package gateway",
		"n10-zombie-connection": "TestN10ZombieConnection", "n19-service-starting": "its transcript", "n21-profile-of-another": "TestScenariosOfProfiles",
		"n23-bad-network": "TestFaultsOnTheWire", "n24-fragments": "package gateway",
	}
	for _, name := range scenarios.Builtins() {
		steps, ok := played[name]
		if !ok {
			if strings.Contains("abcdfjklmn", name[:1]) && strings.Contains("0123456789", name[1:2]) {
				require.Contains(t, elsewhere, name, "a scenario that nobody plays")
			}
			continue
		}
		t.Run(name, func(t *testing.T) {
			e, err := emulator.Start(emulator.Options{Clock: "manual", Scenario: name})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, e.Close()) })
			p := &player{peer: dialMemory(t, e), e: e, vars: map[string]string{}}
			require.Empty(t, p.play("0s"), "the service knows the connection from here on")
			for i, s := range steps {
				got := p.play(s.do)
				require.Equal(t, strings.Fields(s.want), got, "step %d: %s\n%s", i, s.do, strings.Join(p.got, "\n"))
				if s.has != "" {
					require.Contains(t, p.got[len(p.got)-1], s.has, "step %d: %s", i, s.do)
				}
			}
		})
		delete(played, name)
	}
	require.Empty(t, played, "scenarios that are not there")
}

// TestL3ConnectedNoAnswers: the handshake succeeds, no call is answered, pings
// are (community-sdk #364).
func TestL3ConnectedNoAnswers(t *testing.T) {
	e, err := emulator.Start(emulator.Options{Clock: "manual", Scenario: "l3-connected-no-answers"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	p := dialMemory(t, e)
	frames := make(chan string, 10)
	go func() {
		for {
			_, data, err := p.conn.Read(p.ctx)
			if err != nil {
				close(frames)
				return
			}
			frames <- string(data)
		}
	}()
	p.write(`{"id":1,"jsonrpc":"2.0","method":"getCortexInfo"}`)
	require.NoError(t, p.conn.Ping(p.ctx))
	require.NoError(t, e.Advance(time.Hour))
	require.NoError(t, p.conn.Ping(p.ctx), "a pong comes behind whatever was sent")
	require.Empty(t, frames)
}

// TestN10ZombieConnection: the first connection gets warning 11 and no answer,
// the second one works (cortex-example #82).
func TestN10ZombieConnection(t *testing.T) {
	e, err := emulator.Start(emulator.Options{Clock: "manual", Scenario: "n10-zombie-connection"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	first := dialMemory(t, e)
	require.NoError(t, e.Advance(0))
	require.Equal(t, 11, first.warning())
	first.write(`{"id":1,"jsonrpc":"2.0","method":"getCortexInfo"}`)
	second := &player{peer: dialMemory(t, e), e: e, vars: map[string]string{}}
	require.Equal(t, []string{"ok"}, second.play("queryHeadsets"))
	require.NoError(t, e.Act(`zombie: {connection: 2, code: 12}`))
	require.Equal(t, 12, second.warning(), "its sister, for a name that cannot be detected")
}
