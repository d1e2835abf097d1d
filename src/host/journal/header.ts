import { littleU64 } from './window.ts';

/** The parts of the header that are needed, of systemd's JOURNAL_FILE_FORMAT. */
export interface Header {
  readonly fileId: string;
  readonly machineId: string;
  readonly seqnumId: string;
  readonly isCompact: boolean;
  readonly isArchived: boolean;
  readonly headerBytes: number;
  readonly entries: number;
  readonly headSeqnum: number;
  readonly tailSeqnum: number;
  /** Offset of the first array of entries; 0 when there is none. */
  readonly firstArray: number;
  /** Microseconds since 1970. */
  readonly headRealtime: number;
  readonly tailRealtime: number;
}

/** A file that is not a journal, or has a format that this reader does not support. */
export class UnsupportedJournal extends Error {}

/** The oldest header, of systemd 38 to 186. */
export const MIN_HEADER_BYTES = 208;

const SIGNATURE = Buffer.from('LPKSHHRH').readBigUInt64LE();
const COMPACT = 16;
/** Incompatible flags in words: xz, lz4, keyed hash, zstd, compact. */
const KNOWN_FLAGS = 1 | 2 | 4 | 8 | COMPACT;
const ARCHIVED = 2;

/** Reads the header at `at` of `buffer`, which has its {@link MIN_HEADER_BYTES}. Throws UnsupportedJournal. */
export function readJournalHeader(buffer: Buffer, at: number): Header {
  if (buffer.readBigUInt64LE(at) !== SIGNATURE) throw new UnsupportedJournal('not a journal file: missing signature');
  const flags = buffer.readUInt32LE(at + 12);
  const unknown = (flags & ~KNOWN_FLAGS) >>> 0;
  if (unknown !== 0) {
    throw new UnsupportedJournal(`unsupported features (incompatible flags 0x${unknown.toString(16)})`);
  }
  const headerBytes = littleU64(buffer, at + 88);
  if (headerBytes < MIN_HEADER_BYTES || headerBytes > 64 * 1024) {
    throw new UnsupportedJournal(`implausible header size: ${headerBytes} bytes`);
  }
  return {
    fileId: id128(buffer, at + 24),
    machineId: id128(buffer, at + 40),
    seqnumId: id128(buffer, at + 72),
    isCompact: (flags & COMPACT) !== 0,
    isArchived: buffer[at + 16] === ARCHIVED,
    headerBytes,
    entries: littleU64(buffer, at + 152),
    tailSeqnum: littleU64(buffer, at + 160),
    headSeqnum: littleU64(buffer, at + 168),
    firstArray: littleU64(buffer, at + 176),
    headRealtime: littleU64(buffer, at + 184),
    tailRealtime: littleU64(buffer, at + 192),
  };
}

/** An id of 128 bits in hexadecimal digits. */
export const id128 = (buffer: Buffer, at: number): string => buffer.toString('hex', at, at + 16);
