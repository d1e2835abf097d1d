// Problems of external sources: tasks, scraped targets, resources of the API.
import { counted, list, span } from './format.js';
import { laneState, resourceState, taskState } from './levels.js';
import { KINDS } from './problem-kinds.js';

/**
 * @import { CollectorView, StatusView, TaskView } from '../status-view.ts'
 * @import { Problem } from './problems.js'
 */

/** Up to this many are listed individually; beyond, only the number is shown. */
const NAMED = 5;

/** @param {StatusView} status @returns {Problem[]} */
export const taskProblems = ({ tasks = [] }) => tasks.flatMap(taskProblem);

/** @param {TaskView} task @returns {Problem[]} */
function taskProblem(task) {
  const { id, error, nextMs } = task;
  const { level, word } = taskState(task);
  if (level !== 'bad') return [];
  const what = `${id}: ${word}`;
  const nextTryMs = nextMs === undefined ? {} : { nextTryMs: nextMs };
  return [
    { key: `task ${id}`, kind: KINDS.task, level: 'warn', what, why: error ?? '', ...nextTryMs, href: `#task-${id}` },
  ];
}

/** @param {StatusView} status @returns {Problem[]} */
export function targetProblems({ scrape }) {
  if (scrape === undefined) return [];
  const down = scrape.targets.filter(({ state }) => state === 'down');
  const [first] = down;
  /** @type {Problem[]} */
  const problems = [];
  if (first !== undefined) {
    const names = down.slice(0, 3).map(({ url }) => url);
    const why = `${list(names)}${scrape.down > 3 ? ', …' : ''}. ${first.error ?? ''}`;
    const what = `${counted(scrape.down, 'target')} ${scrape.down === 1 ? 'is' : 'are'} down`;
    problems.push({ key: 'targets', kind: KINDS.target, level: 'warn', what, why, href: '#targets' });
  }
  if (scrape.leftOut > 0) {
    const what = `${counted(scrape.leftOut, 'target')} not scraped`;
    const why = 'More were found than scrape.limits.targets allows.';
    problems.push({
      key: 'targets left out',
      kind: { ...KINDS.target, many: '' },
      level: 'warn',
      what,
      why,
      href: '#targets',
    });
  }
  return problems;
}

/**
 * Whether a collector only fails because of a resource that is a separate problem: its reason begins with the name.
 * @param {StatusView} status
 * @returns {(collector: CollectorView) => boolean}
 */
export function hasOtherCause({ collectors }) {
  const resources = collectors.flatMap((collector) => collector.resources ?? []);
  const down = resources.filter(({ state }) => state === 'down').map(({ resource }) => `${resource}: `);
  return ({ reason = '' }) => down.some((beginning) => reason.startsWith(beginning));
}

/** @param {StatusView} status @returns {Problem[]} */
export const logProblems = ({ logs = [] }) =>
  logs.flatMap((lane) => {
    // A receiver that accepts nothing is a separate problem.
    const { level, word } = laneState(lane, undefined);
    if (level !== 'bad' && level !== 'warn') return [];
    const name = `${lane.source} → ${lane.exporter}`;
    const lag = `The oldest entry that is not acknowledged is ${span(lane.lagSeconds)} old.`;
    const why = lane.failing ? (lane.lastError?.text ?? '') : lag;
    return [{ key: `logs ${name}`, kind: KINDS.logs, level, what: `${name}: ${word}`, why, href: '#logs' }];
  });

/** @param {CollectorView} collector @returns {Problem[]} */
export function resourceProblems({ id, resources = [] }) {
  const down = resources.filter((resource) => resourceState(resource).level === 'bad');
  if (down.length <= NAMED) {
    return down.map(({ resource, error, nextTryMs }) => ({
      key: `resource ${resource}`,
      kind: KINDS.resource,
      level: 'bad',
      what: `${resource} is not followed`,
      why: error ?? '',
      ...(nextTryMs !== undefined && { nextTryMs }),
      href: `#resource-${resource}`,
    }));
  }
  const names = down.slice(0, NAMED).map(({ resource }) => resource);
  const tries = down.flatMap(({ nextTryMs }) => (nextTryMs === undefined ? [] : [nextTryMs]));
  return [
    {
      key: `resources of ${id}`,
      kind: { ...KINDS.resource, of: '', many: '' },
      level: 'bad',
      what: `${down.length} of ${resources.length} resources are not followed`,
      why: `${names.join(', ')}, … ${down[0]?.error ?? ''}`,
      ...(tries.length > 0 && { nextTryMs: Math.min(...tries) }),
      href: `#collector-${id}`,
    },
  ];
}
