import './globals.js';
import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { browserKeys } from '../src/keys.js';
import { connect } from '../src/postern.js';
import { transcript, verify } from '../src/transcript.js';
import { SimulatedAgent } from './agent.js';

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

test('the page has one key for good, and can sign with it', async () => {
  const key = await browserKeys.page();
  assert.deepEqual((await browserKeys.page()).public, key.public);
  const signed = await transcript('hello');
  assert.ok(await verify(key.public, signed, await key.sign(signed)));
});

test('the private key cannot be carried away', async () => {
  await browserKeys.page();
  const db = await new Promise<IDBDatabase>((resolve) => {
    const opening = indexedDB.open('postern');
    opening.onsuccess = () => resolve(opening.result);
  });
  const kept = await new Promise<CryptoKeyPair>((resolve) => {
    const getting = db.transaction('keys').objectStore('keys').get('page');
    getting.onsuccess = () => resolve(getting.result);
  });
  assert.equal(kept.privateKey.extractable, false);
  await assert.rejects(crypto.subtle.exportKey('pkcs8', kept.privateKey));
});

test('tabs that make a key at once end with one', async () => {
  const keys = await Promise.all(Array.from({ length: 5 }, () => browserKeys.page()));
  assert.equal(new Set(keys.map((key) => key.public.join())).size, 1);
  assert.deepEqual((await browserKeys.page()).public, keys[0]!.public);
});

test('agents are known by their port', async () => {
  assert.equal(await browserKeys.agent(7678), undefined);
  await browserKeys.pin(7678, Uint8Array.of(1));
  await browserKeys.pin(7679, Uint8Array.of(2));
  await browserKeys.pin(7678, Uint8Array.of(3));
  assert.deepEqual([...(await browserKeys.agent(7678))!, ...(await browserKeys.agent(7679))!], [3, 2]);
});

/** Private windows of some browsers read, and cannot keep a key; other places throw at once. */
const blocked: [string, () => void][] = [
  ['no storage', () => Object.assign(globalThis, { indexedDB: undefined })],
  ['storage that throws', () => (indexedDB.open = () => { throw new DOMException('', 'SecurityError'); })],
  ['storage that fails to open', () => (indexedDB.open = () => failingRequest())],
];

function failingRequest(): IDBOpenDBRequest {
  const request = { error: new DOMException('', 'UnknownError'), onerror: () => {} };
  queueMicrotask(() => request.onerror());
  return request as unknown as IDBOpenDBRequest;
}

for (const [name, block] of blocked) {
  test(`where nothing can be kept, nobody is asked: ${name}`, async () => {
    const agent = await SimulatedAgent.create();
    block();
    const p = await connect({ app: 'Test', browser: agent.browser(browserKeys) });
    assert.equal(p.state, 'not-paired');
    assert.match(p.help, /private/);
    await assert.rejects(p.pair(), (error: any) => error.kind === 'not_paired' && /private/.test(error.fix));
    assert.deepEqual(agent.codes, []);
    p.close();
  });
}

test('a private window that reads and cannot keep a key', async (t) => {
  const agent = await SimulatedAgent.create();
  t.mock.method(IDBObjectStore.prototype, 'put', () => { throw new DOMException('', 'DataCloneError'); });
  const p = await connect({ app: 'Test', browser: agent.browser(browserKeys) });
  await assert.rejects(p.pair(), { kind: 'not_paired' });
  assert.deepEqual(agent.codes, []);
  p.close();
});
