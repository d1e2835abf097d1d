// The message format of D-Bus: https://dbus.freedesktop.org/doc/dbus-specification.html#message-protocol-messages

/** The values of a message: structs and arrays become arrays, dictionaries arrays of pairs, variants their content. */
export type DbusValue = boolean | number | bigint | string | readonly DbusValue[];

/** A method call; all its arguments are strings, which is all that we need. */
export interface DbusCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly args: readonly string[];
}

/** A message from the other side. */
export interface DbusMessage {
  readonly kind: 'call' | 'return' | 'error' | 'signal' | 'unknown';
  readonly serial: number;
  /** The call that a return or an error belongs to. */
  readonly replySerial: number | undefined;
  readonly errorName: string | undefined;
  readonly path: string | undefined;
  readonly member: string | undefined;
  readonly body: readonly DbusValue[];
}

/** Bytes that are not a D-Bus message. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

const KINDS: Readonly<Record<number, DbusMessage['kind']>> = { 1: 'call', 2: 'return', 3: 'error', 4: 'signal' };
const FIELD = { path: 1, interface: 2, member: 3, errorName: 4, replySerial: 5, destination: 6, signature: 8 } as const;
const FIXED_HEADER = 16;
const LITTLE_ENDIAN = 'l'.charCodeAt(0);
const BIG_ENDIAN = 'B'.charCodeAt(0);
/** The specification allows 128 MiB; a list of 10,000 units takes 4 MiB. */
const MAX_MESSAGE = 32 * 2 ** 20;
/** The specification's limit for containers within containers. */
const MAX_DEPTH = 64;

/** The bytes of a method call. */
export function encodeCall(serial: number, call: DbusCall): Buffer {
  const body = new Writer();
  for (const text of call.args) body.string(text);
  const header = new Writer();
  const fields: [code: number, type: 's' | 'o' | 'g', text: string][] = [
    [FIELD.path, 'o', call.path],
    [FIELD.interface, 's', call.interface],
    [FIELD.member, 's', call.member],
    [FIELD.destination, 's', call.destination],
  ];
  if (call.args.length > 0) fields.push([FIELD.signature, 'g', 's'.repeat(call.args.length)]);
  const callKind = 1;
  const version = 1;
  header.bytes(LITTLE_ENDIAN, callKind, 0, version);
  header.u32(body.length);
  header.u32(serial);
  header.array(() => {
    for (const [code, type, text] of fields) {
      header.align(8);
      header.bytes(code);
      header.signature(type);
      if (type === 'g') header.signature(text);
      else header.string(text);
    }
  });
  header.align(8);
  return Buffer.concat([header.take(), body.take()]);
}

/**
 * The length of the message that starts with `bytes`; undefined while there are too few bytes. Throws MalformedMessage.
 */
export function messageLength(bytes: Buffer): number | undefined {
  if (bytes.length < FIXED_HEADER) return undefined;
  const reader = new Reader(bytes);
  const length = alignUp(FIXED_HEADER + reader.u32At(12), 8) + reader.u32At(4);
  if (length > MAX_MESSAGE) throw new MalformedMessage(`invalid message length: ${length} bytes`);
  return length;
}

/** Reads one whole message. Throws MalformedMessage. */
export function decodeMessage(bytes: Buffer): DbusMessage {
  const reader = new Reader(bytes);
  const serial = reader.u32At(8);
  reader.skip(12);
  const fields = new Map<number, DbusValue>();
  for (const field of reader.values('a(yv)')[0] as readonly (readonly [number, DbusValue])[]) {
    fields.set(field[0], field[1]);
  }
  reader.align(8);
  const text = (code: number): string | undefined => {
    const value = fields.get(code);
    return typeof value === 'string' ? value : undefined;
  };
  const replySerial = fields.get(FIELD.replySerial);
  return {
    kind: KINDS[bytes[1] ?? 0] ?? 'unknown',
    serial,
    replySerial: typeof replySerial === 'number' ? replySerial : undefined,
    errorName: text(FIELD.errorName),
    path: text(FIELD.path),
    member: text(FIELD.member),
    body: reader.values(text(FIELD.signature) ?? ''),
  };
}

const alignUp = (offset: number, size: number): number => Math.ceil(offset / size) * size;

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

class Reader {
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

class Writer {
  #parts: Buffer[] = [];
  length = 0;

  bytes(...bytes: number[]): void {
    this.#push(Buffer.from(bytes));
  }

  u32(value: number): void {
    this.align(4);
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    this.#push(bytes);
  }

  string(text: string): void {
    this.u32(Buffer.byteLength(text));
    this.#push(Buffer.from(`${text}\0`));
  }

  signature(text: string): void {
    this.bytes(text.length);
    this.#push(Buffer.from(`${text}\0`));
  }

  /** An array of structs: its length, padding, and what `fill` writes. */
  array(fill: () => void): void {
    this.u32(0);
    const lengthPart = this.#parts.at(-1);
    this.align(8);
    const start = this.length;
    fill();
    lengthPart?.writeUInt32LE(this.length - start);
  }

  align(size: number): void {
    this.#push(Buffer.alloc(alignUp(this.length, size) - this.length));
  }

  take(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #push(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.length += bytes.length;
  }
}
