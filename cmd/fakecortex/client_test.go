package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/coder/websocket"
)

// clientMain is a small Cortex client, the command that tests of exec run. The
// first argument says what it does once it has a session:
//
//	good      closes its session
//	naive     leaves it open
//	fail      exits with code 3
//	signal    waits for SIGTERM, then exits with code 7
//	hang      waits for ever
func clientMain() { os.Exit(clientRun(os.Args[1])) }

func clientRun(mode string) int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pem, err := os.ReadFile(os.Getenv("FAKECORTEX_CA"))
	if err != nil {
		return clientFailed(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	conn, _, err := websocket.Dial(ctx, os.Getenv("FAKECORTEX_URL"), &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}},
	})
	if err != nil {
		return clientFailed(err)
	}
	id := 0
	call := func(method string, params map[string]any) (result map[string]any) {
		id++
		frame, _ := json.Marshal(map[string]any{"id": id, "jsonrpc": "2.0", "method": method, "params": params})
		if err := conn.Write(ctx, websocket.MessageText, frame); err != nil {
			panic(err)
		}
		for {
			_, data, err := conn.Read(ctx)
			if err != nil {
				panic(err)
			}
			var answer struct {
				ID     int
				Result map[string]any
			}
			if json.Unmarshal(data, &answer) == nil && answer.ID == id {
				return answer.Result
			}
		}
	}
	token := call("authorize", map[string]any{"clientId": "app-basic", "clientSecret": "secret", "debit": 1})["cortexToken"]
	session := call("createSession", map[string]any{"cortexToken": token, "status": "active"})["id"]
	call("subscribe", map[string]any{"cortexToken": token, "session": session, "streams": []string{"mot"}})
	fmt.Println("session", session != nil)
	switch mode {
	case "good":
		call("updateSession", map[string]any{"cortexToken": token, "session": session, "status": "close"})
	case "fail":
		return 3
	case "signal":
		ch := make(chan os.Signal, 1)
		signal.Notify(ch, syscall.SIGTERM, os.Interrupt)
		if err := os.WriteFile(os.Args[2], nil, 0o600); err != nil {
			return clientFailed(err)
		}
		<-ch
		return 7
	case "hang":
		signal.Ignore(syscall.SIGTERM)
		select {}
	}
	_ = conn.Close(websocket.StatusNormalClosure, "")
	return 0
}

func clientFailed(err error) int {
	fmt.Fprintln(os.Stderr, "client:", err)
	return 4
}
