// The explorer's second half: the series of one family with their values.
import { get } from './api.js';
import { copyText } from './copy.js';
import { byId, el, keyedList, setText } from './dom.js';
import { LEFT_OUT } from './families.js';
import { count } from './format.js';
import { debounced, latest } from './latest.js';
import { pager } from './pager.js';
import { parseFilter, selector } from './promql.js';

/** @import { SeriesPage, SeriesView } from '../status-view.ts' */
/** @typedef {Readonly<Record<string, string>>} Labels */

const PAGE = 50;

/**
 * @param {() => Readonly<Record<string, Labels>>} targets labels that a push adds, by group
 * @returns {{ open(family: string): void, close(): void, refresh(): void }}
 */
export function familySeries(targets) {
  const filter = /** @type {HTMLInputElement} */ (byId('series-filter'));
  const none = byId('series-none');
  const showRows = seriesRows(targets);
  let family = '';
  let offset = 0;
  /** @type {SeriesPage | undefined} */
  let shown;

  const ask = latest(
    (/** @type {URLSearchParams} */ query, signal) => get(`/v1/metrics?${query}`, signal),
    (/** @type {SeriesPage} */ page) => {
      shown = page;
      setText(
        byId('series-help'),
        [
          page.family.type,
          `${count(page.family.series)} series`,
          ...(page.family.leftOut ? [LEFT_OUT] : []),
          page.family.help,
        ].join(' · '),
      );
      showRows(page.series);
      showPage(page);
      setText(none, page.total > 0 ? '' : 'No series of this family matches.');
    },
    (cause) => setText(none, cause.message),
  );
  const showPage = pager(byId('series-pager'), (to) => {
    offset = to;
    refresh();
  });
  function refresh() {
    if (family === '') return;
    const { labels, text } = parseFilter(filter.value);
    const query = new URLSearchParams({ name: family, offset: String(offset), limit: String(PAGE) });
    for (const [label, value] of Object.entries(labels)) query.append('label', `${label}=${value}`);
    if (text !== '') query.set('text', text);
    void ask(query);
  }
  filter.addEventListener(
    'input',
    debounced(() => {
      offset = 0;
      refresh();
    }),
  );
  byId('series-copy').addEventListener('click', () => {
    const groups = shown?.family.groups ?? [];
    const target = groups.length === 1 ? targets()[groups[0] ?? ''] : {};
    void copyText(selector(family, { ...parseFilter(filter.value).labels, ...target }), byId('copied'));
  });

  return {
    open(name) {
      family = name;
      offset = 0;
      filter.value = '';
      setText(byId('series-name'), name);
      setText(byId('copied'), '');
      showRows([]);
      refresh();
    },
    close() {
      family = '';
    },
    refresh,
  };
}

/** @typedef {{ readonly series: SeriesView, readonly columns: readonly string[] }} Row */

/**
 * The table: one column per label of any of the series.
 * @param {() => Readonly<Record<string, Labels>>} targets
 * @returns {(series: readonly SeriesView[]) => void}
 */
function seriesRows(targets) {
  const head = byId('series-head');
  const body = byId('series-rows');
  let columnText = '';
  /** @type {((rows: readonly Row[]) => void) | undefined} */
  let show;
  return (series) => {
    const named = new Set(series.map(({ name }) => name)).size > 1;
    const labels = [...new Set(series.flatMap((one) => Object.keys(one.labels)))];
    const columns = [...(named ? ['__name__'] : []), ...labels];
    if (show === undefined || columns.join() !== columnText) {
      columnText = columns.join();
      head.replaceChildren(
        ...columns.map((label) => el('th', { scope: 'col' }, label === '__name__' ? 'name' : label)),
        el('th', { scope: 'col', class: 'number' }, 'Value'),
        el('th', { scope: 'col' }, el('span', { class: 'hidden' }, 'Copy')),
      );
      body.replaceChildren();
      show = keyedList(
        body,
        ({ series: one }) => `${one.group} ${one.selector}`,
        (row) => seriesRow(row, targets),
      );
    }
    show(series.map((one) => ({ series: one, columns })));
  };
}

/**
 * @param {Row} row
 * @param {() => Readonly<Record<string, Labels>>} targets
 * @returns {import('./dom.js').View<Row>}
 */
function seriesRow({ series, columns }, targets) {
  const { group, name, labels } = series;
  const value = el('td', { class: 'number value' });
  const copy = el('button', { type: 'button', class: 'quiet', 'aria-label': `Copy ${series.selector}` }, 'copy');
  copy.addEventListener(
    'click',
    () => void copyText(selector(name, { ...labels, ...targets()[group] }), byId('copied')),
  );
  const cells = columns.map((label) => el('td', {}, label === '__name__' ? name : (labels[label] ?? '')));
  return {
    node: el('tr', {}, ...cells, value, el('td', { class: 'act' }, copy)),
    update: (row) => setText(value, row.series.value),
  };
}
