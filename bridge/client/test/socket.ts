/** A WebSocket that a test plays the other side of. */
export class FakeSocket {
  static all: FakeSocket[] = [];
  static onsend: (socket: FakeSocket, message: any) => void = () => {};

  onopen = () => {};
  onmessage = (_: { data: string }) => {};
  onclose = () => {};
  sent: any[] = [];
  over = false;

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {
    FakeSocket.all.push(this);
    queueMicrotask(() => FakeSocket.onconnect(this));
  }

  static onconnect: (socket: FakeSocket) => void = (socket) => socket.close();

  send(frame: string): void {
    const message = JSON.parse(frame);
    this.sent.push(message);
    queueMicrotask(() => FakeSocket.onsend(this, message));
  }

  close(): void {
    if (this.over) return;
    this.over = true;
    queueMicrotask(() => this.onclose());
  }

  /** Sends to the page. */
  tell(message: object): void {
    this.onmessage({ data: JSON.stringify({ jsonrpc: '2.0', ...message }) });
  }

  static reset(): void {
    FakeSocket.all = [];
    FakeSocket.onsend = () => {};
    FakeSocket.onconnect = (socket) => socket.close();
  }
}
