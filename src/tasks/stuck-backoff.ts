/** Stuck runs in a row before a task backs off, and the most intervals that it then skips. */
const STUCK_BEFORE_BACKOFF = 3;
const MAX_INTERVALS = 10;

/** Intervals that a task skips after several stuck runs in a row: 1, 3, 7, then 9. */
export class StuckBackoff {
  #inARow = 0;
  #intervals = 0;

  /** Whether the interval that is due is skipped. */
  isWaiting(): boolean {
    if (this.#intervals === 0) return false;
    this.#intervals--;
    return true;
  }

  /** Records a stuck run. */
  stuck(): void {
    this.#inARow++;
    const over = this.#inARow - STUCK_BEFORE_BACKOFF;
    if (over >= 0) this.#intervals = Math.min(2 ** (over + 1), MAX_INTERVALS) - 1;
  }

  /** Records a run that ended in time. */
  reset(): void {
    this.#inARow = 0;
  }
}
