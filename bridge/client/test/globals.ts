/** What Node.js 18, which Debian 12 has, does in another way than later versions. */
import { webcrypto } from 'node:crypto';
import type { TestContext } from 'node:test';

globalThis.crypto ??= webcrypto as Crypto;

/** Puts setTimeout under the control of the test. */
export function holdTimers(t: TestContext): void {
  try {
    t.mock.timers.enable({ apis: ['setTimeout'] });
  } catch {
    (t.mock.timers.enable as unknown as (apis: string[]) => void).call(t.mock.timers, ['setTimeout']);
  }
}
