// Current problems, each with its reason, what to do next and where it is on the page.
import { count, counted, list, span } from './format.js';
import { collectorState } from './levels.js';
import { KINDS } from './problem-kinds.js';

/**
 * @import { BudgetView, CollectorView, StatusView } from '../status-view.ts'
 * @import { Level } from './levels.js'
 * @import { Kind } from './problem-kinds.js'
 * @typedef {object} Problem
 * @property {string} key
 * @property {Kind} kind
 * @property {Level} level
 * @property {string} what
 * @property {string} why
 * @property {number} [nextTryMs] when the agent tries it again
 * @property {string} href where on the page it is
 */

/** Share of a budget from which it is reported. */
const NEARLY_FULL = 0.9;
/** Number of intervals without a cycle after which the agent is considered hung. */
const OVERDUE = 2.5;

/**
 * Number of recent minutes, and of skipped cycles in them from which they are reported; a busy machine may skip a few.
 */
const RECENT_MINUTES = 10;
const MANY_SKIPPED = 3;

/** @param {StatusView} status @returns {Problem[]} */
export function cycleProblem({ nowMs, cycle: { lastMs, intervalSeconds } }) {
  if (lastMs === undefined || nowMs - lastMs < OVERDUE * intervalSeconds * 1000) return [];
  const since = span((nowMs - lastMs) / 1000);
  const why = `The last cycle began ${since} ago; one is due every ${span(intervalSeconds)}.`;
  return [agentProblem('cycle', KINDS.overdue, 'bad', 'nothing is collected', why, '#agent')];
}

/** @param {StatusView} status @returns {Problem[]} */
export function skippedProblem({ history }) {
  const skipped = history.skipped.slice(-RECENT_MINUTES).reduce((sum, cycles) => sum + cycles, 0);
  if (skipped < MANY_SKIPPED) return [];
  const why = `${counted(skipped, 'cycle')} in the last ${RECENT_MINUTES} minutes: a cycle took too long, or the agent got no CPU.`;
  return [agentProblem('skipped', KINDS.skipped, 'warn', 'cycles were skipped', why, '#agent')];
}

/** @param {CollectorView} collector @returns {Problem[]} */
export function collectorProblem(collector) {
  const { id, reason, disabled, lostUnits, errors } = collector;
  const { level, word } = collectorState(collector);
  const problem = { key: id, href: `#collector-${id}` };
  if (disabled)
    return [{ ...problem, kind: KINDS.disabled, level: 'warn', what: `${id} is disabled`, why: disabled.reason }];
  const first = reason ?? errors[0] ?? '';
  if (word === 'failing') return [{ ...problem, kind: KINDS.failing, level, what: `${id} fails`, why: first }];
  // Families over a budget and resources that are down are separate problems.
  if (collector.state !== 'partial') return [];
  const why = lostUnits > 1 ? `${first} (and ${lostUnits - 1} more)` : first;
  return [{ ...problem, kind: KINDS.partial, level, what: `${id}: partial data`, why }];
}

/** @param {BudgetView} budget @returns {Problem[]} */
export function budgetProblem({ group, limit, series, dropped }) {
  const problem = { key: `budget ${group}`, href: '#series' };
  if (dropped.length > 0) {
    const lost = dropped.reduce((sum, family) => sum + family.series, 0);
    const names = list(dropped.slice(0, 3).map(({ family }) => family));
    const why = `${counted(lost, 'series', 'series')} left out: ${names}${dropped.length > 3 ? ', …' : ''}`;
    return [{ ...problem, kind: KINDS.over, level: 'bad', what: `${group} is over its series budget`, why }];
  }
  if (limit === undefined || series < NEARLY_FULL * limit) return [];
  const why = `${count(series)} of ${count(limit)} series; beyond that whole families are left out.`;
  return [{ ...problem, kind: KINDS.near, level: 'warn', what: `${group} is near its series budget`, why }];
}

/** @param {StatusView} status @returns {Problem[]} */
export function leaderProblem({ election }) {
  if (!election || election.lease === '') return [];
  const { lease, master, holder, failure } = election;
  if (!master && holder === '') {
    const unknown = `The Lease ${lease} has no known holder: the state of the cluster may not be pushed.`;
    const why = failure === undefined ? unknown : `${unknown} ${failure}`;
    return [agentProblem('leader', KINDS.leader, 'bad', 'no state agent leads', why, '#agent')];
  }
  if (failure === undefined) return [];
  return [agentProblem('leader', KINDS.leader, 'warn', `the Lease ${lease} cannot be used`, failure, '#agent')];
}

/** @param {StatusView} status @returns {Problem[]} */
export function identityProblem({ identity }) {
  if (identity?.failure === undefined) return [];
  const why = `${identity.source} has not responded for ${span(identity.ageSeconds)}: ${identity.failure}`;
  return [agentProblem('identity', KINDS.identity, 'warn', 'pod names are stale', why, '#agent')];
}

/** @param {StatusView} status @returns {Problem[]} */
export function reloadProblem({ reload }) {
  if (reload?.refused === undefined) return [];
  const why = `The previous configuration remains active. ${reload.refused.join('; ')}`;
  return [agentProblem('reload', KINDS.reload, 'warn', 'a new configuration was refused', why, '#configuration')];
}

/**
 * @param {string} key
 * @param {Kind} kind
 * @param {Level} level
 * @param {string} what
 * @param {string} why
 * @param {string} href
 * @returns {Problem}
 */
const agentProblem = (key, kind, level, what, why, href) => ({ key, kind, level, what, why, href });
