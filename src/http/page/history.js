// The last hour: backlog, pushes, CPU and memory, a point a minute.
import { byId, el, keyedList, setAttribute, setText } from './dom.js';
import { bytes, counted, percent, took } from './format.js';
import { sparkline } from './sparkline.js';

/** @import { HistoryView, StatusView } from '../status-view.ts' */
/** @import { Level } from './levels.js' */
/** @typedef {{ readonly term: string, readonly values: readonly number[], readonly text: string, readonly note: string, readonly level?: Level }} Line */

/** Minutes that the agent remembers. */
const MINUTES = 60;
const SIZE = { width: 260, height: 44 };

/** @returns {(status: StatusView) => void} */
export function historyLines() {
  const show = keyedList(byId('history-lines'), (/** @type {Line} */ { term }) => term, lineView);
  return ({ history }) => {
    byId('history').hidden = history.atMs.length === 0;
    const minutes = history.atMs.length;
    setText(byId('history-title'), titleOf(minutes));
    show(historyOf(history));
  };
}

/** @param {number} minutes */
const titleOf = (minutes) =>
  minutes >= MINUTES ? 'The last hour' : minutes < 2 ? 'The last minute' : `The last ${minutes} minutes`;

/**
 * What is drawn of a history. Pure.
 * @param {HistoryView} history
 * @returns {Line[]}
 */
export function historyOf({ backlogBytes, accepted, failed, cpuSeconds, rssBytes }) {
  const failures = sum(failed);
  const tries = sum(accepted) + failures;
  const shares = accepted.map((number, index) => {
    const all = number + (failed[index] ?? 0);
    return all === 0 ? 1 : number / all;
  });
  return [
    {
      term: 'Backlog',
      values: backlogBytes,
      text: bytes(last(backlogBytes)),
      note: `at most ${bytes(most(backlogBytes))}`,
    },
    {
      term: 'Pushes accepted',
      values: shares,
      text: tries === 0 ? '–' : percent(sum(accepted) / tries),
      note: `${counted(tries, 'push', 'pushes')}, ${counted(failures, 'failure')}`,
      ...(failures > 0 && /** @type {const} */ ({ level: 'warn' })),
    },
    {
      term: 'CPU',
      values: cpuSeconds,
      text: `${took(last(cpuSeconds))} per second`,
      note: `at most ${took(most(cpuSeconds))} per second`,
    },
    { term: 'Memory', values: rssBytes, text: bytes(last(rssBytes)), note: `at most ${bytes(most(rssBytes))}` },
  ];
}

/** @param {Line} line @returns {import('./dom.js').View<Line>} */
function lineView({ term }) {
  const spark = sparkline(MINUTES, SIZE);
  const text = el('dd');
  const note = el('dd', { class: 'note' });
  const drawing = el('dd', { class: 'drawing' }, spark.node);
  return {
    node: el('div', {}, el('dt', {}, term), text, drawing, note),
    update(line) {
      setAttribute(text, 'data-level', line.level);
      setText(text, line.text);
      setText(note, line.note);
      spark.update(line.values);
      drawing.hidden = line.values.length < 2;
    },
  };
}

/** @param {readonly number[]} values */
const sum = (values) => values.reduce((all, value) => all + value, 0);
/** @param {readonly number[]} values */
const last = (values) => values.at(-1) ?? 0;
/** @param {readonly number[]} values */
const most = (values) => Math.max(0, ...values);
