import type { ErrorKind as AgentErrorKind } from './protocol.js';
import type { State } from './state.js';
/** What the client itself says when there is no connection: the state it is in. */
export type ConnectionErrorKind = 'not_reachable' | 'blocked_by_browser' | 'permission_needed' | 'not_allowed' | 'not_paired';
/** A stable word for what went wrong. Newer agents may know more of them. */
export type ErrorKind = AgentErrorKind | ConnectionErrorKind | (string & {});
/** Every call fails with this: one plain sentence, its kind, and what to do next. */
export declare class PosternError extends Error {
    readonly name = "PosternError";
    readonly kind: ErrorKind;
    readonly fix: string;
    constructor(kind: ErrorKind, message: string, fix?: string, options?: ErrorOptions);
}
/** The error object of a JSON-RPC 2.0 answer. */
export interface WireError {
    message: string;
    data?: {
        kind?: string;
        fix?: string;
    };
}
export declare function fromWire(error: WireError): PosternError;
export declare function noConnection(state: State, fix: string): PosternError;
export declare function connectionLost(): PosternError;
export declare function cancelled(cause: unknown): PosternError;
export declare function closed(): PosternError;
