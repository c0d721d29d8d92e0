import { type SocketConstructor } from './channel.js';
import type { VaultStatus } from './protocol.js';
import { type State } from './state.js';
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
    diagnose(trouble: {
        pending: boolean;
        error?: unknown;
    }): Promise<State>;
    help(state: State, vault?: VaultStatus): string;
    /** Calls back when the browser's permission changes. */
    onPermission(changed: () => void): void;
}
export interface PageOptions {
    app: string;
    account: string;
    port: number;
    WebSocket?: SocketConstructor | undefined;
}
export declare function pageDoor({ app, account, port, WebSocket }: PageOptions): Door;
