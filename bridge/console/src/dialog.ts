import { el } from './dom.js';
import { attempt, errorBox } from './failure.js';

/** Opens a modal dialog that removes itself when it closes. */
export function openDialog(title: string, testid: string, ...content: (Node | string)[]): HTMLDialogElement {
  const heading = el('h2', { id: `${testid}-title` }, title);
  const dialog = el('dialog', { 'aria-labelledby': heading.id, 'data-testid': testid }, heading, ...content);
  const before = document.activeElement;
  dialog.onclose = () => {
    dialog.remove();
    if (before instanceof HTMLElement) before.focus();
  };
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

interface Confirmation {
  title: string;
  text: string;
  action: string;
  /** What has to be typed first; nothing when absent. */
  typed?: string;
  work: () => Promise<unknown>;
}

/** Asks before something that cannot be undone. The way out has the focus. */
export function confirmDanger({ title, text, action, typed, work }: Confirmation): void {
  const errors = errorBox();
  const cancel = el('button', { type: 'button', 'data-testid': 'confirm-cancel', onclick: () => dialog.close() }, 'Cancel');
  const go = el('button', { type: 'submit', class: 'danger', 'data-testid': 'confirm-go', disabled: typed !== undefined }, action);
  const input = el('input', { autocomplete: 'off', spellcheck: false, 'data-testid': 'confirm-typed' });
  input.oninput = () => (go.disabled = input.value.trim() !== typed);
  const typing = typed !== undefined && el('label', { class: 'field' }, el('span', { class: 'label' }, 'Type ', el('code', {}, typed), ' to go on'), input);
  const form = el('form', { class: 'stack' }, el('p', {}, text), typing, errors.element, el('div', { class: 'actions' }, cancel, go));
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (await attempt(errors, [go], work)) dialog.close();
  };
  const dialog = openDialog(title, 'confirm', form);
  (typed === undefined ? cancel : input).focus();
}
