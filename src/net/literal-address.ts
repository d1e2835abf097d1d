import { isIP } from 'node:net';

/** An IP address. */
export interface Address {
  /** Text form without brackets; IPv6 may have a zone. */
  readonly address: string;
  readonly family: 4 | 6;
}

/** The address forms that the C library accepts: up to four decimal, octal or hexadecimal numbers. */
const NUMBERS = /^(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+)){0,3}$/i;

/**
 * Parses `host` as an address, in any form that a C library accepts: `[::1]`, `127.1`, `2852039166`, `0xa9.0376.43518`.
 * Undefined for a name. Programs that treat such forms as names can be tricked into connecting to denied addresses.
 */
export function literalAddress(host: string): Address | undefined {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(bare);
  if (family === 4 || family === 6) return { address: bare, family };
  if (!NUMBERS.test(bare)) return undefined;
  // The URL parser reads all of these forms.
  const url = `http://${bare}/`;
  const found = URL.canParse(url) ? new URL(url).hostname : '';
  return isIP(found) === 4 ? { address: found, family: 4 } : undefined;
}

/** The 4 or 16 bytes of an address. */
export function addressBytes({ address, family }: Address): Uint8Array {
  if (family === 4) return Uint8Array.from(address.split('.'), Number);
  const bytes = new Uint8Array(16);
  const bare = address.replace(/%.*$/, '');
  // The URL serializer emits no dotted part.
  const text = new URL(`http://[${bare}]`).hostname.slice(1, -1);
  const [head = '', tail] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const [first, last] = [groups(head), tail === undefined ? [] : groups(tail)];
  const put = (values: readonly number[], at: number) => {
    for (const [index, value] of values.entries()) {
      bytes[at + 2 * index] = value >> 8;
      bytes[at + 2 * index + 1] = value & 0xff;
    }
  };
  put(first, 0);
  put(last, 16 - 2 * last.length);
  return bytes;
}

/** Prefixes of IPv6 addresses that lead to an IPv4 address, and the offset of that address. */
const EMBEDDING: readonly { readonly prefix: readonly number[]; readonly at: number; readonly isInverted?: boolean }[] =
  [
    // Mapped (RFC 4291), and compatible.
    { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], at: 12 },
    { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], at: 12 },
    // Translated (RFC 2765).
    { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0], at: 12 },
    // NAT64, the well-known prefix and the local one (RFC 6052, 8215).
    { prefix: [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], at: 12 },
    { prefix: [0, 0x64, 0xff, 0x9b, 0, 1], at: 12 },
    // 6to4 (RFC 3056) and Teredo (RFC 4380).
    { prefix: [0x20, 0x02], at: 2 },
    { prefix: [0x20, 0x01, 0, 0], at: 12, isInverted: true },
  ];
const ISATAP = [0x5e, 0xfe];

/** The IPv4 addresses that an IPv6 address may lead to, through translators and tunnels. */
export function embeddedIp4(bytes: Uint8Array): string[] {
  const found: string[] = [];
  for (const { prefix, at, isInverted = false } of EMBEDDING) {
    if (!prefix.every((byte, index) => bytes[index] === byte)) continue;
    const part = bytes.subarray(at, at + 4);
    found.push((isInverted ? part.map((byte) => byte ^ 0xff) : part).join('.'));
  }
  // The interface identifier of ISATAP (RFC 5214), after any prefix.
  if (ISATAP.every((byte, index) => bytes[10 + index] === byte)) found.push(bytes.subarray(12).join('.'));
  return found;
}
