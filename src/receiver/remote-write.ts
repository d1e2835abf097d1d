// Prometheus remote write 1.0, as in VictoriaMetrics: https://prometheus.io/docs/specs/prw/remote_write_spec/
import { Refused } from './refused.ts';

/** One series of a request. */
interface WrittenSeries {
  /** With `__name__`. */
  readonly labels: ReadonlyMap<string, string>;
  readonly samples: readonly WrittenSample[];
}

interface WrittenSample {
  readonly value: number;
  readonly timeMs: number;
  /** A stale marker: the series ends here. */
  readonly isEnd: boolean;
}

/** The NaN that ends a series (StaleNaN of prometheus/model/value). */
const STALE_BITS = 0x7ff0000000000002n;

/** The series of a WriteRequest; other content (metadata, exemplars) is ignored. Throws {@link Refused}. */
export function readWriteRequest(message: Buffer): WrittenSeries[] {
  return [...fieldsOf(message)].filter(({ number }) => number === 1).map(({ bytes }) => seriesOf(bytes));
}

function seriesOf(message: Buffer): WrittenSeries {
  const labels = new Map<string, string>();
  const samples: WrittenSample[] = [];
  for (const { number, bytes } of fieldsOf(message)) {
    if (number === 1) {
      const [name, value] = [1, 2].map((wanted) => textOf(bytes, wanted));
      labels.set(name ?? '', value ?? '');
    } else if (number === 2) samples.push(sampleOf(bytes));
  }
  return { labels, samples };
}

const textOf = (message: Buffer, wanted: number): string =>
  [...fieldsOf(message)].find(({ number }) => number === wanted)?.bytes.toString() ?? '';

function sampleOf(message: Buffer): WrittenSample {
  let bits = 0n;
  let timeMs = 0;
  for (const { number, bytes, varint } of fieldsOf(message)) {
    if (number === 1 && bytes.length === 8) bits = bytes.readBigUInt64LE();
    if (number === 2) timeMs = Number(BigInt.asIntN(64, varint));
  }
  const value = Buffer.alloc(8);
  value.writeBigUInt64LE(bits);
  return { value: value.readDoubleLE(), timeMs, isEnd: bits === STALE_BITS };
}

interface Field {
  readonly number: number;
  /** Of a length-delimited or fixed field. */
  readonly bytes: Buffer;
  readonly varint: bigint;
}

const NONE = Buffer.alloc(0);

/** The fields of a protobuf message. */
function* fieldsOf(message: Buffer): Generator<Field> {
  const reader = new MessageReader(message);
  while (!reader.isAtEnd) {
    const tag = Number(reader.varint());
    const number = tag >>> 3;
    const kind = tag & 7;
    if (kind === 0) yield { number, bytes: NONE, varint: reader.varint() };
    else if (kind === 1) yield { number, bytes: reader.take(8), varint: 0n };
    else if (kind === 2) yield { number, bytes: reader.take(Number(reader.varint())), varint: 0n };
    else if (kind === 5) yield { number, bytes: reader.take(4), varint: 0n };
    else throw new Refused(400, `the body is not a write request: wire type ${kind}`);
  }
}

/** Decompresses the snappy block format, to at most `limit` bytes. Throws {@link Refused}. */
export function unpackSnappy(packed: Buffer, limit: number): Buffer {
  const reader = new MessageReader(packed);
  const length = Number(reader.varint());
  if (length > limit) throw new Refused(413, `the message is larger than ${limit} bytes; push it in parts`);
  const text = Buffer.alloc(length);
  let at = 0;
  while (!reader.isAtEnd) {
    const tag = reader.take(1).readUInt8();
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >>> 2;
      const size = 1 + (short < 60 ? short : reader.little(short - 59));
      if (at + size > length) throw corrupt();
      at += reader.take(size).copy(text, at);
      continue;
    }
    const size = kind === 1 ? 4 + ((tag >>> 2) & 7) : 1 + (tag >>> 2);
    const offset = kind === 1 ? ((tag >>> 5) << 8) | reader.little(1) : reader.little(kind === 2 ? 2 : 4);
    if (offset === 0 || offset > at || at + size > length) throw corrupt();
    // Byte by byte: a copy may read what it has just written.
    for (let index = 0; index < size; index++, at++) text[at] = text[at - offset] ?? 0;
  }
  if (at < length) throw corrupt();
  return text;
}

const corrupt = (): Refused => new Refused(400, 'the body is not valid snappy; nothing was stored');

/** Reads bytes in order. Throws {@link Refused} beyond the end. */
class MessageReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  take(size: number): Buffer {
    const end = this.#at + size;
    if (!(end <= this.#bytes.length)) throw new Refused(400, 'the body was cut off; nothing was stored');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** A number of `size` bytes, the lowest first. */
  little(size: number): number {
    return this.take(size).readUIntLE(0, size);
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.take(1).readUInt8();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw new Refused(400, 'the body is not a write request: a number without an end');
  }
}
