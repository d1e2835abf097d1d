import { grown } from '../../base/grown.ts';

/** A timestamp always takes six bytes, so that it can be overwritten in place. Six bytes are enough until 2109. */
const STAMP_BYTES = 6;

/**
 * The NaN that marks a series as stale (StaleNaN of prometheus/model/value). JavaScript's own NaN has different bits.
 */
const STALE_BITS = 0x7ff0000000000002n;

const NUMBER_BYTES = 8;

const SHORT_BYTES = 64;

/** The tag of the length-delimited field `field`. */
export const fieldTag = (field: number): number => (field << 3) | 2;

/** Bytes of `value` as a varint. */
export const varintBytes = (value: number): number => {
  if (value < 128) return 1;
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
};

/** Writes protobuf into one growing buffer. */
export class Bytes {
  #buffer: Buffer;
  #length = 0;

  constructor(bytes = 64 * 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
  }

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#make(1);
    this.#buffer[this.#length++] = value;
  }

  varint(value: number): void {
    this.#make(10);
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#buffer[this.#length++] = (rest % 128) | 128;
    this.#buffer[this.#length++] = rest;
  }

  raw(bytes: Buffer): void {
    this.#make(bytes.length);
    this.#length += bytes.copy(this.#buffer, this.#length);
  }

  /** The buffer, with room for `bytes` more bytes after {@link length}. Call {@link advance} after writing to it. */
  reserve(bytes: number): Buffer {
    this.#make(bytes);
    return this.#buffer;
  }

  /** Sets the new length, after a write into the reserved room. */
  advance(length: number): void {
    this.#length = length;
  }

  /** The bytes written so far, valid until the next write. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** A length-delimited field with text. */
  text(tag: number, text: string): void {
    this.byte(tag);
    const bytes = Buffer.byteLength(text);
    this.varint(bytes);
    this.#make(bytes);
    this.#length += this.#buffer.write(text, this.#length);
  }

  /** A length-delimited field. */
  field(tag: number, content: Buffer): void {
    this.byte(tag);
    this.varint(content.length);
    this.raw(content);
  }

  /**
   * A sample as a field of its series, whose tag is `tag`: Sample { double value = 1; int64 timestamp = 2; int64
   * start_timestamp = 3 }, the last only in 2.0.
   */
  sample(tag: number, value: number | 'stale', stampMs: number, startMs?: number): void {
    const bytes = sampleBytes(startMs);
    this.#make(bytes);
    const start = this.#length;
    this.#buffer[start] = tag;
    this.#buffer[start + 1] = bytes - 2;
    this.#buffer[start + 2] = (1 << 3) | 1;
    if (value === 'stale') this.#buffer.writeBigUInt64LE(STALE_BITS, start + VALUE_AT);
    else this.#buffer.writeDoubleLE(value, start + VALUE_AT);
    this.#buffer[start + VALUE_AT + NUMBER_BYTES] = 2 << 3;
    writeStamp(this.#buffer, start + STAMP_AT, stampMs);
    if (startMs !== undefined) {
      this.#buffer[start + SAMPLE_BYTES] = 3 << 3;
      writeStamp(this.#buffer, start + SAMPLE_BYTES + 1, startMs);
    }
    this.#length += bytes;
  }

  /** A copy of the bytes written so far. */
  copy(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }

  clear(): void {
    this.#length = 0;
  }

  #make(room: number): void {
    const needed = this.#length + room;
    if (needed > this.#buffer.length) this.#buffer = grown(this.#buffer, this.#length, needed);
  }
}

const VALUE_AT = 3;
/** Offset of a sample's timestamp from its tag. */
const STAMP_AT = VALUE_AT + NUMBER_BYTES + 1;
/** The length of a sample. */
export const SAMPLE_BYTES = STAMP_AT + STAMP_BYTES;

/** The length of a sample with or without the time when its counter began. */
export const sampleBytes = (startMs: number | undefined): number =>
  startMs === undefined ? SAMPLE_BYTES : SAMPLE_BYTES + 1 + STAMP_BYTES;

/** Offset from a sample's tag, and length, of its numbers: its value, a tag, its timestamp. */
export const NUMBERS_AT = VALUE_AT;
export const NUMBERS_BYTES = SAMPLE_BYTES - VALUE_AT;

/** An encoded timestamp. */
export function stampBytes(stampMs: number): Buffer {
  const bytes = Buffer.alloc(STAMP_BYTES);
  writeStamp(bytes, 0, stampMs);
  return bytes;
}

/** Overwrites the numbers at `at`; `stamp` is a timestamp encoded by {@link stampBytes}. */
export function overwriteNumbers(buffer: Buffer, at: number, value: number, stamp: Buffer): void {
  buffer.writeDoubleLE(value, at);
  let to = at + STAMP_AT - VALUE_AT;
  for (let index = 0; index < STAMP_BYTES; index++) buffer[to++] = stamp[index] as number;
}

/** Writes `value` at `at`; returns the position after it. */
export function writeVarint(buffer: Buffer, at: number, value: number): number {
  let to = at;
  let rest = value;
  for (; rest >= 128; rest >>>= 7) buffer[to++] = (rest & 127) | 128;
  buffer[to++] = rest;
  return to;
}

/** Copies `source` from `start` up to `end`, exclusive, to `at`; returns the position after it. */
export function writePart(buffer: Buffer, at: number, source: Buffer, start: number, end: number): number {
  // For few bytes, calling copy() takes longer.
  if (end - start > SHORT_BYTES) return at + source.copy(buffer, at, start, end);
  let to = at;
  for (let from = start; from < end; from++) buffer[to++] = source[from] as number;
  return to;
}

/** Writes a sample like {@link Bytes.sample}, with a timestamp encoded by {@link stampBytes}. */
export function writeSample(buffer: Buffer, at: number, tag: number, value: number, stamp: Buffer): number {
  buffer[at] = tag;
  buffer[at + 1] = SAMPLE_BYTES - 2;
  buffer[at + 2] = (1 << 3) | 1;
  numbers[0] = value;
  for (let index = 0; index < NUMBER_BYTES; index++) buffer[at + VALUE_AT + index] = numberBytes[index] as number;
  buffer[at + VALUE_AT + NUMBER_BYTES] = 2 << 3;
  for (let index = 0; index < STAMP_BYTES; index++) buffer[at + STAMP_AT + index] = stamp[index] as number;
  return at + SAMPLE_BYTES;
}

/** Every platform of Node.js has the byte order of protobuf. */
const numbers = new Float64Array(1);
const numberBytes = new Uint8Array(numbers.buffer);

/** A varint of exactly six bytes. */
function writeStamp(buffer: Buffer, at: number, stampMs: number): void {
  let rest = stampMs;
  for (let index = 0; index < STAMP_BYTES - 1; index++) {
    buffer[at + index] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  buffer[at + STAMP_BYTES - 1] = rest;
}
