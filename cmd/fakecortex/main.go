package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/fakecortex/fakecortex/scenarios"
)

func main() {
	surviveFileLimit()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

// cli is the command line. Flags that several commands have mean the same in
// each, so that one environment serves them all.
type cli struct {
	Serve       serveCmd       `cmd:"" default:"withargs" help:"Serve until SIGINT or SIGTERM (the default command)."`
	Exec        execCmd        `cmd:"" help:"Run a command, such as the tests of a client, against a service of its own, and judge the client."`
	Ctl         ctlCmd         `cmd:"" help:"Look at a running fakecortex and change its world, over its control API."`
	Scenarios   scenariosCmd   `cmd:"" help:"List, show and check scenarios."`
	CA          caCmd          `cmd:"" name:"ca" help:"Print the CA certificate that clients must trust, as PEM."`
	Healthcheck healthcheckCmd `cmd:"" help:"Exit 0 when a running fakecortex is ready, else 1."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
}

// system is what a command gets from the process it runs in.
type system struct {
	ctx            context.Context
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// commandName is the last word of a command, such as state of ctl state.
type commandName string

func nameOf(command *kong.Context) commandName {
	if node := command.Selected(); node != nil {
		return commandName(node.Name)
	}
	return ""
}

const (
	exitFailed = 1
	exitUsage  = 2
)

// run is the whole program but for the process around it: it returns the exit
// code, and ends the serve command when ctx is done.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	helped := false
	var commands cli
	parser, err := newParser(&commands, getenv, kong.Writers(stdout, stderr), kong.Exit(func(int) { helped = true }))
	if err != nil {
		return complain(stderr, err, exitFailed)
	}
	command, err := parser.Parse(args)
	if helped {
		return 0
	}
	if err != nil {
		return complain(stderr, fmt.Errorf("%w (see fakecortex --help)", err), exitUsage)
	}
	err = command.Run(system{ctx: ctx, getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr}, nameOf(command))
	var usage usageError
	var exit exitError
	switch {
	case errors.As(err, &exit):
		return int(exit)
	case errors.As(err, &usage):
		return complain(stderr, err, exitUsage)
	case err != nil:
		return complain(stderr, err, exitFailed)
	}
	return 0
}

// newParser returns the parser that fills commands, from the command line and
// from the variables of the flags.
func newParser(commands *cli, getenv func(string) string, options ...kong.Option) (*kong.Kong, error) {
	return kong.New(commands, append(options,
		kong.Name("fakecortex"),
		kong.Description("A mock EMOTIV Cortex service with a simulated headset."),
		kong.Resolvers(environment(getenv)),
		kong.ValueFormatter(func(value *kong.Value) string {
			if value.Flag == nil || value.Name == "help" {
				return value.Help
			}
			note := "$" + variable(value.Name)
			if value.HasDefault && value.Default != "0" {
				note = "default: " + value.Default + ", " + note
			}
			return value.Help + " (" + note + ")"
		}),
	)...)
}

// usageError is an error of the command line that only the command finds.
type usageError struct{ error }

func complain(stderr io.Writer, err error, code int) int {
	var mistakes scenarios.Errors
	if errors.As(err, &mistakes) { // each has its place in a file, so each has its line
		_, _ = fmt.Fprintf(stderr, "fakecortex: the scenario is not right\n%s\n", strings.TrimRight(mistakes.Error(), "\n"))
		return code
	}
	_, _ = fmt.Fprintf(stderr, "fakecortex: %s\n", strings.ReplaceAll(err.Error(), "\n", " "))
	return code
}

// variable returns the environment variable of a flag.
func variable(flag string) string {
	return "FAKECORTEX_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// environment gives flags that are not on the command line their variable's
// value. An empty variable counts as absent.
func environment(getenv func(string) string) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if flag.Name == "help" {
			return nil, nil
		}
		if value := getenv(variable(flag.Name)); value != "" {
			return value, nil
		}
		return nil, nil
	})
}
