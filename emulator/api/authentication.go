package api

import (
	"fmt"
	"strings"
	"time"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
)

func clientParams() []rpc.Param {
	return []rpc.Param{{Name: "clientId", Type: rpc.TypeString, Required: true}, {Name: "clientSecret", Type: rpc.TypeString, Required: true}}
}

func tokenParam() rpc.Param {
	return rpc.Param{Name: "cortexToken", Type: rpc.TypeString, Required: true}
}

// authenticationMethods are the methods of the Authentication chapter.
func authenticationMethods() []rpc.Method[*Call] {
	const chapter = "Authentication"
	return []rpc.Method[*Call]{
		{Name: "getCortexInfo", Chapter: chapter, Doc: "Version of the service.", Handle: getCortexInfo},
		{Name: "getUserLogin", Chapter: chapter, Doc: "The user who is logged in.", Handle: getUserLogin},
		{
			Name: "requestAccess", Chapter: chapter, Doc: "Asks the user to approve the application.", Params: clientParams(), Handle: requestAccess,
			Errors: []int{CodeNotLoggedIn, CodeNoInternet, CodeCloudFailure, CodeLoginToken, CodeInvalidCredentials}, Warnings: []int{WarnAccessRequested, WarnAccessGranted, WarnAccessRejected},
			Guessed: "the secret is not checked, only that the clientId is known",
		},
		{
			Name: "hasAccessRight", Chapter: chapter, Doc: "Whether the user has approved the application.", Params: clientParams(), Handle: hasAccessRight,
			Errors: []int{CodeNotLoggedIn, CodeNoInternet, CodeInvalidCredentials}, Guessed: "message when not granted",
		},
		{
			Name: "authorize", Chapter: chapter, Doc: "Returns a Cortex token.", Handle: authorize,
			Params: append(clientParams(),
				rpc.Param{Name: "license", Type: rpc.TypeString, EmptyIsAbsent: true}, rpc.Param{Name: "debit", Type: rpc.TypeInteger}),
			Errors: []int{
				CodeNotLoggedIn, CodeNoInternet, CodeCloudFailure, CodeLoginToken, CodeInvalidCredentials, CodeNoAccessRight, CodeUnpublished,
				CodeEULANotAccepted, CodeInvalidLicense, CodeLicenseNotForApp, CodeLicenseExpired, CodeDeviceLimit, CodeDebitTooLarge, CodeDailyDebit,
			},
			Warnings: []int{WarnEULANotAccepted, WarnPrivateEULA, WarnLicenseEnding},
			Guessed:  "which license is taken when none is named; a debit beyond what the license has left gives what there is",
		},
		{
			Name: "generateNewToken", Chapter: chapter, Doc: "Returns a token that lives longer.", Handle: generateNewToken,
			Params: append([]rpc.Param{tokenParam()}, clientParams()...),
			Errors: []int{
				CodeTokenOtherApp, CodeCloudFailure, CodeLoginToken, CodeInvalidCredentials, CodeAuthorizeToken, CodeCloudRefreshing,
			},
			Guessed: "the old token keeps its own end",
		},
		{
			Name: "getUserInformation", Chapter: chapter, Doc: "Name of the user and state of the EULA.", Params: []rpc.Param{tokenParam()},
			Handle: getUserInformation,
		},
		{
			Name: "getLicenseInfo", Chapter: chapter, Doc: "The license of the token.", Params: []rpc.Param{tokenParam()}, Handle: getLicenseInfo,
			Errors: []int{CodeInvalidLicense},
		},
		{Name: "inspectApi", Chapter: chapter, Doc: "Lists the methods. Undocumented, used by old JavaScript wrappers.", Handle: inspectAPI},
	}
}

func getCortexInfo(c *Call, _ rpc.Args) (any, error) {
	key := "buildDate"
	if c.compat.BuiDateTypo {
		key = "buidDate"
	}
	return rpc.Object{key: "2025-11-18T09:47:41", "buildNumber": "v" + c.compat.Version + "-fakecortex", "version": c.compat.Version}, nil
}

func getUserLogin(c *Call, _ rpc.Args) (any, error) {
	login := c.Store.Login
	if login.Username == "" {
		return rpc.Array{}, nil
	}
	o := rpc.Object{
		"currentOSUId": c.Store.CurrentOS.ID, "currentOSUsername": c.Store.CurrentOS.Name,
		"loggedInOSUId": login.OS.ID, "loggedInOSUsername": login.OS.Name, "username": login.Username,
	}
	if u := c.Store.User(login.Username); u != nil && c.compat.LastLoginTime {
		o["lastLoginTime"] = isoMillis(u.LastLogin.In(c.world.Zone))
	}
	return rpc.Array{o}, nil
}

// clientCheck says how closely a method looks at its clientId and clientSecret.
type clientCheck struct {
	secret bool // the secret too
	cloud  bool // it asks the cloud
}

// application finds the application of a client id, in the order: login, cloud,
// client id, secret. In a world that takes any application an unknown id is
// registered on the way.
func (c *Call) application(a rpc.Args, check clientCheck) (*sessionstore.Application, error) {
	if err := c.checkLogin(); err != nil {
		return nil, err
	}
	clientID := a.String("clientId")
	if err := c.checkName(a, "clientId"); err != nil {
		return nil, err
	}
	app := c.Store.ApplicationByClient(clientID)
	id := c.anyAppID(clientID)
	if app == nil && c.world.AnyApplication {
		app = c.Store.ApplicationByID(id) // known by a token of an earlier run
	}
	known := app != nil && app.AccessOf(c.Store.Login.Username) != sessionstore.AccessUnasked
	switch cloud := &c.world.Cloud; {
	case cloud.Status == CloudOffline && !known:
		return nil, c.fault(CodeNoInternet, fmt.Sprintf("the cloud is offline and clientId %q is not known on this machine", clientID))
	case cloud.Status == CloudFailing && check.cloud:
		return nil, c.fault(CodeCloudFailure, "the cloud fails")
	case cloud.LoginRefused && check.cloud:
		return nil, c.fault(CodeLoginToken, "the cloud refuses the login of "+c.Store.Login.Username+": log out and in again")
	}
	if app == nil {
		if !c.world.AnyApplication {
			return nil, c.fault(CodeInvalidCredentials, fmt.Sprintf("clientId %q is not registered in this world", clientID))
		}
		app = &sessionstore.Application{Version: "1.0", Access: sessionstore.AccessGranted, ApproveAfter: -1, DenyAfter: -1}
		if c.world.NewApplication != nil {
			*app = *c.world.NewApplication
		}
		app.ID = id
		setDefault(&app.Name, appName(clientID))
		app.ClientID = clientID
		if err := c.Store.Register(c.Method, app); err != nil {
			return nil, err
		}
	}
	app.ClientID = clientID
	if check.secret && app.ClientSecret != "" && app.ClientSecret != a.String("clientSecret") {
		return nil, c.fault(CodeInvalidCredentials, fmt.Sprintf("clientSecret of %s is another one", app.ID))
	}
	return app, nil
}

// checkLogin tells why no application can work with the current login.
func (c *Call) checkLogin() error {
	switch login := c.Store.Login; {
	case login.Username == "":
		return c.fault(CodeNotLoggedIn, "nobody is logged in")
	case !c.Store.LoginUsable():
		return c.fault(CodeNotLoggedIn, fmt.Sprintf("%s is logged in on the OS account %s, not on %s", login.Username, login.OS.Name, c.Store.CurrentOS.Name))
	}
	return nil
}

// anyAppID is the appId of a client id that is not registered.
func (c *Call) anyAppID(clientID string) string {
	return "com." + c.Store.Login.Username + "." + appName(clientID)
}

// appName makes the last part of an appId from a client id: the id itself when
// it looks like a name, else a short hash of it, so that it is the same in every run.
func appName(clientID string) string {
	if len(clientID) > 0 && len(clientID) <= 24 && strings.Trim(clientID, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" {
		return clientID
	}
	return fmt.Sprintf("app-%08x", uint32(hashString(clientID)))
}

// Messages of requestAccess and hasAccessRight (cortex-example #105, #29; the
// refusal is the documentation's).
const (
	accessGrantedOld     = "The User has access right to this application." // 2.0, cortex-example #25
	accessGrantedNow     = "The user has granted access right to this application."
	accessGrantedAlready = "The access right to the application has already been granted."
	accessNotGranted     = "The User has not granted access right to this application. Please use Emotiv App to proceed."
)

func requestAccess(c *Call, a rpc.Args) (any, error) {
	app, err := c.application(a, clientCheck{secret: c.world.CheckSecretEarly, cloud: true})
	if err != nil {
		return nil, err
	}
	user := c.Store.Login.Username
	switch app.AccessOf(user) {
	case sessionstore.AccessGranted:
		message := accessGrantedNow
		if c.compat.OldAccessText {
			message = accessGrantedOld
		}
		return rpc.Object{"accessGranted": true, "message": message}, nil
	case sessionstore.AccessUnasked:
		// The Launcher prompts at the first call only.
		c.apply(c.Store.SetAccess(app, user, sessionstore.AccessPending))
		if c.world.TellAccessRequests {
			for _, p := range c.order {
				if p != c.peer {
					c.warn(p, WarnAccessRequested, c.warningText(WarnAccessRequested, app.Name))
				}
			}
		}
		c.decideLater(app, user, app.ApproveAfter, sessionstore.AccessGranted)
		c.decideLater(app, user, app.DenyAfter, sessionstore.AccessDenied)
	}
	return rpc.Object{"accessGranted": false, "message": accessNotGranted}, nil
}

func (s *Service) decideLater(app *sessionstore.Application, user string, after time.Duration, access sessionstore.Access) {
	if after < 0 {
		return
	}
	s.sched.After(int64(after), func() {
		if app.AccessOf(user) != sessionstore.AccessPending {
			return
		}
		changes := s.Store.SetAccess(app, user, access)
		if user == s.Store.Login.Username { // else there is nobody to be told
			s.apply(changes)
		}
	})
}

func hasAccessRight(c *Call, a rpc.Args) (any, error) {
	app, err := c.application(a, clientCheck{secret: c.world.CheckSecretEarly})
	if err != nil {
		return nil, err
	}
	if app.AccessOf(c.Store.Login.Username) == sessionstore.AccessGranted {
		return rpc.Object{"accessGranted": true, "message": accessGrantedAlready}, nil
	}
	return rpc.Object{"accessGranted": false, "message": accessNotGranted}, nil
}

func authorize(c *Call, a rpc.Args) (any, error) {
	app, err := c.application(a, clientCheck{secret: true, cloud: true})
	if err != nil {
		return nil, err
	}
	username, now := c.Store.Login.Username, c.Now()
	u := c.Store.User(username)
	if u == nil {
		u = &sessionstore.User{Username: username, EULAAccepted: true, PrivateEULAAccepted: true}
	}
	debit := a.Int("debit")
	switch {
	case app.AccessOf(username) != sessionstore.AccessGranted:
		return nil, c.fault(CodeNoAccessRight, fmt.Sprintf("the access right of %s is %s: call requestAccess and wait for warning 9", app.ID, app.AccessOf(username)))
	case app.Unpublished && app.Owner != username:
		return nil, c.fault(CodeUnpublished, fmt.Sprintf("%s is unpublished and belongs to %s", app.ID, app.Owner))
	case c.world.RefuseWithoutEULA && !(u.EULAAccepted && u.PrivateEULAAccepted):
		return nil, c.fault(CodeEULANotAccepted, username+" has not accepted the EULA")
	case debit < 0:
		return nil, c.invalid("debit", "a number of at least 0")
	}
	license, err := c.Store.ResolveLicense(app, username, a.String("license"), now)
	if err != nil {
		return nil, err
	}
	if c.world.Cloud.Status == CloudOnline { // offline the localQuota stays as it is
		if err := c.Store.Debit(license, debit, now); err != nil && !c.world.IgnoreLargeDebit {
			return nil, err
		}
		license.RegisterHere()
	}
	app.NeedsAuthorize, c.world.Cloud.TokenRefused = false, false
	result, err := c.issueToken(app, license)
	if err != nil {
		return nil, err
	}
	c.Store.Bind(app, c.peer.ID)
	licenseID := ""
	if license != nil {
		licenseID = license.ID
		if license.EndsWithin(c.world.LicenseWarning, now) {
			c.warn(c.peer, WarnLicenseEnding, c.warningText(WarnLicenseEnding, license.Name))
		}
	}
	c.event("authorized", "application", app.ClientID, "user", username, "license", licenseID)
	switch {
	case !u.EULAAccepted:
		result["warning"] = c.eulaWarning(WarnEULANotAccepted, u)
	case !u.PrivateEULAAccepted:
		result["warning"] = c.eulaWarning(WarnPrivateEULA, u)
	}
	return result, nil
}

// eulaWarning is the `warning` member in the result of authorize.
func (c *Call) eulaWarning(code int, u *sessionstore.User) rpc.Object {
	final, message := c.finalWarning(code, c.warningText(code, u.Username))
	return rpc.Object{"code": final, "licenseUrl": u.EULAURL, "message": message}
}

func (c *Call) issueToken(app *sessionstore.Application, license *sessionstore.License) (rpc.Object, error) {
	// Two tokens of one second are the same: one that comes after ExpireTokens is
	// a second younger.
	issued := time.Unix(max(c.Now().Unix(), app.TokensExpired+1, c.tokensExpired+1), 0)
	cl := claims{
		AppID: app.ID, AppVersion: app.Version, Expires: issued.Add(c.world.TokenLife).Unix(), NotBefore: issued.Add(-tokenBackdate).Unix(),
		Username: c.Store.Login.Username, Version: "2.0",
	}
	if u := c.Store.User(cl.Username); u != nil {
		cl.UserID = u.ID
	}
	if license != nil {
		cl.LicenseID = license.ID
	}
	token, err := signToken(cl)
	if err != nil {
		return nil, err
	}
	return rpc.Object{"cortexToken": token}, nil
}

func generateNewToken(c *Call, a rpc.Args) (any, error) {
	app, err := c.application(a, clientCheck{secret: true, cloud: true})
	if err != nil {
		return nil, err
	}
	switch cloud := &c.world.Cloud; {
	case cloud.TokenRefused:
		return nil, c.fault(CodeAuthorizeToken, "the cloud refuses the token: call authorize")
	case cloud.TokenRefreshing:
		if cloud.RefreshFor > 0 && !c.refreshed.Pending() {
			s := c.Service
			c.refreshed = s.sched.After(int64(cloud.RefreshFor), func() { s.world.Cloud.TokenRefreshing = false })
		}
		return nil, c.fault(CodeCloudRefreshing, "the cloud is refreshing the token: try again")
	}
	return c.issueToken(app, c.license())
}

func getUserInformation(c *Call, _ rpc.Args) (any, error) {
	u := c.Store.User(c.token.Username)
	if u == nil {
		u = &sessionstore.User{Username: c.token.Username}
	}
	return rpc.Object{
		"firstName": u.FirstName, "lastName": u.LastName, "username": u.Username,
		"licenseAgreement": rpc.Object{"accepted": u.EULAAccepted, "licenseUrl": u.EULAURL},
	}, nil
}

func getLicenseInfo(c *Call, _ rpc.Args) (any, error) {
	l := c.license()
	if l == nil {
		return nil, c.fault(CodeInvalidLicense, c.token.Username+" has no license for this application")
	}
	return rpc.Object{"isOnline": c.world.Cloud.Status == CloudOnline, "license": licenseObject(l, c.Now())}, nil
}

func inspectAPI(c *Call, _ rpc.Args) (any, error) {
	var list rpc.Array
	for _, m := range c.registry.Methods() {
		params := rpc.Array{}
		for _, p := range m.Params {
			params = append(params, rpc.Object{"name": p.Name, "required": p.Required})
		}
		list = append(list, rpc.Object{"methodName": m.Name, "params": params})
	}
	return list, nil
}
