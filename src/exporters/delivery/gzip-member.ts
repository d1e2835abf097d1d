import { crc32 } from 'node:zlib';
import { deflatePiece } from '../../metrics/compression.ts';

/** Deflate, without a name and a time, at the fastest level, on Unix (RFC 1952 §2.3). */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 3]);
/** Empty, with fixed Huffman codes (RFC 1951 §3.2.3). */
const LAST_BLOCK = Buffer.from([3, 0]);

/**
 * Compresses texts one by one into pieces, whose concatenation is one gzip member. Not all receivers read further members:
 * Netty 3, which OpenTSDB uses, ignores them.
 */
export class GzipMember {
  #hasBegun: boolean = false;
  #crc = 0;
  #bytes = 0;

  /** The piece of a text. */
  add(text: Buffer): Buffer {
    const piece = deflatePiece(text);
    this.#crc = crc32(text, this.#crc);
    this.#bytes += text.length;
    if (this.#hasBegun) return piece;
    this.#hasBegun = true;
    return Buffer.concat([HEADER, piece]);
  }

  /** What follows the last piece: the end of the stream, the checksum and the length modulo 2^32. */
  end(): Buffer {
    const sums = Buffer.alloc(8);
    sums.writeUInt32LE(this.#crc, 0);
    sums.writeUInt32LE(this.#bytes % 2 ** 32, 4);
    return Buffer.concat([LAST_BLOCK, sums]);
  }
}
