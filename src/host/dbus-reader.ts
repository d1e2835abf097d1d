// Reads the values of a D-Bus message: https://dbus.freedesktop.org/doc/dbus-specification.html#message-protocol-marshaling
import { alignUp, LITTLE_ENDIAN } from './dbus-writer.ts';

/** The values of a message: structs and arrays become arrays, dictionaries arrays of pairs, variants their content. */
export type DbusValue = boolean | number | bigint | string | readonly DbusValue[];

/** Bytes that are not a D-Bus message. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

const BIG_ENDIAN = 'B'.charCodeAt(0);
/** The specification's limit for containers within containers. */
const MAX_DEPTH = 64;

/** Where values of a type start: at multiples of this. */
const ALIGNMENTS: Readonly<Record<string, number>> = {
  n: 2,
  q: 2,
  b: 4,
  i: 4,
  u: 4,
  h: 4,
  s: 4,
  o: 4,
  a: 4,
  x: 8,
  t: 8,
  d: 8,
  '(': 8,
  '{': 8,
};

/** The end of the complete type that starts at `at`. */
function typeEnd(signature: string, at: number): number {
  const code = signature[at];
  if (code === 'a') return typeEnd(signature, at + 1);
  if (code !== '(' && code !== '{') return at + 1;
  let end = at + 1;
  while (end < signature.length && signature[end] !== ')' && signature[end] !== '}') end = typeEnd(signature, end);
  if (end >= signature.length) throw new MalformedMessage(`signature ${JSON.stringify(signature)} is incomplete`);
  return end + 1;
}

/** Takes values from the bytes of a message, in its byte order. Its methods throw MalformedMessage. */
export class DbusReader {
  readonly #view: DataView;
  readonly #bytes: Buffer;
  readonly #little: boolean;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes[0] !== LITTLE_ENDIAN && bytes[0] !== BIG_ENDIAN) {
      throw new MalformedMessage(`byte order ${bytes[0]}, expected l or B`);
    }
    this.#little = bytes[0] === LITTLE_ENDIAN;
  }

  u32At(offset: number): number {
    return this.#view.getUint32(offset, this.#little);
  }

  skip(count: number): void {
    if (this.#at + count > this.#bytes.length)
      throw new MalformedMessage('the message is shorter than its header declares');
    this.#at += count;
  }

  align(size: number): void {
    this.skip(alignUp(this.#at, size) - this.#at);
  }

  /** One value for each complete type of `signature`. */
  values(signature: string, depth = 0): DbusValue[] {
    if (depth > MAX_DEPTH) throw new MalformedMessage(`containers nested more than ${MAX_DEPTH} deep`);
    const values: DbusValue[] = [];
    for (let at = 0; at < signature.length; ) {
      const end = typeEnd(signature, at);
      values.push(this.#value(signature.slice(at, end), depth));
      at = end;
    }
    return values;
  }

  #value(type: string, depth: number): DbusValue {
    const code = type[0] ?? '';
    this.align(ALIGNMENTS[code] ?? 1);
    switch (code) {
      case 'y':
        return this.#view.getUint8(this.#take(1));
      case 'b':
        return this.#u32() !== 0;
      case 'n':
        return this.#view.getInt16(this.#take(2), this.#little);
      case 'q':
        return this.#view.getUint16(this.#take(2), this.#little);
      case 'i':
        return this.#view.getInt32(this.#take(4), this.#little);
      case 'u':
      case 'h':
        return this.#u32();
      case 'x':
        return this.#view.getBigInt64(this.#take(8), this.#little);
      case 't':
        return this.#view.getBigUint64(this.#take(8), this.#little);
      case 'd':
        return this.#view.getFloat64(this.#take(8), this.#little);
      case 's':
      case 'o':
        return this.#text(this.#u32());
      case 'g':
        return this.#text(this.#view.getUint8(this.#take(1)));
      case 'v': {
        const signature = this.#text(this.#view.getUint8(this.#take(1)));
        const content = this.values(signature, depth + 1);
        if (content.length !== 1) throw new MalformedMessage(`a variant with ${content.length} values`);
        return content[0] as DbusValue;
      }
      case '(':
      case '{':
        return this.values(type.slice(1, -1), depth + 1);
      case 'a':
        return this.#array(type.slice(1), depth + 1);
      default:
        throw new MalformedMessage(`unknown type ${JSON.stringify(code)}`);
    }
  }

  #array(element: string, depth: number): DbusValue[] {
    const length = this.#u32();
    this.align(ALIGNMENTS[element[0] ?? ''] ?? 1);
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new MalformedMessage('an array exceeds its message');
    const values: DbusValue[] = [];
    while (this.#at < end) {
      const before = this.#at;
      values.push(...this.values(element, depth));
      if (this.#at === before) throw new MalformedMessage('an array without an element type');
    }
    if (this.#at !== end) throw new MalformedMessage('the last element of an array is truncated');
    return values;
  }

  #u32(): number {
    return this.#view.getUint32(this.#take(4), this.#little);
  }

  #text(length: number): string {
    const start = this.#take(length + 1);
    return this.#bytes.toString('utf8', start, start + length);
  }

  /** Advances by `count` bytes; returns where they start. */
  #take(count: number): number {
    const start = this.#at;
    this.skip(count);
    return start;
  }
}
