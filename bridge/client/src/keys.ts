import { PosternError } from './errors.js';
import { ecdsa, type Bytes } from './transcript.js';

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

const database = 'postern';
const table = 'keys';
const pageEntry = 'page';

const agentEntry = (port: number) => `agent ${port}`;

/**
 * Keys in IndexedDB, which every page of the origin in this browser profile
 * shares. The private key is made so that it cannot be exported: scripts of the
 * page may sign with it while they run, and cannot carry it away.
 */
export const browserKeys: Keys = {
  async page() {
    const kept: CryptoKeyPair | undefined = await transact('readonly', (entries) => entries.get(pageEntry));
    return pageKey(kept ?? (await create()));
  },
  agent: (port) => transact('readonly', (entries) => entries.get(agentEntry(port))),
  async pin(port, agentKey) {
    await transact('readwrite', (entries) => entries.put(agentKey, agentEntry(port)));
  },
};

/**
 * Makes a key, unless another tab was faster: one transaction looks and writes,
 * and the first of two wins. No transaction outlives the making of a key, so that
 * comes before it.
 */
async function create(): Promise<CryptoKeyPair> {
  const made = await crypto.subtle.generateKey(ecdsa, false, ['sign', 'verify']);
  return transact('readwrite', async (entries) => {
    const first: CryptoKeyPair | undefined = await done(entries.get(pageEntry));
    if (!first) entries.put(made, pageEntry);
    return first ?? made;
  });
}

async function pageKey({ publicKey, privateKey }: CryptoKeyPair): Promise<PageKey> {
  return {
    public: new Uint8Array(await crypto.subtle.exportKey('raw', publicKey)),
    sign: async (transcript) => new Uint8Array(await crypto.subtle.sign(ecdsa, privateKey, transcript)),
  };
}

/** Does work on the entries, and resolves once it is written. */
async function transact<T>(mode: IDBTransactionMode, work: (entries: IDBObjectStore) => IDBRequest<T> | Promise<T>): Promise<T> {
  try {
    const opening = indexedDB.open(database, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(table);
    const db = await done(opening);
    try {
      const transaction = db.transaction(table, mode);
      const written = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error);
      });
      const working = work(transaction.objectStore(table));
      const [result] = await Promise.all([working instanceof Promise ? working : done(working), written]);
      return result;
    } finally {
      db.close();
    }
  } catch (cause) {
    throw notKept(cause);
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Blocked storage, a frame without an origin, and the private windows of some browsers. */
function notKept(cause: unknown): PosternError {
  return new PosternError(
    'not_paired',
    'This browser does not let the page keep its key.',
    'Open the page in an ordinary window, not a private one, and let it store data.',
    { cause },
  );
}
