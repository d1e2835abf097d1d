import { backoffMs, type Pauses } from '../base/backoff.ts';
import { type Clock, sleep, wallMs } from '../base/clock.ts';
import { ApiError } from './api.ts';
import { isNotServed } from './failure-log.ts';
import type { ReflectorSource } from './reflector-source.ts';
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

const PAUSES: Pauses = { firstMs: 500, longestMs: 30_000 };
const RARE_PAUSES: Pauses = { firstMs: 500, longestMs: 120_000 };

/**
 * The pauses after an error: up to 30 s, but up to 2 minutes when the server does not have one of Kubernetes' own
 * resources. These come only with an upgrade of the server, custom resources at any time.
 */
export const pausesAfter = (
  error: unknown,
  { path, comesAnyTime }: Pick<ReflectorSource, 'path' | 'comesAnyTime'>,
): Pauses => (!comesAnyTime && isNotServed(error, path) ? RARE_PAUSES : PAUSES);

/**
 * Milliseconds to wait after failure number `failures` + 1: doubling within `pauses`, and randomized between half
 * and all of that, so that agents cut off together do not return together. Longer if the server requested it.
 */
export function retryDelay(failures: number, error: unknown, random: () => number, pauses: Pauses): number {
  const requestedMs = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(backoffMs(failures + 1, random, pauses), requestedMs);
}

/**
 * Why a collection has to be listed again after this response to a watch; undefined when the watch can be resumed.
 */
export function reasonToList({ status, text }: ApiError): ListReason | undefined {
  if (status === 410) return 'expired';
  // A server restored from a backup has not reached our version.
  if (status === 504 && /resource version/i.test(text)) return 'reordered';
  const isTransient = status === 401 || status === 403 || status === 408 || status === 429;
  return status >= 400 && status < 500 && !isTransient ? 'refused' : undefined;
}
