package sessionstore

import "fmt"

// Reason names a rule of Cortex that refused a transition.
type Reason uint8

// The reasons. Their codes and texts on the wire are the api package's matter.
const (
	ReasonNone               Reason = iota
	NoHeadsetConnected              // createSession without headset and none is connected
	HeadsetUnavailable              // unknown, discovered, connecting or off
	HeadsetNotReady                 // just connected, its settings are not known yet
	HeadsetOnUSBCable               // a session over the USB cable is not possible
	HeadsetNotOnUSBCable            // updateHeadset needs the USB cable
	SessionExists                   // one open session per application and headset
	SessionUnknown                  // never existed, closed, or of another application
	SessionNotActive                // records, markers and eeg need an activated session
	QuotaUsedUp                     // localQuota is 0
	NoLicense                       // there is no license to activate with
	LicenseUnknown                  // no license of that id, or the application needs EEG and the user has none
	LicenseNotForApplication        // the license exists but this application may not use it
	LicenseExpired                  //
	DeviceLimit                     // the license is in use on too many computers
	SoftLimitReached                // softLimitTime has passed
	HardLimitReached                // hardLimitTime has passed
	DebitTooLarge                   // more than maxDebit
	DailyDebitReached               // the license's debit limit of the day is reached
	SessionLimitReached             // the world's bound on open sessions
	ApplicationLimitReached         // the world's bound on applications
	TooManyMappings                 // a user's stored mappings of Flex headsets
	RecordAlreadyRunning            // one record per session at a time
	NoRecordRunning                 // stopRecord and markers need a running record
	RecordUnknown                   // never existed, deleted, or of another application
	RecordLimitReached              // the world's bound on records, markers or subjects
	MarkerUnknown                   // the running record has no such marker
	MarkerTooOld                    // its time is too far in the past
	MarkerTooNew                    // its time is too far in the future
	SubjectUnknown                  // the user has no such subject
	SubjectExists                   // the name is taken
	ProfileNameInvalid              // no profile has that name, or one has it already
	ProfileAlreadyLoaded            // a headset has one profile at a time
	NoProfileLoaded                 //
	ProfileAccessDenied             // another application has the profile loaded
	ProfileReadOnly                 // a profile from before 3.6.5
	ProfileChannels                 // the profile is of a headset with other sensors
	ProfileLimitReached             // our bound on profiles
	TrainingOutOfOrder              // accept without success, start while one runs
)

var reasonNames = [...]string{
	"none", "no headset connected", "headset unavailable", "headset not ready", "headset on USB cable", "headset not on USB cable",
	"session exists", "session unknown", "session not active", "quota used up", "no license", "license unknown",
	"license not for this application", "license expired", "device limit reached", "soft limit reached", "hard limit reached",
	"debit too large", "daily debit limit reached", "too many sessions", "too many applications", "too many mappings",
	"record already running", "no record running", "record unknown", "too many records",
	"marker unknown", "marker too old", "marker too new", "subject unknown", "subject exists",
	"invalid profile name", "a profile is already loaded", "no profile loaded", "profile of another application", "read-only profile",
	"profile of another kind of headset", "too many profiles", "training out of order",
}

// String returns the reason in words.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return fmt.Sprintf("Reason(%d)", uint8(r))
}

// Error is a refused transition. Detail is the plain reason for the developer
// who reads our log; the wire never shows it.
type Error struct {
	Op     string
	Reason Reason
	Detail string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Op + ": " + e.Reason.String()
	}
	return e.Op + ": " + e.Reason.String() + ": " + e.Detail
}

func refuse(op string, r Reason, format string, args ...any) *Error {
	return &Error{Op: op, Reason: r, Detail: fmt.Sprintf(format, args...)}
}
