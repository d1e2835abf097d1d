// The explorer's first half: families found by a part of their name.
import { get } from './api.js';
import { byId, el, keyedList, setAttribute, setText } from './dom.js';
import { count } from './format.js';
import { debounced, latest } from './latest.js';
import { pager } from './pager.js';

/** @import { FamilyPage, FamilyView } from '../status-view.ts' */

const PAGE = 25;

/** For a family that is collected but not pushed. */
export const LEFT_OUT = 'left out of the push by the series budget';

/**
 * @param {(family: string) => void} onFamily
 * @returns {{ refresh(): void, loaded(): boolean }}
 */
export function familyFinder(onFamily) {
  const match = /** @type {HTMLInputElement} */ (byId('metric-match'));
  const none = byId('family-none');
  const showRows = keyedList(
    byId('family-rows'),
    ({ name }) => name,
    ({ name }) => familyRow(name, onFamily),
  );
  let offset = 0;
  let loaded = false;
  const ask = latest(
    (/** @type {URLSearchParams} */ query, signal) => get(`/v1/metrics?${query}`, signal),
    (/** @type {FamilyPage} */ page) => {
      loaded = true;
      showRows(page.families);
      showPage(page);
      setText(none, page.total > 0 ? '' : noneText(page, match.value.trim()));
    },
    (cause) => setText(none, cause.message),
  );
  const refresh = () =>
    void ask(new URLSearchParams({ match: match.value.trim(), offset: String(offset), limit: String(PAGE) }));
  const showPage = pager(byId('family-pager'), (to) => {
    offset = to;
    refresh();
  });
  const fromStart = debounced(() => {
    offset = 0;
    refresh();
  });
  match.addEventListener('input', fromStart);
  return { refresh, loaded: () => loaded };
}

/** @param {FamilyPage} page @param {string} match */
function noneText({ stampMs }, match) {
  if (stampMs === undefined) return 'Nothing has been collected yet.';
  return match === '' ? 'The last cycle had no series.' : `No family of the last cycle has “${match}” in its name.`;
}

/** @param {string} name @param {(family: string) => void} onFamily @returns {import('./dom.js').View<FamilyView>} */
function familyRow(name, onFamily) {
  const button = el('button', { type: 'button', class: 'link' }, name);
  button.addEventListener('click', () => onFamily(name));
  const leftOut = el('span', { class: 'reason' });
  const series = el('td', { class: 'number' });
  const type = el('td', { class: 'wide' });
  const groups = el('td', { class: 'wide' });
  const help = el('td', { class: 'wide help' });
  const node = el('tr', {}, el('th', { scope: 'row' }, button, leftOut), series, type, groups, help);
  return {
    node,
    update(family) {
      setAttribute(node, 'data-level', family.leftOut ? 'bad' : undefined);
      setText(leftOut, family.leftOut ? LEFT_OUT : '');
      setText(series, count(family.series));
      setText(type, family.type);
      setText(groups, family.groups.join(', '));
      setText(help, family.help);
    },
  };
}
