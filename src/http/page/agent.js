// The agent itself: leader, names of pods, cycle, process; and its log level.
import { post } from './api.js';
import { closable, showResult, withResult } from './dialogs.js';
import { byId, setText } from './dom.js';
import { factList } from './facts.js';
import { bytes, clock, count, span, took } from './format.js';

/** @import { LogLevelView, StatusView } from '../status-view.ts' */
/** @import { Fact } from './facts.js' */

/** @returns {(status: StatusView) => void} */
export function agentFacts() {
  const showLeader = factList(byId('leader-facts'));
  const showIdentity = factList(byId('identity-facts'));
  const showCycle = factList(byId('cycle-facts'));
  const showProcess = factList(byId('process-facts'));
  const openLevel = levelDialog();
  /** @type {StatusView | undefined} */
  let last;
  byId('log-level').addEventListener('click', () => openLevel(last?.agent.log.level ?? 'info'));
  return (status) => {
    last = status;
    byId('leader-card').hidden = status.election === undefined;
    byId('identity-card').hidden = status.identity === undefined;
    showLeader(leaderFacts(status));
    showIdentity(identityFacts(status));
    showCycle(cycleFacts(status));
    showProcess(processFacts(status));
    byId('log-level').hidden = !status.control.enabled;
    setText(byId('version'), `Firesteel ${status.agent.version}`);
  };
}

/** @param {StatusView} status @returns {Fact[]} */
function leaderFacts({ election }) {
  if (election === undefined) return [];
  const { lease, master, holder, transitions, failure } = election;
  return [
    { term: 'Pushes', text: master ? 'this agent' : holder ? 'another agent' : 'none', level: master ? 'ok' : 'off' },
    { term: 'Held by', text: holder || (lease === '' ? 'no election' : 'none') },
    { term: 'Lease', text: lease || '–' },
    { term: 'Hand-overs', text: count(transitions) },
    ...(failure === undefined ? [] : [/** @type {Fact} */ ({ term: 'Failure', text: failure, level: 'warn' })]),
  ];
}

/** @param {StatusView} status @returns {Fact[]} */
function identityFacts({ identity, nowMs }) {
  if (identity === undefined) return [];
  const { source, ageSeconds, pods, failure } = identity;
  return [
    { term: 'Source', text: source },
    { term: 'Last response', timeMs: nowMs - ageSeconds * 1000, ...(failure === undefined ? {} : { level: 'warn' }) },
    { term: 'Pods known', text: count(pods) },
    ...(failure === undefined ? [] : [/** @type {Fact} */ ({ term: 'Failure', text: failure, level: 'warn' })]),
  ];
}

/** @param {StatusView} status @returns {Fact[]} */
function cycleFacts({ cycle }) {
  const { lastMs, durationSeconds, samples, skipped, nextMs, intervalSeconds } = cycle;
  return [
    lastMs === undefined ? { term: 'Last', text: 'none yet' } : { term: 'Last', timeMs: lastMs },
    { term: 'Next in', timeMs: nextMs, form: 'left', note: `every ${span(intervalSeconds)}` },
    { term: 'Took', text: durationSeconds === undefined ? '–' : took(durationSeconds) },
    { term: 'Samples', text: samples === undefined ? '–' : count(samples) },
    { term: 'Cycles', text: count(cycle.count), note: 'since the start' },
    { term: 'Skipped', text: count(skipped), ...(skipped > 0 ? { level: 'warn' } : {}) },
  ];
}

/** @param {StatusView} status @returns {Fact[]} */
function processFacts({ agent }) {
  const { version, runtime, startedMs, rssBytes, eventLoopLagSeconds, log } = agent;
  const until = log.untilMs === undefined ? {} : { note: `until ${clock(log.untilMs)}` };
  return [
    { term: 'Version', text: version, note: `Node.js ${runtime.replace(/^v/, '')}` },
    { term: 'Up for', timeMs: startedMs, form: 'span' },
    { term: 'Memory', text: bytes(rssBytes), note: 'resident' },
    { term: 'Longest stall', text: took(eventLoopLagSeconds), note: 'in the last cycle' },
    { term: 'Log level', text: log.level, ...until },
  ];
}

/** @returns {(level: string) => void} */
function levelDialog() {
  const dialog = /** @type {HTMLDialogElement} */ (byId('level'));
  const form = byId('level-form');
  const name = /** @type {HTMLSelectElement} */ (byId('level-name'));
  const ttl = /** @type {HTMLSelectElement} */ (byId('level-ttl'));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector('button'));
  const result = byId('level-result');
  closable(dialog);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void withResult(button, result, async () => {
      const body = { level: name.value, ...(ttl.value === '' ? {} : { ttl: ttl.value }) };
      /** @type {LogLevelView} */
      const { level, untilMs } = await post('/v1/log-level', body);
      return `The log level is now ${level}${untilMs === undefined ? '' : `, until ${clock(untilMs)}`}.`;
    });
  });
  return (level) => {
    name.value = level;
    showResult(result, undefined);
    dialog.showModal();
  };
}
