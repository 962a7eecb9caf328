// Package api is the Cortex API: its methods, one file per chapter of the
// Cortex documentation, its warnings and errors, and the differences between
// Cortex versions.
//
//   - service.go      requests in, answers, warnings and samples out
//   - codes.go        the table of error and warning codes and their texts
//   - compat.go       what differs between versions of Cortex
//   - world.go        what a world starts with
//   - authentication.go, headsets.go, sessions.go, subscription.go: the methods
//   - profiles.go, training.go, advanced_bci.go: the methods of the BCI chapters
//   - records.go, markers.go, subjects.go, exports.go: the methods about records
//   - recordseed.go   records that exist when a world begins
//   - keeper.go       what is kept over a restart
//   - device.go       a simulated headset: connection, silence, its samples
//   - actions.go      what scenarios and the control API do to the world
//   - events.go       what happens in the world, for scenarios and the journal
//   - objects.go      the JSON objects of the documentation
//   - token.go        Cortex tokens
//
// A [Service] belongs to the loop of the emulator: every method of it is called
// on that one goroutine, and everything that takes time is an event in the
// loop's scheduler. State lives in a sessionstore.Store; a handler asks it for a
// transition and turns the changes into warnings and streams.
//
// A handler runs at one virtual instant. What it causes (warnings, a closed
// session) is sent after its answer, so that nothing unasked stands between a
// request and its answer: several client programs read exactly one message per
// request. The one exception is exportRecord, which writes files beside the
// loop: other requests are served and samples go on before its answer comes.
package api
