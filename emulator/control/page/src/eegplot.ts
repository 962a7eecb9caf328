// The eeg traces on one time base, drawn by uPlot from the memory of Live when
// there is something new. Between two drawings the picture, which is a little
// wider than its window, only slides: at every frame of the browser.
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

const above = 8, below = 34, row = 24; // CSS pixels: the room over and under the rows, and of one

export class EEGPlot {
  private plot: uPlot | null = null;
  private names = document.createElement("div");
  private window = document.createElement("div");
  private shown: number[] = [];
  private data: (number | null)[][] = [];
  private across = 0; // the width of the window, CSS pixels
  private frame = 0;
  private built: unknown = undefined;
  private drawn = { until: NaN, total: NaN, ahead: NaN, view: "" };
  private observer: ResizeObserver;
  private themes = matchMedia("(prefers-color-scheme: dark)");
  private retheme = () => { this.drawn.view = ""; };

  constructor(private host: HTMLElement, private live: Live, private view: EEGView) {
    this.names.className = "plot-names";
    this.window.className = "plot-window";
    host.append(this.names, this.window);
    this.observer = new ResizeObserver(() => { if (this.window.clientWidth !== this.across) this.drawn.view = ""; });
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
    this.names.remove();
    this.window.remove();
  }

  show(view: EEGView) { this.view = view; }

  private build(ahead: number) {
    this.plot?.destroy();
    this.plot = null;
    this.names.replaceChildren();
    const layout = this.live.layout;
    if (!layout) return;
    this.shown = layout.sensors.map((_, i) => i).filter((i) => this.view.channels[i] ?? true);
    this.data = [[], ...this.shown.map(() => [])];
    const style = getComputedStyle(this.host);
    const ink = style.getPropertyValue("--ink-soft"), line = style.getPropertyValue("--line");
    const names = this.shown.map((i) => layout.sensors[i].name);
    const lowest = -Math.max(1, names.length) + 0.05, highest = 0.95;
    const height = Math.max(220, names.length * row + above + below);
    names.forEach((name, i) => {
      const label = this.names.appendChild(document.createElement("span"));
      label.textContent = name;
      label.style.top = `${above + (highest + i) / (highest - lowest) * (height - above - below)}px`;
    });
    this.across = this.window.clientWidth;
    this.plot = new uPlot({
      width: Math.ceil(Math.max(150, this.across) * (1 + ahead / (1000 * this.view.seconds))), height, padding: [above, 0, 0, 0],
      cursor: { show: false }, legend: { show: false }, select: { show: false, left: 0, top: 0, width: 0, height: 0 },
      scales: { x: { time: false, auto: false }, y: { auto: false, range: () => [lowest, highest] } },
      axes: [
        {
          stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, size: below, space: 60,
          values: (_, splits, _axis, _space, step) => splits.map((t) => `${(t - this.view.start).toFixed(step < 1 ? 1 : 0)} s`),
        },
        { size: 0, grid: { stroke: line, width: 1 }, ticks: { show: false }, splits: () => names.map((_, i) => -i).reverse(), values: () => [] },
      ],
      series: [{}, ...this.shown.map((c) => ({
        stroke: hues[c % hues.length], width: 1, points: { show: false }, pxAlign: 0,
      }))],
      pxAlign: false,
    }, this.data as unknown as uPlot.AlignedData, this.window);
  }

  private draw(t: number) {
    const live = this.live, view = this.view;
    const shown = 1000 * view.seconds;
    // The headset's time, in ms, that is drawn beside the window and slides in until rows come.
    const ahead = Math.min(150 * live.speed, shown);
    const key = `${view.seconds} ${view.start} ${view.scale} ${view.removeDC} ${view.channels.join()} ${ahead}`;
    if (live.layout !== this.built || key !== this.drawn.view) {
      this.built = live.layout;
      this.drawn = { until: NaN, total: NaN, ahead, view: key };
      this.build(ahead);
    }
    if (!this.plot) return;
    const until = live.shownUntil(t);
    const slid = until - this.drawn.until;
    if (live.total !== this.drawn.total || slid > ahead || slid < -shown) {
      this.redraw(this.plot, until - shown, until + ahead);
      this.drawn.until = until;
      this.drawn.total = live.total;
    }
    // Batches are early and late by a little: the picture does not go back for that.
    const pixels = Math.round(Math.max(0, until - this.drawn.until) / (shown + ahead) * this.plot.width);
    this.plot.root.style.transform = `translateX(${-pixels}px)`;
  }

  private redraw(plot: uPlot, from: number, end: number) {
    const live = this.live, view = this.view;
    let first = live.rows, last = live.rows;
    while (last > 0 && live.times[last - 1] > end) last--;
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
    plot.batch(() => {
      plot.setData(this.data as unknown as uPlot.AlignedData, false);
      plot.setScale("x", { min: from / 1000, max: end / 1000 });
    });
  }
}
