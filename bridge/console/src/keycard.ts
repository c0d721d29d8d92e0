import { download, el, say } from './dom.js';

/** Shows a vault key, with the two ways to keep it. */
export function keyCard(key: string): HTMLElement {
  const copy = el('button', { type: 'button', 'data-testid': 'key-copy' }, 'Copy');
  copy.onclick = async () => {
    await copyText(key);
    say('The key is copied.');
  };
  const download = el('button', { type: 'button', 'data-testid': 'key-download', onclick: () => downloadKey(key) }, 'Download');
  return el('div', { class: 'stack' }, el('output', { class: 'key', 'data-testid': 'key-text' }, key), el('div', { class: 'actions start' }, copy, download));
}

export async function copyText(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
}

function downloadKey(key: string): void {
  const text = `Postern vault key\n\n${key}\n\nThis key opens your vault. Keep it where nobody else reads it.\n`;
  download('postern-vault-key.txt', new Blob([text], { type: 'text/plain' }));
}
