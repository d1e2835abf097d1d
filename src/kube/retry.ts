import { setTimeout } from 'node:timers/promises';
import { ApiError } from './api.ts';

/** Time and chance, as parameters. */
export interface ReflectorTiming {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Gives [0, 1). */
  readonly random: () => number;
  /** Resolves after `ms`, or at once when `signal` fires. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** A watch on which nothing came for so long is dead. */
  readonly idleMs: number;
  /** How long a watch may last at most on a server that sends bookmarks. */
  readonly watchMs: number;
  /** A watch that lived so long ends the series of failures before it. */
  readonly healthyMs: number;
}

/**
 * Timing outside of tests. Bookmarks come about every minute, so four silent minutes are a dead connection. Watches last
 * about as long as those of Kubernetes' own clients.
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
 * agents cut off together don't return together. Longer if the server asked for it.
 */
export function retryDelay(failures: number, error: unknown, random: () => number): number {
  const delay = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10)) * (0.5 + random());
  const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(delay, asked);
}
