/** Below the 128 KiB of one block of zstd, which a receiver gets completely or not at all. */
const BLOCK_BYTES = 120 * 1024;

/** Initial size: most pages are small, and many are read concurrently. */
const FIRST_BYTES = 16 * 1024;

/** Bytes up to which a loop is faster than a call. */
const LOOP_BYTES = 24;

/** Writes lines into blocks. No line is split between two blocks. */
export class LineBuffer {
  /** The block being written, up to {@link length}. */
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  length = 0;
  #full: Buffer[] = [];
  /** A spare block. */
  #spare: Buffer | undefined;

  /** Full blocks. */
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

  /** Adds a complete line, as a Latin-1 string of bytes. */
  add(line: string): void {
    this.reserve(line.length);
    this.length += this.bytes.write(line, this.length, 'latin1');
  }

  /** Removes and returns the full blocks. */
  takeFull(): Buffer[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  /** Removes and returns everything. */
  takeAll(): Buffer[] {
    const last = this.length === 0 ? [] : [this.bytes.subarray(0, this.length)];
    const all = [...this.takeFull(), ...last];
    this.bytes = NOTHING;
    this.length = 0;
    return all;
  }

  /** Returns a removed block for reuse. */
  giveBack({ buffer, byteOffset }: Buffer): void {
    if (byteOffset === 0 && buffer.byteLength === BLOCK_BYTES) this.#spare ??= Buffer.from(buffer);
  }
}

const NOTHING = Buffer.alloc(0);
