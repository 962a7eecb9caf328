package scenarios

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones are the same on every machine, containers without them too

	"github.com/fakecortex/fakecortex/emulator/faults"
	"github.com/fakecortex/fakecortex/scenarios/strict"
)

// Version is the version of the document format that this package reads.
const Version = 1

// Duration is a length of virtual time, written "1.5s" or "30d".
type Duration = strict.Duration

// JSON is a value of any shape, kept as JSON.
type JSON = strict.JSON

// Document is one scenario: a world and what happens in it.
type Document struct {
	Version      int            `json:"version" min:"1" max:"1" default:"1" doc:"Version of the document format."`
	Name         string         `json:"name,omitempty" doc:"Name of the scenario; the file's name when absent."`
	Title        string         `json:"title,omitempty" doc:"One line that says what the scenario is."`
	Report       string         `json:"report,omitempty" doc:"The report or page that it reproduces."`
	GoodClient   string         `json:"goodClient,omitempty" doc:"What a good client does in it."`
	Extends      []string       `json:"extends,omitempty" rule:"single" max:"16" doc:"Built-in scenarios or files (with a / or an extension) that this one builds on, in order. Mappings merge, lists replace, null takes a key out; timeline, faults and expectations are put behind those of the parents."`
	Vars         map[string]Var `json:"vars,omitempty" doc:"Variables, used as ${name} in any value and set on the command line."`
	World        World          `json:"world" doc:"What there is when the scenario begins."`
	Compat       Compat         `json:"compat" doc:"Behaviours that differ between Cortex versions; a key overrides what world.cortexVersion chooses."`
	Texts        Texts          `json:"texts" doc:"Other texts and codes for errors and warnings."`
	Timeline     []Step         `json:"timeline,omitempty" max:"10000" doc:"What happens, and when."`
	Faults       []faults.Rule  `json:"faults,omitempty" max:"1000" doc:"Faults of the wire."`
	Expectations []Expectation  `json:"expectations,omitempty" max:"1000" doc:"What the client must do and must not do."`
}

// Var is the value of a variable: any text, number, true or false.
type Var string

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *Var) UnmarshalText(text []byte) error {
	*v = Var(text)
	return nil
}

// Schema implements strict.Described.
func (Var) Schema(*strict.SchemaBuilder) map[string]any {
	return map[string]any{"type": []any{"string", "number", "boolean"}}
}

// World is what there is when a scenario begins.
type World struct {
	CortexVersion string  `json:"cortexVersion" default:"4.8.32" doc:"Version of Cortex: 2.0 or later."`
	Seed          uint64  `json:"seed" default:"1" doc:"Makes ids, signals and probabilities."`
	Clock         string  `json:"clock,omitempty" doc:"real, manual, or xN for N times as fast; empty leaves it to the command."`
	StartTime     Instant `json:"startTime,omitempty" doc:"Virtual time of the start (RFC 3339), or relative to now such as -24h; empty: now, or a fixed instant with the manual clock."`
	Zone          Zone    `json:"zone,omitempty" doc:"Zone of the Cortex host for dates: an offset such as +07:00, or an IANA name. Empty is UTC."`

	Users       []User  `json:"users,omitempty" max:"1000" doc:"EMOTIV accounts."`
	Login       string  `json:"login" ref:"user" doc:"EmotivID of the user who is logged in; empty: nobody."`
	OSUser      OSUser  `json:"osUser" doc:"Account of the operating system in which Cortex runs."`
	LoginOSUser *OSUser `json:"loginOsUser,omitempty" doc:"Account in which the login was made; another one than osUser makes the login unusable."`

	AnyApplication bool          `json:"anyApplication" default:"true" doc:"Approve a client id that is not among the applications; an application with clientId * decides instead."`
	Applications   []Application `json:"applications,omitempty" max:"1000" doc:"Registered client applications."`
	Licenses       []License     `json:"licenses,omitempty" max:"1000" doc:"EMOTIV licenses."`
	Cloud          Cloud         `json:"cloud" doc:"EMOTIV's cloud as this machine sees it."`

	Headsets              []Headset `json:"headsets,omitempty" max:"64" doc:"Headsets, in the order of queryHeadsets."`
	Discovery             Discovery `json:"discovery" doc:"How headsets are found."`
	BluetoothDenied       bool      `json:"bluetoothDenied" doc:"The operating system has not granted Bluetooth: queryHeadsets carries attention 31."`
	VirtualHeadsetMethods bool      `json:"virtualHeadsetMethods" doc:"Offer createVirtualHeadset and its siblings of the mobile library."`
	Disk                  string    `json:"disk" enum:"ok|low|critical" default:"ok" doc:"Free space: low is under 1 GB (warning 19), critical under 300 MB (warning 20)."`
	Service               string    `json:"service" enum:"ready|starting|zombie" default:"ready" doc:"starting: ready (warning 23) after timings.serviceReady; zombie: each connection gets warning 11 and no answer."`

	Profiles     []Profile     `json:"profiles,omitempty" max:"1000" doc:"Training profiles."`
	FlexMappings []FlexMapping `json:"flexMappings,omitempty" max:"100" doc:"Mappings stored by configMapping."`
	Subjects     []Subject     `json:"subjects,omitempty" max:"1000" doc:"Subjects of records."`
	Records      []Record      `json:"records,omitempty" max:"1000" doc:"Records that exist already."`

	Timings Timings `json:"timings" doc:"How long things take."`
	Rules   Rules   `json:"rules" doc:"Behaviours that are not known for sure, or that a test wants otherwise."`
	Limits  Limits  `json:"limits" doc:"Bounds."`
}

// User is one EMOTIV account.
type User struct {
	Username            string   `json:"username" rule:"required,short" doc:"The EmotivID."`
	ID                  string   `json:"id,omitempty" doc:"uuid; made from the name when absent."`
	FirstName           string   `json:"firstName,omitempty"`
	LastName            string   `json:"lastName,omitempty"`
	EULAAccepted        bool     `json:"eulaAccepted" default:"true" doc:"false puts warning 6 into the result of authorize."`
	PrivateEULAAccepted bool     `json:"privateEulaAccepted" default:"true" doc:"false puts warning 28 into the result of authorize."`
	EULAURL             string   `json:"eulaUrl" default:"https://fakecortex.invalid/eula"`
	LastLogin           *Instant `json:"lastLogin,omitempty" doc:"Absent: one hour before the start."`
}

// OSUser is an account of the operating system.
type OSUser struct {
	ID   string `json:"id" default:"1001" doc:"1001 on Windows, 501 on macOS."`
	Name string `json:"name" default:"demo"`
}

// Application is one registered client application.
type Application struct {
	ClientID       string    `json:"clientId" rule:"required" doc:"* stands for every client id that is not listed."`
	ClientSecret   string    `json:"clientSecret,omitempty" doc:"Absent accepts any."`
	Name           string    `json:"name,omitempty" doc:"As warnings 9 and 10 spell it; the client id when absent."`
	AppID          string    `json:"appId,omitempty" doc:"com.<emotivid>.<name>; made from owner and name when absent."`
	AppVersion     string    `json:"appVersion" default:"1.0"`
	Status         string    `json:"status" enum:"approved|pending|declined" default:"approved" doc:"What the users have decided at the start. pending: not asked yet, or not answered."`
	ApproveAfter   *Duration `json:"approveAfter,omitempty" doc:"The user approves that long after the first requestAccess."`
	DeclineAfter   *Duration `json:"declineAfter,omitempty" doc:"The user declines that long after the first requestAccess."`
	NeedsEEG       bool      `json:"needsEeg" doc:"Registered with EEG access: authorize wants a license with scope eeg."`
	Published      bool      `json:"published" default:"true" doc:"false: only its owner may authorize (-32142)."`
	Owner          string    `json:"owner,omitempty" doc:"EmotivID of the developer; the first user when absent."`
	License        string    `json:"license,omitempty" ref:"license" doc:"Id of a license of its own."`
	NeedsAuthorize bool      `json:"needsAuthorize" doc:"Tokens answer -32170 until authorize is called again."`
	OptOut         string    `json:"optOut" enum:"off|on|lockedOff|lockedOn" default:"off" doc:"configOptOut."`
}

// License is one EMOTIV license, with every field of getLicenseInfo. Numbers
// that are absent mean that there is no limit.
type License struct {
	ID           string   `json:"id" rule:"required,short" doc:"licenseId, a uuid."`
	Name         string   `json:"name" default:"Developer License" doc:"licenseName."`
	Owner        string   `json:"owner,omitempty" ref:"user" doc:"EmotivID it belongs to; absent: everybody."`
	Applications []string `json:"applications" default:"" doc:"What getLicenseInfo lists, such as com.emotiv.emotivpro."`
	UsableBy     []string `json:"usableBy,omitempty" rule:"single" doc:"clientIds or appIds that may use it (-32027 for others); absent: any."`
	Scopes       []string `json:"scopes" default:"" rule:"single" doc:"eeg and pm; [\"\"] is how a basic license prints it."`

	ValidFrom     Instant `json:"validFrom" default:"2000-01-01T00:00:00Z" doc:"Before it is as if the user had not the license (-32002 when it is named)."`
	ValidTo       Instant `json:"validTo" default:"2100-01-01T00:00:00Z" doc:"Expired from then on (-32024)."`
	BillingFrom   Instant `json:"billingFrom" default:"2020-01-01T00:00:00Z"`
	BillingTo     Instant `json:"billingTo" default:"2100-01-01T00:00:00Z"`
	SoftLimitTime Instant `json:"softLimitTime" default:"2100-01-01T00:00:00Z"`
	HardLimitTime Instant `json:"hardLimitTime" default:"2100-01-01T00:00:00Z" doc:"No session is activated from then on (-32029)."`
	Expired       bool    `json:"expired"`
	IsCommercial  bool    `json:"isCommercial"`
	LocalQuota    int     `json:"localQuota" default:"1000000" doc:"Sessions that this machine may still activate; may be negative as it once was in the wild."`
	SessionCount  *int    `json:"sessionCount,omitempty" min:"0" doc:"Sessions left in the cloud, from which debit takes."`
	SeatCount     int     `json:"seatCount" default:"1" min:"0"`
	MaxDebit      *int    `json:"maxDebit,omitempty" min:"0" doc:"Largest debit of one authorize (-32025)."`
	DailyDebit    *int    `json:"dailyDebit,omitempty" min:"0" doc:"Largest debit of one day (-32026)."`
	TotalDebit    int     `json:"totalDebit" min:"0"`
	ExtenderLimit int     `json:"extenderLimit" min:"0"`

	DeviceLimit            *int         `json:"deviceLimit,omitempty" min:"0" doc:"Computers that may use it (-32022)."`
	DevicesPerSeat         *int         `json:"devicesPerSeat,omitempty" min:"0"`
	TotalRegisteredDevices int          `json:"totalRegisteredDevices" default:"1" min:"0"`
	RegisteredHere         bool         `json:"registeredHere" default:"true" doc:"This computer is one of the registered ones."`
	SessionLimit           SessionLimit `json:"sessionLimit"`
	OptOut                 string       `json:"optOut" enum:"application|on|off" default:"application" doc:"configOptOut of who uses it: on and off are always so, application leaves it to the application."`
}

// SessionLimit is deviceInfo.sessionLimit of a license; nil prints null.
type SessionLimit struct {
	Day   *int `json:"day,omitempty" min:"1"`
	Month *int `json:"month,omitempty" min:"1"`
	Year  *int `json:"year,omitempty" min:"1"`
}

// Cloud is EMOTIV's cloud as this machine sees it.
type Cloud struct {
	Status          string `json:"status" enum:"online|offline|failing" default:"online" rule:"short" doc:"offline: -32003; failing: -32000."`
	TokenRefreshing bool   `json:"tokenRefreshing" doc:"generateNewToken answers -32130."`
	LoginRefused    bool   `json:"loginRefused" doc:"authorize and requestAccess answer -32108 until the next login."`
	TokenRefused    bool   `json:"tokenRefused" doc:"generateNewToken answers -32109 until the next authorize."`
}

// Discovery is how headsets are found.
type Discovery struct {
	Mode string `json:"mode" enum:"version|auto|strict" default:"version" rule:"short" doc:"strict: nothing is found before controlDevice refresh, as since Cortex 3.7; auto: Cortex scans by itself; version: as the Cortex version does."`
}

// Headset is one headset of the world.
type Headset struct {
	ID               string            `json:"id" rule:"required" doc:"The prefix chooses the model: EPOC-, EPOCPLUS-, EPOCX-, INSIGHT-, INSIGHT2-, EPOCFLEX-, FLEX2-, MN8-, MW20-, BGX-."`
	Model            string            `json:"model,omitempty" enum:"EPOC|EPOCPLUS|EPOCX|INSIGHT|INSIGHT2|EPOCFLEX|FLEX2|MN8|MW20|XTRODES" doc:"Absent: by the prefix of the id."`
	Firmware         string            `json:"firmware,omitempty" doc:"Hex without prefix, such as 625; absent: the model's."`
	ConnectedBy      string            `json:"connectedBy,omitempty" enum:"bluetooth|dongle|usb cable|extender" doc:"Absent: the model's."`
	Status           string            `json:"status" enum:"off|on|discovered|connected" default:"connected" doc:"on: switched on, a scan finds it. connected: another application has connected it."`
	AppearsAfter     *Duration         `json:"appearsAfter,omitempty" doc:"Switched off until then; status says what it is from then on."`
	IsVirtual        bool              `json:"isVirtual"`
	VirtualHeadsetID string            `json:"virtualHeadsetId,omitempty" doc:"uuid; made from the id when absent."`
	Dongle           string            `json:"dongle,omitempty" doc:"Firmware of the dongle; 0 for Bluetooth."`
	CustomName       string            `json:"customName,omitempty"`
	HeadbandPosition string            `json:"headbandPosition,omitempty" enum:"back|top" doc:"EPOC X."`
	Settings         *HeadsetSettings  `json:"settings,omitempty"`
	Mappings         map[string]string `json:"mappings,omitempty" doc:"Flex: electrode to location. CMS and DRL are required."`
	Connect          Connect           `json:"connect"`
	SilenceLimit     *Duration         `json:"silenceLimit,omitempty" doc:"Silence until Cortex gives it up; absent: timings.silenceLimit."`
	ClockOffset      Duration          `json:"clockOffset,omitempty" min:"-24h" max:"24h" doc:"Its clock minus the host's."`
	ClockRatio       float64           `json:"clockRatio" default:"1" min:"0.9" max:"1.1" doc:"Speed of its clock; real ones are 0.985 to 1."`
	Arrival          Arrival           `json:"arrival" doc:"When samples come, which is not when they were taken."`
	SettleFor        *Duration         `json:"settleFor,omitempty" doc:"For that long after the connection dev shows battery -1, signal 0 and no contact, as a headset that was just put on."`
	Signal           SignalPatch       `json:"signal,omitempty" doc:"State of the signal at the start."`
}

// HeadsetSettings is the settings member of a headset object.
type HeadsetSettings struct {
	Mode     string `json:"mode,omitempty" enum:"EPOC|EPOCPLUS"`
	EEGRate  *int   `json:"eegRate,omitempty" min:"0" max:"256"`
	EEGRes   *int   `json:"eegRes,omitempty" min:"0" max:"24"`
	MemsRate *int   `json:"memsRate,omitempty" min:"0" max:"128"`
	MemsRes  *int   `json:"memsRes,omitempty" min:"0" max:"24"`
}

// Connect is how controlDevice connect ends.
type Connect struct {
	Outcome string    `json:"outcome" enum:"ok|timeout|cannot|wrong|stuck|disableMotion" default:"ok" rule:"short" doc:"timeout: warning 102; cannot: 101; wrong: 100; stuck: connecting for ever; disableMotion: 113, until updateHeadset has set memsRate 0."`
	Delay   *Duration `json:"delay,omitempty" doc:"Absent: timings.connectDelay."`
	Polls   int       `json:"polls,omitempty" min:"0" max:"1000" doc:"Stays connecting until queryHeadsets was called that often."`
	Times   int       `json:"times,omitempty" min:"0" doc:"Attempts that end so before they succeed; 0: all."`
	Flaky   bool      `json:"flaky" doc:"Listed as connected while createSession answers -32004."`
}

// Arrival is the delay between the instant of a sample and its sending.
type Arrival struct {
	Delay  Duration `json:"delay,omitempty" max:"10s" doc:"Constant part."`
	Jitter Duration `json:"jitter,omitempty" max:"10s" doc:"Standard deviation; order is kept."`
	Burst  Duration `json:"burst,omitempty" max:"10s" doc:"Samples come in bursts of that period, as over Bluetooth."`
}

// Profile is one training profile.
type Profile struct {
	Name              string          `json:"name" rule:"required,short"`
	UUID              string          `json:"uuid,omitempty" doc:"Made from the name when absent."`
	Owner             string          `json:"owner,omitempty" ref:"user" doc:"EmotivID; the first user when absent."`
	ReadOnly          bool            `json:"readOnly"`
	EEGChannels       []string        `json:"eegChannels,omitempty" doc:"Sensors of the headsets that may load it; absent: those of the first headset."`
	MentalCommand     map[string]int  `json:"mentalCommand,omitempty" doc:"Trained actions and how often each was trained."`
	FacialExpression  map[string]int  `json:"facialExpression,omitempty" doc:"The same for facial expressions."`
	ActiveActions     []string        `json:"activeActions,omitempty" max:"4" doc:"Besides neutral; absent: the trained ones."`
	Sensitivity       []int           `json:"sensitivity,omitempty" max:"4" doc:"Four whole numbers from 1 to 10."`
	SkillRating       *float64        `json:"skillRating,omitempty" min:"0" max:"1"`
	TrainingThreshold *float64        `json:"trainingThreshold,omitempty" min:"0" max:"1"`
	LastTrainingScore *float64        `json:"lastTrainingScore,omitempty" min:"-1" max:"1"`
	BrainMap          []BrainMapPoint `json:"brainMap,omitempty" max:"16"`
	FacialThresholds  map[string]int  `json:"facialThresholds,omitempty" doc:"Action to 0..1000."`
	SignatureType     string          `json:"signatureType" enum:"universal|trained" default:"universal"`
	LoadedBy          string          `json:"loadedBy,omitempty" doc:"Client id of another application that has it loaded."`
	LoadedOn          string          `json:"loadedOn,omitempty" ref:"headset" doc:"Headset on which it is loaded."`
}

// BrainMapPoint is one element of mentalCommandBrainMap.
type BrainMapPoint struct {
	Action string  `json:"action" rule:"required"`
	X      float64 `json:"x" min:"-1" max:"1"`
	Y      float64 `json:"y" min:"0" max:"1"`
}

// FlexMapping is one stored mapping of configMapping.
type FlexMapping struct {
	Name     string            `json:"name" rule:"required"`
	UUID     string            `json:"uuid,omitempty"`
	Mappings map[string]string `json:"mappings" rule:"required"`
}

// Subject is one subject of records.
type Subject struct {
	SubjectName string             `json:"subjectName" rule:"required,short"`
	DateOfBirth string             `json:"dateOfBirth,omitempty" doc:"YYYY-MM-DD"`
	Owner       string             `json:"owner,omitempty" ref:"user" doc:"EmotivID; who is logged in when absent."`
	Sex         string             `json:"sex,omitempty" enum:"M|F|U"`
	CountryCode string             `json:"countryCode,omitempty" doc:"ISO 3166-1 alpha-2"`
	State       string             `json:"state,omitempty"`
	City        string             `json:"city,omitempty"`
	Attributes  []SubjectAttribute `json:"attributes,omitempty"`
}

// SubjectAttribute is one demographic attribute.
type SubjectAttribute struct {
	Name  string `json:"name" rule:"required"`
	Value string `json:"value" rule:"required"`
}

// Record is a record that exists when the scenario begins.
type Record struct {
	Title        string   `json:"title" rule:"required,short"`
	UUID         string   `json:"uuid,omitempty" doc:"Made from the title when absent."`
	Description  string   `json:"description,omitempty"`
	Start        Instant  `json:"start" default:"-1h" doc:"RFC 3339, or relative to the start of the scenario."`
	Duration     Duration `json:"duration" default:"60s" min:"1ms" max:"24h"`
	Headset      string   `json:"headset,omitempty" ref:"headset" doc:"Id of a headset of the world; the first when absent."`
	Application  string   `json:"application,omitempty" doc:"appId or client id; absent: the application that asks."`
	License      string   `json:"license,omitempty"`
	LicenseScope []string `json:"licenseScope,omitempty" rule:"single"`
	Owner        string   `json:"owner,omitempty" ref:"user"`
	Subject      string   `json:"subject,omitempty" ref:"subject"`
	Tags         []string `json:"tags,omitempty" rule:"single"`
	ExperimentID int      `json:"experimentId,omitempty" min:"0"`
	LocalOnly    bool     `json:"localOnly"`
	SyncStatus   string   `json:"syncStatus" enum:"neverUploaded|downloaded|notDownloaded" default:"neverUploaded"`
	Survey       JSON     `json:"survey,omitempty" doc:"Answers of a survey of EMOTIV LABS, any value: exportRecord with includeSurvey tells it."`
	Simulated    bool     `json:"simulated" default:"true" doc:"Its data are generated for an export; false: there are none (-32147)."`
	Markers      []Marker `json:"markers,omitempty" max:"10000"`
}

// Marker is one marker of a record.
type Marker struct {
	At       Duration  `json:"at" rule:"required" doc:"From the start of the record."`
	Duration *Duration `json:"duration,omitempty" doc:"An interval marker."`
	Value    JSON      `json:"value" rule:"required" doc:"A text or a number."`
	Label    string    `json:"label" rule:"required"`
	Port     string    `json:"port" default:"Software"`
}

// Timings is how long things take.
type Timings struct {
	ConnectDelay        Duration `json:"connectDelay" default:"1.5s" doc:"controlDevice connect to warning 104."`
	ConnectTimeout      Duration `json:"connectTimeout" default:"15s" doc:"controlDevice connect to warning 102."`
	HeadsetReady        Duration `json:"headsetReady" default:"0s" doc:"After the connection, -32152 until then."`
	ScanDuration        Duration `json:"scanDuration" default:"20s" doc:"refresh to warning 142."`
	ScanFindAfter       Duration `json:"scanFindAfter" default:"2s" doc:"When a scan finds a headset."`
	SilenceLimit        Duration `json:"silenceLimit" default:"30s" doc:"Silence until a headset is given up (warning 103)."`
	SessionEnd          Duration `json:"sessionEnd" default:"0s" doc:"From the end of a headset to the end of its sessions."`
	ServiceReady        Duration `json:"serviceReady" default:"5s" doc:"Start to warning 23 when service is starting."`
	TokenLife           Duration `json:"tokenLife" default:"48h" min:"1s"`
	CloudRefresh        Duration `json:"cloudRefresh" default:"3s" doc:"How long cloud.tokenRefreshing lasts after the first refusal; 0s: for ever."`
	UpdateHeadset       Duration `json:"updateHeadset" default:"1s" doc:"updateHeadset to warning 110 or 111."`
	PostProcessing      Duration `json:"postProcessing" default:"1s" doc:"stopRecord to warning 30 (18 before 4.0)."`
	PostProcessingNever bool     `json:"postProcessingNever" doc:"The record is never ready."`
	Download            Duration `json:"download" default:"2s" doc:"requestToDownloadRecordData to downloaded."`
	Training            Duration `json:"training" default:"8s" doc:"MC_Started to MC_Succeeded; getTrainingTime tells it."`
	TrainingFailure     Duration `json:"trainingFailure" default:"10s" doc:"MC_Started to MC_Failed."`
	MarkerTooOld        Duration `json:"markerTooOld" default:"60s" doc:"A marker older than that answers -32115."`
	MarkerTooNew        Duration `json:"markerTooNew" default:"60s" doc:"A marker further in the future than that is refused."`
	LicenseWarning      Duration `json:"licenseWarning" default:"7d" doc:"How long before its end a license gets warning 26 with authorize."`
	BasicMetPeriod      Duration `json:"basicMetPeriod" default:"10s" min:"100ms" doc:"Period of met without scope pm."`
	MetInactive         Duration `json:"metInactive" default:"0s" doc:"met is null for that long after the subscription."`
	ClosedSocketCleanup Duration `json:"closedSocketCleanup" default:"0s" doc:"From the end of a connection to the end of its sessions and profiles."`
}

// Rules are behaviours that no source tells for sure.
type Rules struct {
	SessionsDieWithConnection bool     `json:"sessionsDieWithConnection" default:"true" doc:"An application's sessions end with its last connection."`
	ActivateOnce              bool     `json:"activateOnce" default:"true" doc:"Activating an activated session costs nothing."`
	SessionRefusedOnUSBCable  bool     `json:"sessionRefusedOnUsbCable" default:"true" doc:"createSession on a headset on a USB cable answers -32004."`
	DoubleSubscribe           string   `json:"doubleSubscribe" enum:"once|twice|failure" default:"once" doc:"Subscribing to a stream twice: samples once, samples twice, or a failure entry."`
	UnknownStream             string   `json:"unknownStream" enum:"failure|invalidParams" default:"failure" doc:"subscribe and unsubscribe with the name of no stream: a failure entry, or -32602 for the whole call."`
	UnknownParameter          string   `json:"unknownParameter" enum:"ignore|invalidParams" default:"ignore"`
	EnforceSoftLimit          bool     `json:"enforceSoftLimit" doc:"No session is activated after softLimitTime (-32028)."`
	RefuseWithoutEULA         bool     `json:"refuseWithoutEula" doc:"authorize answers -32041 while the EULA is not accepted, instead of warning 6 or 28 in its result."`
	TellAccessRequests        bool     `json:"tellAccessRequests" doc:"The first requestAccess sends warning 8 to the other connections, of which the Launcher would be one."`
	RefuseWhileStarting       bool     `json:"refuseWhileStarting" doc:"A starting service answers -32122; false: calls wait for warning 23."`
	MissingParameterCode      int      `json:"missingParameterCode" default:"-32018" min:"-33000" max:"-32000" doc:"The documentation says -32602, logs say -32018."`
	StrictEnvelope            bool     `json:"strictEnvelope" default:"true" doc:"A request without jsonrpc 2.0 answers -32600."`
	RequestAccessChecksSecret bool     `json:"requestAccessChecksSecret" doc:"A wrong secret is refused by requestAccess already."`
	DebitTooLarge             string   `json:"debitTooLarge" enum:"error|ignore" default:"error" doc:"A debit that the license does not allow: an error, or a token with the quota as it was."`
	FlexWithoutMapping        string   `json:"flexWithoutMapping" enum:"error|warning|ok" default:"warning" doc:"controlDevice connect of a Flex without mapping: -32602, or warning 100."`
	TrainingWithoutSys        string   `json:"trainingWithoutSys" enum:"silent|error" default:"silent" doc:"training without a subscription to sys."`
	TrainingResult            string   `json:"trainingResult" enum:"succeed|fail|alternate" default:"succeed"`
	TrainingAnswerFirst       bool     `json:"trainingAnswerFirst" default:"true" doc:"The answer to training stands before its sys event."`
	ProfileWarningToCaller    bool     `json:"profileWarningToCaller" doc:"Warnings 13 and 14 go also to the connection that loaded or unloaded the profile."`
	CommandsAtRest            bool     `json:"commandsAtRest" doc:"com fires trained actions without cause, as a profile without neutral does."`
	MarkersLost               float64  `json:"markersLost" min:"0" max:"1" doc:"Share of markers that are missing in the eeg stream."`
	MarkersLate               int      `json:"markersLate" min:"0" max:"256" doc:"Markers come up to that many eeg samples late."`
	MarkerJitter              Duration `json:"markerJitter" default:"0s" max:"1s" doc:"How far the echoed time of a marker may be from the request's."`
	SamplesAfterUnsubscribe   int      `json:"samplesAfterUnsubscribe" min:"0" max:"16" doc:"Samples on their way when unsubscribe is answered."`
	Mute                      []Mute   `json:"mute,omitempty" doc:"Streams that can be subscribed to and never send."`
}

// Mute silences one stream.
type Mute struct {
	Stream  string `json:"stream" rule:"required,short" enum:"eeg|mot|dev|eq|pow|met|com|fac|sys"`
	Headset string `json:"headset,omitempty" ref:"headset" doc:"Absent: every headset."`
}

// Limits are bounds.
type Limits struct {
	Sessions    int `json:"sessions" default:"1000" min:"1" max:"100000"`
	Connections int `json:"connections" default:"10000" min:"1" max:"100000"`
	Message     int `json:"message" default:"1048576" min:"1024" max:"67108864" doc:"Bytes of a request."`
	Outbox      int `json:"outbox" default:"16777216" min:"65536" max:"1073741824" doc:"Bytes that wait for one client."`
	Records     int `json:"records" default:"1000" min:"1" max:"100000"`

	Applications int `json:"applications" default:"10000" min:"1" max:"100000" doc:"Client ids that clients make up, those of the world included."`
}

// Compat overrides behaviours that the Cortex version chooses; nil leaves them.
type Compat struct {
	BuiDateTypo         *bool  `json:"buiDateTypo,omitempty" doc:"2.0: getCortexInfo spells buidDate."`
	OldAccessText       *bool  `json:"oldAccessText,omitempty" doc:"2.0: another message of requestAccess."`
	ErrorData           *bool  `json:"errorData,omitempty" doc:"Since 2.6: errors carry data.behavior."`
	OldTexts            *bool  `json:"oldTexts,omitempty" doc:"Before 2.6: texts of 2019."`
	LastLoginTime       *bool  `json:"lastLoginTime,omitempty" doc:"Since 2.3."`
	CustomName          *bool  `json:"customName,omitempty" doc:"Headset objects carry customName."`
	SessionCustomName   *bool  `json:"sessionCustomName,omitempty" doc:"The headset of a session carries customName too."`
	HeadbandPosition    *bool  `json:"headbandPosition,omitempty" doc:"Since 2.4."`
	VirtualFields       *bool  `json:"virtualFields,omitempty" doc:"Since 2.6."`
	DFUFields           *bool  `json:"dfuFields,omitempty" doc:"Since 3.0."`
	PerformanceMetrics  *bool  `json:"performanceMetrics,omitempty" doc:"Since 2.6: sessions carry performanceMetrics."`
	AttentionMetric     *bool  `json:"attentionMetric,omitempty" doc:"Since 3.0: attention replaces foc."`
	AppDrivenScan       *bool  `json:"appDrivenScan,omitempty" doc:"Since 3.7: nothing is found before controlDevice refresh."`
	Warning0OnClose     *bool  `json:"warning0OnClose,omitempty" doc:"updateSession close sends warning 0 too."`
	Warning0IsText      *bool  `json:"warning0IsText,omitempty" doc:"2019: warning 0 carries a text."`
	HeadsetWarningFirst *bool  `json:"headsetWarningFirst,omitempty" doc:"103 stands before 0 and 1."`
	MetIsActive         *bool  `json:"metIsActive,omitempty" doc:"Since 2.2.1."`
	DevBatteryPercent   *bool  `json:"devBatteryPercent,omitempty" doc:"Since 2.7."`
	DevOverall          *bool  `json:"devOverall,omitempty" doc:"Since 2.3: dev has OVERALL."`
	EQStream            *bool  `json:"eqStream,omitempty" doc:"Since 2.7."`
	EEGMarkers          *bool  `json:"eegMarkers,omitempty" doc:"Since 2.1: eeg has MARKERS."`
	FlexHighBit         *bool  `json:"flexHighBit,omitempty" doc:"Flex eeg has HighBitFlex."`
	FlexSaturationFlag  *bool  `json:"flexSaturationFlag,omitempty" doc:"Since 2.3: Flex eeg has SaturationFlag."`
	FlexDC              *bool  `json:"flexDc,omitempty" doc:"Flex eeg has the DC level of the other models."`
	BareZero            *bool  `json:"bareZero,omitempty" doc:"2019: floats print 0 rather than 0.0."`
	AsyncUpdateHeadset  *bool  `json:"asyncUpdateHeadset,omitempty" doc:"Since 2.4: warnings 110 and 111."`
	ConfigMapping       *bool  `json:"configMapping,omitempty" doc:"Since 4.7."`
	RecordLocalOnly     *bool  `json:"recordLocalOnly,omitempty" doc:"Since 2.2.1."`
	RecordExperimentID  *bool  `json:"recordExperimentId,omitempty" doc:"Since 2.2.1."`
	OrderByApplication  *bool  `json:"orderByApplication,omitempty" doc:"Since 2.5: queryRecords orders by applicationId."`
	RecordSubject       *bool  `json:"recordSubject,omitempty" doc:"Since 3.0."`
	Warning30           *bool  `json:"warning30,omitempty" doc:"Since 4.0: warning 30 tells of a record that is ready, 18 before."`
	ProfileRequired     *bool  `json:"profileRequired,omitempty" doc:"2.0: Advanced BCI methods require profile even with session."`
	ProfileChannels     *bool  `json:"profileChannels,omitempty" doc:"Since 3.6.5: readOnly and eegChannels."`
	PlusFormats         *bool  `json:"plusFormats,omitempty" doc:"Since 3.7.5: EDFPLUS and BDFPLUS."`
	ExportGate          string `json:"exportGate,omitempty" enum:"disconnect|warning18|warning30" doc:"What exportRecord waits for."`
}

// Texts override the texts and codes of errors and warnings.
type Texts struct {
	Errors   map[int]Text `json:"errors,omitempty" doc:"Code of the error to what replaces it."`
	Warnings map[int]Text `json:"warnings,omitempty" doc:"Code of the warning to what replaces it."`
}

// Text replaces one error or warning.
type Text struct {
	Message  JSON   `json:"message,omitempty" rule:"short" doc:"A text; a warning may have an object too."`
	Code     *int   `json:"code,omitempty" doc:"Another code."`
	Behavior string `json:"behavior,omitempty" doc:"data.behavior of an error."`
}

// Instant is a point in virtual time: absolute, or relative to the start.
type Instant struct {
	T        time.Time
	D        time.Duration
	Relative bool
}

// IsZero reports whether the instant was left out.
func (i Instant) IsZero() bool { return !i.Relative && i.T.IsZero() }

// At returns the instant for a scenario that starts at start.
func (i Instant) At(start time.Time) time.Time {
	if i.Relative {
		return start.Add(i.D)
	}
	return i.T
}

// MarshalText implements encoding.TextMarshaler.
func (i Instant) MarshalText() ([]byte, error) {
	switch {
	case i.Relative:
		return []byte(i.D.String()), nil
	case i.T.IsZero():
		return nil, nil
	}
	return []byte(i.T.Format(time.RFC3339Nano)), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (i *Instant) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "" {
		*i = Instant{}
		return nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		if y := t.Year(); y < 1970 || y > 2200 {
			return fmt.Errorf("is out of range; want a year from 1970 to 2200")
		}
		*i = Instant{T: t}
		return nil
	}
	var d Duration
	if err := d.UnmarshalText([]byte(strings.TrimPrefix(s, "+"))); err != nil {
		return fmt.Errorf("is not an instant; want RFC 3339 such as 2026-01-01T12:00:00Z, or a duration from the start such as -24h")
	}
	*i = Instant{D: d.D(), Relative: true}
	return nil
}

// Zone is a time zone: a fixed offset or an IANA name.
type Zone struct {
	Name     string
	Location *time.Location
}

// MarshalText implements encoding.TextMarshaler.
func (z Zone) MarshalText() ([]byte, error) { return []byte(z.Name), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (z *Zone) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "" {
		*z = Zone{}
		return nil
	}
	if t, err := time.Parse("-07:00", s); err == nil {
		_, offset := t.Zone()
		*z = Zone{Name: s, Location: time.FixedZone(s, offset)}
		return nil
	}
	if strings.EqualFold(s, "local") {
		return fmt.Errorf("differs between machines; want an offset such as +07:00, or a name such as Europe/Paris")
	}
	l, err := time.LoadLocation(s)
	if err != nil {
		return fmt.Errorf("is not a time zone; want an offset such as +07:00, or a name such as Europe/Paris")
	}
	*z = Zone{Name: s, Location: l}
	return nil
}
