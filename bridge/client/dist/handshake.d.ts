import { type Channel } from './channel.js';
import type { PageKey } from './keys.js';
import { type Bytes } from './transcript.js';
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
export declare function shakeHands(socket: WebSocket, page: Page): Promise<Channel>;
