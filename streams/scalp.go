package streams

import (
	"math"
	"slices"
)

// locations are the places of the international 10-20 system that a Flex
// electrode can be put on, spelled as the controlDevice page spells them
// ("Afz").
var locations = [...]string{
	"Cz", "FCz", "Fz", "Afz", "Fpz", "Fp1", "AF3", "AF7", "F9", "F7", "F5", "F3", "F1", "FC1", "C1", "C3", "FC3", "FC5", "FT7", "FT9", "T7", "C5",
	"TP9", "TP7", "CP5", "CP3", "CP1", "P1", "P3", "P5", "P7", "P9", "PO9", "PO7", "PO3", "O1", "O9", "CPz", "Pz", "POz", "Oz", "Iz", "O10", "O2",
	"PO4", "PO8", "PO10", "P10", "P8", "P6", "P4", "P2", "CP2", "CP4", "CP6", "TP8", "TP10", "C6", "T8", "FT10", "FT8", "FC6", "FC4", "C4", "C2",
	"FC2", "F2", "F4", "F6", "F8", "F10", "AF8", "AF4", "Fp2",
}

// IsLocation reports whether name is a 10-20 location as Cortex spells them.
func IsLocation(name string) bool { return slices.Contains(locations[:], name) }

// place is a point of the scalp seen from above: x to the right, y to the nose,
// both -1..1. It is a rough model, good for weights that vary smoothly.
type place struct{ x, y float64 }

var rows = [...]struct {
	prefix  string
	degrees float64
	ring    bool // 1 and 2 are on the outer ring
}{
	{"Fp", 72, true}, {"AF", 54, false}, {"Af", 54, false}, {"FC", 18, false}, {"FT", 18, false}, {"F", 36, false}, {"CP", -18, false}, {"TP", -18, false},
	{"C", 0, false}, {"T", 0, false}, {"PO", -54, false}, {"P", -36, false}, {"O", -72, true}, {"I", -90, true},
}

// placeOf derives the place from the name; a name outside the 10-20 system gets
// a place on the middle ring that depends on its position i of n in the list.
func placeOf(name string, i, n int) place {
	for _, r := range rows {
		if len(name) <= len(r.prefix) || name[:len(r.prefix)] != r.prefix {
			continue
		}
		number := 0
		for _, c := range name[len(r.prefix):] {
			switch {
			case c == 'z' && number == 0:
			case c >= '0' && c <= '9':
				number = number*10 + int(c-'0')
			default:
				number = -1
			}
		}
		if number < 0 {
			break
		}
		sin, cos := math.Sincos(r.degrees * math.Pi / 180)
		lateral := 18 * float64((number+1)/2)
		if number > 0 {
			if r.ring && number <= 2 {
				lateral = 72
			}
		} else {
			lateral = 0
		}
		x := math.Sin(lateral*math.Pi/180) * cos
		if number%2 == 1 {
			x = -x
		}
		return place{x, sin * 0.95}
	}
	sin, cos := math.Sincos(2 * math.Pi * (float64(i) + 0.5) / float64(n))
	return place{0.5 * sin, 0.5 * cos}
}

// PlaceOf returns where a sensor sits, the i-th of n, seen from above: x to the
// right, y to the nose, both -1 to 1.
func PlaceOf(name string, i, n int) (x, y float64) {
	p := placeOf(name, i, n)
	return p.x, p.y
}

func (p place) distance(q place) float64 { return math.Hypot(p.x-q.x, p.y-q.y) }

// near is a Gaussian of the distance to q with the given width.
func (p place) near(q place, width float64) float64 {
	d := p.distance(q) / width
	return math.Exp(-d * d / 2)
}

// ramp interpolates linearly through points of rising x.
func ramp(x float64, points ...place) float64 {
	if x <= points[0].x {
		return points[0].y
	}
	for i := 1; i < len(points); i++ {
		if a, b := points[i-1], points[i]; x <= b.x {
			return a.y + (b.y-a.y)*(x-a.x)/(b.x-a.x)
		}
	}
	return points[len(points)-1].y
}

// blinkWeight is how much of a blink a sensor sees: all of it on the forehead,
// half at F3/F4/F7/F8, a fifth at FC5/FC6, almost nothing behind.
func (p place) blinkWeight() float64 {
	return ramp(p.y, place{-0.7, 0.01}, place{0, 0.05}, place{0.29, 0.2}, place{0.56, 0.5}, place{0.76, 1})
}

// gazeWeight is the share of a horizontal eye movement: positive towards the
// side the eye turns to, largest at F7 and F8.
func (p place) gazeWeight() float64 {
	return p.x / 0.77 * ramp(p.y, place{-0.3, 0.02}, place{0, 0.1}, place{0.29, 0.5}, place{0.5, 1})
}

// alphaWeight is the strength of the posterior rhythm.
func (p place) alphaWeight() float64 {
	return ramp(p.y, place{-0.85, 1}, place{-0.56, 0.85}, place{-0.28, 0.6}, place{0, 0.4}, place{0.6, 0.33}, place{0.95, 0.28})
}

func (p place) thetaWeight() float64 { return 0.25 + 0.75*p.near(place{0, 0.5}, 0.5) }

func (p place) betaWeight() float64 { return 0.5 + 0.5*p.near(place{0, 0.35}, 0.6) }

// temporalWeight is the share of the jaw's muscles, foreheadWeight that of the
// brow's.
func (p place) temporalWeight() float64 {
	return math.Min(1, 0.08+math.Pow(math.Abs(p.x), 1.5)*ramp(p.y, place{-0.6, 0.3}, place{0, 1}, place{0.6, 0.9}))
}

func (p place) foreheadWeight() float64 {
	return ramp(p.y, place{0, 0.03}, place{0.56, 0.3}, place{0.76, 1})
}

// leftMotor and rightMotor are the hand areas.
var (
	leftMotor  = place{-0.588, 0}
	rightMotor = place{0.588, 0}
)
