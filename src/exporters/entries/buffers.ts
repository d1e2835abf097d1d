/** Maximum number of pooled buffers. */
const MAX_FREE = 4;

/** A pool of reused memory: V8 collects memory outside its heap late. */
export class Buffers {
  /** Size of each, in bytes. */
  readonly bytes: number;
  readonly #free: Buffer[] = [];

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
}
