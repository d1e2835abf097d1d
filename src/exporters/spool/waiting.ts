import { type AddressedBatch, wireBytes } from '../exporter.ts';

/** A batch waiting for the disk. Its file has the same name at each attempt. */
export interface WaitingBatch {
  readonly batch: AddressedBatch;
  readonly file: string;
  readonly bytes: number;
  /** Called when it is durable or dropped. */
  readonly settle: () => void;
}

/** Batches being written or waiting for that, oldest first. Beyond `maxBytes`, the oldest are dropped. */
export class WaitingBatches {
  readonly #maxBytes: number;
  readonly #onDrop: (reason: string, samples: number) => void;
  readonly #waiting: WaitingBatch[] = [];
  #bytes = 0;
  #sequence = 0;

  /** `onDrop` is called for each dropped batch. */
  constructor(maxBytes: number, onDrop: (reason: string, samples: number) => void) {
    this.#maxBytes = maxBytes;
    this.#onDrop = onDrop;
  }

  get count(): number {
    return this.#waiting.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get stampsMs(): number[] {
    return this.#waiting.map(({ batch }) => batch.stampMs);
  }

  get oldest(): WaitingBatch | undefined {
    return this.#waiting[0];
  }

  /** Adds a batch. Resolves when it is settled. */
  add(batch: AddressedBatch): Promise<void> {
    const { promise, resolve: settle } = Promise.withResolvers<void>();
    const file = `${String(batch.stampMs).padStart(15, '0')}-${batch.group}-${process.pid}-${this.#sequence++}.body`;
    this.#waiting.push({ batch, file, bytes: wireBytes(batch), settle });
    this.#bytes += wireBytes(batch);
    while (this.#bytes > this.#maxBytes && this.#waiting.length > 1) this.#dropOldest();
    return promise;
  }

  /** Removes a batch that is durable or dropped. */
  settle(one: WaitingBatch): void {
    const index = this.#waiting.indexOf(one);
    if (index !== -1) {
      this.#waiting.splice(index, 1);
      this.#bytes -= one.bytes;
    }
    one.settle();
  }

  /** Drops all batches: the disk does not respond. */
  dropAll(): void {
    while (this.#waiting.length > 0) this.#dropOldest();
  }

  #dropOldest(): void {
    const [oldest] = this.#waiting;
    if (!oldest) return;
    this.#onDrop('disk_stalled', oldest.batch.samples);
    this.settle(oldest);
  }
}
