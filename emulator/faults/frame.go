package faults

import (
	"slices"

	"github.com/fakecortex/fakecortex/streams"
)

// Direction is the way a frame goes.
type Direction uint8

// The directions.
const (
	Out Direction = iota // to the client
	In                   // from the client
)

// Kind is what a frame is.
type Kind uint8

// The kinds of frames. A Handshake has no bytes: it is a client that connects.
const (
	Answer Kind = iota
	Warning
	Sample
	Request
	Handshake
	numKinds = iota
)

var kindNames = [numKinds]string{"answer", "warning", "sample", "request", "handshake"}

// String returns the word of documents.
func (k Kind) String() string { return kindNames[k] }

// Frame is one message, or one handshake, with what rules look at.
type Frame struct {
	Dir     Direction
	Kind    Kind
	Conn    uint64       // number of the connection since the start, from 1
	Method  string       // of an Answer or Request
	Stream  streams.Kind // of a Sample
	Headset string       // of a Sample
	Code    int          // of a Warning, or of the error in an Answer
	ID      []byte       // raw JSON id of an Answer or Request
	Mark    any          // the caller's own, kept as it is
	// Bytes are the message. They may be reused by the caller as soon as Apply
	// has returned, unless a Delivery of that call is due at once and holds them.
	Bytes []byte
}

// Delivery is what is to be done instead of sending a frame.
type Delivery struct {
	At    int64 // virtual time; what is due at the same time keeps its order
	Frame Frame // what is sent, or served when its direction is In
	// Fragment is the size of WebSocket fragments, 0 for one piece.
	Fragment int
	// Close ends the connection with this code instead; 1006 cuts it without a
	// close frame.
	Close  int
	Reason string
	// Reset resets the TCP connection instead.
	Reset bool
	// Refuse refuses the connection (handshakes).
	Refuse bool
}

// item is a frame on its way through the rules.
type item struct {
	Delivery
	owned bool // the bytes are a copy that may be kept and changed
}

func (it *item) own() {
	if !it.owned {
		it.Frame.Bytes = slices.Clone(it.Frame.Bytes)
		it.Frame.ID = slices.Clone(it.Frame.ID)
		it.owned = true
	}
}
