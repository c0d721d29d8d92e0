import { holdTimers } from './globals.js';
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Keys } from '../src/keys.js';
import { connect, PosternError, type Postern } from '../src/postern.js';
import { base64 } from '../src/transcript.js';
import { SimulatedAgent, memoryKeys, type Call, type Link } from './agent.js';
import { socketsFor, type FakeSocket } from './socket.js';

let agent: SimulatedAgent;
let keys: Keys;
let opened: Postern | undefined;

beforeEach(async () => {
  agent = await SimulatedAgent.create();
  keys = await memoryKeys();
});

afterEach(() => opened?.close());

/** Lets everything that waits for nothing but promises go on. */
const settle = () => new Promise(setImmediate);

/** Waits until the page stands so. */
function become(p: Postern, want: string): Promise<unknown> {
  return p.state === want ? Promise.resolve() : new Promise((resolve) => p.on('state', ({ state }) => state === want && resolve(state)));
}

/** Waits until the agent has a call that it does not answer. */
async function called(link: Link, method: string): Promise<Call> {
  for (;;) {
    const call = link.calls.findLast((call) => call.method === method);
    if (call) return call;
    await settle();
  }
}

async function ready(): Promise<[Postern, Link]> {
  await keys.pin(7678, agent.identity.public);
  agent.allowed.add(base64((await keys.page()).public));
  opened = await connect({ app: 'Test', account: 'ann b', browser: agent.browser(keys) });
  return [opened, agent.links.at(-1)!];
}

test('it resolves without an agent, and calls say why they fail', async () => {
  agent.admits = { pair: false, bridge: false };
  opened = await connect({ app: 'Test', port: 1, browser: agent.browser(keys) });
  assert.equal(opened.state, 'not-reachable');
  await assert.rejects(opened.call('vault.status'), (error: PosternError) => error.kind === 'not_reachable' && error.fix !== '');
  await assert.rejects(opened.pair(), PosternError);
});

test('it names its account, and asks for the one subprotocol', async () => {
  const [p, { socket }] = await ready();
  assert.equal(p.state, 'ready');
  assert.deepEqual(p.vault, agent.vault);
  assert.equal(socket.url, 'ws://127.0.0.1:7678/bridge');
  assert.deepEqual(socket.protocols, ['postern.v1']);
  assert.deepEqual(agent.accounts, ['ann b']);
});

test('an error answer rejects with kind and fix', async () => {
  agent.methods['secret.rename'] = () => {
    throw { message: 'No.', data: { kind: 'exists', fix: 'Choose another.' } };
  };
  const [p] = await ready();
  await assert.rejects(p.call('secret.rename', { from: 'a', to: 'b' }), { name: 'PosternError', kind: 'exists', message: 'No.', fix: 'Choose another.' });
});

test('events change the state and reach listeners until they leave', async () => {
  const [p, link] = await ready();
  const seen: string[] = [];
  const off = p.on('vault.changed', (vault) => seen.push(vault.state));
  p.on('state', ({ state }) => seen.push(state));
  await link.tell({ method: 'vault.changed', params: { ...agent.vault, state: 'locked' } });
  await become(p, 'locked');
  off();
  await link.tell({ method: 'vault.changed', params: agent.vault });
  await become(p, 'ready');
  assert.deepEqual(seen, ['locked', 'locked', 'ready']);
});

test('an abort rejects at once and cancels in the agent', async () => {
  const [p, link] = await ready();
  const abort = new AbortController();
  const call = p.call('request.send', { request: 'https://example.com' }, { signal: abort.signal });
  const { id } = await called(link, 'request.send');
  abort.abort();
  await assert.rejects(call, { kind: 'cancelled' });
  assert.deepEqual((await called(link, 'request.cancel')).params, { id });
  // The late answer goes nowhere.
  await link.tell({ id, result: {} });
});

test('a frame that the agent would not read is not sent', async () => {
  const [p, { socket }] = await ready();
  const before = socket.sent.length;
  await assert.rejects(p.call('secret.set', { name: 'a', value: 'ü'.repeat(200_000) }), { kind: 'too_large' });
  assert.equal(socket.sent.length, before);
});

test('a lost connection fails its calls and comes back', async () => {
  const [p, link] = await ready();
  const call = p.call('request.send', { request: 'https://example.com' });
  await called(link, 'request.send');
  link.socket.end(1006);
  await assert.rejects(call, { kind: 'not_reachable' });
  await become(p, 'not-reachable');
  await become(p, 'ready');
  assert.equal(agent.links.length, 2);
});

test('an origin that the owner blocks is told so', async () => {
  const [p, { socket }] = await ready();
  agent.admits = { pair: false, bridge: false };
  opened!.close();
  opened = await connect({ app: 'Test', browser: agent.browser(keys, { answers: async () => true }) });
  assert.equal(opened.state, 'not-allowed');
  assert.ok(socket.over && p.state !== 'not-allowed');
});

test('while the browser asks its user, nothing else is tried', async (t) => {
  holdTimers(t);
  const permission = Object.assign(new EventTarget(), { state: 'prompt' });
  const sockets: FakeSocket[] = [];
  const browser = agent.browser(keys, { permission: async () => permission as unknown as PermissionStatus });
  const connecting = connect({ app: 'Test', browser: { ...browser, WebSocket: socketsFor((socket) => sockets.push(socket)) } });
  await settle();
  t.mock.timers.tick(2_500);
  opened = await connecting;
  assert.equal(opened.state, 'permission-needed');
  // Its user looks away, and the browser fails the handshake.
  sockets[0]!.end(1006);
  await settle();
  t.mock.timers.tick(60_000);
  assert.equal(sockets.length, 1);
  permission.state = 'granted';
  permission.dispatchEvent(new Event('change'));
  await settle();
  sockets[1]!.open();
  await become(opened, 'not-paired');
});

test('close ends it for good', async () => {
  const [p, link] = await ready();
  const call = p.call('request.send', { request: 'https://example.com' });
  await called(link, 'request.send');
  p.close();
  await assert.rejects(call, { kind: 'cancelled' });
  await assert.rejects(p.call('vault.status'), { kind: 'cancelled' });
  assert.ok(link.socket.over);
});

/** Does something between the agent's hello and the page's proof, once. */
async function beforeProof(work: () => void): Promise<void> {
  const key = await keys.page();
  keys.page = async () => ({
    ...key,
    sign: (signed) => {
      keys.page = async () => key;
      work();
      return key.sign(signed);
    },
  });
}

test('close in the middle of a handshake leaves no connection behind', async () => {
  const [p, link] = await ready();
  const closing = new Promise<void>((resolve) => void beforeProof(() => (p.close(), resolve())));
  link.socket.end(1006);
  await closing;
  for (const _ of Array(20)) await settle();
  assert.deepEqual(agent.sockets.map(({ over, sent }) => [over, sent.length > 0]), [[true, true], [true, false]]);
});

test('an agent that goes in the middle of a handshake is tried again', async () => {
  const [p, link] = await ready();
  await beforeProof(() => agent.sockets[1]!.end(1006));
  link.socket.end(1006);
  await become(p, 'not-reachable');
  await become(p, 'ready');
  assert.equal(agent.sockets.length, 3);
});
