import type { Postern, PostmanResponse, Reference } from '../../client/src/postern.js';
import type { PostmanRequest } from '../../client/src/postman.js';
import { debounce, el, field } from './dom.js';
import { attempt, errorBox } from './failure.js';

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];

/** A request to try references with. It is sent from this computer, and what comes back is masked. */
export function composerPanel(postern: Postern): HTMLElement {
  const errors = errorBox();
  const method = el('select', { id: 'request-method' }, ...methods.map((name) => el('option', {}, name)));
  const url = el('input', { id: 'request-url', placeholder: 'https://api.example.com/items', autocomplete: 'off', spellcheck: false, inputMode: 'url' });
  const headers = el('textarea', { id: 'request-headers', rows: 3, spellcheck: false, placeholder: 'Authorization: Bearer {{vault:my-token}}' });
  const body = el('textarea', { id: 'request-body', rows: 4, spellcheck: false });
  const references = el('ul', { class: 'references', id: 'references', 'aria-live': 'polite', 'aria-label': 'References' });
  const send = el('button', { type: 'submit', class: 'primary', id: 'request-send' }, 'Send');
  const cancel = el('button', { type: 'button', id: 'request-cancel', hidden: true }, 'Cancel');
  const answer = el('div', { id: 'response' });

  const request = (): PostmanRequest => ({
    method: method.value,
    url: url.value.trim(),
    header: headers.value,
    ...(body.value !== '' && { body: { mode: 'raw', raw: body.value } }),
  });
  let checks = 0;
  const check = async () => {
    const mine = ++checks;
    try {
      const found = await postern.call('reference.check', { request: request() });
      if (mine === checks) references.replaceChildren(...found.references.map(referenceLine));
    } catch {
      // Half-typed headers or addresses cannot be checked yet.
      if (mine === checks) references.replaceChildren();
    }
  };
  const checkSoon = debounce(250, check);
  for (const input of [url, headers, body]) {
    input.oninput = () => {
      errors.clear();
      checkSoon();
    };
  }
  postern.on('secret.changed', checkSoon);
  postern.on('vault.changed', checkSoon);

  const form = el(
    'form',
    { class: 'stack' },
    el('div', { class: 'address' }, field('Method', method), field('Address', url), el('span', { class: 'actions' }, send, cancel)),
    field('Headers', headers, 'One on each line. {{vault:NAME}} stands for the value of a secret.'),
    field('Body', body),
    references,
    errors.element,
  );
  form.onsubmit = async (event) => {
    event.preventDefault();
    const abort = new AbortController();
    cancel.onclick = () => abort.abort();
    cancel.hidden = false;
    answer.replaceChildren();
    await attempt(errors, [send], async () => {
      answer.replaceChildren(responseView(await postern.call('request.send', { request: request() }, { signal: abort.signal })));
    });
    cancel.hidden = true;
  };
  return el('section', { id: 'panel-request', class: 'stack', hidden: true }, el('h1', { tabIndex: -1 }, 'Request'), form, answer);
}

const causes: Record<NonNullable<Reference['cause']>, string> = {
  not_found: 'there is no such secret',
  locked: 'the vault is locked',
  disabled: 'the secret is disabled',
  domain: 'it may not go to this address',
  needs_grant: 'it is not allowed in this public workspace',
};

function referenceLine({ name, state, cause, fix }: Reference): HTMLElement {
  const good = state === 'resolved';
  const why = good ? 'resolves' : `${cause ? causes[cause] : state}. ${fix ?? ''}`;
  return el('li', { class: good ? 'good' : 'bad', 'data-testid': 'reference', 'data-name': name, 'data-state': state }, el('code', {}, `{{vault:${name}}}`), ` ${why}`);
}

function responseView(response: PostmanResponse): HTMLElement {
  const { code, status, timings, size, protocol } = response;
  const parts = Object.entries({ DNS: timings.dns, connect: timings.connect, TLS: timings.tls, 'first byte': timings.firstByte, total: timings.total });
  const lines = response.header.map(({ key, value }) => el('tr', {}, el('th', { scope: 'row' }, key), el('td', {}, value)));
  return el(
    'section',
    { class: 'stack', 'aria-label': 'Response', 'data-testid': 'response' },
    el(
      'p',
      { class: 'summary' },
      el('strong', { class: code < 400 ? 'state good' : 'state bad', 'data-testid': 'response-code' }, `${code} ${status}`),
      el('span', {}, `${size.toLocaleString()} bytes`),
      el('span', {}, protocol),
      ...parts.filter(([, ms]) => ms > 0).map(([name, ms]) => el('span', { class: 'muted' }, `${name} ${milliseconds(ms)}`)),
    ),
    ...response.redirects.map((hop) => el('p', { class: 'muted' }, `${hop.code} → ${hop.url}${hop.droppedHeaders.length > 0 ? ` without ${hop.droppedHeaders.join(', ')}` : ''}`)),
    el('pre', { class: 'body', tabIndex: 0, 'aria-label': 'Body', 'data-testid': 'response-body' }, response.encoding === 'utf8' ? response.body : `${size} bytes that are not text`),
    el('details', {}, el('summary', {}, `${lines.length} headers`), el('table', { class: 'headers' }, el('tbody', {}, ...lines))),
  );
}

function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
