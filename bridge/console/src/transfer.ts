import type { Methods, Postern } from '../../client/src/postern.js';
import { openDialog } from './dialog.js';
import { download, el, field, say } from './dom.js';
import { attempt, errorBox } from './failure.js';

type Report = Methods['vault.import']['result'];

/** Asks for a passphrase and downloads all secrets, encrypted in the age format. */
export function openExport(postern: Postern): void {
  const errors = errorBox();
  const passphrase = secretInput('export-passphrase');
  const again = secretInput('export-again');
  const cancel = el('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel');
  const go = el('button', { type: 'submit', class: 'primary', 'data-testid': 'export-go' }, 'Export');
  const form = el(
    'form',
    { class: 'stack' },
    el('p', {}, 'The file holds every secret, encrypted. Postern opens it with the passphrase, and so does the age program.'),
    field('Passphrase', passphrase, '12 characters or more.'),
    field('The same again', again),
    errors.element,
    el('div', { class: 'actions' }, cancel, go),
  );
  again.oninput = () => again.setCustomValidity(again.value === passphrase.value ? '' : 'The passphrases differ.');
  passphrase.oninput = again.oninput;
  form.onsubmit = async (event) => {
    event.preventDefault();
    const done = await attempt(errors, [go], async () => {
      const { content } = await postern.call('vault.export', { passphrase: passphrase.value });
      const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
      download('postern-secrets.age', new Blob([bytes], { type: 'application/octet-stream' }));
    });
    if (done) dialog.close();
  };
  const dialog = openDialog('Export secrets', 'export', form);
  passphrase.focus();
}

/** Takes a file, tells what it would change, and imports it after a yes. */
export function openImport(postern: Postern): void {
  const errors = errorBox();
  const file = el('input', { type: 'file', required: true, 'data-testid': 'import-file' });
  const passphrase = secretInput('import-passphrase', false);
  const secret = field('Passphrase of the file', passphrase);
  secret.hidden = true;
  const duplicates = el(
    'select',
    { 'data-testid': 'import-duplicates' },
    ...[
      ['skip', 'Keep what is here'],
      ['replace', 'Replace what is here'],
      ['rename', 'Keep both, with another name'],
    ].map(([value, text]) => el('option', { value: value ?? '' }, text)),
  );
  const plan = el('div', { class: 'stack', 'aria-live': 'polite', 'data-testid': 'import-plan' });
  const close = el('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel');
  const look = el('button', { type: 'submit', 'data-testid': 'import-look' }, 'See what would change');
  const go = el('button', { type: 'button', class: 'primary', disabled: true, 'data-testid': 'import-go' }, 'Import');
  const again = () => {
    go.disabled = true;
    plan.replaceChildren();
  };
  const run = async (dryRun: boolean) => {
    const content = await readFile(file);
    return postern.call('vault.import', { content, passphrase: passphrase.value, onDuplicate: duplicates.value, dryRun });
  };
  file.onchange = async () => {
    again();
    secret.hidden = !(await isEncrypted(file));
  };
  duplicates.onchange = passphrase.oninput = again;
  const form = el(
    'form',
    { class: 'stack' },
    el('p', {}, 'An export of Postern, a Postman environment or vault export, or a .env file.'),
    field('File', file),
    secret,
    field('Names that are here already', duplicates),
    plan,
    errors.element,
    el('div', { class: 'actions' }, close, look, go),
  );
  form.onsubmit = (event) => {
    event.preventDefault();
    void attempt(errors, [look], async () => {
      plan.replaceChildren(...planOf(await run(true)));
      go.disabled = false;
    });
  };
  go.onclick = async () => {
    const done = await attempt(errors, [look, go], async () => say(`Imported: ${summary(await run(false))}.`));
    if (done) dialog.close();
  };
  const dialog = openDialog('Import secrets', 'import', form);
}

function secretInput(testid: string, required = true): HTMLInputElement {
  return el('input', { type: 'password', autocomplete: 'new-password', required, 'data-testid': testid });
}

function summary({ items }: Report): string {
  const count = new Map<string, number>();
  for (const { result } of items) count.set(result, (count.get(result) ?? 0) + 1);
  return [...count].map(([result, n]) => `${n} ${result}`).join(', ') || 'nothing';
}

/** How many rows of a plan are shown; a file may have thousands. */
const shownItems = 50;

function planOf(report: Report): HTMLElement[] {
  const rows = report.items.slice(0, shownItems).map(({ name, as, result, reason }) => {
    const renamed = as && as !== name ? ` as ${as}` : '';
    return el('li', {}, el('strong', {}, result), ` ${name}${renamed}${reason ? `: ${reason}` : ''}`);
  });
  const more = report.items.length - rows.length;
  return [el('p', {}, `This would happen: ${summary(report)}.`), el('ul', { class: 'plan' }, ...rows, more > 0 && el('li', {}, `and ${more} more`))];
}

async function isEncrypted(input: HTMLInputElement): Promise<boolean> {
  const start = await input.files?.[0]?.slice(0, 64).text();
  return start !== undefined && /^(age-encryption\.org\/|-----BEGIN AGE)/.test(start);
}

/** The file in base64. */
function readFile(input: HTMLInputElement): Promise<string> {
  const [file] = input.files ?? [];
  if (!file) return Promise.resolve('');
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,?/, ''));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
