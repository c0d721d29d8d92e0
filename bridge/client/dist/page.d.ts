import { type Channel, type SocketConstructor } from './channel.js';
import { type Keys } from './keys.js';
import { type PairOptions } from './pairing.js';
import type { VaultStatus } from './protocol.js';
import { type Standing } from './state.js';
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
export declare function thisBrowser(WebSocket?: SocketConstructor | undefined): Browser;
export interface PageOptions {
    app: string;
    account: string;
    port: number;
    browser: Browser;
}
export declare function pageDoor({ app, account, port, browser }: PageOptions): Door;
