/** A sample app on @postern/client, one step after the other. */
import { connect, PosternError, type PairCode, type Postern, type State } from '../../client/src/postern.js';
import { showEveryState } from './scenes.js';

const $ = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const input = (id: string) => $<HTMLInputElement>(id);

const states: State[] = ['not-reachable', 'blocked-by-browser', 'permission-needed', 'not-allowed', 'not-paired', 'locked', 'ready'];

let postern: Postern | undefined;

/** Runs a step, and shows in one place what went wrong and what to do. */
async function step(work: (postern: Postern) => Promise<void>): Promise<void> {
  $('error').hidden = true;
  try {
    if (!postern) throw new PosternError('not_reachable', 'The app is not connected.', 'Begin with step 1.');
    await work(postern);
  } catch (error) {
    const known = error instanceof PosternError ? error : new PosternError('internal', String(error));
    $('error').textContent = `${known.message} ${known.fix} (${known.kind})`;
    $('error').hidden = false;
  }
}

function showState(): void {
  if (!postern) return;
  $('state').textContent = postern.state;
  $('state').dataset.vault = postern.vault?.state ?? '';
  $('help').textContent = postern.help;
  for (const item of $('states').children) item.toggleAttribute('data-current', item.textContent === postern.state);
  const connected = postern.vault !== undefined;
  $('connect').textContent = 'Try again';
  input('connect').disabled = connected;
  mark('step-connect', connected || postern.state === 'not-paired');
  mark('step-pair', connected);
  mark('step-vault', postern.state === 'ready');
}

function mark(id: string, done: boolean): void {
  $(id).toggleAttribute('data-done', done);
}

async function connectNow(): Promise<void> {
  input('connect').disabled = true;
  const { port } = await (await fetch('/agent')).json();
  postern = await connect({ app: 'Playground', port });
  postern.on('state', showState);
  postern.on('vault.changed', showState);
  postern.on('vault.changed', check);
  postern.on('secret.changed', check);
  showState();
  void check();
}

/** Tells of the references in the header, as it is typed, whether they resolve. */
async function check(): Promise<void> {
  if (!postern?.vault) return;
  const { references } = await postern.call('reference.check', { text: input('header').value, url: `${location.origin}/echo` });
  const [bad] = references.filter(({ state }) => state !== 'resolved');
  $('check').textContent = bad ? `{{vault:${bad.name}}} is ${bad.state}: ${bad.fix ?? ''}` : references.length > 0 ? 'The reference resolves.' : '';
  $('check').toggleAttribute('data-bad', bad !== undefined);
}

function onSubmit(id: string, work: (postern: Postern) => Promise<void>): void {
  $<HTMLFormElement>(id).onsubmit = (event) => {
    event.preventDefault();
    void step(work);
  };
}

$('states').append(...states.map((state) => Object.assign(document.createElement('li'), { textContent: state })));
input('secret-domain').value = location.origin;
input('header').oninput = () => void check();
$('connect').onclick = () => (postern ? postern.retry() : void connectNow());

/** Shows the code to compare, or that there is none. */
function showCode(shown?: PairCode): void {
  $('code').textContent = shown?.code ?? '';
  $('compare').hidden = !shown;
  $('allow-command').textContent = `postern app allow ${location.origin} --code ${shown?.code}`;
}

$('pair').onclick = () =>
  step(async (postern) => {
    $('paired').textContent = '';
    const allowed = await postern.pair({ onCode: showCode }).finally(() => showCode());
    $('paired').textContent = allowed ? 'You allowed this app.' : 'You did not allow this app.';
    showState();
  });

$('create').onclick = () =>
  step(async (postern) => {
    const { key } = await postern.call('vault.create', { store: input('store').checked });
    $('vault-key').textContent = key;
  });

onSubmit('vault-form', async (postern) => {
  await postern.call('vault.open', { key: input('key').value });
  input('key').value = '';
});

$('lock').onclick = () => step(async (postern) => void (await postern.call('vault.lock')));

onSubmit('secret-form', async (postern) => {
  const domain = input('secret-domain').value.trim();
  const { name } = await postern.call('secret.set', {
    name: input('secret-name').value,
    value: input('secret-value').value,
    domains: domain ? [domain] : [],
  });
  input('secret-value').value = '';
  $('added').textContent = `${name} is in the vault. The app cannot read it back.`;
  mark('step-secret', true);
});

onSubmit('send-form', async (postern) => {
  const request = { method: 'POST', url: `${location.origin}/echo`, header: [{ key: 'X-Api-Key', value: input('header').value }] };
  const { body } = await postern.call('request.send', { request });
  $('answer').textContent = JSON.stringify(JSON.parse(body), null, 2);
  const seen = await (await fetch('/seen')).json();
  $('seen-count').textContent = String(seen.count);
  $('seen-hash').textContent = seen.sha256;
  mark('step-send', true);
});

showEveryState($('scenes'), $('scene'));
