// Lists of terms with values.
import { showAge } from './ages.js';
import { el, keyedList, setAttribute, setText } from './dom.js';

/**
 * A term with a text, or with a time that is shown as `N s ago`, `N s` (form `span`) or the time remaining (form
 * `left`).
 * @typedef {object} Fact
 * @property {string} term
 * @property {string} [text]
 * @property {number} [timeMs]
 * @property {'ago' | 'span' | 'left'} [form]
 * @property {string} [note] after it, muted
 * @property {import('./levels.js').Level} [level]
 */

/**
 * Shows facts in a `<dl>`.
 * @param {HTMLElement} list
 * @returns {(facts: readonly Fact[]) => void}
 */
export const factList = (list) => keyedList(list, ({ term }) => term, factView);

/** @param {Fact} fact @returns {import('./dom.js').View<Fact>} */
function factView({ term }) {
  const text = el('span');
  const time = el('time');
  const note = el('span', { class: 'note' });
  const value = el('dd', {}, text, time, note);
  return {
    node: el('div', {}, el('dt', {}, term), value),
    update(fact) {
      setAttribute(value, 'data-level', fact.level);
      setText(text, fact.text ?? '');
      setAttribute(time, 'data-form', fact.form);
      showAge(time, fact.timeMs, '');
      setText(note, fact.note ?? '');
    },
  };
}
