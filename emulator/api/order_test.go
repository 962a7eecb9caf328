package api

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
)

// wrongValue is a value that no parameter of a type takes.
func wrongValue(p rpc.Param) string {
	switch p.Type {
	case rpc.TypeObject:
		return `"text"`
	case rpc.TypeAny:
		return `[]`
	default:
		return `{}`
	}
}

// TestOrderOfChecksOfEveryTokenMethod sends each method a request in which
// everything is wrong, and repairs one thing at a time: required parameters,
// signature, expiry, login, user, access right, and only then values.
func TestOrderOfChecksOfEveryTokenMethod(t *testing.T) {
	world := scriptWorld(t, "world app=app-basic app=app-two user=second.user virtual-methods token-life=1h")
	methods := newBench(t, world).service.registry.Methods()
	checked := 0
	for _, m := range methods {
		if !m.Has("cortexToken") {
			continue
		}
		checked++
		t.Run(m.Name, func(t *testing.T) {
			b := newBench(t, world)
			b.connect("a")
			b.call("a", "authorize", `{`+client+`}`)
			token := b.vars["$token"]
			require.NoError(t, b.service.DeclineApp("app-basic"))
			require.NoError(t, b.service.RequireAuthorize("app-basic"))
			require.NoError(t, b.service.LogIn("second.user", nil))
			b.service.LogOut()

			params := map[string]json.RawMessage{"cortexToken": json.RawMessage(`"` + token[:len(token)-4] + `AAAA"`)}
			wrong, last := 0, ""
			for _, p := range m.Params {
				if p.Name != "cortexToken" && p.Type != rpc.TypeAny {
					params[p.Name] = json.RawMessage(wrongValue(p))
					wrong++
				}
				if p.Required && p.Name != "cortexToken" {
					last = p.Name
				}
			}
			code := func() int {
				text, err := json.Marshal(params)
				require.NoError(t, err)
				return code(b.call("a", m.Name, string(text)))
			}
			if last != "" {
				saved := params[last]
				delete(params, last)
				require.Equal(t, CodeMissingParams, code(), "without %s", last)
				params[last] = saved
			}
			require.Equal(t, CodeTokenInvalid, code())
			b.advance(time.Hour)
			params["cortexToken"] = json.RawMessage(`"` + token + `"`)
			require.Equal(t, CodeTokenExpired, code())

			// The same faults again with a token that has not expired.
			require.NoError(t, b.service.ApproveApp("app-basic"))
			require.NoError(t, b.service.LogIn("demo.user", nil))
			b.call("a", "authorize", `{`+client+`}`)
			require.NoError(t, b.service.DeclineApp("app-basic"))
			require.NoError(t, b.service.RequireAuthorize("app-basic"))
			b.service.LogOut()
			params["cortexToken"] = json.RawMessage(`"` + b.vars["$token"] + `"`)
			if m.Name == "generateNewToken" {
				params["clientId"] = json.RawMessage(`"app-two"`)
				require.Equal(t, CodeTokenOtherApp, code())
				params["clientId"] = json.RawMessage(`"app-basic"`)
			}
			require.Equal(t, CodeNotLoggedIn, code())
			require.NoError(t, b.service.LogIn("second.user", nil))
			require.Equal(t, CodeTokenNotFit, code())
			require.NoError(t, b.service.LogIn("demo.user", &sessionstore.OSUser{ID: "7"}))
			require.Equal(t, CodeNotLoggedIn, code(), "on another account of the computer")
			require.NoError(t, b.service.LogIn("demo.user", nil))
			require.Equal(t, CodeNoAccessRight, code())
			require.NoError(t, b.service.ApproveApp("app-basic"))
			require.Equal(t, CodeNotReauthorized, code())
			b.call("a", "authorize", `{`+client+`}`)
			if wrong > 0 {
				require.Equal(t, CodeInvalidParams, code(), "values come after the token")
			} else {
				require.Zero(t, code())
			}
		})
	}
	require.Greater(t, checked, 40)
}

// rung is one step of a ladder: something is repaired, or the parameters are,
// and the same call meets its next fault.
type rung struct {
	repair func(*bench)
	params string // empty: as before
	want   int
}

func climb(t *testing.T, world string, prepare func(*bench), method string, rungs []rung) {
	t.Helper()
	b := newBench(t, scriptWorld(t, world))
	b.connect("a")
	if prepare != nil {
		prepare(b)
	}
	params := ""
	for i, r := range rungs {
		if r.repair != nil {
			r.repair(b)
		}
		if r.params != "" {
			params = r.params
		}
		answer := b.call("a", method, params)
		require.Equal(t, r.want, code(answer), "rung %d: %s %s\n%v", i, method, params, answer)
	}
}

func ok(t testing.TB, err error) { require.NoError(t, err) }

func authorized(b *bench) { b.call("a", "authorize", `{`+client+`}`) }

func withSession(b *bench) {
	authorized(b)
	b.call("a", "createSession", `{"cortexToken":"$token","status":"open"}`)
}

// TestOrderOfChecks climbs the ladder of each method that has checks of its own.
func TestOrderOfChecks(t *testing.T) {
	const h = "EPOCPLUS-3B9A0001"
	license := func(change func(*sessionstore.License)) func(*bench) {
		return func(b *bench) { ok(b.t, b.service.ChangeLicense("", change)) }
	}
	cloud := func(c Cloud) func(*bench) { return func(b *bench) { b.service.SetCloud(c) } }
	logIn := func(b *bench) { ok(b.t, b.service.LogIn("demo.user", nil)) }
	application := func(change func(*sessionstore.Application)) func(*bench) {
		return func(b *bench) { change(b.service.Store.ApplicationByClient("app-basic")) }
	}
	// every fault of a client at once
	broken := "world app=app-basic:unasked,unpublished,eeg,secret login=none eula=none rule=refuse-without-eula rule=check-secret-early" +
		" cloud=offline scopes=pm usable-by=com.other devices=1 max-debit=1 valid-for=-1h"
	const (
		wrongSecret = `{"clientId":"app-basic","clientSecret":"x","license":"none","debit":-1}`
		rightSecret = `{"clientId":"app-basic","clientSecret":"secret","license":"none","debit":-1}`
	)
	refused := Cloud{LoginRefused: true}

	t.Run("authorize", func(t *testing.T) {
		climb(t, broken, nil, "authorize", []rung{
			{params: `{"clientId":"app-basic","license":5,"debit":"many"}`, want: CodeMissingParams},
			{params: `{"clientId":"app-basic","clientSecret":"x","license":5}`, want: CodeInvalidParams},
			{params: wrongSecret, want: CodeNotLoggedIn},
			{repair: logIn, want: CodeNoInternet},
			{repair: cloud(Cloud{Status: CloudFailing, LoginRefused: true}), want: CodeCloudFailure},
			{repair: cloud(refused), want: CodeLoginToken},
			{repair: cloud(Cloud{}), want: CodeInvalidCredentials},
			{params: rightSecret, want: CodeNoAccessRight},
			{repair: func(b *bench) { ok(b.t, b.service.ApproveApp("app-basic")) }, want: CodeUnpublished},
			{repair: application(func(a *sessionstore.Application) { a.Unpublished = false }), want: CodeEULANotAccepted},
			{repair: func(b *bench) { ok(b.t, b.service.AcceptEULA("")) }, want: CodeInvalidParams}, // debit -1
			{params: `{"clientId":"app-basic","clientSecret":"secret","license":"none","debit":2}`, want: CodeInvalidLicense},
			{params: `{"clientId":"app-basic","clientSecret":"secret","license":"11ce25e0-0000-4000-8000-000000000001","debit":2}`, want: CodeLicenseNotForApp},
			{repair: license(func(l *sessionstore.License) { l.UsableBy = nil }), want: CodeInvalidLicense}, // no scope eeg
			{repair: license(func(l *sessionstore.License) { l.Scopes = []string{"eeg"} }), want: CodeLicenseExpired},
			{repair: license(func(l *sessionstore.License) { l.ValidTo = l.ValidTo.AddDate(9, 0, 0) }), want: CodeDeviceLimit},
			{repair: license(func(l *sessionstore.License) { l.DeviceLimit, l.DailyDebit = 2, 1 }), want: CodeDebitTooLarge},
			{repair: license(func(l *sessionstore.License) { l.MaxDebit = 2 }), want: CodeDailyDebit},
			{repair: license(func(l *sessionstore.License) { l.DailyDebit = 2 }), want: 0},
		})
	})
	t.Run("requestAccess", func(t *testing.T) {
		climb(t, broken, nil, "requestAccess", []rung{
			{params: `{"clientSecret":5}`, want: CodeMissingParams},
			{params: `{"clientId":"app-basic","clientSecret":5}`, want: CodeInvalidParams},
			{params: `{"clientId":"app-basic","clientSecret":"x"}`, want: CodeNotLoggedIn},
			{repair: logIn, want: CodeNoInternet},
			{repair: cloud(Cloud{Status: CloudFailing, LoginRefused: true}), want: CodeCloudFailure},
			{repair: cloud(refused), want: CodeLoginToken},
			{repair: cloud(Cloud{}), want: CodeInvalidCredentials},
			{params: `{"clientId":"app-basic","clientSecret":"secret"}`, want: 0},
		})
	})
	t.Run("hasAccessRight", func(t *testing.T) {
		climb(t, broken, nil, "hasAccessRight", []rung{
			{params: `{"clientId":"app-basic","clientSecret":"x"}`, want: CodeNotLoggedIn},
			{repair: logIn, want: CodeNoInternet},
			{repair: cloud(Cloud{Status: CloudFailing, LoginRefused: true}), want: CodeInvalidCredentials}, // it asks no cloud
			{params: `{"clientId":"app-basic","clientSecret":"secret"}`, want: 0},
		})
	})
	t.Run("generateNewToken", func(t *testing.T) {
		climb(t, "world app=app-basic:secret", authorized, "generateNewToken", []rung{
			{
				repair: cloud(Cloud{Status: CloudFailing, LoginRefused: true, TokenRefused: true, TokenRefreshing: true}),
				params: `{"cortexToken":"$token","clientId":"app-basic","clientSecret":"x"}`, want: CodeCloudFailure,
			},
			{repair: cloud(Cloud{LoginRefused: true, TokenRefused: true, TokenRefreshing: true}), want: CodeLoginToken},
			{repair: cloud(Cloud{TokenRefused: true, TokenRefreshing: true}), want: CodeInvalidCredentials},
			{params: `{"cortexToken":"$token","clientId":"app-basic","clientSecret":"secret"}`, want: CodeAuthorizeToken},
			{repair: cloud(Cloud{TokenRefreshing: true}), want: CodeCloudRefreshing},
			{repair: cloud(Cloud{}), want: 0},
		})
	})
	t.Run("controlDevice", func(t *testing.T) {
		climb(t, "world id=EPOCFLEX-F0000001 headset=on flaky disk=critical flex=error", nil, "controlDevice", []rung{
			{params: `{"headset":"EPOCFLEX-F0000001","connectionType":"wifi"}`, want: CodeMissingParams},
			{params: `{"command":"connekt","connectionType":"wifi"}`, want: CodeInvalidParams},
			{params: `{"command":"connect","connectionType":"wifi"}`, want: CodeInvalidParams},
			{params: `{"command":"connect","connectionType":"bluetooth","mappings":{"LA":"nose"}}`, want: CodeMissingParams},
			{params: `{"command":"connect","headset":"EPOCFLEX-F0000001","mappings":{"LA":"nose"}}`, want: CodeHeadsetUnavailable}, // not found yet
			{repair: func(b *bench) { b.call("a", "controlDevice", `{"command":"refresh"}`); b.advance(3 * time.Second) }, want: CodeHeadsetUnavailable},
			{repair: func(b *bench) { b.service.SetDisk(DiskOK) }, want: CodeHeadsetUnavailable}, // flaky
			{repair: func(b *bench) { ok(b.t, b.service.SetConnect("", ConnectSpec{})) }, want: CodeInvalidParams},
			{params: `{"command":"connect","headset":"EPOCFLEX-F0000001","mappings":{"CMS":"TP9","DRL":"TP10","LA":"Cz"}}`, want: 0},
		})
	})
	t.Run("updateHeadset", func(t *testing.T) {
		setting := func(s string) string { return `{"cortexToken":"$token","headset":"` + h + `","setting":` + s + `}` }
		climb(t, "world headset=on", authorized, "updateHeadset", []rung{
			{params: setting(`"fast"`), want: CodeInvalidParams},
			{params: setting(`{"mode":5}`), want: CodeHeadsetUnavailable},
			{repair: func(b *bench) { ok(b.t, b.service.ConnectHeadset(h)); ok(b.t, b.service.NotReadyUntil(h, time.Time{})) }, want: CodeMissingParams},
			{params: setting(`{"mode":5,"eegRate":128,"memsRate":0}`), want: CodeInvalidParams},
			{params: setting(`{"mode":"EPOC","eegRate":256,"memsRate":0}`), want: CodeInvalidParams},
			{params: setting(`{"mode":"EPOC","eegRate":128,"memsRate":0}`), want: CodeNotOnUSBCable},
			{repair: func(b *bench) { ok(b.t, b.service.SetUSBCable(h, true)) }, want: CodeHeadsetNotReady},
			{repair: func(b *bench) { ok(b.t, b.service.SetReady(h)) }, want: 0},
		})
	})
	t.Run("createSession", func(t *testing.T) {
		climb(t, "world headset=on quota=0 day-limit=1", authorized, "createSession", []rung{
			{params: `{"cortexToken":"$token","status":"activated","headset":"` + h + `"}`, want: CodeInvalidParams},
			{params: `{"cortexToken":"$token","status":"active","headset":""}`, want: CodeNoHeadset},
			{params: `{"cortexToken":"$token","status":"active","headset":"` + h + `"}`, want: CodeHeadsetUnavailable},
			{repair: func(b *bench) {
				ok(b.t, b.service.ConnectHeadset(h))
				ok(b.t, b.service.SetConnect(h, ConnectSpec{Flaky: true}))
				ok(b.t, b.service.NotReadyUntil(h, time.Time{}))
				ok(b.t, b.service.SetUSBCable(h, true))
			}, want: CodeHeadsetUnavailable},
			{repair: func(b *bench) { ok(b.t, b.service.SetConnect(h, ConnectSpec{})) }, want: CodeHeadsetNotReady},
			{repair: func(b *bench) { ok(b.t, b.service.SetReady(h)) }, want: CodeHeadsetUnavailable}, // USB cable
			{repair: func(b *bench) {
				ok(b.t, b.service.SetUSBCable(h, false))
				b.call("a", "createSession", `{"cortexToken":"$token","status":"open"}`)
			}, want: CodeSessionExists},
			{repair: func(b *bench) {
				ok(b.t, b.service.CloseSessions(""))
				ok(b.t, b.service.ChangeLicense("", func(l *sessionstore.License) {
					l.Expired, l.HardLimitTime, l.SoftLimitTime = true, transcriptStart, transcriptStart
					b.service.Store.EnforceSoftLimit = true
				}))
			}, want: CodeLicenseExpired},
			{repair: license(func(l *sessionstore.License) { l.Expired = false }), want: CodeHardLimit},
			{repair: license(func(l *sessionstore.License) { l.HardLimitTime = time.Time{} }), want: CodeSoftLimit},
			{repair: license(func(l *sessionstore.License) { l.SoftLimitTime = time.Time{} }), want: CodeSessionLimit},
			{repair: license(func(l *sessionstore.License) { l.LocalQuota = 2 }), want: 0},
			{repair: func(b *bench) { ok(b.t, b.service.CloseSessions("")) }, want: CodeSessionLimit}, // of the day
		})
	})
	t.Run("updateSession", func(t *testing.T) {
		climb(t, "world quota=0", withSession, "updateSession", []rung{
			{params: `{"cortexToken":"$token","session":"none"}`, want: CodeMissingParams},
			{params: `{"cortexToken":"$token","session":"none","status":"open"}`, want: CodeInvalidParams},
			{params: `{"cortexToken":"$token","session":"none","status":"active"}`, want: CodeSessionUnknown},
			{params: `{"cortexToken":"$token","session":"$session","status":"active"}`, want: CodeSessionLimit},
			{repair: license(func(l *sessionstore.License) { l.LocalQuota = 1 }), want: 0},
			{params: `{"cortexToken":"$token","session":"$session","status":"close"}`, want: 0},
			{want: CodeSessionUnknown},
		})
	})
	for _, method := range []string{"subscribe", "unsubscribe"} {
		t.Run(method, func(t *testing.T) {
			climb(t, "world", withSession, method, []rung{
				{params: `{"cortexToken":"$token","session":"none"}`, want: CodeMissingParams},
				{params: `{"cortexToken":"$token","session":"none","streams":[1]}`, want: CodeInvalidParams},
				{params: `{"cortexToken":"$token","session":"none","streams":["xyz"]}`, want: CodeSessionUnknown},
				{params: `{"cortexToken":"$token","session":"$session","streams":["xyz"]}`, want: 0}, // an entry of failure
			})
		})
	}
	t.Run("configMapping", func(t *testing.T) {
		climb(t, "world", authorized, "configMapping", []rung{
			{params: `{"cortexToken":"$token","mappings":{"LA":"nose"}}`, want: CodeMissingParams},
			{params: `{"cortexToken":"$token","status":"make","mappings":{"LA":"nose"}}`, want: CodeInvalidParams},
			{params: `{"cortexToken":"$token","status":"update","mappings":{"LA":"nose"}}`, want: CodeMissingParams},
			{params: `{"cortexToken":"$token","status":"update","uuid":"x","mappings":{"LA":"nose"}}`, want: CodeInvalidParams},
			{params: `{"cortexToken":"$token","status":"create","mappings":{"LA":"nose"}}`, want: CodeMissingParams},
			{params: `{"cortexToken":"$token","status":"create","name":"n","mappings":{"LA":"nose"}}`, want: CodeInvalidParams},
			{params: `{"cortexToken":"$token","status":"create","name":"n","mappings":{"CMS":"TP9","DRL":"TP10","LA":"Cz"}}`, want: 0},
		})
	})
	t.Run("syncWithHeadsetClock", func(t *testing.T) {
		climb(t, "world headset=discovered", nil, "syncWithHeadsetClock", []rung{
			{params: `{"headset":"none","monotonicTime":"now"}`, want: CodeMissingParams},
			{params: `{"headset":"none","monotonicTime":"now","systemTime":1}`, want: CodeInvalidParams},
			{params: `{"headset":"none","monotonicTime":1,"systemTime":1}`, want: CodeHeadsetUnavailable},
			{params: `{"headset":"` + h + `","monotonicTime":1,"systemTime":1}`, want: CodeHeadsetUnavailable},
			{repair: func(b *bench) { ok(b.t, b.service.ConnectHeadset(h)) }, want: 0},
		})
	})
}

// TestWorldMethodsNameWhatIsUnknown: an error of what a scenario or the control
// API asks for says what there is.
func TestWorldMethodsNameWhatIsUnknown(t *testing.T) {
	b := newBench(t, scriptWorld(t, "world app=app-basic add=INSIGHT-00000001:off"))
	b.connect("a")
	s := b.service
	for want, err := range map[string]error{
		`application "x": unknown, this world has app-basic`:                        s.ApproveApp("x"),
		`user "x": unknown, this world has demo.user`:                               s.LogIn("x", nil),
		`user "x": this world has none`:                                             s.AcceptEULA("x"),
		`license "x": unknown, this world has 11ce25e0-0000-4000-8000-000000000001`: s.ChangeLicense("x", func(*sessionstore.License) {}),
		`headset "x": unknown, this world has EPOCPLUS-3B9A0001, INSIGHT-00000001`:  s.ConnectHeadset("x"),
		`headset INSIGHT-00000001: it is switched off or out of reach`:              s.ConnectHeadset("INSIGHT-00000001"),
		`headset id "EPOCPLUS-3B9A0001": the world has it already`:                  s.AddHeadset(HeadsetSpec{ID: "EPOCPLUS-3B9A0001"}),
		`world: headset id "TOASTER-1": the prefix names no known model`:            s.AddHeadset(HeadsetSpec{ID: "TOASTER-1"}),
		`connection 9: it is not open`:                                              s.Zombify(9, WarnZombie),
		`warning 3: want 11 or 12`:                                                  s.Zombify(1, 3),
	} {
		require.EqualError(t, err, want)
	}
	for name, err := range map[string]error{
		"DeclineApp": s.DeclineApp("x"), "RequireAuthorize": s.RequireAuthorize("x"), "ExpireTokens": s.ExpireTokens("x"), "RemoveHeadset": s.RemoveHeadset("x"),
		"DisconnectHeadset": s.DisconnectHeadset("x"), "SetUSBCable": s.SetUSBCable("x", true), "SetConnect": s.SetConnect("x", ConnectSpec{}),
		"NotReadyUntil": s.NotReadyUntil("x", time.Time{}), "SetReady": s.SetReady("x"), "CloseSessions": s.CloseSessions("x"), "StopStreams": s.StopStreams("x"),
		"SendWarning": s.SendWarning(9, 1, nil), "CloseConnection": s.CloseConnection(9, 1000, ""),
	} {
		require.Error(t, err, name)
	}
	require.Empty(t, b.frames["a"], "an error does nothing")
	for _, fn := range []func(string) error{s.ApproveApp, s.DisconnectHeadset, s.ConnectHeadset, s.CloseSessions, s.StopStreams, s.SetReady} {
		require.NoError(t, fn(""), "empty is the first, or all")
	}
}

// TestK3AnswersOfAThousandCalls: a client that does not wait gets each answer
// under its own id, in order (the official C# client notes an id after sending).
func TestK3AnswersOfAThousandCalls(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.connect("a")
	for i := range 1000 {
		frames := b.send("a", fmt.Sprintf(`{"id":%d,"jsonrpc":"2.0","method":"getCortexInfo"}`, i))
		require.Len(t, frames, 1)
		var answer struct{ ID int }
		require.NoError(t, json.Unmarshal([]byte(frames[0]), &answer))
		require.Equal(t, i, answer.ID)
	}
}

// TestA7TokenSurvivesTheService: a token of one run of the service is good in
// the next one, without authorize (cortex-example #43; the Unity plugin keeps
// tokens on disk), but not for an application that this world does not know.
func TestA7TokenSurvivesTheService(t *testing.T) {
	first := newBench(t, DefaultWorld())
	first.connect("a")
	authorized(first)
	second := newBench(t, DefaultWorld())
	second.connect("a")
	second.vars["$token"] = first.vars["$token"]
	require.Zero(t, code(second.call("a", "createSession", `{"cortexToken":"$token","status":"active"}`)))
	second.service.SetCloud(Cloud{Status: CloudOffline})
	require.Zero(t, code(second.call("a", "authorize", `{`+client+`}`)), "offline the application of a token is known")
	third := newBench(t, scriptWorld(t, "world app=app-other"))
	third.connect("a")
	third.vars["$token"] = first.vars["$token"]
	require.Equal(t, CodeNoAccessRight, code(third.call("a", "querySessions", `{"cortexToken":"$token"}`)))
}

// TestB11TheLogSaysWhy: the answer is the one of the real service, our log names
// the rule (cortex-example #87, #99, #160).
func TestB11TheLogSaysWhy(t *testing.T) {
	b := newBench(t, scriptWorld(t, "world quota=0 app=app-eeg:eeg app=app-basic scopes=pm"))
	b.connect("a")
	b.call("a", "authorize", `{"clientId":"app-eeg","clientSecret":"s"}`)
	authorized(b)
	b.call("a", "createSession", `{"cortexToken":"$token","status":"active"}`)
	require.Equal(t, []string{
		"authorize -32002 authorize: license unknown: application app-eeg is registered with EEG access and demo.user has no license with scope eeg",
		"createSession -32019 createSession: quota used up: localQuota of license 11ce25e0-0000-4000-8000-000000000001 is 0: authorize with debit > 0",
	}, b.reasons)
}

// TestB9ErrorHasNoResult: an error answer has no result member, not even null
// (cortex-example #147, #150).
func TestB9ErrorHasNoResult(t *testing.T) {
	b := newBench(t, scriptWorld(t, "world app=app-eeg:eeg scopes=pm"))
	b.connect("a")
	answer := b.call("a", "authorize", `{"clientId":"app-eeg","clientSecret":"s"}`)
	require.Contains(t, answer, "error")
	require.NotContains(t, answer, "result")
}

// TestM1NothingNeedsAClick is the friendly world in one look.
func TestM1NothingNeedsAClick(t *testing.T) {
	b := newBench(t, DefaultWorld())
	b.connect("a")
	user := b.call("a", "getUserLogin", `{}`)["result"].([]any)[0].(map[string]any)
	require.Equal(t, user["currentOSUId"], user["loggedInOSUId"])
	for _, name := range []string{"currentOSUId", "currentOSUsername", "lastLoginTime", "loggedInOSUId", "loggedInOSUsername", "username"} {
		require.IsType(t, "", user[name], name)
	}
	b.session("b")
}
