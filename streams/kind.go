package streams

import (
	"fmt"
	"slices"
)

// Kind is one data stream of a headset. MET and METLow are the two rates of
// the wire stream "met": 2 Hz for a licence with scope pm, else 0.1 Hz.
type Kind uint8

// The order is the order in which samples due at the same instant are sent.
const (
	EEG Kind = iota
	MOT
	DEV
	EQ
	POW
	MET
	METLow
	COM
	FAC
	SYS
	NumKinds = iota
)

var kindNames = [NumKinds]string{"eeg", "mot", "dev", "eq", "pow", "met", "met", "com", "fac", "sys"}

// String returns the stream's name on the wire.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Names returns the names of the streams on the wire, each once.
func Names() []string { return slices.Compact(slices.Clone(kindNames[:])) }

// ParseKind returns the Kind of a wire name; "met" gives MET.
func ParseKind(name string) (Kind, bool) {
	for k, n := range kindNames {
		if n == name {
			return Kind(k), true
		}
	}
	return 0, false
}

// Kinds is a set of streams.
type Kinds uint16

// KindSet returns the set of the given streams.
func KindSet(kinds ...Kind) Kinds {
	var s Kinds
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// AllKinds is the set of every stream.
const AllKinds Kinds = 1<<NumKinds - 1

// Has reports whether k is in the set.
func (s Kinds) Has(k Kind) bool { return s&(1<<k) != 0 }
