import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib';
import { compressible, isRaw } from '../metrics/compression.ts';

const OPTIONS = {
  // Each write makes a frame of its own.
  flush: constants.ZSTD_e_end,
  chunkSize: 64 * 1024,
  params: {
    // With a context that is kept, 2 takes half the time of 3 for the same bytes.
    [constants.ZSTD_c_compressionLevel]: 2,
    [constants.ZSTD_c_windowLog]: 17,
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

  /** Rejects when zlib fails, which it does when there is no memory. */
  pack(text: Buffer): Promise<Buffer> {
    const made = this.#last.then(() => this.#member(text));
    this.#last = made.catch(() => {
      this.#stream?.destroy();
      this.#stream = undefined;
    });
    return made;
  }

  async #member(text: Buffer): Promise<Buffer> {
    const member = await this.#frame(text);
    return isRaw(member) ? await this.#frame(compressible(text)) : member;
  }

  async #frame(text: Buffer): Promise<Buffer> {
    const stream = this.#stream ?? this.#start();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    stream.once('error', reject);
    stream.write(text, (failure) => (failure ? reject(failure) : resolve()));
    await promise;
    stream.off('error', reject);
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
