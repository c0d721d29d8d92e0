/** Every state that a page can be in, with an agent and a browser that are played. */
import { connect, type Postern } from '../../client/src/postern.js';
import type { Browser } from '../../client/src/page.js';
import { base64 } from '../../client/src/transcript.js';
import { SimulatedAgent, memoryKeys } from '../../client/test/agent.js';
import { socketsFor } from '../../client/test/socket.js';

const port = 7678;

/** Prepares an agent, of which the page knows the key, and gives the browser before it. */
type Scene = (agent: SimulatedAgent) => Partial<Browser>;

const none = { pair: false, bridge: false };

const permission = (state: PermissionState) => async () => Object.assign(new EventTarget(), { state }) as PermissionStatus;

const scenes: Record<string, Scene> = {
  'not-reachable': (agent) => ((agent.admits = none), {}),
  'blocked-by-browser': (agent) => ((agent.admits = none), { permission: permission('denied') }),
  'permission-needed': () => ({ permission: permission('prompt'), WebSocket: socketsFor(() => {}) }),
  'not-allowed': (agent) => ((agent.admits = none), { answers: async () => true }),
  'not-paired': (agent) => (agent.allowed.clear(), {}),
  'not-paired, another Postern': (agent) => ((agent.hello = async (key) => (await SimulatedAgent.create()).signHello(key)), {}),
  'locked': (agent) => ((agent.vault.state = 'locked'), {}),
  'locked, no vault': (agent) => ((agent.vault = { ...agent.vault, state: 'none', secrets: 0, keyStored: false }), {}),
  'ready': () => ({}),
};

async function play(scene: Scene): Promise<Postern> {
  const [agent, keys] = await Promise.all([SimulatedAgent.create(), memoryKeys()]);
  await keys.pin(port, agent.identity.public);
  agent.allowed.add(base64((await keys.page()).public));
  return connect({ app: 'Playground', port, browser: agent.browser(keys, scene(agent)) });
}

/** Offers the scenes as buttons, and shows what an app gets in the one that is chosen. */
export function showEveryState(choices: HTMLElement, stage: HTMLElement): void {
  const [state, help, values] = ['state', 'help', 'values'].map((part) => stage.querySelector<HTMLElement>(`#scene-${part}`)!);
  let chosen = 0;
  for (const [name, scene] of Object.entries(scenes)) {
    const button = Object.assign(document.createElement('button'), { type: 'button', textContent: name });
    button.onclick = async () => {
      const choice = ++chosen;
      for (const other of choices.children) other.setAttribute('aria-pressed', String(other === button));
      state!.textContent = 'connecting';
      help!.textContent = values!.textContent = '';
      stage.hidden = false;
      const postern = await play(scene);
      const { vault } = postern;
      if (choice === chosen) {
        state!.textContent = postern.state;
        help!.textContent = postern.help;
        values!.textContent = `postern.state  ${JSON.stringify(postern.state)}\npostern.vault  ${JSON.stringify(vault) ?? 'undefined'}`;
      }
      postern.close();
    };
    button.setAttribute('aria-pressed', 'false');
    choices.append(button);
  }
}
