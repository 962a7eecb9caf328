package emulator_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/scenarios"
)

// misuse is what a client does wrong against the real service.
type misuse struct {
	scenario string // behind the default one
	play     func(e *emulator.Emulator, p *peer)
}

// ask sends a request and leaves whatever comes unread until the answer.
func (p *peer) ask(method, params string) {
	p.t.Helper()
	p.id++
	p.write(fmt.Sprintf(`{"id":%d,"jsonrpc":"2.0","method":%q,"params":%s}`, p.id, method, params))
	p.until(p.id)
}

// until reads up to the answer with an id.
func (p *peer) until(id int) {
	p.t.Helper()
	want := fmt.Sprintf(`"id":%d,`, id)
	for {
		if text := p.read(); strings.Contains(text, want) {
			return
		}
	}
}

// misuses has one for every rule of the linter.
func misuses() map[string]misuse {
	session := func(p *peer, streams string) (token, id string) {
		token = p.authorize()
		id = p.call("createSession", map[string]any{"cortexToken": token, "status": "active"})["id"].(string)
		if streams != "" {
			p.ask("subscribe", fmt.Sprintf(`{"cortexToken":%q,"session":%q,"streams":[%s]}`, token, id, streams))
		}
		return token, id
	}
	closed := func(p *peer, token, id string) {
		p.ask("updateSession", fmt.Sprintf(`{"cortexToken":%q,"session":%q,"status":"close"}`, token, id))
	}
	return map[string]misuse{
		"other-application-token": {"", func(e *emulator.Emulator, p *peer) {
			token := p.authorize()
			p.ask("generateNewToken", fmt.Sprintf(`{"cortexToken":%q,"clientId":"another-app","clientSecret":"s"}`, token))
		}},
		"session-before-connected": {`world: {headsets: [{id: EPOCX-00000001, status: discovered}]}`, func(e *emulator.Emulator, p *peer) {
			p.ask("createSession", fmt.Sprintf(`{"cortexToken":%q,"headset":"EPOCX-00000001","status":"open"}`, p.authorize()))
		}},
		"subscribe-without-session": {"", func(e *emulator.Emulator, p *peer) {
			p.ask("subscribe", fmt.Sprintf(`{"cortexToken":%q,"session":"x","streams":["mot"]}`, p.authorize()))
		}},
		"subscribe-failure-ignored": {"", func(e *emulator.Emulator, p *peer) {
			token, id := session(p, `"nothing"`)
			p.ask("subscribe", fmt.Sprintf(`{"cortexToken":%q,"session":%q,"streams":["nothing"]}`, token, id))
			closed(p, token, id)
		}},
		"session-not-closed": {"", func(e *emulator.Emulator, p *peer) { session(p, `"mot"`) }},
		"same-id-in-flight": {`faults: [{on: {kind: request, method: getUserLogin}, latency: 1s}]`, func(e *emulator.Emulator, p *peer) {
			p.write(`{"id":5,"jsonrpc":"2.0","method":"getUserLogin"}`)
			p.write(`{"id":5,"jsonrpc":"2.0","method":"getCortexInfo"}`)
			p.until(5)
			require.NoError(p.t, e.Advance(time.Second))
			p.until(5)
		}},
		"call-without-token": {"", func(e *emulator.Emulator, p *peer) { p.ask("createSession", `{"status":"open"}`) }},
		"unknown-parameter":  {"", func(e *emulator.Emulator, p *peer) { p.ask("queryHeadsets", `{"headset":"EPOC-*"}`) }},
		"polling-too-fast": {"", func(e *emulator.Emulator, p *peer) {
			for range 12 {
				p.ask("queryHeadsets", `{}`)
				require.NoError(p.t, e.Advance(100*time.Millisecond))
			}
		}},
		"refresh-while-streaming": {"", func(e *emulator.Emulator, p *peer) {
			token, id := session(p, `"mot"`)
			p.ask("controlDevice", `{"command":"refresh"}`)
			closed(p, token, id)
		}},
		"export-too-early": {"", func(e *emulator.Emulator, p *peer) {
			token, id := session(p, "")
			record := p.call("createRecord", map[string]any{"cortexToken": token, "session": id, "title": "t"})["record"].(map[string]any)["uuid"].(string)
			require.NoError(p.t, e.Advance(time.Second))
			p.ask("stopRecord", fmt.Sprintf(`{"cortexToken":%q,"session":%q}`, token, id))
			p.ask("exportRecord", fmt.Sprintf(`{"cortexToken":%q,"folder":%q,"format":"CSV","version":"V2","streamTypes":["EEG"],"recordIds":[%q]}`, token, p.t.TempDir(), record))
			closed(p, token, id)
		}},
		"training-not-answered": {"", func(e *emulator.Emulator, p *peer) {
			token, id := session(p, `"sys"`)
			p.ask("setupProfile", fmt.Sprintf(`{"cortexToken":%q,"headset":"EPOCPLUS-3B9A0001","profile":"demo","status":"load"}`, token))
			p.ask("training", fmt.Sprintf(`{"cortexToken":%q,"session":%q,"detection":"mentalCommand","action":"push","status":"start"}`, token, id))
			require.NoError(p.t, e.Advance(20*time.Second))
			closed(p, token, id)
		}},
		"training-without-sys": {"", func(e *emulator.Emulator, p *peer) {
			token, id := session(p, "")
			p.ask("training", fmt.Sprintf(`{"cortexToken":%q,"session":%q,"detection":"mentalCommand","action":"neutral","status":"start"}`, token, id))
			closed(p, token, id)
		}},
		"no-debit": {`timeline: [{at: 0s, do: {quota: 0}}]`, func(e *emulator.Emulator, p *peer) {
			require.NoError(p.t, e.Advance(time.Millisecond))
			p.ask("createSession", fmt.Sprintf(`{"cortexToken":%q,"status":"active"}`, p.authorize()))
		}},
		"marker-in-seconds": {"", func(e *emulator.Emulator, p *peer) {
			token, id := session(p, "")
			p.ask("createRecord", fmt.Sprintf(`{"cortexToken":%q,"session":%q,"title":"t"}`, token, id))
			p.ask("injectMarker", fmt.Sprintf(`{"cortexToken":%q,"session":%q,"time":1767268800,"value":1,"label":"x"}`, token, id))
			closed(p, token, id)
		}},
		"dead-session": {`timeline: [{at: 1s, do: headsetOff}]`, func(e *emulator.Emulator, p *peer) {
			token, id := session(p, `"mot"`)
			require.NoError(p.t, e.Advance(time.Minute))
			p.ask("subscribe", fmt.Sprintf(`{"cortexToken":%q,"session":%q,"streams":["mot"]}`, token, id))
		}},
		"not-reauthorized": {`timeline: [{at: 1s, do: needsAuthorize}]`, func(e *emulator.Emulator, p *peer) {
			token := p.authorize()
			require.NoError(p.t, e.Advance(2*time.Second))
			for range 3 {
				p.ask("querySessions", fmt.Sprintf(`{"cortexToken":%q}`, token))
			}
		}},
		"slow-reader": {`world: {limits: {outbox: 65536}}`, func(e *emulator.Emulator, p *peer) {
			session(p, `"eeg","mot"`)
			require.NoError(p.t, e.SetClock("x1000")) // no clock but the manual one waits for a client
			require.Eventually(p.t, func() bool { return len(e.State().Connections) == 0 }, time.Minute, 10*time.Millisecond)
			require.NoError(p.t, e.SetClock("manual"))
		}},
		"repeated-error": {"", func(e *emulator.Emulator, p *peer) {
			token := p.authorize()
			for range 10 {
				p.ask("updateSession", fmt.Sprintf(`{"cortexToken":%q,"session":"x","status":"close"}`, token))
			}
		}},
	}
}

// TestLinterFindsMisuseOfTheRealService plays each misuse, and the right way,
// against the service itself: the linter must find the one it is about, and in
// the right way nothing.
func TestLinterFindsMisuseOfTheRealService(t *testing.T) {
	rules := map[string]bool{}
	for name := range misuses() {
		rules[name] = true
	}
	for _, rule := range scenarios.LintRules() {
		require.True(t, rules[rule.Name], "no client makes the mistake of rule %s", rule.Name)
		t.Run(rule.Name, func(t *testing.T) {
			m := misuses()[rule.Name]
			emu := startWith(t, m.scenario)
			p := dialMemory(t, emu)
			m.play(emu, p)
			_ = p.conn.Close(websocket.StatusNormalClosure, "")
			require.Eventually(t, func() bool { return len(emu.State().Connections) == 0 }, time.Minute, 10*time.Millisecond)
			var found []string
			for _, f := range emu.Verdict(true).Findings {
				found = append(found, f.Rule)
			}
			assert.Contains(t, found, rule.Name)
		})
	}
	t.Run("right", func(t *testing.T) {
		emu := startWith(t, "")
		p := dialMemory(t, emu)
		p.ask("getUserLogin", "{}")
		p.ask("requestAccess", `{"clientId":"app-basic","clientSecret":"secret"}`)
		token := p.authorize()
		p.ask("queryHeadsets", `{"id":"EPOC*"}`)
		id := p.call("createSession", map[string]any{"cortexToken": token, "status": "active"})["id"].(string)
		p.ask("subscribe", fmt.Sprintf(`{"cortexToken":%q,"session":%q,"streams":["mot","sys"]}`, token, id))
		require.NoError(t, emu.Advance(2*time.Second))
		p.ask("unsubscribe", fmt.Sprintf(`{"cortexToken":%q,"session":%q,"streams":["mot"]}`, token, id))
		p.ask("updateSession", fmt.Sprintf(`{"cortexToken":%q,"session":%q,"status":"close"}`, token, id))
		_ = p.conn.Close(websocket.StatusNormalClosure, "")
		require.Eventually(t, func() bool { return len(emu.State().Connections) == 0 }, time.Minute, 10*time.Millisecond)
		assert.Empty(t, emu.Verdict(true).Findings)
	})
}
