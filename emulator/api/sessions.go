package api

import (
	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
)

// sessionMethods are the methods of the Sessions chapter.
func sessionMethods() []rpc.Method[*Call] {
	const chapter = "Sessions"
	return []rpc.Method[*Call]{
		{
			Name: "createSession", Chapter: chapter, Doc: "Opens a session with a headset, or activates it at once.", Handle: createSession,
			Params: []rpc.Param{tokenParam(), {Name: "status", Type: rpc.TypeString, Required: true}, {Name: "headset", Type: rpc.TypeString, EmptyIsAbsent: true}},
			Errors: []int{
				CodeNoHeadset, CodeHeadsetUnavailable, CodeHeadsetNotReady, CodeSessionExists, CodeNoLicense, CodeSessionLimit, CodeLicenseExpired, CodeHardLimit,
			},
		},
		{
			Name: "updateSession", Chapter: chapter, Doc: "Activates or closes a session.", Handle: updateSession,
			Params: []rpc.Param{tokenParam(), {Name: "session", Type: rpc.TypeString, Required: true}, {Name: "status", Type: rpc.TypeString, Required: true}},
			Errors: []int{CodeSessionUnknown, CodeNoLicense, CodeSessionLimit, CodeLicenseExpired, CodeHardLimit}, Warnings: []int{WarnStreamsStopped},
		},
		{
			Name: "querySessions", Chapter: chapter, Doc: "Lists the live sessions of the application.", Handle: querySessions,
			Params: []rpc.Param{tokenParam()},
		},
	}
}

func createSession(c *Call, a rpc.Args) (any, error) {
	status := a.String("status")
	if status != "open" && status != "active" {
		return nil, c.invalid("status", "open or active")
	}
	sess, changes, err := c.Store.OpenSession(sessionstore.NewSession{
		ID: c.newID(), Application: c.app, Owner: c.token.Username, HeadsetID: a.String("headset"), Conn: c.peer.ID,
		Activate: status == "active", License: c.license(), Now: c.Now(),
	})
	if err != nil {
		return nil, err
	}
	c.apply(changes)
	return c.sessionObject(sess), nil
}

// session returns the session of a call, which must belong to its application.
func (c *Call) session(a rpc.Args) (*sessionstore.Session, error) {
	id := a.String("session")
	sess := c.Store.Session(c.app, id)
	if sess == nil {
		return nil, c.fault(CodeSessionUnknown, "session "+id+" is closed, of another application, or never existed")
	}
	return sess, nil
}

func updateSession(c *Call, a rpc.Args) (any, error) {
	status := a.String("status")
	if status != "active" && status != "close" {
		return nil, c.invalid("status", "active or close")
	}
	sess, err := c.session(a)
	if err != nil {
		return nil, err
	}
	if status == "close" {
		c.apply(c.Store.CloseSession(sess, sessionstore.ClosedByClient, c.Now()))
		return c.sessionObject(sess), nil
	}
	changes, err := c.Store.ActivateSession(sess, c.license(), c.Now())
	if err != nil {
		return nil, err
	}
	c.apply(changes)
	return c.sessionObject(sess), nil
}

func querySessions(c *Call, _ rpc.Args) (any, error) {
	list := rpc.Array{}
	for _, sess := range c.Store.Sessions() {
		if sess.Application == c.app {
			list = append(list, c.sessionObject(sess))
		}
	}
	return list, nil
}
