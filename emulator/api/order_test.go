package api

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
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

// ladder is what a method checks, in order: everything is wrong at first.
type ladder struct {
	world   string
	prepare func(*bench)
	method  string
	rungs   []rung
}

func ladders() []ladder {
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
	setting := func(s string) string { return `{"cortexToken":"$token","headset":"` + h + `","setting":` + s + `}` }
	load := func(b *bench) {
		if b.service.Store.LoadedProfile(b.service.Store.Headset(h)) != nil {
			ok(b.t, b.service.OtherUnloadsProfile(h))
		}
		b.result("a", "setupProfile", `{`+auth+`,"status":"load","profile":"demo","headset":"`+h+`"}`)
	}
	otherLoads := func(b *bench) { ok(b.t, b.service.OtherLoadsProfile(h, "demo")) }
	otherUnloads := func(b *bench) { ok(b.t, b.service.OtherUnloadsProfile(h)) }
	activate := func(b *bench) { b.result("a", "updateSession", `{`+inSession+`,"status":"active"}`) }
	withVirtual := func(b *bench) {
		authorized(b)
		b.result("a", "createVirtualHeadset", `{`+auth+`,"type":"INSIGHT","powerOn":true}`)
	}
	start := strconv.FormatInt(transcriptStart.UnixMilli(), 10)
	list := func(name string) []rung { // what is wrong with one of them is an entry of failure
		return []rung{
			{params: `{` + auth + `}`, want: CodeMissingParams},
			{params: `{` + auth + `,"` + name + `":[5]}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"` + name + `":["none"]}`, want: 0},
		}
	}
	query := []rung{
		{params: `{` + auth + `,"query":5}`, want: CodeMissingParams},
		{params: `{` + auth + `,"query":5,"orderBy":[]}`, want: CodeInvalidParams},
		{params: `{` + auth + `,"query":{"keyword":5},"orderBy":[]}`, want: CodeInvalidParams},
		{params: `{` + auth + `,"query":{},"orderBy":[{"size":"ASC"}]}`, want: CodeInvalidParams},
		{params: `{` + auth + `,"query":{},"orderBy":[],"limit":-1}`, want: CodeInvalidParams},
		{params: `{` + auth + `,"query":{},"orderBy":[],"limit":1}`, want: 0},
	}
	all := []ladder{
		{broken, nil, "authorize", []rung{
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
		}},
		{broken, nil, "requestAccess", []rung{
			{params: `{"clientSecret":5}`, want: CodeMissingParams},
			{params: `{"clientId":"app-basic","clientSecret":5}`, want: CodeInvalidParams},
			{params: `{"clientId":"app-basic","clientSecret":"x"}`, want: CodeNotLoggedIn},
			{repair: logIn, want: CodeNoInternet},
			{repair: cloud(Cloud{Status: CloudFailing, LoginRefused: true}), want: CodeCloudFailure},
			{repair: cloud(refused), want: CodeLoginToken},
			{repair: cloud(Cloud{}), want: CodeInvalidCredentials},
			{params: `{"clientId":"app-basic","clientSecret":"secret"}`, want: 0},
		}},
		{broken, nil, "hasAccessRight", []rung{
			{params: `{"clientId":"app-basic","clientSecret":"x"}`, want: CodeNotLoggedIn},
			{repair: logIn, want: CodeNoInternet},
			{repair: cloud(Cloud{Status: CloudFailing, LoginRefused: true}), want: CodeInvalidCredentials}, // it asks no cloud
			{params: `{"clientId":"app-basic","clientSecret":"secret"}`, want: 0},
		}},
		{"world app=app-basic:secret", authorized, "generateNewToken", []rung{
			{
				repair: cloud(Cloud{Status: CloudFailing, LoginRefused: true, TokenRefused: true, TokenRefreshing: true}),
				params: `{"cortexToken":"$token","clientId":"app-basic","clientSecret":"x"}`, want: CodeCloudFailure,
			},
			{repair: cloud(Cloud{LoginRefused: true, TokenRefused: true, TokenRefreshing: true}), want: CodeLoginToken},
			{repair: cloud(Cloud{TokenRefused: true, TokenRefreshing: true}), want: CodeInvalidCredentials},
			{params: `{"cortexToken":"$token","clientId":"app-basic","clientSecret":"secret"}`, want: CodeAuthorizeToken},
			{repair: cloud(Cloud{TokenRefreshing: true}), want: CodeCloudRefreshing},
			{repair: cloud(Cloud{}), want: 0},
		}},
		{"world id=EPOCFLEX-F0000001 headset=on flaky disk=critical flex=error", nil, "controlDevice", []rung{
			{params: `{"headset":"EPOCFLEX-F0000001","connectionType":"wifi"}`, want: CodeMissingParams},
			{params: `{"command":"connekt","connectionType":"wifi"}`, want: CodeInvalidParams},
			{params: `{"command":"connect","connectionType":"wifi"}`, want: CodeInvalidParams},
			{params: `{"command":"connect","connectionType":"bluetooth","mappings":{"LA":"nose"}}`, want: CodeMissingParams},
			{params: `{"command":"connect","headset":"EPOCFLEX-F0000001","mappings":{"LA":"nose"}}`, want: CodeHeadsetUnavailable}, // not found yet
			{repair: func(b *bench) { b.call("a", "controlDevice", `{"command":"refresh"}`); b.advance(3 * time.Second) }, want: CodeHeadsetUnavailable},
			{repair: func(b *bench) { b.service.SetDisk(DiskOK) }, want: CodeHeadsetUnavailable}, // flaky
			{repair: func(b *bench) { ok(b.t, b.service.SetConnect("", ConnectSpec{})) }, want: CodeInvalidParams},
			{params: `{"command":"connect","headset":"EPOCFLEX-F0000001","mappings":{"CMS":"TP9","DRL":"TP10","LA":"Cz"}}`, want: 0},
		}},
		{"world headset=on", authorized, "updateHeadset", []rung{
			{params: setting(`"fast"`), want: CodeInvalidParams},
			{params: setting(`{"mode":5}`), want: CodeMissingParams},
			{params: setting(`{"mode":5,"eegRate":256,"memsRate":0}`), want: CodeInvalidParams},
			{params: setting(`{"mode":"EPOC","eegRate":256,"memsRate":0}`), want: CodeHeadsetUnavailable},
			{repair: func(b *bench) { ok(b.t, b.service.ConnectHeadset(h)); ok(b.t, b.service.NotReadyUntil(h, time.Time{})) }, want: CodeInvalidParams}, // not of an EPOC+
			{params: setting(`{"mode":"EPOC","eegRate":128,"memsRate":0}`), want: CodeNotOnUSBCable},
			{repair: func(b *bench) { ok(b.t, b.service.SetUSBCable(h, true)) }, want: CodeHeadsetNotReady},
			{repair: func(b *bench) { ok(b.t, b.service.SetReady(h)) }, want: 0},
		}},
		{"world headset=on quota=0 day-limit=1", authorized, "createSession", []rung{
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
		}},
		{"world quota=0", withSession, "updateSession", []rung{
			{params: `{"cortexToken":"$token","session":"none"}`, want: CodeMissingParams},
			{params: `{"cortexToken":"$token","session":"none","status":"open"}`, want: CodeInvalidParams},
			{params: `{"cortexToken":"$token","session":"none","status":"active"}`, want: CodeSessionUnknown},
			{params: `{"cortexToken":"$token","session":"$session","status":"active"}`, want: CodeSessionLimit},
			{repair: license(func(l *sessionstore.License) { l.LocalQuota = 1 }), want: 0},
			{params: `{"cortexToken":"$token","session":"$session","status":"close"}`, want: 0},
			{want: CodeSessionUnknown},
		}},
		{"world", withSession, "subscribe", []rung{
			{params: `{"cortexToken":"$token","session":"none"}`, want: CodeMissingParams},
			{params: `{"cortexToken":"$token","session":"none","streams":[1]}`, want: CodeInvalidParams},
			{params: `{"cortexToken":"$token","session":"none","streams":["xyz"]}`, want: CodeSessionUnknown},
			{params: `{"cortexToken":"$token","session":"$session","streams":["xyz"]}`, want: 0}, // an entry of failure
		}},
		{"world", withSession, "unsubscribe", []rung{
			{params: `{"cortexToken":"$token","session":"none"}`, want: CodeMissingParams},
			{params: `{"cortexToken":"$token","session":"none","streams":[1]}`, want: CodeInvalidParams},
			{params: `{"cortexToken":"$token","session":"none","streams":["xyz"]}`, want: CodeSessionUnknown},
			{params: `{"cortexToken":"$token","session":"$session","streams":["xyz"]}`, want: 0}, // an entry of failure
		}},
		{"world", authorized, "configMapping", []rung{
			{params: `{"cortexToken":"$token","mappings":{"LA":"nose"}}`, want: CodeMissingParams},
			{params: `{"cortexToken":"$token","status":"make","mappings":{"LA":"nose"}}`, want: CodeInvalidParams},
			{params: `{"cortexToken":"$token","status":"update","mappings":{"LA":"nose"}}`, want: CodeMissingParams},
			{params: `{"cortexToken":"$token","status":"update","uuid":"x","mappings":{"LA":"nose"}}`, want: CodeInvalidParams},
			{params: `{"cortexToken":"$token","status":"create","mappings":{"LA":"nose"}}`, want: CodeMissingParams},
			{params: `{"cortexToken":"$token","status":"create","name":"n","mappings":{"LA":"nose"}}`, want: CodeInvalidParams},
			{params: `{"cortexToken":"$token","status":"create","name":"n","mappings":{"CMS":"TP9","DRL":"TP10","LA":"Cz"}}`, want: 0},
		}},
		{"world headset=discovered", nil, "syncWithHeadsetClock", []rung{
			{params: `{"headset":"none","monotonicTime":"now"}`, want: CodeMissingParams},
			{params: `{"headset":"none","monotonicTime":"now","systemTime":1}`, want: CodeInvalidParams},
			{params: `{"headset":"none","monotonicTime":1,"systemTime":1}`, want: CodeHeadsetUnavailable},
			{params: `{"headset":"` + h + `","monotonicTime":1,"systemTime":1}`, want: CodeHeadsetUnavailable},
			{repair: func(b *bench) { ok(b.t, b.service.ConnectHeadset(h)) }, want: 0},
		}},
		{"world", nil, "queryHeadsets", []rung{
			{params: `{"id":5}`, want: CodeInvalidParams},
			{params: `{"id":"none","includeFlexMappings":"yes"}`, want: CodeInvalidParams},
			{params: `{"id":"none","includeFlexMappings":true}`, want: 0}, // an empty list
		}},
		{"world license=none", authorized, "getLicenseInfo", []rung{
			{params: `{` + auth + `}`, want: CodeInvalidLicense},
			{repair: func(b *bench) {
				b.service.Store.AddLicense(&sessionstore.License{ID: "x", DeviceLimit: -1})
				authorized(b)
			}, want: 0},
		}},
		{"world add=EPOCX-0A1B2C3D:connected", authorized, "updateHeadsetCustomInfo", []rung{
			{params: `{` + auth + `,"headsetId":"none","customName":5}`, want: CodeMissingParams},
			{params: `{` + auth + `,"headsetId":"none","headbandPosition":"side"}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"headsetId":"none","headbandPosition":"top"}`, want: CodeHeadsetUnavailable},
			{params: `{` + auth + `,"headsetId":"` + h + `","headbandPosition":"top"}`, want: CodeInvalidParams}, // an EPOC+
			{params: `{` + auth + `,"headsetId":"EPOCX-0A1B2C3D","headbandPosition":"top"}`, want: 0},
		}},
		{"world", nil, "getDetectionInfo", []rung{
			{params: `{}`, want: CodeMissingParams},
			{params: `{"detection":"mind"}`, want: CodeInvalidParams},
			{params: `{"detection":"mentalCommand"}`, want: 0},
		}},
		{"world", authorized, "getCurrentProfile", []rung{
			{params: `{` + auth + `}`, want: CodeMissingParams},
			{params: `{` + auth + `,"headset":5}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"headset":"none"}`, want: CodeHeadsetUnavailable},
			{params: `{` + auth + `,"headset":"` + h + `"}`, want: 0},
		}},
		{"world", func(b *bench) { authorized(b); otherLoads(b) }, "loadGuestProfile", []rung{
			{params: `{` + auth + `}`, want: CodeMissingParams},
			{params: `{` + auth + `,"headset":5}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"headset":"none"}`, want: CodeHeadsetUnavailable},
			{params: `{` + auth + `,"headset":"` + h + `"}`, want: CodeProfileLoaded},
			{repair: otherUnloads, want: 0},
		}},
		{"world profile=narrow", func(b *bench) { authorized(b); otherLoads(b) }, "setupProfile", []rung{
			{params: `{` + auth + `,"profile":5}`, want: CodeMissingParams},
			{params: `{` + auth + `,"status":"lode","profile":"nobody"}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"status":"load"}`, want: CodeMissingParams},
			{params: `{` + auth + `,"status":"load","profile":"nobody"}`, want: CodeMissingParams}, // headset
			{params: `{` + auth + `,"status":"load","profile":"nobody","headset":"none"}`, want: CodeHeadsetUnavailable},
			{params: `{` + auth + `,"status":"load","profile":"nobody","headset":"` + h + `"}`, want: CodeProfileName},
			{params: `{` + auth + `,"status":"load","profile":"narrow","headset":"` + h + `"}`, want: CodeProfileLoaded},
			{params: `{` + auth + `,"status":"save","profile":"","headset":"` + h + `"}`, want: CodeProfileAccess},
			{params: `{` + auth + `,"status":"delete","profile":"demo"}`, want: CodeProfileAccess},
			{repair: otherUnloads, params: `{` + auth + `,"status":"save","profile":"","headset":"` + h + `"}`, want: CodeNoProfileLoaded},
			{params: `{` + auth + `,"status":"load","profile":"narrow","headset":"` + h + `"}`, want: CodeProfileFailed}, // other channels
			{params: `{` + auth + `,"status":"load","profile":"demo","headset":"` + h + `"}`, want: 0},
			{params: `{` + auth + `,"status":"rename","profile":"demo","newProfileName":"narrow"}`, want: CodeProfileName},
			{params: `{` + auth + `,"status":"rename","profile":"demo","newProfileName":"wide"}`, want: 0},
		}},
		{"world", withSession, "training", []rung{
			{params: `{` + auth + `,"session":"none","detection":"mind","status":"start"}`, want: CodeMissingParams},
			{params: `{` + auth + `,"session":"none","detection":"mind","status":"begin","action":"dance"}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"session":"none","detection":"facialExpression","status":"start","action":"dance"}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"session":"none","detection":"facialExpression","status":"start","action":"blink"}`, want: CodeSessionUnknown},
			{params: `{` + inSession + `,"detection":"facialExpression","status":"start","action":"blink"}`, want: CodeNoSuchTraining},
			{params: `{` + inSession + `,"detection":"facialExpression","status":"start","action":"smile"}`, want: CodeNoProfileLoaded},
			{repair: otherLoads, want: CodeProfileAccess},
			{repair: load, want: 0},
			{want: CodeInvalidStatus}, // it runs
		}},
		{"world", withSession, "getTrainedSignatureActions", []rung{
			{params: `{` + auth + `,"session":"none","profile":"nobody"}`, want: CodeMissingParams}, // detection
			{params: `{` + auth + `,"detection":"mind"}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"detection":"mentalCommand"}`, want: CodeMissingParams}, // session
			{params: `{` + auth + `,"detection":"mentalCommand","session":"none"}`, want: CodeSessionUnknown},
			{params: `{` + auth + `,"detection":"mentalCommand","profile":"nobody"}`, want: CodeProfileName},
			{params: `{` + inSession + `,"detection":"mentalCommand"}`, want: 0},
		}},
		{"world", withSession, "getTrainingTime", []rung{
			{params: `{` + auth + `,"detection":"mind"}`, want: CodeMissingParams},
			{params: `{` + auth + `,"detection":"mind","session":"none"}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"detection":"mentalCommand","session":"none"}`, want: CodeSessionUnknown},
			{params: `{` + inSession + `,"detection":"mentalCommand"}`, want: 0},
		}},
		{"world", withSession, "createRecord", []rung{
			{params: `{` + auth + `,"session":"none","experimentId":-1}`, want: CodeMissingParams},
			{params: `{` + auth + `,"session":"none","title":5}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"session":"none","title":"t","experimentId":-1}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"session":"none","title":"t","subjectName":"nobody"}`, want: CodeSessionUnknown},
			{params: `{` + inSession + `,"title":"t","subjectName":"nobody"}`, want: CodeSubjectUnknown},
			{repair: func(b *bench) { b.result("a", "createSubject", `{`+auth+`,"subjectName":"nobody"}`) }, want: CodeSessionNotActive},
			{repair: activate, want: 0},
			{want: CodeRecordRunning},
		}},
		{"world", withSession, "stopRecord", []rung{
			{params: `{` + auth + `}`, want: CodeMissingParams},
			{params: `{` + auth + `,"session":5}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"session":"none"}`, want: CodeSessionUnknown},
			{params: `{` + inSession + `}`, want: CodeSessionNotActive},
			{repair: activate, want: CodeNoRecordRunning},
			{repair: func(b *bench) { b.record("a") }, want: 0},
		}},
		{"world record=Old", authorized, "updateRecord", []rung{
			{params: `{` + auth + `,"tags":5}`, want: CodeMissingParams},
			{params: `{` + auth + `,"record":"none","tags":5}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"record":"none","title":"` + strings.Repeat("x", 201) + `"}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"record":"none","title":"t"}`, want: CodeRecordUnknown},
			{params: `{` + auth + `,"record":"0ec0de00-0000-4000-8000-000000000001","title":"t"}`, want: 0},
		}},
		{"world", authorized, "deleteRecord", list("records")},
		{"world", authorized, "getRecordInfos", list("recordIds")},
		{"world", authorized, "requestToDownloadRecordData", list("recordIds")},
		{"world", authorized, "deleteSubjects", list("subjects")},
		{"world", authorized, "queryRecords", query},
		{"world", authorized, "querySubjects", query},
		{"world opt-out=always", authorized, "configOptOut", []rung{
			{params: `{` + auth + `,"newOptOut":5}`, want: CodeMissingParams},
			{params: `{` + auth + `,"status":"put"}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"status":"set"}`, want: CodeMissingParams},
			{params: `{` + auth + `,"status":"set","newOptOut":true}`, want: CodeOptOutUnavailable},
			{repair: license(func(l *sessionstore.License) { l.ForceOptOut = nil }), want: 0},
		}},
		{"world", authorized, "exportRecord", []rung{
			{params: `{` + auth + `,"recordIds":["none"],"folder":"/none","format":"XML"}`, want: CodeMissingParams},
			{params: `{` + auth + `,"recordIds":["none"],"folder":"/none","format":"XML","streamTypes":"EEG"}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"recordIds":["none"],"folder":"/none","format":"CSV","streamTypes":["ABC"]}`, want: CodeMissingParams}, // version
			{params: `{` + auth + `,"recordIds":["none"],"folder":"/none","format":"CSV","streamTypes":["ABC"],"version":"V3"}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"recordIds":["none"],"folder":"/none","format":"CSV","streamTypes":["ABC"],"version":"V2"}`, want: 0}, // an entry of failure
		}},
		{"world", withSession, "injectMarker", []rung{
			{params: `{` + auth + `,"session":"none","label":5,"time":1}`, want: CodeMissingParams},
			{params: `{` + auth + `,"session":"none","label":"l","time":1,"value":-1}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"session":"none","label":"l","time":1,"value":1}`, want: CodeSessionUnknown},
			{params: `{` + inSession + `,"label":"l","time":1,"value":1}`, want: CodeSessionNotActive},
			{repair: activate, want: CodeNoRecordRunning},
			{repair: func(b *bench) { b.record("a") }, want: CodeMarkerTooOld},
			{params: `{` + inSession + `,"label":"l","time":9999999999999,"value":1}`, want: CodeMarkerTooNew},
			{params: `{` + inSession + `,"label":"l","time":` + start + `,"value":1}`, want: 0},
		}},
		{"world", withSession, "updateMarker", []rung{
			{params: `{` + auth + `,"session":"none","time":"now"}`, want: CodeMissingParams},
			{params: `{` + auth + `,"session":"none","time":"now","markerId":"none"}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"session":"none","time":1,"markerId":"none"}`, want: CodeSessionUnknown},
			{params: `{` + inSession + `,"time":1,"markerId":"none"}`, want: CodeSessionNotActive},
			{repair: activate, want: CodeNoRecordRunning},
			{repair: func(b *bench) {
				b.record("a")
				b.result("a", "injectMarker", `{`+inSession+`,"label":"l","time":`+start+`,"value":1}`)
			}, want: CodeMarkerUnknown},
			{params: `{` + inSession + `,"time":1,"markerId":"$marker"}`, want: CodeMarkerTooOld},
			{params: `{` + inSession + `,"time":9999999999999,"markerId":"$marker"}`, want: CodeMarkerTooNew},
			{params: `{` + inSession + `,"time":` + start + `,"markerId":"$marker"}`, want: 0},
		}},
		{"world", authorized, "createSubject", []rung{
			{params: `{` + auth + `,"sex":"X"}`, want: CodeMissingParams},
			{params: `{` + auth + `,"subjectName":"s","sex":"X"}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"subjectName":"s","sex":"F"}`, want: 0},
			{want: CodeSubjectExists},
		}},
		{"world", authorized, "updateSubject", []rung{
			{params: `{` + auth + `,"sex":"X"}`, want: CodeMissingParams},
			{params: `{` + auth + `,"subjectName":"s","sex":"X"}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"subjectName":"s","sex":"F"}`, want: CodeSubjectUnknown},
			{repair: func(b *bench) { b.result("a", "createSubject", `{`+auth+`,"subjectName":"s"}`) }, want: 0},
		}},
		{"world virtual-methods", authorized, "createVirtualHeadset", []rung{
			{params: `{` + auth + `,"battery":9}`, want: CodeMissingParams},
			{params: `{` + auth + `,"type":"TOASTER","battery":9}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"type":"INSIGHT","battery":9}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"type":"INSIGHT","battery":4}`, want: 0},
		}},
		{"world virtual-methods", withVirtual, "updateVirtualHeadset", []rung{
			{params: `{` + auth + `,"battery":"full"}`, want: CodeMissingParams},
			{params: `{` + auth + `,"virtualHeadsetId":"none","battery":"full"}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"virtualHeadsetId":"none","battery":9,"cq":{"Oz":1}}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"virtualHeadsetId":"none","battery":3,"cq":{"Oz":1}}`, want: CodeHeadsetUnavailable},
			{params: `{` + auth + `,"virtualHeadsetId":"$virtual","battery":3,"cq":{"Oz":1}}`, want: CodeInvalidParams}, // no sensor of an Insight
			{params: `{` + auth + `,"virtualHeadsetId":"$virtual","battery":3,"cq":{"Pz":1}}`, want: 0},
		}},
		{"world virtual-methods", withVirtual, "deleteVirtualHeadset", []rung{
			{params: `{` + auth + `}`, want: CodeMissingParams},
			{params: `{` + auth + `,"virtualHeadsetId":5}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"virtualHeadsetId":"none"}`, want: CodeHeadsetUnavailable},
			{params: `{` + auth + `,"virtualHeadsetId":"$virtual"}`, want: 0},
		}},
		{"world virtual-methods", withVirtual, "triggerVirtualHeadsetEvent", []rung{
			{params: `{` + auth + `,"virtualHeadsetId":"none"}`, want: CodeMissingParams},
			{params: `{` + auth + `,"virtualHeadsetId":"none","eyeAction":"stare"}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"virtualHeadsetId":"none","eyeAction":"blink"}`, want: CodeHeadsetUnavailable},
			{params: `{` + auth + `,"virtualHeadsetId":"$virtual","eyeAction":"blink"}`, want: CodeHeadsetUnavailable}, // not connected
			{repair: func(b *bench) { ok(b.t, b.service.ConnectHeadset(b.vars["$headset"])) }, want: 0},
		}},
	}
	for _, method := range []string{"mentalCommandBrainMap", "mentalCommandGetSkillRating", "mentalCommandTrainingThreshold"} {
		all = append(all, ladder{"world", withSession, method, []rung{
			{params: `{` + auth + `}`, want: CodeMissingParams},
			{params: `{` + auth + `,"session":5,"profile":5}`, want: CodeInvalidParams},
			{params: `{` + auth + `,"session":"none","profile":"nobody"}`, want: CodeSessionUnknown},
			{params: `{` + auth + `,"profile":"nobody"}`, want: CodeProfileName},
			{params: `{` + auth + `,"profile":"demo"}`, want: 0},
		}})
	}
	for method, values := range map[string][3]string{ // another required parameter, a wrong value, a right one
		"facialExpressionSignatureType":  {``, `"signature":"mine"`, `"signature":"universal"`},
		"facialExpressionThreshold":      {`,"action":"smile"`, `"value":1001`, `"value":500`},
		"mentalCommandActiveAction":      {``, `"actions":["smile"]`, `"actions":["push"]`},
		"mentalCommandActionSensitivity": {``, `"values":[1,2,3]`, `"values":[1,2,3,4]`},
	} {
		set := auth + `,"status":"set"` + values[0]
		all = append(all, ladder{"world", withSession, method, []rung{
			{params: `{` + auth + values[0] + `,` + values[1] + `}`, want: CodeMissingParams},
			{params: `{` + auth + values[0] + `,"status":"put",` + values[1] + `}`, want: CodeInvalidParams},
			{params: `{` + set + `}`, want: CodeMissingParams},
			{params: `{` + set + `,` + values[1] + `}`, want: CodeInvalidParams},
			{params: `{` + set + `,` + values[2] + `}`, want: CodeMissingParams},
			{params: `{` + set + `,` + values[2] + `,"session":"none"}`, want: CodeSessionUnknown},
			{params: `{` + set + `,` + values[2] + `,"session":"$session"}`, want: CodeNoProfileLoaded},
			{repair: otherLoads, want: CodeProfileAccess},
			{repair: load, want: 0},
		}})
	}
	return all
}

// TestOrderOfChecks climbs the ladder of every method that checks anything but
// its token: a client that repairs one thing at a time meets the next fault.
func TestOrderOfChecks(t *testing.T) {
	climbed := map[string]bool{}
	for _, l := range ladders() {
		t.Run(l.method, func(t *testing.T) { climb(t, l.world, l.prepare, l.method, l.rungs) })
		climbed[l.method] = true
	}
	for _, m := range newBench(t, scriptWorld(t, "world virtual-methods")).service.registry.Methods() {
		checks := len(m.Errors) > 0
		for _, p := range m.Params {
			checks = checks || p.Name != "cortexToken"
		}
		require.Equal(t, checks, climbed[m.Name], "%s: is there a ladder?", m.Name)
	}
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
