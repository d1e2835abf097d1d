/** Below the 128 KiB of one block of zstd, which a receiver takes as a whole or not at all. */
const BLOCK_BYTES = 120 * 1024;

/** Room at first: most pages are small, and many are read at a time. */
const FIRST_BYTES = 16 * 1024;

/** Bytes up to which a loop is faster than a call. */
const LOOP_BYTES = 24;

/** Lines, written one after the other into blocks. No line is in two blocks. */
export class LineBuffer {
  /** The block that is written, up to {@link length}. */
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  length = 0;
  #full: Buffer[] = [];
  /** A block to write next. */
  #spare: Buffer | undefined;

  /** Blocks that are full. */
  get full(): number {
    return this.#full.length;
  }

  /** Makes room for a line of up to `size` bytes, at {@link length}. */
  reserve(size: number): void {
    const needed = this.length + size;
    if (needed <= this.bytes.length) return;
    if (needed <= BLOCK_BYTES || this.length === 0) {
      const larger = Buffer.allocUnsafeSlow(
        Math.max(needed, FIRST_BYTES, Math.min(BLOCK_BYTES, 2 * this.bytes.length)),
      );
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
      return;
    }
    this.#full.push(this.bytes.subarray(0, this.length));
    this.bytes = this.#spare ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#spare = undefined;
    this.length = 0;
    this.reserve(size);
  }

  /** Appends bytes for which there is room. */
  put(source: Buffer, start: number, end: number): void {
    const { bytes, length } = this;
    if (end - start > LOOP_BYTES) source.copy(bytes, length, start, end);
    else for (let from = start, to = length; from < end; from++, to++) bytes[to] = source[from] ?? 0;
    this.length = length + end - start;
  }

  /** Adds a whole line, in bytes as Latin-1. */
  add(line: string): void {
    this.reserve(line.length);
    this.length += this.bytes.write(line, this.length, 'latin1');
  }

  /** Takes out the blocks that are full. */
  takeFull(): Buffer[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  /** Takes out everything. */
  takeAll(): Buffer[] {
    const last = this.length === 0 ? [] : [this.bytes.subarray(0, this.length)];
    const all = [...this.takeFull(), ...last];
    this.bytes = NOTHING;
    this.length = 0;
    return all;
  }

  /** Gives back a block that was taken out, to be written again. */
  giveBack({ buffer, byteOffset }: Buffer): void {
    if (byteOffset === 0 && buffer.byteLength === BLOCK_BYTES) this.#spare ??= Buffer.from(buffer);
  }
}

const NOTHING = Buffer.alloc(0);
