/** Maximum number of pooled buffers. */
const MAX_FREE = 4;

/** Maximum number of entries of a batch. */
export const MAX_ENTRIES = 5000;

/** End offsets of the entries of a batch, and their times, microseconds since 1970. */
export interface Marks {
  readonly ends: Uint32Array;
  readonly timesUs: Float64Array;
}

/** A pool of reused memory: V8 collects memory outside its heap late, and so the old generation of its heap. */
export class Buffers {
  /** Size of each, in bytes. */
  readonly bytes: number;
  readonly #free: Buffer[] = [];
  readonly #freeMarks: Marks[] = [];

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.bytes);
  }

  /** Returns an unused buffer to the pool; buffers of other sizes are left to V8. */
  give(buffer: Buffer): void {
    if (buffer.length === this.bytes && this.#free.length < MAX_FREE) this.#free.push(buffer);
  }

  /** Marks for {@link MAX_ENTRIES} entries, not cleared. */
  takeMarks(): Marks {
    return this.#freeMarks.pop() ?? { ends: new Uint32Array(MAX_ENTRIES), timesUs: new Float64Array(MAX_ENTRIES) };
  }

  giveMarks(marks: Marks): void {
    if (this.#freeMarks.length < MAX_FREE) this.#freeMarks.push(marks);
  }
}
