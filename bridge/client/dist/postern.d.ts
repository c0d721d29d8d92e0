import type { SocketConstructor } from './channel.js';
import type { PairOptions } from './pairing.js';
import type { Events, Methods, VaultStatus } from './protocol.js';
import { type State } from './state.js';
export { PosternError, type ErrorKind } from './errors.js';
export type { PairCode, PairOptions } from './pairing.js';
export type { State } from './state.js';
export type * from './protocol.js';
export type * from './postman.js';
export interface ConnectOptions {
    /** What your app calls itself. The owner sees it when the app asks to be allowed. */
    app: string;
    /** Which of your app's users; each has a vault of its own. */
    account?: string;
    /** The port of the agent; 7678 unless its owner chose another. */
    port?: number;
    /** A WebSocket constructor, for places that have none of their own. */
    WebSocket?: SocketConstructor;
}
export interface CallOptions {
    /** Cancels the call, in the agent too. */
    signal?: AbortSignal;
}
/** What a page shows while its owner decides. */
export interface StateChange {
    state: State;
    help: string;
}
/** What `on` can listen to: the events of the agent, and the state of the connection. */
export interface PosternEvents extends Events {
    state: StateChange;
}
/** Parameters may be left out where none is required. */
type Arguments<M extends keyof Methods> = Record<never, never> extends Methods[M]['params'] ? [params?: Methods[M]['params'], options?: CallOptions] : [params: Methods[M]['params'], options?: CallOptions];
/** Connects to the agent. It resolves with a state even when there is no agent. */
export declare function connect(options: ConnectOptions): Promise<Postern>;
export declare class Postern {
    #private;
    private constructor();
    get state(): State;
    /** What the state means and what to do about it, in a sentence or two for the user. */
    get help(): string;
    /** The vault as last told by the agent; undefined while there is no connection. */
    get vault(): VaultStatus | undefined;
    /** Calls a method of the agent. It rejects with a PosternError. */
    call<M extends keyof Methods>(method: M, ...[params, options]: Arguments<M>): Promise<Methods[M]['result']>;
    /** Listens to an event; the result ends that. */
    on<E extends keyof PosternEvents>(event: E, listener: (value: PosternEvents[E]) => void): () => void;
    /**
     * Asks the owner to allow this page, and waits for the answer, a minute at
     * most. After a yes both have pinned the other's key, and the connection is made
     * before this resolves.
     */
    pair(options?: PairOptions): Promise<boolean>;
    /** Tries to connect now, for a button that says so. The browser may ask its user again. */
    retry(): void;
    /** Ends the connection for good. Calls under way fail with the kind `cancelled`. */
    close(): void;
}
