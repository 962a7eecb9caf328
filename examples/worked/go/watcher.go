// Package watcher subscribes to streams of a headset, one after the other, in one
// session. It is written as for the real Cortex, in two versions.
//
// Watcher is how one writes it at first, after the official Python example: the
// session is forgotten when warning 0 says that its subscriptions have been
// stopped. CarefulWatcher knows that warning 1 can come without warning 0, and
// asks querySessions whether its session is still there before it uses it again.
package watcher

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// Warnings of Cortex.
const (
	streamsStopped = 0
	sessionClosed  = 1
)

// Watcher is a client that forgets its session at warning 0.
type Watcher struct {
	conn    *websocket.Conn
	lastID  int
	token   string
	session string // empty: none
	forget  func(warning int) bool
}

// New returns a Watcher on an open connection.
func New(conn *websocket.Conn) *Watcher {
	return &Watcher{conn: conn, forget: func(warning int) bool { return warning == streamsStopped }}
}

// Watch subscribes to a stream.
func (w *Watcher) Watch(ctx context.Context, stream string) error {
	if err := w.open(ctx); err != nil {
		return err
	}
	var subscribed struct {
		Failure []struct{ Message string }
	}
	params := map[string]any{"cortexToken": w.token, "session": w.session, "streams": []string{stream}}
	if err := w.call(ctx, "subscribe", params, &subscribed); err != nil {
		return err
	}
	if len(subscribed.Failure) > 0 {
		return fmt.Errorf("subscribe to %s: %s", stream, subscribed.Failure[0].Message)
	}
	return nil
}

// Close closes the session and the connection.
func (w *Watcher) Close(ctx context.Context) error {
	if w.session != "" {
		if err := w.call(ctx, "updateSession", map[string]any{"cortexToken": w.token, "session": w.session, "status": "close"}, nil); err != nil {
			return err
		}
	}
	return w.conn.Close(websocket.StatusNormalClosure, "")
}

// open sees to it that there is a session.
func (w *Watcher) open(ctx context.Context) error {
	if w.token == "" {
		var authorized struct{ CortexToken string }
		params := map[string]any{"clientId": "example-client-id", "clientSecret": "example-client-secret", "debit": 1}
		if err := w.call(ctx, "authorize", params, &authorized); err != nil {
			return err
		}
		w.token = authorized.CortexToken
	}
	if w.session != "" {
		return nil
	}
	var created struct{ ID string }
	if err := w.call(ctx, "createSession", map[string]any{"cortexToken": w.token, "status": "active"}, &created); err != nil {
		return err
	}
	w.session = created.ID
	return nil
}

// call makes a request and reads its answer into result, past the samples and
// warnings that come before it.
func (w *Watcher) call(ctx context.Context, method string, params map[string]any, result any) error {
	w.lastID++
	if err := wsjson.Write(ctx, w.conn, map[string]any{"id": w.lastID, "jsonrpc": "2.0", "method": method, "params": params}); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	for {
		var message struct {
			ID      int
			Result  json.RawMessage
			Error   *struct{ Code int }
			Warning *struct{ Code int }
		}
		if err := wsjson.Read(ctx, w.conn, &message); err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		switch {
		case message.Warning != nil && w.forget(message.Warning.Code):
			w.session = ""
		case message.ID != w.lastID:
		case message.Error != nil:
			return fmt.Errorf("%s: error %d", method, message.Error.Code)
		case result == nil:
			return nil
		default:
			return json.Unmarshal(message.Result, result)
		}
	}
}

// CarefulWatcher is a Watcher that does not use a session which is gone.
type CarefulWatcher struct{ Watcher }

// NewCareful returns a CarefulWatcher on an open connection.
func NewCareful(conn *websocket.Conn) *CarefulWatcher {
	w := &CarefulWatcher{*New(conn)}
	w.forget = func(warning int) bool { return warning == streamsStopped || warning == sessionClosed }
	return w
}

// Watch subscribes to a stream, in a new session when the old one is gone.
func (w *CarefulWatcher) Watch(ctx context.Context, stream string) error {
	if w.session != "" {
		var sessions []struct{ ID string }
		if err := w.call(ctx, "querySessions", map[string]any{"cortexToken": w.token}, &sessions); err != nil {
			return err
		}
		alive := false
		for _, s := range sessions {
			alive = alive || s.ID == w.session
		}
		if !alive {
			w.session = ""
		}
	}
	return w.Watcher.Watch(ctx, stream)
}
