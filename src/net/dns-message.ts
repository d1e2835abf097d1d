import { ipText } from '../base/ip-text.ts';

/** Numbers of record types (IANA, DNS parameters). */
const TYPES: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  TLSA: 52,
  SVCB: 64,
  HTTPS: 65,
  SPF: 99,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
};
const TYPE_NAMES = new Map(Object.entries(TYPES).map(([name, number]) => [number, name]));

const CLASSES: Readonly<Record<string, number>> = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 };
const CLASS_NAMES = new Map(Object.entries(CLASSES).map(([name, number]) => [number, name]));

/** Response codes by number (RFC 1035, 2136). */
const RCODES: readonly string[] = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
  'YXDOMAIN',
  'YXRRSET',
  'NXRRSET',
  'NOTAUTH',
  'NOTZONE',
];

/** The number of a record type, from its name or the form `TYPE65534`. */
export function recordType(name: string): number | undefined {
  const number = /^TYPE(\d{1,5})$/.exec(name)?.[1];
  return TYPES[name] ?? (number !== undefined && Number(number) <= 0xffff ? Number(number) : undefined);
}

/** Valid names of a query's class. */
export const DNS_CLASSES: readonly string[] = Object.keys(CLASSES);

/** A query to a name server. */
export interface DnsQuestion {
  readonly id: number;
  readonly name: string;
  /** Number of the record type. */
  readonly type: number;
  /** Name of the class. */
  readonly class: string;
  readonly wantsRecursion: boolean;
}

/** A record of an answer. */
export interface DnsRecord {
  readonly type: string;
  /** In the presentation format, fields separated by tabs: name, TTL, class, type, data. */
  readonly text: string;
  /** Of a SOA. */
  readonly serial?: number;
}

/** A response, as far as a probe uses it. */
export interface DnsAnswer {
  readonly id: number;
  readonly isTruncated: boolean;
  /** Name of the response code. */
  readonly rcode: string;
  readonly answer: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
}

/** Bytes that are not a DNS message. */
export class DnsFormatError extends Error {
  override readonly name = 'DnsFormatError';
}

/** Whether `name` can be queried: labels of 1 to 63 bytes, 255 in total. */
export function isDnsName(name: string): boolean {
  const bare = name.replace(/\.$/, '');
  if (bare === '') return name === '.' || name === '';
  return (
    Buffer.byteLength(bare) <= 253 && bare.split('.').every((label) => label !== '' && Buffer.byteLength(label) <= 63)
  );
}

/** The message with the query `question`. */
export function encodeQuestion({ id, name, type, class: className, wantsRecursion }: DnsQuestion): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(wantsRecursion ? 0x0100 : 0, 2);
  header.writeUInt16BE(1, 4);
  const labels = name
    .split('.')
    .filter((label) => label !== '')
    .map((label) => Buffer.concat([Uint8Array.of(Buffer.byteLength(label)), Buffer.from(label)]));
  const tail = Buffer.alloc(5);
  tail.writeUInt16BE(type, 1);
  tail.writeUInt16BE(CLASSES[className] ?? 1, 3);
  return Buffer.concat([header, ...labels, tail]);
}

/** Reads a response. Throws {@link DnsFormatError}. */
export function decodeAnswer(message: Buffer): DnsAnswer {
  const reader = new DnsReader(message);
  const [id, flags, questions, answers, authorities, additionals] = Array.from({ length: 6 }, () => reader.u16());
  for (let index = 0; index < (questions ?? 0); index++) {
    reader.name();
    reader.skip(4);
  }
  const code = (flags ?? 0) & 0xf;
  // A truncated message may end in the middle of a section.
  const isTruncated = ((flags ?? 0) & 0x0200) !== 0;
  if (((flags ?? 0) & 0x8000) === 0) throw new DnsFormatError('a query instead of a response');
  const section = (count = 0) => reader.records(count, isTruncated);
  return {
    id: id ?? 0,
    isTruncated,
    rcode: RCODES[code] ?? `RCODE${code}`,
    answer: section(answers),
    authority: section(authorities),
    additional: section(additionals),
  };
}

/** Walks through a message. */
class DnsReader {
  readonly #message: Buffer;
  #at = 0;

  constructor(message: Buffer) {
    this.#message = message;
  }

  u16(): number {
    this.skip(2);
    return this.#message.readUInt16BE(this.#at - 2);
  }

  u32(): number {
    this.skip(4);
    return this.#message.readUInt32BE(this.#at - 4);
  }

  skip(count: number): void {
    if (this.#at + count > this.#message.length) throw new DnsFormatError('the response is truncated');
    this.#at += count;
  }

  bytes(count: number): Buffer {
    this.skip(count);
    return this.#message.subarray(this.#at - count, this.#at);
  }

  /** A name with a trailing dot; special characters are escaped as in zone files. */
  name(): string {
    let text = '';
    let at = this.#at;
    let end: number | undefined;
    for (let labels = 0; labels < 256; labels++) {
      const length = this.#message[at];
      if (length === undefined) break;
      if (length === 0) {
        this.#at = end ?? at + 1;
        return text || '.';
      }
      if (length >= 0xc0) {
        end ??= at + 2;
        at = ((length & 0x3f) << 8) | (this.#message[at + 1] ?? 0);
        continue;
      }
      text += `${escapeLabel(this.#message.subarray(at + 1, at + 1 + length))}.`;
      at += length + 1;
    }
    throw new DnsFormatError('a name in the response has no end');
  }

  records(count: number, mayEnd: boolean): DnsRecord[] {
    const records: DnsRecord[] = [];
    for (let index = 0; index < count; index++) {
      if (mayEnd && this.#at >= this.#message.length) break;
      records.push(this.#record());
    }
    return records;
  }

  #record(): DnsRecord {
    const name = this.name();
    const [number, classNumber, ttl, length] = [this.u16(), this.u16(), this.u32(), this.u16()];
    const end = this.#at + length;
    if (end > this.#message.length) throw new DnsFormatError('the response is truncated');
    const type = TYPE_NAMES.get(number) ?? `TYPE${number}`;
    const { data, serial } = this.#data(type, length);
    this.#at = end;
    const className = CLASS_NAMES.get(classNumber) ?? `CLASS${classNumber}`;
    const text = [name, ttl, className, type, data].join('\t');
    return { type, text, ...(serial !== undefined && { serial }) };
  }

  /** The data of a record in the presentation format; in that of RFC 3597 for other types. */
  #data(type: string, length: number): { readonly data: string; readonly serial?: number } {
    const start = this.#at;
    switch (type) {
      case 'A':
      case 'AAAA':
        return { data: ipText(this.bytes(length)) };
      case 'NS':
      case 'CNAME':
      case 'PTR':
      case 'DNAME':
        return { data: this.name() };
      case 'MX':
        return { data: `${this.u16()} ${this.name()}` };
      case 'SRV':
        return { data: `${this.u16()} ${this.u16()} ${this.u16()} ${this.name()}` };
      case 'SOA': {
        const names = `${this.name()} ${this.name()}`;
        const numbers = Array.from({ length: 5 }, () => this.u32());
        return { data: `${names} ${numbers.join(' ')}`, serial: numbers[0] ?? 0 };
      }
      case 'TXT':
      case 'SPF': {
        const texts: string[] = [];
        while (this.#at < start + length) texts.push(`"${escapeText(this.bytes(this.bytes(1)[0] ?? 0))}"`);
        return { data: texts.join(' ') };
      }
      case 'CAA': {
        const [flags = 0, size = 0] = this.bytes(2);
        const tag = this.bytes(size).toString('latin1');
        return { data: `${flags} ${tag} "${escapeText(this.bytes(Math.max(0, length - 2 - size)))}"` };
      }
      default:
        return { data: `\\# ${length} ${this.bytes(length).toString('hex')}` };
    }
  }
}

const escapeWith = (special: string) => (bytes: Uint8Array) => {
  let text = '';
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    if (byte < 0x20 || byte > 0x7e) text += `\\${String(byte).padStart(3, '0')}`;
    else text += special.includes(character) ? `\\${character}` : character;
  }
  return text;
};

const escapeLabel = escapeWith('."\\();@$ ');
const escapeText = escapeWith('"\\');
