package watcher_test

import (
	"context"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/fakecortex/fakecortex/emulator"
	watcher "github.com/fakecortex/fakecortex/examples/worked/go"
)

type client interface {
	Watch(ctx context.Context, stream string) error
	Close(ctx context.Context) error
}

// watch takes a client through the scenario, on the manual clock and in memory:
// the minutes that pass take no time. Cortex closes the session 5 s after the
// first subscription, and warning 0 is lost.
func watch(t *testing.T, of func(*websocket.Conn) client) (emulator.Verdict, error) {
	ctx := t.Context()
	e := emulator.StartT(t, emulator.Options{Scenario: "k5-warning-1-alone"})
	conn, err := e.Dial(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	c := of(conn)
	if err := c.Watch(ctx, "dev"); err != nil {
		t.Fatal(err)
	}
	if err := e.Advance(time.Minute); err != nil {
		t.Fatal(err)
	}
	err = c.Watch(ctx, "mot")
	if closeErr := c.Close(ctx); closeErr != nil && err == nil {
		t.Fatal(closeErr)
	}
	return e.Verdict(true), err
}

func TestCarefulWatcher(t *testing.T) {
	verdict, err := watch(t, func(c *websocket.Conn) client { return watcher.NewCareful(c) })
	if err != nil {
		t.Error(err)
	}
	for _, o := range verdict.Expectations {
		if !o.Passed {
			t.Errorf("%s: %s", o.Name, o.Message)
		}
	}
	for _, f := range verdict.Findings {
		t.Errorf("%s: %s. %s", f.Rule, f.Text, f.Advice)
	}
}

// TestWatcher shows what the test above says of the first version. In a project of
// your own the first version would be gone, and this test with it.
func TestWatcher(t *testing.T) {
	verdict, err := watch(t, func(c *websocket.Conn) client { return watcher.New(c) })
	if err == nil {
		t.Error("the dead session was good for something")
	}
	want := "error -32007 to subscribe came at 1m0s on connection 1 after warning 1"
	if len(verdict.Expectations) != 1 || verdict.Expectations[0].Message != want {
		t.Errorf("the verdict is %+v, want %s", verdict.Expectations, want)
	}
}
