/** The start of the console: from the address's token to a session to the owner's page. */
import { Postern } from '../../client/src/postern.js';
import { el } from './dom.js';
import { consoleDoor, forgetSession, session, takeToken } from './session.js';
import { shell } from './shell.js';

const app = document.getElementById('app')!;

async function start(): Promise<void> {
  const mine = await session(takeToken());
  if (!mine) return noSession();
  const postern = await Postern.at(consoleDoor(mine));
  if (postern.state === 'not-allowed') return end(postern);
  app.replaceChildren(shell(postern));
  postern.on('state', ({ state }) => state === 'not-allowed' && end(postern));
}

function end(postern: Postern): void {
  postern.close();
  forgetSession();
  noSession();
}

function noSession(): void {
  app.replaceChildren(
    el(
      'main',
      { class: 'alone' },
      el(
        'section',
        { class: 'card narrow', id: 'no-session' },
        el('h1', {}, 'Open the console from Postern'),
        el('p', {}, 'This page opens for the owner of this computer only. Choose ', el('strong', {}, 'Open vault'), ' in the tray menu, or run ', el('code', {}, 'postern open'), '.'),
      ),
    ),
  );
}

// An address from the tray may come into a tab that shows the console already.
window.addEventListener('hashchange', () => {
  if (location.hash.startsWith('#token=')) location.reload();
});

void start();
