import { concat, utf8, type Bytes } from './transcript.js';
import { Ended, ended, type Channel } from './channel.js';

/** The first byte of a plaintext that holds JSON-RPC. */
const textFrame = Uint8Array.of(1);

/** What one side does to its frames, one after the other. */
export type Step = (frame: Bytes) => Promise<Bytes>;

/**
 * Opens the agent's frames. The nonce counts them, so a frame that was replayed,
 * left out, moved or sent back does not open.
 */
export async function agentFrames(key: Bytes, base: Bytes): Promise<Step> {
  const aes = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt']);
  let received = 0n;
  return async (sealed) => {
    const iv = base.slice();
    const counter = new DataView(iv.buffer);
    counter.setBigUint64(4, counter.getBigUint64(4) ^ received++);
    return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, aes, sealed));
  };
}

/** The text of an opened frame. */
export function textOf(plain: Bytes): string {
  if (plain[0] !== textFrame[0]) throw new Ended('broken');
  return new TextDecoder('utf-8', { fatal: true }).decode(plain.subarray(1));
}

/**
 * A channel of binary frames that only the two who shook hands can read or write.
 * WebCrypto answers later and in any order; each direction is a line in which
 * every frame waits for the one before it. The first frame that fails is the last.
 */
export function sealedChannel(socket: WebSocket, seal: Step, open: Step): Channel {
  let over = false;
  const end = (why: Ended) => {
    if (over) return;
    over = true;
    channel.onclose(why);
  };
  // The other side may be slow to close what it broke.
  const broken = () => {
    socket.close();
    end(new Ended('broken'));
  };
  let outgoing = Promise.resolve();
  let incoming = Promise.resolve();
  const channel: Channel = {
    send(frame) {
      outgoing = outgoing.then(async () => socket.send(await seal(concat(textFrame, utf8(frame))))).catch(broken);
    },
    close: () => socket.close(),
    onmessage: () => {},
    onclose: () => {},
  };
  const receive = async (data: unknown) => {
    if (over) return;
    if (!(data instanceof ArrayBuffer)) return broken();
    const text = textOf(await open(new Uint8Array(data)));
    channel.onmessage(text);
  };
  socket.onmessage = ({ data }) => void (incoming = incoming.then(() => receive(data)).catch(broken));
  // What came before the close is read before it.
  socket.onclose = (event) => void incoming.then(() => end(ended(event)));
  return channel;
}
