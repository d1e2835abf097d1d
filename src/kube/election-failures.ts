import { errorText } from '../base/error-text.ts';
import type { Log } from '../base/log.ts';
import { FailureLog } from './failure-log.ts';
import { isConflict } from './lease-store.ts';

/** Why the last round of an election stored nothing. Logs failures once per cause, and their end. */
export class ElectionFailures {
  readonly #log: FailureLog;
  #failure: string | undefined;
  #last: string | undefined;

  /** `now` returns milliseconds; each logged line has `fields`. */
  constructor(log: Log, now: () => number, fields: object) {
    const messages = { failed: 'leader election failed; retrying', over: 'leader election recovered', fields };
    this.#log = new FailureLog(log, now, messages);
  }

  /** Why the last round failed; undefined when it did not. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Why the last round stored nothing: a failure, or another candidate that was faster. */
  get last(): string | undefined {
    return this.#last;
  }

  /**
   * A round has stored nothing. Returns whether it failed. A conflict is not a failure: the next round shows the other
   * holder.
   */
  add(error: unknown): boolean {
    const message = errorText(error);
    this.#last = message;
    if (isConflict(error)) return false;
    this.#log.failed(LEASE, error);
    this.#failure = message;
    return true;
  }

  /** A round was successful. */
  over(): void {
    this.#log.over(LEASE);
    this.#failure = undefined;
    this.#last = undefined;
  }
}

/** An election makes requests for one Lease only. */
const LEASE = 'lease';
