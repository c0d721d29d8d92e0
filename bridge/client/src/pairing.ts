import { openSocket, plainChannel, subprotocol, type SocketConstructor } from './channel.js';
import { PosternError, closed } from './errors.js';
import type { Keys } from './keys.js';
import { Rpc } from './rpc.js';
import { base64, comparisonCode, fromBase64, transcript, utf8, verify } from './transcript.js';

/** How long the owner has for an answer. */
const questionSeconds = 60;

export interface PairCode {
  /** Six digits. The owner says yes only where the agent shows the same. */
  code: string;
  /** How long the question stays open. */
  seconds: number;
}

export interface PairOptions {
  /** Gets the code to show: the owner compares it before saying yes. */
  onCode?: (code: PairCode) => void;
  /** Takes the question back. */
  signal?: AbortSignal;
}

export interface Applicant extends PairOptions {
  /** What the app calls itself. */
  app: string;
  url: string;
  port: number;
  origin: string;
  keys: Keys;
  WebSocket?: SocketConstructor | undefined;
}

/**
 * Asks the owner to allow this page's key, and pins the agent's key after a yes.
 * The page commits to its key and nonce before it sees the agent's: nobody between
 * the two can try keys until the codes are the same.
 */
export async function askToBeAllowed({ app, url, port, origin, keys, WebSocket, onCode, signal }: Applicant): Promise<boolean> {
  // First of all, because a yes to a key that cannot be kept is worth nothing.
  const key = await keys.page();
  const pageNonce = crypto.getRandomValues(new Uint8Array(32));
  const rpc = new Rpc(plainChannel(await openSocket(url, [subprotocol], { WebSocket, signal })), () => {});
  try {
    const commitment = base64(await transcript('commitment', key.public, pageNonce));
    const offer = await rpc.call('pair.request', { name: app, commitment }, signal);
    const agentKey = fromBase64(offer.agentKey);
    const agentNonce = fromBase64(offer.agentNonce);
    if (!agentKey || agentNonce?.length !== pageNonce.length) throw notProved();
    const pairing = await transcript('pairing', utf8(origin), agentKey, agentNonce, key.public, pageNonce);
    onCode?.({ code: await comparisonCode(pairing), seconds: questionSeconds });
    const reveal = { pageKey: base64(key.public), pageNonce: base64(pageNonce) };
    const { allowed, signature } = await rpc.call('pair.reveal', reveal, signal);
    if (!allowed) return false;
    if (!(await verify(agentKey, pairing, fromBase64(signature) ?? new Uint8Array()))) throw notProved();
    await keys.pin(port, agentKey);
    return true;
  } finally {
    rpc.close(closed());
  }
}

function notProved(): PosternError {
  return new PosternError('not_paired', 'Postern did not prove its key, so nothing was remembered.', 'Ask again. If this comes back, another program answers in its place.');
}
