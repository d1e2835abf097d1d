import type { SampleBatch } from './sample-batch.ts';

/** Batches in memory, oldest first: receivers reject samples older than those they have. */
export class FifoQueue {
  readonly #limits: { readonly cycles: number; readonly bytes: number };
  readonly #batches: SampleBatch[] = [];
  #bytes = 0;

  constructor(limits: { readonly cycles: number; readonly bytes: number }) {
    this.#limits = limits;
  }

  get sizes(): { bodies: number; bytes: number; oldestStampMs?: number } {
    const [oldest] = this.#batches;
    return { bodies: this.#batches.length, bytes: this.#bytes, ...(oldest && { oldestStampMs: oldest.stampMs }) };
  }

  /** Adds the newest batch. Returns the oldest ones that no longer fit. The newest cycle always stays. */
  add(batch: SampleBatch): SampleBatch[] {
    this.#batches.push(batch);
    this.#bytes += batch.bytes;
    const displaced: SampleBatch[] = [];
    while (this.#batches[0]?.stampMs !== batch.stampMs && this.#isFull) {
      const oldest = this.take();
      if (oldest) displaced.push(oldest);
    }
    return displaced;
  }

  /** Removes and returns the oldest batch. */
  take(): SampleBatch | undefined {
    const batch = this.#batches.shift();
    if (batch) this.#bytes -= batch.bytes;
    return batch;
  }

  get #isFull(): boolean {
    const { cycles, bytes } = this.#limits;
    return this.#bytes > bytes || new Set(this.#batches.map(({ stampMs }) => stampMs)).size > cycles;
  }
}
