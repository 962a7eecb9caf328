// The control API, as openapi.yaml describes it, and what it answers.

export interface Clock { now: string; start: string; clock: string; paused: boolean }

export interface Signal {
  worn: boolean; eyes: string; contact?: Record<string, number>; signalStrength: number; blinkRate: number;
  battery: { percent: number; drainPerHour: number };
  loss: { probability: number; burst: number };
  levels: Record<string, number>;
  head: { yaw: number; pitch: number; roll: number; movement: string; amplitude: number; frequency: number };
  facialExpression: { uAct: string; uPow: number; lAct: string; lPow: number };
  mentalCommand: { action: string; power: number; forced: boolean };
}

export interface Headset {
  id: string; model: string; firmware: string; status: string; on: boolean; silent: boolean; connectedBy: string; isVirtual: boolean;
  sensors: string[]; places: { name: string; x: number; y: number }[]; settings: { mode?: string; eegRate: number; memsRate: number }; signal?: Signal;
}

export interface Subscription { stream: string; connection: number; fullRate: boolean; samples: number; rate: number }
export interface Session {
  id: string; application: string; owner: string; headset: string; connection: number; status: string; license: string; recording: boolean;
  subscriptions: Subscription[];
}
export interface Connection { number: number; remote: string; pendingBytes: number; samples: Record<string, Record<string, number>> }
export interface Fault { rule: { id: string }; matched: number; hits: number; held: number }
export interface RecordState {
  id: string; title: string; owner: string; application: string; headset: string; state: string; start: string; seconds: number; markers: string[];
  hasData: boolean;
}
export interface Profile {
  name: string; owner: string; readOnly: boolean; mentalCommand: Record<string, number>; facialExpression: Record<string, number>; loadedOn: string[];
}

export interface State {
  url: string; caFile: string; scenario: string; title?: string; seed: number; clock: Clock; connections: Connection[]; faults: Fault[]; now: string;
  cortexVersion: string; login: string; cloud: string; service: string; disk: string; bluetooth: boolean; scanning: boolean;
  users: { username: string; firstName: string; lastName: string; eulaAccepted: boolean }[];
  applications: { clientId: string; appId: string; name: string; status: string; needsEeg: boolean; published: boolean; needsAuthorize: boolean }[];
  licenses: { id: string; name: string; owner: string; scopes: string[]; localQuota: number; totalDebit: number; validTo: string; expired: boolean }[];
  headsets: Headset[]; sessions: Session[]; profiles: Profile[]; records: RecordState[];
}

export interface Entry {
  seq: number; at: number; conn?: number; kind: string; method?: string; id?: unknown; params?: unknown; result?: unknown; code?: number;
  message?: unknown; why?: string; stream?: string; headset?: string; session?: string; event?: string; fields?: Record<string, string>; step?: string;
}
export interface JournalPage { entries: Entry[]; matched: number; next: number; lost: number; life: number }
export interface Scenario { name: string; title: string; report: string; goodClient: string; vars: Record<string, string> }
export interface Step { name: string; step: Record<string, unknown>; times: number; last: string | null }
export interface Verdict {
  scenario: string; passed: boolean;
  expectations: { name: string; why?: string; passed: boolean; message?: string }[];
  findings: { rule: string; severity: string; page: string; text: string; advice: string; at: number; conn?: number; count: number }[];
  failures: string[];
}

/** Why the API refused something. */
export class Refusal extends Error {
  constructor(readonly status: number, text: string) { super(text); }
}

// The token stays in this tab: it is gone when the tab is closed.
const tokenKey = "fakecortex-token";
let token = sessionStorage.getItem(tokenKey) ?? "";

export function setToken(text: string) {
  token = text;
  sessionStorage.setItem(tokenKey, text);
}

/** Sends a request; the caller reads the answer. Throws a Refusal unless it is 2xx. */
export async function send(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal, cache: "no-store" });
  if (!answer.ok) {
    const text = await answer.text();
    let why = text || answer.statusText;
    try {
      const parsed = JSON.parse(text) as { error: string; mistakes?: string[] };
      why = [parsed.error, ...(parsed.mistakes ?? [])].join("\n");
    } catch { /* not JSON: as it is */ }
    throw new Refusal(answer.status, why);
  }
  return answer;
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await send("GET", path, undefined, signal)).json() as Promise<T>;
}

/** Reads server-sent events until the stream or the signal ends. */
export async function events(path: string, signal: AbortSignal, each: (event: string, data: string) => void): Promise<void> {
  const answer = await send("GET", path, undefined, signal);
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      let event = "", data = "";
      for (const line of rest.slice(0, end).split("\n")) {
        if (line.startsWith("event: ")) event = line.slice(7);
        else if (line.startsWith("data: ")) data = line.slice(6);
      }
      rest = rest.slice(end + 2);
      if (data) each(event, data);
    }
  }
}

const polls = new Set<() => void>();

/** Lets every poll read at once: something was changed. */
export function refresh() { for (const read of polls) read(); }

/** Calls read again and again, a moment after the last answer, while the page is looked at. */
export function poll(every: number, read: (signal: AbortSignal) => Promise<void>): () => void {
  const stop = new AbortController();
  let soon = false;
  let wake = () => { soon = true; };
  const now = () => wake();
  polls.add(now);
  void (async () => {
    while (!stop.signal.aborted) {
      soon = false;
      wake = () => { soon = true; };
      if (!document.hidden) await read(stop.signal).catch(() => undefined);
      if (!soon) await new Promise<void>((done) => { wake = done; setTimeout(done, every); });
    }
  })();
  return () => {
    polls.delete(now);
    stop.abort();
  };
}

/** Keeps a stream open while the page is looked at: a browser allows few at a time. */
export function stream(open: (signal: AbortSignal) => Promise<void>): () => void {
  let stopped = false;
  let current: AbortController | undefined;
  const hide = () => { if (document.hidden) current?.abort(); };
  document.addEventListener("visibilitychange", hide);
  void (async () => {
    while (!stopped) {
      if (!document.hidden) {
        current = new AbortController();
        await open(current.signal).catch(() => undefined);
      }
      if (!stopped) await new Promise((done) => setTimeout(done, 500));
    }
  })();
  return () => {
    stopped = true;
    current?.abort();
    document.removeEventListener("visibilitychange", hide);
  };
}
