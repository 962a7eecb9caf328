// The head of mot: a wire head turned as the quaternion says, or tilted as the
// accelerometer says where the headset sends no quaternion.
import type { Value } from "./live";

type Vector = [x: number, y: number, z: number]; // x to the right, y to the nose, z up

export interface Pose { turn: (v: Vector) => Vector; text: string }

type Quaternion = [w: number, x: number, y: number, z: number];

const degrees = (rad: number) => Math.round(rad * 180 / Math.PI);

const times = ([a, b, c, d]: Quaternion, [w, x, y, z]: Quaternion): Quaternion =>
  [a * w - b * x - c * y - d * z, a * x + b * w + c * z - d * y, a * y - b * z + c * w + d * x, a * z + b * y - c * x + d * w];

/** Upright, the X axis of the headset is vertical: its quaternion is (0.7071, 0, 0.7071, 0) then. */
const level: Quaternion = [Math.SQRT1_2, 0, -Math.SQRT1_2, 0];

/** Turns by q, a quaternion whose axes are the nose, the left and up. */
function turnBy([w, a, b, c]: Quaternion): (v: Vector) => Vector {
  return ([x, y, z]) => {
    const [p, q, r] = [y, -x, z];
    const t: Vector = [2 * (b * r - c * q), 2 * (c * p - a * r), 2 * (a * q - b * p)];
    return [-(q + w * t[1] + c * t[0] - a * t[2]), p + w * t[0] + b * t[2] - c * t[1], r + w * t[2] + a * t[1] - b * t[0]];
  };
}

/** The pose that a sample of mot tells, null when it tells none. */
export function poseOf(mot: Map<string, Value> | undefined): Pose | null {
  if (!mot) return null;
  const published = ["Q0", "Q1", "Q2", "Q3"].map((name) => mot.get(name)) as Quaternion;
  if (published.every((v) => typeof v === "number")) {
    const q = times(published, level);
    const [w, a, b, c] = q;
    const yaw = Math.atan2(2 * (w * c + a * b), 1 - 2 * (b * b + c * c));
    const pitch = Math.asin(Math.max(-1, Math.min(1, 2 * (w * b - a * c))));
    const roll = Math.atan2(2 * (w * a + b * c), 1 - 2 * (a * a + b * b));
    return { turn: turnBy(q), text: `yaw ${degrees(yaw)}°, pitch ${degrees(pitch)}°, roll ${degrees(roll)}°` };
  }
  let acc = ["ACCX", "ACCY", "ACCZ"].map((name) => mot.get(name)) as Vector;
  if (!acc.every((v) => typeof v === "number")) return null;
  if (mot.has("GYROX")) acc = acc.map((v) => 8192 - v) as Vector; // counts around 8192, upside down
  // The pull to the ground, along the nose, the left and up.
  const length = Math.hypot(...acc) || 1;
  const [nose, left, up] = [acc[2] / length, acc[1] / length, -acc[0] / length];
  const pitch = Math.asin(Math.max(-1, Math.min(1, nose))), roll = Math.atan2(-left, -up);
  const q = times([Math.cos(pitch / 2), 0, Math.sin(pitch / 2), 0], [Math.cos(roll / 2), Math.sin(roll / 2), 0, 0]);
  return { turn: turnBy(q), text: `pitch ${degrees(pitch)}°, roll ${degrees(roll)}°, from the accelerometer` };
}

const circle = (plane: (s: number, c: number) => Vector): Vector[] =>
  Array.from({ length: 41 }, (_, i) => plane(Math.sin(i / 20 * Math.PI), Math.cos(i / 20 * Math.PI)));

const lines: { points: Vector[]; part: string }[] = [
  ...[-0.6, -0.2, 0.2, 0.6].map((z) => ({ points: circle((s, c) => [0.8 * s * Math.sqrt(1 - z * z), 0.95 * c * Math.sqrt(1 - z * z), 1.05 * z]), part: "shape" })),
  ...[0, 1, 2, 3].map((k) => ({ points: circle((s, c) => [0.8 * s * Math.cos(k * Math.PI / 4), 0.95 * s * Math.sin(k * Math.PI / 4), 1.05 * c]), part: "shape" })),
  { points: [[-0.12, 0.9, -0.1], [0, 1.25, -0.16], [0.12, 0.9, -0.1], [0, 0.93, 0.2], [0, 1.25, -0.16]], part: "nose" },
  { points: circle((s, c) => [-0.86, 0.18 * s, 0.24 * c]), part: "ear" },
  { points: circle((s, c) => [0.86, 0.18 * s, 0.24 * c]), part: "ear" },
  { points: circle((s, c) => [0.3 + 0.1 * s, 0.86, 0.22 + 0.06 * c]), part: "eye" },
  { points: circle((s, c) => [-0.3 + 0.1 * s, 0.86, 0.22 + 0.06 * c]), part: "eye" },
];

/** Draws the head as somebody sees it who stands in front of it, a little above. */
export function drawHead(canvas: HTMLCanvasElement, pose: Pose | null) {
  const ratio = devicePixelRatio || 1;
  const size = canvas.clientWidth;
  if (canvas.width !== Math.round(size * ratio)) canvas.width = canvas.height = Math.round(size * ratio);
  const g = canvas.getContext("2d")!;
  const style = getComputedStyle(canvas);
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, size, size);
  const turn = pose?.turn ?? ((v: Vector) => v);
  const view = ([x, y, z]: Vector): Vector => {
    const a = 0.3; // of the viewer above
    const [d, h] = [y * Math.cos(a) + z * Math.sin(a), z * Math.cos(a) - y * Math.sin(a)];
    return [-x, d, h];
  };
  for (const { points, part } of lines) {
    const seen = points.map((p) => view(turn(p)));
    for (let i = 1; i < seen.length; i++) {
      const [x0, d0, y0] = seen[i - 1], [x1, d1, y1] = seen[i];
      const near = (d0 + d1) / 2;
      g.beginPath();
      g.moveTo(size / 2 + x0 * size * 0.34, size / 2 - y0 * size * 0.34);
      g.lineTo(size / 2 + x1 * size * 0.34, size / 2 - y1 * size * 0.34);
      g.strokeStyle = style.getPropertyValue(part === "nose" ? "--accent" : part === "shape" ? "--line-strong" : "--ink");
      g.globalAlpha = pose === null ? 0.2 : near < -0.05 ? 0.15 : 1;
      g.lineWidth = part === "shape" ? 1 : 2;
      g.stroke();
    }
  }
  g.globalAlpha = 1;
}
