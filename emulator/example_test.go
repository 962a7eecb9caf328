package emulator_test

import (
	"context"
	"fmt"
	"time"

	"github.com/coder/websocket"

	"github.com/fakecortex/fakecortex/emulator"
)

// A client under test talks to an emulator of its own; ten seconds pass at once.
func Example() {
	e, err := emulator.Start(emulator.Options{Clock: "manual"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := e.Dial(ctx) // over a socket: dial e.URL() with e.CertPool()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.CloseNow()
	_ = conn.Write(ctx, websocket.MessageText, []byte(`{"id":1,"jsonrpc":"2.0","method":"getCortexInfo"}`))
	_, answer, _ := conn.Read(ctx)
	fmt.Println(string(answer))
	before := e.Now()
	_ = e.Advance(10 * time.Second)
	fmt.Println(e.Now().Sub(before))
	// Output:
	// {"id":1,"jsonrpc":"2.0","result":{"buildDate":"2025-11-18T09:47:41","buildNumber":"v4.8.32-fakecortex","version":"4.8.32"}}
	// 10s
}
