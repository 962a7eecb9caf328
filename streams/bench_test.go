package streams

import (
	"fmt"
	"slices"
	"testing"
)

// One operation is one EEG sample period of an EPOC X at 256 Hz, and what is due
// with it on average.
func BenchmarkSource(b *testing.B) {
	for _, kinds := range []struct {
		name string
		mask Kinds
	}{
		{"none", 0}, {"eeg", KindSet(EEG)}, {"mot", KindSet(MOT)}, {"dev+eq", KindSet(DEV, EQ)}, {"pow", KindSet(POW)}, {"met", KindSet(MET, METLow)},
		{"com", KindSet(COM)}, {"fac", KindSet(FAC)}, {"all", AllKinds},
	} {
		for _, encode := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/encode=%v", kinds.name, encode), func(b *testing.B) {
				s := testSource(b, "EPOCX")
				s.Advance(testStart+3e9, 0, nil)
				line := make([]byte, 0, 4096)
				emit := func(x *Sample) {
					if encode {
						line = s.Layout(x.Kind).AppendSample(line[:0], x)
						line = AppendTime(line, x.Stamp)
					}
				}
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					s.Advance(s.NextDue(KindSet(EEG)), kinds.mask, emit)
				}
			})
		}
	}
}

// Everything that can be in a signal at once.
func BenchmarkBusySource(b *testing.B) {
	s := testSource(b, "EPOCX", func(c *SourceConfig) {
		st := &c.State
		st.Contact = map[string]int{"*": 1}
		st.Loss.Probability = 0.01
		st.Head.Movement = "nod"
		st.FacialExpression.LAct, st.FacialExpression.LPow = "clench", 1
		st.SSVEP.Frequency = 15
		st.Waveforms = []Waveform{{Shape: "sine", Frequency: 5, Amplitude: 10}}
	})
	s.Advance(testStart+3e9, 0, nil)
	emit := func(*Sample) {}
	b.ReportAllocs()
	for range b.N {
		s.Advance(s.NextDue(KindSet(EEG)), AllKinds, emit)
	}
}

// One operation is a day in which nobody listens, in steps of ten seconds.
func BenchmarkIdleDay(b *testing.B) {
	s := testSource(b, "EPOCX")
	b.ReportAllocs()
	for range b.N {
		for range 8640 {
			s.Advance(s.now+10e9, 0, nil)
		}
	}
}

func BenchmarkWake(b *testing.B) {
	s := testSource(b, "EPOCX")
	for range b.N {
		s.Advance(s.now+200e9, 0, nil)
		s.wake()
	}
}

func BenchmarkNewSource(b *testing.B) {
	for range b.N {
		testSource(b, "EPOCX")
	}
}

// One operation is one sample put into JSON.
func BenchmarkAppendSample(b *testing.B) {
	for _, kind := range []Kind{EEG, MOT, DEV, EQ, POW, MET, COM, FAC} {
		b.Run(kind.String(), func(b *testing.B) {
			s := testSource(b, "EPOCX")
			var samples []Sample
			s.Advance(testStart+20e9, KindSet(kind), func(x *Sample) {
				if len(samples) < 32 {
					samples = append(samples, Sample{Values: slices.Clone(x.Values), Stamp: x.Stamp})
				}
			})
			line, l := make([]byte, 0, 4096), s.Layout(kind)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				x := &samples[i%len(samples)]
				line = AppendTime(l.AppendSample(line[:0], x), x.Stamp)
			}
			b.SetBytes(int64(len(line)))
		})
	}
}

// One operation of each generator: an eighth of a second of EEG of fourteen
// sensors, and one sample of the others.
func BenchmarkGenerators(b *testing.B) {
	s := testSource(b, "EPOCX")
	s.Advance(testStart+3e9, AllKinds, func(*Sample) {})
	index := int64(0)
	for _, g := range []struct {
		name string
		make func()
	}{
		{"background", func() { s.bg.generate(index) }},
		{"gains", func() { s.bg.approach(&s.st, index, false) }},
		{"face", func() { s.beginFace(s.composed + index) }},
		{"pow", func() { s.power.fill(s.values[POW]) }},
		{"mot", func() { s.fillMotion(4*index+3, testStart+index) }},
		{"eeg", func() { s.fillEEG(index) }},
		{"dev", func() { s.fillDev(testStart + index) }},
		{"eq", func() { s.stepEQ(testStart + index); s.fillEQ(index, testStart+index) }},
		{"met", func() { s.mets.step(&s.st); s.fillMet(MET) }},
		{"com", func() { s.com.step(uint64(index), &s.st) }},
		{"fac", func() { s.fillFac(index) }},
	} {
		b.Run(g.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				g.make()
				index++
			}
		})
	}
}
