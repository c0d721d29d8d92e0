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
export declare const subprotocol = "postern.v1";
/** The largest frame that the agent reads, in bytes. */
export declare const maxFrame: number;
/**
 * Opens a channel. It rejects when the browser or the agent refuses, and stays
 * pending as long as the browser waits for its user's permission.
 */
export declare function open(url: string, protocols: string[], options?: OpenOptions): Promise<Channel>;
