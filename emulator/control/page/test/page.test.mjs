// The page in a real browser, against a running emulator with a real client.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { Client, eventually, launch, open, startEmulator } from "./harness.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** What a test has opened is closed behind it; nothing may have gone wrong in the page. */
let emulator, clients, pages;
beforeEach(() => { emulator = undefined; clients = []; pages = []; });
afterEach(async () => {
  for (const c of clients) c.close();
  const wrong = pages.flatMap((p) => p.wrong);
  for (const p of pages) await p.context.close();
  await emulator?.stop();
  assert.deepEqual(wrong, [], "errors in the page, or requests to another host");
});

async function start(...flags) { return emulator = await startEmulator(...flags); }
async function connect() { const c = await Client.connect(emulator); clients.push(c); return c; }
async function look(view, options) { const p = await open(browser, emulator, { view, ...options }); pages.push(p); return p.page; }
const button = (page, name) => page.getByRole("button", { name, exact: true });

describe("signals", { timeout: 60_000 }, () => {
  test("traces move", async () => {
    await start();
    const page = await look("signals");
    const plot = page.locator("#traces");
    const rows = async () => Number(await plot.getAttribute("data-rows"));
    await eventually("rows of eeg", async () => await rows() > 100);
    const before = await rows();
    const picture = () => page.locator("#traces canvas").evaluate((canvas) => canvas.toDataURL());
    const first = await picture();
    await eventually("another picture", async () => await picture() !== first);
    await eventually("more rows", async () => await rows() > before + 50);
    assert.match(await plot.getAttribute("aria-label"), /EEG of 14 channels/);

    const colours = () => page.locator("#traces canvas").evaluate((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const seen = new Set();
      for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) seen.add(`${data[i] >> 5} ${data[i + 1] >> 5} ${data[i + 2] >> 5}`);
      return seen.size;
    });
    const all = await colours();
    await button(page, "None").click();
    await eventually("no trace", async () => await colours() < all - 3);
    await page.getByRole("button", { name: "O1" }).first().click();
    await eventually("one trace", async () => /EEG of 1 channels/.test(await plot.getAttribute("aria-label")));
  });

  test("a click on a sensor lowers its quality, in the page and for the client", async () => {
    await start();
    const client = await connect();
    const { success } = await client.subscribe(["dev"]);
    const at = success[0].cols[2].indexOf("T7");
    const page = await look("signals");
    const sensor = page.locator('#quality [data-sensor="T7"]');
    await eventually("a good contact", async () => /T7, 4 of 4/.test(await sensor.getAttribute("aria-label")) && client.last.dev?.[2][at] === 4);
    await sensor.click();
    await eventually("in the page", async () => /T7, 3 of 4, fair/.test(await sensor.getAttribute("aria-label")));
    await eventually("in dev", () => client.last.dev[2][at] === 3);
    assert.equal(await sensor.locator(".digit").textContent(), "3", "it is said without colour");
    await sensor.focus();
    await page.keyboard.press("0");
    await eventually("by the keyboard", () => client.last.dev[2][at] === 0);
    await page.keyboard.press("ArrowUp");
    await eventually("and up", () => client.last.dev[2][at] === 1);
  });

  test("what is done to the head is seen", async () => {
    await start("--set", "headset=EPOCX-00000001");
    await emulator.api("POST", "/v1/action", { head: { yaw: 30, pitch: 10, roll: -20 } });
    await emulator.api("POST", "/v1/action", { mentalCommand: { action: "lift", power: 0.9, forced: true } });
    const page = await look("signals");
    await eventually("the pose", async () => {
      const [, yaw, pitch, roll] = (/yaw (-?\d+)°, pitch (-?\d+)°, roll (-?\d+)°/.exec(await page.locator("#motion p").textContent()) ?? []).map(Number);
      return Math.abs(yaw - 30) < 4 && Math.abs(pitch - 10) < 4 && Math.abs(roll + 20) < 4;
    });
    await eventually("com", async () => (await page.locator("#detections").textContent()).includes("lift"));
    await emulator.api("POST", "/v1/action", { face: { action: "smile", for: "3s" } });
    await eventually("fac", async () => /Lower facesmile/.test(await page.locator("#detections").textContent()));
    await emulator.api("POST", "/v1/action", { battery: { percent: 12 } });
    await eventually("battery", async () => (await page.locator("#quality").textContent()).includes("12 %"));
    await eventually("band powers", async () => (await page.locator("#band-powers").textContent()).includes("alpha"));
  });

  test("a headset that falls silent says so, and another can be chosen", async () => {
    await start();
    await emulator.api("POST", "/v1/action", { addHeadset: { id: "MN8-00000001", status: "connected" } });
    const page = await look("signals");
    await emulator.api("POST", "/v1/action", "headsetOff");
    await page.getByText("It has fallen silent.").waitFor();
    await page.getByRole("combobox", { name: "Headset" }).selectOption("MN8-00000001");
    await eventually("two sensors", async () => await page.locator("#quality [data-sensor]").count() === 2);
  });
});

describe("too many", { timeout: 60_000 }, () => {
  test("who cannot watch any more is told why", async () => {
    await start();
    const stop = new AbortController();
    for (let i = 0; i < 8; i++) await fetch(`${emulator.control}/v1/live`, { signal: stop.signal });
    const page = await look("signals", { expectErrors: true });
    await page.getByText("8 watch signals already").waitFor();
    stop.abort();
    await eventually("traces", async () => Number(await page.locator("#traces").getAttribute("data-rows")) > 20);
  });
});

describe("world", { timeout: 60_000 }, () => {
  test("approve lets a waiting client in", async () => {
    await start("--scenario", "a1-never-approved");
    const client = await connect();
    const id = { clientId: "app-basic", clientSecret: "s" };
    const asked = await client.ask("requestAccess", id);
    assert.equal(asked.result?.accessGranted, false, JSON.stringify(asked));
    assert.equal((await client.ask("authorize", id)).error.code, -32102);
    const page = await look("world");
    await page.getByText("pending").first().waitFor();
    await page.locator("#applications").getByRole("button", { name: "Approve", exact: true }).first().click();
    await page.locator("#applications").getByText("approved").first().waitFor();
    await eventually("warning 9", () => client.warnings.includes(9));
    assert.ok((await client.ask("authorize", id)).result.cortexToken);
    await page.locator("#applications").getByRole("button", { name: "Decline", exact: true }).first().click();
    await page.locator("#applications").getByText("declined").first().waitFor();
  });

  test("pause stops the counters", async () => {
    await start();
    const client = await connect();
    await client.subscribe(["eeg"]);
    const page = await look("client");
    const samples = page.locator('[data-stream="eeg"] .samples');
    const count = async () => Number(await samples.textContent());
    await eventually("samples", async () => await count() > 200);
    await eventually("the rate", async () => /25\d\.\d Hz/.test(await page.locator('[data-stream="eeg"]').textContent()));
    await button(page, "Pause the clock").click();
    await page.getByText("paused").first().waitFor();
    await page.waitForTimeout(800);
    const [shown, received] = [await count(), client.samples.eeg];
    await page.waitForTimeout(1200);
    assert.deepEqual([await count(), client.samples.eeg], [shown, received]);
    await page.keyboard.press("."); // a second passes
    await eventually("256 more", async () => await count() === shown + 256 && client.samples.eeg === received + 256);
    await button(page, "Let the clock go on").click();
    await eventually("more", async () => await count() > shown + 300);
    await page.goto(`${emulator.control}/#world`);
    await button(page, "x10").click();
    await eventually("faster", async () => (await emulator.api("GET", "/v1/clock")).clock === "x10");
  });

  test("every control of the head does something", async () => {
    await start("--clock", "manual");
    const page = await look("world");
    const state = async () => (await emulator.api("GET", "/v1/state")).headsets[0].signal;
    const becomes = (what, fn) => eventually(what, async () => fn(await state()));
    await page.getByLabel("worn").uncheck();
    await becomes("taken off", (s) => s.worn === false);
    await page.getByLabel("worn").check();
    await page.getByLabel("eyes closed").check();
    await becomes("eyes", (s) => s.eyes === "closed");
    await button(page, "All sensors 2").click();
    await becomes("contact", (s) => s.contact?.["*"] === 2 || Object.values(s.contact ?? { none: 4 }).every((q) => q === 2));
    for (const [label, value, done] of [
      ["Radio signal", 0.5, (s) => s.signalStrength === 0.5], ["Packet loss", 5, (s) => s.loss.probability === 0.05], ["Battery", 33, (s) => s.battery.percent === 33],
      ["Yaw (left)", 45, (s) => s.head.yaw === 45], ["Power", 0.4, (s) => s.mentalCommand.power === 0.4], ["stress", 0.9, (s) => s.levels.stress === 0.9],
    ]) {
      await page.getByLabel(label, { exact: false }).and(page.locator("input[type=range]")).first().fill(String(value));
      await becomes(label, done);
    }
    await page.getByLabel("Movement").selectOption("nod");
    await becomes("nod", (s) => s.head.movement === "nod" && s.head.yaw === 45);
    await page.getByLabel("Mental command").selectOption("push");
    await becomes("push", (s) => s.mentalCommand.action === "push");
    for (const name of ["Blink", "Wink left", "Look up", "smile", "Hardware marker"]) await page.getByText(name, { exact: true }).click();
    const did = await eventually("in the journal", async () => {
      const { entries } = await emulator.api("GET", "/v1/journal?kind=action");
      const names = entries.map((e) => e.event);
      return ["blink", "wink", "look", "face", "marker"].every((n) => names.includes(n)) && names;
    });
    assert.ok(did.length > 12);
    await page.getByLabel(/Local quota/).fill("7");
    await page.keyboard.press("Enter");
    await eventually("quota", async () => (await emulator.api("GET", "/v1/state")).licenses[0].localQuota === 7);
    const scopes = async () => (await emulator.api("GET", "/v1/state")).licenses[0].scopes.join();
    for (const [scope, left] of [["pm", "eeg"], ["eeg", ""]]) {
      await page.waitForResponse((r) => r.url().endsWith("/v1/state")); // the page knows the scopes that are left
      await page.locator("#licenses").getByLabel(scope, { exact: true }).uncheck();
      await eventually(`scopes ${left}`, async () => await scopes() === left);
    }
    await page.waitForResponse((r) => r.url().endsWith("/v1/state"));
    await page.locator("#licenses").getByLabel("eeg", { exact: true }).check();
    await eventually("scope eeg again", async () => await scopes() === "eeg");
    await page.getByLabel("A further one").selectOption("EPOCFLEX");
    await button(page, "Add").click();
    await eventually("a second headset", async () => (await emulator.api("GET", "/v1/state")).headsets.length === 2);
    await page.locator("#headsets").getByText("Connect", { exact: true }).click();
    await eventually("with 32 sensors", async () => (await emulator.api("GET", "/v1/state")).headsets[1].sensors.length === 32);
    await button(page, "Step").click();
    await eventually("ten seconds", async () => (await emulator.api("GET", "/v1/clock")).now.includes("12:00:10"));
    await page.locator("#headsets").getByText("Connect", { exact: true }).waitFor({ state: "detached" });
  });

  test("a record is downloaded", async () => {
    await start("--clock", "manual");
    const client = await connect();
    await client.subscribe(["dev"]);
    await client.call("createRecord", { cortexToken: client.token, session: client.session, title: "../run" });
    await emulator.api("POST", "/v1/clock/advance", { duration: "5s" });
    await client.call("stopRecord", { cortexToken: client.token, session: client.session });
    const page = await look("world");
    await page.getByLabel("Download as").selectOption("EDFPLUS");
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: /Download \.\.\/run/ }).click()]);
    assert.match(download.suggestedFilename(), /^record-[0-9a-f-]+-EDFPLUS\.zip$/);
    const zip = readFileSync(await download.path());
    assert.equal(zip.toString("latin1", 0, 4), "PK\x03\x04");
    assert.ok(zip.includes(".edf"));
  });
});

describe("client", { timeout: 60_000 }, () => {
  test("the journal has each request with its answer and the plain reason of a refusal", async () => {
    await start();
    const page = await look("client");
    const client = await connect();
    await client.subscribe(["mot"]);
    await client.ask("createSession", { cortexToken: client.token, headset: "EPOCX-99999999", status: "active" });
    const row = page.locator(".journal > li.refused").first();
    await row.waitFor();
    assert.match(await row.textContent(), /createSession.*-32004.*no headset "EPOCX-99999999" is in reach/s);
    await row.locator("summary").click();
    assert.match(await row.locator(".pair").textContent(), /Request.*"headset": "EPOCX-99999999".*Answer.*-32004/s);
    await page.getByLabel("refusals only").check();
    await eventually("one row", async () => await page.locator(".journal > li").count() === 1);
    await page.getByLabel("refusals only").uncheck();
    await page.getByLabel("Find").fill("getcortexinfo");
    await eventually("none", async () => await page.locator(".journal > li").count() === 0);
    await client.call("getCortexInfo");
    await eventually("it comes by itself", async () => await page.locator(".journal > li").count() === 1);
    await page.getByText("session-before-connected").waitFor(); // the linter
    assert.match(await page.locator("#connections").textContent(), /mot \d+/);
    await button(page, "Cut connection 1 without a close frame").click();
    await eventually("the client is cut", () => client.closed === 1006);
  });

  test("a scenario is loaded, its timeline goes on, reset begins anew", async () => {
    await start("--clock", "manual");
    const page = await look("client");
    await page.getByLabel("From the library").selectOption("c7-off-and-back");
    await page.locator("#scenario").getByRole("button", { name: "Load", exact: true }).click();
    await eventually("in force", async () => (await emulator.api("GET", "/v1/scenario")).name === "c7-off-and-back");
    await page.locator(".timeline li").first().waitFor();
    assert.match(await page.locator(".timeline").textContent(), /waits|in \d+\.\d s/);
    const client = await connect();
    await client.subscribe(["eeg"]);
    await emulator.api("POST", "/v1/clock/advance", { duration: "1m" });
    await page.locator(".timeline").getByText("✓ done").first().waitFor();
    await button(page, "The world begins anew; clients are closed").click();
    await eventually("closed with 1001", () => client.closed === 1001);
    assert.match((await emulator.api("GET", "/v1/clock")).now, /12:00:00Z$/);
    await page.getByText("A document of your own").click();
    await page.getByLabel("YAML; it can extend").fill("extends: default\nworld: {headsetz: 1}");
    await button(page, "Load the document").click();
    await page.locator(".notice").getByText('did you mean "headsets"').waitFor();
    pages[0].wrong.length = 0; // the browser notes the refusal itself
  });

  test("a fault of the wire is added and taken away", async () => {
    await start();
    const client = await connect();
    const page = await look("client");
    await page.getByLabel("Begin with").selectOption("every answer comes twice");
    await page.locator("#faults-of-the-wire").getByRole("button", { name: "Add", exact: true }).click();
    await page.locator("#faults-of-the-wire").getByText("0 hits").waitFor();
    await client.call("getCortexInfo");
    await page.locator("#faults-of-the-wire").getByText("1 hits of 1").waitFor();
    await button(page, "Clear all").click();
    await page.getByText("the wire is as it should be").waitFor();
    const presets = await page.getByLabel("Begin with").locator("option").evaluateAll((list) => list.map((o) => o.value).filter(Boolean));
    for (const preset of presets) {
      await page.getByLabel("Begin with").selectOption(preset);
      await page.locator("#faults-of-the-wire").getByRole("button", { name: "Add", exact: true }).click();
    }
    await eventually("all of them", async () => (await emulator.api("GET", "/v1/faults")).faults.length === presets.length);
  });

  test("what was done by hand is saved, and makes the same journal", async () => {
    await start("--clock", "manual");
    const walk = async () => {
      const client = await connect();
      await client.subscribe(["dev", "eeg"]);
      return client;
    };
    const settled = async (client) => { // what was sent has arrived
      await client.call("getCortexInfo");
      return client;
    };
    const journal = async () => (await emulator.api("GET", "/v1/journal?limit=10000")).entries.map(({ seq, step, ...entry }) => entry);
    const first = await walk();
    const page = await look("world");
    const pass = () => button(page, "Let 1s pass at once").click();
    const acted = async (n) => eventually(`${n} actions`, async () => (await emulator.api("GET", "/v1/journal?kind=action")).entries.length === n);
    const passed = (n) => eventually(`${n} s`, async () => (await emulator.api("GET", "/v1/clock")).now.includes(`12:00:0${n}`));
    await pass(); await passed(1);
    await page.locator('#on-the-head [data-sensor="AF3"]').click(); await acted(1);
    await page.getByText("Blink", { exact: true }).click(); await acted(2);
    await pass(); await passed(2);
    await page.getByRole("combobox", { name: "Cloud" }).selectOption("offline"); await acted(3);
    await page.locator("#headsets").getByText("Switch off").click(); await acted(4);
    await pass(); await passed(3);
    await page.locator("#headsets").getByText("Switch on, or bring back").click(); await acted(5);
    await pass(); await passed(4);
    await settled(first);
    const before = { journal: await journal(), samples: { ...first.samples } };
    await page.keyboard.press("3");
    await button(page, "Save what I did").click();
    const yaml = await page.locator("#saved").textContent();
    assert.match(yaml, /extends: default/);
    assert.match(yaml, /at: 1s/);
    await button(page, "The world begins anew and does it").click();
    await eventually("the first client is closed", () => first.closed === 1001);
    const second = await walk();
    await emulator.api("POST", "/v1/clock/advance", { duration: "4s" });
    await settled(second);
    assert.deepEqual(await journal(), before.journal);
    assert.deepEqual(second.samples, before.samples);
  });
});

describe("safety", { timeout: 60_000 }, () => {
  test("nothing that a client says is markup", async () => {
    await start();
    const evil = [`<img src=x onerror=alert(1)>`, `</script><script>alert(2)</script>`, `"><svg onload=alert(3)>`, `<b class=evil>bold</b>`, "javascript:alert(4)"];
    const client = await connect();
    await client.subscribe(["eeg"], evil[0]);
    const p = { cortexToken: client.token, session: client.session };
    await client.call("createSubject", { cortexToken: client.token, subjectName: evil[3] });
    await client.call("createRecord", { ...p, title: evil[1], description: evil[0], subjectName: evil[3], tags: [evil[2]] });
    for (const label of evil) await client.call("injectMarker", { ...p, time: Date.now(), value: evil[0], label, port: evil[1] });
    await client.call("stopRecord", p);
    await client.ask("setupProfile", { cortexToken: client.token, status: "create", profile: evil[2], headset: "" });
    await client.ask(evil[1], { [evil[0]]: evil[3] });
    client.socket.send(evil[0]);
    await emulator.api("POST", "/v1/faults", { id: evil[0], on: { method: "authorize" }, latency: "1s" });
    await emulator.api("POST", "/v1/action", { note: { text: evil[1] } });
    await emulator.api("POST", "/v1/action", { logIn: { user: evil[0] } }).catch(() => undefined);
    const page = await look("signals");
    for (const view of ["signals", "world", "client"]) {
      await page.goto(`${emulator.control}/#${view}`);
      await page.waitForTimeout(1200);
      for (const summary of await page.locator(".journal > li summary").all()) await summary.click();
      const found = await page.evaluate(() => ({
        scripts: document.scripts.length, images: document.querySelectorAll('img:not([src="favicon.svg"])').length,
        handlers: document.querySelectorAll("[onload], [onerror], .evil").length, links: [...document.links].filter((a) => a.protocol === "javascript:").length,
      }));
      assert.deepEqual(found, { scripts: 1, images: 0, handlers: 0, links: 0 }, view);
      if (view !== "signals") assert.ok((await page.locator("main").textContent()).includes(evil[0]), `${view} shows it as text`);
    }
    await page.goto(`${emulator.control}/#world`);
    await page.locator("#records strong").getByText(evil[1]).waitFor();
    await emulator.api("POST", "/v1/scenario", { document: { extends: "default", name: "evil", title: evil[0], timeline: [{ at: "1h", do: [{ note: evil[1] }] }] } });
    await page.goto(`${emulator.control}/#client`);
    await page.locator("#scenario").getByText(evil[0]).first().waitFor();
    assert.equal(await page.locator('img:not([src="favicon.svg"])').count(), 0);
  });

  test("with a token the page asks for it and keeps it in the tab", async () => {
    await start("--control-token", "s3cret");
    const page = await look("signals", { expectErrors: true }); // the browser notes each 401 itself
    await page.getByLabel("Control token").fill("wrong");
    await button(page, "Open").click();
    await page.getByText("the token is missing or wrong").waitFor();
    await page.getByLabel("Control token").fill("s3cret");
    await button(page, "Open").click();
    await page.locator("#traces").waitFor();
    await eventually("traces", async () => Number(await page.locator("#traces").getAttribute("data-rows")) > 20);
    await page.reload();
    await page.locator("#traces").waitFor();
    assert.equal(page.url().includes("s3cret"), false);
    assert.deepEqual(await page.evaluate(() => [localStorage.length, document.cookie]), [0, ""]);
    const other = await look("signals", { expectErrors: true });
    await other.getByLabel("Control token").waitFor();
  });

  test("an inline script or style does not run, and nobody may frame the page", async () => {
    await start();
    const page = await look("signals", { expectErrors: true });
    await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
      const style = document.createElement("style");
      style.textContent = "body { display: none }";
      document.body.append(style);
    });
    assert.deepEqual(await page.evaluate(() => [window.ran, getComputedStyle(document.body).display]), [undefined, "block"]);
    assert.match((await fetch(emulator.control)).headers.get("content-security-policy"), /frame-ancestors 'none'/);
  });
});

describe("for everybody", { timeout: 60_000 }, () => {
  test("it can be used by the keyboard, and everything has a name", async () => {
    await start();
    const client = await connect();
    await client.subscribe(["eeg"]);
    const page = await look("signals");
    await page.locator("#quality [data-sensor]").first().waitFor();
    for (const [key, view] of [["2", "World"], ["3", "Client"], ["1", "Signals"]]) {
      await page.keyboard.press(key);
      await page.getByRole("main", { name: view }).waitFor();
      const nameless = await page.evaluate(() => [...document.querySelectorAll("button, input, select, textarea, a, canvas:not(.u-wrap canvas), [role=button], [role=img], svg:not([aria-hidden])")]
        .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.[0]?.textContent.trim() || e.closest("[role=img]") !== null))
        .map((e) => e.outerHTML.slice(0, 120)));
      assert.deepEqual(nameless, [], view);
    }
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the view");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    await page.keyboard.press("p");
    await eventually("paused", async () => (await emulator.api("GET", "/v1/clock")).paused);
  });

  test("a newcomer is told where to connect and whom to trust", async () => {
    await start();
    const page = await look("client");
    assert.equal(await page.locator("#url").textContent(), emulator.url);
    const welcome = page.locator("#no-client-is-connected");
    assert.ok((await welcome.textContent()).includes(emulator.ca));
    for (const language of ["Node.js", "C#", "Go", "Browser", "Python"]) {
      await button(page, language).click();
      const text = await welcome.locator("pre").textContent();
      assert.equal(text.split("\n").length, 3, `${language}: three lines`);
      assert.ok(text.includes(emulator.url), language);
    }
    const client = await connect();
    await welcome.waitFor({ state: "detached" });
    client.close();
    await welcome.waitFor();
  });
});
