// The signals of one headset, as /v1/live sends them, in a memory of fixed size.
import { Refusal, events, stream } from "./api";

export interface Sensor { name: string; x: number; y: number }
export interface Layout { model: string; sensors: Sensor[]; rate: number; cols: Record<string, (string | string[])[]> }
export type Value = number | string | boolean | null | Value[];

interface Batch {
  headset: string; known: boolean; connected: boolean; silent: boolean; now: number; lost: number; clock: string; paused: boolean;
  eeg: number[][]; fac: Value[][]; mot?: Value[]; dev?: Value[]; eq?: Value[]; pow?: Value[]; met?: Value[]; com?: Value[];
}

const capacity = 4096; // rows; what is shown is at most ten seconds of 128 a second

export class Live {
  layout: Layout | null = null;
  headset = "";
  connected = false;
  silent = false;
  /** Rows of eeg: instants (Unix ms), and for each sensor microvolts, as they are and without the slow part. */
  times = new Float64Array(capacity);
  raw: Float32Array[] = [];
  fast: Float32Array[] = [];
  rows = 0;
  /** How many rows have come since the headset was connected. */
  total = 0;
  /** The last sample of each other stream, by the names of its columns. */
  last: Partial<Record<string, Map<string, Value>>> = {};
  faces: { at: number; act: string }[] = [];
  /** Why there is no stream, such as too many who watch. */
  problem = "";
  virtualNow = 0;
  speed = 1;
  private arrived = 0;
  private slow = new Float64Array(0);
  private stop: () => void;
  private listeners = new Set<() => void>();

  constructor(headset: string) {
    this.stop = stream((signal) => events(`/v1/live?every=50ms&headset=${encodeURIComponent(headset)}`, signal, (event, data) => {
      this.problem = "";
      if (event === "layout") this.begin(JSON.parse(data) as Layout);
      else if (event === "") this.take(JSON.parse(data) as Batch);
    }).catch((err) => { this.problem = err instanceof Refusal ? err.message : ""; }));
  }

  close() { this.stop(); }

  /** Calls fn after each batch. */
  listen(fn: () => void): () => void {
    this.listeners.add(fn);
    return () => this.listeners.delete(fn);
  }

  /** The instant up to which the traces are to be drawn at time t of the browser: smooth between the batches. */
  shownUntil(t: number): number {
    if (this.speed === 0) return this.virtualNow;
    const delay = 120; // of real time: as long as a batch may be late
    return this.virtualNow + (Math.min(t - this.arrived, 400) - delay) * this.speed;
  }

  private begin(layout: Layout) {
    this.layout = layout;
    const n = layout.sensors.length;
    this.raw = Array.from({ length: n }, () => new Float32Array(capacity));
    this.fast = Array.from({ length: n }, () => new Float32Array(capacity));
    this.slow = new Float64Array(n).fill(NaN);
    this.rows = this.total = 0;
    this.last = {};
    this.faces = [];
  }

  private take(b: Batch) {
    this.headset = b.headset;
    this.connected = b.connected;
    this.silent = b.silent;
    this.virtualNow = b.now;
    this.arrived = performance.now();
    this.speed = b.clock === "real" ? 1 : b.clock === "manual" ? 0 : Number(b.clock.slice(1));
    if (!b.connected) this.layout = null;
    if (this.layout) {
      for (const row of b.eeg) this.addRow(row);
      for (const kind of ["mot", "dev", "eq", "pow", "met", "com"] as const) {
        const sample = b[kind];
        if (sample) this.last[kind] = named(this.layout.cols[kind] ?? [], sample);
      }
      for (const face of b.fac) this.addFace(b.now, named(this.layout.cols.fac ?? [], face));
    }
    for (const fn of this.listeners) fn();
  }

  private addRow(row: number[]) {
    if (this.rows === capacity) { // keep the younger half
      const half = capacity / 2;
      this.times.copyWithin(0, half);
      for (const column of [...this.raw, ...this.fast]) column.copyWithin(0, half);
      this.rows = half;
    }
    const i = this.rows++;
    this.total++;
    this.times[i] = row[0];
    const share = 1 / (this.layout!.rate * 1); // a high pass with a time constant of a second
    for (let c = 0; c < this.raw.length; c++) {
      const v = row[c + 1];
      if (Number.isNaN(this.slow[c])) this.slow[c] = v;
      this.slow[c] += (v - this.slow[c]) * share;
      this.raw[c][i] = v;
      this.fast[c][i] = v - this.slow[c];
    }
  }

  private addFace(at: number, face: Map<string, Value>) {
    this.last.fac = face;
    const act = [face.get("eyeAct"), face.get("uAct"), face.get("lAct")].filter((x) => x !== "neutral").join(" + ");
    if (act && this.faces.at(-1)?.act !== act) this.faces = [...this.faces, { at, act }].slice(-6);
    else if (act) this.faces.at(-1)!.at = at;
  }
}

/** named gives each value of a sample its column; the group of dev counts as its members. */
function named(cols: (string | string[])[], sample: Value[]): Map<string, Value> {
  const out = new Map<string, Value>();
  cols.forEach((col, i) => {
    if (Array.isArray(col)) col.forEach((name, j) => out.set(name, (sample[i] as Value[])[j]));
    else out.set(col, sample[i]);
  });
  return out;
}
