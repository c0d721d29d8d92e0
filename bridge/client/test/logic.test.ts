import './globals.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { delay } from '../src/backoff.js';
import { PosternError, fromWire, noConnection } from '../src/errors.js';
import { browserOf, helpText, type Browser } from '../src/help.js';
import type { VaultStatus } from '../src/protocol.js';
import { stateOf, type Facts, type Standing, type State } from '../src/state.js';
import { fromBase64 } from '../src/transcript.js';

test('the pause doubles up to half a minute, and is spread', () => {
  const longest = [0, 1, 2, 3, 7, 50].map((failures) => delay(failures, () => 1));
  assert.deepEqual(longest, [500, 500, 1000, 2000, 30_000, 30_000]);
  assert.equal(delay(3, () => 0), 1000);
});

const nothing: Facts = { permission: 'unknown', pending: false, refused: false, listening: false, mayPair: false };

const cases: [string, Partial<Facts>, State][] = [
  ['nothing answers', {}, 'not-reachable'],
  ['nothing answers, permission given', { permission: 'granted' }, 'not-reachable'],
  ['nothing answers, so the browser never asked', { permission: 'prompt' }, 'not-reachable'],
  ['the browser asks now', { permission: 'prompt', pending: true }, 'permission-needed'],
  ['the handshake hangs, and nobody is asked', { permission: 'granted', pending: true }, 'not-reachable'],
  ['the user said no to the browser', { permission: 'denied' }, 'blocked-by-browser'],
  ['the browser forbids ws: here', { refused: true }, 'blocked-by-browser'],
  ['the agent is there and lets nobody ask', { listening: true }, 'not-allowed'],
  ['the agent answers though the permission looks open', { permission: 'prompt', listening: true }, 'not-allowed'],
  ['the agent lets this page ask', { listening: true, mayPair: true }, 'not-paired'],
];

for (const [name, facts, want] of cases) {
  test(`state: ${name}`, () => assert.equal(stateOf({ ...nothing, ...facts }), want));
}

test('an answer becomes an error with kind and fix', () => {
  const error = fromWire({ message: 'The vault is locked.', data: { kind: 'locked', fix: 'Unlock it.' } });
  assert.ok(error instanceof PosternError && error instanceof Error);
  assert.deepEqual([error.name, error.kind, error.message, error.fix], ['PosternError', 'locked', 'The vault is locked.', 'Unlock it.']);
  assert.equal(fromWire({ message: 'Odd.' }).kind, 'internal');
  assert.equal(noConnection('blocked-by-browser', 'Allow it.').kind, 'blocked_by_browser');
});

test('browsers are told apart', () => {
  const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36';
  const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0';
  const safari = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15';
  assert.deepEqual([chrome, firefox, safari].map(browserOf), ['chromium', 'firefox', 'safari']);
});

test('help differs where what to do differs', () => {
  const help = (standing: Standing, browser: Browser = 'chromium', vault?: VaultStatus, secure?: boolean) => helpText(standing, browser, vault, secure);
  assert.notEqual(help({ state: 'blocked-by-browser' }, 'firefox'), help({ state: 'blocked-by-browser' }));
  assert.match(help({ state: 'blocked-by-browser' }, 'chromium', undefined, false), /https/);
  const none = { state: 'none', account: 'a', secrets: 0, keyStored: false } as const;
  assert.match(help({ state: 'locked' }, 'chromium', none), /create one/);
  const unpaired = ([undefined, 'other-agent', 'no-storage'] as const).map((reason) => help(reason ? { state: 'not-paired', reason } : { state: 'not-paired' }));
  assert.equal(new Set(unpaired).size, 3);
});

test('base64 has one spelling', () => {
  assert.deepEqual(fromBase64('AQI='), Uint8Array.of(1, 2));
  for (const text of ['AQI', 'AQJ=', ' AQI=', 'AQI=\n', 'AQ-_', 'Ä', 1, null, undefined]) assert.equal(fromBase64(text), undefined, String(text));
});
