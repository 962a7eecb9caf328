package streams

import "math"

const powWindow = fftSize // samples at 128 Hz: two seconds

// bandPower computes the pow stream as the knowledge base page "how band powers
// are calculated" describes it, from the EEG as it is sent: a high pass, minus
// the mean of two seconds, a Hann window, an FFT, and the mean over the bins of
// each band, both edges included. The text's last step, another division by the
// length of the window, is left out: with it the published values would be two
// hundred times too small. EEG of 256 Hz is halved by taking every second sample.
type bandPower struct {
	stride int // EEG samples a sample here
	pos    int
	high   biquad
	state  [][2]float64
	// rings hold, one channel behind the other, each sample twice, so that the last
	// two seconds are in one piece. They are even in number: two share a transform.
	rings  []float64
	window [powWindow]float64
	fft    *fft
	re, im [powWindow]float64
	places [edgeBin + 1][2]uint8 // of a bin and its mirror in the spectrum
	filled bool
}

func newBandPower(rate, channels int) *bandPower {
	p := &bandPower{
		stride: rate / 128,
		high:   biquad{0.96588528974407, -1.93177057948814, 0.96588528974407, -1.93060642721967, 0.93293473175661},
		state:  make([][2]float64, channels), rings: make([]float64, (channels+1)/2*2*ringSize), fft: newFFT(),
	}
	for i := range p.window {
		p.window[i] = (1 - math.Cos(2*math.Pi*float64(i+1)/(powWindow+1))) / powWindow // 2*Hann/256
	}
	for k := 1; k < len(p.places); k++ {
		p.places[k] = [2]uint8{uint8(fftOrder(k)), uint8(fftOrder(powWindow - k))}
	}
	return p
}

func (p *bandPower) push(counts []int64, lsb float64) {
	if !p.filled { // begin as if the first value had always been there
		for c, n := range counts {
			x := float64(n) * lsb
			p.state[c][1] = p.high.b2 * x
			p.state[c][0] = (p.high.b1 + p.high.b2) * x
		}
		p.filled = true
	}
	for c, n := range counts {
		y := p.high.step(&p.state[c], float64(n)*lsb)
		at := c*ringSize + p.pos
		p.rings[at], p.rings[at+powWindow] = y, y
	}
	p.pos = (p.pos + 1) % powWindow
}

// edges are the first and last bins of the bands, 0.5 Hz each: 4, 8, 12, 16, 25
// and 45 Hz. Only alpha's are published, the others follow.
var edges = [...][2]int{{8, 16}, {16, 24}, {24, 32}, {32, 50}, {50, edgeBin}}

const edgeBin = 90

const ringSize = 2 * powWindow

// fill writes the powers of the last two seconds.
func (p *bandPower) fill(dst []int64) { p.compute(dst, p.rings[p.pos:], ringSize) }

// appendWindows appends the last two seconds of every channel, for compute.
func (p *bandPower) appendWindows(dst []float64) []float64 {
	for at := p.pos; at < len(p.rings); at += ringSize {
		dst = append(dst, p.rings[at:at+powWindow]...)
	}
	return dst
}

// compute writes five values a channel, in thousandths of uV^2/Hz, from windows
// that begin a stride apart. Two channels share one complex transform: the sums
// and differences of its two halves are their spectra. It uses nothing that push
// changes.
func (p *bandPower) compute(dst []int64, windows []float64, stride int) {
	channels := len(p.state)
	for c := 0; c < channels; c += 2 {
		a := (*[powWindow]float64)(windows[c*stride:])
		b := (*[powWindow]float64)(windows[(c+1)*stride:])
		p.fft.transform(&p.re, &p.im, a, b, &p.window, mean(a), mean(b))
		for band, e := range edges {
			powerA, powerB := 0.0, 0.0
			for _, at := range p.places[e[0] : e[1]+1] {
				ur, ui, vr, vi := p.re[at[0]], p.im[at[0]], p.re[at[1]], p.im[at[1]]
				sumRe, sumIm, diffRe, diffIm := ur+vr, ui-vi, ur-vr, ui+vi
				powerA += mul(sumRe, sumRe) + mul(sumIm, sumIm)
				powerB += mul(diffRe, diffRe) + mul(diffIm, diffIm)
			}
			scale := 1000 / 4.0 / float64(e[1]-e[0]+1)
			dst[len(edges)*c+band] = int64(mul(powerA, scale) + 0.5)
			if c+1 < channels {
				dst[len(edges)*(c+1)+band] = int64(mul(powerB, scale) + 0.5)
			}
		}
	}
}

// mean adds up in four lanes, which do not wait for each other.
func mean(x *[powWindow]float64) float64 {
	var s0, s1, s2, s3 float64
	for i := 0; i < powWindow; i += 4 {
		s0 += x[i&(powWindow-1)]
		s1 += x[(i+1)&(powWindow-1)]
		s2 += x[(i+2)&(powWindow-1)]
		s3 += x[(i+3)&(powWindow-1)]
	}
	return (s0 + s1 + s2 + s3) / powWindow
}
