// The top of the page: the overall state.
import { showAge } from './ages.js';
import { byId, el, keyedList, setAttribute, setText } from './dom.js';
import { count, counted, percent, span, took } from './format.js';
import { collectorState, exporterState } from './levels.js';
import { RUNBOOK } from './problem-kinds.js';
import { verdict } from './verdict.js';

/** @import { StatusView } from '../status-view.ts' */
/** @import { Problem } from './problems.js' */

/** @returns {(status: StatusView) => void} */
export function overview() {
  const title = byId('verdict');
  const showProblems = keyedList(byId('problems'), ({ key }) => key, problemView);
  const lastCycle = el('time');
  byId('count-cycle').replaceChildren(lastCycle);
  return (status) => {
    const { level, sentence, problems } = verdict(status);
    setText(title, sentence);
    setAttribute(title, 'data-level', level);
    showProblems(problems);
    const { node, cluster } = status.agent;
    setText(byId('node'), node);
    setText(byId('cluster'), cluster ?? '');
    const mark = { ok: '', off: '', warn: `⚠ ${problems.length} · `, bad: `✕ ${problems.length} · ` }[level];
    const pageTitle = `${mark}${node} – Firesteel`;
    if (document.title !== pageTitle) document.title = pageTitle;
    showCollectors(status);
    showReceivers(status);
    showSeries(status);
    showCycle(status, lastCycle);
    showLeader(status);
  };
}

/** @returns {import('./dom.js').View<Problem>} */
function problemView() {
  const what = el('a', { class: 'what' });
  const why = el('span', { class: 'why' });
  const next = el('time', { 'data-form': 'left' });
  const retry = el('span', { class: 'muted' }, ' · next try in ', next);
  const todo = el('span');
  const runbook = el('a', { target: '_blank', rel: 'noreferrer' }, 'Runbook');
  const node = el('li', {}, what, el('div', {}, why, retry, el('p', { class: 'todo' }, todo, ' ', runbook)));
  return {
    node,
    update(problem) {
      setAttribute(node, 'data-level', problem.level);
      setAttribute(what, 'href', problem.href);
      setText(what, problem.what);
      setText(why, problem.why);
      retry.hidden = problem.nextTryMs === undefined;
      showAge(next, problem.nextTryMs);
      setText(todo, problem.kind.todo);
      setAttribute(runbook, 'href', `${RUNBOOK}#${problem.kind.anchor}`);
    },
  };
}

/** @param {string} which @param {string} value @param {string} note @param {string} [level] */
function tile(which, value, note, level) {
  setText(byId(`count-${which}`), value);
  setText(byId(`note-${which}`), note);
  setAttribute(byId(`count-${which}`), 'data-level', level);
}

/** @param {StatusView} status */
function showCollectors({ collectors }) {
  const words = Map.groupBy(collectors, (collector) => collectorState(collector).word);
  /** @param {string} word */
  const number = (word) => words.get(word)?.length ?? 0;
  const failing = number('failing');
  const notes = ['partial', 'left out', 'disabled', 'no data', 'waiting'].filter((word) => number(word) > 0);
  const note = notes.map((word) => `${number(word)} ${word}`).join(', ');
  if (failing > 0) tile('collectors', `${failing} failing`, `of ${collectors.length}${note ? `; ${note}` : ''}`, 'bad');
  else tile('collectors', `${number('ok')} ok`, note, number('partial') + number('left out') > 0 ? 'warn' : undefined);
}

/** @param {StatusView} status */
function showReceivers(status) {
  const { exporters } = status;
  const behind = exporters.filter((exporter) => ['bad', 'warn'].includes(exporterState(exporter, status).level));
  if (exporters.length === 0) tile('receivers', 'none', 'nothing is pushed', 'warn');
  else if (behind.length === 0)
    tile('receivers', `${exporters.length} ok`, exporters.map(({ name }) => name).join(', '));
  else
    tile(
      'receivers',
      `${behind.length} with problems`,
      `of ${exporters.length}: ${behind.map(({ name }) => name).join(', ')}`,
      behind.some((exporter) => exporterState(exporter, status).level === 'bad') ? 'bad' : 'warn',
    );
}

/** @param {StatusView} status */
function showSeries({ budgets }) {
  const series = budgets.reduce((sum, budget) => sum + budget.series, 0);
  const dropped = budgets.flatMap((budget) => budget.dropped).reduce((sum, family) => sum + family.series, 0);
  const limits = budgets.flatMap(({ group, limit, series: used }) =>
    limit === undefined ? [] : [{ group, part: used / limit }],
  );
  const fullest = limits.toSorted((one, other) => other.part - one.part)[0];
  const budget = fullest ? `${percent(fullest.part)} of ${fullest.group}’s budget` : 'no budget set';
  if (dropped > 0) tile('series', count(series), `${count(dropped)} more left out`, 'bad');
  else tile('series', count(series), budget, (fullest?.part ?? 0) >= 0.9 ? 'warn' : undefined);
}

/** @param {StatusView} status @param {HTMLTimeElement} age */
function showCycle({ cycle }, age) {
  showAge(age, cycle.lastMs, 'none yet');
  const duration = cycle.durationSeconds === undefined ? '' : `took ${took(cycle.durationSeconds)}, `;
  setText(byId('note-cycle'), `${duration}every ${span(cycle.intervalSeconds)}`);
}

/** @param {StatusView} status */
function showLeader({ election }) {
  if (!election) tile('leader', 'no election', 'each node agent pushes');
  else if (election.lease === '') tile('leader', 'this agent', 'without an election');
  else if (election.master) tile('leader', 'this agent', counted(election.transitions, 'hand-over'));
  else if (election.holder === '') tile('leader', 'none', election.lease, 'bad');
  else tile('leader', 'another agent', election.holder);
}
