// The severity of a state, and its word. The word always expresses the same as the colour.

/** @import { CollectorView, ExporterView, LogLaneView, ResourceStatus, StatusView, TaskView } from '../status-view.ts' */
/** @typedef {'ok' | 'off' | 'warn' | 'bad'} Level */
/** @typedef {{ readonly level: Level, readonly word: string }} State */

/** Worst first. */
export const RANK = /** @type {const} */ ({ bad: 0, warn: 1, off: 2, ok: 3 });

/** Number of intervals that a batch may wait before its receiver counts as behind. */
const PATIENCE = 2;

/** @param {CollectorView} collector @returns {State} */
export function collectorState({ state, disabled, leftOut = [], resources = [] }) {
  if (disabled) return { level: 'off', word: 'disabled' };
  if (state === 'fault') return { level: 'bad', word: 'failing' };
  if (state === 'partial' || resources.some((resource) => resource.state === 'down')) {
    return { level: 'warn', word: 'partial' };
  }
  if (leftOut.length > 0) return { level: 'warn', word: 'left out' };
  if (state === 'ok') return { level: 'ok', word: 'ok' };
  return { level: 'off', word: state === 'nodata' ? 'no data' : 'waiting' };
}

/** @param {TaskView} task @returns {State} */
export function taskState({ state, result }) {
  if (state === 'stuck') return { level: 'bad', word: 'stuck' };
  if (state === 'disabled') return { level: 'off', word: 'disabled' };
  if (result === undefined) return { level: 'off', word: state };
  return result === 'ok' ? { level: 'ok', word: 'ok' } : { level: 'bad', word: result.replaceAll('_', ' ') };
}

/** @param {Pick<ResourceStatus, 'state'>} resource @returns {State} */
export function resourceState({ state }) {
  if (state === 'down') return { level: 'bad', word: 'down' };
  if (state === 'listing') return { level: 'off', word: 'listing' };
  return state === 'followed' ? { level: 'ok', word: 'followed' } : { level: 'off', word: 'not served' };
}

/**
 * A receiver is also behind when batches are waiting although the last push succeeded; a receiver with any problem is
 * not ok.
 * @param {ExporterView} exporter
 * @param {StatusView} status
 * @returns {State}
 */
export function exporterState({ state, memory, spool, leftOut = [] }, { nowMs, cycle }) {
  if (state === 'paused' || state === 'retrying') return { level: 'bad', word: state };
  const oldest = Math.min(memory.oldestStampMs ?? nowMs, spool?.oldestStampMs ?? nowMs);
  if (nowMs - oldest > PATIENCE * cycle.intervalSeconds * 1000) return { level: 'warn', word: 'catching up' };
  if (spool?.trouble !== undefined) return { level: 'warn', word: 'no spool' };
  if (leftOut.length > 0) return { level: 'warn', word: 'partial' };
  return state === 'ok' ? { level: 'ok', word: 'ok' } : { level: 'off', word: 'idle' };
}

/** Age of the oldest entry, in seconds, from which on a receiver of entries counts as behind. */
const LATE = 60;

/** @param {LogLaneView} lane @param {ExporterView | undefined} exporter @returns {State} */
export function laneState({ failing, lagSeconds, lastAckMs }, exporter) {
  if (failing) return { level: 'bad', word: 'failing' };
  if (exporter?.state === 'paused' || exporter?.state === 'retrying') return { level: 'bad', word: exporter.state };
  if (lagSeconds > LATE) return { level: 'warn', word: 'catching up' };
  return lastAckMs === undefined ? { level: 'off', word: 'idle' } : { level: 'ok', word: 'ok' };
}
