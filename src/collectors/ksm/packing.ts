import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/**
 * How the texts of a store are kept. One after the other, packed texts must be one body in the coding: gzip members
 * (RFC 1952) and zstd frames (RFC 8878) are.
 */
export interface Packing {
  readonly coding: Coding;
  /** Not empty text into memory of its own. */
  pack(text: Buffer): Buffer;
  /** Text of `textBytes` bytes. */
  unpack(packed: Buffer, textBytes: number): Buffer;
}

/** As HTTP calls it. */
export type Coding = 'gzip' | 'zstd';

/** zlib's own buffers are as large as this: a packed shard fits in. */
const CHUNK_BYTES = 16 * 1024;

/**
 * zstd in its fastest regular level: of pods' text it leaves two thirds of what gzip does, for a third of the CPU.
 * Levels up to 9 save another 5 %, for 7 times the CPU.
 */
const PACKINGS: Readonly<Record<Coding, Packing>> = {
  zstd: {
    coding: 'zstd',
    pack: (text) =>
      kept(
        zstdCompressSync(text, {
          chunkSize: CHUNK_BYTES,
          pledgedSrcSize: text.length,
          params: { [constants.ZSTD_c_compressionLevel]: 1 },
        }),
      ),
    unpack: (packed, textBytes) => zstdDecompressSync(packed, { chunkSize: roomFor(textBytes) }),
  },
  gzip: {
    coding: 'gzip',
    pack: (text) => kept(gzipSync(text, { level: constants.Z_BEST_SPEED, chunkSize: CHUNK_BYTES })),
    unpack: (packed, textBytes) => gunzipSync(packed, { chunkSize: roomFor(textBytes) }),
  },
};

/** The packing for a coding. */
export const packingOf = (coding: Coding): Packing => PACKINGS[coding];

/** In one piece: zlib ends only when there is room left, and takes no less than 64 bytes. */
const roomFor = (textBytes: number): number => Math.max(textBytes + 1, 1024);

/** zlib gives views of its buffers, of which a kept member would keep all. */
function kept(packed: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(packed.length);
  packed.copy(own);
  return own;
}
