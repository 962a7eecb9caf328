// Package emulator is the mock Cortex service as a library: start one inside a
// Go test, point the client under test at its URL, advance its clock.
//
// Everything that takes time is an event in one scheduler over one clock, and
// one loop makes events and requests happen in order: see loop.go. With the
// manual clock nothing moves until Advance, and the same seed and the same
// requests give the same bytes, ids and time stamps included.
//
//	e, err := emulator.Start(emulator.Options{Clock: "manual", Listen: []string{"localhost:0"}})
//	...
//	client.Connect(e.URL(), e.CertPool())
//	e.Advance(10 * time.Second) // exactly 2,560 eeg samples of a 256 Hz headset
package emulator
