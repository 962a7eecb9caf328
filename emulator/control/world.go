package control

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/scenarios"
)

//go:embed openapi.yaml
var openAPIDocument string

func (s *server) health(w http.ResponseWriter, _ *http.Request) error {
	reply(w, http.StatusOK, map[string]any{"healthy": true})
	return nil
}

func (s *server) ready(w http.ResponseWriter, _ *http.Request) error {
	code := http.StatusOK
	if !s.emu.Ready() {
		code = http.StatusServiceUnavailable
	}
	reply(w, code, map[string]any{"ready": code == http.StatusOK})
	return nil
}

func (s *server) version(w http.ResponseWriter, _ *http.Request) error {
	reply(w, http.StatusOK, map[string]any{"version": s.Version})
	return nil
}

func (s *server) ca(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write(s.emu.CAPEM())
	return nil
}

func (s *server) openAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = io.WriteString(w, openAPIDocument)
	return nil
}

func (s *server) state(w http.ResponseWriter, _ *http.Request) error {
	reply(w, http.StatusOK, s.emu.State())
	return nil
}

func (s *server) reset(w http.ResponseWriter, r *http.Request) error {
	return bare(w, r, s.emu.Reset, s.scenario)
}

// bare does what a request without a body asks for and answers as another route.
func bare(w http.ResponseWriter, r *http.Request, do func() error, answer func(http.ResponseWriter, *http.Request) error) error {
	if err := decode(w, r, maxBody, &struct{}{}); err != nil {
		return err
	}
	if err := conflict(do()); err != nil {
		return err
	}
	return answer(w, r)
}

// scenarioInfo is a scenario in a few lines.
type scenarioInfo struct {
	Name       string                   `json:"name"`
	Title      string                   `json:"title"`
	Report     string                   `json:"report"`
	GoodClient string                   `json:"goodClient"`
	Vars       map[string]scenarios.Var `json:"vars"`
}

func infoOf(s *scenarios.Scenario) scenarioInfo {
	info := scenarioInfo{s.Name, s.Title, s.Report, s.GoodClient, s.Vars}
	if info.Vars == nil {
		info.Vars = map[string]scenarios.Var{}
	}
	return info
}

func (s *server) scenarios(w http.ResponseWriter, _ *http.Request) error {
	list := []scenarioInfo{}
	for _, name := range scenarios.Builtins() {
		scenario, err := scenarios.Load(name, scenarios.Options{})
		if err != nil {
			return err
		}
		list = append(list, infoOf(scenario))
	}
	reply(w, http.StatusOK, map[string]any{"scenarios": list})
	return nil
}

func (s *server) scenario(w http.ResponseWriter, _ *http.Request) error {
	scenario := s.emu.Scenario()
	if scenario == nil {
		return conflict(emulator.ErrClosed)
	}
	reply(w, http.StatusOK, infoOf(scenario))
	return nil
}

// load loads a built-in scenario or a document. It does not read files: whoever
// reaches this port must not be able to look at the disk.
func (s *server) load(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Name     string            `json:"name"`
		Document json.RawMessage   `json:"document"`
		Set      map[string]string `json:"set"`
	}
	if err := decode(w, r, maxDocument, &body); err != nil {
		return err
	}
	var err error
	switch {
	case (body.Name == "") == (body.Document == nil):
		return bad("body: want name, a built-in scenario, or document")
	case body.Name != "":
		if !slices.Contains(scenarios.Builtins(), body.Name) {
			_, err := scenarios.Source(body.Name)
			if err == nil {
				err = fmt.Errorf("name %q: want a built-in scenario", body.Name)
			}
			return bad("%s", err)
		}
		err = s.emu.Load(body.Name, body.Set)
	default:
		text := []byte(body.Document)
		var yaml string
		if json.Unmarshal(body.Document, &yaml) == nil {
			text = []byte(yaml)
		}
		err = s.emu.LoadDocument(text, body.Set)
	}
	var mistakes scenarios.Errors
	if errors.As(err, &mistakes) {
		return err
	}
	if err := conflict(err); err != nil {
		return err
	}
	return s.scenario(w, r)
}

// perform makes an action happen and answers with the instant.
func (s *server) perform(w http.ResponseWriter, a scenarios.Action) error {
	if err := conflict(s.emu.Perform("control", a)); err != nil {
		return err
	}
	reply(w, http.StatusOK, map[string]any{"action": a.Name, "now": s.emu.Now().Format(time.RFC3339Nano)})
	return nil
}

func (s *server) action(w http.ResponseWriter, r *http.Request) error {
	body, err := read(w, r, maxBody)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return bad(`body: want an action, such as "headsetOff" or {"quota": 0}`)
	}
	if !json.Valid(body) {
		return bad("body: is not JSON")
	}
	a, err := scenarios.ParseAction(body)
	if err != nil {
		return err
	}
	return s.perform(w, a)
}

func (s *server) signal(w http.ResponseWriter, r *http.Request) error {
	body, err := read(w, r, maxBody)
	if err != nil {
		return err
	}
	if !json.Valid(body) {
		return bad("body: is not JSON")
	}
	a, err := scenarios.ParseAction(append(append([]byte(`{"signal":`), body...), '}'))
	if err != nil {
		return err
	}
	return s.perform(w, a)
}

func (s *server) approve(w http.ResponseWriter, r *http.Request) error {
	return s.decide(w, r, scenarios.DoApprove)
}

func (s *server) decline(w http.ResponseWriter, r *http.Request) error {
	return s.decide(w, r, scenarios.DoDecline)
}

func (s *server) decide(w http.ResponseWriter, r *http.Request, action string) error {
	var body struct {
		Application string `json:"application"`
	}
	if err := decode(w, r, maxBody, &body); err != nil {
		return err
	}
	return s.perform(w, scenarios.Action{Name: action, Args: &scenarios.OnApplication{Application: body.Application}})
}

func (s *server) clock(w http.ResponseWriter, _ *http.Request) error {
	reply(w, http.StatusOK, s.emu.Clock())
	return nil
}

func (s *server) setClock(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Clock string `json:"clock"`
	}
	if err := decode(w, r, maxBody, &body); err != nil {
		return err
	}
	if err := s.emu.SetClock(body.Clock); errors.Is(err, emulator.ErrClosed) {
		return conflict(err)
	} else if err != nil {
		return bad("%s", err)
	}
	return s.clock(w, r)
}

func (s *server) advance(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Duration *string `json:"duration"`
	}
	if err := decode(w, r, maxBody, &body); err != nil {
		return err
	}
	if body.Duration == nil {
		return bad(`duration: missing; give one such as "10s" or "1h30m"`)
	}
	d, err := time.ParseDuration(*body.Duration)
	if err != nil || d < 0 {
		return bad(`duration %q: want a duration of 0 or more, such as "10s" or "1h30m"`, *body.Duration)
	}
	if err := conflict(s.emu.Advance(d)); err != nil {
		return err
	}
	return s.clock(w, r)
}

func (s *server) pause(w http.ResponseWriter, r *http.Request) error {
	return bare(w, r, s.emu.Pause, s.clock)
}

func (s *server) resume(w http.ResponseWriter, r *http.Request) error {
	return bare(w, r, s.emu.Resume, s.clock)
}

func (s *server) verdict(w http.ResponseWriter, _ *http.Request) error {
	reply(w, http.StatusOK, s.emu.Verdict(false))
	return nil
}

func (s *server) connections(w http.ResponseWriter, _ *http.Request) error {
	reply(w, http.StatusOK, map[string]any{"connections": s.emu.State().Connections})
	return nil
}

// connection reads the number of a path; 0 is every open connection.
func connection(r *http.Request) (int, error) {
	n, err := strconv.ParseUint(r.PathValue("number"), 10, 31)
	if err != nil {
		return 0, bad("connection %q: want a number, 0 for every open connection", r.PathValue("number"))
	}
	return int(n), nil
}

func (s *server) push(w http.ResponseWriter, r *http.Request) error {
	number, err := connection(r)
	if err != nil {
		return err
	}
	var body struct {
		Frame json.RawMessage `json:"frame"`
		Text  string          `json:"text"`
		Hex   string          `json:"hex"`
	}
	if err := decode(w, r, maxBody, &body); err != nil {
		return err
	}
	given := 0
	for _, set := range []bool{body.Frame != nil, body.Text != "", body.Hex != ""} {
		if set {
			given++
		}
	}
	if given != 1 {
		return bad("body: want one of frame, text and hex")
	}
	return s.perform(w, scenarios.Action{Name: scenarios.DoSend, Args: &scenarios.Send{
		Frame: scenarios.JSON(body.Frame), Text: body.Text, Hex: body.Hex, Connection: number,
	}})
}

func (s *server) cut(w http.ResponseWriter, r *http.Request) error {
	number, err := connection(r)
	if err != nil {
		return err
	}
	body := struct {
		Code   int    `json:"code"`
		Reason string `json:"reason"`
		Reset  bool   `json:"reset"`
	}{Code: 1006}
	if err := decode(w, r, maxBody, &body); err != nil {
		return err
	}
	if body.Code < 1000 || body.Code > 4999 {
		return bad("code %d: want 1000 to 4999, 1006 cuts without a close frame", body.Code)
	}
	return s.perform(w, scenarios.Action{Name: scenarios.DoCut, Args: &scenarios.Cut{
		Connection: number, Code: body.Code, Reason: body.Reason, Reset: body.Reset,
	}})
}

func (s *server) faults(w http.ResponseWriter, _ *http.Request) error {
	reply(w, http.StatusOK, map[string]any{"faults": s.emu.Faults()})
	return nil
}

func (s *server) addFault(w http.ResponseWriter, r *http.Request) error {
	body, err := read(w, r, maxBody)
	if err != nil {
		return err
	}
	if !json.Valid(body) {
		return bad("body: is not JSON")
	}
	rule, err := scenarios.ParseRule(body)
	if err != nil {
		return err
	}
	id, err := s.emu.AddFault(rule)
	if err := conflict(err); err != nil {
		return err
	}
	reply(w, http.StatusCreated, map[string]any{"id": id})
	return nil
}

func (s *server) clearFaults(w http.ResponseWriter, r *http.Request) error {
	if err := conflict(s.emu.RemoveFault("")); err != nil {
		return err
	}
	return s.faults(w, r)
}

func (s *server) removeFault(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if !slices.ContainsFunc(s.emu.Faults(), func(f faultStatus) bool { return f.Rule.ID == id }) {
		return status{http.StatusNotFound, fmt.Sprintf("fault %q: there is no such rule", id)}
	}
	if err := conflict(s.emu.RemoveFault(id)); err != nil {
		return err
	}
	return s.faults(w, r)
}
