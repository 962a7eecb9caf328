// Package control is the HTTP side door of the emulator: what a script, a
// container runtime or a test in another language asks the emulator itself,
// beside the Cortex port that clients use.
//
//	GET  /healthz            200 while the process answers at all
//	GET  /readyz             200 when clients can connect, else 503
//	GET  /version            {"version":"..."}
//	GET  /ca.pem             the certificate of the CA, for a client's trust store
//	GET  /v1/clock           {"now":"..."}, the virtual time
//	POST /v1/clock/advance   {"duration":"10s"}, answers with the new time
//
// It speaks JSON only, keeps bodies small, and is meant for the machine it runs
// on: it listens on loopback unless told otherwise, and it refuses requests
// that a web page of another site could make a browser send (a Host that is a
// foreign name, an Origin that is not this machine).
package control
