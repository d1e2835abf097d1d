import { ipText } from '../base/ip-text.ts';

/** Like {@link ipText}, but an IPv4-mapped IPv6 address is shown as the IPv4 address. */
export const addressText = (bytes: Uint8Array): string => ipText(unmapped(bytes));

/** The first bytes of `::ffff:0:0/96`. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

const unmapped = (bytes: Uint8Array): Uint8Array =>
  bytes.length === 16 && MAPPED.every((byte, index) => bytes[index] === byte) ? bytes.subarray(12) : bytes;

/** Kinds of addresses. */
type AddressScope = 'global' | 'interface-local' | 'link-local' | '';

/**
 * The kind of a unicast or multicast address; loopback counts as link-local. Empty for all others: the unspecified and
 * the IPv4 broadcast address, and multicast beyond the link.
 */
export function scopeOf(address: Uint8Array): AddressScope {
  const bytes = unmapped(address);
  const [first = 0, second = 0, third = 0] = bytes;
  if (bytes.length === 4) {
    if (first === 127 || (first === 169 && second === 254)) return 'link-local';
    if (first === 224 && second === 0 && third === 0) return 'link-local';
    const none = bytes.every((byte) => byte === 0) || bytes.every((byte) => byte === 255);
    return none || (first & 0xf0) === 0xe0 ? '' : 'global';
  }
  const loopback = bytes[15] === 1 && bytes.subarray(0, 15).every((byte) => byte === 0);
  if (loopback || (first === 0xfe && (second & 0xc0) === 0x80)) return 'link-local';
  if (first === 0xff) return { 1: 'interface-local' as const, 2: 'link-local' as const }[second & 0xf] ?? '';
  return bytes.every((byte) => byte === 0) ? '' : 'global';
}
