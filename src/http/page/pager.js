// Pages through a list that the agent serves in pages.
import { el, setText } from './dom.js';
import { count } from './format.js';

/** @import { Page } from '../status-view.ts' */

/**
 * The buttons and the current position, in `parent`.
 * @param {HTMLElement} parent
 * @param {(offset: number) => void} onOffset
 * @returns {(page: Page) => void}
 */
export function pager(parent, onOffset) {
  const previous = el('button', { type: 'button' }, 'Previous');
  const next = el('button', { type: 'button' }, 'Next');
  const where = el('span', { class: 'muted' });
  parent.append(previous, where, next);
  /** @type {Page} */
  let shown = { total: 0, offset: 0, limit: 1 };
  previous.addEventListener('click', () => onOffset(Math.max(0, shown.offset - shown.limit)));
  next.addEventListener('click', () => onOffset(shown.offset + shown.limit));
  return (page) => {
    shown = page;
    const { total, offset, limit } = page;
    parent.hidden = total <= limit && offset === 0;
    previous.disabled = offset === 0;
    next.disabled = offset + limit >= total;
    setText(
      where,
      `${count(Math.min(offset + 1, total))}–${count(Math.min(offset + limit, total))} of ${count(total)}`,
    );
  };
}
