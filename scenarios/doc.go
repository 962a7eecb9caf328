// Package scenarios reads, checks and runs scenarios: documents that say what
// world a client meets, what happens in it, and what the client must do.
//
//	file, built-in --Load--> Scenario ---> World        what the emulator starts with
//	 + extends + --set          |
//	                            +--------> Timeline --> Engine --Do--> the emulator
//	                            |                          ^
//	                            |                          +-- events, calls, samples
//	                            +--------> Faults ----> emulator/faults
//	                            |
//	                            +--------> Expectations --> Verdict <-- journal
//
// A document is YAML, or JSON, which is YAML too:
//
//	version: 1
//	extends: default
//	vars: {delay: 5s}
//	world:
//	  headsets:
//	    - {id: EPOCX-0A1B2C3D, status: discovered}
//	timeline:
//	  - after: {event: subscribed, delay: "${delay}"}
//	    do: headsetOff
//	expectations:
//	  - name: forgets its session
//	    mustNot: {error: "*", code: -32007}
//
// Load is strict: an unknown key, a wrong type, a value out of range, the name
// of a headset that the world lacks or an order that cannot happen is an error
// with its file, line and column, and all of them are told at once. The types in
// document.go, actions.go and timeline.go are the format; their tags hold what is
// allowed, and Schema makes a JSON Schema of them.
//
// The Engine and the Verdict are pure: they have no clock and no goroutines, and
// are driven by the emulator's loop. With the same seed, scenario and requests
// they do the same.
//
// The library (library/*.yaml, Builtins) has one document for each case that
// client developers have reported; Page makes a page of the documentation of it.
package scenarios
