import { setTimeout } from 'node:timers/promises';
import type { Log } from '../log.ts';
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

/** Logs what goes wrong with one collection: each kind of failure once, until another one comes or it is over. */
export class FailureLog {
  readonly #log: Log;
  readonly #path: string;
  #said: string | undefined;
  #handlerFailures = 0;

  constructor(log: Log, path: string) {
    this.#log = log;
    this.#path = path;
  }

  /** `before` is the number of failures in a row before this one. */
  failed(error: unknown, before: number): void {
    // A connection that breaks once is every network's everyday; a refusal is not.
    if (before === 0 && !(error instanceof ApiError)) return;
    const kind = error instanceof ApiError ? String(error.status) : error instanceof Error ? error.name : 'unknown';
    if (kind === this.#said) return;
    this.#said = kind;
    this.#log.warn({ path: this.#path, err: error }, 'cannot follow these objects; they stay as they are; trying on');
  }

  /** The first object that could not be handled is logged; the counter tells of the others. */
  handlerFailed(key: string, error: unknown): void {
    if (this.#handlerFailures++ > 0) return;
    this.#log.error(
      { path: this.#path, object: key, err: error },
      'an object could not be handled; further ones count',
    );
  }

  /** Something came: the failure is over. */
  over(): void {
    if (this.#said === undefined) return;
    this.#said = undefined;
    this.#log.info({ path: this.#path }, 'following these objects again');
  }
}
