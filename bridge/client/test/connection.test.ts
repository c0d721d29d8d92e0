import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { SocketConstructor } from '../src/channel.js';
import { connect, PosternError, type Postern } from '../src/postern.js';
import { FakeSocket } from './socket.js';

const WebSocket = FakeSocket as unknown as SocketConstructor;
const status = { state: 'open', account: 'a', secrets: 1, keyStored: true };
let agent = false;
let opened: Postern | undefined;

/** An agent that admits to /bridge, and knows its vault. */
function admit(socket: FakeSocket): void {
  if (agent && socket.url.includes('/bridge')) socket.onopen();
  else socket.close();
}

function answer(socket: FakeSocket, { id, method }: any): void {
  if (method === 'vault.status') socket.tell({ id, result: status });
  if (method === 'secret.rename') socket.tell({ id, error: { message: 'No.', data: { kind: 'exists', fix: 'Choose another.' } } });
}

/** Lets everything that waits for nothing but promises go on. */
const settle = () => new Promise(setImmediate);

async function ready(): Promise<[Postern, FakeSocket]> {
  agent = true;
  opened = await connect({ app: 'Test', account: 'ann b', WebSocket });
  return [opened, FakeSocket.all.at(-1)!];
}

beforeEach(() => {
  agent = false;
  FakeSocket.reset();
  FakeSocket.onconnect = admit;
  FakeSocket.onsend = answer;
});

afterEach(() => opened?.close());

test('it resolves without an agent, and calls say why they fail', async () => {
  opened = await connect({ app: 'Test', port: 1, WebSocket });
  assert.equal(opened.state, 'not-reachable');
  await assert.rejects(opened.call('vault.status'), (error: PosternError) => error.kind === 'not_reachable' && error.fix !== '');
  await assert.rejects(opened.pair(), PosternError);
});

test('it names app and account, and asks for the one subprotocol', async () => {
  const [p, socket] = await ready();
  assert.equal(p.state, 'ready');
  assert.deepEqual(p.vault, status);
  assert.equal(socket.url, 'ws://127.0.0.1:7678/bridge?account=ann+b&app=Test');
  assert.deepEqual(socket.protocols, ['postern.v1']);
});

test('an error answer rejects with kind and fix', async () => {
  const [p] = await ready();
  await assert.rejects(p.call('secret.rename', { from: 'a', to: 'b' }), { name: 'PosternError', kind: 'exists', message: 'No.', fix: 'Choose another.' });
});

test('events change the state and reach listeners until they leave', async () => {
  const [p, socket] = await ready();
  const seen: string[] = [];
  const off = p.on('vault.changed', (vault) => seen.push(vault.state));
  p.on('state', ({ state }) => seen.push(state));
  socket.tell({ method: 'vault.changed', params: { ...status, state: 'locked' } });
  off();
  socket.tell({ method: 'vault.changed', params: status });
  assert.deepEqual(seen, ['locked', 'locked', 'ready']);
});

test('an abort rejects at once and cancels in the agent', async () => {
  const [p, socket] = await ready();
  const abort = new AbortController();
  const call = p.call('request.send', { request: 'https://example.com' }, { signal: abort.signal });
  await Promise.resolve();
  const { id } = socket.sent.at(-1);
  abort.abort();
  await assert.rejects(call, { kind: 'cancelled' });
  assert.deepEqual([socket.sent.at(-1).method, socket.sent.at(-1).params], ['request.cancel', { id }]);
  // The late answer goes nowhere.
  socket.tell({ id, result: {} });
});

test('a frame that the agent would not read is not sent', async () => {
  const [p, socket] = await ready();
  const before = socket.sent.length;
  await assert.rejects(p.call('secret.set', { name: 'a', value: 'ü'.repeat(200_000) }), { kind: 'too_large' });
  assert.equal(socket.sent.length, before);
});

test('a lost connection fails its calls and comes back', async () => {
  const [p, socket] = await ready();
  const call = p.call('request.send', { request: 'https://example.com' });
  await Promise.resolve();
  socket.close();
  await assert.rejects(call, { kind: 'not_reachable' });
  await new Promise((resolve) => p.on('state', ({ state }) => state === 'ready' && resolve(state)));
  assert.equal(FakeSocket.all.length, 2);
});

test('pairing shows the code, and connects after the yes', async () => {
  FakeSocket.onconnect = (socket) => (agent || socket.url.endsWith('/pair') ? socket.onopen() : socket.close());
  FakeSocket.onsend = (socket, message) => {
    answer(socket, message);
    if (message.method !== 'pair.request') return;
    socket.tell({ method: 'pair.code', params: { code: '402719', seconds: 60 } });
    agent = true;
    socket.tell({ id: message.id, result: { allowed: true } });
  };
  opened = await connect({ app: 'Test', WebSocket });
  assert.equal(opened.state, 'not-paired');
  let code = '';
  assert.equal(await opened.pair({ onCode: (shown) => (code = shown.code) }), true);
  assert.equal(code, '402719');
  assert.equal(opened.state, 'ready');
});

test('while the browser asks its user, nothing else is tried', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const permission = Object.assign(new EventTarget(), { state: 'prompt' });
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator') ?? { value: undefined, configurable: true };
  Object.defineProperty(globalThis, 'navigator', { value: { permissions: { query: async () => permission } }, configurable: true });
  t.after(() => Object.defineProperty(globalThis, 'navigator', before));
  FakeSocket.onconnect = () => {};
  const connecting = connect({ app: 'Test', WebSocket });
  await settle();
  t.mock.timers.tick(2_500);
  opened = await connecting;
  assert.equal(opened.state, 'permission-needed');
  // Its user looks away, and the browser fails the handshake.
  FakeSocket.all[0]!.close();
  await settle();
  t.mock.timers.tick(60_000);
  assert.equal(FakeSocket.all.length, 1);
  FakeSocket.onconnect = admit;
  agent = true;
  permission.state = 'granted';
  permission.dispatchEvent(new Event('change'));
  await settle();
  assert.equal(opened.state, 'ready');
});

test('close ends it for good', async () => {
  const [p, socket] = await ready();
  const call = p.call('request.send', { request: 'https://example.com' });
  await Promise.resolve();
  p.close();
  await assert.rejects(call, { kind: 'cancelled' });
  await assert.rejects(p.call('vault.status'), { kind: 'cancelled' });
  assert.ok(socket.over);
});
