/**
 * An address as text: dotted IPv4, IPv6 according to RFC 5952, IPv4-mapped IPv6 as the IPv4 address; empty for lengths
 * other than 4 and 16.
 */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return '';
  if (MAPPED.every((byte, index) => bytes[index] === byte)) return bytes.subarray(12).join('.');
  const groups: string[] = [];
  for (let index = 0; index < 16; index += 2) {
    groups.push((((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0)).toString(16));
  }
  // The serializer of URLs follows RFC 5952.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** The first bytes of `::ffff:0:0/96`. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Kinds of addresses. */
type Scope = 'global' | 'interface-local' | 'link-local' | '';

/**
 * The kind of a unicast or multicast address; loopback counts as link-local. Empty for all others: the unspecified and
 * the IPv4 broadcast address, and multicast beyond the link.
 */
export function scopeOf(address: Uint8Array): Scope {
  const mapped = address.length === 16 && MAPPED.every((byte, index) => address[index] === byte);
  const bytes = mapped ? address.subarray(12) : address;
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
