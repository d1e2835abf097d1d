import { dropFirstAdded } from '../../base/first-added.ts';
import type { Batch } from '../exporter.ts';

/** How often a batch may be rejected without a clear reason while the receiver accepts others. */
const MAX_REJECTIONS = 10;
/**
 * Maximum number of remembered batches. Above it, the one that was rejected first is forgotten, and its count starts
 * again.
 */
const MAX_BATCHES = 256;

/**
 * Distinguishes a bad batch from a receiver that rejects everything. A response that names no line leaves this open,
 * but a batch that is rejected repeatedly while others are accepted would block everything behind it forever.
 */
export class Suspects {
  readonly #rejections = new Map<string, { count: number; acceptedBefore: number }>();
  #accepted = 0;

  /** Records an accepted batch. */
  accepted(): void {
    this.#accepted++;
  }

  /** Records a batch that was rejected without a clear reason. Returns whether the batch itself is at fault. */
  rejected({ group, stampMs, samples }: Batch): boolean {
    const key = `${group} ${stampMs} ${samples}`;
    const known = this.#rejections.get(key) ?? { count: 0, acceptedBefore: this.#accepted };
    if (this.#accepted > known.acceptedBefore) known.count++;
    known.acceptedBefore = this.#accepted;
    this.#rejections.set(key, known);
    dropFirstAdded(this.#rejections, MAX_BATCHES);
    if (known.count < MAX_REJECTIONS) return false;
    this.#rejections.delete(key);
    return true;
  }
}
