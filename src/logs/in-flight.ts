import type { SavedPosition } from './source.ts';

/** A batch that has been read and not yet acknowledged. */
export interface InFlightBatch {
  /** The position after it. */
  readonly after: SavedPosition;
  readonly entries: number;
  /** When its first entry was written, milliseconds since 1970. */
  readonly sinceMs: number;
  isSettled: boolean;
}

/** The batches in flight, in read order. */
export class InFlight {
  readonly #batches: InFlightBatch[] = [];

  get batches(): number {
    return this.#batches.length;
  }

  get entries(): number {
    return this.#batches.reduce((sum, { entries, isSettled }) => sum + (isSettled ? 0 : entries), 0);
  }

  /** When the oldest entry in flight was written, milliseconds since 1970. */
  get oldestMs(): number | undefined {
    return this.#batches.find(({ entries }) => entries > 0)?.sinceMs;
  }

  add(batch: Omit<InFlightBatch, 'isSettled'>): InFlightBatch {
    const flying = { ...batch, isSettled: false };
    this.#batches.push(flying);
    return flying;
  }

  /**
   * Records that a batch is settled. Returns the position after the last batch before which none is outstanding, if it
   * has advanced: a batch settled early waits for those before it.
   */
  settle(batch: InFlightBatch): SavedPosition | undefined {
    batch.isSettled = true;
    let acked: SavedPosition | undefined;
    while (this.#batches[0]?.isSettled) acked = this.#batches.shift()?.after;
    return acked;
  }
}
