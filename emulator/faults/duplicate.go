package faults

// duplicate sends the frame several times: an answer that comes twice.
type duplicate struct{ Duplicate }

func (d duplicate) apply(p *Pipeline, r *rule, it item) {
	for i := range d.Times {
		c := it
		c.At += int64(i) * int64(d.Gap)
		c.owned = false // the copies share their bytes until one is changed
		p.pass(r, c)
	}
}
