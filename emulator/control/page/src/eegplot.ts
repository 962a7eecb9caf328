// The eeg traces on one time base, drawn by uPlot from the memory of Live, one
// frame of the browser at a time.
import uPlot from "uplot";
import type { Live } from "./live";
import { hues } from "./ui";

export interface EEGView {
  seconds: number; // of the time base
  start: number; // the second that is called 0
  scale: number; // microvolts a row
  removeDC: boolean;
  channels: boolean[];
}

export class EEGPlot {
  private plot: uPlot | null = null;
  private shown: number[] = [];
  private data: (number | null)[][] = [];
  private frame = 0;
  private drawn = { until: NaN, total: NaN, view: "" };
  private observer: ResizeObserver;
  private themes = matchMedia("(prefers-color-scheme: dark)");
  private retheme = () => { this.drawn.view = ""; this.build(); };
  /** Frames drawn since the start. */
  frames = 0;

  constructor(private host: HTMLElement, private live: Live, private view: EEGView) {
    this.observer = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.observer.observe(host);
    this.themes.addEventListener("change", this.retheme);
    const draw = (t: number) => {
      this.frame = requestAnimationFrame(draw);
      this.draw(t);
    };
    this.frame = requestAnimationFrame(draw);
  }

  close() {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
    this.themes.removeEventListener("change", this.retheme);
    this.plot?.destroy();
  }

  show(view: EEGView) { this.view = view; }

  private size() {
    return { width: Math.max(200, this.host.clientWidth), height: Math.max(220, this.shown.length * 24 + 60) };
  }

  private build() {
    this.plot?.destroy();
    this.plot = null;
    const layout = this.live.layout;
    if (!layout) return;
    this.shown = layout.sensors.map((_, i) => i).filter((i) => this.view.channels[i] ?? true);
    this.data = [[], ...this.shown.map(() => [])];
    const style = getComputedStyle(this.host);
    const ink = style.getPropertyValue("--ink-soft"), line = style.getPropertyValue("--line");
    const names = this.shown.map((i) => layout.sensors[i].name);
    this.plot = new uPlot({
      ...this.size(),
      cursor: { show: false }, legend: { show: false }, select: { show: false, left: 0, top: 0, width: 0, height: 0 },
      scales: { x: { time: false, auto: false }, y: { auto: false, range: () => [-Math.max(1, names.length) + 0.05, 0.95] } },
      axes: [
        {
          stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, size: 34, space: 60,
          values: (_, splits, _axis, _space, step) => splits.map((t) => `${(t - this.view.start).toFixed(step < 1 ? 1 : 0)} s`),
        },
        {
          stroke: ink, grid: { stroke: line, width: 1 }, ticks: { show: false }, size: 46, gap: 4, font: "11px system-ui, sans-serif",
          splits: () => names.map((_, i) => -i).reverse(), values: () => [...names].reverse(),
        },
      ],
      series: [{}, ...this.shown.map((c) => ({
        stroke: hues[c % hues.length], width: 1, points: { show: false }, pxAlign: 0,
      }))],
      pxAlign: false,
    }, this.data as unknown as uPlot.AlignedData, this.host);
  }

  private draw(t: number) {
    const live = this.live, view = this.view;
    const key = `${view.seconds} ${view.start} ${view.scale} ${view.removeDC} ${view.channels.join()}`;
    if (live.layout !== this.built || key !== this.drawn.view) {
      this.built = live.layout;
      this.drawn = { until: NaN, total: NaN, view: key };
      this.build();
    }
    if (!this.plot) return;
    const until = live.shownUntil(t);
    if (until === this.drawn.until && live.total === this.drawn.total) return; // it stands still
    this.drawn.until = until;
    this.drawn.total = live.total;
    const from = until - view.seconds * 1000;
    let first = live.rows, last = live.rows;
    while (last > 0 && live.times[last - 1] > until) last--;
    for (first = last; first > 0 && live.times[first - 1] >= from;) first--;
    const columns = view.removeDC ? live.fast : live.raw;
    const hole = 3000 / live.layout!.rate; // rows further apart than this have a gap between them
    const perRow = 1 / view.scale;
    let n = 0;
    const xs = this.data[0];
    const middles = this.shown.map((c) => view.removeDC ? 0 : 4200 + (columns[c][last - 1] < 2000 ? -4200 : 0));
    for (let i = first; i < last; i++) {
      const at = live.times[i];
      if (i > first && at - live.times[i - 1] > hole) {
        xs[n] = (live.times[i - 1] + hole) / 1000;
        for (let s = 0; s < this.shown.length; s++) this.data[s + 1][n] = null;
        n++;
      }
      xs[n] = at / 1000;
      for (let s = 0; s < this.shown.length; s++) {
        const v = (columns[this.shown[s]][i] - middles[s]) * perRow;
        this.data[s + 1][n] = -s + Math.max(-0.9, Math.min(0.9, v));
      }
      n++;
    }
    for (const column of this.data) column.length = n;
    this.plot.batch(() => {
      this.plot!.setData(this.data as unknown as uPlot.AlignedData, false);
      this.plot!.setScale("x", { min: from / 1000, max: until / 1000 });
    });
    this.frames++;
  }

  private built: unknown = undefined;
}
