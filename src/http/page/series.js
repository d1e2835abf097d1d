// The series by group with the budget, and the largest families.
import { byId, el, keyedList, setAttribute, setText } from './dom.js';
import { count, percent } from './format.js';

/** @import { BudgetView, FamilyView, StatusView } from '../status-view.ts' */

/** As many as fit next to the groups; the explorer lists all. */
const SHOWN = 10;

/**
 * @param {(family: string) => void} onFamily
 * @returns {(status: StatusView) => void}
 */
export function seriesOverview(onFamily) {
  const showBudgets = keyedList(byId('budget-rows'), ({ group }) => group, budgetRow);
  const showTop = keyedList(
    byId('top-rows'),
    (/** @type {TopRow} */ { family }) => family.name,
    ({ family }) => topRow(family.name, onFamily),
  );
  return ({ budgets, topFamilies }) => {
    const all = budgets.reduce((sum, { series }) => sum + series, 0);
    showBudgets(budgets);
    showTop(topFamilies.slice(0, SHOWN).map((family) => ({ family, part: all === 0 ? 0 : family.series / all })));
  };
}

/** @typedef {{ readonly family: FamilyView, readonly part: number }} TopRow */

/** @returns {{ readonly node: Element, update(part: number): void }} */
function gauge() {
  const fill = el('span', { class: 'fill' });
  const node = el('span', { class: 'gauge', 'aria-hidden': 'true' }, fill);
  return {
    node,
    update(part) {
      const width = `${Math.round(Math.min(1, part) * 1000) / 10}%`;
      // Set through the CSS object model, because the page's policy forbids style attributes.
      if (fill.style.width !== width) fill.style.width = width;
      setAttribute(node, 'data-level', part >= 1 ? 'bad' : part >= 0.9 ? 'warn' : undefined);
    },
  };
}

/** @param {BudgetView} budget @returns {import('./dom.js').View<BudgetView>} */
function budgetRow({ group }) {
  const series = el('td', { class: 'number' });
  const limit = el('td', { class: 'number' });
  const used = gauge();
  const text = el('span', { class: 'percent' });
  const dropped = el('span', { class: 'reason' });
  const node = el(
    'tr',
    {},
    el('th', { scope: 'row' }, group, dropped),
    series,
    limit,
    el('td', { class: 'share' }, used.node, text),
  );
  return {
    node,
    update(budget) {
      const lost = budget.dropped.map(({ family, series: number }) => `${family} (${count(number)})`).join(', ');
      setAttribute(node, 'data-level', lost === '' ? undefined : 'bad');
      setText(dropped, lost === '' ? '' : `left out: ${lost}`);
      setText(series, count(budget.series));
      setText(limit, budget.limit === undefined ? 'none' : count(budget.limit));
      const part = budget.limit === undefined ? 0 : budget.series / budget.limit;
      setAttribute(used.node, 'hidden', budget.limit === undefined ? '' : undefined);
      used.update(part);
      setText(text, budget.limit === undefined ? '' : percent(part));
    },
  };
}

/** @param {string} name @param {(family: string) => void} onFamily @returns {import('./dom.js').View<TopRow>} */
function topRow(name, onFamily) {
  const button = el('button', { type: 'button', class: 'link' }, name);
  button.addEventListener('click', () => onFamily(name));
  const series = el('td', { class: 'number' });
  const share = gauge();
  const text = el('span', { class: 'percent' });
  return {
    node: el('tr', {}, el('th', { scope: 'row' }, button), series, el('td', { class: 'share' }, share.node, text)),
    update({ family, part }) {
      setText(series, count(family.series));
      share.update(part);
      setAttribute(share.node, 'data-level', undefined);
      setText(text, percent(part));
    },
  };
}
