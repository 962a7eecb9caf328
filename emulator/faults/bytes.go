package faults

// Faults of the bytes of one frame.

// truncate cuts the end off.
type truncate struct{ Truncate }

func (t truncate) apply(p *Pipeline, r *rule, it item) {
	n := len(it.Frame.Bytes)
	if t.Keep != nil {
		n = min(n, *t.Keep)
	} else {
		n = max(n-*t.Cut, 0)
	}
	it.Frame.Bytes = it.Frame.Bytes[:n]
	p.pass(r, it)
}

// corrupt changes bytes into other printable ones: the message is still text,
// but no longer what was meant, and mostly no JSON.
type corrupt struct{ Corrupt }

func (c corrupt) apply(p *Pipeline, r *rule, it item) {
	b := it.Frame.Bytes
	for range min(c.Bytes, len(b)) {
		i := r.rng.IntN(len(b))
		if b[i] >= 0x80 {
			continue // half a letter would be another fault: text that is not UTF-8
		}
		const first, n = 0x20, 0x5f
		b[i] = first + byte((int(b[i])-first+1+r.rng.IntN(n-1)+n)%n)
	}
	p.pass(r, it)
}

// fragment sends the message as several WebSocket fragments.
type fragment struct{ Fragment }

func (f fragment) apply(p *Pipeline, r *rule, it item) {
	it.Delivery.Fragment = f.Size
	p.pass(r, it)
}
