import { type Channel, type Ended } from './channel.js';
import { PosternError } from './errors.js';
import type { Events, Methods } from './protocol.js';
/** JSON-RPC 2.0 over one channel. */
export declare class Rpc {
    #private;
    /** Resolves when the channel has ended, with the reason. */
    readonly ended: Promise<Ended>;
    constructor(channel: Channel, onevent: <E extends keyof Events>(event: E, params: Events[E]) => void);
    call<M extends keyof Methods>(method: M, params: Methods[M]['params'], signal?: AbortSignal): Promise<Methods[M]['result']>;
    /** Ends the channel; what waits for an answer fails with the error. */
    close(error: PosternError): void;
}
