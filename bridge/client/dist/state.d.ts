import type { VaultStatus } from './protocol.js';
/**
 * How a page stands with the agent.
 *
 * - `not-reachable`: nothing answers on this computer.
 * - `blocked-by-browser`: the browser forbids this page to reach this computer.
 * - `permission-needed`: the browser asks, or has to be let ask, its user.
 * - `not-allowed`: Postern is there and refuses this page's origin.
 * - `not-paired`: Postern is there, and it and this page do not know each other; see `pair`.
 * - `locked`: connected, and the vault is locked or does not exist yet; `vault` tells which.
 * - `ready`: connected, and the vault is open.
 */
export type State = 'not-reachable' | 'blocked-by-browser' | 'permission-needed' | 'not-allowed' | 'not-paired' | 'locked' | 'ready';
/**
 * Why a page is not paired, where more than asking has to be done:
 *
 * - `other-agent`: what answers has not got the key of the agent that the page knows.
 * - `no-storage`: the browser does not let the page keep its key.
 */
export type Reason = 'other-agent' | 'no-storage';
/** A state, and the reason where the state alone does not tell what to do. */
export interface Standing {
    state: State;
    reason?: Reason;
}
/** What the browser says about connections from this page to this computer. */
export type Permission = 'granted' | 'prompt' | 'denied' | 'unknown';
/** What can be known when a connection did not open. */
export interface Facts {
    permission: Permission;
    /** The handshake was pending for a time that no agent needs. */
    pending: boolean;
    /** The browser refused before it tried. */
    refused: boolean;
    /** Something on the port answers HTTP. */
    listening: boolean;
    /** The agent lets this page ask to be allowed. */
    mayPair: boolean;
}
/** A browser tells a page only that a socket failed; the reason is made of clues. */
export declare function stateOf(facts: Facts): State;
/** The state of an open connection. */
export declare function connectedState(vault: VaultStatus): State;
