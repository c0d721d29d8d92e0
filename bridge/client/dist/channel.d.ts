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
export declare class Ended extends Error {
    readonly why: Why;
    constructor(why: Why);
}
export type SocketConstructor = new (url: string, protocols: string[]) => WebSocket;
export interface OpenOptions {
    signal?: AbortSignal | undefined;
    WebSocket?: SocketConstructor | undefined;
}
/** The first subprotocol that the page asks for; the agent speaks no other. */
export declare const subprotocol = "postern.v1";
/** The largest frame that the agent reads, in bytes. */
export declare const maxFrame: number;
/**
 * Opens a WebSocket. It rejects when the browser or the agent refuses, and stays
 * pending as long as the browser waits for its user's permission. Whoever awaits
 * it must listen at once: the agent may speak first.
 */
export declare function openSocket(url: string, protocols: string[], options?: OpenOptions): Promise<WebSocket>;
/** What a close code says. */
export declare function ended({ code }: CloseEvent): Ended;
/** A channel of text frames in the clear: for pairing, and for the owner's console, which comes from the agent itself. */
export declare function plainChannel(socket: WebSocket): Channel;
