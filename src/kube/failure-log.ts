import { errorText } from '../base/error-text.ts';
import type { Log } from '../base/log.ts';
import { ApiBodyError, ApiError, ApiUnreachable } from './api.ts';

/** When a cause is said again while it lasts, after it was said first: how many it concerns is known then. */
const AGAIN_MS = [10_000, 3_600_000] as const;
/** A cause that comes and goes is said at most so often. */
const QUIET_MS = 600_000;

/** What is wrong with the requests about several collections, by one cause. */
interface Cause {
  readonly paths: Set<string>;
  failures: number;
  readonly sinceMs: number;
  saidMs: number;
  /** How often it was said. */
  times: number;
}

/**
 * Logs what keeps collections from being followed: one line for a cause, not one for each collection and try; no
 * stacks, which would all show this agent's own request.
 */
export class FailureLog {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #causes = new Map<string, Cause>();
  /** When a cause that is over now was last said. */
  readonly #saidMs = new Map<string, number>();

  /** `now` gives milliseconds. */
  constructor(log: Log, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  /** Takes note of a failure that counts. */
  failed(path: string, error: unknown): void {
    const name = causeOf(error);
    this.#leave(path, name);
    const nowMs = this.#now();
    const known = this.#causes.get(name);
    const cause = known ?? { paths: new Set(), failures: 0, sinceMs: nowMs, saidMs: nowMs, times: 0 };
    this.#causes.set(name, cause);
    cause.paths.add(path);
    cause.failures++;
    if (!this.#isDue(name, cause, nowMs)) return;
    cause.times++;
    cause.saidMs = nowMs;
    this.#saidMs.set(name, nowMs);
    const fields = {
      cause: name,
      reason: errorText(error),
      collections: cause.paths.size,
      failures: cause.failures,
    };
    if (name === NOT_SERVED) this.#log.info(fields, 'this API server does not serve all resources; asking again');
    else this.#log.warn(fields, 'the cluster cannot be watched: keeping the last known state; retrying');
  }

  /** The collection is followed. */
  over(path: string): void {
    if (this.#causes.size > 0) this.#leave(path);
  }

  /** The first object of a collection that could not be handled. */
  handlerFailed(path: string, key: string, error: unknown): void {
    this.#log.error({ path, object: key, err: error }, 'an object could not be handled; further ones count');
  }

  #isDue(name: string, { times, saidMs }: Cause, nowMs: number): boolean {
    if (times > 0) return nowMs - saidMs >= (AGAIN_MS[Math.min(times, AGAIN_MS.length) - 1] as number);
    const before = this.#saidMs.get(name);
    return before === undefined || nowMs - before >= QUIET_MS;
  }

  /** The collection fails no longer, or now for the cause `except`. */
  #leave(path: string, except?: string): void {
    for (const [name, cause] of this.#causes) {
      if (name === except || !cause.paths.delete(path) || cause.paths.size > 0) continue;
      this.#causes.delete(name);
      if (cause.times === 0) continue;
      const seconds = Math.round((this.#now() - cause.sinceMs) / 1000);
      this.#log.info({ cause: name, failures: cause.failures, seconds }, 'following these objects again');
    }
  }
}

const NOT_SERVED = 'not served';

/** Whether the server answered that it does not have such a collection. The core group always is there. */
export const isNotServed = (error: unknown, path: string): boolean =>
  error instanceof ApiError && error.status === 404 && path.startsWith('/apis/');

function causeOf(error: unknown): string {
  if (error instanceof ApiError) return error.status === 404 ? NOT_SERVED : String(error.status);
  if (error instanceof ApiUnreachable) return 'unreachable';
  if (error instanceof ApiBodyError) return error.code;
  return error instanceof Error ? error.name : 'unknown';
}
