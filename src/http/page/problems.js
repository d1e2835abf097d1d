// Current problems, each with its reason and where on the page to look.
import { bytes, count, counted, list, span } from './format.js';
import { collectorState, exporterState } from './levels.js';

/**
 * @import { BudgetView, CollectorView, ExporterView, StatusView } from '../status-view.ts'
 * @import { Level } from './levels.js'
 * @typedef {{ readonly of: string, readonly many: string }} Kind what stands before the name of one, and behind the number of several
 * @typedef {{ readonly key: string, readonly kind: Kind, readonly level: Level, readonly what: string, readonly why: string, readonly href: string }} Problem
 */

/** Part of a budget from which on it is worth a look. */
const NEARLY_FULL = 0.9;
/** Intervals without a cycle after which something must hang. */
const OVERDUE = 2.5;

/** @param {string} of @param {string} many @returns {Kind} */
const kind = (of, many) => ({ of, many });

/** The agent as a whole has each of them once. */
const AGENT = kind('', '');
const FAILING = kind('collector ', 'collectors fail');
const PARTIAL = kind('collector ', 'collectors have partial data');
const DISABLED = kind('collector ', 'collectors are disabled');
const BEHIND = kind('receiver ', 'receivers are behind');
const OVER = kind('group ', 'groups are over their series budget');
const NEAR = kind('group ', 'groups are near their series budget');

/** @param {StatusView} status @returns {Problem[]} */
export function cycleProblem({ nowMs, cycle: { lastMs, intervalSeconds } }) {
  if (lastMs === undefined || nowMs - lastMs < OVERDUE * intervalSeconds * 1000) return [];
  const since = span((nowMs - lastMs) / 1000);
  const why = `The last cycle began ${since} ago; one is due every ${span(intervalSeconds)}. The log says what hangs.`;
  return [agentProblem('cycle', 'bad', 'nothing is collected', why, '#agent')];
}

/** @param {CollectorView} collector @returns {Problem[]} */
export function collectorProblem(collector) {
  const { id, reason, disabled, lostUnits, errors } = collector;
  const { level, word } = collectorState(collector);
  const problem = { key: id, href: `#collector-${id}` };
  if (disabled) return [{ ...problem, kind: DISABLED, level: 'warn', what: `${id} is disabled`, why: disabled.reason }];
  const first = reason ?? errors[0] ?? '';
  if (word === 'failing') return [{ ...problem, kind: FAILING, level, what: `${id} fails`, why: first }];
  if (word !== 'partial') return [];
  const why = lostUnits > 1 ? `${first} (and ${lostUnits - 1} more)` : first;
  return [{ ...problem, kind: PARTIAL, level, what: `${id}: partial data`, why }];
}

/** @param {StatusView} status @returns {Problem[]} */
export function exporterProblems(status) {
  if (status.exporters.length === 0) {
    const why = 'No exporter is configured; series are only to be had at /metrics.';
    return [agentProblem('exporters', 'warn', 'nothing is pushed', why, '#receivers')];
  }
  return status.exporters.flatMap((exporter) => [
    ...refusedFamilies(exporter),
    ...spoolProblem(exporter),
    ...deliveryProblem(exporter, status),
  ]);
}

/** @param {ExporterView} exporter @returns {Problem[]} */
function refusedFamilies({ name, leftOut = [] }) {
  const [first] = leftOut;
  if (first === undefined) return [];
  const names = leftOut.slice(0, 3).map(({ group, family }) => `${family} of ${group}`);
  const why = `${list(names)}${leftOut.length > 3 ? ', …' : ''} left out; the rest is delivered. ${first.reason}`;
  const what = `${name} refuses ${counted(leftOut.length, 'family', 'families')}`;
  return [{ key: `families ${name}`, kind: BEHIND, level: 'warn', what, why, href: '#receivers' }];
}

/** @param {ExporterView} exporter @returns {Problem[]} */
function spoolProblem({ name, spool }) {
  if (spool?.trouble === undefined) return [];
  const what = `the spool of ${name} is unavailable`;
  return [{ key: `spool ${name}`, kind: BEHIND, level: 'warn', what, why: spool.trouble, href: '#receivers' }];
}

/** @param {ExporterView} exporter @param {StatusView} status @returns {Problem[]} */
function deliveryProblem(exporter, status) {
  const { level, word } = exporterState(exporter, status);
  if (level !== 'bad' && level !== 'warn') return [];
  const { name, memory, spool, lastFailure } = exporter;
  const bodies = memory.bodies + (spool?.bodies ?? 0);
  const size = bytes(memory.bytes + (spool?.bytes ?? 0));
  const waits = bodies === 0 ? '' : `${counted(bodies, 'batch', 'batches')} (${size}) waiting. `;
  const why = `${waits}${lastFailure?.text ?? ''}`;
  return [{ key: `receiver ${name}`, kind: BEHIND, level, what: `${name} is ${word}`, why, href: '#receivers' }];
}

/** @param {BudgetView} budget @returns {Problem[]} */
export function budgetProblem({ group, limit, series, dropped }) {
  const problem = { key: `budget ${group}`, href: '#series' };
  if (dropped.length > 0) {
    const lost = dropped.reduce((sum, family) => sum + family.series, 0);
    const names = list(dropped.slice(0, 3).map(({ family }) => family));
    const why = `${counted(lost, 'series', 'series')} left out: ${names}${dropped.length > 3 ? ', …' : ''}`;
    return [{ ...problem, kind: OVER, level: 'bad', what: `${group} is over its series budget`, why }];
  }
  if (limit === undefined || series < NEARLY_FULL * limit) return [];
  const why = `${count(series)} of ${count(limit)} series; beyond that whole families are left out.`;
  return [{ ...problem, kind: NEAR, level: 'warn', what: `${group} is near its series budget`, why }];
}

/** @param {StatusView} status @returns {Problem[]} */
export function leaderProblem({ election }) {
  if (!election || election.lease === '' || election.master || election.holder !== '') return [];
  const why = `The Lease ${election.lease} has no known holder: the state of the cluster may not be pushed.`;
  return [agentProblem('leader', 'bad', 'no state agent leads', why, '#agent')];
}

/** @param {StatusView} status @returns {Problem[]} */
export function identityProblem({ identity }) {
  if (identity?.failure === undefined) return [];
  const why = `${identity.source} has not answered for ${span(identity.ageSeconds)}: ${identity.failure}`;
  return [agentProblem('identity', 'warn', 'names of pods are not up to date', why, '#agent')];
}

/** @param {StatusView} status @returns {Problem[]} */
export function reloadProblem({ reload }) {
  if (reload?.refused === undefined) return [];
  const why = `The earlier one stays in force. ${reload.refused.join('; ')}`;
  return [agentProblem('reload', 'warn', 'a new configuration was refused', why, '#configuration')];
}

/**
 * @param {string} key
 * @param {Level} level
 * @param {string} what
 * @param {string} why
 * @param {string} href
 * @returns {Problem}
 */
const agentProblem = (key, level, what, why, href) => ({ key, kind: AGENT, level, what, why, href });
