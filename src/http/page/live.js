// The stream of the agent's status: opened, reopened after a failure, paused.
import { stream } from './api.js';
import { chunksOf, readEvents } from './event-stream.js';

/** @import { StatusView } from '../status-view.ts' */
/** @typedef {'connecting' | 'live' | 'paused' | 'lost'} Connection */

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 10_000;
/** The server sends something at least every 15 s; longer silence means a dead connection. */
const SILENCE_MS = 40_000;

/**
 * Reads the stream until paused, and again after a failure.
 * @param {(status: StatusView) => void} onStatus
 * @param {(connection: Connection, why: string) => void} onConnection
 */
export function liveStatus(onStatus, onConnection) {
  /** @type {AbortController | undefined} */
  let running;

  /** @param {AbortSignal} stopped */
  async function read(stopped) {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENCE_MS);
    try {
      const body = await stream('/v1/events', AbortSignal.any([stopped, silence.signal]));
      for await (const { event, data } of readEvents(chunksOf(body))) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_MS);
        if (event !== 'status') continue;
        onConnection('live', '');
        onStatus(JSON.parse(data));
      }
      return 'The agent ended the connection.';
    } catch (cause) {
      return silence.signal.aborted ? 'The agent stopped sending data.' : /** @type {Error} */ (cause).message;
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {AbortSignal} stopped */
  async function keepReading(stopped) {
    let pause = FIRST_PAUSE_MS;
    while (!stopped.aborted) {
      const began = performance.now();
      const why = await read(stopped);
      if (stopped.aborted) return;
      onConnection('lost', why);
      if (performance.now() - began > LONGEST_PAUSE_MS) pause = FIRST_PAUSE_MS;
      await sleep(pause, stopped);
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
  }

  return {
    start() {
      if (running) return;
      running = new AbortController();
      onConnection('connecting', '');
      void keepReading(running.signal);
    },
    pause() {
      running?.abort();
      running = undefined;
      onConnection('paused', '');
    },
  };
}

/** @param {number} milliseconds @param {AbortSignal} signal @returns {Promise<void>} */
const sleep = (milliseconds, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => [clearTimeout(timer), resolve()], { once: true });
  });
