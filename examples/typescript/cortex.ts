// A small typed client of the Cortex service: requests with their answers,
// warnings, and samples as they come.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import WebSocket from 'ws';

export interface Headset {
  id: string;
  status: 'discovered' | 'connecting' | 'connected';
  sensors: string[];
  settings: { eegRate: number };
}

/** Warnings about sessions, headsets and records carry an object, others a plain text. */
export interface Warning {
  code: number;
  message: string | { behavior: string; headsetId?: string; sessionId?: string };
}

export interface Subscribed {
  success: { streamName: string; cols: unknown[]; sid: string }[];
  failure: { streamName: string; code: number; message: string }[];
}

export interface Sample {
  sid: string;
  time: number; // seconds since 1970
  [stream: string]: unknown;
}

/** The error of a refused request. */
export class CortexError extends Error {
  constructor(method: string, readonly code: number, message: string) {
    super(`${method}: ${code} ${message}`);
  }
}

interface Pending {
  method: string;
  resolve: (result: any) => void;
  reject: (error: Error) => void;
}

export class Cortex {
  private lastId = 0;
  private readonly pending = new Map<number, Pending>();
  onSample: (sample: Sample) => void = () => {};
  onWarning: (warning: Warning) => void = () => {};

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (text) => this.receive(JSON.parse(String(text))));
    socket.on('close', (code) => this.fail(new Error(`closed with ${code}`)));
    socket.on('error', (error) => this.fail(error));
  }

  static async connect(url: string, caFile: string): Promise<Cortex> {
    const socket = new WebSocket(url, { ca: readFileSync(caFile) });
    const cortex = new Cortex(socket);
    await once(socket, 'open');
    return cortex;
  }

  call<Result>(method: string, params: object = {}): Promise<Result> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { method, resolve, reject });
      this.socket.send(JSON.stringify({ id, jsonrpc: '2.0', method, params }));
    });
  }

  close(): void {
    this.socket.close();
  }

  private receive(message: any): void {
    if (message.warning) return this.onWarning(message.warning);
    if (message.sid) return this.onSample(message);
    const pending = this.pending.get(message.id);
    if (!pending) return;
    this.pending.delete(message.id);
    if (message.error) pending.reject(new CortexError(pending.method, message.error.code, message.error.message));
    else pending.resolve(message.result);
  }

  private fail(error: Error): void {
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }
}
