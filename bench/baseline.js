// The mock that one would write in an afternoon with ws: it sends what an EPOC X
// sends on all of its streams, at its rates.
//
// usage: node baseline.js CERT KEY RECORDING
//
// / gets samples on the clock, /full?n=N gets N of them as fast as they go, and
// /idle nothing.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { WebSocketServer } from 'ws';

const [cert, key, recording] = process.argv.slice(2);
const streams = JSON.parse(readFileSync(recording, 'utf8'));
const sid = randomUUID();
const live = new Set();

// samples returns those that are due in the k-th 256th of a second, as texts.
function samples(k, time) {
  const due = [];
  for (const { name, rate, values } of streams) {
    const every = 256 / rate;
    if (k % every === 0) due.push(JSON.stringify({ [name]: values[(k / every) % values.length], sid, time: Math.round(time * 1e4) / 1e4 }));
  }
  return due;
}

const start = Date.now() / 1000;
let k = 0;
function onTheClock() {
  for (; start + k / 256 <= Date.now() / 1000; k++) {
    for (const text of samples(k, start + k / 256)) for (const ws of live) ws.send(text);
  }
  setTimeout(onTheClock, (start + k / 256) * 1000 - Date.now());
}

function full(ws, left) {
  let k = 0;
  const more = () => {
    while (left > 0 && ws.bufferedAmount < 1 << 20) {
      for (const text of samples(k, 1767268800 + k++ / 256)) if (left-- > 0) ws.send(text);
    }
    if (left > 0 && ws.readyState === ws.OPEN) setImmediate(more);
  };
  more();
}

const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) });
new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (ws, request) => {
  const url = new URL(request.url, 'wss://localhost');
  ws.on('error', () => {});
  if (url.pathname === '/full') full(ws, Number(url.searchParams.get('n')));
  else if (url.pathname === '/') {
    live.add(ws);
    ws.on('close', () => live.delete(ws));
  }
});
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ url: `wss://localhost:${server.address().port}` }));
  onTheClock();
});
