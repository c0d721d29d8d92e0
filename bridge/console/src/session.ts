import { openSocket, plainChannel, subprotocol } from '../../client/src/channel.js';
import type { Door } from '../../client/src/page.js';
import type { State } from '../../client/src/state.js';

// The agent's address for this page holds a token that is good once. It buys a
// session, which stays in this tab: a reload keeps it, another tab has not got it.

const sessionKey = 'postern.session';
const accountKey = 'postern.account';

/** Takes the token out of the address bar before anything else can see it. */
export function takeToken(): string {
  const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
  if (token) history.replaceState(null, '', location.pathname);
  return token;
}

/** The session of this tab; undefined when the page has to be opened anew. */
export async function session(token: string): Promise<string | undefined> {
  if (token) {
    const answer = await fetch('/console/session', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    }).catch(() => undefined);
    if (answer?.ok) sessionStorage.setItem(sessionKey, (await answer.json()).session);
  }
  return sessionStorage.getItem(sessionKey) ?? undefined;
}

export function forgetSession(): void {
  sessionStorage.removeItem(sessionKey);
}

/** The account whose vault this tab shows. */
export function account(): string {
  return sessionStorage.getItem(accountKey) ?? 'local';
}

/** Shows another account's vault. Starting anew leaves nothing of the old one. */
export function switchAccount(name: string): void {
  sessionStorage.setItem(accountKey, name);
  location.reload();
}

const help: Partial<Record<State, string>> = {
  'not-reachable': 'Postern does not answer. Start it, then open the console from its tray menu or with postern open.',
  'not-allowed': 'The session of this page has ended.',
};

/**
 * The owner's door: same origin, no permission to ask for, a session to show. Its
 * frames are not sealed: who could stand between the page and the agent gave the
 * page its scripts.
 */
export function consoleDoor(session: string): Door {
  const url = `ws://${location.host}/bridge?${new URLSearchParams({ account: account() })}`;
  const protocols = [subprotocol, `postern.session.${session}`];
  return {
    open: async (signal) => plainChannel(await openSocket(url, protocols, { signal })),
    async diagnose() {
      const there = await fetch('/', { method: 'HEAD', cache: 'no-store' }).then(
        () => true,
        () => false,
      );
      return { state: there ? 'not-allowed' : 'not-reachable' };
    },
    help: ({ state }) => help[state] ?? '',
    onPermission: () => {},
  };
}
