import type { VaultStatus } from './protocol.js';
import type { Standing } from './state.js';
export type Browser = 'firefox' | 'safari' | 'chromium';
export declare function browserOf(userAgent: string): Browser;
/** Says in a sentence or two what a state means and what to do, for this browser. */
export declare function helpText({ state, reason }: Standing, browser: Browser, vault?: VaultStatus, secure?: boolean): string;
