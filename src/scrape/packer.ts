import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib';
import { compressible, isRaw } from '../metrics/compression.ts';

const OPTIONS = {
  chunkSize: 64 * 1024,
  params: {
    // With a context that is kept, 2 takes half the time of 3 for the same bytes.
    [constants.ZSTD_c_compressionLevel]: 2,
    // A page has its labels once for each family: blocks of a member refer to those before.
    [constants.ZSTD_c_windowLog]: 20,
  },
};

/**
 * Compresses texts of whole lines to members, off the main thread and one at a time. One context does it all: to make one
 * for each member costs memory that is never given back, since the members lie between.
 */
export class Packer {
  #stream: ZstdCompress | undefined;
  /** What the stream has given of the frame that is made. */
  #pieces: Buffer[] = [];
  #last: Promise<unknown> = Promise.resolve();

  /**
   * One member of blocks of whole lines: each is a block of its frame, so that a receiver that gets a part of it gets whole
   * lines. Rejects when zlib fails, which it does when there is no memory.
   */
  pack(blocks: readonly Buffer[]): Promise<Buffer> {
    const made = this.#last.then(() => this.#member(blocks));
    this.#last = made.catch(() => {
      this.#stream?.destroy();
      this.#stream = undefined;
    });
    return made;
  }

  async #member(blocks: readonly Buffer[]): Promise<Buffer> {
    const member = await this.#frame(blocks);
    if (!hasRaw(member)) return member;
    const apart: Buffer[] = [];
    for (const block of blocks) {
      const frame = await this.#frame([block]);
      apart.push(isRaw(frame) ? await this.#frame([compressible(block)]) : frame);
    }
    return own(apart);
  }

  async #frame(blocks: readonly Buffer[]): Promise<Buffer> {
    const stream = this.#stream ?? this.#start();
    for (const [index, block] of blocks.entries()) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      stream.once('error', reject);
      stream.write(block);
      stream.flush(index === blocks.length - 1 ? constants.ZSTD_e_end : constants.ZSTD_e_flush, resolve);
      await promise;
      stream.off('error', reject);
    }
    const frame = own(this.#pieces);
    this.#pieces = [];
    return frame;
  }

  #start(): ZstdCompress {
    const stream = createZstdCompress(OPTIONS);
    this.#pieces = [];
    stream.on('data', (piece: Buffer) => this.#pieces.push(piece));
    // After a failure the next text gets another stream.
    stream.on('error', () => undefined);
    this.#stream = stream;
    return stream;
  }
}

/** A copy in memory of its own, since zlib gives parts of larger buffers. */
function own(pieces: readonly Buffer[]): Buffer {
  const copy = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0));
  let length = 0;
  for (const piece of pieces) length += piece.copy(copy, length);
  return copy;
}

/** Whether a block of a frame is uncompressed (RFC 8878 §3.1.1.2): receivers read such a block as it arrives. */
function hasRaw(frame: Buffer): boolean {
  const descriptor = frame[4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  for (let at = 5 + (isSingleSegment ? 0 : 1) + sizeBytes; at + 3 <= frame.length; ) {
    const header = frame.readUIntLE(at, 3);
    const type = (header >> 1) & 3;
    // A raw block without content ends some frames.
    if (type === 0 && header >> 3 > 0) return true;
    if ((header & 1) === 1) return false;
    at += 3 + (type === RLE ? 1 : header >> 3);
  }
  return false;
}

const RLE = 1;
