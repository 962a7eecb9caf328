package emulator_test

import (
	"encoding/json"
	"errors"
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

// deed is an action and what comes of it.
type deed struct {
	world  string   // of the scenario, behind the default one
	before []string // what the client does first, as player.play knows it
	do     string   // the action
	after  string   // how long it takes, "" for at once
	words  string   // what the client gets unasked meanwhile, samples left out
	ask    string   // what it asks then
	answer string   // ok, or the code of the error
	then   string   // how long what follows from that takes
	has    string   // in one of the frames since the action
	state  string   // in the state of the world, as JSON
	truth  string   // kind of what was put into the signal
}

const (
	theHeadset  = "EPOCPLUS-3B9A0001"
	authorizing = `authorize {"clientId":"app-basic","clientSecret":"s","debit":1}`
	activating  = `createSession {"cortexToken":"$token","status":"active"}`
	ownSession  = `"cortexToken":"$token","session":"$session"`
	querying    = `queryHeadsets`
	connecting  = `controlDevice {"command":"connect","headset":"` + theHeadset + `"}`
	loading     = `setupProfile {"cortexToken":"$token","headset":"` + theHeadset + `","profile":"demo","status":"load"}`
	discovered  = `world: {headsets: [{id: ` + theHeadset + `, status: discovered}]}`
)

func subscribing(stream string) string {
	return `subscribe {` + ownSession + `,"streams":["` + stream + `"]}`
}

// deeds has what every action comes to.
func deeds() map[string]deed {
	session := []string{authorizing, activating}
	streaming := func(stream string) []string { return append(session, subscribing(stream)) }
	return map[string]deed{
		"headsetOff":        {before: streaming("mot"), do: `headsetOff`, after: "31s", words: "103 0 1", ask: querying, answer: "ok", has: `"result":[]`},
		"headsetOn":         {world: `world: {headsets: [{id: ` + theHeadset + `, status: "off"}], discovery: auto}`, do: `headsetOn`, after: "3s", ask: querying, answer: "ok", has: `"status":"discovered"`},
		"headsetOutOfRange": {before: streaming("mot"), do: `headsetOutOfRange`, after: "5s", ask: querying, answer: "ok", has: `"status":"connecting"`},
		"headsetBack":       {world: `timeline: [{at: 1s, do: headsetOutOfRange}]`, before: append(streaming("mot"), "5s"), do: `headsetBack`, after: "1s", ask: querying, answer: "ok", has: `"mot":[`},
		"addHeadset":        {do: `addHeadset: {id: INSIGHT-00000002, status: discovered}`, ask: querying, answer: "ok", has: `"id":"INSIGHT-00000002"`},
		"removeHeadset":     {before: streaming("mot"), do: `removeHeadset`, words: "0 1", ask: querying, answer: "ok", has: `"result":[]`},
		"otherConnects":     {world: discovered, do: `otherConnects`, after: "2s", words: "104", ask: querying, answer: "ok", has: `"status":"connected"`},
		"otherDisconnects":  {before: append(streaming("mot"), loading), do: `otherDisconnects`, words: "0 1 15", ask: querying, answer: "ok", has: `"status":"discovered"`},
		"otherTakesHeadset": {before: streaming("mot"), do: `otherTakesHeadset`, after: "31s", words: "103 0 1", ask: querying, answer: "ok", has: `"result":[]`},
		"usbCable":          {do: `usbCable: true`, before: []string{authorizing}, ask: activating, answer: "-32004", state: `"connectedBy":"usb cable"`},
		"connectOutcome":    {world: discovered, do: `connectOutcome: {outcome: wrong, delay: 2s}`, ask: connecting, answer: "ok"},

		"battery":        {before: streaming("dev"), do: `battery: {percent: 40}`, after: "1s", has: `"dev":[2,`},
		"contact":        {before: streaming("dev"), do: `contact: {sensors: [AF3], quality: 0}`, after: "1s", has: `,[0,4,4,4,`, truth: "contact"},
		"signalStrength": {before: streaming("dev"), do: `signalStrength: 0`, after: "1s", has: `"dev":[3,0.0,`, state: `"signalStrength":0,`},
		"packetLoss":     {before: streaming("mot"), do: `packetLoss: {share: 1, burst: 1000}`, after: "1s", state: `"loss":{"probability":1,"burst":1000,`},
		"headsetClock":   {before: streaming("dev"), do: `headsetClock: {offset: 1h}`, after: "1s", has: `"time":17672724`},

		"signal":        {do: `signal: {state: {eyes: closed}}`, state: `"eyes":"closed"`},
		"blink":         {do: `blink`, after: "1s", truth: "blink"},
		"wink":          {do: `wink: left`, after: "1s", truth: "wink"},
		"look":          {do: `look: right`, after: "1s", truth: "look"},
		"face":          {do: `face: smile`, after: "100ms", truth: "expression"},
		"clench":        {do: `clench`, after: "100ms", truth: "expression"},
		"eyes":          {do: `eyes: closed`, state: `"eyes":"closed"`, truth: "eyes"},
		"mind":          {do: `mind: {stress: 0.9}`, state: `"stress":0.9`},
		"relax":         {do: `relax: {for: 5s}`, state: `"relaxation":`, truth: "eyes"},
		"mentalCommand": {before: streaming("com"), do: `mentalCommand: {action: push, forced: true}`, after: "2s", has: `"com":["push",`, truth: "command"},
		"head":          {do: `head: {yaw: 30, movement: nod}`, state: `"movement":"nod"`},
		"stimulus":      {do: `stimulus: {frequency: 10}`, after: "1s", truth: "ssvep"},
		"marker":        {before: streaming("eeg"), do: `marker: 7`, after: "1s", has: `,0.0,7,[]]`},

		"approve":        {world: `world: {anyApplication: false, applications: [{clientId: app-basic, status: pending}]}`, before: []string{`requestAccess {"clientId":"app-basic","clientSecret":"s"}`}, do: `approve: app-basic`, words: "9", ask: authorizing, answer: "ok"},
		"decline":        {world: `world: {anyApplication: false, applications: [{clientId: app-basic, status: pending}]}`, before: []string{`requestAccess {"clientId":"app-basic","clientSecret":"s"}`}, do: `decline: app-basic`, words: "10", ask: authorizing, answer: "-32102"},
		"needsAuthorize": {before: session, do: `needsAuthorize: app-basic`, ask: `querySessions {"cortexToken":"$token"}`, answer: "-32170"},
		"logOut":         {before: session, do: `logOut`, words: "3 1", ask: authorizing, answer: "-32033", state: `"login":""`},
		"logIn":          {world: `world: {users: [{username: demo.user}, {username: bob}]}`, before: session, do: `logIn: bob`, words: "3 1 2", ask: `querySessions {"cortexToken":"$token"}`, answer: "-32034", state: `"login":"bob"`},
		"acceptEula":     {world: `world: {users: [{username: demo.user, eulaAccepted: false}]}`, do: `acceptEula`, words: "17", state: `"eulaAccepted":true`},
		"licenseExpires": {before: []string{authorizing}, do: `licenseExpires`, ask: authorizing, answer: "-32024"},
		"licenseScopes":  {before: session, do: `licenseScopes: [pm]`, ask: subscribing("eeg"), answer: "ok", has: `"code":-32016`},
		"quota":          {before: []string{authorizing}, do: `quota: 0`, ask: activating, answer: "-32019"},
		"cloud":          {do: `cloud: offline`, ask: `authorize {"clientId":"app-basic","clientSecret":"s"}`, answer: "-32003", state: `"cloud":"offline"`},
		"expireTokens":   {before: session, do: `expireTokens`, ask: `querySessions {"cortexToken":"$token"}`, answer: "-32015"},

		"otherLoadsProfile":   {before: session, do: `otherLoadsProfile: demo`, words: "13", ask: `getCurrentProfile {"cortexToken":"$token","headset":"` + theHeadset + `"}`, answer: "ok", has: `"loadedByThisApp":false,"name":"demo"`},
		"otherUnloadsProfile": {world: `world: {profiles: [{name: demo, loadedOn: ` + theHeadset + `}]}`, before: session, do: `otherUnloadsProfile`, words: "14", ask: `getCurrentProfile {"cortexToken":"$token","headset":"` + theHeadset + `"}`, answer: "ok", has: `"name":null`},
		"trainingResult": {
			before: append(streaming("sys"), loading), do: `trainingResult: fail`,
			ask: `training {` + ownSession + `,"detection":"mentalCommand","action":"push","status":"start"}`, answer: "ok", then: "15s", has: `"MC_Failed"`,
		},
		"closeSessions": {before: streaming("mot"), do: `closeSessions`, words: "0 1", ask: `querySessions {"cortexToken":"$token"}`, answer: "ok", has: `"result":[]`},
		"stopRecords":   {before: append(session, `createRecord {`+ownSession+`,"title":"t"}`, "1s"), do: `stopRecords`, after: "2s", words: "30", ask: `stopRecord {` + ownSession + `}`, answer: "-32011"},

		"disk":         {do: `disk: low`, words: "19", state: `"disk":"low"`},
		"bluetooth":    {do: `bluetooth: false`, ask: querying, answer: "ok", has: `31`, state: `"bluetooth":false`},
		"serviceReady": {world: `world: {service: starting, timings: {serviceReady: 1h}}`, do: `serviceReady`, words: "23", state: `"service":"ready"`},
		"zombie":       {do: `zombie`, words: "11"},
		"warning":      {do: `warning: {code: 19, message: little room}`, words: "19", has: `"message":"little room"`},
		"send":         {do: `send: {frame: {hello: world}}`, has: `{"hello":"world"}`},
		"cut":          {do: `cut: {code: 4000, reason: enough}`, words: "closed 4000 enough"},
		"restart":      {do: `restart: 5s`, words: "closed 1001 the service restarts"},
		"fault":        {do: `fault: {on: {method: getUserLogin}, error: -32003}`, ask: `getUserLogin`, answer: "-32003"},
		"clearFault":   {world: `faults: [{on: {method: getUserLogin}, error: -32003}]`, do: `clearFault`, ask: `getUserLogin`, answer: "ok"},
		"note":         {do: `note: "so far, so good"`},
	}
}

// TestEveryActionReachesTheClient does each action and looks at what comes of it,
// on the wire where there is something to see.
func TestEveryActionReachesTheClient(t *testing.T) {
	all := deeds()
	for _, a := range scenarios.Actions() {
		t.Run(a.Name, func(t *testing.T) {
			d, ok := all[a.Name]
			require.True(t, ok, "no test does it")
			require.True(t, strings.HasPrefix(d.do, a.Name))
			require.NotEmpty(t, d.words+d.answer+d.has+d.state+d.truth+map[bool]string{true: "journal"}[a.Name == scenarios.DoNote])
			e := startWith(t, d.world)
			p := &player{peer: dialMemory(t, e), e: e, vars: map[string]string{}}
			require.Eventually(t, func() bool { return len(e.State().Connections) == 1 }, time.Minute, time.Millisecond)
			for _, step := range d.before {
				for _, word := range p.play(step) {
					require.NotRegexp(t, `^-`, word, "%s: %s", step, p.got)
				}
			}
			require.NoError(t, e.Act(d.do))
			if a.Name == scenarios.DoZombie || strings.HasPrefix(d.words, "closed") {
				assert.Equal(t, d.words, p.ending())
				return
			}
			after := d.after
			if after == "" {
				after = "0s"
			}
			words, frames := p.play(after), p.got
			assert.Equal(t, d.words, strings.Join(unasked(words), " "), frames)
			if d.ask != "" {
				words = p.play(d.ask)
				frames = append(frames, p.got...)
				assert.Contains(t, words, d.answer, p.got)
				if d.then != "" {
					p.play(d.then)
					frames = append(frames, p.got...)
				}
			}
			assert.Contains(t, strings.Join(frames, "\n"), d.has)
			state, err := json.Marshal(e.State())
			require.NoError(t, err)
			assert.Contains(t, string(state), d.state)
			var kinds []string
			for _, truth := range e.Truth() {
				kinds = append(kinds, truth.Kind)
			}
			if d.truth != "" {
				assert.Contains(t, kinds, d.truth)
			}
			kind := string(scenarios.EntryAction)
			if a.Name == scenarios.DoNote {
				kind = string(scenarios.EntryNote)
			}
			assert.Len(t, e.Journal(emulator.JournalQuery{Kinds: []string{kind}, Text: "by hand"}).Entries, 1, "the journal has it")
		})
	}
}

// unasked leaves samples, and answers to what the client has asked before, out.
func unasked(words []string) []string {
	var out []string
	for _, w := range words {
		if strings.Trim(w, "0123456789") == "" {
			out = append(out, w)
		}
	}
	return out
}

// ending reads to the end of the connection, or to the first frame, and says
// what it was.
func (p *player) ending() string {
	_, data, err := p.conn.Read(p.ctx)
	if err != nil {
		return closeWords(err)
	}
	word, _ := p.take(string(data))
	return word
}

// closeWords are the code and the reason of a close frame.
func closeWords(err error) string {
	var ce websocket.CloseError
	if errors.As(err, &ce) {
		return fmt.Sprintf("closed %d %s", ce.Code, ce.Reason)
	}
	return err.Error()
}
