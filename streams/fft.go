package streams

import "math"

const fftSize = 256

// fft is the Fourier transform of 256 points, radix 4, decimation in frequency:
// the one size that band power needs, with its twiddles at hand. gonum's
// transforms, which take any size, need almost three times as long; the tests
// hold this one to them.
type fft struct{ cos, sin [fftSize]float64 }

func newFFT() *fft {
	f := new(fft)
	for i := range fftSize {
		f.sin[i], f.cos[i] = math.Sincos(-2 * math.Pi * float64(i) / fftSize)
	}
	return f
}

// transform leaves the spectrum of a + ib in re and im, each point less the mean
// and times the window. Bin k is at fftOrder(k).
func (f *fft) transform(re, im, a, b, window *[fftSize]float64, meanA, meanB float64) {
	const m = fftSize - 1 // every index is below it: no bounds to check
	const quarter = fftSize / 4
	for i0 := range quarter {
		i1, i2, i3 := (i0+quarter)&m, (i0+2*quarter)&m, (i0+3*quarter)&m
		w0, w1, w2, w3 := window[i0], window[i1], window[i2], window[i3]
		r0, m0, r1, m1 := mul(a[i0]-meanA, w0), mul(b[i0]-meanB, w0), mul(a[i1]-meanA, w1), mul(b[i1]-meanB, w1)
		r2, m2, r3, m3 := mul(a[i2]-meanA, w2), mul(b[i2]-meanB, w2), mul(a[i3]-meanA, w3), mul(b[i3]-meanB, w3)
		ar, ai, br, bi := r0+r2, m0+m2, r0-r2, m0-m2
		cr, ci, dr, di := r1+r3, m1+m3, r1-r3, m1-m3
		c1, s1, c2, s2, c3, s3 := f.cos[i0], f.sin[i0], f.cos[2*i0&m], f.sin[2*i0&m], f.cos[3*i0&m], f.sin[3*i0&m]
		re[i0], im[i0] = ar+cr, ai+ci
		x, y := ar-cr, ai-ci
		re[i2], im[i2] = mul(x, c2)-mul(y, s2), mul(x, s2)+mul(y, c2)
		x, y = br+di, bi-dr
		re[i1], im[i1] = mul(x, c1)-mul(y, s1), mul(x, s1)+mul(y, c1)
		x, y = br-di, bi+dr
		re[i3], im[i3] = mul(x, c3)-mul(y, s3), mul(x, s3)+mul(y, c3)
	}
	for span, step := quarter/4, 4; span > 1; span, step = span/4, step*4 {
		for j := range span {
			w1, w2, w3 := j*step&m, 2*j*step&m, 3*j*step&m
			c1, s1, c2, s2, c3, s3 := f.cos[w1], f.sin[w1], f.cos[w2], f.sin[w2], f.cos[w3], f.sin[w3]
			for i := j; i < fftSize; i += 4 * span {
				i0, i1, i2, i3 := i&m, (i+span)&m, (i+2*span)&m, (i+3*span)&m
				ar, ai := re[i0]+re[i2], im[i0]+im[i2]
				br, bi := re[i0]-re[i2], im[i0]-im[i2]
				cr, ci := re[i1]+re[i3], im[i1]+im[i3]
				dr, di := re[i1]-re[i3], im[i1]-im[i3]
				re[i0], im[i0] = ar+cr, ai+ci
				x, y := ar-cr, ai-ci
				re[i2], im[i2] = mul(x, c2)-mul(y, s2), mul(x, s2)+mul(y, c2)
				x, y = br+di, bi-dr
				re[i1], im[i1] = mul(x, c1)-mul(y, s1), mul(x, s1)+mul(y, c1)
				x, y = br-di, bi+dr
				re[i3], im[i3] = mul(x, c3)-mul(y, s3), mul(x, s3)+mul(y, c3)
			}
		}
	}
	for i := 0; i < fftSize; i += 4 { // the last step turns nothing
		i0, i1, i2, i3 := i&m, (i+1)&m, (i+2)&m, (i+3)&m
		ar, ai := re[i0]+re[i2], im[i0]+im[i2]
		br, bi := re[i0]-re[i2], im[i0]-im[i2]
		cr, ci := re[i1]+re[i3], im[i1]+im[i3]
		dr, di := re[i1]-re[i3], im[i1]-im[i3]
		re[i0], im[i0] = ar+cr, ai+ci
		re[i1], im[i1] = br+di, bi-dr
		re[i2], im[i2] = ar-cr, ai-ci
		re[i3], im[i3] = br-di, bi+dr
	}
}

// fftOrder is where the transform leaves bin k: its four digits to the base of
// four, from behind.
func fftOrder(k int) int { return k&3<<6 | k>>2&3<<4 | k>>4&3<<2 | k>>6 }

// mul is a product that is rounded. Where a processor can multiply and add in
// one step, with one rounding, Go does so unless it is told not to: signals
// would have other last digits there.
func mul(a, b float64) float64 { return float64(a * b) }
