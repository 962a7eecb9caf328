package api

import (
	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
)

// Codes of errors (Error Codes page; names of the official clients).
const (
	CodeParseError            = -32700
	CodeInvalidRequest        = -32600
	CodeMethodNotFound        = -32601
	CodeInvalidParams         = -32602
	CodeInternal              = -32603
	CodeCloudFailure          = -32000
	CodeNoHeadset             = -32001
	CodeInvalidLicense        = -32002
	CodeNoInternet            = -32003
	CodeHeadsetUnavailable    = -32004
	CodeSessionExists         = -32005
	CodeNoLicense             = -32006
	CodeSessionUnknown        = -32007
	CodeNoRecordRunning       = -32011 // of Cortex 1
	CodeSessionNotActive      = -32012
	CodeInvalidStatus         = -32013
	CodeTokenInvalid          = -32014
	CodeTokenExpired          = -32015
	CodeStreamUnavailable     = -32016
	CodeRecordRunning         = -32017 // of Cortex 1
	CodeMissingParams         = -32018
	CodeSessionLimit          = -32019
	CodeNotOnUSBCable         = -32020
	CodeInvalidCredentials    = -32021
	CodeDeviceLimit           = -32022
	CodeLicenseExpired        = -32024
	CodeDebitTooLarge         = -32025
	CodeDailyDebit            = -32026
	CodeLicenseNotForApp      = -32027
	CodeSoftLimit             = -32028
	CodeHardLimit             = -32029
	CodeProfileName           = -32031
	CodeNotLoggedIn           = -32033
	CodeTokenNotFit           = -32034
	CodeProfileFailed         = -32036
	CodeNoSuchTraining        = -32037
	CodeEULANotAccepted       = -32041
	CodeNoProfileLoaded       = -32045
	CodeProfileAccess         = -32046
	CodeNoAccessRight         = -32102
	CodeLoginToken            = -32108
	CodeAuthorizeToken        = -32109
	CodeRecordUnknown         = -32113
	CodeMarkerTooOld          = -32115
	CodeServiceStarting       = -32122
	CodeProfileLoaded         = -32127
	CodeCloudRefreshing       = -32130
	CodeTokenOtherApp         = -32135
	CodeStreamDataUnsupported = -32138
	CodeUnpublished           = -32142
	CodeDataCorrupted         = -32147
	CodeHeadsetNotReady       = -32152
	CodeOptOutUnavailable     = -32155
	CodeNotReauthorized       = -32170
	CodeDownloadRefused       = -32186
)

// Codes of errors that Cortex has and whose numbers no public source tells. The
// numbers are invented; a world may replace them.
const (
	CodeMarkerUnknown  = -32114
	CodeMarkerTooNew   = -32116
	CodeSubjectUnknown = -32117
	CodeSubjectExists  = -32118
	CodeRecordNotReady = -32137
	CodeExportFolder   = -32139
	CodeExportWrite    = -32140
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
	WarnZombie            = 11
	WarnNoOSUsername      = 12
	WarnProfileLoaded     = 13
	WarnProfileUnloaded   = 14
	WarnProfileAutoUnload = 15
	WarnOtherOSUser       = 16
	WarnEULAAccepted      = 17
	WarnRecordSaved       = 18 // before 4.0
	WarnDiskLow           = 19
	WarnDiskCritical      = 20
	WarnOptOutOn          = 21
	WarnOptOutOff         = 22
	WarnCortexReady       = 23
	WarnLicenseEnding     = 26
	WarnPrivateEULA       = 28
	WarnRecordReady       = 30
	WarnBluetoothDenied   = 31
	WarnHeadsetWrongInfo  = 100
	WarnHeadsetCannot     = 101
	WarnConnectTimeout    = 102
	WarnHeadsetTimeout    = 103
	WarnHeadsetConnected  = 104
	WarnHeadsetUpdated    = 110
	WarnHeadsetNotUpdated = 111
	WarnNotOverBluetooth  = 112
	WarnHeadsetNoMotion   = 113
	WarnHeadsetScanFinish = 142
)

// Text is the wording of one code. Guessed marks a text that no public message
// shows word for word.
type Text struct {
	Message string
	Guessed bool
}

// Texts are the wordings of errors and warnings in one world.
// In warning texts %s stands for the id or name that the warning is about.
type Texts struct {
	Errors   map[int]Text
	Warnings map[int]Text
}

// DefaultTexts returns the wordings of a Cortex version.
func DefaultTexts(c Compat) Texts {
	t := Texts{Errors: make(map[int]Text), Warnings: make(map[int]Text)}
	for _, row := range codeTable {
		text := Text{Message: row.Text, Guessed: row.Guessed}
		if c.OldTexts && row.OldText != "" {
			text = Text{Message: row.OldText}
		}
		if row.Warning {
			t.Warnings[row.Code] = text
		} else {
			t.Errors[row.Code] = text
		}
	}
	return t
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
	sessionstore.SessionLimitReached:      CodeInternal, // our own bounds, not of Cortex
	sessionstore.ApplicationLimitReached:  CodeInternal,
	sessionstore.TooManyMappings:          CodeInternal,
	sessionstore.ProfileNameInvalid:       CodeProfileName,
	sessionstore.ProfileAlreadyLoaded:     CodeProfileLoaded,
	sessionstore.NoProfileLoaded:          CodeNoProfileLoaded,
	sessionstore.ProfileAccessDenied:      CodeProfileAccess,
	sessionstore.ProfileReadOnly:          CodeProfileAccess, // code unknown, guessed
	sessionstore.ProfileChannels:          CodeProfileFailed, // code unknown, guessed
	sessionstore.ProfileLimitReached:      CodeInternal,      // our own bound
	sessionstore.TrainingOutOfOrder:       CodeInvalidStatus, // code unknown, guessed
	sessionstore.RecordLimitReached:       CodeInternal,
	sessionstore.RecordAlreadyRunning:     CodeRecordRunning,
	sessionstore.NoRecordRunning:          CodeNoRecordRunning,
	sessionstore.RecordUnknown:            CodeRecordUnknown,
	sessionstore.MarkerUnknown:            CodeMarkerUnknown,
	sessionstore.MarkerTooOld:             CodeMarkerTooOld,
	sessionstore.MarkerTooNew:             CodeMarkerTooNew,
	sessionstore.SubjectUnknown:           CodeSubjectUnknown,
	sessionstore.SubjectExists:            CodeSubjectExists,
}

// Override replaces what one error or warning says; zero fields leave it.
type Override struct {
	// Message is another text; in a warning %s stands for what it is about.
	Message string
	// Object is the whole message of a warning instead, any JSON.
	Object any
	// Code is another code.
	Code *int
	// Behavior is the data.behavior of an error.
	Behavior string
}

// setTexts applies the overrides of the world to the texts of the version.
func (s *Service) setTexts() {
	s.texts = DefaultTexts(s.compat)
	for code, o := range s.world.Errors {
		if o.Message != "" {
			s.texts.Errors[code] = Text{Message: o.Message}
		}
	}
	for code, o := range s.world.Warnings {
		if o.Message != "" {
			s.texts.Warnings[code] = Text{Message: o.Message}
		}
	}
	s.silenced = make(map[int]bool)
	for _, row := range codeTable {
		switch row.Code {
		case WarnHeadsetScanFinish:
			s.silenced[row.Code] = !s.compat.AppDrivenScan
		case WarnRecordReady, WarnHeadsetUpdated, WarnHeadsetNotUpdated, WarnNotOverBluetooth:
			// Fields of Compat say whether they are sent.
		default:
			s.silenced[row.Code] = row.Warning && !s.compat.since(row.Since)
		}
	}
	s.faults = rpc.Faults{
		ParseError:     s.rpcText(CodeParseError),
		InvalidRequest: s.rpcText(CodeInvalidRequest),
		MethodNotFound: s.rpcText(CodeMethodNotFound),
		InvalidParams:  s.rpcText(CodeInvalidParams),
		MissingParams:  s.rpcText(CodeMissingParams),
		OmitData:       !s.compat.ErrorData,
	}
}

// rpcText returns an error of package rpc by its own code; finalFault puts the
// code of an override in.
func (s *Service) rpcText(code int) rpc.CodeText {
	return rpc.CodeText{Code: code, Message: s.texts.Errors[code].Message}
}

// fault returns the error of a code with its text. Why is the plain reason for
// our own log.
func (s *Service) fault(code int, why string) *rpc.Error {
	return &rpc.Error{Code: code, Message: s.texts.Errors[code].Message, Op: why}
}

// finalFault returns an error as the client gets it: with the code and the
// data.behavior that the world wants instead.
func (s *Service) finalFault(fault *rpc.Error) *rpc.Error {
	o, ok := s.world.Errors[fault.Code]
	if !ok || o.Code == nil && o.Behavior == "" {
		return fault
	}
	out := *fault
	if o.Code != nil {
		out.Code = *o.Code
	}
	if o.Behavior != "" {
		out.Data = rpc.Object{"behavior": o.Behavior}
	}
	return &out
}

// finalWarning returns code and message of a warning as the client gets it.
func (s *Service) finalWarning(code int, message any) (int, any) {
	o, ok := s.world.Warnings[code]
	if !ok {
		return code, message
	}
	if o.Object != nil {
		message = o.Object
	}
	if o.Code != nil {
		code = *o.Code
	}
	return code, message
}
