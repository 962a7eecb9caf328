// Package rpc is JSON-RPC 2.0 as the Cortex service speaks it on the wire:
// requests with named parameters in, answers and warnings out. It knows nothing
// of Cortex itself.
//
//	frame -> Decode -> Request -> Registry.Find -> Method.CheckRequired
//	                                               (the service checks the token)
//	                                               Method.CheckTypes -> Args -> Handle
//	frame <- AppendResult, AppendError <------------------------ result, *Error <-+
//
// The files:
//
//   - message.go   one frame to a Request ([Decode])
//   - answer.go    answers, errors and warnings as bytes
//   - encode.go    JSON as Cortex prints it: compact, keys in alphabetical order
//   - scan.go      JSON text as spans, so that what is echoed keeps its bytes
//   - registry.go  methods, their parameters and the checks of both
//
// Codes and texts of the faults that this package finds are given to it
// ([Faults]), since a world may override them. How large a frame may be, and what
// a binary one means, is decided where frames are read.
package rpc
