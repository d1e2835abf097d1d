import { isUtf8 } from 'node:buffer';
import { zstdDecompressSync } from 'node:zlib';
import { errorCode } from '../../base/error-text.ts';
import type { FieldName, FieldNames } from './field-names.ts';
import { decodeLz4 } from './lz4.ts';
import { littleU64, MAX_JOURNAL_OBJECT_BYTES, type Window } from './window.ts';

/** One field of an entry. Its value may be any bytes; they are held as a string of one character per byte. */
export class JournalField {
  readonly name: string;
  readonly latin1: string;
  readonly isWanted: boolean;
  /** Whether other entries may have the same field. */
  readonly isShared: boolean;
  #text: string | undefined;
  #line: string | undefined;

  constructor({ text, isWanted, isShared }: FieldName, latin1: string) {
    this.name = text;
    this.latin1 = latin1;
    this.isWanted = isWanted;
    // Longer values are hardly ever shared by entries.
    this.isShared = isShared && latin1.length <= MAX_SHARED_LENGTH;
  }

  /** The value as text; bytes that are not UTF-8 are replaced. */
  get text(): string {
    this.#text ??= NOT_ASCII.test(this.latin1) ? Buffer.from(this.latin1, 'latin1').toString('utf8') : this.latin1;
    return this.#text;
  }

  /** The value as text, or its bytes when they are not UTF-8. */
  get value(): string | Uint8Array {
    if (!NOT_ASCII.test(this.latin1)) return this.latin1;
    const bytes = Buffer.from(this.latin1, 'latin1');
    return isUtf8(bytes) ? bytes.toString('utf8') : bytes;
  }

  /** `NAME=value` and a line end; undefined when the value is bytes or has several lines. Kept if the field is shared. */
  get line(): string | undefined {
    if (this.#line !== undefined) return this.#line;
    const { value } = this;
    if (typeof value !== 'string' || value.includes('\n')) return undefined;
    const line = `${this.name}=${value}\n`;
    if (this.isShared) this.#line = line;
    return line;
  }
}

const MAX_SHARED_LENGTH = 256;
const NOT_ASCII = /[\x80-\xff]/;

/** Why the value of a data object is unavailable. */
export type Unreadable = 'corrupt' | 'unsupported' | 'too large';

const DATA = 1;
const XZ = 1;
const LZ4 = 2;
const ZSTD = 4;
const EQUALS = 0x3d;
const MAX_NAME = 64;

/**
 * The field of the data object at `offset`, without its value if it is not requested. Values that are compressed with
 * xz, which Node can't decode, are `unsupported`.
 */
export function readField(
  window: Window,
  offset: number,
  isCompact: boolean,
  names: FieldNames,
): JournalField | Unreadable {
  const head = isCompact ? 72 : 64;
  if (!window.seek(offset, head)) return 'corrupt';
  if (window.buffer[window.at] !== DATA) return 'corrupt';
  const compression = (window.buffer[window.at + 1] ?? 0) & 7;
  const size = littleU64(window.buffer, window.at + 8);
  if (size <= head) return 'corrupt';
  if (size > MAX_JOURNAL_OBJECT_BYTES) return 'too large';
  if (!window.seek(offset, size)) return 'corrupt';
  const { buffer, at } = window;
  if (compression === 0) return parse(buffer, at + head, at + size, names);
  if (compression === XZ) return 'unsupported';
  const payload = unpack(buffer.subarray(at + head, at + size), compression);
  return typeof payload === 'string' ? payload : parse(payload, 0, payload.length, names);
}

function unpack(packed: Buffer, compression: number): Buffer | Unreadable {
  try {
    if (compression === ZSTD) return zstdDecompressSync(packed, { maxOutputLength: MAX_JOURNAL_OBJECT_BYTES });
    if (compression !== LZ4 || packed.length < 9) return 'corrupt';
    const size = littleU64(packed, 0);
    return size > MAX_JOURNAL_OBJECT_BYTES ? 'too large' : decodeLz4(packed.subarray(8), size);
  } catch (cause) {
    return errorCode(cause) === 'ERR_BUFFER_TOO_LARGE' ? 'too large' : 'corrupt';
  }
}

function parse(buffer: Buffer, from: number, end: number, names: FieldNames): JournalField | Unreadable {
  let equals = from;
  const last = Math.min(end, from + MAX_NAME + 1);
  while (equals < last && buffer[equals] !== EQUALS) equals++;
  if (equals === last || equals === from) return 'corrupt';
  const name = names.find(buffer, from, equals);
  if (name === undefined) return UNWANTED;
  if (!name.isWanted) return name.isShared ? UNWANTED : UNWANTED_ONCE;
  return new JournalField(name, buffer.toString('latin1', equals + 1, end));
}

const UNWANTED = new JournalField({ text: '', isWanted: false, isShared: true }, '');
const UNWANTED_ONCE = new JournalField({ text: '', isWanted: false, isShared: false }, '');
