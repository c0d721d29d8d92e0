import type { ConnectedApp, Postern } from '../../client/src/postern.js';
import { confirmDanger } from './dialog.js';
import { el, field, say } from './dom.js';
import { attempt, errorBox } from './failure.js';

/** No event tells of connections; while the list is looked at, it asks. */
const refreshEvery = 4_000;

/** The apps that were allowed or blocked. */
export function appsPanel(postern: Postern): HTMLElement {
  const errors = errorBox();
  const body = el('tbody', { id: 'apps' });
  const none = el('p', { class: 'muted', hidden: true }, 'No app has asked yet. An app asks when its page connects, and you see its question here, in the tray and on the desktop.');
  const table = el(
    'table',
    { class: 'apps' },
    el('caption', { class: 'unseen' }, 'Apps'),
    el('thead', {}, el('tr', {}, ...['App', 'Access', 'Connections', 'Actions'].map((title) => el('th', { scope: 'col' }, title)))),
    body,
  );
  const panel = el('section', { id: 'panel-apps', class: 'stack', hidden: true }, el('h1', { tabIndex: -1 }, 'Apps'), errors.element, none, table, allowForm(postern, () => load()));

  let last = '';
  const load = async () => {
    const apps = await postern.call('app.list').then(
      (result) => result.apps,
      () => undefined,
    );
    // Rows that have not changed stay, and keep the focus.
    if (!apps || JSON.stringify(apps) === last) return;
    last = JSON.stringify(apps);
    body.replaceChildren(...apps.map((app) => appRow(postern, app, (work) => attempt(errors, [], work).then(load))));
    none.hidden = apps.length > 0;
    table.hidden = apps.length === 0;
  };
  setInterval(() => !panel.hidden && document.visibilityState === 'visible' && void load(), refreshEvery);
  new IntersectionObserver(() => !panel.hidden && void load()).observe(panel);
  postern.on('question.changed', load);
  postern.on('state', load);
  return panel;
}

/** Says yes to an origin; where its page has not asked yet, to the one that will. */
async function allowApp(postern: Postern, origin: string): Promise<void> {
  const { answered } = await postern.call('app.allow', { origin });
  say(answered ? 'The app is allowed.' : 'Its next page is let in without a question, for ten minutes.');
}

function appRow(postern: Postern, app: ConnectedApp, run: (work: () => Promise<unknown>) => void): HTMLTableRowElement {
  const { origin } = app;
  const other = app.allowed ? 'Block' : 'Allow';
  const toggle = el('button', { type: 'button', 'aria-label': `${other} ${origin}`, 'data-testid': 'app-toggle' }, other);
  toggle.onclick = () => run(() => (app.allowed ? postern.call('app.block', { origin }) : allowApp(postern, origin)));
  const forget = el('button', { type: 'button', 'aria-label': `Forget ${origin}`, 'data-testid': 'app-forget' }, 'Forget');
  forget.onclick = () =>
    confirmDanger({
      title: 'Forget this app?',
      text: `${origin} is disconnected, and may ask again. Its vault stays.`,
      action: 'Forget',
      work: async () => run(() => postern.call('app.forget', { origin })),
    });
  return el(
    'tr',
    { 'data-testid': 'app-row', 'data-origin': origin },
    el('th', { scope: 'row' }, el('code', { class: 'origin' }, origin), app.name ? el('span', { class: 'muted' }, app.name) : undefined),
    el('td', { 'data-label': 'Access' }, el('span', { class: app.allowed ? 'state good' : 'state bad', 'data-testid': 'app-access' }, app.allowed ? 'Allowed' : 'Blocked')),
    el('td', { 'data-label': 'Connections', 'data-testid': 'app-connections' }, String(app.connections)),
    el('td', { class: 'last' }, el('span', { class: 'actions' }, toggle, forget)),
  );
}

function allowForm(postern: Postern, done: () => void): HTMLFormElement {
  const errors = errorBox('allow-error');
  const input = el('input', { id: 'allow-origin', placeholder: 'https://app.example.com', autocomplete: 'off', spellcheck: false });
  const allow = el('button', { type: 'submit', id: 'allow-app' }, 'Allow');
  const form = el('form', { class: 'row' }, field('Allow an app by its address', input), allow, errors.element);
  form.onsubmit = async (event) => {
    event.preventDefault();
    const ok = await attempt(errors, [allow], () => allowApp(postern, input.value));
    if (!ok) return;
    input.value = '';
    done();
  };
  return form;
}
