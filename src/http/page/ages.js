// Times that grow older while nothing else happens.
import { setText } from './dom.js';
import { ago, span } from './format.js';

/** How far the agent's clock is ahead of the browser's, milliseconds: ages are counted on the agent's. */
let aheadMs = 0;
/** The moment at which ages stand still, while the page is paused. */
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
 * Makes a `<time>` show how long ago `sinceMs` was or, counting down, how long it is until then.
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

/** Brings all ages of the page up to date. */
export function tickAges() {
  for (const node of document.querySelectorAll('time[datetime]')) tick(/** @type {HTMLTimeElement} */ (node));
}

/** @param {HTMLTimeElement} node */
function tick(node) {
  const seconds = ((stoppedAt ?? Date.now()) + aheadMs - Date.parse(node.dateTime)) / 1000;
  const { form } = node.dataset;
  setText(node, form === 'left' ? span(-seconds) : form === 'span' ? span(seconds) : ago(seconds));
}
