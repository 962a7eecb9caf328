// Small parts that the views share.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Refusal, refresh, send } from "./api";

let notify: (text: string) => void = () => undefined;
export function onNotice(fn: (text: string) => void) { notify = fn; }
export function notice(text: string) { notify(text); }

/** Makes a request and tells when it is refused. */
export async function act(method: string, path: string, body?: unknown): Promise<Response | undefined> {
  try {
    const answer = await send(method, path, body);
    if (method !== "GET") refresh();
    return answer;
  } catch (err) {
    notify(err instanceof Refusal ? err.message : `${method} ${path}: ${String(err)}`);
    return undefined;
  }
}

/** Makes an action of the scenarios happen. */
export function perform(name: string, args?: Record<string, unknown>) {
  return act("POST", "/v1/action", args ? { [name]: args } : name);
}

export function Card(p: { title: string; id?: string; children: ComponentChildren; wide?: boolean; extra?: ComponentChildren }) {
  const id = p.id ?? p.title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return (
    <section class={p.wide ? "card wide" : "card"} aria-labelledby={`h-${id}`} id={id}>
      <header><h2 id={`h-${id}`}>{p.title}</h2>{p.extra}</header>
      {p.children}
    </section>
  );
}

export function Button(p: { onClick: () => unknown; children: ComponentChildren; label?: string; pressed?: boolean; strong?: boolean; disabled?: boolean }) {
  return (
    <button type="button" class={p.strong ? "strong" : undefined} onClick={() => void p.onClick()} aria-label={p.label} title={p.label}
      aria-pressed={p.pressed} disabled={p.disabled}>{p.children}</button>
  );
}

export function Select(p: { label: string; value: string; options: readonly (string | [value: string, text: string])[]; onChange: (value: string) => void; hidden?: boolean }) {
  return (
    <label class="field">
      <span class={p.hidden ? "sr" : undefined}>{p.label}</span>
      <select value={p.value} onChange={(e) => p.onChange(e.currentTarget.value)}>
        {p.options.map((o) => { const [v, text] = typeof o === "string" ? [o, o] : o; return <option value={v} key={v}>{text}</option>; })}
      </select>
    </label>
  );
}

export function Check(p: { label: string; checked: boolean; onChange: (on: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={p.checked} onChange={(e) => p.onChange(e.currentTarget.checked)} />
      <span>{p.label}</span>
    </label>
  );
}

/** A slider shows what the world says, but not while it is being moved. */
export function Slider(p: { label: string; value: number; min: number; max: number; step: number; unit?: string; digits?: number; onChange: (v: number) => void }) {
  const [own, setOwn] = useState<number | null>(null);
  useEffect(() => {
    if (own === null) return;
    const timer = setTimeout(() => setOwn(null), 1500);
    return () => clearTimeout(timer);
  }, [own]);
  const v = own ?? p.value;
  return (
    <label class="slider">
      <span>{p.label}</span>
      <input type="range" min={p.min} max={p.max} step={p.step} value={v}
        onInput={(e) => setOwn(e.currentTarget.valueAsNumber)}
        onChange={(e) => { setOwn(e.currentTarget.valueAsNumber); p.onChange(e.currentTarget.valueAsNumber); }} />
      <output>{v.toFixed(p.digits ?? 0)}{p.unit}</output>
    </label>
  );
}

/** A number that is sent when it is changed and Enter is pressed or it is left. */
export function NumberField(p: { label: string; value: number; min?: number; onChange: (v: number) => void }) {
  const [own, setOwn] = useState<string | null>(null);
  const commit = () => {
    if (own !== null && own.trim() !== "" && Number(own) !== p.value) p.onChange(Number(own));
    setOwn(null);
  };
  return (
    <input type="number" class="number" aria-label={p.label} min={p.min} value={own ?? p.value}
      onInput={(e) => setOwn(e.currentTarget.value)} onBlur={commit} onKeyDown={(e) => { if (e.key === "Enter") commit(); }} />
  );
}

/** A bar from 0 to 1 with its number. */
export function Bar(p: { label: string; value: number | null; text?: string }) {
  return (
    <div class="bar">
      <span class="name">{p.label}</span>
      <meter min={0} max={1} value={p.value ?? 0} aria-label={p.label} />
      <span class="figure">{p.text ?? (p.value === null ? "none" : p.value.toFixed(2))}</span>
    </div>
  );
}

/** Runs fn some times a second while the component is shown. */
export function useTick(every: number, fn: () => void) {
  const latest = useRef(fn);
  latest.current = fn;
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) latest.current(); }, every);
    return () => clearInterval(timer);
  }, [every]);
}

/** Gives a text to the user as a file. */
export function download(name: string, content: Blob) {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export function Copy(p: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  return (
    <Button label={p.label ?? "Copy"} onClick={async () => {
      try {
        await navigator.clipboard.writeText(p.text);
      } catch { // no clipboard over plain HTTP from another machine
        const area = document.createElement("textarea");
        area.value = p.text;
        document.body.append(area);
        area.select();
        document.execCommand("copy");
        area.remove();
      }
      setDone(true);
      setTimeout(() => setDone(false), 1500);
    }}>{done ? "Copied" : "Copy"}</Button>
  );
}

/** The time since the start of the world, of an instant in nanoseconds or as text. */
export function sinceStart(at: number | string, start: string): string {
  const ms = (typeof at === "number" ? at / 1e6 : Date.parse(at)) - Date.parse(start);
  const s = ms / 1000;
  if (s < 60) return `${s.toFixed(3)} s`;
  const minutes = Math.floor(s / 60);
  const rest = (s - 60 * minutes).toFixed(1).padStart(4, "0");
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

/** The colours of Okabe and Ito, told apart by every kind of eye, their blue lighter for the dark; the traces take them in turn. */
export const hues = ["#1f83c6", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
