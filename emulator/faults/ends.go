package faults

// Faults that end the connection in the place of a frame.

// closing closes with a code.
type closing struct{ Close }

func (c closing) apply(p *Pipeline, _ *rule, it item) {
	it.Delivery.Close, it.Reason = c.Code, c.Close.Reason
	p.out = append(p.out, it.Delivery)
}

// reset resets the TCP connection.
type reset struct{}

func (reset) apply(p *Pipeline, _ *rule, it item) {
	it.Delivery.Reset = true
	p.out = append(p.out, it.Delivery)
}

// refuse refuses a client that connects.
type refuse struct{}

func (refuse) apply(p *Pipeline, _ *rule, it item) {
	it.Delivery.Refuse = true
	p.out = append(p.out, it.Delivery)
}

// slowTLS answers the handshake late.
type slowTLS struct{ SlowTLS }

func (s slowTLS) apply(p *Pipeline, r *rule, it item) {
	it.At += int64(s.Delay)
	p.pass(r, it)
}
