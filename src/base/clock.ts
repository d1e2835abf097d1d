import { setTimeout as sleep } from 'node:timers/promises';

/** Time that is not set, for waits. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Resolves after that many milliseconds, or when `signal` fires; does not keep the process alive. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** The longest that a timer of Node takes. */
const LONGEST_MS = 2 ** 31 - 1;

export const REAL_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) =>
    sleep(Math.min(milliseconds, LONGEST_MS), undefined, { signal, ref: false }).catch(() => undefined),
};
