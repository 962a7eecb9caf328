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
			Params: []rpc.Param{
				tokenParam(), {Name: "status", Type: rpc.TypeString, Required: true, Enum: []string{"open", "active"}},
				{Name: "headset", Type: rpc.TypeString, EmptyIsAbsent: true, Doc: "Absent: the first that is connected."},
			},
			Errors: []int{
				CodeNoHeadset, CodeHeadsetUnavailable, CodeHeadsetNotReady, CodeSessionExists, CodeNoLicense, CodeSessionLimit, CodeLicenseExpired, CodeSoftLimit, CodeHardLimit,
			},
			Guessed: "order of the checks; -32004 on a USB cable; -32001 when no headset is named and none is connected",
		},
		{
			Name: "updateSession", Chapter: chapter, Doc: "Activates or closes a session.", Handle: updateSession,
			Params: []rpc.Param{
				tokenParam(), {Name: "session", Type: rpc.TypeString, Required: true},
				{Name: "status", Type: rpc.TypeString, Required: true, Enum: []string{"active", "close"}},
			},
			Errors:   []int{CodeSessionUnknown, CodeNoLicense, CodeSessionLimit, CodeLicenseExpired, CodeSoftLimit, CodeHardLimit},
			Warnings: []int{WarnStreamsStopped}, Guessed: "close is not followed by warning 1; activating twice costs nothing",
		},
		{
			Name: "querySessions", Chapter: chapter, Doc: "Lists the live sessions of the application.", Handle: querySessions,
			Params: []rpc.Param{tokenParam()},
		},
	}
}

func createSession(c *Call, a rpc.Args) (any, error) {
	status := a.String("status")
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
