// Whether the page shows current data.
import { byId, setAttribute, setText } from './dom.js';
import { clock } from './format.js';

/** @import { Connection } from './live.js' */

/** The agent serves few pages at a time: a page that has been hidden for this long disconnects. */
const UNSEEN_MS = 300_000;

const LEVELS = /** @type {const} */ ({ connecting: 'off', live: 'ok', paused: 'warn', lost: 'bad' });

/**
 * The connection's state, and the button next to it that pauses and resumes.
 * @param {(pause: boolean) => void} onPause
 * @returns {(connection: Connection, why: string) => void}
 */
export function connectionPill(onPause) {
  const pill = byId('connection');
  const button = byId('pause');
  /** When the page was last up to date; empty at first. */
  let freshMs = 0;
  let paused = false;
  button.addEventListener('click', () => {
    paused = !paused;
    onPause(paused);
  });
  let leaving = 0;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(leaving);
    if (paused) return;
    if (document.hidden) leaving = setTimeout(() => onPause(true), UNSEEN_MS);
    else onPause(false);
  });
  return (connection, why) => {
    if (connection === 'live') freshMs = Date.now();
    setText(pill, pillText(connection, freshMs));
    if (freshMs === 0 && why !== '') setText(byId('verdict'), why);
    setAttribute(pill, 'data-level', LEVELS[connection]);
    setAttribute(pill, 'title', why || undefined);
    setText(button, paused ? 'Resume' : 'Pause');
    setAttribute(document.body, 'data-stale', connection === 'lost' ? 'true' : undefined);
  };
}

/** @param {Connection} connection @param {number} freshMs */
function pillText(connection, freshMs) {
  if (connection === 'paused') return freshMs === 0 ? 'paused' : `paused at ${clock(freshMs)}`;
  if (connection === 'lost') return freshMs === 0 ? 'no connection' : `stale since ${clock(freshMs)}`;
  return connection;
}
