import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core';
import { Ended, ended, type Channel } from './channel.js';
import type { PageKey } from './keys.js';
import { agentFrames, sealedChannel } from './sealed.js';
import { base64, concat, equal, fromBase64, transcript, utf8, verify, type Bytes } from './transcript.js';

/** The agent speaks first, and at once. */
const patience = 5_000;

/** A hello has four short members; what is longer is none. */
const maxHello = 4096;

export interface Page {
  origin: string;
  account: string;
  key: PageKey;
  /** The agent's key that the page has pinned. */
  agentKey: Bytes;
}

/**
 * Proves the agent to the page and the page to the agent, and gives the channel
 * that both keys seal. It sends nothing to somebody who does not prove the pinned
 * key.
 */
export async function shakeHands(socket: WebSocket, page: Page): Promise<Channel> {
  const hello = await firstFrame(socket);
  const channelKey = await checkHello(hello, page.agentKey);
  const suite = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
  const helloBytes = utf8(hello);
  const origin = utf8(page.origin);
  const sender = await suite.createSenderContext({
    recipientPublicKey: await suite.kem.deserializePublicKey(channelKey),
    info: await transcript('channel', helloBytes, origin),
  });
  const enc = new Uint8Array(sender.enc);
  const signed = await transcript('proof', helloBytes, enc, origin, utf8(page.account));
  const proof = JSON.stringify({ pageKey: base64(page.key.public), account: page.account, signature: base64(await page.key.sign(signed)) });
  const seal = async (frame: Bytes) => new Uint8Array(await sender.seal(frame));
  const exported = async (name: string, size: number) => new Uint8Array(await sender.export(utf8(`postern/v1/agent ${name}`), size));
  const open = await agentFrames(await exported('key', 32), await exported('nonce', 12));
  const first = concat(enc, await seal(utf8(proof)));
  // A close while the keys were computed was told to nobody.
  if (socket.readyState !== socket.OPEN) throw new Ended('closed');
  const channel = sealedChannel(socket, seal, open);
  socket.send(first);
  return channel;
}

/** The agent's hello, as it came: its bytes are part of what both sides sign. */
function firstFrame(socket: WebSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Ended('silent')), patience);
    const settle = () => clearTimeout(timer);
    socket.onmessage = ({ data }) => {
      settle();
      if (typeof data === 'string' && data.length <= maxHello) resolve(data);
      else reject(new Ended('stranger'));
    };
    socket.onclose = (event) => {
      settle();
      reject(ended(event));
    };
  });
}

/** Gives the channel key of a hello that the pinned key has signed. */
async function checkHello(frame: string, pinned: Bytes): Promise<Bytes> {
  const { agentKey, channelKey, nonce, signature } = helloOf(frame);
  if (!agentKey || !channelKey || !nonce || !signature || !equal(agentKey, pinned)) throw new Ended('stranger');
  if (!(await verify(pinned, await transcript('hello', agentKey, channelKey, nonce), signature))) throw new Ended('stranger');
  return channelKey;
}

function helloOf(frame: string): Record<string, Bytes | undefined> {
  try {
    return Object.fromEntries(Object.entries(JSON.parse(frame)).map(([name, value]) => [name, fromBase64(value)]));
  } catch {
    throw new Ended('stranger');
  }
}
