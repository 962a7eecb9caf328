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
	var re, im [fftSize]float64
	x := make([]complex128, fftSize)
	for i := range x {
		re[i], im[i] = rng.NormFloat64(), rng.NormFloat64()
		x[i] = complex(re[i], im[i])
	}
	newFFT().transform(&re, &im)
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
