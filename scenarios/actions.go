package scenarios

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/fakecortex/fakecortex/emulator/faults"
	"github.com/fakecortex/fakecortex/scenarios/strict"
)

// Action is one thing that happens in the world: a name of Actions and a pointer
// to its arguments, of the type that Actions names.
type Action struct {
	Name string
	Args any
}

// The names of actions, as documents and the control API spell them.
const (
	// Headsets.
	DoHeadsetOff        = "headsetOff"        // *OnHeadset
	DoHeadsetOn         = "headsetOn"         // *OnHeadset
	DoHeadsetOutOfRange = "headsetOutOfRange" // *OnHeadset
	DoHeadsetBack       = "headsetBack"       // *OnHeadset
	DoAddHeadset        = "addHeadset"        // *Headset
	DoRemoveHeadset     = "removeHeadset"     // *OnHeadset
	DoOtherConnects     = "otherConnects"     // *OnHeadset
	DoOtherDisconnects  = "otherDisconnects"  // *OnHeadset
	DoOtherTakesHeadset = "otherTakesHeadset" // *OnHeadset
	DoUSBCable          = "usbCable"          // *USBCable
	DoConnectOutcome    = "connectOutcome"    // *ConnectOutcome
	DoBattery           = "battery"           // *Battery
	DoContact           = "contact"           // *Contact
	DoSignalStrength    = "signalStrength"    // *SignalStrength
	DoPacketLoss        = "packetLoss"        // *PacketLoss
	DoClock             = "headsetClock"      // *HeadsetClock

	// The head under the headset.
	DoSignal        = "signal"        // *Signal
	DoBlink         = "blink"         // *Blink
	DoWink          = "wink"          // *Wink
	DoLook          = "look"          // *Look
	DoFace          = "face"          // *Face
	DoClench        = "clench"        // *Clench
	DoEyes          = "eyes"          // *Eyes
	DoMind          = "mind"          // *Mind
	DoRelax         = "relax"         // *Relax
	DoMentalCommand = "mentalCommand" // *MentalCommand
	DoHead          = "head"          // *HeadPose
	DoStimulus      = "stimulus"      // *Stimulus
	DoMarker        = "marker"        // *HardwareMarker

	// Accounts, applications, licenses, cloud.
	DoApprove        = "approve"        // *OnApplication
	DoDecline        = "decline"        // *OnApplication
	DoReauthorize    = "needsAuthorize" // *OnApplication
	DoLogOut         = "logOut"         // *NoArgs
	DoLogIn          = "logIn"          // *LogIn
	DoAcceptEULA     = "acceptEula"     // *OnUser
	DoLicenseExpires = "licenseExpires" // *OnLicense
	DoLicenseScopes  = "licenseScopes"  // *LicenseScopes
	DoQuota          = "quota"          // *Quota
	DoCloud          = "cloud"          // *Cloud
	DoExpireTokens   = "expireTokens"   // *OnApplication

	// Other applications, records, training.
	DoOtherLoadsProfile   = "otherLoadsProfile"   // *OtherProfile
	DoOtherUnloadsProfile = "otherUnloadsProfile" // *OtherProfile
	DoTrainingResult      = "trainingResult"      // *TrainingResult
	DoCloseSessions       = "closeSessions"       // *OnHeadset
	DoStopRecords         = "stopRecords"         // *OnHeadset

	// The machine and the wire.
	DoDisk         = "disk"         // *Disk
	DoBluetooth    = "bluetooth"    // *Bluetooth
	DoServiceReady = "serviceReady" // *NoArgs
	DoZombie       = "zombie"       // *Zombie
	DoWarning      = "warning"      // *SendWarning
	DoSend         = "send"         // *Send
	DoCut          = "cut"          // *Cut
	DoRestart      = "restart"      // *Restart
	DoFault        = "fault"        // *faults.Rule
	DoClearFault   = "clearFault"   // *ClearFault
	DoNote         = "note"         // *Note
)

// The arguments of actions.
type (
	// NoArgs is for actions without arguments.
	NoArgs struct{}
	// OnHeadset names one headset.
	OnHeadset struct {
		Headset string `json:"headset,omitempty" rule:"short" ref:"headset" doc:"Id; absent: the first headset."`
	}
	// OnApplication names one application.
	OnApplication struct {
		Application string `json:"application,omitempty" rule:"short" ref:"application" doc:"clientId; absent: every application."`
	}
	// OnUser names one user.
	OnUser struct {
		User string `json:"user,omitempty" rule:"short" ref:"user" doc:"EmotivID; absent: who is logged in."`
	}
	// OnLicense names one license.
	OnLicense struct {
		License string `json:"license,omitempty" rule:"short" ref:"license" doc:"Id; absent: the first license."`
	}
	// Zombie names the connections that die.
	Zombie struct {
		Connection int `json:"connection,omitempty" min:"0" rule:"short" doc:"Number of the connection since the start, from 1; 0: every open one."`
		Code       int `json:"code" default:"11" min:"11" max:"12" doc:"The warning: 11, or 12, the OS user's name cannot be detected."`
	}
	// USBCable plugs the headset's cable in or out.
	USBCable struct {
		Headset string `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		Plugged bool   `json:"plugged" default:"true" rule:"short"`
	}
	// ConnectOutcome changes how the next controlDevice connect ends, and takes
	// flaky away.
	ConnectOutcome struct {
		Headset string    `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		Outcome string    `json:"outcome" enum:"ok|timeout|cannot|wrong|stuck|disableMotion" rule:"required,short"`
		Delay   *Duration `json:"delay,omitempty"`
	}
	// Battery sets the charge, or lets it drain.
	Battery struct {
		Headset      string   `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		Percent      *float64 `json:"percent,omitempty" min:"-1" max:"100" rule:"short" doc:"-1: not known yet."`
		DrainPerHour *float64 `json:"drainPerHour,omitempty" min:"0" max:"360000" doc:"Percent per hour of virtual time."`
	}
	// Contact sets the contact quality of sensors.
	Contact struct {
		Headset string   `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		Sensors []string `json:"sensors,omitempty" rule:"single" doc:"Absent: all."`
		Quality int      `json:"quality" min:"0" max:"4" rule:"required,short" doc:"0 no contact .. 4 good."`
	}
	// SignalStrength sets the radio signal of dev.
	SignalStrength struct {
		Headset  string  `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		Strength float64 `json:"strength" min:"0" max:"1" rule:"required,short"`
	}
	// PacketLoss loses radio packets.
	PacketLoss struct {
		Headset string   `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		Share   float64  `json:"share" min:"0" max:"1" rule:"required,short" doc:"Probability that a gap begins at a sample."`
		Burst   float64  `json:"burst" default:"2" min:"1" max:"1000" doc:"Mean length of a gap in samples."`
		For     Duration `json:"for,omitempty" doc:"0s: until changed."`
	}
	// HeadsetClock moves the headset's clock against the host's.
	HeadsetClock struct {
		Headset string   `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		Offset  Duration `json:"offset" rule:"required,short" min:"-24h" max:"24h"`
	}
	// Signal sets fields of the signal state.
	Signal struct {
		Headset string      `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		State   SignalPatch `json:"state" rule:"required"`
	}
	// Blink closes both eyes for a moment.
	Blink struct {
		Headset string   `json:"headset,omitempty" ref:"headset" rule:"short" doc:"Id; absent: the first headset."`
		Times   int      `json:"times" default:"1" min:"1" max:"1000"`
		Every   Duration `json:"every" default:"1s" min:"300ms" doc:"Between several blinks."`
	}
	// Wink closes one eye for a moment.
	Wink struct {
		Headset string `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		Eye     string `json:"eye" enum:"left|right" default:"left" rule:"short"`
	}
	// Look moves the eyes.
	Look struct {
		Headset   string `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		Direction string `json:"direction" enum:"left|right|up|down" default:"left" rule:"short"`
	}
	// Face makes an expression.
	Face struct {
		Headset string   `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		Action  string   `json:"action" enum:"surprise|frown|smile|clench|laugh|smirkLeft|smirkRight" rule:"required,short"`
		Power   float64  `json:"power" default:"0.8" min:"0.01" max:"1"`
		For     Duration `json:"for" default:"1s" min:"10ms" max:"1h"`
	}
	// Clench clenches the teeth.
	Clench struct {
		Headset string   `json:"headset,omitempty" ref:"headset" rule:"short" doc:"Id; absent: the first headset."`
		Power   float64  `json:"power" default:"0.8" min:"0.01" max:"1"`
		For     Duration `json:"for" default:"1s" min:"10ms" max:"1h"`
	}
	// Eyes opens or closes the eyes for good.
	Eyes struct {
		Headset string `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		State   string `json:"state" enum:"open|closed" rule:"required,short"`
	}
	// Mind sets the levels that met follows, 0 to 1.
	Mind struct {
		Headset         string   `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		Attention       *float64 `json:"attention,omitempty" min:"0" max:"1"`
		Engagement      *float64 `json:"engagement,omitempty" min:"0" max:"1"`
		Excitement      *float64 `json:"excitement,omitempty" min:"0" max:"1"`
		Stress          *float64 `json:"stress,omitempty" min:"0" max:"1"`
		Relaxation      *float64 `json:"relaxation,omitempty" min:"0" max:"1"`
		Interest        *float64 `json:"interest,omitempty" min:"0" max:"1"`
		Focus           *float64 `json:"focus,omitempty" min:"0" max:"1"`
		CognitiveStress *float64 `json:"cognitiveStress,omitempty" min:"0" max:"1"`
		Drowsy          *float64 `json:"drowsy,omitempty" min:"0" max:"1"`
	}
	// Relax closes the eyes and relaxes, for a while or for good.
	Relax struct {
		Headset string   `json:"headset,omitempty" ref:"headset" rule:"short" doc:"Id; absent: the first headset."`
		For     Duration `json:"for,omitempty" doc:"0s: until changed."`
	}
	// MentalCommand thinks of one action.
	MentalCommand struct {
		Headset string   `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		Action  string   `json:"action" enum:"neutral|push|pull|lift|drop|left|right|rotateLeft|rotateRight|rotateClockwise|rotateCounterClockwise|rotateForwards|rotateReverse|disappear" rule:"required,short"`
		Power   float64  `json:"power" default:"0.7" min:"0" max:"1"`
		Forced  bool     `json:"forced" doc:"com says so whatever the profile is."`
		For     Duration `json:"for,omitempty" doc:"0s: until changed."`
	}
	// HeadPose turns the head, in degrees, or lets it move.
	HeadPose struct {
		Headset   string  `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		Yaw       float64 `json:"yaw" min:"-180" max:"180" doc:"To the left."`
		Pitch     float64 `json:"pitch" min:"-90" max:"90" doc:"Down."`
		Roll      float64 `json:"roll" min:"-90" max:"90" doc:"To the right shoulder."`
		Movement  string  `json:"movement" enum:"still|nod|shake|tilt|walk" default:"still" rule:"short"`
		Amplitude float64 `json:"amplitude" default:"10" min:"0" max:"90" doc:"Degrees; percent of g with walk."`
		Frequency float64 `json:"frequency" default:"1" min:"0.05" max:"10" doc:"Hz."`
	}
	// Stimulus shows something that the brain answers to.
	Stimulus struct {
		Headset   string   `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		Label     string   `json:"label,omitempty" rule:"short" doc:"An event as an injected marker of that label would be."`
		Frequency float64  `json:"frequency,omitempty" min:"0" max:"45" doc:"Hz of a flicker, 1 to 45: steady-state response. 0 with no label ends it."`
		For       Duration `json:"for,omitempty"`
	}
	// HardwareMarker is a trigger at the headset.
	HardwareMarker struct {
		Headset string `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		Value   int    `json:"value" default:"1" min:"0" max:"65535" rule:"short"`
	}
	// LogIn logs a user in, instead of who was.
	LogIn struct {
		User   string  `json:"user" rule:"required,short" ref:"user"`
		OSUser *OSUser `json:"osUser,omitempty" doc:"Absent: the account in which Cortex runs."`
	}
	// LicenseScopes replaces the scopes of a license.
	LicenseScopes struct {
		License string   `json:"license,omitempty" ref:"license"`
		Scopes  []string `json:"scopes" rule:"required,short,single"`
	}
	// Quota sets localQuota.
	Quota struct {
		License string `json:"license,omitempty" ref:"license"`
		Value   int    `json:"value" rule:"required,short"`
	}
	// OtherProfile is a profile that another application loads or unloads.
	OtherProfile struct {
		Headset string `json:"headset,omitempty" ref:"headset" doc:"Id; absent: the first headset."`
		Profile string `json:"profile,omitempty" rule:"short" ref:"profile" doc:"Absent: the first profile."`
	}
	// TrainingResult says how the next trainings end.
	TrainingResult struct {
		Result string `json:"result" enum:"succeed|fail|alternate" rule:"required,short"`
	}
	// Disk sets the free space.
	Disk struct {
		State string `json:"state" enum:"ok|low|critical" rule:"required,short"`
	}
	// Bluetooth sets the permission of the operating system.
	Bluetooth struct {
		Granted bool `json:"granted" rule:"required,short"`
	}
	// SendWarning sends a warning of any code.
	SendWarning struct {
		Code       int  `json:"code" rule:"required,short" min:"0" max:"100000"`
		Message    JSON `json:"message,omitempty" doc:"Text or object; absent: the text of the code."`
		Connection int  `json:"connection,omitempty" min:"0" doc:"0: every open one."`
	}
	// Send sends one frame as it stands.
	Send struct {
		Frame      JSON   `json:"frame,omitempty" doc:"A JSON value."`
		Text       string `json:"text,omitempty" rule:"short" doc:"A text that need not be JSON."`
		Hex        string `json:"hex,omitempty" doc:"A binary frame."`
		Connection int    `json:"connection,omitempty" min:"0" doc:"0: every open one."`
	}
	// Cut ends connections.
	Cut struct {
		Connection int    `json:"connection,omitempty" min:"0" rule:"short" doc:"0: every open one."`
		Code       int    `json:"code" default:"1006" min:"1000" max:"4999" doc:"WebSocket close code; 1006 cuts without a close frame."`
		Reason     string `json:"reason,omitempty"`
		Reset      bool   `json:"reset" doc:"A TCP reset."`
	}
	// Restart ends Cortex and starts it again: connections and sessions are gone,
	// tokens live on.
	Restart struct {
		DownFor Duration `json:"downFor" default:"2s" rule:"short" doc:"New connections are refused until then."`
		Code    int      `json:"code" default:"1001" min:"1000" max:"4999"`
	}
	// ClearFault takes faults away.
	ClearFault struct {
		ID string `json:"id,omitempty" rule:"short" ref:"fault" doc:"Absent: all."`
	}
	// Note writes a line into the journal.
	Note struct {
		Text string `json:"text" rule:"required,short"`
	}
)

// ActionType is what can stand under do.
type ActionType struct {
	Name string
	Args reflect.Type
	Doc  string
}

func action[T any](name, doc string) ActionType { return ActionType{name, reflect.TypeFor[T](), doc} }

// Actions returns every action, in the order of the documentation.
func Actions() []ActionType {
	return []ActionType{
		action[OnHeadset](DoHeadsetOff, "Switch a headset off: samples stop at once, it is given up after the silence limit."),
		action[OnHeadset](DoHeadsetOn, "Switch a headset on: a scan finds it."),
		action[OnHeadset](DoHeadsetOutOfRange, "Carry it out of range: as switched off, but it comes back by itself with headsetBack."),
		action[OnHeadset](DoHeadsetBack, "Bring it back: within the silence limit its sessions go on."),
		action[Headset](DoAddHeadset, "A headset that the world did not have appears."),
		action[OnHeadset](DoRemoveHeadset, "It is gone at once, and its sessions with it."),
		action[OnHeadset](DoOtherConnects, "Another application connects it: warning 104 unasked."),
		action[OnHeadset](DoOtherDisconnects, "Another application disconnects it: warnings 0, 1, 15."),
		action[OnHeadset](DoOtherTakesHeadset, "Another computer takes it: it leaves the list as after a silence."),
		action[USBCable](DoUSBCable, "Plug its cable in or out."),
		action[ConnectOutcome](DoConnectOutcome, "Change how the next controlDevice connect ends."),
		action[Battery](DoBattery, "Set the battery, or let it drain."),
		action[Contact](DoContact, "Set the contact quality of sensors: 0 is a loose sensor."),
		action[SignalStrength](DoSignalStrength, "Set the radio signal."),
		action[PacketLoss](DoPacketLoss, "Lose a share of the radio packets."),
		action[HeadsetClock](DoClock, "Move its clock against the host's."),

		action[Signal](DoSignal, "Set fields of the signal state."),
		action[Blink](DoBlink, "Blink."),
		action[Wink](DoWink, "Wink."),
		action[Look](DoLook, "Look to a side."),
		action[Face](DoFace, "Make a facial expression."),
		action[Clench](DoClench, "Clench the teeth."),
		action[Eyes](DoEyes, "Open or close the eyes."),
		action[Mind](DoMind, "Set the levels that met follows."),
		action[Relax](DoRelax, "Close the eyes and relax."),
		action[MentalCommand](DoMentalCommand, "Think of a mental command."),
		action[HeadPose](DoHead, "Turn the head."),
		action[Stimulus](DoStimulus, "Show a stimulus that the brain answers to."),
		action[HardwareMarker](DoMarker, "Give a hardware trigger."),

		action[OnApplication](DoApprove, "The user approves an application: warning 9."),
		action[OnApplication](DoDecline, "The user declines an application: warning 10."),
		action[OnApplication](DoReauthorize, "Its tokens answer -32170 until authorize."),
		action[NoArgs](DoLogOut, "The user logs out: warning 3."),
		action[LogIn](DoLogIn, "A user logs in, instead of who was: warnings 3 and 2."),
		action[OnUser](DoAcceptEULA, "The user accepts the EULA: warning 17."),
		action[OnLicense](DoLicenseExpires, "A license expires now."),
		action[LicenseScopes](DoLicenseScopes, "Replace the scopes of a license."),
		action[Quota](DoQuota, "Set localQuota."),
		action[Cloud](DoCloud, "The cloud goes offline, fails, or comes back."),
		action[OnApplication](DoExpireTokens, "Every token given so far is expired."),

		action[OtherProfile](DoOtherLoadsProfile, "Another application loads a profile: warning 13."),
		action[OtherProfile](DoOtherUnloadsProfile, "Another application unloads it: warning 14."),
		action[TrainingResult](DoTrainingResult, "How the next trainings end."),
		action[OnHeadset](DoCloseSessions, "Cortex closes the sessions of a headset: warnings 0 and 1."),
		action[OnHeadset](DoStopRecords, "Cortex stops the records of a headset."),

		action[Disk](DoDisk, "Free space falls: warnings 19 and 20."),
		action[Bluetooth](DoBluetooth, "The Bluetooth permission is granted or taken."),
		action[NoArgs](DoServiceReady, "The service is ready: warning 23."),
		action[Zombie](DoZombie, "Warning 11 or 12, and no answer any more."),
		action[SendWarning](DoWarning, "Send a warning."),
		action[Send](DoSend, "Send a frame."),
		action[Cut](DoCut, "End a connection."),
		action[Restart](DoRestart, "Cortex restarts."),
		action[faults.Rule](DoFault, "Add a fault of the wire."),
		action[ClearFault](DoClearFault, "Take a fault away."),
		action[Note](DoNote, "Write a line into the journal."),
	}
}

// DecodeStrict implements strict.Self: a mapping with one key, or the bare name
// of an action that needs no arguments.
func (a *Action) DecodeStrict(d *strict.Decoder, n *strict.Node, path string) {
	types := Actions()
	known := make([]string, len(types))
	for i := range types {
		known[i] = types[i].Name
	}
	name, args, at := "", &strict.Node{Kind: strict.Null, Pos: n.Pos}, n
	switch {
	case n.Kind == strict.Scalar:
		name = n.Text
	case n.Kind == strict.Map && len(n.Entries) == 1:
		name, args = n.Entries[0].Key, n.Entries[0].Value
		at = &strict.Node{Pos: n.Entries[0].KeyPos}
	default:
		d.Add(n, path, strict.Error{Value: n.Describe(), Problem: "is not an action", Allowed: "one name with its arguments, such as headsetOff: EPOCX-0A1B2C3D"})
		return
	}
	for _, t := range types {
		if t.Name == name {
			v := reflect.New(t.Args)
			d.DecodeAt(args, v.Interface(), strings.TrimPrefix(path+"."+name, "."))
			a.Name, a.Args = name, v.Interface()
			return
		}
	}
	d.Add(at, path, strict.Error{Value: strconv.Quote(name), Problem: "is not an action", Nearest: strict.Nearest(name, known), Allowed: strict.Words(known)})
}

// MarshalJSON implements json.Marshaler.
func (a Action) MarshalJSON() ([]byte, error) {
	if a.Name == "" {
		return nil, fmt.Errorf("an action without a name")
	}
	return json.Marshal(map[string]any{a.Name: a.Args})
}

// ParseAction reads one action, as YAML or JSON, for the control API.
func ParseAction(data []byte) (Action, error) {
	var a Action
	err := parseOne("action", data, func(d *strict.Decoder, n *strict.Node) {
		a.DecodeStrict(d, n, "")
		if a.Args != nil {
			(&checker{d, &Document{}}).action(a.Name, a)
		}
	})
	if err == nil {
		a.fill()
	}
	return a, err
}

// ParseRule reads one rule of the wire's faults, as YAML or JSON.
func ParseRule(data []byte) (faults.Rule, error) {
	var r faults.Rule
	err := parseOne("fault", data, func(d *strict.Decoder, n *strict.Node) {
		d.Decode(n, &r)
		checkRule(d, &r, "")
		(&checker{d, &Document{}}).methods("on.method", r.On.Method...)
	})
	return r, err
}

func parseOne(file string, data []byte, decode func(*strict.Decoder, *strict.Node)) error {
	n, errs := strict.Parse(file, data)
	if n == nil || len(errs) > 0 {
		return errs.Err()
	}
	var d strict.Decoder
	decode(&d, n)
	return d.Errors.Err()
}
