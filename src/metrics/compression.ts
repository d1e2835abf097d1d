import { promisify } from 'node:util';
import {
  constants,
  deflateRawSync,
  gunzip,
  gunzipSync,
  gzip,
  gzipSync,
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib';
import { turn } from '../base/turns.ts';
import { stampText } from './text/format.ts';
import { ZstdContexts } from './zstd-contexts.ts';

/** How text is compressed. */
export type Compression = 'zstd' | 'gzip';

/**
 * The encoding of a batch: compressed text, or text whose every line ends with a timestamp, compressed with gzip
 * (`gzip-stamped`). Lines with their own timestamp keep it in zstd and `gzip-stamped`. Plain gzip has no timestamps,
 * because a Pushgateway rejects them.
 */
export type Encoding = Compression | 'gzip-stamped';

/** The compression of an encoding, which is also its Content-Encoding value. */
export const compressionOf = (encoding: Encoding): Compression => (encoding === 'zstd' ? 'zstd' : 'gzip');

/**
 * Makes members: pieces of whole lines, each compressed separately, whose concatenation is one valid payload (RFC 1952
 * §2.2, RFC 8878 §3). A text of at most 128 KiB becomes one zstd block, which a receiver gets completely or not at all.
 */
interface Compressor {
  /** Compresses off the main thread, into memory of its own, as does {@link packSync}. */
  pack(text: Buffer): Promise<Buffer>;
  packSync(text: Buffer): Buffer;
  /** The text of one member or of several in sequence. Rejects when the data is not what `pack` produces. */
  unpack(member: Buffer): Promise<Buffer>;
  /** The text of one member, which had `textBytes`. */
  unpackSync(member: Buffer, textBytes: number): Buffer;
}

/** The members of `compression`. */
export const compressor = (compression: Compression): Compressor => (compression === 'zstd' ? ZSTD : GZIP);

const packGzip = promisify(gzip);
const unpackGzip = promisify(gunzip);
const packZstd = promisify(zstdCompress);
const unpackZstd = promisify(zstdDecompress);

/** Room for compressed text. More than half of the pool that Node takes small buffers from, so that it can be freed alone. */
const ROOM_BYTES = 48 * 1024;
/** Decompressed in one piece: zlib only finishes when there is room left. */
const roomFor = (textBytes: number) => ({ chunkSize: Math.max(textBytes + 1, 1024) });

// Level 9 would save a tenth of the bytes for 7 times the CPU.
const GZIP_OPTIONS = { chunkSize: ROOM_BYTES, level: constants.Z_BEST_SPEED };
const ZSTD_PARAMETERS = {
  // For a chunk of metrics, levels 1 to 4 differ by 5 % in bytes; 3 is the fastest of them, and half of gzip 1.
  [constants.ZSTD_c_compressionLevel]: 3,
  // 128 KiB, the largest block. A larger window makes each call allocate 3 MB.
  [constants.ZSTD_c_windowLog]: 17,
};
const ZSTD_OPTIONS = { chunkSize: ROOM_BYTES, params: ZSTD_PARAMETERS };

/**
 * A copy with its own memory. zlib returns views of its buffers: a queued member of a kilobyte would retain a whole
 * buffer, which no limit counts. That buffer is freed here, because zlib's own reference to it survives until a full
 * garbage collection: until then, 4 MiB of such buffers would accumulate.
 */
function own(view: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(view.length);
  view.copy(copy);
  const { buffer } = view;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === ROOM_BYTES) buffer.transfer(0);
  return copy;
}

const GZIP: Compressor = {
  pack: async (text) => own(await packGzip(text, GZIP_OPTIONS)),
  packSync: (text) => own(gzipSync(text, GZIP_OPTIONS)),
  unpack: (member) => unpackGzip(member),
  unpackSync: (member, textBytes) => gunzipSync(member, roomFor(textBytes)),
};

const ZSTD: Compressor = {
  async pack(text) {
    const member = await packZstd(text, ZSTD_OPTIONS);
    return own(isRaw(member) ? await packZstd(compressible(text), ZSTD_OPTIONS) : member);
  },
  packSync(text) {
    const member = zstdFrame(text);
    return own(isRaw(member) ? zstdFrame(compressible(text)) : member);
  },
  unpack: (member) => unpackZstd(member),
  // Remove what was appended to make it compressible.
  unpackSync: (member, textBytes) => zstdText(member, textBytes + PADDING.length).subarray(0, textBytes),
};

/** A piece of a deflate stream that ends with a whole byte but without a last block, into memory of its own. */
export const deflatePiece = (text: Buffer): Buffer =>
  own(deflateRawSync(text, { ...GZIP_OPTIONS, finishFlush: constants.Z_SYNC_FLUSH }));

/** Created when first used; null where they are unavailable and node:zlib is used. */
let contexts: ZstdContexts | null | undefined;

function zstdContexts(): ZstdContexts | null {
  if (contexts === undefined) contexts = ZstdContexts.open(ZSTD_PARAMETERS) ?? null;
  return contexts;
}

const zstdFrame = (text: Buffer): Buffer => zstdContexts()?.pack(text) ?? zstdCompressSync(text, ZSTD_OPTIONS);

/** Decompresses frames to at most `maxBytes`. */
function zstdText(frames: Buffer, maxBytes: number): Buffer {
  const kept = zstdContexts();
  if (kept === null) return zstdDecompressSync(frames, roomFor(maxBytes));
  const text = Buffer.allocUnsafeSlow(maxBytes);
  return text.subarray(0, kept.unpack(frames, text));
}

/** Most members take less than this as text. */
const MEMBER_BYTES = 256 * 1024;

/**
 * The text of members, for callers that read it immediately and then {@link free} it: otherwise tens of megabytes of text
 * would wait for a garbage collection.
 */
export const unpackBriefly = (members: Buffer, compression: Compression): Buffer =>
  (compression === 'zstd' ? zstdDecompressSync : gunzipSync)(members, { chunkSize: MEMBER_BYTES });

/** Releases the memory of a text immediately. The text is empty afterwards. */
export function free({ buffer }: Buffer): void {
  // A shorter one may share the memory of others.
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= MEMBER_BYTES) buffer.transfer(0);
}

/**
 * Whether the first block of a zstd frame is uncompressed (RFC 8878 §3.1.1). Receivers read such a block as it arrives,
 * so a truncated upload would leave half a line.
 */
export function isRaw(frame: Buffer): boolean {
  const descriptor = frame[4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const block = 5 + (isSingleSegment ? 0 : 1) + sizeBytes;
  return (((frame[block] ?? 0) >> 1) & 3) === 0;
}

/** A comment that outweighs any text that is too short to be compressible. */
const PADDING = Buffer.from(`#${'-'.repeat(1022)}\n`);

/** The text with an addition so that it is no longer {@link isRaw}. */
export const compressible = (text: Buffer): Buffer => Buffer.concat([text, PADDING]);

/** Text as members, with its original size. */
export interface CompressedText {
  readonly members: readonly Buffer[];
  /** Bytes of the text before compression, without stamps. */
  readonly textBytes: number;
}

/**
 * Encodes a text in each of `encodings`. Compresses each chunk as it is rendered, so that the whole text is never in
 * memory. Runs on the main thread, in slices: for such chunks, the round trip to another thread costs twice as
 * much as the work itself. What `chunks` renders must not change in the meantime.
 */
export async function compressEach(
  chunks: Iterable<Buffer>,
  encodings: readonly Encoding[],
  stampMs: number,
): Promise<Map<Encoding, CompressedText>> {
  const made = encodings.map((encoding): { encoding: Encoding; members: Buffer[] } => ({ encoding, members: [] }));
  let textBytes = 0;
  for (const chunk of chunks) {
    // The chunk has been rendered, and is not overwritten before the next one.
    await turn();
    textBytes += chunk.length;
    for (const { encoding, members } of made) members.push(encode(chunk, encoding, stampMs));
  }
  return new Map(made.map(({ encoding, members }) => [encoding, { members, textBytes }]));
}

/**
 * The same text in another encoding, one member at a time, yielding to other work in between. Rejects when `signal`
 * fires.
 */
export async function transcode(
  members: readonly Buffer[],
  from: Compression,
  to: Encoding,
  stampMs: number,
  signal?: AbortSignal,
): Promise<readonly Buffer[]> {
  if (from === to) return members;
  const made: Buffer[] = [];
  for (const member of members) {
    signal?.throwIfAborted();
    made.push(encode(await compressor(from).unpack(member), to, stampMs));
  }
  return made;
}

/** Cache of transcoded members. When a member is dropped, so is its transcoded form. */
const REWRITTEN = new WeakMap<Buffer, Buffer>();

/**
 * Like {@link transcode}, for members that persist between cycles. Each is transcoded only once, so pushing unchanged
 * data costs no compression.
 */
export async function transcodeKept(
  members: readonly Buffer[],
  from: Compression,
  to: Compression,
): Promise<readonly Buffer[]> {
  if (from === to) return members;
  const made: Buffer[] = [];
  for (const member of members) {
    const rewritten = REWRITTEN.get(member) ?? encode(await compressor(from).unpack(member), to, 0);
    REWRITTEN.set(member, rewritten);
    made.push(rewritten);
  }
  return made;
}

function encode(text: Buffer, encoding: Encoding, stampMs: number): Buffer {
  const { packSync } = compressor(compressionOf(encoding));
  if (encoding !== 'gzip-stamped') return packSync(text);
  const workspace = takeWorkspace(text, stampMs);
  try {
    return packSync(workspace.subarray(0, stamp(text, stampMs, workspace)));
  } finally {
    spare = workspace;
  }
}

/** A shared buffer for stamped text. New buffers would dominate memory use, because they are garbage-collected late. */
let spare: Buffer = Buffer.alloc(0);

function takeWorkspace(text: Buffer, stampMs: number): Buffer {
  const workspace = spare;
  spare = Buffer.alloc(0);
  let lines = 1;
  for (let at = text.indexOf(NEWLINE); at !== -1; at = text.indexOf(NEWLINE, at + 1)) lines++;
  const size = text.length + lines * (stampText(stampMs).length + 1);
  return workspace.length < size ? Buffer.allocUnsafeSlow(Math.ceil(size * 1.2)) : workspace;
}

const NEWLINE = 10;
const HASH = 35;

const BLANK = 32;
const BRACE = 125;

/** Whether the sample line in `text` from `start` to `end` has a timestamp already. */
function hasStamp(text: Buffer, start: number, end: number): boolean {
  const last = text.lastIndexOf(BLANK, end - 1);
  if (last <= start || text[last - 1] === BRACE) return false;
  // A blank inside the labels is before the brace, so it is not found first.
  return text.lastIndexOf(BLANK, last - 1) >= start;
}

/** Writes the text to `made`, with a timestamp at the end of every sample line that has none. Returns its length. */
function stamp(text: Buffer, stampMs: number, made: Buffer): number {
  const ending = Buffer.from(` ${stampText(stampMs)}`);
  let length = 0;
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf(NEWLINE, start);
    const end = found === -1 ? text.length : found;
    length += text.copy(made, length, start, end);
    if (end > start && text[start] !== HASH && !hasStamp(text, start, end)) length += ending.copy(made, length);
    if (found !== -1) made[length++] = NEWLINE;
    start = end + 1;
  }
  return length;
}
