import type { SavedPosition } from './source.ts';

/** A batch that was read and is not acknowledged. */
export interface Flying {
  /** Where to go on after it. */
  readonly after: SavedPosition;
  readonly entries: number;
  /** When its first entry was written, milliseconds since 1970. */
  readonly sinceMs: number;
  isSettled: boolean;
}

/** The batches under way, in the order in which they were read. */
export class InFlight {
  readonly #batches: Flying[] = [];

  get batches(): number {
    return this.#batches.length;
  }

  get entries(): number {
    return this.#batches.reduce((sum, { entries, isSettled }) => sum + (isSettled ? 0 : entries), 0);
  }

  /** When the oldest entry under way was written, milliseconds since 1970. */
  get oldestMs(): number | undefined {
    return this.#batches.find(({ entries }) => entries > 0)?.sinceMs;
  }

  add(batch: Omit<Flying, 'isSettled'>): Flying {
    const flying = { ...batch, isSettled: false };
    this.#batches.push(flying);
    return flying;
  }

  /**
   * Notes that a batch is settled. The position behind the last batch before which none is open, if that has moved: a
   * later batch that is settled earlier waits for those before it.
   */
  settle(batch: Flying): SavedPosition | undefined {
    batch.isSettled = true;
    let acked: SavedPosition | undefined;
    while (this.#batches[0]?.isSettled) acked = this.#batches.shift()?.after;
    return acked;
  }
}
