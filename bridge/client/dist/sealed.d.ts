import { type Bytes } from './transcript.js';
import { type Channel } from './channel.js';
/** What one side does to its frames, one after the other. */
export type Step = (frame: Bytes) => Promise<Bytes>;
/**
 * Opens the agent's frames. The nonce counts them, so a frame that was replayed,
 * left out, moved or sent back does not open.
 */
export declare function agentFrames(key: Bytes, base: Bytes): Promise<Step>;
/** The text of an opened frame. */
export declare function textOf(plain: Bytes): string;
/**
 * A channel of binary frames that only the two who shook hands can read or write.
 * WebCrypto answers later and in any order; each direction is a line in which
 * every frame waits for the one before it. The first frame that fails is the last.
 */
export declare function sealedChannel(socket: WebSocket, seal: Step, open: Step): Channel;
