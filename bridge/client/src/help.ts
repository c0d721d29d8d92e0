import type { VaultStatus } from './protocol.js';
import type { Reason, Standing } from './state.js';

export type Browser = 'firefox' | 'safari' | 'chromium';

export function browserOf(userAgent: string): Browser {
  if (/Firefox\//.test(userAgent)) return 'firefox';
  if (/Safari\//.test(userAgent) && !/Chrom(e|ium)\//.test(userAgent)) return 'safari';
  return 'chromium';
}

const unblock: Record<Browser, string> = {
  chromium:
    'Open the site settings (the icon left of the address), allow “Apps on device” or “Local network access”, and reload the page.',
  firefox: 'Open the site permissions (the icon left of the address), allow access to this device, and reload the page.',
  safari: 'Safari does not let https pages reach this computer. Open this page in Firefox, Chrome or Edge.',
};

const notPaired: Record<Reason | 'unknown', string> = {
  unknown: 'Postern is running and does not know this page yet. Ask to be allowed, and compare the code.',
  'other-agent':
    'What answers on this computer is not the Postern that this page knows, so the page sends it nothing. If Postern was installed anew, ask to be allowed again; otherwise find out what it is.',
  'no-storage':
    'Postern is running, and the browser does not let this page keep its key. Open the page in an ordinary window, not a private one, and let it store data.',
};

/** Says in a sentence or two what a state means and what to do, for this browser. */
export function helpText({ state, reason }: Standing, browser: Browser, vault?: VaultStatus, secure = true): string {
  switch (state) {
    case 'not-reachable':
      return browser === 'safari'
        ? 'Postern does not answer on this computer. Start it, or install it first. If it is running, Safari blocks it: use Firefox, Chrome or Edge.'
        : 'Postern does not answer on this computer. Start it, or install it first; this page connects by itself.';
    case 'blocked-by-browser':
      return secure
        ? `The browser blocks connections from this page to this computer. ${unblock[browser]}`
        : 'Browsers let only https pages reach this computer. Open this page by https.';
    case 'permission-needed':
      return 'The browser has to allow this page to reach apps on this computer. Choose Allow when it asks; if the question is gone, try again.';
    case 'not-allowed':
      return 'Postern is running and does not let this page in. Its owner can allow it under Apps in the Postern console.';
    case 'not-paired':
      return notPaired[reason ?? 'unknown'];
    case 'locked':
      return vault?.state === 'none'
        ? 'Connected. There is no vault yet; create one, and keep the key that it shows.'
        : 'Connected. The vault is locked; unlock it from the tray, or with its key.';
    case 'ready':
      return 'Connected. The vault is open.';
  }
}
