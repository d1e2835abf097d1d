import { monotonicMs } from './clock.ts';

/**
 * How long long-running work may occupy the event loop at a time. Far below the 10 ms for which it may be blocked, because a
 * single step may take some time itself, and V8 may finish a full garbage collection in it, which takes 3 to 8 ms.
 */
const SLICE_MS = 2;

/**
 * Longer than any step of such work. This long after the last slice the loop has been idle, and no turn is needed: in a quiet
 * cluster a turn for each event of a watch would cost as much as the event.
 */
const IDLE_MS = 100;

let sliceEnd = 0;
/** How many slices have begun with a turn of the event loop. */
let begun = 0;
/** Work that waits for a slice, first come, first served. */
const waiting: (() => void)[] = [];

/**
 * Divides long-running work into slices: await it before each step, and the event loop turns whenever a slice is used
 * up. All work of the process shares one slice, as it shares one event loop: four lists with 10 ms each would block it
 * for 40.
 */
export function turn(): Promise<void> | undefined {
  const now = monotonicMs();
  if (now < sliceEnd) return undefined;
  if (now < sliceEnd + IDLE_MS || waiting.length > 0) return nextSlice();
  sliceEnd = now + SLICE_MS;
  return undefined;
}

/** Waits for the next slice, also while the current one lasts: for a step that takes as long as a slice, or causes as much work. */
export function nextSlice(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  waiting.push(resolve);
  setImmediate(serve, begun);
  return promise;
}

/**
 * Lets the work that has waited longest continue. Called once per waiter: Node runs the resumed work up to its next
 * await before the following call, and only then is it known whether time is left for another. If not, the others wait
 * for the next turn, in the same order.
 */
function serve(since: number): void {
  const now = monotonicMs();
  // The first call in this turn.
  if (since === begun) {
    begun++;
    sliceEnd = now + SLICE_MS;
  }
  if (now < sliceEnd) waiting.shift()?.();
  else setImmediate(serve, begun);
}

/** The same slices for work that must not await at each step and is ended by a signal. */
export class Turns {
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Whether the slice is used up: then await {@link next}. */
  get isOver(): boolean {
    return monotonicMs() >= sliceEnd;
  }

  /** Lets the event loop turn. Rejects with the signal's reason. */
  async next(): Promise<void> {
    await nextSlice();
    this.#signal.throwIfAborted();
  }
}
