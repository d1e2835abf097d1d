// The targets of the local scrape; those that are down come first.
import { showAge } from './ages.js';
import { byId, el, keyedList, setAttribute, setText } from './dom.js';
import { count, counted, took } from './format.js';

/** @import { StatusView, TargetView } from '../status-view.ts' */

/** @returns {(status: StatusView) => void} */
export function targetTable() {
  const section = byId('targets');
  const link = byId('targets-link');
  const note = byId('targets-note');
  const show = keyedList(byId('target-rows'), keyOf, targetRow);
  return ({ scrape }) => {
    section.hidden = scrape === undefined;
    link.hidden = scrape === undefined;
    if (scrape === undefined) return;
    const { targets, up, down, waiting, leftOut, dropped } = scrape;
    const more = [
      down > 0 && `${count(down)} down`,
      waiting > 0 && `${count(waiting)} waiting for the first scrape`,
      leftOut > 0 && `${count(leftOut)} not scraped: more than scrape.limits.targets`,
      dropped > 0 && `${count(dropped)} dropped by rules`,
      targets.length < up + down + waiting && `the first ${count(targets.length)} are shown`,
    ].filter((one) => one !== false);
    setText(note, [`${counted(up, 'target')} up`, ...more].join('; '));
    show(targets);
  };
}

/** @param {TargetView} target */
const keyOf = ({ source, url, labels }) => JSON.stringify([source, url, labels]);

const LEVELS = /** @type {const} */ ({ up: 'ok', down: 'bad', waiting: 'off' });

/** @returns {import('./dom.js').View<TargetView>} */
function targetRow() {
  const state = el('span', { class: 'state' });
  const name = el('span');
  const url = el('code', { class: 'url' });
  const error = el('span', { class: 'reason' });
  const samples = el('td', { class: 'number' });
  const last = el('time');
  const duration = el('td', { class: 'number' });
  const node = el(
    'tr',
    {},
    el('td', {}, state),
    el('th', { scope: 'row' }, name, ' ', url, error),
    samples,
    el('td', { class: 'number wide' }, last),
    duration,
  );
  return {
    node,
    update(target) {
      const { job = '', pod } = target.labels;
      setAttribute(node, 'data-level', LEVELS[target.state]);
      setAttribute(
        node,
        'title',
        Object.entries(target.labels)
          .map(([label, value]) => `${label}="${value}"`)
          .join(' '),
      );
      setText(state, target.state);
      setText(name, pod === undefined ? job : `${job} · ${pod}`);
      setText(url, target.url);
      setText(error, target.error ?? '');
      setText(
        samples,
        target.scraped === target.kept ? count(target.kept) : `${count(target.kept)} of ${count(target.scraped)}`,
      );
      showAge(last, target.lastMs, '–');
      setText(duration, target.durationSeconds === undefined ? '–' : took(target.durationSeconds));
    },
  };
}
