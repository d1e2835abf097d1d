/**
 * Circuit breaker for an address. After a failure, no upload passes until a wait is over. Then a single one passes,
 * which shows whether others may follow. So an agent sends an overloaded receiver only one request per wait, whatever
 * it has queued.
 */
export class Breaker {
  #failures = 0;
  #retryAtMs = 0;
  #probing: boolean = false;
  #isPaused: boolean = false;

  get isClosed(): boolean {
    return this.#failures === 0;
  }

  /** Whether an operator has to change something. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Whether the single probe upload is in progress. */
  get isProbing(): boolean {
    return this.#probing;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds until an upload may pass; infinite while the probe upload is in progress. */
  waitMs(nowMs: number): number {
    if (this.isClosed) return 0;
    return this.#probing ? Number.POSITIVE_INFINITY : Math.max(0, this.#retryAtMs - nowMs);
  }

  /** Lets one upload pass. Returns a token for {@link failed}. */
  begin(): number {
    if (!this.isClosed) this.#probing = true;
    return this.#failures;
  }

  /** The permitted upload was not sent. */
  unused(): void {
    this.#probing = false;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#probing = false;
    this.#isPaused = false;
  }

  /** Concurrent uploads fail together: only the first failure lengthens the wait. */
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
