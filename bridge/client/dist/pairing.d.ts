import { type SocketConstructor } from './channel.js';
import type { Keys } from './keys.js';
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
export declare function askToBeAllowed({ app, url, port, origin, keys, WebSocket, onCode, signal }: Applicant): Promise<boolean>;
