// Checked by the compiler alone: what must not compile is marked.
import { connect, PosternError, type PairCode, type PostmanRequest, type State } from '../src/postern.js';

export async function types(): Promise<void> {
  const p = await connect({ app: 'Types' });
  // @ts-expect-error: an app has a name
  void connect({});

  const state: State = p.state;
  const help: string = p.help;
  // @ts-expect-error: no such state
  if (p.state === 'paired') return;

  // Parameters may be left out where none is required.
  const status = await p.call('vault.status');
  const open: 'none' | 'locked' | 'open' = status.state;
  await p.call('vault.open', { key: '' }, { signal: AbortSignal.timeout(1) });
  await p.call('vault.lock', {}, {});
  // @ts-expect-error: no such method
  void p.call('vault.unlock');
  // @ts-expect-error: secret.set needs a name
  void p.call('secret.set');
  // @ts-expect-error: a value is text
  void p.call('secret.set', { name: 'a', value: 1 });
  // @ts-expect-error: no such parameter
  void p.call('secret.set', { name: 'a', domain: 'example.com' });

  const { secrets, total } = await p.call('secret.list', { sort: '-updated' });
  const domains: string[] = secrets.flatMap((secret) => secret.domains);
  // @ts-expect-error: no such order
  void p.call('secret.list', { sort: 'value' });

  const request: PostmanRequest = { url: { raw: 'https://example.com' }, header: [{ key: 'A', value: '{{vault:a}}' }] };
  const response = await p.call('request.send', { request });
  const code: number = response.code;
  const { references } = await p.call('reference.check', { text: '{{vault:a}}' });
  for (const { state } of references) {
    // @ts-expect-error: no such state of a reference
    if (state === 'missing') return;
  }

  const off: () => void = p.on('vault.changed', (vault) => vault.secrets.toFixed());
  p.on('state', ({ state, help }) => [state satisfies State, help.length]);
  // @ts-expect-error: no such event
  p.on('vault.opened', () => {});
  // @ts-expect-error: the event has no such field
  p.on('vault.changed', ({ key }) => key);

  const allowed: boolean = await p.pair({ onCode: ({ code, seconds }) => code.padEnd(7) + seconds.toFixed(), signal: AbortSignal.timeout(1) });
  const onCode = ({ code }: PairCode) => code;
  await p.pair({ onCode });
  await p.pair();
  // @ts-expect-error: the code has no such field
  void p.pair({ onCode: ({ pin }) => pin });
  // @ts-expect-error: the code comes from the page, not from an event
  p.on('pair.code', () => {});
  const error = new PosternError('locked', 'The vault is locked.', 'Unlock it.');
  const kind: string = error.kind;
  // @ts-expect-error: the state is read only
  p.state = 'ready';
  void [state, help, open, total, domains, code, off, allowed, kind];
}
