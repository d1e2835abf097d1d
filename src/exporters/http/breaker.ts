/**
 * Keeps uploads away from an address that does not take them: after a failure none passes until a wait is over, then a
 * single one, which tells whether the others may follow. So an agent costs a receiver in trouble one request a wait,
 * whatever it has to deliver.
 */
export class Breaker {
  #failures = 0;
  #retryAtMs = 0;
  #probing: boolean = false;
  #isPaused: boolean = false;

  get isClosed(): boolean {
    return this.#failures === 0;
  }

  /** Whether a person has to change something. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Whether the single one is on its way. */
  get isProbing(): boolean {
    return this.#probing;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds until an upload may pass; infinite while one is on its way to tell. */
  waitMs(nowMs: number): number {
    if (this.isClosed) return 0;
    return this.#probing ? Number.POSITIVE_INFINITY : Math.max(0, this.#retryAtMs - nowMs);
  }

  /** Lets one upload pass; gives a token for {@link failed}. */
  pass(): number {
    if (!this.isClosed) this.#probing = true;
    return this.#failures;
  }

  /** What had been let pass was not sent. */
  unused(): void {
    this.#probing = false;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#probing = false;
    this.#isPaused = false;
  }

  /** Uploads that were let pass together fail together: only the first of them lengthens the wait. */
  failed(token: number, retryAtMs: number, isPaused: boolean): void {
    if (token !== this.#failures) return;
    this.#failures++;
    this.#probing = false;
    this.#retryAtMs = retryAtMs;
    this.#isPaused = isPaused;
  }

  /** Ends the wait. */
  hurry(): void {
    this.#retryAtMs = 0;
  }
}
