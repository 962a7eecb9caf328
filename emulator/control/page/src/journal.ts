// The journal as it happens: each request with its answer, the last thousands.
import { type Entry, type JournalPage, events, get, stream } from "./api";

/** A request and its answer, or something else that happened. */
export interface Row { seq: number; entry: Entry; answer?: Entry }

const most = 2000;

export class Journal {
  rows: Row[] = [];
  /** Counts changes, so that who draws knows of them. */
  version = 0;
  private open = new Map<string, Row[]>();
  private stop: () => void;

  constructor() {
    this.stop = stream(async (signal) => {
      const page = await get<JournalPage>("/v1/journal?last=true&limit=1000", signal);
      this.clear();
      page.entries.forEach((e) => this.add(e));
      await events(`/v1/journal/follow?after=${page.next}`, signal, (event, data) => {
        if (event === "reset") this.clear();
        else if (event === "") this.add(JSON.parse(data) as Entry);
      });
    });
  }

  close() { this.stop(); }

  private clear() {
    this.rows = [];
    this.open.clear();
    this.version++;
  }

  private add(e: Entry) {
    this.version++;
    const key = `${e.conn} ${JSON.stringify(e.id)} ${e.method}`;
    if (e.kind === "answer" || e.kind === "error") {
      const waiting = this.open.get(key);
      const row = waiting?.shift();
      if (waiting?.length === 0) this.open.delete(key);
      if (row) {
        row.answer = e;
        return;
      }
    }
    const row: Row = { seq: e.seq, entry: e };
    this.rows.push(row);
    if (e.kind === "call" && e.id !== undefined) this.open.set(key, [...(this.open.get(key) ?? []), row]);
    if (this.rows.length > most) {
      this.rows = this.rows.slice(-most / 2);
      const oldest = this.rows[0].seq;
      for (const [k, list] of this.open) {
        if (list.every((r) => r.seq < oldest)) this.open.delete(k);
      }
    }
  }
}

export interface Filter { kinds: ReadonlySet<string>; refused: boolean; connection: string; text: string }

/** The rows that a filter lets through, the youngest first, at most n. */
export function chosen(rows: Row[], f: Filter, n: number): Row[] {
  const out: Row[] = [];
  const text = f.text.toLowerCase();
  for (let i = rows.length - 1; i >= 0 && out.length < n; i--) {
    const { entry, answer } = rows[i];
    const group = groupOf(entry.kind);
    if (!f.kinds.has(group)) continue;
    if (f.refused && entry.kind !== "error" && answer?.kind !== "error") continue;
    if (f.connection && String(entry.conn ?? "") !== f.connection) continue;
    if (text && !`${JSON.stringify(entry)} ${answer ? JSON.stringify(answer) : ""}`.toLowerCase().includes(text)) continue;
    out.push(rows[i]);
  }
  return out;
}

export const groups = ["requests", "warnings", "events", "actions", "connections"] as const;

function groupOf(kind: string): string {
  switch (kind) {
    case "call": case "answer": case "error": return "requests";
    case "warning": return "warnings";
    case "opened": case "closed": return "connections";
    case "action": case "note": case "fault": return "actions";
    default: return "events";
  }
}
