import './globals.js';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

const declarations = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.d.ts')).sort();

test('the committed declarations are those of the sources', () => {
  const committed = declarations('dist');
  assert.ok(committed.includes('postern.d.ts'));
  for (const name of committed) {
    const want = readFileSync(`build/src/${name}`, 'utf8');
    assert.equal(readFileSync(`dist/${name}`, 'utf8'), want, `dist/${name} is stale; run npm run types`);
  }
});

test('the declarations need no package', () => {
  for (const name of declarations('dist')) assert.doesNotMatch(readFileSync(`dist/${name}`, 'utf8'), /from '[^.]/, name);
});

test('every module that a declaration imports is committed', () => {
  const committed = declarations('dist');
  for (const name of committed) {
    for (const [, module] of readFileSync(`dist/${name}`, 'utf8').matchAll(/from '\.\/(.+)\.js'/g)) {
      assert.ok(committed.includes(`${module}.d.ts`), `${name} imports ${module}; run npm run types`);
    }
  }
});
