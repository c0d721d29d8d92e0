import { Ended, openSocket, subprotocol, type Channel, type SocketConstructor } from './channel.js';
import { shakeHands } from './handshake.js';
import { browserOf, helpText } from './help.js';
import { browserKeys, type Keys } from './keys.js';
import { askToBeAllowed, type PairOptions } from './pairing.js';
import type { VaultStatus } from './protocol.js';
import { stateOf, type Permission, type Standing } from './state.js';

/** What is known of a connection that did not come about. */
export interface Trouble {
  /** It took, or takes, too long for an agent. */
  pending: boolean;
  error?: unknown;
}

/**
 * A door is where a connection knocks, what it has to show there, and how it
 * learns why nobody opened. Web apps use pageDoor; the console, which comes from
 * the agent, has its own.
 */
export interface Door {
  open(signal: AbortSignal): Promise<Channel>;
  diagnose(trouble: Trouble): Promise<Standing>;
  help(standing: Standing, vault?: VaultStatus): string;
  /** Asks to be allowed; absent where nobody has to ask. */
  pair?(options: PairOptions): Promise<boolean>;
  /** Calls back when the browser's permission changes. */
  onPermission(changed: () => void): void;
}

/** What a browser is to its page, so that tests and the playground can be one. */
export interface Browser {
  WebSocket: SocketConstructor | undefined;
  /** As the browser writes it in Origin. */
  origin: string;
  /** Whether the page came by a way on which nobody could change it. */
  secure: boolean;
  userAgent: string;
  keys: Keys;
  /** Whether anything answers HTTP there. */
  answers(url: string): Promise<boolean>;
  /** What the browser's user said about connections to this computer; undefined where no one is asked. */
  permission(): Promise<PermissionStatus | undefined>;
}

export function thisBrowser(WebSocket: SocketConstructor | undefined = globalThis.WebSocket): Browser {
  return {
    WebSocket,
    origin: globalThis.origin ?? '',
    secure: globalThis.isSecureContext ?? true,
    userAgent: globalThis.navigator?.userAgent ?? '',
    keys: browserKeys,
    answers,
    permission: queryPermission,
  };
}

/** Asking has not got the same name in all browsers that ask. */
async function queryPermission(): Promise<PermissionStatus | undefined> {
  for (const name of ['loopback-network', 'local-network-access']) {
    try {
      return await globalThis.navigator?.permissions?.query({ name: name as PermissionName });
    } catch {
      // This browser does not know that name.
    }
  }
  return undefined;
}

/** The answer cannot be read, and need not be. */
async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url, { mode: 'no-cors', cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(2_000) });
    return true;
  } catch {
    return false;
  }
}

export interface PageOptions {
  app: string;
  account: string;
  port: number;
  browser: Browser;
}

export function pageDoor({ app, account, port, browser }: PageOptions): Door {
  const { WebSocket, origin, secure, keys } = browser;
  const host = `127.0.0.1:${port}`;
  const name = browserOf(browser.userAgent);
  const connect = (path: string, signal: AbortSignal) => openSocket(`ws://${host}/${path}`, [subprotocol], { signal, WebSocket });
  /** Opens /pair and leaves again: whoever is let in there may ask. */
  const knock = async (signal: AbortSignal) => (await connect('pair', signal)).close();
  return {
    async open(signal) {
      const agentKey = secure ? await keys.agent(port).catch(() => undefined) : undefined;
      if (!agentKey) {
        await knock(signal);
        throw new Ended('unpaired');
      }
      const key = await keys.page();
      const socket = await connect('bridge', signal);
      signal.addEventListener('abort', () => socket.close());
      try {
        return await shakeHands(socket, { origin, account, key, agentKey });
      } catch (error) {
        socket.close();
        throw error;
      }
    },
    pair: (options) => askToBeAllowed({ ...options, app, url: `ws://${host}/pair`, port, origin, keys, WebSocket }),
    help: (standing, vault) => helpText(standing, name, vault, secure),
    async diagnose({ pending, error }) {
      const why = error instanceof Ended ? error.why : 'refused';
      if (why === 'stranger') return { state: 'not-paired', reason: 'other-agent' };
      if (why === 'unpaired') return notPaired(keys, port);
      if (why !== 'refused') return { state: 'not-reachable' };
      const permission: Permission = (await browser.permission())?.state ?? 'unknown';
      const refused = !secure || (error instanceof DOMException && error.name === 'SecurityError');
      const facts = { permission, pending, refused, mayPair: false, listening: false };
      // Where the browser asks its user, or was told no, other knocks fare like the first.
      if (stateOf(facts) === 'not-reachable') {
        facts.mayPair = await knock(AbortSignal.timeout(2_000)).then(
          () => true,
          () => false,
        );
        facts.listening = facts.mayPair || (await browser.answers(`http://${host}/`));
      }
      return facts.mayPair ? notPaired(keys, port) : { state: stateOf(facts) };
    },
    onPermission(changed) {
      void browser.permission().then((status) => status?.addEventListener('change', changed));
    },
  };
}

/** Not paired, and whether the browser stands in the way of that. */
async function notPaired(keys: Keys, port: number): Promise<Standing> {
  const kept = await keys.agent(port).then(
    () => true,
    () => false,
  );
  return kept ? { state: 'not-paired' } : { state: 'not-paired', reason: 'no-storage' };
}
