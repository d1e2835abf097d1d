import type { BodyWriter } from '../../logs/protocol.ts';
import type { Buffers } from './buffers.ts';

/** UTF-8 has at most so many bytes for a unit of a string. */
const UNIT_BYTES = 3;
const GROWTH = 1.5;

/** Text and bytes, one behind the other, in memory that is borrowed. */
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

  /** A view of what was written. */
  slice(from: number, to: number): Buffer {
    return this.#buffer === undefined ? Buffer.alloc(0) : this.#buffer.subarray(from, to);
  }

  release(): void {
    if (this.#buffer !== undefined) this.#buffers.give(this.#buffer);
    this.#buffer = undefined;
    this.#length = 0;
  }

  /** The memory, if it has room for so many bytes more. */
  #room(bytes: number): Buffer | undefined {
    this.#buffer ??= this.#buffers.take();
    return this.#length + bytes <= this.#buffer.length ? this.#buffer : undefined;
  }

  /** The memory, with room for so many bytes more. */
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
