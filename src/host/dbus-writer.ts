// Writes the values of a D-Bus message, little-endian.

/** The first byte of a message in this order. */
export const LITTLE_ENDIAN = 'l'.charCodeAt(0);

/** `offset`, or the next multiple of `size`. */
export const alignUp = (offset: number, size: number): number => Math.ceil(offset / size) * size;

/** Writes the values of a message in sequence. */
export class DbusWriter {
  #parts: Buffer[] = [];
  length = 0;

  bytes(...bytes: number[]): void {
    this.#push(Buffer.from(bytes));
  }

  u32(value: number): void {
    this.align(4);
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    this.#push(bytes);
  }

  string(text: string): void {
    this.u32(Buffer.byteLength(text));
    this.#push(Buffer.from(`${text}\0`));
  }

  signature(text: string): void {
    this.bytes(text.length);
    this.#push(Buffer.from(`${text}\0`));
  }

  /** An array of structs: its length, padding, and what `fill` writes. */
  array(fill: () => void): void {
    this.u32(0);
    const lengthPart = this.#parts.at(-1);
    this.align(8);
    const start = this.length;
    fill();
    lengthPart?.writeUInt32LE(this.length - start);
  }

  align(size: number): void {
    this.#push(Buffer.alloc(alignUp(this.length, size) - this.length));
  }

  take(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #push(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.length += bytes.length;
  }
}
