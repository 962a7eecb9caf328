package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// ctlCmd is a client of the control API: what it prints is what the API answers,
// indented.
type ctlCmd struct {
	Control      string `default:"localhost:6869" placeholder:"HOST:PORT" help:"Address of the control API, or its URL."`
	ControlToken string `placeholder:"TOKEN" help:"The token that it wants, if any."`

	State       ctlGet        `cmd:"" help:"Print the whole world."`
	Verdict     ctlGet        `cmd:"" help:"Print what is to be said of the client so far."`
	Connections ctlGet        `cmd:"" help:"Print the open connections."`
	Truth       ctlTruthCmd   `cmd:"" help:"Print what was put into the signals."`
	Reset       ctlPost       `cmd:"" help:"Begin the world anew, as at the start."`
	Pause       ctlClock      `cmd:"" help:"Let virtual time stand still."`
	Resume      ctlClock      `cmd:"" help:"End a pause."`
	Advance     ctlAdvanceCmd `cmd:"" help:"Let virtual time pass at once."`
	Clock       ctlClockCmd   `cmd:"" help:"Print the virtual clock, or change its speed."`
	Load        ctlLoadCmd    `cmd:"" help:"Begin the world of another scenario."`
	Action      ctlActionCmd  `cmd:"" help:"Make an action happen, such as: headsetOff; 'battery: 12'; '{contact: {sensors: [AF3], quality: 0}}'."`
	Approve     ctlDecide     `cmd:"" help:"The user approves an application, every one when none is named."`
	Decline     ctlDecide     `cmd:"" help:"The user declines an application, every one when none is named."`
	Fault       ctlFaultCmd   `cmd:"" help:"List, add and remove faults of the wire."`
	Push        ctlPushCmd    `cmd:"" help:"Send a frame to a client as it stands."`
	Cut         ctlCutCmd     `cmd:"" help:"End a connection."`
	Journal     ctlJournalCmd `cmd:"" help:"Print the journal, one entry a line."`
}

// remote is the way to the API.
type remote struct {
	ctx    context.Context
	base   string
	token  string
	stdout io.Writer
}

// ProvideRemote gives the commands below the way to the API: kong calls it for
// each Run that asks for one.
func (c *ctlCmd) ProvideRemote(s system) (*remote, error) {
	base := strings.TrimSuffix(c.Control, "/")
	if !strings.Contains(base, "://") {
		base = "http://" + loopbackOf(base)
	}
	if u, err := url.Parse(base); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usageError{fmt.Errorf("--control %q: want HOST:PORT or a URL, such as http://localhost:6869", c.Control)}
	}
	return &remote{ctx: s.ctx, base: base, token: c.ControlToken, stdout: s.stdout}, nil
}

// do sends a request; a nil body is none. An answer that is no success is an
// error in the words of the API.
func (c *remote) do(method, path string, body any, header ...string) (*http.Response, error) {
	var data io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		data = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(c.ctx, method, c.base+path, data)
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := (&http.Client{Transport: &http.Transport{DialContext: dialLocal}}).Do(r)
	if err != nil {
		return nil, fmt.Errorf("no answer from the control API: %w; is fakecortex running, and is this its address?", errors.Unwrap(err))
	}
	if response.StatusCode/100 == 2 {
		return response, nil
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Error    string
		Mistakes []string
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil || json.Unmarshal(text, &answer) != nil || answer.Error == "" {
		return nil, fmt.Errorf("%s %s: %s; is this the control API of fakecortex?", method, r.URL, response.Status)
	}
	if len(answer.Mistakes) > 0 {
		return nil, errors.New(strings.Join(answer.Mistakes, "\n"))
	}
	return nil, errors.New(answer.Error)
}

// show sends a request and prints the answer, indented.
func (c *remote) show(method, path string, body any) error {
	response, err := c.do(method, path, body)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return fmt.Errorf("answer of the control API: %w", err)
	}
	_, err = c.stdout.Write(out.Bytes())
	return err
}

// Commands without arguments know from the command line which they are.

type ctlGet struct{}

// Run prints what the path of the command's name answers.
func (ctlGet) Run(api *remote, name commandName) error {
	return api.show(http.MethodGet, "/v1/"+string(name), nil)
}

type ctlTruthCmd struct {
	Headset string `placeholder:"ID" help:"Of that headset only."`
	Kind    string `placeholder:"KIND" help:"Of that kind only, such as blink, contact or command."`
}

// Run prints it.
func (a *ctlTruthCmd) Run(api *remote) error {
	q := url.Values{}
	if a.Headset != "" {
		q.Set("headset", a.Headset)
	}
	if a.Kind != "" {
		q.Set("kind", a.Kind)
	}
	return api.show(http.MethodGet, "/v1/truth?"+q.Encode(), nil)
}

type ctlPost struct{}

// Run posts to the path of the command's name.
func (ctlPost) Run(api *remote, name commandName) error {
	return api.show(http.MethodPost, "/v1/"+string(name), nil)
}

type ctlClock struct{}

// Run pauses or resumes.
func (ctlClock) Run(api *remote, name commandName) error {
	return api.show(http.MethodPost, "/v1/clock/"+string(name), nil)
}

type ctlAdvanceCmd struct {
	Duration string `arg:"" help:"Such as 10s or 1h30m."`
}

// Run returns when everything until then has happened.
func (a *ctlAdvanceCmd) Run(api *remote) error {
	return api.show(http.MethodPost, "/v1/clock/advance", map[string]string{"duration": a.Duration})
}

type ctlClockCmd struct {
	Speed string `arg:"" optional:"" help:"real, manual or xN; absent prints the clock."`
}

// Run prints the clock.
func (a *ctlClockCmd) Run(api *remote) error {
	if a.Speed == "" {
		return api.show(http.MethodGet, "/v1/clock", nil)
	}
	return api.show(http.MethodPut, "/v1/clock", map[string]string{"clock": a.Speed})
}

type ctlLoadCmd struct {
	Scenario string            `arg:"" help:"A built-in scenario, or a file of this machine (with a / or an extension in its name); it can extend built-in scenarios."`
	Set      map[string]string `placeholder:"NAME=VALUE" help:"Variable of the scenario. May be repeated."`
}

// Run sends the text of a file: the service does not read files for others.
func (a *ctlLoadCmd) Run(api *remote) error {
	body := map[string]any{"name": a.Scenario}
	if strings.ContainsAny(a.Scenario, `/\.`) {
		text, err := os.ReadFile(a.Scenario)
		if err != nil {
			return err
		}
		body = map[string]any{"document": string(text)}
	}
	if len(a.Set) > 0 {
		body["set"] = a.Set
	}
	return api.show(http.MethodPost, "/v1/scenario", body)
}

// fromYAML turns the words of a command line into JSON: YAML as it stands in a
// scenario.
func fromYAML(words []string) (any, error) {
	text := strings.Join(words, " ")
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		return nil, usageError{fmt.Errorf("%q is not YAML: %s", text, strings.SplitN(err.Error(), "\n", 2)[0])}
	}
	return v, nil
}

type ctlActionCmd struct {
	Action []string `arg:"" help:"The action, as it stands under do: in a scenario."`
}

// Run makes it happen.
func (a *ctlActionCmd) Run(api *remote) error {
	body, err := fromYAML(a.Action)
	if err != nil {
		return err
	}
	return api.show(http.MethodPost, "/v1/action", body)
}

type ctlDecide struct {
	Application string `arg:"" optional:"" help:"Its client id."`
}

// Run approves or declines.
func (a *ctlDecide) Run(api *remote, name commandName) error {
	return api.show(http.MethodPost, "/v1/"+string(name), map[string]string{"application": a.Application})
}

type ctlFaultCmd struct {
	List   ctlFaultListCmd   `cmd:"" default:"1" help:"Print the rules and what they hit."`
	Add    ctlFaultAddCmd    `cmd:"" help:"Add a rule, such as: '{on: {method: authorize}, latency: 3s}'."`
	Remove ctlFaultRemoveCmd `cmd:"" help:"Take a rule away, all when none is named."`
}

type ctlFaultListCmd struct{}

// Run prints them.
func (ctlFaultListCmd) Run(api *remote) error {
	return api.show(http.MethodGet, "/v1/faults", nil)
}

type ctlFaultAddCmd struct {
	Rule []string `arg:"" help:"The rule, as it stands in a scenario's faults."`
}

// Run prints the id of the rule.
func (a *ctlFaultAddCmd) Run(api *remote) error {
	body, err := fromYAML(a.Rule)
	if err != nil {
		return err
	}
	return api.show(http.MethodPost, "/v1/faults", body)
}

type ctlFaultRemoveCmd struct {
	ID string `arg:"" optional:"" name:"id" help:"Its id."`
}

// Run prints what is left.
func (a *ctlFaultRemoveCmd) Run(api *remote) error {
	path := "/v1/faults"
	if a.ID != "" {
		path += "/" + url.PathEscape(a.ID)
	}
	return api.show(http.MethodDelete, path, nil)
}

type ctlPushCmd struct {
	Connection uint32 `default:"0" placeholder:"N" help:"Number of the connection; 0 is every open one."`
	Text       bool   `help:"Send the words as text, JSON or not."`
	Frame      string `arg:"" help:"The frame, as JSON or YAML."`
}

// Run queues the frame.
func (a *ctlPushCmd) Run(api *remote) error {
	body := map[string]any{"text": a.Frame}
	if !a.Text {
		frame, err := fromYAML([]string{a.Frame})
		if err != nil {
			return err
		}
		body = map[string]any{"frame": frame}
	}
	return api.show(http.MethodPost, "/v1/connections/"+strconv.FormatUint(uint64(a.Connection), 10)+"/push", body)
}

type ctlCutCmd struct {
	Connection uint32 `arg:"" help:"Number of the connection; 0 is every open one."`
	Code       int    `default:"1006" placeholder:"N" help:"WebSocket close code; 1006 cuts without a close frame."`
	Reason     string `placeholder:"TEXT" help:"Reason in the close frame."`
	Reset      bool   `help:"Reset the TCP connection: what is on its way is lost."`
}

// Run ends it.
func (a *ctlCutCmd) Run(api *remote) error {
	return api.show(http.MethodPost, "/v1/connections/"+strconv.FormatUint(uint64(a.Connection), 10)+"/cut",
		map[string]any{"code": a.Code, "reason": a.Reason, "reset": a.Reset})
}

type ctlJournalCmd struct {
	Follow     bool     `short:"f" help:"Go on with what comes."`
	Kind       []string `placeholder:"KIND" help:"opened, closed, call, answer, error, warning, event, action, fault, note. May be repeated."`
	Connection uint64   `placeholder:"N" help:"Number of the connection."`
	Method     string   `placeholder:"NAME" help:"Method of calls and answers."`
	Code       string   `placeholder:"N" help:"Code of an error, a warning, or the end of a connection."`
	Event      string   `placeholder:"NAME" help:"Name of the event, action or fault."`
	Session    string   `placeholder:"ID" help:"What is about a session."`
	Text       string   `placeholder:"TEXT" help:"Found anywhere in the line, case does not matter."`
	Last       int      `placeholder:"N" help:"The last N entries only."`
}

func (a *ctlJournalCmd) query() url.Values {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" && value != "0" {
			q.Set(name, value)
		}
	}
	set("kind", strings.Join(a.Kind, ","))
	set("connection", strconv.FormatUint(a.Connection, 10))
	set("method", a.Method)
	if a.Code != "" {
		q.Set("code", a.Code)
	}
	set("event", a.Event)
	set("session", a.Session)
	set("text", a.Text)
	return q
}

// Run prints entries as JSON lines.
func (a *ctlJournalCmd) Run(s system, api *remote) error {
	q := a.query()
	q.Set("limit", "10000")
	if a.Last > 0 {
		q.Set("limit", strconv.Itoa(min(a.Last, 10000)))
		q.Set("last", "true")
	}
	response, err := api.do(http.MethodGet, "/v1/journal?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	var page struct {
		Entries []json.RawMessage
		Next    uint64
	}
	err = json.NewDecoder(response.Body).Decode(&page)
	_ = response.Body.Close()
	if err != nil {
		return fmt.Errorf("answer of the control API: %w", err)
	}
	for _, entry := range page.Entries {
		if _, err := fmt.Fprintf(s.stdout, "%s\n", entry); err != nil {
			return err
		}
	}
	if !a.Follow {
		return nil
	}
	q = a.query()
	q.Set("after", strconv.FormatUint(page.Next, 10))
	if response, err = api.do(http.MethodGet, "/v1/journal/follow?"+q.Encode(), nil); err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if entry, ok := strings.CutPrefix(lines.Text(), "data: "); ok && strings.HasPrefix(entry, `{"seq"`) {
			if _, err := fmt.Fprintln(s.stdout, entry); err != nil {
				return err
			}
		}
	}
	if s.ctx.Err() != nil {
		return nil // a signal ends it
	}
	return lines.Err()
}
