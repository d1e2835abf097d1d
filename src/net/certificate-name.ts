import { type DerValue, derOid, derValues } from './der.ts';

/** An attribute of a distinguished name. */
interface Attribute {
  readonly oid: string;
  readonly value: string;
}

/** The attributes that Go knows by name, in the order of its `pkix.Name`. */
const KNOWN: readonly (readonly [oid: string, name: string, isSingle: boolean])[] = [
  ['2.5.4.6', 'C', false],
  ['2.5.4.8', 'ST', false],
  ['2.5.4.7', 'L', false],
  ['2.5.4.9', 'STREET', false],
  ['2.5.4.17', 'POSTALCODE', false],
  ['2.5.4.10', 'O', false],
  ['2.5.4.11', 'OU', false],
  ['2.5.4.3', 'CN', true],
  ['2.5.4.5', 'SERIALNUMBER', true],
];

const UTF8_STRING = 12;
const PRINTABLE_STRING = 19;
const BMP_STRING = 30;
/** Numeric, printable, T61, IA5: one byte per character. */
const BYTE_STRINGS = new Set([18, PRINTABLE_STRING, 20, 22]);

/**
 * A distinguished name in Go's format (`pkix.Name.String`, crypto/x509): RFC 2253, attributes in Go's own order,
 * several values of one kind joined by `+`, others as `OID=#DER`. `content` is that of the DER sequence.
 */
export function goName(content: Uint8Array): string {
  const attributes = attributesOf(content);
  const known = new Set(KNOWN.map(([oid]) => oid));
  const parts: string[] = [];
  for (const { oid, value } of attributes) if (!known.has(oid)) parts.push(`${oid}=#${derHex(value)}`);
  for (const [oid, name, isSingle] of KNOWN) {
    const values = attributes.filter((one) => one.oid === oid).map(({ value }) => `${name}=${escaped(value)}`);
    if (values.length > 0 && values.at(-1) !== `${name}=`) parts.push((isSingle ? values.slice(-1) : values).join('+'));
  }
  return parts.reverse().join(',');
}

function attributesOf(content: Uint8Array): Attribute[] {
  return derValues(content)
    .flatMap(({ content: set }) => derValues(set))
    .flatMap(({ content: pair }) => {
      const [type, value] = derValues(pair);
      const text = value && textOf(value);
      return type && text !== undefined ? [{ oid: derOid(type.content), value: text }] : [];
    });
}

function textOf({ tag, content }: DerValue): string | undefined {
  if (tag === UTF8_STRING) return Buffer.from(content).toString('utf8');
  if (BYTE_STRINGS.has(tag)) return Buffer.from(content).toString('latin1');
  if (tag === BMP_STRING && content.length % 2 === 0) return Buffer.from(content).swap16().toString('utf16le');
  return undefined;
}

/** Go encodes text as a printable string if possible, otherwise as UTF-8. */
function derHex(value: string): string {
  const bytes = Buffer.from(value);
  const tag = /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(value) ? PRINTABLE_STRING : UTF8_STRING;
  const { length } = bytes;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.from([tag, ...size]), bytes]).toString('hex');
}

const escaped = (value: string): string =>
  value
    .replaceAll(/[,+"\\<>;]/g, '\\$&')
    .replace(/^[ #]/, '\\$&')
    .replace(/(?<!^) $/, '\\ ');
