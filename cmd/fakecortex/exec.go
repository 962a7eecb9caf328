package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/control"
	"github.com/fakecortex/fakecortex/scenarios"
	"github.com/fakecortex/fakecortex/streams"
)

// Exit codes of exec besides the command's own, of 128 + n for a command that
// signal n ended, and of those of a shell for one that cannot be run.
const (
	exitVerdict   = 99 // the command passed, what the scenario expects of the client was not met
	exitTimeout   = 124
	exitNotRun    = 126
	exitNotFound  = 127
	exitSignalled = 128
)

// execCmd runs a command against a service of its own and judges the client.
type execCmd struct {
	Scenario      string            `default:"default" placeholder:"NAME|FILE" help:"What the world is like, what happens in it, and what is expected of the client."`
	Matrix        []string          `placeholder:"NAME|FILE|GLOB" help:"Run the command once in each of these scenarios and sum up, instead of --scenario; 'c*' is every built-in one that begins with c, 'dir/*.yaml' every such file. May be repeated."`
	Set           map[string]string `placeholder:"NAME=VALUE" help:"Variable of the scenario. May be repeated."`
	CortexVersion string            `placeholder:"VERSION" help:"Version of Cortex to simulate; default: the scenario's."`
	Seed          uint64            `default:"0" placeholder:"N" help:"Seed of ids and signals; 0 is the scenario's."`
	Clock         string            `placeholder:"real|xN|manual" help:"Speed of the virtual time; default: the scenario's, else real."`
	Port          uint16            `default:"0" placeholder:"N" help:"Port for Cortex clients, for programs that take no other than 6868; 0 is a free one."`
	ControlAPI    bool              `name:"control-api" help:"Serve the control API on a free port and tell the command of it."`
	JUnit         string            `name:"junit" type:"path" placeholder:"FILE" help:"File for the results as JUnit XML."`
	Report        string            `type:"path" placeholder:"FILE" help:"File for a readable report."`
	Journal       string            `type:"path" placeholder:"FILE" help:"File for the journal, one entry of JSON a line; with --matrix the name of the scenario is put into it."`
	FailOn        string            `default:"never" enum:"never,mistake,suspicious,hint" placeholder:"never|mistake|suspicious|hint" help:"Findings of the linter that count as failures, from this severity on."`
	Timeout       time.Duration     `placeholder:"DURATION" help:"End the command after that long; default: never."`
	LogLevel      string            `default:"error" enum:"debug,info,warn,error" placeholder:"LEVEL" help:"Lowest level of the service's log on standard error."`
	Command       []string          `arg:"" passthrough:"" help:"The command and its arguments, best behind --."`
}

// Validate implements kong's check of a parsed command.
func (c *execCmd) Validate() error {
	if c.Clock != "" {
		if _, err := streams.ParseScale(c.Clock); err != nil {
			return fmt.Errorf("--clock: %w", err)
		}
	}
	if len(c.Command) > 0 && c.Command[0] == "--" {
		c.Command = c.Command[1:]
	}
	if len(c.Command) == 0 {
		return errors.New("no command: give one behind --, such as fakecortex exec -- pytest")
	}
	return nil
}

// outcome is one run of the command.
type outcome struct {
	scenario *scenarios.Scenario
	seed     uint64
	clock    string
	code     int           // of the command
	ended    string        // how the command ended, in words
	took     time.Duration // of the host
	virtual  time.Duration
	start    time.Time // virtual
	verdict  emulator.Verdict
	clients  uint64 // connections that there were
	failOn   string
	command  []string
	stopped  bool // exec was told to end
}

// Run runs the command in each scenario and returns its code.
func (c *execCmd) Run(s system) error {
	names, err := c.scenarios()
	if err != nil {
		return err
	}
	// What is wrong is told before the first command runs, not behind an hour of them.
	for _, name := range names {
		if err := scenarios.Check(name, scenarios.Options{Set: c.Set}); err != nil {
			return err
		}
	}
	for _, file := range []string{c.JUnit, c.Report, c.Journal} {
		if file == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "fakecortex-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, forwarded()...)
	defer signal.Stop(signals)

	var outcomes []outcome
	var broken error
	for i, name := range names {
		o, err := c.one(s, name, c.journalOf(names, i), dir, signals)
		if err != nil {
			broken = fmt.Errorf("%s: %w", name, err)
			break // what has been found out by then is reported
		}
		outcomes = append(outcomes, o)
		if _, err := io.WriteString(s.stderr, o.summary()); err != nil {
			return err
		}
		if s.ctx.Err() != nil || o.stopped {
			break
		}
	}
	if len(names) > 1 {
		if _, err := io.WriteString(s.stderr, matrixTable(outcomes)); err != nil {
			return err
		}
	}
	if c.JUnit != "" {
		text, err := junit(outcomes)
		if err != nil {
			return err
		}
		if err := writeAtomically(c.JUnit, text, 0o644); err != nil {
			return fmt.Errorf("--junit: %w", err)
		}
	}
	if c.Report != "" {
		if err := writeAtomically(c.Report, report(outcomes), 0o644); err != nil {
			return fmt.Errorf("--report: %w", err)
		}
	}
	if broken != nil {
		return broken
	}
	err = exitOf(outcomes)
	if left := len(names) - len(outcomes); err == nil && left > 0 {
		err = fmt.Errorf("told to end: %d of %d scenarios have not been run", left, len(names))
	}
	return err
}

// exitOf returns the code of the first command that failed, else the one for an
// expectation that was not met.
func exitOf(outcomes []outcome) error {
	for _, o := range outcomes {
		if o.code != 0 {
			return exitError(o.code)
		}
	}
	for _, o := range outcomes {
		if !o.passed() {
			return exitError(exitVerdict)
		}
	}
	return nil
}

// exitError is an exit code with nothing to say.
type exitError int

// Error implements error.
func (e exitError) Error() string { return "exit code " + strconv.Itoa(int(e)) }

// scenarios returns the names of the scenarios to run in.
func (c *execCmd) scenarios() ([]string, error) {
	if len(c.Matrix) == 0 {
		return []string{c.Scenario}, nil
	}
	var names []string
	for _, pattern := range c.Matrix {
		if !strings.ContainsAny(pattern, "*?[") {
			names = append(names, pattern)
			continue
		}
		found, err := matching(pattern)
		if err != nil {
			return nil, usageError{fmt.Errorf("--matrix %q: %w", pattern, err)}
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// matching returns the scenarios of a pattern, one at the least.
func matching(pattern string) (names []string, err error) {
	if scenarios.IsFile(pattern) {
		if names, err = filepath.Glob(pattern); err == nil && len(names) == 0 {
			err = errors.New("there is no such file")
		}
		return names, err
	}
	for _, name := range scenarios.Builtins() {
		ok, err := path.Match(pattern, name)
		if err != nil {
			return nil, err
		}
		if ok {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, errors.New("no built-in scenario has such a name; see fakecortex scenarios list")
	}
	return names, nil
}

// journalOf returns the file of the journal of one of several scenarios: its
// name is in it, and its number too where two files are called alike.
func (c *execCmd) journalOf(names []string, i int) string {
	if c.Journal == "" || len(c.Matrix) == 0 {
		return c.Journal
	}
	short := func(name string) string { return strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)) }
	label := short(names[i])
	for j, other := range names {
		if j != i && short(other) == label {
			label += "-" + strconv.Itoa(i+1)
			break
		}
	}
	ext := filepath.Ext(c.Journal)
	return strings.TrimSuffix(c.Journal, ext) + "-" + label + ext
}

// one runs the command in one scenario; file is for the journal.
func (c *execCmd) one(s system, name, file, dir string, signals <-chan os.Signal) (o outcome, err error) {
	var journal io.Writer
	if file != "" {
		f, err := createFile(file)
		if err != nil {
			return o, fmt.Errorf("--journal: %w", err)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		journal = f
	}
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // one of the enum's
	logger := slog.New(slog.NewTextHandler(s.stderr, &slog.HandlerOptions{Level: level}))
	emu, err := emulator.Start(emulator.Options{
		Scenario: name, Set: c.Set, CortexVersion: c.CortexVersion, Seed: c.Seed, Clock: c.Clock,
		Listen: []string{"localhost:" + strconv.Itoa(int(c.Port))}, Journal: journal, Logger: logger,
	})
	if err != nil {
		return o, err
	}
	defer func() {
		if closeErr := emu.Close(); closeErr != nil {
			logger.Warn("some clients did not close in time", "error", closeErr)
		}
	}()
	env, err := environmentOf(emu, dir, name)
	if err != nil {
		return o, err
	}
	if c.ControlAPI {
		server, err := control.Listen("localhost:0", control.Options{Emulator: emu, Version: versionString(), Logger: logger})
		if err != nil {
			return o, err
		}
		go func() { _ = server.Serve() }()
		defer func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = server.Close(ctx)
		}()
		env = append(env, "FAKECORTEX_CONTROL="+server.URL())
	}

	clock := emu.Clock()
	o = outcome{scenario: emu.Scenario(), seed: emu.Seed(), clock: clock.Clock, start: clock.Start, failOn: c.FailOn, command: c.Command}
	began := time.Now()
	o.code, o.ended, o.stopped = c.command(s, env, signals)
	o.took = time.Since(began)
	settle(emu)
	o.verdict, o.clients = emu.Verdict(true), emu.Counters().Opened
	o.virtual = o.verdict.At.Sub(o.start)
	return o, nil
}

// settle waits until the end of the command's connections has been seen. What
// the command has left running may keep some open, so it does not wait for long.
func settle(emu *emulator.Emulator) {
	for range 100 {
		if len(emu.State().Connections) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// environmentOf returns the environment of the command: where the service is,
// and which CA to trust, in the variables that TLS libraries look at. Those that
// replace a program's own list of CAs get one that has them all.
func environmentOf(emu *emulator.Emulator, dir, scenario string) ([]string, error) {
	ca, bundle := filepath.Join(dir, "rootCA.pem"), filepath.Join(dir, "bundle.pem")
	if err := os.WriteFile(ca, emu.CAPEM(), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(bundle, append(systemCAs(), emu.CAPEM()...), 0o600); err != nil {
		return nil, err
	}
	// A service that runs already must not be taken for this one.
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == "FAKECORTEX_CONTROL" || name == "FAKECORTEX_CONTROL_TOKEN" || name == "FAKECORTEX_SCENARIO"
	})
	return append(env,
		"FAKECORTEX_URL="+emu.URL(), "FAKECORTEX_CA="+ca, "FAKECORTEX_SCENARIO="+scenario,
		"SSL_CERT_FILE="+bundle, "REQUESTS_CA_BUNDLE="+bundle, "NODE_EXTRA_CA_CERTS="+ca,
	), nil
}

// systemCAs returns the CAs that this machine trusts, nothing when they are not
// in a file.
func systemCAs() []byte {
	files := []string{
		os.Getenv("SSL_CERT_FILE"),
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && len(text) > 0 {
			if text[len(text)-1] != '\n' {
				text = append(text, '\n')
			}
			return text
		}
	}
	return nil
}

// command runs the command and returns its code, how it ended in words, and
// whether that was because exec itself was told to.
func (c *execCmd) command(s system, env []string, signals <-chan os.Signal) (code int, ended string, stopped bool) {
	cmd := exec.Command(c.Command[0], c.Command[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, s.stdin, s.stdout, s.stderr
	cmd.WaitDelay = 5 * time.Second // what it leaves running may hold its output
	if err := cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			return exitNotFound, fmt.Sprintf("%s was not found", c.Command[0]), false
		}
		return exitNotRun, fmt.Sprintf("%s cannot be run: %s", c.Command[0], err), false
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the state says it
		close(done)
	}()
	timedOut, stopped := c.await(s.ctx, cmd.Process, done, signals)
	state := cmd.ProcessState
	switch {
	case timedOut:
		return exitTimeout, fmt.Sprintf("it was ended after %s", c.Timeout), stopped
	case state.Exited():
		return state.ExitCode(), "exit code " + strconv.Itoa(state.ExitCode()), stopped
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitSignalled + int(status.Signal()), "ended by signal " + status.Signal().String(), stopped
	}
	return exitFailed, state.String(), stopped
}

// Grace times of await.
const (
	terminalGrace = 2 * time.Second // a terminal sends its signal to the command, too
	contextGrace  = 300 * time.Millisecond
	killGrace     = 5 * time.Second
)

// await waits for the end of a process and hands signals on to it.
func (c *execCmd) await(ctx context.Context, p *os.Process, done <-chan struct{}, signals <-chan os.Signal) (timedOut, stopped bool) {
	var limit, kill, later <-chan time.Time
	var waiting os.Signal
	if c.Timeout > 0 {
		limit = time.After(c.Timeout)
	}
	end := ctx.Done()
	for {
		select {
		case <-done:
			return timedOut, stopped
		case sig := <-signals:
			stopped = stopped || slices.Contains([]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}, sig)
			if end = nil; sig == os.Interrupt && hasTerminal() {
				waiting, later = sig, time.After(terminalGrace)
				continue
			}
			later = nil
			_ = p.Signal(sig) // it may have ended
		case <-end:
			// Told to end by other means than a signal, unless one is on its way.
			end, waiting, later = nil, syscall.SIGTERM, time.After(contextGrace)
		case <-later:
			later = nil
			_ = p.Signal(waiting)
		case <-limit:
			timedOut = true
			kill = time.After(killGrace)
			if p.Signal(syscall.SIGTERM) != nil { // not on every system
				_ = p.Kill()
			}
		case <-kill:
			_ = p.Kill()
		}
	}
}

// hasTerminal reports whether this process has a terminal whose user may have
// pressed Ctrl-C: the command has got that signal as well then.
func hasTerminal() bool {
	if runtime.GOOS == "windows" {
		return true
	}
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	return f.Close() == nil
}
