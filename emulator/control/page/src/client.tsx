// What the client does: connections, sessions, journal, verdict, scenario, faults.
import { useEffect, useMemo, useState } from "preact/hooks";
import { type Entry, type Scenario, type State, type Step, type Verdict, get, poll } from "./api";
import { type Row, Journal, chosen, groups } from "./journal";
import { Button, Card, Check, Copy, Select, act, download, notice, perform, sinceStart, useTick } from "./ui";

export function Client(p: { state: State }) {
  return (
    <div class="grid">
      <Connections state={p.state} />
      <Sessions state={p.state} />
      <Remarks state={p.state} />
      <JournalCard state={p.state} />
      <ScenarioCard state={p.state} />
      <Deeds />
      <Faults state={p.state} />
    </div>
  );
}

function Connections(p: { state: State }) {
  return (
    <Card title="Connections">
      {p.state.connections.length === 0 && <p class="hint">None.</p>}
      <ul class="items">
        {p.state.connections.map((c) => {
          const samples = Object.entries(c.samples).map(([headset, streams]) => `${headset}: ${Object.entries(streams).map(([s, n]) => `${s} ${n}`).join(", ")}`);
          return (
            <li key={c.number}>
              <div><strong>{c.number}</strong> <span class="hint">{c.remote}{c.pendingBytes ? `, ${c.pendingBytes} bytes wait for it` : ""}</span></div>
              {samples.map((text) => <div class="hint" key={text}>{text}</div>)}
              <div class="row">
                <Button label={`Cut connection ${c.number} without a close frame`} onClick={() => act("POST", `/v1/connections/${c.number}/cut`, {})}>Cut</Button>
                <Button label={`Close connection ${c.number} with code 1001`} onClick={() => act("POST", `/v1/connections/${c.number}/cut`, { code: 1001 })}>Close</Button>
                <Button label={`Connection ${c.number} answers no more`} onClick={() => perform("zombie", { connection: c.number })}>Zombie</Button>
              </div>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}

function Sessions(p: { state: State }) {
  return (
    <Card title="Sessions and subscriptions">
      {p.state.sessions.length === 0 && <p class="hint">None.</p>}
      {p.state.sessions.map((s) => (
        <div key={s.id} class="session">
          <div><strong>{s.application}</strong> <span class={`badge ${s.status === "activated" ? "approved" : "pending"}`}>{s.status}</span>{s.recording && <span class="badge pending">recording</span>}</div>
          <div class="hint">{s.headset}, connection {s.connection}, {s.id}</div>
          {s.subscriptions.length > 0 && <div class="scroll"><table>
            <thead><tr><th scope="col">Stream</th><th scope="col">Samples</th><th scope="col">A second, measured</th></tr></thead>
            <tbody>{s.subscriptions.map((x) => (
              <tr key={x.stream} data-stream={x.stream}><th scope="row">{x.stream}</th><td class="samples">{x.samples}</td><td>{x.rate.toFixed(x.rate < 10 ? 2 : 1)} Hz</td></tr>
            ))}</tbody>
          </table></div>}
        </div>
      ))}
    </Card>
  );
}

const brief = (v: unknown, n: number) => {
  if (v === undefined) return "";
  const text = typeof v === "string" ? v : JSON.stringify(v);
  return text.length > n ? `${text.slice(0, n)}…` : text;
};

function JournalCard(p: { state: State }) {
  const journal = useMemo(() => new Journal(), []);
  useEffect(() => () => journal.close(), [journal]);
  const [, drawn] = useState(0);
  const [kinds, setKinds] = useState<ReadonlySet<string>>(new Set(groups));
  const [refused, setRefused] = useState(false);
  const [connection, setConnection] = useState("");
  const [text, setText] = useState("");
  const [held, setHeld] = useState<Row[] | null>(null);
  const [more, setMore] = useState(100);
  useTick(250, () => drawn(journal.version));
  const rows = chosen(held ?? journal.rows, { kinds, refused, connection, text }, more);
  const connections = [...new Set(journal.rows.map((r) => r.entry.conn).filter((n) => n !== undefined))].map(String);
  return (
    <Card title="Journal" wide extra={<Button pressed={held !== null} onClick={() => setHeld(held ? null : [...journal.rows])}>{held ? "Go on" : "Hold"}</Button>}>
      <div class="row tools">
        {groups.map((g) => <Check key={g} label={g} checked={kinds.has(g)} onChange={(on) => {
          const next = new Set(kinds);
          if (on) next.add(g); else next.delete(g);
          setKinds(next);
        }} />)}
        <Check label="refusals only" checked={refused} onChange={setRefused} />
        <Select label="Connection" value={connection} options={[["", "all"], ...connections.map((c) => [c, c] as [string, string])]} onChange={setConnection} />
        <label class="field"><span>Find</span><input type="search" value={text} onInput={(e) => setText(e.currentTarget.value)} /></label>
      </div>
      <ol class="journal" reversed aria-label="What happened, the youngest first">
        {rows.map((r) => <JournalRow key={r.seq} row={r} start={p.state.clock.start} />)}
      </ol>
      {rows.length === 0 && <p class="hint">Nothing yet that the filter lets through.</p>}
      {rows.length === more && <Button onClick={() => setMore(more + 200)}>Show older ones</Button>}
    </Card>
  );
}

function JournalRow(p: { row: Row; start: string }) {
  const { entry: e, answer } = p.row;
  const failed = answer?.kind === "error" ? answer : e.kind === "error" ? e : null;
  return (
    <li class={failed ? "refused" : e.kind}>
      <details>
        <summary>
          <span class="when">{sinceStart(e.at, p.start)}</span>
          <span class="who">{e.conn !== undefined ? `#${e.conn}` : ""}</span>
          <span class="left">{e.kind === "call" ? <><b>{e.method}</b> {brief(e.params, 90)}</> : <Happened entry={e} />}</span>
          <span class="right">
            {failed ? <><b class="error">✕ {failed.code}</b> {failed.why || brief(failed.message, 120)}</>
              : answer ? <>✓ {brief(answer.result, 110)}</> : e.kind === "call" ? "no answer yet" : ""}
          </span>
        </summary>
        <div class="pair">
          {e.kind === "call" && <div><h3>Request</h3><pre>{JSON.stringify({ id: e.id, method: e.method, params: e.params }, null, 2)}</pre></div>}
          {answer && <div><h3>Answer</h3><pre>{JSON.stringify(answer.kind === "error" ? { code: answer.code, message: answer.message, why: answer.why } : answer.result, null, 2)}</pre></div>}
          {e.kind !== "call" && <div><pre>{JSON.stringify(e, null, 2)}</pre></div>}
        </div>
      </details>
    </li>
  );
}

function Happened({ entry: e }: { entry: Entry }) {
  switch (e.kind) {
    case "opened": return <b>connected</b>;
    case "closed": return <><b>closed</b> {e.code} {e.why}</>;
    case "warning": return <><b>warning {e.code}</b> {brief(e.message, 140)}</>;
    case "error": return <><b>not a request</b> {brief(e.message, 140)}</>;
    case "action": return <><b>{e.event}</b> by {e.step}</>;
    case "note": return <><b>note</b> {brief(e.message, 140)}</>;
    case "fault": return <><b>fault {e.event}</b> of rule {brief(e.id, 40)} {e.method ?? e.stream ?? ""}</>;
    default: return <><b>{e.event}</b> {Object.entries(e.fields ?? {}).map(([k, v]) => `${k} ${v}`).join(", ")}</>;
  }
}

function Remarks(p: { state: State }) {
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  useEffect(() => poll(1500, async (signal) => setVerdict(await get<Verdict>("/v1/verdict", signal))), []);
  if (!verdict) return null;
  return (
    <Card title="Remarks on the client">
      {verdict.expectations.length > 0 && <>
        <h3>Expected in this scenario</h3>
        <ul class="items">{verdict.expectations.map((x) => (
          <li key={x.name}><span class={`badge ${x.passed ? "approved" : "declined"}`}>{x.passed ? "✓ met" : "not met"}</span> {x.name}
            {!x.passed && <div class="hint">{x.message}{x.why ? ` ${x.why}` : ""}</div>}</li>
        ))}</ul>
      </>}
      {verdict.failures.map((text) => <p key={text} class="error">{text}</p>)}
      {verdict.findings.length === 0 ? <p class="hint">The linter has nothing to say so far.</p> : <ul class="items">
        {verdict.findings.map((f) => (
          <li key={`${f.rule} ${f.conn}`}>
            <div><span class={`badge ${f.severity === "mistake" ? "declined" : "pending"}`}>{f.severity}</span> <strong>{f.rule}</strong> <span class="hint">{f.count > 1 ? `${f.count} times, ` : ""}first at {sinceStart(f.at, p.state.clock.start)}{f.conn ? ` on connection ${f.conn}` : ""}</span></div>
            <div>{f.text}</div>
            <div class="hint">{f.advice} ({f.page} page)</div>
          </li>
        ))}
      </ul>}
    </Card>
  );
}

function when(step: Record<string, unknown>): string {
  return Object.entries(step).filter(([k]) => k !== "do" && k !== "name").map(([k, v]) => `${k} ${brief(v, 80)}`).join(", ");
}

/** How long it is until a step that stands at a time, in seconds; null when it waits for something else. */
function until(step: Record<string, unknown>, clock: State["clock"]): number | null {
  if (typeof step.at !== "string") return null;
  const units: Record<string, number> = { h: 3600, m: 60, s: 1, ms: 1e-3, "µs": 1e-6, us: 1e-6, ns: 1e-9 };
  let seconds = 0;
  for (const [, n, unit] of step.at.matchAll(/([\d.]+)(ms|µs|us|ns|h|m|s)/g)) seconds += Number(n) * units[unit];
  return seconds - (Date.parse(clock.now) - Date.parse(clock.start)) / 1000;
}

function ScenarioCard(p: { state: State }) {
  const { state } = p;
  const [list, setList] = useState<Scenario[]>([]);
  const [name, setName] = useState("");
  const [vars, setVars] = useState<Record<string, string>>({});
  const [steps, setSteps] = useState<Step[]>([]);
  const [document, setDocument] = useState("");
  useEffect(() => { void get<{ scenarios: Scenario[] }>("/v1/scenarios").then((x) => setList(x.scenarios), () => undefined); }, []);
  useEffect(() => poll(800, async (signal) => setSteps((await get<{ steps: Step[] }>("/v1/timeline", signal)).steps)), []);
  const inForce = list.find((s) => s.name === state.scenario);
  const chosenOne = list.find((s) => s.name === (name || state.scenario));
  return (
    <Card title="Scenario">
      <p><strong>{state.scenario}</strong> {state.title ?? inForce?.title}</p>
      {inForce?.goodClient && <p class="hint">A good client: {inForce.goodClient}</p>}
      <div class="row"><Button strong label="The world begins anew; clients are closed" onClick={() => act("POST", "/v1/reset")}>Reset</Button></div>
      <h3>Timeline</h3>
      {steps.length === 0 && <p class="hint">Nothing happens by itself.</p>}
      <ol class="items timeline">
        {steps.map((s, i) => {
          const left = s.times > 0 ? null : until(s.step, state.clock);
          return (
            <li key={i} class={s.times > 0 ? "done" : undefined}>
              <span class={`badge ${s.times > 0 ? "approved" : "pending"}`}>
                {s.times > 0 ? `✓ done${s.times > 1 ? ` ${s.times} times` : ""}` : left === null ? "waits" : left > 0 ? `in ${left.toFixed(1)} s` : "passed by"}</span>{" "}
              {when(s.step) || s.name}: {brief(s.step.do, 160)}
              {s.last && <span class="hint"> at {sinceStart(s.last, state.clock.start)}</span>}
            </li>
          );
        })}
      </ol>
      <h3>Load another</h3>
      <form onSubmit={(e) => { e.preventDefault(); void act("POST", "/v1/scenario", { name: chosenOne?.name, set: vars }); }}>
        <Select label="From the library" value={name || state.scenario} onChange={(v) => { setName(v); setVars({}); }}
          options={[...(inForce ? [] : [[state.scenario, `${state.scenario} (own)`] as [string, string]]), ...list.map((s) => [s.name, s.name] as [string, string])]} />
        {chosenOne && <p class="hint">{chosenOne.title}</p>}
        {Object.entries(chosenOne?.vars ?? {}).map(([k, v]) => (
          <label class="field" key={k}><span>{k}</span><input value={vars[k] ?? v} onInput={(e) => setVars({ ...vars, [k]: e.currentTarget.value })} /></label>
        ))}
        <div class="row"><button type="submit" disabled={!chosenOne}>Load</button></div>
      </form>
      <details>
        <summary>A document of your own</summary>
        <form onSubmit={(e) => { e.preventDefault(); void act("POST", "/v1/scenario", { document }); }}>
          <label class="field tall"><span>YAML; it can extend the library's</span>
            <textarea rows={10} spellcheck={false} value={document} onInput={(e) => setDocument(e.currentTarget.value)} placeholder={"extends: default\ntimeline:\n  - at: 5s\n    do: [headsetOff]"} /></label>
          <button type="submit" disabled={!document.trim()}>Load the document</button>
        </form>
      </details>
    </Card>
  );
}

function Deeds() {
  const [text, setText] = useState("");
  const read = async () => {
    const answer = await act("GET", "/v1/scenario/saved");
    if (answer) setText(await answer.text());
  };
  return (
    <Card title="Save what I did">
      <p class="hint">Everything done by hand since the start or the last reset, here or through the control API, as a scenario that does it again at the same virtual times.</p>
      <div class="row">
        <Button strong onClick={read}>Save what I did</Button>
        {text && <><Copy text={text} /><Button onClick={() => download("saved.yaml", new Blob([text], { type: "application/yaml" }))}>Download</Button>
          <Button label="The world begins anew and does it" onClick={() => act("POST", "/v1/scenario", { document: text })}>Do it again</Button></>}
      </div>
      {text && <pre id="saved" tabIndex={0} aria-label="The saved scenario">{text}</pre>}
    </Card>
  );
}

const presets: Record<string, object> = {
  "authorize answers after 3 s": { on: { method: "authorize" }, latency: "3s" },
  "half of the eeg is lost": { on: { stream: "eeg", probability: 0.5 }, drop: null },
  "createSession is refused once": { on: { method: "createSession", count: 1 }, error: -32152 },
  "every answer comes twice": { on: { kind: ["answer"] }, duplicate: null },
  "samples come in bursts": { on: { kind: ["sample"] }, burst: { every: "500ms" } },
};

function Faults(p: { state: State }) {
  const [rule, setRule] = useState("");
  const add = async () => {
    try {
      await act("POST", "/v1/faults", JSON.parse(rule));
    } catch (err) {
      notice(`The rule is not JSON: ${(err as Error).message}`);
    }
  };
  return (
    <Card title="Faults of the wire" extra={p.state.faults.length > 0 ? <Button onClick={() => act("DELETE", "/v1/faults")}>Clear all</Button> : undefined}>
      {p.state.faults.length === 0 && <p class="hint">None: the wire is as it should be.</p>}
      <ul class="items">
        {p.state.faults.map((f) => (
          <li key={f.rule.id}>
            <div><strong>{f.rule.id}</strong> <span class="hint">{f.hits} hits of {f.matched}{f.held ? `, holds ${f.held}` : ""}</span></div>
            <div class="hint">{brief(f.rule, 200)}</div>
            <div class="row"><Button label={`Remove ${f.rule.id}`} onClick={() => act("DELETE", `/v1/faults/${encodeURIComponent(f.rule.id)}`)}>Remove</Button></div>
          </li>
        ))}
      </ul>
      <Select label="Begin with" value="" options={[["", "choose"], ...Object.keys(presets).map((k) => [k, k] as [string, string])]}
        onChange={(k) => k && setRule(JSON.stringify(presets[k]))} />
      <label class="field tall"><span>Rule, JSON</span><textarea rows={3} spellcheck={false} value={rule} onInput={(e) => setRule(e.currentTarget.value)} /></label>
      <div class="row"><Button disabled={!rule.trim()} onClick={add}>Add</Button></div>
    </Card>
  );
}

