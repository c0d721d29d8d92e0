/**
 * A channel carries whole text frames between the page and the agent. It is the
 * one place that knows of WebSockets: what seals frames later goes in here, and
 * nothing else has to change.
 */
export interface Channel {
  send(frame: string): void;
  close(): void;
  onmessage: (frame: string) => void;
  /** Called once, when the other side or close ended the channel. */
  onclose: () => void;
}

export type SocketConstructor = new (url: string, protocols: string[]) => WebSocket;

export interface OpenOptions {
  signal?: AbortSignal;
  WebSocket?: SocketConstructor | undefined;
}

/** The first subprotocol that the page asks for; the agent speaks no other. */
export const subprotocol = 'postern.v1';

/** The largest frame that the agent reads, in bytes. */
export const maxFrame = 256 * 1024;

/**
 * Opens a channel. It rejects when the browser or the agent refuses, and stays
 * pending as long as the browser waits for its user's permission.
 */
export function open(url: string, protocols: string[], options: OpenOptions = {}): Promise<Channel> {
  const { signal, WebSocket: Socket = globalThis.WebSocket } = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    // The constructor itself throws where a browser forbids ws: on this page.
    const socket = new Socket(url, protocols);
    const channel: Channel = {
      send: (frame) => socket.send(frame),
      close: () => socket.close(),
      onmessage: () => {},
      onclose: () => {},
    };
    const abandon = () => {
      socket.close();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', abandon);
    socket.onopen = () => {
      signal?.removeEventListener('abort', abandon);
      resolve(channel);
    };
    socket.onmessage = (event) => channel.onmessage(event.data);
    socket.onclose = () => {
      signal?.removeEventListener('abort', abandon);
      // Means nothing to a promise that is resolved already.
      reject(new Error('the connection was refused'));
      channel.onclose();
    };
  });
}
