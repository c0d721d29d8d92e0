// Code generated from bridge/methods.go by go test ./bridge -run Generated -update; DO NOT EDIT.

import type { PostmanRequest } from './postman.js';

/** What the agent's errors are told apart by. */
export type ErrorKind =
  | 'blocked_address'
  | 'busy'
  | 'cancelled'
  | 'damaged'
  | 'denied'
  | 'domain'
  | 'exists'
  | 'internal'
  | 'invalid'
  | 'locked'
  | 'mistyped_key'
  | 'needs_grant'
  | 'no_password_manager'
  | 'no_vault'
  | 'not_found'
  | 'password_manager_locked'
  | 'redirect'
  | 'storage'
  | 'timeout'
  | 'too_large'
  | 'unreachable'
  | 'unresolved'
  | 'version'
  | 'wrong_key';

export interface AgentInfoResult {
  version: string;
  protocol: string;
  role: 'app' | 'owner';
  account: string;
  port: number;
  /** Connections counts those of apps; only the owner learns it. */
  connections: number;
}

export interface AllowParams {
  origin: string;
  /** Code is the code that the page shows; with it the pending question is answered. */
  code?: string;
}

export interface AllowResult {
  /** Answered is false when nobody asked yet, and the next page is let in. */
  answered: boolean;
}

export interface AnswerParams {
  id: string;
  allow: boolean;
}

/** App is a web app that asked, or was decided about: known by its origin alone. */
export interface App {
  origin: string;
  /** Name is what the app calls itself, shown and never trusted. */
  name?: string;
  allowed: boolean;
  decided: string;
  /**
   * Keys are the public keys of the app's allowed pages, one per browser
   * profile, newest last.
   */
  keys?: PageKey[];
}

export interface AppListResult {
  apps: ConnectedApp[];
}

export interface CancelParams {
  id: number | string;
}

export interface CancelResult {
  cancelled: boolean;
}

export interface CheckParams {
  text?: string;
  request?: PostmanRequest;
  url?: string;
  variables?: Record<string, string>;
}

export interface CheckResult {
  references: Reference[];
}

/** ConnectedApp is an allowed app and how many connections it has. */
export interface ConnectedApp extends App {
  connections: number;
}

export interface ConsoleLink {
  url: string;
}

export interface CreateParams {
  store?: boolean;
}

export interface DeleteParams {
  names: string[];
}

export interface ExportParams {
  /** Passphrase encrypts the export, with 12 characters or more. */
  passphrase?: string;
  /** Plain asks for readable JSON instead; warn before. */
  plain?: boolean;
}

export interface ExportResult {
  /** Base64. */
  content: string;
}

/** Field is a header or a field of a form. */
export interface Field {
  key: string;
  value: string;
  disabled?: boolean;
}

export interface GenerateParams {
  name: string;
  length?: number;
  domains?: string[];
  enabled?: boolean;
}

/**
 * Hop is a redirect that was followed: its code, where it led, and the headers
 * that did not go along.
 */
export interface Hop {
  code: number;
  url: string;
  droppedHeaders: string[];
}

/** ImportItem is one secret of an import. As is the name that it has in the vault. */
export interface ImportItem {
  name: string;
  as?: string;
  result: string;
  /** Reason says why a secret was refused. */
  reason?: string;
}

export interface ImportParams {
  /** Content is the file: age, JSON of ours or of Postman's, or .env. Base64. */
  content: string;
  passphrase?: string;
  /** OnDuplicate is skip, replace or rename. */
  onDuplicate?: string;
  /** DryRun changes nothing and tells what would happen. */
  dryRun?: boolean;
}

/** ImportReport says what became of each secret of an import. */
export interface ImportReport {
  format: string;
  items: ImportItem[];
}

export interface KeyText {
  key: string;
}

export interface ListParams {
  filter?: string;
  sort?: 'name' | '-name' | 'updated' | '-updated';
  offset?: number;
  limit?: number;
}

export interface ListResult {
  secrets: Secret[];
  /** Total counts all that the filter lets through. */
  total: number;
}

export interface NameParams {
  name: string;
}

/** nothing is the empty object: no parameters, or no result. */
export type Nothing = Record<string, never>;

export interface OpenParams {
  key?: string;
  /** Passphrase opens a vault that has one. */
  passphrase?: string;
}

export interface OriginParams {
  origin: string;
}

/**
 * PageKey is a page's key that the owner has allowed: ECDSA on P-256, an
 * uncompressed point of 65 bytes.
 */
export interface PageKey {
  /** Base64. */
  key: string;
  added: string;
}

export interface PairOffer {
  /** Base64. */
  agentKey: string;
  /** Base64. */
  agentNonce: string;
}

export interface PairParams {
  /** Name is what the app calls itself. */
  name: string;
  /** Commitment is SHA-256 over the page's key and nonce, see the protocol page. Base64. */
  commitment: string;
}

export interface PairResult {
  allowed: boolean;
  /** Signature is the agent's over the pairing; the page pins the key that made it. Base64. */
  signature?: string;
}

export interface PassphraseParams {
  passphrase: string;
}

/**
 * Response is the answer to a request, as a Postman collection writes it, with
 * what is known of the exchange. Values are masked in every text of it.
 */
export interface PostmanResponse {
  code: number;
  status: string;
  /** Header is sorted by key; fields of one key are in the order received. */
  header: Field[];
  body: string;
  /** Encoding is utf8, or base64 when the body is not UTF-8 text. */
  encoding: string;
  /** Size counts the bytes of the decoded body, before masking. */
  size: number;
  redirects: Hop[];
  timings: Timings;
  protocol: string;
  remoteAddress: string;
}

/**
 * Question is something only the owner can answer. It may be answered wherever
 * it is shown: tray, console or command line; the first answer counts.
 */
export interface Question {
  id: string;
  /** Origin is who asks, in punycode; Name what it calls itself. */
  origin: string;
  name: string;
  /**
   * Code is shown on the asking page too: only if both are the same does the
   * question come from the page that its reader has in mind.
   */
  code: string;
  text: string;
  expires: string;
}

export interface QuestionList {
  questions: Question[];
}

/** Reference is one {{vault:NAME}} found in a text, and what becomes of it. */
export interface Reference {
  /** Name is what stands behind "vault:". */
  name: string;
  state: 'resolved' | 'empty' | 'unresolved';
  cause?: 'not_found' | 'locked' | 'disabled' | 'domain' | 'needs_grant';
  /** Fix is one short sentence that says what to do. */
  fix?: string;
}

export interface RenameParams {
  from: string;
  to: string;
}

export interface RevealParams {
  /** Base64. */
  pageKey: string;
  /** Base64. */
  pageNonce: string;
}

export interface RotateParams {
  deep?: boolean;
}

/** Secret is what may be shown of a secret: everything but its value. */
export interface Secret {
  name: string;
  kind: SecretKind;
  enabled: boolean;
  domains: string[];
  created: string;
  updated: string;
}

/** Kind says where the value of a secret comes from. */
export type SecretKind = 'plain' | 'guided' | 'linked';

export interface SecretValue {
  value: string;
}

export interface SendParams {
  request: PostmanRequest;
  /** Variables come before Environment; the first that has a name wins. */
  variables?: Record<string, string>;
  environment?: Record<string, string>;
  allowUnresolved?: boolean;
  followRedirects?: boolean;
  /** TimeoutMs bounds the whole request, in milliseconds; 0 is the default of 2 minutes. */
  timeoutMs?: number;
  /** NoMask leaves values in the response; only the owner may ask for it. */
  noMask?: boolean;
}

export interface SetParams {
  name: string;
  value?: string;
  domains?: string[];
  enabled?: boolean;
}

/**
 * Timings are in milliseconds. All but Total are those of the last hop, and zero
 * where an open connection was used again.
 */
export interface Timings {
  dns: number;
  connect: number;
  tls: number;
  firstByte: number;
  total: number;
}

/** State of a vault. */
export type VaultState = 'none' | 'locked' | 'open';

/** Status is what anybody who may see the vault may know of it. */
export interface VaultStatus {
  state: VaultState;
  account: string;
  /** Secrets counts them; 0 unless the vault is open. */
  secrets: number;
  /** KeyStored says that the key was last put into the password manager. */
  keyStored: boolean;
}

/** Visibility of a workspace, as the app states it. */
export type Visibility = 'personal' | 'private' | 'team' | 'partner' | 'public';

/** Workspace is what an app says its user is working in. */
export interface Workspace {
  id: string;
  name: string;
  visibility: Visibility;
}

/** Every method of the agent, by name. */
export interface Methods {
  /** Tells the version of the agent and who this connection is. For apps and the owner. */
  'agent.info': { params: Nothing; result: AgentInfoResult };
  /** Makes an address that opens the console once. For the owner. */
  'agent.consoleLink': { params: Nothing; result: ConsoleLink };
  /** Tells the state of this connection's vault. For apps and the owner. */
  'vault.status': { params: Nothing; result: VaultStatus };
  /** Makes the vault and returns its key, the only time unasked. With store, the default, the key is kept in the password manager. For apps and the owner. */
  'vault.create': { params: CreateParams; result: KeyText };
  /** Opens the vault with the key, with its passphrase, or with the key in the password manager. For apps and the owner. */
  'vault.open': { params: OpenParams; result: VaultStatus };
  /** Locks the vault; the owner locks all of them. For apps and the owner. */
  'vault.lock': { params: Nothing; result: Nothing };
  /** Opens every vault in use with its key in the password manager. For the owner. */
  'vault.unlockAll': { params: Nothing; result: Nothing };
  /** Deletes the vault and every secret in it for good. For apps and the owner. */
  'vault.signOut': { params: Nothing; result: Nothing };
  /** For a lost key: deletes the vault and every secret in it, makes a new one and returns its key. For the owner. */
  'vault.reset': { params: CreateParams; result: KeyText };
  /** Gives all secrets as an age file encrypted with a passphrase, or as readable JSON. For the owner. */
  'vault.export': { params: ExportParams; result: ExportResult };
  /** Adds the secrets of a file: age, JSON, a Postman environment or vault export, or .env. For the owner. */
  'vault.import': { params: ImportParams; result: ImportReport };
  /** Shows the key of the open vault again. For the owner. */
  'key.reveal': { params: Nothing; result: KeyText };
  /** Keeps the key of the open vault in the password manager. For the owner. */
  'key.store': { params: Nothing; result: Nothing };
  /** Gives the open vault a new key and returns it; deep, for a key that leaked, seals every secret anew as well. For the owner. */
  'key.rotate': { params: RotateParams; result: KeyText };
  /** Lets a passphrase of 12 characters or more open the vault too, in place of an earlier one. For the owner. */
  'key.setPassphrase': { params: PassphraseParams; result: Nothing };
  /** Leaves the vault key as the only way to open the vault. For the owner. */
  'key.removePassphrase': { params: Nothing; result: Nothing };
  /** Removes the key from the password manager. For the owner. */
  'key.forget': { params: Nothing; result: Nothing };
  /** Lists secrets without their values. For apps and the owner. */
  'secret.list': { params: ListParams; result: ListResult };
  /** Adds a secret, or changes what is given of one. For apps and the owner. */
  'secret.set': { params: SetParams; result: Secret };
  /** Gives a secret another name. For apps and the owner. */
  'secret.rename': { params: RenameParams; result: Nothing };
  /** Deletes secrets, all of them or none. For apps and the owner. */
  'secret.delete': { params: DeleteParams; result: Nothing };
  /** Shows a secret's value to the owner. For apps and the owner. */
  'secret.reveal': { params: NameParams; result: SecretValue };
  /** Sets a secret to a random value that nobody has seen. For apps and the owner. */
  'secret.generate': { params: GenerateParams; result: Secret };
  /** Tells of each reference whether it resolves, and if not, why and what to do. For apps and the owner. */
  'reference.check': { params: CheckParams; result: CheckResult };
  /** Says in which workspace the app's user works now. For apps and the owner. */
  'workspace.enter': { params: Workspace; result: Nothing };
  /** Says that the app's user works in no workspace. For apps and the owner. */
  'workspace.leave': { params: Nothing; result: Nothing };
  /** Sends an HTTP request from this machine with its references resolved, and returns the response with secrets masked. For apps and the owner. */
  'request.send': { params: SendParams; result: PostmanResponse };
  /** Cancels the request.send with that JSON-RPC id. For apps and the owner. */
  'request.cancel': { params: CancelParams; result: CancelResult };
  /** Begins to ask the owner to allow this page: takes its commitment, gives the agent's key and nonce. For pages that are not allowed yet. */
  'pair.request': { params: PairParams; result: PairOffer };
  /** Opens the commitment and asks the owner, who compares the code. The result comes with the answer. For pages that are not allowed yet. */
  'pair.reveal': { params: RevealParams; result: PairResult };
  /** Lists the apps that were allowed or blocked. For the owner. */
  'app.list': { params: Nothing; result: AppListResult };
  /** Answers an origin's question with yes; where there is none, lets its next page in without one, for ten minutes. For the owner. */
  'app.allow': { params: AllowParams; result: AllowResult };
  /** Blocks an origin and ends its connections. For the owner. */
  'app.block': { params: OriginParams; result: Nothing };
  /** Removes an origin, so that it may ask again, and ends its connections. For the owner. */
  'app.forget': { params: OriginParams; result: Nothing };
  /** Lists what waits for the owner's answer. For the owner. */
  'question.list': { params: Nothing; result: QuestionList };
  /** Answers a question. For the owner. */
  'question.answer': { params: AnswerParams; result: Nothing };
}

/** Every event of the agent, by name. */
export interface Events {
  /** The state of the vault changed. */
  'vault.changed': VaultStatus;
  /** Secrets were added, changed or deleted. */
  'secret.changed': Nothing;
  /** What waits for the owner's answer changed. */
  'question.changed': QuestionList;
}
