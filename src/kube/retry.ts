import { setTimeout } from 'node:timers/promises';
import { ApiError } from './api.ts';

/** Clock, random numbers and timeouts, as parameters. */
export interface ReflectorTiming {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Returns a number in [0, 1). */
  readonly random: () => number;
  /** Resolves after `ms`, or immediately when `signal` fires. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** A watch that has received nothing for this long is dead. */
  readonly idleMs: number;
  /** Longest duration of a watch on a server that sends bookmarks. */
  readonly watchMs: number;
  /** A watch that lasted this long resets the count of consecutive failures. */
  readonly healthyMs: number;
}

/**
 * Timing outside of tests. Bookmarks arrive about every minute, so four silent minutes mean a dead connection. Watches
 * last about as long as those of Kubernetes' own clients.
 */
export const REAL_TIMING: ReflectorTiming = {
  now: Date.now,
  random: Math.random,
  sleep: (ms, signal) => setTimeout(ms, undefined, { signal }).catch(() => {}),
  idleMs: 240_000,
  watchMs: 600_000,
  healthyMs: 60_000,
};

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/**
 * Milliseconds to wait after failure number `failures` + 1: half a second doubling to 30 s, times 0.5 to 1.5, so that
 * agents cut off together do not return together. Longer if the server requested it.
 */
export function retryDelay(failures: number, error: unknown, random: () => number): number {
  const delay = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10)) * (0.5 + random());
  const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(delay, asked);
}
