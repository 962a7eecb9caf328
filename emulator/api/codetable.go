package api

import "slices"

// CodeRow is one row of the table of error and warning codes.
type CodeRow struct {
	Code    int
	Warning bool
	Name    string // as EMOTIV or its own clients name it
	Text    string // in warnings %s stands for what it is about
	OldText string // before 2.6, when another one is known
	Guessed bool   // the text is not seen word for word in public
	Shape   Shape  // of a warning's message
	Since   string // first Cortex version that has it, when known
	When    string // what it tells
	Source  string
	// Unreachable says why no call to this service ever gets the code; empty: one does.
	Unreachable string
}

// Shape is the form of a warning's message. Clients index the objects.
type Shape uint8

// The shapes.
const (
	ShapeText     Shape = iota // a string
	ShapeSession               // {behavior, sessionId}
	ShapeHeadset               // {behavior, headsetId}
	ShapeProfile               // {behavior, headset, profile}
	ShapeRecord                // {behavior, recordId}
	ShapeBehavior              // {behavior}, 142 with headsetId ""
	ShapeMessage               // {message}
	ShapeMember                // not a warning of its own: a member of an answer
)

// Why codes cannot come.
const (
	onlyCortex1  = "Cortex 1 only: this service begins with 2.0"
	noExtender   = "an Extender is not simulated"
	notOnDesktop = "login is no method of the desktop service since 2.0"
	nobodyKnows  = "no public source tells when it comes"
)

// Sources of rows.
const (
	fromDocs    = "documentation"
	fromClients = "official clients"
	fromOthers  = "third-party clients"
	fromCortex1 = "documentation of Cortex 1"
	invented    = "invented: no public source tells the number"
)

// codeTable holds every code that is known, errors first. It is never written to.
// A world replaces any text or code (World.Errors, World.Warnings).
var codeTable = [...]CodeRow{
	{Code: -32700, Name: "Parse Error", Text: "Parse error.", Guessed: true, When: "the frame is not a JSON object", Source: fromDocs},
	{Code: -32600, Name: "Invalid Request", Text: "Invalid Request.", Guessed: true, When: "expected members are missing", Source: fromDocs},
	{Code: -32601, Name: "Method Not Found", Text: "Method not found.", Guessed: true, When: "no method of that name in this version", Source: fromDocs},
	{Code: -32602, Name: "Invalid Parameters", Text: "Invalid Parameters.", When: "a value or its type is wrong", Source: "cortex-example #105"},
	{Code: -32603, Name: "Internal Error", Text: "Internal error.", Guessed: true, When: "the bound on open sessions is reached", Source: "cortex-example #205"},
	{Code: -32000, Name: "Server Internal Error", Text: "Server internal error.", Guessed: true, When: "EMOTIV's cloud fails", Source: fromDocs},
	{Code: -32001, Name: "No Headset Connected", Text: "No headset is connected.", Guessed: true, When: "createSession names no headset and none is connected", Source: fromOthers},
	{Code: -32002, Name: "Invalid License ID", Text: "Invalid License Key.", When: "unknown license, or the application needs EEG and the user has no license with it", Source: "cortex-example #130, #174"},
	{Code: -32003, Name: "Internet Connection Error", Text: "No Internet connection.", Guessed: true, When: "offline, and the application is not known on this machine", Source: fromDocs},
	{Code: -32004, Name: "Headset Unavailable", Text: "The headset is currently not available.", When: "unknown, not connected, off, out of reach, flaky, on a USB cable, or the disk is full", Source: "cortex-example #93"},
	{Code: -32005, Name: "Session Already Exists", Text: "There is already a session with this headset.", Guessed: true, When: "createSession twice with one application and headset", Source: fromOthers},
	{Code: -32006, Text: "No valid license to activate a new session.", Guessed: true, When: "activation with a token that has no license", Source: fromCortex1},
	{Code: -32007, Name: "Session Does Not Exist", Text: "The session does not exist.", When: "closed, of another application, or never there", Source: "cortex-example #210"},
	{Code: -32008, Text: "The session was closed.", Guessed: true, Source: fromCortex1, Unreachable: onlyCortex1 + ", -32007 came in its place"},
	{Code: -32009, Text: "Current session has been updated.", Guessed: true, Source: fromCortex1, Unreachable: onlyCortex1},
	{Code: -32010, Text: "The headset of the session was disconnected.", Guessed: true, Source: fromCortex1, Unreachable: onlyCortex1 + ", warning 1 came in its place"},
	{Code: -32011, Text: "The recording has been stopped.", Guessed: true, When: "stopRecord, injectMarker and updateMarker without a running record", Source: fromCortex1},
	{Code: -32012, Name: "Session Must Be Activated", Text: "The session must be activated first.", Guessed: true, When: "records and markers in an opened session", Source: fromOthers},
	{Code: -32013, Text: "Invalid status.", Guessed: true, When: "training out of order: accept with nothing to accept, start while one runs (that it is this code is a guess)", Source: fromCortex1},
	{Code: -32014, Name: "Invalid Cortex Token", Text: "Invalid cortex token.", Guessed: true, When: "the token is damaged or signed by another service", Source: fromOthers},
	{Code: -32015, Name: "Cortex Token Expired", Text: "The cortex token has expired.", Guessed: true, When: "two days after its issue", Source: fromOthers},
	{Code: -32016, Name: "Invalid Stream", Text: "The stream is unavailable or unsupported.", When: "an entry of failure in subscribe and unsubscribe", Source: "cortex-example #42, #55"},
	{Code: -32017, Text: "The recording has already been started.", Guessed: true, When: "createRecord twice in a session; deleteRecord of a running record", Source: fromCortex1},
	{Code: -32018, Name: "Missing Parameters", Text: "Missing the required parameters.", OldText: "Missing required parameters.", When: "data.behavior names the first one", Source: "cortex-example #129, #6"},
	{Code: -32019, Name: "Session Limit", Text: "Session limit on this device has been reached.", When: "activation with localQuota 0, or beyond the license's limit of the day, month or year", Source: "cortex-example #9, #42"},
	{Code: -32020, Text: "The headset must be connected by USB cable.", Guessed: true, When: "updateHeadset without the cable", Source: fromCortex1},
	{Code: -32021, Name: "Invalid Client Credentials", Text: "The client id or the client secret is incorrect.", Guessed: true, When: "unknown clientId, or the secret of another one", Source: "cortex-example #174"},
	{Code: -32022, Name: "Device Limit", Text: "Device limit on this license has been reached.", When: "the license is used on too many computers", Source: "cortex-example #194"},
	{Code: -32023, Text: "Missing client ID.", Guessed: true, Source: fromCortex1, Unreachable: onlyCortex1 + ", -32018 came in its place"},
	{Code: -32024, Name: "License Expired", Text: "The license is expired.", Guessed: true, When: "validTo has passed", Source: fromOthers},
	{Code: -32025, Text: "The debit number is greater than the maximum debit of the license.", Guessed: true, When: "debit is more than maxDebit", Source: fromCortex1},
	{Code: -32026, Text: "The daily debit limit has been reached.", Guessed: true, When: "more sessions debited in a day than the license allows", Source: fromCortex1},
	{Code: -32027, Text: "The application does not have permission to use the license.", OldText: "The application do not have permission to use the license.", When: "the license is limited to other applications", Source: "cortex-example #19, #145"},
	{Code: -32028, Text: "The soft session limit has been exceeded.", Guessed: true, When: "activation after softLimitTime, in a world that enforces it", Source: fromCortex1},
	{Code: -32029, Text: "The hard session limit has been exceeded.", Guessed: true, When: "activation after hardLimitTime", Source: fromCortex1},
	{Code: -32030, Text: "The session data already exists.", Guessed: true, Source: fromCortex1, Unreachable: onlyCortex1},
	{Code: -32031, Text: "Invalid profile name.", Guessed: true, When: "setupProfile: no profile has the name, or one has it already", Source: fromOthers},
	{Code: -32032, Text: "You must logout before login with a new account.", Guessed: true, Source: fromOthers, Unreachable: notOnDesktop},
	{Code: -32033, Name: "User Not Logged In", Text: "You must login via EMOTIV Launcher before working with Cortex.", Guessed: true, When: "nobody is logged in, or on another account of the operating system", Source: fromOthers},
	{Code: -32034, Name: "CortexTokenNotFit", Text: "The cortex token does not match the current user.", Guessed: true, When: "the token is of another EmotivID", Source: fromClients},
	{Code: -32035, Text: "The account does not match the current user.", Guessed: true, Source: fromCortex1, Unreachable: onlyCortex1 + ", -32034 came in its place"},
	{Code: -32036, Text: "The profile cannot be processed.", Guessed: true, When: "the profile is of a headset with other EEG channels (that it is this code is a guess)", Source: fromOthers},
	{Code: -32037, Text: "The training is not supported for this action.", Guessed: true, When: "training of an eye action, laugh or smirk, or on a headset without the detection", Source: fromCortex1},
	{Code: -32038, Text: "The extender id is not found.", Guessed: true, Source: fromCortex1, Unreachable: noExtender},
	{Code: -32039, Text: "Request timed out.", Guessed: true, Source: fromOthers, Unreachable: nobodyKnows},
	{Code: -32040, Text: "Multiple sessions cannot be activated on the same headset.", Guessed: true, Source: fromCortex1, Unreachable: onlyCortex1 + ": several applications may have sessions with one headset"},
	{Code: -32041, Text: "You must accept the EULA first.", Guessed: true, When: "authorize, in a world that refuses a user who has not accepted the EULA", Source: fromOthers},
	{Code: -32042, Text: "The license is accepted.", Guessed: true, Source: fromCortex1, Unreachable: onlyCortex1},
	{Code: -32043, Text: "The maximum number of records of this month has been reached.", Guessed: true, Source: fromCortex1, Unreachable: onlyCortex1},
	{Code: -32044, Text: "The headset already has a profile loaded.", Guessed: true, Source: fromOthers, Unreachable: "-32127 came in its place"},
	{Code: -32045, Text: "No profile is loaded for this headset.", Guessed: true, When: "unload and save with nothing loaded; training and changes too (a guess)", Source: fromDocs},
	{Code: -32046, Name: "ERR_PROFILE_ACCESS_DENIED", Text: "The profile is loaded by another application.", Guessed: true, When: "the profile is loaded by another application; a read-only profile (a guess)", Source: fromClients},
	{Code: -32102, Name: "NoAppInfoOrAccessRight", Text: "You have no access rights to the Application.", When: "the user has not approved the application", Source: "cortex-example #49"},
	{Code: -32108, Name: "LoginTokenError", Text: "Your login has expired. Please log out and log in again.", Guessed: true, When: "the cloud refuses the user's login: authorize and requestAccess until the next login", Source: fromClients},
	{Code: -32109, Name: "AuthorizeTokenError", Text: "The authorization has been refused. Please authorize again.", Guessed: true, When: "the cloud refuses the token: generateNewToken until the next authorize", Source: fromClients},
	{Code: -32113, Text: "Invalid Record ID.", When: "no record of that id, or it is of another application", Source: "mobile documentation"},
	{Code: -32114, Text: "Invalid Marker ID.", Guessed: true, When: "updateMarker: the running record has no such marker", Source: invented},
	{Code: -32115, Text: "The marker timestamp is invalid (too far in the past).", When: "the time of a marker is more than a minute old", Source: "cortex-example #154"},
	{Code: -32116, Text: "The marker timestamp is invalid (too far in the future).", Guessed: true, When: "the time of a marker is more than a minute away", Source: invented},
	{Code: -32117, Text: "The subject does not exist.", Guessed: true, When: "the user has no subject of that name", Source: invented},
	{Code: -32118, Text: "The subject already exists.", Guessed: true, When: "createSubject with a name that is taken", Source: invented},
	{Code: -32122, Text: "Cortex is starting.", Guessed: true, When: "a call before warning 23, in a world whose starting service answers", Source: fromOthers},
	{Code: -32127, Text: "A profile is already loaded for this headset. You must unload it first.", When: "load where a profile is loaded, by whatever application", Source: "cortex-example #171"},
	{Code: -32130, Name: "CloudTokenIsRefreshing", Text: "The cloud token is being refreshed. Please try again.", Guessed: true, When: "generateNewToken for some seconds", Source: fromClients},
	{Code: -32135, Name: "CortexTokenCompareErrorAppInfo", Text: "The cortex token does not match the application.", Guessed: true, When: "generateNewToken with the token of another application", Source: fromClients},
	{Code: -32137, Text: "The record is not ready to be exported.", Guessed: true, When: "an entry of failure in exportRecord: before warning 30 (18 before 4.0), or not downloaded", Source: invented},
	{Code: -32138, Text: "The stream data is not supported.", When: "an entry of failure in exportRecord: unknown stream, or the license of the record lacks it", Source: "cortex-example #36, #46, #128"},
	{Code: -32139, Text: "The folder does not exist.", Guessed: true, When: "an entry of failure in exportRecord: no such folder, or outside the export root", Source: invented},
	{Code: -32140, Text: "Cannot write to the folder.", Guessed: true, When: "an entry of failure in exportRecord: no permission, or the disk is full", Source: invented},
	{Code: -32142, Name: "Unpublished Application", Text: "The application is not published and you are not its owner.", Guessed: true, When: "authorize", Source: fromOthers},
	{Code: -32147, Text: "Data is corrupted by internal error.", When: "an entry of failure in exportRecord: the data of the record is damaged or missing", Source: "cortex-example #46"},
	{Code: -32152, Name: "Headset Not Ready", Text: "The headset is not ready.", Guessed: true, When: "just connected, its settings are not known yet", Source: fromOthers},
	{Code: -32155, Text: "The opt-out feature is unavailable.", When: "configOptOut set, where the license or the application does not leave the choice", Source: "cortex-example #125"},
	{Code: -32170, Name: "NotReAuthorized", Text: "You must authorize again.", Guessed: true, When: "until authorize is called again", Source: fromClients},
	{Code: -32186, Text: "The record data is already on this machine.", Guessed: true, When: "an entry of failure in requestToDownloadRecordData", Source: fromDocs},

	{Code: 0, Warning: true, Name: "CORTEX_STOP_ALL_STREAMS", Text: "Cortex has stopped all the subscriptions of session %s.", OldText: "All subscriptions of session %s was stopped by Cortex", Shape: ShapeSession, When: "all subscriptions of a session ended", Source: fromDocs},
	{Code: 1, Warning: true, Name: "CORTEX_CLOSE_SESSION", Text: "Cortex has closed the session %s.", Shape: ShapeSession, When: "a session ended, not by its client", Source: fromDocs},
	{Code: 2, Warning: true, Name: "UserLogin", Text: "User %s has already logged in to Cortex.", When: "a user logged in", Source: fromDocs},
	{Code: 3, Warning: true, Name: "UserLogout", Text: "User %s has already logged out from Cortex.", When: "the user logged out", Source: fromDocs},
	{Code: 4, Warning: true, Name: "ExtenderExportSuccess", Text: "The export of %s has succeeded.", Guessed: true, Source: fromClients, Unreachable: noExtender},
	{Code: 5, Warning: true, Name: "ExtenderExportFailed", Text: "The export of %s has failed.", Guessed: true, Source: fromClients, Unreachable: noExtender},
	{Code: 6, Warning: true, Name: "UserNotAcceptLicense", Text: "User %s has not accepted the EULA.", Guessed: true, Shape: ShapeMember, When: "member of the result of authorize", Source: fromClients},
	{Code: 7, Warning: true, Name: "UserNotHaveAccessRight", Text: "User %s has no access right to the application.", Guessed: true, Source: fromClients, Unreachable: nobodyKnows},
	{Code: 8, Warning: true, Name: "UserRequestAccessRight", Text: "The application %s requests the access right.", Guessed: true, When: "for the Launcher: the first requestAccess of another connection, in a world that tells it", Source: fromClients},
	{Code: 9, Warning: true, Name: "AccessRightGranted", Text: "The access right to the %s has been granted", When: "the user approved", Source: fromDocs},
	{Code: 10, Warning: true, Name: "AccessRightRejected", Text: "The access right to the %s has been rejected", When: "the user declined", Source: fromDocs},
	{Code: 11, Warning: true, Name: "CannotDetectOSUserInfo", Text: " The APIs cannot be registered. Please re-open the connection.", When: "the connection is dead: nothing on it is answered any more", Source: "cortex-example #82"},
	{Code: 12, Warning: true, Name: "CannotDetectOSUsername", Text: "The name of the OS user cannot be detected. Please re-open the connection.", Guessed: true, When: "as 11", Source: fromClients},
	{Code: 13, Warning: true, Name: "ProfileLoaded", Text: "Profile is loaded", Shape: ShapeProfile, When: "another connection loaded a profile", Source: fromDocs},
	{Code: 14, Warning: true, Name: "ProfileUnloaded", Text: "Profile is unloaded", Shape: ShapeProfile, When: "another connection unloaded a profile", Source: fromDocs},
	{Code: 15, Warning: true, Name: "CortexAutoUnloadProfile", Text: "Cortex has unloaded the profile", Shape: ShapeProfile, When: "the headset or the connection that loaded the profile is gone", Source: "cortex-example #171"},
	{Code: 16, Warning: true, Name: "UserLoginOnAnotherOsUser", Text: "User %s has logged in on another OS user.", Guessed: true, When: "a login on another account of the operating system", Source: fromClients},
	{Code: 17, Warning: true, Name: "EULAAccepted", Text: "User %s has accepted the EULA via EMOTIV App", When: "the user accepted", Source: fromDocs},
	{Code: 18, Warning: true, Name: "StreamWritingClosed", Text: "The session data has been successfully saved.", Shape: ShapeMessage, When: "before 4.0: the post-processing of a record ended", Source: "cortex-example #156"},
	{Code: 19, Warning: true, Name: "DISKSPACE_LOW", Text: "The disk space is low. Please free up some space.", Guessed: true, Since: "2.2.1", When: "less than 1 GB free", Source: fromDocs},
	{Code: 20, Warning: true, Name: "DISKSPACE_CRITICAL", Text: "The disk space is critical. All headsets are disconnected.", Guessed: true, Since: "2.2.1", When: "less than 300 MB free; all headsets are disconnected", Source: fromDocs},
	{Code: 21, Warning: true, Text: "The application %s has opted out of sharing its records.", Guessed: true, Shape: ShapeBehavior, Since: "2.2.1", When: "configOptOut set it on (which of 21 and 22 is on is a guess)", Source: fromDocs},
	{Code: 22, Warning: true, Text: "The application %s has opted in to sharing its records.", Guessed: true, Shape: ShapeBehavior, Since: "2.2.1", When: "configOptOut set it off", Source: fromDocs},
	{Code: 23, Warning: true, Name: "CortexIsReady", Text: "Cortex is ready.", Guessed: true, When: "the service answers from now on", Source: fromClients},
	{Code: 26, Warning: true, Text: "Your license %s will expire in a few days.", Guessed: true, Since: "2.3.0", When: "after authorize, when the license ends within 7 days", Source: fromDocs},
	{Code: 28, Warning: true, Name: "UserNotAcceptPrivateEULA", Text: "User %s has not accepted the private EULA.", Guessed: true, Shape: ShapeMember, When: "member of the result of authorize", Source: fromClients},
	{Code: 30, Warning: true, Name: "DataPostProcessingFinished", Text: "The post-processing of the record %s has finished.", Guessed: true, Shape: ShapeRecord, Since: "4.0.0", When: "a record can be exported now", Source: fromClients},
	{Code: 31, Warning: true, Name: "BTLEPermissionNotGranted", Text: "The Bluetooth permission is not granted.", Guessed: true, Shape: ShapeMember, When: "attention beside the result of queryHeadsets", Source: "unity-plugin #11"},
	{Code: 100, Warning: true, Name: "HeadsetWrongInformation", Text: "Cannot connect to the headset %s because of wrong information.", Guessed: true, Shape: ShapeHeadset, When: "connect failed, for example by the mapping of a Flex", Source: fromClients},
	{Code: 101, Warning: true, Name: "HeadsetCannotConnected", Text: "Cannot connect to the headset %s.", Guessed: true, Shape: ShapeHeadset, When: "connect failed", Source: fromClients},
	{Code: 102, Warning: true, Name: "HEADSET_CANNOT_CONNECT_TIMEOUT", Text: "Cannot connect to the headset %s because of timeout.", Guessed: true, Shape: ShapeHeadset, When: "connect failed: no data", Source: fromClients},
	{Code: 103, Warning: true, Name: "HEADSET_DISCONNECTED_TIMEOUT", Text: "The headset %s is disconnected because of data timeout.", Guessed: true, Shape: ShapeHeadset, When: "no data for 30 s, real headsets only", Source: "cortex-example #196"},
	{Code: 104, Warning: true, Name: "HeadsetConnected", Text: "The headset %s is connected.", Guessed: true, Shape: ShapeHeadset, When: "connected, by whatever application", Source: fromClients},
	{Code: 110, Warning: true, Text: "The headset %s is updated.", Guessed: true, Shape: ShapeHeadset, Since: "2.4.0", When: "updateHeadset succeeded (which of 110 and 111 is the success is a guess)", Source: fromDocs},
	{Code: 111, Warning: true, Text: "Cannot update the headset %s.", Guessed: true, Shape: ShapeHeadset, Since: "2.4.0", When: "updateHeadset failed", Source: fromDocs},
	{Code: 112, Warning: true, Name: "HEADSET_CANNOT_WORK_WITH_BTLE", Text: "The headset %s cannot work with Bluetooth with these settings.", Guessed: true, Shape: ShapeHeadset, Since: "2.4.0", When: "after 110, when the settings need more than Bluetooth carries", Source: fromDocs},
	{Code: 113, Warning: true, Name: "HEADSET_CANNOT_CONNECT_DISABLE_MOTION", Text: "Cannot connect to the headset %s. Please disable its motion data.", Guessed: true, Shape: ShapeHeadset, When: "connect failed: the motion data must be off (guessed from the name)", Source: fromClients},
	{Code: 142, Warning: true, Name: "HEADSET_DISCOVERY_COMPLETE", Text: "Headset discovering complete.", Shape: ShapeBehavior, Since: "3.7.0", When: "the scan of controlDevice refresh ended", Source: fromDocs},
}

// Codes returns the table of codes.
func Codes() []CodeRow { return slices.Clone(codeTable[:]) }
