package faults

// stall holds back everything from the frame that it hits on, then lets it go at
// once. It happens once for each connection, or on.count times.
type stall struct {
	Stall
	until map[uint64]int64 // connection to the end of its last stall
	end   int64            // of the last one of all
}

func (s *stall) stalled(conn uint64, now int64) bool {
	until, ok := s.until[conn]
	return ok && now < until
}

func (s *stall) apply(p *Pipeline, r *rule, it item) {
	conn := it.Frame.Conn
	until, ok := s.until[conn]
	if !ok || p.now >= until && r.On.Count > 0 {
		if s.until == nil {
			s.until = map[uint64]int64{}
		}
		until = p.now + int64(s.For)
		s.until[conn] = until
		s.end = max(s.end, until)
		p.mask() // the rule is not over before the stall is
	}
	it.At = max(it.At, until)
	p.pass(r, it)
}

func (s *stall) forget(conn uint64) { delete(s.until, conn) }
