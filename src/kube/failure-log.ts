import { errorText } from '../base/error-text.ts';
import type { Log } from '../base/log.ts';
import { ApiBodyError, ApiError, ApiUnreachable } from './api.ts';

/**
 * When a lasting cause is logged again after its first message: by then it is known how many collections it affects.
 */
const AGAIN_MS = [10_000, 3_600_000] as const;
/** Minimum interval between messages about a cause that comes and goes. */
const QUIET_MS = 600_000;

/** A problem with requests for one or more collections, grouped by cause. */
interface Cause {
  readonly paths: Set<string>;
  failures: number;
  readonly sinceMs: number;
  loggedMs: number;
  /** How often it has been logged. */
  times: number;
}

/**
 * Logs why collections cannot be followed: one line per cause, not per collection and attempt. Without stack traces, which
 * would all show this agent's own request.
 */
export class FailureLog {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #causes = new Map<string, Cause>();
  /** When a cause that is now resolved was last logged. */
  readonly #loggedMs = new Map<string, number>();

  /** `now` returns milliseconds. */
  constructor(log: Log, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  /** Records a failure that counts. */
  failed(path: string, error: unknown): void {
    const name = causeOf(error);
    this.#leave(path, name);
    const nowMs = this.#now();
    const known = this.#causes.get(name);
    const cause = known ?? { paths: new Set(), failures: 0, sinceMs: nowMs, loggedMs: nowMs, times: 0 };
    this.#causes.set(name, cause);
    cause.paths.add(path);
    cause.failures++;
    if (!this.#isDue(name, cause, nowMs)) return;
    cause.times++;
    cause.loggedMs = nowMs;
    this.#loggedMs.set(name, nowMs);
    const fields = {
      cause: name,
      reason: errorText(error),
      collections: cause.paths.size,
      failures: cause.failures,
    };
    if (name === NOT_SERVED) this.#log.info(fields, 'the API server does not serve all resources; retrying');
    else this.#log.warn(fields, 'failed to watch the cluster; keeping the last known state and retrying');
  }

  /** Records that the collection is being followed again. */
  over(path: string): void {
    if (this.#causes.size > 0) this.#leave(path);
  }

  /** Logs the first object of a collection that could not be processed. */
  handlerFailed(path: string, key: string, error: unknown): void {
    this.#log.error(
      { path, object: key, err: error },
      'failed to process an object; further failures are only counted',
    );
  }

  #isDue(name: string, { times, loggedMs }: Cause, nowMs: number): boolean {
    if (times > 0) return nowMs - loggedMs >= (AGAIN_MS[Math.min(times, AGAIN_MS.length) - 1] ?? 0);
    const before = this.#loggedMs.get(name);
    return before === undefined || nowMs - before >= QUIET_MS;
  }

  /** The collection no longer fails, or now fails for the cause `except`. */
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

/** Whether the server responded that it does not have such a collection. The core group is always present. */
export const isNotServed = (error: unknown, path: string): boolean =>
  error instanceof ApiError && error.status === 404 && path.startsWith('/apis/');

function causeOf(error: unknown): string {
  if (error instanceof ApiError) return error.status === 404 ? NOT_SERVED : String(error.status);
  if (error instanceof ApiUnreachable) return 'unreachable';
  if (error instanceof ApiBodyError) return error.code;
  return error instanceof Error ? error.name : 'unknown';
}
