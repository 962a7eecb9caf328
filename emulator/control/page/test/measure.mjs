// npm run measure: what the page costs a client, and how smoothly it draws 32
// channels. A headset of 32 channels on the real clock; the client's lateness
// (arrival less the sample's own time) first without the page, then with it,
// with the frames that the page draws. Figures, not a test: browser, emulator
// and client share the machine.
import { loadavg } from "node:os";
import { Client, eventually, launch, mappings, open, startEmulator } from "./harness.mjs";

const seconds = Number(process.env.FAKECORTEX_MEASURE ?? 60);
const emulator = await startEmulator();
let browser, client;
try {
  await emulator.api("POST", "/v1/scenario", { document: {
    extends: "default", world: { headsets: [{ id: "EPOCFLEX-F0000001", status: "connected", mappings: mappings() }] },
  } });
  client = await Client.connect(emulator);
  let late = [];
  client.onSample = (stream, m) => { if (stream === "eeg") late.push(performance.timeOrigin + performance.now() - m.time * 1000); };
  await client.subscribe(["eeg", "mot", "dev", "eq", "pow"]);
  const measure = async () => {
    late = [];
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    const second = 128, sorted = [];
    for (let i = 0; i + second <= late.length; i += second) {
      const these = late.slice(i, i + second), promptest = Math.min(...these);
      sorted.push(...these.map((l) => l - promptest));
    }
    sorted.sort((a, b) => a - b);
    const at = (q) => sorted[Math.floor(q * (sorted.length - 1))].toFixed(2);
    return `${sorted.length} samples, late by p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, p99.9 ${at(0.999)} ms`;
  };
  console.log(`load average ${loadavg().map((l) => l.toFixed(2)).join(" ")}, ${seconds} s each`);
  console.log(`without the page: ${await measure()}`);

  browser = await launch();
  const { page } = await open(browser, emulator, { view: "signals", viewport: { width: 1440, height: 1000 } });
  await eventually("all channels", async () => /EEG of 32 channels/.test(await page.locator("#traces").getAttribute("aria-label")));
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const drawn = page.evaluate((during) => new Promise((done) => {
    const times = [];
    requestAnimationFrame(function next(t) {
      times.push(t);
      if (t - times[0] < during) requestAnimationFrame(next);
      else done(times);
    });
  }), 1000 * seconds);
  console.log(`with the page:    ${await measure()}`);
  const times = await drawn;
  const gaps = times.slice(1).map((t, i) => t - times[i]).sort((a, b) => a - b);
  console.log(`the page: ${((times.length - 1) * 1000 / (times.at(-1) - times[0])).toFixed(1)} frames a second, p99 ${gaps[Math.floor(gaps.length * 0.99)].toFixed(1)} ms between two`);
} finally {
  client?.close();
  await browser?.close();
  await emulator.stop();
}
