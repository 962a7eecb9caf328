// Every view, light and dark, wide and narrow, for people to look at. The
// pictures go into the folder FAKECORTEX_SCREENSHOTS; without it nothing is kept.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Client, launch, open, startEmulator } from "./harness.mjs";

let emulator, browser, client, folder;

before(async () => {
  folder = process.env.FAKECORTEX_SCREENSHOTS ?? mkdtempSync(join(tmpdir(), "fakecortex-shots-"));
  mkdirSync(folder, { recursive: true });
  emulator = await startEmulator();
  browser = await launch();
});

after(async () => {
  client?.close();
  await browser?.close();
  await emulator?.stop();
  if (!process.env.FAKECORTEX_SCREENSHOTS) rmSync(folder, { recursive: true, force: true });
});

async function shots(state) {
  for (const [size, viewport] of [["wide", { width: 1440, height: 900 }], ["narrow", { width: 360, height: 740 }]]) {
    for (const colorScheme of ["light", "dark"]) {
      const { page, context, wrong } = await open(browser, emulator, { viewport, colorScheme });
      for (const view of ["signals", "world", "client"]) {
        await page.goto(`${emulator.control}/#${view}`);
        await page.waitForTimeout(2500);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        await page.screenshot({ path: join(folder, `${state}-${view}-${size}-${colorScheme}.png`), fullPage: true });
        assert.ok(over <= 0, `${view} is ${over} px wider than a ${size} screen`);
      }
      assert.deepEqual(wrong, []);
      await context.close();
    }
  }
}

test("the empty state", { timeout: 120_000 }, () => shots("empty"));

test("with a client at work", { timeout: 120_000 }, async () => {
  client = await Client.connect(emulator);
  await client.call("requestAccess", { clientId: "app-basic", clientSecret: "s" });
  await client.subscribe(["eeg", "mot", "dev", "eq", "pow", "met", "com", "fac"]);
  await client.ask("createSession", { cortexToken: client.token, headset: "EPOCX-00000000", status: "active" });
  await client.ask("subscribe", { cortexToken: client.token, session: client.session, streams: ["nothing"] });
  const record = await client.call("createRecord", { cortexToken: client.token, session: client.session, title: "A first run" });
  await emulator.api("POST", "/v1/action", { contact: { sensors: ["AF3"], quality: 0 } });
  await emulator.api("POST", "/v1/action", { contact: { sensors: ["T7", "O2"], quality: 1 } });
  await emulator.api("POST", "/v1/action", { contact: { sensors: ["P8"], quality: 2 } });
  await emulator.api("POST", "/v1/action", { contact: { sensors: ["F4"], quality: 3 } });
  await emulator.api("POST", "/v1/action", { head: { yaw: 25, pitch: 10, movement: "nod" } });
  await emulator.api("POST", "/v1/action", { mentalCommand: { action: "push", power: 0.8, forced: true } });
  await emulator.api("POST", "/v1/faults", { id: "slow", on: { method: "authorize" }, latency: "3s" });
  await client.call("stopRecord", { cortexToken: client.token, session: client.session });
  assert.ok(record.record.uuid);
  await shots("client");
});
