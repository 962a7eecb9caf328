// Waits until the headset is connected, then streams two seconds of eeg.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Cortex, type Headset, type Sample, type Subscribed } from './cortex.js';

const url = process.env.FAKECORTEX_URL || 'wss://localhost:6868';
// The default of fakecortex on Linux; elsewhere ask `fakecortex ca --out FILE`.
const state = process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state');
const caFile = process.env.FAKECORTEX_CA || join(state, 'fakecortex', 'rootCA.pem');
// Any credentials will do with fakecortex; the real Cortex wants those of your application.
const application = { clientId: 'example-client-id', clientSecret: 'example-client-secret' };

// The outcome of a connect comes as a warning: 104 when it worked, these when not.
const connectFailed = new Set([100, 101, 102, 113]);

/** connected returns the first headset once it is connected. */
async function connected(cortex: Cortex): Promise<Headset> {
  const [headset] = await cortex.call<Headset[]>('queryHeadsets');
  if (!headset) throw new Error('no headset in range');
  if (headset.status === 'connected') return headset;

  console.log(`${headset.id} is ${headset.status}, waiting`);
  const outcome = new Promise<void>((resolve, reject) => {
    cortex.onWarning = ({ code, message }) => {
      if (typeof message === 'string' || message.headsetId !== headset.id) return;
      if (code === 104) resolve();
      if (connectFailed.has(code)) reject(new Error(`connect: warning ${code}: ${message.behavior}`));
    };
  });
  // Nobody listens to outcome while the call is on its way: it must not be lost.
  await Promise.all([outcome, cortex.call('controlDevice', { command: 'connect', headset: headset.id })]);
  // Only a connected headset knows its sensors and rates.
  const [now] = await cortex.call<Headset[]>('queryHeadsets', { id: headset.id });
  if (!now) throw new Error(`${headset.id} is gone`);
  return now;
}

/** receive resolves when it has that many samples of eeg, and rejects on a gap. */
function receive(cortex: Cortex, counter: number, rate: number, wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let count = 0;
    let last: number | undefined;
    cortex.onSample = (sample: Sample) => {
      const now = (sample.eeg as number[])[counter];
      if (last !== undefined && now !== (last + 1) % rate) reject(new Error(`counter ${now} follows ${last}`));
      last = now;
      if (++count === wanted) resolve(count);
    };
  });
}

async function main(): Promise<void> {
  const cortex = await Cortex.connect(url, caFile);
  const { cortexToken } = await cortex.call<{ cortexToken: string }>('authorize', { ...application, debit: 1 });
  const headset = await connected(cortex);
  const session = await cortex.call<{ id: string }>('createSession', { cortexToken, headset: headset.id, status: 'active' });
  const streams = { cortexToken, session: session.id, streams: ['eeg'] };

  const { success, failure } = await cortex.call<Subscribed>('subscribe', streams);
  const eeg = success.find(({ streamName }) => streamName === 'eeg');
  if (!eeg) throw new Error(`subscribe: ${failure[0]?.code} ${failure[0]?.message}`);

  const rate = headset.settings.eegRate;
  const count = await receive(cortex, eeg.cols.indexOf('COUNTER'), rate, 2 * rate);
  await cortex.call('unsubscribe', streams);
  await cortex.call('updateSession', { cortexToken, session: session.id, status: 'close' });
  cortex.close();
  console.log(`typescript: ${headset.id}: ${count} eeg samples at ${rate} Hz, no gap`);
}

setTimeout(() => {
  console.error('no end within 60 s');
  process.exit(1);
}, 60_000).unref();
await main();
