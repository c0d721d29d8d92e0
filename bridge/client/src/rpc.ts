import { maxFrame, type Channel, type Ended } from './channel.js';
import { PosternError, cancelled, connectionLost, fromWire, type WireError } from './errors.js';
import type { Events, Methods } from './protocol.js';

interface Waiting {
  resolve(result: unknown): void;
  reject(error: PosternError): void;
}

interface Incoming {
  id?: number;
  method?: string;
  params?: unknown;
  result?: unknown;
  error?: WireError;
}

/** JSON-RPC 2.0 over one channel. */
export class Rpc {
  /** Resolves when the channel has ended, with the reason. */
  readonly ended: Promise<Ended>;
  #channel: Channel;
  #waiting = new Map<number, Waiting>();
  #lastID = 0;
  #over = false;

  constructor(channel: Channel, onevent: <E extends keyof Events>(event: E, params: Events[E]) => void) {
    this.#channel = channel;
    channel.onmessage = (frame) => {
      const message: Incoming = JSON.parse(frame);
      if (message.method === undefined) this.#answered(message);
      else onevent(message.method as keyof Events, message.params as Events[keyof Events]);
    };
    this.ended = new Promise((resolve) => {
      channel.onclose = (end) => {
        this.#fail(connectionLost());
        resolve(end);
      };
    });
  }

  call<M extends keyof Methods>(method: M, params: Methods[M]['params'], signal?: AbortSignal): Promise<Methods[M]['result']> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(cancelled(signal.reason));
      if (this.#over) return reject(connectionLost());
      const id = ++this.#lastID;
      const frame = JSON.stringify({ jsonrpc: '2.0', id, method, params });
      // A frame of more bytes would cost the whole connection.
      if (frame.length > maxFrame || new TextEncoder().encode(frame).length > maxFrame) {
        return reject(new PosternError('too_large', 'The call is larger than 256 KiB.', 'Send less at once.'));
      }
      const abort = () => {
        this.#waiting.delete(id);
        if (!this.#over) void this.call('request.cancel', { id }).catch(() => {});
        reject(cancelled(signal?.reason));
      };
      const settled = () => signal?.removeEventListener('abort', abort);
      this.#waiting.set(id, {
        resolve: (result) => (settled(), resolve(result as Methods[M]['result'])),
        reject: (error) => (settled(), reject(error)),
      });
      signal?.addEventListener('abort', abort);
      this.#channel.send(frame);
    });
  }

  /** Ends the channel; what waits for an answer fails with the error. */
  close(error: PosternError): void {
    this.#fail(error);
    this.#channel.close();
  }

  #answered(message: Incoming): void {
    // An answer to a call that was cancelled has nobody who waits for it.
    const waiting = this.#waiting.get(message.id ?? 0);
    if (!waiting) return;
    this.#waiting.delete(message.id ?? 0);
    if (message.error) waiting.reject(fromWire(message.error));
    else waiting.resolve(message.result);
  }

  #fail(error: PosternError): void {
    this.#over = true;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
