/** Most that are kept. */
const MAX_FREE = 4;

/** Memory that is used again and again: V8 collects memory outside its heap late. */
export class Buffers {
  /** Of each one, in bytes. */
  readonly bytes: number;
  readonly #free: Buffer[] = [];

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.bytes);
  }

  /** Takes back what nothing uses any more; one of another size is left to V8. */
  give(buffer: Buffer): void {
    if (buffer.length === this.bytes && this.#free.length < MAX_FREE) this.#free.push(buffer);
  }
}
