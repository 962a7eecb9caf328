package streams

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"gonum.org/v1/gonum/dsp/fourier"
)

// gonum's transform is an independent one.
func TestFFT(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var re, im, a, b, window [fftSize]float64
	x := make([]complex128, fftSize)
	for i := range x {
		a[i], b[i], window[i] = rng.NormFloat64(), rng.NormFloat64(), rng.Float64()
		x[i] = complex((a[i]-0.5)*window[i], (b[i]+0.25)*window[i])
	}
	newFFT().transform(&re, &im, &a, &b, &window, 0.5, -0.25)
	for k, want := range fourier.NewCmplxFFT(fftSize).Coefficients(nil, x) {
		assert.InDelta(t, real(want), re[fftOrder(k)], 1e-12, "bin %d", k)
		assert.InDelta(t, imag(want), im[fftOrder(k)], 1e-12, "bin %d", k)
	}
}

func BenchmarkBandPower(b *testing.B) {
	for _, channels := range []int{5, 14, 32} {
		b.Run(fmt.Sprintf("channels=%d", channels), func(b *testing.B) {
			p := newBandPower(128, channels)
			dst := make([]int64, 5*channels)
			for b.Loop() {
				p.fill(dst)
			}
		})
	}
}
