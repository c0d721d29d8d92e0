import type { Postern, Question } from '../../client/src/postern.js';
import { el, say } from './dom.js';
import { attempt, errorBox } from './failure.js';

/** A click or a key that was on its way when the question appeared must not answer it. */
const armAfter = 700;

/** Shows what waits for the owner's answer, above everything else. */
export function questionBanner(postern: Postern): HTMLElement {
  const place = el('div', { id: 'questions' });
  let shown = '';
  let end = () => {};
  const show = (questions: Question[]) => {
    const [question] = questions;
    document.title = question ? 'Asks to be allowed · Postern' : 'Postern';
    if ((question?.id ?? '') === shown) return;
    end();
    shown = question?.id ?? '';
    place.replaceChildren();
    if (question) end = ask(postern, place, question);
  };
  postern.on('question.changed', ({ questions }) => show(questions));
  const load = () => postern.call('question.list').then(({ questions }) => show(questions), () => {});
  postern.on('state', load);
  void load();
  return place;
}

/** Puts one question into its place; the result takes its timers away. */
function ask(postern: Postern, place: HTMLElement, question: Question): () => void {
  const errors = errorBox();
  const deny = el('button', { type: 'button', id: 'question-deny' }, 'Deny');
  const allow = el('button', { type: 'button', class: 'primary', id: 'question-allow', disabled: true }, 'Allow');
  const left = el('span', { class: 'muted', id: 'question-left' });
  const answer = (yes: boolean) =>
    attempt(errors, [deny, allow], async () => {
      await postern.call('question.answer', { id: question.id, allow: yes });
      say(yes ? `${question.origin} is allowed.` : `${question.origin} is blocked.`);
    });
  deny.onclick = () => answer(false);
  allow.onclick = () => answer(true);

  let arming = 0;
  const arm = () => {
    allow.disabled = true;
    clearTimeout(arming);
    arming = window.setTimeout(() => (allow.disabled = false), armAfter);
  };
  const tick = () => {
    const seconds = Math.max(0, Math.round((Date.parse(question.expires) - Date.now()) / 1000));
    left.textContent = `${seconds} s left; no answer is a no`;
  };
  const ticking = setInterval(tick, 1000);
  window.addEventListener('focus', arm);
  arm();
  tick();

  place.append(
    el(
      'section',
      { class: 'question', role: 'alertdialog', 'aria-labelledby': 'question-title', 'aria-describedby': 'question-text', 'data-testid': 'question' },
      el('h2', { id: 'question-title' }, 'Allow this app?'),
      el(
        'div',
        { id: 'question-text', class: 'stack' },
        el('p', {}, el('code', { class: 'origin', id: 'question-origin' }, question.origin), ' wants to use a vault on this computer and to send requests from it.'),
        question.name !== '' && el('p', { class: 'muted' }, `It calls itself “${question.name}”.`),
        el('p', {}, 'Allow it only if its page shows this code:'),
        el('output', { class: 'code', id: 'question-code' }, question.code.replace(/^(...)(...)$/, '$1 $2')),
      ),
      errors.element,
      el('div', { class: 'actions spread' }, left, el('span', { class: 'actions' }, deny, allow)),
    ),
  );
  deny.focus();
  return () => {
    clearInterval(ticking);
    clearTimeout(arming);
    window.removeEventListener('focus', arm);
  };
}
