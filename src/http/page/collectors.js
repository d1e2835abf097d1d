// The table of collectors: a body per group, a row per collector.

import { collectorRow } from './collector-row.js';
import { byId, el, keyedList, setAttribute, setText } from './dom.js';
import { count, counted } from './format.js';
import { collectorState } from './levels.js';
import { resourceRow } from './resource-row.js';

/** @import { CollectorView, ResourceStatus, StatusView } from '../status-view.ts' */
/** @typedef {{ readonly group: string, readonly all: readonly CollectorView[], readonly shown: readonly CollectorView[], readonly target: string }} GroupRows */

/** The available filters. */
const CHOICES = /** @type {const} */ (['Active', 'Problems', 'No data', 'All']);
/** @typedef {typeof CHOICES[number]} Choice */

/** @param {CollectorView} collector @returns {readonly Choice[]} */
function choicesOf(collector) {
  const { level, word } = collectorState(collector);
  if (word === 'no data') return ['No data', 'All'];
  return level === 'bad' || level === 'warn' || word === 'disabled' ? ['Active', 'Problems', 'All'] : ['Active', 'All'];
}

/**
 * @param {(id: string) => void} onManage
 * @returns {(status: StatusView) => void}
 */
export function collectorTable(onManage) {
  const filter = /** @type {HTMLInputElement} */ (byId('collector-filter'));
  const none = byId('collectors-none');
  const showGroups = keyedList(
    byId('collector-table'),
    ({ group }) => group,
    ({ group }) => groupView(group, onManage),
  );
  /** @type {Choice} */
  let choice = 'Active';
  /** @type {StatusView | undefined} */
  let last;

  const chips = CHOICES.map((name) => {
    const chip = el('button', { type: 'button' });
    chip.addEventListener('click', () => {
      choice = name;
      show();
    });
    byId('collector-states').append(chip);
    return { name, chip };
  });
  filter.addEventListener('input', show);

  function show() {
    if (last === undefined) return;
    const { collectors, agent } = last;
    for (const { name, chip } of chips) {
      const number = collectors.filter((collector) => choicesOf(collector).includes(name)).length;
      setText(chip, `${name} ${number}`);
      setAttribute(chip, 'aria-pressed', String(name === choice));
    }
    const text = filter.value.trim().toLowerCase();
    const found = collectors.filter(({ id, reason }) => `${id} ${reason ?? ''}`.toLowerCase().includes(text));
    const shown = found.filter((collector) => choicesOf(collector).includes(choice));
    showGroups(
      [...Map.groupBy(collectors, ({ group }) => group)].map(([group, all]) => ({
        group,
        all,
        shown: shown.filter((collector) => collector.group === group),
        target: targetText(agent.targets[group]),
      })),
    );
    none.hidden = shown.length > 0;
    if (shown.length === 0) setText(none, noneText(choice, found.length));
  }

  return (status) => {
    last = status;
    show();
  };
}

/** @param {Readonly<Record<string, string>>} [labels] */
const targetText = (labels = {}) =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(' ');

/** @param {Choice} choice @param {number} elsewhere */
function noneText(choice, elsewhere) {
  if (elsewhere > 0) return `None of these; ${counted(elsewhere, 'collector')} under “All”.`;
  return choice === 'Problems' ? 'No collector has a problem.' : 'No collector matches.';
}

/**
 * @param {string} group
 * @param {(id: string) => void} onManage
 * @returns {import('./dom.js').View<GroupRows>}
 */
function groupView(group, onManage) {
  const facts = el('span', { class: 'muted' });
  const target = el('code', { class: 'wide' });
  const heading = el('th', { scope: 'rowgroup', colspan: '8' }, group, ' ', facts, ' ', target);
  const node = el('tbody', {}, el('tr', { class: 'group' }, heading));
  const showRows = keyedList(
    node,
    (row) => ('resource' in row ? `resource ${row.resource}` : row.id),
    (/** @type {CollectorView | ResourceStatus} */ row) =>
      'resource' in row ? resourceRow() : collectorRow(row.id, onManage),
  );
  return {
    node,
    update({ all, shown, target: labels }) {
      node.hidden = shown.length === 0;
      const series = all.reduce((sum, collector) => sum + collector.series, 0);
      setText(facts, `${counted(all.length, 'collector')}, ${count(series)} series`);
      setText(target, labels);
      showRows(shown.flatMap((collector) => [collector, ...(collector.resources ?? [])]));
    },
  };
}
