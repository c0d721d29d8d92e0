import type { ListParams, Postern } from '../../client/src/postern.js';
import { addRow } from './addrow.js';
import { debounce, el } from './dom.js';
import { attempt, errorBox } from './failure.js';
import { SecretRow } from './row.js';

/** How many secrets are shown at once, and how many more each time. */
const page = 100;

type Column = 'name' | 'updated';

/** The table of the open vault's secrets. */
export class SecretTable {
  readonly element: HTMLElement;
  #postern: Postern;
  #rows = new Map<string, SecretRow>();
  #body = el('tbody', { id: 'secrets' });
  #filter = el('input', { type: 'search', id: 'filter', placeholder: 'Filter by name', 'aria-label': 'Filter by name' });
  #count = el('p', { class: 'muted', id: 'secret-count', role: 'status' });
  #more = el('button', { type: 'button', id: 'show-more', hidden: true }, 'Show more');
  #table: HTMLTableElement;
  #heads: Record<Column, HTMLTableCellElement>;
  #errors = errorBox();
  #sort: NonNullable<ListParams['sort']> = 'name';
  #limit = page;
  #load = 0;

  constructor(postern: Postern) {
    this.#postern = postern;
    this.#heads = { name: this.#head('name', 'Name'), updated: this.#head('updated', 'Updated') };
    const titles = el(
      'tr',
      {},
      el('th', { scope: 'col', class: 'tick' }, el('span', { class: 'unseen' }, 'Enabled')),
      this.#heads.name,
      el('th', { scope: 'col' }, 'Value'),
      el('th', { scope: 'col' }, 'Allowed domains'),
      this.#heads.updated,
      el('th', { scope: 'col', class: 'last' }, el('span', { class: 'unseen' }, 'Actions')),
    );
    this.#table = el('table', { class: 'secrets', id: 'vault-table', tabIndex: -1 }, el('caption', { class: 'unseen' }, 'Secrets'), el('thead', {}, titles), this.#body, el('tfoot', {}, addRow(postern)));
    this.#filter.oninput = debounce(150, () => this.load());
    this.#more.onclick = () => {
      this.#limit += page;
      void this.load();
    };
    this.element = el('section', { id: 'open' }, el('div', { class: 'toolbar' }, this.#filter, this.#count), this.#errors.element, this.#table, this.#more);
    void this.load();
  }

  /** Moves the keyboard to the table, the first row's name if there is one. */
  focus(): void {
    this.#table.scrollIntoView({ block: 'nearest' });
    this.#table.focus();
  }

  /** Shows what the vault holds now. */
  async load(): Promise<void> {
    const load = ++this.#load;
    await attempt(this.#errors, [], async () => {
      const { secrets, total } = await this.#postern.call('secret.list', { filter: this.#filter.value.trim(), sort: this.#sort, limit: this.#limit });
      // A later load overtook this one.
      if (load !== this.#load) return;
      const rows = new Map<string, SecretRow>();
      for (const secret of secrets) {
        const row = this.#known(secret.name) ?? new SecretRow(this.#postern, secret);
        row.update(secret);
        rows.set(secret.name, row);
      }
      this.#rows = rows;
      this.#place([...rows.values()].map((row) => row.element));
      this.#tell(secrets.length, total);
    });
  }

  /** The row of that name, which may have been renamed since the last load. */
  #known(name: string): SecretRow | undefined {
    const row = this.#rows.get(name);
    if (row?.element.dataset.name === name) return row;
    return [...this.#rows.values()].find((row) => row.element.dataset.name === name);
  }

  /** Puts rows in order without moving those that are in place: moving takes the focus. */
  #place(rows: HTMLElement[]): void {
    const wanted = new Set<Element>(rows);
    for (const old of [...this.#body.children]) if (!wanted.has(old)) old.remove();
    rows.forEach((row, i) => {
      const there = this.#body.children[i];
      if (there !== row) this.#body.insertBefore(row, there ?? null);
    });
  }

  #tell(shown: number, total: number): void {
    const filtered = this.#filter.value.trim() !== '';
    const noun = total === 1 ? 'secret' : 'secrets';
    this.#count.textContent = shown < total ? `${shown} of ${total} secrets` : filtered ? `${total} ${noun} found` : total === 0 ? 'No secrets yet. Add the first below.' : `${total} ${noun}`;
    this.#more.hidden = shown >= total;
    for (const [column, head] of Object.entries(this.#heads)) {
      const up = this.#sort === column;
      head.setAttribute('aria-sort', up ? 'ascending' : this.#sort === `-${column}` ? 'descending' : 'none');
    }
  }

  #head(column: Column, title: string): HTMLTableCellElement {
    const button = el('button', { type: 'button', class: 'sort', 'data-testid': `sort-${column}` }, title);
    button.onclick = () => {
      this.#sort = this.#sort === column ? `-${column}` : column;
      void this.load();
    };
    return el('th', { scope: 'col', 'aria-sort': 'none' }, button);
  }
}
