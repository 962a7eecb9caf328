package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/fakecortex/fakecortex/emulator/gateway"
)

// headset is the EPOC X of all measurements.
const headset = "EPOCX-3B9A0001"

// stream is one stream and its rate, in Hz.
type stream struct {
	name string
	rate int
}

// streamsOf are what it sends with that rate of eeg, 256 or 128.
func streamsOf(eeg int) []stream {
	return []stream{{"eeg", eeg}, {"mot", 64}, {"dev", 2}, {"eq", 2}, {"pow", 8}, {"met", 2}, {"com", 8}, {"fac", 32}}
}

// framesPerSecond is the sum of their rates.
func (b *bench) framesPerSecond() int {
	n := 0
	for _, s := range streamsOf(b.eeg) {
		n += s.rate
	}
	return n
}

// pki is the certificate that all contestants serve with.
type pki struct {
	client          *tls.Config
	cert, key       string // files
	recording, bare string // files: samples by stream, and finished frames
}

// server is a contestant that runs.
type server struct {
	cmd     *exec.Cmd
	url     string
	control string // of ours
	ca      string // of ours
	took    time.Duration
	stderr  bytes.Buffer
	ended   chan struct{}
}

// launch starts a command and waits for its ready line: {"url": ...}.
func launch(cmd *exec.Cmd) (*server, error) {
	s := &server{cmd: cmd, ended: make(chan struct{})}
	cmd.Stderr = &s.stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		lines <- line
	}()
	var line string
	select {
	case line = <-lines:
	case <-time.After(patience):
	}
	s.took = time.Since(begin)
	go func() {
		_ = cmd.Wait()
		close(s.ended)
	}()
	var ready struct{ URL, Control, CA string }
	if err := json.Unmarshal([]byte(line), &ready); err != nil || ready.URL == "" {
		s.stop()
		return nil, fmt.Errorf("%s: no ready line but %q\n%s", filepath.Base(cmd.Path), line, s.stderr.String())
	}
	s.url, s.control, s.ca = strings.TrimSuffix(ready.URL, "/"), ready.Control, ready.CA
	return s, nil
}

// stop ends the process and waits for its end.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(os.Interrupt)
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

// contestants returns those that are there.
func (b *bench) contestants() []int {
	list := []int{ours, bare}
	if b.python != "" {
		list = append(list, python)
	}
	if b.node != "" {
		list = append(list, node)
	}
	return list
}

// serve starts a contestant. Only ours has a manual clock.
func (b *bench) serve(which int, manual bool) (*server, error) {
	files := []string{b.pki.cert, b.pki.key}
	switch which {
	case bare:
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return launch(exec.Command(self, append([]string{bareCommand}, append(files, b.pki.bare, strconv.Itoa(b.eeg))...)...))
	case python:
		return launch(exec.Command(b.python, append([]string{b.script}, append(files, b.pki.recording)...)...))
	case node:
		return launch(exec.Command("node", append([]string{filepath.Join(b.node, "baseline.js")}, append(files, b.pki.recording)...)...))
	}
	clock := "real"
	if manual {
		clock = "manual"
	}
	return launch(exec.Command(b.binary, "--listen", "localhost:0", "--control", "localhost:0", "--tls-dir", filepath.Join(b.dir, "tls"),
		"--log-level", "warn", "--clock", clock, "--scenario", b.world))
}

// config returns what a client of that server trusts.
func (b *bench) config(s *server) (*tls.Config, error) {
	if s.ca == "" {
		return b.pki.client, nil
	}
	pool := x509.NewCertPool()
	text, err := os.ReadFile(s.ca)
	if err != nil {
		return nil, err
	}
	pool.AppendCertsFromPEM(text)
	return &tls.Config{RootCAs: pool, ServerName: "localhost"}, nil
}

// advance moves the manual clock of ours.
func (s *server) advance(d time.Duration) error {
	body := strings.NewReader(fmt.Sprintf(`{"duration":%q}`, d))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.control+"/v1/clock/advance", body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New("advance: " + answer.Status)
	}
	return nil
}

// prepare makes the certificate, and records from ours what the others send.
func (b *bench) prepare() error {
	authority, err := gateway.NewAuthority(time.Now())
	if err != nil {
		return err
	}
	config, err := authority.ServerConfig(nil)
	if err != nil {
		return err
	}
	b.pki = pki{
		client: &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost"},
		cert:   filepath.Join(b.dir, "cert.pem"), key: filepath.Join(b.dir, "key.pem"),
		recording: filepath.Join(b.dir, "recording.json"), bare: filepath.Join(b.dir, "frames"),
	}
	own := config.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		return err
	}
	var chain bytes.Buffer
	for _, der := range own.Certificate {
		if err := pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			return err
		}
	}
	b.world = filepath.Join(b.dir, "world.yaml")
	world := fmt.Sprintf("version: 1\nextends: default\nworld: {headsets: [{id: %s, firmware: f10, settings: {mode: EPOCPLUS, eegRate: %d, memsRate: 64}}]}\n", headset, b.eeg)
	if err := os.WriteFile(b.world, []byte(world), 0o600); err != nil {
		return err
	}
	recording, frames, err := b.record()
	if err != nil {
		return fmt.Errorf("record what the others send: %w", err)
	}
	return errors.Join(
		os.WriteFile(b.pki.cert, chain.Bytes(), 0o600),
		os.WriteFile(b.pki.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600),
		os.WriteFile(b.pki.recording, recording, 0o600), os.WriteFile(b.pki.bare, frames, 0o600),
	)
}

// record takes some seconds of all streams from ours: the values by stream, and
// the frames as they stand, one a line.
func (b *bench) record() (values, frames []byte, err error) {
	const seconds = 8
	s, err := b.serve(ours, true)
	if err != nil {
		return nil, nil, err
	}
	defer s.stop()
	config, err := b.config(s)
	if err != nil {
		return nil, nil, err
	}
	c, err := dial(s.url, config, 64<<10)
	if err != nil {
		return nil, nil, err
	}
	defer c.conn.Close()
	if err := c.subscribe("recording"); err != nil {
		return nil, nil, err
	}
	if err := s.advance(seconds * time.Second); err != nil {
		return nil, nil, err
	}
	byStream := map[string][]json.RawMessage{}
	streams := streamsOf(b.eeg)
	missing := len(streams)
	for n := 0; missing > 0 || n < (seconds-4)*b.framesPerSecond(); n++ { // pow and met begin later
		frame, err := c.next()
		if err != nil {
			return nil, nil, err
		}
		frames = append(append(frames, frame...), '\n')
		var members map[string]json.RawMessage
		if err := json.Unmarshal(frame, &members); err != nil {
			return nil, nil, err
		}
		for _, s := range streams {
			if v := members[s.name]; v != nil {
				if byStream[s.name] == nil {
					missing--
				}
				byStream[s.name] = append(byStream[s.name], v)
			}
		}
	}
	type recorded struct {
		Name   string            `json:"name"`
		Rate   int               `json:"rate"`
		Values []json.RawMessage `json:"values"`
	}
	var list []recorded
	for _, s := range streams {
		list = append(list, recorded{s.name, s.rate, byStream[s.name]})
	}
	values, err = json.Marshal(list)
	return values, frames, err
}
