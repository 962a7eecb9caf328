package api

import (
	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
)

// Codes of errors (Error Codes page; names of the official clients).
const (
	CodeParseError         = -32700
	CodeInvalidRequest     = -32600
	CodeMethodNotFound     = -32601
	CodeInvalidParams      = -32602
	CodeInternal           = -32603
	CodeNoHeadset          = -32001
	CodeInvalidLicense     = -32002
	CodeNoInternet         = -32003
	CodeHeadsetUnavailable = -32004
	CodeSessionExists      = -32005
	CodeNoLicense          = -32006
	CodeSessionUnknown     = -32007
	CodeSessionNotActive   = -32012
	CodeTokenInvalid       = -32014
	CodeTokenExpired       = -32015
	CodeStreamUnavailable  = -32016
	CodeMissingParams      = -32018
	CodeSessionLimit       = -32019
	CodeNotOnUSBCable      = -32020
	CodeInvalidCredentials = -32021
	CodeDeviceLimit        = -32022
	CodeLicenseExpired     = -32024
	CodeDebitTooLarge      = -32025
	CodeDailyDebit         = -32026
	CodeLicenseNotForApp   = -32027
	CodeSoftLimit          = -32028
	CodeHardLimit          = -32029
	CodeNotLoggedIn        = -32033
	CodeTokenNotFit        = -32034
	CodeNoAccessRight      = -32102
	CodeTokenOtherApp      = -32135
	CodeUnpublished        = -32142
	CodeHeadsetNotReady    = -32152
	CodeNotReauthorized    = -32170
)

// Codes of warnings (Warning Objects page).
const (
	WarnStreamsStopped    = 0
	WarnSessionClosed     = 1
	WarnUserLogin         = 2
	WarnUserLogout        = 3
	WarnEULANotAccepted   = 6
	WarnAccessRequested   = 8
	WarnAccessGranted     = 9
	WarnAccessRejected    = 10
	WarnPrivateEULA       = 28
	WarnHeadsetWrongInfo  = 100
	WarnHeadsetCannot     = 101
	WarnConnectTimeout    = 102
	WarnHeadsetTimeout    = 103
	WarnHeadsetConnected  = 104
	WarnHeadsetNoMotion   = 113
	WarnHeadsetScanFinish = 142
)

// Text is the wording of one code. Guessed marks a text that no public message
// shows word for word.
type Text struct {
	Message string
	Guessed bool
}

// Texts are the wordings of errors and warnings. A world may replace any.
// In warning texts %s stands for the id or name that the warning is about.
type Texts struct {
	Errors   map[int]Text
	Warnings map[int]Text
}

// DefaultTexts returns the wordings of a Cortex version.
func DefaultTexts(c Compat) Texts {
	errors := map[int]Text{
		CodeParseError:         {"Parse error.", true},
		CodeInvalidRequest:     {"Invalid Request.", true},
		CodeMethodNotFound:     {"Method not found.", true},
		CodeInvalidParams:      {"Invalid Parameters.", false}, // cortex-example #105
		CodeInternal:           {"Internal error.", true},
		CodeNoHeadset:          {"No headset is connected.", true},
		CodeInvalidLicense:     {"Invalid License Key.", false}, // cortex-example #130, #174
		CodeNoInternet:         {"No Internet connection.", true},
		CodeHeadsetUnavailable: {"The headset is currently not available.", false}, // cortex-example #93
		CodeSessionExists:      {"There is already a session with this headset.", true},
		CodeNoLicense:          {"No valid license to activate a new session.", true},
		CodeSessionUnknown:     {"The session does not exist.", false}, // cortex-example #210
		CodeSessionNotActive:   {"The session must be activated first.", true},
		CodeTokenInvalid:       {"Invalid cortex token.", true},
		CodeTokenExpired:       {"The cortex token has expired.", true},
		CodeStreamUnavailable:  {"The stream is unavailable or unsupported.", false}, // cortex-example #42
		CodeMissingParams:      {"Missing the required parameters.", false},          // cortex-example #129
		CodeSessionLimit:       {"Session limit on this device has been reached.", false},
		CodeNotOnUSBCable:      {"The headset must be connected by USB cable.", true},
		CodeInvalidCredentials: {"The client id or the client secret is incorrect.", true},
		CodeDeviceLimit:        {"Device limit on this license has been reached.", false}, // cortex-example #194
		CodeLicenseExpired:     {"The license is expired.", true},
		CodeDebitTooLarge:      {"The debit number is greater than the maximum debit of the license.", true},
		CodeDailyDebit:         {"The daily debit limit has been reached.", true},
		CodeLicenseNotForApp:   {"The application does not have permission to use the license.", false}, // cortex-example #145
		CodeSoftLimit:          {"The soft session limit has been exceeded.", true},
		CodeHardLimit:          {"The hard session limit has been exceeded.", true},
		CodeNotLoggedIn:        {"You must login via EMOTIV Launcher before working with Cortex.", true},
		CodeTokenNotFit:        {"The cortex token does not match the current user.", true},
		CodeNoAccessRight:      {"You have no access rights to the Application.", false}, // cortex-example #49
		CodeTokenOtherApp:      {"The cortex token does not match the application.", true},
		CodeUnpublished:        {"The application is not published and you are not its owner.", true},
		CodeHeadsetNotReady:    {"The headset is not ready.", true},
		CodeNotReauthorized:    {"You must authorize again.", true},
	}
	if c.OldTexts {
		errors[CodeMissingParams] = Text{"Missing required parameters.", false}                                  // cortex-example #6
		errors[CodeLicenseNotForApp] = Text{"The application do not have permission to use the license.", false} // cortex-example #19
	}
	return Texts{
		Errors: errors,
		Warnings: map[int]Text{
			WarnStreamsStopped:    {"Cortex has stopped all the subscriptions of session %s.", false},
			WarnSessionClosed:     {"Cortex has closed the session %s.", false},
			WarnUserLogin:         {"User %s has already logged in to Cortex.", false},
			WarnUserLogout:        {"User %s has already logged out from Cortex.", false},
			WarnEULANotAccepted:   {"User %s has not accepted the EULA.", true},
			WarnAccessRequested:   {"The application %s requests the access right.", true},
			WarnAccessGranted:     {"The access right to the %s has been granted", false},
			WarnAccessRejected:    {"The access right to the %s has been rejected", false},
			WarnPrivateEULA:       {"User %s has not accepted the private EULA.", true},
			WarnHeadsetWrongInfo:  {"Cannot connect to the headset %s because of wrong information.", true},
			WarnHeadsetCannot:     {"Cannot connect to the headset %s.", true},
			WarnConnectTimeout:    {"Cannot connect to the headset %s because of timeout.", true},
			WarnHeadsetTimeout:    {"The headset %s is disconnected because of data timeout.", true},
			WarnHeadsetConnected:  {"The headset %s is connected.", true},
			WarnHeadsetNoMotion:   {"The headset %s is connected with motion disabled.", true},
			WarnHeadsetScanFinish: {"Headset discovering complete.", false},
		},
	}
}

// reasonCodes maps the refusals of the session store to codes.
var reasonCodes = map[sessionstore.Reason]int{
	sessionstore.NoHeadsetConnected:       CodeNoHeadset,
	sessionstore.HeadsetUnavailable:       CodeHeadsetUnavailable,
	sessionstore.HeadsetNotReady:          CodeHeadsetNotReady,
	sessionstore.HeadsetOnUSBCable:        CodeHeadsetUnavailable, // code unknown, guessed
	sessionstore.HeadsetNotOnUSBCable:     CodeNotOnUSBCable,
	sessionstore.SessionExists:            CodeSessionExists,
	sessionstore.SessionUnknown:           CodeSessionUnknown,
	sessionstore.SessionNotActive:         CodeSessionNotActive,
	sessionstore.QuotaUsedUp:              CodeSessionLimit,
	sessionstore.NoLicense:                CodeNoLicense,
	sessionstore.LicenseUnknown:           CodeInvalidLicense,
	sessionstore.LicenseNotForApplication: CodeLicenseNotForApp,
	sessionstore.LicenseExpired:           CodeLicenseExpired,
	sessionstore.DeviceLimit:              CodeDeviceLimit,
	sessionstore.SoftLimitReached:         CodeSoftLimit,
	sessionstore.HardLimitReached:         CodeHardLimit,
	sessionstore.DebitTooLarge:            CodeDebitTooLarge,
	sessionstore.DailyDebitReached:        CodeDailyDebit,
	sessionstore.SessionLimitReached:      CodeInternal, // our own bound, not one of Cortex
}

// fault returns the error of a code with its text. Why is the plain reason for
// our own log.
func (s *Service) fault(code int, why string) *rpc.Error {
	return &rpc.Error{Code: code, Message: s.texts.Errors[code].Message, Op: why}
}
