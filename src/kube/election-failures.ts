import { errorText } from '../base/error-text.ts';
import type { Log } from '../base/log.ts';
import { isConflict } from './lease-store.ts';

/** Why the last round of an election stored nothing. Logs failures once, and their end. */
export class ElectionFailures {
  readonly #log: () => Log;
  #failure: string | undefined;
  #last: string | undefined;

  /** `log` is called on each use. */
  constructor(log: () => Log) {
    this.#log = log;
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
    if (message !== this.#failure) this.#log().warn({ err: error }, 'leader election failed; retrying');
    this.#failure = message;
    return true;
  }

  /** A round was successful. */
  over(): void {
    if (this.#failure !== undefined) this.#log().info('leader election recovered');
    this.#failure = undefined;
    this.#last = undefined;
  }
}
