package main

import (
	"encoding/json"
	"net/url"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"fakecortex": main, "client": clientMain})
}

// TestScripts runs the command line as scripts use it, one file per subject in
// testdata/script. Beside the usual commands they have
//
//	client MODE    a Cortex client for exec, see client_test.go
//	ready FILE     waits for a ready file; sets $URL $PORT $CA $CONTROL $PID from it
//	waitfile FILE  waits until there is such a file
//	sigterm        sends SIGTERM to $PID
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_STATE_HOME", env.WorkDir+"/state")
			env.Setenv("FAKECORTEX_LISTEN", "localhost:0")
			env.Setenv("FAKECORTEX_CONTROL", "localhost:0")
			return nil
		},
		Condition: func(name string) (bool, error) { return name == "root" && os.Geteuid() == 0, nil },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ready":    waitReady,
			"waitfile": waitFile,
			"sigterm":  sigterm,
		},
	})
}

func waitReady(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: ready FILE")
	}
	file := ts.MkAbs(args[0])
	for range 1000 {
		text, err := os.ReadFile(file)
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		var line ready
		ts.Check(json.Unmarshal(text, &line)) // written at once, so never half of it
		u, err := url.Parse(line.URL)
		ts.Check(err)
		for name, value := range map[string]string{
			"URL": line.URL, "PORT": u.Port(), "CA": line.CA, "CONTROL": line.Control, "PID": strconv.Itoa(line.PID),
		} {
			ts.Setenv(name, value)
		}
		return
	}
	ts.Fatalf("%s has not come", args[0])
}

func waitFile(ts *testscript.TestScript, _ bool, args []string) {
	for range 1000 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%s has not come", args[0])
}

func sigterm(ts *testscript.TestScript, _ bool, _ []string) {
	pid, err := strconv.Atoi(ts.Getenv("PID"))
	ts.Check(err)
	ts.Check(terminate(pid))
}
