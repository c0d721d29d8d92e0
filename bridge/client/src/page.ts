import { open, subprotocol, type SocketConstructor } from './channel.js';
import { browserOf, helpText } from './help.js';
import type { VaultStatus } from './protocol.js';
import { stateOf, type Permission, type State } from './state.js';

/**
 * A door is where a connection knocks, and how it learns why nobody opened. Web
 * apps use pageDoor; the console, which comes from the agent, has its own.
 */
export interface Door {
  bridge: string;
  protocols: string[];
  /** Where a page asks to be allowed; absent where nobody has to ask. */
  pair?: string;
  WebSocket?: SocketConstructor | undefined;
  /** Tells why the bridge did not open; pending when it took or takes too long for an agent. */
  diagnose(trouble: { pending: boolean; error?: unknown }): Promise<State>;
  help(state: State, vault?: VaultStatus): string;
  /** Calls back when the browser's permission changes. */
  onPermission(changed: () => void): void;
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

/** Whether anything answers there. The answer cannot be read, and need not be. */
async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url, { mode: 'no-cors', cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(2_000) });
    return true;
  } catch {
    return false;
  }
}

async function opens(url: string, protocols: string[], WebSocket?: SocketConstructor): Promise<boolean> {
  try {
    const channel = await open(url, protocols, { WebSocket, signal: AbortSignal.timeout(2_000) });
    channel.close();
    return true;
  } catch {
    return false;
  }
}

export interface PageOptions {
  app: string;
  account: string;
  port: number;
  WebSocket?: SocketConstructor | undefined;
}

export function pageDoor({ app, account, port, WebSocket }: PageOptions): Door {
  const host = `127.0.0.1:${port}`;
  const protocols = [subprotocol];
  const pair = `ws://${host}/pair`;
  const secure = globalThis.isSecureContext ?? true;
  const browser = browserOf(globalThis.navigator?.userAgent ?? '');
  return {
    bridge: `ws://${host}/bridge?${new URLSearchParams({ account, app })}`,
    pair,
    protocols,
    WebSocket,
    help: (state, vault) => helpText(state, browser, vault, secure),
    async diagnose({ pending, error }) {
      const permission: Permission = (await queryPermission())?.state ?? 'unknown';
      const refused = !secure || (error instanceof DOMException && error.name === 'SecurityError');
      const facts = { permission, pending, refused, mayPair: false, listening: false };
      // Where the browser asks its user, or was told no, other knocks fare like the first.
      if (stateOf(facts) === 'not-reachable') {
        facts.mayPair = await opens(pair, protocols, WebSocket);
        facts.listening = facts.mayPair || (await answers(`http://${host}/`));
      }
      return stateOf(facts);
    },
    onPermission(changed) {
      void queryPermission().then((status) => status?.addEventListener('change', changed));
    },
  };
}
