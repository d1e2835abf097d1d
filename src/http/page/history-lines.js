// Charts and texts of the last hour. Pure.
import { bytes, counted, percent, took } from './format.js';

/** @import { HistoryView } from '../status-view.ts' */
/** @import { Level } from './levels.js' */
/** @typedef {{ readonly term: string, readonly values: readonly number[], readonly text: string, readonly note: string, readonly level?: Level }} Line */

/**
 * One line per recorded value.
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

/** @param {readonly number[]} values */
const sum = (values) => values.reduce((all, value) => all + value, 0);
/** @param {readonly number[]} values */
const last = (values) => values.at(-1) ?? 0;
/** @param {readonly number[]} values */
const most = (values) => Math.max(0, ...values);
