import './globals.js';
// The vectors of bridge/testdata, which are for clients in any language.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ended } from '../src/channel.js';
import { shakeHands } from '../src/handshake.js';
import { agentFrames, textOf } from '../src/sealed.js';
import { comparisonCode, equal, fromBase64, transcript, utf8, verify, type Bytes } from '../src/transcript.js';
import { newIdentity, suite } from './agent.js';
import { FakeSocket } from './socket.js';

const vectors = JSON.parse(readFileSync('../testdata/channel.json', 'utf8'));

function bytes(text: string): Bytes {
  const decoded = fromBase64(text);
  assert.ok(decoded, `${text} is not base64`);
  return decoded;
}

function same(got: Bytes, want: string): void {
  assert.ok(equal(got, bytes(want)));
}

test('transcripts', async () => {
  for (const { label, parts, sha256 } of vectors.transcripts) same(await transcript(label, ...parts.map(bytes)), sha256);
});

test('a pairing: commitment, transcript, code and signature', async () => {
  const v = vectors.pairing;
  same(await transcript('commitment', bytes(v.pageKey), bytes(v.pageNonce)), v.commitment);
  const pairing = await transcript('pairing', utf8(v.origin), bytes(v.agentKey), bytes(v.agentNonce), bytes(v.pageKey), bytes(v.pageNonce));
  same(pairing, v.pairing);
  assert.equal(await comparisonCode(pairing), v.code);
  assert.ok(await verify(bytes(v.agentKey), pairing, bytes(v.signature)));
});

test('signatures', async () => {
  for (const { why, key, transcript: signed, signature, valid } of vectors.signatures) {
    assert.equal(await verify(bytes(key), bytes(signed), bytes(signature)), valid, why);
  }
});

const { session } = vectors;

async function recipient(enc: Bytes, hello: string) {
  const recipientKey = await suite.kem.importKey('raw', bytes(session.channelPrivateKey).buffer, false);
  return suite.createRecipientContext({ recipientKey, enc, info: await transcript('channel', utf8(hello), utf8(session.origin)) });
}

test('a session as the agent reads it', async () => {
  const answer = bytes(session.answer);
  const enc = answer.slice(0, 65);
  same(await transcript('channel', utf8(session.hello), utf8(session.origin)), session.info);
  const context = await recipient(enc, session.hello);
  const proof = JSON.parse(new TextDecoder().decode(await context.open(answer.slice(65))));
  assert.deepEqual([proof.pageKey, proof.account], [session.pageKey, session.account]);
  const signed = await transcript('proof', utf8(session.hello), enc, utf8(session.origin), utf8(session.account));
  assert.ok(await verify(bytes(session.pageKey), signed, bytes(proof.signature)));
  for (const [i, frame] of session.pageFrames.entries()) {
    assert.equal(textOf(new Uint8Array(await context.open(bytes(frame)))), session.pageTexts[i]);
  }
});

test('the frames of the agent open in their order, and in no other', async () => {
  const frames: Bytes[] = session.agentFrames.map(bytes);
  const fresh = () => agentFrames(bytes(session.agentFrameKey), bytes(session.agentFrameNonce));
  const open = await fresh();
  for (const [i, frame] of frames.entries()) assert.equal(textOf(await open(frame)), session.agentTexts[i]);
  await assert.rejects(open(frames[0]!), 'a replayed frame opens');
  await assert.rejects((await fresh())(frames[1]!), 'a frame opens out of its order');
  await assert.rejects((await fresh())(bytes(session.pageFrames[0])), 'a reflected frame opens');
});

/** Meets a page that has pinned the session's agent, with a first frame. */
async function meet(hello: string): Promise<FakeSocket> {
  const fake = new FakeSocket('ws://127.0.0.1:7678/bridge');
  fake.open();
  const page = { origin: session.origin, account: session.account, key: await newIdentity(), agentKey: bytes(session.agentKey) };
  const shaking = shakeHands(fake.socket, page);
  fake.deliver(hello);
  await assert.doesNotReject(shaking.catch((error) => assert.ok(error instanceof Ended && error.why === 'stranger', String(error))));
  return fake;
}

test('the proof of this client opens at the agent', async () => {
  const { sent } = await meet(session.hello);
  const answer = sent[0] as Bytes;
  const context = await recipient(answer.slice(0, 65), session.hello);
  const proof = JSON.parse(new TextDecoder().decode(await context.open(answer.slice(65))));
  assert.equal(proof.account, session.account);
});

test('a hello that the pinned key has not signed gets no byte', async () => {
  for (const { why, frame } of vectors.badHellos) {
    const { sent } = await meet(frame);
    assert.deepEqual(sent, [], why);
  }
  const { sent } = await meet(session.hello.slice(0, -1));
  assert.deepEqual(sent, [], 'a truncated hello');
});
