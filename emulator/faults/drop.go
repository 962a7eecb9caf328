package faults

// drop loses the frame.
type drop struct{}

func (drop) apply(*Pipeline, *rule, item) {}
