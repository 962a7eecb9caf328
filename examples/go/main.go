// The Go example streams eeg and mot with github.com/coder/websocket, checks
// that no sample is missing and prints a summary. It uses nothing of the
// emulator's code: it is written as for the real Cortex.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "fakecortex example:", err)
		os.Exit(1)
	}
}

// caFile is the default of fakecortex on Linux; elsewhere ask
// `fakecortex ca --out FILE` and set FAKECORTEX_CA.
func caFile() string {
	if file := os.Getenv("FAKECORTEX_CA"); file != "" {
		return file
	}
	state := os.Getenv("XDG_STATE_HOME")
	if state == "" {
		home, _ := os.UserHomeDir()
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "fakecortex", "rootCA.pem")
}

// cortex is a connection to the service.
type cortex struct {
	conn     *websocket.Conn
	lastID   int
	warnings []warning // that have come
}

type warning struct {
	Code    int
	Message json.RawMessage // a text or an object, by its code
}

// message is whatever the service sends.
type message struct {
	ID     int
	Result json.RawMessage
	Error  *struct {
		Code    int
		Message string
	}
	Warning  *warning
	EEG, Mot []json.RawMessage
}

func (c *cortex) receive(ctx context.Context) (message, error) {
	var m message
	err := wsjson.Read(ctx, c.conn, &m)
	if m.Warning != nil {
		c.warnings = append(c.warnings, *m.Warning)
	}
	return m, err
}

func dial(ctx context.Context) (*cortex, error) {
	url := os.Getenv("FAKECORTEX_URL")
	if url == "" {
		url = "wss://localhost:6868"
	}
	pem, err := os.ReadFile(caFile())
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", caFile())
	}
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}},
	}})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(1 << 20)
	return &cortex{conn: conn}, nil
}

// call makes a request and reads its answer into result, past the samples and
// warnings that may come before it.
func (c *cortex) call(ctx context.Context, method string, params map[string]any, result any) error {
	c.lastID++
	request := map[string]any{"id": c.lastID, "jsonrpc": "2.0", "method": method, "params": params}
	if err := wsjson.Write(ctx, c.conn, request); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	for {
		answer, err := c.receive(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		switch {
		case answer.ID != c.lastID:
		case answer.Error != nil:
			return fmt.Errorf("%s: error %d: %s", method, answer.Error.Code, answer.Error.Message)
		case result == nil:
			return nil
		default:
			return json.Unmarshal(answer.Result, result)
		}
	}
}

type headset struct {
	ID, Status string
	Settings   struct{ EEGRate, MEMSRate int }
}

// connected returns the first headset once it is connected: warning 104 says
// so, others say that it failed.
func (c *cortex) connected(ctx context.Context) (headset, error) {
	var found []headset
	if err := c.call(ctx, "queryHeadsets", nil, &found); err != nil {
		return headset{}, err
	}
	if len(found) == 0 {
		return headset{}, errors.New("no headset")
	}
	h := found[0]
	if h.Status != "connected" {
		fmt.Printf("%s is %s, waiting\n", h.ID, h.Status)
		c.warnings = nil
		if err := c.call(ctx, "controlDevice", map[string]any{"command": "connect", "headset": h.ID}, nil); err != nil {
			return headset{}, err
		}
		for {
			if done, err := outcome(c.warnings, h.ID); err != nil {
				return headset{}, err
			} else if done {
				break
			}
			if _, err := c.receive(ctx); err != nil {
				return headset{}, err
			}
		}
	}
	// Only a connected headset knows its sensors and rates.
	if err := c.call(ctx, "queryHeadsets", map[string]any{"id": h.ID}, &found); err != nil {
		return headset{}, err
	}
	return found[0], nil
}

func outcome(warnings []warning, id string) (done bool, err error) {
	for _, w := range warnings {
		var about struct{ HeadsetID, Behavior string }
		if json.Unmarshal(w.Message, &about) != nil || about.HeadsetID != id {
			continue // a text, or of another headset
		}
		switch w.Code {
		case 104:
			return true, nil
		case 100, 101, 102, 113:
			return false, fmt.Errorf("connect: warning %d: %s", w.Code, about.Behavior)
		}
	}
	return false, nil
}

// counter counts the samples of one stream and refuses a gap.
type counter struct {
	stream              string
	column, width, rate int
	wanted, count, last int
}

func (c *counter) add(sample []json.RawMessage) error {
	if len(sample) != c.width {
		return fmt.Errorf("%s: %d values for %d columns", c.stream, len(sample), c.width)
	}
	var now int
	if err := json.Unmarshal(sample[c.column], &now); err != nil {
		return fmt.Errorf("%s: counter %s: %w", c.stream, sample[c.column], err)
	}
	// The counter goes back to 0 every second.
	if c.count > 0 && now != (c.last+1)%c.rate {
		return fmt.Errorf("%s: counter %d follows %d", c.stream, now, c.last)
	}
	c.last = now
	c.count++
	return nil
}

func run(ctx context.Context) error {
	c, err := dial(ctx)
	if err != nil {
		return err
	}
	defer c.conn.CloseNow()

	// Any credentials will do with fakecortex; the real Cortex wants those of
	// your application.
	var authorized struct{ CortexToken string }
	if err := c.call(ctx, "authorize", map[string]any{"clientId": "example-client-id", "clientSecret": "example-client-secret", "debit": 1}, &authorized); err != nil {
		return err
	}
	headset, err := c.connected(ctx)
	if err != nil {
		return err
	}
	var session struct{ ID string }
	token := authorized.CortexToken
	if err := c.call(ctx, "createSession", map[string]any{"cortexToken": token, "headset": headset.ID, "status": "active"}, &session); err != nil {
		return err
	}
	streams := map[string]any{"cortexToken": token, "session": session.ID, "streams": []string{"eeg", "mot"}}
	var subscribed struct {
		Success []struct {
			StreamName string
			Cols       []any
		}
		Failure []json.RawMessage
	}
	if err := c.call(ctx, "subscribe", streams, &subscribed); err != nil {
		return err
	}
	if len(subscribed.Failure) > 0 || len(subscribed.Success) != 2 {
		return fmt.Errorf("subscribe: %d streams, failures %s", len(subscribed.Success), subscribed.Failure)
	}
	eeg := &counter{stream: "eeg", rate: headset.Settings.EEGRate, wanted: 512}
	mot := &counter{stream: "mot", rate: headset.Settings.MEMSRate, wanted: 128}
	for _, s := range subscribed.Success {
		counter, name := eeg, "COUNTER"
		if s.StreamName == "mot" {
			counter, name = mot, "COUNTER_MEMS"
		}
		counter.width, counter.column = len(s.Cols), slices.Index(s.Cols, any(name))
		if counter.column < 0 {
			return fmt.Errorf("%s: no column %s in %v", s.StreamName, name, s.Cols)
		}
	}
	for eeg.count < eeg.wanted || mot.count < mot.wanted {
		sample, err := c.receive(ctx)
		if err != nil {
			return err
		}
		if sample.EEG != nil {
			if err := eeg.add(sample.EEG); err != nil {
				return err
			}
		}
		if sample.Mot != nil {
			if err := mot.add(sample.Mot); err != nil {
				return err
			}
		}
	}
	if err := c.call(ctx, "unsubscribe", streams, nil); err != nil {
		return err
	}
	if err := c.call(ctx, "updateSession", map[string]any{"cortexToken": token, "session": session.ID, "status": "close"}, nil); err != nil {
		return err
	}
	fmt.Printf("coder/websocket: %s: %d eeg samples at %d Hz, %d mot samples at %d Hz, no gap\n", headset.ID, eeg.count, eeg.rate, mot.count, mot.rate)
	return c.conn.Close(websocket.StatusNormalClosure, "")
}
