/**
 * An agent that is none, for the tests and for the playground: it plays the
 * agent's side of pairing and handshake, on sockets that end in the page itself.
 */
import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core';
import type { Keys, PageKey } from '../src/keys.js';
import type { Browser } from '../src/page.js';
import type { VaultStatus } from '../src/protocol.js';
import { base64, comparisonCode, concat, ecdsa, equal, fromBase64, transcript, utf8, verify, type Bytes } from '../src/transcript.js';
import { FakeSocket, socketsFor } from './socket.js';

export const suite = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

export const origin = 'https://app.example.com';

/** A call of the page. */
export interface Call {
  id: number;
  method: string;
  params: any;
}

/** Answers calls; what it throws is the error of the answer. */
export type Methods = Record<string, (params: any, call: Call) => unknown>;

/** A signing key of an agent or a page. */
export async function newIdentity(): Promise<PageKey> {
  const { publicKey, privateKey } = await crypto.subtle.generateKey(ecdsa, false, ['sign', 'verify']);
  return {
    public: new Uint8Array(await crypto.subtle.exportKey('raw', publicKey)),
    sign: async (signed) => new Uint8Array(await crypto.subtle.sign(ecdsa, privateKey, signed)),
  };
}

/** Keys that end with the page. */
export async function memoryKeys(): Promise<Keys> {
  const page = await newIdentity();
  const agents = new Map<number, Bytes>();
  return {
    page: async () => page,
    agent: async (port) => agents.get(port),
    pin: async (port, key) => void agents.set(port, key),
  };
}

/** One sealed connection, as the agent has it. */
export class Link {
  /** The page's calls, opened. */
  calls: Call[] = [];

  constructor(
    readonly socket: FakeSocket,
    readonly open: (sealed: Bytes) => Promise<string>,
    /** Seals the next frame; each counts. */
    readonly seal: (text: string) => Promise<Bytes>,
  ) {}

  async tell(message: object): Promise<void> {
    this.socket.deliver(await this.seal(JSON.stringify({ jsonrpc: '2.0', ...message })));
  }
}

export class SimulatedAgent {
  /** Every socket that a page opened. */
  sockets: FakeSocket[] = [];
  /** Every connection whose page proved its key. */
  links: Link[] = [];
  /** The page keys that were allowed, in base64. */
  allowed = new Set<string>();
  /** The codes that the owner was asked to compare. */
  codes: string[] = [];
  accounts: string[] = [];
  /** Whether a page may knock at /pair, and at /bridge. */
  admits = { pair: true, bridge: true };
  vault: VaultStatus = { state: 'open', account: `${origin}#default`, secrets: 1, keyStored: true };
  /** The owner's answer to a question. */
  answer: () => boolean | Promise<boolean> = () => true;
  methods: Methods = { 'vault.status': () => this.vault };
  /** Makes the first frame of a connection. */
  hello = (channelKey: Bytes) => this.signHello(channelKey);

  private constructor(readonly identity: PageKey) {}

  static async create(): Promise<SimulatedAgent> {
    return new SimulatedAgent(await newIdentity());
  }

  /** A browser in which this agent is what answers on the port. */
  browser(keys: Keys, changes: Partial<Browser> = {}): Browser {
    return {
      WebSocket: socketsFor((socket) => void this.#meet(socket)),
      origin,
      secure: true,
      userAgent: globalThis.navigator?.userAgent ?? '',
      keys,
      answers: async () => this.admits.pair || this.admits.bridge,
      permission: async () => undefined,
      ...changes,
    };
  }

  async signHello(channelKey: Bytes): Promise<string> {
    const nonce = crypto.getRandomValues(new Uint8Array(32));
    const signature = await this.identity.sign(await transcript('hello', this.identity.public, channelKey, nonce));
    const parts = { agentKey: this.identity.public, channelKey, nonce, signature };
    return JSON.stringify(Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [name, base64(bytes)])));
  }

  async #meet(socket: FakeSocket): Promise<void> {
    this.sockets.push(socket);
    if (socket.path === '/pair' && this.admits.pair) return this.#pair(socket);
    if (socket.path === '/bridge' && this.admits.bridge) return this.#bridge(socket);
    socket.end(1006);
  }

  #pair(socket: FakeSocket): void {
    const agentNonce = crypto.getRandomValues(new Uint8Array(32));
    let commitment: Bytes | undefined;
    const methods: Methods = {
      'pair.request': (params) => {
        commitment = fromBase64(params.commitment);
        return { agentKey: base64(this.identity.public), agentNonce: base64(agentNonce) };
      },
      'pair.reveal': async (params) => {
        const pageKey = fromBase64(params.pageKey)!;
        const pageNonce = fromBase64(params.pageNonce)!;
        if (!commitment || !equal(commitment, await transcript('commitment', pageKey, pageNonce))) throw { message: 'No.', data: { kind: 'denied', fix: '' } };
        const pairing = await transcript('pairing', utf8(origin), this.identity.public, agentNonce, pageKey, pageNonce);
        this.codes.push(await comparisonCode(pairing));
        if (!(await this.answer())) return { allowed: false };
        this.allowed.add(params.pageKey);
        return { allowed: true, signature: base64(await this.identity.sign(pairing)) };
      },
    };
    socket.hear = (text) => void serve(methods, JSON.parse(text as string)).then((answer) => socket.deliver(JSON.stringify(answer)));
    socket.open();
  }

  async #bridge(socket: FakeSocket): Promise<void> {
    const keys = await suite.kem.generateKeyPair();
    const hello = await this.hello(new Uint8Array(await suite.kem.serializePublicKey(keys.publicKey)));
    // The page does not wait for a yes to its proof before it calls.
    let link: Promise<Link | undefined> | undefined;
    socket.hear = (data) => {
      link = link ? link.then((link) => (link ? this.#call(link, data as Bytes) : undefined)) : this.#prove(socket, keys, hello, data as Bytes);
    };
    socket.open();
    // A browser tells of a message in a task of its own, not within that of opening.
    await new Promise((resolve) => setTimeout(resolve));
    socket.deliver(hello);
  }

  /** Opens the page's first frame; undefined when the page is not let in. */
  async #prove(socket: FakeSocket, recipientKey: CryptoKeyPair, hello: string, first: Bytes): Promise<Link | undefined> {
    const enc = first.slice(0, 65);
    const context = await suite.createRecipientContext({ recipientKey, enc, info: await transcript('channel', utf8(hello), utf8(origin)) });
    const open = async (sealed: Bytes) => new TextDecoder().decode(await context.open(sealed));
    const { pageKey, account, signature } = JSON.parse(await open(first.slice(65)));
    const signed = await transcript('proof', utf8(hello), enc, utf8(origin), utf8(account));
    const proved = await verify(fromBase64(pageKey)!, signed, fromBase64(signature)!);
    if (!proved || !this.allowed.has(pageKey)) {
      socket.end(proved ? 4401 : 4400);
      return undefined;
    }
    this.accounts.push(account);
    const exported = async (name: string, size: number) => new Uint8Array(await context.export(utf8(`postern/v1/agent ${name}`), size));
    const link = new Link(socket, open, await sealer(await exported('key', 32), await exported('nonce', 12)));
    this.links.push(link);
    return link;
  }

  async #call(link: Link, sealed: Bytes): Promise<Link> {
    const call: Call = JSON.parse((await link.open(sealed)).slice(1));
    link.calls.push(call);
    if (this.methods[call.method]) await link.tell(await serve(this.methods, call));
    return link;
  }
}

async function serve(methods: Methods, call: Call): Promise<object> {
  try {
    return { jsonrpc: '2.0', id: call.id, result: await methods[call.method]!(call.params, call) };
  } catch (error) {
    return { jsonrpc: '2.0', id: call.id, error };
  }
}

/** Seals as the agent does: the nonce counts. */
export async function sealer(key: Bytes, base: Bytes): Promise<(text: string) => Promise<Bytes>> {
  const aes = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt']);
  let sent = 0;
  return async (text) => {
    const iv = base.slice();
    // No test sends 256 frames.
    iv[11]! ^= sent++;
    return new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, aes, concat(Uint8Array.of(1), utf8(text))));
  };
}
