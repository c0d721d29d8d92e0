/** Elements are made here and nowhere from text: the page's policy forbids HTML from text. */

type Child = Node | string | false | undefined;

type Props<K extends keyof HTMLElementTagNameMap> = Partial<Omit<HTMLElementTagNameMap[K], 'style' | 'children'>> & {
  class?: string;
  [attribute: `aria-${string}` | `data-${string}`]: string;
};

/** Makes an element. What the element has as a property is set as one, the rest as attributes. */
export function el<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props<K> = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === 'class') element.className = String(value);
    else if (name in element) Object.assign(element, { [name]: value });
    else element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== false && child !== undefined));
  return element;
}

/** A labelled field: the label's text above its control. */
export function field(label: string, control: HTMLElement, hint?: string): HTMLElement {
  const hintLine = hint ? el('span', { class: 'hint' }, hint) : undefined;
  return el('label', { class: 'field' }, el('span', { class: 'label' }, label), control, hintLine);
}

const drawings = {
  show: 'M1.5 8s2.5-4.5 6.5-4.5S14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8z M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
  hide: 'M2 2l12 12 M6.5 3.7A6.6 6.6 0 0 1 8 3.5c4 0 6.5 4.5 6.5 4.5a11 11 0 0 1-1.9 2.4 M4 5A10.5 10.5 0 0 0 1.5 8s2.5 4.5 6.5 4.5a6.5 6.5 0 0 0 3-.7',
  copy: 'M5.5 5.5h8v8h-8z M10.5 5.5v-3h-8v8h3',
  edit: 'M2.5 13.5l.7-3L10.8 3l2.2 2.2-7.5 7.6z',
  delete: 'M2.5 4.5h11 M6 4.5v-2h4v2 M4 4.5l.6 9h6.8l.6-9',
  random: 'M2 4.5h2.5l6 7H14 M2 11.5h2.5l6-7H14 M12 2.5l2 2-2 2 M12 9.5l2 2-2 2',
  save: 'M3 8.5l3.2 3.2L13 4.5',
  cancel: 'M4 4l8 8 M12 4l-8 8',
} as const;

export type Icon = keyof typeof drawings;

function icon(name: Icon): SVGSVGElement {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(space, 'path');
  path.setAttribute('d', drawings[name]);
  svg.append(path);
  return svg;
}

/** A small button that shows an icon and is named by its label. */
export function iconButton(name: Icon, label: string, testid: string, onclick?: (event: MouseEvent) => void): HTMLButtonElement {
  const button = el('button', { type: 'button', class: 'icon', title: label, 'aria-label': label, 'data-testid': testid }, icon(name));
  if (onclick) button.onclick = onclick;
  return button;
}

/** Gives an icon button another face. */
export function setIcon(button: HTMLButtonElement, name: Icon, label: string): void {
  button.title = label;
  button.setAttribute('aria-label', label);
  button.replaceChildren(icon(name));
}

/** Hands the browser a file to save. */
export function download(name: string, content: Blob): void {
  const address = URL.createObjectURL(content);
  el('a', { href: address, download: name }).click();
  // The download has begun, but not necessarily read, when click returns.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Says something short in the page's live region, and takes it away again. */
export function say(text: string): void {
  const toast = document.getElementById('toast');
  if (!toast) return;
  toast.textContent = text;
  setTimeout(() => {
    if (toast.textContent === text) toast.textContent = '';
  }, 4_000);
}

/** Calls only when no other call follows within the time. */
export function debounce(milliseconds: number, work: () => void): () => void {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = window.setTimeout(work, milliseconds);
  };
}
