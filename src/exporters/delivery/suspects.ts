import { dropFirstAdded } from '../../base/first-added.ts';
import type { Batch } from '../exporter.ts';

/** How often a batch may be rejected without a clear reason while the receiver accepts others. */
const MOST_REFUSALS = 10;
/**
 * Maximum number of remembered batches. Above it, the one that was rejected first is forgotten, and its count starts
 * again.
 */
const MOST_BATCHES = 256;

/**
 * Distinguishes a bad batch from a receiver that rejects everything. A response that names no line leaves this open,
 * but a batch that is rejected repeatedly while others are accepted would block everything behind it forever.
 */
export class Suspects {
  readonly #refusals = new Map<string, { count: number; takenBefore: number }>();
  #taken = 0;

  /** Records an accepted batch. */
  taken(): void {
    this.#taken++;
  }

  /** Records a batch that was rejected without a clear reason. Returns whether the batch itself is at fault. */
  refused({ group, stampMs, samples }: Batch): boolean {
    const key = `${group} ${stampMs} ${samples}`;
    const known = this.#refusals.get(key) ?? { count: 0, takenBefore: this.#taken };
    if (this.#taken > known.takenBefore) known.count++;
    known.takenBefore = this.#taken;
    this.#refusals.set(key, known);
    dropFirstAdded(this.#refusals, MOST_BATCHES);
    if (known.count < MOST_REFUSALS) return false;
    this.#refusals.delete(key);
    return true;
  }
}
