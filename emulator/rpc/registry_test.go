package rpc

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParameters(t *testing.T) {
	m := Method[int]{Name: "m", Params: []Param{
		{Name: "token", Type: TypeString, Required: true},
		{Name: "session", Type: TypeString, Required: true},
		{Name: "license", Type: TypeString, EmptyIsAbsent: true},
		{Name: "debit", Type: TypeInteger},
		{Name: "time", Type: TypeNumber},
		{Name: "flag", Type: TypeBool},
		{Name: "streams", Type: TypeStringArray},
		{Name: "query", Type: TypeObject},
		{Name: "orderBy", Type: TypeObjectArray},
		{Name: "value", Type: TypeStringOrNumber},
		{Name: "list", Type: TypeArray},
		{Name: "status", Type: TypeString, Enum: []string{"open", "active"}},
		{Name: "scopes", Type: TypeStringArray, Enum: []string{"eeg", "pm"}},
		{Name: "any", Type: TypeAny},
		{Name: "reset", Type: TypeAny, NullIsValue: true},
		{Name: "noNull", Type: TypeString, NullIsValue: true},
		{Name: "name", Type: TypeString, Required: true, EmptyIsAbsent: true},
	}}
	params := func(text string) (p map[string]json.RawMessage) {
		require.NoError(t, json.Unmarshal([]byte(text), &p))
		return p
	}
	t.Run("missing", func(t *testing.T) {
		for text, want := range map[string]string{
			`{}`:                                       "token",
			`{"session":"s"}`:                          "token",
			`{"token":"t"}`:                            "session",
			`{"token":null,"session":"s"}`:             "token",
			`{"Token":"t","session":"s"}`:              "token",
			`{"token":"","session":"s","name":"n"}`:    "",
			`{"token":"t","session":"s","name":"n"}`:   "",
			`{"token":1,"session":"s","name":"n"}`:     "",
			`{"token":"t","session":false,"name":"n"}`: "",
			`{"token":"t","session":"s","name":""}`:    "name",
			`{"token":"t","session":"s","name":0}`:     "",
		} {
			fault := m.CheckRequired(params(text), testFaults())
			if want == "" {
				require.Nil(t, fault, text)
				continue
			}
			require.NotNil(t, fault, text)
			require.Equal(t, Object{"behavior": "This parameter is required: " + want}, fault.Data, text)
		}
	})
	t.Run("types", func(t *testing.T) {
		for name, bad := range map[string][]string{
			"token": {`1`, `true`, `{}`, `[]`}, "license": {`1`}, "debit": {`"1"`, `1.5`, `1e300`, `[]`}, "time": {`"1"`, `true`, `1e999`, `-1e999`}, "flag": {`1`, `"true"`, `{}`},
			"streams": {`"eeg"`, `[1]`, `[null]`, `{}`}, "query": {`[]`, `"x"`}, "orderBy": {`{}`, `[1]`, `["x"]`}, "value": {`true`, `[]`}, "list": {`{}`},
			"status": {`"Open"`, `""`, `1`}, "scopes": {`["eeg","EEG"]`, `["eeg",1]`}, "noNull": {`null`, `1`},
		} {
			for _, value := range bad {
				_, fault := m.CheckTypes(params(`{"`+name+`":`+value+`}`), testFaults())
				require.NotNil(t, fault, "%s %s", name, value)
				require.Equal(t, -32602, fault.Code)
				require.Contains(t, fault.Error(), name)
				require.Contains(t, fault.Data.(Object)["behavior"], name)
			}
		}
	})
	t.Run("enum", func(t *testing.T) {
		_, fault := m.CheckTypes(params(`{"status":"closed"}`), testFaults())
		require.Equal(t, Object{"behavior": "This parameter must be one of open, active: status"}, fault.Data)
		a, fault := m.CheckTypes(params(`{"status":"\u006fpen","scopes":["pm"],"license":""}`), testFaults())
		require.Nil(t, fault)
		require.Equal(t, "open", a.String("status"))
		require.Equal(t, []string{"pm"}, a.Strings("scopes"))
		_, fault = m.CheckTypes(params(`{"scopes":[]}`), testFaults())
		require.Nil(t, fault)
	})
	t.Run("the first in the order of declaration", func(t *testing.T) {
		for range 20 { // a map's order would show
			_, fault := m.CheckTypes(params(`{"list":1,"flag":1,"debit":"","token":1}`), testFaults())
			require.Equal(t, Object{"behavior": "This parameter must be a string: token"}, fault.Data)
		}
	})
	t.Run("both checks", func(t *testing.T) {
		_, fault := m.Check(params(`{"token":1}`), testFaults())
		require.Equal(t, -32018, fault.Code, "missing comes before wrong")
		_, fault = m.Check(params(`{"token":1,"session":"","name":"n"}`), testFaults())
		require.Equal(t, -32602, fault.Code)
		a, fault := m.Check(params(`{"token":"t","session":"","name":"n"}`), testFaults())
		require.Nil(t, fault)
		require.Equal(t, "t", a.String("token"))
	})
	t.Run("strict", func(t *testing.T) {
		require.Nil(t, m.CheckKnown(params(`{"token":1,"list":null}`), testFaults()))
		for range 20 {
			fault := m.CheckKnown(params(`{"sesion":1,"token":1,"zzzzzzzz":2}`), testFaults())
			require.Equal(t, -32602, fault.Code)
			require.Equal(t, Object{"behavior": "This parameter is unknown: sesion"}, fault.Data)
			require.Equal(t, "m: unknown parameter sesion, did you mean session?", fault.Op)
		}
		require.NotNil(t, m.CheckKnown(params(`{"":1}`), testFaults()))
	})
	t.Run("without data", func(t *testing.T) {
		f := testFaults()
		f.OmitData = true
		_, fault := m.CheckTypes(params(`{"token":1}`), f)
		require.Nil(t, fault.Data)
		require.Nil(t, m.CheckKnown(params(`{"x":1}`), f).Data)
		require.Nil(t, m.CheckRequired(nil, f).Data)
	})
	t.Run("null and any", func(t *testing.T) {
		a, fault := m.CheckTypes(params(`{"any":null,"reset":null,"token":null}`), testFaults())
		require.Nil(t, fault)
		require.False(t, a.Has("any"))
		require.True(t, a.Has("reset"))
		require.False(t, a.Has("token"))
		for _, value := range []string{`1`, `"s"`, `true`, `[1]`, `{"a":1}`} {
			a, fault = m.CheckTypes(params(`{"any":`+value+`}`), testFaults())
			require.Nil(t, fault)
			require.Equal(t, value, string(a.Raw("any")))
		}
	})
	t.Run("getters of another type give zero", func(t *testing.T) {
		a, fault := m.CheckTypes(params(`{"value":7,"any":"x","list":[1,"a",[]]}`), testFaults())
		require.Nil(t, fault)
		require.Equal(t, 7.0, a.Number("value"))
		require.Empty(t, a.String("value"))
		require.Equal(t, "x", a.String("any"))
		require.Zero(t, a.Int("any"))
		require.Nil(t, a.Object("any"))
		require.Nil(t, a.Strings("any"))
		require.Nil(t, a.Objects("absent"))
		require.True(t, a.Bool("any", true))
		require.Equal(t, []json.RawMessage{json.RawMessage(`1`), json.RawMessage(`"a"`), json.RawMessage(`[]`)}, a.Array("list"))
		require.Empty(t, a.String("not declared"))
		require.Equal(t, []string{"a"}, a.Strings("list"))
		require.Zero(t, Args{}.Int("anything"))
	})
	t.Run("integers", func(t *testing.T) {
		for text, want := range map[string]int{`0`: 0, `-0`: 0, `10.0`: 10, `1e2`: 100, `9007199254740991`: 1<<53 - 1, `-9007199254740991`: 1 - 1<<53} {
			a, fault := m.CheckTypes(params(`{"debit":`+text+`}`), testFaults())
			require.Nil(t, fault, text)
			require.Equal(t, want, a.Int("debit"), text)
		}
		_, fault := m.CheckTypes(params(`{"debit":9007199254740992}`), testFaults())
		require.NotNil(t, fault)
	})
	t.Run("values", func(t *testing.T) {
		a, fault := m.CheckTypes(params(`{"token":"t","license":"","debit":10,"time":1.5e3,"flag":false,"streams":["eeg","mot"],
			"query":{"a":1},"orderBy":[{"title":"ASC"}],"value":"x","list":[],"unknown":1}`), testFaults())
		require.Nil(t, fault)
		require.Equal(t, "t", a.String("token"))
		require.False(t, a.Has("license"))
		require.False(t, a.Has("unknown"))
		require.Equal(t, 10, a.Int("debit"))
		require.Equal(t, 1500.0, a.Number("time"))
		require.False(t, a.Bool("flag", true))
		require.True(t, a.Bool("absent", true))
		require.Equal(t, []string{"eeg", "mot"}, a.Strings("streams"))
		require.Equal(t, `1`, string(a.Object("query")["a"]))
		require.Equal(t, `"ASC"`, string(a.Objects("orderBy")[0]["title"]))
		require.Equal(t, `"x"`, string(a.Raw("value")))
		require.True(t, a.Has("list"))
	})
}

func noop(int, Args) (any, error) { return nil, nil }

func TestRegistry(t *testing.T) {
	r, err := NewRegistry(Method[int]{Name: "querySessions", Handle: noop}, Method[int]{Name: "createSession", Handle: noop})
	require.NoError(t, err)
	require.Equal(t, []string{"querySessions", "createSession"}, r.Names())
	require.Equal(t, "createSession", r.Methods()[1].Name)
	_, ok := r.Lookup("QuerySessions")
	require.False(t, ok, "names are case sensitive")

	m, fault := r.Find("createSession", testFaults())
	require.Nil(t, fault)
	require.Same(t, r.Methods()[1], m)
	_, fault = r.Find("querySesions", testFaults())
	require.Equal(t, &Error{Code: -32601, Message: "Method not found.", Op: "unknown method querySesions, did you mean querySessions?"}, fault)
	_, fault = r.Find(strings.Repeat("x", 1<<20), testFaults())
	require.Less(t, len(fault.Op), 100, "a log line, not a flood")
}

func TestRegistryRefuses(t *testing.T) {
	for want, methods := range map[string][]Method[int]{
		"method a is registered twice":                {{Name: "a", Handle: noop}, {Name: "a", Handle: noop}},
		"a method has no name":                        {{Handle: noop}},
		"method a has no Handle":                      {{Name: "a"}},
		"method a: a parameter has no name":           {{Name: "a", Handle: noop, Params: []Param{{}}}},
		"method a: parameter p is declared twice":     {{Name: "a", Handle: noop, Params: []Param{{Name: "p"}, {Name: "p"}}}},
		"method a: parameter p has no known type":     {{Name: "a", Handle: noop, Params: []Param{{Name: "p", Type: 99}}}},
		"method a: parameter p: Enum is for strings,": {{Name: "a", Handle: noop, Params: []Param{{Name: "p", Type: TypeNumber, Enum: []string{"1"}}}}},
	} {
		_, err := NewRegistry(methods...)
		require.ErrorContains(t, err, want)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"createSession", "querySessions", "subscribe", "unsubscribe"}
	require.Equal(t, "subscribe", Nearest("subscripe", names))
	require.Equal(t, "querySessions", Nearest("querySession", names))
	require.Equal(t, "unsubscribe", Nearest("unsubscribed", names))
	require.Empty(t, Nearest("logout", names))
	require.Equal(t, "abcdef", Nearest("abcdxy", []string{"abcdef"}), "a third differs")
	require.Empty(t, Nearest("abcxyz", []string{"abcdef"}), "a half differs")
	require.Empty(t, Nearest(strings.Repeat("a", 65), []string{strings.Repeat("a", 66)}), "too long to be a slip")
	require.Empty(t, Nearest("", names))
	require.Empty(t, Nearest("subscribe", nil))
	require.Empty(t, Nearest(strings.Repeat("x", 1<<20), names))
}
