// The page of examples/browser in a real Chromium, against the fakecortex of
// FAKECORTEX_URL: it waits for the headset and counts samples.
// usage: node example.js CHROMIUM FOLDER
import assert from 'node:assert';
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { chromium } from 'playwright-core';

const [executablePath, folder] = process.argv.slice(2);
const types = { '.html': 'text/html', '.js': 'text/javascript' };
const server = createServer(({ url }, answer) => {
  const file = new URL(url, 'http://localhost').pathname;
  answer.setHeader('Content-Type', types[extname(file)] ?? 'application/octet-stream');
  createReadStream(join(folder, file)).on('error', () => answer.writeHead(404).end()).pipe(answer);
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));

const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  // A browser's trust is a setting of its user's; what the page does is the same without.
  const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/index.html?url=${encodeURIComponent(process.env.FAKECORTEX_URL)}`);
  const status = page.locator('#status');
  await page.waitForFunction(() => /samples at|failed|closed/.test(document.querySelector('#status').textContent), undefined, { timeout: 60_000 });
  const text = await status.textContent();
  assert.match(text, /^\S+: \d+ eeg samples at \d+ Hz$/);
  const drawn = await page.evaluate(() => {
    const { width, height } = document.querySelector('canvas');
    return document.querySelector('canvas').getContext('2d').getImageData(0, 0, width, height).data.some((value) => value > 0);
  });
  assert.ok(drawn, 'nothing is drawn');
  console.log(`browser: ${text}`);
} finally {
  await browser.close();
  server.close();
}
