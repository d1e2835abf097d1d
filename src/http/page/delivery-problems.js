// Problems of receivers: backlog, omitted and lost data.
import { bytes, counted, list, span } from './format.js';
import { exporterState } from './levels.js';
import { KINDS } from './problem-kinds.js';

/**
 * @import { ExporterView, StatusView } from '../status-view.ts'
 * @import { Problem } from './problems.js'
 */

const HREF = '#receivers';

/** @param {StatusView} status @returns {Problem[]} */
export function exporterProblems(status) {
  if (status.exporters.length === 0) {
    const why = 'No exporter is configured; series are only served at /metrics.';
    return [{ key: 'exporters', kind: KINDS.nothingPushed, level: 'warn', what: 'nothing is pushed', why, href: HREF }];
  }
  return [
    ...status.exporters.flatMap((exporter) => [
      ...refusedFamilies(exporter),
      ...spoolProblem(exporter),
      ...deliveryProblem(exporter, status),
    ]),
    ...recentLoss(status),
  ];
}

/** @param {ExporterView} exporter @returns {Problem[]} */
function refusedFamilies({ name, leftOut = [] }) {
  const [first] = leftOut;
  if (first === undefined) return [];
  const names = leftOut.slice(0, 3).map(({ group, family }) => `${family} of ${group}`);
  const why = `${list(names)}${leftOut.length > 3 ? ', …' : ''} left out; the rest is delivered. ${first.reason}`;
  const what = `${name} rejects ${counted(leftOut.length, 'family', 'families')}`;
  const nextTryMs = Math.min(...leftOut.map(({ retryMs }) => retryMs));
  return [{ key: `families ${name}`, kind: KINDS.refused, level: 'warn', what, why, nextTryMs, href: HREF }];
}

/** @param {ExporterView} exporter @returns {Problem[]} */
function spoolProblem({ name, spool }) {
  if (spool?.trouble === undefined) return [];
  const what = `the spool of ${name} is unavailable`;
  return [{ key: `spool ${name}`, kind: KINDS.spool, level: 'warn', what, why: spool.trouble, href: HREF }];
}

/** @param {ExporterView} exporter @param {StatusView} status @returns {Problem[]} */
function deliveryProblem(exporter, status) {
  const { word } = exporterState(exporter, status);
  const kind = { paused: KINDS.paused, retrying: KINDS.retrying, 'catching up': KINDS.catchingUp }[word];
  if (kind === undefined) return [];
  const { name, memory, spool, lastFailure, nextTryMs } = exporter;
  const waiting = memory.bodies + (spool?.bodies ?? 0);
  const size = bytes(memory.bytes + (spool?.bytes ?? 0));
  const failure = word === 'catching up' ? undefined : lastFailure?.text;
  const why = [
    waiting > 0 && `${counted(waiting, 'batch', 'batches')} (${size}) waiting.`,
    lossText(exporter),
    failure,
  ].filter((text) => typeof text === 'string' && text !== '');
  return [
    {
      key: `receiver ${name}`,
      kind,
      level: word === 'catching up' ? 'warn' : 'bad',
      what: `${name} is ${word}`,
      why: why.join(' '),
      ...(nextTryMs !== undefined && { nextTryMs }),
      href: HREF,
    },
  ];
}

/**
 * When the oldest batch will be lost; empty if no loss is expected.
 * @param {Pick<ExporterView, 'lossInSeconds' | 'spool'>} exporter
 */
export function lossText({ lossInSeconds, spool }) {
  if (lossInSeconds === undefined) return '';
  const without = spool ? '' : ' (there is no spool on disk)';
  if (lossInSeconds < 1) return `The oldest batches are being lost${without}.`;
  return `Data is lost in about ${span(lossInSeconds)} at this rate${without}.`;
}

/** Harmless reasons for dropped samples: another agent pushes them, or newer ones replaced them. */
const HARMLESS = new Set(['not_master', 'replaced']);

/** @param {StatusView} status @returns {Problem[]} */
function recentLoss({ history, exporters }) {
  const lost = history.droppedSamples.reduce((sum, samples) => sum + samples, 0);
  if (lost === 0) return [];
  const reasons = new Set(
    exporters.flatMap(({ dropped }) => Object.keys(dropped).filter((reason) => !HARMLESS.has(reason))),
  );
  if (reasons.size === 0) return [];
  const why = `${counted(lost, 'sample')} in the last hour: ${list([...reasons].map((one) => one.replaceAll('_', ' ')))}.`;
  return [
    {
      key: 'dropped',
      kind: { ...KINDS.dropped, of: '' },
      level: 'warn',
      what: 'samples were dropped',
      why,
      href: HREF,
    },
  ];
}
