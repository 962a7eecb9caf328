package faults

import (
	"math"
	"math/rand/v2"
)

// latency holds each frame back for a time and keeps their order, as one
// network path does.
//
//	in   1  2  3
//	out        1     23      (2 was slow, 3 does not overtake it)
type latency struct {
	Latency
	last map[uint64]int64 // connection to the time of its last frame
}

func (l *latency) apply(p *Pipeline, r *rule, it item) {
	at := max(it.At+l.draw(r.rng), l.last[it.Frame.Conn])
	if l.last == nil {
		l.last = map[uint64]int64{}
	}
	l.last[it.Frame.Conn] = at
	it.At = at
	p.pass(r, it)
}

// maxLatency bounds what a distribution can draw.
const maxLatency = float64(24 * 3600 * 1e9)

func (l *latency) draw(rng *rand.Rand) int64 {
	var f float64
	switch {
	case l.Fixed != nil:
		return int64(*l.Fixed)
	case l.Uniform != nil:
		return int64(l.Uniform[0]) + rng.Int64N(int64(l.Uniform[1]-l.Uniform[0])+1)
	case l.Normal != nil:
		f = float64(l.Normal.Mean) + rng.NormFloat64()*float64(l.Normal.SD)
	case l.LogNormal != nil:
		f = float64(l.LogNormal.Median) * math.Exp(rng.NormFloat64()*l.LogNormal.Sigma)
	}
	return int64(min(max(f, 0), maxLatency))
}

func (l *latency) forget(conn uint64) { delete(l.last, conn) }
