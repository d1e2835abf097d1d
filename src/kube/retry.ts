import { backoffMs } from '../base/backoff.ts';
import { type Clock, sleep, wallMs } from '../base/clock.ts';
import { ApiError } from './api.ts';
import type { ListReason } from './reflector-stats.ts';

/** Clock, random numbers and timeouts, as parameters. */
export interface ReflectorTiming extends Pick<Clock, 'wallMs' | 'sleep'> {
  /** Returns a number in [0, 1). */
  readonly random: () => number;
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
  wallMs,
  random: Math.random,
  sleep,
  idleMs: 240_000,
  watchMs: 600_000,
  healthyMs: 60_000,
};

const PAUSES = { firstMs: 500, longestMs: 30_000 };

/**
 * Milliseconds to wait after failure number `failures` + 1: half a second doubling to 30 s, of which a random part between
 * half and all, so that agents cut off together do not return together. Longer if the server requested it.
 */
export function retryDelay(failures: number, error: unknown, random: () => number): number {
  const requestedMs = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(backoffMs(failures + 1, random, PAUSES), requestedMs);
}

/**
 * Why a collection has to be listed again after this answer to a watch; undefined when the watch can be resumed.
 */
export function reasonToList({ status, text }: ApiError): ListReason | undefined {
  if (status === 410) return 'expired';
  // A server restored from a backup has not reached our version.
  if (status === 504 && /resource version/i.test(text)) return 'reordered';
  const isTransient = status === 401 || status === 403 || status === 408 || status === 429;
  return status >= 400 && status < 500 && !isTransient ? 'refused' : undefined;
}
