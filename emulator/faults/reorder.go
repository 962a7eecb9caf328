package faults

import "slices"

// reorder gathers frames of one connection and sends them in another order.
//
//	in   1 2 3 4 5 6
//	out      3 2 1   6 5 4      window 3
type reorder struct{ Reorder }

func (o *reorder) apply(p *Pipeline, r *rule, it item) {
	deadline, n := p.now+int64(o.Timeout), 1
	mine := func(h *held) bool { return h.rule == r && h.item.Frame.Conn == it.Frame.Conn }
	for i := range p.held {
		if mine(&p.held[i]) {
			deadline = p.held[i].deadline // the window ends as one
			n++
		}
	}
	p.hold(held{rule: r, item: it, deadline: deadline})
	if n >= o.Window {
		p.release(mine)
	}
}

// arrange puts frames that leave reorder windows in their new order.
func arrange(free []held) {
	type window struct {
		rule *rule
		conn uint64
	}
	places := map[window][]int{}
	for i := range free {
		if _, ok := free[i].rule.fault.(*reorder); !ok {
			continue
		}
		w := window{free[i].rule, free[i].item.Frame.Conn}
		if places[w] == nil {
			for j := i; j < len(free); j++ {
				if free[j].rule == w.rule && free[j].item.Frame.Conn == w.conn {
					places[w] = append(places[w], j)
				}
			}
			w.rule.fault.(*reorder).permute(w.rule, free, places[w])
		}
	}
}

func (o *reorder) permute(r *rule, free []held, places []int) {
	items := make([]item, len(places))
	for k, j := range places {
		items[k] = free[j].item
	}
	if o.Shuffle {
		r.rng.Shuffle(len(items), func(a, b int) { items[a], items[b] = items[b], items[a] })
	} else {
		slices.Reverse(items)
	}
	last := int64(0)
	for k, j := range places {
		last = max(last, items[k].At)
		items[k].At = last
		free[j].item = items[k]
	}
}
