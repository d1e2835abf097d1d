/** Of zstd's stable interface (zstd.h), which Node.js contains and exports. */
const DEFINITIONS = {
  ZSTD_createCCtx: { arguments: [], return: 'pointer' },
  ZSTD_CCtx_setParameter: { arguments: ['pointer', 'int32', 'int32'], return: 'uint64' },
  ZSTD_compressBound: { arguments: ['uint64'], return: 'uint64' },
  ZSTD_compress2: { arguments: ['pointer', 'buffer', 'uint64', 'buffer', 'uint64'], return: 'uint64' },
  ZSTD_createDCtx: { arguments: [], return: 'pointer' },
  ZSTD_decompressDCtx: { arguments: ['pointer', 'buffer', 'uint64', 'buffer', 'uint64'], return: 'uint64' },
  ZSTD_isError: { arguments: ['uint64'], return: 'uint32' },
} as const;

const load = () => process.getBuiltinModule('node:ffi')?.dlopen(null, DEFINITIONS).functions;
type Library = NonNullable<ReturnType<typeof load>>;

/** Parameters of compression, by their number in node:zlib's constants. */
type Parameters = Readonly<Record<number, number>>;

/** Room for the frame of a text of one zstd block, the usual size. */
const ROOM_BYTES = 160 * 1024;

/**
 * zstd with one reusable context for each direction. node:zlib creates a stream and a context for each call, which takes
 * half as long as the compression itself for a block of cluster state, and longer than it for a text of 20 kB.
 */
export class ZstdContexts {
  readonly #zstd: Library;
  readonly #packing: bigint;
  readonly #unpacking: bigint;
  readonly #room = Buffer.allocUnsafeSlow(ROOM_BYTES);

  private constructor(zstd: Library, parameters: Parameters) {
    this.#zstd = zstd;
    this.#packing = zstd.ZSTD_createCCtx();
    this.#unpacking = zstd.ZSTD_createDCtx();
    if (this.#packing === 0n || this.#unpacking === 0n) throw new Error('zstd has no memory for a context');
    for (const [number, value] of Object.entries(parameters)) {
      this.#checked(zstd.ZSTD_CCtx_setParameter(this.#packing, Number(number), value));
    }
  }

  /** Undefined where zstd can't be called directly: without node:ffi, or with a Node.js that does not export it. */
  static open(parameters: Parameters): ZstdContexts | undefined {
    try {
      const zstd = load();
      return zstd && new ZstdContexts(zstd, parameters);
    } catch {
      return undefined;
    }
  }

  /** The frame of a text, valid until the next call. */
  pack(text: Buffer): Buffer {
    const bound = Number(this.#zstd.ZSTD_compressBound(BigInt(text.length)));
    const room = bound > this.#room.length ? Buffer.allocUnsafeSlow(bound) : this.#room;
    const size = this.#zstd.ZSTD_compress2(this.#packing, room, BigInt(room.length), text, BigInt(text.length));
    return room.subarray(0, this.#checked(size));
  }

  /** Decompresses frames into `room`; returns the length of the text. Throws if they are damaged or it does not fit. */
  unpack(frames: Buffer, room: Buffer): number {
    const size = this.#zstd.ZSTD_decompressDCtx(
      this.#unpacking,
      room,
      BigInt(room.length),
      frames,
      BigInt(frames.length),
    );
    return this.#checked(size);
  }

  /** A size returned by zstd. Throws if it is an error code. */
  #checked(size: bigint): number {
    if (this.#zstd.ZSTD_isError(size) !== 0) throw new Error(`zstd failed with its error ${-BigInt.asIntN(64, size)}`);
    return Number(size);
  }
}
