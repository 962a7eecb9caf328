package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/api"
	"github.com/fakecortex/fakecortex/emulator/control"
	"github.com/fakecortex/fakecortex/emulator/gateway"
	"github.com/fakecortex/fakecortex/streams"
)

type serveCmd struct {
	Listen        []string          `default:"localhost:6868" placeholder:"HOST:PORT" help:"Address for Cortex clients; localhost means 127.0.0.1 and ::1, port 0 a free one. May be repeated."`
	Control       string            `default:"localhost:6869" placeholder:"HOST:PORT" help:"Address of the control API, or off."`
	ControlToken  string            `placeholder:"TOKEN" help:"What requests to the control API must carry; without it they are served over loopback only."`
	TLSDir        string            `name:"tls-dir" type:"path" placeholder:"DIR" help:"Folder that keeps the CA between runs; default: fakecortex in the user's state folder."`
	TLSName       []string          `name:"tls-name" placeholder:"NAME" help:"Further host name or IP address of the server's certificate. May be repeated."`
	Scenario      string            `default:"default" placeholder:"NAME|FILE" help:"What the world is like and what happens in it: a built-in scenario, or a file (with a / or an extension in its name)."`
	Set           map[string]string `placeholder:"NAME=VALUE" help:"Variable of the scenario. May be repeated."`
	CortexVersion string            `placeholder:"VERSION" help:"Version of Cortex to simulate, such as 2.7 or 4.8.32; default: the scenario's."`
	Seed          uint64            `default:"0" placeholder:"N" help:"Seed of ids and signals; 0 is the scenario's."`
	Clock         string            `placeholder:"real|xN|manual" help:"Speed of the virtual time: real, x10 for ten times as fast, manual for only when the control API says so; default: the scenario's, else real."`
	StartTime     time.Time         `placeholder:"RFC3339" help:"Virtual time at the start; default: the scenario's, else now, or a fixed instant with the manual clock."`
	ReadyFile     string            `type:"path" placeholder:"FILE" help:"File to write the ready line to; removed at the end."`
	Journal       string            `type:"path" placeholder:"FILE" help:"File for the journal, one entry of JSON a line."`
	Truth         string            `type:"path" placeholder:"FILE" help:"File for the ground truth, what was put into the signals and when: one JSON object a line."`
	LogFormat     string            `default:"text" enum:"text,json" placeholder:"text|json" help:"Format of the log on standard error."`
	LogLevel      string            `default:"info" enum:"debug,info,warn,error" placeholder:"LEVEL" help:"Lowest level logged: debug, info, warn or error."`
	AllowPlainWS  bool              `name:"allow-plain-ws" help:"Serve ws:// on the same port too. The real Cortex does not."`
	StateDir      string            `type:"path" placeholder:"DIR" help:"Folder that keeps records, subjects and profiles over a restart; default: nothing is kept."`
	RecordDir     string            `type:"path" placeholder:"DIR" help:"Folder of the temporary files of long records; default: the system's."`
	ExportRoot    string            `type:"path" placeholder:"DIR" help:"Folder that no exportRecord leaves; default: the folder that the client names is taken as it is."`
	ExportMap     []string          `sep:"none" placeholder:"FROM=TO" help:"Folder of the client and the folder below the export root that it stands for; FROM * is any folder. May be repeated."`
}

// Validate implements kong's check of a parsed command.
func (c *serveCmd) Validate() error {
	if c.Clock != "" {
		if _, err := streams.ParseScale(c.Clock); err != nil {
			return fmt.Errorf("--clock: %w", err)
		}
	}
	for _, addr := range c.Listen {
		if !isAddress(addr) {
			return fmt.Errorf("--listen %q: want HOST:PORT, such as localhost:6868, the port from 0 to 65535", addr)
		}
	}
	if c.Control != "off" && !isAddress(c.Control) {
		return fmt.Errorf("--control %q: want HOST:PORT, such as localhost:6869, the port from 0 to 65535, or off", c.Control)
	}
	for _, name := range c.TLSName {
		if err := gateway.CheckName(name); err != nil {
			return fmt.Errorf("--tls-name: %w", err)
		}
	}
	if c.CortexVersion != "" {
		if _, err := api.NewCompat(c.CortexVersion); err != nil {
			return fmt.Errorf("--cortex-version: %w", err)
		}
	}
	return c.files().Check()
}

// isAddress reports whether a text is a host, which may be empty, and a port.
func isAddress(text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	return err == nil
}

func (c *serveCmd) files() emulator.FileOptions {
	return emulator.FileOptions{RecordDir: c.RecordDir, ExportRoot: c.ExportRoot, ExportMap: c.ExportMap, StateDir: c.StateDir}
}

// Run serves until the context is done or a listener breaks.
func (c *serveCmd) Run(s system) (err error) {
	logger := c.logger(s)
	dir, err := tlsDir(c.TLSDir, s.getenv)
	if err != nil {
		return err
	}
	var journal io.Writer
	if c.Journal != "" {
		f, err := createFile(c.Journal)
		if err != nil {
			return fmt.Errorf("--journal: %w", err)
		}
		defer func() { err = errors.Join(err, f.Close()) }() // behind the emulator, which writes until its end
		journal = f
	}
	truth, err := openTruth(c.Truth)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, truth.close()) }() // it too
	emu, err := emulator.Start(emulator.Options{
		Journal: journal, Truth: truth.add, Seed: c.Seed, Clock: c.Clock, StartTime: c.StartTime, Listen: c.Listen, TLSDir: dir, TLSNames: c.TLSName,
		AllowPlainWS: c.AllowPlainWS, Logger: logger, Scenario: c.Scenario, Set: c.Set, CortexVersion: c.CortexVersion, Files: c.files(),
	})
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := emu.Close(); err == nil && closeErr != nil {
			logger.Warn("some clients did not close in time", "error", closeErr)
		}
	}()

	line := ready{Ready: true, URL: emu.URL(), CA: emu.CAFile(), Seed: emu.Seed(), PID: os.Getpid()}
	failed := make(chan error, 1)
	if c.Control != "off" {
		server, err := control.Listen(c.Control, control.Options{
			Emulator: emu, Version: versionString(), Token: c.ControlToken, Logger: logger, TempDir: c.RecordDir,
			Names: append([]string{"fakecortex", "host.docker.internal", "emotiv-cortex.remote"}, c.TLSName...),
		})
		if err != nil {
			return err
		}
		line.Control = server.URL()
		go func() { failed <- server.Serve() }()
		defer func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = server.Close(ctx)
		}()
	}

	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if c.ReadyFile != "" {
		if err := writeAtomically(c.ReadyFile, text, 0o644); err != nil {
			return fmt.Errorf("--ready-file: %w", err)
		}
		defer func() { _ = os.Remove(c.ReadyFile) }()
	}
	if _, err := s.stdout.Write(text); err != nil {
		return fmt.Errorf("write the ready line: %w", err)
	}
	logger.Info("ready", "url", line.URL, "ca", line.CA, "control", line.Control, "scenario", c.Scenario, "seed", line.Seed, "clock", emu.Clock().Clock)

	select {
	case <-s.ctx.Done():
		logger.Info("stopping")
		return nil
	case err := <-failed:
		return err
	case err := <-emu.Failed():
		return err
	}
}

func (c *serveCmd) logger(s system) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // one of the enum's
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(s.stderr, options))
	}
	return slog.New(slog.NewTextHandler(s.stderr, options))
}
