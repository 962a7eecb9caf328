package streams

import "math"

// grade returns dev's Battery, 0..4, of a charge in percent. The steps are a
// guess that fits the samples seen (59, 64, 74 and 80 percent are 3).
func grade(percent float64) int64 {
	switch {
	case percent < 0:
		return -1
	case percent < 5:
		return 0
	case percent < 20:
		return 1
	case percent < 45:
		return 2
	case percent < 90:
		return 3
	}
	return 4
}

// fillBattery writes BatteryPercent, or the two of an MN8, and returns how many.
func (s *Source) fillBattery(dst []int64, percent float64) int {
	dst[0] = int64(math.Floor(percent))
	if !s.model.TwoBatteries {
		return 1
	}
	dst[1] = dst[0]
	if percent >= 0 { // the right side carries the radio; that it is a little lower is a guess
		dst[1] = max(0, dst[0]-2)
	}
	return 2
}

// overallCQ is the mean of the two worst sensors in percent, which fits every
// published sample.
func overallCQ(q []int64) int64 {
	worst, second := int64(4), int64(4)
	for _, v := range q {
		switch {
		case v < worst:
			worst, second = v, worst
		case v < second:
			second = v
		}
	}
	if len(q) == 1 {
		second = worst
	}
	return (worst + second) * 100 / 8
}

// overallEQ is the mean of the three worst sensors in percent, at most the
// overall contact quality (cortex-example #135); this too fits what was seen.
func overallEQ(q []int64, cq int64) int64 {
	worst := [3]int64{4, 4, 4}
	n := min(3, len(q))
	for _, v := range q {
		for i := range n {
			if v < worst[i] {
				copy(worst[i+1:], worst[i:2])
				worst[i] = v
				break
			}
		}
	}
	sum := int64(0)
	for _, v := range worst[:n] {
		sum += v
	}
	return min(cq, (sum*100+2*int64(n))/(4*int64(n)))
}

func (s *Source) fillDev(due int64) {
	v := s.values[DEV]
	percent := s.battery(due)
	v[0], v[1] = grade(percent), int64(math.Round(s.st.SignalStrength*1e6))
	i := 2
	for _, name := range s.sensors {
		v[i] = int64(s.st.contact(name))
		i++
	}
	columns := s.layouts[DEV].Columns
	if i < len(columns) && columns[i].Name == "OVERALL" {
		v[i] = overallCQ(v[2:i])
		i++
	}
	if i < len(columns) {
		s.fillBattery(v[i:], percent)
	}
}

// sampleRateQuality is the share of the last two seconds' samples that came, -1
// when more than 300 ms of them did not.
func (s *Source) sampleRateQuality() float64 {
	lost := int32(0)
	for _, n := range s.lost {
		lost += n
	}
	if int(lost)*1000 > 300*s.bg.rate {
		return -1
	}
	return 1 - float64(lost)/float64(2*s.bg.rate)
}

// stepEQ moves each sensor's EEG quality: down at once, up by half a grade at a
// time, so that it settles within four seconds.
func (s *Source) stepEQ(due int64) {
	quality := s.sampleRateQuality()
	shake := math.Min(1.5, s.head.at(due).speed/60)
	for i := range s.bg.channels {
		c := &s.bg.channels[i]
		target := float64(s.st.contact(c.name))
		if c.emg > 12 {
			target--
		}
		if s.moving {
			target -= shake
		}
		switch {
		case quality < 0:
			target = min(target, 1)
		case quality < 0.95:
			target--
		}
		target = max(0, target)
		s.eq[i] = min(target, s.eq[i]+0.5)
	}
}

// EEGQuality returns the mean of the sensors' EEG quality, 0 to 4, as it is now.
func (s *Source) EEGQuality() float64 {
	s.wake()
	return s.meanEQ()
}

func (s *Source) meanEQ() float64 {
	sum := 0.0
	for _, q := range s.eq {
		sum += q
	}
	return sum / float64(len(s.eq))
}

func (s *Source) fillEQ(k, due int64) {
	v := s.values[EQ]
	n := s.fillBattery(v, s.battery(due))
	overall, grades := &v[n], v[n+2:]
	v[n+1] = int64(math.Round(s.sampleRateQuality() * 1e6))
	worst, second := int64(4), int64(4)
	for i, name := range s.sensors {
		q := int64(s.eq[i] + 0.5)
		if q > 0 && hash64(s.seed, seedEQ, uint64(k), uint64(i))%32 == 0 { // it flickers
			q--
		}
		cq := int64(s.st.contact(name))
		grades[i] = min(q, cq)
		switch {
		case cq < worst:
			worst, second = cq, worst
		case cq < second:
			second = cq
		}
	}
	*overall = overallEQ(grades, (worst+second)*100/8)
}
