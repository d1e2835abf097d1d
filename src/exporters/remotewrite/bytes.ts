/** A timestamp always takes six bytes, so that it can be overwritten in place. Six bytes are enough until 2109. */
export const STAMP_BYTES = 6;

/**
 * The NaN that marks a series as stale (StaleNaN of prometheus/model/value). JavaScript's own NaN has different bits.
 */
const STALE_BITS = 0x7ff0000000000002n;

const NUMBER_BYTES = 8;

/** The tag of the length-delimited field `field`. */
export const fieldTag = (field: number): number => (field << 3) | 2;

/** Bytes of `value` as a varint. */
export const varintBytes = (value: number): number => {
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

  /** A sample as a field of its series, whose tag is `tag`: Sample { double value = 1; int64 timestamp = 2 }. */
  sample(tag: number, value: number | 'stale', stampMs: number): void {
    this.#make(SAMPLE_BYTES);
    const start = this.#length;
    this.#buffer[start] = tag;
    this.#buffer[start + 1] = SAMPLE_BYTES - 2;
    this.#buffer[start + 2] = (1 << 3) | 1;
    if (value === 'stale') this.#buffer.writeBigUInt64LE(STALE_BITS, start + VALUE_AT);
    else this.#buffer.writeDoubleLE(value, start + VALUE_AT);
    this.#buffer[start + VALUE_AT + NUMBER_BYTES] = 2 << 3;
    writeStamp(this.#buffer, start + STAMP_AT, stampMs);
    this.#length += SAMPLE_BYTES;
  }

  /** A copy of what was written. */
  copy(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }

  clear(): void {
    this.#length = 0;
  }

  #make(room: number): void {
    if (this.#length + room <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow((this.#length + room) * 2);
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

const VALUE_AT = 3;
/** Offset of a sample's timestamp from its tag, and the length of a sample. */
export const STAMP_AT = VALUE_AT + NUMBER_BYTES + 1;
export const SAMPLE_BYTES = STAMP_AT + STAMP_BYTES;

/** Where the numbers of a sample begin, from its tag: its value, a tag, its timestamp. And how long they are. */
export const NUMBERS_AT = VALUE_AT;
export const NUMBERS_BYTES = SAMPLE_BYTES - VALUE_AT;

/** A timestamp as it is written. */
export function stampBytes(stampMs: number): Buffer {
  const bytes = Buffer.alloc(STAMP_BYTES);
  writeStamp(bytes, 0, stampMs);
  return bytes;
}

/** Overwrites the numbers that begin at `at`; the timestamp is as from {@link stampBytes}. */
export function overwriteNumbers(buffer: Buffer, at: number, value: number, stamp: Buffer): void {
  buffer.writeDoubleLE(value, at);
  let to = at + STAMP_AT - VALUE_AT;
  for (let index = 0; index < STAMP_BYTES; index++) buffer[to++] = stamp[index] as number;
}

/** A varint of exactly six bytes. */
function writeStamp(buffer: Buffer, at: number, stampMs: number): void {
  let rest = stampMs;
  for (let index = 0; index < STAMP_BYTES - 1; index++) {
    buffer[at + index] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  buffer[at + STAMP_BYTES - 1] = rest;
}
