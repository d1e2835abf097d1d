import { type Compression, compressor } from '../../../metrics/compression.ts';

/** zstd's largest block. A receiver has a block as a whole or not at all, so that a cut upload ends with a whole line. */
export const BLOCK_BYTES = 128 * 1024;
const NEWLINE = 0x0a;

/** How the texts of a store are kept: as members of a body that is sent as it is. */
export interface Packing {
  readonly compression: Compression;
  /** Not empty text of whole lines, into memory of its own. */
  pack(text: Buffer): Buffer;
  /** What was packed, which had `textBytes`. */
  unpack(packed: Buffer, textBytes: number): Buffer;
}

/** The packing that makes members of `compression`. */
export function packingOf(compression: Compression): Packing {
  const { packSync, unpackSync } = compressor(compression);
  return {
    compression,
    pack(text) {
      const members = blocks(text).map(packSync);
      // zlib gives views of its buffers, of which a kept member would keep all.
      const own = Buffer.allocUnsafeSlow(members.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const member of members) at += member.copy(own, at);
      return own;
    },
    unpack: unpackSync,
  };
}

/** The text in pieces of whole lines that fit into a block; a longer line is a piece by itself. */
function blocks(text: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  let start = 0;
  while (text.length - start > BLOCK_BYTES) {
    const last = text.subarray(start, start + BLOCK_BYTES).lastIndexOf(NEWLINE);
    const end = last === -1 ? text.indexOf(NEWLINE, start) + 1 || text.length : start + last + 1;
    pieces.push(text.subarray(start, end));
    start = end;
  }
  return [...pieces, text.subarray(start)];
}
