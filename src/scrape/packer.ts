import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib';
import { compressible, isRaw } from '../metrics/compression.ts';

const OPTIONS = {
  chunkSize: 64 * 1024,
  params: {
    // With a reused context, level 2 takes half the time of 3 for the same size.
    [constants.ZSTD_c_compressionLevel]: 2,
    // A page repeats its labels for each family: blocks of a member refer to earlier ones.
    [constants.ZSTD_c_windowLog]: 20,
  },
};

/**
 * Compresses complete lines to members, off the main thread and one at a time, with a single context: one context per
 * member would cause memory fragmentation, as the members lie between them.
 */
export class Packer {
  #stream: ZstdCompress | undefined;
  /** Output of the stream for the current frame. */
  #pieces: Buffer[] = [];
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Compresses blocks of complete lines to one member: each is a block of its frame, so that a truncated upload ends
   * with a complete line. Rejects if zlib fails, for example due to lack of memory.
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
    // After a failure the next text gets a new stream.
    stream.on('error', () => undefined);
    this.#stream = stream;
    return stream;
  }
}

/** A copy, because zlib returns views of larger buffers. */
function own(pieces: readonly Buffer[]): Buffer {
  const copy = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0));
  let length = 0;
  for (const piece of pieces) length += piece.copy(copy, length);
  return copy;
}

/** Whether any block of a frame is uncompressed (RFC 8878 §3.1.1.2): receivers read such a block as it arrives. */
function hasRaw(frame: Buffer): boolean {
  const descriptor = frame[4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  for (let at = 5 + (isSingleSegment ? 0 : 1) + sizeBytes; at + 3 <= frame.length; ) {
    const header = frame.readUIntLE(at, 3);
    const type = (header >> 1) & 3;
    // Some frames end with an empty raw block.
    if (type === 0 && header >> 3 > 0) return true;
    if ((header & 1) === 1) return false;
    at += 3 + (type === RLE ? 1 : header >> 3);
  }
  return false;
}

const RLE = 1;
