import type { Postern } from '../../client/src/postern.js';
import { appsPanel } from './apps.js';
import { composerPanel } from './composer.js';
import { el, say } from './dom.js';
import { firstUse, unlock } from './entry.js';
import { attempt, errorBox } from './failure.js';
import { openKeyMenu } from './keymenu.js';
import { questionBanner } from './questions.js';
import { SecretTable } from './secrets.js';
import { account, switchAccount } from './session.js';

const tabs = { secrets: 'Secrets', request: 'Request', apps: 'Apps' } as const;
type Tab = keyof typeof tabs;

/** The frame of the page: header, question, tabs, and what the vault's state calls for. */
export function shell(postern: Postern): DocumentFragment {
  const vaultPanel = el('section', { id: 'panel-secrets' });
  const panels: Record<Tab, HTMLElement> = { secrets: vaultPanel, request: composerPanel(postern), apps: appsPanel(postern) };
  const offline = el('section', { class: 'card narrow', id: 'offline', role: 'status', hidden: true });
  const content = el('div', { id: 'content' }, ...Object.values(panels));
  const buttons = {} as Record<Tab, HTMLButtonElement>;

  const choose = (tab: Tab) => {
    for (const name of Object.keys(tabs) as Tab[]) {
      panels[name].hidden = name !== tab;
      if (name === tab) buttons[name].setAttribute('aria-current', 'page');
      else buttons[name].removeAttribute('aria-current');
    }
  };
  for (const [name, title] of Object.entries(tabs) as [Tab, string][]) {
    buttons[name] = el('button', { type: 'button', id: `tab-${name}`, onclick: () => choose(name) }, title);
  }

  const vault = vaultScreens(postern, vaultPanel);
  const refresh = () => {
    const connected = postern.vault !== undefined;
    // A vault that is locked leaves nothing on the screen, and no dialog over it.
    if (postern.state !== 'ready') for (const dialog of document.querySelectorAll('dialog')) dialog.close();
    content.hidden = !connected && !vault.held();
    offline.hidden = connected;
    offline.replaceChildren(el('h1', {}, 'Postern is not running'), el('p', {}, postern.help));
    vault.refresh();
  };
  postern.on('state', refresh);
  postern.on('vault.changed', refresh);
  postern.on('secret.changed', () => vault.reload());

  // From anywhere on the page, and before a text field takes it for a paste.
  document.addEventListener('keydown', (event) => {
    if (!(event.ctrlKey || event.metaKey) || !event.shiftKey || event.code !== 'KeyV') return;
    event.preventDefault();
    choose('secrets');
    vault.focus();
  });

  choose('secrets');
  // Only what is in the page can have the focus.
  queueMicrotask(refresh);
  const fragment = document.createDocumentFragment();
  fragment.append(
    header(postern),
    el('div', { class: 'page' }, questionBanner(postern), el('nav', { 'aria-label': 'Parts of the console' }, ...Object.values(buttons)), el('main', {}, offline, content)),
  );
  return fragment;
}

interface VaultScreens {
  /** Shows what the vault's state calls for. */
  refresh(): void;
  /** Shows the secrets as they are now. */
  reload(): void;
  focus(): void;
  /** Whether a new key is on the screen, which no event may take away. */
  held(): boolean;
}

function vaultScreens(postern: Postern, panel: HTMLElement): VaultScreens {
  let shown: string | undefined;
  let table: SecretTable | undefined;
  let held = false;
  const hold = (on: boolean) => {
    held = on;
    if (on) return;
    refresh();
    focus();
  };
  const refresh = () => {
    const state = postern.vault?.state;
    if (held || state === shown) return;
    shown = state;
    table = state === 'open' ? new SecretTable(postern) : undefined;
    if (table) panel.replaceChildren(table.element);
    else if (state === 'none') panel.replaceChildren(firstUse(postern, hold));
    else if (state === 'locked') panel.replaceChildren(unlock(postern));
    else panel.replaceChildren();
    // What had the focus may be gone with the screen before.
    if (!table && document.activeElement === document.body) panel.querySelector<HTMLElement>('#unlock-key, .primary')?.focus();
  };
  const focus = () => (table ? table.focus() : panel.querySelector<HTMLElement>('h1')?.focus());
  return { refresh, reload: () => void table?.load(), focus, held: () => held };
}

function header(postern: Postern): HTMLElement {
  const errors = errorBox('header-error');
  const badge = el('span', { class: 'badge', id: 'state', role: 'status' });
  const lock = el('button', { type: 'button', id: 'lock' }, 'Lock');
  const key = el('button', { type: 'button', id: 'key-button', onclick: () => openKeyMenu(postern) }, 'Key…');
  lock.onclick = () => attempt(errors, [lock], () => postern.call('vault.lock').then(() => say('The vault is locked.')));
  const words = { none: 'No vault', locked: 'Locked', open: 'Open', offline: 'Off line' };
  const tell = () => {
    const state = postern.vault?.state ?? 'offline';
    badge.textContent = words[state];
    badge.dataset.state = state;
    lock.hidden = key.hidden = state !== 'open';
  };
  postern.on('state', tell);
  postern.on('vault.changed', tell);
  tell();
  return el('header', {}, el('strong', { class: 'brand' }, 'Postern'), accountChoice(postern), badge, el('span', { class: 'grow' }), key, lock, errors.element);
}

/** Whose vault this is: the owner's own, or that of an allowed app. */
function accountChoice(postern: Postern): HTMLElement {
  const mine = account();
  const choice = el('select', { id: 'account', 'aria-label': 'Account' });
  const fill = async () => {
    const apps = await postern.call('app.list').then(
      (result) => result.apps,
      () => [],
    );
    const accounts = new Set(['local', ...apps.filter((app) => app.allowed).map((app) => `${app.origin}#default`), mine]);
    choice.replaceChildren(...[...accounts].map((name) => el('option', { value: name, selected: name === mine }, name === 'local' ? 'My own vault' : name.replace('#default', ''))));
  };
  choice.onfocus = fill;
  choice.onchange = () => switchAccount(choice.value);
  void fill();
  return choice;
}
