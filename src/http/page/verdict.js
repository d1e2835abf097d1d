// The overall verdict. Pure: status in, text out.

import { exporterProblems } from './delivery-problems.js';
import { counted, list } from './format.js';
import { RANK } from './levels.js';
import {
  budgetProblem,
  collectorProblem,
  cycleProblem,
  identityProblem,
  leaderProblem,
  reloadProblem,
  skippedProblem,
} from './problems.js';
import { hasOtherCause, logProblems, resourceProblems, targetProblems, taskProblems } from './source-problems.js';

/**
 * @import { StatusView } from '../status-view.ts'
 * @import { Level } from './levels.js'
 * @import { Problem } from './problems.js'
 * @typedef {{ readonly level: Level, readonly sentence: string, readonly problems: readonly Problem[] }} Verdict
 */

/** Number of cycles for which a receiver without a response yet is not reported. */
const FIRST_CYCLES = 3;

/**
 * One sentence, and the problems it is based on, worst first.
 * @param {StatusView} status
 * @returns {Verdict}
 */
export function verdict(status) {
  const isExplained = hasOtherCause(status);
  const problems = [
    ...cycleProblem(status),
    ...skippedProblem(status),
    ...exporterProblems(status),
    ...status.collectors.filter((collector) => !isExplained(collector)).flatMap(collectorProblem),
    ...status.collectors.flatMap(resourceProblems),
    ...taskProblems(status),
    ...targetProblems(status),
    ...logProblems(status),
    ...status.budgets.flatMap(budgetProblem),
    ...leaderProblem(status),
    ...identityProblem(status),
    ...reloadProblem(status),
  ].toSorted((one, other) => RANK[one.level] - RANK[other.level]);
  const level = problems[0]?.level;
  if (level !== undefined) return { level, sentence: problemSentence(problems, level), problems };
  if (status.cycle.lastMs === undefined) {
    return { level: 'off', sentence: 'Starting: the first collection is still running.', problems };
  }
  const pushed = status.exporters.filter(({ groups }) => groups.length > 0);
  if (status.cycle.count < FIRST_CYCLES && pushed.length > 0 && pushed.every(({ state }) => state === 'idle')) {
    return { level: 'off', sentence: 'Starting: the first push is still running.', problems };
  }
  return { level: 'ok', sentence: wellSentence(status), problems };
}

/**
 * @param {StatusView} status
 * @returns {string}
 */
function wellSentence({ collectors, exporters, election }) {
  const delivering = collectors.filter(({ state }) => state === 'ok').length;
  const keepUp = exporters.length === 1 ? 'the receiver keeps up' : `all ${exporters.length} receivers keep up`;
  const warm = election && election.lease !== '' && !election.master;
  const leads = warm ? `; ${election.holder} leads` : '';
  return `All is well: ${counted(delivering, 'collector')} deliver${delivering === 1 ? 's' : ''}, ${keepUp}${leads}.`;
}

/**
 * Names the worst kind of problem with its count; for the others only their number.
 * @param {readonly Problem[]} problems
 * @param {Level} level of the worst
 */
function problemSentence(problems, level) {
  const worst = problems.filter((problem) => problem.level === level);
  const parts = [...Map.groupBy(worst, ({ kind, key }) => kind.many || key).values()].map(([first, ...more]) => {
    if (first === undefined) return '';
    return more.length === 0 ? first.kind.of + first.what : `${more.length + 1} ${first.kind.many}`;
  });
  const lesser = problems.length - worst.length;
  const text = `${list(parts)}${lesser === 0 ? '' : `; ${lesser} more to check`}.`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}
