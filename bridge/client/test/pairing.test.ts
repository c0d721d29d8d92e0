import './globals.js';
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Keys } from '../src/keys.js';
import { connect, type PairCode, type Postern } from '../src/postern.js';
import { base64 } from '../src/transcript.js';
import { SimulatedAgent, memoryKeys, newIdentity } from './agent.js';

let agent: SimulatedAgent;
let keys: Keys;
let opened: Postern | undefined;

beforeEach(async () => {
  agent = await SimulatedAgent.create();
  keys = await memoryKeys();
});

afterEach(() => opened?.close());

async function stranger(): Promise<Postern> {
  return (opened = await connect({ app: 'Test', browser: agent.browser(keys) }));
}

test('a page that knows no agent knocks at /pair, and says nothing', async () => {
  const p = await stranger();
  assert.equal(p.state, 'not-paired');
  assert.deepEqual(agent.sockets.map(({ path, sent }) => [path, sent.length]), [['/pair', 0]]);
});

test('both sides show one code, and the page is connected after the yes', async () => {
  const p = await stranger();
  let shown: PairCode | undefined;
  agent.answer = () => shown !== undefined;
  assert.equal(await p.pair({ onCode: (code) => (shown = code) }), true);
  assert.match(shown!.code, /^\d{6}$/);
  assert.deepEqual([shown!.code, shown!.seconds], [agent.codes[0], 60]);
  assert.equal(p.state, 'ready');
  assert.deepEqual(await keys.agent(7678), agent.identity.public);
});

test('after a no nothing is pinned', async () => {
  const p = await stranger();
  agent.answer = () => false;
  assert.equal(await p.pair(), false);
  assert.deepEqual([p.state, await keys.agent(7678)], ['not-paired', undefined]);
});

test('an agent that cannot sign for the key that it showed is not pinned', async () => {
  const p = await stranger();
  const { sign } = await newIdentity();
  agent.identity.sign = sign;
  await assert.rejects(p.pair(), { kind: 'not_paired' });
  assert.deepEqual([p.state, await keys.agent(7678)], ['not-paired', undefined]);
});

test('an abort takes the question back', async () => {
  const p = await stranger();
  agent.answer = () => new Promise(() => {});
  const abort = new AbortController();
  await assert.rejects(p.pair({ signal: abort.signal, onCode: () => setTimeout(() => abort.abort()) }), { kind: 'cancelled' });
  assert.ok(agent.sockets.at(-1)!.over);
});

test('one key serves every pairing of the page', async () => {
  const p = await stranger();
  await p.pair();
  await p.pair();
  assert.deepEqual([...agent.allowed], [base64((await keys.page()).public)]);
});

test('a new agent on the port is used after a click, and not before', async () => {
  await keys.pin(7678, (await newIdentity()).public);
  const p = await stranger();
  assert.equal(p.state, 'not-paired');
  assert.match(p.help, /not the Postern that this page knows/);
  assert.ok(agent.sockets.every(({ sent }) => sent.length === 0));
  assert.equal(await p.pair(), true);
  assert.equal(p.state, 'ready');
});
