// One collector in the table.
import { showAge } from './ages.js';
import { el, setAttribute, setText } from './dom.js';
import { count, took } from './format.js';
import { collectorState } from './levels.js';
import { sparkline } from './sparkline.js';

/** @import { CollectorView } from '../status-view.ts' */

/** The number of runs that the agent remembers. */
const RUNS = 60;

/**
 * @param {string} id
 * @param {(id: string) => void} onManage
 * @returns {import('./dom.js').View<CollectorView>}
 */
export function collectorRow(id, onManage) {
  const state = el('span', { class: 'state' });
  const name = el('th', { scope: 'row', class: 'name' });
  const reason = el('td', { class: 'reason' });
  const left = el('time', { 'data-form': 'left' });
  const series = el('td', { class: 'number' });
  const run = el('time');
  const duration = el('td', { class: 'number' });
  const spark = sparkline(RUNS);
  const manage = el('button', { type: 'button', class: 'quiet', 'aria-label': `Manage ${id}` }, '⋯');
  manage.addEventListener('click', () => onManage(id));
  const node = el(
    'tr',
    { id: `collector-${id}` },
    el('td', {}, state),
    name,
    reason,
    series,
    el('td', { class: 'number wide' }, run),
    duration,
    el('td', { class: 'wide' }, spark.node),
    el('td', { class: 'act' }, manage),
  );
  return {
    node,
    update(collector) {
      const { level, word } = collectorState(collector);
      setAttribute(node, 'data-level', level);
      setText(state, word);
      setText(name, collector.name);
      showReason(reason, left, collector);
      setText(series, collector.state === 'waiting' ? '–' : count(collector.series));
      showAge(run, collector.lastRunMs, '–');
      const last = collector.durationsSeconds.at(-1);
      setText(duration, last === undefined ? '–' : took(last));
      spark.update(collector.durationsSeconds);
    },
  };
}

/** @param {HTMLElement} node @param {HTMLTimeElement} left @param {CollectorView} collector */
function showReason(node, left, { reason, disabled, lostUnits, errors, withheld = [], leftOut = [] }) {
  if (disabled) {
    if (!node.contains(left)) node.replaceChildren(el('span'), '; ends in ', left);
    setText(/** @type {Element} */ (node.firstElementChild), disabled.reason);
    showAge(left, disabled.untilMs);
    return;
  }
  const unseen = withheld.length === 0 ? '' : `not visible: ${withheld.join('; ')}`;
  const first = reason ?? errors[0] ?? unseen;
  const lost = lostUnits > 1 ? `${first} (${lostUnits} lost units)` : first;
  const over = leftOut.map(({ family, series }) => `${family} (${count(series)} series)`).join(', ');
  setText(node, [lost, over && `left out by the series budget: ${over}`].filter((text) => text !== '').join('\n'));
}
