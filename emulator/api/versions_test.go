package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/sessionstore"
)

// A change is one line of the release notes, or of what logs of different years
// show, as a client sees it.
type change struct {
	what  string
	spans []span // of versions in which shown is true
	world string // words of a script
	shown func(*bench) bool
}

func since(version string) []span { return []span{{version, ""}} }
func until(version string) []span { return []span{{"", version}} }

// has reports whether an object has members, all or none of them.
func has(t testing.TB, object any, names ...string) bool {
	n := 0
	for _, name := range names {
		if _, ok := object.(map[string]any)[name]; ok {
			n++
		}
	}
	require.Contains(t, []int{0, len(names)}, n, "%v: some of %v only", object, names)
	return n > 0
}

func exists(method, params string) func(*bench) bool {
	return func(b *bench) bool { return code(b.call("a", method, params)) != CodeMethodNotFound }
}

func (b *bench) got(warning int) bool { return len(b.warnings("a", warning)) > 0 }

func (b *bench) first(method, params string) any {
	list, ok := b.call("a", method, params)["result"].([]any)
	require.True(b.t, ok && len(list) > 0, "%s: nothing", method)
	return list[0]
}

// open opens an activated session and returns its object.
func (b *bench) open() map[string]any {
	return b.result("a", "createSession", `{`+auth+`,"status":"active"}`)
}

// cols subscribes to a stream and returns its columns as text; empty: a failure.
func (b *bench) cols(stream string) string {
	b.open()
	success := b.result("a", "subscribe", `{`+inSession+`,"streams":["`+stream+`"]}`)["success"].([]any)
	if len(success) == 0 {
		return ""
	}
	return fmt.Sprint(success[0].(map[string]any)["cols"])
}

// recorded makes a record with a marker and returns it as queryRecords shows it.
func (b *bench) recorded(more string) map[string]any {
	b.open()
	b.record("a")
	b.result("a", "injectMarker", fmt.Sprintf(`{%s,"time":%d,"value":1,"label":"l"}`, inSession, b.sched.Now()/1e6))
	b.result("a", "stopRecord", `{`+inSession+`}`)
	b.advance(5 * time.Second)
	return b.result("a", "queryRecords", `{`+auth+`,"query":{},"orderBy":[]`+more+`}`)["records"].([]any)[0].(map[string]any)
}

// history lists what changed, by topic as the notes of the protocol do.
func history() []change {
	const h = `"headset":"EPOCPLUS-3B9A0001"`
	return []change{
		// Accounts.
		{"getCortexInfo spells buidDate", until("2.1"), "", func(b *bench) bool { return has(b.t, b.result("a", "getCortexInfo", `{}`), "buidDate") }},
		{"requestAccess says User", until("2.1"), "", func(b *bench) bool {
			return b.result("a", "requestAccess", `{`+client+`}`)["message"] == "The User has access right to this application."
		}},
		{"lastLoginTime", since("2.3"), "", func(b *bench) bool { return has(b.t, b.first("getUserLogin", `{}`), "lastLoginTime") }},
		{"warning 26: the license ends soon", since("2.3"), "", func(b *bench) bool {
			require.NoError(b.t, b.service.ChangeLicense("", func(l *sessionstore.License) { l.ValidTo = transcriptStart.Add(48 * time.Hour) }))
			b.result("a", "authorize", `{`+client+`}`)
			return b.got(WarnLicenseEnding)
		}},
		{"texts of 2019", until("2.6"), "", func(b *bench) bool {
			return b.call("a", "authorize", `{}`)["error"].(map[string]any)["message"] == "Missing required parameters."
		}},
		{"error.data.behavior", since("2.6"), "", func(b *bench) bool { return has(b.t, b.call("a", "authorize", `{}`)["error"], "data") }},

		// Headsets.
		{"controlDevice connectionType", since("2.2.1"), "", func(b *bench) bool {
			return code(b.call("a", "controlDevice", `{"command":"connect",`+h+`,"connectionType":"wifi"}`)) == CodeInvalidParams
		}},
		{"queryHeadsets includeFlexMappings", since("2.3"), "id=EPOCFLEX-F0000001", func(b *bench) bool {
			return has(b.t, b.first("queryHeadsets", `{"includeFlexMappings":true}`), "flexMappings")
		}},
		{"updateHeadset ends with a warning", since("2.4"), "by=usb-cable", func(b *bench) bool {
			b.result("a", "updateHeadset", `{`+auth+`,`+h+`,"setting":{"mode":"EPOC","eegRate":128,"memsRate":0}}`)
			b.advance(5 * time.Second)
			return b.got(WarnHeadsetUpdated)
		}},
		{"customName of a headset", since(""), "", func(b *bench) bool { return has(b.t, b.first("queryHeadsets", `{}`), "customName") }},
		{"headbandPosition of a headset", since("2.4"), "", func(b *bench) bool { return has(b.t, b.first("queryHeadsets", `{}`), "headbandPosition") }},
		{"updateHeadsetCustomInfo", since("2.4"), "", exists("updateHeadsetCustomInfo", `{}`)},
		{"isVirtual, isDfuMode, virtualHeadsetId", since("2.6"), "", func(b *bench) bool {
			return has(b.t, b.first("queryHeadsets", `{}`), "isVirtual", "isDfuMode", "virtualHeadsetId")
		}},
		{"dfuTypes, firmwareDisplay", since("3.0"), "", func(b *bench) bool { return has(b.t, b.first("queryHeadsets", `{}`), "dfuTypes", "firmwareDisplay") }},
		{"nothing is found before refresh", since("3.7"), "headset=on", func(b *bench) bool {
			b.advance(time.Minute)
			return len(b.call("a", "queryHeadsets", `{}`)["result"].([]any)) == 0
		}},
		{"warning 142", since("3.7"), "", func(b *bench) bool {
			b.result("a", "controlDevice", `{"command":"refresh"}`)
			b.advance(time.Minute)
			return b.got(WarnHeadsetScanFinish)
		}},
		{"configMapping", since("4.7"), "", exists("configMapping", `{}`)},
		{"warning 19: little disk space", since("2.2.1"), "", func(b *bench) bool { b.service.SetDisk(DiskLow); return b.got(WarnDiskLow) }},
		{"warning 20: no disk space", since("2.2.1"), "", func(b *bench) bool { b.service.SetDisk(DiskCritical); return b.got(WarnDiskCritical) }},

		// Sessions.
		{"performanceMetrics of a session", since("2.6"), "", func(b *bench) bool { return has(b.t, b.open(), "performanceMetrics") }},
		{"customName of a session's headset", []span{{"", "2.6"}, {"4.0", ""}}, "", func(b *bench) bool { return has(b.t, b.open()["headset"], "customName") }},
		{"warning 0 is a text", until("2.2"), "", func(b *bench) bool {
			b.cols("dev")
			require.NoError(b.t, b.service.CloseSessions(""))
			_, text := b.warnings("a", WarnStreamsStopped)[0].(string)
			return text
		}},
		{"warning 0 after updateSession close", since("4.0"), "", func(b *bench) bool {
			b.cols("dev")
			b.result("a", "updateSession", `{`+inSession+`,"status":"close"}`)
			return b.got(WarnStreamsStopped)
		}},

		// Streams.
		{"eeg has MARKERS", since("2.1"), "", func(b *bench) bool { return strings.Contains(b.cols("eeg"), "MARKERS") }},
		{"met has isActive", since("2.2.1"), "", func(b *bench) bool { return strings.Contains(b.cols("met"), "eng.isActive") }},
		{"met and performanceMetrics have attention, not foc", since("3.0"), "", func(b *bench) bool {
			cols := b.cols("met")
			require.NotEqual(b.t, strings.Contains(cols, "attention"), strings.Contains(cols, "foc"))
			return strings.Contains(cols, "attention")
		}},
		{"attention is the first of met", since("3.0"), "", func(b *bench) bool { return strings.HasPrefix(b.cols("met"), "[attention.isActive attention ") }},
		{"a whole float is printed bare", until("2.2.2"), "", func(b *bench) bool {
			b.cols("dev")
			b.advance(time.Second)
			frame := b.frames["a"][len(b.frames["a"])-1]
			require.Regexp(b.t, `^{"dev":\[\d,1(\.0)?,\[`, frame)
			return strings.Contains(frame, `,1,[`)
		}},
		{"dev has OVERALL", since("2.3"), "", func(b *bench) bool { return strings.Contains(b.cols("dev"), "OVERALL") }},
		{"dev has BatteryPercent", since("2.7"), "", func(b *bench) bool { return strings.Contains(b.cols("dev"), "BatteryPercent") }},
		{"the stream eq", since("2.7"), "", func(b *bench) bool { return b.cols("eq") != "" }},
		{"Flex eeg has HighBitFlex", since(""), "id=EPOCFLEX-F0000001", func(b *bench) bool { return strings.Contains(b.cols("eeg"), "HighBitFlex") }},
		{"Flex eeg has SaturationFlag", since("2.3"), "id=EPOCFLEX-F0000001", func(b *bench) bool { return strings.Contains(b.cols("eeg"), "SaturationFlag") }},

		// Records and subjects.
		{"subjects", since("2.1"), "", exists("createSubject", `{}`)},
		{"queryRecords includeMarkers", since("2.1"), "", func(b *bench) bool { return has(b.t, b.recorded(`,"includeMarkers":true`), "markers") }},
		{"exportRecord", since("2.1.1"), "", exists("exportRecord", `{}`)},
		{"configOptOut", since("2.2.1"), "", exists("configOptOut", `{}`)},
		{"warning 21 or 22: opted out", since("2.2.1"), "", func(b *bench) bool {
			b.call("a", "configOptOut", `{`+auth+`,"status":"set","newOptOut":true}`)
			return b.got(WarnOptOutOn)
		}},
		{"experimentId of a record", since("2.2.1"), "", func(b *bench) bool { return has(b.t, b.recorded(""), "experimentId") }},
		{"localOnly of a record", since("2.2.1"), "", func(b *bench) bool { return has(b.t, b.recorded(""), "localOnly") }},
		{"headbandPosition of a record", since("2.4"), "", func(b *bench) bool { return has(b.t, b.recorded(""), "headbandPosition") }},
		{"queryRecords orderBy applicationId", since("2.5"), "", func(b *bench) bool {
			return code(b.call("a", "queryRecords", `{`+auth+`,"query":{},"orderBy":[{"applicationId":"ASC"}]}`)) == 0
		}},
		{"queryRecords includeSyncStatusInfo", since("2.6.3"), "", func(b *bench) bool { return has(b.t, b.recorded(`,"includeSyncStatusInfo":true`), "syncStatus") }},
		{"subject of a record", since("3.0"), "", func(b *bench) bool { return has(b.t, b.recorded(""), "subject") }},
		{"a record can be exported while its headset is connected", since("2.7"), "", func(b *bench) bool {
			b.recorded("")
			answer := b.call("a", "exportRecord", fmt.Sprintf(`{%s,"recordIds":["$record"],"folder":%q,"streamTypes":["MOTION"],"format":"CSV","version":"V2"}`, auth, b.t.TempDir()))
			result, ok := answer["result"].(map[string]any)
			return ok && len(result["success"].([]any)) == 1
		}},
		{"EDFPLUS and BDFPLUS", since("3.7.5"), "", func(b *bench) bool {
			b.recorded("")
			return code(b.call("a", "exportRecord", fmt.Sprintf(`{%s,"recordIds":["$record"],"folder":%q,"streamTypes":["MOTION"],"format":"BDFPLUS"}`, auth, b.t.TempDir()))) == 0
		}},
		{"exportRecord includeDeprecatedPM", since("3.0"), "", func(b *bench) bool {
			b.recorded("")
			return code(b.call("a", "exportRecord", fmt.Sprintf(`{%s,"recordIds":["$record"],"folder":%q,"streamTypes":["PM"],"format":"EDF","includeDeprecatedPM":5}`, auth, b.t.TempDir()))) == CodeInvalidParams
		}},
		{"warning 18 tells of a record", until("4.0"), "", func(b *bench) bool { b.recorded(""); return b.got(WarnRecordSaved) }},
		{"warning 30 tells of a record", since("4.0"), "", func(b *bench) bool { b.recorded(""); return b.got(WarnRecordReady) }},

		// BCI.
		{"Advanced BCI wants profile beside session", until("2.1"), "", func(b *bench) bool {
			b.open()
			return code(b.call("a", "mentalCommandTrainingThreshold", `{`+inSession+`}`)) == CodeMissingParams
		}},
		{"readOnly and eegChannels of a profile", since("3.6.5"), "", func(b *bench) bool { return has(b.t, b.first("queryProfile", `{`+auth+`}`), "readOnly", "eegChannels") }},
	}
}

// TestHistoryOfVersions shows each change to a client of five versions, and of
// the ones with which it came and went.
func TestHistoryOfVersions(t *testing.T) {
	for _, change := range history() {
		t.Run(change.what, func(t *testing.T) {
			versions := []string{"2.0", "2.1", "2.7", "3.7", "4.8"}
			for _, s := range change.spans {
				versions = append(versions, s.from, s.to)
			}
			slices.Sort(versions)
			for _, version := range slices.Compact(versions) {
				if version == "" {
					continue
				}
				c, err := NewCompat(version)
				require.NoError(t, err)
				want := slices.ContainsFunc(change.spans, func(s span) bool { return c.since(s.from) && (s.to == "" || !c.since(s.to)) })
				b := newBench(t, scriptWorld(t, "world version="+version+" "+change.world))
				b.connect("a")
				authorized(b)
				require.Equal(t, want, change.shown(b), version)
			}
		})
	}
}

// TestWhyAMethodIsMissing tells the reason of every method that a world does
// without, beside the answer that all of them get.
func TestWhyAMethodIsMissing(t *testing.T) {
	everything := DefaultWorld()
	everything.VirtualHeadsetMethods = true
	old, off, apart := DefaultWorld(), DefaultWorld(), DefaultWorld()
	old.CortexVersion = "2.0"
	c, err := NewCompat(DefaultVersion)
	require.NoError(t, err)
	c.ConfigMapping = false
	off.Compat = &c
	missing := map[string]int{}
	for world, reasons := range map[*World]map[string]string{
		&old:   {"": " came with Cortex ", "createSubject": "createSubject came with Cortex 2.1, this world has 2.0", "VirtualHeadset": "world.virtualHeadsetMethods turns it on"},
		&off:   {"configMapping": "compat.configMapping is off", "VirtualHeadset": "world.virtualHeadsetMethods turns it on"},
		&apart: {"VirtualHeadset": "world.virtualHeadsetMethods turns it on", "querySesions": "did you mean querySessions?"},
	} {
		b := newBench(t, *world)
		b.connect("a")
		for _, method := range append(newBench(t, everything).service.registry.Names(), "querySesions") {
			b.reasons = nil
			if code(b.call("a", method, `{}`)) != CodeMethodNotFound {
				continue
			}
			missing[method]++
			want := reasons[""]
			for part, reason := range reasons {
				if part != "" && strings.Contains(method, part) {
					want = reason
				}
			}
			if method == "querySesions" {
				want = "did you mean querySessions?"
			}
			require.NotEmpty(t, want, "%s is missing", method)
			require.Len(t, b.reasons, 1)
			require.Contains(t, b.reasons[0], want, method)
		}
	}
	require.Subset(t, missing, map[string]int{"createSubject": 1, "exportRecord": 1, "configMapping": 2, "createVirtualHeadset": 3, "querySesions": 3})
}
