/**
 * The client of Postern for web apps: a connection to the vault on its user's
 * own computer that mends itself, says why it is not there, and calls the
 * methods of the agent by name.
 */
import { delay } from './backoff.js';
import { open, type SocketConstructor } from './channel.js';
import { PosternError, closed, noConnection } from './errors.js';
import { pageDoor, type Door } from './page.js';
import type { Events, Methods, PairCode, VaultStatus } from './protocol.js';
import { Rpc } from './rpc.js';
import { connectedState, type State } from './state.js';

export { PosternError, type ErrorKind } from './errors.js';
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

export interface PairOptions {
  /** Gets the code to show: the owner compares it before saying yes. */
  onCode?: (code: PairCode) => void;
  /** Takes the question back. */
  signal?: AbortSignal;
}

export interface StateChange {
  state: State;
  help: string;
}

/** What `on` can listen to: the events of the agent, and the state of the connection. */
export interface PosternEvents extends Events {
  state: StateChange;
}

/** Parameters may be left out where none is required. */
type Arguments<M extends keyof Methods> =
  Record<never, never> extends Methods[M]['params']
    ? [params?: Methods[M]['params'], options?: CallOptions]
    : [params: Methods[M]['params'], options?: CallOptions];

/** Connects to the agent. It resolves with a state even when there is no agent. */
export async function connect(options: ConnectOptions): Promise<Postern> {
  const { app, account = 'default', port = 7678, WebSocket } = options;
  return Postern.at(pageDoor({ app, account, port, WebSocket }), app);
}

/**
 * After this long without a handshake the browser, not the agent, is waited for.
 * Windows takes two seconds to find that nobody listens.
 */
const slow = 2_500;
/** After this long a handshake that nobody has to permit has failed. */
const tooSlow = 8_000;

export class Postern {
  #door: Door;
  #app: string;
  #state: State = 'not-reachable';
  #vault: VaultStatus | undefined;
  #rpc: Rpc | undefined;
  #listeners = new Map<string, Set<(value: never) => void>>();
  #ending = new AbortController();
  /** A try is wanted now, whether the next pause has begun or not. */
  #awake = false;
  #endPause = () => {};
  /** Resolves when the state has been looked at again, changed or not. */
  #looked = signalOnce();

  private constructor(door: Door, app: string) {
    this.#door = door;
    this.#app = app;
  }

  /** @internal */
  static async at(door: Door, app: string): Promise<Postern> {
    const postern = new Postern(door, app);
    const looked = postern.#looked.promise;
    postern.#watch();
    void postern.#run();
    await looked;
    return postern;
  }

  get state(): State {
    return this.#state;
  }

  /** What the state means and what to do about it, in a sentence or two for the user. */
  get help(): string {
    return this.#door.help(this.#state, this.#vault);
  }

  /** The vault as last told by the agent; undefined while there is no connection. */
  get vault(): VaultStatus | undefined {
    return this.#vault;
  }

  /** Calls a method of the agent. It rejects with a PosternError. */
  async call<M extends keyof Methods>(method: M, ...[params, options]: Arguments<M>): Promise<Methods[M]['result']> {
    if (this.#ending.signal.aborted) throw closed();
    if (!this.#rpc) throw noConnection(this.#state, this.help);
    return this.#rpc.call(method, params ?? {}, options?.signal);
  }

  /** Listens to an event; the result ends that. */
  on<E extends keyof PosternEvents>(event: E, listener: (value: PosternEvents[E]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /**
   * Asks the owner to allow this page, and waits for the answer, a minute at
   * most. After a yes the connection is made before this resolves.
   */
  async pair({ onCode, signal }: PairOptions = {}): Promise<boolean> {
    if (!this.#door.pair) throw new PosternError('invalid', 'This page need not ask.');
    let channel;
    try {
      channel = await open(this.#door.pair, this.#door.protocols, { WebSocket: this.#door.WebSocket, ...(signal && { signal }) });
    } catch {
      throw noConnection(this.#state, this.help);
    }
    const rpc = new Rpc(channel, (event, params) => {
      if (event === 'pair.code') onCode?.(params as PairCode);
    });
    try {
      const { allowed } = await rpc.call('pair.request', { name: this.#app }, signal);
      // A look that was under way may still tell how things were before.
      for (let looks = allowed ? 2 : 1; looks > 0 && !this.#rpc; looks--) {
        this.#wake();
        await this.#looked.promise;
      }
      return allowed;
    } finally {
      rpc.close(closed());
    }
  }

  /** Tries to connect now, for a button that says so. The browser may ask its user again. */
  retry(): void {
    if (!this.#rpc) this.#wake();
  }

  /** Ends the connection for good. Calls under way fail with the kind `cancelled`. */
  close(): void {
    this.#ending.abort();
    this.#rpc?.close(closed());
    this.#listeners.clear();
    this.#wake();
  }

  /** Connects, and again whenever the connection ends or fails. */
  async #run(): Promise<void> {
    for (let failures = 0; !this.#ending.signal.aborted; ) {
      failures = (await this.#connection()) ? 0 : failures + 1;
      // Another try would make the browser ask its user again, who just looked away.
      await this.#pause(this.#state === 'permission-needed' ? undefined : delay(failures));
    }
  }

  /** Serves one connection until its end; false when it never opened. */
  async #connection(): Promise<boolean> {
    this.#awake = false;
    const attempt = new AbortController();
    const abandon = () => attempt.abort();
    this.#ending.signal.addEventListener('abort', abandon);
    let pending = false;
    const impatience = setTimeout(() => {
      pending = true;
      void this.#waited(attempt);
    }, slow);
    try {
      const { bridge, protocols, WebSocket } = this.#door;
      const channel = await open(bridge, protocols, { signal: attempt.signal, WebSocket });
      const rpc = new Rpc(channel, (event, params) => this.#event(event, params));
      this.#rpc = rpc;
      this.#told(await rpc.call('vault.status', {}));
      await rpc.ended;
      this.#lost('not-reachable');
      return true;
    } catch (error) {
      if (!this.#ending.signal.aborted) this.#lost(await this.#door.diagnose({ pending, error }));
      return false;
    } finally {
      clearTimeout(impatience);
      this.#ending.signal.removeEventListener('abort', abandon);
    }
  }

  /** A handshake takes long: tell why, and give up unless somebody may still permit it. */
  async #waited(attempt: AbortController): Promise<void> {
    const state = await this.#door.diagnose({ pending: true });
    if (this.#rpc || attempt.signal.aborted) return;
    if (state === 'permission-needed') this.#become(state);
    else setTimeout(() => this.#rpc || attempt.abort(), tooSlow - slow);
  }

  #told(vault: VaultStatus): void {
    this.#vault = vault;
    this.#become(connectedState(vault));
  }

  #lost(state: State): void {
    this.#rpc = undefined;
    this.#vault = undefined;
    this.#become(state);
  }

  #become(state: State): void {
    const changed = state !== this.#state;
    this.#state = state;
    const { resolve } = this.#looked;
    this.#looked = signalOnce();
    resolve();
    if (changed) this.#emit('state', { state, help: this.help });
  }

  #event<E extends keyof Events>(event: E, params: Events[E]): void {
    if (event === 'vault.changed') this.#told(params as VaultStatus);
    this.#emit(event, params as PosternEvents[E]);
  }

  #emit<E extends keyof PosternEvents>(event: E, value: PosternEvents[E]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      // One listener's mistake is no reason to leave out the others.
      try {
        (listener as (value: PosternEvents[E]) => void)(value);
      } catch (error) {
        reportError(error);
      }
    }
  }

  /** Waits so long, or until it is woken. */
  #pause(milliseconds?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = milliseconds === undefined ? undefined : setTimeout(resolve, milliseconds);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#awake) this.#endPause();
    });
  }

  #wake(): void {
    this.#awake = true;
    this.#endPause();
  }

  /** Tries at once when the page is looked at again or the browser's user decided. */
  #watch(): void {
    const { signal } = this.#ending;
    const wake = () => this.#wake();
    globalThis.document?.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && wake(), { signal });
    this.#door.onPermission(wake);
  }
}

function signalOnce(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
