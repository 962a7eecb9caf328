// The world: clock, accounts, licenses, headsets, profiles, records. Whatever is
// changed here is an action of the control API.
import { useState } from "preact/hooks";
import { type Headset, Refusal, type RecordState, send, type State } from "./api";
import { Grades, HeadMap } from "./headmap";
import { Button, Card, Check, NumberField, Select, Slider, act, download, notice, perform, sinceStart } from "./ui";

export function World(p: { state: State; headset: string; onHeadset: (id: string) => void }) {
  const s = p.state;
  const headset = s.headsets.find((h) => h.id === p.headset) ?? s.headsets[0];
  return (
    <div class="masonry">
      <ClockCard state={s} />
      <Applications state={s} />
      <Accounts state={s} />
      <Licenses state={s} />
      <Machine state={s} />
      <Headsets state={s} headset={headset} onHeadset={p.onHeadset} />
      {headset?.signal && <>
        <Wearing headset={headset} signal={headset.signal} />
        <Face headset={headset} signal={headset.signal} />
        <Mind headset={headset} signal={headset.signal} />
      </>}
      <Profiles state={s} headset={headset} />
      <Records state={s} />
    </div>
  );
}

function ClockCard(p: { state: State }) {
  const { clock } = p.state;
  const [step, setStep] = useState("10s");
  const advance = (duration: string) => act("POST", "/v1/clock/advance", { duration });
  const still = clock.paused || clock.clock === "manual";
  return (
    <Card title="Clock">
      <p><time id="now">{clock.now}</time></p>
      <p class="hint">{sinceStart(clock.now, clock.start)} since the start; it {still ? clock.paused ? "is paused" : "moves by hand only" : clock.clock === "real" ? "runs as real time does" : `runs ${clock.clock.slice(1)} times as fast`}.</p>
      <div class="row">
        {clock.paused ? <Button strong onClick={() => act("POST", "/v1/clock/resume")}>Resume</Button>
          : <Button disabled={clock.clock === "manual"} onClick={() => act("POST", "/v1/clock/pause")}>Pause</Button>}
        {["real", "x2", "x10", "x60", "manual"].map((speed) => (
          <Button key={speed} pressed={!clock.paused && clock.clock === speed} onClick={() => act("PUT", "/v1/clock", { clock: speed })}>{speed}</Button>
        ))}
      </div>
      <div class="row">
        <span>Step</span>
        {["100ms", "1s", "1m"].map((d) => <Button key={d} label={`Let ${d} pass at once`} onClick={() => advance(d)}>+{d}</Button>)}
        <form class="row" onSubmit={(e) => { e.preventDefault(); void advance(step); }}>
          <input aria-label="Duration of a step" class="short" value={step} onInput={(e) => setStep(e.currentTarget.value)} />
          <button type="submit">Step</button>
        </form>
      </div>
    </Card>
  );
}

function Applications(p: { state: State }) {
  const list = p.state.applications;
  return (
    <Card title="Applications">
      {list.length === 0 && <p class="hint">None yet. An application is listed here once it has been heard of; this world {p.state.scenario === "default" ? "approves every one of them" : "decides about it then"}.</p>}
      <ul class="items">
        {list.map((a) => (
          <li key={a.clientId} data-application={a.clientId}>
            <div><strong>{a.name || a.clientId}</strong> <span class={`badge ${a.status}`}>{a.status}</span></div>
            <div class="hint">{a.clientId}{a.needsEeg ? ", wants eeg" : ""}{a.needsAuthorize ? ", has to authorize again" : ""}</div>
            <div class="row">
              <Button strong={a.status === "pending"} onClick={() => act("POST", "/v1/approve", { application: a.clientId })}>Approve</Button>
              <Button onClick={() => act("POST", "/v1/decline", { application: a.clientId })}>Decline</Button>
              <Button label="Its approval is asked for again" onClick={() => perform("needsAuthorize", { application: a.clientId })}>Ask again</Button>
              <Button onClick={() => perform("expireTokens", { application: a.clientId })}>Expire tokens</Button>
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Accounts(p: { state: State }) {
  const { users, login } = p.state;
  return (
    <Card title="Users">
      <p>{login ? <>Logged in: <strong>{login}</strong></> : "Nobody is logged in."}</p>
      <ul class="items">
        {users.map((u) => (
          <li key={u.username}>
            <div><strong>{u.username}</strong> <span class="hint">{u.firstName} {u.lastName}{u.eulaAccepted ? "" : ", has not accepted the EULA"}</span></div>
            <div class="row">
              {u.username !== login ? <Button onClick={() => perform("logIn", { user: u.username })}>Log in</Button>
                : <Button onClick={() => perform("logOut")}>Log out</Button>}
              {!u.eulaAccepted && <Button onClick={() => perform("acceptEula", { user: u.username })}>Accept EULA</Button>}
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Licenses(p: { state: State }) {
  return (
    <Card title="Licenses">
      {p.state.licenses.length === 0 && <p class="hint">This world has none.</p>}
      <ul class="items">
        {p.state.licenses.map((l) => (
          <li key={l.id}>
            <div><strong>{l.name || l.id}</strong> <span class={l.expired ? "badge declined" : "badge approved"}>{l.expired ? "expired" : "valid"}</span></div>
            <div class="hint">{l.id}, {l.owner || "anybody"}, until {l.validTo.slice(0, 10)}</div>
            <div class="row">
              <label class="field">Quota <NumberField label={`Local quota of ${l.id}`} value={l.localQuota} onChange={(value) => perform("quota", { license: l.id, value })} /></label>
              <span class="hint">{l.totalDebit} debited</span>
              <Button disabled={l.expired} onClick={() => perform("licenseExpires", { license: l.id })}>Expire</Button>
            </div>
            <div class="row" role="group" aria-label="Scopes">
              {["eeg", "pm"].map((scope) => (
                <Check key={scope} label={scope} checked={l.scopes.includes(scope)} onChange={(on) => {
                  const scopes = on ? [...l.scopes, scope] : l.scopes.filter((x) => x !== scope);
                  void perform("licenseScopes", { license: l.id, scopes: scopes.length ? scopes : [""] });
                }} />
              ))}
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Machine(p: { state: State }) {
  return (
    <Card title="Cloud and machine">
      <div class="row">
        <Select label="Cloud" value={p.state.cloud} options={["online", "offline", "failing"]} onChange={(status) => perform("cloud", { status })} />
      </div>
      <div class="row"><span>Disk</span>{["ok", "low", "critical"].map((state) => <Button key={state} pressed={p.state.disk === state} onClick={() => perform("disk", { state })}>{state}</Button>)}</div>
      <div class="row"><span>Bluetooth</span>
        <Button pressed={p.state.bluetooth} onClick={() => perform("bluetooth", { granted: true })}>granted</Button>
        <Button pressed={!p.state.bluetooth} onClick={() => perform("bluetooth", { granted: false })}>denied</Button></div>
      <div class="row"><span>Cortex</span><Button label="Cortex ends and starts again after two seconds" onClick={() => perform("restart", { downFor: "2s" })}>Restart</Button>
        {p.state.service !== "ready" && <Button strong onClick={() => perform("serviceReady")}>Ready now</Button>}</div>
      <p class="hint">Cortex {p.state.cortexVersion}, {p.state.service}{p.state.scanning ? ", scanning" : ""}, seed {p.state.seed}</p>
    </Card>
  );
}

const prefixes = ["EPOCX", "EPOCPLUS", "EPOC", "INSIGHT2", "INSIGHT", "EPOCFLEX", "FLEX2", "MN8", "MW20", "BGX"];

/** A cap of the Flex with 32 electrodes; CMS and DRL are its references. */
const cap: Record<string, string> = { CMS: "TP10", DRL: "TP9" };
"C3 T7 F3 F7 FC5 AF3 P7 O1 Fp1 FC1 CP5 CP1 P3 PO9 Fz Cz".split(" ").forEach((at, i) => { cap[`L${"ABCDEFGHJKLMNOPQ"[i]}`] = at; });
"C4 T8 F4 F8 FC6 AF4 P8 O2 Fp2 FC2 CP6 CP2 P4 PO10 Pz Oz".split(" ").forEach((at, i) => { cap[`R${"ABCDEFGHJKLMNOPQ"[i]}`] = at; });

function Headsets(p: { state: State; headset: Headset | undefined; onHeadset: (id: string) => void }) {
  const [prefix, setPrefix] = useState("EPOCX");
  const add = () => {
    const taken = new Set(p.state.headsets.map((h) => h.id));
    let n = 1;
    const id = () => `${prefix}-${n.toString(16).toUpperCase().padStart(8, "0")}`;
    while (taken.has(id())) n++;
    return perform("addHeadset", { id: id(), status: "discovered", ...(/FLEX/.test(prefix) ? { mappings: cap } : {}) });
  };
  return (
    <Card title="Headsets">
      <ul class="items">
        {p.state.headsets.map((h) => {
          const on = (name: string) => () => perform(name, { headset: h.id });
          return (
            <li key={h.id} class={h === p.headset ? "chosen" : undefined}>
              <div>
                <button type="button" class="link" aria-pressed={h === p.headset} onClick={() => p.onHeadset(h.id)}>{h.id}</button>{" "}
                <span class={`badge ${h.status === "connected" && !h.silent ? "approved" : "pending"}`}>{h.silent ? "silent" : h.status}</span>
              </div>
              <div class="hint">{h.model}, firmware {h.firmware}, by {h.connectedBy}, {h.settings.eegRate} Hz{h.isVirtual ? ", virtual" : ""}</div>
              <div class="row">
                {h.on ? <><Button onClick={on("headsetOff")}>Switch off</Button><Button onClick={on("headsetOutOfRange")}>Out of range</Button></>
                  : <Button strong onClick={on("headsetOn")}>Switch on, or bring back</Button>}
                {h.status === "connected" ? <Button label="Another application disconnects it" onClick={on("otherDisconnects")}>Disconnect</Button>
                  : <Button label="Another application connects it" onClick={on("otherConnects")}>Connect</Button>}
                <Button label="Another computer takes it" onClick={on("otherTakesHeadset")}>Taken away</Button>
                <Button onClick={on("closeSessions")}>Close sessions</Button>
                <Button onClick={on("removeHeadset")}>Remove</Button>
              </div>
              <div class="row">
                <Select label="Next connect" value="" options={[["", "as it is"], "ok", "timeout", "cannot", "wrong", "stuck", "disableMotion"]}
                  onChange={(outcome) => outcome && perform("connectOutcome", { headset: h.id, outcome })} />
                <Button onClick={() => perform("usbCable", { headset: h.id, plugged: true })}>Cable in</Button>
                <Button onClick={() => perform("usbCable", { headset: h.id, plugged: false })}>Cable out</Button>
              </div>
            </li>
          );
        })}
      </ul>
      <div class="row">
        <Select label="A further one" value={prefix} options={prefixes} onChange={setPrefix} />
        <Button onClick={add}>Add</Button>
      </div>
    </Card>
  );
}

type WithSignal = { headset: Headset; signal: NonNullable<Headset["signal"]> };

/** Sets some fields of the signal; the others stay. */
function patch(headset: string, state: Record<string, unknown>) {
  return act("POST", "/v1/signal", { headset, state });
}

function Wearing(p: WithSignal) {
  const { headset: h, signal: s } = p;
  const contact = (name: string) => !s.worn ? 0 : s.contact?.[name] ?? s.contact?.["*"] ?? 4;
  const all = (quality: number) => perform("contact", { headset: h.id, quality });
  return (
    <Card title="On the head" extra={<span class="hint">{h.id}</span>}>
      <div class="row">
        <Check label="worn" checked={s.worn} onChange={(worn) => patch(h.id, { worn })} />
        <Check label="eyes closed" checked={s.eyes === "closed"} onChange={(on) => perform("eyes", { headset: h.id, state: on ? "closed" : "open" })} />
      </div>
      <HeadMap title="Contact" sensors={h.places} grade={contact} onSet={(name, quality) => perform("contact", { headset: h.id, sensors: [name], quality })} />
      <Grades />
      <div class="row"><span>All sensors</span>{[0, 1, 2, 3, 4].map((q) => <Button key={q} label={`All sensors ${q}`} onClick={() => all(q)}>{q}</Button>)}</div>
      <Slider label="Radio signal" value={s.signalStrength} min={0} max={1} step={0.05} digits={2} onChange={(strength) => perform("signalStrength", { headset: h.id, strength })} />
      <Slider label="Packet loss" value={s.loss.probability * 100} min={0} max={20} step={0.1} digits={1} unit=" %" onChange={(v) => perform("packetLoss", { headset: h.id, share: v / 100 })} />
      <Slider label="Battery" value={s.battery.percent} min={-1} max={100} step={1} unit=" %" onChange={(percent) => perform("battery", { headset: h.id, percent: Math.round(percent) })} />
      <Slider label="Drain" value={s.battery.drainPerHour} min={0} max={600} step={5} unit=" %/h" onChange={(drainPerHour) => perform("battery", { headset: h.id, drainPerHour })} />
    </Card>
  );
}

const expressions = ["surprise", "frown", "smile", "clench", "laugh", "smirkLeft", "smirkRight"];

function Face(p: WithSignal) {
  const id = p.headset.id, head = p.signal.head;
  const pose = (change: Partial<typeof head>) => patch(id, { head: change });
  return (
    <Card title="Face and head" extra={<span class="hint">{id}</span>}>
      <h3>Eyes</h3>
      <div class="row">
        <Button onClick={() => perform("blink", { headset: id })}>Blink</Button>
        <Button onClick={() => perform("wink", { headset: id, eye: "left" })}>Wink left</Button>
        <Button onClick={() => perform("wink", { headset: id, eye: "right" })}>Wink right</Button>
        {["left", "right", "up", "down"].map((direction) => <Button key={direction} onClick={() => perform("look", { headset: id, direction })}>Look {direction}</Button>)}
      </div>
      <h3>Expressions, for a second</h3>
      <div class="row">{expressions.map((action) => <Button key={action} onClick={() => perform("face", { headset: id, action })}>{action}</Button>)}</div>
      <h3>Head</h3>
      <div class="row">
        <Select label="Movement" value={head.movement} options={["still", "nod", "shake", "tilt", "walk"]} onChange={(movement) => pose({ movement })} />
      </div>
      <Slider label="Yaw (left)" value={head.yaw} min={-180} max={180} step={5} unit="°" onChange={(yaw) => pose({ yaw })} />
      <Slider label="Pitch (down)" value={head.pitch} min={-90} max={90} step={5} unit="°" onChange={(pitch) => pose({ pitch })} />
      <Slider label="Roll (right)" value={head.roll} min={-90} max={90} step={5} unit="°" onChange={(roll) => pose({ roll })} />
      <div class="row"><Button label="A hardware trigger with value 1" onClick={() => perform("marker", { headset: id, value: 1 })}>Hardware marker</Button></div>
    </Card>
  );
}

const commands = [
  "neutral", "push", "pull", "lift", "drop", "left", "right", "rotateLeft", "rotateRight", "rotateClockwise", "rotateCounterClockwise", "rotateForwards",
  "rotateReverse", "disappear",
];

function Mind(p: WithSignal) {
  const id = p.headset.id, { mentalCommand: m, levels } = p.signal;
  const think = (change: Partial<typeof m>) => patch(id, { mentalCommand: change });
  return (
    <Card title="Mind" extra={<span class="hint">{id}</span>}>
      <div class="row">
        <Select label="Mental command" value={m.action} options={commands} onChange={(action) => think({ action, power: m.power || 0.7 })} />
        <Check label="forced: com says so whatever the profile is" checked={m.forced} onChange={(forced) => think({ forced })} />
      </div>
      <Slider label="Power" value={m.power} min={0} max={1} step={0.05} digits={2} onChange={(power) => think({ power })} />
      <h3>Levels that met follows</h3>
      {Object.entries(levels).map(([name, v]) => (
        <Slider key={name} label={name} value={v} min={0} max={1} step={0.05} digits={2} onChange={(level) => perform("mind", { headset: id, [name]: level })} />
      ))}
      <div class="row"><Button onClick={() => perform("relax", { headset: id, for: "10s" })}>Relax for 10 s</Button></div>
    </Card>
  );
}

function Profiles(p: { state: State; headset: Headset | undefined }) {
  const trained = (times: Record<string, number>) => Object.entries(times).map(([a, n]) => `${a} ${n}`).join(", ") || "nothing";
  return (
    <Card title="Profiles">
      {p.state.profiles.length === 0 && <p class="hint">None. A client makes one with setupProfile.</p>}
      <ul class="items">
        {p.state.profiles.map((f) => (
          <li key={`${f.owner}/${f.name}`}>
            <div><strong>{f.name}</strong> <span class="hint">of {f.owner}{f.readOnly ? ", read only" : ""}</span></div>
            <div class="hint">Mental commands trained: {trained(f.mentalCommand)}. Expressions: {trained(f.facialExpression)}.</div>
            <div class="row">
              {f.loadedOn.map((id) => <span key={id} class="badge approved">on {id}</span>)}
              {f.loadedOn.map((id) => <Button key={id} label={`Another application unloads the profile of ${id}`} onClick={() => perform("otherUnloadsProfile", { headset: id })}>Unload</Button>)}
              {p.headset && f.loadedOn.length === 0 && <Button label={`Another application loads it on ${p.headset.id}`}
                onClick={() => perform("otherLoadsProfile", { headset: p.headset!.id, profile: f.name })}>Load on {p.headset.id}</Button>}
            </div>
          </li>
        ))}
      </ul>
      <div class="row"><span>Next trainings</span>{["succeed", "fail", "alternate"].map((result) => <Button key={result} onClick={() => perform("trainingResult", { result })}>{result}</Button>)}</div>
    </Card>
  );
}

const formats: [string, string, string][] = [["CSV V2", "CSV", "V2"], ["CSV V1", "CSV", "V1"], ["EDF", "EDF", ""], ["EDFPLUS", "EDFPLUS", ""], ["BDFPLUS", "BDFPLUS", ""]];

function Records(p: { state: State }) {
  const [format, setFormat] = useState("CSV V2");
  const [busy, setBusy] = useState("");
  const save = async (r: RecordState) => {
    const [, name, version] = formats.find(([label]) => label === format)!;
    setBusy(r.id);
    try {
      const answer = await send("GET", `/v1/records/${encodeURIComponent(r.id)}/export?format=${name}${version && `&version=${version}`}`);
      download(`record-${r.id}-${format.replace(" ", "-")}.zip`, await answer.blob());
    } catch (err) {
      notice(err instanceof Refusal ? err.message : String(err));
    }
    setBusy("");
  };
  const running = p.state.records.some((r) => r.state === "running");
  return (
    <Card title="Records" extra={running ? <Button onClick={() => perform("stopRecords")}>Stop the running ones</Button> : undefined}>
      {p.state.records.length === 0 ? <p class="hint">None. A client makes one with createRecord.</p> :
        <div class="row"><Select label="Download as" value={format} options={formats.map(([label]) => label)} onChange={setFormat} /></div>}
      <ul class="items">
        {p.state.records.map((r) => (
          <li key={r.id}>
            <div><strong>{r.title}</strong> <span class={`badge ${r.state === "ready" ? "approved" : "pending"}`}>{r.state}</span></div>
            <div class="hint">{r.headset}, {r.seconds.toFixed(1)} s, of {r.owner}{r.markers.length ? `, markers: ${r.markers.slice(0, 8).join(", ")}${r.markers.length > 8 ? ", …" : ""}` : ""}</div>
            <div class="row"><Button disabled={r.state === "running" || !r.hasData || busy !== ""} label={`Download ${r.title} as ${format}`} onClick={() => save(r)}>
              {busy === r.id ? "Writing the files" : "Download"}</Button></div>
          </li>
        ))}
      </ul>
    </Card>
  );
}
