import { errorText } from '../base/error-text.ts';
import type { Log } from '../base/log.ts';
import { ApiBodyError, ApiError, ApiUnreachable } from './api.ts';

/**
 * When a lasting cause is logged again after its first message: by then it is known how many collections it affects.
 */
const AGAIN_MS = [10_000, 3_600_000] as const;
/** Minimum interval between messages about a cause that comes and goes. */
const QUIET_MS = 600_000;

/** What is logged about failures of any cause. */
interface FailureMessages {
  /** A cause lasts. */
  readonly failed: string;
  /** Nothing fails for this cause any more. */
  readonly over: string;
  /** In each line. */
  readonly fields: object;
  /** The field with the number of those that fail, if there may be several. */
  readonly countAs?: string;
}

const COLLECTIONS: FailureMessages = {
  failed: 'failed to watch the cluster; keeping the last known state and retrying',
  over: 'following these objects again',
  fields: {},
  countAs: 'collections',
};

/** A problem with requests for one or more collections, grouped by cause. */
interface Cause {
  readonly paths: Set<string>;
  failures: number;
  readonly sinceMs: number;
  loggedMs: number;
  /** How often it has been logged. */
  times: number;
  /** Whether it was logged that some of its collections fail, possibly for their previous cause. */
  isLogged: boolean;
}

/**
 * Logs why requests to the API server fail: one line per cause, not per collection and attempt. Without stack traces,
 * which would all show this agent's own request.
 */
export class FailureLog {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #messages: FailureMessages;
  readonly #causes = new Map<string, Cause>();
  /** When a cause that is now resolved was last logged. */
  readonly #loggedMs = new Map<string, number>();

  /** `now` returns milliseconds. `messages` are about collections that are watched unless stated otherwise. */
  constructor(log: Log, now: () => number, messages: FailureMessages = COLLECTIONS) {
    this.#log = log;
    this.#now = now;
    this.#messages = messages;
  }

  /** Records a failure that counts. */
  failed(path: string, error: unknown): void {
    const name = causeOf(error, path);
    const nowMs = this.#now();
    const none = { paths: new Set<string>(), failures: 0, sinceMs: nowMs, loggedMs: nowMs, times: 0, isLogged: false };
    const cause = this.#causes.get(name) ?? none;
    for (const previous of this.#leave(path, name)) cause.isLogged ||= previous.isLogged;
    this.#causes.set(name, cause);
    cause.paths.add(path);
    cause.failures++;
    if (!this.#isDue(name, cause, nowMs)) return;
    cause.times++;
    cause.isLogged = true;
    cause.loggedMs = nowMs;
    this.#loggedMs.set(name, nowMs);
    const { fields: common, countAs, failed } = this.#messages;
    const fields = {
      ...common,
      cause: name,
      reason: errorText(error),
      ...(countAs !== undefined && { [countAs]: cause.paths.size }),
      failures: cause.failures,
    };
    if (name === NOT_SERVED) this.#log.info(fields, 'the API server does not serve all resources; retrying');
    else this.#log.warn(fields, failed);
  }

  /** Records that the collection no longer fails. */
  over(path: string): void {
    if (this.#causes.size === 0) return;
    const { fields, over } = this.#messages;
    for (const { name, failures, sinceMs, isLogged } of this.#leave(path)) {
      if (!isLogged) continue;
      const seconds = Math.round((this.#now() - sinceMs) / 1000);
      this.#log.info({ ...fields, cause: name, failures, seconds }, over);
    }
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

  /** The collection no longer fails, or now fails for the cause `except`: returns the causes that are thus over. */
  #leave(path: string, except?: string): (Cause & { readonly name: string })[] {
    const over: (Cause & { readonly name: string })[] = [];
    for (const [name, cause] of this.#causes) {
      if (name === except || !cause.paths.delete(path) || cause.paths.size > 0) continue;
      this.#causes.delete(name);
      over.push({ ...cause, name });
    }
    return over;
  }
}

const NOT_SERVED = 'not served';

/** Whether the server responded that it does not have such a collection. The core group is always present. */
export const isNotServed = (error: unknown, path: string): boolean =>
  error instanceof ApiError && error.status === 404 && path.startsWith('/apis/');

function causeOf(error: unknown, path: string): string {
  if (isNotServed(error, path)) return NOT_SERVED;
  if (error instanceof ApiError) return String(error.status);
  if (error instanceof ApiUnreachable) return 'unreachable';
  if (error instanceof ApiBodyError) return error.code;
  return error instanceof Error ? error.name : 'unknown';
}
