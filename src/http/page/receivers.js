// A card for each receiver.

import { lossText } from './delivery-problems.js';
import { byId, el, keyedList, setAttribute, setText } from './dom.js';
import { factList } from './facts.js';
import { bytes, count, counted, took } from './format.js';
import { exporterState } from './levels.js';

/** @import { ExporterView, StatusView } from '../status-view.ts' */
/** @import { Fact } from './facts.js' */
/** @typedef {{ readonly exporter: ExporterView, readonly status: StatusView }} Item */

/** @returns {(status: StatusView) => void} */
export function receiverCards() {
  const cards = byId('receiver-cards');
  const show = keyedList(cards, (/** @type {Item} */ { exporter }) => exporter.name, receiverCard);
  const nothing = el('p', { class: 'none' }, 'No exporter is configured: nothing is pushed.');
  return (status) => {
    show(status.exporters.map((exporter) => ({ exporter, status })));
    if (status.exporters.length === 0) cards.append(nothing);
    else nothing.remove();
  };
}

/** @returns {import('./dom.js').View<Item>} */
function receiverCard() {
  const name = el('h3');
  const state = el('span', { class: 'state' });
  const url = el('code', { class: 'url' });
  const failure = el('p', { class: 'reason' });
  const list = el('dl', { class: 'facts' });
  const node = el('article', { class: 'card' }, el('div', { class: 'card-head' }, name, state), url, failure, list);
  const show = factList(list);
  return {
    node,
    update({ exporter, status }) {
      const { level, word } = exporterState(exporter, status);
      setAttribute(node, 'data-level', level);
      setText(name, exporter.name);
      setText(state, word);
      setText(url, `${exporter.type} · ${exporter.url}`);
      const { lastFailure } = exporter;
      const text = lastFailure && (word === 'retrying' || word === 'paused') ? lastFailure.text : '';
      setText(failure, [text, lossText(exporter)].filter((part) => part !== '').join('\n'));
      show([...deliveryFacts(exporter), ...waitingFacts(exporter), ...lossFacts(exporter)]);
    },
  };
}

/** @param {ExporterView} exporter @returns {Fact[]} */
function deliveryFacts(exporter) {
  const { groups, lastSuccessMs, lastCode, latencyMs, lastFailure, nextTryMs, pushes, sentSamples } = exporter;
  return [
    ...(nextTryMs === undefined
      ? []
      : [/** @type {Fact} */ ({ term: 'Next try in', timeMs: nextTryMs, form: 'left' })]),
    lastSuccessMs === undefined
      ? { term: 'Last success', text: 'none yet' }
      : { term: 'Last success', timeMs: lastSuccessMs },
    {
      term: 'Last response',
      text: lastCode === undefined ? '–' : lastCode === 'error' ? 'no response' : String(lastCode),
    },
    { term: 'Latency', text: latencyMs === undefined ? '–' : took(latencyMs / 1000) },
    ...(lastFailure ? [{ term: 'Last failure', timeMs: lastFailure.atMs }] : []),
    // A receiver without groups takes log entries, which have their own table.
    ...(groups.length > 0 ? [{ term: 'Delivered', text: counted(sentSamples, 'sample') }] : []),
    ...(pushes ? [{ term: 'Pushes', text: count(pushes.accepted), note: `${count(pushes.failed)} failed` }] : []),
  ];
}

/** @param {ExporterView} exporter @returns {Fact[]} */
function waitingFacts({ memory, spool }) {
  const facts = [waiting('Queue', memory)];
  if (spool) facts.push({ ...waiting('Spool', spool), note: spool.trouble ?? `of ${bytes(spool.limitBytes)}` });
  return facts;
}

/** @param {string} term @param {{ bodies: number, bytes: number, oldestStampMs?: number }} held @returns {Fact} */
function waiting(term, { bodies, bytes: size, oldestStampMs }) {
  if (bodies === 0) return { term, text: 'empty' };
  const text = `${counted(bodies, 'batch', 'batches')}, ${bytes(size)}${oldestStampMs === undefined ? '' : ', oldest '}`;
  return oldestStampMs === undefined ? { term, text } : { term, text, timeMs: oldestStampMs };
}

/** @param {ExporterView} exporter @returns {Fact[]} */
function lossFacts({ groups, dropped, leftOut = [] }) {
  return groups.length === 0 ? [] : [...leftOutFacts(leftOut), ...droppedFacts(dropped)];
}

/** @param {NonNullable<ExporterView['leftOut']>} leftOut @returns {Fact[]} */
function leftOutFacts(leftOut) {
  if (leftOut.length === 0) return [];
  const text = leftOut.map(({ group, family }) => `${family} (${group})`).join(', ');
  return [{ term: 'Left out', text, note: 'rejected by the receiver; retried every hour', level: 'warn' }];
}

/** @param {ExporterView['dropped']} dropped @returns {Fact[]} */
function droppedFacts(dropped) {
  const reasons = Object.entries(dropped).filter(([, samples]) => samples > 0);
  if (reasons.length === 0) return [{ term: 'Dropped', text: '0 samples' }];
  const text = reasons.map(([reason, samples]) => `${count(samples)} ${reason.replaceAll('_', ' ')}`).join(', ');
  return [{ term: 'Dropped', text, note: 'samples since the start', level: 'warn' }];
}
