package streams

import (
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
)

const powWindow = 256 // samples at 128 Hz: two seconds

// bandPower computes the pow stream as the knowledge base page "how band powers
// are calculated" describes it, from the EEG as it is sent: a high pass, minus
// the mean of two seconds, a Hann window, an FFT, and the mean over the bins of
// each band, both edges included. The text's last step, another division by the
// length of the window, is left out: with it the published values would be two
// hundred times too small. EEG of 256 Hz is halved by taking every second sample.
type bandPower struct {
	stride  int // EEG samples a sample here
	pos     int
	high    biquad
	state   [][2]float64
	rings   [][]float64
	window  []float64
	work    []complex128
	silence []float64 // the partner of the last channel of an odd number
	filled  bool
}

func newBandPower(rate, channels int) *bandPower {
	p := &bandPower{
		stride: rate / 128,
		high:   biquad{0.96588528974407, -1.93177057948814, 0.96588528974407, -1.93060642721967, 0.93293473175661},
		state:  make([][2]float64, channels), rings: make([][]float64, channels),
		window: make([]float64, powWindow), work: make([]complex128, powWindow), silence: make([]float64, powWindow),
	}
	for i := range p.rings {
		p.rings[i] = make([]float64, powWindow)
	}
	for i := range p.window {
		p.window[i] = (1 - math.Cos(2*math.Pi*float64(i+1)/(powWindow+1))) / powWindow // 2*Hann/256
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
		p.rings[c][p.pos] = p.high.step(&p.state[c], float64(n)*lsb)
	}
	p.pos = (p.pos + 1) % powWindow
}

// edges are the first and last bins of the bands, 0.5 Hz each: 4, 8, 12, 16, 25
// and 45 Hz. Only alpha's are published, the others follow.
var edges = [...][2]int{{8, 16}, {16, 24}, {24, 32}, {32, 50}, {50, 90}}

// fill writes five values a channel, in thousandths of uV^2/Hz. Two channels
// share one complex transform: the sums and differences of its two halves are
// their spectra. gonum's radix-2 transform is twice as fast on two channels as
// its real one is on each.
func (p *bandPower) fill(dst []int64) {
	for c := 0; c < len(p.rings); c += 2 {
		a, b := p.rings[c], p.silence
		if c+1 < len(p.rings) {
			b = p.rings[c+1]
		}
		sumA, sumB := 0.0, 0.0
		for i := range powWindow {
			sumA += a[i]
			sumB += b[i]
		}
		meanA, meanB := sumA/powWindow, sumB/powWindow
		for i, w := range p.window {
			at := (p.pos + i) % powWindow
			p.work[i] = complex((a[at]-meanA)*w, (b[at]-meanB)*w)
		}
		z := fourier.CoefficientsRadix2(p.work)
		for band, e := range edges {
			powerA, powerB := 0.0, 0.0
			for k := e[0]; k <= e[1]; k++ {
				u, v := z[k], z[powWindow-k]
				sumRe, sumIm := real(u)+real(v), imag(u)-imag(v)
				diffRe, diffIm := real(u)-real(v), imag(u)+imag(v)
				powerA += sumRe*sumRe + sumIm*sumIm
				powerB += diffRe*diffRe + diffIm*diffIm
			}
			scale := 1000 / 4.0 / float64(e[1]-e[0]+1)
			dst[len(edges)*c+band] = int64(powerA*scale + 0.5)
			if c+1 < len(p.rings) {
				dst[len(edges)*(c+1)+band] = int64(powerB*scale + 0.5)
			}
		}
	}
}
