// Ages that keep increasing between updates.
import { setText } from './dom.js';
import { ago, span } from './format.js';

/** How far the agent's clock is ahead of the browser's, milliseconds: ages are counted on the agent's. */
let aheadMs = 0;
/** The time at which ages are frozen while the page is paused. */
let stoppedAt = /** @type {number | undefined} */ (undefined);

/** @param {number} agentNowMs */
export function setAgentClock(agentNowMs) {
  aheadMs = agentNowMs - Date.now();
}

/** @param {boolean} stop */
export function stopAges(stop) {
  stoppedAt = stop ? Date.now() : undefined;
}

/**
 * Makes a `<time>` show the time since `sinceMs` or, counting down, until then.
 * @param {HTMLTimeElement} node
 * @param {number | undefined} sinceMs undefined: never
 * @param {string} never
 */
export function showAge(node, sinceMs, never = 'never') {
  if (sinceMs === undefined) {
    node.removeAttribute('datetime');
    setText(node, never);
    return;
  }
  const iso = new Date(sinceMs).toISOString();
  if (node.dateTime !== iso) {
    node.dateTime = iso;
    node.title = iso;
  }
  tick(node);
}

/** Updates all ages of the page. */
export function tickAges() {
  for (const node of document.querySelectorAll('time[datetime]')) tick(/** @type {HTMLTimeElement} */ (node));
}

/** @param {HTMLTimeElement} node */
function tick(node) {
  const seconds = ((stoppedAt ?? Date.now()) + aheadMs - Date.parse(node.dateTime)) / 1000;
  const { form } = node.dataset;
  setText(node, form === 'left' ? span(-seconds) : form === 'span' ? span(seconds) : ago(seconds));
}
