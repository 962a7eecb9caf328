package streams

import "math"

const radians = math.Pi / 180

// axis follows its target as a critically damped spring does: in closed form
// from the last change, so that its value at an instant does not depend on how
// often it was asked for.
type axis struct{ x0, v0, target float64 }

const spring = 6.0 // 1/s: a head turns within about a second

func (a axis) at(t float64) (x, v float64) { return a.decayed(t, math.Exp(-spring*t)) }

// decayed is at for who has computed e, which is the same for every axis.
func (a axis) decayed(t, e float64) (x, v float64) {
	d := a.x0 - a.target
	k := a.v0 + spring*d
	return a.target + (d+k*t)*e, (k - spring*(d+k*t)) * e
}

// motion is the pose of the head as a function of time.
type motion struct {
	since            int64   // instant of the last change
	yaw, pitch, roll axis    // degrees
	amplitude        float64 // of the movement at since
	target           float64
	phase            float64 // of the movement at since, turns
	frequency        float64
	kind             string
	sway             [3][2]float64 // frequency and phase of the small sway
	field            [3]float64    // the magnetometer's own offset, uT
	seed             uint64
}

func newMotion(seed uint64, start int64, h Head) motion {
	m := motion{since: start, seed: seed, frequency: 1, kind: "still"}
	for i := range m.sway {
		m.sway[i] = [2]float64{0.1 + 0.25*unit(hash64(seed, seedHead, uint64(i))), 2 * math.Pi * unit(hash64(seed, seedHead, uint64(i), 1))}
	}
	// A vector of 50 uT in a direction of its own: hard iron.
	z := 2*unit(hash64(seed, seedHead, 10)) - 1
	sin, cos := math.Sincos(2 * math.Pi * unit(hash64(seed, seedHead, 11)))
	r := math.Sqrt(1 - z*z)
	m.field = [3]float64{50 * r * cos, 50 * r * sin, 50 * z}
	m.yaw.x0, m.pitch.x0, m.roll.x0 = h.Yaw, h.Pitch, h.Roll
	m.set(start, h)
	m.amplitude = m.target
	return m
}

// set gives the head another pose and movement from instant now on.
func (m *motion) set(now int64, h Head) {
	t := float64(now-m.since) * 1e-9
	for _, a := range []*axis{&m.yaw, &m.pitch, &m.roll} {
		a.x0, a.v0 = a.at(t)
	}
	m.amplitude = m.size(t)
	m.phase = math.Mod(m.phase+m.frequency*t, 1)
	m.since = now
	m.yaw.target, m.pitch.target, m.roll.target = h.Yaw, h.Pitch, h.Roll
	m.target = 0
	if h.Movement != "still" {
		m.target, m.kind, m.frequency = h.Amplitude, h.Movement, h.Frequency
	}
}

const settling = 4.0 // 1/s: how fast a movement begins and ends

func (m *motion) size(t float64) float64 {
	return m.target + (m.amplitude-m.target)*math.Exp(-settling*t)
}

// posture is the head at one instant.
type posture struct {
	yaw, pitch, roll float64    // degrees
	speed            float64    // degrees a second
	wave             float64    // the movement's sine, -1..1
	linear           [3]float64 // acceleration in the world's frame, g
}

func (m *motion) at(now int64) posture {
	t := float64(now-m.since) * 1e-9
	var p posture
	var vy, vp, vr float64
	e := math.Exp(-spring * t)
	p.yaw, vy = m.yaw.decayed(t, e)
	p.pitch, vp = m.pitch.decayed(t, e)
	p.roll, vr = m.roll.decayed(t, e)
	// A person is never quite still.
	abs := float64(now%1_000_000_000_000) * 1e-9
	p.yaw += 0.4 * math.Sin(2*math.Pi*m.sway[0][0]*abs+m.sway[0][1])
	p.pitch += 0.3 * math.Sin(2*math.Pi*m.sway[1][0]*abs+m.sway[1][1])
	p.roll += 0.2 * math.Sin(2*math.Pi*m.sway[2][0]*abs+m.sway[2][1])
	if size := m.size(t); size > 1e-4 {
		w := 2 * math.Pi * m.frequency
		sin, cos := math.Sincos(2*math.Pi*m.phase + w*t)
		p.wave = sin
		v := size * w * cos
		switch m.kind {
		case "nod":
			p.pitch += size * sin
			vp += v
		case "shake":
			p.yaw += size * sin
			vy += v
		case "tilt":
			p.roll += size * sin
			vr += v
		case "walk": // up and down, with a slight nod
			p.linear[2] = size / 100 * sin
			p.linear[0] = size / 300 * cos
			p.pitch += size / 20 * sin
			vp += v / 20
			p.speed += size
		}
	}
	p.speed += math.Sqrt(vy*vy + vp*vp + vr*vr)
	return p
}

type quaternion [4]float64 // scalar first

func (a quaternion) mul(b quaternion) quaternion {
	return quaternion{
		a[0]*b[0] - a[1]*b[1] - a[2]*b[2] - a[3]*b[3],
		a[0]*b[1] + a[1]*b[0] + a[2]*b[3] - a[3]*b[2],
		a[0]*b[2] - a[1]*b[3] + a[2]*b[0] + a[3]*b[1],
		a[0]*b[3] + a[1]*b[2] - a[2]*b[1] + a[3]*b[0],
	}
}

// toBody turns a vector of the world into the headset's frame.
func (a quaternion) toBody(v [3]float64) [3]float64 {
	w, x, y, z := a[0], -a[1], -a[2], -a[3]
	tx, ty, tz := 2*(y*v[2]-z*v[1]), 2*(z*v[0]-x*v[2]), 2*(x*v[1]-y*v[0])
	return [3]float64{v[0] + w*tx + y*tz - z*ty, v[1] + w*ty + z*tx - x*tz, v[2] + w*tz + x*ty - y*tx}
}

// orientation is the quaternion from the headset's frame to the world's: upright
// the headset's X is vertical (0.7071, 0, 0.7071, 0).
func (p posture) orientation() quaternion {
	sy, cy := math.Sincos(p.yaw * radians / 2)
	sp, cp := math.Sincos(p.pitch * radians / 2)
	sr, cr := math.Sincos(p.roll * radians / 2)
	q := quaternion{cy, 0, 0, sy}.mul(quaternion{cp, 0, sp, 0}).mul(quaternion{cr, sr, 0, 0})
	return q.mul(quaternion{math.Sqrt2 / 2, 0, math.Sqrt2 / 2, 0})
}

// published returns the quaternion as the headset sends it: Q1..Q3 on a grid of
// 1/step, Q0 the rest to length one and not negative. All in millionths.
func (q quaternion) published(step int) (out [4]int64) {
	sign := 1.0
	if q[0] < 0 {
		sign = -1
	}
	grid := float64(step)
	var n [3]float64
	sum := 0.0
	for i := range n {
		n[i] = math.Round(sign * q[i+1] * grid)
		sum += n[i] * n[i]
	}
	for sum > grid*grid { // rounding made it longer than one: shorten the longest
		longest := 0
		for i := range n {
			if math.Abs(n[i]) > math.Abs(n[longest]) {
				longest = i
			}
		}
		sum += 1 - 2*math.Abs(n[longest])
		n[longest] -= math.Copysign(1, n[longest])
	}
	out[0] = int64(math.Round(math.Sqrt(1-sum/(grid*grid)) * 1e6))
	for i := range n {
		out[i+1] = int64(math.Round(n[i] / grid * 1e6))
	}
	return out
}

// sample fills the columns behind COUNTER_MEMS and INTERPOLATED_MEMS.
func (m *motion) sample(dst []int64, now, index int64, sensors []string, step int) {
	p := m.at(now)
	q := p.orientation()
	// The accelerometer reads along -Z of the world, 1.016 g at rest as the
	// published samples do.
	acc := q.toBody([3]float64{p.linear[0], p.linear[1], p.linear[2] - 1.016})
	mag := q.toBody([3]float64{22, 0, -42})
	noise := hash64(m.seed, seedInertial, uint64(index))
	for i := range 3 {
		noise = mix64(noise + 1)
		acc[i] += 0.003 * normal(noise)
		noise = mix64(noise + 1)
		mag[i] += m.field[i] + 0.5*normal(noise)
	}
	switch sensors[0] {
	case "Q0":
		for i, v := range q.published(step) {
			dst[i] = v
		}
		for i := range 3 {
			n := clamp(math.Round(acc[i]*65535/32), -32768, 32767) // 32 g over 16 bits
			dst[4+i] = int64(math.Round(n * 32e6 / 65535))
			dst[7+i] = int64(math.Round(mag[i] * 1e6))
		}
	default: // counts around 8192
		const delta = 2_000_000 // ns
		before := m.at(now - delta).orientation()
		turn := quaternion{before[0], -before[1], -before[2], -before[3]}.mul(q)
		if turn[0] < 0 {
			turn = quaternion{-turn[0], -turn[1], -turn[2], -turn[3]}
		}
		count := func(v float64) int64 { return int64(clamp(math.Round(8192+v), 0, 16383)) }
		for i := range sensors {
			noise = mix64(noise + 1)
			switch {
			case i < 3 && sensors[i][:4] == "GYRO": // 16 counts a degree per second is a guess
				dst[i] = count(turn[i+1]*2/(delta*1e-9)/radians*16 + 6*normal(noise))
			case i < 6: // 4096 counts a g, upside down against the quaternion set
				dst[i] = count(-acc[i-3] * 4096)
			default: // 3 counts a microtesla is a guess
				dst[i] = count(mag[i-6] * 3)
			}
		}
	}
}
