import { PosternError } from '../../client/src/errors.js';
import { el } from './dom.js';

/** A place for an error, next to what failed: what happened, and what to do. */
export interface ErrorBox {
  element: HTMLElement;
  show(error: unknown): void;
  clear(): void;
}

export function errorBox(testid = 'error'): ErrorBox {
  const element = el('div', { class: 'error', role: 'alert', hidden: true, 'data-testid': testid });
  return {
    element,
    show(error) {
      const known = error instanceof PosternError ? error : new PosternError('internal', 'Something went wrong in this page.', 'Reload it and try again.');
      if (known !== error) console.error(error);
      element.dataset.kind = known.kind;
      element.replaceChildren(el('strong', {}, known.message), ' ', el('span', {}, known.fix));
      element.hidden = false;
    },
    clear() {
      element.hidden = true;
      element.replaceChildren();
    },
  };
}

/** Does work with its buttons disabled, and shows its error in the box. True when it is done. */
export async function attempt(box: ErrorBox, buttons: HTMLButtonElement[], work: () => Promise<unknown>): Promise<boolean> {
  box.clear();
  const focused = document.activeElement;
  for (const button of buttons) button.disabled = true;
  try {
    await work();
    return true;
  } catch (error) {
    box.show(error);
    return false;
  } finally {
    for (const button of buttons) button.disabled = false;
    // Disabling a button takes the focus from it.
    if (document.activeElement === document.body && focused instanceof HTMLElement) focused.focus();
  }
}
