/** Reads into `target` from `position` of a file; returns the number of bytes read. Throws the errors of node:fs. */
export type ReadAt = (target: Buffer, position: number) => number;

const BLOCK_BYTES = 64 * 1024;

/** Cached blocks: entries, their arrays and data are in separate places. */
const BLOCKS = 6;

/** Maximum size of a journal object that is read. */
export const MAX_JOURNAL_OBJECT_BYTES = 1024 * 1024;

/**
 * A view of a file through a few blocks. {@link seek} moves it; then `buffer` from `at` on holds the requested bytes,
 * until the next call. Memory is bounded by the number of blocks, and no call allocates unless a range is longer than a
 * block.
 */
export class Window {
  buffer: Buffer = NOTHING;
  /** The same bytes, for numbers. */
  view: DataView = NO_VIEW;
  at = 0;
  readonly #readAt: ReadAt;
  #blocks: Block[] = [];
  #uses = 0;

  constructor(readAt: ReadAt) {
    this.#readAt = readAt;
  }

  /** Whether the file has `length` bytes at `offset`; then they are at `at` in `buffer`. */
  seek(offset: number, length: number): boolean {
    const index = Math.floor(offset / BLOCK_BYTES);
    const within = offset - index * BLOCK_BYTES;
    if (within + length > BLOCK_BYTES) return this.#seekLong(offset, length);
    const block = this.#block(index);
    this.buffer = block.bytes;
    this.view = block.view;
    this.at = within;
    return within + length <= block.length;
  }

  /** Drops all blocks: the file may have been written in the meantime. */
  refresh(): void {
    for (const block of this.#blocks) block.index = -1;
  }

  /** Releases the memory. */
  release(): void {
    this.#blocks = [];
    this.buffer = NOTHING;
    this.view = NO_VIEW;
  }

  #block(index: number): Block {
    let oldest: Block | undefined;
    for (const block of this.#blocks) {
      if (block.index === index) {
        block.usedAt = ++this.#uses;
        return block;
      }
      if (oldest === undefined || block.usedAt < oldest.usedAt) oldest = block;
    }
    if (oldest === undefined || this.#blocks.length < BLOCKS) {
      const bytes = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      oldest = { bytes, view: viewOf(bytes), index: -1, length: 0, usedAt: 0 };
      this.#blocks.push(oldest);
    }
    oldest.index = -1;
    oldest.length = this.#fill(oldest.bytes, index * BLOCK_BYTES);
    oldest.index = index;
    oldest.usedAt = ++this.#uses;
    return oldest;
  }

  #seekLong(offset: number, length: number): boolean {
    if (length > MAX_JOURNAL_OBJECT_BYTES) return false;
    const bytes = Buffer.allocUnsafe(length);
    this.buffer = bytes;
    this.view = viewOf(bytes);
    this.at = 0;
    return this.#fill(bytes, offset) === length;
  }

  #fill(bytes: Buffer, offset: number): number {
    let length = 0;
    while (length < bytes.length) {
      const read = this.#readAt(length === 0 ? bytes : bytes.subarray(length), offset + length);
      if (read === 0) break;
      length += read;
    }
    return length;
  }
}

const viewOf = ({ buffer, byteOffset, length }: Buffer): DataView => new DataView(buffer, byteOffset, length);

const NOTHING = Buffer.alloc(0);
const NO_VIEW = viewOf(NOTHING);

interface Block {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Index of the block it holds; -1 for none. */
  index: number;
  /** Bytes that the file had there. */
  length: number;
  usedAt: number;
}

/** A little-endian number of 64 bits; rounded above 2^53. */
export const littleU64 = (buffer: Buffer, at: number): number =>
  buffer.readUInt32LE(at) + buffer.readUInt32LE(at + 4) * 0x1_0000_0000;

/** Like {@link littleU64}, for hot paths. */
export const viewU64 = (view: DataView, at: number): number =>
  view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000;
