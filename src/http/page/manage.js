// The dialog for one collector: run it, disable it temporarily, enable it again.
import { post } from './api.js';
import { closable, showResult, withResult } from './dialogs.js';
import { byId, el, setText } from './dom.js';
import { clock, count, counted, took } from './format.js';
import { collectorState } from './levels.js';

/** @import { CollectorAnswer, CollectorView, RunView, StatusView } from '../status-view.ts' */

/** @returns {{ open(id: string): void, update(status: StatusView): void }} */
export function manageDialog() {
  const dialog = /** @type {HTMLDialogElement} */ (byId('manage'));
  const form = /** @type {HTMLFormElement} */ (byId('manage-disable'));
  const reason = /** @type {HTMLInputElement} */ (byId('disable-reason'));
  const ttl = /** @type {HTMLSelectElement} */ (byId('disable-ttl'));
  const result = byId('manage-result');
  const run = /** @type {HTMLButtonElement} */ (byId('manage-run'));
  const enable = /** @type {HTMLButtonElement} */ (byId('enable'));
  const disable = /** @type {HTMLButtonElement} */ (form.querySelector('button'));
  /** @type {StatusView | undefined} */
  let status;
  let id = '';
  /** While an action is in progress the buttons are not updated. */
  let busy = false;
  closable(dialog);

  function showNewest() {
    const collector = status?.collectors.find((other) => other.id === id);
    if (collector) show(collector);
  }

  /** @param {CollectorView} collector */
  function show(collector) {
    const { disabled, errors } = collector;
    const enabled = status?.control.enabled === true;
    setText(byId('manage-title'), id);
    setText(byId('manage-state'), stateText(collector));
    byId('manage-errors').replaceChildren(...errors.map((text) => el('li', {}, text)));
    byId('manage-off').hidden = enabled;
    byId('manage-enable').hidden = disabled === undefined;
    form.hidden = disabled !== undefined;
    for (const button of [run, enable, disable]) button.disabled = !enabled;
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {string} verb
   * @param {object | undefined} body
   * @param {(answer: CollectorAnswer) => string} textOf
   */
  const act = (button, verb, body, textOf) =>
    withResult(button, result, async () => {
      busy = true;
      /** @type {CollectorAnswer} */
      const answer = await post(`/v1/collectors/${encodeURIComponent(id)}/${verb}`, body);
      show(answer.collector);
      return textOf(answer);
    }).finally(() => {
      busy = false;
    });

  run.addEventListener('click', () =>
    act(run, 'run', undefined, (answer) => (answer.run ? `Just now: ${runText(answer.run)}` : 'It ran.')),
  );
  enable.addEventListener('click', () => act(enable, 'enable', undefined, () => 'Runs again from the next cycle on.'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void act(disable, 'disable', { ttl: ttl.value, reason: reason.value.trim() }, ({ collector: { disabled } }) =>
      disabled ? `Disabled until ${clock(disabled.untilMs)}; then it resumes automatically.` : 'Disabled.',
    );
  });

  return {
    open(which) {
      id = which;
      reason.value = '';
      showResult(result, undefined);
      showNewest();
      dialog.showModal();
    },
    update(newer) {
      status = newer;
      if (dialog.open && !busy) showNewest();
    },
  };
}

/** @param {CollectorView} collector */
function stateText(collector) {
  const { disabled, durationsSeconds } = collector;
  if (disabled) {
    const kept = disabled.persisted ? '' : ' A restart of the agent would end this.';
    return `Disabled since ${clock(disabled.sinceMs)}, until ${clock(disabled.untilMs)}: ${disabled.reason}.${kept}`;
  }
  const { word } = collectorState(collector);
  const durationSeconds = durationsSeconds.at(-1);
  return durationSeconds === undefined
    ? `${capital(word)}.`
    : `${capital(word)}: ${runText({ ...collector, durationSeconds })}`;
}

/** @param {Pick<RunView, 'series' | 'durationSeconds' | 'lostUnits' | 'reason'>} run */
function runText({ series, durationSeconds, lostUnits, reason }) {
  const lost = lostUnits > 0 ? `, ${counted(lostUnits, 'unit')} lost` : '';
  return `${count(series)} series in ${took(durationSeconds)}${lost}.${reason ? ` ${reason}` : ''}`;
}

/** @param {string} text */
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
