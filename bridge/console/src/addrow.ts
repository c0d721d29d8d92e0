import { PosternError } from '../../client/src/errors.js';
import type { Postern } from '../../client/src/postern.js';
import { el, iconButton, say } from './dom.js';
import { attempt, errorBox } from './failure.js';
import { parseDomains } from './row.js';

/** The row at the end of the table that adds a secret. A form cannot be a row, so its fields name it. */
export function addRow(postern: Postern): HTMLTableRowElement {
  const formName = 'add-secret';
  const errors = errorBox('add-error');
  const input = (id: string, label: string, placeholder: string) => {
    const element = el('input', { id, placeholder, 'aria-label': label, autocomplete: 'off', spellcheck: false });
    element.setAttribute('form', formName);
    return element;
  };
  const name = input('add-name', 'Name of the new secret', 'New secret');
  const value = input('add-value', 'Value of the new secret', 'Value');
  value.type = 'password';
  value.autocomplete = 'new-password';
  const domains = input('add-domains', 'Allowed domains of the new secret, with commas', 'example.com, *.example.org');
  const show = iconButton('show', 'Show what you type', 'add-show', () => (value.type = value.type === 'text' ? 'password' : 'text'));
  const random = iconButton('random', 'Add with a random value', 'add-random');
  const add = el('button', { type: 'submit', class: 'primary', id: 'add' }, 'Add');
  add.setAttribute('form', formName);

  const run = (work: (name: string) => Promise<unknown>) =>
    attempt(errors, [add, random], async () => {
      await refuseTaken(postern, name.value);
      await work(name.value);
      say(`${name.value.trim()} is added.`);
      name.value = value.value = domains.value = '';
      value.type = 'password';
      name.focus();
    });
  random.onclick = () => run((name) => postern.call('secret.generate', { name, domains: parseDomains(domains.value) }));
  const form = el('form', { id: formName });
  form.onsubmit = (event) => {
    event.preventDefault();
    void run((name) => postern.call('secret.set', { name, value: value.value, domains: parseDomains(domains.value) }));
  };
  return el(
    'tr',
    { class: 'add' },
    el('td', { class: 'tick' }, form),
    el('td', { 'data-label': 'Name' }, name),
    el('td', { 'data-label': 'Value' }, el('span', { class: 'view' }, value, show, random)),
    el('td', { 'data-label': 'Allowed domains', colSpan: 2 }, domains, errors.element),
    el('td', { class: 'last' }, add),
  );
}

/** secret.set also changes; somebody who adds does not want to. */
async function refuseTaken(postern: Postern, name: string): Promise<void> {
  const wanted = name.trim().normalize('NFC');
  if (!wanted) return;
  const { secrets } = await postern.call('secret.list', { filter: wanted });
  if (secrets.some((secret) => secret.name === wanted)) {
    throw new PosternError('exists', 'There is already a secret of that name.', 'Choose another name, or change that one.');
  }
}
