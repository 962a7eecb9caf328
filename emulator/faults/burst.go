package faults

// burst lets frames go at the multiples of a period, as a radio link does that
// wakes up now and then.
type burst struct{ Burst }

func (b burst) apply(p *Pipeline, r *rule, it item) {
	period := int64(b.Every)
	if since := (it.At - r.at) % period; since != 0 {
		it.At += period - since
	}
	p.pass(r, it)
}
