package api

import (
	"encoding/json"
	"fmt"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// subscriptionMethods are the methods of the Data Subscription chapter.
func subscriptionMethods() []rpc.Method[*Call] {
	const chapter = "Data Subscription"
	params := func() []rpc.Param {
		return []rpc.Param{
			tokenParam(), {Name: "session", Type: rpc.TypeString, Required: true}, {Name: "streams", Type: rpc.TypeStringArray, Required: true},
		}
	}
	return []rpc.Method[*Call]{
		{
			Name: "subscribe", Chapter: chapter, Doc: "Starts data streams of a session.", Params: params(), Handle: subscribe,
			Errors: []int{CodeSessionUnknown, CodeStreamUnavailable},
		},
		{
			Name: "unsubscribe", Chapter: chapter, Doc: "Stops data streams of a session.", Params: params(), Handle: unsubscribe,
			Errors: []int{CodeSessionUnknown, CodeStreamUnavailable},
		},
	}
}

// subscribe serves each stream on its own: what cannot be served is an entry of
// failure, next to the successes. Subscribing twice is a success and samples do
// not come twice (no page says what happens; guessed, see DoubleSubscribe).
func subscribe(c *Call, a rpc.Args) (any, error) {
	sess, err := c.session(a)
	if err != nil {
		return nil, err
	}
	if err := c.knownStreams(a); err != nil {
		return nil, err
	}
	success, failure := rpc.Array{}, rpc.Array{}
	for _, name := range a.Strings("streams") {
		layout, why := c.offered(sess, name)
		if why == "" && c.world.DoubleSubscribe == SubscribedRefused && sess.Subscription(name) != nil {
			why = "the session is subscribed to it already"
		}
		if why != "" {
			failure = append(failure, c.streamFailure(name, why))
			continue
		}
		_, changes := c.Store.Subscribe(sess, name, c.peer.ID)
		c.apply(changes)
		success = append(success, rpc.Object{"cols": json.RawMessage(layout.AppendCols(nil)), "sid": sess.ID, "streamName": name})
	}
	return rpc.Object{"failure": failure, "success": success}, nil
}

// knownStreams refuses names that are no stream, in a world that does so with the
// whole call.
func (c *Call) knownStreams(a rpc.Args) error {
	if !c.world.RefuseUnknownStreams {
		return nil
	}
	for _, name := range a.Strings("streams") {
		if _, ok := streams.ParseKind(name); !ok {
			return c.fault(CodeInvalidParams, fmt.Sprintf("streams: no stream is called %q", name))
		}
	}
	return nil
}

// offered returns the layout of a stream, or why the session cannot have it.
func (c *Call) offered(sess *sessionstore.Session, name string) (*streams.Layout, string) {
	kind, ok := streams.ParseKind(name)
	if !ok {
		return nil, "no stream has that name"
	}
	d := c.devices[sess.Headset.ID]
	if d == nil || d.source == nil {
		return nil, "headset " + sess.Headset.ID + " is not connected"
	}
	layout := d.source.Layout(kind)
	switch {
	case layout == nil:
		return nil, fmt.Sprintf("headset %s has no stream %s with its settings", sess.Headset.ID, name)
	case kind == streams.EEG && sess.Status != sessionstore.SessionActive:
		return nil, "eeg needs a session that was activated before subscribing"
	case kind == streams.EEG && !sess.License.HasScope("eeg"):
		return nil, "the license has no scope eeg"
	}
	return layout, ""
}

func (c *Call) streamFailure(stream, why string) rpc.Object {
	fault := c.fault(CodeStreamUnavailable, stream+": "+why)
	c.refused(c.peer, c.Method, fault)
	fault = c.finalFault(fault)
	return rpc.Object{"code": fault.Code, "message": fault.Message, "streamName": stream}
}

func unsubscribe(c *Call, a rpc.Args) (any, error) {
	sess, err := c.session(a)
	if err != nil {
		return nil, err
	}
	if err := c.knownStreams(a); err != nil {
		return nil, err
	}
	success, failure := rpc.Array{}, rpc.Array{}
	for _, name := range a.Strings("streams") {
		if sess.Subscription(name) == nil {
			failure = append(failure, c.streamFailure(name, "the session is not subscribed to it"))
			continue
		}
		c.apply(c.Store.Unsubscribe(sess, name))
		success = append(success, rpc.Object{"streamName": name})
	}
	return rpc.Object{"failure": failure, "success": success}, nil
}
