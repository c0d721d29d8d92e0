import type { ErrorKind as AgentErrorKind } from './protocol.js';
import type { State } from './state.js';

/** What the client itself says when there is no connection: the state it is in. */
export type ConnectionErrorKind = 'not_reachable' | 'blocked_by_browser' | 'permission_needed' | 'not_allowed' | 'not_paired';

/** A stable word for what went wrong. Newer agents may know more of them. */
export type ErrorKind = AgentErrorKind | ConnectionErrorKind | (string & {});

/** Every call fails with this: one plain sentence, its kind, and what to do next. */
export class PosternError extends Error {
  override readonly name = 'PosternError';
  readonly kind: ErrorKind;
  readonly fix: string;

  constructor(kind: ErrorKind, message: string, fix = '', options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.fix = fix;
  }
}

/** The error object of a JSON-RPC 2.0 answer. */
export interface WireError {
  message: string;
  data?: { kind?: string; fix?: string };
}

export function fromWire(error: WireError): PosternError {
  return new PosternError(error.data?.kind ?? 'internal', error.message, error.data?.fix);
}

export function noConnection(state: State, fix: string): PosternError {
  return new PosternError(state.replaceAll('-', '_'), 'Postern is not connected.', fix);
}

export function connectionLost(): PosternError {
  return new PosternError('not_reachable', 'The connection to Postern ended.', 'Wait until it is back, then try again.');
}

export function cancelled(cause: unknown): PosternError {
  return new PosternError('cancelled', 'The call was cancelled.', '', { cause });
}

export function closed(): PosternError {
  return new PosternError('cancelled', 'This page closed its connection to Postern.', 'Connect again.');
}
