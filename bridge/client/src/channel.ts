/** A channel carries whole text frames between the page and the agent, in the clear or sealed. */
export interface Channel {
  send(frame: string): void;
  close(): void;
  onmessage: (frame: string) => void;
  /** Called once, when the other side or close ended the channel. */
  onclose: (end: Ended) => void;
}

/**
 * Why there is no connection any more, or never was one:
 *
 * - `refused`: the WebSocket did not open; nobody says why.
 * - `closed`: it was closed later.
 * - `silent`: it opened, and nothing came.
 * - `broken`: a frame did not open, so somebody meddles with the connection.
 * - `unpaired`: the agent does not know the page's key, or the page no agent's.
 * - `stranger`: what answered has not got the agent's key.
 */
export type Why = 'refused' | 'closed' | 'silent' | 'broken' | 'unpaired' | 'stranger';

export class Ended extends Error {
  readonly why: Why;

  constructor(why: Why) {
    super(`the connection is ${why}`);
    this.why = why;
  }
}

export type SocketConstructor = new (url: string, protocols: string[]) => WebSocket;

export interface OpenOptions {
  signal?: AbortSignal | undefined;
  WebSocket?: SocketConstructor | undefined;
}

/** The first subprotocol that the page asks for; the agent speaks no other. */
export const subprotocol = 'postern.v1';

/** The largest frame that the agent reads, in bytes. */
export const maxFrame = 256 * 1024;

/** The close code for a page whose key is not allowed for its origin. */
const closeNotPaired = 4401;

/**
 * Opens a WebSocket. It rejects when the browser or the agent refuses, and stays
 * pending as long as the browser waits for its user's permission. Whoever awaits
 * it must listen at once: the agent may speak first.
 */
export function openSocket(url: string, protocols: string[], options: OpenOptions = {}): Promise<WebSocket> {
  const { signal, WebSocket: Socket = globalThis.WebSocket } = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    // The constructor itself throws where a browser forbids ws: on this page.
    const socket = new Socket(url, protocols);
    socket.binaryType = 'arraybuffer';
    const abandon = () => {
      socket.close();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', abandon);
    const settle = (settled: () => void) => () => {
      signal?.removeEventListener('abort', abandon);
      settled();
    };
    socket.onopen = settle(() => resolve(socket));
    socket.onclose = settle(() => reject(new Ended('refused')));
  });
}

/** What a close code says. */
export function ended({ code }: CloseEvent): Ended {
  return new Ended(code === closeNotPaired ? 'unpaired' : 'closed');
}

/** A channel of text frames in the clear: for pairing, and for the owner's console, which comes from the agent itself. */
export function plainChannel(socket: WebSocket): Channel {
  const channel: Channel = {
    send: (frame) => socket.send(frame),
    close: () => socket.close(),
    onmessage: () => {},
    onclose: () => {},
  };
  socket.onmessage = ({ data }) => channel.onmessage(data);
  socket.onclose = (event) => channel.onclose(ended(event));
  return channel;
}
