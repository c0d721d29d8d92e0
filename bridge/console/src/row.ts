import type { Postern, Secret } from '../../client/src/postern.js';
import { confirmDanger } from './dialog.js';
import { el, iconButton, say, setIcon } from './dom.js';
import { attempt, errorBox } from './failure.js';
import { editInPlace } from './inline.js';
import { copyText } from './keycard.js';

/** As many as fit; how long a value is stays its own secret. */
const mask = '••••••••••';

/** A value that was shown is masked again after this long. */
const shownFor = 60_000;

/** Splits what was typed as a list of domains. */
export function parseDomains(text: string): string[] {
  return text.split(/[\s,]+/).filter((domain) => domain !== '');
}

/** One secret in the table. It stays while its secret does, so that edits and focus survive reloads. */
export class SecretRow {
  readonly element = el('tr', { 'data-testid': 'secret-row' });
  #postern: Postern;
  #secret: Secret;
  #enabled = el('input', { type: 'checkbox', 'data-testid': 'secret-enabled' });
  #name = el('span', { class: 'name', 'data-testid': 'secret-name' });
  #value = el('code', { class: 'value', 'data-testid': 'secret-value' }, mask);
  #show: HTMLButtonElement;
  #domains = el('span', { class: 'chips', 'data-testid': 'secret-domains' });
  #updated = el('time');
  #errors = errorBox();
  #hiding = 0;

  constructor(postern: Postern, secret: Secret) {
    this.#postern = postern;
    this.#secret = secret;
    this.#show = iconButton('show', 'Show value', 'secret-show', () => this.#toggle());
    this.#enabled.onchange = () => this.#set({ enabled: this.#enabled.checked });
    const nameView = el('span', { class: 'view' }, this.#name, iconButton('edit', 'Rename', 'secret-rename', () => this.#rename(nameView)));
    const valueView = el(
      'span',
      { class: 'view' },
      this.#value,
      this.#show,
      iconButton('copy', 'Copy value', 'secret-copy', () => this.#copy()),
      iconButton('edit', 'Change value', 'secret-change', () => this.#change(valueView)),
    );
    const domainView = el('span', { class: 'view' }, this.#domains, iconButton('edit', 'Change allowed domains', 'secret-edit-domains', () => this.#editDomains(domainView)));
    this.element.append(
      el('td', { class: 'tick' }, this.#enabled),
      el('th', { scope: 'row' }, nameView, this.#errors.element),
      cell('Value', valueView),
      cell('Allowed domains', domainView),
      cell('Updated', this.#updated),
      el('td', { class: 'last' }, iconButton('delete', 'Delete', 'secret-delete', () => this.#delete())),
    );
    this.#render();
  }

  /** Takes the secret as the agent tells it now. */
  update(secret: Secret): void {
    if (secret.updated !== this.#secret.updated) this.hide();
    this.#secret = secret;
    this.#render();
  }

  hide(): void {
    clearTimeout(this.#hiding);
    this.#value.textContent = mask;
    this.#value.classList.remove('shown');
    setIcon(this.#show, 'show', 'Show value');
  }

  #render(): void {
    const { name, enabled, domains, updated } = this.#secret;
    this.element.dataset.name = name;
    this.element.classList.toggle('off', !enabled);
    this.#enabled.checked = enabled;
    this.#enabled.setAttribute('aria-label', `Enable ${name}`);
    this.#name.textContent = name;
    const chips = domains.map((domain) => el('span', { class: 'chip' }, domain));
    this.#domains.replaceChildren(...(chips.length > 0 ? chips : [el('span', { class: 'muted' }, 'Any domain')]));
    this.#updated.dateTime = updated;
    this.#updated.textContent = when(updated);
    this.#updated.title = new Date(updated).toLocaleString();
  }

  async #set(change: { domains?: string[]; enabled?: boolean; value?: string }): Promise<void> {
    const done = await attempt(this.#errors, [], () => this.#postern.call('secret.set', { name: this.#secret.name, ...change }));
    if (!done) this.#render();
  }

  async #reveal(): Promise<string> {
    return (await this.#postern.call('secret.reveal', { name: this.#secret.name })).value;
  }

  #toggle(): void {
    if (this.#value.classList.contains('shown')) return this.hide();
    void attempt(this.#errors, [this.#show], async () => {
      this.#value.textContent = await this.#reveal();
      this.#value.classList.add('shown');
      setIcon(this.#show, 'hide', 'Hide value');
      this.#hiding = window.setTimeout(() => this.hide(), shownFor);
    });
  }

  #copy(): void {
    void attempt(this.#errors, [], async () => {
      await copyText(await this.#reveal());
      say('The value is copied.');
    });
  }

  #rename(view: HTMLElement): void {
    const from = this.#secret.name;
    const save = async (to: string) => {
      if (to.trim() !== from) await this.#postern.call('secret.rename', { from, to });
      // The list that comes with the event then finds this row under its new name.
      this.element.dataset.name = to.trim();
    };
    editInPlace({ view, label: `New name of ${from}`, text: from, testid: 'rename', save });
  }

  #change(view: HTMLElement): void {
    const { name } = this.#secret;
    this.hide();
    const random = iconButton('random', 'Use a random value', 'value-random');
    editInPlace({
      view,
      label: `New value of ${name}`,
      text: '',
      testid: 'value',
      hidden: true,
      others: [{ button: random, work: () => this.#postern.call('secret.generate', { name }).then(() => say(`${name} has a new random value.`)) }],
      save: (value) => this.#postern.call('secret.set', { name, value }),
    });
  }

  #editDomains(view: HTMLElement): void {
    const { name, domains } = this.#secret;
    const save = (text: string) => this.#postern.call('secret.set', { name, domains: parseDomains(text) });
    editInPlace({ view, label: `Allowed domains of ${name}, with commas`, text: domains.join(', '), testid: 'domains', save });
  }

  #delete(): void {
    const { name } = this.#secret;
    confirmDanger({
      title: `Delete ${name}?`,
      text: `Requests that refer to {{vault:${name}}} are no longer sent. This cannot be undone.`,
      action: 'Delete',
      work: () => this.#postern.call('secret.delete', { names: [name] }).then(() => say(`${name} is deleted.`)),
    });
  }
}

/** A cell that can say what it holds where the table has no head. */
function cell(label: string, ...content: Node[]): HTMLTableCellElement {
  return el('td', { 'data-label': label }, ...content);
}

function when(time: string): string {
  const ago = (Date.now() - Date.parse(time)) / 1000;
  const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
  if (ago < 60) return 'just now';
  if (ago < 3600) return relative.format(-Math.floor(ago / 60), 'minute');
  if (ago < 86_400) return relative.format(-Math.floor(ago / 3600), 'hour');
  return new Date(time).toLocaleDateString(undefined, { dateStyle: 'medium' });
}
