package api

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/sessionstore"
)

// scriptWorld reads the first line of a script: world and some words key=value
// that change the default world.
func scriptWorld(t testing.TB, line string) World {
	w := DefaultWorld()
	w.Zone = time.FixedZone("", 7*3600)
	for _, word := range strings.Fields(line)[1:] {
		key, value, _ := strings.Cut(word, "=")
		set := scriptWords[key]
		require.NotNil(t, set, "world: unknown word %q", word)
		set(t, &w, value)
	}
	return w
}

func parseDuration(t testing.TB, text string) time.Duration {
	d, err := time.ParseDuration(text)
	require.NoError(t, err)
	return d
}

func parseInt(t testing.TB, text string) int {
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

func oneOf[T any](t testing.TB, value string, of map[string]T) T {
	v, ok := of[value]
	require.True(t, ok, "world: unknown value %q", value)
	return v
}

var (
	starts   = map[string]HeadsetStart{"connected": StartConnected, "discovered": StartDiscovered, "on": StartOn, "off": StartOff}
	outcomes = map[string]ConnectOutcome{
		"ok": ConnectOK, "timeout": ConnectTimeout, "cannot": ConnectCannot, "wrong": ConnectWrong, "stuck": ConnectStuck, "no-motion": ConnectNoMotion,
	}
	clouds = map[string]Cloud{
		"online": {}, "offline": {Status: CloudOffline}, "failing": {Status: CloudFailing}, "refreshing": {TokenRefreshing: true, RefreshFor: 3 * time.Second},
		"login-refused": {LoginRefused: true}, "token-refused": {TokenRefused: true},
	}
	disks = map[string]DiskSpace{"ok": DiskOK, "low": DiskLow, "critical": DiskCritical}
)

// scriptApp registers an application: its client id and flags after a colon.
func scriptApp(t testing.TB, w *World, value string) {
	id, flags, _ := strings.Cut(value, ":")
	a := sessionstore.Application{
		ClientID: id, Name: id, ID: "com.demo.user." + id, Version: "1.0", Owner: "demo.user", Access: sessionstore.AccessGranted, ApproveAfter: -1, DenyAfter: -1,
	}
	for _, flag := range strings.FieldsFunc(flags, func(r rune) bool { return r == ',' }) {
		switch flag {
		case "unasked":
			a.Access = sessionstore.AccessUnasked
		case "eeg":
			a.NeedsEEG = true
		case "unpublished":
			a.Unpublished, a.Owner = true, "somebody.else"
		case "secret":
			a.ClientSecret = "secret"
		case "license":
			a.LicenseID = "0e0e0e0e-0000-4000-8000-000000000002"
		default:
			t.Fatalf("application: unknown flag %q", flag)
		}
	}
	w.AnyApplication = false
	w.Applications = append(w.Applications, a)
}

var scriptWords = map[string]func(testing.TB, *World, string){
	"version": func(_ testing.TB, w *World, v string) { w.CortexVersion = v },

	"id": func(_ testing.TB, w *World, v string) {
		w.Headsets[0] = HeadsetSpec{ID: v, Status: w.Headsets[0].Status}
	},
	"by": func(_ testing.TB, w *World, v string) { w.Headsets[0].ConnectedBy = strings.ReplaceAll(v, "-", " ") },
	"add": func(t testing.TB, w *World, v string) {
		id, status, _ := strings.Cut(v, ":")
		w.Headsets = append(w.Headsets, HeadsetSpec{ID: id, Status: oneOf(t, status, starts)})
	},
	"appears": func(t testing.TB, w *World, v string) { w.Headsets[0].AppearsAfter = parseDuration(t, v) },
	"silence": func(t testing.TB, w *World, v string) { w.Headsets[0].SilenceLimit = parseDuration(t, v) },
	"headset": func(t testing.TB, w *World, v string) {
		if v == "none" {
			w.Headsets = nil
			return
		}
		w.Headsets[0].Status = oneOf(t, v, starts)
	},
	"outcome": func(t testing.TB, w *World, v string) { w.Headsets[0].Connect.Outcome = oneOf(t, v, outcomes) },
	"times":   func(t testing.TB, w *World, v string) { w.Headsets[0].Connect.Times = parseInt(t, v) },
	"polls":   func(t testing.TB, w *World, v string) { w.Headsets[0].Connect.Polls = parseInt(t, v) },
	"flaky":   func(_ testing.TB, w *World, _ string) { w.Headsets[0].Connect.Flaky = true },
	"virtual": func(_ testing.TB, w *World, _ string) {
		w.Headsets[0].Virtual, w.Headsets[0].VirtualID = true, "51e77a1e-0000-4000-8000-000000000001"
	},
	"virtual-methods": func(_ testing.TB, w *World, _ string) { w.VirtualHeadsetMethods = true },
	"offset":          func(t testing.TB, w *World, v string) { w.Headsets[0].ClockOffset = parseDuration(t, v) },
	"flex": func(t testing.TB, w *World, v string) {
		w.FlexWithoutMapping = oneOf(t, v, map[string]FlexRule{"error": FlexError, "default": FlexDefault})
	},
	"ready": func(t testing.TB, w *World, v string) { w.HeadsetReady = parseDuration(t, v) },

	"app": scriptApp,
	"approve": func(t testing.TB, w *World, v string) {
		scriptApp(t, w, "app-basic:unasked")
		w.Applications[len(w.Applications)-1].ApproveAfter = parseDuration(t, v)
	},
	"deny": func(t testing.TB, w *World, v string) {
		scriptApp(t, w, "app-basic:unasked")
		w.Applications[len(w.Applications)-1].DenyAfter = parseDuration(t, v)
	},
	"user": func(_ testing.TB, w *World, v string) {
		w.Users = append(w.Users, sessionstore.User{Username: v, ID: "d0e1a2b3-0000-4000-8000-000000000002", EULAAccepted: true, PrivateEULAAccepted: true})
		w.Licenses[0].Owner = ""
	},
	"login":    func(_ testing.TB, w *World, v string) { w.Login = strings.TrimPrefix(v, "none") },
	"login-os": func(_ testing.TB, w *World, v string) { w.LoginOS = sessionstore.OSUser{ID: v, Name: "other"} },
	"eula": func(_ testing.TB, w *World, v string) {
		w.Users[0].EULAAccepted, w.Users[0].PrivateEULAAccepted = v == "private", false
	},

	"profile": func(_ testing.TB, w *World, v string) {
		p := ProfileSpec{}
		p.Name, p.EEGChannels = v, []string{"T7", "T8"}
		w.Profiles = append(w.Profiles, p)
	},
	"training": func(t testing.TB, w *World, v string) { w.Training.Time = parseDuration(t, v) },
	"record": func(_ testing.TB, w *World, v string) {
		title, sync, _ := strings.Cut(v, ":")
		w.Records = append(w.Records, RecordSpec{ID: "0ec0de00-0000-4000-8000-000000000001", Title: title, NoData: true, Sync: sessionstore.Sync(sync)})
	},
	"license": func(_ testing.TB, w *World, v string) {
		if v == "none" {
			w.Licenses = nil
		}
	},
	"opt-out": func(t testing.TB, w *World, v string) {
		on := oneOf(t, v, map[string]bool{"always": true, "never": false})
		w.Licenses[0].ForceOptOut = &on
	},
	"quota":         func(t testing.TB, w *World, v string) { w.Licenses[0].LocalQuota = parseInt(t, v) },
	"max-debit":     func(t testing.TB, w *World, v string) { w.Licenses[0].MaxDebit = parseInt(t, v) },
	"daily-debit":   func(t testing.TB, w *World, v string) { w.Licenses[0].DailyDebit = parseInt(t, v) },
	"session-count": func(t testing.TB, w *World, v string) { w.Licenses[0].SessionCount = parseInt(t, v) },
	"day-limit":     func(t testing.TB, w *World, v string) { w.Licenses[0].SessionLimitDay = parseInt(t, v) },
	"scopes": func(_ testing.TB, w *World, v string) {
		w.Licenses[0].Scopes = nil
		if v != "" {
			w.Licenses[0].Scopes = strings.Split(v, ",")
		}
	},
	"usable-by": func(_ testing.TB, w *World, v string) { w.Licenses[0].UsableBy = []string{v} },
	"devices": func(t testing.TB, w *World, v string) {
		l := &w.Licenses[0]
		l.DeviceLimit, l.TotalRegisteredDevices, l.RegisteredHere = parseInt(t, v), parseInt(t, v), false
	},
	"add-license": func(_ testing.TB, w *World, v string) {
		l := w.Licenses[0]
		id, scopes, _ := strings.Cut(v, ":")
		l.ID, l.Name, l.Scopes = id, "Another License", strings.Split(scopes, ",")
		w.Licenses = append(w.Licenses, l)
	},
	"valid-from": func(t testing.TB, w *World, v string) {
		w.Licenses[0].ValidFrom = transcriptStart.Add(parseDuration(t, v))
	},
	"valid-for": func(t testing.TB, w *World, v string) {
		w.Licenses[0].ValidTo = transcriptStart.Add(parseDuration(t, v))
	},
	"hard-in": func(t testing.TB, w *World, v string) {
		w.Licenses[0].HardLimitTime = transcriptStart.Add(parseDuration(t, v))
	},
	"soft-in": func(t testing.TB, w *World, v string) {
		w.Licenses[0].SoftLimitTime, w.EnforceSoftLimit = transcriptStart.Add(parseDuration(t, v)), true
	},

	"cloud": func(t testing.TB, w *World, v string) { w.Cloud = oneOf(t, v, clouds) },
	"disk":  func(t testing.TB, w *World, v string) { w.Disk = oneOf(t, v, disks) },
	"phase": func(t testing.TB, w *World, v string) {
		w.Phase = oneOf(t, v, map[string]Phase{"starting": PhaseStarting, "zombie": PhaseZombie})
	},
	"denied": func(_ testing.TB, w *World, _ string) { w.BluetoothDenied = true },

	"token-life":     func(t testing.TB, w *World, v string) { w.TokenLife = parseDuration(t, v) },
	"session-end":    func(t testing.TB, w *World, v string) { w.SessionEnd = parseDuration(t, v) },
	"connection-end": func(t testing.TB, w *World, v string) { w.ConnectionEnd = parseDuration(t, v) },
	"sessions":       func(t testing.TB, w *World, v string) { w.MaxSessions = parseInt(t, v) },
	"rule": func(t testing.TB, w *World, v string) {
		*oneOf(t, v, map[string]*bool{
			"sessions-outlive-connection": &w.SessionsOutliveConnection, "sessions-over-usb": &w.SessionsOverUSBCable, "activate-again-costs": &w.ActivateAgainCosts,
			"ignore-large-debit": &w.IgnoreLargeDebit, "check-secret-early": &w.CheckSecretEarly, "refuse-without-eula": &w.RefuseWithoutEULA,
			"tell-access-requests": &w.TellAccessRequests, "refuse-while-starting": &w.RefuseWhileStarting, "refuse-unknown-params": &w.RefuseUnknownParams,
			"any-envelope": &w.AnyEnvelope,
		}) = true
	},
}

// do is what happens to the world in a step of a script: the exported methods
// of Service by their names. Words that are left out are empty.
func (b *bench) do(what string, args []string) error {
	s, arg, t := b.service, args[0], b.t
	conn := b.names[arg]
	license := func(change func(*sessionstore.License)) error { return s.ChangeLicense("", change) }
	switch what {
	case "ApproveApp":
		return s.ApproveApp(arg)
	case "DeclineApp":
		return s.DeclineApp(arg)
	case "RequireAuthorize":
		return s.RequireAuthorize(arg)
	case "ExpireTokens":
		return s.ExpireTokens(arg)
	case "LogIn":
		if args[1] != "" {
			return s.LogIn(arg, &sessionstore.OSUser{ID: args[1], Name: "other"})
		}
		return s.LogIn(arg, nil)
	case "LogOut":
		s.LogOut()
	case "SwitchOSUser":
		s.SwitchOSUser(sessionstore.OSUser{ID: arg, Name: "other"})
	case "AcceptEULA":
		return s.AcceptEULA(arg)
	case "SetQuota":
		return license(func(l *sessionstore.License) { l.LocalQuota = parseInt(t, arg) })
	case "SetScopes":
		return license(func(l *sessionstore.License) { l.Scopes = strings.Split(arg, ",") })
	case "ExpireLicense":
		return license(func(l *sessionstore.License) { l.Expired = true })
	case "SetCloud":
		s.SetCloud(oneOf(t, arg, clouds))
	case "SetDisk":
		s.SetDisk(oneOf(t, arg, disks))
	case "SetDiskFree":
		s.SetDiskFree(int64(parseInt(t, arg)))
	case "SetBluetooth":
		s.SetBluetooth(arg == "granted")
	case "Zombify":
		return s.Zombify(conn, parseInt(t, args[1]))
	case "ServiceReady":
		s.ServiceReady()
	case "SendWarning":
		var message any
		if args[2] != "" {
			message = json.RawMessage(args[2])
		}
		return s.SendWarning(conn, parseInt(t, args[1]), message)
	case "CloseConnection":
		return s.CloseConnection(conn, parseInt(t, args[1]), args[2])
	case "CloseSessions":
		return s.CloseSessions(arg)
	case "StopStreams":
		return s.StopStreams(arg)
	case "AddHeadset":
		return s.AddHeadset(HeadsetSpec{ID: arg, Status: oneOf(t, args[1], starts)})
	case "RemoveHeadset":
		return s.RemoveHeadset(arg)
	case "ConnectHeadset":
		return s.ConnectHeadset(arg)
	case "DisconnectHeadset":
		return s.DisconnectHeadset(arg)
	case "SetUSBCable":
		return s.SetUSBCable(arg, args[1] == "in")
	case "SetConnect":
		return s.SetConnect(arg, ConnectSpec{Outcome: oneOf(t, args[1], outcomes)})
	case "NotReadyFor":
		return s.NotReadyUntil(arg, s.Now().Add(parseDuration(t, args[1])))
	case "NotReady":
		return s.NotReadyUntil(arg, time.Time{})
	case "SetReady":
		return s.SetReady(arg)
	default:
		return fmt.Errorf("no such thing as %s", what)
	}
	return nil
}
