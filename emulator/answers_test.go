package emulator_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAnyAnswerCanStandElsewhere takes each method by itself: its answer is late
// while others are answered (cortex-example #43), a sample stands before it
// (cortex-example #71), or a warning does (cortex-example #36), or it is an error
// for a while. Once the fault is gone the answer comes at once.
func TestAnyAnswerCanStandElsewhere(t *testing.T) {
	e := startWith(t, `world: {virtualHeadsetMethods: true}`)
	p := &player{peer: dialMemory(t, e), e: e, vars: map[string]string{}}
	for _, step := range []string{
		`authorize {"clientId":"app-basic","clientSecret":"s"}`, `createSession {"cortexToken":"$token","status":"active"}`,
		`subscribe {"cortexToken":"$token","session":"$session","streams":["dev"]}`,
	} {
		require.Equal(t, []string{"ok"}, p.play(step))
	}
	require.Equal(t, []string{"ok"}, p.play("inspectApi"))
	var list struct {
		Result []struct{ MethodName string }
	}
	require.NoError(t, json.Unmarshal([]byte(p.got[0]), &list))
	require.Greater(t, len(list.Result), 55, "with those for virtual headsets")
	for _, m := range list.Result {
		method := m.MethodName
		t.Run(method, func(t *testing.T) {
			p.t = t
			p.sync = "getCortexInfo"
			if method == p.sync {
				p.sync = "getUserLogin"
			}
			fault := func(rule string) {
				require.NoError(t, e.Act(`fault: {id: this, on: {kind: answer, method: `+method+`}, `+rule+`}`))
			}
			clear := func() { require.NoError(t, e.Act(`clearFault: this`)) }
			usual := p.play(method)
			require.Len(t, usual, 1)

			fault(`latency: 300ms`)
			assert.Empty(t, p.play(method), "others are answered, this is not")
			assert.Equal(t, []string{"ok"}, p.play(map[bool]string{true: "queryHeadsets", false: "queryProfile"}[method != "queryHeadsets"]+` {"cortexToken":"$token"}`))
			assert.Empty(t, p.play("299ms"))
			assert.Equal(t, usual, p.play("1ms"))
			clear()
			assert.Equal(t, []string{"dev"}, p.play("200ms"))

			fault(`wait: {for: sample, count: 2}`)
			assert.Empty(t, p.play(method))
			assert.Equal(t, append([]string{"dev", "dev"}, usual...), p.play("1s"))
			clear()

			fault(`insert: {before: {jsonrpc: "2.0", warning: {code: 19, message: "low"}}}`)
			assert.Equal(t, append([]string{"19"}, usual...), p.play(method))
			clear()

			require.NoError(t, e.Act(`fault: {id: this, on: {kind: answer, method: `+method+`, count: 2}, error: {code: -32000}}`))
			assert.Equal(t, []string{"-32000"}, p.play(method))
			assert.Equal(t, []string{"-32000"}, p.play(method), "as often as it says")
			assert.Equal(t, usual, p.play(method))
			clear()
		})
	}
}
