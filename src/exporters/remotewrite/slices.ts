import { setImmediate } from 'node:timers/promises';

/** Well below the 20 ms for which the agent may block its event loop. */
const SLICE_MS = 5;

/** Yields to other work once a time slice is used up. */
export class Slices {
  #startedMs = performance.now();

  async yieldIfDue(): Promise<void> {
    if (performance.now() - this.#startedMs < SLICE_MS) return;
    await setImmediate();
    this.#startedMs = performance.now();
  }
}
