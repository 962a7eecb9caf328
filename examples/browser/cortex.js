// A client of the Cortex service for a web page. No build step, no package.
// The browser must trust the CA of the service: docs/trust.md says how.

export class Cortex {
  #socket;
  #lastId = 0;
  #pending = new Map();
  onSample = () => {};
  onWarning = () => {};
  onClose = () => {};

  static connect(url = 'wss://localhost:6868') {
    const cortex = new Cortex();
    const socket = (cortex.#socket = new WebSocket(url));
    socket.onmessage = ({ data }) => cortex.#receive(JSON.parse(data));
    socket.onclose = ({ code }) => cortex.#closed(code);
    return new Promise((resolve, reject) => {
      socket.onopen = () => resolve(cortex);
      // A browser does not tell a page why: most often the CA is not trusted.
      socket.onerror = () => reject(new Error(`cannot connect to ${url}: does it run, and does this browser trust its CA?`));
    });
  }

  call(method, params = {}) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, jsonrpc: '2.0', method, params }));
    });
  }

  close() {
    this.#socket.close();
  }

  #receive(message) {
    if (message.warning) return this.onWarning(message.warning);
    if (message.sid) return this.onSample(message);
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.error) pending?.reject(new Error(`${message.error.code} ${message.error.message}`));
    else pending?.resolve(message.result);
  }

  #closed(code) {
    for (const { reject } of this.#pending.values()) reject(new Error(`closed with ${code}`));
    this.#pending.clear();
    this.onClose(code);
  }
}

// connected returns the headset once it is connected: the answer to connect
// comes at once, the outcome as a warning, 104 when it worked.
export async function connected(cortex) {
  const [headset] = await cortex.call('queryHeadsets');
  if (!headset) throw new Error('no headset in range');
  if (headset.status === 'connected') return headset;
  const outcome = new Promise((resolve, reject) => {
    cortex.onWarning = ({ code, message }) => {
      if (message.headsetId !== headset.id) return;
      if (code === 104) resolve();
      if ([100, 101, 102, 113].includes(code)) reject(new Error(`connect: ${message.behavior}`));
    };
  });
  await Promise.all([outcome, cortex.call('controlDevice', { command: 'connect', headset: headset.id })]);
  const [now] = await cortex.call('queryHeadsets', { id: headset.id });
  return now;
}
