// Streams eeg and mot with the package ws, and checks that no sample is missing.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';

const url = process.env.FAKECORTEX_URL || 'wss://localhost:6868';
// The default of fakecortex on Linux; elsewhere ask `fakecortex ca --out FILE`.
const state = process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state');
const ca = process.env.FAKECORTEX_CA || join(state, 'fakecortex', 'rootCA.pem');
// Any credentials will do with fakecortex; the real Cortex wants those of your application.
const application = { clientId: 'example-client-id', clientSecret: 'example-client-secret' };
const wanted = { eeg: 512, mot: 128 };

const socket = new WebSocket(url, { ca: readFileSync(ca) });
const pending = new Map();
let onSample = () => {};
let onWarning = () => {};
let lastId = 0;

const failed = new Promise((_, reject) => {
  socket.on('error', reject);
  socket.on('close', (code, reason) => reject(new Error(`closed with ${code} ${reason}`)));
  setTimeout(() => reject(new Error('no end within 60 s')), 60_000).unref();
  socket.on('message', (text) => {
    try {
      const message = JSON.parse(text);
      const answer = pending.get(message.id);
      if (!answer) {
        if (message.warning) onWarning(message.warning);
        else onSample(message);
        return;
      }
      pending.delete(message.id);
      if (message.error) answer.reject(new Error(JSON.stringify(message.error)));
      else answer.resolve(message.result);
    } catch (error) {
      reject(error);
    }
  });
});

function call(method, params = {}) {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    pending.set(id, { resolve, reject });
    socket.send(JSON.stringify({ id, jsonrpc: '2.0', method, params }));
  });
}

// counter returns a function that takes the samples of one stream and throws on a gap.
function counter({ streamName, cols }, rate) {
  const column = cols.indexOf(streamName === 'eeg' ? 'COUNTER' : 'COUNTER_MEMS');
  let last;
  return { streamName, rate, count: 0, add(sample) {
    if (sample.length !== cols.length) throw new Error(`${streamName}: ${sample.length} values for ${cols.length} columns`);
    const now = sample[column];
    // The counter goes back to 0 every second.
    if (!Number.isInteger(now) || (last !== undefined && now !== (last + 1) % rate)) throw new Error(`${streamName}: counter ${now} follows ${last}`);
    last = now;
    this.count++;
  } };
}

// collect resolves when every stream has its samples.
function collect(subscribed, settings) {
  if (subscribed.failure.length) throw new Error(`subscribe: ${JSON.stringify(subscribed.failure)}`);
  const rates = { eeg: settings.eegRate, mot: settings.memsRate };
  const counters = subscribed.success.map((s) => counter(s, rates[s.streamName]));
  return new Promise((resolve) => {
    onSample = (message) => {
      for (const c of counters) if (c.streamName in message) c.add(message[c.streamName]);
      if (counters.every((c) => c.count >= wanted[c.streamName])) {
        onSample = () => {};
        resolve(counters);
      }
    };
  });
}

// connected returns the first headset once it is connected: warning 104 says so.
async function connected() {
  const [headset] = await call('queryHeadsets');
  if (headset.status !== 'connected') {
    console.log(`${headset.id} is ${headset.status}, waiting`);
    const outcome = new Promise((resolve, reject) => {
      onWarning = ({ code, message }) => {
        if (message.headsetId !== headset.id) return;
        if (code === 104) resolve();
        if ([100, 101, 102, 113].includes(code)) reject(new Error(`connect: warning ${code}: ${message.behavior}`));
      };
    });
    await Promise.all([outcome, call('controlDevice', { command: 'connect', headset: headset.id })]);
  }
  // Only a connected headset knows its sensors and rates.
  return (await call('queryHeadsets', { id: headset.id }))[0];
}

async function main() {
  await new Promise((resolve) => socket.once('open', resolve));
  const { cortexToken } = await call('authorize', { ...application, debit: 1 });
  const headset = await connected();
  const session = await call('createSession', { cortexToken, headset: headset.id, status: 'active' });
  const streams = { cortexToken, session: session.id, streams: ['eeg', 'mot'] };
  // Samples stand right behind the answer: a first few may pass before the counting starts.
  const counters = await call('subscribe', streams).then((s) => collect(s, headset.settings));
  await call('unsubscribe', streams);
  await call('updateSession', { cortexToken, session: session.id, status: 'close' });
  console.log(`ws: ${headset.id}: ${counters.map((c) => `${c.count} ${c.streamName} samples at ${c.rate} Hz`).join(', ')}, no gap`);
}

try {
  await Promise.race([main(), failed]);
  failed.catch(() => {}); // the close that follows is ours
  socket.close();
} catch (error) {
  console.error(`fakecortex example: ${error.message}`);
  process.exit(1);
}
