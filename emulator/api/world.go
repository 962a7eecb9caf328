package api

import (
	"time"

	"github.com/fakecortex/fakecortex/emulator/export"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// AtOnce is a duration of nothing, for the delays of a World, whose zero value
// stands for another one.
const AtOnce time.Duration = -1

// World is what a Service starts with.
type World struct {
	CortexVersion string         // empty: DefaultVersion
	Compat        *Compat        // nil: what CortexVersion chooses
	Zone          *time.Location // zone of the Cortex host, for dates; nil: UTC
	Seed          uint64

	Users        []sessionstore.User
	Login        string // EmotivID of the user who is logged in, empty: nobody
	LoginOS      sessionstore.OSUser
	CurrentOS    sessionstore.OSUser
	Applications []sessionstore.Application
	// AnyApplication approves a client id that is not among Applications.
	AnyApplication bool
	// NewApplication is what such an application is made after; nil: approved.
	NewApplication *sessionstore.Application
	Licenses       []sessionstore.License
	Headsets       []HeadsetSpec
	Profiles       []ProfileSpec
	Training       TrainingSpec
	Cloud          Cloud
	Disk           DiskSpace
	Phase          Phase
	// VirtualHeadsetMethods offers createVirtualHeadset and its siblings.
	VirtualHeadsetMethods bool
	// BluetoothDenied: the operating system has not granted Bluetooth.
	BluetoothDenied bool

	ScanDuration  time.Duration // of controlDevice refresh, default 20 s
	ScanFindAfter time.Duration // when a scan finds a headset, default 2 s
	SilenceLimit  time.Duration // silence until a headset is given up, default 30 s
	// ConnectDelay is from controlDevice connect to warning 104, default 1.5 s;
	// ConnectTimeout to warning 102, default 15 s.
	ConnectDelay, ConnectTimeout time.Duration
	UpdateDelay                  time.Duration // updateHeadset to warning 110 or 111, default 1 s

	ReadyDelay     time.Duration // a starting service to warning 23, default 5 s; negative: until ServiceReady
	TokenLife      time.Duration // default 48 h
	HeadsetReady   time.Duration // a connection to the end of -32152, default 0
	SessionEnd     time.Duration // the end of a headset to that of its sessions, default 0
	ConnectionEnd  time.Duration // the end of a connection to that of its sessions, default 0
	LicenseWarning time.Duration // how long before its end a license gets warning 26, default 7 days

	FlexWithoutMapping FlexRule
	// FlexMappings are the stored mappings of the user who is logged in.
	FlexMappings []sessionstore.FlexMapping
	// SessionsOutliveConnection keeps sessions when their connection ends.
	SessionsOutliveConnection bool
	MaxSessions               int // default 1,000
	MaxApplications           int // beyond those of the world no client id makes another one; default 10,000
	MaxAnswer                 int // bytes of an answer, a larger one is an error; default 8 MiB

	Subjects            []sessionstore.Subject // without an Owner: of who is logged in
	Records             []RecordSpec
	MaxRecords          int            // records, and subjects; default 1,000
	PostProcessing      time.Duration  // stopRecord to warning 30, or 18 before 4.0; default 1 s
	PostProcessingNever bool           // the record is never ready
	DownloadDelay       time.Duration  // requestToDownloadRecordData to downloaded; default 2 s
	MarkerTooOld        time.Duration  // an older marker answers -32115; default 60 s
	MarkerTooNew        time.Duration  // a marker further in the future is refused; default 60 s
	MarkerJitter        time.Duration  // how far before the time of the request a marker may be put
	MarkersLost         float64        // share of markers that are missing in the eeg stream, 0 to 1
	MarkersLate         int            // markers come up to that many eeg samples late
	RecordStorage       export.Storage // where the samples of records are kept
	ExportFolders       export.Folders // where exports may go
	Keeper              *Keeper        // keeps records, subjects and profiles over a restart; nil: nothing does

	// Mute are streams that can be subscribed to and never send.
	Mute []Mute
	// DoubleSubscribe is what becomes of a second subscription to a stream.
	DoubleSubscribe DoubleSubscribe
	// RefuseUnknownStreams answers -32602 to the name of no stream, instead of an
	// entry of failure.
	RefuseUnknownStreams bool
	BasicMetPeriod       time.Duration // between met samples without scope pm, default 10 s
	MetInactive          time.Duration // met is null that long after its subscription
	// SamplesAfterUnsubscribe is how many samples are on their way when
	// unsubscribe is answered: those of the next 200 ms, at most that many.
	SamplesAfterUnsubscribe int

	// SessionsOverUSBCable allows sessions with a headset on its USB cable.
	SessionsOverUSBCable bool
	// ActivateAgainCosts takes from the quota for an activated session too.
	ActivateAgainCosts bool
	// EnforceSoftLimit answers -32028 after softLimitTime.
	EnforceSoftLimit bool
	// IgnoreLargeDebit gives a token and no sessions for a debit that the license
	// does not allow, instead of an error.
	IgnoreLargeDebit bool
	// CheckSecretEarly makes requestAccess refuse a wrong secret; the real one
	// leaves that to authorize (cortex-example #174).
	CheckSecretEarly bool
	// RefuseWithoutEULA answers authorize with -32041 instead of a token with
	// warning 6 or 28 beside it.
	RefuseWithoutEULA bool
	// TellAccessRequests sends warning 8 to the other connections, of which the
	// Launcher would be one.
	TellAccessRequests bool
	// RefuseWhileStarting answers -32122 before warning 23. Else calls wait.
	RefuseWhileStarting bool
	// RefuseUnknownParams answers -32602 to a parameter that a method does not
	// know, as the documentation says and no log shows.
	RefuseUnknownParams bool
	// AnyEnvelope takes requests without "jsonrpc":"2.0".
	AnyEnvelope bool
	// Errors and Warnings replace texts and codes, by code.
	Errors, Warnings map[int]Override
}

// DoubleSubscribe is what becomes of a second subscription of a session to a
// stream. No source tells.
type DoubleSubscribe uint8

// What becomes of it.
const (
	SubscribedOnce    DoubleSubscribe = iota // a success, samples come once
	SubscribedTwice                          // a success, samples come twice
	SubscribedRefused                        // an entry of failure, -32016
)

// Mute names a stream of a headset, of every headset with an empty id.
type Mute struct {
	Stream  streams.Kind
	Headset string
}

// HeadsetSpec describes one headset of a world.
type HeadsetSpec struct {
	ID          string // its prefix chooses the model
	Firmware    string // empty: the model's
	ConnectedBy string // bluetooth, dongle, usb cable; empty: dongle
	Dongle      string // firmware of the dongle, "0" for Bluetooth
	CustomName  string
	// HeadbandPosition is back or top, of an EPOC X.
	HeadbandPosition string
	Virtual          bool
	VirtualID        string
	Settings         *streams.Settings // nil: the model's
	Mappings         map[string]string // Flex
	Status           HeadsetStart
	Connect          ConnectSpec
	SilenceLimit     time.Duration // 0: the world's
	ClockOffset      time.Duration
	ClockRatio       float64 // 0: 1
	Signal           *streams.State
	// AppearsAfter: it is switched off until then, and what Status says from then
	// on. One that another application has connected sends 104 then.
	AppearsAfter time.Duration
	// SettleFor is how long after the connection dev shows battery -1, signal 0
	// and no contact (cortex-example #62).
	SettleFor time.Duration
}

// HeadsetStart is where a headset stands when a world begins.
type HeadsetStart uint8

// The starts of a headset.
const (
	StartConnected  HeadsetStart = iota // connected by another application already
	StartDiscovered                     // listed, not connected
	StartOn                             // switched on: a scan finds it
	StartOff                            // switched off
)

// ConnectOutcome is how an attempt to connect a headset ends.
type ConnectOutcome uint8

// The outcomes of controlDevice connect.
const (
	ConnectOK       ConnectOutcome = iota // warning 104
	ConnectTimeout                        // warning 102
	ConnectCannot                         // warning 101
	ConnectWrong                          // warning 100
	ConnectStuck                          // stays connecting for ever
	ConnectNoMotion                       // warning 113, unless its motion is off
)

// ConnectSpec says how a headset connects.
type ConnectSpec struct {
	Delay   time.Duration // 0: the world's ConnectDelay or ConnectTimeout; or AtOnce
	Outcome ConnectOutcome
	Times   int // attempts that end so before one succeeds, 0: all
	// Polls makes the headset connect when queryHeadsets was called that often,
	// not after the delay; 0: after the delay.
	Polls int
	// Flaky: listed as connected, but createSession and connect answer -32004
	// (cortex-example #93).
	Flaky bool
}

// Cloud is EMOTIV's cloud as this machine sees it.
type Cloud struct {
	Status CloudStatus
	// TokenRefreshing makes generateNewToken answer -32130, for RefreshFor from
	// its first refusal on, 0: for ever.
	TokenRefreshing bool
	RefreshFor      time.Duration
	// LoginRefused: authorize and requestAccess answer -32108 until the next login.
	LoginRefused bool
	// TokenRefused: generateNewToken answers -32109 until the next authorize.
	TokenRefused bool
}

// CloudStatus says whether the cloud can be reached.
type CloudStatus uint8

// The statuses of the cloud.
const (
	CloudOnline  CloudStatus = iota
	CloudOffline             // -32003 for an application that is not known on this machine; nothing is debited
	CloudFailing             // -32000
)

// DiskSpace is the free space of the Cortex host.
type DiskSpace uint8

// The states of the disk.
const (
	DiskOK       DiskSpace = iota
	DiskLow                // less than 1 GB: warning 19
	DiskCritical           // less than 300 MB: warning 20, headsets are disconnected and do not connect
)

// Phase is where the service stands in its life.
type Phase uint8

// The phases of the service.
const (
	PhaseReady    Phase = iota
	PhaseStarting       // connections are taken, calls wait for warning 23
	PhaseZombie         // each connection gets warning 11 and no answer (cortex-example #82)
)

func (w *World) defaults() {
	setDefault(&w.CortexVersion, DefaultVersion)
	setDelay(&w.ScanDuration, 20*time.Second)
	setDelay(&w.ScanFindAfter, 2*time.Second)
	setDefault(&w.SilenceLimit, 30*time.Second)
	setDelay(&w.ConnectDelay, 1500*time.Millisecond)
	setDelay(&w.ConnectTimeout, 15*time.Second)
	setDelay(&w.UpdateDelay, time.Second)
	setDefault(&w.ReadyDelay, 5*time.Second)
	setDefault(&w.TokenLife, tokenLife)
	setDefault(&w.LicenseWarning, 7*24*time.Hour)
	setDefault(&w.MaxSessions, 1000)
	setDefault(&w.MaxApplications, 10_000)
	setDefault(&w.MaxAnswer, 8<<20)
	setDelay(&w.Training.Time, 8*time.Second)
	setDelay(&w.Training.FailTime, 10*time.Second)
	w.recordDefaults()
	if w.Zone == nil {
		w.Zone = time.UTC
	}
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// setDelay puts in what is not given, and nothing for AtOnce.
func setDelay(d *time.Duration, def time.Duration) {
	setDefault(d, def)
	*d = max(*d, 0)
}

// DefaultWorld is the friendly world: any application is approved, the license
// has scopes eeg and pm and a large quota, one EPOC+ is connected, one trained
// profile exists. Most client programs go to createSession without waiting for a
// connection.
func DefaultWorld() World {
	os := sessionstore.OSUser{ID: "1001", Name: "demo"}
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	return World{
		Users: []sessionstore.User{{
			Username: "demo.user", ID: "d0e1a2b3-0000-4000-8000-000000000001", FirstName: "Demo", LastName: "User",
			EULAAccepted: true, PrivateEULAAccepted: true, EULAURL: "https://fakecortex.invalid/eula",
		}},
		Login: "demo.user", LoginOS: os, CurrentOS: os,
		AnyApplication: true,
		Licenses: []sessionstore.License{{
			ID: "11ce25e0-0000-4000-8000-000000000001", Name: "Developer License", Owner: "demo.user",
			Applications: []string{"com.emotiv.sdk.basic", "com.emotiv.emotivpro"}, Scopes: []string{"eeg", "pm"},
			BillingFrom: year(2020), BillingTo: year(2100), ValidFrom: year(2000), ValidTo: year(2100), // the clock of testing/synctest begins in 2000
			SoftLimitTime: year(2100), HardLimitTime: year(2100),
			LocalQuota: 1000000, MaxDebit: -1, DailyDebit: -1, SessionCount: -1, SeatCount: 1,
			DeviceLimit: -1, DevicesPerSeat: -1, TotalRegisteredDevices: 1, RegisteredHere: true,
			SessionLimitDay: -1, SessionLimitMonth: -1, SessionLimitYear: -1,
		}},
		Headsets: []HeadsetSpec{{ID: "EPOCPLUS-3B9A0001", Firmware: "625", ConnectedBy: "dongle", Dongle: "6ff"}},
		Profiles: []ProfileSpec{{Profile: sessionstore.Profile{
			ID: "b10f11e0-0000-4000-8000-000000000001", Name: "demo",
			Data: sessionstore.ProfileData{MentalCommand: sessionstore.MentalCommandData{Times: map[string]int{"neutral": 3, "push": 3, "pull": 2}}},
		}}},
	}
}
