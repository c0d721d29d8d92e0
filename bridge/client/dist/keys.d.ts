import { type Bytes } from './transcript.js';
/** The page's key: what the owner allows is whoever can sign with it. */
export interface PageKey {
    public: Bytes;
    sign(transcript: Bytes): Promise<Bytes>;
}
/** What a page remembers: its own key, and those of agents by their port. It throws a PosternError where nothing can be kept. */
export interface Keys {
    /** The page's key, which is made when there is none. */
    page(): Promise<PageKey>;
    /** The pinned key of the agent at a port; undefined before pairing. */
    agent(port: number): Promise<Bytes | undefined>;
    pin(port: number, agentKey: Bytes): Promise<void>;
}
/**
 * Keys in IndexedDB, which every page of the origin in this browser profile
 * shares. The private key is made so that it cannot be exported: scripts of the
 * page may sign with it while they run, and cannot carry it away.
 */
export declare const browserKeys: Keys;
