// Package control is the HTTP side door of the emulator: what a script, a page,
// a container runtime or a test in another language asks the emulator itself,
// beside the Cortex port that clients use. openapi.yaml describes it.
//
//	GET  /healthz /readyz /version /ca.pem /openapi.yaml   open to all
//	GET  /metrics                                          Prometheus
//	GET  /v1/state        the whole world
//	POST /v1/reset        as at the start, seed and clock included
//	     /v1/scenario(s)  the scenario in force, another one, the library; /saved is what was done by hand
//	GET  /v1/timeline     the steps of the scenario in force
//	GET  /v1/live         the signals of a headset as server-sent events
//	GET  /v1/records      /{id}/export is the files of a record in a zip
//	POST /v1/action       an action of the scenarios package; /v1/signal, /v1/approve, /v1/decline
//	     /v1/clock        get, speed, advance, pause, resume
//	GET  /v1/journal      find; /count; /follow as server-sent events
//	GET  /v1/truth        what was put into the signals
//	GET  /v1/verdict      expectations and the linter's findings so far
//	     /v1/connections  list, push a frame, cut
//	     /v1/faults       list, add, remove
//
// Whatever it does happens in the loop of the emulator, so it is ordered with
// everything else and repeatable.
//
// It is meant for the machine it runs on: requests that reach it over another
// address than loopback need a token, and it refuses what a web page of another
// site could make a browser send (a Host that is a foreign name, an Origin that
// is not this machine, a body that is not JSON). Bodies, rate and followers are
// bounded. It reads no file.
//
// At / it serves a page for people (page.go, sources in page/) that does all this
// by hand. The page is a client of the API like any other: it has no state of its
// own, and nothing is there for it alone.
package control
