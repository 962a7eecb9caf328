// What the head sends: traces, powers, movement, quality, detections.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Headset, State } from "./api";
import { EEGPlot } from "./eegplot";
import { Grades, HeadMap } from "./headmap";
import { Live, type Value } from "./live";
import { drawHead, poseOf } from "./motion";
import { Bar, Button, Card, Check, Select, hues, perform, useTick } from "./ui";

const bands = ["theta", "alpha", "betaL", "betaH", "gamma"];

export function Signals(p: { state: State; headset: string; onHeadset: (id: string) => void }) {
  const headset = p.state.headsets.find((h) => h.id === p.headset) ?? p.state.headsets[0];
  const live = useMemo(() => headset ? new Live(headset.id) : null, [headset?.id]);
  useEffect(() => () => live?.close(), [live]);
  if (!headset || !live) return <Card title="Signals"><p>This world has no headset. Add one in the World view.</p></Card>;
  return <Of key={headset.id} {...p} headset={headset} live={live} />;
}

function Of(p: { state: State; headset: Headset; live: Live; onHeadset: (id: string) => void }) {
  const { live, headset } = p;
  const [, again] = useState(0);
  useTick(200, () => again((n) => n + 1));
  const text = headset.status !== "connected" && headset.status !== "connecting" ? `It is ${headset.status}: a client or the World view has to connect it.`
    : live.problem ? `There are no signals to see: ${live.problem}.` : live.silent ? "It has fallen silent." : !live.layout ? "Waiting for its signal." : "";
  return (
    <>
      <div class="row tools">
        <Select label="Headset" value={headset.id} onChange={p.onHeadset} options={p.state.headsets.map((h) => [h.id, `${h.id} (${h.status})`])} />
        <span class="hint" role="status">{text}</span>
      </div>
      <div class="grid signals">
        <EEG live={live} start={Date.parse(p.state.clock.start) / 1000} />
        <Quality headset={headset} live={live} />
        <div class="stack">
          <Powers live={live} />
          <Motion live={live} />
        </div>
        <Detections live={live} />
      </div>
    </>
  );
}

function EEG(p: { live: Live; start: number }) {
  const { live } = p;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<EEGPlot | null>(null);
  const [seconds, setSeconds] = useState("5");
  const [scale, setScale] = useState("100");
  const [removeDC, setRemoveDC] = useState(true);
  const [off, setOff] = useState<ReadonlySet<string>>(new Set());
  const sensors = live.layout?.sensors ?? [];
  const view = { seconds: Number(seconds), start: p.start, scale: Number(scale), removeDC, channels: sensors.map((s) => !off.has(s.name)) };
  useEffect(() => {
    plot.current = new EEGPlot(host.current!, live, view);
    return () => plot.current?.close();
  }, [live]);
  plot.current?.show(view);
  const flip = (name: string) => {
    const next = new Set(off);
    if (!next.delete(name)) next.add(name);
    setOff(next);
  };
  const shown = sensors.filter((s) => !off.has(s.name));
  return (
    <Card title="EEG" wide extra={<span class="hint">{live.layout ? `${live.layout.model}, at most 128 rows a second are drawn` : ""}</span>}>
      <div class="row tools">
        <Select label="Window" value={seconds} onChange={setSeconds} options={[["2", "2 s"], ["5", "5 s"], ["10", "10 s"]]} />
        <Select label="A row is" value={scale} onChange={setScale} options={["20", "50", "100", "200", "500", "2000"].map((v) => [v, `${v} µV`] as [string, string])} />
        <Check label="Remove DC" checked={removeDC} onChange={setRemoveDC} />
        <Button onClick={() => setOff(new Set())}>All</Button>
        <Button onClick={() => setOff(new Set(sensors.map((s) => s.name)))}>None</Button>
      </div>
      <div class="chips" role="group" aria-label="Channels">
        {sensors.map((s, i) => (
          <button type="button" key={s.name} class="chip" aria-pressed={!off.has(s.name)} onClick={() => flip(s.name)}>
            <svg viewBox="0 0 10 10" aria-hidden="true"><circle cx={5} cy={5} r={4} fill={hues[i % hues.length]} /></svg>{s.name}
          </button>
        ))}
      </div>
      <div ref={host} class="plot" role="img" id="traces" data-rows={live.total}
        aria-label={`EEG of ${shown.length} channels over ${seconds} seconds; the table below says it in figures`} />
      <details>
        <summary>In figures</summary>
        <div class="scroll"><table>
          <caption>The last second of each channel, microvolts</caption>
          <thead><tr><th scope="col">Sensor</th><th scope="col">Mean</th><th scope="col">RMS</th><th scope="col">Peak to peak</th></tr></thead>
          <tbody>{sensors.map((s, i) => {
            const f = figures(live, i);
            return <tr key={s.name}><th scope="row">{s.name}</th><td>{f?.mean.toFixed(1)}</td><td>{f?.rms.toFixed(1)}</td><td>{f?.span.toFixed(1)}</td></tr>;
          })}</tbody>
        </table></div>
      </details>
    </Card>
  );
}

function figures(live: Live, channel: number) {
  const from = Math.max(0, live.rows - Math.round(live.layout?.rate ?? 0));
  const n = live.rows - from;
  if (n === 0) return null;
  let sum = 0, squares = 0, low = Infinity, high = -Infinity;
  for (let i = from; i < live.rows; i++) {
    const v = live.raw[channel][i];
    sum += v;
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  for (let i = from; i < live.rows; i++) squares += (live.raw[channel][i] - sum / n) ** 2;
  return { mean: sum / n, rms: Math.sqrt(squares / n), span: high - low };
}

const number = (v: Value | undefined) => typeof v === "number" ? v : null;

function Quality(p: { headset: Headset; live: Live }) {
  const { live, headset } = p;
  const [kind, setKind] = useState("dev");
  const sensors = live.layout?.sensors ?? headset.places;
  const dev = live.last.dev, eq = live.last.eq;
  const from = kind === "dev" ? dev : eq;
  const battery = number(dev?.get("BatteryPercent") ?? dev?.get("batteryLeftPercent") ?? eq?.get("batteryPercent"));
  const right = number(dev?.get("batteryRightPercent"));
  const strength = number(dev?.get("Signal"));
  const overall = number(dev?.get("OVERALL")), overallEQ = number(eq?.get("overall"));
  return (
    <Card title="Quality">
      <div class="row tools">
        <Select label="Show" value={kind} onChange={setKind} options={[["dev", "contact (dev)"], ["eq", "EEG quality (eq)"]]} />
      </div>
      <HeadMap title={kind === "dev" ? "Contact quality" : "EEG quality"} sensors={sensors} grade={(name) => number(from?.get(name))}
        onSet={kind === "dev" ? (name, quality) => perform("contact", { headset: headset.id, sensors: [name], quality }) : undefined} />
      <Grades />
      <p class="hint">{kind === "dev" ? "Press a sensor to lower its contact by one; ↑ ↓ 0 to 4 on the keyboard." : "EEG quality follows contact, movement and loss."}</p>
      <dl class="facts">
        <dt>Contact overall</dt><dd>{overall === null ? "no value" : `${overall} %`}</dd>
        <dt>EEG quality overall</dt><dd>{overallEQ === null ? "no value" : `${overallEQ} %`}</dd>
        <dt>Battery</dt><dd>{battery === null || battery < 0 ? "unknown" : <><meter min={0} max={100} low={20} value={battery} aria-label="Battery" /> {battery} %{right === null ? "" : ` left, ${right} % right`}</>}</dd>
        <dt>Radio signal</dt><dd>{strength === null ? "no value" : strength.toFixed(2)}</dd>
      </dl>
    </Card>
  );
}

function Powers(p: { live: Live }) {
  const pow = p.live.last.pow;
  const sensors = p.live.layout?.sensors ?? [];
  const all = sensors.flatMap((s) => bands.map((b) => number(pow?.get(`${s.name}/${b}`)) ?? 0));
  const most = Math.max(1, ...all);
  const mean = (b: string) => sensors.reduce((sum, s) => sum + (number(pow?.get(`${s.name}/${b}`)) ?? 0), 0) / Math.max(1, sensors.length);
  const means = bands.map(mean);
  return (
    <Card title="Band powers" extra={<span class="hint">µV²/Hz</span>}>
      {!pow ? <p class="hint">They need two seconds of eeg.</p> : <>
        {bands.map((b, i) => <Bar key={b} label={b} value={means[i] / Math.max(1, ...means)} text={means[i].toFixed(2)} />)}
        <details>
          <summary>By sensor</summary>
          <div class="scroll"><table class="powers">
            <thead><tr><th scope="col">Sensor</th>{bands.map((b) => <th scope="col" key={b}>{b}</th>)}</tr></thead>
            <tbody>{sensors.map((s) => <tr key={s.name}><th scope="row">{s.name}</th>{bands.map((b) => {
              const v = number(pow.get(`${s.name}/${b}`)) ?? 0;
              return <td key={b}><meter min={0} max={1} value={Math.sqrt(v / most)} aria-hidden="true" /> {v.toFixed(2)}</td>;
            })}</tr>)}</tbody>
          </table></div>
        </details>
      </>}
    </Card>
  );
}

function Motion(p: { live: Live }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const text = useRef("");
  const [, again] = useState("");
  useEffect(() => {
    const draw = () => {
      const pose = poseOf(p.live.last.mot);
      if (canvas.current) drawHead(canvas.current, pose);
      text.current = pose?.text ?? "This headset tells no pose.";
    };
    draw();
    return p.live.listen(draw);
  }, [p.live]);
  useTick(300, () => again(text.current));
  const mot = p.live.last.mot;
  return (
    <Card title="Motion">
      <canvas ref={canvas} class="pose" role="img" aria-label={`The head from the front: ${text.current}`} />
      <p class="center">{text.current}</p>
      <details>
        <summary>In figures</summary>
        <dl class="facts">{[...(mot ?? [])].map(([name, v]) => [<dt key={name}>{name}</dt>, <dd key={`${name}=`}>{String(v)}</dd>])}</dl>
      </details>
    </Card>
  );
}

const metricNames: Record<string, string> = {
  attention: "attention", eng: "engagement", exc: "excitement", lex: "long excitement", str: "stress", rel: "relaxation", int: "interest", foc: "focus",
  cognitiveStress: "cognitive stress",
};

function Detections(p: { live: Live }) {
  const { met, com, fac } = p.live.last;
  const cols = p.live.layout?.cols ?? {};
  const power = (v: Value | undefined) => number(v)?.toFixed(2) ?? "";
  return (
    <Card title="Detections">
      <h3>met</h3>
      {!cols.met ? <p class="hint">This headset has no metrics.</p> : Object.entries(metricNames).filter(([name]) => met?.has(name)).map(([name, said]) =>
        <Bar key={name} label={said} value={number(met?.get(name))} />)}
      <h3>com</h3>
      {!cols.com ? <p class="hint">This headset has no mental commands.</p> :
        <Bar label={String(com?.get("act") ?? "no value")} value={number(com?.get("pow"))} />}
      <h3>fac</h3>
      {!cols.fac ? <p class="hint">This headset has no facial expressions.</p> : <>
        <dl class="facts">
          <dt>Eyes</dt><dd>{String(fac?.get("eyeAct") ?? "no value")}</dd>
          <dt>Upper face</dt><dd>{String(fac?.get("uAct") ?? "no value")} {power(fac?.get("uPow"))}</dd>
          <dt>Lower face</dt><dd>{String(fac?.get("lAct") ?? "no value")} {power(fac?.get("lPow"))}</dd>
        </dl>
        <p class="hint">Last: {p.live.faces.map((f) => f.act).reverse().join(", ") || "nothing yet"}</p>
      </>}
    </Card>
  );
}

