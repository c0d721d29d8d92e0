import type { Postern } from '../../client/src/postern.js';
import { el, field } from './dom.js';
import { attempt, errorBox } from './failure.js';
import { keyCard } from './keycard.js';

/**
 * Shown when there is no vault yet. It holds the screen from the creation of the
 * vault until its owner has seen the key, whatever happens to the vault meanwhile.
 */
export function firstUse(postern: Postern, hold: (on: boolean) => void): HTMLElement {
  const errors = errorBox();
  const store = el('input', { type: 'checkbox', checked: true, id: 'store-key' });
  const create = el('button', { type: 'submit', class: 'primary', id: 'create-vault' }, 'Create vault');
  const without = el('button', { type: 'button', id: 'create-without', hidden: true }, 'Create without the password manager');
  const card = el('section', { class: 'card narrow', id: 'first-use' });

  const make = async (keep: boolean) => {
    hold(true);
    const ok = await attempt(errors, [create, without], async () => {
      const { key } = await postern.call('vault.create', { store: keep });
      card.replaceChildren(...newKey(key, keep, () => hold(false)));
      card.querySelector('h1')?.focus();
    });
    if (!ok) hold(false);
    without.hidden = ok || !['no_password_manager', 'password_manager_locked'].includes(errors.element.dataset.kind ?? '');
  };
  without.onclick = () => make(false);
  const form = el(
    'form',
    { class: 'stack' },
    el('label', { class: 'check' }, store, el('span', {}, 'Keep this key in the password manager')),
    errors.element,
    el('div', { class: 'actions start' }, create, without),
  );
  form.onsubmit = (event) => {
    event.preventDefault();
    void make(store.checked);
  };
  card.append(
    el('h1', { tabIndex: -1 }, 'Create your vault'),
    el('p', {}, 'The vault keeps your secrets encrypted on this computer, and web apps that you allow can use them without seeing them. One key opens it; Postern shows it to you now and can keep it in your password manager.'),
    form,
  );
  return card;
}

function newKey(key: string, kept: boolean, done: () => void): HTMLElement[] {
  const text = kept
    ? 'It is in your password manager. Save it in a second place too: without it nobody can open the vault.'
    : 'Save it now: without it nobody can open the vault.';
  const go = el('button', { type: 'button', class: 'primary', id: 'key-continue', onclick: done }, 'Continue');
  return [el('h1', { tabIndex: -1 }, 'This is your vault key'), el('p', {}, text), keyCard(key), el('div', { class: 'actions' }, go)];
}

/** Shown while the vault is locked. */
export function unlock(postern: Postern): HTMLElement {
  const errors = errorBox();
  const stored = postern.vault?.keyStored ?? false;
  const open = el('button', { type: 'button', id: 'unlock', class: stored ? 'primary' : '' }, 'Unlock with the password manager');
  const key = el('input', { id: 'unlock-key', type: 'password', autocomplete: 'off', spellcheck: false, placeholder: 'PVK1-…' });
  const show = el('input', { type: 'checkbox', onchange: () => (key.type = show.checked ? 'text' : 'password') });
  const submit = el('button', { type: 'submit', id: 'unlock-with-key', class: stored ? '' : 'primary' }, 'Unlock with the key');
  open.onclick = () => attempt(errors, [open, submit], () => postern.call('vault.open'));
  const form = el(
    'form',
    { class: 'stack' },
    field('Vault key', key, 'Capitals, spaces and hyphens do not matter.'),
    el('label', { class: 'check' }, show, el('span', {}, 'Show the key')),
    el('div', { class: 'actions start' }, submit),
  );
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (!key.value.trim()) return key.focus();
    if (await attempt(errors, [open, submit], () => postern.call('vault.open', { key: key.value }))) key.value = '';
  };
  return el(
    'section',
    { class: 'card narrow', id: 'locked' },
    el('h1', { tabIndex: -1 }, 'The vault is locked'),
    el('div', { class: 'actions start' }, open),
    el('p', { class: 'or' }, 'or type its key'),
    form,
    errors.element,
  );
}
