import { type Compression, compressor } from '../../../metrics/compression.ts';

/**
 * zstd's largest block. A receiver gets a block completely or not at all, so that a truncated upload ends with a whole
 * line.
 */
export const ZSTD_BLOCK_BYTES = 128 * 1024;
const NEWLINE = 0x0a;

/** How the texts of a store are compressed: as members of a payload that is sent as is. */
export interface Packing {
  readonly compression: Compression;
  /** Compresses non-empty text of whole lines into newly allocated memory. */
  pack(text: Buffer): Buffer;
  /** The original text, which had `textBytes`. */
  unpack(packed: Buffer, textBytes: number): Buffer;
}

/** The packing that produces members of `compression`. */
export function packingOf(compression: Compression): Packing {
  const { packSync, unpackSync } = compressor(compression);
  return {
    compression,
    pack(text) {
      const members = blocks(text).map(packSync);
      const [first] = members;
      if (first && members.length === 1) return first;
      // A pooled buffer, as Buffer.concat makes it, would retain the whole pool.
      const own = Buffer.allocUnsafeSlow(members.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const member of members) at += member.copy(own, at);
      return own;
    },
    unpack: unpackSync,
  };
}

/** The text in chunks of whole lines that fit into a block; a longer line is a chunk of its own. */
function blocks(text: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  let start = 0;
  while (text.length - start > ZSTD_BLOCK_BYTES) {
    const last = text.subarray(start, start + ZSTD_BLOCK_BYTES).lastIndexOf(NEWLINE);
    const end = last === -1 ? text.indexOf(NEWLINE, start) + 1 || text.length : start + last + 1;
    pieces.push(text.subarray(start, end));
    start = end;
  }
  return [...pieces, text.subarray(start)];
}
