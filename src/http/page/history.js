// The last hour: backlog, pushes, CPU and memory, one point per minute.
import { byId, el, keyedList, setAttribute, setText } from './dom.js';
import { historyOf } from './history-lines.js';
import { sparkline } from './sparkline.js';

/** @import { StatusView } from '../status-view.ts' */
/** @import { Line } from './history-lines.js' */

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
      spark.update(line.values, line.values.length);
      drawing.hidden = line.values.length < 2;
    },
  };
}
