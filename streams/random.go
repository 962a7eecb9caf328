package streams

import "math/bits"

// mix64 is the finaliser of SplitMix64: every bit of x reaches every bit of the
// result.
func mix64(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// hash64 is a random number that depends on nothing but its arguments: what a
// slow stream draws for sample i does not depend on which samples were drawn
// before.
func hash64(seed uint64, parts ...uint64) uint64 {
	for _, p := range parts {
		seed = mix64(seed + 0x9e3779b97f4a7c15*(p+1))
	}
	return seed
}

// unit maps a random number to [0, 1).
func unit(x uint64) float64 { return float64(x>>11) / (1 << 53) }

// normal maps a random number to a nearly Gaussian one, mean 0, variance 1: the
// sum of four 16-bit uniforms, good to 3.4 sigma, and no logarithm.
func normal(x uint64) float64 {
	sum := int32(x&0xffff) + int32(x>>16&0xffff) + int32(x>>32&0xffff) + int32(x>>48)
	return float64(sum-2*0xffff) * (1 / 37837.226) // sqrt(4*(2^32-1)/12)
}

// random is a wyrand-like generator: eight bytes of state, one wide multiply a
// number. Each channel has its own, so channels do not disturb each other.
type random uint64

func (r *random) next() uint64 {
	*r += 0xa0761d6478bd642f
	hi, lo := bits.Mul64(uint64(*r), uint64(*r)^0xe7037ed1a0b428db)
	return hi ^ lo
}

func (r *random) normal() float64  { return normal(r.next()) }
func (r *random) uniform() float64 { return unit(r.next()) }

// Purposes of random numbers: each part of the simulation draws from its own
// sequence, so that one that is off leaves the others as they were.
const (
	seedChannel = iota + 1
	seedLatent
	seedMuscle
	seedDrift
	seedOffset
	seedSubject
	seedBlink
	seedLoss
	seedHead
	seedMet
	seedEQ
	seedCommand
	seedFacial
	seedTopography
	seedInertial
	seedRawContact
)
