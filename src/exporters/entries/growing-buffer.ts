import type { Buffers } from './buffers.ts';
import type { BodyWriter } from './protocol.ts';

/** Maximum UTF-8 bytes per UTF-16 code unit. */
const UNIT_BYTES = 3;
const GROWTH = 1.5;

/** Appends text and bytes to borrowed memory. */
export class GrowingBuffer implements BodyWriter {
  readonly #buffers: Buffers;
  #buffer: Buffer | undefined;
  #length = 0;

  constructor(buffers: Buffers) {
    this.#buffers = buffers;
  }

  get length(): number {
    return this.#length;
  }

  text(text: string): void {
    const buffer = this.#room(text.length * UNIT_BYTES) ?? this.#grown(Buffer.byteLength(text));
    this.#length += buffer.write(text, this.#length);
  }

  bytes(bytes: Uint8Array): void {
    const buffer = this.#room(bytes.length) ?? this.#grown(bytes.length);
    buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A view of the written bytes. */
  slice(from: number, to: number): Buffer {
    return this.#buffer === undefined ? Buffer.alloc(0) : this.#buffer.subarray(from, to);
  }

  release(): void {
    if (this.#buffer !== undefined) this.#buffers.give(this.#buffer);
    this.#buffer = undefined;
    this.#length = 0;
  }

  /** The memory, if it has room for this many more bytes. */
  #room(bytes: number): Buffer | undefined {
    this.#buffer ??= this.#buffers.take();
    return this.#length + bytes <= this.#buffer.length ? this.#buffer : undefined;
  }

  /** The memory, with room for this many more bytes. */
  #grown(bytes: number): Buffer {
    const fitting = this.#room(bytes);
    if (fitting !== undefined) return fitting;
    const larger = Buffer.allocUnsafeSlow(Math.ceil((this.#length + bytes) * GROWTH));
    this.slice(0, this.#length).copy(larger);
    if (this.#buffer !== undefined) this.#buffers.give(this.#buffer);
    this.#buffer = larger;
    return larger;
  }
}
