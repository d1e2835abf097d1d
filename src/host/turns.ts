import { setImmediate } from 'node:timers/promises';

/** Far below the 20 ms for which the agent may block its event loop, as one step of the work may itself take some. */
const SLICE_MS = 5;

/** Cuts long work into slices, between which everything else of the process gets its turn. */
export class Turns {
  readonly #signal: AbortSignal;
  #started = performance.now();

  /** Work ends when `signal` fires. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Whether the slice is used up: then await {@link next}. */
  get isOver(): boolean {
    return performance.now() - this.#started > SLICE_MS;
  }

  /** Gives the event loop a turn. Rejects with the signal's reason. */
  async next(): Promise<void> {
    await setImmediate();
    this.#signal.throwIfAborted();
    this.#started = performance.now();
  }
}
