import { holdTimers } from './globals.js';
// What somebody on the port or on the way can do to a paired page, and what comes of it.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Keys } from '../src/keys.js';
import { connect, type Postern } from '../src/postern.js';
import { base64, type Bytes } from '../src/transcript.js';
import { SimulatedAgent, memoryKeys, newIdentity, type Link } from './agent.js';

let agent: SimulatedAgent;
let keys: Keys;
let opened: Postern | undefined;

beforeEach(async () => {
  agent = await SimulatedAgent.create();
  keys = await memoryKeys();
  await keys.pin(7678, agent.identity.public);
  agent.allowed.add(base64((await keys.page()).public));
});

afterEach(() => opened?.close());

async function page(): Promise<Postern> {
  return (opened = await connect({ app: 'Test', browser: agent.browser(keys) }));
}

async function ready(): Promise<[Postern, Link]> {
  const p = await page();
  assert.equal(p.state, 'ready');
  return [p, agent.links[0]!];
}

const impostors: [string, (mine: Bytes) => Promise<string>][] = [
  ['with a key of its own', async (mine) => (await SimulatedAgent.create()).signHello(mine)],
  ['with the right key and no right to it', async (mine) => {
    const other = await SimulatedAgent.create();
    return JSON.stringify({ ...JSON.parse(await other.signHello(mine)), agentKey: base64(agent.identity.public) });
  }],
  ['with an old hello for another channel', async (mine) => {
    const { channelKey } = JSON.parse(await agent.signHello(mine));
    return JSON.stringify({ ...JSON.parse(await agent.signHello((await newIdentity()).public)), channelKey });
  }],
  ['with half a hello', async (mine) => (await agent.signHello(mine)).slice(0, 200)],
  ['with a hello of the wrong kinds', async () => '{"agentKey":1,"channelKey":[],"nonce":null,"signature":{}}'],
  ['with JSON that is no object', async () => 'null'],
  ['with a hello without end', async (mine) => `${await agent.signHello(mine)}${' '.repeat(10_000)}`],
];

for (const [name, hello] of impostors) {
  test(`an impostor ${name} gets nothing`, async () => {
    agent.hello = hello;
    const p = await page();
    assert.equal(p.state, 'not-paired');
    assert.match(p.help, /not the Postern that this page knows/);
    assert.deepEqual(agent.sockets.map(({ path, sent }) => [path, sent.length]), [['/bridge', 0]]);
    assert.ok(agent.sockets[0]!.over);
    assert.deepEqual(await keys.agent(7678), agent.identity.public);
  });
}

test('who opens and says nothing gets nothing', async (t) => {
  holdTimers(t);
  agent.hello = () => new Promise(() => {});
  const connecting = page();
  while (agent.sockets.length === 0) await new Promise(setImmediate);
  agent.sockets[0]!.open();
  for (const _ of Array(5)) await new Promise(setImmediate);
  t.mock.timers.tick(5_000);
  assert.equal((await connecting).state, 'not-reachable');
  assert.deepEqual([agent.sockets[0]!.sent, agent.sockets[0]!.over], [[], true]);
});

test('a key that the owner has forgotten: not paired, and the agent is still known', async () => {
  agent.allowed.clear();
  const p = await page();
  assert.equal(p.state, 'not-paired');
  assert.doesNotMatch(p.help, /not the Postern/);
  assert.deepEqual(await keys.agent(7678), agent.identity.public);
  assert.equal(await p.pair(), true);
  assert.equal(p.state, 'ready');
});

const event = (n: number) => JSON.stringify({ jsonrpc: '2.0', method: 'secret.changed', params: { n } });

const meddlings: [string, (link: Link, seal: (n: number) => Promise<Bytes>) => Promise<(Bytes | string)[]>][] = [
  ['replayed', async (_, seal) => { const one = await seal(1); return [one, one, await seal(2)]; }],
  ['left out', async (_, seal) => { const one = await seal(1); await seal(2); return [one, await seal(3)]; }],
  ['moved', async (_, seal) => { const [one, two, three] = [await seal(1), await seal(2), await seal(3)]; return [one, three, two]; }],
  ['sent back', async ({ socket }, seal) => [await seal(1), socket.sent.at(-1)!]],
  ['changed', async (_, seal) => { const [one, two] = [await seal(1), await seal(2)]; two[3]! ^= 1; return [one, two]; }],
  ['cut', async (_, seal) => [await seal(1), (await seal(2)).slice(0, -1)]],
  ['empty', async (_, seal) => [await seal(1), new Uint8Array()]],
  ['in the clear', async (_, seal) => [await seal(1), event(2)]],
];

for (const [name, meddle] of meddlings) {
  test(`a frame that was ${name} ends the connection, and another is made`, async () => {
    const [p, link] = await ready();
    const seen: unknown[] = [];
    p.on('secret.changed', (params: unknown) => seen.push((params as { n: number }).n));
    const back = new Promise<void>((resolve) => p.on('state', ({ state }) => state === 'ready' && resolve()));
    for (const frame of await meddle(link, (n) => link.seal(event(n)))) link.socket.deliver(frame);
    await back;
    // Only what came before the meddling was taken.
    assert.deepEqual(seen, [1]);
    assert.ok(link.socket.over);
    assert.equal(agent.links.length, 2);
  });
}

test('frames keep their order in both directions', async () => {
  const [p, link] = await ready();
  const seen: unknown[] = [];
  p.on('secret.changed', (params: unknown) => seen.push((params as { n: number }).n));
  agent.methods['reference.check'] = ({ text }) => ({ references: [], text });
  const numbers = Array.from({ length: 40 }, (_, n) => n);
  // A long frame takes longer to seal and to open than the short ones around it.
  const texts = numbers.map((n) => (n % 2 ? `${n}` : `${n} ${'x'.repeat(100_000)}`));
  for (const frame of await Promise.all(numbers.map((n) => link.seal(event(n))))) link.socket.deliver(frame);
  await Promise.all(texts.map((text) => p.call('reference.check', { text })));
  assert.deepEqual(link.calls.slice(1).map(({ params }) => params.text), texts);
  assert.deepEqual(seen, numbers);
});

test('no text leaves in the clear', async () => {
  const [p, { socket }] = await ready();
  agent.methods['secret.set'] = () => ({});
  await p.call('secret.set', { name: 'canary-name', value: 'canary-value' });
  for (const frame of socket.sent) assert.doesNotMatch(Buffer.from(frame as Bytes).toString('latin1'), /canary|jsonrpc|pageKey/);
});
