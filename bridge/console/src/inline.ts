import { el, iconButton } from './dom.js';
import { attempt, errorBox } from './failure.js';

interface Edit {
  /** What is shown otherwise; it comes back when the edit ends. */
  view: HTMLElement;
  label: string;
  text: string;
  testid: string;
  /** A secret: typed hidden, with a button that shows it. */
  hidden?: boolean;
  /** More buttons, each with what it does in place of saving the text. */
  others?: { button: HTMLButtonElement; work: () => Promise<unknown> }[];
  save: (text: string) => Promise<unknown>;
}

/** Edits a cell where it stands: Enter saves, Escape leaves it as it was. */
export function editInPlace({ view, label, text, testid, hidden = false, others = [], save }: Edit): void {
  const errors = errorBox();
  const input = el('input', { 'aria-label': label, autocomplete: hidden ? 'new-password' : 'off', spellcheck: false, 'data-testid': `${testid}-input` });
  input.type = hidden ? 'password' : 'text';
  input.value = text;
  const done = iconButton('save', 'Save', `${testid}-save`);
  done.type = 'submit';
  const leave = iconButton('cancel', 'Cancel', `${testid}-cancel`, () => end());
  const show = hidden && iconButton('show', 'Show what you type', `${testid}-show`, () => (input.type = input.type === 'text' ? 'password' : 'text'));
  const form = el('form', { class: 'inline' }, input, show, ...others.map((other) => other.button), done, leave, errors.element);

  const end = () => {
    if (!form.isConnected) return;
    form.replaceWith(view);
    input.value = '';
    view.querySelector('button')?.focus();
  };
  const run = async (work: () => Promise<unknown>) => {
    if (await attempt(errors, [done], work)) end();
    else input.focus();
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    void run(() => save(input.value));
  };
  form.onkeydown = (event) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    end();
  };
  for (const { button, work } of others) button.onclick = () => run(work);
  view.replaceWith(form);
  input.focus();
  input.select();
}
