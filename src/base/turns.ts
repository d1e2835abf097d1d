import { setImmediate } from 'node:timers/promises';

/**
 * How long long-running work may occupy the event loop at a time. Far below the 10 ms for which it may be blocked, because a
 * single step may take some time itself, and V8 ends a full garbage collection within it, which takes 3 to 8.
 */
const SLICE_MS = 2;

/**
 * Longer than any step of such work. This long after the last slice the loop has been idle, and no turn is needed: in a quiet
 * cluster a turn for each event of a watch would cost as much as the event.
 */
const IDLE_MS = 100;

let sliceEnd = 0;
let nextTurn: Promise<void> | undefined;

/**
 * Divides long-running work into slices: await it before each step, and the event loop turns whenever a slice is used
 * up. All work of the process shares one slice, as it shares one event loop: four lists with 10 ms each would block it
 * for 40.
 */
export function turn(): Promise<void> | undefined {
  const now = performance.now();
  if (now < sliceEnd) return undefined;
  if (now < sliceEnd + IDLE_MS) return nextSlice();
  sliceEnd = now + SLICE_MS;
  return undefined;
}

/** Waiting work that does not fit into the next slice waits for another. */
async function nextSlice(): Promise<void> {
  do {
    nextTurn ??= setImmediate().then(() => {
      sliceEnd = performance.now() + SLICE_MS;
      nextTurn = undefined;
    });
    await nextTurn;
  } while (performance.now() >= sliceEnd);
}

/** The same slices for work that must not await at each step and is ended by a signal. */
export class Turns {
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Whether the slice is used up: then await {@link next}. */
  get isOver(): boolean {
    return performance.now() >= sliceEnd;
  }

  /** Lets the event loop turn. Rejects with the signal's reason. */
  async next(): Promise<void> {
    await nextSlice();
    this.#signal.throwIfAborted();
  }
}
