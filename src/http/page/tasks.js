// The tasks: one row each with its actions, and a form to add tasks.
import { showAge } from './ages.js';
import { change, post } from './api.js';
import { withResult } from './dialogs.js';
import { byId, el, keyedList, setAttribute, setText } from './dom.js';
import { count, took } from './format.js';
import { taskState } from './levels.js';

/** @import { StatusView, TaskView } from '../status-view.ts' */

/** @returns {(status: StatusView) => void} */
export function taskTable() {
  const table = byId('task-table');
  const body = el('tbody');
  table.append(body);
  const result = byId('task-result');
  const show = keyedList(body, (/** @type {TaskView} */ { id }) => id, taskRow(result));
  const form = byId('task-form');
  const text = /** @type {HTMLTextAreaElement} */ (byId('task-text'));
  const add = /** @type {HTMLButtonElement} */ (form.querySelector('button'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void withResult(add, result, async () => {
      const given = listIn(text.value);
      const { added, persisted } = await post('/v1/tasks', { tasks: given });
      text.value = '';
      return `Added ${added.join(', ')}${persisted ? '' : '; lost on restart'}.`;
    });
  });
  return ({ tasks = [], control }) => {
    show(tasks);
    table.hidden = tasks.length === 0;
    byId('tasks-none').hidden = tasks.length > 0;
    byId('task-add').hidden = !control.enabled;
  };
}

/** @param {string} text @returns {unknown[]} */
function listIn(text) {
  /** @type {unknown} */
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('This is not JSON.');
  }
  return Array.isArray(value) ? value : [value];
}

/** @param {HTMLElement} result @returns {(task: TaskView) => import('./dom.js').View<TaskView>} */
const taskRow =
  (result) =>
  ({ id }) => {
    const state = el('span', { class: 'state' });
    const reason = el('span', { class: 'reason' });
    const name = el('th', { scope: 'row' }, el('span', { class: 'name' }, id), reason);
    const series = el('td', { class: 'number' });
    const last = el('time');
    const duration = el('td', { class: 'number' });
    const next = el('time', { 'data-form': 'left' });
    const run = el('button', { type: 'button', class: 'quiet', 'aria-label': `Run ${id}` }, 'Run');
    const remove = el('button', { type: 'button', class: 'quiet', 'aria-label': `Remove ${id}` }, 'Remove');
    const path = `/v1/tasks/${encodeURIComponent(id)}`;
    run.addEventListener('click', () =>
      withResult(run, result, async () => {
        const { run: ran } = await post(`${path}/run`, {});
        return `${id}: ${ran.result}, ${count(ran.series)} series in ${took(ran.durationSeconds)}${ran.error ? `: ${ran.error}` : ''}`;
      }),
    );
    remove.addEventListener('click', () =>
      withResult(remove, result, async () => {
        await change('DELETE', path);
        return `Removed ${id}.`;
      }),
    );
    const node = el(
      'tr',
      { id: `task-${id}` },
      el('td', {}, state),
      name,
      series,
      el('td', { class: 'number wide' }, last),
      duration,
      el('td', { class: 'number wide' }, next),
      el('td', { class: 'act' }, run, remove),
    );
    return {
      node,
      update(task) {
        const { level, word } = taskState(task);
        setAttribute(node, 'data-level', level);
        setText(state, word);
        setText(reason, task.reason ?? task.error ?? `${task.type}, ${task.source}`);
        setText(series, count(task.series));
        showAge(last, task.lastRunMs, '–');
        setText(duration, task.durationSeconds === undefined ? '–' : took(task.durationSeconds));
        showAge(next, task.nextMs, '–');
        // Tasks from other sources are changed there.
        remove.hidden = task.source !== 'api';
      },
    };
  };
