// Opens a session on the first headset that Cortex lists.
//
// openSession is how one writes it at first: the answer to controlDevice connect is
// a success, so createSession follows, again and again until it works. It does in
// the end, and the tests pass. Cortex has answered -32004 a dozen times meanwhile.
// openSessionPatiently knows that the answer only says that connecting has begun
// (cortex-example #127), and waits for the warning that tells how it went.
import WebSocket from 'ws';

const application = { clientId: 'example-client-id', clientSecret: 'example-client-secret' };
const HEADSET_CONNECTED = 104;
const CONNECT_FAILED = [100, 101, 102];

// Cortex is a connection to the service.
export class Cortex {
  #socket;
  #pending = new Map();
  #watchers = new Set();
  #lastId = 0;

  static async connect(url) {
    const cortex = new Cortex();
    cortex.#socket = new WebSocket(url);
    cortex.#socket.on('message', (text) => cortex.#receive(JSON.parse(text)));
    await new Promise((resolve, reject) => {
      cortex.#socket.once('open', resolve);
      cortex.#socket.once('error', reject);
    });
    return cortex;
  }

  #receive(message) {
    const answer = this.#pending.get(message.id);
    if (answer) {
      this.#pending.delete(message.id);
      if (message.error) answer.reject(Object.assign(new Error(message.error.message), { code: message.error.code }));
      else answer.resolve(message.result);
    } else if (message.warning) {
      for (const watcher of this.#watchers) watcher(message.warning);
    }
  }

  call(method, params = {}) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, jsonrpc: '2.0', method, params }));
    });
  }

  // warning resolves with the first warning that a function accepts.
  warning(accepts, timeout) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => done(reject, new Error(`no such warning within ${timeout} ms`)), timeout);
      const watcher = (warning) => accepts(warning) && done(resolve, warning);
      const done = (settle, value) => {
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        settle(value);
      };
      this.#watchers.add(watcher);
    });
  }

  close() {
    this.#socket.close();
  }
}

async function authorize(cortex) {
  const { cortexToken } = await cortex.call('authorize', { ...application, debit: 1 });
  const [headset] = await cortex.call('queryHeadsets');
  return { cortexToken, headset };
}

export async function openSession(cortex) {
  const { cortexToken, headset } = await authorize(cortex);
  await cortex.call('controlDevice', { command: 'connect', headset: headset.id });
  for (let attempt = 0; ; attempt++) {
    try {
      return { cortexToken, ...await cortex.call('createSession', { cortexToken, headset: headset.id, status: 'active' }) };
    } catch (error) {
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

export async function openSessionPatiently(cortex) {
  const { cortexToken, headset } = await authorize(cortex);
  if (headset.status !== 'connected') {
    // Watched from before the call: the warning may stand right behind the answer.
    const news = cortex.warning(({ code, message }) => message.headsetId === headset.id
      && (code === HEADSET_CONNECTED || CONNECT_FAILED.includes(code)), 30_000);
    await cortex.call('controlDevice', { command: 'connect', headset: headset.id });
    const { code, message } = await news;
    if (code !== HEADSET_CONNECTED) throw new Error(message.behavior);
  }
  return { cortexToken, ...await cortex.call('createSession', { cortexToken, headset: headset.id, status: 'active' }) };
}
