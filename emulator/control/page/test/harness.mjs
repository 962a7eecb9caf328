// What the tests share: an emulator, a client of it, a browser.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import WebSocket from "ws";

const binary = process.env.FAKECORTEX_BINARY ?? "fakecortex";
const executablePath = process.env.FAKECORTEX_CHROMIUM ?? "/usr/bin/chromium";

/** Starts a fakecortex on free ports of loopback. */
export async function startEmulator(...flags) {
  const dir = mkdtempSync(join(tmpdir(), "fakecortex-page-"));
  const child = spawn(binary, ["--listen", "localhost:0", "--control", "localhost:0", "--tls-dir", join(dir, "tls"), "--log-level", "warn", ...flags],
    { stdio: ["ignore", "pipe", "inherit"] });
  const ready = await new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
      if (text.includes("\n")) resolve(JSON.parse(text.slice(0, text.indexOf("\n"))));
    });
    child.on("exit", (code) => reject(new Error(`fakecortex ended with ${code}`)));
    child.on("error", reject);
  });
  const api = async (method, path, body) => {
    const answer = await fetch(ready.control + path, {
      method, headers: body === undefined ? {} : { "Content-Type": "application/json" }, body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (answer.headers.get("content-type") ?? "").includes("json") ? JSON.parse(text) : text;
  };
  const stop = async () => {
    const ended = new Promise((resolve) => child.on("exit", resolve));
    child.kill("SIGTERM");
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  return { ...ready, api, stop, certificate: readFileSync(ready.ca) };
}

/** A client of the emulator: calls by promise, samples as they come. */
export class Client {
  #id = 0;
  #waiting = new Map();
  samples = {};
  last = {};
  warnings = [];
  closed = 0;

  static async connect(emulator) {
    const client = new Client();
    client.socket = new WebSocket(emulator.url, { ca: emulator.certificate });
    client.socket.on("message", (data) => client.#take(JSON.parse(data)));
    client.socket.on("close", (code) => { client.closed = code; });
    await new Promise((resolve, reject) => client.socket.on("open", resolve).on("error", reject));
    return client;
  }

  #take(m) {
    if (m.id !== undefined) {
      this.#waiting.get(m.id)?.(m);
      this.#waiting.delete(m.id);
      return;
    }
    if (m.warning) this.warnings.push(m.warning.code);
    for (const stream of ["eeg", "mot", "dev", "eq", "pow", "met", "com", "fac"]) {
      if (m[stream]) {
        this.samples[stream] = (this.samples[stream] ?? 0) + 1;
        this.last[stream] = m[stream];
        this.onSample?.(stream, m);
      }
    }
  }

  /** Sends a request and returns its whole answer. */
  ask(method, params = {}) {
    const id = ++this.#id;
    this.socket.send(JSON.stringify({ id, jsonrpc: "2.0", method, params }));
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  async call(method, params) {
    const answer = await this.ask(method, params);
    if (answer.error) throw new Error(`${method}: ${answer.error.code} ${answer.error.message}`);
    return answer.result;
  }

  /** Walks from the token to the streams. */
  async subscribe(streams, clientId = "app-basic") {
    this.token = (await this.call("authorize", { clientId, clientSecret: "s", debit: 1 })).cortexToken;
    this.session = (await this.call("createSession", { cortexToken: this.token, status: "active" })).id;
    return this.call("subscribe", { cortexToken: this.token, session: this.session, streams });
  }

  close() { this.socket.terminate(); }
}

/** A headless browser that talks to this machine only, with a profile of its own. */
export function launch() {
  return chromium.launch({
    executablePath, headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

/** Opens the page and keeps what must not happen: errors, and requests to other hosts. */
export async function open(browser, emulator, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (m) => { if (m.type() === "error" && !options.expectErrors) wrong.push(m.text()); });
  page.on("pageerror", (e) => wrong.push(String(e)));
  page.on("dialog", (d) => { wrong.push(`dialog: ${d.message()}`); void d.dismiss(); });
  page.on("request", (r) => { if (!r.url().startsWith(emulator.control) && !r.url().startsWith("blob:")) wrong.push(`request to ${r.url()}`); });
  await page.goto(`${emulator.control}/${options.view ? `#${options.view}` : ""}`);
  return { page, context, wrong };
}

/** Waits until fn gives something true, ten seconds at most. */
export async function eventually(what, fn, within = 10_000) {
  const end = Date.now() + within;
  for (;;) {
    const value = await fn();
    if (value) return value;
    if (Date.now() > end) throw new Error(`it does not happen within ${within / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The sensors of an EPOC Flex with all of its 32 inputs. */
export function mappings() {
  const out = { CMS: "TP10", DRL: "TP9" };
  "C3 T7 F3 F7 FC5 AF3 P7 O1 Fp1 FC1 CP5 CP1 P3 PO9 Fz Cz".split(" ").forEach((at, i) => { out[`L${"ABCDEFGHJKLMNOPQ"[i]}`] = at; });
  "C4 T8 F4 F8 FC6 AF4 P8 O2 Fp2 FC2 CP6 CP2 P4 PO10 Pz Oz".split(" ").forEach((at, i) => { out[`R${"ABCDEFGHJKLMNOPQ"[i]}`] = at; });
  return out;
}
