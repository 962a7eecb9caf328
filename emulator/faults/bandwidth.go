package faults

// bandwidth lets each frame wait until those before it are through.
type bandwidth struct {
	Bandwidth
	free map[uint64]int64 // connection to when the line is free
}

func (b *bandwidth) apply(p *Pipeline, r *rule, it item) {
	if b.free == nil {
		b.free = map[uint64]int64{}
	}
	start := max(it.At, b.free[it.Frame.Conn])
	it.At = start + int64(float64(len(it.Frame.Bytes))/float64(b.BytesPerSecond)*1e9)
	b.free[it.Frame.Conn] = it.At
	p.pass(r, it)
}

func (b *bandwidth) forget(conn uint64) { delete(b.free, conn) }
