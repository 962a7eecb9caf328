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
			Errors: []int{CodeNotLoggedIn, CodeInvalidCredentials, CodeNoInternet}, Warnings: []int{WarnAccessGranted, WarnAccessRejected},
		},
		{
			Name: "hasAccessRight", Chapter: chapter, Doc: "Whether the user has approved the application.", Params: clientParams(), Handle: hasAccessRight,
			Errors: []int{CodeNotLoggedIn, CodeInvalidCredentials},
		},
		{
			Name: "authorize", Chapter: chapter, Doc: "Returns a Cortex token.", Handle: authorize,
			Params: append(clientParams(),
				rpc.Param{Name: "license", Type: rpc.TypeString, EmptyIsAbsent: true}, rpc.Param{Name: "debit", Type: rpc.TypeInteger}),
			Errors: []int{
				CodeNoAccessRight, CodeInvalidCredentials, CodeNotLoggedIn, CodeInvalidLicense, CodeLicenseNotForApp, CodeLicenseExpired,
				CodeDeviceLimit, CodeDebitTooLarge, CodeDailyDebit, CodeUnpublished, CodeNoInternet,
			},
		},
		{
			Name: "generateNewToken", Chapter: chapter, Doc: "Returns a token that lives longer.", Handle: generateNewToken,
			Params: append([]rpc.Param{tokenParam()}, clientParams()...),
			Errors: []int{CodeTokenInvalid, CodeTokenExpired, CodeInvalidCredentials, CodeTokenNotFit, CodeTokenOtherApp},
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

// application finds the application of a client id and checks the secret. In a
// world that takes any application an unknown id is registered on the way.
func (c *Call) application(clientID, secret string) (*sessionstore.Application, error) {
	switch {
	case c.Store.Login.Username == "":
		return nil, c.fault(CodeNotLoggedIn, "nobody is logged in")
	case !c.Store.LoginUsable():
		return nil, c.fault(CodeNotLoggedIn, fmt.Sprintf("%s is logged in on the OS account %s, not on %s",
			c.Store.Login.Username, c.Store.Login.OS.Name, c.Store.CurrentOS.Name))
	}
	app := c.Store.ApplicationByClient(clientID)
	if app == nil {
		if !c.world.AnyApplication {
			return nil, c.fault(CodeInvalidCredentials, fmt.Sprintf("clientId %q is not registered in this world", clientID))
		}
		name := appName(clientID)
		id := "com." + c.Store.Login.Username + "." + name
		if app = c.Store.ApplicationByID(id); app == nil {
			app = &sessionstore.Application{Version: "1.0", Access: sessionstore.AccessGranted, ApproveAfter: -1, DenyAfter: -1}
			if c.world.NewApplication != nil {
				*app = *c.world.NewApplication
			}
			app.ID = id
			setDefault(&app.Name, name)
			c.Store.AddApplication(app)
		}
		app.ClientID = clientID
	}
	if app.ClientSecret != "" && app.ClientSecret != secret {
		return nil, c.fault(CodeInvalidCredentials, fmt.Sprintf("clientSecret of %s is another one", app.ID))
	}
	return app, nil
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
	accessGrantedNow     = "The user has granted access right to this application."
	accessGrantedAlready = "The access right to the application has already been granted."
	accessNotGranted     = "The User has not granted access right to this application. Please use Emotiv App to proceed."
)

func requestAccess(c *Call, a rpc.Args) (any, error) {
	app, err := c.application(a.String("clientId"), a.String("clientSecret"))
	if err != nil {
		return nil, err
	}
	switch app.Access {
	case sessionstore.AccessGranted:
		return rpc.Object{"accessGranted": true, "message": accessGrantedNow}, nil
	case sessionstore.AccessUnasked:
		// The Launcher prompts at the first call only.
		c.apply(c.Store.SetAccess(app, sessionstore.AccessPending))
		c.decideLater(app, app.ApproveAfter, sessionstore.AccessGranted)
		c.decideLater(app, app.DenyAfter, sessionstore.AccessDenied)
	}
	return rpc.Object{"accessGranted": false, "message": accessNotGranted}, nil
}

func (s *Service) decideLater(app *sessionstore.Application, after time.Duration, access sessionstore.Access) {
	if after < 0 {
		return
	}
	s.sched.After(int64(after), func() {
		if app.Access == sessionstore.AccessPending {
			s.apply(s.Store.SetAccess(app, access))
		}
	})
}

func hasAccessRight(c *Call, a rpc.Args) (any, error) {
	app, err := c.application(a.String("clientId"), a.String("clientSecret"))
	if err != nil {
		return nil, err
	}
	if app.Access == sessionstore.AccessGranted {
		return rpc.Object{"accessGranted": true, "message": accessGrantedAlready}, nil
	}
	return rpc.Object{"accessGranted": false, "message": accessNotGranted}, nil
}

func authorize(c *Call, a rpc.Args) (any, error) {
	app, err := c.application(a.String("clientId"), a.String("clientSecret"))
	if err != nil {
		return nil, err
	}
	username := c.Store.Login.Username
	switch {
	case app.Access != sessionstore.AccessGranted:
		return nil, c.fault(CodeNoAccessRight, fmt.Sprintf("the access right of %s is %s: call requestAccess and wait for warning 9", app.ID, app.Access))
	case app.Unpublished && app.Owner != username:
		return nil, c.fault(CodeUnpublished, fmt.Sprintf("%s is unpublished and belongs to %s", app.ID, app.Owner))
	}
	now := c.Now()
	license, err := c.Store.ResolveLicense(app, username, a.String("license"), now)
	if err != nil {
		return nil, err
	}
	debit := a.Int("debit")
	if debit < 0 {
		return nil, c.invalid("debit", "a number of at least 0")
	}
	if !c.world.CloudOffline { // offline the localQuota stays as it is
		if err := c.Store.Debit(license, debit, now); err != nil {
			return nil, err
		}
	}
	app.NeedsAuthorize = false
	result, err := c.issueToken(app, license)
	if err != nil {
		return nil, err
	}
	licenseID := ""
	if license != nil {
		licenseID = license.ID
	}
	c.event("authorized", "application", app.ClientID, "user", username, "license", licenseID)
	if u := c.Store.User(username); u != nil {
		switch {
		case !u.EULAAccepted:
			result["warning"] = rpc.Object{"code": WarnEULANotAccepted, "licenseUrl": u.EULAURL, "message": c.warningText(WarnEULANotAccepted, username)}
		case !u.PrivateEULAAccepted:
			result["warning"] = rpc.Object{"code": WarnPrivateEULA, "licenseUrl": u.EULAURL, "message": c.warningText(WarnPrivateEULA, username)}
		}
	}
	return result, nil
}

func (c *Call) issueToken(app *sessionstore.Application, license *sessionstore.License) (rpc.Object, error) {
	now := c.Now()
	cl := claims{
		AppID: app.ID, AppVersion: app.Version, Expires: now.Add(tokenLife).Unix(), NotBefore: now.Add(-tokenBackdate).Unix(),
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
	app, err := c.application(a.String("clientId"), a.String("clientSecret"))
	if err != nil {
		return nil, err
	}
	if app.ID != c.app.ID {
		return nil, c.fault(CodeTokenOtherApp, fmt.Sprintf("cortexToken is of %s, clientId of %s", c.app.ID, app.ID))
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
	return rpc.Object{"isOnline": !c.world.CloudOffline, "license": licenseObject(l, c.Now())}, nil
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
