// Log entries: the progress of each source at each receiver.
import { byId, el, keyedList, setAttribute, setText } from './dom.js';
import { bytes, count, counted, span } from './format.js';
import { laneState } from './levels.js';

/** @import { ExporterView, LogLaneView, StatusView } from '../status-view.ts' */
/** @typedef {{ readonly lane: LogLaneView, readonly exporter: ExporterView | undefined }} Item */

/** @returns {(status: StatusView) => void} */
export function logTable() {
  const section = byId('logs');
  const link = byId('logs-link');
  const note = byId('logs-note');
  const show = keyedList(
    byId('log-rows'),
    (/** @type {Item} */ { lane }) => `${lane.source} ${lane.exporter}`,
    laneRow,
  );
  return ({ logs, exporters }) => {
    section.hidden = logs === undefined;
    link.hidden = logs === undefined;
    if (logs === undefined) return;
    setText(note, `${counted(sum(logs.map(({ acked }) => acked)), 'entry', 'entries')} acknowledged since the start`);
    show(logs.map((lane) => ({ lane, exporter: exporters.find(({ name }) => name === lane.exporter) })));
  };
}

/** @returns {import('./dom.js').View<Item>} */
function laneRow() {
  const state = el('span', { class: 'state' });
  const name = el('span');
  const error = el('span', { class: 'reason' });
  const lag = el('td', { class: 'number' });
  const waiting = el('td', { class: 'number' });
  const inFlight = el('td', { class: 'number wide' });
  const acked = el('td', { class: 'number wide' });
  const lost = el('td', { class: 'number' });
  const node = el(
    'tr',
    {},
    el('td', {}, state),
    el('th', { scope: 'row' }, name, error),
    lag,
    waiting,
    inFlight,
    acked,
    lost,
  );
  return {
    node,
    update({ lane, exporter }) {
      const { level, word } = laneState(lane, exporter);
      setAttribute(node, 'data-level', level);
      setText(state, word);
      setText(name, `${lane.source} → ${lane.exporter}`);
      const failure = level === 'bad' && !lane.failing ? exporter?.lastFailure : lane.lastError;
      setText(error, failure?.text ?? '');
      setText(lag, lane.lagSeconds < 1 ? '–' : span(lane.lagSeconds));
      setText(waiting, lane.lagEntries === undefined ? '–' : count(lane.lagEntries));
      setText(inFlight, count(lane.inFlight));
      setText(acked, count(lane.acked));
      setText(lost, lostText(lane));
    },
  };
}

/** Lost and dropped entries, and lost bytes if there are any. @param {LogLaneView} lane */
function lostText({ lost, dropped, lostBytes }) {
  const unread = sum(Object.values(lostBytes));
  const entries = `${count(sum(Object.values(lost)))}, ${count(sum(Object.values(dropped)))}`;
  return unread === 0 ? entries : `${entries}, ${bytes(unread)}`;
}

/** @param {readonly number[]} numbers */
const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);
