/** Maximum line length; the rest of a longer line is skipped. */
export const MAX_LINE_BYTES = 64 * 1024;

/** Bytes of a file to read at a time. */
export const CHUNK_BYTES = 256 * 1024;

/** Line ends and decoding of an encoding. */
export class LineDecoder {
  readonly #decoder: TextDecoder | undefined;
  readonly #ending: Buffer;
  readonly #unit: number;

  /** `encoding` is a label that TextDecoder knows. Throws RangeError for others. */
  constructor(encoding: string) {
    const { encoding: name } = new TextDecoder(encoding);
    // Buffer's own decoder is the fastest, and the only one that needs no view per line.
    this.#decoder = name === 'utf-8' ? undefined : new TextDecoder(encoding);
    this.#unit = name.startsWith('utf-16') ? 2 : 1;
    this.#ending =
      name === 'utf-16le' ? Buffer.from([10, 0]) : name === 'utf-16be' ? Buffer.from([0, 10]) : Buffer.from([10]);
  }

  /** Bytes of a line end. */
  get endingBytes(): number {
    return this.#unit;
  }

  /**
   * The start of the next line end in `bytes` at or after `from`; -1 for none. Positions are relative to the start of a
   * line.
   */
  endOf(bytes: Buffer, from: number): number {
    if (this.#unit === 1) return bytes.indexOf(10, from);
    let at = bytes.indexOf(this.#ending, from);
    while (at !== -1 && (at - from) % 2 !== 0) at = bytes.indexOf(this.#ending, at + 1);
    return at;
  }

  /** The length of the complete lines in `bytes`. */
  wholeLines(bytes: Buffer): number {
    if (this.#unit === 1) return bytes.lastIndexOf(10) + 1;
    let whole = 0;
    for (let end = this.endOf(bytes, 0); end !== -1; end = this.endOf(bytes, end + 2)) whole = end + 2;
    return whole;
  }

  /** The text of complete lines, or of one without its end. */
  text(bytes: Buffer): string {
    return this.#decoder === undefined ? bytes.toString('utf8') : this.#decoder.decode(bytes);
  }
}
