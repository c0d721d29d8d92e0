/**
 * The client of Postern for web apps: a connection to the vault on its user's
 * own computer that mends itself, says why it is not there, and calls the
 * methods of the agent by name.
 */
import { delay } from './backoff.js';
import type { SocketConstructor } from './channel.js';
import { PosternError, cancelled, closed, connectionLost, noConnection } from './errors.js';
import { pageDoor, thisBrowser, type Browser, type Door, type Trouble } from './page.js';
import type { PairOptions } from './pairing.js';
import type { Events, Methods, VaultStatus } from './protocol.js';
import { Rpc } from './rpc.js';
import { connectedState, type Standing, type State } from './state.js';

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
  /** @internal */
  browser?: Browser;
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
type Arguments<M extends keyof Methods> =
  Record<never, never> extends Methods[M]['params']
    ? [params?: Methods[M]['params'], options?: CallOptions]
    : [params: Methods[M]['params'], options?: CallOptions];

/** Connects to the agent. It resolves with a state even when there is no agent. */
export async function connect(options: ConnectOptions): Promise<Postern> {
  const { app, account = 'default', port = 7678, WebSocket, browser = thisBrowser(WebSocket) } = options;
  return Postern.at(pageDoor({ app, account, port, browser }));
}

/**
 * After this long without a handshake the browser, not the agent, is waited for.
 * Windows takes two seconds to find that nobody listens.
 */
const slow = 2_500;
/** After this long a handshake that nobody has to permit has failed, and so has one whose agent is silent after it. */
const tooSlow = 8_000;

export class Postern {
  #door: Door;
  #standing: Standing = { state: 'not-reachable' };
  #vault: VaultStatus | undefined;
  #rpc: Rpc | undefined;
  #listeners = new Map<string, Set<(value: never) => void>>();
  #ending = new AbortController();
  /** A try is wanted now, whether the next pause has begun or not. */
  #awake = false;
  #endPause = () => {};
  /** Resolves when the state has been looked at again, changed or not. */
  #looked = signalOnce();

  private constructor(door: Door) {
    this.#door = door;
  }

  /** @internal */
  static async at(door: Door): Promise<Postern> {
    const postern = new Postern(door);
    const looked = postern.#looked.promise;
    postern.#watch();
    void postern.#run();
    await looked;
    return postern;
  }

  get state(): State {
    return this.#standing.state;
  }

  /** What the state means and what to do about it, in a sentence or two for the user. */
  get help(): string {
    return this.#door.help(this.#standing, this.#vault);
  }

  /** The vault as last told by the agent; undefined while there is no connection. */
  get vault(): VaultStatus | undefined {
    return this.#vault;
  }

  /** Calls a method of the agent. It rejects with a PosternError. */
  async call<M extends keyof Methods>(method: M, ...[params, options]: Arguments<M>): Promise<Methods[M]['result']> {
    if (this.#ending.signal.aborted) throw closed();
    if (!this.#rpc) throw noConnection(this.state, this.help);
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
   * most. After a yes both have pinned the other's key, and the connection is made
   * before this resolves.
   */
  async pair(options: PairOptions = {}): Promise<boolean> {
    if (!this.#door.pair) throw new PosternError('invalid', 'This page need not ask.');
    const allowed = await this.#door.pair(options).catch((error) => {
      if (error instanceof PosternError) throw error;
      throw options.signal?.aborted ? cancelled(error) : noConnection(this.state, this.help);
    });
    // A look that was under way may still tell how things were before.
    for (let looks = allowed ? 2 : 1; looks > 0 && !this.#rpc; looks--) {
      this.#wake();
      await this.#looked.promise;
    }
    return allowed;
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
      await this.#pause(this.state === 'permission-needed' ? undefined : delay(failures));
    }
  }

  /** Makes one connection and serves it until its end; false when the next should not hurry. */
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
      const channel = await this.#door.open(attempt.signal);
      clearTimeout(impatience);
      return await this.#serve(new Rpc(channel, (event, params) => this.#event(event, params)));
    } catch (error) {
      await this.#lost({ pending, error });
      return false;
    } finally {
      clearTimeout(impatience);
      this.#ending.signal.removeEventListener('abort', abandon);
    }
  }

  async #serve(rpc: Rpc): Promise<boolean> {
    this.#rpc = rpc;
    const silence = setTimeout(() => rpc.close(connectionLost()), tooSlow);
    const told = rpc.call('vault.status', {}).then(
      (vault) => (this.#told(vault), true),
      () => (rpc.close(connectionLost()), false),
    );
    void told.then(() => clearTimeout(silence));
    const end = await rpc.ended;
    await this.#lost({ pending: false, error: end });
    return (await told) && end.why !== 'broken';
  }

  /** A handshake takes long: tell why, and give up unless somebody may still permit it. */
  async #waited(attempt: AbortController): Promise<void> {
    const standing = await this.#door.diagnose({ pending: true });
    if (this.#rpc || attempt.signal.aborted) return;
    if (standing.state === 'permission-needed') this.#become(standing);
    else setTimeout(() => this.#rpc || attempt.abort(), tooSlow - slow);
  }

  #told(vault: VaultStatus): void {
    this.#vault = vault;
    this.#become({ state: connectedState(vault) });
  }

  async #lost(trouble: Trouble): Promise<void> {
    this.#rpc = undefined;
    this.#vault = undefined;
    if (!this.#ending.signal.aborted) this.#become(await this.#door.diagnose(trouble));
  }

  #become(standing: Standing): void {
    const changed = standing.state !== this.#standing.state || standing.reason !== this.#standing.reason;
    this.#standing = standing;
    const { resolve } = this.#looked;
    this.#looked = signalOnce();
    resolve();
    if (changed) this.#emit('state', { state: this.state, help: this.help });
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
