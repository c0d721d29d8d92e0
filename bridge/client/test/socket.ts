import type { SocketConstructor } from '../src/channel.js';

type Data = string | Uint8Array<ArrayBuffer>;

/** A WebSocket whose other side is played. */
export class FakeSocket {
  readonly OPEN = 1;
  readyState = 0;
  binaryType = '';
  onopen = () => {};
  onmessage = (_: { data: string | ArrayBuffer }) => {};
  onclose = (_: { code: number }) => {};
  /** What the page sent, as it sent it. */
  sent: Data[] = [];
  /** Gets what the page sends. */
  hear = (_: Data) => {};

  constructor(
    readonly url: string,
    readonly protocols: string[] = [],
  ) {}

  get socket(): WebSocket {
    return this as unknown as WebSocket;
  }

  get path(): string {
    return new URL(this.url).pathname;
  }

  get over(): boolean {
    return this.readyState === 3;
  }

  open(): void {
    if (this.over) return;
    this.readyState = this.OPEN;
    this.onopen();
  }

  send(data: Data): void {
    if (this.readyState !== this.OPEN) return;
    this.sent.push(data);
    queueMicrotask(() => this.hear(data));
  }

  close(): void {
    this.end(1005);
  }

  /** The other side speaks. */
  deliver(data: Data): void {
    if (!this.over) this.onmessage({ data: typeof data === 'string' ? data : data.slice().buffer });
  }

  /** Either side ends it. */
  end(code: number): void {
    if (this.over) return;
    this.readyState = 3;
    queueMicrotask(() => this.onclose({ code }));
  }
}

/** A constructor that tells of each socket once its page listens. */
export function socketsFor(met: (socket: FakeSocket) => void): SocketConstructor {
  class Socket extends FakeSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      queueMicrotask(() => met(this));
    }
  }
  return Socket as unknown as SocketConstructor;
}
