// A headset of 32 channels for ten minutes: the client loses nothing, the page
// does not grow. Here the clock runs fast; FAKECORTEX_PAGE_CLOCK=real takes ten
// minutes of real time.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, eventually, launch, mappings, open, startEmulator } from "./harness.mjs";

const clock = process.env.FAKECORTEX_PAGE_CLOCK ?? "x20";
const minutes = 10;
let emulator, browser, client;

before(async () => {
  emulator = await startEmulator("--clock", "manual");
  browser = await launch();
});

after(async () => {
  client?.close();
  await browser?.close();
  await emulator?.stop();
});

test(`32 channels for ten minutes at ${clock}`, { timeout: 15 * 60_000 }, async (t) => {
  await emulator.api("POST", "/v1/scenario", { document: {
    extends: "default", world: { headsets: [{ id: "EPOCFLEX-F0000001", status: "connected", mappings: mappings() }] },
  } });
  client = await Client.connect(emulator);
  let last = -1, holes = 0;
  client.onSample = (stream, m) => {
    if (stream !== "eeg") return;
    if (last >= 0 && m.eeg[0] !== (last + 1) % 128) holes++;
    last = m.eeg[0];
  };
  const { success } = await client.subscribe(["eeg", "mot", "dev", "eq", "pow"]);
  const eeg = success.find((s) => s.streamName === "eeg");
  assert.ok(eeg.cols.length >= 34, "32 sensors");
  const { page, wrong } = await open(browser, emulator, { view: "signals", viewport: { width: 1440, height: 1000 } });
  const inside = await page.context().newCDPSession(page);
  await inside.send("Performance.enable");
  const heap = async () => {
    await inside.send("HeapProfiler.collectGarbage");
    const { metrics } = await inside.send("Performance.getMetrics");
    return { heap: metrics.find((m) => m.name === "JSHeapUsedSize").value, nodes: metrics.find((m) => m.name === "Nodes").value };
  };
  const start = (await emulator.api("GET", "/v1/clock")).now;
  const seconds = async () => (Date.parse((await emulator.api("GET", "/v1/clock")).now) - Date.parse(start)) / 1000;
  await emulator.api("PUT", "/v1/clock", { clock });
  await eventually("all channels", async () => /EEG of 32 channels/.test(await page.locator("#traces").getAttribute("aria-label")));
  await eventually("a minute", async () => await seconds() >= 60, 90_000);
  const frames = await page.evaluate(() => new Promise((done) => {
    const times = [];
    const begin = performance.now();
    requestAnimationFrame(function next(t) {
      times.push(t);
      if (performance.now() - begin < 3000) requestAnimationFrame(next);
      else done(times);
    });
  }));
  const first = await heap();
  await eventually("ten minutes", async () => await seconds() >= 60 * minutes, 60_000 * minutes * 1.2);
  await emulator.api("PUT", "/v1/clock", { clock: "manual" });
  const end = await seconds();
  const then = await heap();
  const due = Math.floor(end * 128 + 1e-6);
  await eventually("every sample", () => client.samples.eeg === due);
  assert.equal(holes, 0, "the counter has no hole");
  t.diagnostic(`${client.samples.eeg} samples of eeg in ${end.toFixed(1)} s; ${((frames.length - 1) * 1000 / (frames.at(-1) - frames[0])).toFixed(1)} frames a second`);
  t.diagnostic(`heap ${(first.heap / 1e6).toFixed(2)} MB after a minute, ${(then.heap / 1e6).toFixed(2)} MB at the end; nodes ${first.nodes}, ${then.nodes}`);
  assert.ok(then.heap < first.heap + 2e6, `the page grows: ${first.heap} to ${then.heap} bytes`);
  assert.ok(then.nodes < first.nodes + 200, `the page grows: ${first.nodes} to ${then.nodes} nodes`);
  assert.deepEqual(wrong, []);
});
