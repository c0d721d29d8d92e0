import type { Postern } from '../../client/src/postern.js';
import { confirmDanger, openDialog } from './dialog.js';
import { el, say } from './dom.js';
import { attempt, errorBox } from './failure.js';
import { keyCard } from './keycard.js';
import { openExport, openImport } from './transfer.js';

/** What can be done with the key of the open vault, and the end of that vault. */
export function openKeyMenu(postern: Postern): void {
  const errors = errorBox();
  const shown = el('div');
  const show = el('button', { type: 'button', 'data-testid': 'key-show' }, 'Show the key');
  show.onclick = () =>
    attempt(errors, [show], async () => {
      const { key } = await postern.call('key.reveal');
      shown.replaceChildren(keyCard(key));
      show.hidden = true;
    });

  const replace = el('button', { type: 'button', 'data-testid': 'key-rotate' }, 'Replace the key');
  replace.onclick = () =>
    attempt(errors, [replace], async () => {
      const { key } = await postern.call('key.rotate', {});
      shown.replaceChildren(el('p', {}, 'This is the new key. No secret is lost; the old key opens the vault no more.'), keyCard(key));
      show.hidden = true;
    });

  const keep = el('button', { type: 'button', 'data-testid': 'key-store' }, 'Keep in the password manager');
  const forget = el('button', { type: 'button', 'data-testid': 'key-forget' }, 'Remove from the password manager');
  const where = el('p', { class: 'muted' });
  const tell = () => {
    const stored = postern.vault?.keyStored ?? false;
    where.textContent = stored ? 'The key is in the password manager, so the vault opens without typing.' : 'The key is not in the password manager; it has to be typed.';
    keep.hidden = stored;
    forget.hidden = !stored;
  };
  keep.onclick = () => attempt(errors, [keep], () => postern.call('key.store').then(() => say('The key is kept.')));
  forget.onclick = () => attempt(errors, [forget], () => postern.call('key.forget').then(() => say('The key is removed.')));
  tell();

  const signOut = el('button', { type: 'button', class: 'danger', 'data-testid': 'sign-out' }, 'Sign out and delete…');
  signOut.onclick = () => {
    dialog.close();
    confirmDanger({
      title: 'Delete this vault for good?',
      text: 'Signing out deletes every secret of this account, and its key from the password manager. The key that you saved does not bring them back, and requests that refer to them are no longer sent. If you may want them back, cancel and export them first.',
      action: 'Delete everything',
      typed: 'DELETE',
      work: () => postern.call('vault.signOut'),
    });
  };
  const exporting = el('button', { type: 'button', 'data-testid': 'open-export', onclick: () => (dialog.close(), openExport(postern)) }, 'Export…');
  const importing = el('button', { type: 'button', 'data-testid': 'open-import', onclick: () => (dialog.close(), openImport(postern)) }, 'Import…');
  const close = el('button', { type: 'button', 'data-testid': 'key-close', onclick: () => dialog.close() }, 'Close');
  const off = postern.on('vault.changed', tell);
  const dialog = openDialog(
    'Vault key',
    'key-menu',
    el('div', { class: 'stack' }, where, el('div', { class: 'actions start' }, show, replace, keep, forget), shown, errors.element),
    el('hr'),
    el('div', { class: 'actions start' }, exporting, importing),
    el('hr'),
    el('div', { class: 'actions spread' }, signOut, close),
  );
  dialog.addEventListener('close', off);
}
